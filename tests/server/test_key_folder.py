"""storage/key_folder.py: a key is made once, is on the disk before it is used, and goes without a trace."""

import os
import stat
from pathlib import Path

import pytest

from ownhue.errors import FormatError
from ownhue_server.storage.key_folder import KeyFolder, load_rsa, new_rsa, new_seed


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


def test_a_key_is_made_once_and_only_its_owner_reads_it(keys: KeyFolder, tmp_path: Path) -> None:
    seed = keys.load_or_create("signing", new_seed)
    assert keys.load_or_create("signing", new_seed) == keys.load("signing") == seed
    (path,) = (tmp_path / "keys").iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("signing.key", 0o600)


def test_content_and_name_of_a_key_are_on_the_disk_before_it_is_used(
    keys: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    keys.load_or_create("signing", new_seed)
    assert synced == ["file", "folder"]


def test_a_full_disk_leaves_no_half_a_key(keys: KeyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        keys.load_or_create("signing", new_seed)
    assert list((tmp_path / "keys").iterdir()) == []


def test_a_key_that_is_deleted_is_gone_also_when_its_making_was_cut_short(keys: KeyFolder, tmp_path: Path) -> None:
    """Killed between the two names of a new key, the server keeps both; either one is the whole secret."""
    keys.load_or_create("claim-codes-1", new_seed)
    kept = keys.load_or_create("claim-codes-12", new_seed)
    os.link(tmp_path / "keys" / "claim-codes-1.key", tmp_path / "keys" / "claim-codes-1.0123456789abcdef")
    keys.delete("claim-codes-1")
    keys.delete("claim-codes-1")
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["claim-codes-12.key"]
    assert keys.load("claim-codes-12") == kept


def test_a_key_file_with_any_one_bit_of_its_head_changed_is_read_or_is_a_format_error(keys: KeyFolder) -> None:
    """A changed algorithm is an error of its own kind in the library below: it must not come through."""
    data = keys.load_or_create("epoch-1", new_rsa)
    refused = 0
    for at in range(26):
        for bit in range(8):
            damaged = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
            try:
                load_rsa(damaged)
            except FormatError:
                refused += 1
    assert refused > 150
