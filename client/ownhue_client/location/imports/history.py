"""Which format a file has, and reading it. The beginning tells: the first kilobytes, never the name."""

import io
import re
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO, NamedTuple

from ownhue.errors import FormatError
from ownhue_client.location.imports import geojson, gpx, owntracks, records, timeline_android, timeline_ios
from ownhue_client.location.imports.report import ImportReport, Sieve
from ownhue_client.location.interface import Fix

#: Bytes in which a format has to show itself.
HEAD_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_REC = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z\t[^\t\n]*\t", re.ASCII)


class Format(NamedTuple):
    """One format, and how it is read."""

    name: str
    read: Callable[[BinaryIO, Sieve], Iterator[Fix]]


_GPX = Format("GPX", gpx.read)
_RECORDS = Format("Google Records.json", records.read)
_ANDROID = Format("Timeline.json (Android)", timeline_android.read)
_IOS = Format("Timeline.json (iOS)", timeline_ios.read)
_OWNTRACKS = Format("OwnTracks", owntracks.read_json)
_OWNTRACKS_LINES = Format("OwnTracks", owntracks.read_lines)
_GEOJSON = Format("GeoJSON", geojson.read)


class History:
    """Iterates over the fixes of one file, once; afterwards :meth:`report` tells what became of its points."""

    def __init__(self, stream: BinaryIO, name: str, sieve: Sieve) -> None:
        """Reads the beginning. Raises FormatError for a format that is not known."""
        self._name = name
        self._sieve = sieve
        head = stream.read(HEAD_BYTES)
        self.format = format_of(head)
        self._stream = _with_head(head.removeprefix(_BOM), stream, self.format)

    def __iter__(self) -> Iterator[Fix]:
        """Each fix that is worth keeping. Raises FormatError at a broken place."""
        return self.format.read(self._stream, self._sieve)

    def report(self, broken: str = "") -> ImportReport:
        """What was read so far; *broken*: what is wrong with the rest."""
        return self._sieve.report(self._name, self.format.name, broken)


def import_history(stream: BinaryIO, name: str, now: int, *, known: Collection[int] = ()) -> History:
    """The history in *stream* at *now* (unix seconds). *known*: minutes (unix // 60) of which nothing more is wanted.

    *name* is shown to the owner and tells nothing of the format. Raises FormatError for one that is not known.
    """
    return History(stream, name, Sieve(now, known))


def format_of(head: bytes) -> Format:
    """The format of a file that begins with *head*. Raises FormatError, with a hint where there is one."""
    text = head.removeprefix(_BOM).lstrip()
    if text.startswith(b"<"):
        if b"<gpx" in text or b":gpx" in text:
            return _GPX
        raise FormatError("the file is XML, but no GPX")
    if _REC.match(text):
        return _OWNTRACKS_LINES
    if text.startswith(b"["):
        return _of_array(text)
    if text.startswith(b"{"):
        return _of_object(text)
    if text.startswith(b"PK"):
        raise FormatError("the file is an archive: unpack it, and import the history in it")
    raise FormatError("the file is no history that is known: Records.json, Timeline.json, OwnTracks, GPX or GeoJSON")


def _of_array(text: bytes) -> Format:
    if b'"_type"' in text:
        return _OWNTRACKS
    if b'"startTime"' in text or not text[1:].strip(b"] \t\r\n"):
        return _IOS
    raise FormatError("the file is an array of JSON, but neither a Timeline.json nor messages of OwnTracks")


def _of_object(text: bytes) -> Format:
    if found := _ARRAY.search(text):
        return _ARRAYS[found[1]]
    if b'"_type"' in text:
        return _OWNTRACKS_LINES
    if re.search(rb'"type"\s*:\s*"Feature"', text):
        return _GEOJSON_FEATURE
    if b'"timelineObjects"' in text:
        raise FormatError("the file is a month of Semantic Location History: import Records.json or Timeline.json")
    raise FormatError("the file is JSON, but no history that is known")


_GEOJSON_FEATURE = Format("GeoJSON", geojson.read)
#: Array at the top of the file -> format. The first one that is met counts: items hold other names further down.
_ARRAYS = {
    b"locations": _RECORDS,
    b"semanticSegments": _ANDROID,
    b"rawSignals": _ANDROID,
    b"features": _GEOJSON,
    b"data": _OWNTRACKS,
}
_ARRAY = re.compile(rb'"(' + b"|".join(_ARRAYS) + rb')"\s*:\s*\[')


def _with_head(head: bytes, stream: BinaryIO, kind: Format) -> BinaryIO:
    """*stream* again with the bytes that were read; a single feature as an array of one."""
    before, after = (b"[", b"]") if kind is _GEOJSON_FEATURE else (b"", b"")
    return io.BufferedReader(_Joined([io.BytesIO(before + head), stream, io.BytesIO(after)]), HEAD_BYTES)


class _Joined(io.RawIOBase):
    """Several streams, one behind the other."""

    def __init__(self, parts: list[BinaryIO]) -> None:
        super().__init__()
        self._parts = parts

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill *buffer*; how many bytes came, 0 at the end."""
        while self._parts:
            if data := self._parts[0].read(len(buffer)):
                buffer[: len(data)] = data
                return len(data)
            # The last stream but one is the caller's, who closes it.
            self._parts.pop(0)
        return 0
