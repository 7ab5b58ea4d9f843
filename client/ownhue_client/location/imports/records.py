"""Google Takeout's Records.json: everything that was ever measured, often gigabytes.

{"locations": [{"latitudeE7": 469480000, "longitudeE7": 74474000, "accuracy": 20, "timestamp": "2026-01-06T12:00:00Z"}]}

Older ones have "timestampMs": "1767700800000".
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from ownhue_client.location.imports.json_items import items
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.values import child, degrees_of_e7, unix_of
from ownhue_client.location.interface import Fix


def read(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of *stream* that *sieve* lets through. Raises FormatError."""
    for _, item in items(stream, frozenset({"locations"})):
        if (fix := _fix(item, sieve)) is not None:
            yield fix


def _fix(item: Any, sieve: Sieve) -> Fix | None:
    stamp = child(item, "timestamp")
    time = unix_of(child(item, "timestampMs") if stamp is None else stamp)
    north, east = degrees_of_e7(child(item, "latitudeE7")), degrees_of_e7(child(item, "longitudeE7"))
    return sieve.take(time, north, east, child(item, "accuracy"))
