"""Somebody at a terminal, with a phone in a region in memory and a clock that stands still."""

import json
import os
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from ownhue.errors import OwnhueError
from ownhue.region import region_bytes
from ownhue_client.cli import app
from ownhue_client.phone import Phone
from tests.client.publisher import START
from tests.client.town import HOUR, Town

NOW = START + 10 * HOUR + 1500
PASSPHRASE = "a passphrase of our own"
PASSES = 4


class Owner:
    """Somebody at a terminal, with a phone in *folder* and a clock that stands still."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.folder = folder
        self.now = NOW

    def types(self, *words: object, keys: str | None = None) -> Result:
        """The command *words* behind `ownhue phone`, with *keys* typed."""
        arguments = ["phone", "--phone", str(self.folder), *map(str, words)]
        return CliRunner().invoke(app, arguments, input=keys, env={"COLUMNS": "200", "NO_COLOR": "1"})

    def does(self, *words: object, keys: str | None = None) -> Result:
        """The same, and it works."""
        done = self.types(*words, keys=keys)
        assert done.exit_code == 0, (done.output, done.exception)
        return done

    def json(self, *words: object) -> Any:
        """What it prints with --json: one document, whatever the status."""
        return json.loads(self.types(*words, "--json").stdout)

    def fails(self, *words: object, keys: str | None = None) -> OwnhueError:
        """The error of ours that the command ends with."""
        error = self.types(*words, keys=keys).exception
        assert isinstance(error, OwnhueError), error
        return error

    def init(self, *words: object) -> Result:
        """Make the phone, without questions."""
        region = self.folder.parent / "region.json"
        region.write_bytes(region_bytes(self.town.region))
        chosen = ("--no-bluetooth", "--location", "off", "--notifications", "--no-autostart")
        return self.does("init", "--region", region, *chosen, *(words or ("--unlock", "key-file")))


def opened(owner: Owner) -> Phone:
    return Phone.open(owner.folder, random=os.urandom, http_client=owner.town.client(), now=owner.now)
