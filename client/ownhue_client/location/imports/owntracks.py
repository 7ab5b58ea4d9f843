"""OwnTracks: the recorder's .rec files, its JSON answers, and messages one a line. Only `"_type": "location"` counts.

2026-01-06T12:00:00Z    *    {"_type": "location", "lat": 46.948, "lon": 7.4474, "tst": 1767700800, "acc": 20}
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ownhue.errors import FormatError
from ownhue_client.location.imports.json_items import items
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.values import child, unix_of
from ownhue_client.location.interface import Fix

#: Longest line in bytes; a message has some hundred.
MAX_LINE_BYTES = 1 << 16
_REC_FIELDS = 3


def read_json(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of an array of messages, or of {"data": [...]}. Raises FormatError."""
    for _, item in items(stream, frozenset({"data"})):
        yield from _message(item, sieve)


def read_lines(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of lines of messages, or of a .rec file. Raises FormatError."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise FormatError(f"line {number} has more than {MAX_LINE_BYTES} bytes")
        text = line.strip()
        if text and (message := _payload(text, number)) is not None:
            yield from _message(message, sieve)


def _payload(line: bytes, number: int) -> Any:
    """The message of a line; None in a line of a .rec file that holds none."""
    if not line.startswith(b"{"):
        fields = line.split(b"\t", _REC_FIELDS - 1)
        if len(fields) != _REC_FIELDS:
            raise FormatError(f"line {number} is no message of OwnTracks")
        line = fields[2].strip()
        # The recorder writes what it got, encrypted messages and last wills among it.
        if not line.startswith(b"{"):
            return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise FormatError(f"line {number} is broken") from None


def _message(message: Any, sieve: Sieve) -> Iterator[Fix]:
    if child(message, "_type") != "location":
        return
    place = child(message, "lat"), child(message, "lon")
    if (fix := sieve.take(unix_of(child(message, "tst")), *place, child(message, "acc"))) is not None:
        yield fix
