"""The public names of the library: sorted, complete, typed, and shown in an example that runs."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ownhue

SOURCE = Path(ownhue.__file__).read_text()


def test_the_example_runs() -> None:
    result = doctest.testmod(ownhue)
    assert (result.failed, result.attempted > 5) == (0, True)


def test_the_names_are_sorted_constants_first_then_classes() -> None:
    def order(name: str) -> tuple[bool, bool, str]:
        return not name.isupper(), not name[0].isupper(), name

    assert ownhue.__all__ == sorted(set(ownhue.__all__), key=order)


@pytest.mark.parametrize("name", ownhue.__all__)
def test_every_name_is_that_of_its_module(name: str) -> None:
    value = getattr(ownhue, name)
    if name != "SPEC_VERSION":
        assert value is getattr(importlib.import_module(f"ownhue.{ownhue._MODULE_OF[name]}"), name)


def test_what_type_checkers_see_is_what_python_gives() -> None:
    (block,) = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.If)]
    seen = {
        (alias.name, node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == {(name, f"ownhue.{module}") for name, module in ownhue._MODULE_OF.items()}
    assert {name for name, _ in seen} | {"SPEC_VERSION"} == set(ownhue.__all__) == set(dir(ownhue))


def test_importing_the_package_loads_none_of_its_modules() -> None:
    code = "import sys, ownhue; print(*[name for name in sys.modules if name.startswith('ownhue.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'verify_colour'"):
        getattr(ownhue, "verify_colour")  # noqa: B009 - type checkers know that it does not exist


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(ownhue.__file__).parent / "py.typed").exists()
