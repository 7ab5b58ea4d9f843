"""A throw-away server for a city: the real `ownhue-server rehearse`, as a process of its own, met only over HTTP.

It listens on loopback, keeps its files in a folder that is named to it, and its clock goes where the city's goes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ownhue.encoding import canonical_json
from ownhue.region import Region, parse_region_body
from ownhue_client.city.desk import Desk
from ownhue_client.errors import UnreachableError

_STOP_SECONDS = 10


@dataclass(frozen=True)
class CityServer:
    """A running rehearsal server: its region, its desk, and the hand on its clock."""

    url: str
    region: Region
    desk: Desk
    http: httpx.Client
    directory: Path
    """Its files."""
    trust_root: bytes | None
    """The first root file of its trust metadata."""

    def move_clock(self, now: int) -> None:
        """Let the server's clock go forward to *now* (unix seconds); due batches are closed on the way."""
        answer = self.http.post(f"{self.url}/rehearsal/v1/clock", json={"now": now}, timeout=300)
        if answer.status_code != httpx.codes.OK:
            raise UnreachableError(f"the rehearsal server did not move its clock: {answer.text[:200]}")


@contextmanager
def city_server(
    directory: Path,
    start: int,
    *,
    padding: int,
    rulebook: Path | None = None,
    error_log: Path | None = None,
    port: int = 0,
) -> Iterator[CityServer]:
    """A rehearsal server with its files in *directory* and its clock at *start*; stopped by its own process id.

    *port* 0 takes a free one.
    """
    command = ["rehearse", "--directory", str(directory), "--start", str(start), "--padding", str(padding)]
    command += ["--port", str(port)]
    command += ["--rulebook", str(rulebook)] if rulebook else []
    with started(command, error_log or directory.with_suffix(".log")) as (process, hello):
        try:
            with httpx.Client(timeout=60) as http:
                url = str(hello["url"])
                region, root = parse_region_body(hello["region"]), hello.get("trust_root")
                desk = Desk(url, str(hello["desk_key"]), http)
                yield CityServer(url, region, desk, http, directory, None if root is None else canonical_json(root))
        finally:
            stopped(process)


@contextmanager
def started(command: list[str], log_path: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """`ownhue-server` with *command* as a process of its own, and the line of JSON with which it says that it is ready.

    What it says else goes to *log_path*. The caller stops it.
    """
    with (
        log_path.open("a") as log,
        subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "ownhue_server", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        yield process, _first_line(process, log_path)


def stopped(process: "subprocess.Popen[str]") -> None:
    """End a process that :func:`started` began."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _first_line(process: "subprocess.Popen[str]", log_path: Path) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else ""
    try:
        hello = json.loads(line)
    except ValueError:
        process.wait(_STOP_SECONDS)
        said = log_path.read_text(errors="replace").strip().splitlines()
        reason = said[-1] if said else "is the distribution ownhue-server installed?"
        raise UnreachableError(f"the server did not start: {reason}") from None
    return dict(hello)
