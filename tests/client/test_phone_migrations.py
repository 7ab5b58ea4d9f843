"""Stores of older programs are brought to today's form, those of newer ones are left alone."""

import os
from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue_client.phone import migrations
from ownhue_client.phone.listening import SLOT_SECONDS, Listening
from ownhue_client.phone.schema import SCHEMA_VERSION, TABLES
from ownhue_client.phone.store import Store
from tests.client.store_version_3 import DAY, EVIDENCE_TABLES, HISTORY_TABLES, STATE_TABLES, build

OLD_TABLES = HISTORY_TABLES + EVIDENCE_TABLES + STATE_TABLES


def test_a_store_of_version_3_opens_with_everything_that_it_had(tmp_path: Path) -> None:
    build(tmp_path / "phone")
    store = Store.open(tmp_path / "phone", os.urandom)
    assert store.version == SCHEMA_VERSION
    for table in set(OLD_TABLES) - {"scans", "sightings", "journal"}:
        assert [(row.day, row.value) for row in store.rows(table)] == [(DAY, [table])]
    for table in ("sightings", "journal"):
        assert [row.value for row in store.bytes_rows(table)] == [table.encode()]
    assert store.need("salt") == bytes(32)
    store.close()


def test_tables_that_version_3_did_not_have_can_be_used(tmp_path: Path) -> None:
    build(tmp_path / "phone")
    store = Store.open(tmp_path / "phone", os.urandom)
    for table in set(TABLES) - set(OLD_TABLES):
        store.add(table, DAY, ["new"])
        assert [row.value for row in store.rows(table)] == [["new"]]
    store.close()
    Store.open(tmp_path / "phone", os.urandom).close()


def test_scans_of_version_3_count_as_many_slots_as_there_were_scans(tmp_path: Path) -> None:
    build(tmp_path / "phone")
    store = Store.open(tmp_path / "phone", os.urandom)
    listening = Listening(store)
    eleven = DAY * 86400 + 11 * 3600
    # Eight of twelve slots at nine, all twelve at ten: the first scan was at nine.
    assert listening.share_percent(eleven) == 100 * 20 // 24
    assert listening.share_percent(eleven + 12 * SLOT_SECONDS) == 100 * 20 // 36
    store.close()


@pytest.mark.parametrize("version", [0, 1, 2, SCHEMA_VERSION + 1, 2**31 - 1])
def test_a_store_of_an_unknown_version_is_left_as_it_is(tmp_path: Path, version: int) -> None:
    build(tmp_path / "phone")
    Store.open(tmp_path / "phone", os.urandom).close()
    store = Store.open(tmp_path / "phone", os.urandom)
    store.claim_version(version)
    store.close()
    before = (tmp_path / "phone" / "phone.db").read_bytes()
    with pytest.raises(StateError, match=f"has version {version}"):
        Store.open(tmp_path / "phone", os.urandom)
    assert (tmp_path / "phone" / "phone.db").read_bytes() == before


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path / "phone")

    def failing(store: Store) -> None:
        store.put("half", 1)
        store.make_table("certificates")
        raise StateError("no room")

    monkeypatch.setattr(migrations, "_STEPS", {3: failing})
    with pytest.raises(StateError, match="no room"):
        Store.open(tmp_path / "phone", os.urandom)
    monkeypatch.undo()
    store = Store.open(tmp_path / "phone", os.urandom)
    assert store.get("half") is None
    assert store.version == SCHEMA_VERSION
    store.close()


def test_every_version_since_the_first_known_one_has_a_step() -> None:
    assert sorted(migrations._STEPS) == list(range(3, SCHEMA_VERSION))
