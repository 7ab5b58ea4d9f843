"""Notices: what they say, their two signatures, how they are sealed. specs/venue.md sections 6, 7 and 9"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.venue.notice import (
    NOTICE_BYTES,
    NoticeRefused,
    Refusal,
    countersign,
    is_signed_by_owner,
    open_notice,
    seal_notice,
    sign_as_owner,
)
from ownhue.venue.notice_content import Notice, OwnerSignature, SignedNotice
from ownhue.venue.offer import MAX_OFFER_BYTES, Offer, Span, make_offer, open_offer, parse_offer, seal_offer
from ownhue.venue.owner import OwnerKeys
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY_KEY,
    AUTHORITY_KEYS,
    BATCH,
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
    keys_of,
    poster_of,
    poster_with,
    record,
)

WHY = tuple((language, text) for language, text in REASON)
NOTICE = Notice(SAID["start"], SAID["end"], SAID["rule"], WHY)
KEYS = keys_of()
TRACE_HASH = OWNER.trace_key_hash
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
languages = st.sampled_from(["ar", "de", "en", "fr", "zh", "zh-Hant", "pt-BR", "gsw"])
reasons = st.dictionaries(languages, texts, min_size=1, max_size=3).map(lambda found: tuple(sorted(found.items())))
notices = st.builds(
    lambda hour, first, last, rule, reason: Notice(
        hour * 3600 + min(first, last), hour * 3600 + max(first, last) + 1, rule, reason
    ),
    st.integers(0, 2**32 // 3600 - 1),
    st.integers(0, 3599),
    st.integers(0, 3599),
    st.from_regex(r"\A[a-z][a-z0-9-]{0,31}\Z"),
    reasons,
)


def signed(notice: Notice = NOTICE, number: int = BATCH) -> SignedNotice:
    owner = sign_as_owner(notice, REGION, KEYS, OWNER.trace_key)
    return countersign(notice, REGION, KEYS, owner, number, AUTHORITY_KEY)


def opened(data: bytes, hour: int = HOUR, **changes: Any) -> SignedNotice:
    return open_notice(data, KEYS, TRACE_HASH, hour, batch(**changes))


def refusal(data: bytes, hour: int = HOUR, **changes: Any) -> Refusal:
    with pytest.raises(NoticeRefused) as caught:
        opened(data, hour, **changes)
    return caught.value.refusal


def test_the_notice_of_a_second_implementation_is_opened_and_sealed_the_same() -> None:
    found = opened(record())
    assert found.notice == NOTICE
    assert found.owner.trace_key == TRACE_KEY
    assert found == signed()
    assert seal_notice(found, KEYS) == record()


@given(notices)
def test_every_notice_has_one_length_and_comes_back(notice: Notice) -> None:
    data = seal_notice(signed(notice), KEYS)
    assert len(data) == NOTICE_BYTES
    assert opened(data, notice.hour, published_at=notice.end) == signed(notice)


def test_the_longest_notice_fits() -> None:
    text = "x" * 233
    longest = Notice(2**32 - 2, 2**32 - 1, "r" * 32, (("en", text),))
    assert len(cbor_encode(longest.reason)) == 240
    assert opened(seal_notice(signed(longest), KEYS), longest.hour, published_at=2**32).notice == longest
    with pytest.raises(LimitError):
        Notice(HOUR, HOUR + 1, "indoor", (("en", text + "x"),))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"start": -1}, FormatError),
        ({"end": SAID["start"]}, FormatError),
        ({"end": HOUR + 3601}, FormatError),
        ({"start": HOUR - 1}, FormatError),
        ({"end": 2**32, "start": 2**32 - 5}, FormatError),
        ({"rule": "Indoor"}, FormatError),
        ({"rule": ""}, FormatError),
        ({"rule": "indoor\n"}, FormatError),
        ({"rule": "x" * 33}, FormatError),
        ({"reason": ()}, FormatError),
        ({"reason": (("en", ""),)}, FormatError),
        ({"reason": (("EN", "x"),)}, FormatError),
        ({"reason": (("en", "x\ny"),)}, FormatError),
        ({"reason": (("en", "x\ud800"),)}, FormatError),
        ({"reason": (("en", "x"), ("de", "x"))}, FormatError),
        ({"reason": (("en", "x"), ("en", "y"))}, FormatError),
        ({"reason": tuple((f"a{letter}", "x") for letter in "abcdefghi")}, LimitError),
    ],
    ids=str,
)
def test_notices_that_break_the_rules_cannot_be_made(changes: dict[str, Any], error: type[FormatError]) -> None:
    with pytest.raises(error):
        replace(NOTICE, **changes)


def test_a_whole_hour_is_one_notice() -> None:
    assert opened(record(start=HOUR, end=HOUR + 3600)).notice.end == HOUR + 3600


@given(st.integers(0, NOTICE_BYTES - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_notice_is_accepted(at: int, change: int) -> None:
    altered = bytearray(record())
    altered[at] ^= change
    assert refusal(bytes(altered)) == Refusal.NOT_SEALED


@given(st.binary(max_size=600))
def test_nothing_but_our_error_leaves_it(data: bytes) -> None:
    assert refusal(data) == Refusal.NOT_SEALED
    assert refusal(record()[:16] + data) == Refusal.NOT_SEALED


@given(st.binary(max_size=456))
def test_whatever_somebody_with_the_poster_seals_is_refused_as_damaged(plain: bytes) -> None:
    assert refusal(second.seal_plain(PAYLOAD, HOUR, plain.ljust(456, b"\0"))) == Refusal.DAMAGED
    if len(plain) <= 452:
        assert refusal(second.seal(PAYLOAD, HOUR, plain)) == Refusal.DAMAGED


def test_another_nonce_than_the_one_of_the_content_is_refused() -> None:
    """Otherwise whoever holds the poster could make many spellings of one notice."""
    plain = second.cbor(list(content().values()))
    framed = (len(plain).to_bytes(4, "big") + plain).ljust(456, b"\0")
    assert opened(second.seal_plain(PAYLOAD, HOUR, framed))
    assert refusal(second.seal_plain(PAYLOAD, HOUR, framed, nonce=bytes(24))) == Refusal.NOT_SEALED
    assert refusal(second.seal_plain(PAYLOAD, HOUR, framed + b"\0")) == Refusal.NOT_SEALED


def test_true_is_no_second() -> None:
    """CBOR's true equals 1 in Python; both sign it, and it is refused all the same."""
    items = [True, *list(content().values())[1:]]
    plain = cbor_encode(items)
    assert refusal(second.seal(PAYLOAD, HOUR, plain)) == Refusal.DAMAGED


