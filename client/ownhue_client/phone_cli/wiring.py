"""What every command of `ownhue phone` needs: the folder, the way to the phone, the passphrase.

The clock, randomness and waiting of the real world come in here, and nowhere else in the commands.
"""

import os
import random as chance
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import platformdirs
import typer

from ownhue.errors import StateError
from ownhue_client.fetching import Retries, open_client
from ownhue_client.operations.route import Ask, route
from ownhue_client.phone.device import Phone
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.store_file import DATABASE_NAME
from ownhue_client.phone.unlock import MasterKeySource, source_of

#: Environment: the phone's folder; a file with the passphrase.
FOLDER_VARIABLE, PASSPHRASE_VARIABLE = "OWNHUE_PHONE", "OWNHUE_PASSPHRASE_FILE"
#: Name of a credential that systemd hands to a service (systemd.exec(5), LoadCredential).
_CREDENTIAL = "ownhue-passphrase"
_PASSPHRASE_BYTES = 4096

random: Callable[[int], bytes] = os.urandom


def now() -> int:
    """The wall clock, unix seconds."""
    return int(time.time())


def wait(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Wiring:
    """What stands before the command: `ownhue phone --phone DIR ...`."""

    directory: Path
    """The phone's folder."""
    passphrase_file: Path | None = None

    @contextmanager
    def asking(self) -> Iterator[Ask]:
        """The way to the phone while the block runs. Raises StateError when there is none."""
        self.check_there()
        with (
            open_client(time.monotonic) as client,
            route(self.directory, lambda: self.open_phone(client), random, now) as ask,
        ):
            yield ask

    def open_phone(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> Phone:
        """Open the phone in this process. *sleep*: waits for seconds between two tries at one file."""
        return Phone.open(
            self.directory,
            random=random,
            http_client=client,
            now=now(),
            settings=settings(sleep),
            unlock=self.unlock(),
        )

    def unlock(self) -> MasterKeySource:
        """How the phone is opened. Asks for the passphrase only when it is needed."""
        return source_of(self.directory, self.passphrase)

    def passphrase(self) -> str:
        """The passphrase that opens this phone. Raises StateError where nobody can be asked."""
        path = self.passphrase_file or _credential()
        return read_passphrase(path) if path else ask_secret("Passphrase of this phone")

    def is_there(self) -> bool:
        """Whether there is a phone in the folder, whole or not."""
        return (self.directory / DATABASE_NAME).exists()

    def check_there(self) -> None:
        """Raises StateError when there is no phone in the folder."""
        if not self.is_there():
            raise StateError(f"there is no phone in {self.directory}; make one with: ownhue phone init")


def settings(sleep: Callable[[float], None] = time.sleep) -> Settings:
    """What commands and the agent open a phone with. *sleep*: waits for seconds."""
    return Settings(retries=Retries(sleep, chance.SystemRandom().random))


def default_folder() -> Path:
    """Where a phone lies when nobody says otherwise."""
    return platformdirs.user_data_path("ownhue") / "phone"


def read_passphrase(path: Path) -> str:
    """The first line of a file. Raises StateError, OSError."""
    with path.open("rb") as file:
        data = file.read(_PASSPHRASE_BYTES)
    try:
        return data.decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise StateError("the file of the passphrase is not a text") from error


def ask_secret(what: str, *, confirm: bool = False) -> str:
    """Ask at the terminal, without showing what is typed. Raises StateError where there is no terminal."""
    if not sys.stdin.isatty():
        raise StateError(f"a passphrase is needed and nobody can be asked; give it with {PASSPHRASE_VARIABLE}")
    answer: str = typer.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def wiring_of(context: typer.Context) -> Wiring:
    """What the group's callback has kept."""
    found = context.find_object(Wiring)
    if found is None:
        raise StateError("a command of the phone was called without its folder")
    return found


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / _CREDENTIAL if folder else None
    return path if path and path.exists() else None
