"""A process that is killed at any point leaves a phone that opens, with all of a step or nothing of it."""

import io
import os
from functools import partial
from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue_client.phone import unlock
from ownhue_client.phone.moved import mark_moved, moved_at
from ownhue_client.phone.passphrase import Stretch
from ownhue_client.phone.repair import repair
from ownhue_client.phone.schema import EVIDENCE, SCHEMA_VERSION
from ownhue_client.phone.store import Store
from ownhue_client.phone.transfer import export_phone, import_phone
from ownhue_client.phone.unlock import KeyFile, Passphrase
from tests.client.killing import STRIDES, killed_at
from tests.client.store_version_3 import build
from tests.client.test_phone_repair import STATE, overwrite, pages_of

DAY = 20_514
WORDS = "a passphrase of one's own"


def opened(folder: Path) -> Store:
    return Store.open(folder, os.urandom)


def make(folder: Path) -> None:
    Store.create(folder, os.urandom, STATE).close()


def secret() -> Passphrase:
    return Passphrase(lambda: WORDS, 1, 8192)


def filled(folder: Path) -> None:
    with Store.creating(folder, os.urandom) as store:
        store.put_all(STATE)
        for table in ("places", "sightings", "windows", "passes", "own_keys"):
            store.add(table, DAY, [bytes(16), 1, 12])
            store.add(table, DAY + 1, [bytes(16), 2, 12])


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_phone_is_made_there_is_a_whole_one_or_none(tmp_path: Path, stride: int) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        killed = killed_at(point, partial(make, folder))
        if (folder / "phone.db").exists():
            store = opened(folder)
        else:
            with pytest.raises(StateError, match="no phone"):
                opened(folder)
            # Made anew, by another way even, with nothing of the first try in it.
            store = Store.create(folder, os.urandom, STATE | {"second": 1}, secret())
            assert not (folder / "master.key").exists()
        assert store.need("salt") == bytes(32)
        assert store.damage() == []
        store.close()
        assert {path.name for path in folder.iterdir()} <= {"phone.db", "phone.lock", "unlock.json", "master.key"}
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_day_is_forgotten_it_is_there_or_gone_with_its_key(tmp_path: Path, stride: int) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        filled(folder)
        store = opened(folder)
        wrapped = store._query("SELECT box FROM keys WHERE day = ?", (DAY,))
        store.close()

        def run(folder: Path = folder) -> None:
            opened(folder).forget_day(DAY)

        killed = killed_at(point, run)
        store = opened(folder)
        rows = [len(list(store.bytes_rows(table, DAY, DAY))) for table in ("places", "sightings", "windows")]
        if store.days() == [DAY, DAY + 1]:
            assert rows == [1, 1, 1]
        else:
            assert (rows, store.days(), store.days(EVIDENCE)) == ([0, 0, 0], [DAY + 1], [DAY + 1])
            # A write-ahead log that the killed process left still held it; opening emptied that.
            data = b"".join(path.read_bytes() for path in folder.iterdir())
            assert not any(box in data for (box,) in wrapped)
        store.close()
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_an_older_store_is_brought_to_todays_form_nothing_is_lost(tmp_path: Path, stride: int) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        build(folder)
        killed = killed_at(point, partial(opened, folder))
        store = opened(folder)
        assert store.version == SCHEMA_VERSION
        assert [row.value for row in store.rows("places")] == [["places"]]
        assert len(next(store.rows("scans")).value) == 36
        store.close()
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_phone_is_imported_there_is_a_whole_one_or_none(tmp_path: Path, stride: int) -> None:
    filled(tmp_path / "old")
    store = opened(tmp_path / "old")
    data = b"".join(export_phone(store, WORDS, DAY * 86400, Stretch.new(os.urandom, 1, 8192)))
    store.close()
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)

        def run(folder: Path = folder) -> None:
            import_phone(io.BytesIO(data), WORDS, folder, random=os.urandom)

        killed = killed_at(point, run)
        if not (folder / "phone.db").exists():
            run()
        store = opened(folder)
        assert len(list(store.rows("passes"))) == 2
        store.close()
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_phone_goes_it_has_its_passes_or_knows_that_it_has_gone(tmp_path: Path, stride: int) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        filled(folder)

        def run(folder: Path = folder) -> None:
            mark_moved(opened(folder), DAY * 86400)

        killed = killed_at(point, run)
        store = opened(folder)
        left = (len(list(store.rows("passes"))), len(list(store.rows("own_keys"))))
        assert left == ((2, 2) if moved_at(store) is None else (0, 0))
        assert len(list(store.rows("places"))) == 2
        store.close()
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_the_way_of_opening_changes_one_of_the_two_opens(tmp_path: Path, stride: int) -> None:
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        filled(folder)
        killed = killed_at(point, partial(unlock.rewrap, folder, KeyFile(), secret(), os.urandom))
        store = Store.open(folder, os.urandom, unlock.source_of(folder, lambda: WORDS))
        assert store.need("salt") == bytes(32)
        store.close()
        # When the passphrase opens it, no key lies beside it any more.
        assert (folder / "master.key").exists() == (unlock.kind_of(folder) == "key-file")
        point += stride
    assert point > 2 * stride


@pytest.mark.parametrize("stride", STRIDES)
def test_while_a_store_is_repaired_the_damaged_or_the_repaired_one_is_there(tmp_path: Path, stride: int) -> None:
    filled(tmp_path / "first")
    store = opened(tmp_path / "first")
    for number in range(100):
        store.add("places", DAY, [number, bytes(100)])
    store.close()
    overwrite(tmp_path / "first", pages_of(tmp_path / "first", "places")[-1])
    files = {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()}
    point, killed = 0, True
    while killed:
        folder = tmp_path / str(point)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        killed = killed_at(point, partial(repair, folder, random=os.urandom))
        report = repair(folder, random=os.urandom)
        assert report.kept["places"] > 50
        store = opened(folder)
        assert store.damage() == []
        store.close()
        point += stride
    assert point > 2 * stride