def test_each_step_refuses_with_its_own_word() -> None:
    other_trace = second.owner_signature(STRANGER, PAYLOAD, HOUR, REGION, **SAID)
    assert refusal(record(poster_of(poster_with(room="Hall 4")).payload)) == Refusal.NOT_SEALED
    assert refusal(record(rule="Indoor")) == Refusal.DAMAGED
    assert refusal(record(trace=STRANGER)) == Refusal.OTHER_VENUE
    assert refusal(record(owner=other_trace)) == Refusal.NOT_BY_OWNER
    assert refusal(record(authority=STRANGER)) == Refusal.NOT_BY_AUTHORITY
    assert refusal(record(start=HOUR + 3600, end=HOUR + 3700)) == Refusal.OTHER_HOUR
    assert refusal(record(), published_at=HOUR + 2999) == Refusal.IN_FUTURE
    assert refusal(record(), published_at=HOUR + 601 + 14 * 86_400) == Refusal.TOO_OLD
    assert opened(record(), published_at=HOUR + 600 + 14 * 86_400)
    assert opened(record(), published_at=HOUR + 3000)


def test_an_owners_signature_is_checked_before_the_authority_signs() -> None:
    owner = sign_as_owner(NOTICE, REGION, KEYS, OWNER.trace_key)
    assert is_signed_by_owner(NOTICE, REGION, KEYS, owner)
    assert not is_signed_by_owner(NOTICE, "elsewhere", KEYS, owner)
    assert not is_signed_by_owner(NOTICE, REGION, KEYS, OwnerSignature(owner.trace_key, bytes(64)))


def test_errors_say_nothing_of_the_content() -> None:
    for data in (record(rule="Indoor"), record(authority=STRANGER)):
        with pytest.raises(NoticeRefused) as caught:
            opened(data)
        assert "Masern" not in repr(caught.value)


SPAN = Span(HOUR + 600, HOUR + 7200 + 60)
OFFER = make_offer(POSTER, OWNER, SPAN, "indoor", WHY)


def spelled(**changes: Any) -> bytes:
    """An offer by the second implementation, its parts changed."""
    times = []
    for start, end in ((HOUR + 600, HOUR + 3600), (HOUR + 3600, HOUR + 7200), (HOUR + 7200, HOUR + 7260)):
        signature = second.owner_signature(TRACE, PAYLOAD, start - start % 3600, REGION, start, end, "indoor", REASON)
        times.append([start, end, signature])
    fields = {"format": "ownhue-offer-1", "poster": POSTER, "trace_key": TRACE_KEY, "rule": "indoor", "reason": REASON}
    return second.cbor(list((fields | {"times": times} | changes).values()))


def times_of(data: bytes) -> list[Any]:
    offer = parse_offer(data)
    return [[notice.start, notice.end, sign] for notice, sign in zip(offer.notices, offer.signatures, strict=True)]


def test_an_offer_cuts_a_span_at_full_hours_and_signs_each_piece() -> None:
    assert spelled() == OFFER
    offer = open_offer(OFFER, REGION, AUTHORITY_KEYS, PUBLISHED)
    assert [(notice.start - HOUR, notice.end - HOUR) for notice in offer.notices] == [
        (600, 3600),
        (3600, 7200),
        (7200, 7260),
    ]
    assert offer.marks() == [second.mark(PAYLOAD, HOUR + 3600 * number) for number in range(3)]
    assert offer.encode() == OFFER


