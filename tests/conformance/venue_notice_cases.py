"""Cases for specs/vectors/venue.json about offers, notices, notice files and matching.

Outputs are computed by tests/protocol/venue_second_opinion.py; seconds are counted by hand.
"""

import re
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.venue_cases import KEYS, digest
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY,
    BATCH,
    CERTIFICATE,
    DAY,
    FIELDS,
    HOUR,
    PAYLOAD,
    POSTER,
    PUBLISHED,
    REASON,
    REGION,
    SAID,
    STRANGER,
    TRACE,
    TRACE_KEY,
    VENUE,
    content,
    filler,
    notice_file,
    poster_with,
    record,
)

Pieces = list[str | int]
SPAN = ((HOUR + 600, HOUR + 3600), (HOUR + 3600, HOUR + 4200))
TAG = second.tag(PAYLOAD, HOUR).hex()


def offer_cases() -> list[Case]:
    """Offers: made, opened, refused at each step of specs/venue.md section 6."""
    times = [
        [start, end, second.owner_signature(TRACE, PAYLOAD, start - start % 3600, REGION, start, end, "indoor", REASON)]
        for start, end in SPAN
    ]
    parts = {"format": "ownhue-offer-1", "poster": POSTER, "trace": TRACE_KEY, "rule": "indoor", "reason": REASON}

    def offer(**changes: Any) -> bytes:
        return second.cbor(list((parts | {"times": times} | changes).values()))

    def refused(name: str, data: bytes, error: str = "VerificationError", **changes: Any) -> Case:
        return bad(f"offer: {name}", "open_offer", error, **_asked(data) | changes)

    asked = {"rule": "indoor", "reason": REASON, "start": HOUR + 600, "end": HOUR + 4200}
    seeds = {"poster": POSTER.hex(), "venue_seed": VENUE.hex(), "trace_seed": TRACE.hex()}
    opened = {
        "trace_key": TRACE_KEY.hex(),
        "notices": [{"start": start, "end": end, "rule": "indoor", "reason": REASON} for start, end in SPAN],
        "marks": [second.mark(PAYLOAD, HOUR).hex(), second.mark(PAYLOAD, HOUR + 3600).hex()],
    }
    stranger = seeds | asked | {"trace_seed": STRANGER.hex()}
    records = [record(hour=start - start % 3600, start=start, end=end).hex() for start, end in SPAN]
    sealing = {"batch": BATCH, "authority_seed": AUTHORITY.hex()}
    return [
        good("offer: of an hour and a part", "make_offer", offer().hex(), **seeds | asked),
        bad("offer: of nothing", "make_offer", "LimitError", **seeds | asked | {"end": HOUR + 600}),
        bad(
            "offer: of another owner",
            "make_offer",
            "VerificationError",
            **stranger,
        ),
        good("offer: opened", "open_offer", opened, **_asked(offer())),
        good("offer: sealed", "seal_offer", records, **_asked(offer()) | sealing),
        bad("offer: sealed by mistake", "seal_offer", "VerificationError", **_asked(offer(trace=VENUE)) | sealing),
        refused("longer than an offer may be", bytes(8193), "LimitError"),
        refused("of another format", offer(format="ownhue-offer-2"), "FormatError"),
        refused("out of order", offer(times=times[::-1]), "FormatError"),
        refused("with two notices of an hour", offer(times=[times[0], times[0]]), "FormatError"),
        refused("without notices", offer(times=[]), "LimitError"),
        refused("with a poster that is none", offer(poster=POSTER[1:]), "FormatError"),
        refused("of another region", offer(), region="elsewhere"),
        refused("with a poster that was not valid yet", offer(poster=poster_with(valid_from=HOUR + 601))),
        refused("with a poster that had expired", offer(poster=poster_with(valid_until=HOUR + 4198))),
        refused("with another trace key", offer(trace=second.public(STRANGER))),
        refused("with a signature of another hour", offer(times=[times[0], [*SPAN[1], times[0][2]]])),
        refused("of the future", offer(), now=HOUR + 4199),
    ]


def _asked(data: bytes) -> dict[str, Any]:
    return {"offer": data.hex(), "region": REGION, "authority_keys": KEYS, "now": PUBLISHED}


