"""Encounters: the windows of one local day, weighed and described. specs/colour.md section 4

- Windows of one day are added up, over all reported keys.
- Windows that start together at one source are one window: of a key published twice the heavier reading counts.
- More windows never make a day milder, and never end its stay earlier.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from ownhue.colour.evidence_facts import ClearanceFact
from ownhue.colour.facts import Facts
from ownhue.colour.pieces import (
    NEVER,
    PARTS,
    Group,
    Level,
    Piece,
    ScoreMeter,
    clearances_of,
    cleared_at,
    part_of_day,
)
from ownhue.colour.words import Colour, DistanceBand, PlaceWord, WhyNot, finding_id
from ownhue.exposure import (
    CENTISECOND_SCORE,
    MINUTE_SCORE,
    ExposureWindow,
    attenuation_of,
    weighted_score,
)
from ownhue.params import ReportType
from ownhue.rulebook import ExposureRules, Rulebook

_BANDS: tuple[DistanceBand, ...] = ("immediate", "near", "medium", "other")


def encounter_groups(rulebook: Rulebook, facts: Facts) -> Iterator[Group]:
    """The windows by local day, in order."""
    days: defaultdict[date, list[ExposureWindow]] = defaultdict(list)
    for window in sorted(set(facts.windows), key=_order):
        days[rulebook.local_date(window.start)].append(window)
    for day in sorted(days):
        yield _group(rulebook, facts, day, days[day])


def _group(rulebook: Rulebook, facts: Facts, day: date, windows: Iterable[ExposureWindow]) -> Group:
    name = finding_id(facts.salt, "encounter", day.isoformat())
    clearances = clearances_of(facts, name)
    rules = rulebook.encounters
    return Group(
        id=name,
        kind="encounter",
        day=day,
        notice_rule=None,
        levels=tuple(_levels(rulebook, day)),
        capped_at=NEVER if rules.ceiling == "red" else rules.red_minutes_per_day * MINUTE_SCORE,
        pieces=tuple(_piece(rulebook, facts, day, window, clearances) for window in windows),
        new_meter=ScoreMeter,
        describe=lambda pieces: _described(rulebook, heaviest(pieces)),
        place_of=lambda pieces: _place_word(heaviest(pieces)),
    )


def _levels(rulebook: Rulebook, day: date) -> Iterator[Level]:
    rules, stays = rulebook.encounters, rulebook.stays
    amounts = [(Colour.YELLOW, rules.yellow_minutes_per_day, stays.yellow_days)]
    if rules.ceiling == "red":
        amounts.append((Colour.RED, rules.red_minutes_per_day, stays.red_days))
    for colour, minutes, days in amounts:
        until = rulebook.end_of_day(day + timedelta(days=days))
        yield Level(colour, minutes * MINUTE_SCORE, f"encounters.{colour.word}_minutes_per_day", until)


def _piece(
    rulebook: Rulebook, facts: Facts, day: date, window: ExposureWindow, clearances: Iterable[ClearanceFact]
) -> Piece:
    score = weighted_score(window, rulebook.exposure)
    return Piece(
        fact=window,
        place=(window.source, window.start),
        weight=score,
        known_at=window.published_at,
        never=_never(rulebook, day, window, score),
        withdrawn_at=facts.withdrawn.get(window.source, NEVER),
        cleared_at=cleared_at(clearances, window.published_at),
    )


def _never(rulebook: Rulebook, day: date, window: ExposureWindow, score: int) -> WhyNot | None:
    """Why it can never count: the first reason that holds, in the order of the table in specs/colour.md section 5."""
    rules = rulebook.exposure
    reasons = (
        (window.report_type == ReportType.REVOKED, WhyNot.WITHDRAWN),
        ((rulebook.local_date(window.published_at) - day).days > rules.look_back_days, WhyNot.TOO_OLD),
        (not rules.counts_report_type(window.report_type), WhyNot.REPORT_TYPE),
        (rules.report_percent(window.report_type, window.days_since_onset) == 0, WhyNot.NOT_INFECTIOUS),
        (not any(rules.weights_percent[band] for band in _bands(rules, window)), WhyNot.TOO_FAR),
        (score < max(rules.minimum_window_score_percent * CENTISECOND_SCORE, 1), WhyNot.TOO_SHORT),
    )
    return next((why for holds, why in reasons if holds), None)


def heaviest(pieces: Iterable[Piece]) -> list[Piece]:
    """Of each place the heaviest piece, of equals the first."""
    best: dict[tuple[bytes | int, ...], Piece] = {}
    for piece in pieces:
        if piece.place not in best or piece.weight > best[piece.place].weight:
            best[piece.place] = piece
    return list(best.values())


def _described(rulebook: Rulebook, pieces: Iterable[Piece]) -> dict[str, Any]:
    """Minutes, seconds, and the part of day and the band that weigh most (of equals the earlier, the nearer)."""
    parts, bands = _Totals(), _Totals()
    rules, score, seconds = rulebook.exposure, 0, 0
    for piece in pieces:
        window: ExposureWindow = piece.fact
        parts.add(part_of_day(rulebook, window.start), piece.weight, window.seconds)
        for scan, band in zip(window.scans, _bands(rules, window), strict=True):
            bands.add(band, scan.seconds * rules.weights_percent[band], scan.seconds)
        score += piece.weight
        seconds += window.seconds
    return {
        "part_of_day": PARTS[parts.most()],
        "minutes": score // MINUTE_SCORE,
        "seconds": seconds,
        "distance_band": _BANDS[bands.most()],
    }


def _bands(rules: ExposureRules, window: ExposureWindow) -> list[int]:
    """The number of the band of each scan."""
    return [rules.band_of(attenuation_of(scan, rules)) for scan in window.scans]


class _Totals:
    """Weights and seconds by number; a number that nothing was added to can never be the one that weighs most."""

    def __init__(self) -> None:
        self._totals: dict[int, tuple[int, int]] = {}

    def add(self, number: int, weight: int, seconds: int) -> None:
        """Add to one number."""
        before = self._totals.get(number, (0, 0))
        self._totals[number] = before[0] + weight, before[1] + seconds

    def most(self) -> int:
        """The number with the most weight, of equals with the most seconds, of equals the least."""
        return max(sorted(self._totals), key=self._totals.__getitem__)


def _place_word(pieces: Sequence[Piece]) -> PlaceWord:
    confirmed = [piece.fact.place_confirmed for piece in pieces]
    return "confirmed" if all(confirmed) else "partly" if any(confirmed) else "unconfirmed"


def _order(window: ExposureWindow) -> tuple[Any, ...]:
    """An order of windows that does not depend on how they were found; of equal ones the confirmed first."""
    onset = -1001 if window.days_since_onset is None else window.days_since_onset
    marks = (not window.place_confirmed, window.calibration_confidence)
    return (window.start, window.source, window.published_at, window.report_type, onset, window.scans, *marks)
