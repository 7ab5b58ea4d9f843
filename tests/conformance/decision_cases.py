"""The decisions of specs/vectors/colour.json: facts, and colour, times, reasons and what was not counted, by hand."""

from datetime import date
from typing import NamedTuple

from ownhue.colour import CertificateFact, ClearanceFact, Facts, OwnResult
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.protocol.colour_cases import (
    area,
    at,
    encounter,
    facts,
    key,
    negative,
    recovery,
    result,
    uncapped,
    vaccination,
    venue,
)


class DecisionCase(NamedTuple):
    """Facts, and what they make."""

    name: str
    facts: Facts
    now: int
    colour: str
    until: int | None = None
    since: int | None = None
    """None: not foretold (grey has none)."""
    reasons: tuple[tuple[str, str, int | None], ...] = ()
    """Kind, colour, minutes."""
    not_counted: tuple[tuple[str, str], ...] = ()
    """Kind, why."""
    rulebook: str | Rulebook | None = "demonstration"


NOW, LATER, LAST = at(8, "09:00:00"), at(10, "09:00:00"), at(12, "23:59:59")
NOON = at(7, "12:00:00")
MORNING = encounter(at(5, "09:00:00"), 20)
HOUR = (encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30))
TESTED = result(7, at(7, "10:00:00"))
TOO_LATE = OwnResult(ReportType.CONFIRMED_TEST, date(2025, 12, 1), at(7, "10:00:00"))
WITHDRAWN = result(7, at(7, "10:00:00"), at(8, "07:00:00"))
#: The id of MORNING's finding: SHA-256("OWNHUE-FINDING" || CBOR [salt, "encounter", "2026-01-05"]), computed by hand.
MORNING_ID = "0c54aa38e7fe6049"

YELLOW = ("encounter", "yellow", 20)
ENCOUNTERS = [
    DecisionCase("nothing happened", facts(), NOW, "green", since=at(1)),
    DecisionCase("20 minutes face to face", facts(MORNING), NOW, "yellow", LAST, NOON, (YELLOW,)),
    DecisionCase(
        "15 minutes of two people on one day",
        facts(encounter(at(5, "09:00:00"), 8), encounter(at(5, "18:00:00"), 7, source=key(2), place_confirmed=True)),
        NOW,
        "yellow",
        LAST,
        NOON,
        (("encounter", "yellow", 15),),
    ),
    DecisionCase(
        "14 minutes",
        facts(encounter(at(5, "09:00:00"), 14, place_confirmed=True)),
        NOW,
        "green",
        not_counted=(("encounter", "below threshold"),),
    ),
    DecisionCase(
        "two windows of 10 minutes around midnight",
        facts(encounter(at(5, "23:50:00"), 10), encounter(at(6, "00:00:00"), 10)),
        NOW,
        "green",
        not_counted=(("encounter", "below threshold"), ("encounter", "below threshold")),
    ),
    DecisionCase(
        "30 minutes at 65 dB weigh 12",
        facts(encounter(at(5, "09:00:00"), 30, attenuation=65)),
        NOW,
        "green",
        not_counted=(("encounter", "below threshold"),),
    ),
    DecisionCase("an hour, with a ceiling", facts(*HOUR), NOW, "yellow", LAST, NOON, (("encounter", "yellow", 60),)),
    DecisionCase(
        "an hour, without a ceiling",
        facts(*HOUR),
        NOW,
        "red",
        at(19, "23:59:59"),
        NOON,
        (("encounter", "red", 60),),
        rulebook="without-ceilings",
    ),
    DecisionCase(
        "a withdrawn key",
        facts(MORNING, withdrawn={key(1): NOW - 60}),
        NOW,
        "green",
        since=NOW - 60,
        not_counted=(("encounter", "withdrawn"),),
    ),
    DecisionCase(
        "two readings of one window, both without weight",
        facts(
            encounter(at(5, "09:00:00"), 3, report_type=ReportType.RECURSIVE, published_at=at(7, "14:00:00")),
            encounter(at(5, "09:00:00"), 5, report_type=ReportType.SELF_REPORT),
        ),
        NOW,
        "green",
        not_counted=(("encounter", "report type does not count"),),
    ),
    DecisionCase("not published yet", facts(MORNING), NOON - 1, "green", since=at(1)),
    DecisionCase("last second of a stay", facts(MORNING), LAST, "yellow", LAST, NOON, (YELLOW,)),
]

OWN_RESULTS = [
    DecisionCase(
        "an own result",
        facts(results=(TESTED,)),
        NOW,
        "red",
        at(21, "23:59:59"),
        at(7, "10:00:00"),
        (("own_result", "red", None),),
    ),
    DecisionCase(
        "a withdrawn result",
        facts(results=(WITHDRAWN,)),
        NOW,
        "green",
        since=at(8, "07:00:00"),
        not_counted=(("own_result", "withdrawn"),),
    ),
    DecisionCase(
        "a result of a test that is dated ahead",
        facts(results=(OwnResult(ReportType.CONFIRMED_TEST, date(2100, 12, 31), at(7, "10:00:00")),)),
        NOW,
        "red",
        at(22, "23:59:59"),
        at(7, "10:00:00"),
        (("own_result", "red", None),),
    ),
    DecisionCase(
        "a result learned after its end",
        facts(results=(TOO_LATE,)),
        NOW,
        "green",
        since=at(1),
        not_counted=(("own_result", "stay is over"),),
    ),
]

