"""The items of long arrays in a JSON file, one after the other, in constant memory.

    for name, item in items(stream, frozenset({"locations"})): ...    {"locations": [item, item, ...], ...}

- An array that is the whole file has the name "".
- Everything else is passed over without being kept.
- Bounded: how deep values lie, how many an item has, how long one is. FormatError says at which byte, never what is
  there.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]

from ownhue.errors import FormatError

#: Objects and arrays within each other.
MAX_DEPTH = 64
#: Values in one item: a GeoJSON track of two days at one point a second has that many.
MAX_ITEM_VALUES = 500_000
#: Bytes of one text or number.
MAX_VALUE_BYTES = 1 << 20
#: Bytes that are read at a time; an error is told as exactly.
CHUNK_BYTES = 1 << 14

_OPENS = {"start_map", "start_array"}
_CLOSES = {"end_map", "end_array"}


class _Metered:
    """A stream that gives up when it is read and read and no value comes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_bytes = 0
        self.since_value = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises FormatError."""
        if size == 0:
            return b""
        if self.since_value > MAX_VALUE_BYTES:
            raise FormatError(f"a value has more than {MAX_VALUE_BYTES} bytes, {self.where()}")
        data = self._stream.read(CHUNK_BYTES)
        self.read_bytes += len(data)
        self.since_value += len(data)
        return data

    def where(self) -> str:
        """Where the file is read now, for an error."""
        return f"near byte {max(self.read_bytes - CHUNK_BYTES, 0)} to {self.read_bytes}"


def items(stream: BinaryIO, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """(name of the array, item) of each item of the arrays *names* at the top of the file, in the file's order.

    Raises FormatError for what is not JSON in UTF-8, and for values beyond the limits above.
    """
    metered = _Metered(stream)
    walk = _Walk(names, metered)
    try:
        for event, value in ijson.basic_parse(metered, buf_size=CHUNK_BYTES, use_float=True):
            metered.since_value = 0
            walk.step(event, value)
            if walk.ready:
                yield from walk.ready
                walk.ready = []
    except (ijson.JSONError, ValueError, OverflowError):
        # The parser's own words hold a piece of the file, that is, of the history.
        raise FormatError(f"the file is broken or no JSON, {metered.where()}") from None


class _Walk:
    """Builds items out of the parser's events."""

    def __init__(self, names: frozenset[str], metered: _Metered) -> None:
        self._names = names
        self._metered = metered
        self._depth = 0
        self._key = ""
        #: Depth at which items begin: 1 in an array that is the file, 2 in one that is named; 0: in none of them.
        self._level = 0
        self._name = ""
        self._item: _Item | None = None
        self.ready: list[tuple[str, Any]] = []

    def step(self, event: str, value: Any) -> None:
        """One event of the parser."""
        if self._item is None and self._level and self._depth == self._level and event not in _CLOSES:
            self._item = _Item()
        if self._item is None:
            self._between(event, value)
        else:
            self._build(self._item, event, value)
        if event in _OPENS:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise FormatError(f"values lie more than {MAX_DEPTH} deep, {self._metered.where()}")

    def _between(self, event: str, value: Any) -> None:
        """Outside of items: find the arrays that hold them."""
        if event == "map_key" and self._depth == 1:
            self._key = value
        elif event == "start_array" and self._depth == 0:
            self._level, self._name = 1, ""
        elif event == "start_array" and self._depth == 1 and self._key in self._names:
            self._level, self._name = 2, self._key
        elif event in _CLOSES:
            self._depth -= 1
            if self._depth < self._level:
                self._level = 0

    def _build(self, item: "_Item", event: str, value: Any) -> None:
        item.add(event, value)
        if item.count > MAX_ITEM_VALUES:
            raise FormatError(f"one item has more than {MAX_ITEM_VALUES} values, {self._metered.where()}")
        if event in _CLOSES:
            self._depth -= 1
        if item.complete:
            self.ready.append((self._name, item.value))
            self._item = None


class _Item:
    """One value that is being built."""

    def __init__(self) -> None:
        self.value: Any = None
        self.count = 0
        self.complete = False
        self._open: list[Any] = []
        self._keys: list[str] = []

    def add(self, event: str, value: Any) -> None:
        """Take one event of the parser in."""
        self.count += 1
        if event == "map_key":
            self._keys[-1] = value
        elif event in _CLOSES:
            self._open.pop()
            self._keys.pop()
            self.complete = not self._open
        else:
            new = {"start_map": {}, "start_array": []}.get(event, value)
            self._put(new)
            if event in _OPENS:
                self._open.append(new)
                self._keys.append("")
            else:
                self.complete = not self._open

    def _put(self, new: Any) -> None:
        if not self._open:
            self.value = new
        elif isinstance(self._open[-1], dict):
            self._open[-1][self._keys[-1]] = new
        else:
            self._open[-1].append(new)
