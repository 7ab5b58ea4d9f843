"""What a replay says: a table for people, a JSON file for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ownhue.colour import Colour
from ownhue_client.city import comparison
from ownhue_client.city.ble_model import Measurements
from ownhue_client.city.comparison import Score
from ownhue_client.city.plan import Plan
from ownhue_client.city.proximity import Distance
from ownhue_client.city.replay import Day


def day_table(plan: Plan, days: Sequence[Day]) -> Table:
    """One row per morning: reports since the last one, keys published, colours, differences."""
    table = Table(title="every morning at 06:00, all phones")
    for heading in (
        "morning",
        "reports",
        "published keys",
        "green",
        "grey",
        "yellow",
        "red",
        "codes verified",
        "differences",
    ):
        table.add_column(heading, justify="right")
    for day in days:
        counted = Counter(day.colours.values())
        table.add_row(
            f"{datetime.fromtimestamp(day.moment, plan.zone):%a %d %b}",
            str(day.reports),
            str(day.published_keys),
            *(str(counted[colour]) for colour in Colour),
            str(day.codes_verified),
            str(len(day.differences())),
        )
    return table


def say_differences(console: Console, days: Sequence[Day], most: int = 20) -> None:
    """Name the phones whose colour is not the one that the rehearsal computed."""
    for day in days:
        for person, (phone, expected) in list(day.differences().items())[:most]:
            console.print(f"morning {day.moment}: person {person} is {phone.name}, the rehearsal says {expected.name}")


def conditions(measurements: Measurements, reach: Distance) -> list[str]:
    """What the figures of a sampled replay hold under, in plain sentences."""
    classes = ", ".join(
        f"{distance.name.lower()} {measurements.scans(distance)} scans of {len(links)} links"
        f" ({measurements.heard_percent(distance):.0f} % heard)"
        for distance, links in sorted(measurements.links.items())
    )
    assumed = {
        Distance.GROUP: "Two who stand with the same third person are taken to be 1.5 to 3 m apart.",
        Distance.ROOM: "Two who turn away from each other for at most ten minutes are taken to be 3 to 6 m apart.",
    }
    return [
        f"Attenuations as measured between people by DP-3T (experiment 34): {classes}.",
        "Every phone scans 4 s every 2.5 to 5 minutes and is always on. Packets do not collide.",
        "Face to face is up to 1.5 m.",
        *(sentence for distance, sentence in assumed.items() if distance <= reach),
        "Nobody else is in reach. The rehearsal knows of faces alone: what is counted of others is wrong by it.",
    ]


def say_sampled(console: Console, plan: Plan, days: Sequence[Day], measurements: Measurements, reach: Distance) -> None:
    """How well a sampled radio found what the rehearsal knows, and under which conditions."""
    table = Table(title="sampled radio against the rehearsal")
    for heading in ("what", "both", "missed", "wrong", "sensitivity", "precision"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, score in _scores(plan, days).items():
        table.add_row(what, *map(str, score), _percent(score.sensitivity), _percent(score.precision))
    console.print(table)
    ratio = comparison.minutes_ratio(days)
    if ratio is not None:
        console.print(f"In the encounters that both have, phones counted {ratio:.2f} of the rehearsal's minutes.")
    for sentence in conditions(measurements, reach):
        console.print(sentence)


def _scores(plan: Plan, days: Sequence[Day]) -> dict[str, Score]:
    positives = [positive.person for positive in plan.positives]
    return {
        "encounters (person, day)": comparison.encounters(days),
        "colours (person, morning)": comparison.colours(days, positives),
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def write_json(path: Path, plan: Plan, days: Sequence[Day], seed: int, reach: Distance | None = None) -> None:
    """The whole result as JSON: the plan's positives, each morning's numbers, and everybody's last colour.

    *reach*: that of a sampled radio, whose scores are there, too; None: the radio was exact.
    """
    result = _result(plan, days, seed) | {"radio": "exact" if reach is None else "sampled"}
    if reach is not None:
        result["reach"] = reach.name.lower()
        result["minutes_ratio"] = comparison.minutes_ratio(days)
        result["scores"] = {
            what.partition(" ")[0]: score._asdict() | {"sensitivity": score.sensitivity, "precision": score.precision}
            for what, score in _scores(plan, days).items()
        }
    path.write_text(json.dumps(result, indent=2) + "\n")


def _result(plan: Plan, days: Sequence[Day], seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "people": len(plan.people),
        "contacts": len(plan.contacts),
        "positives": [
            {"person": p.person, "onset": str(p.onset), "tested_on": str(p.tested_on), "reported_at": p.reported_at}
            for p in plan.positives
        ],
        "days": [
            {
                "moment": day.moment,
                "reports": day.reports,
                "published_keys": day.published_keys,
                "colours": {colour.name.lower(): sum(c is colour for c in day.colours.values()) for colour in Colour},
                "codes_verified": day.codes_verified,
                "differences": len(day.differences()),
            }
            for day in days
        ],
        "final_colours": {str(person): colour.name.lower() for person, colour in days[-1].colours.items()},
        "equal": not any(day.differences() for day in days),
    }
