"""A log that can lie, and real witness processes that it asks.

log = Log()
with witness_process(tmp_path / "w1", "witness.example/w1", log) as witness:
    assert witness.ask(log.request(4, 0)).status_code == 200
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
from ownhue.tree_proofs import StoredTree, prove_consistency
from ownhue.witness import WitnessRequest
from ownhue_server.witness.config import create_witness, load_witness, save_config, with_log
from ownhue_server.witness.store import Store

ORIGIN = "demo.ownhue.example/log"
#: Long ago, so that no witness's clock matters unless a test wants it to.
TIME = 1_700_000_000
LOG, NEXT_LOG, STRANGER = (SigningKey(bytes([number]) * 32) for number in (1, 2, 9))
LEAVES = 40
STOP_SECONDS = 20


@dataclass(frozen=True)
class Log:
    """A log that closes a batch a minute. *changed*: number of the leaf that is another one in this history."""

    changed: int = -1
    key: SigningKey = LOG
    origin: str = ORIGIN
    tree: StoredTree = field(init=False)

    def __post_init__(self) -> None:
        leaves = (b"changed" if number == self.changed else bytes([number]) for number in range(LEAVES))
        object.__setattr__(self, "tree", StoredTree(map(leaf_hash, leaves)))

    @property
    def public(self) -> bytes:
        """Its key, 32 bytes."""
        return bytes(self.key.verify_key)

    def note(self, size: int, time: int | None = None) -> bytes:
        """The head of a size."""
        when = TIME + 60 * size if time is None else time
        return sign_tree_head(TreeHead(self.origin, size, self.tree.root(size), when), self.key)

    def head(self, size: int) -> TreeHead:
        """The same, opened."""
        return open_tree_head(self.note(size), self.origin, self.public)

    def request(self, size: int, old: int, time: int | None = None) -> bytes:
        """The request that shows the head of a size to a witness that has seen *old*."""
        proof = prove_consistency(self.tree.hash, old, size) if old <= size else []
        return WitnessRequest(old, tuple(proof), self.note(size, time)).to_bytes()


def make_witness(folder: Path, name: str, *logs: Log, rehearsal: bool = False) -> WitnessKey:
    """A witness in *folder* that watches *logs*."""
    own = create_witness(folder, name, rehearsal=rehearsal)
    for log in logs:
        watch(folder, log.origin, log.public)
    return own


def watch(folder: Path, origin: str, key: bytes) -> None:
    """Let the witness in *folder* watch a log, or a further key of it."""
    config, own = load_witness(folder)
    save_config(folder, with_log(config, origin, key, WitnessKey(config.name, bytes(own.verify_key))))
    Store(folder).create(origin, key)


@dataclass
class WitnessProcess:
    """A running witness."""

    process: "subprocess.Popen[bytes]"
    url: str
    key: WitnessKey
    folder: Path

    def ask(self, body: bytes) -> httpx.Response:
        """The answer to a request for a cosignature."""
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=30, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        """What it tells to everybody."""
        return httpx.get(self.url + path, timeout=30, trust_env=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[WitnessProcess]:
    """The witness in *folder*, served by a process of its own."""
    command = [sys.executable, "-m", "ownhue_server", "witness", "serve", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline() if process.stdout else b""
        assert line, f"the witness did not start: {process.wait(STOP_SECONDS)}"
        hello = json.loads(line)
        try:
            yield WitnessProcess(process, hello["url"], WitnessKey.from_vkey(hello["vkey"]), folder)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


@contextmanager
def witness_process(folder: Path, name: str, *logs: Log, rehearsal: bool = False) -> Iterator[WitnessProcess]:
    """A new witness that watches *logs*, served."""
    make_witness(folder, name, *logs, rehearsal=rehearsal)
    with serving(folder) as witness:
        yield witness
