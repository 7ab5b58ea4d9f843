"""Posters, their certificates and links. specs/venue.md sections 2, 3 and 5"""

from dataclasses import replace
from typing import Any

import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from qrcode.util import QRData

from ownhue.cells import cell_of
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.venue.certificate import VenueCertificate, certify_venue, check_certificate, parse_certificate
from ownhue.venue.poster import MAX_POSTER_BYTES, MAX_TEXT_BYTES, Poster, open_poster, parse_poster, sign_poster
from ownhue.venue.poster_link import MAX_LINK, poster_url, read_poster_url
from ownhue.venue.poster_schema import decode_message, encode_message
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY,
    AUTHORITY_KEY,
    AUTHORITY_KEYS,
    CELL,
    CERTIFICATE,
    FIELDS,
    HOUR,
    NEW_YEAR,
    OWNER,
    PAYLOAD,
    POSTER,
    PREFIX,
    REGION,
    SEED,
    STRANGER,
    TRACE_KEY,
    VENUE,
    YEARS_END,
    poster_of,
    poster_with,
)

names = st.from_regex(r"\A[a-z][a-z0-9-]{0,31}\Z")
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=15).filter(
    lambda text: text == text.strip()
)
seconds = st.integers(NEW_YEAR, YEARS_END)
cells = st.builds(cell_of, st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000), st.just(7))
certificates = st.builds(
    lambda region, start, length: certify_venue(
        VenueCertificate(region, second.public(VENUE), OWNER.trace_key_hash, start, start + length), AUTHORITY_KEY
    ),
    names,
    seconds,
    st.integers(0, 69_120_000),
)
posters = st.builds(
    lambda start, length, **fields: Poster(valid_from=start, valid_until=start + length, **fields),
    seconds,
    st.integers(0, 34_560_000),
    description=texts,
    address=texts,
    seed=st.binary(min_size=32, max_size=32),
    certificate=certificates,
    category=st.none() | names,
    room=st.none() | texts,
    cell=st.none() | cells,
)


def test_the_poster_of_a_second_implementation_is_read_and_written_the_same() -> None:
    poster = open_poster(POSTER, REGION, AUTHORITY_KEYS, HOUR)
    assert (poster.description, poster.room, poster.cell, poster.seed) == ("Market hall", "Hall 3", CELL, SEED)
    assert poster.payload == PAYLOAD
    assert sign_poster(poster, OWNER.venue_key) == POSTER
    assert poster.keys.preid == second.keys(PAYLOAD)["preid"]


@given(posters)
def test_what_is_signed_is_read_again(poster: Poster) -> None:
    data = sign_poster(poster, OWNER.venue_key)
    assert parse_poster(data)[0] == poster
    assert read_poster_url(poster_url(data, PREFIX)) == (data, PREFIX)
    certificate = poster.certificate
    check_certificate(certificate, certificate.region, AUTHORITY_KEYS)
    assert parse_certificate(certificate.encode()) == certificate


@given(st.binary(max_size=800))
def test_nothing_but_our_errors_leaves_the_parsers(data: bytes) -> None:
    for parse in (parse_poster, parse_certificate):
        with pytest.raises(FormatError):
            parse(data)


@given(st.text(max_size=300) | st.text(max_size=300).map(f"{PREFIX}#OWNV1.".__add__))
def test_what_is_read_of_a_link_is_written_the_same(text: str) -> None:
    try:
        data, prefix = read_poster_url(text)
    except OwnhueError:
        return
    assert poster_url(data, prefix) == text


