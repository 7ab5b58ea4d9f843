"""The phone's store: sealed, whole, forgetting."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ownhue.errors import StateError, VerificationError
from ownhue_client.phone.schema import EVIDENCE, HISTORY, SCHEMA_VERSION, STATE_DAY
from ownhue_client.phone.store import Store

DAY = 20_514


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "phone", os.urandom, {"name": b"value"})


def raw(directory: Path) -> bytes:
    """Every byte that the phone keeps on the disk, apart from its master key."""
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.name != "master.key")


def test_what_was_added_comes_back(store: Store) -> None:
    store.add("places", DAY, [1, "two", b"three", None])
    store.add_bytes("sightings", DAY + 1, b"packed")
    assert [(row.day, row.value) for row in store.rows("places")] == [(DAY, [1, "two", b"three", None])]
    assert [(row.day, row.value) for row in store.bytes_rows("sightings")] == [(DAY + 1, b"packed")]
    assert list(store.bytes_rows("sightings", DAY, DAY)) == []
    assert store.get("name") == b"value"
    assert store.get("absent", 7) == 7


def test_a_closed_store_opens_again_with_everything(store: Store, tmp_path: Path) -> None:
    row = store.add("results", DAY, ["old"])
    store.replace("results", next(store.rows("results")), ["new"])
    store.close()
    store = Store.open(tmp_path / "phone", os.urandom)
    assert [(found.id, found.value) for found in store.rows("results")] == [(row, ["new"])]


def test_no_value_stands_in_clear_in_the_files(store: Store, tmp_path: Path) -> None:
    store.add_bytes("sightings", DAY, b"an identifier heard")
    store.put("device", b"a secret of the phone")
    for _ in range(2):
        data = raw(tmp_path / "phone")
        assert b"identifier" not in data
        assert b"secret of" not in data
        # The plain columns are days and ids: the file does show which days have rows.
        assert DAY.to_bytes(2, "big") in data
        store.close()
        # A second look, when the write-ahead log was taken into the database.


def test_only_the_owner_can_read_the_files(store: Store, tmp_path: Path) -> None:
    directory = tmp_path / "phone"
    assert directory.stat().st_mode & 0o777 == 0o700
    for path in directory.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_forgetting_a_day_leaves_no_key_that_opens_an_older_copy(store: Store, tmp_path: Path) -> None:
    store.add("places", DAY, ["here"])
    store.add("windows", DAY, ["met"])
    store.add("places", DAY + 1, ["there"])
    boxes = store._run("SELECT box FROM places WHERE day = ?", (DAY,)).fetchall()
    wrapped = store._run("SELECT box FROM keys WHERE day = ?", (DAY,)).fetchall()
    store.forget_day(DAY)
    assert [row.value for row in store.rows("places")] == [["there"]]
    assert list(store.rows("windows")) == []
    assert store.days() == [DAY + 1]
    assert store.days(EVIDENCE) == []
    data = raw(tmp_path / "phone")
    for (box,) in boxes + wrapped:
        assert box not in data, "deleted bytes are still in the file"
    # A new key was made for the day; the old box, put back from a copy, does not open with it.
    store.add("places", DAY, ["again"])
    store._run("INSERT INTO places (day, box) VALUES (?, ?)", (DAY, boxes[0][0]))
    with pytest.raises(VerificationError, match="does not open"):
        list(store.rows("places"))


def test_old_history_goes_and_evidence_stays_longer(store: Store) -> None:
    for day in (DAY, DAY + 5, DAY + 6):
        store.add("places", day, [day])
        store.add("windows", day, [day])
        store.add("results", day, [day])
    store.forget_before(history=DAY + 6, evidence=DAY + 1)
    assert [row.day for row in store.rows("places")] == [DAY + 6]
    assert [row.day for row in store.rows("windows")] == [DAY + 5, DAY + 6]
    assert [row.day for row in store.rows("results")] == [DAY + 5, DAY + 6]
    assert store.days(HISTORY) == [DAY + 6]


def test_a_failed_transaction_leaves_nothing_not_even_a_key(store: Store) -> None:
    store.put("name", b"before")

    def half() -> None:
        with store.atomic():
            store.put("name", b"after")
            store.add("places", DAY, ["half"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.get("name") == b"before"
    assert list(store.rows("places")) == []
    assert store.days() == []
    # The key of that day was undone too, so the next record must not be sealed with it.
    store.add("places", DAY, ["whole"])
    store._boxes.clear()
    assert [row.value for row in store.rows("places")] == [["whole"]]


def test_transactions_nest(store: Store) -> None:
    def half() -> None:
        with store.atomic():
            with store.atomic(durable=True):
                store.put("name", b"inner")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.get("name") == b"value"


def test_killed_in_the_middle_nothing_is_half_stored(store: Store, tmp_path: Path) -> None:
    store.put("name", b"committed")
    store.close()
    program = f"""
import os, signal, pathlib
from ownhue_client.phone.store import Store
store = Store.open(pathlib.Path({str(tmp_path / "phone")!r}), os.urandom)
store.add("places", {DAY}, ["whole"])
with store.atomic():
    store.put("name", b"half")
    for number in range(2000):
        store.add("places", {DAY}, [number])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    store = Store.open(tmp_path / "phone", os.urandom)
    assert store.get("name") == b"committed"
    assert [row.value for row in store.rows("places")] == [["whole"]]


