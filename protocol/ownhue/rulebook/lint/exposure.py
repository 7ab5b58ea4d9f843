"""What the linter says of exposure and encounters. specs/rulebook.md section 8"""

from collections.abc import Iterator

from ownhue.exposure import MINUTE_SCORE
from ownhue.params import RETENTION_DAYS
from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint.reach import (
    LONGEST_DAY,
    LONGEST_SCAN,
    LONGEST_WINDOW,
    best_report_percent,
    best_score_per_second,
    days_of_stay,
    encounters_stay_yellow,
    least_window_score,
    occurring_levels,
    windows_count,
)
from ownhue.rulebook.lint.remark import Remark
from ownhue.rulebook.rules import ExposureRules

_NEVER = "Yellow can never be reached by encounters: "
_BANDS = ("immediate", "near", "medium", "other")
_KINDS = ("confirmed_test", "confirmed_clinical", "self_report", "recursive")
#: The last window of a day begins before midnight and may go on after it.
_DAY_SECONDS = LONGEST_DAY + LONGEST_WINDOW
#: Fainter than this, in dB, a key is heard through walls and from the next vehicle, if at all.
_FAR_END = 90


def remarks_on_exposure(rulebook: Rulebook) -> Iterator[Remark]:
    """All remarks on how windows are weighed and what they make."""
    if windows_count(rulebook.exposure):
        yield from _remarks_on_amounts(rulebook)
    else:
        yield from _why_nothing_counts(rulebook.exposure)
    yield from _remarks_on_bands(rulebook.exposure)
    yield from _remarks_on_infectiousness(rulebook.exposure)
    yield from _remarks_on_reports(rulebook.exposure)
    yield from _remarks_on_look_back(rulebook)


def _why_nothing_counts(rules: ExposureRules) -> Iterator[Remark]:
    at = "exposure."
    if max(rules.weights_percent) == 0:
        yield Remark("error", f"{at}weights_percent", f"{_NEVER}the weight of every distance is 0.")
    weights = [getattr(rules.weights_by_report_percent, kind).high for kind in _KINDS]
    if max(weights) == 0:
        yield Remark("error", f"{at}weights_by_report_percent", f"{_NEVER}no kind of key counts, every weight is 0.")
    elif best_report_percent(rules) == 0:
        why = "on no day since onset does any kind of key count."
        yield Remark("error", f"{at}infectiousness", _NEVER + why)
    if best_score_per_second(rules) > 0:
        best, least = LONGEST_WINDOW * best_score_per_second(rules) // 100, least_window_score(rules) // 100
        why = (
            f"a window holds at most {LONGEST_WINDOW // 60} minutes and scores at most {_hundredths(best)} weighted "
            f"seconds, and what scores less than {_hundredths(least)} is dropped."
        )
        yield Remark("error", f"{at}minimum_window_score_percent", _NEVER + why)


def _remarks_on_amounts(rulebook: Rulebook) -> Iterator[Remark]:
    rules, best = rulebook.encounters, best_score_per_second(rulebook.exposure)
    if rules.ceiling == "yellow":
        sentence = "Red can never be reached by encounters: the ceiling is yellow."
        yield Remark("note", "encounters.red_minutes_per_day", sentence)
    else:
        sentence = (
            f"Bluetooth alone makes people red for {rulebook.stays.red_days} days, and it measures distance badly: "
            "see specs/rulebook.md section 5."
        )
        yield Remark("warning", "encounters.ceiling", sentence)
        if not encounters_stay_yellow(rulebook):
            yield Remark("error", "encounters.yellow_minutes_per_day", _NEVER + "what counts makes red at once.")
    yellow = rules.yellow_minutes_per_day * MINUTE_SCORE
    if _DAY_SECONDS * best < yellow:
        sentence = (
            f"One reported person can never make yellow, however near and long: the longest day weighs at most "
            f"{_DAY_SECONDS * best // MINUTE_SCORE} minutes of {rules.yellow_minutes_per_day}."
        )
        yield Remark("warning", "encounters.yellow_minutes_per_day", sentence)
    if LONGEST_SCAN * best >= max(yellow, least_window_score(rulebook.exposure)):
        sentence = (
            f"A single scan can make yellow: one that stands for {LONGEST_SCAN // 60} minutes weighs up to "
            f"{LONGEST_SCAN * best // MINUTE_SCORE}, and yellow needs {rules.yellow_minutes_per_day}."
        )
        yield Remark("warning", "encounters.yellow_minutes_per_day", sentence)


