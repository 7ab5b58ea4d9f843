"""Notice file: the venue notices of one batch, among padding, in one order that says nothing. specs/venue.md section 8

    head            "OWNHUE-NOTICE-1\\n", region (32 bytes, zeros behind it), batch, numbers of notices and of marks
    notices         512 bytes each, ascending by tag: 64, 128, 256 ... 65,536 or 100,000 of them
    marks           16 bytes each, ascending: what is withdrawn, 16, 32 ... 16,384 of them
    signature       the authority's, over the SHA-256 of all that

Every batch has one, also when there is no notice. Tags and marks look random, so their order is a shuffle, and padding
is random bytes. Reading takes the memory of one block, however long the file is::

    for record in read_notices(blocks, batch):      512 bytes: a notice; 16 bytes: a mark
        ...                                         counts only when the loop ended without an error
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nacl.signing import SigningKey

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.venue import TAG_BYTES
from ownhue.venue.certificate import is_signed
from ownhue.venue.notice import NOTICE_BYTES, NoticeBatch

#: The first bytes of a notice file: "OWNHUE-NOTICE-1" and a line end. specs/venue.md section 10
NOTICE_FILE_MARK = b"OWNHUE-NOTICE-1\n"
#: Least and largest number of notices of a file. specs/venue.md section 10
NOTICE_COUNTS = (64, 100_000)
#: Least and largest number of marks of a file. specs/venue.md section 10
MARK_COUNTS = (16, 16_384)

_REGION = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_REGION_BYTES, _NUMBER_BYTES, _SIGNATURE_BYTES = 32, 4, 64
_HEAD_BYTES = len(NOTICE_FILE_MARK) + _REGION_BYTES + 3 * _NUMBER_BYTES
_PREFIX = b"OWNHUE-NOTICES\0"


class _Head(NamedTuple):
    region: str
    batch: int
    notices: int
    marks: int

    def encode(self) -> bytes:
        numbers = (number.to_bytes(_NUMBER_BYTES, "big") for number in self[1:])
        return NOTICE_FILE_MARK + self.region.encode().ljust(_REGION_BYTES, b"\0") + b"".join(numbers)


@dataclass(frozen=True, slots=True)
class NoticeFile:
    """A whole file, for tests and for servers; phones read it as a stream."""

    region: str
    batch: int
    notices: tuple[bytes, ...]
    """512 bytes each, ascending by tag."""
    marks: tuple[bytes, ...]
    """16 bytes each, ascending."""
    signature: bytes

    def encode(self) -> bytes:
        """The file's bytes."""
        return _body(self.region, self.batch, self.notices, self.marks) + self.signature


def write_notice_file(
    region: str,
    batch: int,
    notices: Iterable[bytes],
    marks: Iterable[bytes],
    authority_key: SigningKey,
    random: Callable[[int], bytes],
) -> bytes:
    """The signed file of a batch: sealed *notices* and *marks* of withdrawn ones, in any order, and padding.

    Padding takes 512 bytes for each missing notice, then 16 for each missing mark from *random*. Who runs this again
    keeps the file, or the padding shows. Raises FormatError for two notices of one tag and
    for a batch or region without a spelling, LimitError for too many.
    """
    padded = _padded(notices, NOTICE_BYTES, NOTICE_COUNTS, random)
    body = _body(region, batch, padded, _padded(marks, TAG_BYTES, MARK_COUNTS, random))
    return body + authority_key.sign(_message(hashlib.sha256(body).digest())).signature


def parse_notice_file(data: bytes, batch: NoticeBatch) -> NoticeFile:
    """The verified file of *data*, all of it in memory. Raises as :func:`read_notices`."""
    records = list(read_notices([data], batch))
    notices = tuple(record for record in records if len(record) == NOTICE_BYTES)
    return NoticeFile(
        batch.region, batch.number, notices, tuple(records[len(notices) :]), data[len(data) - _SIGNATURE_BYTES :]
    )


