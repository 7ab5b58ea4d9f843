"""What a module drags in when it is imported: a rehearsal knows rules and contacts, nothing else."""

import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def brought_by(distribution: str) -> set[str]:
    """Names of all distributions that installing *distribution* brings, extras left out."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        for line in requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


_WEB_AND_RADIO = {
    "fastapi",
    "starlette",
    "uvicorn",
    "httptools",
    "httpx",
    "sqlalchemy",
    "sqlite-utils",
    "bleak",
    "dbus-fast",
}


def test_installing_the_protocol_brings_neither_web_server_nor_radio() -> None:
    assert brought_by("ownhue") & _WEB_AND_RADIO == set()
    assert {"cryptography", "pynacl", "tuf"} <= brought_by("ownhue")


def test_the_look_at_what_is_brought_can_find_a_web_server() -> None:
    assert {"fastapi", "uvicorn", "starlette"} <= brought_by("ownhue-server")
