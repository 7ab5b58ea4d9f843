"""``ownhue-server rotate KEY DIR``: change an online key in three steps. specs/trust.md section 11, server/README.md"""

import time
from pathlib import Path
from typing import Annotated

import typer

from ownhue.encoding import base64url_decode, base64url_encode
from ownhue_server import rotation
from ownhue_server.config import load_config
from ownhue_server.online_keys import ONLINE_KEYS

Key = Annotated[str, typer.Argument(help=", ".join(ONLINE_KEYS))]


def rotate(
    key: Key,
    directory: Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)],
    switch: Annotated[bool, typer.Option("--switch", help="Step 2: use the next key.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Step 3: forget the old key.")] = False,
    public: Annotated[
        str | None, typer.Option(help="Step 1 for a role on another machine: the public half that it printed.")
    ] = None,
) -> None:
    """Change an online key: without an option make the next one. Start the server again after each step."""
    if key not in ONLINE_KEYS:
        raise typer.BadParameter(f"a key is one of {', '.join(ONLINE_KEYS)}", param_hint="KEY")
    if switch + drop + (public is not None) > 1:
        raise typer.BadParameter("one step at a time")
    config, now = load_config(directory), _now()
    if switch:
        rotation.switch(config, key, now)
    elif drop:
        rotation.drop(config, key, now)
    else:
        made = rotation.make_next(config, key, now, base64url_decode(public) if public is not None else None)
        print(base64url_encode(made))  # noqa: T201 - what the command is for


def _now() -> int:
    return int(time.time())
