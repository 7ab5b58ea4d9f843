"""An attacker who holds two database files and joins the rows of one to the rows of the other by whatever orders them.

It knows nothing but the bytes. For every way to order patients and every way to order keys it guesses that the key at a
certain place of the one order belongs to the patient at the same place of the other, forwards and backwards.
"""

import math
import random
import sqlite3
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

#: A value for each thing (a patient, a key) by which the things can be put in order.
Feature = Mapping[Hashable, float]

#: Patients on either side of the guess that count as "nearly right".
WINDOW = 12
#: Bytes of a page of SQLite.
PAGE = 4096


def ranks(feature: Feature, seed: int) -> dict[Hashable, float]:
    """Place of each thing in the order of *feature*, 0..1; equal values in random order."""
    things = list(feature)
    random.Random(seed).shuffle(things)
    things.sort(key=lambda thing: feature[thing])
    return {thing: place / len(things) for place, thing in enumerate(things)}


def advantage(patients: Feature, keys: Feature, owner: Mapping[Hashable, Hashable]) -> float:
    """How surprising the guesses would be by chance (see :func:`surprise`); the best of four ways to count.

    *owner*: the truth, the patient of each key. Exact hits and near ones, forwards and backwards.
    """
    count = len(patients)
    place_of_patient = {patient: int(rank * count) for patient, rank in ranks(patients, 1).items()}
    place_of_key = {key: int(rank * count) for key, rank in ranks(keys, 2).items()}
    best = 0.0
    for backwards in (False, True):
        distances = [
            abs((count - 1 - place if backwards else place) - place_of_patient[owner[key]])
            for key, place in place_of_key.items()
        ]
        best = max(best, surprise(sum(distance == 0 for distance in distances), len(distances), 1 / count))
        near = sum(distance <= WINDOW for distance in distances)
        # Places near the ends have fewer neighbours, so chance is a little below (2 * WINDOW + 1) / count.
        chance = ((2 * WINDOW + 1) * count - WINDOW * (WINDOW + 1)) / count**2
        best = max(best, surprise(near, len(distances), chance))
    return best


def togetherness(keys: Feature, owner: Mapping[Hashable, Hashable]) -> float:
    """How surprising it would be by chance that so many neighbours in the order of *keys* have one owner."""
    order = sorted(ranks(keys, 3).items(), key=lambda item: item[1])
    pairs = list(pairwise(order))
    same = sum(owner[before] == owner[after] for (before, _), (after, _) in pairs)
    sizes: dict[Hashable, int] = {}
    for patient in owner.values():
        sizes[patient] = sizes.get(patient, 0) + 1
    total = len(owner)
    chance = sum(size * (size - 1) for size in sizes.values()) / (total * (total - 1))
    return surprise(same, len(pairs), chance)


def surprise(hits: int, tries: int, chance: float) -> float:
    """-log10 of the probability of at least *hits* by chance: 9 means one in a thousand million."""

    def log_probability(count: int) -> float:
        ways = math.lgamma(tries + 1) - math.lgamma(count + 1) - math.lgamma(tries - count + 1)
        return ways + count * math.log(chance) + (tries - count) * math.log1p(-chance)

    if hits <= tries * chance:
        return 0.0
    logs = [log_probability(count) for count in range(hits, tries + 1)]
    largest = max(logs)
    return -(largest + math.log(sum(math.exp(value - largest) for value in logs))) / math.log(10)


def number(data: bytes) -> float:
    """A value that orders byte strings."""
    return float(int.from_bytes(data[:8], "big"))


def offsets(file: bytes, things: Mapping[Hashable, bytes]) -> Feature:
    """Where in the file each thing's bytes lie (first occurrence)."""
    return {name: float(file.index(data)) for name, data in things.items()}


def cells(file: bytes, things: Mapping[Hashable, bytes]) -> Feature:
    """Page of each thing, and inside a page the last bytes first: SQLite fills pages from their end."""
    places = offsets(file, things)
    return {name: place // PAGE * PAGE + PAGE - place % PAGE for name, place in places.items()}


def rows(file: bytes, query: str, scratch: Path) -> list[tuple[int, bytes]]:
    """Rows of a copy of a database file."""
    scratch.write_bytes(file)
    database = sqlite3.connect(scratch)
    found = database.execute(query).fetchall()
    database.close()
    return found


def shared_windows(rows_of_one: Sequence[bytes], other_file: bytes, width: int = 8) -> set[bytes]:
    """Byte strings of *width* that occur both in the rows of one database and anywhere in the other file."""
    windows = {row[at : at + width] for row in rows_of_one for at in range(len(row) - width + 1)}
    found = {other_file[at : at + width] for at in range(len(other_file) - width + 1)}
    return windows & found
