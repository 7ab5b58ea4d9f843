"""Records: frozen pydantic values and their one spelling as canonical JSON.

Rulebooks, decisions, facts and journal entries are records. What :func:`parse_record` accepts encodes again to the
same bytes; what it refuses leaves as FormatError, without the values of fields (facts are secret).
"""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError


class Record(BaseModel):
    """Base of records: cannot be changed, knows no further fields, converts nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


R = TypeVar("R", bound=Record)


def record_bytes(record: Record) -> bytes:
    """The record's canonical JSON."""
    return canonical_json(record.model_dump(mode="json"))


def parse_record(model: type[R], data: bytes, what: str, limit: int) -> R:
    """The record of *data*, at most *limit* bytes. Raises LimitError, or FormatError naming each wrong field."""
    if len(data) > limit:
        raise LimitError(f"{what} has at most {limit} bytes")
    parse_canonical_json(data)
    try:
        record = model.model_validate_json(data)
    except ValidationError as error:
        raise FormatError(f"not {what}: {explanation(error)}") from None
    if record_bytes(record) != data:
        raise FormatError(f"not {what}: not in its one spelling (a field is left out or written differently)")
    return record


def explanation(error: ValidationError) -> str:
    """What is wrong with which fields, without their values."""
    lines = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        lines.append(f"{field}: {message}" if field else message)
    return "; ".join(lines)
