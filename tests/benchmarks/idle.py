"""An agent that has nothing to do: its memory, and how often it wakes the processor.

Memory and waits of a minute are those of a real process (Linux), told by the kernel; it has a real store, its socket
and an adapter that hears nobody. Wake-ups of a day are counted by a loop with virtual time. Those of the adapter and of
BlueZ are not in it.

    python -m tests.benchmarks.idle FOLDER SECONDS        the process that is measured; prints figures
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ownhue_client.agent.agent import Agent, Radio
from ownhue_client.agent.control import serving
from ownhue_client.agent.long_work import directly
from ownhue_client.clock import SystemClock
from ownhue_client.fetching import open_client
from ownhue_client.phone import Phone
from ownhue_client.radio.virtual_time import VirtualClock, VirtualTimeLoop
from tests.client.publisher import START, region
from tests.client.radio.fake_radio import FakeBroadcaster, FakeScanner
from tests.client.town import DAY, Town

#: Seconds for which the real process is watched, after as many that it needs to start.
WATCHED = 60
_SETTLED = 5


class _CountingLoop(VirtualTimeLoop):
    """Counts how often it would have slept."""

    slept = 0

    def jump(self, seconds: float) -> None:
        """As in the base class."""
        self.slept += 1
        super().jump(seconds)


def idle() -> None:
    """Print both."""
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        loop = _CountingLoop(START)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            requests = runner.run(_a_day(Path(name) / "virtual"))
        print(
            f"an idle agent wakes {loop.slept / DAY * 3600:.0f} times an hour, over a day in which it rotates, scans "
            f"and synchronises ({requests} requests) and hears nobody",
            flush=True,
        )
        said = _child(Path(name) / "real")
    print(
        f"an idle agent as a process: {said['rss'] / 1024:.0f} MiB resident, {said['own'] / 1024:.0f} MiB of them its "
        f"own; {said['waits']} waits and {1000 * said['seconds']:.0f} ms of processor time in {WATCHED} s",
        flush=True,
    )


async def _a_day(folder: Path) -> int:
    """A day in virtual time, in a town that publishes little; how many requests it took."""
    town = Town()
    clock = VirtualClock(asyncio.get_running_loop(), town.now)
    with town.phone(folder, town.now, clock=clock) as phone:
        agent = Agent(
            phone,
            Radio(FakeBroadcaster(), FakeScanner()),
            None,
            now=clock.now,
            random=os.urandom,
            run_long=directly,
            clock=clock,
        )
        running = asyncio.create_task(agent.run())
        for _ in range(12):
            await asyncio.sleep(DAY // 12)
            town.now = town.publisher.close_keys()
        agent.stop()
        await running
    return len(town.requests)


def _child(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.idle", str(folder), str(WATCHED)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


async def _watched(folder: Path, seconds: int) -> dict[str, Any]:
    """Run an agent in this process, whose server is out of reach, and watch it."""

    async def answer(op: str, args: dict[str, Any]) -> Any:
        return None

    with open_client(time.monotonic) as client, _new_phone(folder, client) as phone:
        radio = Radio(FakeBroadcaster(), FakeScanner())
        agent = Agent(phone, radio, None, now=_now, random=os.urandom, clock=SystemClock())
        async with serving(folder, answer):
            running = asyncio.create_task(agent.run())
            await asyncio.sleep(_SETTLED)
            waits, begun = _waits(), time.process_time()
            await asyncio.sleep(seconds)
            said = {"waits": _waits() - waits, "seconds": time.process_time() - begun, **_memory()}
            agent.stop()
            await running
    return said


def _new_phone(folder: Path, client: Any) -> Phone:
    # Port 9 takes everything and answers nothing; on most machines nobody listens there.
    nowhere = region(url="http://127.0.0.1:9")
    return Phone.create(folder, nowhere, random=os.urandom, http_client=client, now=_now())


def _now() -> int:
    return int(time.time())


def _waits() -> int:
    """How often this process waited by its own will."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def _memory() -> dict[str, int]:
    """KiB: what is resident, and what of it is shared with no other process."""
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]]
    sizes = {words[0]: int(words[1]) for words in lines if len(words) == 3}
    return {"rss": sizes["Rss:"], "own": sizes["Private_Clean:"] + sizes["Private_Dirty:"]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_watched(Path(sys.argv[1]), int(sys.argv[2])))))
