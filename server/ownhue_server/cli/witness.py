"""``ownhue-server witness init|add|remove|show|serve``: a witness in its own folder. specs/publication.md section 12

``witness ask|dismiss`` are for the other side: a deployment whose publisher asks witnesses (``asking.py``).
"""

import ipaddress
import json
from pathlib import Path
from typing import Annotated

import typer
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey
from ownhue.encoding import base64url_decode
from ownhue_server import logs
from ownhue_server.cli import asking
from ownhue_server.clock import SystemClock
from ownhue_server.serving import listen, run
from ownhue_server.witness.app import create_app
from ownhue_server.witness.config import (
    WitnessConfig,
    create_witness,
    load_witness,
    locked,
    save_config,
    with_log,
    without_log,
)
from ownhue_server.witness.core import Witness
from ownhue_server.witness.store import Store

app = typer.Typer(help="A witness: remembers the heads of logs, and cosigns what continues them.", no_args_is_help=True)

app.command()(asking.ask)
app.command()(asking.dismiss)

Folder = Annotated[Path, typer.Argument(help="Folder of the witness.", file_okay=False)]
Origin = Annotated[str, typer.Option(help="Name of the log: the first line of its heads.")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name in its lines, by custom an address, for example witness.example/w1.")],
    rehearsal: Annotated[bool, typer.Option(help="Without a clock of its own, to try out.")] = False,
) -> None:
    """Make a witness with a new key. Prints its verifier key, which logs and their readers need."""
    _say(create_witness(folder, name, rehearsal=rehearsal).vkey)


@app.command()
def add(
    folder: Folder,
    origin: Origin,
    key: Annotated[str, typer.Option(help="Ed25519 key of the log, base64url, as in its region file.")],
) -> None:
    """Watch a log; or another key of it, while the log changes its key. What was seen before is kept."""
    with locked(_existing(folder)):
        config, own = load_witness(folder)
        config = with_log(config, origin, base64url_decode(key), _public(config, own))
        Store(folder).create(origin, base64url_decode(key))
        save_config(folder, config)


@app.command()
def remove(
    folder: Folder,
    origin: Origin,
    key: Annotated[str | None, typer.Option(help="Only this key of the log; default: the log.")] = None,
) -> None:
    """Watch a log no longer, or one key of it. What was seen is kept, for the day it is added again."""
    with locked(_existing(folder)):
        config, _ = load_witness(folder)
        save_config(folder, without_log(config, origin, base64url_decode(key) if key else None))


@app.command()
def show(folder: Folder) -> None:
    """Print the verifier key, the logs with what was seen of them, and the files of evidence."""
    witness = Witness(_existing(folder), SystemClock())
    store = Store(folder)
    files = {kind: [str(path) for path in store.files(kind)] for kind in ("evidence", "refused")}
    _say(json.dumps({**witness.told(), **files}, indent=1))


@app.command()
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8100,
) -> None:
    """Answer logs that ask for cosignatures. Prints one line of JSON when it answers: url, vkey."""
    with locked(_existing(folder)):
        config, _ = load_witness(folder)
        if config.rehearsal and not _is_loopback(host):
            raise typer.BadParameter("a witness of a rehearsal listens on a loopback address only", param_hint="--host")
        witness = Witness(folder, SystemClock())
        bound = listen(host, port)
        address = f"[{host}]" if ":" in host else host
        hello = {"url": f"http://{address}:{bound.getsockname()[1]}", "vkey": witness.key.vkey}
        run(create_app(witness), bound, lambda: _ready(hello))


def _ready(hello: dict[str, str]) -> None:
    logs.get("witness").info("ready")
    _say(json.dumps(hello))


def _existing(folder: Path) -> Path:
    """*folder*, when it holds a witness. Raises StateError."""
    load_witness(folder)
    return folder


def _public(config: WitnessConfig, key: SigningKey) -> WitnessKey:
    return WitnessKey(config.name, bytes(key.verify_key))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command is for