def read_notices(blocks: Iterable[bytes], batch: NoticeBatch) -> Iterator[bytes]:
    """The notices (512 bytes each) and then the marks (16 bytes each) of a file that comes in *blocks* of any length.

    Steps 1 to 4 of specs/venue.md section 8. Nothing that was given out counts before the iterator ended: the signature
    comes last. Raises FormatError, LimitError, VerificationError.
    """
    stream = _Stream(blocks)
    head = _parse_head(stream.take(_HEAD_BYTES))  # (1)
    if (head.region, head.batch) != (batch.region, batch.number):  # (2)
        raise VerificationError("the notice file is of another region or batch")
    for count, length in ((head.notices, NOTICE_BYTES), (head.marks, TAG_BYTES)):
        before = b""
        for _ in range(count):
            record = stream.take(length)
            if record[:TAG_BYTES] <= before:  # (3)
                raise FormatError("the tags of a notice file do not ascend")
            before = record[:TAG_BYTES]
            yield record
    message = _message(stream.digest())
    signature = stream.take(_SIGNATURE_BYTES)
    stream.end()
    if not any(is_signed(key, message, signature) for key in batch.authority_keys):  # (4)
        raise VerificationError("the authority did not sign this notice file")


def padded_count(count: int, counts: tuple[int, int]) -> int:
    """The number to which *count* is padded: the next of least, twice that, and so on up to the largest of *counts*.

    Raises LimitError for more than the largest.
    """
    least, largest = counts
    if count > largest:
        raise LimitError(f"a notice file holds at most {largest} records of this kind")
    while least < count:
        least = min(2 * least, largest)
    return least


def _padded(
    records: Iterable[bytes], length: int, counts: tuple[int, int], random: Callable[[int], bytes]
) -> tuple[bytes, ...]:
    by_tag: dict[bytes, bytes] = {}
    for record in records:
        if len(record) != length or record[:TAG_BYTES] in by_tag:
            raise FormatError("a record has another length, or two have one tag")
        by_tag[record[:TAG_BYTES]] = record
    wanted = padded_count(len(by_tag), counts)
    while len(by_tag) < wanted:
        record = random(length)
        by_tag.setdefault(record[:TAG_BYTES], record)
    return tuple(by_tag[tag] for tag in sorted(by_tag))


def _body(region: str, batch: int, notices: Sequence[bytes], marks: Sequence[bytes]) -> bytes:
    if not 0 <= batch < 1 << 8 * _NUMBER_BYTES:
        raise FormatError("the number of a batch has 32 bits")
    head = _Head(region, batch, len(notices), len(marks)).encode()
    return b"".join((_parse_head(head).encode(), *notices, *marks))


def _parse_head(data: bytes) -> _Head:
    """(1): the mark, a region, and numbers that padding can have given."""
    mark, region, rest = data[: len(NOTICE_FILE_MARK)], data[len(NOTICE_FILE_MARK) : -12], data[-12:]
    name = region.rstrip(b"\0").decode("ascii", "replace")
    if mark != NOTICE_FILE_MARK or not _REGION.fullmatch(name):
        raise FormatError("not a notice file")
    batch, notices, marks = (int.from_bytes(rest[at : at + _NUMBER_BYTES], "big") for at in (0, 4, 8))
    for count, counts in ((notices, NOTICE_COUNTS), (marks, MARK_COUNTS)):
        if padded_count(count, counts) != count:
            raise FormatError("a notice file is not padded to one of the numbers")
    return _Head(name, batch, notices, marks)


def _message(digest: bytes) -> bytes:
    return _PREFIX + digest


class _Stream:
    """Blocks, taken in pieces. What was taken is hashed."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._block = b""
        self._at = 0
        self._hash = hashlib.sha256()

    def take(self, length: int) -> bytes:
        """The next *length* bytes. Raises FormatError where there are fewer."""
        while len(self._block) - self._at < length:
            block = next(self._blocks, None)
            if block is None:
                raise FormatError("a notice file was cut")
            self._block = self._block[self._at :] + block
            self._at = 0
        piece = self._block[self._at : self._at + length]
        self._at += length
        self._hash.update(piece)
        return piece

    def digest(self) -> bytes:
        """SHA-256 of all that was taken so far."""
        return self._hash.digest()

    def end(self) -> None:
        """Raises FormatError if there is more."""
        if self._at < len(self._block) or any(self._blocks):
            raise FormatError("something follows a notice file")
