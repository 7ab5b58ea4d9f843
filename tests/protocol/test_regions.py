"""Region directories: lookup, which regions a phone follows, and whose word wins. specs/region.md sections 3 to 5"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.documents import MAX_DOCUMENT_BYTES, open_document, sign_document
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.region import Region, parse_region, region_bytes, region_digest
from ownhue.regions import (
    MAX_DIRECTORY_BYTES,
    MAX_REGIONS,
    MAX_URLS,
    Regions,
    names_this_file,
    open_region_file,
    parse_regions,
    regions_bytes,
    regions_of_body,
    regions_to_follow,
)
from tests.conformance.region_vectors import directory, entry, region_body

AUTHORITY = SigningKey(bytes(range(32)))
KNOWN = parse_regions(canonical_json(directory()))


def region(name: str, **changes: Any) -> Region:
    return parse_region(canonical_json(region_body(name, **changes)))


HOME = region("demo")


def test_a_directory_goes_into_a_signed_document_and_back() -> None:
    body = json.loads(regions_bytes(KNOWN))
    document = sign_document("regions", body, AUTHORITY)
    assert regions_of_body(open_document(document, "regions", [bytes(AUTHORITY.verify_key)])) == KNOWN
    with pytest.raises(VerificationError):
        open_document(document, "rulebook", [bytes(AUTHORITY.verify_key)])


def test_the_largest_directory_fits_its_document() -> None:
    many = [
        entry(
            f"region-{number:04d}",
            labels={"de": "x" * 20, "en": "y" * 20},
            urls=[f"https://{'u' * 20}{number}-{mirror}.example" for mirror in range(MAX_URLS)],
        )
        for number in range(MAX_REGIONS - 1)
    ]
    body = directory(entry("demo"), *many)
    data = canonical_json(body)
    assert len(data) <= MAX_DIRECTORY_BYTES
    assert len(parse_regions(data).regions) == MAX_REGIONS
    assert len(sign_document("regions", body, AUTHORITY)) < MAX_DOCUMENT_BYTES
    with pytest.raises(FormatError):
        parse_regions(canonical_json(directory(entry("demo"), *many, entry("z"))))


def test_long_directories_are_not_read() -> None:
    with pytest.raises(LimitError):
        parse_regions(bytes(MAX_DIRECTORY_BYTES + 1))


def test_a_region_is_found_by_its_name() -> None:
    assert KNOWN.entry("coast").root_threshold == 2
    for name in ("moon", "", "coast ", "Coast"):
        with pytest.raises(StateError):
            KNOWN.entry(name)


def test_the_file_that_an_entry_names_is_opened_and_no_other() -> None:
    coast = region("coast")
    assert open_region_file(KNOWN.entry("coast"), region_bytes(coast)) == coast
    for other in (region("hills"), region("coast", batch_seconds=3600)):
        with pytest.raises(VerificationError):
            open_region_file(KNOWN.entry("coast"), region_bytes(other))


def test_a_phone_follows_what_its_owner_named_and_always_its_home() -> None:
    assert regions_to_follow(KNOWN, HOME, ()) == ()
    assert [item.name for item in regions_to_follow(KNOWN, HOME, {"hills", "coast", "demo"})] == ["coast", "hills"]


def test_a_region_that_left_the_directory_takes_no_other_with_it() -> None:
    assert [item.name for item in regions_to_follow(KNOWN, HOME, {"hills", "moon"})] == ["hills"]


def test_another_regions_directory_cannot_widen_or_change_what_a_phone_follows() -> None:
    """A visited region's word about a third region, or about the home region itself, is not even looked at."""
    foreign = parse_regions(canonical_json(directory(home="hills")))
    for visited in ((), ("coast",), ("demo",)):
        with pytest.raises(VerificationError, match="its own region only"):
            regions_to_follow(foreign, HOME, visited)


def test_no_directory_replaces_the_installed_region_file() -> None:
    """The home region's entry names another file: the phone says so, and goes on trusting the one it has."""
    stolen = parse_regions(canonical_json(directory(entry("coast"), entry("demo", region_sha256="00" * 32))))
    assert names_this_file(KNOWN, HOME)
    assert not names_this_file(stolen, HOME)
    assert "demo" not in {item.name for item in regions_to_follow(stolen, HOME, {"demo", "coast"})}


def test_the_digest_is_that_of_the_file() -> None:
    assert region_digest(HOME).hex() == entry("demo")["region_sha256"]


@given(st.binary(max_size=200))
def test_only_our_own_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_regions(data)


@given(st.dictionaries(st.sampled_from(list(directory())), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_only_our_own_error_leaves_the_reader_of_bodies(body: dict[str, Any]) -> None:
    for wrong in (body, directory() | body):
        try:
            known = regions_of_body(wrong)
        except OwnhueError:
            continue
        assert json.loads(regions_bytes(known)) == wrong


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_accepted_encodes_to_the_same_bytes(data: st.DataObject) -> None:
    for text, read, write in (
        (bytearray(regions_bytes(KNOWN)), parse_regions, regions_bytes),
        (bytearray(region_bytes(HOME)), parse_region, region_bytes),
    ):
        for _ in range(data.draw(st.integers(1, 3))):
            text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
        changed = bytes(text[: data.draw(st.integers(len(text) - 3, len(text)))])
        try:
            value: Any = read(changed)
        except OwnhueError:
            continue
        assert write(value) == changed


def test_an_equal_directory_is_an_equal_value() -> None:
    again: Regions = parse_regions(regions_bytes(KNOWN))
    assert again == KNOWN
    again.check_follows(KNOWN)
