"""A remark of the linter. specs/rulebook.md section 8"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that whoever makes a rulebook would want to know."""

    severity: Severity
    """error: a part of the rulebook can never do anything. warning: a trap. note: worth knowing."""
    path: str
    """The field, with dots; an exit is named by its name."""
    sentence: str
    """What it means, in plain English."""
