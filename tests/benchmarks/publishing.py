"""Closing a batch of a million keys: seconds until everything is published, and the most memory the process ever had.

Each run is a process of its own, so that the peak is of closing alone:

    python -m tests.benchmarks.publishing fill FOLDER      a deployment in whose database a million keys wait
    python -m tests.benchmarks.publishing close FOLDER     start its publisher, which closes the batch; prints figures
"""

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS, ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_server.app import create_app
from ownhue_server.clock import RehearsalClock
from ownhue_server.config import Role, load_config
from ownhue_server.deployment import Plan, create_deployment
from ownhue_server.publisher.pending import PendingKeys
from ownhue_server.publisher.tables import TABLES, StoredKey
from ownhue_server.storage.database import open_database
from ownhue_server.storage.writer import Transaction, Writer
from tests.benchmarks.timing import say

KEYS = 1_000_000
#: Slots from the beginning on, so that filling does not grow the table again and again.
SLOTS = 1 << 21
#: Keys of one transaction of filling.
AT_ONCE = 50_000
#: A batch boundary.
CLOSING = 1_772_409_600


def publishing(runs: int = 3) -> None:
    """Fill once, close copies of it."""
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        _child("fill", Path(name) / "filled")
        results = []
        for _ in range(runs):
            shutil.copytree(Path(name) / "filled", Path(name) / "run")
            results.append(json.loads(_child("close", Path(name) / "run")))
            shutil.rmtree(Path(name) / "run")
    what = f"batch of {KEYS:,} keys ({results[0]['bytes']:,} bytes)"
    say(f"{what}: closed and published", [1000 * one["seconds"] for one in results], "ms")
    say(f"{what}: processor time of that", [1000 * one["processor"] for one in results], "ms")
    say(f"{what}: most memory of the process", [one["peak"] / 1024 for one in results], "MiB")


def _child(what: str, folder: Path) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.publishing", what, str(folder)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def fill(folder: Path, count: int = KEYS) -> None:
    """A new deployment, and *count* keys that wait in its publisher's database."""
    config, _desk_key = create_deployment(
        folder, Plan("http://127.0.0.1:9", demonstration_rulebook(), CLOSING, rehearsal=True)
    )
    writer = Writer(open_database(config.database(Role.PUBLISHER)), TABLES)
    pending, keys = PendingKeys(first_slots=SLOTS), _keys(count)
    writer.start()
    while block := list(islice(keys, AT_ONCE)):

        def add(transaction: Transaction, block: list[StoredKey] = block) -> None:
            pending.add(transaction, block)

        writer.submit(add).result()
    writer.stop()


def _keys(count: int) -> Iterator[StoredKey]:
    periods = RETENTION_DAYS * 12
    first = CLOSING // INTERVAL_SECONDS - (periods + 1) * KEY_PERIOD
    for number in range(count):
        start, onset = first + number % periods * KEY_PERIOD, number % 11 - 3
        yield StoredKey(os.urandom(16), start, KEY_PERIOD, ReportType.CONFIRMED_TEST, onset, os.urandom(32))


async def close(folder: Path) -> None:
    """Start the publisher: it closes the batch that ended last and writes all files. Prints the figures as JSON."""
    app = create_app(load_config(folder), [Role.PUBLISHER], RehearsalClock(CLOSING))
    publisher = app.state.publisher
    begun, worked = time.perf_counter(), time.process_time()
    await publisher.start()
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    publisher.stop()
    (file,) = (folder / "published" / "keys").rglob("*.zip")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak, "bytes": file.stat().st_size}))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(Path(sys.argv[2]))
    else:
        asyncio.run(close(Path(sys.argv[2])))
