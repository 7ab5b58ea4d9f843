"""The files of specs/vectors/facts.json: one with everything, and what must be refused."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ownhue.colour import ClearanceFact, Facts
from ownhue.colour.facts import facts_bytes
from ownhue.encoding import canonical_json
from tests.conformance.expected import Case, bad, good
from tests.protocol.colour_cases import area, at, encounter, facts, key, negative, recovery, result, vaccination, venue

EVERYTHING = facts(
    encounter(at(5, "09:00:00"), 3),
    encounter(at(5, "18:00:00"), 2, source=key(2), days_since_onset=None, place_confirmed=True),
    results=(result(7, at(7)), result(6, at(7), at(8))),
    withdrawn={key(2): at(8), key(1): at(9)},
    venues=(venue(at(5), 15), venue(at(6), 15, contradicted=True)),
    areas=(area(at(5), 60), area(at(6), 60, denied_at=at(8))),
    certificates=(negative(at(10), at(11)), recovery(at(2), at(3), revoked_at=at(9)), vaccination(at(1), at(3))),
    clearances=(ClearanceFact("0c54aa38e7fe6049", at(8), at(9)),),
)
LISTS = ("areas", "certificates", "clearances", "results", "venues", "windows")


def facts_cases() -> list[Case]:
    """Every case."""
    return [_valid("nothing", facts()), _valid("everything", EVERYTHING), *_refused()]


def _valid(name: str, known: Facts) -> Case:
    text = facts_bytes(known).decode()
    content = json.loads(text)
    counts = {field: len(content[field]) for field in (*LISTS, "withdrawn")}
    return good(name, "parse_facts", {"digest": hashlib.sha256(text.encode()).hexdigest(), "counts": counts}, text=text)


def _refused() -> list[Case]:
    changes: dict[str, Callable[[Any], Any]] = {
        "salt of 15 bytes": lambda content: content.update(salt="00" * 15),
        "salt of 65 bytes": lambda content: content.update(salt="00" * 65),
        "upper case": lambda content: content.update(salt=content["salt"].upper()),
        "a field too many": lambda content: content.update(colour="green"),
        "a field too few": lambda content: content.pop("areas"),
        "another format": lambda content: content.update(format="ownhue-facts-2"),
        "a share of 101 percent": lambda content: content.update(radio_share_percent=101),
        "a time of 33 bits": lambda content: content.update(observed_since=2**32),
        "a negative attenuation": lambda content: content["windows"][0]["scans"][0].__setitem__(3, -1),
        "a window without scans": lambda content: content["windows"][0].update(scans=[]),
        "a scan of five numbers": lambda content: content["windows"][0]["scans"][0].append(0),
        "place_confirmed is a number": lambda content: content["windows"][0].update(place_confirmed=1),
        "a test in the year 9999": lambda content: content["results"][0].update(tested_on="9999-12-31"),
        "a test on 30 February": lambda content: content["results"][0].update(tested_on="2026-02-30"),
        "a tag of 32 bytes": lambda content: content["venues"][0].update(source="00" * 32),
        "a digest of 16 bytes": lambda content: content["areas"][0].update(source="00" * 16),
        "a rule in capitals": lambda content: content["areas"][0].update(rule="Outbreak"),
        "a recovery with a kind of test": lambda content: content["certificates"][1].update(test_kind="naat"),
        "a test of no kind": lambda content: content["certificates"][0].update(test_kind=None),
        "a certificate of a fourth kind": lambda content: content["certificates"][0].update(kind="positive_test"),
        "a clearance of no finding": lambda content: content["clearances"][0].update(finding="0c54aa38e7fe604"),
        "a withdrawn key of no bytes": lambda content: content["withdrawn"].update({"": 0}),
        "65 certificates": lambda content: content.update(
            certificates=sorted(
                ({**content["certificates"][0], "id": f"{number:064x}"} for number in range(65)), key=canonical_json
            )
        ),
        "65 own results": lambda content: content.update(
            results=sorted(
                ({**content["results"][0], "learned_at": number} for number in range(65)), key=canonical_json
            )
        ),
        **{f"{name} not in order": _reversed(name) for name in LISTS if name != "clearances"},
        **{f"{name}: one stands twice": _doubled(name) for name in LISTS},
    }
    text = facts_bytes(EVERYTHING).decode()
    return [
        *[bad(name, "parse_facts", text=_changed(text, change)) for name, change in changes.items()],
        bad("white space", "parse_facts", text=text.replace(":", ": ", 1)),
        bad("a line end", "parse_facts", text=text + "\n"),
        bad("cut off", "parse_facts", text=text[:-1]),
        bad("empty", "parse_facts", text=""),
        bad("a list", "parse_facts", text="[]"),
        bad("a float", "parse_facts", text=text.replace('"radio_share_percent":97', '"radio_share_percent":97.0')),
    ]


def _changed(text: str, change: Callable[[Any], Any]) -> str:
    content = json.loads(text)
    change(content)
    return canonical_json(content).decode()


def _reversed(name: str) -> Callable[[Any], Any]:
    return lambda content: content[name].reverse()


def _doubled(name: str) -> Callable[[Any], Any]:
    return lambda content: content[name].insert(0, content[name][0])
