"""Attacks on venues, each by its name. specs/venue.md sections 9, 11 and 12"""

from dataclasses import replace
from typing import Any

import pytest

from ownhue.colour import decide
from ownhue.colour.decision import Decision
from ownhue.colour.evidence_facts import VenueExposure
from ownhue.colour.facts import Facts
from ownhue.colour.words import Colour, WhyNot
from ownhue.errors import FormatError, VerificationError
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.venue import hourly_id, notice_tag
from ownhue.venue.certificate import VenueCertificate, certify_venue
from ownhue.venue.notice import Refusal, countersign, seal_notice, sign_as_owner
from ownhue.venue.notice_content import Notice, OwnerSignature
from ownhue.venue.notice_file import NoticeFile, parse_notice_file, write_notice_file
from ownhue.venue.offer import Span, make_offer, open_offer, seal_offer
from ownhue.venue.owner import OwnerKeys
from ownhue.venue.poster import Poster, open_poster, sign_poster
from ownhue.venue.visit import VenueMatches, Visit, is_contradicted, match_notices
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY_KEY,
    AUTHORITY_KEYS,
    BATCH,
    CELL,
    CERTIFICATE,
    DAY,
    FAR_CELL,
    HOUR,
    NEW_YEAR,
    OWNER,
    PAYLOAD,
    POSTER,
    PUBLISHED,
    REGION,
    STRANGER,
    TRACE,
    VENUE,
    YEARS_END,
    batch,
    content,
    notice_file,
    poster_of,
    poster_with,
    record,
)

HALL = poster_of()
VISIT = Visit(HALL, HOUR, HOUR + 3600)
WHY = (("en", "Measles"),)
RULEBOOK = demonstration_rulebook()


def matched(data: bytes, *visits: Visit, **changes: Any) -> VenueMatches:
    return match_notices(visits or [VISIT], [data], batch(**changes))


def only_refusal(data: bytes, *visits: Visit, **changes: Any) -> Refusal:
    """Why the one notice under a tag of the visits does not count. Fails if it does."""
    found = matched(data, *visits, **changes)
    assert found.exposures == ()
    ((refusal, count),) = found.discarded.items()
    assert count == 1
    return refusal


def decided(*exposures: VenueExposure, withdrawn: dict[bytes, int] | None = None, now: int = PUBLISHED) -> Decision:
    facts = Facts(
        salt=bytes(16),
        observed_since=HOUR - 30 * DAY,
        published_until=now,
        radio_share_percent=100,
        venues=exposures,
        withdrawn=withdrawn or {},
    )
    return decide(RULEBOOK, facts, now)


# What makes a colour, and what does not.


def test_a_check_in_alone_never_changes_a_colour() -> None:
    """Fourteen days of visits, and files in which no notice speaks of them."""
    visits = [Visit(HALL, HOUR - day * DAY, HOUR - day * DAY + 7200) for day in range(14)]
    found = matched(notice_file(), *visits)
    assert (found.exposures, found.discarded) == ((), {})
    assert decided(*found.exposures) == decided()
    assert decided().colour is Colour.GREEN


def test_a_notice_with_both_signatures_makes_what_the_rulebook_says() -> None:
    assert decided(*matched(notice_file(record())).exposures).colour is Colour.YELLOW


def test_a_withdrawn_notice_frees_again() -> None:
    found = matched(notice_file(record()))
    later = matched(notice_file(marks=(second.mark(PAYLOAD, HOUR),), number=BATCH + 1), number=BATCH + 1)
    decision = decided(*found.exposures, withdrawn=dict(later.withdrawn))
    assert decision.colour is Colour.GREEN


# One signature is not enough.


def test_a_single_signature_is_refused_whichever_it_is() -> None:
    """The other one left out, doubled, or put in the wrong place."""
    both = content()
    owner, authority = both["owner"], both["authority"]
    for pair in (
        (owner, bytes(64)),
        (bytes(64), authority),
        (owner, owner),
        (authority, authority),
        (authority, owner),
    ):
        assert only_refusal(notice_file(record(owner=pair[0], authority_signature=pair[1]))) in (
            Refusal.NOT_BY_OWNER,
            Refusal.NOT_BY_AUTHORITY,
        )
    for missing in ("owner", "authority"):
        short = [value for name, value in both.items() if name != missing]
        assert only_refusal(notice_file(second.seal(PAYLOAD, HOUR, second.cbor(short)))) is Refusal.DAMAGED


