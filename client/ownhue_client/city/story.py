"""The demo: ten simulated days in chapters, each of which checks what it claims. Run by `ownhue city demo`."""

import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.city import chapters, gate_chapters
from ownhue_client.city.stage import Random, raised_stage


def tell(out: Path, console: Console, random: Random) -> bool:
    """Tell the story on *console*, leaving pictures, files and decisions in *out*; whether every expectation held."""
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    zone = ZoneInfo(demonstration_rulebook().zone)
    console.print("[bold]ownhue[/]: a health code that belongs to its owner.")
    console.print("One real server, a witness of its log, seven phones, a gate.")
    with (
        tempfile.TemporaryDirectory(prefix="ownhue-demo-") as name,
        raised_stage(out, console, random, zone, Path(name)) as stage,
    ):
        chapters.everybody_starts_green(stage)
        gate_chapters.morning_at_the_gate(stage)
        chapters.people_meet(stage)
        chapters.two_people_test_positive(stage)
        with gate_chapters.a_special_log_for_one_phone(stage, Path(name)):
            chapters.everybody_knows(stage)
            gate_chapters.the_gate_refuses(stage)
        chapters.a_wrong_result_is_withdrawn(stage)
        chapters.a_quarantine_ends_as_promised(stage)
        chapters.what_left_each_phone(stage)
        chapters.what_anybody_can_check(stage)
        chapters.what_was_answered(stage)
        missed, expectations = stage.missed, stage.expectations
    console.rule()
    for text in missed:
        console.print(f"[bold red]MISSED[/] {text}")
    console.print(
        f"{expectations - len(missed)} of {expectations} expectations held, in {time.monotonic() - begun:.0f} s. "
        f"Pictures of codes, key files, decisions, journals, ledgers and proofs of the fork: [bold]{out}[/]"
    )
    return not missed
