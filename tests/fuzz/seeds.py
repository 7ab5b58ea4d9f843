"""Valid inputs to begin from: the vectors of specs/vectors, so that every published case is also a seed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.shared import SPECS


def cases(file: str, operation: str) -> list[dict[str, Any]]:
    """The valid cases of an operation in a vector file."""
    content = json.loads((SPECS / "vectors" / f"{file}.json").read_text())
    return [case for case in content["cases"] if case["operation"] == operation and "output" in case]


def texts(file: str, operation: str, field: str = "text") -> Callable[[], Sequence[bytes]]:
    """The texts in *field* of valid cases, as UTF-8."""
    return lambda: _distinct(case["input"][field].encode() for case in cases(file, operation))


def data(file: str, operation: str, field: str = "data") -> Callable[[], Sequence[bytes]]:
    """The bytes in *field* of valid cases, hexadecimal there."""
    return lambda: _distinct(bytes.fromhex(case["input"][field]) for case in cases(file, operation))


def these(*values: bytes) -> Callable[[], Sequence[bytes]]:
    """Exactly these."""
    return lambda: values


def _distinct(values: Any) -> list[bytes]:
    found = list(dict.fromkeys(values))
    assert found, "no valid case to begin from"
    return found
