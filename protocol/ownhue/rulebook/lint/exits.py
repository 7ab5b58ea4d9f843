"""What the linter says of exits. specs/rulebook.md section 8"""

from collections.abc import Iterator, Sequence

from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint.reach import Possible, days_of_stay, possible_findings
from ownhue.rulebook.lint.remark import Remark
from ownhue.rulebook.rules import EvidenceWord, ExitRule, StayColour

_NAMES: dict[EvidenceWord, str] = {
    "area": "a stay in an area",
    "encounter": "an encounter",
    "own_result": "an own result",
    "venue": "a venue visit",
}


def remarks_on_exits(rulebook: Rulebook) -> Iterator[Remark]:
    """All remarks on what ends findings early."""
    possible = possible_findings(rulebook)
    for rule in rulebook.exits:
        yield from _remarks_on_reach(rulebook, rule, possible)
        yield from _remarks_on_traps(rule)
    yield from _remarks_on_doubles(rulebook)
    yield from _remarks_on_missing_exits(rulebook, possible)


def _remarks_on_reach(rulebook: Rulebook, rule: ExitRule, possible: Possible) -> Iterator[Remark]:
    """What an exit names and cannot end, because it never exists or is over before."""
    pairs = [(kind, colour) for kind in rule.ends for colour in rule.colours]
    made = [pair for pair in pairs if pair in possible]
    if made:
        yield from _remarks_on_time(rulebook, rule, {colour for _, colour in made})
        yield from _remarks_on_names(rulebook, rule, made)
    else:
        why = "; ".join(_why_impossible(rulebook, kind, colour) for kind, colour in pairs)
        yield Remark("error", f"exits.{rule.name}", f"The exit {rule.name!r} can never fit: {why}.")


def _remarks_on_time(rulebook: Rulebook, rule: ExitRule, made: set[StayColour]) -> Iterator[Remark]:
    stays = {colour: days_of_stay(rulebook, colour) for colour in rule.colours if colour in made}
    fits = any(rule.from_day <= days for days in stays.values())
    for colour, days in stays.items():
        if rule.from_day > days:
            never = f"end {colour}" if fits else "fit"
            sentence = (
                f"The exit {rule.name!r} can never {never}: the {colour} stay of {days} days is over before day "
                f"{rule.from_day}."
            )
            yield Remark("error", f"exits.{rule.name}.from_day", sentence)
        if rule.from_day == days:
            sentence = f"The exit {rule.name!r} saves a day at most: it ends {colour} on the last day of its stay."
            yield Remark("warning", f"exits.{rule.name}.from_day", sentence)


def _remarks_on_names(
    rulebook: Rulebook, rule: ExitRule, made: Sequence[tuple[EvidenceWord, StayColour]]
) -> Iterator[Remark]:
    """Colours and kinds that an exit names, and of which no finding is ever made."""
    path, begin = f"exits.{rule.name}", f"The exit {rule.name!r} names"
    for colour in rule.colours:
        if all(colour != made_colour for _, made_colour in made):
            sentence = f"{begin} {colour} for nothing: none of the findings that it ends is ever {colour}."
            yield Remark("error", f"{path}.colours", sentence)
    for kind in rule.ends:
        if all(kind != made_kind for made_kind, _ in made):
            why = "; ".join(_why_impossible(rulebook, kind, colour) for colour in rule.colours)
            yield Remark("error", f"{path}.ends", f"{begin} {kind!r} for nothing: {why}.")


def _why_impossible(rulebook: Rulebook, kind: EvidenceWord, colour: StayColour) -> str:
    if kind == "own_result":
        return "an own result makes red, never yellow" if colour == "yellow" else "no own result makes red"
    if kind == "area":
        return "an area makes yellow at most" if colour == "red" else "there is no rule for areas"
    if kind == "venue":
        return f"no venue rule makes {colour}"
    if colour == "red" and rulebook.encounters.ceiling == "yellow":
        return "it ends red encounters, which the ceiling prevents"
    return f"encounters never make {colour}"


def _remarks_on_traps(rule: ExitRule) -> Iterator[Remark]:
    path, name = f"exits.{rule.name}", rule.name
    if rule.certificate == "negative_test" and rule.from_day <= 0:
        sentence = f"The exit {name!r} accepts a negative test from the day of the finding itself, or from before it."
        yield Remark("warning", f"{path}.from_day", sentence)
    if rule.certificate == "vaccination" and rule.until_day >= 0:
        sentence = (
            f"The exit {name!r} makes a vaccination a way out: it may be given on the day of the finding or later."
        )
        yield Remark("warning", f"{path}.until_day", sentence)
    if "own_result" in rule.ends:
        if rule.certificate == "vaccination":
            yield Remark(
                "warning", f"{path}.ends", f"The exit {name!r} frees people with a positive result of their own."
            )
        if rule.certificate == "recovery" and rule.from_day <= 0 <= rule.until_day:
            sentence = (
                f"The exit {name!r} lets the certificate of an infection end the red stay of that same infection, "
                "because it bears the date of the positive test."
            )
            yield Remark("warning", f"{path}.ends", sentence)


def _remarks_on_doubles(rulebook: Rulebook) -> Iterator[Remark]:
    for index, rule in enumerate(rulebook.exits):
        for other_index, other in enumerate(rulebook.exits):
            same = _covers(rule, other) and other_index > index
            if other_index != index and _covers(other, rule) and not same:
                sentence = f"The exit {rule.name!r} decides nothing that {other.name!r} does not decide already."
                yield Remark("warning", f"exits.{rule.name}", sentence)
                break


def _covers(wide: ExitRule, narrow: ExitRule) -> bool:
    return (
        wide.certificate == narrow.certificate
        and set(narrow.test_kinds) <= set(wide.test_kinds)
        and set(narrow.ends) <= set(wide.ends)
        and set(narrow.colours) <= set(wide.colours)
        and wide.from_day <= narrow.from_day
        and narrow.until_day <= wide.until_day
    )


def _remarks_on_missing_exits(rulebook: Rulebook, possible: Possible) -> Iterator[Remark]:
    for kind, colour in sorted(possible):
        stay = days_of_stay(rulebook, colour)
        if not any(kind in rule.ends and colour in rule.colours and rule.from_day <= stay for rule in rulebook.exits):
            sentence = f"No certificate ends the {colour} of {_NAMES[kind]} before its {stay} days are over."
            yield Remark("note", "exits", sentence)
