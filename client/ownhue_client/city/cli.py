"""`ownhue city demo` and `ownhue city replay`."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ownhue.contact_trace import Contact, read_trace
from ownhue.errors import FormatError
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client import exit_codes
from ownhue_client.city.ble_model import BleModel, read_measurements
from ownhue_client.city.carriers import ExactRadio, MakeCarrier
from ownhue_client.city.plan import Plan, make_plan
from ownhue_client.city.proximity import Distance
from ownhue_client.city.replay import Day, city_of
from ownhue_client.city.replay_report import day_table, say_differences, say_sampled, write_json
from ownhue_client.city.sampled import SampledRadio
from ownhue_client.city.server import city_server
from ownhue_client.city.story import tell

city = typer.Typer(help="Many phones in one process, against one real server.", no_args_is_help=True)

#: The local date on which a replay's trace begins: a Monday.
_FIRST_DATE = (2026, 3, 2)
_PADDING = 100
_RULEBOOK_BYTES = 1 << 20
#: More than any line of a trace has, so that a file without line ends is not read to its end.
_LINE_LETTERS = 64
#: Where the measurements lie below the folder of shared data.
_MEASUREMENTS = "data/ble/dp3t-exp34"


class RadioKind(StrEnum):
    """How the phones of a replay hear each other."""

    EXACT = "exact"
    SAMPLED = "sampled"


class Reach(StrEnum):
    """Who is heard by a sampled radio, beside people face to face."""

    FACE = "face"
    GROUP = "group"
    ROOM = "room"

    @property
    def distance(self) -> Distance:
        """The furthest class of distance."""
        return Distance[self.name]


@city.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for pictures, key files and decisions.")] = Path("out/demo"),
) -> None:
    """Tell the whole story in ten simulated days; every step checks its own expectation."""
    raise typer.Exit(exit_codes.OK if tell(out, Console(), random=os.urandom) else exit_codes.MISSED)


@city.command()
def replay(
    trace: Annotated[Path, typer.Argument(help="A SocioPatterns trace: a header line, then `time a b` in 20 s slots.")],
    positives: Annotated[int, typer.Option(min=0, help="How many people test positive.")],
    seed: Annotated[int, typer.Option(help="Chooses who tests positive, and when.")],
    rulebook: Annotated[
        Path | None, typer.Option(help="The rulebook to play by; default: the demonstration one.")
    ] = None,
    radio: Annotated[
        RadioKind, typer.Option(help="exact: each slot is one scan. sampled: as phones scan, as strong as measured.")
    ] = RadioKind.EXACT,
    measurements: Annotated[
        Path | None,
        typer.Option(help="For sampled: folder with DP-3T's experiment 34. Default: in $OWNHUE_SHARED or ../shared."),
    ] = None,
    reach: Annotated[
        Reach, typer.Option(help="For sampled: who is heard. face; also in a group; also in a room.")
    ] = Reach.ROOM,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
) -> None:
    """Play a contact trace over the protocol and compare every colour with a computation without cryptography.

    With the exact radio all must be equal; with the sampled one it is told how well phones find what the trace holds.
    """
    rules = _read_rulebook(rulebook) if rulebook else demonstration_rulebook()
    model = BleModel(read_measurements(measurements or _shared_measurements()), seed) if radio == "sampled" else None
    zone = ZoneInfo(rules.zone)
    start = int(datetime(*_FIRST_DATE, tzinfo=zone).timestamp())
    plan = make_plan(_read_contacts(trace, start), start, zone, positives, seed)
    console = Console(stderr=True)
    carrier: MakeCarrier = (
        ExactRadio if model is None else partial(SampledRadio, model=model, seed=seed, reach=reach.distance)
    )
    days = _play(plan, rules, rulebook, carrier, console)
    Console().print(day_table(plan, days))
    if json_file:
        write_json(json_file, plan, days, seed, None if model is None else reach.distance)
    raise typer.Exit(_say(console, plan, days, model, reach.distance))


def _play(plan: Plan, rules: Rulebook, rulebook: Path | None, carrier: MakeCarrier, console: Console) -> list[Day]:
    """Every morning of the replay."""
    with tempfile.TemporaryDirectory(prefix="ownhue-replay-") as name, _progress_bar(console) as progress:
        directory = Path(name)
        with (
            city_server(directory / "server", plan.start, padding=_PADDING, rulebook=rulebook) as server,
            city_of(plan, rules, server, directory, os.urandom, progress, carrier) as city_,
        ):
            return list(city_.run())


def _say(console: Console, plan: Plan, days: list[Day], model: BleModel | None, reach: Distance) -> int:
    """Say what came out; the exit status."""
    people = f"{len(plan.people)} people, {len(plan.contacts)} contacts, {len(plan.positives)} positives"
    if model is not None:
        console.print(f"{people}, sampled radio")
        say_sampled(Console(), plan, days, model.measurements, reach)
        return exit_codes.OK
    say_differences(console, days)
    equal = not any(day.differences() for day in days)
    agree = "the phones and the rehearsal agree on every colour" if equal else "THE COLOURS DIFFER"
    console.print(f"{people}: {agree}")
    return exit_codes.OK if equal else exit_codes.MISSED


def _shared_measurements() -> Path:
    return Path(os.environ.get("OWNHUE_SHARED", "../shared")) / _MEASUREMENTS


def _read_rulebook(path: Path) -> Rulebook:
    with path.open("rb") as file, _naming(path):
        data = file.read(_RULEBOOK_BYTES + 1)
        if len(data) > _RULEBOOK_BYTES:
            raise FormatError("larger than a rulebook may be")
        return parse_rulebook(data)


def _read_contacts(path: Path, start: int) -> list[Contact]:
    with path.open(encoding="ascii") as file, _naming(path):
        return list(read_trace(iter(lambda: file.readline(_LINE_LETTERS), ""), start))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of a file's content say which file it is."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not a text file") from error
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


class _progress_bar:  # noqa: N801 - used like a function
    """A progress bar on *console*, called with (what, done, of)."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Callable[[str, int, int], None]:
        self._progress.start()
        return self._update

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _update(self, what: str, done: int, of: int) -> None:
        self._progress.update(self._task, description=what, completed=done, total=of)
