"""What goes over the network: synchronising, enrolling, passes, regions that are visited."""

from pathlib import Path
from typing import Any

from pydantic import Field

from ownhue.errors import FormatError
from ownhue.spoken import spoken
from ownhue_client.operations.operation import Args, Context, NoArgs, Operation


class SyncArgs(Args):
    """Where from."""

    folder: str = ""
    """Absolute path of a copy of the published folder; empty: the region's servers."""


class PassesArgs(Args):
    """How far ahead."""

    days_ahead: int | None = Field(default=None, ge=0, le=7)
    """Today not counted; None: as the settings say."""


class TicketArgs(Args):
    """A one-time ticket of the desk."""

    ticket: str


class VisitArgs(Args):
    """A region to follow, or to leave."""

    name: str
    until: int | None = Field(default=None, ge=0, lt=2**40)
    """Unix second at which it is left by itself; None: until the owner leaves it."""


def _sync(context: Context, args: SyncArgs, now: int) -> dict[str, Any]:
    before = context.phone.last_decision()
    if args.folder and not Path(args.folder).is_absolute():
        raise FormatError("the folder to synchronise from is an absolute path")
    phone = context.phone
    result = phone.sync_from(Path(args.folder), now) if args.folder else phone.sync(now)
    after = phone.decide(now)
    return {**vars(result), "colour": after.colour.word, "colour_before": before.colour.word if before else None}


def _enrol(context: Context, args: TicketArgs, now: int) -> dict[str, Any]:
    context.phone.enrol(args.ticket, now)
    return _device(context, NoArgs(), now)


def _passes(context: Context, args: PassesArgs, now: int) -> dict[str, int]:
    fetched = context.phone.fetch_passes(now, args.days_ahead)
    return {"fetched": fetched, "left": context.phone.passes_left(now)}


def _device(context: Context, _args: NoArgs, _now: int) -> dict[str, Any]:
    number = context.phone.device_number()
    return {"number": None if number is None else spoken(number)}


def _regions(context: Context, _args: NoArgs, _now: int) -> dict[str, Any]:
    phone = context.phone
    directory = phone.directory()
    return {
        "home": phone.region.name,
        "visited": phone.visited(),
        "listed": [] if directory is None else [{"name": e.name, "labels": e.labels} for e in directory.regions],
    }


def _visit(context: Context, args: VisitArgs, now: int) -> list[Any]:
    context.phone.visit(args.name, now, args.until)
    return context.phone.visited()


def _leave(context: Context, args: VisitArgs, _now: int) -> list[Any]:
    context.phone.leave(args.name)
    return context.phone.visited()


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("sync", SyncArgs, _sync, long=True, changes=True),
    Operation("enrol", TicketArgs, _enrol, long=True, changes=True),
    Operation("passes", PassesArgs, _passes, long=True),
    Operation("device", NoArgs, _device),
    Operation("regions", NoArgs, _regions),
    Operation("visit", VisitArgs, _visit, changes=True),
    Operation("leave", VisitArgs, _leave, changes=True),
)
