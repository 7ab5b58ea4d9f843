"""Whatever happens while a batch is closed: the process dies at any step, the disk is full, the clock goes back.

The measure is always the same: what is published in the end is, byte for byte, what a run has that nobody disturbed,
and whoever reads in between finds the state before, whole, or the new one.
"""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from ownhue.errors import OwnhueError, StateError
from ownhue_server.documents import Document
from ownhue_server.publisher import folder as folder_module
from ownhue_server.storage.writer import Transaction
from tests.server.press import copied, keys_ending, read_folder, shop, snapshot, some_documents
from tests.server.served import BATCH, MONDAY

#: What changes something on the disk.
WRITES = ("mkdir", "open", "write", "fsync", "rename", "unlink", "rmdir")
#: The batch that is disturbed: its files are of every sort, and it deletes a batch that is too old and full partials.
NEXT = MONDAY + BATCH


def new_documents() -> list[Document]:
    """As some_documents, but two of them changed."""
    return [*some_documents()[1:], Document("regions", b'{"one":2}'), Document("area", b'{"four":4}')]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with a batch that is closed, and keys that wait for the next one."""
    folder = tmp_path_factory.mktemp("closing") / "before"
    with shop(folder) as one:
        chance = random.Random(1)
        one.add([*keys_ending(MONDAY, 30, chance), *keys_ending(MONDAY + BATCH, 3, chance)])
        (one.config.published / "keys" / "7").mkdir()  # too old: it goes with the next batch
        (one.config.published / "keys" / "7" / "old.zip").write_bytes(b"old")
        for name in ("000.p", "000"):  # a partial bundle of which the full one exists
            path = one.config.published / "tile" / "9" / name
            path.parent.mkdir(exist_ok=True)
            path.mkdir() if name.endswith(".p") else path.write_bytes(b"full")
        (one.config.published / "tile" / "9" / "000.p" / "3").write_bytes(b"partial")
    return folder


@pytest.fixture(scope="module")
def undisturbed(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file after the next batch was closed in peace."""
    folder = copied(before, tmp_path_factory.mktemp("undisturbed") / "folder")
    with shop(folder, documents=new_documents()) as one:
        one.close_until(NEXT)
    return snapshot(folder / "published")


def clean(folder: Path) -> dict[str, bytes]:
    """Every published file, without those that the fixture put there and every start deletes."""
    stale = ("keys/7/old.zip", "tile/9/000.p/3")
    return {path: data for path, data in snapshot(folder / "published").items() if path not in stale}


class FailingOs:
    """The module os, but the *number*-th call (from 0) that changes something does *what* instead."""

    def __init__(self, number: int, what: Callable[[], object]) -> None:
        self._left = number
        self._what = what

    def __getattr__(self, name: str) -> Any:
        value = getattr(os, name)
        return self._counted(value) if name in WRITES else value

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            reads = call is os.open and not arguments[1] & (os.O_CREAT | os.O_WRONLY)
            if not reads:
                self._left -= 1
                if self._left == -1:
                    if call is os.write:  # A disk that is nearly full takes a part.
                        os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    self._what()
            return call(*arguments, **named)

        return counted

    @property
    def failed(self) -> bool:
        """Whether it came to that."""
        return self._left < 0


def no_space() -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def check_readable(folder: Path, before: Path, after: dict[str, bytes]) -> None:
    """Whoever reads now sees the state before or the one after, whole."""
    there = snapshot(folder / "published")
    with shop(before, started=False) as one:
        region = one.config.region
    published = read_folder(folder / "published", region)
    published.key_files()
    assert published.head.time in (MONDAY, NEXT)
    assert there["head"] in ((before / "published" / "head").read_bytes(), after["head"])
    # Under its name a trust file is never newer than the head.
    if published.head.time == MONDAY:
        named = {path: data for path, data in there.items() if path.startswith("trust/") and len(path) < 40}
        assert all((before / "published" / path).read_bytes() == data for path, data in named.items())


