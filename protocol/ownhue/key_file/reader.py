"""Reading key files of any size in bounded memory. specs/key-file.md section 6

    with open(path, "rb") as stream, open_key_file(stream, public_key) as opened:
        for key in opened.keys:                 # first pass over the stream: its signature holds
            ...                                 # second pass: the keys come one by one
        for key in opened.revised_keys:
            ...
    # only here everything is known to be good: what was done with the keys is to be kept or undone as a whole

- Two passes over the stream. The first hashes export.bin and verifies; nothing in it is parsed so far. The second
  hashes again while it parses, so that a file that changes between the passes is refused. decisions/0009
- At any time one block is in memory, and 16 bytes for each key that was read: they find a key that occurs twice.
- What is wrong is told as :func:`read_key_file` tells it, which is this reader with everything kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.key_file.container import Container, Limits
from ownhue.key_file.schema import ExportMessage
from ownhue.key_file.signature import check_labels, read_signatures, text_of, verify
from ownhue.key_file.values import (
    KEY_REPORT_TYPES,
    REVISED_REPORT_TYPES,
    ExposureKey,
    KeyCount,
    KeyFile,
    KeyFileHead,
    KeyIndex,
    check_key,
)
from ownhue.key_file.wire import INFOS, KEYS, REVISED_KEYS, parse, runs
from ownhue.params import ReportType

#: First 16 bytes of export.bin. specs/key-file.md section 2
HEADER = b"EK Export v1    "
#: Limits of a reader that asks for no others.
DEFAULT_LIMITS = Limits()
_REPORT_TYPES: dict[int, ReportType] = {int(kind): kind for kind in ReportType}


@contextmanager
def open_key_file(
    stream: BinaryIO, public_key: ec.EllipticCurvePublicKey, limits: Limits = DEFAULT_LIMITS
) -> Iterator["OpenKeyFile"]:
    """A key file signed by *public_key* (P-256) in a seekable *stream* that the caller opened, for a ``with`` block.

    Raises FormatError, LimitError, VerificationError: at the beginning of the block what the first pass and the head
    show, while keys are read what stands between them, and at the block's end whatever its user did not read. Errors of
    the stream itself come through.
    """
    # (1) the container, within its limits
    container = Container(stream, limits)
    digest, header = _first_pass(container)
    signature = container.signature()
    # (2) the list of signatures, and the header of what they sign
    signatures = read_signatures(signature, limits)
    if header != HEADER:
        raise FormatError("export.bin does not start with the header of version 1")
    # (3) a signature of the expected key over the whole of export.bin
    verify(digest, signatures, public_key)
    opened = OpenKeyFile(_second_pass(container, digest), signatures, limits)
    yield opened
    opened.finish()


def read_key_file(data: bytes, public_key: ec.EllipticCurvePublicKey, limits: Limits = DEFAULT_LIMITS) -> KeyFile:
    """The content of a key file signed by *public_key* (P-256). Raises FormatError, LimitError, VerificationError.

    The numbered steps are those of specs/key-file.md section 6.
    """
    with open_key_file(BytesIO(data), public_key, limits) as opened:
        head = opened.head
        return KeyFile(head.start, head.end, head.region, tuple(opened.keys), tuple(opened.revised_keys))


def _first_pass(container: Container) -> tuple[bytes, bytes]:
    """SHA-256 of export.bin, and its first 16 bytes."""
    digest, header = sha256(), b""
    for block in container.export():
        digest.update(block)
        if len(header) < len(HEADER):
            header = (header + block)[: len(HEADER)]
    return digest.digest(), header


def _second_pass(container: Container, expected: bytes) -> Iterator[bytes]:
    """Blocks of export.bin behind its header. Raises VerificationError unless they are those of the first pass."""
    digest, header = sha256(), len(HEADER)
    try:
        for block in container.export():
            digest.update(block)
            yield block[header:]
            header = max(0, header - len(block))
    except FormatError as error:
        raise VerificationError("the key file changed while it was read") from error
    if digest.digest() != expected:
        raise VerificationError("the key file changed while it was read")


class OpenKeyFile:
    """A key file whose signature holds. Made by :func:`open_key_file`."""

    head: KeyFileHead
    """Batch and region."""
    keys: Iterator[ExposureKey]
    """Keys published for the first time, in the order of the file. The last come when all else was seen to be good."""
    revised_keys: Iterator[ExposureKey]
    """Published keys whose report type changed. Taking one passes over the keys that were not taken."""

    def __init__(self, body: Iterator[bytes], signatures: Sequence[Any], limits: Limits) -> None:
        """*body*: the blocks of export.bin behind its header."""
        self._messages = _messages(body, limits)
        self._waiting = next(self._messages, None)
        self._complete = self._failed = False
        header = self._header()
        with self._after_its_form():
            # (5) what the signatures say about themselves agrees with what was signed
            check_labels(header, signatures)
            # (6) first the values that hold for all keys
            self.head = KeyFileHead(header.start_timestamp, header.end_timestamp, text_of(header.region, "the region"))
        self.keys = self._group(KEYS)
        self.revised_keys = self._revised_keys()

    def finish(self) -> None:
        """Look at everything that was not read. Raises as reading it would have, VerificationError after an error."""
        for _ in self.revised_keys:
            pass
        if not self._complete:
            raise VerificationError("the key file was not read to its end")

    def _header(self) -> Any:
        header = ExportMessage()
        while self._waiting is not None and self._waiting[0] <= INFOS:
            header.MergeFrom(self._waiting[1])
            self._waiting = next(self._messages, None)
        return header

    def _revised_keys(self) -> Iterator[ExposureKey]:
        for _ in self.keys:
            pass
        yield from self._group(REVISED_KEYS)
        self._complete = self._waiting is None and not self._failed

    def _group(self, number: int) -> Iterator[ExposureKey]:
        index = KeyIndex()
        report_types = KEY_REPORT_TYPES if number == KEYS else REVISED_REPORT_TYPES
        while self._waiting is not None and self._waiting[0] == number:
            message = self._waiting[1]
            with self._after_its_form():
                # (6) and then each key
                block = list(map(_read_key, message.keys if number == KEYS else message.revised_keys))
                for key in block:
                    check_key(key, report_types)
                index.add(block)
            # One message ahead: no key is handed out before it is clear that another block follows, or the end is good.
            self._waiting = next(self._messages, None)
            if self._waiting is None or self._waiting[0] != number:
                with self._after_its_form():
                    index.check()
            yield from block

    @contextmanager
    def _after_its_form(self) -> Iterator[None]:
        """What is wrong inside counts after what is wrong with the form of the rest: step 4 comes before 5 and 6."""
        try:
            yield
        except OwnhueError:
            self._failed = True
            for _ in self._messages:
                pass
            raise


def _messages(body: Iterator[bytes], limits: Limits) -> Iterator[tuple[int, Any]]:
    """(4) The message in its one encoding and within its limits, in pieces: (field number, a TemporaryExposureKeyExport
    of such fields)."""
    count = KeyCount(limits)
    try:
        for number, encoded in runs(body, limits):
            message = parse(ExportMessage, encoded, "export.bin")
            count.add(len(message.keys) + len(message.revised_keys))
            yield number, message
    except FormatError:
        # A file that changed is told as such, whatever it changed into.
        for _ in body:
            pass
        raise


def _read_key(key: Any) -> ExposureKey:
    return ExposureKey(
        key.key_data,
        key.rolling_start_interval_number,
        key.rolling_period,
        _REPORT_TYPES.get(key.report_type, key.report_type),
        key.days_since_onset_of_symptoms if key.HasField("days_since_onset_of_symptoms") else None,
        key.transmission_risk_level,
        key.variant_of_concern,
    )