@given(st.integers(0, len(POSTER) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_poster_is_accepted(at: int, change: int) -> None:
    altered = bytearray(POSTER)
    altered[at] ^= change
    with pytest.raises(OwnhueError):
        open_poster(bytes(altered), REGION, AUTHORITY_KEYS, HOUR)


def refused(
    data: bytes,
    error: type[OwnhueError],
    match: str = "poster|Poster|venue|Venue",
    now: int = HOUR,
    region: str = REGION,
) -> None:
    with pytest.raises(error, match=match):
        open_poster(data, region, AUTHORITY_KEYS, now)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": None},
        {"description": None},
        {"description": ""},
        {"description": " Hall"},
        {"description": "Hall "},
        {"description": "Hall\n3"},
        {"description": "Hall\u202e3"},
        {"description": "Hall\u2028"},
        {"description": "Hall\ud800"},
        {"description": b"\xff\xfe"},
        {"description": "x" * 141},
        {"description": "\u6f22" * 47},
        {"description": "x" * 5000},
        {"address": "x" * 201},
        {"room": "x" * 61},
        {"room": ""},
        {"category": ""},
        {"category": "Market"},
        {"category": "market\n"},
        {"category": "x" * 33},
        {"cell": 0},
        {"cell": 0x861F8342FFFFFFF},
        {"cell": CELL + 2**63},
        {"valid_from": YEARS_END + 1},
        {"valid_until": NEW_YEAR + 34_560_001},
        {"valid_from": 2**32},
        {"seed": SEED[:-1]},
        {"seed": None},
        {"certificate": b""},
        {"certificate": None},
    ],
    ids=str,
)
def test_payloads_that_break_the_rules_are_refused_though_signed(changes: dict[str, Any]) -> None:
    refused(poster_with(**changes), FormatError)


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "Demo"},
        {"region": ""},
        {"region": "demo\n"},
        {"region": None},
        {"venue_key": bytes(31)},
        {"trace_key_hash": bytes(33)},
        {"valid_from": YEARS_END + 1},
        {"valid_until": NEW_YEAR + 69_120_001},
        {"valid_until": None},
    ],
    ids=str,
)
def test_certificates_that_break_the_rules_are_refused_though_signed(changes: dict[str, Any]) -> None:
    refused(poster_with(changes), FormatError)


def test_other_spellings_of_the_same_are_refused() -> None:
    unknown = second.message([(1, PAYLOAD), (2, POSTER[-64:]), (3, b"more")])
    swapped = second.message([(2, POSTER[-64:]), (1, PAYLOAD)])
    twice = POSTER + second.message([(2, POSTER[-64:])])
    padded = b"\x8a\x00" + POSTER[1:]
    short = second.message([(1, PAYLOAD), (2, POSTER[-64:-1])])
    inside = second.poster(PAYLOAD + second.message([(11, b"more")]), VENUE)
    for data in (unknown, swapped, twice, padded, short, inside, POSTER + b"\0", POSTER[:-1], b""):
        refused(data, FormatError)
    refused(bytes(MAX_POSTER_BYTES + 1), LimitError, "at most")


def test_each_step_refuses_with_its_own_words() -> None:
    forged = second.certificate(CERTIFICATE, STRANGER)
    refused(POSTER, VerificationError, "another region", region="elsewhere")
    refused(poster_with(certificate=forged), VerificationError, "did not certify")
    refused(second.poster(PAYLOAD, STRANGER), VerificationError, "did not sign this poster")
    refused(poster_with({"valid_until": YEARS_END - 1}), VerificationError, "longer than the venue is certified")
    refused(poster_with({"valid_from": NEW_YEAR + 1}), VerificationError, "longer than the venue is certified")
    refused(POSTER, VerificationError, "not valid yet", now=NEW_YEAR - 1)
    refused(POSTER, VerificationError, "expired", now=YEARS_END + 1)
    for now in (NEW_YEAR, YEARS_END):
        assert open_poster(POSTER, REGION, AUTHORITY_KEYS, now) == poster_of()


def test_without_the_authoritys_keys_nothing_is_accepted() -> None:
    with pytest.raises(VerificationError, match="did not certify"):
        open_poster(POSTER, REGION, [], HOUR)
    with pytest.raises(VerificationError, match="did not certify"):
        open_poster(POSTER, REGION, [bytes(32)], HOUR)


def test_any_of_several_authority_keys_is_enough() -> None:
    keys = [second.public(STRANGER), second.public(AUTHORITY)]
    assert open_poster(POSTER, REGION, keys, HOUR) == poster_of()


def test_a_signature_over_something_else_does_not_certify() -> None:
    """The authority signs many things; each has a prefix of its own."""
    certificate = VenueCertificate(**CERTIFICATE)
    body = certificate.signed_message().removeprefix(b"OWNHUE-VENUE\0")
    bare = replace(certificate, signature=AUTHORITY_KEY.sign(body).signature)
    with pytest.raises(VerificationError):
        check_certificate(bare, REGION, AUTHORITY_KEYS)


