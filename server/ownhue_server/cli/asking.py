"""``ownhue-server witness ask|dismiss``: whom a deployment's publisher asks. specs/publication.md section 12"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ownhue.cosignature import NO_WITNESSES, WitnessKey, WitnessPolicy
from ownhue.errors import FormatError, StateError
from ownhue_server.config import Config, Witness, first_error, load_config, parse_settings, settings_bytes
from ownhue_server.publisher.cosignatures import witnesses_of
from ownhue_server.witness.config import replace_file

Directory = Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)]
Threshold = Annotated[
    int | None,
    typer.Option(min=0, max=16, help="How many cosignatures phones are told to ask for; default: as before."),
]


def ask(
    directory: Directory,
    vkey: Annotated[str, typer.Option(help="Verifier key of the witness, as its owner told it.")],
    url: Annotated[str, typer.Option(help="Where it answers, for example https://witness.example.")],
    threshold: Threshold = None,
) -> None:
    """Let the publisher ask a witness, from its next start on; or ask it at another url."""
    config = load_config(directory)
    try:
        new = Witness(vkey=vkey, url=url)
    except ValidationError as error:
        raise FormatError(f"no such witness can be: {first_error(error)}") from error
    others = [witness for witness in config.settings.witnesses if witness.vkey != vkey]
    _change(config, [*others, new], threshold)


def dismiss(
    directory: Directory,
    name: Annotated[str, typer.Option(help="Name of the witness.")],
    threshold: Threshold = None,
) -> None:
    """Let the publisher ask a witness no longer, from its next start on."""
    config = load_config(directory)
    others = [witness for witness in config.settings.witnesses if WitnessKey.from_vkey(witness.vkey).name != name]
    if len(others) == len(config.settings.witnesses):
        raise StateError(f"the publisher asks no witness named {name}")
    _change(config, others, threshold)


def _change(config: Config, witnesses: Iterable[Witness], threshold: int | None) -> None:
    """Write the settings, if they make a policy, and say what phones are told."""
    needed = config.settings.witness_threshold if threshold is None else threshold
    update = {"witnesses": tuple(sorted(witnesses, key=lambda item: item.vkey)), "witness_threshold": needed}
    data = settings_bytes(config.settings.model_copy(update=update))
    keys = witnesses_of(Config(config.directory, config.region, parse_settings(data)))
    replace_file(config.directory / "settings.json", data)
    policy = WitnessPolicy(needed, tuple(sorted(keys))) if needed else NO_WITNESSES
    print(policy.sentence())  # noqa: T201 - what the command is for
