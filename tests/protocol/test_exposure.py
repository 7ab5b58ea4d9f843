"""Windows, weights and daily summaries against values worked out by hand. specs/exposure.md"""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.exposure import (
    DailySummary,
    ExposureWindow,
    Observation,
    ScanInstance,
    daily_summaries,
    days_since_onset,
    weighted_duration,
    weighted_score,
    windows_of,
)
from ownhue.params import ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import ExposureRules, LevelWeights, ReportWeights

SOURCE = bytes(range(16))
NOON = 1767585600  # 2026-01-05 12:00:00 in Shanghai, 04:00:00 UTC
SHANGHAI, UTC = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")

# "Narrower Net v1" of the LFPH GAEN risk scoring group, 30 % on standard days, with the kinds of report of these tests.
NARROWER = demonstration_rulebook().exposure.model_copy(
    update={
        "thresholds_db": (55, 63, 70),
        "weights_percent": (150, 100, 40, 0),
        "weights_by_report_percent": ReportWeights(
            confirmed_test=LevelWeights(standard=30, high=100),
            confirmed_clinical=LevelWeights(standard=24, high=80),
            self_report=LevelWeights(standard=15, high=50),
            recursive=LevelWeights(standard=0, high=0),
        ),
    }
)


def windows(*observations: Observation) -> list[ExposureWindow]:
    return windows_of(
        SOURCE, observations, report_type=ReportType.CONFIRMED_TEST, days_since_onset=0, published_at=NOON + 9000
    )


def window(
    *attenuations: int,
    seconds: int = 300,
    start: int = NOON,
    report_type: int = ReportType.CONFIRMED_TEST,
    onset: int | None = 0,
) -> ExposureWindow:
    scans = tuple(ScanInstance(start + 300 * n, seconds, db, db - 5) for n, db in enumerate(attenuations))
    return ExposureWindow(SOURCE, start, report_type, onset, NOON + 9000, scans)


def test_observations_of_one_scan_become_one_instance() -> None:
    made = windows(Observation(7, NOON + 1, 20, 53), Observation(7, NOON, 20, 50), Observation(8, NOON + 20, 20, 61))
    assert [item.scans for item in made] == [
        (ScanInstance(NOON, 20, 52, 50), ScanInstance(NOON + 20, 20, 61, 61)),  # (50 + 53) / 2 = 51.5 -> 52
    ]
    assert made[0].start == NOON
    assert made[0].seconds == 40


@pytest.mark.parametrize(("packets", "typical"), [((50, 51), 51), ((50, 50, 51), 50), ((50, 51, 51), 51), ((0,), 0)])
def test_the_typical_attenuation_is_the_mean_with_halves_rounded_up(packets: tuple[int, ...], typical: int) -> None:
    (made,) = windows(*(Observation(1, NOON, 20, db) for db in packets))
    assert made.scans[0].typical_attenuation == typical


def test_a_window_ends_thirty_minutes_after_its_first_scan() -> None:
    made = windows(*(Observation(n, NOON + 20 * n, 20, 50) for n in range(91)))
    assert [(item.start, len(item.scans), item.seconds) for item in made] == [
        (NOON, 90, 1800),  # scans at 0 .. 1780 s
        (NOON + 1800, 1, 20),
    ]


def test_the_next_window_begins_with_the_next_scan_and_not_on_a_grid() -> None:
    made = windows(*(Observation(n, NOON + t, 20, 50) for n, t in enumerate((0, 1700, 2000, 3799, 3800))))
    assert [(item.start - NOON, len(item.scans)) for item in made] == [(0, 2), (2000, 2), (3800, 1)]


def test_nothing_heard_is_no_window() -> None:
    assert windows() == []


