"""The owner's own places: looking, importing, setting by hand, forgetting."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from ownhue.area import Circle, Stay
from ownhue.cells import format_cell, parse_cell
from ownhue.errors import FormatError, StateError
from ownhue_client.operations.operation import Args, Context, Operation

_DEGREE = 10**6


class SpanArgs(Args):
    """A piece of time in unix seconds, both ends included."""

    first: int = Field(default=0, ge=0)
    last: int = Field(default=2**40, le=2**40)


class ImportArgs(Args):
    """A history of another program."""

    path: str
    """Absolute path of the file."""
    keep_partial: bool = False
    """Keep what stands before the place where a broken file breaks."""


class HandArgs(Args):
    """Where the phone is, as its owner says."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy: int = Field(default=100, ge=0, le=100_000)
    """Metres."""
    seconds: int = Field(default=3600, ge=60, le=86_400)
    """How long it holds."""


class ForgetArgs(Args):
    """Which places to forget: one cell, one circle, or whole days."""

    cell: str = ""
    """An H3 cell as text."""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    accuracy: int = Field(default=100, ge=0, le=100_000)
    """Radius of the circle in metres."""
    days: tuple[int, ...] = ()
    """UTC days (unix // 86400)."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        has_circle = self.latitude is not None and self.longitude is not None
        if [bool(self.cell), has_circle, bool(self.days)].count(True) != 1:
            raise ValueError("a cell, a circle or days")
        return self


def _places(context: Context, args: SpanArgs, _now: int) -> list[dict[str, Any]]:
    places = context.phone.places(args.first, args.last)
    return [place._asdict() | {"cell": _cell_or_none(place.cell)} for place in places]


def _stays(context: Context, args: SpanArgs, _now: int) -> list[dict[str, Any]]:
    return [_stay(stay) for stay in context.phone.stays(args.first, args.last)]


def _import(context: Context, args: ImportArgs, now: int) -> dict[str, Any]:
    path = Path(args.path)
    if not path.is_absolute():
        raise FormatError("the file of a history is named by its absolute path")
    try:
        with path.open("rb") as stream:
            report = context.phone.import_places(stream, path.name, now, keep_partial=args.keep_partial)
    except OSError as error:
        # An agent of systemd sees neither /tmp of others nor what only another user may read.
        where = "; put it where the agent can read it, or stop the agent" if context.by_agent else ""
        raise StateError(f"{path.name} cannot be read: {error.strerror}{where}") from error
    return report.to_record()


def _by_hand(context: Context, args: HandArgs, now: int) -> dict[str, Any]:
    until = now + args.seconds
    context.phone.place_by_hand(args.latitude, args.longitude, args.accuracy, until)
    return {"until": until, "location": context.phone.preferences().location}


def _forget(context: Context, args: ForgetArgs, _now: int) -> dict[str, int]:
    if args.days:
        return {"forgotten": context.phone.forget_places(args.days)}
    if args.cell:
        return {"forgotten": context.phone.forget_place(parse_cell(args.cell))}
    north, east = round((args.latitude or 0) * _DEGREE), round((args.longitude or 0) * _DEGREE)
    return {"forgotten": context.phone.forget_place(Circle(north, east, args.accuracy))}


def _stay(stay: Stay) -> dict[str, Any]:
    if isinstance(stay.place, Circle):
        north, east = stay.place.latitude / _DEGREE, stay.place.longitude / _DEGREE
        where: dict[str, Any] = {"latitude": north, "longitude": east, "accuracy": stay.place.accuracy}
    else:
        where = {"cell": format_cell(stay.place)}
    return {"start": stay.start, "end": stay.end} | where


def _cell_or_none(cell: int | None) -> str | None:
    return None if cell is None else format_cell(cell)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("places", SpanArgs, _places),
    Operation("stays", SpanArgs, _stays),
    Operation("import-places", ImportArgs, _import, long=True, changes=True),
    Operation("place-by-hand", HandArgs, _by_hand, changes=True),
    Operation("forget-places", ForgetArgs, _forget, changes=True),
)
