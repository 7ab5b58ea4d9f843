"""All of it, one part after the other: what fails in one is said, and the others go on."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from ownhue.errors import OwnhueError
from ownhue_server.config import Config, Role, load_config
from ownhue_server.doctor import keys, machine, publishing
from ownhue_server.doctor.advice import Advice, note, todo
from ownhue_server.doctor.reading import reading

Part = Callable[[], Iterator[Advice]]


def examine(directory: Path, now: int, backup: Path | None = None) -> list[Advice]:
    """Everything there is to say on the deployment in *directory* at *now* (unix seconds).

    *backup*: a copy of the deployment. Raises StateError, FormatError when there is no deployment at all.
    """
    config = load_config(directory)
    parts: list[tuple[str, Part]] = [
        ("disk", lambda: machine.disk(config)),
        ("permissions", lambda: keys.permissions(config)),
        ("keys", lambda: keys.long_lived(config)),
        ("settings", lambda: machine.settings(config)),
        ("trust", lambda: keys.trust(config, now)),
        ("backup", lambda: machine.backup(config, backup)),
    ]
    advices = [advice for word, part in parts for advice in _tried(word, part)]
    return [*_databases(config, now), *advices]


def _databases(config: Config, now: int) -> Iterator[Advice]:
    publisher: dict[str, Callable[[Connection], Iterator[Advice]]] = {
        "batch": lambda connection: publishing.batches(config, connection, now),
        "lists": lambda connection: keys.listed(config, connection, now),
        "witness": lambda connection: publishing.witnesses(config, connection),
        "folder": lambda connection: publishing.folder(config, connection, now),
    }
    authority = {"codes": publishing.codes}
    for role, parts in ((Role.PUBLISHER, publisher), (Role.AUTHORITY, authority)):
        if not config.database(role).exists():
            yield note("roles", f"the {role} was never started here", "start it, unless it runs elsewhere")
            continue
        for word, part in parts.items():
            yield from _read(config, role, word, part)


def _read(config: Config, role: Role, word: str, part: Callable[[Connection], Iterator[Advice]]) -> Iterator[Advice]:
    try:
        with reading(config.database(role)) as connection:
            yield from list(part(connection))
    except (OwnhueError, OSError) as error:
        action = "see whether a process hangs; if it is damaged, restore a backup"
        yield todo(word, f"the database of the {role} cannot be read: {error}", action)


def _tried(word: str, part: Part) -> Iterator[Advice]:
    try:
        yield from list(part())
    except (OwnhueError, OSError) as error:
        yield todo(word, f"it cannot be looked at: {error}", "see whether this user may read the whole folder")
