"""Operations of specs/exposure.md on vectors.

- observations: [[scan_id, time, seconds, attenuation], ...]
- sightings: [[time, attenuation, previous_scan or null], ...]
- window: {"start", "report_type", "days_since_onset" or null, "scans": [[time, seconds, typical, minimum], ...]}
- rules: a rulebook's "exposure", whole; encounters: its "encounters".
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ownhue.encoding import canonical_json
from ownhue.exposure import (
    MINUTE_SCORE,
    ExposureWindow,
    Observation,
    ScanInstance,
    attenuation_of,
    daily_summaries,
    days_since_onset,
    weighted_duration,
    weighted_score,
    windows_of,
)
from ownhue.gaen_scans import ForeignSighting, gaen_windows
from ownhue.params import ReportType
from ownhue.records import Record, parse_record
from ownhue.rulebook.rules import EncounterRules, ExposureRules

Question = Mapping[str, Any]

_LIMIT = 16_384
_KEY: dict[str, Any] = {"report_type": ReportType.CONFIRMED_TEST, "days_since_onset": 0, "published_at": 0}
_BANDS = ("immediate", "near", "medium", "other")


def _part(model: type[Record], content: Any) -> Any:
    return parse_record(model, canonical_json(content), "a part of a rulebook", _LIMIT)


def _window_of(given: Mapping[str, Any]) -> ExposureWindow:
    scans = tuple(ScanInstance(*scan) for scan in given["scans"])
    return ExposureWindow(b"", given["start"], given["report_type"], given["days_since_onset"], 0, scans)


def _told(windows: list[ExposureWindow]) -> Any:
    return [
        {
            "start": window.start,
            "seconds": window.seconds,
            "scans": [
                [scan.time, scan.seconds, scan.typical_attenuation, scan.minimum_attenuation] for scan in window.scans
            ],
        }
        for window in windows
    ]


def _windows(question: Question) -> Any:
    return _told(windows_of(b"", (Observation(*item) for item in question["observations"]), **_KEY))


def _foreign_windows(question: Question) -> Any:
    return _told(gaen_windows(b"", (ForeignSighting(*item) for item in question["sightings"]), **_KEY))


def _weight(question: Question) -> Any:
    rules: ExposureRules = _part(ExposureRules, question["rules"])
    window = _window_of(question["window"])
    return {
        "bands": [_BANDS[rules.band_of(attenuation_of(scan, rules))] for scan in window.scans],
        "duration": weighted_duration(window, rules),
        "level": rules.level_of(window.days_since_onset),
        "key_percent": rules.report_percent(window.report_type, window.days_since_onset),
        "score": weighted_score(window, rules),
    }


def _daily_summaries(question: Question) -> Any:
    rules = _part(ExposureRules, question["rules"])
    windows = [_window_of(window) for window in question["windows"]]
    return [
        {
            "day": item.day.isoformat(),
            "score": item.score,
            "maximum": item.maximum,
            "duration": item.duration,
            "seconds": item.seconds,
        }
        for item in daily_summaries(windows, rules, ZoneInfo(question["zone"]))
    ]


def _day_colours(question: Question) -> Any:
    """The colour of each day that has one, as specs/colour.md section 4 makes it of the day's score alone."""
    amounts: EncounterRules = _part(EncounterRules, question["encounters"])
    colours = {}
    for summary in _daily_summaries(question):
        if summary["score"] >= amounts.yellow_minutes_per_day * MINUTE_SCORE:
            red = summary["score"] >= amounts.red_minutes_per_day * MINUTE_SCORE and amounts.ceiling == "red"
            colours[summary["day"]] = "red" if red else "yellow"
    return colours


def _days_since_onset(question: Question) -> Any:
    onset = date.fromisoformat(question["onset"])
    return {"days": days_since_onset(question["interval"], onset, ZoneInfo(question["zone"]))}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "windows": _windows,
    "foreign_windows": _foreign_windows,
    "weight": _weight,
    "daily_summaries": _daily_summaries,
    "day_colours": _day_colours,
    "days_since_onset": _days_since_onset,
}
