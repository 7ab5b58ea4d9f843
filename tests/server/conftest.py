"""Fixtures of the server's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.served import Served, served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A new rehearsal server of all roles, its clock on Monday 2 March 2026, 00:00 UTC."""
    with served(tmp_path / "server") as server:
        yield server
