"""What changes in how encounters are weighed. specs/rulebook.md section 9"""

from collections.abc import Iterator

from ownhue.rulebook.diff.change import Change, Direction, by_size, hundredths
from ownhue.rulebook.rules import ONSET_RANGE, EncounterRules, ExposureRules, Infectiousness, LevelWeights

_BANDS = ("immediate", "near", "medium", "other")
_LEVELS: tuple[Infectiousness, ...] = ("none", "standard", "high")
_KINDS = {
    "confirmed_test": "confirmed tests",
    "confirmed_clinical": "a doctor's diagnoses",
    "self_report": "self reports",
    "recursive": "recursive reports",
}


def exposure_changes(old: ExposureRules, new: ExposureRules) -> Iterator[Change]:
    """Changes of a rulebook's exposure."""
    yield from _distance_changes(old, new)
    yield from _infectiousness_changes(old, new)
    yield from _report_changes(old, new)
    at = "exposure."
    if old.minimum_window_score_percent != new.minimum_window_score_percent:
        before, after = old.minimum_window_score_percent, new.minimum_window_score_percent
        sentence = f"A meeting counts from {hundredths(after)} weighted seconds instead of {hundredths(before)}."
        yield Change(f"{at}minimum_window_score_percent", by_size(before, after, "milder"), sentence)
    if old.look_back_days != new.look_back_days:
        sentence = (
            f"An encounter counts when it becomes known up to {new.look_back_days} days after its day instead of "
            f"{old.look_back_days}."
        )
        yield Change(f"{at}look_back_days", by_size(old.look_back_days, new.look_back_days, "stricter"), sentence)


def encounter_changes(old: EncounterRules, new: EncounterRules) -> Iterator[Change]:
    """Changes of a rulebook's encounters."""
    if old.yellow_minutes_per_day != new.yellow_minutes_per_day:
        before, after = old.yellow_minutes_per_day, new.yellow_minutes_per_day
        sentence = f"Yellow needs {after} minutes a day near reported people instead of {before}."
        yield Change("encounters.yellow_minutes_per_day", by_size(before, after, "milder"), sentence)
    if old.red_minutes_per_day != new.red_minutes_per_day:
        before, after = old.red_minutes_per_day, new.red_minutes_per_day
        idle = old.ceiling == new.ceiling == "yellow"
        sentence = f"Red needs {after} minutes a day near reported people instead of {before}"
        sentence += ", which changes nobody's colour under the ceiling yellow." if idle else "."
        direction: Direction = "other" if idle else by_size(before, after, "milder")
        yield Change("encounters.red_minutes_per_day", direction, sentence)
    if old.ceiling != new.ceiling:
        sentence = f"Bluetooth alone can now make people {new.ceiling} at most; before, it was {old.ceiling}."
        yield Change("encounters.ceiling", "stricter" if new.ceiling == "red" else "milder", sentence)


def _distance_changes(old: ExposureRules, new: ExposureRules) -> Iterator[Change]:
    at = "exposure."
    # Only where nearer never weighs less is it known what another distance does to a colour.
    falling = _falls(old) and _falls(new)
    if old.attenuation != new.attenuation:
        direction: Direction = "stricter" if new.attenuation == "minimum" else "milder"
        sentence = f"Of each scan the {_PACKET[new.attenuation]} counts instead of {_PACKET[old.attenuation]}."
        yield Change(f"{at}attenuation", direction if falling else "other", sentence)
    for name, before, after in zip(_BANDS, old.thresholds_db, new.thresholds_db, strict=False):
        if before != after:
            sentence = f"The distance {name!r} ends at {after} dB instead of {before} dB."
            direction = by_size(before, after, "stricter") if falling else "other"
            yield Change(f"{at}thresholds_db", direction, sentence)
    for name, before, after in zip(_BANDS, old.weights_percent, new.weights_percent, strict=True):
        if before != after:
            sentence = f"A minute at the distance {name!r} counts {after} % instead of {before} %."
            yield Change(f"{at}weights_percent", by_size(before, after, "stricter"), sentence)


_PACKET = {"minimum": "strongest packet", "typical": "mean of the packets"}


def _falls(rules: ExposureRules) -> bool:
    return list(rules.weights_percent) == sorted(rules.weights_percent, reverse=True)


def _infectiousness_changes(old: ExposureRules, new: ExposureRules) -> Iterator[Change]:
    for index, (before, after) in enumerate(zip(old.infectiousness, new.infectiousness, strict=True)):
        if before != after:
            sentence = (
                f"On day {index - ONSET_RANGE:+d} since onset somebody counts as {after!r} instead of {before!r}."
            )
            yield Change("exposure.infectiousness", _by_level(before, after), sentence)
    if old.infectiousness_when_unknown != new.infectiousness_when_unknown:
        before, after = old.infectiousness_when_unknown, new.infectiousness_when_unknown
        sentence = f"Somebody whose day since onset is unknown counts as {after!r} instead of {before!r}."
        yield Change("exposure.infectiousness_when_unknown", _by_level(before, after), sentence)


def _by_level(old: Infectiousness, new: Infectiousness) -> Direction:
    return by_size(_LEVELS.index(old), _LEVELS.index(new), "stricter")


def _report_changes(old: ExposureRules, new: ExposureRules) -> Iterator[Change]:
    at = "exposure."
    for kind, name in _KINDS.items():
        before, after = getattr(old.weights_by_report_percent, kind), getattr(new.weights_by_report_percent, kind)
        for level in ("standard", "high"):
            was, becomes = getattr(before, level), getattr(after, level)
            if was != becomes:
                sentence = f"Keys of {name} count {becomes} % instead of {was} % on days of {level} infectiousness."
                direction = by_size(was, becomes, "stricter")
                yield Change(f"{at}weights_by_report_percent.{kind}.{level}", direction, sentence)
    if old.report_type_when_unknown != new.report_type_when_unknown:
        sentence = (
            f"A key that does not say what kind of report it is counts as {new.report_type_when_unknown!r} instead of "
            f"{old.report_type_when_unknown!r}."
        )
        yield Change(f"{at}report_type_when_unknown", _by_weights(_unknown(old), _unknown(new)), sentence)


def _unknown(rules: ExposureRules) -> LevelWeights:
    if rules.report_type_when_unknown == "none":
        return LevelWeights(standard=0, high=0)
    weights: LevelWeights = getattr(rules.weights_by_report_percent, rules.report_type_when_unknown)
    return weights


def _by_weights(old: LevelWeights, new: LevelWeights) -> Direction:
    if (old.standard, old.high) == (new.standard, new.high):
        return "other"
    if new.standard >= old.standard and new.high >= old.high:
        return "stricter"
    return "milder" if new.standard <= old.standard and new.high <= old.high else "other"
