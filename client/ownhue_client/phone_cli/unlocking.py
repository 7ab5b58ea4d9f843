"""`ownhue phone unlock`, and the choice of where a new phone's key is kept."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ownhue_client.phone.unlock import KeyFile, Keyring, MasterKeySource, Passphrase, kind_of, rewrap
from ownhue_client.phone_cli import talk, wiring
from ownhue_client.phone_cli.talk import Json
from ownhue_client.phone_cli.wiring import Wiring, ask_secret, read_passphrase, wiring_of

#: Said before the question.
_UNLOCK_EXPLAINED = (
    "The key opens everything that this phone keeps. keyring: the desktop's, open while you are logged in. passphrase: "
    "asked for at every start. key-file: beside the store, so whoever has the folder can read it."
)


class UnlockKind(StrEnum):
    """Where the key of a phone is kept."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a way
    KEY_FILE = "key-file"


Unlock = Annotated[UnlockKind | None, typer.Option(help="Where the phone's key is kept; default: it is asked.")]


def unlock(
    context: typer.Context,
    kind: Annotated[UnlockKind, typer.Argument(help="Where the key is kept from now on.")],
    secret_file: Annotated[Path | None, typer.Option(help="File with the new passphrase; default: asked.")] = None,
    as_json: Json = False,
) -> None:
    """Keep the phone's key elsewhere, or change its passphrase. The agent has to be stopped."""
    wired = wiring_of(context)
    wired.check_there()
    old = wired.unlock()
    # A passphrase is asked for only once the old one has opened the phone.
    old.load(wired.directory)
    rewrap(wired.directory, old, _source(kind, secret_file), wiring.random)
    said = f"this phone is opened by its {kind} now; copies of the old key still open it"
    talk.answer({"unlock": kind_of(wired.directory)}, said, as_json=as_json)


def chosen_unlock(kind: UnlockKind | None, wired: Wiring) -> MasterKeySource:
    """The source for a new phone: as chosen, or as answered. Raises StateError for a keyring that is none."""
    kind = kind or _asked_kind()
    return _source(kind, wired.passphrase_file)


def _asked_kind() -> UnlockKind:
    talk.say(_UNLOCK_EXPLAINED)
    while True:
        answer = typer.prompt("Where is the key kept", default=UnlockKind.KEYRING.value, err=True)
        if answer in list(UnlockKind):
            return UnlockKind(answer)
        talk.say(f"one of {', '.join(UnlockKind)}")


def _source(kind: UnlockKind, passphrase_file: Path | None) -> MasterKeySource:
    if kind is UnlockKind.KEYRING:
        return Keyring()
    if kind is UnlockKind.KEY_FILE:
        return KeyFile()
    typed: list[str] = []

    def new_passphrase() -> str:
        if not typed:
            typed.append(
                read_passphrase(passphrase_file) if passphrase_file else ask_secret("New passphrase", confirm=True)
            )
        return typed[0]

    return Passphrase(new_passphrase)
