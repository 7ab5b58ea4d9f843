"""Parts of a health certificate's content: base class, and fields that states write in more than one way.

- A part is frozen, converts nothing, skips members that it does not know, and tells nothing of itself in a repr.
- Dates lose a time of day behind them, times become UTC: some states write more than the schema asks for.
- What is wrong is told by its field, never with its value. specs/certificate.md section 2
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ownhue.certificate.hcert import MAX_FIELD
from ownhue.errors import FormatError
from ownhue.records import explanation

# Years in which every date and time is a unix second of 32 bits, in every time zone.
_YEARS, _BIRTH_YEARS = range(1971, 2106), range(1900, 2100)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(T[0-9:.]{2,18}(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
_BIRTH = re.compile(r"|(19|20)\d\d(-\d\d)?|((19|20)\d\d-\d\d-\d\d)(T00:00:00(\.0+)?Z?)?", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)


def _checked_date(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("no date")
    return _moment(match[1]).date().isoformat()


def _checked_birth(text: str) -> str:
    match = _BIRTH.fullmatch(text)
    if match is None:
        raise ValueError("no date of birth, of 1900 to 2099")
    text = match[3] or text
    # Unknown parts are left out; what is there must be able to be a date.
    _moment((text or "1900") + "-01-01"[max(len(text) - 4, 0) :], _BIRTH_YEARS)
    return text


def _checked_time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("no time with its time zone")
    return _moment(match[1] + _zone(match[3])).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str, years: range = _YEARS) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("no day or time of the calendar") from None  # without the value: it is personal
    if moment.year not in years:
        raise ValueError("no time of these centuries")
    return moment


def _zone(text: str) -> str:
    return text if len(text) in (1, 6) else f"{text[:3]}:{text[3:] or '00'}"


Text = Annotated[str, Field(max_length=MAX_FIELD)]
Date = Annotated[str, Field(max_length=MAX_FIELD), AfterValidator(_checked_date)]
Time = Annotated[str, Field(max_length=MAX_FIELD), AfterValidator(_checked_time)]
Birth = Annotated[str, Field(max_length=MAX_FIELD), AfterValidator(_checked_birth)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{1,10}\z")]
Standardised = Annotated[str, Field(pattern=r"^[A-Z<]{0,80}\z")]
Uvci = Annotated[str, Field(min_length=1, max_length=MAX_FIELD)]
Doses = Annotated[int, Field(ge=1, le=99)]


class Part(BaseModel):
    """Base: frozen, converts nothing, skips what it does not know, tells nothing of itself."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()


P = TypeVar("P", bound=Part)


def parse_part(model: type[P], body: dict[Any, Any], what: str) -> P:
    """A part of a content. Raises FormatError that begins with *what* and names each wrong field."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise FormatError(f"{what}: {explanation(error)}") from None
