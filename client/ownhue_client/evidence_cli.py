"""`ownhue evidence verify`: does a file prove that two histories were shown? specs/publication.md section 13"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ownhue.encoding import base64url_decode, parse_canonical_json
from ownhue.errors import FormatError, VerificationError
from ownhue.fork_evidence import MAX_EVIDENCE_BYTES, parse_fork_evidence, verify_fork_evidence
from ownhue.region import MAX_REGION_BYTES, Region, parse_region
from ownhue.signed_note import parse_note
from ownhue.tree_head import parse_tree_head
from ownhue.trust.metadata import LIMITS
from ownhue_client import exit_codes
from ownhue_client.publication import verify_trust_fork_file
from ownhue_client.publication.evidence import MAX_TRUST_FORK_BYTES

evidence = typer.Typer(help="Files that prove that two histories were shown.", no_args_is_help=True)

_WHAT = {
    "two-roots": "two trees of one size",
    "order": "a smaller tree that is not the earlier one",
    "rewritten": "a larger tree that does not begin with the smaller one",
}


@evidence.callback()
def _root() -> None:
    """Files that prove that two histories were shown."""


@evidence.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The file of evidence, as a phone or a witness keeps it.")],
    region: Annotated[Path, typer.Option(help="The region's file, from where you trust it.")],
    root: Annotated[
        Path | None, typer.Option(help="The root file that signed, for evidence of a fork of trust metadata.")
    ] = None,
    log_key: Annotated[
        str | None, typer.Option(help="The log's key (base64url), if it was changed since the region's file was made.")
    ] = None,
) -> None:
    """Check that FILE proves a fork by the keys of the region. Exit status 0: it does. 1: it does not."""
    installed = parse_region(_read(region, MAX_REGION_BYTES))
    data = _read(file, max(MAX_EVIDENCE_BYTES, MAX_TRUST_FORK_BYTES))
    try:
        if _format_of(data) == "ownhue-trust-fork-1":
            _say(_trust_fork(data, root))
        else:
            _say(*_log_fork(data, installed, log_key or installed.log_key))
    except VerificationError as error:
        typer.echo(f"ownhue: it proves nothing: {error}", err=True)
        raise typer.Exit(exit_codes.MISSED) from error


def _log_fork(data: bytes, region: Region, log_key: str) -> list[str]:
    found = verify_fork_evidence(data, region.origin, base64url_decode(log_key))
    heads = [parse_tree_head(parse_note(note.encode()).text) for note in parse_fork_evidence(data).notes]
    shown = [
        f"  {head.size} entries at {datetime.fromtimestamp(head.time, UTC):%Y-%m-%d %H:%M} UTC, root {head.root.hex()}"
        for head in heads
    ]
    return [f"PROVEN: the log {region.origin} signed {_WHAT[found]} ({found}):", *shown]


def _trust_fork(data: bytes, root: Path | None) -> str:
    if root is None:
        raise typer.BadParameter("this file is about trust metadata, so the root file is needed", param_hint="--root")
    role = verify_trust_fork_file(data, _read(root, LIMITS.root))
    return f"PROVEN: the holders of the {role} keys signed two {role} files of one version."


def _format_of(data: bytes) -> object:
    value = parse_canonical_json(data)
    if not isinstance(value, dict):
        raise FormatError("not a file of evidence")
    return value.get("format")


def _read(path: Path, limit: int) -> bytes:
    """The file of *path*, of at most one byte more than *limit*: its reader refuses what is too long."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def _say(*lines: str) -> None:
    for line in lines:
        typer.echo(line)
