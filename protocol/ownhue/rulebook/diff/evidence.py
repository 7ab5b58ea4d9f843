"""What changes in the other kinds of evidence and in what ends findings. specs/rulebook.md section 9"""

from collections.abc import Iterator, Mapping

from ownhue.rulebook import Rulebook
from ownhue.rulebook.diff.change import Change, Direction, by_choice, by_size, label_changes, listed, pairs
from ownhue.rulebook.rules import AreaRule, ExitRule, Stays, VenueRule


def stay_changes(old: Stays, new: Stays) -> Iterator[Change]:
    """Changes of how long colours last."""
    for colour in ("yellow", "red"):
        before, after = getattr(old, f"{colour}_days"), getattr(new, f"{colour}_days")
        if before != after:
            sentence = f"{colour.capitalize()} lasts until the end of day {after} instead of day {before}, "
            sentence += "for stays that run already too."
            yield Change(f"stays.{colour}_days", by_size(before, after, "stricter"), sentence)


def own_result_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of which own results make red."""
    if old.own_results != new.own_results:
        sentence = f"Own results that make red: {listed(new.own_results)} instead of {listed(old.own_results)}."
        yield Change("own_results", by_choice(old.own_results, new.own_results, "stricter"), sentence)


def place_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of the rules that venue and area notices can name."""
    yield from _rule_changes("venues", "venue notices", old.venues, new.venues)
    for name, before, after in pairs(old.venues, new.venues):
        if before and after and before.colour != after.colour:
            direction: Direction = "stricter" if after.colour == "red" else "milder"
            if any(_frees_red_visits_only(rule) for rule in (*old.exits, *new.exits)):
                direction = "other"
            sentence = f"A visit under {name!r} makes {after.colour} instead of {before.colour}."
            yield Change(f"venues.{name}.colour", direction, sentence)
    yield from _rule_changes("areas", "area notices", old.areas, new.areas)


def _frees_red_visits_only(rule: ExitRule) -> bool:
    """Whether under this exit a visit is worse off yellow than red."""
    return "venue" in rule.ends and rule.colours == ("red",)


def _rule_changes(
    part: str, what: str, old: Mapping[str, AreaRule | VenueRule], new: Mapping[str, AreaRule | VenueRule]
) -> Iterator[Change]:
    for name, before, after in pairs(old, new):
        path = f"{part}.{name}"
        if before is None:
            sentence = f"New rule {name!r} for {what}: {after.minimum_minutes} minutes make {_colour(after)}."
            yield Change(path, "stricter", sentence)
        elif after is None:
            yield Change(path, "milder", f"The rule {name!r} for {what} is gone: what names it counts for nothing.")
        else:
            yield from label_changes(f"{path}.label", f"The label of {name!r}", before.label, after.label)
            if before.minimum_minutes != after.minimum_minutes:
                was, becomes = before.minimum_minutes, after.minimum_minutes
                sentence = f"The rule {name!r} counts from {becomes} minutes instead of {was}."
                yield Change(f"{path}.minimum_minutes", by_size(was, becomes, "milder"), sentence)


def _colour(rule: AreaRule | VenueRule) -> str:
    return rule.colour if isinstance(rule, VenueRule) else "yellow"


def exit_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of which certificates end findings early."""
    before = {rule.name: rule for rule in old.exits}
    after = {rule.name: rule for rule in new.exits}
    for name, was, becomes in pairs(before, after):
        path = f"exits.{name}"
        if was is None:
            yield Change(path, "milder", f"New exit {name!r}: {_described(becomes)}.")
        elif becomes is None:
            yield Change(path, "stricter", f"The exit {name!r} is gone: {_described(was)} no more.")
        else:
            yield from _exit_changes(path, was, becomes)


def _described(rule: ExitRule) -> str:
    kinds = f" ({listed(rule.test_kinds)})" if rule.test_kinds else ""
    return (
        f"a {rule.certificate.replace('_', ' ')}{kinds} from day {rule.from_day:+d} to day {rule.until_day:+d} ends "
        f"{listed(rule.colours)} of {listed(rule.ends)}"
    )


def _exit_changes(path: str, old: ExitRule, new: ExitRule) -> Iterator[Change]:
    begin = f"The exit {old.name!r}"
    if old.certificate != new.certificate:
        sentence = (
            f"{begin} needs a {new.certificate.replace('_', ' ')} instead of a {old.certificate.replace('_', ' ')}."
        )
        yield Change(f"{path}.certificate", "other", sentence)
    for field, verb in (
        ("test_kinds", "accepts tests of"),
        ("ends", "ends findings of"),
        ("colours", "ends the colours"),
    ):
        was, becomes = getattr(old, field), getattr(new, field)
        if was != becomes:
            # With the kind of certificate the kinds of test change too: that says nothing of its own.
            wider: Direction = "other" if field == "test_kinds" and old.certificate != new.certificate else "milder"
            sentence = f"{begin} {verb} {listed(becomes)} instead of {listed(was)}."
            yield Change(f"{path}.{field}", by_choice(was, becomes, wider), sentence)
    if old.from_day != new.from_day:
        sentence = f"{begin} fits from day {new.from_day:+d} on instead of day {old.from_day:+d}."
        yield Change(f"{path}.from_day", by_size(old.from_day, new.from_day, "stricter"), sentence)
    if old.until_day != new.until_day:
        sentence = f"{begin} fits until day {new.until_day:+d} instead of day {old.until_day:+d}."
        yield Change(f"{path}.until_day", by_size(old.until_day, new.until_day, "milder"), sentence)
