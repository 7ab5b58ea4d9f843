"""The difference between two rulebooks in plain words. specs/rulebook.md section 9

    for change in diff(demonstration_rulebook(), without_ceilings()):
        print(change.direction, change.path, change.sentence)

    stricter encounters.red_minutes_per_day Red needs 20 minutes a day near reported people instead of 60.
    stricter encounters.ceiling Bluetooth alone can now make people red at most; before, it was yellow.
    ...

- Every field is compared: two rulebooks that differ have at least one change, two equal ones have none.
- The direction is told only where it is known, each change taken alone. Whether a text still fits the rules, nobody
  but a reader can tell.
"""

from collections.abc import Iterator

from ownhue.rulebook import Rulebook
from ownhue.rulebook.diff.change import Change, Direction
from ownhue.rulebook.diff.doors import established_changes, frame_changes, mode_changes
from ownhue.rulebook.diff.evidence import exit_changes, own_result_changes, place_changes, stay_changes
from ownhue.rulebook.diff.exposure import encounter_changes, exposure_changes

__all__ = ["Change", "Direction", "diff"]


def diff(old: Rulebook, new: Rulebook) -> tuple[Change, ...]:
    """All changes from *old* to *new*, in the order of the table of specs/rulebook.md section 2."""
    return tuple(_changes(old, new))


def _changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    yield from frame_changes(old, new)
    yield from exposure_changes(old.exposure, new.exposure)
    yield from encounter_changes(old.encounters, new.encounters)
    yield from stay_changes(old.stays, new.stays)
    yield from own_result_changes(old, new)
    yield from place_changes(old, new)
    yield from exit_changes(old, new)
    yield from established_changes(old, new)
    yield from mode_changes(old, new)
