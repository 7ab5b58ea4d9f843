"""Rules, windows and published test cases for the vectors of specs/exposure.md."""

from typing import Any

from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.protocol.rulebook_cases import content

START = 1767585600  # 2026-01-05 12:00:00 in Shanghai
NOTHING = {"standard": 0, "high": 0}

#: "Narrower Net v1" of the Linux Foundation Public Health for distances; kinds of report as in these vectors only.
NARROWER: dict[str, Any] = content()["exposure"] | {
    "weights_percent": [150, 100, 40, 0],
    "weights_by_report_percent": {
        "confirmed_test": {"standard": 30, "high": 100},
        "confirmed_clinical": {"standard": 24, "high": 80},
        "self_report": {"standard": 15, "high": 50},
        "recursive": NOTHING,
    },
}
assert demonstration_rulebook().exposure.thresholds_db == (55, 63, 70)

#: The Corona-Warn-App's published settings as a rulebook says them. specs/exposure.md section 9
CWA_RULES: dict[str, Any] = content()["exposure"] | {
    "attenuation": "minimum",
    "thresholds_db": [62, 72, 78],
    "weights_percent": [80, 100, 10, 0],
    "infectiousness": ["standard"] * 14 + ["high"] * 15,
    "weights_by_report_percent": {
        "confirmed_test": {"standard": 140, "high": 160},
        "confirmed_clinical": {"standard": 100, "high": 120},
        "self_report": {"standard": 60, "high": 80},
        "recursive": NOTHING,
    },
}
CWA_ENCOUNTERS = {"yellow_minutes_per_day": 5, "red_minutes_per_day": 9, "ceiling": "red"}
STANDARD, HIGH = -3, 0

Scan = tuple[int, int, int]
Window = tuple[int, int, int, list[Scan]]

#: Numbers of exposure-windows-risk-calculation.json in corona-warn-app/cwa-app-android, retyped: days ago, report
#: type, a day of its infectiousness, scans as (seconds, typical, minimum); then the level of each day (low: yellow).
#: Its window without a scan is left out (specs/exposure.md section 9).
CWA_CASES: list[tuple[str, list[Window], dict[int, str]]] = [
    ("just under ten minutes", [(1, 2, HIGH, [(300, 25, 30), (299, 25, 30)])], {1: "red"}),
    ("far away for long", [(1, 2, HIGH, [(3000, 25, 73)])], {1: "yellow"}),
    ("a transmission risk level that counts nothing", [(1, 4, HIGH, [(300, 25, 30), (300, 25, 30)])], {}),
    ("under five minutes", [(1, 2, STANDARD, [(290, 25, 65)])], {}),
    ("under nine minutes", [(1, 2, STANDARD, [(530, 25, 65)])], {1: "yellow"}),
    (
        "a day with a level and one without",
        [(2, 2, STANDARD, [(290, 25, 65)]), (3, 2, STANDARD, [(300, 25, 65)])],
        {3: "yellow"},
    ),
    (
        "two windows of one level of risk",
        [(1, 2, STANDARD, [(300, 25, 65)]), (1, 2, STANDARD, [(300, 25, 65)])],
        {1: "red"},
    ),
    (
        "two windows of two levels of risk",
        [(1, 2, STANDARD, [(300, 25, 65)]), (1, 2, HIGH, [(300, 25, 65)])],
        {1: "red"},
    ),
    ("three low windows make a high day", [(1, 3, STANDARD, [(300, 25, 30), (300, 25, 30)])] * 3, {1: "red"}),
    ("two equal high windows", [(1, 1, HIGH, [(420, 25, 30), (420, 25, 30)])] * 2, {1: "red"}),
    (
        "two high windows of two levels of risk",
        [(1, 1, HIGH, [(420, 25, 30), (420, 25, 30)]), (1, 1, STANDARD, [(420, 25, 30), (420, 25, 30)])],
        {1: "red"},
    ),
    (
        "a low day and a high day",
        [(2, 2, STANDARD, [(300, 25, 65)]), (1, 1, HIGH, [(420, 25, 30), (420, 25, 30)])],
        {2: "yellow", 1: "red"},
    ),
    ("a scan of no seconds", [(1, 2, STANDARD, [(0, 25, 70), (300, 25, 70), (300, 25, 70)])], {1: "red"}),
    (
        "EXPOSUREAPP-12211: exactly nine minutes",
        [(1, 2, HIGH, [(300, 76, 73)]), (1, 2, HIGH, [(240, 74, 72)]), (1, 2, HIGH, [(180, 71, 70)])],
        {1: "red"},
    ),
]


def window(start: int, report_type: int, onset: int | None, scans: list[list[int]]) -> dict[str, Any]:
    """A window as a question spells it."""
    return {"start": start, "report_type": report_type, "days_since_onset": onset, "scans": scans}


def cwa_windows(windows: list[Window]) -> list[dict[str, Any]]:
    """The windows of a case, late in the morning of their days by UTC; today is 20 January 2026."""
    today = 1768906800
    return [
        window(
            today - 86_400 * ago,
            report_type,
            onset,
            [[today - 86_400 * ago + index, *scan] for index, scan in enumerate(scans)],
        )
        for ago, report_type, onset, scans in windows
    ]
