"""A deployment to be measured: a real server process on a folder, with other settings than it was made with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ownhue.encoding import canonical_json
from tests.e2e.server_process import ServerProcess, server_process

#: Where the server's clock stands.
START = 1_772_452_800
#: Refusals an hour, which is also how many requests of one address are worked on at a time: the load comes from one
#: address, but stands for as many phones as it has connections.
NO_LIMIT = 100_000


def make(directory: Path) -> None:
    """A deployment in *directory*."""
    with server_process(directory, start=START, padding=20):
        pass


@contextmanager
def serving(directory: Path, **changes: int) -> Iterator[ServerProcess]:
    """The deployment in *directory*, from now on with other settings."""
    settings = directory / "settings.json"
    settings.write_bytes(canonical_json(json.loads(settings.read_bytes()) | changes))
    with server_process(directory, start=START, padding=20) as server:
        yield server
