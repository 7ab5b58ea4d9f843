"""specs/ and code say the same: sections that are cited exist, constants and fields are those of the tables."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ownhue
from ownhue.colour.decision import Decision, Finding, Grey, WhyNot
from ownhue.journal import JournalEntry
from ownhue.rulebook import Rulebook
from tests.shared import ROOT, SPECS

FOLDERS = ("protocol", "client", "server", "tests")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# This file cites specs that do not exist, to see that they are found.
SOURCES.remove(Path(__file__).resolve())
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(ownhue.__path__, "ownhue.") if ".conformance." not in info.name
)
_CITED = re.compile(r"(?:specs/)?\b([a-z0-9-]+)\.md(?:`|\))*,? sections? (\d+(?:(?:, | and | to |-)\d+)*)")
_HEADING = re.compile(r"^## (\d+)\. ", re.MULTILINE)
_FILE = re.compile(r"specs/((?:decisions/|vectors/|rulebooks/)?[A-Za-z0-9._-]+\.(?:md|json))")


def sections(name: str) -> set[int]:
    return {int(number) for number in _HEADING.findall((SPECS / name).read_text())}


def cited(text: str) -> Iterator[tuple[str, int]]:
    """(spec, section) for each section that is cited; "sections 1 to 3" cites three."""
    joined = re.sub(r"\s*\n\s*(?:#:? ?)?", " ", text)
    for name, numbers in _CITED.findall(joined):
        for first, last in re.findall(r"(\d+)(?:(?: to |-)(\d+))?", numbers):
            yield from ((f"{name}.md", number) for number in range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("path", [*SOURCES, *sorted(SPECS.glob("*.md"))], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_cited_exists(path: Path) -> None:
    text = path.read_text()
    for name, number in cited(text):
        if (SPECS / name).exists():
            assert number in sections(name), f"{name} has no section {number}"
    for name in _FILE.findall(text):
        assert (SPECS / name).exists(), f"specs/{name} does not exist"


def test_the_search_for_citations_can_find_something() -> None:
    assert list(cited("specs/a.md sections 1 to 3, and\n#: specs/b.md\n#: section 4")) == [
        ("a.md", 1),
        ("a.md", 2),
        ("a.md", 3),
        ("b.md", 4),
    ]
    assert sum(1 for path in SOURCES for _ in cited(path.read_text())) > 200


class Constant(NamedTuple):
    module: str
    name: str
    spec: str
    value: Any


def constants() -> Iterator[Constant]:
    """Public constants of the library whose ``#:`` comment cites a spec."""
    for module in MODULES:
        found = importlib.import_module(module)
        assert found.__file__ is not None
        source = Path(found.__file__).read_text()
        lines = source.splitlines()
        for node in ast.parse(source).body:
            name = _name(node)
            if name is not None and name.isupper() and not name.startswith("_"):
                spec = re.search(r"specs/([a-z0-9-]+)\.md", _comment(lines, node.lineno))
                if spec is not None:
                    yield Constant(module, name, spec[1], getattr(found, name))


def _name(node: ast.stmt) -> str | None:
    target = (
        node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    )
    return target.id if isinstance(target, ast.Name) else None


def _comment(lines: list[str], line: int) -> str:
    above = []
    for text in reversed(lines[: line - 1]):
        if not text.startswith("#:"):
            break
        above.append(text)
    return " ".join(above)


