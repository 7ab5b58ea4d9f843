"""Moving to another device, and erasing. specs/phone.md sections 3 and 4

1. ``export``: the whole phone in one sealed file, in the phone's own folder;
2. whoever asked takes it away and reads it back (``transfer.check_phone``);
3. ``export.moved``: only now this phone goes silent.

So nothing that fails on the way leaves anybody without a phone, or with two.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field

from ownhue_client.operations.history import DayArgs
from ownhue_client.operations.operation import Args, Context, NoArgs, Operation
from ownhue_client.phone.erase import survey
from ownhue_client.phone.transfer import export_phone, mark_moved
from ownhue_client.phone.unlock_record import shred

#: Name of the file in the phone's folder, as long as nobody has taken it away.
EXPORT_NAME = "export.ownhue"


class PassphraseArgs(Args):
    """What seals the file."""

    passphrase: str = Field(repr=False)


class KindArgs(Args):
    """A kind of ``erase.KINDS``."""

    kind: str


class SurveyArgs(Args):
    """What to look for; nothing: everything."""

    kind: str | None = None
    day: int | None = Field(default=None, ge=0, lt=2**31)


def _export(context: Context, args: PassphraseArgs, now: int) -> dict[str, Any]:
    path = context.directory.absolute() / EXPORT_NAME
    shred(path)  # what a former try left behind
    try:
        size = _write(path, export_phone(context.phone.store, args.passphrase, now))
    except BaseException:
        shred(path)
        raise
    return {"path": path, "bytes": size}


def _write(path: Path, parts: Iterable[bytes]) -> int:
    """Write *parts* into a new file that only its owner can read, for good; how many bytes."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        size = sum(file.write(part) for part in parts)
        file.flush()
        os.fsync(file.fileno())
    return size


def _moved(context: Context, _args: NoArgs, now: int) -> dict[str, int]:
    mark_moved(context.phone.store, now)
    shred(context.directory / EXPORT_NAME)
    return {"moved_at": now}


def _survey(context: Context, args: SurveyArgs, _now: int) -> list[Any]:
    return survey(context.phone.store, args.kind, args.day)


def _erase_kind(context: Context, args: KindArgs, _now: int) -> dict[str, int]:
    return {"erased": context.phone.erase_kind(args.kind)}


def _erase_day(context: Context, args: DayArgs, _now: int) -> dict[str, int]:
    count = sum(held.records for held in survey(context.phone.store, day=args.day))
    context.phone.forget_day(args.day)
    return {"erased": count}


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("export", PassphraseArgs, _export, long=True),
    Operation("export.moved", NoArgs, _moved, changes=True),
    Operation("erase.survey", SurveyArgs, _survey),
    Operation("erase.kind", KindArgs, _erase_kind, long=True, changes=True),
    Operation("erase.day", DayArgs, _erase_day, long=True, changes=True),
)
