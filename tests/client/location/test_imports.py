"""Histories of other programs: known by their content, sifted, and counted."""

import io
import json
from itertools import pairwise
from typing import Any, BinaryIO, cast

import pytest

from ownhue.errors import FormatError
from ownhue_client.location.imports import DROP_REASONS, ImportReport, import_history
from ownhue_client.location.interface import Fix
from tests.client.location import histories
from tests.client.location.histories import EAST, NORTH, NOW, OLDEST, TIMES


def read(data: bytes, now: int = NOW, **options: Any) -> tuple[list[Fix], ImportReport]:
    history = import_history(io.BytesIO(data), "history", now, **options)
    fixes = list(history)
    return fixes, history.report()


@pytest.mark.parametrize(
    ("data", "name", "accuracy"),
    [
        (histories.records(), "Google Records.json", 40),
        (histories.android(), "Timeline.json (Android)", None),
        (histories.ios(), "Timeline.json (iOS)", 200),
        (histories.text(histories.owntracks()), "OwnTracks", 40),
        (histories.text({"count": 5, "data": histories.owntracks()}), "OwnTracks", 40),
        ("\n".join(map(json.dumps, histories.owntracks())).encode(), "OwnTracks", 40),
        (histories.rec(), "OwnTracks", 40),
        (histories.gpx(), "GPX", 40),
        (histories.gpx(namespace="g:"), "GPX", 40),
        (histories.geojson_points(), "GeoJSON", 40),
        (histories.geojson_line(), "GeoJSON", 200),
    ],
)
def test_every_format_is_known_by_its_content_and_gives_the_same_fixes(
    data: bytes, name: str, accuracy: int | None
) -> None:
    for spelling in (data, b"\xef\xbb\xbf" + data, b"\r\n  " + data):
        if spelling[:1] == b"\r" and data.startswith(b"<?xml"):
            continue  # XML allows nothing before its declaration.
        fixes, report = read(spelling)
        assert [fix.time for fix in fixes] == TIMES
        assert {(round(fix.latitude, 6), round(fix.longitude, 6)) for fix in fixes} == {(NORTH, EAST)}
        assert accuracy is None or {fix.accuracy for fix in fixes} == {accuracy}
        assert (report.format, report.name, report.kept, report.first, report.last) == (
            name,
            "history",
            5,
            TIMES[0],
            TIMES[-1],
        )
        assert report.read == report.kept + sum(report.dropped.values())


def test_what_is_dropped_is_counted_with_its_reason() -> None:
    good = {"lat": NORTH, "lon": EAST, "acc": 20, "tst": TIMES[0]}
    points: list[dict[str, Any]] = [
        good,
        good,
        good | {"tst": TIMES[0] + 30},
        good | {"tst": TIMES[4]},
        good | {"lat": None},
        good | {"lat": 90.5, "tst": TIMES[1]},
        good | {"lat": 0, "lon": 0, "tst": TIMES[1]},
        good | {"tst": None},
        good | {"tst": OLDEST - 1},
        good | {"tst": NOW + 1},
        good | {"tst": TIMES[1], "acc": 451},
        good | {"tst": NOW},
        good | {"tst": OLDEST},
    ]
    fixes, report = read(
        histories.text([{"_type": "location"} | point for point in points]), known={TIMES[4] // 60, 77}
    )
    assert [fix.time for fix in fixes] == [TIMES[0], NOW, OLDEST]
    assert (report.read, report.kept, report.first, report.last) == (13, 3, OLDEST, NOW)
    assert report.dropped == {
        "no place": 1,
        "no time": 1,
        "not on earth": 2,
        "too old": 1,
        "in the future": 1,
        "inaccurate": 1,
        "duplicate": 1,
        "same minute": 1,
        "known already": 1,
    }
    assert set(report.dropped) == set(DROP_REASONS)
    assert report.to_record()["dropped"] == report.dropped


def test_a_place_that_ran_over_32_bits_is_put_right() -> None:
    fixes, _ = read(histories.records(latitudeE7=2**32 - 334_500_000, longitudeE7=2**32 - 706_600_000))
    assert {(fix.latitude, fix.longitude) for fix in fixes} == {(-33.45, -70.66)}


def test_a_visit_of_hours_is_known_all_the_time_and_one_of_years_costs_no_more() -> None:
    visit = histories.candidate("", f"geo:{NORTH},{EAST}")
    begun = {"startTime": "1990-01-01T00:00:00Z", "endTime": "2026-01-07T12:00:00Z", "visit": visit}
    fixes, report = read(histories.text([begun]))
    assert max(later.time - earlier.time for earlier, later in pairwise(fixes)) <= 300
    assert (fixes[0].time - OLDEST < 300, fixes[-1].time, report.read < 5000) == (True, NOW, True)
    for wrong in (begun | {"endTime": "1989-01-01T00:00:00Z"}, begun | {"startTime": "yesterday"}):
        assert read(histories.text([wrong]))[1].dropped == {"no time": 1}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2026-01-06T12:00:00Z", True),
        ("2026-01-06T13:00:00+01:00", True),
        ("1767700800", True),
        (1767700800, True),
        (1767700800123, True),
        ("2026-01-06T12:00:00", False),
        ("6 January 2026", False),
        ("2026-01-06T12:00:00Z" + " " * 100, False),
        (True, False),
        ([1767700800], False),
        ("", False),
    ],
)
def test_a_time_without_a_zone_is_no_time(value: object, kept: bool) -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [EAST, NORTH]},
        "properties": {"time": value},
    }
    fixes, report = read(histories.text({"type": "FeatureCollection", "features": [feature]}))
    assert [fix.time for fix in fixes] == ([1767700800] if kept else [])
    assert report.dropped == ({} if kept else {"no time": 1})


