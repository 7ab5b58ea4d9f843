"""Claim codes: both lengths, what is forgiven, what is refused. specs/report.md section 2"""

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.claim_code import ALPHABET, new_claim_code, parse_claim_code, readable
from ownhue.errors import FormatError
from ownhue.params import ReportType

TYPES = [ReportType(number) for number in range(1, 6)]


@pytest.mark.parametrize("report_type", TYPES)
@pytest.mark.parametrize(("length", "characters"), [("short", 8), ("long", 16)])
def test_new_codes_name_their_report_type_and_are_canonical(
    report_type: ReportType, length: str, characters: int
) -> None:
    code = new_claim_code(report_type, length, os.urandom)
    assert len(code) == characters
    assert parse_claim_code(code) == (code, report_type)


def test_codes_come_from_the_given_randomness() -> None:
    def counting(size: int) -> bytes:
        return bytes(range(size))

    assert new_claim_code(ReportType.CONFIRMED_TEST, "short", counting) == "10123456"
    assert new_claim_code(ReportType.REVOKED, "long", counting) == "50123456789ABCDE"


def test_digits_are_uniform() -> None:
    stream = iter(bytes(range(256)) * 100)
    drawn = Counter(
        digit
        for _ in range(1000)
        for digit in new_claim_code(
            ReportType.CONFIRMED_TEST, "short", lambda size: bytes(next(stream) for _ in range(size))
        )[1:]
    )
    # Bytes 250 to 255 are thrown away: taken modulo 10 they would make 0 to 5 more frequent.
    assert max(drawn.values()) - min(drawn.values()) <= 1


@pytest.mark.parametrize("typed", ["1719-0352", " 1719 0352", "17190352", "1-7-1-9-0-3-5-2", "1719--0352 "])
def test_separators_are_forgiven(typed: str) -> None:
    assert parse_claim_code(typed) == ("17190352", ReportType.CONFIRMED_TEST)


def test_small_letters_are_forgiven() -> None:
    assert parse_claim_code("5k7z-q0m4 8vxd-2tbn") == ("5K7ZQ0M48VXD2TBN", ReportType.REVOKED)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "1719035",
        "171903520",
        "01234567",
        "61234567",
        "A7190352",
        "1719035A",
        "1K7ZQ0M48VXD2TB",
        "1K7ZQ0M48VXD2TBNN",
        "6K7ZQ0M48VXD2TBN",
        "1K7ZQ0M48VXD2TBI",
        "1K7ZQ0M48VXD2TBL",
        "1K7ZQ0M48VXD2TBO",
        "1K7ZQ0M48VXD2TBU",
        "1719.0352",
        "1719\n0352",
        "17190352\n",
        "1719\t0352",
        "1719_0352",
        "١٧١٩٠٣٥٢",
        "1719\u00a00352",
        "1719０352",
        "1K7ZQ0M48VXD2TBſ",
        "+7190352",
    ],
)
def test_everything_else_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(FormatError) as refusal:
        parse_claim_code(typed)
    assert len(typed) < 2 or typed not in str(refusal.value)


@given(st.text())
def test_any_text_is_read_as_a_canonical_code_or_refused(text: str) -> None:
    try:
        code, report_type = parse_claim_code(text)
    except FormatError:
        return
    assert parse_claim_code(code) == (code, report_type)


@given(st.sampled_from("12345"), st.text(ALPHABET, min_size=15, max_size=15))
def test_readable_codes_are_read_back(first: str, rest: str) -> None:
    assert parse_claim_code(readable(first + rest).lower())[0] == first + rest


def test_readable_groups() -> None:
    assert readable("17190352") == "1719-0352"
    assert readable("1K7ZQ0M48VXD2TBN") == "1K7Z-Q0M4-8VXD-2TBN"


def test_no_code_for_an_unknown_type_or_length() -> None:
    for report_type, length in ((ReportType.UNKNOWN, "short"), (ReportType.CONFIRMED_TEST, "medium")):
        with pytest.raises(FormatError):
            new_claim_code(report_type, length, os.urandom)
