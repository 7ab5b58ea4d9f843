"""What a rulebook can make at all: the proofs behind "can never" of the linter. specs/rulebook.md section 8

- Nothing here guesses: what is called impossible is impossible for every set of facts whose windows hold at most
  LONGEST_WINDOW seconds. tests/protocol/test_rulebook_lint_truth.py searches for counterexamples.
- What is not called impossible may still be rare, or never fit in by less than the score of one second.
"""

from ownhue.exposure import CENTISECOND_SCORE, MINUTE_SCORE, WINDOW_SECONDS
from ownhue.rulebook import Rulebook
from ownhue.rulebook.rules import (
    EvidenceWord,
    ExitRule,
    ExposureRules,
    Infectiousness,
    LevelWeights,
    ReportTypeWord,
    StayColour,
)

#: Most seconds that one scan of the reference stands for; ours are shorter. specs/exposure.md section 5
LONGEST_SCAN = 300
#: Longest local day of any zone since 2000: Antarctica/Casey put its clocks back by 3 hours in 2010.
LONGEST_DAY = 27 * 3600
#: Most seconds that a window can hold: its last scan begins within WINDOW_SECONDS.
LONGEST_WINDOW = WINDOW_SECONDS + LONGEST_SCAN

Possible = frozenset[tuple[EvidenceWord, StayColour]]


def occurring_levels(rules: ExposureRules) -> set[Infectiousness]:
    """Levels of infectiousness that a key can have."""
    return {*rules.infectiousness, rules.infectiousness_when_unknown}


def best_report_percent(rules: ExposureRules) -> int:
    """The most that any key can count for, in percent."""
    levels = occurring_levels(rules)
    return max(
        (_heaviest(getattr(rules.weights_by_report_percent, word), levels) for word in _WORDS),
        default=0,
    )


def best_score_per_second(rules: ExposureRules) -> int:
    """The most that one second near a reported person can score, in 10^-4 s."""
    return max(rules.weights_percent) * best_report_percent(rules)


def least_window_score(rules: ExposureRules) -> int:
    """The least that a window must score to count, in 10^-4 s."""
    return rules.minimum_window_score_percent * CENTISECOND_SCORE


def windows_count(rules: ExposureRules) -> bool:
    """Whether any window of at most LONGEST_WINDOW seconds can count."""
    return _longest_counts(rules, best_score_per_second(rules))


def warns_others(rules: ExposureRules, word: ReportTypeWord) -> bool:
    """Whether keys of this kind of report can count for anybody."""
    weight = _heaviest(getattr(rules.weights_by_report_percent, word), occurring_levels(rules))
    return _longest_counts(rules, max(rules.weights_percent) * weight)


def _longest_counts(rules: ExposureRules, score_per_second: int) -> bool:
    """Whether the longest window counts, if each second scores so much (10^-4 s)."""
    longest = LONGEST_WINDOW * score_per_second
    return longest > 0 and longest >= least_window_score(rules)


def possible_findings(rulebook: Rulebook) -> Possible:
    """Kinds and colours of findings that some facts can make."""
    found: set[tuple[EvidenceWord, StayColour]] = {("venue", rule.colour) for rule in rulebook.venues.values()}
    if rulebook.areas:
        found.add(("area", "yellow"))
    if rulebook.own_results:
        found.add(("own_result", "red"))
    if windows_count(rulebook.exposure):
        if rulebook.encounters.ceiling == "red":
            found.add(("encounter", "red"))
        if encounters_stay_yellow(rulebook):
            found.add(("encounter", "yellow"))
    return frozenset(found)


def encounters_stay_yellow(rulebook: Rulebook) -> bool:
    """Whether windows that count can make yellow without making red at once, or be left yellow when red is ended."""
    rules = rulebook.encounters
    if rules.ceiling == "yellow" or any(_only_red_encounters(rule) for rule in rulebook.exits):
        return True
    yellow, red = rules.yellow_minutes_per_day * MINUTE_SCORE, rules.red_minutes_per_day * MINUTE_SCORE
    longest = LONGEST_WINDOW * best_score_per_second(rulebook.exposure)
    # Yellow takes at least this many windows, each of which scores at least the minimum.
    windows = -(-yellow // longest)
    return max(windows * least_window_score(rulebook.exposure), yellow) < red


def days_of_stay(rulebook: Rulebook, colour: StayColour) -> int:
    """Days for which a finding of this colour lasts."""
    return rulebook.stays.yellow_days if colour == "yellow" else rulebook.stays.red_days


def _only_red_encounters(rule: ExitRule) -> bool:
    return "encounter" in rule.ends and rule.colours == ("red",)


def _heaviest(weights: LevelWeights, levels: set[Infectiousness]) -> int:
    return max(
        weights.high if "high" in levels else 0,
        weights.standard if "standard" in levels else 0,
    )


_WORDS: tuple[ReportTypeWord, ...] = ("confirmed_test", "confirmed_clinical", "self_report", "recursive")