def notice_cases() -> list[Case]:
    """Notices: sealed, opened, refused at each step of specs/venue.md section 9."""
    seeds = {"trace_seed": TRACE.hex(), "authority_seed": AUTHORITY.hex()}

    def sealed(name: str, **said: Any) -> Case:
        output = _signatures(**said) | {"record": record(**said).hex()}
        question = {"payload": PAYLOAD.hex(), "region": REGION, "batch": BATCH, "notice": SAID | said}
        return good(f"notice: {name}", "seal_notice", output, **question, **seeds)

    def opened(name: str, **said: Any) -> Case:
        output = _signatures(**said) | {"notice": SAID | said}
        return good(f"notice: {name}", "open_notice", output, **_open(record(**said)))

    def refused(name: str, data: bytes, word: str, **changes: Any) -> Case:
        return bad(f"notice: {name}", "open_notice", f"NoticeRefused:{word}", **_open(data) | changes)

    def wrong(name: str, error: str = "FormatError", **said: Any) -> Case:
        question = {"payload": PAYLOAD.hex(), "region": REGION, "batch": BATCH, "notice": SAID | said}
        return bad(f"notice: {name}", "seal_notice", error, **question, **seeds)

    plain = second.cbor(list(content().values()))
    framed = (len(plain).to_bytes(4, "big") + plain).ljust(456, b"\0")
    longest = [["en", "x" * 233]]
    return [
        sealed("sealed"),
        sealed("sealed, the longest", rule="r" * 32, reason=longest, start=HOUR, end=HOUR + 3600),
        wrong("of two hours", end=HOUR + 3601),
        wrong("of no time", end=SAID["start"]),
        wrong("with a rule of capitals", rule="Indoor"),
        wrong("without a reason", reason=[]),
        wrong("with languages out of order", reason=REASON[::-1]),
        wrong("with a line end in its reason", reason=[["en", "a\nb"]]),
        wrong("with a reason of 241 bytes", "LimitError", reason=[["en", "x" * 234]]),
        opened("opened"),
        opened("of a whole hour", start=HOUR, end=HOUR + 3600),
        refused("cut", record()[:-1], "not-sealed"),
        refused("of another poster", record(second.payload({"version": 1})), "not-sealed"),
        refused("sealed with another nonce", second.seal_plain(PAYLOAD, HOUR, framed, bytes(24)), "not-sealed"),
        refused("under the tag of another hour", second.tag(PAYLOAD, HOUR + 3600) + record()[16:], "not-sealed"),
        refused("of CBOR with white space", second.seal(PAYLOAD, HOUR, b"\xc0" + plain), "damaged"),
        refused("of zeros", second.seal_plain(PAYLOAD, HOUR, bytes(456)), "damaged"),
        refused("with its start as true", second.seal(PAYLOAD, HOUR, _true_for_start()), "damaged"),
        refused("with a rule of capitals, opened", record(rule="Indoor"), "damaged"),
        refused("with another trace key", record(trace=STRANGER), "other-venue"),
        refused("signed by the authority alone", record(owner=bytes(64)), "not-by-owner"),
        refused("of another region", record(), "not-by-owner", region="elsewhere"),
        refused("signed by the owner alone", record(authority_signature=bytes(64)), "not-by-authority"),
        refused("of another batch", record(number=BATCH - 1), "not-by-authority"),
        refused("that speaks of another hour", record(start=HOUR + 3600, end=HOUR + 3700), "other-hour"),
        refused("of the future", record(), "in-future", published_at=HOUR + 2999),
        refused("that phones have forgotten", record(), "too-old", published_at=HOUR + 601 + 14 * DAY),
    ]


def _true_for_start() -> bytes:
    return second.cbor([True, *list(content().values())[1:]])


def _signatures(**said: Any) -> dict[str, str]:
    values = content(**said)
    return {
        "trace_key": values["trace_key"].hex(),
        "owner_signature": values["owner"].hex(),
        "authority_signature": values["authority"].hex(),
    }


def _open(data: bytes) -> dict[str, Any]:
    venue = {"payload": PAYLOAD.hex(), "trace_key_hash": CERTIFICATE["trace_key_hash"].hex(), "hour": HOUR}
    return {"record": data.hex(), **venue, **_published()}


def _published() -> dict[str, Any]:
    return {"region": REGION, "batch": BATCH, "published_at": PUBLISHED, "authority_keys": KEYS}


