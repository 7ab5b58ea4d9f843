"""specs/rulebook.schema.json says what the parser does: never more, and less only where a schema can say no more.

The schema is read by the few lines below, which know the keywords that it uses and fail at any other.
"""

import json
import re
from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

from hypothesis import given, settings

from ownhue.errors import OwnhueError
from tests.conformance.mutate import mutations
from tests.protocol.rulebook_cases import content, parsed, rulebook_contents
from tests.shared import SPECS

SCHEMA: dict[str, Any] = json.loads((SPECS / "rulebook.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
SAID = {"$schema", "$defs", "$ref", "title", "description", "type", "additionalProperties", "properties", "required"}
SAID |= {"items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern"}
SAID |= {"enum", "const", "anyOf", "format", "patternProperties", "propertyNames", "minProperties", "maxProperties"}


def allows(schema: dict[str, Any], value: Any) -> bool:
    assert set(schema) <= SAID, set(schema) - SAID
    if "$ref" in schema:
        return allows(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], value)
    if "anyOf" in schema:
        return any(allows(item, value) for item in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")]) and isinstance(value, str)
    wanted = TYPES[schema["type"]]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return False
    checks: dict[type, Callable[[dict[str, Any], Any], bool]] = {
        dict: _object,
        list: _array,
        str: _string,
        int: _integer,
    }
    return wanted is bool or checks[wanted](schema, value)


def _object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    if not set(schema.get("required", [])) <= set(value):
        return False
    if not all(allows({"type": "string", **schema.get("propertyNames", {})}, name) for name in value):
        return False
    for name, item in value.items():
        below = known.get(name) or next((sub for key, sub in patterns.items() if re.search(key, name)), None)
        below = schema.get("additionalProperties", True) if below is None else below
        if below is False or (below is not True and not allows(below, item)):
            return False
    return True


def _array(schema: dict[str, Any], value: list[Any]) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    first = schema.get("prefixItems", [])
    return all(
        allows(first[index] if index < len(first) else schema["items"], item) for index, item in enumerate(value)
    )


def _string(schema: dict[str, Any], value: str) -> bool:
    if "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
        return False
    if schema.get("format") == "date" and not _is_date(value):
        return False
    return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))


def _integer(schema: dict[str, Any], value: int) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def refusal_of(book: Any) -> str | None:
    """Why the parser refuses a JSON object; None where it does not."""
    try:
        parsed(book)
    except OwnhueError as error:
        return str(error)
    return None


@given(rulebook_contents())
@settings(deadline=None, max_examples=50)
def test_every_valid_rulebook_fits_the_schema(book: dict[str, Any]) -> None:
    assert allows(SCHEMA, book)


def test_the_schema_refuses_what_the_parser_refuses_but_for_contradictions() -> None:
    # Step 3 is beyond a schema, and so are time zones, years, and dates that are texts of another spelling.
    beyond = ["not a time zone", "the year is not", "order", "languages", "lies before", "ascend", "weighs less"]
    beyond += ["red needs fewer", "red ends before", "kinds of test", "passes", "does not pass", "treated better"]
    both = alone = 0
    for path, mutant in mutations(content(), Random(5), rounds=2):
        refusal, fits = refusal_of(mutant), allows(SCHEMA, mutant)
        if refusal is None:
            assert fits, path
        elif not fits:
            both += 1
        else:
            alone += 1
            assert any(words in refusal for words in beyond), (path, refusal)
    assert both > 1000
    assert alone > 50
