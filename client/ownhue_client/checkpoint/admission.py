"""What a checkpoint does about a colour, by a mode of the rulebook. specs/rulebook.md"""

from enum import StrEnum

from ownhue.colour import Colour
from ownhue.rulebook import Mode


class Admission(StrEnum):
    """What a rulebook's mode says about a colour."""

    PASSES = "passes"
    REFERS = "refers"
    REFUSES = "refuses"


def admission(colour: Colour, mode: Mode | None) -> Admission | None:
    """What *mode* says about *colour*; None without a mode."""
    if mode is None:
        return None
    word = colour.name.lower()
    if word in mode.passes:
        return Admission.PASSES
    return Admission.REFERS if word in mode.refers else Admission.REFUSES
