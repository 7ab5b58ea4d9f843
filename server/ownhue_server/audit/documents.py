"""Signed documents: who signed them, and that they never contradict the ones before. specs/publication.md section 4"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ownhue.area_notice import open_area_notice
from ownhue.certificate.trust_list import trust_from_body
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.log import LogEntry
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKey, PastKeys, check_past_keys
from ownhue.regions import Regions, regions_of_body
from ownhue.report import report_keys_from_body
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue.venue.notice import NoticeBatch
from ownhue.venue.notice_file import read_notices
from ownhue_server.audit.files import Files
from ownhue_server.audit.keyring import Keyring
from ownhue_server.audit.report import Report

Body = Mapping[str, Any]

_PIECE_BYTES = 1 << 16


@dataclass
class Documents:
    """All signed documents of a log, oldest first."""

    files: Files
    keyring: Keyring
    report: Report
    newest: dict[str, tuple[LogEntry, bytes]] = field(default_factory=dict)
    """Document of each kind that counts today, of those that were read."""
    _epochs: dict[int, EpochKey] = field(default_factory=dict)
    _past: dict[bytes, PastKey] = field(default_factory=dict)
    _listed: tuple[int, ...] = ()
    _rulebooks: dict[int, Rulebook] = field(default_factory=dict)
    _report_keys: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _regions: Regions | None = None

    def check(self) -> None:
        """Look at every document that is still kept."""
        checks: Mapping[str, Callable[[LogEntry, Body], None]] = {
            "rulebook": self._rulebook,
            "epochs": self._epoch_list,
            "past-epochs": self._past_epochs,
            "report-keys": self._report_key_list,
            "regions": self._region_list,
            "certificate-trust": self._certificate_trust,
        }
        contents: dict[str, bytes | None] = {}
        # A document may come back: it is fetched once, and judged each time it is the newest again.
        for entry in self.files.log.of_kind(*checks):
            if entry.kind == "epochs":
                self._listed = ()  # What a list that cannot be read names is not known.
            if entry.path not in contents:
                contents[entry.path] = self.files.content(entry)
            if (data := contents[entry.path]) is not None:
                self._check(entry, data, checks[entry.kind])
        for entry in self.files.kept("area"):
            if (data := self.files.content(entry)) is not None:
                self._area_notice(entry, data)
        for entry in self.files.kept("notices"):
            if (file := self.files.open(entry)) is not None:
                with file:
                    self._notice_file(entry, file)
        self._check_newest()

    def _check(self, entry: LogEntry, data: bytes, check: Callable[[LogEntry, Body], None]) -> None:
        self.report.count("document")
        try:
            body = self.keyring.at(entry.batch).open_document(data, entry.kind)
            check(entry, body)
        except OwnhueError as error:
            self._fail("document", f"a document does not hold: {error}", entry)
            return
        # Of a kind that targets name, the one in force counts, whatever else the log holds.
        if entry.path == self.keyring.vouched.get(entry.kind, entry.path):
            self.newest[entry.kind] = (entry, data)

    def _check_newest(self) -> None:
        """What counts now has to be signed by today's keys, or phones refuse it."""
        for kind, (entry, data) in self.newest.items():
            self.report.count("in-force")
            try:
                self.keyring.now.open_document(data, kind)
            except OwnhueError as error:
                self._fail("in-force", f"the newest document of its kind is not by the keys of now: {error}", entry)

    def _rulebook(self, entry: LogEntry, body: Body) -> None:
        rulebook = parse_rulebook(canonical_json(dict(body)))
        self._own_region(rulebook.region)
        self.report.count("rulebook")
        if rulebook.version < max(self._rulebooks, default=0):
            self._fail("rulebook", f"rulebook {rulebook.version} follows a newer one", entry)
        elif self._rulebooks.setdefault(rulebook.version, rulebook) != rulebook:
            self._fail("rulebook", f"rulebook {rulebook.version} has two contents", entry)

    def _epoch_list(self, entry: LogEntry, body: Body) -> None:
        epochs = EpochList.from_body(body)
        self._own_issuer(epochs.issuer)
        self._listed = tuple(key.epoch for key in epochs.keys)
        for key in epochs.keys:
            self.report.count("epoch-key")
            if self._epochs.setdefault(key.epoch, key) != key:
                self._fail("epoch-key", f"epoch {key.epoch} has two keys: its passes tell people apart", entry)

    def _past_epochs(self, entry: LogEntry, body: Body) -> None:
        past = self._past_keys(body)
        self._own_issuer(past.issuer)
        self.report.count("past-key", len(past.keys))
        try:
            check_past_keys(past, self._epochs, self.files.log.closing(entry.batch))
            if {key.epoch for key in past.keys} & set(self._listed):
                raise VerificationError("a past key of an epoch that is still open")
        except VerificationError as error:
            self._fail("past-key", f"past keys do not fit: {error}", entry)

    def _past_keys(self, body: Body) -> PastKeys:
        """The list of *body*. A key stands in fourteen of them, and to see that its primes are primes takes long."""
        match body:
            case {"keys": list(entries)}:
                names = [canonical_json(entry) for entry in entries]
            case _:
                raise FormatError("not a list of past epoch keys")
        fresh = {name: entry for name, entry in zip(names, entries, strict=True) if name not in self._past}
        parsed = PastKeys.from_body({**body, "keys": list(fresh.values())})
        self._past.update(zip(fresh, parsed.keys, strict=True))
        return PastKeys(parsed.issuer, tuple(self._past[name] for name in names))

    def _report_key_list(self, entry: LogEntry, body: Body) -> None:
        for key in report_keys_from_body(body):
            self.report.count("report-key")
            if self._report_keys.setdefault((key.week, int(key.report_type)), key.key_id) != key.key_id:
                self._fail("report-key", f"week {key.week} has two report-token keys of one type", entry)

    def _region_list(self, entry: LogEntry, body: Body) -> None:
        regions = regions_of_body(body)
        self._own_region(regions.home)
        self.report.count("regions")
        try:
            if self._regions is not None:
                regions.check_follows(self._regions)
        except VerificationError as error:
            self._fail("regions", f"a region directory contradicts the one before: {error}", entry)
            return
        self._regions = regions

    def _certificate_trust(self, _entry: LogEntry, body: Body) -> None:
        self._own_region(trust_from_body(body).region)

    def _area_notice(self, entry: LogEntry, data: bytes) -> None:
        self.report.count("document")
        keys, published = self.keyring.at(entry.batch), self.files.log.closing(entry.batch)
        try:
            open_area_notice(
                data,
                keys.authority,
                region=self.keyring.region.name,
                published_at=published,
                threshold=keys.authority_threshold,
            )
        except OwnhueError as error:
            self._fail("document", f"an area notice does not hold: {error}", entry)

    def _notice_file(self, entry: LogEntry, file: BinaryIO) -> None:
        self.report.count("document")
        closing, keys = self.files.log.closing(entry.batch), self.keyring.at(entry.batch).authority
        try:
            blocks = iter(lambda: file.read(_PIECE_BYTES), b"")
            for _record in read_notices(blocks, NoticeBatch(self.keyring.region.name, entry.batch, closing, keys)):
                pass
        except OwnhueError as error:
            self._fail("document", f"a file of venue notices does not hold: {error}", entry)

    def _own_region(self, name: str) -> None:
        if name != self.keyring.region.name:
            raise VerificationError("it is of another region")

    def _own_issuer(self, name: str) -> None:
        if name != self.keyring.region.issuer_name:
            raise VerificationError("it is of another issuer")

    def _fail(self, word: str, sentence: str, entry: LogEntry) -> None:
        self.report.fail(word, sentence, entry.path)