def file_cases() -> list[Case]:
    """Files: written, matched with visits, refused at each step of specs/venue.md section 8."""
    notices, marks = [record()], [second.mark(PAYLOAD, HOUR + 3600)]
    data = notice_file(*notices, marks=tuple(marks))
    padding = [pieces(item) for item in (*filler(63, 512), *filler(15, 16))]
    said = {"region": REGION, "batch": BATCH, "authority_seed": AUTHORITY.hex(), "draws": padding}
    records = {"notices": [notice.hex() for notice in notices], "marks": [mark.hex() for mark in marks]}

    def matched(name: str, exposures: list[Any], file: bytes, *visits: Any, **output: Any) -> Case:
        expected = {"exposures": exposures, "withdrawn": {}, "discarded": {}} | output
        return good(f"match: {name}", "match_notices", expected, **_match(file, *visits))

    def refused(name: str, file: bytes, error: str = "FormatError", **changes: Any) -> Case:
        return bad(f"file: {name}", "match_notices", error, **_match(file, _visit(0, 3600)) | changes)

    written = {"length": len(data), "sha256": digest(data), "signature": data[-64:].hex()}
    others, rest = sorted(filler(64, 512)), sorted(filler(16, 16))
    before, after = _visit(0, 600), _visit(3000, 3600)
    expired = poster_with(valid_until=HOUR - 1)
    of_expired = notice_file(record(second.payload(FIELDS | {"valid_until": HOUR - 1})))
    withdrawn = {second.tag(PAYLOAD, HOUR + 3600).hex(): PUBLISHED}
    return [
        good("file: written", "write_notice_file", written, **said | records),
        bad(
            "file: two notices of one hour",
            "write_notice_file",
            **said | {"notices": [record().hex(), record(rule="outdoor").hex()], "marks": []},
        ),
        matched("half an hour of it", [_exposure(1200, 1800)], data, _visit(1200, 3600)),
        matched("all of it", [_exposure(600, 2400)], data, _visit(-3600, 3600)),
        matched("a second of it", [_exposure(2999, 1)], data, _visit(2999, 3600)),
        matched(
            "contradicted by the own place",
            [_exposure(600, 2400, contradicted=True)],
            data,
            _visit(0, 3600, contradicted=True),
        ),
        matched("other minutes", [], data, before, after, discarded={"no-overlap": 2}),
        matched("another hour, of which a notice is withdrawn", [], data, _visit(3600, 7200), withdrawn=withdrawn),
        matched("another poster", [], data, _visit(0, 3600, poster_with(room="Hall 4"))),
        matched("no visits", [], data),
        matched("an expired poster", [], of_expired, _visit(0, 60, expired), discarded={"poster-not-valid": 1}),
        matched(
            "signed by the owner alone",
            [],
            notice_file(record(authority=STRANGER)),
            _visit(0, 3600),
            discarded={"not-by-authority": 1},
        ),
        refused("cut", data[:-1]),
        refused("with something behind it", data + b"\0"),
        refused("with another mark", b"X" + data[1:]),
        refused("of 63 notices", second.notice_file(REGION, BATCH, others[:63], rest, AUTHORITY)),
        refused("of 100,001 notices", data[:52] + (100_001).to_bytes(4, "big") + data[56:], "LimitError"),
        refused("of another region", data, "VerificationError", region="elsewhere"),
        refused("of another batch", data, "VerificationError", batch=BATCH + 1),
        refused("out of order", second.notice_file(REGION, BATCH, others[::-1], rest, AUTHORITY)),
        refused("with a mark twice", second.notice_file(REGION, BATCH, others, [*rest[:15], rest[14]], AUTHORITY)),
        refused("signed by a stranger", second.notice_file(REGION, BATCH, others, rest, STRANGER), "VerificationError"),
        refused("changed after signing", data[:-66] + b"\0\0" + data[-64:], "VerificationError"),
        bad(
            "match: a visit of more than a day",
            "match_notices",
            **_match(data, _visit(0, DAY + 1)),
        ),
    ]


def _visit(entered: int, left: int, poster: bytes = POSTER, *, contradicted: bool = False) -> dict[str, Any]:
    times = {"entered": HOUR + entered, "left": HOUR + left}
    return {"poster": poster.hex(), **times, "contradicted": contradicted}


def _exposure(start: int, seconds: int, *, contradicted: bool = False) -> dict[str, Any]:
    return {
        "source": TAG,
        "rule": "indoor",
        "start": HOUR + start,
        "seconds": seconds,
        "published_at": PUBLISHED,
        "contradicted": contradicted,
    }


def _match(file: bytes, *visits: Any) -> dict[str, Any]:
    return {"visits": list(visits), "file": pieces(file), **_published()}


def pieces(data: bytes) -> Pieces:
    """Hexadecimal texts, and numbers that stand for so many zeros: runs of 16 and more."""
    spelled: Pieces = []
    for part in _parts(data):
        spelled.append(part.hex() if any(part) else len(part))
    return spelled


def _parts(data: bytes) -> list[bytes]:
    """*data* cut where 16 or more zeros begin and end."""
    return [part for part in re.split(rb"(\0{16,})", data) if part]
