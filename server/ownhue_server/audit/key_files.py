"""Key files: signature, times, padding, embargo, order, and that no key comes twice. specs/key-file.md

Every file is read as a stream, and while it is read it is written again: what a publisher that follows section 4 writes
has the same bytes, so nothing is hidden in the way a file is packed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.key_file import ExposureKey, open_key_file
from ownhue.key_file.reader import OpenKeyFile
from ownhue.log import LogEntry
from ownhue.params import EMBARGO_SECONDS, EPOCH_SECONDS, INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS, ReportType
from ownhue.report.check import REPORT_GRACE_SECONDS
from ownhue_server.audit.files import Files
from ownhue_server.audit.key_register import KeyRegister
from ownhue_server.audit.keyring import Keyring
from ownhue_server.audit.report import Report
from ownhue_server.audit.rewriting import Likeness, write_again

_FLUSHED_KEYS = 4096
#: Report types that somebody can report.
_REPORTED = frozenset({ReportType.CONFIRMED_TEST, ReportType.CONFIRMED_CLINICAL, ReportType.SELF_REPORT})


@dataclass
class KeyFiles:
    """The key files of a log that are still kept."""

    files: Files
    keyring: Keyring
    padding: int
    """Fewest keys that a file must have."""
    report: Report

    def check(self) -> None:
        """Look at every file, then at all keys together."""
        with KeyRegister() as register:
            whole = True
            for entry in self.files.kept("keys"):
                file = self.files.open(entry)
                if file is None:
                    whole = False
                    continue
                with file:
                    whole = self._check_file(entry, file, register) and whole
            self.report.count("key-twice")
            self.report.count("revised")
            for batch, again in register.twice():
                self.report.fail("key-twice", f"a key of batch {batch} is published again", f"keys/{again}")
            # Without one of the files nobody can say what it published.
            for batch in register.unknown() if whole else ():
                self.report.fail("revised", "a key is revised that was never published", f"keys/{batch}")

    @property
    def first_second(self) -> int:
        """Closing time of the last batch whose key file is gone; 0 where none is gone yet."""
        log = self.files.log
        oldest = log.oldest_kept(log.newest)
        return oldest * log.region.batch_seconds if log.entries[0].batch < oldest else 0

    def _check_file(self, entry: LogEntry, file: BinaryIO, register: KeyRegister) -> bool:
        """Whether it could be read."""
        keys = self.keyring.at(entry.batch).key_files
        self.report.count("key-file")
        for number, key in enumerate(keys, 1):
            check = _Check(entry, self, register)
            try:
                with open_key_file(file, key) as opened:
                    check.read(file, opened)
            except VerificationError as error:
                # Before anything was handed out, the file may be by the next key.
                if number < len(keys) and not check.count:
                    continue
                self.report.fail("key-file", f"a key file cannot be trusted: {error}", entry.path)
            except OwnhueError as error:
                self.report.fail("key-file", f"a key file cannot be read: {error}", entry.path)
            else:
                return True
            return False
        return False


class _Check:
    """One file while it is read."""

    def __init__(self, entry: LogEntry, parent: KeyFiles, register: KeyRegister) -> None:
        self._path, self._batch = entry.path, entry.batch
        self._region = parent.keyring.region
        self._padding = parent.padding
        self._report = parent.report
        self._register = register
        self._first_second = parent.first_second
        self.count = 0
        self._faults: set[str] = set()
        self._end = (entry.batch + 1) * self._region.batch_seconds
        #: Reports come in during a batch, and copies of a key's age are rounded to whole periods.
        self._oldest = (
            self._end
            - RETENTION_DAYS * EPOCH_SECONDS
            - REPORT_GRACE_SECONDS
            - self._region.batch_seconds
            - KEY_PERIOD * INTERVAL_SECONDS
        )

    def read(self, file: BinaryIO, opened: OpenKeyFile) -> None:
        """Look at all keys, and write the file again on the way."""
        self._check_head(opened)
        keys = self._watched(opened.keys, self._look_at_new, revised=False)
        revised = self._watched(opened.revised_keys, self._look_at_revised, revised=True)
        try:
            likeness = write_again(file, opened.head, keys, revised)
        except FormatError:
            # Either the reader's own error, which comes out of the with block, or what no publisher writes.
            likeness = Likeness.OTHER
            for _key in chain(keys, revised):
                pass
        for word in ("key-order", "embargo", "key-age", "key-type", "padding", "form"):
            self._report.count(word)
        if self.count < self._padding:
            self._fail("padding", f"a key file has {self.count} keys, fewer than {self._padding}")
        if likeness is Likeness.PACKED_OTHERWISE:
            self._report.remark("form", "a key file was packed by another version of zlib", self._path)
        elif likeness is Likeness.OTHER and not self._faults:
            self._fail("form", "a key file is not what a publisher would write again")

    def _check_head(self, opened: OpenKeyFile) -> None:
        self._report.count("span")
        head = opened.head
        start = self._end - self._region.batch_seconds
        if (head.start, head.end, head.region) != (start, self._end, self._region.name):
            self._fail("span", "a key file is of another region, or its times are not those of its batch")

    def _watched(
        self, source: Iterator[ExposureKey], look: Callable[[ExposureKey], None], *, revised: bool
    ) -> Iterator[ExposureKey]:
        datas, last = bytearray(), b""
        for key in source:
            if key.data <= last:
                self._fault("key-order", "keys do not stand in the order of their bytes")
            last = key.data
            look(key)
            if not revised or self._can_be_looked_up(key):
                datas += key.data
            if len(datas) >= _FLUSHED_KEYS * len(key.data):
                self._register.add(self._batch, bytes(datas), revised=revised)
                datas.clear()
            yield key
        self._register.add(self._batch, bytes(datas), revised=revised)

    def _look_at_new(self, key: ExposureKey) -> None:
        self.count += 1
        end = (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS
        if end + EMBARGO_SECONDS > self._end:
            self._fault("embargo", "a key was published before its period and the embargo were over")
        if end <= self._oldest:
            self._fault("key-age", "a key is older than a report may be")
        self._check_type(key, key.report_type in _REPORTED, "a new key has a report type that nobody reports")

    def _can_be_looked_up(self, key: ExposureKey) -> bool:
        """Whether a revised key cannot have been published before the oldest file that is kept."""
        return (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS + EMBARGO_SECONDS > self._first_second

    def _look_at_revised(self, key: ExposureKey) -> None:
        end = (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS
        if end + EMBARGO_SECONDS > self._end:
            self._fault("embargo", "a revised key was not over when it was published")
        self._check_type(key, key.report_type == ReportType.REVOKED, "a revised key is not taken back, but changed")

    def _check_type(self, key: ExposureKey, right: bool, sentence: str) -> None:
        """Fields of which no publisher makes use could mark a person's keys."""
        if not right:
            self._fault("key-type", sentence)
        if key.transmission_risk_level or key.variant_of_concern:
            self._fault("key-type", "a key has a risk level or a variant, which no publisher writes")

    def _fault(self, word: str, sentence: str) -> None:
        """A failure that is told once for each file."""
        if word not in self._faults:
            self._faults.add(word)
            self._fail(word, sentence)

    def _fail(self, word: str, sentence: str) -> None:
        self._report.fail(word, sentence, self._path)