def file_steps(before: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many calls change something while the next batch is closed."""
    with shop(copied(before, folder), documents=new_documents()) as one:
        counter = FailingOs(10**9, no_space)
        monkeypatch.setattr(folder_module, "os", counter)
        one.close_until(NEXT)
        monkeypatch.undo()
    return 10**9 - counter._left


@pytest.mark.timeout(300)
def test_a_full_disk_at_every_single_step_of_writing_files_loses_doubles_and_halves_nothing(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = file_steps(before, tmp_path / "run", monkeypatch)
    assert steps > 60
    for number in range(steps):
        folder = copied(before, tmp_path / "run")
        with shop(folder, documents=new_documents()) as one:
            monkeypatch.setattr(folder_module, "os", FailingOs(number, no_space))
            with suppress(OSError, OwnhueError):
                one.close_until(NEXT)
            monkeypatch.undo()
            check_readable(folder, before, undisturbed)
            if number % 2:  # There is room again, and the server goes on ...
                one.run(one.publisher.tick())
                assert snapshot(folder / "published") == undisturbed, number
                continue
        with shop(folder, NEXT, documents=new_documents()):  # ... or it is started again.
            assert snapshot(folder / "published") == undisturbed, number


@pytest.mark.timeout(120)
@pytest.mark.parametrize("share", [0, 15, 35, 55, 75, 95])
def test_killed_for_real_while_files_are_written_loses_doubles_and_halves_nothing(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    number = file_steps(before, tmp_path / "run", monkeypatch) * share // 100
    folder = copied(before, tmp_path / "run")
    killed(folder, "files", number)
    check_readable(folder, before, undisturbed)
    with shop(folder, NEXT, documents=new_documents()):
        assert snapshot(folder / "published") == undisturbed


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [0, 1, 20, 300])
def test_killed_for_real_inside_the_transaction_changes_nothing(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path, number: int
) -> None:
    folder = copied(before, tmp_path / "run")
    killed(folder, "transaction", number)
    with shop(folder, documents=new_documents()) as one:
        assert snapshot(folder / "published") == clean(before)
        one.close_until(NEXT)
    assert snapshot(folder / "published") == undisturbed


def killed(folder: Path, where: str, number: int) -> None:
    """Close the next batch in a process that kills itself there."""
    command = [sys.executable, "-m", "tests.attacks.test_closing", str(folder), where, str(number)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


def interrupt_after(transaction: Transaction, calls: int, what: Callable[[], int]) -> None:
    """Let SQLite ask *what* at every 40th of its steps, from the *calls*-th time on: 1 ends the statement."""
    left = [calls]

    def handler() -> int:
        left[0] -= 1
        return what() if left[0] < 0 else 0

    transaction.driver.set_progress_handler(handler, 40)


def test_an_error_at_any_step_of_the_transaction_changes_nothing(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    folder, steps = copied(before, tmp_path / "run"), 0
    for number in range(0, 6000, 61):
        # A new process each time, so that chance begins anew.
        with shop(folder, documents=new_documents()) as one:
            one.job(lambda transaction, number=number: interrupt_after(transaction, number, lambda: 1))  # type: ignore[misc]
            with suppress(DatabaseError, sqlite3.Error, OwnhueError):
                one.close_until(NEXT)
            done = snapshot(folder / "published")
        if done["head"] == undisturbed["head"]:
            break
        assert done == clean(before), number
        steps += 1
    assert steps > 20
    with shop(folder, NEXT, documents=new_documents()):
        assert snapshot(folder / "published") == undisturbed


def test_a_full_disk_under_the_database_changes_nothing_until_there_is_room(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    folder = copied(before, tmp_path / "run")
    with shop(folder, documents=new_documents()) as one:

        def limit(transaction: Transaction, pages: int = 0) -> None:
            count = transaction.driver.execute("PRAGMA page_count").fetchone()[0]
            transaction.driver.execute(f"PRAGMA max_page_count = {pages or count}")

        one.job(limit)
        with pytest.raises((DatabaseError, sqlite3.Error), match="full"):
            one.close_until(NEXT)
        assert snapshot(folder / "published") == clean(before)
    with shop(folder, documents=new_documents()) as one:
        one.close_until(NEXT)
    assert snapshot(folder / "published") == undisturbed


def test_closing_the_same_batch_of_the_same_database_again_gives_the_same_bytes(
    before: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """CWA's exports differed on each run, because its signatures were random."""
    with shop(copied(before, tmp_path / "again"), documents=new_documents()) as one:
        one.close_until(NEXT)
        assert snapshot(one.config.published) == undisturbed
    with shop(copied(before, tmp_path / "other"), documents=new_documents(), seed=7) as one:
        one.close_until(NEXT)
        assert snapshot(one.config.published) != undisturbed


def test_a_clock_that_was_turned_back_closes_nothing_and_waits(before: Path, tmp_path: Path) -> None:
    folder = copied(before, tmp_path / "run")
    with shop(folder, documents=new_documents()) as one:
        one.close_until(NEXT)
        after = snapshot(folder / "published")
    with shop(folder, MONDAY - 86400) as one:
        assert list(one.run(one.publisher.due(MONDAY - 86400))) == []
        with pytest.raises(StateError, match="when it is over"):
            one.run(one.publisher.close_batch(NEXT // BATCH))
        assert snapshot(folder / "published") == after
        one.close_until(NEXT + BATCH)
        assert one.published().head.time == NEXT + BATCH


def test_a_folder_rewritten_by_hand_is_mended_at_the_next_start(before: Path, tmp_path: Path) -> None:
    """A special head, key file or bundle for one phone: whoever can write the folder can try, until a restart."""
    folder = copied(before, tmp_path / "run")
    published = folder / "published"
    (key_file,) = (published / "keys" / str(MONDAY // BATCH - 1)).iterdir()
    key_file.write_bytes(b"keys for one person")
    (published / "head").unlink()
    (published / "head").symlink_to("/etc/passwd")
    (published / "trust" / "timestamp.json").write_bytes(b"{}")
    for path in (published / "tile").rglob("000.p/*"):
        if path.parent.parent.name != "9":
            path.write_bytes(b"x" + path.read_bytes())
    with shop(folder):
        there = snapshot(published)
        assert not (published / "head").is_symlink()
    assert there == clean(before)


def test_a_file_that_somebody_put_beside_the_published_ones_is_told(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(before, tmp_path / "run")
    with shop(folder):
        assert "does not name" not in capsys.readouterr().err
    (folder / "published" / "keys" / str(MONDAY // BATCH - 1) / "special.zip").write_bytes(b"for one phone")
    (folder / "published" / "index.html").symlink_to("/etc/passwd")
    with shop(folder):
        said = capsys.readouterr().err
    assert '"published/ holds files that the log does not name"' in said
    assert '"count": 2' in said


def test_a_head_of_a_batch_that_the_database_does_not_know_is_refused_at_start(before: Path, tmp_path: Path) -> None:
    folder = copied(before, tmp_path / "run")
    newer = copied(before, tmp_path / "newer")
    with shop(newer) as one:
        one.close_until(NEXT)
    (folder / "published" / "head").write_bytes((newer / "published" / "head").read_bytes())
    with pytest.raises(StateError, match="newer than the publisher's database"), shop(folder):
        pass


def main(folder: str, where: str, number: int) -> None:
    """Close the next batch, and be killed on the way."""
    with shop(Path(folder), documents=new_documents()) as one:
        if where == "files":
            vars(folder_module)["os"] = FailingOs(number, kill)
        else:
            one.job(lambda transaction: interrupt_after(transaction, number, kill))
        one.close_until(NEXT)


def kill() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
