"""Encounters: the windows of one local day, and the finding they make. specs/colour.md section 4

- Windows of one day are added up, over all reported keys.
- Windows that start together at one source are one window: of a key published twice the heavier reading counts.
- More windows never make a day milder, and never end its stay earlier.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from ownhue.decision import Colour, DistanceBand, Finding, NotCounted, PartOfDay, WhyNot, finding_id
from ownhue.exposure import (
    CENTISECOND_SCORE,
    MINUTE_SCORE,
    ExposureWindow,
    attenuation_of,
    weighted_score,
)
from ownhue.facts import Facts
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook

_PARTS: tuple[PartOfDay, ...] = ("night", "morning", "afternoon", "evening")
_BANDS: tuple[DistanceBand, ...] = ("immediate", "near", "medium", "other")


class WeighedWindow(NamedTuple):
    """A window under a rulebook."""

    window: ExposureWindow
    day: date
    """Local day on which it begins."""
    score: int
    """Weighted time in 10^-6 s."""
    why: WhyNot | None
    """Why it does not count; None where it counts."""


def days_of(rulebook: Rulebook, facts: Facts, now: int) -> list[tuple[date, list[WeighedWindow]]]:
    """The windows that were known at *now*, weighed, by local day."""
    days: defaultdict[date, list[WeighedWindow]] = defaultdict(list)
    for window in sorted(set(facts.windows), key=_order):
        if window.published_at <= now:
            weighed = _weighed(rulebook, facts, now, window)
            days[weighed.day].append(weighed)
    return sorted(days.items())


def day_finding(rulebook: Rulebook, salt: bytes, group: Sequence[WeighedWindow]) -> Finding | None:
    """What the counted windows of one day make, also where its stay is over; None below the threshold."""
    rules = rulebook.encounters
    yellow_at = _reached(group, rules.yellow_minutes_per_day)
    red_at = _reached(group, rules.red_minutes_per_day)
    if yellow_at is None:
        return None
    if red_at is None or rules.ceiling != "red":
        colour, learned_at, minutes, stay = Colour.YELLOW, yellow_at, rules.yellow_minutes_per_day, "yellow_days"
    else:
        colour, learned_at, minutes, stay = Colour.RED, red_at, rules.red_minutes_per_day, "red_days"
    counted = _counted(group)
    day = counted[0].day
    return Finding(
        id=finding_id(salt, "encounter", day.isoformat()),
        kind="encounter",
        colour=colour,
        rule=f"encounters.{colour.word}_minutes_per_day",
        day=day,
        share_percent=_share(counted, minutes),
        capped=red_at is not None and colour is Colour.YELLOW,
        learned_at=learned_at,
        until=rulebook.end_of_day(day + timedelta(days=getattr(rulebook.stays, stay))),
        **_described(rulebook, counted),
    )


def left_out(rulebook: Rulebook, salt: bytes, group: Sequence[WeighedWindow]) -> Iterator[NotCounted]:
    """One entry for each reason for which windows of this day do not count."""
    taken = {_place(item) for item in group if item.why is None}
    for why in WhyNot:
        dropped = [item for item in group if item.why is why and _place(item) not in taken]
        if dropped:
            yield _not_counted(rulebook, salt, why, _once(dropped), None)


def counted_in_vain(rulebook: Rulebook, salt: bytes, group: Sequence[WeighedWindow], why: WhyNot) -> NotCounted:
    """The entry of a day whose counted windows make no colour (below the threshold, or its stay is over)."""
    counted = _counted(group)
    share = _share(counted, rulebook.encounters.yellow_minutes_per_day)
    return _not_counted(rulebook, salt, why, counted, share)


def _place(item: WeighedWindow) -> tuple[bytes, int]:
    return item.window.source, item.window.start


def _once(items: Iterable[WeighedWindow]) -> list[WeighedWindow]:
    """Of each source and start the heaviest window."""
    best: dict[tuple[bytes, int], WeighedWindow] = {}
    for item in items:
        place = _place(item)
        if place not in best or item.score > best[place].score:
            best[place] = item
    return list(best.values())


def _counted(group: Iterable[WeighedWindow]) -> list[WeighedWindow]:
    return _once(item for item in group if item.why is None)


def _weighed(rulebook: Rulebook, facts: Facts, now: int, window: ExposureWindow) -> WeighedWindow:
    day = rulebook.local_date(window.start)
    score = weighted_score(window, rulebook.exposure)
    return WeighedWindow(window, day, score, _why_not(rulebook, facts, now, window, score))


def _why_not(rulebook: Rulebook, facts: Facts, now: int, window: ExposureWindow, score: int) -> WhyNot | None:
    """The first reason that holds, in the order of the table in specs/colour.md section 5."""
    rules = rulebook.exposure
    days_until_known = (rulebook.local_date(window.published_at) - rulebook.local_date(window.start)).days
    reasons = (
        (facts.withdrawn.get(window.source, now + 1) <= now, WhyNot.WITHDRAWN),
        (window.report_type == ReportType.REVOKED, WhyNot.WITHDRAWN),
        (days_until_known > rules.look_back_days, WhyNot.TOO_OLD),
        (rules.report_type_percent(window.report_type) == 0, WhyNot.REPORT_TYPE),
        (rules.infectiousness_percent(window.days_since_onset) == 0, WhyNot.NOT_INFECTIOUS),
        (score == 0, WhyNot.TOO_FAR),
        (score < rules.minimum_window_score_percent * CENTISECOND_SCORE, WhyNot.TOO_SHORT),
    )
    return next((why for holds, why in reasons if holds), None)


def _reached(group: Iterable[WeighedWindow], minutes: int) -> int | None:
    """When the windows published by then first filled *minutes* of the day; None if they do not."""
    best: dict[tuple[bytes, int], int] = {}
    total = 0
    for item in sorted((item for item in group if item.why is None), key=lambda item: item.window.published_at):
        gain = max(item.score - best.get(_place(item), 0), 0)
        best[_place(item)] = best.get(_place(item), 0) + gain
        total += gain
        if total >= minutes * MINUTE_SCORE:
            return item.window.published_at
    return None


def _share(counted: Iterable[WeighedWindow], minutes: int) -> int:
    return 100 * sum(item.score for item in counted) // (minutes * MINUTE_SCORE)


def _not_counted(
    rulebook: Rulebook, salt: bytes, why: WhyNot, group: Sequence[WeighedWindow], share: int | None
) -> NotCounted:
    day = group[0].day
    name = finding_id(salt, "encounter", day.isoformat())
    described = _described(rulebook, group)
    return NotCounted(kind="encounter", day=day, why=why, finding=name, share_percent=share, **described)


def _described(rulebook: Rulebook, group: Iterable[WeighedWindow]) -> dict[str, Any]:
    """Minutes, seconds, and the part of day and the band that weigh most (of equals the earlier, the nearer)."""
    parts, bands = [(0, 0)] * len(_PARTS), [(0, 0)] * len(_BANDS)
    rules, score, seconds = rulebook.exposure, 0, 0
    for item in group:
        hour = datetime.fromtimestamp(item.window.start, rulebook.zone_info).hour
        parts[hour // 6] = _plus(parts[hour // 6], item.score, item.window.seconds)
        for scan in item.window.scans:
            band = rules.band_of(attenuation_of(scan, rules))
            bands[band] = _plus(bands[band], scan.seconds * rules.weights_percent[band], scan.seconds)
        score += item.score
        seconds += item.window.seconds
    return {
        "part_of_day": _PARTS[parts.index(max(parts))],
        "minutes": score // MINUTE_SCORE,
        "seconds": seconds,
        "distance_band": _BANDS[bands.index(max(bands))],
    }


def _plus(total: tuple[int, int], weight: int, seconds: int) -> tuple[int, int]:
    return total[0] + weight, total[1] + seconds


def _order(window: ExposureWindow) -> tuple[Any, ...]:
    """An order of windows that does not depend on how they were found."""
    onset = -1000 if window.days_since_onset is None else window.days_since_onset
    return (window.start, window.source, window.published_at, window.report_type, onset, window.scans)
