"""How a phone's key is kept: a file, a passphrase, the system's keyring; and changing from one to another."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ownhue.errors import FormatError, StateError
from ownhue_client.phone import unlock
from ownhue_client.phone.passphrase import MOST_MEMORY_BYTES, Stretch
from ownhue_client.phone.store import Store
from ownhue_client.phone.unlock import (
    KeyFile,
    Keyring,
    MasterKeySource,
    Passphrase,
    change_passphrase,
    rewrap,
    source_of,
)
from ownhue_client.phone.unlock_record import write_record

WORDS = "correct horse battery"
SMALL = {"passes": 1, "memory": 8192}


class Ring:
    """A keyring in memory. It stands for a system's own; its priority says that it keeps secrets."""

    priority = 5

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._look()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._look()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._look()
        del self.entries[service, username]

    def _look(self) -> None:
        if self.locked:
            raise RuntimeError("locked: entry secret-name")


def passphrase(text: str = WORDS) -> Passphrase:
    return Passphrase(lambda: text, **SMALL)


def sources(ring: Ring) -> list[MasterKeySource]:
    return [KeyFile(), passphrase(), Keyring(ring)]


def test_a_phone_opens_with_what_it_was_made_with(tmp_path: Path) -> None:
    ring = Ring()
    for number, source in enumerate(sources(ring)):
        folder = tmp_path / str(number)
        store = Store.create(folder, os.urandom, {"name": 1}, source)
        store.close()
        assert json.loads((folder / "unlock.json").read_text())["kind"] == source.kind == unlock.kind_of(folder)
        again = Store.open(folder, os.urandom, source_of(folder, lambda: WORDS, ring))
        assert again.get("name") == 1
        again.close()
        assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_only_a_key_file_lies_in_the_folder_in_the_clear(tmp_path: Path) -> None:
    ring = Ring()
    for number, source in enumerate(sources(ring)):
        folder = tmp_path / str(number)
        folder.mkdir()
        key = source.create(folder, os.urandom)
        kept = b"".join(path.read_bytes() for path in folder.iterdir())
        assert (key in kept) == isinstance(source, KeyFile)
        assert WORDS.encode() not in kept


def test_a_folder_without_unlock_json_has_a_key_file(tmp_path: Path) -> None:
    Store.create(tmp_path / "phone", os.urandom, {"name": 1}).close()
    (tmp_path / "phone" / "unlock.json").unlink()
    assert unlock.kind_of(tmp_path / "phone") == "key-file"
    Store.open(tmp_path / "phone", os.urandom).close()


@pytest.mark.parametrize("wrong", ["correct horse batterz", "short", "", WORDS.upper()])
def test_a_wrong_passphrase_is_said_so_and_opens_nothing(tmp_path: Path, wrong: str) -> None:
    Store.create(tmp_path / "phone", os.urandom, {}, passphrase()).close()
    with pytest.raises(StateError, match=r"^wrong passphrase$"):
        Store.open(tmp_path / "phone", os.urandom, passphrase(wrong))
    # The lock was let go: the right one opens.
    Store.open(tmp_path / "phone", os.urandom, passphrase(f"  {WORDS} ")).close()


def test_a_phone_with_a_passphrase_does_not_open_without_asking(tmp_path: Path) -> None:
    Store.create(tmp_path / "phone", os.urandom, {}, passphrase()).close()
    with pytest.raises(StateError, match="opened with a passphrase"):
        Store.open(tmp_path / "phone", os.urandom)


def test_a_new_passphrase_that_is_too_short_makes_no_phone(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="12 characters"):
        Store.create(tmp_path / "phone", os.urandom, {}, passphrase("eleven char"))
    assert not (tmp_path / "phone" / "phone.db").exists()
    Store.create(tmp_path / "phone", os.urandom, {}, passphrase()).close()


def test_the_owner_is_asked_once_when_a_phone_is_made(tmp_path: Path) -> None:
    asked = []

    def ask() -> str:
        asked.append(1)
        return WORDS

    Store.create(tmp_path / "phone", os.urandom, {}, Passphrase(ask, **SMALL)).close()
    assert len(asked) == 1


def test_the_passphrase_changes_and_the_old_one_opens_no_more(tmp_path: Path) -> None:
    Store.create(tmp_path / "phone", os.urandom, {"name": 1}, passphrase()).close()
    change_passphrase(tmp_path / "phone", lambda: WORDS, lambda: "another one, longer", os.urandom)
    with pytest.raises(StateError, match="wrong passphrase"):
        Store.open(tmp_path / "phone", os.urandom, passphrase())
    store = Store.open(tmp_path / "phone", os.urandom, passphrase("another one, longer"))
    assert store.get("name") == 1
    store.close()
    with pytest.raises(StateError, match="wrong passphrase"):
        change_passphrase(tmp_path / "phone", lambda: WORDS, lambda: "a third one, long", os.urandom)


def test_every_kind_can_become_every_other_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ring = Ring()
    for old_number in range(3):
        for new_number in range(3):
            folder = tmp_path / f"{old_number}{new_number}"
            old, new = sources(ring)[old_number], sources(ring)[new_number]
            Store.create(folder, os.urandom, {"name": 1}, old).close()
            rewrap(folder, old, new, os.urandom)
            assert unlock.kind_of(folder) == new.kind
            assert (folder / "master.key").exists() == isinstance(new, KeyFile)
            assert len(ring.entries) == isinstance(new, Keyring)
            assert "leaving" not in json.loads((folder / "unlock.json").read_text())
            store = Store.open(folder, os.urandom, source_of(folder, lambda: WORDS, ring))
            assert store.get("name") == 1
            store.close()
            ring.entries.clear()


