"""Place tag: two bytes that show, once the key is published, where a beacon was made. specs/identifiers.md section 4

Pietrzak's delayed authentication (2020), in bytes 2 and 3 of the metadata. A sender that knows its place::

    beacon_in(key, interval, Metadata(transmit_power=-20), cell_of(46_948_000, 7_447_400, PLACE_RESOLUTION))

A receiver, after it read the published key: does the tag fit one of the cells that it was in itself, or their ring 1?

    judge_place(key.data, rpi, metadata, own_cells)      Place.CONFIRMED, UNCONFIRMED or ELSEWHERE

- Until the key is published the tag looks random. Afterwards it tells the cell to whoever tries cells.
- It covers version, confidence and transmit power, so that bits flipped in the air make it fit nothing.
- A wrong tag fits by chance with n / 65536, n: cells tried, at most 7 x MAX_OWN_CELLS = 224, that is 0.34 %.
"""

import hmac
from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum

from ownhue.cells import is_cell, ring1
from ownhue.errors import FormatError
from ownhue.identifiers import (
    KEY_BYTES,
    METADATA_BYTES,
    PLACE_TAG_BYTES,
    Beacon,
    Metadata,
    TemporaryExposureKey,
    beacon_at,
    derive_place_key,
    rpi_at,
)

#: Resolution of the cells that tags speak of: 5 km2 on average. specs/identifiers.md section 8
PLACE_RESOLUTION = 7
#: A beacon is on the air for at most this many seconds, so old may its place be. specs/identifiers.md section 8
PLACE_SECONDS = 1200
#: A receiver that was in more cells than this moves too fast to know its place. specs/identifiers.md section 8
MAX_OWN_CELLS = 32


class Place(StrEnum):
    """What a tag says about a sighting."""

    CONFIRMED = "confirmed"
    """The tag fits one of the receiver's own cells or its ring 1."""
    UNCONFIRMED = "unconfirmed"
    """The sender sent no tag, or the receiver does not know its own place."""
    ELSEWHERE = "elsewhere"
    """There is a tag, the receiver knows its place, and they do not fit: relayed, or changed in the air."""


def place_tag(tek: bytes, rpi: bytes, head: bytes, cell: int) -> bytes:
    """The tag (2 bytes) of a beacon made in *cell*. *head*: bytes 0 and 1 of its metadata, tag bit set.

    Raises FormatError for a cell of another resolution than 7, and for bytes of another length or without that bit.
    """
    _check(cell)
    if (len(tek), len(rpi), len(head)) != (KEY_BYTES, KEY_BYTES, METADATA_BYTES - PLACE_TAG_BYTES) or not head[0] & 1:
        raise FormatError("a place tag is made of a key, an identifier and two bytes that announce it")
    return _tag(derive_place_key(tek), rpi + head, cell)


def beacon_in(key: TemporaryExposureKey, interval: int, metadata: Metadata, cell: int | None) -> Beacon:
    """The beacon of *key* in *interval*, made in *cell* (resolution 7), where the sender was when the interval's
    beacon began; None: the sender does not know, and sends no tag. Raises StateError as beacon_at, and FormatError."""
    if cell is None:
        return beacon_at(key, interval, replace(metadata, place_tag=None))
    head = replace(metadata, place_tag=bytes(PLACE_TAG_BYTES)).to_bytes()[:-PLACE_TAG_BYTES]
    tag = place_tag(key.data, rpi_at(key, interval), head, cell)
    return beacon_at(key, interval, replace(metadata, place_tag=tag))


def judge_place(tek: bytes, rpi: bytes, metadata: Metadata, own_cells: Collection[int]) -> Place:
    """What the tag in *metadata* says to a receiver that was in *own_cells* (resolution 7; empty: it does not know).

    Raises FormatError for own cells of another resolution.
    """
    if metadata.place_tag is None or not 0 < len(set(own_cells)) <= MAX_OWN_CELLS:
        return Place.UNCONFIRMED
    place_key, said = derive_place_key(tek), rpi + metadata.to_bytes()[:-PLACE_TAG_BYTES]
    fits = any(_tag(place_key, said, cell) == metadata.place_tag for cell in cells_around(own_cells))
    return Place.CONFIRMED if fits else Place.ELSEWHERE


def cells_around(own_cells: Collection[int]) -> frozenset[int]:
    """*own_cells* and their neighbours. Raises FormatError for cells of another resolution than 7."""
    for cell in own_cells:
        _check(cell)
    return frozenset[int]().union(*map(ring1, own_cells))


def _tag(place_key: bytes, said: bytes, cell: int) -> bytes:
    return hmac.digest(place_key, said + cell.to_bytes(8, "big"), "sha256")[:PLACE_TAG_BYTES]


def _check(cell: int) -> None:
    if not is_cell(cell, PLACE_RESOLUTION):
        raise FormatError(f"a place tag speaks of cells of resolution {PLACE_RESOLUTION}")
