"""What changes in dates, freshness, radio, checkpoints and texts. specs/rulebook.md section 9"""

from collections.abc import Iterator

from ownhue.rulebook import Rulebook
from ownhue.rulebook.diff.change import Change, Direction, by_choice, by_size, label_changes, listed, opposite, pairs
from ownhue.rulebook.rules import SEVERITY, Mode

_TREATMENTS = ("let in", "sent to the staff", "refused")


def frame_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of whose rules these are, when they decide and how they are written."""
    if old.region != new.region:
        yield Change("region", "other", f"These are the rules of the region {new.region!r} instead of {old.region!r}.")
    if old.zone != new.zone:
        yield Change("zone", "other", f"Days begin and end by the clock of {new.zone} instead of {old.zone}.")
    if old.version != new.version:
        yield Change("version", "other", f"The version is {new.version} instead of {old.version}.")
    for field, what in (
        ("valid_from", "The rules decide from"),
        ("valid_until", "The rules decide until"),
        ("sunset", "The whole system ends after"),
    ):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change(field, "other", f"{what} {after} instead of {before}.")
    if old.languages != new.languages:
        sentence = f"The rules are written in {listed(new.languages)} instead of {listed(old.languages)}."
        yield Change("languages", "other", sentence)
    yield from label_changes("summary", "The summary", old.summary, new.summary)


def established_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of what makes a phone grey."""
    if old.freshness != new.freshness:
        before, after = old.freshness.published_data_hours, new.freshness.published_data_hours
        sentence = f"Green turns grey when published data are older than {after} hours instead of {before}."
        yield Change("freshness.published_data_hours", by_size(before, after, "milder"), sentence)
    if old.radio.least_share_percent != new.radio.least_share_percent:
        before, after = old.radio.least_share_percent, new.radio.least_share_percent
        sentence = f"Green needs {after} % of the planned scans instead of {before} %."
        yield Change("radio.least_share_percent", by_size(before, after, "stricter"), sentence)
    if old.radio.when_unknown != new.radio.when_unknown:
        after_word = new.radio.when_unknown
        direction: Direction = "stricter" if after_word == "grey" else "milder"
        yield Change("radio.when_unknown", direction, f"A new phone is {after_word} before its first planned scan.")


def mode_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of what checkpoints do."""
    for name, before, after in pairs(old.modes, new.modes):
        path = f"modes.{name}"
        if before is None:
            yield Change(path, "other", f"New kind of checkpoint {name!r}, which {_described(after)}.")
        elif after is None:
            yield Change(path, "other", f"The kind of checkpoint {name!r} is gone.")
        else:
            yield from label_changes(f"{path}.label", f"The label of {name!r}", before.label, after.label)
            yield from _treatment_changes(path, name, before, after)
            yield from _demand_changes(path, name, before, after)


def _described(mode: Mode) -> str:
    does = [f"lets in {listed(mode.passes)}"]
    if mode.refers:
        does.append(f"sends {listed(mode.refers)} to the staff")
    if mode.requires:
        hours = f" of the last {mode.test_hours} hours" if "negative_test" in mode.requires else ""
        does.append(f"demands one of: {listed(mode.requires)}{hours}")
    if mode.measure_temperature:
        does.append("measures the temperature")
    return "; ".join(does)


def _treatment_changes(path: str, name: str, old: Mode, new: Mode) -> Iterator[Change]:
    for colour in SEVERITY:
        before, after = old.treatment(colour), new.treatment(colour)
        if before != after:
            field = "passes" if 0 in (before, after) else "refers"
            sentence = f"At {name!r} {colour} is {_TREATMENTS[after]} instead of {_TREATMENTS[before]}."
            yield Change(f"{path}.{field}", by_size(before, after, "stricter"), sentence)


def _demand_changes(path: str, name: str, old: Mode, new: Mode) -> Iterator[Change]:
    if old.requires != new.requires:
        sentence = f"At {name!r} people must show one of: {listed(new.requires)}; before: {listed(old.requires)}."
        yield Change(f"{path}.requires", _by_requirement(old, new), sentence)
    if old.test_hours != new.test_hours:
        sentence = f"At {name!r} a required test may be {new.test_hours} hours old instead of {old.test_hours}"
        used = "negative_test" in old.requires and "negative_test" in new.requires
        if "negative_test" in new.requires and not used:
            sentence = f"At {name!r} the test that people must now show may be {new.test_hours} hours old"
        sentence += "." if "negative_test" in new.requires else ", which decides nothing where no test is required."
        direction = by_size(old.test_hours, new.test_hours, "milder") if used else "other"
        yield Change(f"{path}.test_hours", direction, sentence)
    if old.measure_temperature != new.measure_temperature:
        does = "is now measured" if new.measure_temperature else "is no longer measured"
        direction = "stricter" if new.measure_temperature else "milder"
        yield Change(f"{path}.measure_temperature", direction, f"At {name!r} the temperature {does}.")


def _by_requirement(old: Mode, new: Mode) -> Direction:
    """More kinds of certificates are more ways in, but none at all is the widest way."""
    wider: Direction = "milder"
    if not old.requires or not new.requires:
        return opposite(wider) if new.requires else wider
    return by_choice(old.requires, new.requires, wider)
