"""Cases of vector files whose answers are known before the library is asked. tests/conformance/CLI.md section 1

An output is written by hand or computed by a second implementation; a generator refuses to write a case to which the
library gives another answer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ownhue.conformance.operations import error_name
from ownhue.errors import OwnhueError

Case = dict[str, Any]
Operations = Mapping[str, Callable[[Mapping[str, Any]], Any]]


def good(name: str, operation: str, output: Any, /, **question: Any) -> Case:
    """A case with an output."""
    return {"name": name, "operation": operation, "input": question, "output": output}


def bad(name: str, operation: str, error: str = "FormatError", /, **question: Any) -> Case:
    """A case that fails."""
    return {"name": name, "operation": operation, "input": question, "error": error}


def vector_file(name: str, spec: str, source: str, cases: Sequence[Case], operations: Operations) -> bytes:
    """The file of *cases*. Raises SystemExit for the first one that the library answers otherwise."""
    for case in cases:
        answer = _answer(operations, case)
        expected = {key: case[key] for key in ("output", "error") if key in case}
        if json.dumps(answer, sort_keys=True) != json.dumps(expected, sort_keys=True):
            raise SystemExit(f"{case['name']}: {answer}, expected {expected}")
    content = {"format": name, "spec": spec, "source": source, "cases": list(cases)}
    return (json.dumps(content, indent=1) + "\n").encode()


def _answer(operations: Operations, case: Case) -> dict[str, Any]:
    try:
        return {"output": operations[case["operation"]](case["input"])}
    except OwnhueError as error:
        return {"error": error_name(error)}
