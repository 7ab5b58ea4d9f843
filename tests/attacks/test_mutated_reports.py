"""Valid reports and withdrawals, changed field by field, signed and sealed again: every step refuses, each its own.

specs/report.md sections 5 and 7. The authority's keys are known here and the publisher's seal is nobody's secret, so
nothing hides a step.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from ownhue.encoding import base45_decode, base45_encode, cbor_encode, frame
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.params import ReportType
from ownhue.report import (
    PLAIN_BYTES,
    Report,
    ReportKey,
    ReportScan,
    ReportTokenKey,
    Withdrawal,
    check_report,
    check_secrets,
    commitment_of,
    report_message,
    split_report,
    withdrawal_message,
)
from tests.conformance.mutate import Tally, flipped, mutations
from tests.conformance.report_vectors import body
from tests.protocol.report_cases import (
    NOW,
    PUBLISHER,
    START,
    WEEK,
    Signer,
    keys,
    report,
    seal_plain,
    signer,
    token,
    withdrawal,
    withdrawal_of,
)

CONFIRMED, REVOKED = signer(), signer(ReportType.REVOKED)
TOKEN_KEYS = {by.public.key_id: by.public for by in (CONFIRMED, REVOKED)}
CONTENTS: list[Report | Withdrawal] = [report(1), report(3), report(20), withdrawal(1), withdrawal(3)]
#: An hour after the last of twenty keys has ended.
LATER = (START + 12 * 20) * 600 + 3600
COMMITMENTS = {key.data: key.commitment for key in keys(20)}


def step_of(error: OwnhueError) -> str:
    """The step that refused, told by class and words."""
    if isinstance(error, LimitError):
        return "4: limit"
    text = str(error)
    if isinstance(error, FormatError):
        early = {
            "a sealed report has": "1",
            "a frame": "3",
            "not CBOR": "3",
            "not deterministic": "3",
            "neither": "3",
            "a key of this": "3",
        }
        return next((step for words, step in early.items() if text.startswith(words)), "4")
    late = {
        "altered": "2",
        "the token key": "5",
        "the RSA signature": "6",
        "a key is too old": "7",
        "a key was not": "8",
    }
    return next(step for words, step in late.items() if text.startswith(words))


def outcome(sealed: bytes, now: int, known: dict[bytes, ReportTokenKey] = TOKEN_KEYS) -> str:
    try:
        opened, _ = check_report(sealed, PUBLISHER, known, now)
        if isinstance(opened, Withdrawal):
            check_secrets(opened, COMMITMENTS)
    except OwnhueError as error:
        return step_of(error)
    return "accepted"


def sealed(content: Any) -> bytes:
    return seal_plain(frame(cbor_encode(content), PLAIN_BYTES))


def is_number(*values: Any) -> bool:
    return all(type(value) is int for value in values)


def is_octets(value: Any, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def step_of_form(content: Any) -> str | None:
    """Steps 3 and 4 a second time: which of them refuses a map, or None."""
    if not isinstance(content, dict) or content.keys() != {"kind", "key_id", "signature", "keys"}:
        return "3"
    kind, lists = content["kind"], content["keys"]
    size = {"report": 5, "withdrawal": 2}.get(kind) if isinstance(kind, str) else None
    if (
        size is None
        or not isinstance(lists, list)
        or any(not isinstance(key, list) or len(key) != size for key in lists)
    ):
        return "3"
    token_fits = isinstance(content["signature"], bytes) and 256 <= len(content["signature"]) <= 512
    if not token_fits or not is_octets(content["key_id"], 32) or not lists:
        return "4"
    datas = [key[0] for key in lists]
    if any(not is_octets(data, 16) for data in datas) or len(set(datas)) < len(datas):
        return "4"
    fine = _are_report_keys(lists) if size == 5 else all(is_octets(secret, 32) for _, secret in lists)
    return None if fine else "4"


def _are_report_keys(lists: list[Any]) -> bool:
    end = 0
    for _, start, period, days, commitment in lists:
        if not is_number(start, period) or not (days is None or is_number(days)) or not is_octets(commitment, 32):
            return False
        if not 1 <= period <= 144 or not end <= start < 2**31 - 300 or (days is not None and abs(days) > 14):
            return False
        end = start + period
    return True


def signed_again(content: dict[str, Any], by: Signer) -> dict[str, Any]:
    """With a token of *by* for exactly these keys, as far as they make a message."""
    if step_of_form(content) is not None:
        return content
    if content["kind"] == "report":
        message = report_message([ReportKey(*key) for key in content["keys"]])
    else:
        message = withdrawal_message([key[0] for key in content["keys"]])
    return {**content, "key_id": by.public.key_id, "signature": token(message, by)}


def expected(content: Any, now: int, *, signed: bool) -> str:
    """The numbered steps a second time, for a map that was sealed well."""
    form = step_of_form(content)
    if form is not None:
        return form
    key = TOKEN_KEYS.get(content["key_id"])
    is_withdrawal = content["kind"] == "withdrawal"
    if key is None or (key.report_type == ReportType.REVOKED) != is_withdrawal:
        return "5"
    if not signed:
        return "6"
    return _late(content, now, is_withdrawal)


def _late(content: Any, now: int, is_withdrawal: bool) -> str:
    if is_withdrawal:
        return (
            "accepted" if all(COMMITMENTS.get(key) == commitment_of(value) for key, value in content["keys"]) else "8"
        )
    ends = [(key[1] + key[2]) * 600 for key in content["keys"]]
    in_time = all(now - 15 * 86_400 < end <= now // 600 * 600 + 1800 for end in ends)
    return "accepted" if in_time else "7"


def test_a_report_changed_field_by_field_and_sealed_again() -> None:
    tally, random = Tally(), Random(31)
    for content in CONTENTS:
        whole = body(content)
        assert outcome(sealed(whole), LATER) == "accepted"
        for _, mutant in mutations(whole, random, 4 if len(content.keys) > 3 else 12):
            # A secret is not part of the message: only its commitment tells that it was changed.
            same = isinstance(mutant, dict) and _message_parts(mutant) == _message_parts(whole)
            want = expected(mutant, LATER, signed=same)
            assert outcome(sealed(mutant), LATER) == want
            assert want != "accepted"
            tally.add(want)
    tally.require(["3", "4", "6"])


def _message_parts(content: dict[str, Any]) -> Any:
    """What the token depends on."""
    if content.get("kind") == "report":
        return content
    lists = content.get("keys")
    return {
        **content,
        "keys": [key[:1] for key in lists if isinstance(key, list)] if isinstance(lists, list) else lists,
    }


def test_a_report_changed_field_by_field_signed_and_sealed_again() -> None:
    tally, random = Tally(), Random(32)
    for content in CONTENTS:
        by = CONFIRMED if isinstance(content, Report) else REVOKED
        for _, mutant in mutations(body(content)["keys"], random, 1 if len(content.keys) > 3 else 3):
            again = signed_again({**body(content), "keys": mutant}, by)
            want = expected(again, LATER, signed=True)
            assert outcome(sealed(again), LATER) == want
            if want == "accepted":
                opened, _ = check_report(sealed(again), PUBLISHER, TOKEN_KEYS, LATER)
                assert body(opened) == again
            tally.add(want)
    tally.require(["3", "4", "accepted"])


def test_token_keys_and_times_that_do_not_fit() -> None:
    """What the publisher knows is changed, and when it is; and all keys together are moved in time and signed again."""
    tally, random, week = Tally(), Random(33), 604_800
    stranger = signer(ReportType.SELF_REPORT).public
    for content in CONTENTS:
        whole = body(content)
        made = sealed(whole)
        for _ in range(20):
            late = (WEEK + 3) * week + random.randrange(10**7)
            early = WEEK * week - 1 - random.randrange(10**7)
            for now, known in (
                (late, TOKEN_KEYS),
                (early, TOKEN_KEYS),
                (NOW, {stranger.key_id: stranger}),
                (NOW, {}),
            ):
                assert outcome(made, now, known) == "5"
                tally.add("5")
            if isinstance(content, Report):
                shift = random.choice((-1, 1)) * random.randrange(2500, 5000)
                moved = [[key[0], key[1] + shift, *key[2:]] for key in whole["keys"]]
                again = signed_again({**whole, "keys": moved}, CONFIRMED)
                old = (START + 12) * 600 + 15 * 86_400 + random.randrange(86_400)
                ahead = (START + 12 * len(content.keys) - 3) * 600 - 1 - random.randrange(3600)
                for data, now in ((sealed(again), LATER), (made, old), (made, ahead)):
                    assert outcome(data, now) == "7"
                    tally.add("7")
    tally.require(["5", "7"])


def test_a_sealed_report_with_any_bit_flipped_or_of_another_length() -> None:
    tally, random = Tally(), Random(34)
    for content in CONTENTS:
        made = sealed(body(content))
        for _ in range(40):
            assert outcome(flipped(made, random), LATER) == "2"
            tally.add("2")
            cut = random.randrange(len(made))
            for other in (made[:cut], made + bytes(1 + cut)):
                assert outcome(other, LATER) == "1"
                tally.add("1")
    tally.require(["1", "2"])


def test_a_frame_or_an_encoding_changed() -> None:
    tally, random = Tally(), Random(35)
    for content in CONTENTS:
        encoded = cbor_encode(body(content))
        plain = frame(encoded, PLAIN_BYTES)
        for _ in range(12):
            padded = bytearray(plain)
            padded[random.randrange(len(encoded) + 4, PLAIN_BYTES)] = random.randrange(1, 256)
            longer = frame(encoded + bytes(random.randrange(1, 9)), PLAIN_BYTES)
            cut = frame(encoded[: random.randrange(len(encoded))], PLAIN_BYTES)
            wrong_length = (len(encoded) ^ 1 << random.randrange(32)).to_bytes(4, "big") + plain[4:]
            for other in (bytes(padded), longer, cut, wrong_length):
                assert outcome(seal_plain(other), LATER) == "3"
                tally.add("3")
    tally.require(["3"])


def test_too_many_keys() -> None:
    tally = Tally()
    for extra in range(1, 45):
        lists: dict[str, Any] = {"withdrawal": [[key.data, key.commitment] for key in keys(180 + extra)]}
        if extra < 16:  # More do not even fit the frame.
            lists["report"] = [list(key) for key in keys(180 + extra)]
        for content in CONTENTS:
            whole = body(content)
            if whole["kind"] in lists:
                assert outcome(sealed({**whole, "keys": lists[whole["kind"]]}), LATER) == "4: limit"
                tally.add("4: limit")
    tally.require(["4: limit"])


def test_a_withdrawal_of_other_keys_than_its_token_and_its_commitments_allow() -> None:
    """A token for some of the keys: not for the others, not for all, not in another order, not with another secret."""
    tally, random = Tally(), Random(36)
    datas = [key.data for key in keys(20)]
    for _ in range(50):
        chosen = random.sample(datas, 4)
        subset = body(withdrawal_of(chosen))
        others = body(withdrawal_of([data for data in datas if data not in chosen][:4]))
        assert outcome(sealed(subset), LATER) == "accepted"
        for lists in (others["keys"], subset["keys"][:3], [*subset["keys"], others["keys"][0]], subset["keys"][::-1]):
            assert outcome(sealed({**subset, "keys": lists}), LATER) == "6"
            tally.add("6")
        for at in range(4):
            wrong = [list(key) for key in subset["keys"]]
            wrong[at][1] = flipped(wrong[at][1], random)
            assert outcome(sealed({**subset, "keys": wrong}), LATER) == "8"
            tally.add("8")
    tally.require(["6", "8"])


# The sequence of QR codes, specs/report.md section 7


def scan_step(texts: list[str]) -> str:
    """The step of section 7 that refuses a sequence, or "complete"."""
    scan = ReportScan()
    try:
        for text in texts:
            scan = scan.add(text)
        scan.sealed()
    except LimitError:
        return "1: limit"
    except FormatError:
        return "1"
    except VerificationError as error:
        return "3" if "another report" in str(error) else "5"
    except OwnhueError:
        return "4"
    return "complete"


def part_with(text: str, change: Callable[[bytes], bytes]) -> str:
    return "OWNR1:" + base45_encode(change(base45_decode(text[6:])))


def test_a_sequence_with_one_part_changed_is_never_another_report() -> None:
    tally, random = Tally(), Random(37)
    made = [split_report(sealed(body(content))) for content in CONTENTS]
    for number, texts in enumerate(made):
        for _ in range(25):
            at = random.randrange(16)
            rest = [*texts[:at], *texts[at + 1 :]]
            random.shuffle(rest)
            assert scan_step([*rest, texts[at], random.choice(texts)]) == "complete"
            head = part_with(texts[at], lambda data: flipped(data[:10], random) + data[10:])
            chunk = part_with(texts[at], lambda data: data[:10] + flipped(data[10:], random))
            letter = random.randrange(6, 1151)
            spoilt = texts[at][:letter] + random.choice("az_\n") + texts[at][letter + 1 :]
            for want, sequence in (
                ("1", [*rest, spoilt]),
                ("1: limit", [*rest, texts[at] + "0"]),
                ("3", [*rest, made[number - 1][at]]),
                ("3", [*texts, chunk]),
                ("4", rest),
                ("5", [*rest, chunk]),
            ):
                assert scan_step(sequence) == want
                tally.add(want)
            assert scan_step([*rest, head]) in ("1", "3")
    tally.require(["1", "1: limit", "3", "4", "5"])
