"""Cosignatures a second of one witness process: each head is proven, stored for good, and then signed."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from ownhue.witness import WitnessRequest
from tests.benchmarks.timing import say
from tests.server.witnesses import Log, WitnessProcess, witness_process

LOGS = (1, 16)
HEADS = 39
ROUNDS = 3


def cosignatures() -> None:
    """One log after another, and many logs at once, each over its own connection; every head is a new, larger one."""
    for count in LOGS:
        rates = []
        for number in range(ROUNDS):
            logs = [Log(origin=f"{number}-{index}.example/log") for index in range(count)]
            with (
                tempfile.TemporaryDirectory(prefix="ownhue-bench-") as folder,
                witness_process(Path(folder) / "w1", "witness.example/w1", *logs) as witness,
            ):
                rates.append(_rate(witness, logs))
        say(f"cosignatures of one witness process, {count} logs at once, durably", rates)


def _rate(witness: WitnessProcess, logs: list[Log]) -> float:
    """Heads that were cosigned a second."""
    requests = [[log.request(size, size - 1) for size in range(1, HEADS + 1)] for log in logs]
    threads = [threading.Thread(target=_ask_all, args=(witness.url, bodies)) for bodies in requests]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(logs) * HEADS / (time.perf_counter() - begun)


def _ask_all(url: str, bodies: list[bytes]) -> None:
    with httpx.Client(trust_env=False, timeout=60) as http:
        for body in bodies:
            answer: Any = http.post(f"{url}/add-checkpoint", content=body)
            assert answer.status_code == 200, (answer.status_code, WitnessRequest.from_bytes(body).old_size)
