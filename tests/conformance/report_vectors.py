"""The cases of specs/vectors/report.json: messages, token keys, sealed reports, their files and QR codes, checks.

Messages are computed from hand-made CBOR, sealed reports by a second implementation; what is expected of an invalid
case is written here by hand.
"""

import hmac
from hashlib import sha256
from typing import Any

from ownhue.encoding import cbor_encode, frame
from ownhue.params import ReportType
from ownhue.report import (
    PLAIN_BYTES,
    Report,
    ReportKey,
    Withdrawal,
    report_keys_body,
    report_message,
)
from tests.conformance.expected import Case, bad, good
from tests.conformance.scripted import Stream, flip
from tests.protocol.report_cases import (
    NOW,
    PHONE_SECRET,
    PUBLISHER,
    PUBLISHER_KEY,
    START,
    WEEK,
    keys,
    report,
    seal_plain,
    signer,
    token,
    withdrawal,
    withdrawal_of,
)

REPORT, WITHDRAWAL = report(), withdrawal()
PRIVATE = bytes(PUBLISHER).hex()
#: A commitment that is nobody's.
BLANK = bytes(32).hex()


def report_cases() -> list[Case]:
    """All cases but those of files and QR codes."""
    return [
        *_messages(),
        *_wrong_keys(),
        *_withdrawals(),
        *_token_keys(),
        *_weeks(),
        *_sealed(),
        *_not_opened(),
        *_checked(),
        *_not_checked(),
        *_secrets(),
    ]


def listed(content: Report | Withdrawal) -> dict[str, Any]:
    """A report or withdrawal as vectors hold it."""
    return {
        "kind": "report" if isinstance(content, Report) else "withdrawal",
        "key_id": content.key_id.hex(),
        "signature": content.signature.hex(),
        "keys": [_key(key) for key in content.keys],
    }


def body(content: Report | Withdrawal) -> dict[str, Any]:
    """The map that is sealed."""
    kind = "report" if isinstance(content, Report) else "withdrawal"
    lists = [list(key) for key in content.keys]
    return {"kind": kind, "key_id": content.key_id, "signature": content.signature, "keys": lists}


def sealed(content: Any) -> str:
    """A map, framed and sealed."""
    return seal_plain(frame(cbor_encode(content), PLAIN_BYTES)).hex()


def _key(key: Any) -> list[Any]:
    return [part.hex() if isinstance(part, bytes) else part for part in key]


def _messages() -> list[Case]:
    one = keys(1)[0]
    # An array of one array of five: 16 bytes, u32, 12, -1, 32 bytes.
    encoded = b"\x81\x85\x50" + one.data + b"\x1a" + START.to_bytes(4, "big") + b"\x0c\x20\x58\x20" + one.commitment
    message = sha256(b"OWNHUE-REPORT" + encoded).hexdigest()
    silent = one._replace(days_since_onset=None)
    unsaid = sha256(b"OWNHUE-REPORT" + encoded.replace(b"\x0c\x20\x58", b"\x0c\xf6\x58")).hexdigest()
    three, most = REPORT.keys, keys(180)
    return [
        good("message of one key", "report_message", {"message": message}, keys=[_key(one)]),
        good("message without an onset", "report_message", {"message": unsaid}, keys=[_key(silent)]),
        good(
            "message of three keys",
            "report_message",
            {"message": report_message(three).hex()},
            keys=list(map(_key, three)),
        ),
        good(
            "message of 180 keys", "report_message", {"message": report_message(most).hex()}, keys=list(map(_key, most))
        ),
        bad("message of 181 keys", "report_message", "LimitError", keys=list(map(_key, keys(181)))),
        bad("message of no key", "report_message", keys=[]),
    ]


def _wrong_keys() -> list[Case]:
    one, two = keys(2)
    wrong: dict[str, list[ReportKey]] = {
        "a key of 15 bytes": [one._replace(data=one.data[1:])],
        "a period of 0": [one._replace(rolling_period=0)],
        "a period of 145": [one._replace(rolling_period=145)],
        "a start below zero": [one._replace(rolling_start=-1)],
        "a start that is true": [one._replace(rolling_start=True)],
        "15 days before onset": [one._replace(days_since_onset=-15)],
        "15 days after onset": [one._replace(days_since_onset=15)],
        "a commitment of 31 bytes": [one._replace(commitment=one.commitment[1:])],
        "keys in the wrong order": [two, one],
        "keys that overlap": [one._replace(rolling_period=13), two],
        "a key twice": [one, two._replace(data=one.data)],
    }
    return [bad(f"message: {name}", "report_message", keys=list(map(_key, found))) for name, found in wrong.items()]