GREY = [
    DecisionCase("stay over, data old", facts(MORNING), at(13), "grey", not_counted=(("encounter", "stay is over"),)),
    DecisionCase("stay running, data old", facts(MORNING), LATER, "yellow", LAST, NOON, (YELLOW,)),
    DecisionCase("data old", facts(), LATER, "grey"),
    DecisionCase("no data, radio off", facts(published_until=None, radio=49), NOW, "grey"),
    DecisionCase("no rulebook", facts(MORNING), NOW, "grey", rulebook=None),
]

_RED_VENUES = uncapped().model_copy(
    update={"venues": {"ward": uncapped().venues["indoor"].model_copy(update={"colour": "red"})}}
)
NOTICES = [
    DecisionCase(
        "15 minutes at a venue, in two hours with a notice each",
        facts(venues=(venue(at(5, "09:50:00"), 10), venue(at(5, "10:00:00"), 5, source=key(102)))),
        NOW,
        "yellow",
        LAST,
        NOON,
        (("venue", "yellow", 15),),
    ),
    DecisionCase(
        "one notice twice is one visit",
        facts(venues=(venue(at(5, "09:00:00"), 10), venue(at(5, "09:00:00"), 10, published_at=at(8)))),
        NOW,
        "green",
        not_counted=(("venue", "below threshold"),),
    ),
    DecisionCase(
        "a venue rule that makes red",
        facts(venues=(venue(at(5, "09:00:00"), 15, rule="ward"),)),
        NOW,
        "red",
        at(19, "23:59:59"),
        NOON,
        (("venue", "red", 15),),
        rulebook=_RED_VENUES,
    ),
    DecisionCase(
        "venues that do not count",
        facts(
            venues=(
                venue(at(5, "09:00:00"), 60, contradicted=True),
                venue(at(5, "12:00:00"), 60, rule="unheard-of"),
                venue(at(6, "09:00:00"), 60, source=key(102)),
            ),
            withdrawn={key(102): at(8)},
        ),
        NOW,
        "green",
        since=at(8),
        not_counted=(
            ("venue", "own location says otherwise"),
            ("venue", "rule not in the rulebook"),
            ("venue", "withdrawn"),
        ),
    ),
    DecisionCase(
        "an hour in an area",
        facts(areas=(area(at(5, "09:00:00"), 60),)),
        NOW,
        "yellow",
        LAST,
        NOON,
        (("area", "yellow", 60),),
    ),
    DecisionCase(
        "the area notice asks for more than the rulebook",
        facts(areas=(area(at(5, "09:00:00"), 60, least=61),)),
        NOW,
        "green",
        not_counted=(("area", "below threshold"),),
    ),
    DecisionCase(
        "two area notices are not added up",
        facts(areas=(area(at(5, "09:00:00"), 40), area(at(5, "09:40:00"), 40, source=b"\2" * 32))),
        NOW,
        "green",
        not_counted=(("area", "below threshold"),),
    ),
    DecisionCase(
        "I was not there",
        facts(areas=(area(at(5, "09:00:00"), 60, denied_at=at(8)),)),
        NOW,
        "green",
        since=at(8),
        not_counted=(("area", "I was not there"),),
    ),
]

FRESH = at(12)


def _ended(name: str, certificate: CertificateFact, now: int, colour: str, **more: object) -> DecisionCase:
    known = facts(MORNING, certificates=(certificate,), published_until=FRESH)
    return DecisionCase(name, known, now, colour, **more)  # type: ignore[arg-type]