def test_the_authority_alone_cannot_write_a_notice() -> None:
    """It has the poster, its own key, and makes trace keys of its own."""
    assert only_refusal(notice_file(record(trace=STRANGER))) is Refusal.OTHER_VENUE
    by_itself = second.owner_signature(STRANGER, PAYLOAD, HOUR, REGION, HOUR, HOUR + 60, "indoor", [["en", "x"]])
    assert only_refusal(notice_file(record(owner=by_itself))) is Refusal.NOT_BY_OWNER


def test_the_authority_alone_cannot_stretch_what_the_owner_signed() -> None:
    """Later end, other rule, other reason: over the owner's signature of the true ones."""
    owner = content()["owner"]
    for changes in ({"end": HOUR + 3600}, {"start": HOUR}, {"rule": "red"}, {"reason": [["en", "x"]]}):
        assert only_refusal(notice_file(record(owner=owner, **changes))) is Refusal.NOT_BY_OWNER


def test_the_owner_alone_cannot_write_a_notice() -> None:
    """Its own signature is right; in the authority's place its own keys or a stranger's."""
    for seed in (TRACE, VENUE, STRANGER):
        assert only_refusal(notice_file(record(authority=seed))) is Refusal.NOT_BY_AUTHORITY


def test_the_owner_cannot_sign_for_another_venue() -> None:
    """Two certified venues; the owner of one signs about the other, and the authority falls for it."""
    other = OwnerKeys(b"v" * 32, b"t" * 32)
    assert only_refusal(notice_file(record(trace=other.trace_seed))) is Refusal.OTHER_VENUE


# Moving a notice.


def test_a_notice_moved_to_another_hour_is_refused() -> None:
    """By whoever holds the poster and can seal: tag of 15:00, all signatures as they were for 14:00."""
    values = second.cbor(list(content().values()))
    moved = second.seal(PAYLOAD, HOUR + 3600, values)
    later = Visit(HALL, HOUR + 3600, HOUR + 7200)
    assert only_refusal(notice_file(moved), later) is Refusal.NOT_BY_OWNER
    # The sealed part under another tag, as the publisher could do it without the poster:
    cut = second.tag(PAYLOAD, HOUR + 3600) + record()[16:]
    assert only_refusal(notice_file(cut), later) is Refusal.NOT_SEALED


def test_a_notice_moved_to_another_venue_is_refused() -> None:
    """Also to another room of the same owner, whose posters name the same trace key."""
    other = poster_of(poster_with(room="Hall 4"))
    moved = second.seal(other.payload, HOUR, second.cbor(list(content().values())))
    assert only_refusal(notice_file(moved), replace(VISIT, poster=other)) is Refusal.NOT_BY_OWNER


def test_a_notice_moved_to_another_region_is_refused() -> None:
    """The region next door has the same venue's poster and publishes the notice as its own."""
    data = notice_file(record(), region="elsewhere")
    assert only_refusal(data, region="elsewhere") is Refusal.NOT_BY_OWNER


def test_a_notice_under_another_rule_is_refused() -> None:
    values = content()
    moved = second.cbor(list((values | {"rule": "red"}).values()))
    assert only_refusal(notice_file(second.seal(PAYLOAD, HOUR, moved))) is Refusal.NOT_BY_OWNER


def test_an_old_notice_replayed_in_a_later_batch_is_refused() -> None:
    """After a clearance, what is published anew would count anew."""
    data = notice_file(record(), number=BATCH + 1)
    assert only_refusal(data, number=BATCH + 1, published_at=PUBLISHED + 7200) is Refusal.NOT_BY_AUTHORITY


def test_a_notice_of_the_future_is_refused() -> None:
    """Whoever reads it could be sent to where it says."""
    assert only_refusal(notice_file(record()), published_at=HOUR) is Refusal.IN_FUTURE


def test_an_authoritys_signature_of_something_else_is_none_here() -> None:
    """It signs documents, certificates and files with the same key; each has a prefix of its own."""
    values = content()
    said = second.cbor([REGION, second.identity(PAYLOAD, HOUR), *list(values.values())[:-1], BATCH])
    for prefix in (b"", b"OWNHUE-DOCUMENT\0", b"OWNHUE-NOTICE-OWNER\0", b"OWNHUE-NOTICES\0"):
        signature = AUTHORITY_KEY.sign(prefix + said).signature
        assert only_refusal(notice_file(record(authority_signature=signature))) is Refusal.NOT_BY_AUTHORITY


# Posters.


