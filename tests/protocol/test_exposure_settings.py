"""Settings that real apps published fit a rulebook, and the demonstration book's numbers are those it names."""

import json
from fractions import Fraction
from typing import Any

import pytest

from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import ExposureRules, LevelWeights, ReportWeights
from tests.shared import shared_path

DEMONSTRATION = demonstration_rulebook().exposure
LEVELS = ("none", "standard", "high")
LFPH = ("Narrower Net v1", "Wider Net v1", "Narrow Net v2", "Wide Net (v2)")


def published() -> Any:
    return json.loads(shared_path("vectors/risk-configs.json").read_text())


def percent(value: float) -> int:
    exact = Fraction(str(value)) * 100
    assert exact.denominator == 1
    return int(exact)


def rules(
    thresholds: list[int], weights: list[int], infectiousness: list[int], standard: int, high: int
) -> ExposureRules:
    every = LevelWeights(standard=standard, high=high)
    kinds = ReportWeights(confirmed_test=every, confirmed_clinical=every, self_report=every, recursive=every)
    changes = {
        "thresholds_db": tuple(thresholds),
        "weights_percent": tuple(weights),
        "infectiousness": tuple(LEVELS[level] for level in infectiousness),
        "weights_by_report_percent": kinds.model_dump(),
    }
    return ExposureRules.model_validate(DEMONSTRATION.model_dump() | changes)


def of_lfph(name: str) -> ExposureRules:
    (found,) = (item for item in published()["lfph"] if item["name"] == name)
    return rules(
        found["attenuationBucketThresholdDb"],
        [percent(weight) for weight in found["attenuationBucketWeights"]],
        [found["infectiousnessByDsos"][str(day)] for day in range(-14, 15)],
        percent(found["infectiousnessWeights"]["STANDARD"]),
        percent(found["infectiousnessWeights"]["HIGH"]),
    )


@pytest.mark.parametrize("name", LFPH)
def test_settings_of_the_linux_foundation_public_health_fit_a_rulebook(name: str) -> None:
    made = of_lfph(name)
    assert made.report_percent(1, 0) == made.weights_by_report_percent.confirmed_test.high > 0
    assert made.report_percent(1, -14) == 0


def test_settings_of_new_zealand_fit_a_rulebook() -> None:
    found = published()["nz_covid_tracer"]["v2"]
    levels = found["infectiousness"]["forDaysSinceOnset_array"]
    assert len(levels) == 28  # one fewer than the 29 of GAEN; the last is taken for none
    made = rules(found["attenuationDurationThresholds"], list(found["weightsPercent"].values()), [*levels, 0], 100, 100)
    assert (made.thresholds_db, made.weights_percent) == ((55, 67, 75), (175, 100, 33, 0))


def test_the_numbers_of_the_demonstration_book_are_where_it_says() -> None:
    distance, days = of_lfph("Narrower Net v1"), of_lfph("Narrow Net v2")
    assert DEMONSTRATION.thresholds_db == distance.thresholds_db
    assert DEMONSTRATION.weights_percent == (100, *distance.weights_percent[1:])
    assert distance.weights_percent[0] == 150
    assert DEMONSTRATION.infectiousness == days.infectiousness
    tests = DEMONSTRATION.weights_by_report_percent.confirmed_test
    assert tests == days.weights_by_report_percent.confirmed_test == LevelWeights(standard=30, high=100)