def test_a_record_moved_to_another_table_or_day_is_refused(store: Store) -> None:
    store.add("places", DAY, ["place"])
    store.add("ledger", DAY, ["line"])
    store._run("UPDATE ledger SET box = (SELECT box FROM places)")
    with pytest.raises(VerificationError, match="moved"):
        list(store.rows("ledger"))
    store.add("scans", DAY + 1, ["scan"])
    store._run("UPDATE places SET day = ?", (DAY + 1,))
    with pytest.raises(VerificationError, match="does not open"):
        list(store.rows("places"))


def test_a_state_moved_under_another_name_is_refused(store: Store) -> None:
    store.put("other", b"other")
    store._run("UPDATE state SET box = (SELECT box FROM state WHERE name = 'other') WHERE name = 'name'")
    with pytest.raises(VerificationError, match="moved"):
        store.get("name")


def test_keys_of_days_cannot_change_places(store: Store) -> None:
    store.add("places", DAY, ["one"])
    store.add("places", DAY + 1, ["two"])
    store._run(
        "UPDATE keys SET box = (SELECT box FROM keys WHERE day = ? AND kind = 'history') WHERE day = ?", (DAY + 1, DAY)
    )
    store._boxes.clear()
    with pytest.raises(VerificationError, match="another one's place"):
        list(store.rows("places"))


def test_every_changed_byte_of_a_box_is_noticed(store: Store) -> None:
    store.add("places", DAY, ["x"])
    (box,) = store._run("SELECT box FROM places").fetchone()
    for position in range(len(box)):
        changed = bytearray(box)
        changed[position] ^= 1
        store._run("UPDATE places SET box = ?", (bytes(changed),))
        with pytest.raises(VerificationError):
            list(store.rows("places"))


def test_another_master_key_opens_nothing(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "phone" / "master.key").write_bytes(bytes(32))
    store = Store.open(tmp_path / "phone", os.urandom)
    with pytest.raises(VerificationError, match="master key"):
        store.get("name")


def test_a_second_program_is_kept_out(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="another program"):
        Store.open(tmp_path / "phone", os.urandom)
    store.close()
    Store.open(tmp_path / "phone", os.urandom).close()


def test_a_phone_is_not_made_over_another_one(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="already"):
        Store.create(tmp_path / "phone", os.urandom, {})
    assert store.get("name") == b"value"


def test_creation_broken_off_can_be_done_again(tmp_path: Path) -> None:
    def broken(count: int) -> bytes:
        if count == 24:
            raise OSError("no randomness")
        return bytes(count)

    with pytest.raises(OSError, match="no randomness"):
        Store.create(tmp_path / "phone", broken, {"name": 1})
    with pytest.raises(StateError, match="no phone"):
        Store.open(tmp_path / "phone", os.urandom)
    assert Store.create(tmp_path / "phone", os.urandom, {"name": 1}).get("name") == 1


@pytest.mark.parametrize("missing", ["phone.db", "master.key"])
def test_a_folder_without_a_phone_is_said_so(store: Store, tmp_path: Path, missing: str) -> None:
    store.close()
    (tmp_path / "phone" / missing).unlink()
    with pytest.raises(StateError, match="no phone"):
        Store.open(tmp_path / "phone", os.urandom)


@pytest.mark.parametrize("version", [1, SCHEMA_VERSION + 1])
def test_a_store_of_another_version_is_left_alone(store: Store, tmp_path: Path, version: int) -> None:
    """Version 1 kept sightings in rows of 40 bytes: six of them would be read as five of today's."""
    store._run(f"PRAGMA user_version = {version}")
    store.close()
    with pytest.raises(StateError, match=f"has version {version}"):
        Store.open(tmp_path / "phone", os.urandom)


def test_a_file_that_is_no_database_is_a_state_error(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "phone" / "phone.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StateError, match="store failed"):
        Store.open(tmp_path / "phone", os.urandom)


def test_a_broken_page_is_an_error_of_our_own_at_whatever_row_it_comes_up(store: Store, tmp_path: Path) -> None:
    """SQLite reads page by page: the first rows may still be good."""
    for number in range(200):
        store.add("places", DAY, [number, bytes(100)])
    store.close()
    path = tmp_path / "phone" / "phone.db"
    path.write_bytes(path.read_bytes()[:-4096] + b"\xff" * 4096)
    broken = Store.open(tmp_path / "phone", os.urandom)
    with pytest.raises(StateError, match="store failed"):
        list(broken.rows("places"))
    broken.close()


def test_what_the_store_was_made_with_and_has_lost_is_named(store: Store) -> None:
    store.drop("salt")
    with pytest.raises(VerificationError, match="lost salt"):
        store.need("salt")


def test_unknown_tables_never_reach_sql(store: Store) -> None:
    for call in (store.rows, store.newest):
        with pytest.raises(KeyError):
            list(call("keys; DROP TABLE keys") or ())
    with pytest.raises(KeyError):
        store.add("state", STATE_DAY, [])


def test_the_schema_holds_days_and_ids_in_clear_and_nothing_else(store: Store, tmp_path: Path) -> None:
    store.close()
    with sqlite3.connect(tmp_path / "phone" / "phone.db") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in tables}
    connection.close()
    assert columns.pop("keys") == {"kind", "day", "box"}
    assert columns.pop("state") == {"name", "box"}
    assert set(map(frozenset, columns.values())) == {frozenset(("id", "day", "box"))}