@given(st.permutations([Observation(n // 3, NOON + 400 * (n // 3) + n % 3, 20, 40 + n) for n in range(15)]))
def test_the_order_of_observations_does_not_matter(observations: list[Observation]) -> None:
    assert windows(*observations) == windows(*sorted(observations))


def test_thresholds_are_inclusive() -> None:
    # 300 s in each band: 55 -> 150 %, 56 and 63 -> 100 %, 64 and 70 -> 40 %, 71 -> 0 %.
    assert weighted_duration(window(55), NARROWER) == 300 * 150
    assert weighted_duration(window(56), NARROWER) == 300 * 100
    assert weighted_duration(window(63), NARROWER) == 300 * 100
    assert weighted_duration(window(64), NARROWER) == 300 * 40
    assert weighted_duration(window(70), NARROWER) == 300 * 40
    assert weighted_duration(window(71), NARROWER) == 0


def test_a_score_worked_out_by_hand() -> None:
    # (300 * 150 + 300 * 100 + 300 * 40) = 87000; clinical, three days before onset: 80 % x 30 % = 24 %.
    heard = window(50, 60, 70, report_type=ReportType.CONFIRMED_CLINICAL, onset=-3)
    assert weighted_score(heard, NARROWER) == 87_000 * 24


def test_minimum_attenuation_is_used_where_the_rules_say_so() -> None:
    by_minimum = NARROWER.model_copy(update={"attenuation": "minimum"})
    assert weighted_duration(window(60), NARROWER) == 300 * 100
    assert weighted_duration(window(60), by_minimum) == 300 * 150  # minimum 55


@pytest.mark.parametrize(
    ("onset", "percent"),
    [(-15, 0), (-14, 0), (-5, 0), (-4, 30), (-3, 30), (-2, 100), (3, 100), (4, 30), (5, 30), (6, 0), (14, 0), (15, 0)],
)
def test_infectiousness_by_days_since_onset(onset: int, percent: int) -> None:
    assert NARROWER.report_percent(ReportType.CONFIRMED_TEST, onset) == percent
    assert NARROWER.report_percent(ReportType.CONFIRMED_CLINICAL, onset) == percent * 80 // 100


def test_unknown_onset_and_unknown_report_type_weigh_what_the_rules_say() -> None:
    rules = NARROWER.model_copy(
        update={"infectiousness_when_unknown": "standard", "report_type_when_unknown": "self_report"}
    )
    assert NARROWER.report_percent(ReportType.CONFIRMED_TEST, None) == 0
    assert rules.report_percent(ReportType.CONFIRMED_TEST, None) == 30
    assert NARROWER.report_percent(ReportType.UNKNOWN, 0) == 0
    assert rules.report_percent(ReportType.UNKNOWN, 0) == 50
    assert rules.report_percent(ReportType.UNKNOWN, None) == 15


@pytest.mark.parametrize(("report_type", "percent"), [(1, 100), (2, 80), (3, 50), (4, 0), (5, 0), (6, 0), (-1, 0)])
def test_report_type_weights(report_type: int, percent: int) -> None:
    assert NARROWER.report_percent(report_type, 0) == percent
    assert NARROWER.counts_report_type(report_type) is (percent > 0)


def test_a_weight_on_days_that_are_highly_infectious_alone_counts_the_report_type() -> None:
    only_high = NARROWER.model_copy(
        update={
            "weights_by_report_percent": NARROWER.weights_by_report_percent.model_copy(
                update={"self_report": LevelWeights(standard=0, high=1)}
            )
        }
    )
    assert only_high.counts_report_type(ReportType.SELF_REPORT)
    assert [only_high.report_percent(ReportType.SELF_REPORT, day) for day in (-3, 0)] == [0, 1]


def test_a_daily_summary_has_sum_maximum_duration_and_seconds() -> None:
    heard = [window(50), window(60, 60, start=NOON + 1800), window(80, start=NOON + 3600)]
    assert daily_summaries(heard, NARROWER, SHANGHAI) == [
        DailySummary(
            day=date(2026, 1, 5),
            score=(45_000 + 60_000) * 100,
            maximum=60_000 * 100,
            duration=105_000,
            seconds=1200,
        )
    ]


def test_windows_under_the_minimum_score_are_dropped() -> None:
    # 300 s at 64 dB are 120 weighted seconds = 12000 hundredths.
    strict = NARROWER.model_copy(update={"minimum_window_score_percent": 12_001})
    exact = NARROWER.model_copy(update={"minimum_window_score_percent": 12_000})
    assert daily_summaries([window(64)], strict, UTC) == []
    assert daily_summaries([window(64)], exact, UTC)[0].duration == 12_000


def test_a_day_begins_in_the_zone() -> None:
    late = NOON + 11 * 3600  # 23:00 in Shanghai, 15:00 UTC
    heard = [window(50, start=late), window(50, start=late + 2 * 3600)]  # the second at 01:00 of the next day
    assert [item.day for item in daily_summaries(heard, NARROWER, SHANGHAI)] == [date(2026, 1, 5), date(2026, 1, 6)]
    assert [item.day for item in daily_summaries(heard, NARROWER, UTC)] == [date(2026, 1, 5)]


def test_days_since_onset_count_local_dates() -> None:
    interval = (NOON + 12 * 3600) // 600  # midnight in Shanghai: 6 January there, 5 January in UTC
    assert days_since_onset(interval, date(2026, 1, 6), SHANGHAI) == 0
    assert days_since_onset(interval - 1, date(2026, 1, 6), SHANGHAI) == -1
    assert days_since_onset(interval, date(2026, 1, 6), UTC) == -1
    assert days_since_onset(interval, date(2026, 1, 1), SHANGHAI) == 5


@given(st.lists(st.integers(30, 90), min_size=1, max_size=6), st.integers(0, 3600), st.integers(-16, 16))
def test_nearer_never_weighs_less_when_weights_fall(attenuations: list[int], seconds: int, onset: int) -> None:
    heard = window(*attenuations, seconds=seconds, onset=onset)
    nearer = window(*(db - 3 for db in attenuations), seconds=seconds, onset=onset)
    assert weighted_score(nearer, NARROWER) >= weighted_score(heard, NARROWER)


def test_rules_are_exact_for_long_times() -> None:
    day = window(50, seconds=86_400)
    assert weighted_score(day, NARROWER) == 86_400 * 150 * 100
    assert isinstance(NARROWER, ExposureRules)
