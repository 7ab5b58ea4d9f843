"""Exposure: what was heard of one reported key becomes windows, windows become weighted time. specs/exposure.md

- Knows nothing of keys, identifiers and files, so that a rehearsal computes with the same functions as a phone.
- Exact integers: seconds times whole percents. Nothing is rounded but the typical attenuation of a scan.
- The result does not depend on the order of the observations.

Two scans of 20 s, 2 packets in the first, make one window of two scans:

    Observation(scan_id=7, time=1767232800, seconds=20, attenuation=50)
    Observation(scan_id=7, time=1767232801, seconds=20, attenuation=53)    typical 52, minimum 50
    Observation(scan_id=8, time=1767232820, seconds=20, attenuation=61)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ownhue.params import INTERVAL_SECONDS
from ownhue.rulebook.rules import ExposureRules

#: A window ends this many seconds after its first scan began (GAEN: 30 minutes). specs/exposure.md section 2
WINDOW_SECONDS = 1800
#: Score of one fully weighted minute: seconds times two weights in percent. specs/exposure.md section 3
MINUTE_SCORE = 60 * 100**2
#: Score of one hundredth of a weighted second, the unit of the minimum window score. specs/exposure.md section 3
CENTISECOND_SCORE = 100


class Observation(NamedTuple):
    """One reported key, heard once in one scan."""

    scan_id: int
    """Number of the scan; observations of one scan are taken together."""
    time: int
    """Unix second."""
    seconds: int
    """Seconds of presence that the scan stands for."""
    attenuation: int
    """Path loss in dB, not negative."""


@dataclass(frozen=True, slots=True, order=True)
class ScanInstance:
    """What one scan heard of one key."""

    time: int
    """Unix second of the first packet."""
    seconds: int
    """Seconds of presence that the scan stands for."""
    typical_attenuation: int
    """Mean of the packets in dB, halves rounded up."""
    minimum_attenuation: int
    """Least of the packets in dB."""


@dataclass(frozen=True, slots=True)
class ExposureWindow:
    """At most 30 minutes near one reported key."""

    source: bytes
    """Which key: the TEK (16 bytes), or in a rehearsal a name made for it."""
    start: int
    """Unix second of the first scan."""
    report_type: int
    """Kind of diagnosis (ReportType)."""
    days_since_onset: int | None
    """Days from the onset of symptoms to the day on which the key's period began; None when not told."""
    published_at: int
    """Unix second at which the key was published."""
    scans: tuple[ScanInstance, ...]
    """At least one scan, in order of time."""
    calibration_confidence: int = 0
    """How well the radios are calibrated: 0 (lowest) .. 3 (GAEN)."""
    place_confirmed: bool = False
    """Every counted sighting had a place tag that fitted the receiver's own cells. specs/identifiers.md section 4"""

    @property
    def seconds(self) -> int:
        """Seconds of presence, unweighted."""
        return sum(scan.seconds for scan in self.scans)


@dataclass(frozen=True, slots=True)
class DailySummary:
    """One local day, as GAEN's v2 daily summary."""

    day: date
    score: int
    """Sum of the windows' scores (10^-4 s)."""
    maximum: int
    """Highest score of one window (10^-4 s)."""
    duration: int
    """Sum of the windows' durations weighted by attenuation only (10^-2 s)."""
    seconds: int
    """Seconds of presence, unweighted."""


def windows_of(
    source: bytes,
    observations: Iterable[Observation],
    *,
    report_type: int,
    days_since_onset: int | None,
    published_at: int,
) -> list[ExposureWindow]:
    """The windows of one key, in order of time. specs/exposure.md section 2"""
    groups: list[list[ScanInstance]] = []
    for scan in _scans(observations):
        if not groups or scan.time - groups[-1][0].time >= WINDOW_SECONDS:
            groups.append([])
        groups[-1].append(scan)
    return [
        ExposureWindow(source, group[0].time, report_type, days_since_onset, published_at, tuple(group))
        for group in groups
    ]


def days_since_onset(interval: int, onset: date, zone: ZoneInfo) -> int:
    """Days from *onset* to the local date on which *interval* (ENIN) begins; negative before onset."""
    return (datetime.fromtimestamp(interval * INTERVAL_SECONDS, zone).date() - onset).days


def mean_attenuation(attenuations: Sequence[int]) -> int:
    """The mean of at least one attenuation in whole dB, halves rounded up: the typical attenuation of a scan."""
    return (2 * sum(attenuations) + len(attenuations)) // (2 * len(attenuations))


def attenuation_of(scan: ScanInstance, rules: ExposureRules) -> int:
    """The attenuation in dB that the rules look at."""
    return scan.typical_attenuation if rules.attenuation == "typical" else scan.minimum_attenuation


def weighted_duration(window: ExposureWindow, rules: ExposureRules) -> int:
    """Seconds weighted by attenuation only, in 10^-2 s. specs/exposure.md section 3"""
    weights = rules.weights_percent
    return sum(scan.seconds * weights[rules.band_of(attenuation_of(scan, rules))] for scan in window.scans)


def weighted_score(window: ExposureWindow, rules: ExposureRules) -> int:
    """Seconds weighted by attenuation and by kind of report and infectiousness, in 10^-4 s. Section 3"""
    return weighted_duration(window, rules) * rules.report_percent(window.report_type, window.days_since_onset)


def daily_summaries(windows: Iterable[ExposureWindow], rules: ExposureRules, zone: ZoneInfo) -> list[DailySummary]:
    """One summary per local day on which a window begins, in order. Zone UTC gives GAEN's own. Section 4."""
    days: defaultdict[date, list[ExposureWindow]] = defaultdict(list)
    for window in windows:
        if weighted_score(window, rules) >= rules.minimum_window_score_percent * CENTISECOND_SCORE:
            days[datetime.fromtimestamp(window.start, zone).date()].append(window)
    return [_summary(day, days[day], rules) for day in sorted(days)]


def _summary(day: date, windows: Sequence[ExposureWindow], rules: ExposureRules) -> DailySummary:
    scores = [weighted_score(window, rules) for window in windows]
    return DailySummary(
        day=day,
        score=sum(scores),
        maximum=max(scores),
        duration=sum(weighted_duration(window, rules) for window in windows),
        seconds=sum(window.seconds for window in windows),
    )


def _scans(observations: Iterable[Observation]) -> list[ScanInstance]:
    scans: defaultdict[int, list[Observation]] = defaultdict(list)
    for observation in observations:
        scans[observation.scan_id].append(observation)
    return sorted(_scan(group) for group in scans.values())


def _scan(group: Sequence[Observation]) -> ScanInstance:
    return ScanInstance(
        time=min(observation.time for observation in group),
        seconds=max(observation.seconds for observation in group),
        typical_attenuation=mean_attenuation([observation.attenuation for observation in group]),
        minimum_attenuation=min(observation.attenuation for observation in group),
    )