def test_neither_seed_nor_trace_key_is_shown_in_a_poster() -> None:
    assert SEED.hex() not in repr(poster_of())
    assert TRACE_KEY not in POSTER


def longest() -> bytes:
    """The longest poster there is."""
    certificate = certify_venue(
        VenueCertificate("r" * 32, second.public(VENUE), OWNER.trace_key_hash, NEW_YEAR, YEARS_END), AUTHORITY_KEY
    )
    texts = ["x" * length for length in MAX_TEXT_BYTES]
    poster = Poster(texts[0], texts[1], NEW_YEAR, YEARS_END, SEED, certificate, "c" * 32, texts[2], CELL)
    return sign_poster(poster, OWNER.venue_key)


def test_the_longest_poster_and_link_are_those_of_the_limits() -> None:
    data = longest()
    assert len(data) == MAX_POSTER_BYTES
    assert open_poster(data, "r" * 32, AUTHORITY_KEYS, HOUR) == poster_of(data)
    link = poster_url(data, "https://" + "x" * 92)
    assert len(link) == MAX_LINK
    assert read_poster_url(link)[0] == data


def version(text: str, level: int) -> int:
    """The version of the QR code of *text* in byte mode (4)."""
    code = qrcode.QRCode(error_correction=level)
    code.add_data(QRData(text, mode=4))
    code.make(fit=True)
    return code.version


def test_the_sizes_of_codes_are_those_of_the_spec() -> None:
    """specs/venue.md section 5"""
    plain = poster_with(category=None, room=None, cell=None, address="Station road 1")
    levels = (qrcode.constants.ERROR_CORRECT_L, qrcode.constants.ERROR_CORRECT_M, qrcode.constants.ERROR_CORRECT_Q)
    rows = [
        (len(data), len(link), *(version(link, level) for level in levels))
        for data, prefix in ((plain, PREFIX), (POSTER, PREFIX), (longest(), "https://" + "x" * 92))
        for link in [poster_url(data, prefix)]
    ]
    assert rows == [(301, 433, 14, 16, 19), (337, 481, 15, 17, 20), (752, 1110, 24, 27, 32)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://ownhue.example/v",
        "https://ownhue.example/v#",
        "https://ownhue.example/v#OWNV1.",
        "https://ownhue.example/v#OWNV2.AAAA",
        "https://ownhue.example/v#ownv1.AAAA",
        "http://ownhue.example/v#OWNV1.AAAA",
        "https://#OWNV1.AAAA",
        "https://ownhue.example/v #OWNV1.AAAA",
        "https://ownhue.example/#v#OWNV1.AAAA",
        "https://ownhue.example/v#OWNV1.AAAA=",
        "https://ownhue.example/v#OWNV1.AAAB\n",
        "https://ownhue.example/v#OWNV1.AAA B",
        "https://ownhue.example/v#OWNV1.AAF",
        "https://ownhue.ex\u00e4mple/v#OWNV1.AAAA",
        "https://" + "x" * 93 + "#OWNV1.AAAA",
        "OWN1:ABC",
    ],
)
def test_what_is_no_link_of_a_poster_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_poster_url(text)


def test_a_link_that_is_too_long_is_not_read() -> None:
    with pytest.raises(LimitError):
        read_poster_url(f"{PREFIX}#OWNV1." + "A" * MAX_LINK)
    with pytest.raises(LimitError):
        poster_url(bytes(MAX_POSTER_BYTES + 1), PREFIX)


@pytest.mark.parametrize("prefix", ["http://x", "https://", "https://x#", "https://x y", "https://\u00e4", "x" * 99])
def test_prefixes_are_https_and_plain(prefix: str) -> None:
    with pytest.raises(FormatError):
        poster_url(POSTER, prefix)


def test_fields_that_protobuf_cannot_carry_are_our_errors() -> None:
    for fields in ({"version": -1}, {"version": "1"}, {"cell": 2**64}, {"description": 1}, {"unknown": 1}):
        with pytest.raises(FormatError):
            encode_message("PosterPayload", fields)
    assert decode_message("SignedPoster", b"") == {"payload": None, "signature": None}


def test_the_certificates_own_signature_may_be_anything_before_it_is_signed() -> None:
    unsigned = VenueCertificate(**CERTIFICATE)
    assert certify_venue(unsigned, SigningKey(AUTHORITY)).encode() == FIELDS["certificate"]
