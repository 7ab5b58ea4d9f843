"""Hostile values for functions of venues, areas and cells; logs that would tell a place; notices that cost too much."""

from dataclasses import replace
from random import Random
from typing import Any

import h3.api.basic_int as h3
import pytest

from ownhue import area as area_module
from ownhue.area import Area, Circle, Stay, match_area
from ownhue.area_notice import AreaNotice
from ownhue.cells import cell_of, format_cell, is_cell, parent, parse_cell, resolution_of, ring1
from ownhue.errors import FormatError, VerificationError
from ownhue.venue.notice import NoticeBatch, open_notice
from ownhue.venue.notice_content import Notice
from ownhue.venue.notice_file import parse_notice_file, write_notice_file
from ownhue.venue.offer import Span, make_offer, open_offer
from ownhue.venue.poster import open_poster
from ownhue.venue.visit import Visit, match_notices
from tests.protocol.venue_scene import (
    AUTHORITY_KEY,
    AUTHORITY_KEYS,
    BATCH,
    CELL,
    DAY,
    HOUR,
    OWNER,
    POSTER,
    PUBLISHED,
    REGION,
    TRACE,
    VENUE,
    batch,
    notice_file,
    poster_of,
    record,
)

HALL = poster_of()
VISIT = Visit(HALL, HOUR, HOUR + 3600)
NORTH, EAST = 46_946_891, 7_457_789


@pytest.mark.parametrize("key", [b"", b"x", bytes(31), bytes(33), bytes(32), b"\xff" * 32], ids=bytes.hex)
def test_a_key_that_is_none_opens_nothing_and_raises_no_foreign_error(key: bytes) -> None:
    """Of another length, and points that sign for everybody."""
    here = NoticeBatch(REGION, BATCH, PUBLISHED, [key])
    for call in (
        lambda: open_poster(POSTER, REGION, [key], HOUR),
        lambda: open_notice(record(), HALL.keys, OWNER.trace_key_hash, HOUR, here),
        lambda: parse_notice_file(notice_file(record()), here),
    ):
        with pytest.raises((FormatError, VerificationError)):
            call()


@pytest.mark.parametrize("number", [-1, 2**32, 2**64, 2**70])
def test_a_batch_that_no_file_can_name_is_not_written(number: int) -> None:
    with pytest.raises(FormatError, match="batch"):
        write_notice_file(REGION, number, [], [], AUTHORITY_KEY, Random(1).randbytes)


def test_whoever_reads_logs_learns_no_seed_and_no_key() -> None:
    """An offer has the whole poster, and whoever has that reads all its notices."""
    why = (("en", "Measles"),)
    offer = open_offer(
        make_offer(POSTER, OWNER, Span(HOUR, HOUR + 60), "indoor", why), REGION, AUTHORITY_KEYS, PUBLISHED
    )
    found = match_notices([VISIT], [notice_file(record())], batch())
    shown = " ".join(map(repr, (offer, HALL, HALL.keys, OWNER, VISIT, found, found.exposures)))
    for secret in (HALL.seed, VENUE, TRACE, HALL.keys.notification_key, POSTER[20:60]):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


UNSEEN = [0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x202E, 0x2060, 0x2064, 0x2066, 0x2069, 0xFEFF]
SPACES = [0x20, 0xA0, 0x1680, 0x2000, 0x200A, 0x202F, 0x205F, 0x3000]


@pytest.mark.parametrize("code", UNSEEN, ids=hex)
def test_what_is_not_seen_stands_in_no_text_of_a_poster_or_notice(code: int) -> None:
    """It turns the direction, hides the end of a name, or makes two names look like one."""
    for text in (chr(code), f"Hall {chr(code)}3", f"Hall 3{chr(code)}"):
        with pytest.raises(FormatError):
            replace(HALL, description=text)
        with pytest.raises(FormatError):
            Notice(HOUR, HOUR + 60, "indoor", (("en", text),))