def test_a_phone_in_use_does_not_change_its_key(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "phone", os.urandom, {})
    with pytest.raises(StateError, match="another program"):
        rewrap(tmp_path / "phone", KeyFile(), passphrase(), os.urandom)
    store.close()


def test_what_a_crash_left_of_the_former_kind_goes_when_the_phone_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    Store.create(folder, os.urandom, {}, KeyFile()).close()
    record = passphrase().keep(folder, KeyFile().load(folder), os.urandom)
    write_record(folder, record | {"leaving": {"kind": "key-file"}})
    assert (folder / "master.key").exists()
    Store.open(folder, os.urandom, source_of(folder, lambda: WORDS)).close()
    assert not (folder / "master.key").exists()
    assert "leaving" not in json.loads((folder / "unlock.json").read_text())


@pytest.mark.parametrize(
    ("module", "name", "priority"),
    [
        ("keyring.backends.fail", "Keyring", 0),
        ("keyring.backends.null", "Keyring", 5),
        ("keyrings.alt.file", "PlaintextKeyring", 5),
        ("somebody.else", "PlaintextFile", 5),
        ("somebody.else", "Weak", 0.5),
    ],
)
def test_a_keyring_that_keeps_no_secret_is_refused(module: str, name: str, priority: float) -> None:
    backend = type(name, (Ring,), {"__module__": module, "priority": priority})()
    with pytest.raises(StateError, match="no keyring here"):
        Keyring(backend)


def test_a_chain_of_keyrings_is_as_good_as_its_worst_part() -> None:
    chain = type("ChainerBackend", (Ring,), {"__module__": "keyring.backends.chainer", "priority": 10})
    for parts, good in (([Ring()], True), ([], False), ([Ring(), type("N", (Ring,), {"priority": 0})()], False)):
        backend: Any = chain()
        backend.backends = parts
        if good:
            Keyring(backend)
        else:
            with pytest.raises(StateError):
                Keyring(backend)


def test_the_real_backends_that_keep_nothing_are_refused() -> None:
    from keyring.backends import fail, null

    backends: list[Any] = [fail.Keyring, null.Keyring]
    for backend in backends:
        with pytest.raises(StateError, match="no keyring here"):
            Keyring(backend())


def test_a_locked_or_emptied_keyring_is_told_without_its_secrets(tmp_path: Path) -> None:
    ring = Ring()
    Store.create(tmp_path / "phone", os.urandom, {}, Keyring(ring)).close()
    ring.locked = True
    with pytest.raises(StateError, match="cannot be used now") as caught:
        Store.open(tmp_path / "phone", os.urandom, Keyring(ring))
    assert "secret-name" not in str(caught.value)
    ring.locked = False
    ring.entries.clear()
    with pytest.raises(StateError, match="has no key"):
        Store.open(tmp_path / "phone", os.urandom, Keyring(ring))


def test_a_phone_that_was_not_finished_leaves_no_entry_in_the_keyring(tmp_path: Path) -> None:
    ring = Ring()

    def broken(count: int) -> bytes:
        if count == 24:  # the first nonce, when the key is in the keyring already
            raise OSError("no randomness")
        return os.urandom(count)

    with pytest.raises(OSError, match="no randomness"):
        Store.create(tmp_path / "phone", broken, {"name": 1}, Keyring(ring))
    assert len(ring.entries) == 1
    Store.create(tmp_path / "phone", os.urandom, {"name": 1}, Keyring(ring)).close()
    assert len(ring.entries) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"kind": 1, "version": 1}',
        b'{"kind": "key-file", "version": 2}',
        b'{"kind": "telepathy", "version": 1}',
        b'{"kind": "passphrase", "version": 1}',
        b'{"kind": "passphrase", "version": 1, "salt": "AAAA", "passes": 3, "memory": 8192, "wrapped": ""}',
        b"[" * 4000,
        b" " * 5000,
        b"\xff",
    ],
)
def test_a_broken_unlock_json_is_an_error_of_our_own(tmp_path: Path, content: bytes) -> None:
    Store.create(tmp_path / "phone", os.urandom, {}).close()
    (tmp_path / "phone" / "unlock.json").write_bytes(content)
    with pytest.raises(StateError, match=r"unlock\.json"):
        Store.open(tmp_path / "phone", os.urandom, source_of(tmp_path / "phone", lambda: WORDS))


def test_parameters_that_would_fill_the_memory_are_refused_before_they_are_used(tmp_path: Path) -> None:
    Store.create(tmp_path / "phone", os.urandom, {}, passphrase()).close()
    path = tmp_path / "phone" / "unlock.json"
    record = json.loads(path.read_text())
    for change in ({"memory": MOST_MEMORY_BYTES + 1}, {"passes": 17}, {"memory": -1}, {"passes": True}):
        path.write_text(json.dumps(record | change))
        with pytest.raises(StateError, match="damaged"):
            Store.open(tmp_path / "phone", os.urandom, passphrase())
    with pytest.raises(FormatError):
        Stretch(bytes(15))
