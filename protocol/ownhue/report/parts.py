"""A sealed report as a sequence of QR codes, for a phone without a network and a desk with a camera.

specs/report.md section 7. Sixteen texts of one length; the desk reads them in any order, some of them twice::

    texts = split_report(sealed)                       # phone: "OWNR1:..." sixteen times, 1151 characters each
    scan = ReportScan()
    for text in camera:                                # desk
        scan = scan.add(text)                          # VerificationError for a part of another report
        print(scan.missing)                            # (3, 7)
    sealed = scan.sealed()                             # StateError while parts are missing

Each part carries its number, their number, and the first bytes of the report's SHA-256: parts of two reports are told
apart, and what was put together is checked as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from ownhue.encoding import base45_decode, base45_encode
from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue.report.sealed import SEALED_BYTES

#: The first characters of every part. specs/report.md section 7
PART_PREFIX = "OWNR1:"
#: Parts of every report. specs/report.md section 7
REPORT_PARTS = 16
#: Bytes of the report in each part. specs/report.md section 7
PART_BYTES = SEALED_BYTES // REPORT_PARTS
#: Bytes of the report's SHA-256 in each part. specs/report.md section 7
PART_DIGEST_BYTES = 8
#: Characters of every part: a QR code of version 19 at level L. specs/report.md section 7
PART_CHARACTERS = 1151

_HEAD_BYTES = 2 + PART_DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One part. Raises FormatError for values that the format cannot carry."""

    number: int
    """1 to 16."""
    digest: bytes
    """The first 8 bytes of the SHA-256 of the sealed report: the same in all its parts."""
    chunk: bytes = field(repr=False)
    """753 bytes of the sealed report."""

    def __post_init__(self) -> None:
        if (
            not 1 <= self.number <= REPORT_PARTS
            or len(self.digest) != PART_DIGEST_BYTES
            or len(self.chunk) != PART_BYTES
        ):
            raise FormatError("not a part of a report")


def split_report(sealed: bytes) -> tuple[str, ...]:
    """The sixteen texts of a sealed report, first part first. Raises FormatError for another length."""
    if len(sealed) != SEALED_BYTES:
        raise FormatError(f"a sealed report has {SEALED_BYTES} bytes, not {len(sealed)}")
    digest = sha256(sealed).digest()[:PART_DIGEST_BYTES]
    chunks = [sealed[start : start + PART_BYTES] for start in range(0, SEALED_BYTES, PART_BYTES)]
    return tuple(encode_part(ReportPart(number, digest, chunk)) for number, chunk in enumerate(chunks, 1))


def encode_part(part: ReportPart) -> str:
    """The text of *part*, for a QR code in alphanumeric mode."""
    return PART_PREFIX + base45_encode(bytes((part.number, REPORT_PARTS)) + part.digest + part.chunk)


def parse_part(text: str) -> ReportPart:
    """The part of *text*. Raises FormatError for any text that ``encode_part`` does not make."""
    if len(text) > PART_CHARACTERS:
        raise LimitError(f"{len(text)} characters are too many for a part of a report")
    if not text.startswith(PART_PREFIX):
        raise FormatError(f"a part of a report begins with {PART_PREFIX}")
    data = base45_decode(text[len(PART_PREFIX) :])
    if len(data) != _HEAD_BYTES + PART_BYTES or data[1] != REPORT_PARTS:
        raise FormatError(f"not one of {REPORT_PARTS} parts of a report")
    return ReportPart(data[0], data[2:_HEAD_BYTES], data[_HEAD_BYTES:])


@dataclass(frozen=True)
class ReportScan:
    """The parts that were read so far. A value: ``add`` gives the next one or raises, and nothing is half changed."""

    chunks: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """By number."""
    digest: bytes | None = None
    """Of the report whose parts these are; None before the first."""

    def add(self, text: str) -> "ReportScan":
        """With the part of *text*; the same part again changes nothing.

        Raises FormatError for what is no part, VerificationError for a part of another report."""
        part = parse_part(text)
        if self.digest not in (None, part.digest) or self.chunks.get(part.number, part.chunk) != part.chunk:
            raise VerificationError("a part of another report")
        return ReportScan(MappingProxyType({**self.chunks, part.number: part.chunk}), part.digest)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the parts that are still to be read, ascending."""
        return tuple(number for number in range(1, REPORT_PARTS + 1) if number not in self.chunks)

    def sealed(self) -> bytes:
        """The sealed report, 12,048 bytes.

        Raises StateError while parts are missing, VerificationError when they do not make the report they name."""
        if self.missing:
            raise StateError(f"parts are missing: {', '.join(map(str, self.missing))}")
        sealed = b"".join(self.chunks[number] for number in range(1, REPORT_PARTS + 1))
        if sha256(sealed).digest()[:PART_DIGEST_BYTES] != self.digest:
            raise VerificationError("the parts do not make one report")
        return sealed
