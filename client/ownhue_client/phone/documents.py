"""The signed documents that a phone holds: rulebook, keys for report tokens, epoch keys. specs/publication.md

- The phone keeps the documents as they were signed and opens them again when it needs them.
- A rulebook's version never goes back, and one version has one content.
- A rulebook that is published ahead decides nothing before its day.
- One key per epoch, for ever: a second one would tag people by their key.
"""

from functools import lru_cache

from ownhue.documents import open_document
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, StateError, VerificationError
from ownhue.params import ReportType
from ownhue.passes import EpochKey, EpochList
from ownhue.region import Region
from ownhue.report import ReportTokenKey, report_keys_from_body, week_of
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue_client.phone.store import Store
from ownhue_client.publication import KEPT_RULEBOOKS

#: Kinds of documents; also the folders of the published files, and the names in the store behind "document.".
RULEBOOK, REPORT_KEYS, EPOCHS = "rulebook", "report-keys", "epochs"
KINDS = frozenset((RULEBOOK, REPORT_KEYS, EPOCHS))
_SEEN_EPOCHS = "epochs_seen"
#: State: the newest rulebooks as they were signed, oldest first.
_RULEBOOKS = "rulebooks"


class Documents:
    """Documents in *store*, judged by the keys of *region*. Writing is the caller's transaction."""

    def __init__(self, store: Store, region: Region) -> None:
        self._store = store
        self._region = region
        self._authority_key = region.authority_key_bytes
        self._issuer_key = region.issuer_key_bytes

    def take(self, kind: str, data: bytes) -> None:
        """Keep a newly published document of *kind* if it is good.

        Raises FormatError or VerificationError, ForkError for a second key of an epoch; then the old one stays.
        """
        if kind == RULEBOOK:
            self._take_rulebook(data)
            return
        if kind == EPOCHS:
            self._take_epochs(data)
        else:
            _report_keys(data, self._authority_key)
        self._store.put(f"document.{kind}", data)

    @property
    def rulebooks(self) -> list[Rulebook]:
        """The newest rulebooks in the order of their versions, those to come among them."""
        return [_rulebook(data, self._authority_key) for data in self._store.get(_RULEBOOKS, [])]

    def rulebook_at(self, now: int) -> Rulebook | None:
        """The rulebook of the highest version in force at *now* (unix seconds); without one the newest, or None."""
        known = self.rulebooks
        in_force = [rulebook for rulebook in known if rulebook.in_force(now)]
        return next(reversed(in_force or known), None)

    def epoch_key(self, epoch: int) -> EpochKey | None:
        """The issuer's key of *epoch*, or None when none is published."""
        data = self._store.get(f"document.{EPOCHS}")
        keys = () if data is None else _epochs(data, self._issuer_key).keys
        return next((key for key in keys if key.epoch == epoch), None)

    def report_key(self, report_type: ReportType, now: int) -> ReportTokenKey:
        """The authority's key for tokens of *report_type* in the week of *now*. Raises StateError."""
        data = self._store.get(f"document.{REPORT_KEYS}")
        if data is None:
            raise StateError("the authority's keys are not known yet; synchronise first")
        for key in _report_keys(data, self._authority_key):
            if (key.report_type, key.week) == (report_type, week_of(now)):
                return key
        raise StateError("the authority's key of this week is not known yet; synchronise first")

    def _take_rulebook(self, data: bytes) -> None:
        new, old = _rulebook(data, self._authority_key), next(reversed(self.rulebooks), None)
        if new.region != self._region.name:
            raise VerificationError("the rulebook is for another region")
        if old is not None and new.version < old.version:
            raise VerificationError(f"rulebook {new.version} was published after rulebook {old.version}")
        if old is not None and new.version == old.version and new.digest != old.digest:
            raise VerificationError(f"rulebook {new.version} was published with two contents")
        if new != old:
            self._store.put(_RULEBOOKS, [*self._store.get(_RULEBOOKS, []), data][-KEPT_RULEBOOKS:])

    def _take_epochs(self, data: bytes) -> None:
        new = _epochs(data, self._issuer_key)
        if new.issuer != self._region.issuer_name:
            raise VerificationError("the list of epoch keys is of another issuer")
        seen = dict(self._store.get(_SEEN_EPOCHS, []))
        for key in new.keys:
            if seen.setdefault(key.epoch, key.key_id) != key.key_id:
                raise ForkError(f"a second key for epoch {key.epoch}")
        self._store.put(_SEEN_EPOCHS, [[epoch, digest] for epoch, digest in sorted(seen.items())])


# Opening a document is a function of its bytes and the key alone; phones of one process hold the same documents.
@lru_cache(maxsize=8)
def _rulebook(data: bytes, key: bytes) -> Rulebook:
    return parse_rulebook(canonical_json(open_document(data, RULEBOOK, [key])))


@lru_cache(maxsize=8)
def _epochs(data: bytes, key: bytes) -> EpochList:
    return EpochList.from_body(open_document(data, EPOCHS, [key]))


@lru_cache(maxsize=8)
def _report_keys(data: bytes, key: bytes) -> tuple[ReportTokenKey, ...]:
    return report_keys_from_body(open_document(data, REPORT_KEYS, [key]))
