"""GeoJSON with times (RFC 7946 names no field for them; these are the ones that programs write).

{"type": "FeatureCollection", "features": [
  {"type": "Feature", "geometry": {"type": "Point", "coordinates": [7.4474, 46.948]},
   "properties": {"time": "2026-01-06T12:00:00Z", "accuracy": 20}},
  {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[7.4474, 46.948], [7.45, 46.95]]},
   "properties": {"coordTimes": ["2026-01-06T12:00:00Z", "2026-01-06T12:05:00Z"]}}]}
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, BinaryIO

from ownhue_client.location.imports.json_items import items
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.values import child, children, unix_of
from ownhue_client.location.interface import Fix

_TIMES = ("time", "timestamp", "datetime", "date_time", "date")
_ACCURACIES = ("accuracy", "horizontal_accuracy", "horizontalAccuracy")


def read(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of *stream* that *sieve* lets through. Raises FormatError."""
    for _, feature in items(stream, frozenset({"features"})):
        properties = child(feature, "properties")
        accuracy = _first(properties, _ACCURACIES)
        for time, position in _positions(child(feature, "geometry"), properties):
            # Longitude comes first here.
            east, north = [*position, None, None][:2]
            if (fix := sieve.take(unix_of(time), north, east, accuracy)) is not None:
                yield fix


def _positions(geometry: Any, properties: Any) -> Iterator[tuple[Any, list[Any]]]:
    """(time as it is spelled, position) of each point of a feature. Surfaces are no history."""
    kind, coordinates = child(geometry, "type"), children(child(geometry, "coordinates"))
    times = child(properties, "coordTimes") or child(properties, "coordinateProperties", "times")
    if kind == "Point":
        yield _first(properties, _TIMES), coordinates
    elif kind in ("LineString", "MultiPoint"):
        yield from _line(coordinates, times)
    elif kind == "MultiLineString":
        for line, stamps in zip_longest(coordinates, children(times)[: len(coordinates)]):
            yield from _line(children(line), stamps)


def _line(coordinates: list[Any], times: Any) -> Iterator[tuple[Any, list[Any]]]:
    stamps = children(times)
    for at, position in enumerate(coordinates):
        yield stamps[at] if at < len(stamps) else None, children(position)


def _first(properties: Any, names: tuple[str, ...]) -> Any:
    return next((value for name in names if (value := child(properties, name)) is not None), None)
