"""publisher/folder.py: whole files, a head that is never stale, no path that leads out."""

from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest

from ownhue_server.publisher.folder import CACHE_BYTES, PublishedFolder


@pytest.fixture
def folder(tmp_path: Path) -> PublishedFolder:
    (tmp_path / "secret.key").write_bytes(b"secret")
    return PublishedFolder(tmp_path / "published")


def test_what_is_put_is_read(folder: PublishedFolder) -> None:
    folder.put("keys/12/ab.zip", b"content")
    assert folder.read("keys/12/ab.zip") == b"content"
    assert folder.holds("keys/12/ab.zip", sha256(b"content").digest())
    assert not folder.holds("keys/12/ab.zip", bytes(32))
    assert not folder.holds("keys/12/cd.zip", bytes(32))


def test_the_head_is_never_stale(folder: PublishedFolder) -> None:
    assert folder.read("head") is None
    for note in (b"one", b"two", b"two", b"three"):
        folder.put_head(note)
        assert folder.read("head") == note


@pytest.mark.parametrize(
    "path",
    [
        "../secret.key",
        "keys/../../secret.key",
        "/etc/passwd",
        "keys//x",
        "./head",
        "keys/.",
        "",
        "keys",
        "HEAD",
        ".drafts/x",
        "head\n",
        "head\0",
        "keys\\12",
        "head/",
        "a" * 201,
    ],
)
def test_a_path_that_is_none_of_ours_leads_nowhere(folder: PublishedFolder, path: str) -> None:
    folder.put_head(b"note")
    folder.put("keys/12/ab.zip", b"content")
    assert folder.read(path) is None


def test_old_batches_and_superseded_partials_go_also_from_memory(folder: PublishedFolder) -> None:
    for path in ("keys/9/a.zip", "keys/10/b.zip", "tile/entries/000.p/3", "tile/entries/000", "tile/entries/001.p/1"):
        folder.put(path, b"x")
        assert folder.read(path) == b"x"
    folder.remove_batches_before(10)
    folder.remove_partials_before("tile/entries/001")
    left = [path for path in ("keys/9/a.zip", "keys/10/b.zip", "tile/entries/000.p/3") if folder.read(path)]
    assert left == ["keys/10/b.zip"]
    assert folder.read("tile/entries/000") == folder.read("tile/entries/001.p/1") == b"x"


def test_half_written_files_of_a_crash_are_never_seen(folder: PublishedFolder, tmp_path: Path) -> None:
    drafts = tmp_path / "published" / ".drafts"
    (drafts / "half").write_bytes(b"ha")
    second = PublishedFolder(tmp_path / "published")
    # A server that does not hold the database yet leaves the drafts of the one that does alone.
    assert list(drafts.iterdir()) == [drafts / "half"]
    assert second.read(".drafts/half") is None
    second.clear_drafts()
    assert list(drafts.iterdir()) == []


def test_memory_for_serving_is_bounded(folder: PublishedFolder) -> None:
    block = bytes(CACHE_BYTES // 4)
    for number in range(6):
        folder.put(f"keys/{number}/a.zip", block)
        folder.read(f"keys/{number}/a.zip")
    assert sum(len(data) for data in folder._cache.values()) <= CACHE_BYTES
    assert folder.read("keys/0/a.zip") == block


def test_removing_old_files_while_others_are_served_does_not_lose_count(folder: PublishedFolder) -> None:
    """A wrong count would end in a memory that is emptied for nothing, or in errors once it is empty."""
    threads: list[Thread] = []

    class Interrupted(OrderedDict[str, bytes]):
        def __setitem__(self, path: str, data: bytes) -> None:
            super().__setitem__(path, data)
            threads.append(Thread(target=folder.remove_batches_before, args=(10,)))
            threads[-1].start()
            threads[-1].join(0.2)

    for path in ("keys/9/a.zip", "keys/10/b.zip"):
        folder.put(path, b"x")
    folder._cache = Interrupted()
    assert folder.read("keys/10/b.zip") == b"x"
    threads[-1].join()
    assert folder._cached_bytes == sum(len(data) for data in folder._cache.values())
