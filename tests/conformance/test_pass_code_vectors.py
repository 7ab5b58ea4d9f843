"""The vectors of passes, codes, tickets, reports, regions and encodings: read as another implementation would.

Published values of others are compared with the published files; the specs' examples with the vectors.
"""

import json
import re
from typing import Any

import pytest

from ownhue.conformance.operations import answer, operations_of
from ownhue.conformance.vectors import Case, VectorFile, parse_vectors
from ownhue.verify import Refusal
from tests.shared import SPECS, shared_path

NAMES = (
    "claim-code",
    "code",
    "device",
    "encoding",
    "pass",
    "region",
    "report",
    "rfc9474",
    "rfc9578",
    "ticket",
)


def vectors(name: str) -> VectorFile:
    return parse_vectors((SPECS / f"vectors/{name}.json").read_bytes())


CASES = [(name, case) for name in NAMES for case in vectors(name).cases]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_a_case_comes_out_as_written(name: str, case: Case) -> None:
    said = answer(operations_of(vectors(name).format), case)
    assert said.supported
    assert case.judge(said), str(said)


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_of_a_format_has_a_case(name: str) -> None:
    file = vectors(name)
    used = {case.operation for other in NAMES for case in vectors(other).cases if vectors(other).format == file.format}
    if file.format in ("pass", "blind-rsa"):
        # The operations of RFC 9474 are common to both.
        used |= {case.operation for other in ("pass", "rfc9474", "rfc9578") for case in vectors(other).cases}
    assert operations_of(file.format).keys() <= used


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"rfc9474", "rfc9578"}))
def test_there_are_valid_and_invalid_cases(name: str) -> None:
    errors = {case.expected.error for case in vectors(name).cases}
    assert None in errors
    assert len(errors) > 1


def test_every_refusal_has_a_case_and_every_step_a_word() -> None:
    refused = {case.expected.error for case in vectors("code").cases if case.operation == "verify_code"}
    assert refused - {None} == {f"CodeRefused:{refusal.value}" for refusal in Refusal}
    assert {refusal.step for refusal in Refusal} == set(range(1, 12))


def test_the_table_of_steps_in_the_spec_is_the_one_that_is_checked() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| `([a-z-]+)` \|$", (SPECS / "code.md").read_text("utf-8"), re.MULTILINE)
    assert {(int(step), word) for step, word in rows} == {(refusal.step, refusal.value) for refusal in Refusal}


def output(name: str, case_name: str) -> dict[str, Any]:
    (case,) = (case for case in vectors(name).cases if case.name == case_name)
    return {**case.input, **case.expected.output}


def test_the_examples_of_the_specs_are_those_of_the_vectors() -> None:
    code_spec, pass_spec = ((SPECS / name).read_text("utf-8") for name in ("code.md", "pass.md"))
    code = output("code", "read: green, against the newest tree head")
    challenge = output("code", "challenge: written")["text"]
    said = code["statement"]
    shown = (code["key_id"], code["public_key"], code["statement_bytes"], said["root_prefix"], code["signature"][:8])
    for part in (code["text"][:90], *shown, str(said["time"]), challenge):
        assert part in code_spec
    message = output("pass", "message")["token_input"]
    for part in (message[:4], message[4:68], message[68:132], message[132:]):
        assert f"\n{part} " in pass_spec


def test_the_typed_vectors_are_those_of_the_published_file() -> None:
    published = json.loads(shared_path("vectors/rfc9474.json").read_bytes())
    cases = {case.name: {**case.input, **case.expected.output} for case in vectors("rfc9474").cases}
    assert len(cases) == 5 * len(published)
    for theirs in published:
        value = {name: text.removeprefix("0x") for name, text in theirs.items() if isinstance(text, str)}
        steps = {step: cases[f"{theirs['name']}: {step}"] for step in ("prepare", "blind", "blind sign", "finalize")}
        assert steps["prepare"]["message"] == value["msg_prefix"] + value["msg"]
        assert steps["blind"]["message"] == value["msg_prefix"] + value["msg"]
        named = {"salt": "salt", "inverse": "inv", "blinded": "blinded_msg"}
        assert {ours: steps["blind"][ours] for ours in named} == {ours: value[name] for ours, name in named.items()}
        named = {"p": "p", "q": "q", "blind_signature": "blind_sig"}
        assert {ours: steps["blind sign"][ours] for ours in named} == {
            ours: value[name] for ours, name in named.items()
        }
        assert steps["finalize"]["signature"] == value["sig"]
        assert int(steps["finalize"]["n"], 16) == int(value["p"], 16) * int(value["q"], 16)