def test_gpx_means_utc_even_where_it_does_not_say_so() -> None:
    point = f'<trkpt lat="{NORTH}" lon="{EAST}"><time>2026-01-06T15:00:00</time></trkpt><trkpt lat="x" lon="1"/>'
    fixes, report = read(histories.gpx(point))
    assert (fixes[-1].time, fixes[-1].accuracy) == (TIMES[0] + 3 * 3600, 200)
    assert report.dropped == {"no place": 1}


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[EAST, NORTH]]]},
        {"type": "MultiLineString", "coordinates": [[[EAST, NORTH]], "x"]},
        {"type": "LineString", "coordinates": [[EAST], "x", None]},
        None,
    ],
)
def test_other_shapes_and_places_that_are_none_are_passed_over(geometry: object) -> None:
    feature = {"type": "Feature", "geometry": geometry, "properties": {"coordTimes": "x"}}
    fixes, report = read(histories.text({"type": "FeatureCollection", "features": [feature, "x", None]}))
    assert (fixes, report.kept) == ([], 0)


def test_a_line_of_lines_takes_its_times_line_by_line() -> None:
    stamps = [[histories.iso(time)] for time in TIMES]
    feature = {
        "type": "Feature",
        "geometry": {"type": "MultiLineString", "coordinates": [[[EAST, NORTH]]] * 5},
        "properties": {"coordTimes": stamps},
    }
    assert [fix.time for fix in read(histories.text(feature))[0]] == TIMES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no history that is known"),
        (b"\x00\x01\x02", "no history that is known"),
        (b"PK\x03\x04", "archive"),
        (b"<kml></kml>", "XML, but no GPX"),
        (b'{"timelineObjects": []}', "Semantic Location History"),
        (b'{"a": 1}', "JSON, but no history"),
        (b"[1, 2]", "neither"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_a_hint(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(data)


@pytest.mark.parametrize("data", [b"[]", b'{"locations": []}', b'{"rawSignals": [], "semanticSegments": []}'])
def test_an_empty_history_is_one(data: bytes) -> None:
    assert read(data)[1].read == 0


def test_a_fix_shows_no_place_in_a_traceback() -> None:
    (fix, *_), _ = read(histories.records())
    assert "46" not in repr(fix)
    assert "7.4" not in repr(fix)


def test_a_stream_that_cannot_go_back_is_enough() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = io.BytesIO(histories.records())

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            data = self.rest.read(min(len(buffer), 7))
            buffer[: len(data)] = data
            return len(data)

    history = import_history(cast("BinaryIO", io.BufferedReader(Pipe())), "-", NOW)
    assert len(list(history)) == 5
