"""specs/vectors/pass.json and code.json: written by their generator, and read as another implementation would."""

import json
import re
from typing import Any

import pytest

from ownhue import errors
from ownhue.blind_rsa import blind_sign, pss_spki
from ownhue.code import decode_code, encode_code
from ownhue.device import open_request
from ownhue.encoding import cbor_decode
from ownhue.passes import EpochKey, EpochList, finish_pass, request_pass, token_challenge, token_input, verify_pass
from ownhue.ticket import Ticket, open_ticket
from ownhue.verify import CheckpointView, CodeRefused, Refusal, Seen, Verdict, verify_code
from tests.conformance.generate_pass_code import files
from tests.conformance.scripted import Script, Stream, private_key_of
from tests.shared import SPECS

PASS: dict[str, Any] = json.loads((SPECS / "vectors/pass.json").read_bytes())
CODE: dict[str, Any] = json.loads((SPECS / "vectors/code.json").read_bytes())


def by_name(case: dict[str, Any]) -> str:
    return str(case["name"])


def error(case: dict[str, Any]) -> type[Exception]:
    found = getattr(errors, case["expected"])
    assert issubclass(found, errors.OwnhueError)
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["vectors/pass.json", "vectors/code.json"])
def test_the_generator_writes_the_committed_file(name: str) -> None:
    assert (SPECS / name).read_bytes() == files()[name]


def test_the_pass_is_made_with_these_intermediate_values() -> None:
    valid = {name: bytes.fromhex(value) for name, value in PASS["valid"].items()}
    private = private_key_of(int(PASS["key"]["p"], 16), int(PASS["key"]["q"], 16))
    key = EpochKey(PASS["epoch"], bytes.fromhex(PASS["spki"]))
    assert pss_spki(private.public_key()) == key.spki
    assert key.key_id.hex() == PASS["key_id"]
    assert token_challenge(PASS["issuer"], PASS["epoch"]) == valid["token_challenge"]
    assert token_input(valid["public_key"], valid["token_challenge"], key.key_id) == valid["token_input"]

    script = Script(valid["seed"], valid["salt"], valid["blinding_factor"])
    request = request_pass(PASS["issuer"], key, script)
    assert script.used_up
    assert request.blinded == valid["blinded"]
    answer = blind_sign(private, request.blinded, Stream("another base blinding gives the same answer"))
    assert answer == valid["blind_signature"]
    made = finish_pass(request, PASS["issuer"], key, answer)
    assert (made.public_key, made.signature) == (valid["public_key"], valid["signature"])


@pytest.mark.parametrize("case", PASS["invalid"], ids=by_name)
def test_an_invalid_pass_is_refused(case: dict[str, Any]) -> None:
    key = EpochKey(case["epoch"], bytes.fromhex(case["spki"]))
    with pytest.raises(error(case)):
        verify_pass(case["issuer"], key, bytes.fromhex(case["public_key"]), bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("case", PASS["invalid_keys"], ids=by_name)
def test_an_invalid_epoch_key_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(error(case)):
        EpochKey(PASS["epoch"], bytes.fromhex(case["spki"]))


@pytest.mark.parametrize("case", PASS["invalid_lists"], ids=by_name)
def test_an_invalid_list_of_epoch_keys_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(error(case)):
        EpochList.from_body(case["body"])


def test_the_ticket_opens() -> None:
    ticket = PASS["ticket"]
    opened = open_ticket(ticket["text"], bytes.fromhex(ticket["verify_key"]), ticket["now"])
    assert opened == Ticket(bytes.fromhex(ticket["nonce"]), ticket["expires"])


@pytest.mark.parametrize("case", PASS["ticket"]["invalid"], ids=by_name)
def test_an_invalid_ticket_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(errors.OwnhueError) as raised:
        open_ticket(case["text"], bytes.fromhex(PASS["ticket"]["verify_key"]), case["now"])
    assert type(raised.value) is error(case)


def test_the_request_opens() -> None:
    request = PASS["request"]
    unsigned = cbor_decode(bytes.fromhex(request["unsigned"]))
    body = {**unsigned, "signature": bytes.fromhex(request["signature"])}
    device = open_request(request["purpose"].encode(), body, unsigned["time"], 0)
    assert device.hex() == request["device"]


def checkpoint() -> CheckpointView:
    known = CODE["view"]
    return CheckpointView(
        issuer_name=known["issuer"],
        epochs=EpochList.from_body({"issuer": known["issuer"], "epochs": known["epochs"]}).by_short_id,
        heads={head["size"]: (bytes.fromhex(head["root"]), head["time"]) for head in known["heads"]},
        rulebook_version=known["rulebook_version"],
        signed_time=known["signed_time"],
        max_age_seconds=known["max_age_seconds"],
    )


@pytest.mark.parametrize("case", CODE["valid"], ids=by_name)
def test_a_valid_code_is_read_and_accepted(case: dict[str, Any]) -> None:
    code = decode_code(case["text"])
    assert encode_code(code) == case["text"]
    assert code.to_bytes().hex() == case["array"]
    assert code.statement.to_bytes().hex() == case["statement"]
    assert code.signed_message().hex() == case["signed_message"]
    verdict = verify_code(case["text"], checkpoint(), case["now"], bytes.fromhex(case["challenge"]))
    assert verdict == Verdict(**case["verdict"])


@pytest.mark.parametrize("case", CODE["invalid"], ids=by_name)
def test_an_invalid_code_is_refused_with_its_word_and_step(case: dict[str, Any]) -> None:
    gate = Seen(refuse_same=True)
    for text in case["accepted_before"]:
        verify_code(text, checkpoint(), case["now"], seen=gate)
    with pytest.raises(CodeRefused) as raised:
        verify_code(case["text"], checkpoint(), case["now"], bytes.fromhex(case["challenge"]), gate)
    assert (raised.value.refusal, raised.value.step) == (case["refusal"], case["step"])


def test_every_refusal_and_every_step_has_a_case() -> None:
    assert {case["refusal"] for case in CODE["invalid"]} == {refusal.value for refusal in Refusal}
    assert {case["step"] for case in CODE["invalid"]} == set(range(1, 12))


def test_the_table_of_steps_in_the_spec_is_the_one_that_is_checked() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| `([a-z-]+)` \|$", (SPECS / "code.md").read_text("utf-8"), re.MULTILINE)
    assert {(int(step), word) for step, word in rows} == {(refusal.step, refusal.value) for refusal in Refusal}


def test_the_examples_of_the_specs_are_those_of_the_vectors() -> None:
    code_spec, pass_spec = ((SPECS / name).read_text("utf-8") for name in ("code.md", "pass.md"))
    example = CODE["valid"][0]
    code = decode_code(example["text"])
    shown = (code.key_id.hex(), code.public_key.hex(), example["statement"], code.statement.root_prefix.hex())
    for part in (example["text"][:90], *shown, code.signature.hex()[:8], str(code.statement.time)):
        assert part in code_spec
    message = PASS["valid"]["token_input"]
    for part in (message[:4], message[4:68], message[68:132], message[132:]):
        assert f"\n{part} " in pass_spec
