"""A real server process for tests: `python -m ownhue_server rehearse` on a free loopback port.

    with server_process(tmp_path / "server", start=1_772_323_200) as server:
        httpx.get(f"{server.url}/health")
        server.move_clock(1_772_330_400)
    assert server.exit_status == 0

It is stopped by its own process id, and what it wrote to its standard output and error stays readable.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ownhue.encoding import canonical_json
from ownhue.region import Region, parse_region_body

START_SECONDS = 60
STOP_SECONDS = 20


@dataclass
class ServerProcess:
    """A running rehearsal server."""

    process: "subprocess.Popen[bytes]"
    url: str
    region: Region
    desk_key: str
    directory: Path
    ready_line: str
    """The one line of standard output, as it came."""
    error_log: Path
    """What the process wrote to standard error."""
    trust_root: bytes
    """The first root file of its trust metadata."""
    exit_status: int | None = None
    """Known after the process has ended."""

    @property
    def desk_headers(self) -> dict[str, str]:
        """Headers of a desk's requests."""
        return {"Authorization": f"Bearer {self.desk_key}"}

    def now(self) -> int:
        """What the server's clock says."""
        return int(httpx.get(f"{self.url}/rehearsal/v1/clock").raise_for_status().json()["now"])

    def move_clock(self, now: int) -> None:
        """Move the server's clock; every batch due by then is closed when this returns."""
        answer = httpx.post(f"{self.url}/rehearsal/v1/clock", json={"now": now}, timeout=300)
        answer.raise_for_status()

    def stop(self) -> None:
        """End the process by closing its standard input, as its parent's end would; by its process id if need be."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.exit_status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.exit_status = self.process.wait(STOP_SECONDS)


@contextmanager
def server_process(
    directory: Path,
    *,
    start: int,
    padding: int = 100,
    batch_seconds: int | None = None,
    rulebook: Path | None = None,
) -> Iterator[ServerProcess]:
    """Start a rehearsal server with its files in *directory* and its clock at *start* (unix seconds)."""
    command = [sys.executable, "-m", "ownhue_server", "rehearse", "--directory", str(directory)]
    command += ["--start", str(start), "--padding", str(padding)]
    command += ["--batch-seconds", str(batch_seconds)] if batch_seconds else []
    command += ["--rulebook", str(rulebook)] if rulebook else []
    directory.parent.mkdir(parents=True, exist_ok=True)
    error_log = directory.with_name(f"{directory.name}.stderr")
    with error_log.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    with process:
        server = _wait_until_ready(process, error_log)
        try:
            yield server
        finally:
            server.stop()


def _wait_until_ready(process: "subprocess.Popen[bytes]", error_log: Path) -> ServerProcess:
    line = process.stdout.readline().decode() if process.stdout else ""
    if not line:
        process.wait(START_SECONDS)
        raise AssertionError(f"the server did not start: {error_log.read_text(errors='replace')}")
    hello = json.loads(line)
    return ServerProcess(
        process,
        hello["url"],
        parse_region_body(hello["region"]),
        hello["desk_key"],
        Path(hello["directory"]),
        line,
        error_log,
        canonical_json(hello["trust_root"]),
    )
