"""publisher/folder.py: whole files, a head that is never stale, no path and no link that leads out."""

import errno
import fcntl
import os
from hashlib import sha256
from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue_server.publisher import folder as folder_module
from ownhue_server.publisher.folder import PublishedFolder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.key").write_bytes(b"secret")
    return tmp_path / "published"


@pytest.fixture
def folder(root: Path) -> PublishedFolder:
    return PublishedFolder(root)


def test_what_is_put_is_read(folder: PublishedFolder) -> None:
    folder.put("keys/12/ab.zip", b"content")
    assert folder.read("keys/12/ab.zip") == b"content"
    assert folder.holds("keys/12/ab.zip", sha256(b"content").digest())
    assert not folder.holds("keys/12/ab.zip", bytes(32))
    assert not folder.holds("keys/12/cd.zip", bytes(32))
    assert folder.names("keys") == ["12"]
    assert folder.names("") == ["keys"]
    assert folder.names("rulebook") == []


def test_the_head_is_never_stale(folder: PublishedFolder) -> None:
    assert folder.read("head") is None
    for note in (b"one", b"two", b"two", b"three"):
        folder.put_missing("head", note)
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
        ".drafts/lock",
        "head\n",
        "head\0",
        "keys\\12",
        "head/",
        "head/x",
        "a" * 201,
        "%2e%2e/secret.key",
        "ke\u0443s/12/ab.zip",
    ],
)
def test_a_path_that_is_none_of_ours_leads_nowhere(folder: PublishedFolder, path: str) -> None:
    folder.put("head", b"note")
    folder.put("keys/12/ab.zip", b"content")
    with folder.exclusively():
        assert folder.read(path) is None


def test_links_that_somebody_planted_are_not_followed(folder: PublishedFolder, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "ab.zip").write_bytes(b"secret")
    folder.put("keys/12/ab.zip", b"content")
    (root / "link").symlink_to(tmp_path / "secret.key")
    (root / "keys" / "13").symlink_to(tmp_path / "outside")
    (root / "keys" / "14").symlink_to(root / "keys" / "12")  # not even one that stays inside
    for path in ("link", "keys/13/ab.zip", "keys/14/ab.zip"):
        assert folder.read(path) is None
        assert not folder.holds(path, sha256(b"secret").digest())
    with pytest.raises(StateError, match="something else is in its place"):
        folder.put("keys/13/cd.zip", b"new")
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["ab.zip"]
    folder.put("link", b"a file")  # In the place of the link, not where it leads to.
    assert (tmp_path / "secret.key").read_bytes() == b"secret"
    folder.remove("keys/13")
    assert (tmp_path / "outside" / "ab.zip").exists()


def test_a_pipe_that_somebody_planted_keeps_nobody_waiting(folder: PublishedFolder, root: Path) -> None:
    os.mkfifo(root / "head")
    assert folder.read("head") is None


def test_a_folder_in_the_place_of_a_file_is_said(folder: PublishedFolder, root: Path) -> None:
    (root / "head").mkdir()
    with pytest.raises(StateError, match="published/head cannot be written"):
        folder.put("head", b"note")
    (root / "keys").write_bytes(b"a file in the place of a folder")
    with pytest.raises(StateError, match="something else is in its place"):
        folder.put("keys/12/ab.zip", b"content")


def test_what_is_removed_is_gone_and_nothing_else(folder: PublishedFolder) -> None:
    for path in ("keys/9/a.zip", "keys/10/b.zip", "tile/entries/000.p/3"):
        folder.put(path, b"x")
    folder.remove("keys/9")
    folder.remove("tile/entries/000.p")
    folder.remove("keys/9")
    folder.remove("area/none.json")
    assert [path for path in ("keys/9/a.zip", "keys/10/b.zip", "tile/entries/000.p/3") if folder.read(path)] == [
        "keys/10/b.zip"
    ]


def test_half_written_files_of_a_crash_are_never_seen(folder: PublishedFolder, root: Path) -> None:
    half = root / ".drafts" / "half"
    half.write_bytes(b"ha")
    assert folder.read(".drafts/half") is None
    # A draft that another process is writing at this moment stays.
    other = root / ".drafts" / "other"
    with other.open("wb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        folder.clear_drafts()
        assert not half.exists()
        assert other.exists()
    folder.clear_drafts()
    assert not other.exists()


def test_one_process_at_a_time_replaces_and_removes(
    folder: PublishedFolder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "LOCK_SECONDS", 0.1)
    with (
        folder.exclusively(),
        pytest.raises(StateError, match="does not go on"),
        PublishedFolder(root).exclusively(),
    ):
        pass
    with PublishedFolder(root).exclusively():
        pass


def test_a_full_disk_is_not_filled_by_every_new_attempt(
    folder: PublishedFolder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failed attempt left its draft behind: what an operator freed was gone with the next one."""

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    for _attempt in range(3):
        with pytest.raises(OSError, match="no space"):
            folder.put("head", bytes(1000))
    assert list((root / ".drafts").iterdir()) == []
    assert folder.read("head") is None


def test_strange_things_among_the_drafts_do_not_stop_a_start(folder: PublishedFolder, root: Path) -> None:
    """A folder, a link or a socket in there ended every start with an error that named no file."""
    drafts = root / ".drafts"
    (drafts / "folder" / "inner").mkdir(parents=True)
    (drafts / "link").symlink_to(root.parent / "secret.key")
    os.mkfifo(drafts / "pipe")
    folder.clear_drafts()
    assert list(drafts.iterdir()) == []
    assert (root.parent / "secret.key").read_bytes() == b"secret"


@pytest.mark.parametrize("path", [".drafts", ".drafts/lock"])
def test_a_link_in_the_place_of_the_lock_is_said_and_not_followed(
    folder: PublishedFolder, root: Path, path: str
) -> None:
    (root / ".drafts").rmdir()
    if path != ".drafts":
        (root / ".drafts").mkdir()
    (root / path).symlink_to(root.parent / "outside")
    with pytest.raises(StateError, match=f"published/{path}.* something else is in its place"), folder.exclusively():
        pass
    assert not (root.parent / "outside").exists()
    (root / path).unlink()
    (root / path).symlink_to(root.parent)
    with pytest.raises(StateError, match="something else is in its place"), PublishedFolder(root).exclusively():
        pass


def test_folders_in_folders_without_end_are_strangers_and_no_end(folder: PublishedFolder, root: Path) -> None:
    """Listing them ended every start with a RecursionError."""
    path = "/".join("a" * 1500)
    inner = os.open(root, os.O_RDONLY)
    for name in path.split("/"):
        os.mkdir(name, dir_fd=inner)
        outer, inner = inner, os.open(name, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    (stranger,) = folder.paths()
    assert path.startswith(stranger)
    while (root / "a" / "a").exists():  # Nor could it be deleted as it is.
        (root / "a" / "a").rename(root / "b")
        (root / "a").rmdir()
        (root / "b").rename(root / "a")