@pytest.mark.parametrize("code", SPACES, ids=hex)
def test_a_poster_that_shows_nothing_is_none(code: int) -> None:
    """Its owner's phone would show an empty line to whom it asks whether this is the place."""
    for text in (chr(code), f"{chr(code)}Hall", f"Hall{chr(code)}"):
        with pytest.raises(FormatError):
            replace(HALL, description=text)
    assert replace(HALL, description=f"Hall{chr(code)}3").description[4] == chr(code)


def test_names_of_all_scripts_stand_on_posters() -> None:
    """Letters that are joined by what is not seen among them (Persian, Hindi)."""
    for text in ("Straße 3", "می\u200cخانه", "क्\u200dष", "市場 3", "سوق"):
        assert replace(HALL, description=text).description == text


def test_whoever_reads_logs_learns_no_place() -> None:
    shown = repr([Stay(1, 2, Circle(NORTH, EAST, 50)), Stay(1, 2, CELL), Circle(NORTH, EAST, 50)])
    assert not [word for word in (NORTH, EAST, CELL, f"{CELL:x}") if str(word) in shown]


HOSTILE: list[Any] = [
    None,
    "x",
    b"x",
    1.5,
    True,
    -1,
    0,
    16,
    2**63,
    2**64,
    2**70,
    [1],
    {},
    float("nan"),
    0x8FFFFFFFFFFFFFFF,
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_what_is_no_cell_is_refused_in_our_own_words(value: Any) -> None:
    assert not is_cell(value)
    for call in (
        format_cell,
        parse_cell,
        resolution_of,
        ring1,
        lambda cell: parent(cell, 0),
        lambda cell: Stay(0, 1, cell),
    ):
        with pytest.raises(FormatError):
            call(value)
    if value != 0:  # a resolution
        with pytest.raises(FormatError):
            parent(CELL, value)
    with pytest.raises(FormatError):
        cell_of(91_000_000, 0, value)


def test_every_bit_of_a_cell_changed_is_a_cell_or_refused() -> None:
    """Reserved bits, other modes, base cells that do not exist, deleted directions of pentagons."""
    pentagons = [cell for resolution in range(16) for cell in h3.get_pentagons(resolution)]
    for cell in (CELL, *pentagons):
        for bit in range(64):
            changed = cell ^ 1 << bit
            if is_cell(changed):
                assert changed in ring1(changed)
                assert Area([changed]).holds(changed)
            else:
                with pytest.raises(FormatError):
                    Area([changed])


def notice(cells: list[int], start: int = HOUR) -> AreaNotice:
    body: dict[str, Any] = {"region": "demo", "rule": "outbreak", "minimum_minutes": 60, "reason": {"en": "Outbreak"}}
    return AreaNotice(**body, cells=tuple(sorted(cells)), start=start, end=start + 4 * 3600)


SCATTERED = [cell_of(46_000_000 + 20_000 * number, EAST, 9) for number in range(200)]


def test_notices_about_other_places_and_times_cost_no_border(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 scattered cells have 1,200 edges: a phone that was elsewhere, or at another time, never computes them."""

    def expensive(cells: object) -> Any:
        raise AssertionError("a border was computed for nothing")

    monkeypatch.setattr(area_module, "_border", expensive)
    elsewhere = [Stay(HOUR + 60 * minute, HOUR + 60 * minute + 60, Circle(0, 0, 5)) for minute in range(240)]
    before = [Stay(HOUR - DAY, HOUR, Circle(46_000_000, EAST, 5))]
    for stays in (elsewhere, before, []):
        assert match_area(notice(SCATTERED), stays, PUBLISHED) is None


def test_nothing_that_is_found_costs_more_than_the_notices_of_its_hours() -> None:
    """Visits of fourteen days, and a file whose every notice is unknown: what is kept does not grow with the file."""
    visits = [Visit(HALL, HOUR - day * DAY, HOUR - day * DAY + DAY) for day in range(14)]
    found = match_notices(visits, [notice_file(record())], batch())
    assert len(found.found) + sum(found.discarded.values()) <= 2  # two visits touch the hour
