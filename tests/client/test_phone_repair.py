"""A damaged store: a clear message, nothing else lost, and a repair that keeps what opens and tells what does not."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue_client.phone.repair import repair
from ownhue_client.phone.schema import SCHEMA_VERSION
from ownhue_client.phone.store import Store
from ownhue_client.phone.store_errors import DamagedError
from ownhue_client.phone.unlock import Passphrase
from tests.client.killing import killed_at
from tests.client.store_version_3 import build

DAY = 20_514
PAGE = 4096
STATE = {
    "region": [1],
    "salt": bytes(32),
    "phone_secret": bytes(32),
    "observed_since": 1,
    "preferences": {"coarse": True},
}
ROWS = 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed store with places of four days and sightings, each table over many pages."""
    store = Store.create(tmp_path / "phone", os.urandom, STATE)
    with store.atomic():
        for number in range(ROWS):
            store.add("places", DAY + number // 100, [number, bytes(150)])
            store.add_bytes("sightings", DAY + number // 100, os.urandom(150))
        store.add_bytes("journal", DAY, b"entry")
    store.close()
    return tmp_path / "phone"


def pages_of(folder: Path, table: str) -> list[int]:
    """Numbers (from 1) of the pages that hold rows of *table*: those on which a box of it lies."""
    connection = sqlite3.connect(folder / "phone.db")
    boxes = [bytes(box)[:40] for (box,) in connection.execute(f"SELECT box FROM {table}")]
    connection.close()
    data = (folder / "phone.db").read_bytes()
    return sorted({data.index(box) // PAGE + 1 for box in boxes})


def root_of(folder: Path, table: str) -> int:
    connection = sqlite3.connect(folder / "phone.db")
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()
    return int(root)


def overwrite(folder: Path, page: int, data: bytes = b"\xff" * PAGE, at: int = 0) -> None:
    with (folder / "phone.db").open("r+b") as file:
        file.seek((page - 1) * PAGE + at)
        file.write(data)


def test_a_damaged_page_is_said_so_and_what_lies_elsewhere_still_opens(folder: Path) -> None:
    overwrite(folder, pages_of(folder, "places")[3])
    store = Store.open(folder, os.urandom)
    with pytest.raises(DamagedError, match="a repair keeps what can still be opened"):
        list(store.rows("places"))
    assert len(list(store.bytes_rows("sightings"))) == ROWS
    assert store.get("preferences") == {"coarse": True}
    assert store.damage()
    # It goes on being used: what is heard now is kept.
    store.add_bytes("sightings", DAY + 9, b"heard after it")
    store.close()


def test_a_repair_loses_the_damaged_page_and_nothing_else(folder: Path) -> None:
    overwrite(folder, pages_of(folder, "places")[3])
    planned = repair(folder, random=os.urandom, dry_run=True)
    report = repair(folder, random=os.urandom)
    assert planned == report
    assert set(report.lost) == {"places"}
    assert 10 < report.lost["places"] < 30
    assert report.kept["places"] == ROWS - report.lost["places"]
    assert report.kept["sightings"] == ROWS
    assert report.lost_days
    assert report.lost_days <= set(range(DAY, DAY + 4))
    store = Store.open(folder, os.urandom)
    assert store.damage() == []
    assert len(list(store.rows("places"))) == report.kept["places"]
    assert {name for name, _ in store.states()} == set(STATE)
    assert [row.value for row in store.bytes_rows("journal")] == [b"entry"]
    store.close()
    assert repair(folder, random=os.urandom).whole


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    overwrite(folder, pages_of(folder, "places")[0])
    before = (folder / "phone.db").read_bytes()
    assert not repair(folder, random=os.urandom, dry_run=True).whole
    assert (folder / "phone.db").read_bytes() == before


@pytest.mark.parametrize("table", ["places", "sightings", "journal"])
def test_a_damaged_root_loses_one_table_and_says_how_much_it_was(folder: Path, table: str) -> None:
    overwrite(folder, root_of(folder, table))
    report = repair(folder, random=os.urandom)
    assert report.lost == {table: 1 if table == "journal" else ROWS}
    store = Store.open(folder, os.urandom)
    assert list(store.bytes_rows(table)) == []
    assert len(list(store.bytes_rows("places"))) == (0 if table == "places" else ROWS)
    store.close()


def test_a_damaged_index_loses_nothing(folder: Path) -> None:
    overwrite(folder, root_of(folder, "idx_places_day"))
    store = Store.open(folder, os.urandom)
    with pytest.raises(DamagedError):
        store.count("places", DAY)
    store.close()
    report = repair(folder, random=os.urandom)
    assert report.whole
    store = Store.open(folder, os.urandom)
    assert store.count("places", DAY) == 100
    store.close()


def test_bytes_that_changed_in_the_middle_of_a_page_are_noticed_though_sqlite_does_not(folder: Path) -> None:
    overwrite(folder, pages_of(folder, "places")[2], b"\0\1\2\3", at=3000)
    report = repair(folder, random=os.urandom)
    assert report.lost == {"places": 1}
    assert len(report.lost_days) == 1


def test_a_lost_key_loses_its_day(folder: Path) -> None:
    connection = sqlite3.connect(folder / "phone.db")
    connection.execute("UPDATE keys SET box = zeroblob(90) WHERE kind = 'history' AND day = ?", (DAY + 1,))
    connection.commit()
    connection.close()
    report = repair(folder, random=os.urandom)
    assert report.lost == {"keys": 1, "places": 100, "sightings": 100}
    assert report.lost_days == {DAY + 1}
    store = Store.open(folder, os.urandom)
    store.add("places", DAY + 1, ["a new key"])
    assert [row.value for row in store.rows("places", DAY + 1, DAY + 1)] == [["a new key"]]
    store.close()


def test_values_of_another_kind_than_the_tables_have_are_lost_and_no_more(folder: Path) -> None:
    connection = sqlite3.connect(folder / "phone.db")
    connection.execute("UPDATE places SET box = 'text' WHERE id = 1")
    connection.execute("UPDATE keys SET day = 'text' WHERE day = ?", (DAY + 3,))
    connection.execute("INSERT INTO state (name, box) VALUES ('odd', 5)")
    connection.commit()
    connection.close()
    report = repair(folder, random=os.urandom)
    assert report.lost == {"keys": 1, "places": 101, "sightings": 100, "state": 1}
    Store.open(folder, os.urandom).close()


def test_a_damaged_page_of_the_state_leaves_what_a_phone_cannot_do_without(folder: Path) -> None:
    overwrite(folder, root_of(folder, "state"))
    repair(folder, random=os.urandom)
    store = Store.open(folder, os.urandom)
    assert {name for name, _ in store.states()} == set(STATE) - {"preferences"}
    store.close()


def test_without_what_a_phone_needs_nothing_is_changed(folder: Path) -> None:
    overwrite(folder, root_of(folder, "state"))
    overwrite(folder, root_of(folder, "idx_state_copy"))
    before = (folder / "phone.db").read_bytes()
    with pytest.raises(StateError, match="cannot do without"):
        repair(folder, random=os.urandom)
    assert (folder / "phone.db").read_bytes() == before


def test_with_a_wrong_key_nothing_is_changed(folder: Path) -> None:
    (folder / "master.key").write_bytes(bytes(32))
    before = (folder / "phone.db").read_bytes()
    with pytest.raises(StateError, match="opens nothing"):
        repair(folder, random=os.urandom)
    assert (folder / "phone.db").read_bytes() == before


@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"\x0d"])
def test_a_damaged_first_page_loses_nothing(folder: Path, byte: bytes) -> None:
    overwrite(folder, 1, byte * PAGE)
    with pytest.raises(StateError):
        Store.open(folder, os.urandom)
    report = repair(folder, random=os.urandom)
    assert report.whole
    store = Store.open(folder, os.urandom)
    assert (store.damage(), store.version) == ([], SCHEMA_VERSION)
    assert len(list(store.bytes_rows("sightings"))) == len(list(store.rows("places"))) == ROWS
    store.close()
    assert not (folder / "phone.db.copy").exists()


def test_a_damaged_first_page_loses_nothing_of_the_log_either(folder: Path) -> None:
    """Killed just after it was stored: the newest rows are in the write-ahead log alone."""

    def store_and_die() -> None:
        store = Store.open(folder, os.urandom)
        store.add("places", DAY, ["in the log"])
        os.kill(os.getpid(), signal.SIGKILL)

    assert killed_at(10**9, store_and_die)
    assert (folder / "phone.db-wal").stat().st_size
    overwrite(folder, 1)
    report = repair(folder, random=os.urandom)
    assert report.kept["places"] == ROWS + 1


@pytest.mark.parametrize("table", ["keys", "idx_keys_copy", "sqlite_autoindex_keys_1"])
def test_a_damaged_page_of_keys_loses_nothing(folder: Path, table: str) -> None:
    overwrite(folder, root_of(folder, table))
    report = repair(folder, random=os.urandom)
    assert report.whole
    assert report.kept["places"] == ROWS
    Store.open(folder, os.urandom).close()


def test_any_single_page_can_break_and_the_rest_is_kept(folder: Path) -> None:
    """One page after the other: at most one table suffers, and the file is sound afterwards."""
    whole = (folder / "phone.db").read_bytes()
    kept_all = 0
    pages = len(whole) // PAGE
    # Every page that has something special, and some of those that hold rows only.
    for page in [*range(1, 40), *range(40, pages + 1, 19)]:
        (folder / "phone.db").write_bytes(whole)
        overwrite(folder, page, b"\xa5" * PAGE)
        report = repair(folder, random=os.urandom)
        assert len(report.lost) <= 1
        kept_all += report.whole
        store = Store.open(folder, os.urandom)
        assert store.damage() == []
        assert sum(1 for _ in store.bytes_rows("places")) == report.kept["places"]
        store.close()
    # The first page, the keys, the indexes: nothing is lost with those.
    assert kept_all > 10


def test_a_phone_in_use_is_not_repaired(folder: Path) -> None:
    store = Store.open(folder, os.urandom)
    with pytest.raises(StateError, match="another program"):
        repair(folder, random=os.urandom)
    store.close()
    with pytest.raises(StateError, match="no phone"):
        repair(folder / "none", random=os.urandom)


def test_a_phone_with_a_passphrase_is_repaired_with_it(tmp_path: Path) -> None:
    source = Passphrase(lambda: "a passphrase of one's own", 1, 8192)
    Store.create(tmp_path / "phone", os.urandom, STATE, source).close()
    assert repair(tmp_path / "phone", random=os.urandom, unlock=source).whole
    Store.open(tmp_path / "phone", os.urandom, source).close()


def test_an_older_store_is_repaired_and_then_brought_to_todays_form(tmp_path: Path) -> None:
    build(tmp_path / "phone")
    assert repair(tmp_path / "phone", random=os.urandom).whole
    store = Store.open(tmp_path / "phone", os.urandom)
    assert store.version == SCHEMA_VERSION
    assert [row.value for row in store.rows("places")] == [["places"]]
    store.close()
