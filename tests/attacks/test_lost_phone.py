"""Attacks on a phone that was lost, and on one that moves to another device. specs/threat-model.md sections 2 and 3"""

import io
import json
import os
from pathlib import Path

import pytest

from ownhue.errors import OwnhueError, StateError
from ownhue.identifiers import interval_number
from ownhue.params import INTERVAL_SECONDS
from ownhue_client.phone import Phone
from ownhue_client.phone.passphrase import MOST_MEMORY_BYTES, Stretch
from ownhue_client.phone.store import Store
from ownhue_client.phone.transfer import check_phone, export_phone, import_phone, spoken_passphrase
from ownhue_client.phone.unlock import Passphrase, kind_of
from tests.client.town import Town

OWN_WORDS = "a sentence of one's own"
SPOKEN = spoken_passphrase(lambda count: bytes(range(count)))
DAY = 20_514


def locked(directory: Path) -> None:
    """A phone that opens with a passphrase, closed."""
    store = Store.create(directory, os.urandom, {"device": b"a device's key"}, Passphrase(lambda: OWN_WORDS, 1, 8192))
    store.add("places", DAY, ["at home"])
    store.close()


def exported(store: Store, now: int) -> bytes:
    return b"".join(export_phone(store, SPOKEN, now, Stretch.new(os.urandom, 1, 8192)))


def test_the_finder_of_a_phone_with_a_passphrase_reads_nothing_but_days_and_numbers(tmp_path: Path) -> None:
    locked(tmp_path / "phone")
    data = b"".join(path.read_bytes() for path in (tmp_path / "phone").iterdir())
    for secret in (b"device's key", b"at home", OWN_WORDS.encode()):
        assert secret not in data
    for guess in ("password1234", "a sentence of one's owN"):
        with pytest.raises(StateError, match=r"^wrong passphrase$"):
            Store.open(tmp_path / "phone", os.urandom, Passphrase(lambda guess=guess: guess))  # type: ignore[misc]


def test_the_finder_who_says_that_there_is_a_key_file_opens_nothing(tmp_path: Path) -> None:
    """unlock.json is not authenticated: whoever changes it can keep the owner out, and gets nothing."""
    locked(tmp_path / "phone")
    (tmp_path / "phone" / "unlock.json").write_text(json.dumps({"kind": "key-file", "version": 1}))
    (tmp_path / "phone" / "master.key").write_bytes(bytes(32))
    assert kind_of(tmp_path / "phone") == "key-file"
    store = Store.open(tmp_path / "phone", os.urandom)
    with pytest.raises(OwnhueError):
        list(store.rows("places"))
    with pytest.raises(OwnhueError):
        store.get("device")
    store.close()


def test_whoever_takes_the_file_on_its_way_cannot_make_its_passphrase_cheaper_to_guess(tmp_path: Path) -> None:
    """Parameters that are lowered in the header give another key: even the right passphrase opens nothing then."""
    store = Store.create(tmp_path / "phone", os.urandom, {"name": 1})
    data = b"".join(export_phone(store, SPOKEN, DAY * 86400, Stretch.new(os.urandom, 2, 16384)))
    store.close()
    check_phone(io.BytesIO(data), SPOKEN)
    cheap = data[:32] + (1).to_bytes(4, "big") + (8192).to_bytes(8, "big") + data[44:]
    with pytest.raises(StateError, match="wrong passphrase"):
        check_phone(io.BytesIO(cheap), SPOKEN)


def test_a_file_that_asks_for_all_the_memory_of_a_device_is_refused_before_any_is_taken(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "phone", os.urandom, {"name": 1})
    data = exported(store, DAY * 86400)
    store.close()
    bomb = data[:36] + (MOST_MEMORY_BYTES + 1).to_bytes(8, "big") + data[44:]
    with pytest.raises(OwnhueError, match="out of range"):
        import_phone(io.BytesIO(bomb), SPOKEN, tmp_path / "new", random=os.urandom)
    assert not (tmp_path / "new" / "phone.db").exists()


def test_two_devices_with_one_key_are_not_to_be_had_by_importing_a_file_twice(tmp_path: Path) -> None:
    """A copy for a second device: from the next interval on each has keys of its own, whatever was told to whom."""
    town = Town()
    with town.phone(tmp_path / "old") as old:
        old.beacon_at(town.now)
        data = exported(old.store, town.now)
        for name in ("one", "two"):
            import_phone(io.BytesIO(data), SPOKEN, tmp_path / name, random=os.urandom)
        one, two = (
            Phone.open(tmp_path / name, random=os.urandom, http_client=town.client(), now=town.now)
            for name in ("one", "two")
        )
        with one, two:
            # None of the three may send this interval's identifier but the old one.
            assert one.was_on_air(interval_number(town.now))
            assert two.was_on_air(interval_number(town.now))
            for step in range(1, 20):
                now = town.now + step * INTERVAL_SECONDS
                assert len({phone.beacon_at(now).rpi for phone in (old, one, two)}) == 3


def test_a_file_cut_off_where_a_record_ends_is_not_taken_for_a_whole_phone(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "phone", os.urandom, {"name": 1})
    for number in range(40):
        store.add_bytes("sightings", DAY, bytes([number]) * 10_000)
    data = exported(store, DAY * 86400)
    store.close()
    for end in range(44 + 65_552, len(data), 65_552):
        with pytest.raises(OwnhueError):
            import_phone(io.BytesIO(data[:end]), SPOKEN, tmp_path / "new", random=os.urandom)
        assert not (tmp_path / "new" / "phone.db").exists()
