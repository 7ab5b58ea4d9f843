"""The Corona-Warn-App's own test cases under a rulebook made of its published settings. specs/exposure.md section 9

- Day levels, total level, number of days and age of the latest day at each level come out of `decide` alone.
- Numbers of distinct encounters do not: they are listed, one by one, in the spec, and this test asserts that exactly
  these are left out, and that only the counting is missing.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from ownhue.colour import Colour, decide
from ownhue.colour.facts import Facts
from ownhue.exposure import MINUTE_SCORE, ExposureWindow, ScanInstance, weighted_score
from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import EncounterRules, ExposureRules, LevelWeights, ReportWeights, Stays
from tests.conformance.exposure_cases import CWA_CASES, CWA_ENCOUNTERS, CWA_RULES
from tests.shared import SPECS, shared_path

TODAY = date(2026, 1, 20)
NOW = int(datetime(2026, 1, 20, 12, tzinfo=UTC).timestamp())
START = NOW - 3600
LOW, HIGH = 1, 2
#: A day since onset of each of its levels of infectiousness (1 standard, 2 high) in the rulebook made here.
ONSET = {1: -3, 2: 0}
#: Its name of the offset of each kind of report, in the order of GAEN's numbers 1 .. 4.
OFFSETS = {
    "confirmed_test": "reportTypeOffsetConfirmedTest",
    "confirmed_clinical": "reportTypeOffsetConfirmedClinicalDiagnosis",
    "self_report": "reportTypeOffsetSelfReport",
    "recursive": "reportTypeOffsetRecursive",
}
DISTINCT = ("expTotalMinimumDistinctEncountersWithLowRisk", "expTotalMinimumDistinctEncountersWithHighRisk")


def published() -> Any:
    return json.loads(shared_path("vectors/cwa-risk-testcases.json").read_text())


def percent(value: float) -> int:
    """A published weight in whole percents, exactly as it is written in decimals."""
    exact = Fraction(str(value)) * 100
    assert exact.denominator == 1
    return int(exact)


def rulebook_of(settings: Any) -> Rulebook:
    """The rulebook that says what the settings say; fails where they say something that no rulebook can."""
    assert settings["minutesAtAttenuationFilters"] == settings["trlFilters"] == []
    low, high = settings["normalizedTimePerDayToRiskLevelMapping"]
    assert (low["riskLevel"], high["riskLevel"]) == (LOW, HIGH)
    assert low["normalizedTimeRange"]["max"] == high["normalizedTimeRange"]["min"]
    assert low["normalizedTimeRange"]["maxExclusive"]
    book = demonstration_rulebook()
    made = book.model_copy(
        update={
            "zone": "UTC",
            "exposure": exposure_of(settings, book.exposure),
            "encounters": EncounterRules(
                yellow_minutes_per_day=low["normalizedTimeRange"]["min"],
                red_minutes_per_day=high["normalizedTimeRange"]["min"],
                ceiling="red",
            ),
            "stays": Stays(yellow_days=14, red_days=14),
        }
    )
    return parse_rulebook(rulebook_bytes(made))


def exposure_of(settings: Any, rules: ExposureRules) -> ExposureRules:
    bands = settings["minutesAtAttenuationWeights"]
    ranges = [band["attenuationRange"] for band in bands]
    assert [item["min"] for item in ranges] == [0, *(item["max"] for item in ranges[:-1])]
    assert all(item["maxExclusive"] for item in ranges)
    infectiousness = ["standard" if day < 0 else "high" for day in range(-14, 15)]
    changes = {
        "attenuation": "minimum",
        # Its upper ends are exclusive, ours inclusive; attenuations are whole dB.
        "thresholds_db": tuple(item["max"] - 1 for item in ranges),
        "weights_percent": (*(percent(band["weight"]) for band in bands), 0),
        "infectiousness": tuple(infectiousness),
        "weights_by_report_percent": report_weights(settings).model_dump(),
    }
    return ExposureRules.model_validate(rules.model_dump() | changes)


def report_weights(settings: Any) -> ReportWeights:
    encoding = settings["trlEncoding"]
    values = {
        item["transmissionRiskLevel"]: item["transmissionRiskValue"]
        for item in settings["transmissionRiskValueMapping"]
    }

    def weights(offset: str) -> LevelWeights:
        standard, high = encoding["infectiousnessOffsetStandard"], encoding["infectiousnessOffsetHigh"]
        return LevelWeights(
            standard=percent(values[encoding[offset] + standard]), high=percent(values[encoding[offset] + high])
        )

    return ReportWeights(**{kind: weights(offset) for kind, offset in OFFSETS.items()})


def windows_of(case: Any) -> Iterator[ExposureWindow]:
    """The windows of a case, each of another key, late in the morning. One without scans is none (section 2)."""
    for index, window in enumerate(case["exposureWindows"]):
        start = START - 86_400 * window["ageInDays"]
        scans = tuple(
            ScanInstance(start + n, scan["secondsSinceLastScan"], scan["typicalAttenuation"], scan["minAttenuation"])
            for n, scan in enumerate(window["scanInstances"])
        )
        if scans:
            yield ExposureWindow(
                source=bytes([index]) * 16,
                start=start,
                report_type=window["reportType"],
                days_since_onset=ONSET[window["infectiousness"]],
                published_at=NOW - 60,
                scans=scans,
                calibration_confidence=window["calibrationConfidence"],
            )


def levels_of(book: Rulebook, case: Any) -> dict[int, int]:
    """Age in days -> level, as `decide` says it: yellow is low, red is high."""
    facts = Facts(bytes(32), NOW - 20 * 86_400, NOW, 100, tuple(windows_of(case)), {}, ())
    decision = decide(book, facts, NOW)
    return {(TODAY - item.day).days: HIGH if item.colour is Colour.RED else LOW for item in decision.reasons}


class Expected(NamedTuple):
    """One expected value of one case."""

    case: str
    name: str
    value: int | None


def reproduced(levels: dict[int, int]) -> dict[str, int | None]:
    """Everything of a case that follows from the levels of days."""
    low, high = ([age for age, level in levels.items() if level == wanted] for wanted in (LOW, HIGH))
    made: dict[str, int | None] = {
        "expTotalRiskLevel": max(levels.values(), default=LOW),
        "expAgeOfMostRecentDateWithLowRisk": min(low, default=None),
        "expAgeOfMostRecentDateWithHighRisk": min(high, default=None),
        "expNumberOfDaysWithLowRisk": len(low),
        "expNumberOfDaysWithHighRisk": len(high),
    }
    # Distinct encounters are summed over days that have a level: without such a day there are none.
    return made if levels else made | dict.fromkeys(DISTINCT, 0)


def expectations(case: Any) -> list[Expected]:
    names = [name for name in case if name.startswith("exp") and name != "exposureWindows"]
    return [Expected(case["description"], name, case[name]) for name in names]


def left_out_in_the_spec() -> dict[tuple[str, str], int]:
    """(first words of a case, name of the expected value) -> value, as specs/exposure.md section 9 lists them."""
    text = (SPECS / "exposure.md").read_text()
    rows = re.findall(r"^\| (.+) \| (\d) \| (\d) \|$", text[text.index("| case | low | high |") :], re.MULTILINE)
    return {(case, name): int(value) for case, *values in rows for name, value in zip(DISTINCT, values, strict=True)}


def test_every_case_comes_out_as_far_as_a_rulebook_can_say_it() -> None:
    data = published()
    book = rulebook_of(data["defaultRiskCalculationConfiguration"])
    wrong, left_out, held = [], [], 0
    for case in data["testCases"]:
        made = reproduced(levels_of(book, case))
        for expected in expectations(case):
            if expected.name not in made:
                left_out.append(expected)
            elif made[expected.name] != expected.value:
                wrong.append((expected, made[expected.name]))
            else:
                held += 1
    assert wrong == []
    assert (len(data["testCases"]), held, len(left_out)) == (15, 81, 24)
    listed = left_out_in_the_spec()
    assert len(listed) == 24
    for item in left_out:
        (value,) = (
            value for (words, name), value in listed.items() if item.case.startswith(words) and item.name == name
        )
        assert value == item.value


def test_what_is_missing_for_the_numbers_of_encounters_is_the_counting_and_not_the_weighing() -> None:
    data = published()
    settings = data["defaultRiskCalculationConfiguration"]
    book = rulebook_of(settings)
    high_from = settings["normalizedTimePerEWToRiskLevelMapping"][1]["normalizedTimeRange"]["min"] * MINUTE_SCORE
    for case in data["testCases"]:
        levels = levels_of(book, case)
        found: dict[int, set[tuple[int, ...]]] = {LOW: set(), HIGH: set()}
        for window in windows_of(case):
            if (TODAY - book.local_date(window.start)).days in levels:
                level = HIGH if weighted_score(window, book.exposure) >= high_from else LOW
                risk = transmission_risk_level(settings, window)
                found[level].add((window.start // 86_400, risk, window.calibration_confidence))
        assert [len(found[LOW]), len(found[HIGH])] == [case[name] for name in DISTINCT], case["description"]


def transmission_risk_level(settings: Any, window: ExposureWindow) -> int:
    encoding = settings["trlEncoding"]
    (infectiousness,) = (level for level, day in ONSET.items() if day == window.days_since_onset)
    of_infectiousness = ("infectiousnessOffsetStandard", "infectiousnessOffsetHigh")[infectiousness - 1]
    return int(encoding[list(OFFSETS.values())[window.report_type - 1]] + encoding[of_infectiousness])


def test_the_numbers_that_the_vectors_retype_are_the_published_ones() -> None:
    cases = [
        case for case in published()["testCases"] if all(item["scanInstances"] for item in case["exposureWindows"])
    ]
    assert len(cases) == len(CWA_CASES) == 14
    for case, (_, windows, _) in zip(cases, CWA_CASES, strict=True):
        assert windows == [
            (
                item["ageInDays"],
                item["reportType"],
                ONSET[item["infectiousness"]],
                [
                    (x["secondsSinceLastScan"], x["typicalAttenuation"], x["minAttenuation"])
                    for x in item["scanInstances"]
                ],
            )
            for item in case["exposureWindows"]
        ]
    made = rulebook_of(published()["defaultRiskCalculationConfiguration"])
    assert json.loads(rulebook_bytes(made))["exposure"] == CWA_RULES
    assert made.encounters.model_dump() == CWA_ENCOUNTERS


def test_nine_minutes_are_exact_where_floats_fall_short() -> None:
    # EXPOSUREAPP-12211: 0.6 + 4.8 + 3.6 minutes are 9.0; one second less is below it.
    data = published()
    book = rulebook_of(data["defaultRiskCalculationConfiguration"])
    (case,) = (case for case in data["testCases"] if "12211" in case["description"])
    heard = list(windows_of(case))
    assert sum(weighted_score(window, book.exposure) for window in heard) == 9 * MINUTE_SCORE
    case["exposureWindows"][0]["scanInstances"][0]["secondsSinceLastScan"] -= 1
    assert levels_of(book, case) == {1: LOW}


def test_a_setting_that_no_rulebook_can_say_fails_the_translation() -> None:
    settings = published()["defaultRiskCalculationConfiguration"]
    settings["minutesAtAttenuationWeights"][0]["weight"] = 0.805
    with pytest.raises(AssertionError):
        rulebook_of(settings)