_STILL = {"until": LAST, "since": NOON, "reasons": (YELLOW,)}
EXITS = [
    _ended(
        "ended by a negative PCR test of the fifth day",
        negative(at(10, "08:00:00"), at(11, "10:00:00")),
        at(11, "10:00:00"),
        "green",
        since=at(11, "10:00:00"),
        not_counted=(("encounter", "ended by certificate"),),
    ),
    _ended("a second before the phone learned of it", negative(at(10), at(11)), at(11) - 1, "yellow", **_STILL),
    _ended(
        "sampled a second before the fifth day",
        negative(at(10) - 1, at(11)),
        FRESH,
        "yellow",
        not_counted=(("certificate", "nothing for it to end"),),
        **_STILL,
    ),
    _ended(
        "a rapid test, where the rule wants a PCR test",
        negative(at(10), at(11), test_kind="rat"),
        FRESH,
        "yellow",
        not_counted=(("certificate", "nothing for it to end"),),
        **_STILL,
    ),
    _ended(
        "vaccinated thirty days before",
        vaccination(at(5, "12:00:00") - 30 * 86_400, at(2)),
        FRESH,
        "green",
        since=at(1),
        not_counted=(("encounter", "ended by certificate"),),
    ),
    _ended(
        "vaccinated in part",
        vaccination(at(5, "12:00:00") - 30 * 86_400, at(2), complete=False),
        FRESH,
        "yellow",
        not_counted=(("certificate", "vaccination not complete"),),
        **_STILL,
    ),
    _ended(
        "expired after the moment of exit",
        negative(at(10), at(11), valid_until=at(11)),
        FRESH,
        "green",
        since=at(11),
        not_counted=(("encounter", "ended by certificate"),),
    ),
    _ended(
        "expired before the phone learned of it",
        negative(at(10), at(11), valid_until=at(11) - 1),
        FRESH,
        "yellow",
        not_counted=(("certificate", "certificate expired"),),
        **_STILL,
    ),
    _ended(
        "revoked after the moment of exit",
        recovery(at(5, "12:00:00") - 30 * 86_400, at(9), revoked_at=at(11)),
        FRESH,
        "yellow",
        until=LAST,
        since=at(11),
        reasons=(YELLOW,),
        not_counted=(("certificate", "certificate revoked"),),
    ),
    DecisionCase(
        "an own result, ended by a test of the seventh day",
        facts(results=(TESTED,), certificates=(negative(at(14), at(15)),), published_until=at(15)),
        at(15),
        "green",
        since=at(15),
        not_counted=(("own_result", "ended by certificate"),),
    ),
    DecisionCase(
        "evidence that came after the certificate had expired counts anew",
        facts(
            MORNING,
            encounter(at(5, "15:00:00"), 16, source=key(2), published_at=at(11, "12:00:00")),
            certificates=(negative(at(10), at(11), valid_until=at(11, "11:00:00")),),
            published_until=FRESH,
        ),
        FRESH,
        "yellow",
        LAST,
        at(11, "12:00:00"),
        (("encounter", "yellow", 16),),
        (("encounter", "ended by certificate"),),
    ),
]

CLEARANCES = [
    DecisionCase(
        "cleared by the authority",
        facts(MORNING, clearances=(ClearanceFact(MORNING_ID, NOON, at(8)),)),
        NOW,
        "green",
        since=at(8),
        not_counted=(("encounter", "cleared by the authority"),),
    ),
    DecisionCase(
        "a clearance made before the evidence was published",
        facts(MORNING, clearances=(ClearanceFact(MORNING_ID, NOON - 1, at(8)),)),
        NOW,
        "yellow",
        LAST,
        NOON,
        (YELLOW,),
        (("clearance", "nothing for it to end"),),
    ),
]

#: Face to face in the afternoon, for no second.
GLIMPSE = ExposureWindow(key(1), at(5, "15:00:00"), 1, 0, NOON, (ScanInstance(at(5, "15:00:00"), 0, 50, 50),), 0)
LIGHTER = encounter(at(5, "09:00:00"), 16, published_at=at(9))
AFTERNOON = encounter(at(5, "15:00:00"), 10, source=key(2), published_at=at(11, "12:00:00"))
READINGS = negative(at(10), at(11), valid_until=at(11)), negative(at(10), at(11, "01:00:00"))
_TWO_EXITS = demonstration_rulebook().exits[0].model_copy(update={"name": "from-red", "colours": ("red",)})
_FROM_YELLOW = _TWO_EXITS.model_copy(update={"name": "from-yellow", "colours": ("yellow",), "test_kinds": ("rat",)})
TOLD = [
    DecisionCase("a window of no seconds", facts(GLIMPSE), NOW, "green", not_counted=(("encounter", "too short"),)),
    DecisionCase(
        "two certificates that end one colour each",
        facts(
            *HOUR,
            certificates=(negative(at(10), at(11)), negative(at(10), at(11), number=2, test_kind="rat")),
            published_until=FRESH,
        ),
        FRESH,
        "green",
        since=at(11),
        not_counted=(("encounter", "ended by certificate"), ("encounter", "ended by certificate")),
        rulebook=uncapped().model_copy(update={"exits": (_TWO_EXITS, _FROM_YELLOW)}),
    ),
    DecisionCase(
        "two readings of one certificate are one exit",
        facts(MORNING, AFTERNOON, certificates=READINGS, published_until=FRESH),
        FRESH,
        "green",
        since=at(11),
        not_counted=(("encounter", "ended by certificate"),),
    ),
    DecisionCase(
        "two readings of one certificate, the second revoked",
        facts(
            MORNING,
            certificates=(negative(at(10), at(11)), negative(at(10), at(11), revoked_at=at(11))),
            published_until=FRESH,
        ),
        FRESH,
        "green",
        since=at(11),
        not_counted=(("encounter", "ended by certificate"), ("certificate", "certificate revoked")),
    ),
    DecisionCase(
        "the heavier of two readings of a window, cleared",
        facts(MORNING, LIGHTER, clearances=(ClearanceFact(MORNING_ID, at(8), at(9)),), published_until=FRESH),
        FRESH,
        "yellow",
        LAST,
        NOON,
        (("encounter", "yellow", 16),),
    ),
]

CASES = [*ENCOUNTERS, *OWN_RESULTS, *GREY, *NOTICES, *EXITS, *CLEARANCES, *TOLD]
