"""Records: frozen pydantic values and their one spelling as canonical JSON.

Rulebooks, decisions, facts and journal entries are records. What :func:`parse_record` accepts encodes again to the
same bytes; what it refuses leaves as FormatError, without the values of fields (facts are secret).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError


class Record(BaseModel):
    """Base of records: cannot be changed, knows no further fields, converts nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


#: So many wrong fields are named; of more only the number is told, since a hostile file may have millions.
_MOST_EXPLAINED = 50

R = TypeVar("R", bound=Record)


def record_bytes(record: Record) -> bytes:
    """The record's canonical JSON."""
    return canonical_json(record.model_dump(mode="json"))


def parse_record(model: type[R], data: bytes, what: str, limit: int) -> R:
    """The record of *data*, at most *limit* bytes. Raises LimitError, or FormatError naming each wrong field."""
    if len(data) > limit:
        raise LimitError(f"{what} has at most {limit} bytes")
    _need_fields(model, parse_canonical_json(data), what)
    try:
        record = model.model_validate_json(data)
    except ValidationError as error:
        raise FormatError(f"not {what}: {explanation(error)}") from None
    if record_bytes(record) != data:
        raise FormatError(f"not {what}: not in its one spelling (a field is left out or written differently)")
    return record


def _need_fields(model: type[Record], content: Any, what: str) -> None:
    """Raises FormatError where fields are missing or do not belong in a record, or in one of those that it lists.

    Pydantic finds that out too, with a copy of the whole record for every such field.
    """
    wrong = list(islice(_wrong_fields(model, content, ""), _MOST_EXPLAINED))
    if wrong:
        raise FormatError(f"not {what}: {'; '.join(wrong)}")


def _wrong_fields(model: type[Record], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    yield from (f"{path}{name}: Field required" for name in model.model_fields if name not in value)
    yield from (f"{path}{name}: Extra inputs are not permitted" for name in value if name not in model.model_fields)
    for name, field in model.model_fields.items():
        listed, items = _listed_record(field.annotation), value.get(name)
        if listed is not None and isinstance(items, list):
            for index, item in enumerate(items):
                yield from _wrong_fields(listed, item, f"{path}{name}.{index}.")


def _listed_record(annotation: Any) -> type[Record] | None:
    """The record of which *annotation* is a tuple; None where it is something else."""
    if get_origin(annotation) is not tuple:
        return None
    item = get_args(annotation)[0]
    return item if isinstance(item, type) and issubclass(item, Record) else None


def explanation(error: ValidationError) -> str:
    """What is wrong with which fields, without their values."""
    if error.error_count() > _MOST_EXPLAINED:
        return f"{error.error_count()} fields are wrong or missing, or do not belong in it"
    lines = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        lines.append(f"{field}: {message}" if field else message)
    return "; ".join(lines)
