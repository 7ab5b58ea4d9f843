"""publisher/leader.py in real processes: the leader is killed, or stopped and woken up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ownhue.region import Region
from ownhue_server.clock import Clock
from tests.server.press import FastClock, read_folder
from tests.server.published import Published
from tests.server.served import deployment

#: A batch of a minute passes in a second, a lease in half of one.
SPEED, SHORT_BATCH = 60, 60
#: Seconds until a test gives up.
PATIENCE = 60


class Crew:
    """Processes that publish one deployment."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.t0 = time.time()
        self.processes = [self.start() for _ in range(count)]
        self.heads: list[int] = []

    def start(self) -> subprocess.Popen[bytes]:
        """One more process."""
        command = [sys.executable, "-m", "tests.server.press", str(self.folder), str(self.t0), str(SPEED)]
        log = (self.folder.parent / f"log-{time.monotonic_ns()}").open("wb")
        with log:
            process = subprocess.Popen(command, stderr=log)
        process.log = Path(log.name)  # type: ignore[attr-defined]
        return process

    def leader(self) -> subprocess.Popen[bytes]:
        """The process that closed the newest batch."""

        def newest_closed(process: subprocess.Popen[bytes]) -> int:
            log: Path = process.log  # type: ignore[attr-defined]
            lines = [line for line in log.read_text().splitlines() if "a batch is closed" in line]
            return int(lines[-1].partition('"batch": ')[2].rstrip("}")) if lines else -1

        return max((one for one in self.processes if one.poll() is None), key=newest_closed)

    def wait(self, region: Region, batches: int) -> bool:
        """Wait until *batches* more are out, watching the head; whether they came in a few seconds."""
        clock: Clock = FastClock(self.t0, SPEED)
        until, goal = time.monotonic() + 12, -1
        while time.monotonic() < until:
            with suppress(FileNotFoundError):
                head = read_folder(self.folder / "published", region).head.time
                goal = head + batches * SHORT_BATCH if goal < 0 else goal
                self.heads.append(head)
                assert head <= clock.now()
                if head >= goal:
                    return True
            time.sleep(0.05)
        return False

    def end(self) -> None:
        """Kill them all."""
        for process in self.processes:
            process.kill()
            process.wait()


@contextmanager
def crew(folder: Path, count: int) -> Iterator[tuple[Crew, Region]]:
    config, _desk_key = deployment(folder, batch_seconds=SHORT_BATCH)
    one = Crew(folder, count)
    try:
        yield one, config.region
    finally:
        one.end()


def check_everything(one: Crew, region: Region) -> Published:
    """Nothing doubled, lost, late or taken back."""
    published = read_folder(one.folder / "published", region)
    batches = [entry.batch for entry in published.of_kind("keys")]
    assert batches == list(range(batches[0], batches[0] + len(batches)))
    datas = [key.data for file in published.key_files() for key in file.keys]
    assert len(datas) == len(set(datas))
    assert one.heads == sorted(one.heads)
    return published


def eventually(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until


@pytest.mark.timeout(150)
def test_of_three_real_processes_two_are_killed_and_the_third_goes_on(tmp_path: Path) -> None:
    with crew(tmp_path / "one", 3) as (one, region):
        eventually(lambda: one.wait(region, 3))
        for _ in range(2):
            leader = one.leader()
            os.kill(leader.pid, signal.SIGKILL)
            leader.wait()
            eventually(lambda: one.wait(region, 3))
            assert one.leader() is not leader
        check_everything(one, region)


@pytest.mark.timeout(150)
def test_a_leader_that_is_stopped_and_wakes_up_closes_nothing_twice(tmp_path: Path) -> None:
    with crew(tmp_path / "one", 2) as (one, region):
        eventually(lambda: one.wait(region, 2))

        def stopped_and_overtaken() -> bool:
            leader = one.leader()
            os.kill(leader.pid, signal.SIGSTOP)
            try:
                # Stopped inside a transaction it keeps the database, and nobody can go on: then once more.
                return one.wait(region, 3)
            finally:
                os.kill(leader.pid, signal.SIGCONT)

        eventually(stopped_and_overtaken)
        eventually(lambda: one.wait(region, 3))
        check_everything(one, region)