def spellings(value: Any) -> list[set[str]]:
    """For each number or text in *value* the ways in which a table may spell it."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int):
        powers = {f"2^{value.bit_length() - 1}"} if value and value & (value - 1) == 0 else set()
        powers |= {f"2^{value.bit_length()} - 1"} if value & (value + 1) == 0 else set()
        return [{str(value), f"{value:,}"} | powers]
    if isinstance(value, bytes):
        text = {value.decode("ascii").strip()} if value.isascii() and value.decode("ascii").isprintable() else set()
        return [{value.hex()} | text]
    if isinstance(value, str):
        return [{value}]
    if isinstance(value, range):
        return [*spellings(value.start), *spellings(value.stop - 1)]
    if isinstance(value, tuple | frozenset | list):
        return [spelling for item in value for spelling in spellings(item)]
    if is_dataclass(value):
        return [spelling for field in fields(value) for spelling in spellings(getattr(value, field.name))]
    return []


def rows(spec: str) -> list[str]:
    return [line for line in (SPECS / f"{spec}.md").read_text().splitlines() if line.startswith("|")]


def _states(row: str, spelling: set[str]) -> bool:
    return any(re.search(rf"(?<![\w.,^-]){re.escape(text)}(?!\w|,\d|\.\d)", row) for text in spelling)


CONSTANTS = list(constants())


def test_there_are_constants_to_compare() -> None:
    assert len(CONSTANTS) > 60


@pytest.mark.parametrize("constant", CONSTANTS, ids=lambda constant: f"{constant.module}.{constant.name}")
def test_a_constant_stands_in_the_table_of_its_spec(constant: Constant) -> None:
    named = [row for row in rows(constant.spec) if f"`{constant.name}`" in row]
    assert named, f"specs/{constant.spec}.md has no row of a table that names `{constant.name}`"
    text = " ".join(named).replace(f"`{constant.name}`", "")
    for spelling in spellings(constant.value):
        assert _states(text, spelling), f"specs/{constant.spec}.md: {constant.name} is {sorted(spelling)} in the code"


def test_the_comparison_of_constants_can_fail() -> None:
    assert _states("| longest | 7,200 s |", {"7200", "7,200"})
    assert not _states("| longest | 17,200 s |", {"7200", "7,200"})
    assert not _states("| longest | 7,200,000 |", {"7200", "7,200"})


def test_the_spec_of_the_rulebook_names_every_field() -> None:
    text = (SPECS / "rulebook.md").read_text()
    for name in field_names(Rulebook.model_json_schema()):
        assert re.search(rf"^\|.*\b{name}\b", text, re.MULTILINE), name


def field_names(schema: Any) -> set[str]:
    """Names of the properties anywhere in a JSON Schema."""
    if isinstance(schema, list):
        return {name for item in schema for name in field_names(item)}
    if not isinstance(schema, dict):
        return set()
    below = {name for key, item in schema.items() if key != "properties" for name in field_names(item)}
    properties = schema.get("properties", {})
    return below | set(properties) | {name for item in properties.values() for name in field_names(item)}


def test_the_spec_of_colours_names_every_field_and_word() -> None:
    text = (SPECS / "colour.md").read_text()
    for model in (Decision, Finding, JournalEntry):
        for name in model.model_fields:
            assert re.search(rf"\b{name}\b", text), name
    for word in (*WhyNot, *Grey):
        assert f"\n| {word} |" in text, word


def specified() -> list[list[str]]:
    """Cells of the rows of the table of formats in specs/README.md."""
    text = (SPECS / "README.md").read_text()
    table = text[text.index("| format |") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_every_spec_module_and_vector_file_stands_in_the_table_of_formats() -> None:
    text = "\n".join(" ".join(row) for row in specified())
    for path in SPECS.glob("*.md"):
        assert path.name in text or path.name in {"README.md", "glossary.md", "threat-model.md"}, path.name
    for path in (SPECS / "vectors").glob("*.json"):
        assert f"`{path.name}`" in text, path.name
    for module in MODULES:
        rooms = [module.rsplit(".", depth)[0] for depth in range(module.count("."))]
        assert any(f"`{room}`" in text for room in rooms) or module in {"ownhue.errors", "ownhue.params"}, module


def test_what_the_table_of_formats_names_exists() -> None:
    from tests.fuzz.targets import TARGETS

    for row in specified():
        _, spec, modules, vectors, targets = row
        for name in re.findall(r"`([a-z_.]+)`", modules):
            assert importlib.util.find_spec(name) is not None, name
        for name in re.findall(r"`([a-z0-9.-]+\.json)`", vectors):
            assert (SPECS / "vectors" / name).exists() or (SPECS / name).exists(), name
        for name in re.findall(r"`([a-z0-9-]+)`", targets):
            assert name in TARGETS, name
        assert re.findall(r"\(([A-Za-z./-]+\.md)\)", spec), row


def test_every_fuzz_target_belongs_to_a_format() -> None:
    from tests.fuzz.targets import TARGETS

    named = {name for row in specified() for name in re.findall(r"`([a-z0-9-]+)`", row[4])}
    assert named == TARGETS.keys()
