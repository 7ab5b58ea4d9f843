"""Writes what specs/ holds of the rulebook and of decisions. A test compares the committed files with it.

    python -m tests.conformance.generate_colour

Colour and end of every case are written here by hand; the generator refuses to write a case that comes out otherwise.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from ownhue.colour import Facts, OwnResult, decide
from ownhue.decision import decision_bytes
from ownhue.demonstration import demonstration_rulebook, without_ceilings
from ownhue.encoding import canonical_json
from ownhue.facts import facts_bytes
from ownhue.params import ReportType
from ownhue.rulebook import rulebook_bytes, rulebook_schema
from tests.protocol.colour_cases import at, encounter, facts, key, result
from tests.shared import SPECS

BOOKS = {"demonstration": demonstration_rulebook(), "without-ceilings": without_ceilings(), None: None}


class Case(NamedTuple):
    """Facts, and what they make."""

    name: str
    rulebook: str | None
    facts: Facts
    now: int
    colour: str
    until: int | None


MORNING = encounter(at(5, "09:00:00"), 20)
HOUR = (encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30))
TESTED = result(7, at(7, "10:00:00"))
TOO_LATE = OwnResult(ReportType.CONFIRMED_TEST, date(2025, 12, 1), at(7, "10:00:00"))
WITHDRAWN = result(7, at(7, "10:00:00"), at(8, "07:00:00"))
NOW, LATER = at(8, "09:00:00"), at(10, "09:00:00")

CASES = [
    Case("nothing happened", "demonstration", facts(), NOW, "green", None),
    Case("20 minutes face to face", "demonstration", facts(MORNING), NOW, "yellow", at(12, "23:59:59")),
    Case(
        "15 minutes of two people on one day",
        "demonstration",
        facts(encounter(at(5, "09:00:00"), 8), encounter(at(5, "18:00:00"), 7, source=key(2))),
        NOW,
        "yellow",
        at(12, "23:59:59"),
    ),
    Case("14 minutes", "demonstration", facts(encounter(at(5, "09:00:00"), 14)), NOW, "green", None),
    Case(
        "two windows of 10 minutes around midnight",
        "demonstration",
        facts(encounter(at(5, "23:50:00"), 10), encounter(at(6, "00:00:00"), 10)),
        NOW,
        "green",
        None,
    ),
    Case(
        "30 minutes at 65 dB weigh 12",
        "demonstration",
        facts(encounter(at(5, "09:00:00"), 30, attenuation=65)),
        NOW,
        "green",
        None,
    ),
    Case("an hour, with a ceiling", "demonstration", facts(*HOUR), NOW, "yellow", at(12, "23:59:59")),
    Case("an hour, without a ceiling", "without-ceilings", facts(*HOUR), NOW, "red", at(19, "23:59:59")),
    Case("an own result", "demonstration", facts(results=(TESTED,)), NOW, "red", at(21, "23:59:59")),
    Case("a withdrawn result", "demonstration", facts(results=(WITHDRAWN,)), NOW, "green", None),
    Case("a withdrawn key", "demonstration", facts(MORNING, withdrawn={key(1): NOW - 60}), NOW, "green", None),
    Case(
        "two readings of one window, both without weight",
        "demonstration",
        facts(
            encounter(at(5, "09:00:00"), 3, report_type=ReportType.RECURSIVE, published_at=at(7, "14:00:00")),
            encounter(at(5, "09:00:00"), 5, report_type=ReportType.SELF_REPORT),
        ),
        NOW,
        "green",
        None,
    ),
    Case("a result learned after its end", "demonstration", facts(results=(TOO_LATE,)), NOW, "green", None),
    Case("not published yet", "demonstration", facts(MORNING), at(7, "11:59:59"), "green", None),
    Case("last second of a stay", "demonstration", facts(MORNING), at(12, "23:59:59"), "yellow", at(12, "23:59:59")),
    Case("stay over, data old", "demonstration", facts(MORNING), at(13), "grey", None),
    Case("stay running, data old", "demonstration", facts(MORNING), LATER, "yellow", at(12, "23:59:59")),
    Case("data old", "demonstration", facts(), LATER, "grey", None),
    Case("no data, radio off", "demonstration", facts(published_until=None, radio=49), NOW, "grey", None),
    Case("no rulebook", None, facts(MORNING), NOW, "grey", None),
]


def _turned(text: str, field: str) -> str:
    content = json.loads(text)
    content[field].reverse()
    return canonical_json(content).decode()


INVALID: dict[str, Callable[[str], str]] = {
    "salt of 15 bytes": lambda text: text.replace(facts().salt.hex(), "00" * 15),
    "windows not in order": lambda text: _turned(text, "windows"),
    "a field too many": lambda text: text.replace('{"format"', '{"colour":"green","format"', 1),
    "a negative attenuation": lambda text: text.replace(",50,50]", ",50,-50]", 1),
    "a test in the year 9999": lambda text: text.replace(
        '"results":[]',
        '"results":[{"learned_at":1767744000,"report_type":1,"tested_on":"9999-12-31","withdrawn_at":null}]',
    ),
    "a share of 101 percent": lambda text: text.replace('"radio_share_percent":97', '"radio_share_percent":101'),
    "white space": lambda text: text.replace(":", ": ", 1),
}


def colour_vectors() -> dict[str, Any]:
    """What specs/vectors/colour.json holds."""
    valid = facts_bytes(facts(*HOUR)).decode()
    return {
        "about": "Facts and the decision they make. Rulebooks: specs/rulebooks/<rulebook>.json. See specs/colour.md.",
        "cases": [_case(case) for case in CASES],
        "invalid_facts": [{"name": name, "text": spoil(valid)} for name, spoil in INVALID.items()],
    }


def _case(case: Case) -> dict[str, Any]:
    decision = decide(BOOKS[case.rulebook], case.facts, case.now)
    if (decision.colour.word, decision.until) != (case.colour, case.until):
        raise SystemExit(f"{case.name}: {decision.colour.word} until {decision.until}")
    return {
        "name": case.name,
        "rulebook": case.rulebook,
        "facts": json.loads(facts_bytes(case.facts)),
        "now": case.now,
        "decision": json.loads(decision_bytes(decision)),
        "decision_digest": decision.digest,
    }


def files() -> dict[str, bytes]:
    """Every generated file: path below specs/ -> content."""
    return {
        "vectors/colour.json": _pretty(colour_vectors()),
        "rulebook.schema.json": _pretty(rulebook_schema()),
        "rulebooks/demonstration.json": rulebook_bytes(demonstration_rulebook()),
        "rulebooks/without-ceilings.json": rulebook_bytes(without_ceilings()),
    }


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    for name, content in files().items():
        (SPECS / name).write_bytes(content)
