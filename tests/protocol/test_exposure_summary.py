"""Google's v2 daily summary, computed again in floating point, equals our integers in UTC. specs/exposure.md section 4

The second computation shares no code with the first: GAEN's own three weights as fractions of one, sums of seconds per
distance first, days as days since 1970.
"""

import math
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.exposure import ExposureWindow, ScanInstance, daily_summaries
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import ExposureRules, LevelWeights, ReportWeights

UTC = ZoneInfo("UTC")
KINDS = ("confirmed_test", "confirmed_clinical", "self_report", "recursive")
Json = dict[str, object]


class Settings:
    """GAEN's settings, and the rulebook's parameters that are meant to say the same."""

    def __init__(
        self,
        thresholds: list[int],
        distance: list[int],
        report: dict[str, int],
        levels: dict[str, int],
        infectiousness: list[str],
        minimum_hundredths: int,
    ) -> None:
        self.thresholds = thresholds
        self.distance = [percent / 100 for percent in distance]
        self.report = {kind: percent / 100 for kind, percent in report.items()}
        self.levels = {"none": 0.0} | {level: percent / 100 for level, percent in levels.items()}
        self.infectiousness = infectiousness
        self.minimum = minimum_hundredths / 100
        self.rules = ExposureRules.model_validate(
            demonstration_rulebook().exposure.model_dump()
            | {
                "thresholds_db": tuple(thresholds),
                "weights_percent": tuple(distance),
                "infectiousness": tuple(infectiousness),
                "weights_by_report_percent": ReportWeights(
                    **{
                        kind: LevelWeights(
                            standard=report[kind] * levels["standard"] // 100, high=report[kind] * levels["high"] // 100
                        )
                        for kind in KINDS
                    }
                ).model_dump(),
                "minimum_window_score_percent": minimum_hundredths,
            }
        )


@st.composite
def settings_of_gaen(draw: st.DrawFn) -> Settings:
    # Steps of 10 % for two of the factors, so that their product is a whole percent (decision 0007).
    tens = st.integers(0, 25).map(lambda step: 10 * step)
    standard = draw(tens)
    return Settings(
        thresholds=sorted(draw(st.lists(st.integers(0, 255), min_size=3, max_size=3, unique=True))),
        distance=draw(st.lists(st.integers(0, 250), min_size=4, max_size=4)),
        report={kind: draw(tens) for kind in KINDS},
        levels={"standard": standard, "high": draw(tens.filter(lambda high: high >= standard))},
        infectiousness=draw(st.lists(st.sampled_from(["none", "standard", "high"]), min_size=29, max_size=29)),
        minimum_hundredths=draw(st.sampled_from([0, 0, 1, 12_345, 100_000])),
    )


@st.composite
def windows(draw: st.DrawFn) -> ExposureWindow:
    start = 1_767_225_600 + draw(st.integers(0, 4 * 86_400))
    scans = tuple(
        ScanInstance(start + 60 * index, draw(st.integers(0, 600)), draw(st.integers(0, 120)), 0)
        for index in range(draw(st.integers(1, 4)))
    )
    # Inside -14 .. +14: beyond, GAEN takes a day for unknown and we for not infectious (specs/exposure.md section 4).
    return ExposureWindow(b"k", start, draw(st.integers(1, 4)), draw(st.integers(-14, 14)), start, scans)


def google_v2(settings: Settings, heard: list[ExposureWindow]) -> dict[int, tuple[float, float, float]]:
    """Day since 1970 -> score sum, maximum score, weighted duration sum, in seconds."""
    days: dict[int, tuple[float, float, float]] = {}
    for window in heard:
        seconds = [0, 0, 0, 0]
        for scan in window.scans:
            seconds[sum(scan.typical_attenuation > threshold for threshold in settings.thresholds)] += scan.seconds
        duration = math.fsum(part * weight for part, weight in zip(seconds, settings.distance, strict=True))
        level = settings.infectiousness[(window.days_since_onset or 0) + 14]
        score = duration * settings.report[KINDS[window.report_type - 1]] * settings.levels[level]
        # A hair's breadth, because a product of floats may lie below the minimum that it should reach exactly.
        if score < settings.minimum - 1e-9:
            continue
        before = days.get(window.start // 86_400, (0.0, 0.0, 0.0))
        days[window.start // 86_400] = (before[0] + score, max(before[1], score), before[2] + duration)
    return days


@given(settings_of_gaen(), st.lists(windows(), max_size=8))
@settings(deadline=None)
def test_the_daily_summary_of_google_is_ours_in_utc(settings: Settings, heard: list[ExposureWindow]) -> None:
    floats = google_v2(settings, heard)
    made = {
        item.day: (item.score / 10_000, item.maximum / 10_000, item.duration / 100)
        for item in daily_summaries(heard, settings.rules, UTC)
    }
    assert made.keys() == {date(1970, 1, 1) + timedelta(days=day) for day in floats}
    for day, expected in floats.items():
        got = made[date(1970, 1, 1) + timedelta(days=day)]
        assert all(math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-9) for a, b in zip(got, expected, strict=True))


def test_the_comparison_can_fail() -> None:
    settings = Settings(
        [55, 63, 70], [150, 100, 40, 0], dict.fromkeys(KINDS, 100), {"standard": 30, "high": 100}, ["high"] * 29, 0
    )
    window = ExposureWindow(b"k", 1_767_225_600, 1, 0, 0, (ScanInstance(1_767_225_600, 300, 55, 40),))
    (ours,) = daily_summaries([window], settings.rules, UTC)
    assert google_v2(settings, [window]) == {20_454: (450.0, 450.0, 450.0)}
    assert ours.score == 450 * 10_000
    farther = ExposureWindow(b"k", 1_767_225_600, 1, 0, 0, (ScanInstance(1_767_225_600, 300, 56, 40),))
    assert google_v2(settings, [farther])[20_454][0] * 10_000 != ours.score
