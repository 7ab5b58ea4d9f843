"""What the linter says of own results, venues, areas and stays. specs/rulebook.md section 8"""

from collections.abc import Iterator

from ownhue.params import RETENTION_DAYS
from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint.reach import possible_findings, warns_others
from ownhue.rulebook.lint.remark import Remark
from ownhue.rulebook.rules import OwnResultWord

#: Shorter stays in an area, and shorter visits, are those of somebody who passes by.
_PASSING_MINUTES = 15

_OWN_RESULTS: tuple[OwnResultWord, ...] = ("confirmed_test", "confirmed_clinical", "self_report")


def remarks_on_evidence(rulebook: Rulebook) -> Iterator[Remark]:
    """All remarks on evidence besides encounters, and on how long it lasts."""
    yield from _remarks_on_own_results(rulebook)
    yield from _remarks_on_places(rulebook)
    yield from _remarks_on_stays(rulebook)


def _remarks_on_own_results(rulebook: Rulebook) -> Iterator[Remark]:
    for word in _OWN_RESULTS:
        warns, reddens = warns_others(rulebook.exposure, word), word in rulebook.own_results
        if warns and not reddens:
            sentence = f"A result {word!r} makes other people yellow and its owner not red."
            yield Remark("warning", "own_results", sentence)
        if reddens and not warns:
            sentence = f"A result {word!r} makes its owner red and warns nobody: its keys count for nothing."
            yield Remark("warning", f"exposure.weights_by_report_percent.{word}", sentence)
    if "self_report" in rulebook.own_results:
        yield Remark("note", "own_results", "The word of a person alone makes that person red.")


def _remarks_on_places(rulebook: Rulebook) -> Iterator[Remark]:
    for name, venue in rulebook.venues.items():
        if venue.colour == "red":
            sentence = f"A visit alone makes red under {name!r}: a picture of a poster, passed on, does it too."
            yield Remark("warning", f"venues.{name}.colour", sentence)
        if venue.minimum_minutes < _PASSING_MINUTES:
            sentence = f"Looking in is enough under {name!r}: {venue.minimum_minutes} minutes make {venue.colour}."
            yield Remark("warning", f"venues.{name}.minimum_minutes", sentence)
    for name, area in rulebook.areas.items():
        if area.minimum_minutes < _PASSING_MINUTES:
            sentence = f"Passing by is enough under {name!r}: {area.minimum_minutes} minutes in an area make yellow."
            yield Remark("warning", f"areas.{name}.minimum_minutes", sentence)
    if not rulebook.venues:
        yield Remark("note", "venues", "Venue notices change nothing: there is no rule for them.")
    if not rulebook.areas:
        yield Remark("note", "areas", "Area notices change nothing: there is no rule for them.")


def _remarks_on_stays(rulebook: Rulebook) -> Iterator[Remark]:
    stays, colours = rulebook.stays, {colour for _, colour in possible_findings(rulebook)}
    if "yellow" not in colours:
        yield Remark("error", "stays.yellow_days", "Nothing at all makes yellow.")
    if "red" not in colours:
        yield Remark("error", "stays.red_days", "Nothing at all makes red.")
    if stays.yellow_days == stays.red_days:
        yield Remark("note", "stays", "Red lasts no longer than yellow.")
    if stays.red_days > RETENTION_DAYS:
        sentence = (
            f"Phones must keep the evidence of a stay for {stays.red_days} days, longer than the {RETENTION_DAYS} days "
            "for which they keep anything else."
        )
        yield Remark("warning", "stays.red_days", sentence)