def _remarks_on_bands(rules: ExposureRules) -> Iterator[Remark]:
    at = "exposure.weights_percent"
    for index, (nearer, farther) in enumerate(zip(rules.weights_percent, rules.weights_percent[1:], strict=False)):
        if farther > nearer:
            sentence = f"Farther away counts more: {_BANDS[index + 1]!r} weighs more than {_BANDS[index]!r}."
            yield Remark("warning", at, sentence)
    if rules.weights_percent[-1] > 0:
        yield Remark(
            "warning", at, "A key counts however faintly it is heard: 'other' has no far end and weighs more than 0."
        )
    elif any(rules.weights_percent) and (farthest := _farthest(rules)) > _FAR_END:
        sentence = f"A key counts however faintly it is heard: what weighs more than 0 ends at {farthest} dB."
        yield Remark("warning", "exposure.thresholds_db", sentence)
    if best_score_per_second(rules) > 100 * 100:
        share = best_score_per_second(rules) // 100
        yield Remark("note", at, f"A minute can count for more than a minute: up to {share} %.")


def _farthest(rules: ExposureRules) -> int:
    """Upper end, in dB, of the farthest band that weighs something; of "other" there is none."""
    return max(end for end, weight in zip(rules.thresholds_db, rules.weights_percent, strict=False) if weight)


def _remarks_on_infectiousness(rules: ExposureRules) -> Iterator[Remark]:
    at = "exposure.infectiousness"
    counted = [index for index, level in enumerate(rules.infectiousness) if level != "none"]
    if counted and len(counted) < counted[-1] - counted[0] + 1:
        yield Remark("warning", at, "A day since onset counts for nothing, although days before and after it count.")
    if rules.infectiousness_when_unknown != "none":
        sentence = f"A key that does not say its day since onset counts as {rules.infectiousness_when_unknown!r}."
        yield Remark("note", f"{at}_when_unknown", sentence)
    levels = occurring_levels(rules)
    for level in ("standard", "high"):
        given = any(getattr(getattr(rules.weights_by_report_percent, kind), level) for kind in _KINDS)
        if given and level not in levels:
            sentence = f"The weights for {level!r} decide nothing: no day since onset has this level."
            yield Remark("error", "exposure.weights_by_report_percent", sentence)


def _remarks_on_reports(rules: ExposureRules) -> Iterator[Remark]:
    at = "exposure.weights_by_report_percent"
    if rules.weights_by_report_percent.self_report.high > 0:
        yield Remark(
            "warning", f"{at}.self_report", "The word of a person alone counts: nobody confirmed a self report."
        )
    if rules.report_type_when_unknown != "none":
        sentence = f"A key that does not say what kind of report it is counts as {rules.report_type_when_unknown!r}."
        yield Remark("note", "exposure.report_type_when_unknown", sentence)


def _remarks_on_look_back(rulebook: Rulebook) -> Iterator[Remark]:
    at, look_back = "exposure.look_back_days", rulebook.exposure.look_back_days
    stay = days_of_stay(rulebook, rulebook.encounters.ceiling)
    if look_back > RETENTION_DAYS:
        sentence = (
            f"Looking back {look_back} days promises too much: sightings and keys are kept for {RETENTION_DAYS} days."
        )
        yield Remark("warning", at, sentence)
    if look_back > stay:
        sentence = (
            f"An encounter that becomes known more than {stay} days after its day changes nothing: its stay is over."
        )
        yield Remark("note", at, sentence)
    if look_back < stay:
        sentence = (
            f"An encounter that becomes known after {look_back} days is dropped, although its stay would last {stay}."
        )
        yield Remark("warning", at, sentence)


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}".removesuffix(".00")
