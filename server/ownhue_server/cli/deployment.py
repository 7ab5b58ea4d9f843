"""``ownhue-server init``, ``serve``, ``rehearse``: a deployment, and one that is only tried out."""

import ipaddress
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ownhue.errors import StateError
from ownhue.params import BATCH_SECONDS
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_server import logs
from ownhue_server.app import create_app
from ownhue_server.clock import RehearsalClock
from ownhue_server.config import PADDING, Config, load_config, naming, parse_roles
from ownhue_server.deployment import Plan, create_deployment, resume_rehearsal
from ownhue_server.serving import listen, run

#: What embedded trust means, in one sentence.
EMBEDDED = (
    "The keys of the root of trust were made on this machine, in keys/trust: good for trying out, not for people's "
    "phones. Before phones rely on it, hold a key ceremony (server/README.md)."
)
#: Earliest time of a rehearsal: padding needs some weeks that lie behind.
FIRST_START = 30 * 86400

Directory = Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)]
RulebookFile = Annotated[
    Path | None, typer.Option("--rulebook", help="Rulebook (canonical JSON); default: the demo's.")
]
Padding = Annotated[int, typer.Option(min=1, max=100_000, help="Fewest keys in a key file.")]
BatchSeconds = Annotated[int, typer.Option(min=60, max=86_400, help="Length of a batch.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")]


def init(
    directory: Directory,
    url: Annotated[str, typer.Option(help="Where phones will reach the server, for example https://health.example.")],
    rulebook: RulebookFile = None,
    padding: Padding = PADDING,
    batch_seconds: BatchSeconds = BATCH_SECONDS,
) -> None:
    """Make a deployment: keys, settings, region file. Prints the region and the desk key, which is shown only now."""
    plan = Plan(url.rstrip("/"), _rulebook(rulebook), int(time.time()), padding, batch_seconds)
    config, desk_key = create_deployment(directory, plan)
    print(EMBEDDED, file=sys.stderr)  # noqa: T201 - said once, to whoever makes a deployment
    _print_json(config, desk_key, config.region.url)


def serve(
    directory: Directory,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    role: Annotated[list[str] | None, typer.Option(help="authority, publisher, issuer; default: all three.")] = None,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="Start although the clock is over a day ahead of the last batch.")
    ] = False,
) -> None:
    """Serve a deployment and close its batches on time."""
    config = load_config(directory)
    if config.settings.rehearsal:
        raise StateError(f"{directory} holds a rehearsal; make a deployment to serve with: ownhue-server init")
    server = create_app(config, parse_roles(role or ()), clock_is_right=clock_is_right)
    run(server, listen(host, port), lambda: logs.get("server").info("ready"))


def rehearse(
    directory: Annotated[
        Path | None, typer.Option(help="Folder to keep, or of a rehearsal to take up; default: a throw-away one.")
    ] = None,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Port = 0,
    start: Annotated[
        int | None, typer.Option(min=FIRST_START, help="Where the clock stands (unix seconds); default: now.")
    ] = None,
    padding: Padding = PADDING,
    batch_seconds: BatchSeconds = BATCH_SECONDS,
    rulebook: RulebookFile = None,
) -> None:
    """Serve on loopback with a clock that the client moves; ends with standard input.

    Prints one line of JSON when it answers: url, region, desk_key, directory, trust_root.
    """
    if not _is_loopback(host):
        raise typer.BadParameter("a rehearsal listens on a loopback address only", param_hint="--host")
    logs.only_warnings()
    book = _rulebook(rulebook)
    clock = RehearsalClock(int(time.time()) if start is None else start)
    # As at SIGINT, the throw-away folder goes also when the end comes before the server answers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        folder = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ownhue-rehearsal-")))
        bound = listen(host, port)
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{bound.getsockname()[1]}"
        if (folder / "settings.json").exists():
            config, desk_key = resume_rehearsal(folder, url)
        else:
            plan = Plan(url, book, clock.now(), padding, batch_seconds, rehearsal=True)
            config, desk_key = create_deployment(folder, plan)
        run(create_app(config, clock=clock), bound, lambda: _print_json(config, desk_key, url), until_stdin_ends=True)


def _rulebook(path: Path | None) -> Rulebook:
    if path is None:
        return demonstration_rulebook()
    try:
        with naming(path):
            return parse_rulebook(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error


def _print_json(config: Config, desk_key: str, url: str) -> None:
    line = {
        "url": url,
        "region": config.region.model_dump(),
        "desk_key": desk_key,
        "directory": str(config.directory),
        "trust_root": json.loads((config.directory / "root.json").read_bytes()),
    }
    print(json.dumps(line), flush=True)  # noqa: T201 - what the command is for


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