def test_a_sealed_offer_is_notices_that_phones_accept() -> None:
    offer = open_offer(OFFER, REGION, AUTHORITY_KEYS, PUBLISHED)
    records = seal_offer(offer, BATCH, AUTHORITY_KEY)
    for number, data in enumerate(records):
        assert opened(data, HOUR + 3600 * number).notice == offer.notices[number]


@given(st.binary(max_size=300))
def test_what_is_read_of_an_offer_is_written_the_same(data: bytes) -> None:
    try:
        offer = parse_offer(data)
    except FormatError:
        return
    assert offer.encode() == data


@given(st.integers(0, len(OFFER) - 1), st.integers(1, 255))
def test_no_changed_byte_of_an_offer_is_accepted(at: int, change: int) -> None:
    altered = bytearray(OFFER)
    altered[at] ^= change
    with pytest.raises(OwnhueError):
        open_offer(bytes(altered), REGION, AUTHORITY_KEYS, PUBLISHED)


TIMES = times_of(OFFER)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "ownhue-offer-2"},
        {"poster": POSTER[:-1]},
        {"trace_key": TRACE_KEY[:-1]},
        {"rule": "Indoor"},
        {"reason": []},
        {"reason": [["en"]]},
        {"reason": ["en", "de"]},
        {"times": []},
        {"times": TIMES[::-1]},
        {"times": [TIMES[0], TIMES[0]]},
        {"times": [[HOUR, HOUR + 7200, bytes(64)]]},
        {"times": [[HOUR, HOUR + 1, bytes(63)]]},
        {"times": [[HOUR, HOUR + 1]]},
        {"times": [HOUR]},
        {"more": 1},
    ],
    ids=str,
)
def test_offers_that_break_the_rules_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        parse_offer(spelled(**changes))


def test_each_step_of_opening_an_offer_has_its_own_words() -> None:
    def refused(data: bytes, match: str, region: str = REGION, now: int = PUBLISHED) -> None:
        with pytest.raises(VerificationError, match=match):
            open_offer(data, region, AUTHORITY_KEYS, now)

    refused(OFFER, "another region", region="elsewhere")
    refused(spelled(poster=poster_with(valid_from=HOUR + 601)), "not valid yet")
    refused(spelled(poster=poster_with(valid_until=HOUR + 7258)), "expired")
    refused(spelled(trace_key=second.public(STRANGER)), "not the certified one")
    refused(spelled(times=[*TIMES[:2], [*TIMES[2][:2], TIMES[1][2]]]), "did not sign a notice")
    refused(OFFER, "speaks of the future", now=SPAN.end - 1)
    assert open_offer(OFFER, REGION, AUTHORITY_KEYS, SPAN.end).encode() == OFFER


def test_an_offer_of_two_kinds_cannot_be_made() -> None:
    later = Notice(HOUR + 3600, HOUR + 3700, "outdoor", WHY)
    with pytest.raises(FormatError):
        Offer(POSTER, TRACE_KEY, (NOTICE, later), (bytes(64), bytes(64)))
    with pytest.raises(FormatError):
        Offer(POSTER, TRACE_KEY, (NOTICE,), (bytes(64), bytes(64)))


@pytest.mark.parametrize(
    "span",
    [Span(HOUR, HOUR), Span(HOUR, HOUR - 1), Span(HOUR, HOUR + 48 * 3600 + 1), Span(HOUR + 1, HOUR + 48 * 3600 + 1)],
)
def test_a_span_of_nothing_or_of_more_than_two_days_is_refused(span: Span) -> None:
    with pytest.raises(LimitError):
        make_offer(POSTER, OWNER, span, "indoor", WHY)


def test_the_longest_offer_is_within_the_limit() -> None:
    poster = poster_with(description="x" * 140, address="x" * 200, category="c" * 32, room="r" * 60)
    reason = (("en", "x" * 233),)
    data = make_offer(poster, OWNER, Span(NEW_YEAR - NEW_YEAR % 3600, NEW_YEAR + 48 * 3600), "r" * 32, reason)
    assert 4000 < len(data) <= MAX_OFFER_BYTES
    assert len(open_offer(data, REGION, AUTHORITY_KEYS, YEARS_END).notices) == 48
    with pytest.raises(LimitError):
        parse_offer(bytes(MAX_OFFER_BYTES + 1))


def test_an_owner_cannot_offer_notices_of_another_venue() -> None:
    with pytest.raises(VerificationError, match="another owner"):
        make_offer(POSTER, OwnerKeys(VENUE, STRANGER), SPAN, "indoor", WHY)


def test_an_offer_holds_no_secret_of_the_owner() -> None:
    for secret in (TRACE, VENUE, bytes(SigningKey(TRACE)._signing_key)):
        assert secret not in OFFER
        assert secret[:32].hex() not in repr(parse_offer(OFFER))
