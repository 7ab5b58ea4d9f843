"""A witness of a city's log: the real `ownhue-server witness`, a process and a folder of its own.

region = laid_out(server_folder, start, padding)                  # a deployment, not served yet
with city_witness(folder, region) as witness:
    ask_witness(server_folder, witness)                           # the server's settings name it from now on
    with city_server(server_folder, start, ...) as server: ...
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ownhue.cosignature import WitnessKey, WitnessPolicy
from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.region import Region
from ownhue_client.city.server import city_server, started, stopped
from ownhue_client.errors import UnreachableError

_NAME = "witness.demo.ownhue.example/w1"
_SECONDS = 60


@dataclass(frozen=True)
class CityWitness:
    """A running witness."""

    vkey: str
    """Its verifier key."""
    url: str
    """Where it answers."""

    @property
    def policy(self) -> WitnessPolicy:
        """What those ask for who ask for this witness: 1 of 1."""
        return WitnessPolicy(1, (WitnessKey.from_vkey(self.vkey),))

    def evidence(self, http: httpx.Client) -> list[tuple[str, bytes]]:
        """Names and contents of the files by which it proves forks, which it gives to anybody."""
        names = http.get(f"{self.url}/keys").raise_for_status().json()["evidence"]
        return [(name, http.get(f"{self.url}/evidence/{name}").raise_for_status().content) for name in names]


def laid_out(directory: Path, start: int, *, padding: int) -> Region:
    """The region of a new rehearsal in *directory* whose server was started and stopped again."""
    with city_server(directory, start, padding=padding) as server:
        return server.region


@contextmanager
def city_witness(folder: Path, region: Region) -> Iterator[CityWitness]:
    """A witness of *region*'s log with its files in *folder*; stopped by its own process id."""
    _run("init", folder, "--name", _NAME, "--rehearsal")
    _run("add", folder, "--origin", region.origin, f"--key={region.log_key}")
    command = ["witness", "serve", str(folder), "--port", "0"]
    with started(command, folder.with_suffix(".log")) as (process, hello):
        try:
            yield CityWitness(str(hello["vkey"]), str(hello["url"]))
        finally:
            stopped(process)


def ask_witness(directory: Path, witness: CityWitness) -> None:
    """Let the server of *directory*, which is not running, ask *witness*, and its phones be told so."""
    path = directory / "settings.json"
    settings = parse_canonical_json(path.read_bytes().strip())
    settings |= {"witnesses": [{"url": witness.url, "vkey": witness.vkey}], "witness_threshold": 1}
    path.write_bytes(canonical_json(settings))


def _run(name: str, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "ownhue_server", "witness", name, str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise UnreachableError(f"the witness failed: {said[-1] if said else done.returncode}")
