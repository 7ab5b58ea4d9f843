"""What lies around a server: disk, settings, backups."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ownhue.errors import StateError
from ownhue_server.config import Config, Role
from ownhue_server.doctor.advice import Advice, fact, moment, note, todo
from ownhue_server.doctor.keys import paths_of
from ownhue_server.doctor.reading import reading
from ownhue_server.publisher.tables import newest_batch

#: Bytes that should be free: some batches of the largest size, and the journals of the databases.
FREE_BYTES = 1 << 30
#: Seconds after which a backup is called old: what was reported since would be lost with the disk.
BACKUP_SECONDS = 86_400
#: Fewest padding that hides a handful of reports. specs/key-file.md section 10
SERIOUS_PADDING = 1000


def disk(config: Config) -> Iterator[Advice]:
    """Space, and whether anything can be written."""
    usage = shutil.disk_usage(config.directory)
    sentence = f"{usage.free // (1 << 20)} MiB are free"
    if usage.free < FREE_BYTES:
        yield todo("disk", sentence, "make room: with a full disk batches are late, and reports are refused")
    else:
        yield fact("disk", sentence)
    if os.statvfs(config.directory).f_flag & os.ST_RDONLY:
        yield todo("disk", "the file system is read-only", "see the system's log; mount it for writing")
    for path in (config.directory, config.published):
        if path.exists() and not os.access(path, os.W_OK):
            yield todo("disk", f"{path} cannot be written by this user", "run doctor and server as the folder's owner")


def settings(config: Config) -> Iterator[Advice]:
    """Settings that are good for trying out only."""
    chosen = config.settings
    if config.region.url.startswith("http://"):
        yield note("settings", "phones would reach the server without TLS", "make a deployment with an https url")
    if chosen.answer_milliseconds == 0:
        action = "set answer_milliseconds to 1000 in settings.json"
        yield note("settings", "answers leave at once: how long one took tells what it was", action)
    if chosen.padding < SERIOUS_PADDING:
        action = f"set padding to {SERIOUS_PADDING} in settings.json"
        yield note("settings", f"key files have as few as {chosen.padding} keys, which hides little", action)
    if chosen.rehearsal:
        yield note(
            "settings", "this is a rehearsal: its clock is moved by whoever reaches it", "never give it to phones"
        )


def backup(config: Config, folder: Path | None) -> Iterator[Advice]:
    """A copy of the deployment elsewhere, if there is one."""
    if folder is None:
        yield note("backup", "no backup was named", "say where one lies: ownhue-server doctor DIR --backup FOLDER")
        return
    try:
        own, other = (_newest(path / f"{Role.PUBLISHER}.sqlite") for path in (config.directory, folder))
    except StateError as error:
        yield todo("backup", f"the database of the backup cannot be read: {error}", "make a new backup")
        return
    behind = (own - other) * config.region.batch_seconds
    closed = moment((other + 1) * config.region.batch_seconds)
    if behind > BACKUP_SECONDS:
        yield todo(
            "backup", f"the backup is of {closed}", "make a new one: a server does not start with so old a database"
        )
    else:
        yield fact("backup", f"the backup is of {closed}")
    missing = paths_of(config.directory) - paths_of(folder)
    if missing:
        sentence = f"{len(missing)} private keys are not in the backup, for example {min(missing)}"
        yield todo("backup", sentence, "make a new one, and keep it as secret as this folder")


def _newest(path: Path) -> int:
    with reading(path) as connection:
        return newest_batch(connection) or 0
