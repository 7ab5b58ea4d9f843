"""Killing a real process at one chosen point after the other: before each call that could reach the disk.

    point = 0
    while killed_at(point, lambda: Store.create(...)):       # a fresh folder for each
        ...                                                  # what a crash there left behind
        point += 1

The process is a fork of the test's; SIGKILL leaves it no chance to tidy up.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

#: How far apart the points are: a few in `make test`, every single one in `make acceptance`.
STRIDES = [13, pytest.param(1, marks=pytest.mark.acceptance)]
#: Names of built-in functions that change files, or a connection's.
_REACHING = frozenset(
    {"execute", "executemany", "fsync", "rename", "replace", "unlink", "open", "write", "pwrite", "ftruncate", "close"}
)


def killed_at(point: int, run: Callable[[], object]) -> bool:
    """Run *run* in a process of its own that is killed before its call number *point*; False when it ended before."""
    child = os.fork()
    if child == 0:
        _run_and_die(point, run)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "it failed without having been killed"
    return False


def _run_and_die(point: int, run: Callable[[], object]) -> None:
    left = [point]

    def count(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and getattr(function, "__name__", "") in _REACHING:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    status = 1
    try:
        sys.setprofile(count)
        run()
        sys.setprofile(None)
        status = 0
    finally:
        # Never back into the test runner.
        os._exit(status)
