"""storage/slots.py: rows of one length that keep no order."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import MetaData, select

from ownhue_server.storage.database import open_database
from ownhue_server.storage.slots import Slots, slot_table
from ownhue_server.storage.writer import Transaction, Writer

T = TypeVar("T")

TABLES = MetaData()
TABLE = slot_table("things", TABLES)
CONTENT = 40


class Box:
    """Slots with their writer and file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = Writer(open_database(path), TABLES)
        self.writer.start()
        self.slots = Slots(TABLE, key_bytes=16, content_bytes=CONTENT, first_slots=64)

    def run(self, job: Callable[[Transaction], T]) -> T:
        return self.writer.submit(job).result()

    def add(self, *contents: bytes) -> None:
        self.run(lambda transaction: self.slots.add(transaction, contents))

    def all(self) -> list[bytes]:
        return self.run(self.slots.all)

    def rows(self) -> dict[int, bytes]:
        return self.run(lambda transaction: {row[0]: row[1] for row in transaction.connection.execute(select(TABLE))})


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "slots.sqlite")
    yield box
    box.writer.stop()


def contents(count: int) -> list[bytes]:
    return [os.urandom(CONTENT) for _ in range(count)]


def test_what_was_added_is_found_by_its_key(box: Box) -> None:
    added = contents(5)
    box.add(*added)
    assert box.all() == sorted(added)
    assert box.run(lambda tx: box.slots.get(tx, added[2][:16])) == added[2]
    assert box.run(lambda tx: box.slots.get(tx, bytes(16))) is None
    assert box.run(lambda tx: box.slots.has(tx, added[0][:16]))


def test_another_start_finds_the_same(box: Box) -> None:
    added = contents(30)
    box.add(*added)
    box.run(lambda tx: box.slots.remove(tx, [added[0][:16]]))
    again = Slots(TABLE, key_bytes=16, content_bytes=CONTENT)
    assert box.run(again.all) == sorted(added[1:])
    box.run(lambda tx: again.add(tx, contents(1)))
    assert len(box.run(again.all)) == 30


def test_removed_contents_leave_no_byte_in_the_file(box: Box) -> None:
    added = contents(8)
    box.add(*added)
    assert added[3] in box.path.read_bytes()
    box.run(lambda tx: box.slots.remove(tx, [added[3][:16], bytes(16)]))
    data = box.path.read_bytes()
    assert added[3][:8] not in data
    assert added[4] in data
    assert box.all() == sorted(added[:3] + added[4:])


def test_every_row_has_one_length_and_free_rows_are_not_constant(box: Box) -> None:
    box.add(*contents(8))
    payloads = list(box.rows().values())
    assert {len(payload) for payload in payloads} == {CONTENT + 1}
    assert len(set(payloads)) == len(payloads)


def test_an_update_stays_in_place_in_the_file(box: Box) -> None:
    """Else the layout of a page would tell in which order its rows were written."""
    box.add(*contents(1))
    before = box.path.read_bytes()
    places = {slot: before.index(payload) for slot, payload in box.rows().items()}
    for _ in range(20):
        box.add(*contents(1))
    after = box.path.read_bytes()
    assert {slot: after.index(payload) for slot, payload in box.rows().items()} == places


def test_growing_moves_everything(box: Box) -> None:
    """Else a key in the second half of a table would say that it came later."""
    first = contents(32)
    box.add(*first)
    before = {payload: slot for slot, payload in box.rows().items()}
    second = contents(33)
    box.add(*second)
    rows = box.rows()
    assert len(rows) == 256
    assert box.all() == sorted(first + second)
    after = {payload: slot for slot, payload in rows.items()}
    stayed = sum(before[b"\1" + content] == after[b"\1" + content] for content in first)
    assert stayed <= 5  # one in 256 each
    assert max(after[b"\1" + content] for content in first) > 128


def test_a_failed_job_leaves_slots_and_memory_as_they_were(box: Box) -> None:
    kept, lost = contents(3), contents(40)
    box.add(*kept)

    def fail(transaction: Transaction) -> None:
        box.slots.remove(transaction, [kept[0][:16]])
        box.slots.add(transaction, lost)
        raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError):
        box.run(fail)
    assert box.all() == sorted(kept)
    assert not box.run(lambda tx: box.slots.has(tx, lost[0][:16]))
    box.add(*lost)
    assert box.all() == sorted(kept + lost)


def test_the_same_key_twice_is_a_programming_error(box: Box) -> None:
    (content,) = contents(1)
    box.add(content)
    with pytest.raises(AssertionError):
        box.add(content)
    assert box.all() == [content]


def test_replacing_keeps_the_slot(box: Box) -> None:
    (content,) = contents(1)
    box.add(content)
    changed = content[:16] + os.urandom(CONTENT - 16)
    before = {payload: slot for slot, payload in box.rows().items()}[b"\1" + content]
    box.run(lambda tx: box.slots.replace(tx, changed))
    assert box.rows()[before] == b"\1" + changed
    assert content[16:] not in box.path.read_bytes()
