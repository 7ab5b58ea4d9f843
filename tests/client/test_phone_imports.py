"""The phone has one door, and neither a clock nor dice of its own."""

import ast
from pathlib import Path

import pytest

import ownhue_client.phone

MODULES = sorted(Path(ownhue_client.phone.__file__).parent.glob("*.py"))
#: Ways to the network, to a clock, or to randomness that is not handed in.
FORBIDDEN = {"time", "random", "secrets", "uuid", "socket", "ssl", "urllib", "http", "requests", "asyncio", "threading"}


def imports(module: Path) -> set[str]:
    """Top-level names of the packages that *module* imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def called_attributes(module: Path) -> set[str]:
    """Names of the attributes that *module* reads."""
    return {node.attr for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_module_reads_a_clock_or_draws_randomness(module: Path) -> None:
    allowed = {"threading"} if module.stem == "sealed_records" else set()
    assert imports(module) & FORBIDDEN == allowed
    assert called_attributes(module) & {"urandom", "utcnow", "today", "getrandom", "time_ns", "generate"} == set()


def test_of_threads_only_a_lock_is_used() -> None:
    module = next(module for module in MODULES if module.stem == "sealed_records")
    nodes = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    assert [alias.name for node in nodes if node.module == "threading" for alias in node.names] == ["RLock"]


def test_only_the_door_sends_requests() -> None:
    assert {module.stem for module in MODULES if "httpx" in imports(module)} == {"door", "device"}
    device = next(module for module in MODULES if module.stem == "device")
    names = {
        node.attr
        for node in ast.walk(ast.parse(device.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
    }
    assert names == {"Client"}, "the phone's constructor names the client's type and hands it to the door"


def test_exported_names_are_sorted_and_there() -> None:
    names = ownhue_client.phone.__all__
    assert names == sorted(names)
    assert all(hasattr(ownhue_client.phone, name) for name in names)