def _withdrawals() -> list[Case]:
    data = keys(2)[1].data
    message = sha256(b"OWNHUE-WITHDRAWAL\x81\x50" + data).hexdigest()
    extracted = hmac.digest(bytes(32), PHONE_SECRET, "sha256")
    secret = hmac.digest(extracted, b"OWNHUE-WITHDRAW" + data + b"\x01", "sha256")
    told = {"secret": secret.hex(), "commitment": sha256(secret).hexdigest()}
    many = [key.data.hex() for key in keys(181)]
    return [
        good("withdrawal of one key", "withdrawal_message", {"message": message}, keys=[data.hex()]),
        bad("withdrawal of no key", "withdrawal_message", keys=[]),
        bad("withdrawal of a key twice", "withdrawal_message", keys=[data.hex(), data.hex()]),
        bad("withdrawal of a short key", "withdrawal_message", keys=[data.hex()[2:]]),
        bad("withdrawal of 181 keys", "withdrawal_message", "LimitError", keys=many),
        good("secret", "withdrawal_secret", told, phone_secret=PHONE_SECRET.hex(), key=data.hex()),
    ]


def _token_keys() -> list[Case]:
    listed_keys = [signer(), signer(ReportType.REVOKED), signer(ReportType.CONFIRMED_TEST, WEEK + 1)]
    whole = report_keys_body([by.public for by in listed_keys])
    first, second, third = whole["keys"]
    told = [
        {"report_type": int(by.public.report_type), "week": by.public.week, "key_id": by.public.key_id.hex()}
        for by in listed_keys
    ]
    wrong: dict[str, Any] = {
        "two keys for one type and week": {"keys": [first, {**second, "report_type": 1}]},
        "one key for two weeks": {"keys": [first, {**first, "week": WEEK + 1}]},
        "not in order": {"keys": [second, first]},
        "report type 6": {"keys": [{**first, "report_type": 6}]},
        "report type true": {"keys": [{**first, "report_type": True}]},
        "a week of 33 bits": {"keys": [{**first, "week": 2**32}]},
        "a padded key": {"keys": [{**first, "spki": first["spki"] + "="}]},
        "an unknown member of a key": {"keys": [{**third, "note": ""}]},
        "an unknown member": {**whole, "note": ""},
        "not a list": {"keys": {}},
    }
    return [
        good("token keys of two types and two weeks", "report_keys", told, body=whole),
        good("no token key", "report_keys", [], body={"keys": []}),
        *[bad(f"token keys: {name}", "report_keys", body=found) for name, found in wrong.items()],
        bad("token keys: 65", "report_keys", "LimitError", body={"keys": [None] * 65}),
    ]


def _weeks() -> list[Case]:
    now = WEEK * 604_800
    edges = {
        "this week's": (WEEK, now, WEEK, True),
        "two weeks old": (WEEK, now + 3 * 604_800 - 1, WEEK + 2, True),
        "three weeks old": (WEEK, now + 3 * 604_800, WEEK + 3, False),
        "next week's": (WEEK, now - 1, WEEK - 1, False),
    }
    return [
        good(f"token {name}", "accepted_week", {"week_of_now": this, "accepted": yes}, week=week, now=at)
        for name, (week, at, this, yes) in edges.items()
    ]


def _sealed() -> list[Case]:
    ephemeral = Stream("ephemeral")(32).hex()
    cases = []
    for content in (REPORT, WITHDRAWAL):
        made, name = sealed(body(content)), listed(content)["kind"]
        told = listed(content) | {"message": content.message().hex()}
        cases.append(good(f"a {name} is opened", "open_sealed", told, sealed=made, private_key=PRIVATE))
    asked: dict[str, Any] = {"content": listed(REPORT), "publisher_key": PUBLISHER_KEY.hex(), "ephemeral": ephemeral}
    return [
        *cases,
        good("a report is sealed", "seal", {"sealed": sealed(body(REPORT))}, **asked),
        bad("sealed to a key of 31 bytes", "seal", **asked | {"publisher_key": PUBLISHER_KEY.hex()[2:]}),
        bad("sealed to a key of zeros", "seal", **asked | {"publisher_key": BLANK}),
    ]


def _not_opened() -> list[Case]:
    plain = cbor_encode(body(REPORT))
    whole = sealed(body(REPORT))
    longer = plain.replace(b"\x0c\x20", b"\x18\x0c\x20", 1)
    many = {**body(WITHDRAWAL), "keys": [[key.data, bytes(32)] for key in keys(181)]}
    wrong = {
        "one byte less": (whole[2:], "FormatError"),
        "nothing": ("", "FormatError"),
        "one bit": (flip(bytes.fromhex(whole), 40_000).hex(), "VerificationError"),
        "a bit of the sender's key": (flip(bytes.fromhex(whole), 96_300).hex(), "VerificationError"),
        "a number in a longer spelling": (seal_plain(frame(longer, PLAIN_BYTES)).hex(), "FormatError"),
        "a fifth field": (sealed({**body(REPORT), "phone": b""}), "FormatError"),
        "181 keys": (sealed(many), "LimitError"),
    }
    other = bytes(range(2, 34)).hex()
    return [
        *[
            bad(f"not opened: {name}", "open_sealed", error, sealed=found, private_key=PRIVATE)
            for name, (found, error) in wrong.items()
        ],
        bad("not opened: by another publisher", "open_sealed", "VerificationError", sealed=whole, private_key=other),
    ]


