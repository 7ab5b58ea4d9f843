"""Area notice: an authority says where and when a coarse place was risky. specs/area.md sections 2 and 3

    {"cells":["871f8342cffffff"],"end":1767715200,"format":"ownhue-area-notice-1","minimum_minutes":60,
     "reason":{"en":"Outbreak at the station market"},"region":"demo","rule":"outbreak","start":1767700800}

- It names a place, never a person: no trail, no identifier, no hash of a place.
- It arrives as a signed document of kind "area-notice"; a region may want two signatures of two people.
- What it means for somebody is decided on that person's phone (ownhue.area); it never gives more than yellow.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from nacl.signing import SigningKey
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from ownhue.cells import format_cell, is_cell, parse_cell, resolution_of
from ownhue.documents import open_document, sign_document
from ownhue.encoding import canonical_json
from ownhue.errors import LimitError, VerificationError
from ownhue.params import RETENTION_DAYS
from ownhue.records import Record, parse_record, record_bytes
from ownhue.rulebook.words import Language, RuleName

#: Kind of the signed document. specs/area.md section 2
AREA_NOTICE_KIND = "area-notice"
#: Longest signed notice in bytes. specs/area.md section 6
MAX_AREA_NOTICE_BYTES = 32_768
#: Most cells of one notice. specs/area.md section 6
MAX_AREA_CELLS = 200
#: Coarsest and finest resolution of a notice's cells: 253 km2 and 0.1 km2 on average. specs/area.md section 6
AREA_RESOLUTIONS = (5, 9)
#: Longest time span of one notice in seconds. specs/area.md section 6
MAX_AREA_SECONDS = 86_400

_DAY_SECONDS = 86_400
_Cell = Annotated[
    int, BeforeValidator(lambda value: value if is_cell(value) else parse_cell(value)), PlainSerializer(format_cell)
]
_Second = Annotated[int, Field(ge=0, lt=2**40)]
_Reason = Annotated[str, Field(min_length=1, max_length=500)]


class AreaNotice(Record):
    """Cells, a time span, and the rule that judges stays there. Values of others: :func:`open_area_notice`."""

    format: Literal["ownhue-area-notice-1"] = "ownhue-area-notice-1"
    region: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """Region whose rulebook knows the rule."""
    rule: RuleName
    """Name in the rulebook's areas; a rule that the rulebook does not know means nothing."""
    cells: Annotated[tuple[_Cell, ...], Field(min_length=1, max_length=MAX_AREA_CELLS)]
    """H3 cells of one resolution, 5 to 9, in ascending order."""
    start: _Second
    """First unix second."""
    end: _Second
    """Unix second at which it is over."""
    minimum_minutes: int = Field(ge=1, le=1440)
    """Least stay; the rulebook may ask for more."""
    reason: Annotated[dict[Language, _Reason], Field(min_length=1, max_length=20)]
    """Why, for the people there, by language."""

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Self:
        low, high = AREA_RESOLUTIONS
        if not low <= resolution_of(self.cells[0]) <= high or len({resolution_of(cell) for cell in self.cells}) > 1:
            raise ValueError(f"the cells are not all of one resolution between {low} and {high}")
        if list(self.cells) != sorted(set(self.cells)):
            raise ValueError("the cells do not stand once each, in ascending order")
        if not 0 < self.end - self.start <= MAX_AREA_SECONDS:
            raise ValueError(f"the notice does not end within {MAX_AREA_SECONDS} seconds after its start")
        if self.minimum_minutes * 60 > self.end - self.start:
            raise ValueError("the least stay is longer than the notice, so that nobody could ever reach it")
        return self

    @property
    def body(self) -> dict[str, Any]:
        """The notice as the body of a document."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical body, 32 bytes: the name of the notice, whoever signed it."""
        return hashlib.sha256(record_bytes(self)).digest()


def sign_area_notice(notice: AreaNotice, *signing_keys: SigningKey) -> bytes:
    """The signed document of *notice*; the same input gives the same bytes. Raises LimitError when it is too long."""
    document = sign_document(AREA_NOTICE_KIND, notice.body, *signing_keys)
    if len(document) > MAX_AREA_NOTICE_BYTES:
        raise LimitError(f"an area notice has at most {MAX_AREA_NOTICE_BYTES} bytes")
    return document


def open_area_notice(
    data: bytes, verify_keys: Sequence[bytes], *, region: str, published_at: int, threshold: int = 1
) -> AreaNotice:
    """The verified notice of *data*, which became public at *published_at* (unix seconds) in *region*.

    Steps as numbered in specs/area.md section 3. *threshold* of *verify_keys* (Ed25519, 32 bytes) must have signed.
    Raises LimitError, FormatError (not such a notice), VerificationError (not signed, another region, another time).
    """
    body = open_document(data, AREA_NOTICE_KIND, verify_keys, threshold, MAX_AREA_NOTICE_BYTES)  # (1) to (4)
    notice = parse_area_notice(canonical_json(body))  # (5) the form of a notice
    if notice.region != region:  # (6) of this region
        raise VerificationError("the area notice is of another region")
    if notice.end > published_at:  # (7) of the past: whoever reads it must be able to know where they were
        raise VerificationError("the area notice speaks of a time after its publication")
    if notice.start < published_at - RETENTION_DAYS * _DAY_SECONDS:  # (8) that phones still remember
        raise VerificationError("the area notice speaks of a time that phones have forgotten")
    return notice


def parse_area_notice(body: bytes) -> AreaNotice:
    """The notice of a body in canonical JSON, without its signatures. Raises LimitError or FormatError."""
    return parse_record(AreaNotice, body, "an area notice", MAX_AREA_NOTICE_BYTES)
