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
from ownhue_client.city.plan import Plan
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


def write_json(path: Path, plan: Plan, days: Sequence[Day], seed: int) -> None:
    """The whole result as JSON: the plan's positives, each morning's numbers, and everybody's last colour."""
    path.write_text(json.dumps(_result(plan, days, seed), indent=2) + "\n")


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