def _known(*by: Any) -> dict[str, Any]:
    return report_keys_body([one.public for one in by])


ALL_KEYS = _known(signer(), signer(ReportType.REVOKED))


def _checked() -> list[Case]:
    subset = withdrawal_of([keys(3)[1].data])
    cases: dict[str, tuple[Report | Withdrawal, int]] = {
        "a report": (REPORT, NOW),
        "a report in the second week after": (REPORT, (START + 12) * 600 + 15 * 86_400 - 1),
        "a report whose newest key ends in 20 minutes": (REPORT, (START + 33) * 600),
        "a withdrawal": (WITHDRAWAL, NOW),
        "a withdrawal of one key of three": (subset, NOW),
    }
    return [
        good(
            f"checked: {name}",
            "check_report",
            {"report_type": 1 if isinstance(content, Report) else 5, "week": WEEK},
            content=listed(content),
            report_keys=ALL_KEYS,
            now=now,
        )
        for name, (content, now) in cases.items()
    ]


def _not_checked() -> list[Case]:
    only_part = listed(REPORT) | {"keys": listed(REPORT)["keys"][:2]}
    other_onset = listed(Report(REPORT.key_id, REPORT.signature, (REPORT.keys[0]._replace(days_since_onset=3),)))
    revoked = signer(ReportType.REVOKED)
    as_report = listed(Report(revoked.public.key_id, token(REPORT.message(), revoked), REPORT.keys))
    as_withdrawal = listed(WITHDRAWAL) | {
        "key_id": signer().public.key_id.hex(),
        "signature": token(WITHDRAWAL.message(), signer()).hex(),
    }
    subset = listed(withdrawal_of([keys(3)[1].data])) | {"keys": listed(WITHDRAWAL)["keys"]}
    cases: dict[str, tuple[Any, Any, int]] = {
        "a token key that is not known": (listed(REPORT), _known(signer(ReportType.REVOKED)), NOW),
        "a token of three weeks ago": (listed(WITHDRAWAL), ALL_KEYS, (WEEK + 3) * 604_800),
        "a token of next week": (listed(WITHDRAWAL), ALL_KEYS, WEEK * 604_800 - 1),
        "a report under a key for withdrawals": (as_report, ALL_KEYS, NOW),
        "a withdrawal under a key for reports": (as_withdrawal, ALL_KEYS, NOW),
        "fewer keys than the token allows": (only_part, ALL_KEYS, NOW),
        "another onset": (other_onset, ALL_KEYS, NOW),
        "a token of zeros": (listed(REPORT) | {"signature": "00" * 256}, ALL_KEYS, NOW),
        "a token of 257 bytes": (listed(REPORT) | {"signature": "00" + REPORT.signature.hex()}, ALL_KEYS, NOW),
        "a withdrawal of more keys than the token allows": (subset, ALL_KEYS, NOW),
        "a key that ended 15 days ago": (listed(REPORT), ALL_KEYS, (START + 12) * 600 + 15 * 86_400),
        "a key that ends in 30 minutes": (listed(REPORT), ALL_KEYS, (START + 33) * 600 - 1),
    }
    return [
        bad(f"not checked: {name}", "check_report", "VerificationError", content=content, report_keys=known, now=now)
        for name, (content, known, now) in cases.items()
    ]


def _secrets() -> list[Case]:
    reported = {key.data.hex(): key.commitment.hex() for key in keys(3)}
    first = keys(1)[0].data.hex()
    subset = listed(withdrawal_of([keys(3)[1].data]))
    whole = listed(WITHDRAWAL)
    return [
        good("secrets of all keys", "check_secrets", {}, content=whole, commitments=reported),
        good("secrets of one key of three", "check_secrets", {}, content=subset, commitments=reported),
        bad(
            "secrets of a key that nobody reported",
            "check_secrets",
            "VerificationError",
            content=whole,
            commitments={key: value for key, value in reported.items() if key != first},
        ),
        bad(
            "secrets of somebody else's key",
            "check_secrets",
            "VerificationError",
            content=whole,
            commitments={**reported, first: BLANK},
        ),
    ]
