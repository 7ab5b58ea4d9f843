"""Erasing: a dry run, one kind, one day, everything; the keys first, and again after a crash."""

import os
from pathlib import Path

import pytest

from ownhue.errors import FormatError, StateError, VerificationError
from ownhue_client.phone.erase import KINDS, Held, erase_day, erase_everything, erase_kind, survey
from ownhue_client.phone.schema import TABLES
from ownhue_client.phone.store import Store
from ownhue_client.phone.unlock import Keyring, Passphrase, source_of
from tests.client.killing import STRIDES, killed_at
from tests.client.test_phone_unlock import Ring

DAY = 20_514


def filled(directory: Path) -> Store:
    """A store with two rows in every table, of two days."""
    store = Store.create(directory, os.urandom, {"name": 1, "claim": {"code": "x"}, "owner": ["a", "b", "c"]})
    for table in TABLES:
        store.add(table, DAY, [table, "first"])
        store.add(table, DAY + 1, [table, "second"])
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return filled(tmp_path / "phone")


def raw(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()))


def test_a_dry_run_counts_by_kind_and_day_and_changes_nothing(store: Store) -> None:
    before = {table: store.counts(table) for table in TABLES}
    assert Held("places", DAY, 1) in survey(store)
    assert sum(held.records for held in survey(store)) == 2 * len(TABLES)
    assert survey(store, "places") == [Held("places", DAY, 1), Held("places", DAY + 1, 1)]
    assert survey(store, "places", DAY) == [Held("places", DAY, 1)]
    assert {held.kind for held in survey(store, day=DAY)} == {*KINDS, "own_keys", "pending"}
    assert {table: store.counts(table) for table in TABLES} == before


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_goes_and_nothing_else(store: Store, kind: str, tmp_path: Path) -> None:
    planned = sum(held.records for held in survey(store, kind))
    others = [held for held in survey(store) if held.kind != kind]
    assert erase_kind(store, kind) == planned > 0
    assert survey(store) == others
    assert erase_kind(store, kind) == 0
    store.close()
    store = Store.open(tmp_path / "phone", os.urandom)
    for table in TABLES:
        assert all(row.value[0] == table for row in store.rows(table))
    assert store.get("name") == 1
    store.close()


def test_states_that_tell_the_same_go_with_their_kind(store: Store) -> None:
    erase_kind(store, "results")
    erase_kind(store, "certificates")
    assert store.get("claim") is None
    assert store.get("owner") is None


def test_what_was_erased_is_in_no_byte_and_its_key_is_nowhere(store: Store, tmp_path: Path) -> None:
    boxes = store._query("SELECT box FROM places")
    wrapped = store._query("SELECT box FROM keys WHERE kind = 'history'")
    erase_kind(store, "places")
    data = raw(tmp_path / "phone")
    assert not any(box in data for (box,) in boxes + wrapped)
    # A page that the disk kept, put back: it does not open, though the day's other records do.
    store._run("INSERT INTO places (day, box) VALUES (?, ?)", (DAY, boxes[0][0]))
    with pytest.raises(VerificationError, match="does not open"):
        list(store.rows("places"))
    assert len(list(store.rows("sightings"))) == 2


def test_one_row_that_is_forgotten_does_not_open_again_either(store: Store, tmp_path: Path) -> None:
    (row, other) = store.rows("ledger")
    ((box,),) = store._query("SELECT box FROM ledger WHERE id = ?", (row.id,))
    store.forget_rows("ledger", [row])
    assert list(store.rows("ledger")) == [other]
    assert box not in raw(tmp_path / "phone")
    store._run("INSERT INTO ledger (day, box) VALUES (?, ?)", (row.day, box))
    with pytest.raises(VerificationError, match="does not open"):
        list(store.rows("ledger"))


def test_forgetting_within_a_transaction_empties_the_log_when_that_is_over(store: Store, tmp_path: Path) -> None:
    ((box,),) = store._query("SELECT box FROM ledger WHERE day = ?", (DAY,))
    with store.atomic():
        store.forget_rows("ledger", list(store.rows("ledger", DAY, DAY)))
        store.put("name", 2)
    assert store.get("name") == 2
    assert box not in raw(tmp_path / "phone")


def test_one_day_goes_with_its_history_and_findings(store: Store) -> None:
    assert erase_day(store, DAY) > 0
    history = {"sightings", "places", "scans", "own_keys", "ledger", "exposures"}
    assert not history & {held.kind for held in survey(store, day=DAY)}
    assert history <= {held.kind for held in survey(store, day=DAY + 1)}


def test_an_unknown_kind_is_an_error_of_our_own(store: Store) -> None:
    for call in (survey, erase_kind):
        with pytest.raises(FormatError, match="there are sightings, places"):
            call(store, "places; DROP TABLE keys")


def test_everything_goes_and_files_of_others_stay(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "phone" / "notes.txt").write_text("the owner's own")
    erase_everything(tmp_path / "phone")
    assert [path.name for path in (tmp_path / "phone").iterdir()] == ["notes.txt"]
    erase_everything(tmp_path / "phone")
    erase_everything(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    Store.create(tmp_path / "phone", os.urandom, {}).close()


def test_everything_goes_without_the_passphrase(tmp_path: Path) -> None:
    Store.create(tmp_path / "phone", os.urandom, {}, Passphrase(lambda: "a passphrase of one's own", 1, 8192)).close()
    erase_everything(tmp_path / "phone")
    assert list((tmp_path / "phone").iterdir()) == []


def test_the_entry_in_the_keyring_goes_too(tmp_path: Path) -> None:
    ring = Ring()
    Store.create(tmp_path / "phone", os.urandom, {}, Keyring(ring)).close()
    assert ring.entries
    erase_everything(tmp_path / "phone", source_of(tmp_path / "phone", keyring=ring))
    assert not ring.entries
    assert list((tmp_path / "phone").iterdir()) == []


def test_a_phone_in_use_is_not_erased(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="another program"):
        erase_everything(tmp_path / "phone")
    assert store.get("name") == 1


def test_a_damaged_phone_can_be_erased(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "phone" / "phone.db").write_bytes(b"\xff" * 5000)
    (tmp_path / "phone" / "unlock.json").write_bytes(b"{")
    erase_everything(tmp_path / "phone")
    assert list((tmp_path / "phone").iterdir()) == []


@pytest.mark.parametrize("stride", STRIDES)
def test_killed_anywhere_while_everything_is_erased_the_key_went_first(tmp_path: Path, stride: int) -> None:
    folder, point, killed = tmp_path / "phone", 0, True
    while killed:
        filled(folder).close()
        killed = killed_at(point, lambda: erase_everything(folder))
        left = {path.name for path in folder.iterdir()}
        if "phone.db" not in left or (folder / "phone.db").read_bytes()[:6] != b"SQLite":
            # A key file that is still being overwritten holds zeros already.
            assert "master.key" not in left or (folder / "master.key").read_bytes() in (bytes(32), b"")
        erase_everything(folder)
        assert list(folder.iterdir()) == []
        point += stride
    assert point > 2 * stride
