"""``ownhue-server verify-log`` and ``doctor``: a server seen from outside, and explained from inside."""

import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from ownhue.cosignature import WitnessKey, WitnessPolicy
from ownhue.errors import StateError
from ownhue.region import parse_region
from ownhue_server.audit import Budget, Report, Task, audit, open_source
from ownhue_server.audit.evidence import Evidence
from ownhue_server.audit.run import PADDING
from ownhue_server.config import naming
from ownhue_server.doctor import Kind, examine
from ownhue_server.doctor.advice import as_json, lines

Json = Annotated[bool, typer.Option("--json", help="One line of JSON for programs.")]


def verify_log(
    source: Annotated[str, typer.Argument(help="URL of a server or mirror, or a folder of published files.")],
    region: Annotated[Path | None, typer.Option(help="Region file; default: the server's own.")] = None,
    root: Annotated[Path | None, typer.Option(help="Root file of the trust metadata; default: beside it.")] = None,
    witness: Annotated[list[str] | None, typer.Option(help="Verifier key of a witness that you know.")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, help="How many of them must have cosigned.")] = None,
    padding: Annotated[int, typer.Option(min=1, help="Fewest keys that a file must have.")] = PADDING,
    mirror: Annotated[list[str] | None, typer.Option(help="URL or folder to compare with.")] = None,
    now: Annotated[int | None, typer.Option(min=0, help="Unix second as of which to judge.")] = None,
    json: Json = False,
    evidence: Annotated[Path | None, typer.Option(help="Where to write the proof of a fork.")] = None,
) -> None:
    """Check everything that a server publishes, from outside. Exit status 1: something is wrong."""
    budget = Budget()
    kept = Evidence()
    policy = _policy(witness or [], threshold)
    with ExitStack() as stack:
        first, *mirrors = [
            stack.enter_context(closing(open_source(name, budget))) for name in [source, *(mirror or ())]
        ]
        task = Task(first, padding=padding, policy=policy, mirrors=mirrors, evidence=kept)
        if region is not None:
            with naming(region):
                task.region = parse_region(_read(region))
        task.root = None if root is None else _read(root)
        report = audit(task, now)
    _print(report, json=json)
    if kept.files and evidence is not None:
        for path in kept.write(evidence):
            print(f"evidence: {path}", file=sys.stderr)  # noqa: T201 - where it was written
    if report.failures:
        raise typer.Exit(1)


def _policy(vkeys: list[str], threshold: int | None) -> WitnessPolicy | None:
    """The policy of the command line. Raises FormatError for one that is none."""
    if not vkeys:
        if threshold is not None:
            raise typer.BadParameter("a threshold needs witnesses", param_hint="--threshold")
        return None
    witnesses = tuple(sorted(map(WitnessKey.from_vkey, vkeys)))
    return WitnessPolicy(len(witnesses) if threshold is None else threshold, witnesses)


def _print(report: Report, *, json: bool) -> None:
    for line in [report.json()] if json else report.lines():
        print(line)  # noqa: T201 - what the command is for


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error


def doctor(
    directory: Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)],
    backup: Annotated[Path | None, typer.Option(help="A copy of the folder, to see how old it is.")] = None,
    now: Annotated[int | None, typer.Option(min=0, help="Unix second as of which to judge.")] = None,
    json: Json = False,
) -> None:
    """Explain what ails a deployment, and what to do. Exit status 1: there is something to do."""
    advices = examine(directory, int(time.time()) if now is None else now, backup)
    for line in [as_json(advices)] if json else lines(advices):
        print(line)  # noqa: T201 - what the command is for
    if any(advice.kind is Kind.TO_DO for advice in advices):
        raise typer.Exit(1)
