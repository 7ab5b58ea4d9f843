"""A client that was away for 14 days: 168 batches of 1,000 keys, over HTTP on loopback and from a folder.

What it does is what a phone does: the trust round, the log, every key file by its entry, read and verified. Comparing
the keys with what was heard is shown apart, for it depends on how much was heard.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ownhue.key_file import ExposureKey, KeyFile, SignatureInfo, write_key_file
from ownhue.log import LogEntry
from ownhue.matching import Matcher, Sighting
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS, ReportType
from ownhue_client.fetching import Fetch, folder_fetch, http_fetch, open_client
from ownhue_client.publication import PublicationState, RegionKeys, catch_up, read_entry
from tests.benchmarks.timing import say
from tests.client.publisher import BATCH_SECONDS, KEY_FILE_KEY, region
from tests.client.trusted_publisher import TrustedPublisher, key

KEYS = 1_000
BATCHES = RETENTION_DAYS * 86_400 // BATCH_SECONDS
IDENTIFIERS = 20_000
ROUNDS = 3

_SERVER = """
import socket, sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from ownhue_server.publisher.folder import PublishedFolder
from ownhue_server.publisher.static import PublishedFiles
files = PublishedFiles(PublishedFolder(Path(sys.argv[1])))
app = Starlette(routes=[Route("/published/{path:path}", files)])
bound = socket.create_server(("127.0.0.1", 0))
print(bound.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([bound])
"""


@dataclass
class _Counted:
    """A fetch that counts."""

    fetch: Fetch
    requests: int = 0
    length: int = 0

    def __call__(self, path: str) -> bytes:
        self.requests += 1
        data = self.fetch(path)
        self.length += len(data)
        return data


@dataclass
class _Busy(TrustedPublisher):
    """A publisher whose later key files hold keys."""

    busy: bool = False

    def key_file(self, batch: int) -> bytes:
        """Random keys that ended just before the batch."""
        return _key_file(batch) if self.busy else super().key_file(batch)


@dataclass
class _Phone:
    """A client before its absence."""

    publisher: "_Busy"
    state: PublicationState = field(default_factory=PublicationState)

    def caught_up(self, fetch: Fetch) -> list[KeyFile]:
        """Every key file of the days away, verified. What is known stays as it was."""
        now, root = self.publisher.time, self.publisher.first_root
        _, keys, entries = catch_up(fetch, region(), self.state, now, root=root)
        return [_read(fetch, entry, keys) for entry in entries if entry.kind == "keys"]


def _read(fetch: Fetch, entry: LogEntry, keys: RegionKeys) -> KeyFile:
    return keys.read_key_file(read_entry(fetch, entry))


def _key_file(batch: int) -> bytes:
    """A key file of random keys that ended just before the batch."""
    last = batch * BATCH_SECONDS // INTERVAL_SECONDS - KEY_PERIOD
    keys = (ExposureKey(os.urandom(16), last, KEY_PERIOD, ReportType.CONFIRMED_TEST, 1) for _ in range(KEYS))
    content = KeyFile(batch * BATCH_SECONDS, (batch + 1) * BATCH_SECONDS, "demo", tuple(keys))
    return write_key_file(content, KEY_FILE_KEY, SignatureInfo("demo", "1"))


def _away() -> _Phone:
    """A phone that has followed a log of three months, and 14 days that it has not seen."""
    publisher = _Busy()
    publisher.close_quietly(12 * 90)
    phone = _Phone(publisher)
    phone.state = catch_up(publisher.fetch, region(), phone.state, publisher.time, root=publisher.first_root)[0]
    publisher.busy = True
    for number in range(BATCHES):
        if number == BATCHES // 2:
            publisher.rotate(timestamp_key=key(61), snapshot_key=key(62))
        publisher.close()
    return phone


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The publisher's own way of serving files, in a process of its own."""
    command = [sys.executable, "-c", _SERVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def catching_up() -> None:
    """Over HTTP and from a folder; then the matching alone."""
    phone = _away()
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        folder = phone.publisher.serve(Path(name) / "published")
        with _served(folder) as url, open_client(time.monotonic) as client:
            files = _measured("over HTTP", phone, http_fetch(client, url))
        _measured("from a folder", phone, folder_fetch(folder))
    _matched(files)


def _measured(how: str, phone: _Phone, fetch: Fetch) -> list[KeyFile]:
    """Print seconds, requests and bytes of several rounds."""
    seconds, files, counted = [], list[KeyFile](), _Counted(fetch)
    for _ in range(ROUNDS):
        counted = _Counted(fetch)
        begun = time.perf_counter()
        files = phone.caught_up(counted)
        seconds.append(time.perf_counter() - begun)
    assert len(files) == BATCHES
    what = f"catch-up of {RETENTION_DAYS} days, {BATCHES} x {KEYS:,} keys, {how}"
    say(f"{what}, ms", [1000 * item for item in seconds], unit="ms")
    print(f"  {counted.requests:,} requests, {counted.length:,} bytes")
    return files


def _matched(files: list[KeyFile]) -> None:
    first = files[0].start
    sightings = [
        Sighting(os.urandom(16), os.urandom(4), first + 60 * number, -70, number, 60) for number in range(IDENTIFIERS)
    ]
    begun = time.perf_counter()
    matcher = Matcher(sightings)
    assert sum(1 for item in files for _ in matcher.match(item.keys, item.end)) == 0
    taken = 1000 * (time.perf_counter() - begun)
    say(f"  its keys matched against {IDENTIFIERS:,} identifiers, ms", [taken], unit="ms")
