"""Mutated posters, offers, notices and notice files: field by field, signed again where a signature would hide a step.

Each numbered step of specs/venue.md sections 3, 6, 8 and 9 has to fail at least a hundred times with its own error.
What is accepted says what was mutated into it, read by a second implementation.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from random import Random
from typing import Any

from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.venue.notice import NoticeRefused, Refusal, open_notice
from ownhue.venue.notice_content import SignedNotice
from ownhue.venue.notice_file import parse_notice_file
from ownhue.venue.offer import Offer, open_offer
from ownhue.venue.poster import Poster, open_poster
from ownhue.venue.visit import Visit, match_notices
from tests.conformance.mutate import Tally, flipped, mutations
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY,
    AUTHORITY_KEYS,
    BATCH,
    CERTIFICATE,
    DAY,
    FIELDS,
    HOUR,
    NEW_YEAR,
    OWNER,
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
    YEARS_END,
    batch,
    content,
    filler,
    keys_of,
    notice_file,
    poster_of,
    poster_with,
    record,
)

#: Step -> words of its refusal; what is no VerificationError is step 1 (of files also 3).
POSTER_STEPS = {
    "2": "another region",
    "3": "did not certify",
    "4": "did not sign this poster",
    "5": "longer than the venue",
    "6": "not valid yet",
    "7": "has expired",
}
OFFER_STEPS = {
    "2": "|".join(POSTER_STEPS.values()),
    "3": "not the certified one",
    "4": "did not sign a notice",
    "5": "of the future",
}
FILE_STEPS = {"2": "another region or batch", "4": "did not sign this notice file"}


def step_of(error: OwnhueError, steps: dict[str, str]) -> str:
    """The step that refused. Fails where the words fit none or several."""
    if isinstance(error, FormatError):
        return "3" if steps is FILE_STEPS and "ascend" in str(error) else "1"
    assert isinstance(error, VerificationError)
    found = [step for step, words in steps.items() if any(word in str(error) for word in words.split("|"))]
    assert len(found) == 1, error
    return found[0]


# Posters.


def judge_poster(data: bytes, tally: Tally, now: int = HOUR) -> Poster | None:
    try:
        return open_poster(data, REGION, AUTHORITY_KEYS, now)
    except OwnhueError as error:
        tally.add(step_of(error, POSTER_STEPS))
        return None


def numbered(mutant: Any, names: Any) -> list[tuple[int, Any]] | None:
    """(number, value) of a mutated dict of protobuf fields; None where it is no dict any more."""
    if not isinstance(mutant, dict):
        return None
    fields = [(number, mutant.get(name)) for number, name in enumerate(names, 1)]
    return [*fields, (len(fields) + 3, 0)] if "zz-unknown" in mutant else fields


def is_same(poster: Poster, fields: list[tuple[int, Any]]) -> bool:
    """Whether the content is what the fields say."""
    said = [getattr(poster, name) for name in ("description", "address", "category", "room", "cell")]
    said += [poster.valid_from, poster.valid_until, poster.seed, poster.certificate.encode()]
    return said == [value for _, value in fields[1:]]


def test_the_poster_that_is_mutated_is_good() -> None:
    assert judge_poster(POSTER, Tally()) == poster_of()


def test_a_mutated_payload_signed_again_fails_in_step_1_and_later_or_says_what_it_says() -> None:
    tally, accepted = Tally(), 0
    for path, mutant in mutations(FIELDS, Random(1), rounds=8):
        fields = numbered(mutant, FIELDS)
        if fields is not None:
            found = judge_poster(second.poster(second.message(fields), VENUE), tally)
            accepted += found is not None
            assert found is None or is_same(found, fields), path
    tally.require(["1"])
    assert accepted > 100


def test_a_mutated_certificate_signed_again_fails_in_steps_1_2_4_and_5() -> None:
    tally = Tally()
    for _, mutant in mutations(CERTIFICATE, Random(2), rounds=110):
        fields = numbered(mutant, CERTIFICATE)
        if fields is not None:
            signature = second.sign(AUTHORITY, b"OWNHUE-VENUE\0" + second.message(fields))
            data = second.message(sorted([*fields, (6, signature)]))
            found = judge_poster(poster_with(certificate=data), tally)
            assert found is None or found.certificate.encode() == data
    tally.require(["1", "2", "4", "5"])
    assert set(tally.counts) == {"1", "2", "4", "5"}


def test_a_mutated_certificate_under_the_old_signature_fails_in_step_3() -> None:
    tally, random = Tally(), Random(3)
    for _ in range(60):
        name = random.choice(["venue_key", "trace_key_hash"])
        changed = CERTIFICATE | {name: flipped(CERTIFICATE[name], random)}
        fields = list(enumerate(changed.values(), 1))
        signature = second.sign(AUTHORITY, b"OWNHUE-VENUE\0" + second.message(list(enumerate(CERTIFICATE.values(), 1))))
        for given in (signature, flipped(signature, random)):
            assert judge_poster(poster_with(certificate=second.message([*fields, (6, given)])), tally) is None
    tally.require(["3"])
    assert set(tally.counts) == {"3"}


def test_a_mutated_payload_under_the_old_signature_fails_in_step_4() -> None:
    tally, random, signature = Tally(), Random(4), POSTER[-64:]
    for _ in range(60):
        changed = second.payload(FIELDS | {"seed": flipped(FIELDS["seed"], random)})
        for pair in ((changed, signature), (PAYLOAD, flipped(signature, random))):
            assert judge_poster(second.message(list(enumerate(pair, 1))), tally) is None
    tally.require(["4"])
    assert set(tally.counts) == {"4"}


def test_times_fail_in_steps_5_to_7() -> None:
    tally, random = Tally(), Random(5)
    for _ in range(110):
        early, late = (random.randrange(1, 300 * DAY) for _ in range(2))
        assert judge_poster(poster_with({"valid_until": YEARS_END - early}), tally, NEW_YEAR) is None
        assert judge_poster(poster_with({"valid_from": NEW_YEAR + early}), tally, YEARS_END) is None
        assert judge_poster(POSTER, tally, NEW_YEAR - early) is None
        assert judge_poster(POSTER, tally, YEARS_END + late) is None
    tally.require(["5", "6", "7"])
    assert judge_poster(POSTER, tally, NEW_YEAR) == judge_poster(POSTER, tally, YEARS_END) == poster_of()
    assert judge_poster(POSTER, tally, NEW_YEAR - 1) is judge_poster(POSTER, tally, YEARS_END + 1) is None


def test_a_bit_flipped_anywhere_in_a_poster_fails() -> None:
    tally = Tally()
    for position in range(len(POSTER) * 8):
        changed = bytearray(POSTER)
        changed[position // 8] ^= 1 << position % 8
        assert judge_poster(bytes(changed), tally) is None
    tally.require(["1", "4"])


# Offers.


TIMES = [
    [start, end, second.owner_signature(TRACE, PAYLOAD, start - start % 3600, REGION, start, end, "indoor", REASON)]
    for start, end in ((HOUR + 600, HOUR + 3600), (HOUR + 3600, HOUR + 7200))
]
OFFER = ["ownhue-offer-1", POSTER, TRACE_KEY, "indoor", REASON, TIMES]


def judge_offer(value: Any, tally: Tally, now: int = PUBLISHED, region: str = REGION) -> Offer | None:
    try:
        return open_offer(second.cbor(value), region, AUTHORITY_KEYS, now)
    except OwnhueError as error:
        tally.add(step_of(error, OFFER_STEPS))
        return None


def test_a_mutated_offer_fails_in_steps_1_to_4() -> None:
    tally = Tally()
    assert judge_offer(OFFER, tally) is not None
    for path, mutant in mutations(OFFER, Random(6), rounds=12):
        if isinstance(mutant, list) and not any(isinstance(item, dict) for item in mutant):
            found = judge_offer(mutant, tally)
            # A notice left out is fine: each stands for itself.
            assert found is None or path in ("[5][0] missing", "[5][1] missing"), path
    tally.require(["1", "4"])


def test_an_offer_with_times_signed_again_says_what_it_says_or_fails_in_step_1() -> None:
    tally, accepted = Tally(), 0
    for _, mutant in mutations([HOUR + 600, HOUR + 3600, "indoor", REASON], Random(7), rounds=12):
        if len(mutant) != 4 or not isinstance(mutant[0], int) or mutant[0] < 0:
            continue
        start, end, rule, reason = mutant
        signature = second.owner_signature(TRACE, PAYLOAD, start - start % 3600, REGION, start, end, rule, reason)
        found = judge_offer([*OFFER[:3], rule, reason, [[start, end, signature]]], tally)
        if found is not None:
            accepted += 1
            assert found.encode() == second.cbor([*OFFER[:3], rule, reason, [[start, end, signature]]])
    tally.require(["1"])
    assert accepted > 50


def test_posters_keys_and_times_of_offers_fail_in_steps_2_3_and_5() -> None:
    tally, random = Tally(), Random(8)
    for _ in range(110):
        poster = poster_with(valid_from=HOUR + 601 + random.randrange(10**6))
        assert judge_offer([*OFFER[:1], poster, *OFFER[2:]], tally) is None
        stranger = second.public(random.randbytes(32))
        assert judge_offer([*OFFER[:2], stranger, *OFFER[3:]], tally) is None
        assert judge_offer(OFFER, tally, now=HOUR + 7199 - random.randrange(10**6)) is None
    tally.require(["2", "3", "5"], least=110)
    exact: dict[str, Any] = {"valid_from": HOUR + 600, "valid_until": HOUR + 7199}
    for changes in (exact, exact | {"valid_from": HOUR + 601}, exact | {"valid_until": HOUR + 7198}):
        poster = poster_with(**changes)
        payload = poster_of(poster).payload
        times = [
            [*span, second.owner_signature(TRACE, payload, hour, REGION, *span, "indoor", REASON)]
            for hour, span in ((HOUR, (HOUR + 600, HOUR + 3600)), (HOUR + 3600, (HOUR + 3600, HOUR + 7200)))
        ]
        found = judge_offer([OFFER[0], poster, *OFFER[2:5], times], tally, now=HOUR + 7200)
        assert (found is not None) is (changes == exact)
    assert judge_offer(OFFER, tally, now=HOUR + 7199) is None


# Notices.


def judge_notice(data: bytes, tally: Tally, published_at: int = PUBLISHED) -> SignedNotice | None:
    try:
        return open_notice(data, keys_of(), OWNER.trace_key_hash, HOUR, batch(published_at=published_at))
    except NoticeRefused as error:
        tally.add(error.refusal)
        return None


def sealed(values: Any) -> bytes | None:
    """The notice with these values; None where they are too long for one."""
    encoded = second.cbor(values)
    return second.seal(PAYLOAD, HOUR, encoded) if len(encoded) <= 452 else None


def signed_again(values: list[Any]) -> list[Any]:
    """[start, end, rule, reason] with both signatures, whatever they are."""
    signature = second.owner_signature(TRACE, PAYLOAD, HOUR, REGION, *values)
    start, end, rule, reason = values
    authority = second.authority_signature(
        AUTHORITY, PAYLOAD, HOUR, REGION, start, end, rule, reason, TRACE_KEY, signature, BATCH
    )
    return [*values, TRACE_KEY, signature, authority]


def test_a_mutated_notice_sealed_again_fails_in_steps_2_to_5() -> None:
    """By whoever holds the poster, and has no key."""
    tally, random, values = Tally(), Random(9), list(content().values())
    for path, mutant in mutations(values, random, rounds=10):
        data = sealed(mutant)
        if data is not None:
            assert judge_notice(data, tally) is None, path
    for _ in range(100):
        for at in (4, 5, 6):  # trace key, owner's and authority's signature
            data = sealed([*values[:at], flipped(values[at], random), *values[at + 1 :]])
            assert data is not None
            assert judge_notice(data, tally) is None
    tally.require([Refusal.DAMAGED, Refusal.OTHER_VENUE, Refusal.NOT_BY_OWNER, Refusal.NOT_BY_AUTHORITY])


def test_a_mutated_notice_signed_again_by_both_says_what_it_says_or_fails_in_step_2_and_from_6() -> None:
    tally, accepted = Tally(), 0
    for path, mutant in mutations(list(SAID.values()), Random(10), rounds=12):
        if isinstance(mutant, list) and len(mutant) == 4:
            data = sealed(signed_again(mutant))
            found = None if data is None else judge_notice(data, tally)
            if found is not None:
                accepted += 1
                reason = [list(pair) for pair in found.notice.reason]
                assert [found.notice.start, found.notice.end, found.notice.rule, reason] == mutant, path
    tally.require([Refusal.DAMAGED])
    assert accepted > 100
    assert not {Refusal.NOT_SEALED, Refusal.OTHER_VENUE, Refusal.NOT_BY_OWNER, Refusal.NOT_BY_AUTHORITY} & set(
        tally.counts
    )


def test_a_bit_flipped_anywhere_in_a_notice_fails_in_step_1() -> None:
    tally, good = Tally(), record()
    for position in range(0, len(good) * 8, 3):
        changed = bytearray(good)
        changed[position // 8] ^= 1 << position % 8
        assert judge_notice(bytes(changed), tally) is None
    tally.require([Refusal.NOT_SEALED])
    assert set(tally.counts) == {Refusal.NOT_SEALED}


def test_times_of_notices_fail_in_steps_6_to_8() -> None:
    tally, random = Tally(), Random(11)
    for _ in range(110):
        start = HOUR + 3600 * random.choice([-2, -1, 1, 2])
        other = sealed(signed_again([start, start + random.randrange(1, 3600), "indoor", REASON]))
        assert other is not None
        assert judge_notice(other, tally) is None
        assert judge_notice(record(), tally, HOUR + random.randrange(3000)) is None
        assert judge_notice(record(), tally, HOUR + 601 + 14 * DAY + random.randrange(DAY)) is None
    tally.require([Refusal.OTHER_HOUR, Refusal.IN_FUTURE, Refusal.TOO_OLD], least=110)
    for published_at, good in (
        (SAID["end"], True),
        (SAID["end"] - 1, False),
        (SAID["start"] + 14 * DAY, True),
        (SAID["start"] + 14 * DAY + 1, False),
    ):
        assert (judge_notice(record(), tally, published_at) is not None) is good


def test_visits_fail_in_steps_9_and_10() -> None:
    tally, random = Tally(), Random(12)
    for _ in range(110):
        poster = poster_of(poster_with(valid_until=HOUR - random.randrange(1, 10**5)))
        expired = Visit(poster, HOUR, HOUR + 3600)
        found = match_notices([expired], [notice_file(record(poster.payload))], batch())
        early = Visit(poster_of(), HOUR, HOUR + random.randrange(1, 600))
        late = Visit(poster_of(), HOUR + random.randrange(3000, 3599), HOUR + 3600)
        others = match_notices([early, late], [notice_file(record())], batch())
        assert found.exposures == others.exposures == ()
        for refusal, count in [*found.discarded.items(), *others.discarded.items()]:
            for _ in range(count):
                tally.add(refusal)
    tally.require([Refusal.POSTER_NOT_VALID], least=110)
    tally.require([Refusal.NO_OVERLAP], least=220)
    assert len(tally.counts) == 2


# Files.


FILE_PARTS: dict[str, Any] = {
    "mark": b"OWNHUE-NOTICE-1\n",
    "region": REGION.encode().ljust(32, b"\0"),
    "batch": BATCH,
    "notices": 64,
    "marks": 16,
}
RECORDS = b"".join([*sorted([record(), *filler(63, 512)]), *sorted(filler(16, 16))])


def file_with(parts: dict[str, Any], records: bytes = RECORDS, seed: bytes = AUTHORITY) -> bytes | None:
    """A file whose head is made of mutated parts, signed; None where they cannot be written."""
    head = b""
    for value in parts.values():
        if isinstance(value, bytes):
            head += value
        elif isinstance(value, int) and 0 <= value < 2**32:
            head += struct.pack(">I", value)
        else:
            return None
    body = head + records
    return body + second.sign(seed, b"OWNHUE-NOTICES\0" + sha256(body).digest())


def judge_file(data: bytes, tally: Tally, **changes: Any) -> None:
    """Adds the step that refuses. Fails where the file is accepted."""
    try:
        parse_notice_file(data, batch(**changes))
    except OwnhueError as error:
        tally.add(step_of(error, FILE_STEPS))
    else:
        raise AssertionError("accepted")


def heads() -> Iterator[bytes]:
    for _, mutant in mutations(FILE_PARTS, Random(13), rounds=20):
        data = file_with(mutant) if isinstance(mutant, dict) else None
        if data is not None:
            yield data


def test_the_file_that_is_mutated_is_good() -> None:
    data = file_with(FILE_PARTS)
    assert data == notice_file(record())


def test_a_mutated_head_signed_again_fails_in_steps_1_and_2() -> None:
    tally = Tally()
    for data in heads():
        judge_file(data, tally)
    for letter in "abcefghijklmnopqrstuvwxyz":
        for region in (letter, f"{letter}{REGION}", f"{REGION}{letter}"):
            other = file_with(FILE_PARTS | {"region": region.encode().ljust(32, b"\0")})
            assert other is not None
            judge_file(other, tally)
    tally.require(["1", "2"])


def test_records_out_of_order_signed_again_fail_in_step_3() -> None:
    tally, random = Tally(), Random(14)
    for _ in range(60):
        notices, marks = sorted(filler(64, 512)), sorted(filler(16, 16))
        for records in (notices, marks):
            at, other = random.sample(range(len(records)), 2)
            swapped, doubled = list(records), list(records)
            swapped[at], swapped[other] = records[other], records[at]
            doubled[at] = records[other]
            for changed in (swapped, doubled):
                groups = (changed, marks) if records is notices else (notices, changed)
                judge_file(second.notice_file(REGION, BATCH, *groups, AUTHORITY), tally)
    tally.require(["3"], least=240)


def test_records_changed_under_the_old_signature_and_signatures_of_others_fail_in_step_4() -> None:
    tally, random, good = Tally(), Random(15), notice_file(record())
    for _ in range(60):
        # Behind the tag, so that the order stays; in the signature; another signer.
        at = 60 + 512 * random.randrange(64) + random.randrange(16, 512)
        changed = good[:at] + bytes([good[at] ^ 1 << random.randrange(8)]) + good[at + 1 :]
        judge_file(changed, tally)
        judge_file(good[:-64] + flipped(good[-64:], random), tally)
        stranger = file_with(FILE_PARTS, seed=random.randbytes(32))
        assert stranger is not None
        judge_file(stranger, tally)
    tally.require(["4"], least=180)
    assert set(tally.counts) == {"4"}


def test_cut_and_lengthened_files_fail_in_step_1() -> None:
    tally, random, good = Tally(), Random(16), notice_file(record())
    for _ in range(60):
        judge_file(good[: random.randrange(len(good))], tally)
        judge_file(good + random.randbytes(random.randrange(1, 100)), tally)
    tally.require(["1"], least=120)


def test_limits_are_told_as_such() -> None:
    for name, count in (("notices", 100_001), ("marks", 16_385), ("notices", 2**32 - 1)):
        data = file_with(FILE_PARTS | {name: count})
        assert data is not None
        try:
            parse_notice_file(data, batch())
        except LimitError:
            continue
        raise AssertionError(name)


def test_a_stranger_with_the_poster_gets_no_notice_through() -> None:
    """The strongest outsider: derives all hours, seals what it likes, signs with keys of its own."""
    random, tally = Random(17), Tally()
    for _ in range(120):
        seed = random.randbytes(32)
        trace, authority = random.choice([(seed, seed), (STRANGER, AUTHORITY), (TRACE, seed)])
        assert judge_notice(record(trace=trace, authority=authority), tally) is None
    assert set(tally.counts) == {Refusal.OTHER_VENUE, Refusal.NOT_BY_AUTHORITY}