def test_a_forwarded_picture_of_a_poster_does_not_count_where_the_phone_knows_its_place() -> None:
    """Zhengzhou, 2022: a picture of a poster, scanned at home by 871 people."""
    at_home = Visit(HALL, HOUR, HOUR + 3600, is_contradicted(HALL, [FAR_CELL]))
    there = Visit(HALL, HOUR, HOUR + 3600, is_contradicted(HALL, [CELL, FAR_CELL]))
    found = matched(notice_file(record()), at_home)
    assert len(found.exposures) == 1
    decision = decided(*found.exposures)
    assert decision.colour is Colour.GREEN
    assert [item.why for item in decision.not_counted] == [WhyNot.ELSEWHERE]
    assert decided(*matched(notice_file(record()), there).exposures).colour is Colour.YELLOW


def test_a_forwarded_picture_counts_where_the_phone_does_not_know_its_place() -> None:
    """What remains (specs/venue.md section 12), so that nobody believes otherwise."""
    somewhere = Visit(HALL, HOUR, HOUR + 3600, is_contradicted(HALL, []))
    assert decided(*matched(notice_file(record()), somewhere).exposures).colour is Colour.YELLOW


def test_an_expired_poster_is_refused() -> None:
    with pytest.raises(VerificationError, match="expired"):
        open_poster(POSTER, REGION, AUTHORITY_KEYS, YEARS_END + 1)
    old = poster_of(poster_with(valid_until=HOUR - 1))
    assert only_refusal(notice_file(record(old.payload)), replace(VISIT, poster=old)) is Refusal.POSTER_NOT_VALID


def test_a_poster_with_a_forged_certificate_is_refused() -> None:
    """Signed by a stranger; signed by the venue itself; of an authority that counts elsewhere."""
    for seed in (STRANGER, VENUE):
        with pytest.raises(VerificationError, match="did not certify"):
            open_poster(poster_with(certificate=second.certificate(CERTIFICATE, seed)), REGION, AUTHORITY_KEYS, HOUR)
    with pytest.raises(VerificationError, match="did not certify"):
        open_poster(POSTER, REGION, [second.public(STRANGER)], HOUR)


def test_a_poster_signed_by_another_certified_venue_is_refused() -> None:
    """A neighbour's certificate, copied from its poster, under one's own signature."""
    with pytest.raises(VerificationError, match="did not sign this poster"):
        open_poster(second.poster(PAYLOAD, STRANGER), REGION, AUTHORITY_KEYS, HOUR)


def test_a_trace_key_swapped_in_a_certificate_is_refused() -> None:
    """The owner of the venue key wants notices signed by another key, without asking the authority."""
    honest = VenueCertificate(**CERTIFICATE)
    signature = certify_venue(honest, AUTHORITY_KEY).signature
    swapped = replace(honest, trace_key_hash=OwnerKeys(VENUE, STRANGER).trace_key_hash, signature=signature)
    poster = replace(HALL, certificate=swapped)
    with pytest.raises(VerificationError, match="did not certify"):
        open_poster(sign_poster(poster, OWNER.venue_key), REGION, AUTHORITY_KEYS, HOUR)


def test_a_trace_key_swapped_in_a_notice_is_refused() -> None:
    assert only_refusal(notice_file(record(trace=STRANGER))) is Refusal.OTHER_VENUE
    swapped = record(trace_key=second.public(STRANGER))
    assert only_refusal(notice_file(swapped)) is Refusal.OTHER_VENUE


def test_a_poster_with_other_words_has_other_hours() -> None:
    """Somebody prints the neighbour's seed under a name of their own: its notices are not found by it."""
    other = replace(HALL, description="Another hall")
    assert notice_tag(hourly_id(other.keys, HOUR)) != notice_tag(hourly_id(HALL.keys, HOUR))
    assert matched(notice_file(record()), replace(VISIT, poster=other)).exposures == ()


# The publisher and the mirrors.


def test_a_publisher_cannot_add_drop_or_swap_a_notice_in_a_file() -> None:
    data, other = notice_file(record()), notice_file()
    head, size = 60, 512
    for start in range(head, head + 64 * size, 7 * size):
        dropped = data[:start] + other[start : start + size] + data[start + size :]
        if dropped != data:
            with pytest.raises((FormatError, VerificationError)):
                matched(dropped)
    with pytest.raises(VerificationError, match="another region or batch"):
        matched(data, number=BATCH + 1)


# The hidden venue. Everybody holds all posters but one.


def poster(name: str, room: str | None = None) -> Poster:
    certificate = certify_venue(VenueCertificate(**CERTIFICATE), AUTHORITY_KEY)
    seed = name.encode().ljust(32, b"s")
    return Poster(name, "Town", NEW_YEAR, YEARS_END, seed, certificate, room=room)


KNOWN = [poster(f"Place {number}") for number in range(20)]
HIDDEN = poster("Hidden place")


