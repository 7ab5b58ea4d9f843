"""Linter: what whoever makes a rulebook would want to know before signing it. specs/rulebook.md section 8

    for remark in lint(without_ceilings()):
        print(remark.severity, remark.path, remark.sentence)

    warning encounters.ceiling Bluetooth alone makes people red for 14 days, and it measures distance badly: ...

- It takes a valid rulebook; what contradicts itself so badly that it cannot decide is refused before, by the parser.
- "error": a part can never do anything, "warning": a trap, "note": worth knowing. Nothing is forbidden by it.
- "can never" is meant: see ownhue.rulebook.lint.reach. Texts are compared with each other, never understood.
"""

from collections.abc import Iterator

from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint.doors import remarks_on_doors
from ownhue.rulebook.lint.evidence import remarks_on_evidence
from ownhue.rulebook.lint.exits import remarks_on_exits
from ownhue.rulebook.lint.exposure import remarks_on_exposure
from ownhue.rulebook.lint.remark import Remark, Severity

__all__ = ["Remark", "Severity", "lint"]

_ORDER = ("error", "warning", "note")


def lint(rulebook: Rulebook) -> tuple[Remark, ...]:
    """All remarks, errors first; within one severity in the order exposure, evidence, exits, checkpoints."""
    return tuple(sorted(_remarks(rulebook), key=lambda remark: _ORDER.index(remark.severity)))


def _remarks(rulebook: Rulebook) -> Iterator[Remark]:
    yield from remarks_on_exposure(rulebook)
    yield from remarks_on_evidence(rulebook)
    yield from remarks_on_exits(rulebook)
    yield from remarks_on_doors(rulebook)
