"""What a module drags in when it is imported: a rehearsal knows rules and contacts, nothing else."""

import subprocess
import sys

import pytest

_FORBIDDEN = ("ownhue.identifiers", "ownhue.matching", "ownhue.key_file", "ownhue.key_file.schema")
_FORBIDDEN_TREES = (
    "ownhue_client",
    "ownhue_server",
    "cryptography",
    "nacl",
    "google.protobuf",
    "sqlite3",
    "sqlalchemy",
)


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sorted(sys.modules), sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(run.stdout.split())


def touched(modules: set[str]) -> set[str]:
    trees = tuple(f"{tree}." for tree in _FORBIDDEN_TREES)
    return {name for name in modules if name in (*_FORBIDDEN, *_FORBIDDEN_TREES) or name.startswith(trees)}


@pytest.mark.parametrize("module", ["ownhue.rehearsal", "ownhue.contact_trace", "ownhue.rulebook.demonstration"])
def test_a_rehearsal_touches_neither_identifiers_nor_matching_nor_a_store(module: str) -> None:
    modules = imported_by(module)
    assert module in modules
    assert touched(modules) == set()


def test_this_test_can_fail() -> None:
    """The same look at a module that does open a store finds it."""
    assert "sqlite3" in touched(imported_by("sqlite3"))