def sealed(place: Poster, notice: Notice) -> bytes:
    owner = sign_as_owner(notice, REGION, place.keys, OWNER.trace_key)
    return seal_notice(countersign(notice, REGION, place.keys, owner, BATCH, AUTHORITY_KEY), place.keys)


def published(hidden: Notice) -> NoticeFile:
    """The file of a batch with a notice about every known place and one about the hidden one."""
    numbers = iter(range(10**6))
    known = [sealed(place, Notice(HOUR, HOUR + 600, "indoor", WHY)) for place in KNOWN]
    data = write_notice_file(
        REGION,
        BATCH,
        [*known, sealed(HIDDEN, hidden)],
        [],
        AUTHORITY_KEY,
        lambda length: (second.tag(b"padding", next(numbers)) * 32)[:length],
    )
    return parse_notice_file(data, batch())


def test_a_hidden_venue_says_one_thing_or_another_and_nobody_sees_which() -> None:
    """The same number, lengths, order; what differs is the sealed part of one record, 496 bytes."""
    said = [
        Notice(HOUR, HOUR + 60, "indoor", (("en", "x"),)),
        Notice(HOUR + 600, HOUR + 3600, "a-rule-with-a-long-name", (("de", "x" * 100), ("en", "y" * 100))),
        Notice(HOUR + 1, HOUR + 2, "red", (("zh", "麻疹"),)),
    ]
    files = [published(notice) for notice in said]
    assert len({len(file.encode()) for file in files}) == 1
    assert len({tuple(item[:16] for item in file.notices) for file in files}) == 1
    assert len({file.marks for file in files}) == 1
    for file in files[1:]:
        differing = [(one, other) for one, other in zip(files[0].notices, file.notices, strict=True) if one != other]
        ((one, other),) = differing
        assert one[:16] == other[:16] == notice_tag(hourly_id(HIDDEN.keys, HOUR))
        # As many bytes agree as chance lets agree in 496: about two.
        assert sum(a == b for a, b in zip(one[16:], other[16:], strict=True)) < 12


def test_no_known_poster_opens_the_hidden_notice() -> None:
    file = published(Notice(HOUR, HOUR + 60, "indoor", WHY))
    visits = [Visit(place, HOUR - 10 * DAY, HOUR - 9 * DAY) for place in KNOWN]
    visits += [Visit(place, HOUR, HOUR + 3600) for place in KNOWN]
    found = match_notices(visits, [file.encode()], batch())
    assert len(found.found) == len(KNOWN)
    assert found.discarded == {}


def test_two_notices_of_one_venue_are_not_linkable_without_its_poster() -> None:
    """Same owner, rule, reason, length of time: the two records have no piece of four bytes in common."""
    hours = [sealed(HIDDEN, Notice(HOUR + at, HOUR + at + 600, "indoor", WHY)) for at in (0, 3600, DAY)]
    rooms = [sealed(poster("Hidden place", room), Notice(HOUR, HOUR + 600, "indoor", WHY)) for room in ("1", "2")]
    pieces = [{data[at : at + 4] for at in range(len(data) - 3)} for data in hours + rooms]
    for one in range(len(pieces)):
        for other in range(one):
            assert not pieces[one] & pieces[other]


def test_what_a_mark_withdraws_is_not_seen_without_the_poster() -> None:
    """It equals no tag and no piece of a published notice."""
    data = make_offer(sign_poster(HIDDEN, OWNER.venue_key), OWNER, Span(HOUR, HOUR + 7200), "indoor", WHY)
    offer = open_offer(data, REGION, AUTHORITY_KEYS, PUBLISHED)
    notices = b"".join(seal_offer(offer, BATCH, AUTHORITY_KEY))
    for mark in offer.marks():
        assert not any(mark[at : at + 4] in notices for at in range(13))


def test_the_number_of_notices_in_a_batch_shows_only_as_a_power_of_two() -> None:
    lengths = set()
    for count in range(0, 60, 7):
        records = [sealed(poster(f"p{number}"), Notice(HOUR, HOUR + 60, "indoor", WHY)) for number in range(count)]
        numbers = iter(range(10**6))
        data = write_notice_file(
            REGION,
            BATCH,
            records,
            [],
            AUTHORITY_KEY,
            lambda length, numbers=numbers: (second.tag(b"padding", next(numbers)) * 32)[:length],  # type: ignore[misc]
        )
        lengths.add(len(data))
    assert len(lengths) == 1


def test_the_trace_key_is_in_no_poster_and_in_no_published_byte() -> None:
    """It is seen first by those who were there, when a notice is about them."""
    owner = OwnerSignature(second.public(TRACE), content()["owner"])
    assert owner.trace_key not in POSTER
    assert owner.trace_key not in record()
