"""One case of vectors/certificate.json: what is asked, and what must come out."""

from typing import Any

from ownhue.conformance.certificate_ops import OPERATIONS
from ownhue.errors import OwnhueError

FORMAT, LIMIT, BROKEN = "FormatError", "LimitError", "VerificationError"

Case = dict[str, Any]


def case(name: str, operation: str, error: str | None, /, **given: Any) -> Case:
    """One case, which must come out as *error* says (None: it holds)."""
    made: Case = {"name": name, "operation": operation, "input": given}
    try:
        made["output"] = OPERATIONS[operation](given)
    except OwnhueError as caught:
        made["error"] = type(caught).__name__
    assert made.get("error") == error, f"{name}: {made.get('error')} instead of {error}"
    return made
