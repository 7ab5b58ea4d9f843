"""The content of certificates: strict where it decides, tolerant where states differ. specs/certificate.md section 2"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate.content import Content, RecoveryEntry, ResultEntry, content_body, parse_content
from ownhue.errors import FormatError
from tests.protocol.certificate_cases import ANYTHING, CONTENTS, RECOVERY, TEST, VACCINATION, content


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-05T08:30:00Z", "2026-01-05T08:30:00Z"),
        ("2026-01-05T09:30:00+01:00", "2026-01-05T08:30:00Z"),
        ("2026-01-05T09:30:00+0100", "2026-01-05T08:30:00Z"),
        ("2026-01-05T09:30:00+01", "2026-01-05T08:30:00Z"),
        ("2026-01-04T23:00:00-09:30", "2026-01-05T08:30:00Z"),
        ("2026-01-05T08:30:00.999999999Z", "2026-01-05T08:30:00Z"),
    ],
)
def test_times_become_utc(written: str, read: str) -> None:
    found = parse_content(content("t", TEST | {"sc": written})).entry
    assert isinstance(found, ResultEntry)
    assert found.sc == read
    assert found.sampled_at == 1_767_601_800


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T08:30:00",
        "2026-01-05 08:30:00Z",
        "2026-01-05",
        "2026-01-05T08:30Z",
        "2026-01-05T24:00:01Z",
        "2026-02-30T08:30:00Z",
        "2026-01-05T08:30:00z",
        "2026-01-05T08:30:00Z\n",
        "1970-01-05T08:30:00Z",
        "2106-01-05T08:30:00Z",
        "٢٠٢٦-01-05T08:30:00Z",
        "",
        1767601800,
        None,
    ],
)
def test_other_times_are_refused(written: Any) -> None:
    with pytest.raises(FormatError):
        parse_content(content("t", TEST | {"sc": written}))


@pytest.mark.parametrize("behind", ["", "T00:00:00", "T23:59:59.9Z", "T00:00:00+02:00"])
def test_dates_lose_a_time_behind_them(behind: str) -> None:
    found = parse_content(content("r", RECOVERY | {"fr": "2025-12-10" + behind})).entry
    assert isinstance(found, RecoveryEntry)
    assert found.fr == "2025-12-10"


@pytest.mark.parametrize(
    "written", ["2025-12", "10.12.2025", "2025-12-10 ", "2025-12-32", "2025-12-10T", "1970-12-10", "", 20251210, None]
)
def test_other_dates_are_refused(written: Any) -> None:
    for name in ("fr", "df", "du"):
        with pytest.raises(FormatError):
            parse_content(content("r", RECOVERY | {name: written}))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1990-05-17", "1990-05-17"),
        ("1990-05", "1990-05"),
        ("1990", "1990"),
        ("", ""),
        ("1978-01-26T00:00:00", "1978-01-26"),
    ],
)
def test_dates_of_birth_may_lack_parts(written: str, read: str) -> None:
    assert parse_content(content("t", TEST, dob=written)).dob == read


@pytest.mark.parametrize(
    "written", ["1890", "2100-01-01", "1990-00-00", "1990-13", "1990-XX-XX", "19900517", "1990-05-17Z", None, 1990]
)
def test_other_dates_of_birth_are_refused(written: Any) -> None:
    with pytest.raises(FormatError):
        parse_content(content("t", TEST, dob=written))


@pytest.mark.parametrize(
    ("group", "entry", "name", "values"),
    [
        ("v", VACCINATION, "dn", [0, -1, 100, "1", 1.0, True, None]),
        ("v", VACCINATION, "sd", [0, 100, "2", None]),
        ("v", VACCINATION, "co", ["at", "", "A" * 11, "A1", 7]),
        ("t", TEST, "ci", ["", "x" * 81, None, b"x", 5]),
        ("t", TEST, "is", [None, 5, ["x"], "x" * 81]),
        ("t", TEST, "nm", [5, "x" * 81]),
        ("r", RECOVERY, "tg", [840539006, None]),
    ],
)
def test_values_of_another_type_or_size_are_refused(
    group: str, entry: dict[str, Any], name: str, values: list[Any]
) -> None:
    for value in values:
        with pytest.raises(FormatError, match=rf"{group}\.0\.{name}"):
            parse_content(content(group, entry | {name: value}))


def test_what_is_required_and_what_is_not() -> None:
    optional = {"nm", "ma", "tc"}
    for group, entry in (("t", TEST), ("r", RECOVERY), ("v", VACCINATION)):
        for name in entry:
            body = content(group, {key: value for key, value in entry.items() if key != name})
            if group == "t" and name in optional:
                parse_content(body)
            else:
                with pytest.raises(FormatError, match="required"):
                    parse_content(body)
    for name in ("ver", "nam", "dob"):
        with pytest.raises(FormatError, match="required"):
            parse_content({key: value for key, value in CONTENTS["t"].items() if key != name})


def test_a_certificate_can_name_nobody() -> None:
    assert parse_content(content("t", TEST, nam={"fnt": ""}, dob="")).names_nobody
    for change in ({"nam": {"fnt": "", "gn": "Probe"}, "dob": ""}, {"nam": {"fnt": ""}, "dob": "1990"}, {}):
        assert not parse_content(content("t", TEST, **change)).names_nobody


def test_a_content_survives_its_body() -> None:
    for body in CONTENTS.values():
        parsed = parse_content(body)
        assert isinstance(parsed, Content)
        assert parse_content(content_body(parsed)) == parsed
        assert {**content_body(parsed)}.keys() == body.keys()


@given(st.sampled_from(["ver", "nam", "dob", "t", "r", "v", "x"]), ANYTHING)
def test_no_foreign_error_leaves_the_content(name: str, value: Any) -> None:
    try:
        parse_content(CONTENTS["t"] | {name: value})
    except FormatError:
        return


@given(st.sampled_from([*TEST, "nm", "ma", "x"]), ANYTHING)
def test_no_foreign_error_leaves_an_entry(name: str, value: Any) -> None:
    try:
        found = parse_content(content("t", TEST | {name: value}))
    except FormatError:
        return
    assert parse_content(content_body(found)) == found
