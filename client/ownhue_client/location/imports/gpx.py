"""GPX 1.0 and 1.1: the points of tracks, with their times. Read piece by piece, with no entity or declaration believed.

<gpx><trk><trkseg>
  <trkpt lat="46.948" lon="7.4474"><time>2026-01-06T12:00:00Z</time><hdop>1.2</hdop></trkpt>
</trkseg></trk></gpx>

Waypoints and routes are plans and marks, not a history. GPX states no accuracy: 8 m for each unit of hdop, twice.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.sax import make_parser

from ownhue.errors import FormatError
from ownhue_client.location.imports.json_items import CHUNK_BYTES, MAX_DEPTH, MAX_VALUE_BYTES
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.values import unix_of
from ownhue_client.location.interface import Fix

#: Metres of error (68 %) of a receiver for each unit of horizontal dilution.
_METRES_PER_HDOP = 8
_TEXTS = {"time", "hdop"}
_MAX_TEXT = 64
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def read(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of *stream* that *sieve* lets through. Raises FormatError."""
    track = _Track(sieve)
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(track)
    try:
        while data := stream.read(CHUNK_BYTES):
            parser.feed(data)
            track.read_bytes(len(data))
            yield from track.take()
        parser.close()
    except (SAXException, DefusedXmlException, ValueError, LookupError):
        # What was complete before the broken place is as good as in a file that is whole.
        yield from track.take()
        raise FormatError(f"the file is broken or no GPX, at line {parser.getLineNumber()}") from None


class _Track(ContentHandler):
    """Collects the points of tracks."""

    def __init__(self, sieve: Sieve) -> None:
        super().__init__()
        self._sieve = sieve
        self._found: list[Fix] = []
        self._depth = 0
        self._since_value = 0
        self._point: dict[str, str] | None = None
        self._text: str | None = None

    def read_bytes(self, count: int) -> None:
        """*count* more bytes were read. Raises FormatError when nothing comes of them."""
        self._since_value += count
        if self._since_value > MAX_VALUE_BYTES:
            raise FormatError(f"a value has more than {MAX_VALUE_BYTES} bytes")

    def take(self) -> list[Fix]:
        """What was found since the last call."""
        found, self._found = self._found, []
        return found

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - of the library
        """An element begins."""
        self._since_value = 0
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FormatError(f"elements lie more than {MAX_DEPTH} deep")
        local = name.rpartition(":")[2]
        if local == "trkpt":
            self._point = {name: attrs[name] for name in ("lat", "lon") if name in attrs}
        elif self._point is not None and local in _TEXTS:
            self._text = ""

    def characters(self, content: str) -> None:
        """Text goes on."""
        if self._text is not None and len(self._text) <= _MAX_TEXT:
            self._text += content

    def endElement(self, name: str) -> None:  # noqa: N802 - of the library
        """An element ends."""
        self._since_value = 0
        self._depth -= 1
        local = name.rpartition(":")[2]
        if self._point is not None and self._text is not None and local in _TEXTS:
            self._point[local], self._text = self._text, None
        elif self._point is not None and local == "trkpt":
            self._finish(self._point)
            self._point = None

    def _finish(self, point: dict[str, str]) -> None:
        dilution = _number(point.get("hdop"))
        accuracy = None if dilution is None else dilution * _METRES_PER_HDOP
        # The format says UTC, also where the letter Z is left out.
        time = unix_of(point.get("time"), utc=True)
        fix = self._sieve.take(time, _number(point.get("lat")), _number(point.get("lon")), accuracy)
        if fix is not None:
            self._found.append(fix)


def _number(text: str | None) -> float | None:
    # Python would take 1_0 and infinity for numbers, XML does not.
    return float(text) if text is not None and len(text) <= _MAX_TEXT and _DECIMAL.fullmatch(text.strip()) else None
