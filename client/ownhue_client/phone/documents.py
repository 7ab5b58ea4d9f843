"""The signed documents that a phone holds: rulebooks, report token keys, epoch keys, directory, certificate signers.

specs/publication.md section 4, specs/trust.md section 9

- The phone keeps the documents as they were signed and opens them again, by the keys in force, when it needs them. So
  what only a stolen key had signed is gone with that key, and what it drove up binds nobody.
- A rulebook's version never goes back, and one version has one content. Likewise the directory.
- A rulebook that is published ahead decides nothing before its day. Where trust metadata names rulebooks, it says from
  when on each of them counts.
- One key per epoch, for ever: a second one would tag people by their key.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from ownhue.certificate.trust_list import DOCUMENT_KIND, TrustList, trust_from_body
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, StateError, VerificationError
from ownhue.params import ReportType
from ownhue.passes import EpochKey, EpochList
from ownhue.region import Region
from ownhue.regions import Regions, regions_of_body
from ownhue.report import ReportTokenKey, report_keys_from_body, week_of
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue_client.phone.store import Store
from ownhue_client.publication import KEPT_RULEBOOKS, NamedDocument, RegionKeys

#: Kinds of documents; also the folders of the published files, and the names in the store behind "document.".
RULEBOOK, REPORT_KEYS, EPOCHS, REGIONS = "rulebook", "report-keys", "epochs", "regions"
SIGNERS = DOCUMENT_KIND
KINDS = frozenset((RULEBOOK, REPORT_KEYS, EPOCHS, REGIONS, SIGNERS))
_SEEN_EPOCHS = "epochs_seen"
#: State: [[unix second from which it counts, the rulebook as it was signed], ...], oldest first.
_RULEBOOKS = "rulebooks"

T = TypeVar("T")


class Documents:
    """Documents in *store*, judged by the *keys* in force in *region*. Writing is the caller's transaction."""

    def __init__(self, store: Store, region: Region, keys: Callable[[], RegionKeys]) -> None:
        self._store = store
        self._region = region
        self._keys = keys

    def take(self, kind: str, data: bytes) -> None:
        """Keep a newly published document of *kind* if it is good.

        Raises FormatError or VerificationError, ForkError for a second key of an epoch; then the old one stays.
        """
        if kind == RULEBOOK:
            self._take_rulebook(data, 0)
            return
        if kind == EPOCHS:
            self._take_epochs(data)
        elif kind == REGIONS:
            self._take_regions(data)
        elif kind == SIGNERS:
            self._check_signers(_signers(data, self._keys()))
        else:
            _report_keys(data, self._keys())
        self._store.put(f"document.{kind}", data)

    def take_named(self, kind: str, named: Sequence[NamedDocument]) -> None:
        """Keep what trust metadata names of *kind*, the one in force first, nothing else. Raises as :meth:`take`."""
        if kind != RULEBOOK:
            for document in named[:1]:
                self.take(kind, document.data)
            return
        kept = self.held(RULEBOOK)
        for document in named:
            if document.data not in kept:
                self._check_rulebook(_rulebook(document.data, self._keys()), document.since)
        self._store.put(_RULEBOOKS, [[document.since, document.data] for document in named])

    def held(self, kind: str) -> list[bytes]:
        """The documents of *kind* that are kept, as they were signed."""
        if kind == RULEBOOK:
            return [bytes(data) for _, data in self._store.get(_RULEBOOKS, [])]
        data = self._store.get(f"document.{kind}")
        return [] if data is None else [data]

    @property
    def rulebooks(self) -> list[Rulebook]:
        """The newest rulebooks in the order of their versions, those to come among them."""
        return [rulebook for _, rulebook, _ in self._known()]

    def rulebook_at(self, now: int) -> Rulebook | None:
        """The rulebook that decides at *now* (unix seconds); without one in force the newest, or None.

        Of those that count from the same moment on (without trust metadata: all), the highest version in force.
        """
        known = self._known()
        due = max((since for since, _, _ in known if since <= now), default=None)
        counting = [rulebook for since, rulebook, _ in known if since == due]
        in_force = [rulebook for rulebook in counting if rulebook.in_force(now)]
        return next(reversed(in_force or counting), None)

    @property
    def directory(self) -> Regions | None:
        """The home region's directory of regions; None when none is published."""
        return _opened(_regions, self._store.get(f"document.{REGIONS}"), self._keys)

    @property
    def signers(self) -> TrustList | None:
        """Whose health certificates count, and which were revoked; None when no list is published."""
        return _opened(_signers, self._store.get(f"document.{SIGNERS}"), self._keys)

    def epoch_key(self, epoch: int) -> EpochKey | None:
        """The issuer's key of *epoch*, or None when none is published."""
        known = _opened(_epochs, self._store.get(f"document.{EPOCHS}"), self._keys)
        return next((key for key in (known.keys if known else ()) if key.epoch == epoch), None)

    def report_key(self, report_type: ReportType, now: int) -> ReportTokenKey:
        """The authority's key for tokens of *report_type* in the week of *now*. Raises StateError."""
        known = _opened(_report_keys, self._store.get(f"document.{REPORT_KEYS}"), self._keys)
        if known is None:
            raise StateError("the authority's keys are not known yet; synchronise first")
        for key in known:
            if (key.report_type, key.week) == (report_type, week_of(now)):
                return key
        raise StateError("the authority's key of this week is not known yet; synchronise first")

    def _take_rulebook(self, data: bytes, since: int) -> None:
        new = _rulebook(data, self._keys())
        self._check_rulebook(new, since)
        # The same version, signed anew, takes the place of the old signature: keys change.
        others = [(begin, kept) for begin, rulebook, kept in self._known() if rulebook.version != new.version]
        self._store.put(_RULEBOOKS, [[begin, kept] for begin, kept in [*others, (since, data)]][-KEPT_RULEBOOKS:])

    def _check_rulebook(self, new: Rulebook, since: int) -> None:
        if new.region != self._region.name:
            raise VerificationError("the rulebook is for another region")
        for begin, old, _ in self._known():
            if begin <= since and new.version < old.version:
                raise VerificationError(f"rulebook {new.version} was published after rulebook {old.version}")
            if new.version == old.version and new.digest != old.digest:
                raise VerificationError(f"rulebook {new.version} was published with two contents")

    def _known(self) -> list[tuple[int, Rulebook, bytes]]:
        """Since when it counts, the rulebook, and as it was signed, by version: those that today's keys signed."""
        known = []
        for since, data in self._store.get(_RULEBOOKS, []):
            if (rulebook := _opened(_rulebook, data, self._keys)) is not None:
                known.append((int(since), rulebook, bytes(data)))
        return sorted(known, key=lambda item: item[1].version)

    def _take_epochs(self, data: bytes) -> None:
        new = _epochs(data, self._keys())
        if new.issuer != self._region.issuer_name:
            raise VerificationError("the list of epoch keys is of another issuer")
        seen = self._epochs_seen()
        for key in new.keys:
            if seen.setdefault(key.epoch, key.key_id) != key.key_id:
                raise ForkError(f"a second key for epoch {key.epoch}")
        self._store.put(_SEEN_EPOCHS, [[epoch, digest] for epoch, digest in sorted(seen.items())])

    def _epochs_seen(self) -> dict[int, bytes]:
        """Key id by epoch, as long as the last list is by an issuer's key that still counts.

        Else a thief of that key, who showed keys of his own before it was replaced, would lock the issuer out.
        """
        known = _opened(_epochs, self._store.get(f"document.{EPOCHS}"), self._keys)
        return dict(self._store.get(_SEEN_EPOCHS, [])) if known else {}

    def _check_signers(self, new: TrustList) -> None:
        if new.region != self._region.name:
            raise VerificationError("the list of certificate signers is for another region")

    def _take_regions(self, data: bytes) -> None:
        new, old = _regions(data, self._keys()), self.directory
        if new.home != self._region.name:
            raise VerificationError("a directory counts in its own region only")
        if old is not None:
            new.check_follows(old)


def _opened(read: Callable[[bytes, RegionKeys], T], data: bytes | None, keys: Callable[[], RegionKeys]) -> T | None:
    """What *read* makes of a kept document; None without one, or when too few keys that still count signed it."""
    if data is None:
        return None
    try:
        return read(data, keys())
    except VerificationError:
        return None


# Opening a document is a function of its bytes and the keys alone; phones of one process hold the same documents.
@lru_cache(maxsize=8)
def _rulebook(data: bytes, keys: RegionKeys) -> Rulebook:
    return parse_rulebook(canonical_json(keys.open_document(data, RULEBOOK)))


@lru_cache(maxsize=8)
def _epochs(data: bytes, keys: RegionKeys) -> EpochList:
    return EpochList.from_body(keys.open_document(data, EPOCHS))


@lru_cache(maxsize=8)
def _report_keys(data: bytes, keys: RegionKeys) -> tuple[ReportTokenKey, ...]:
    return report_keys_from_body(keys.open_document(data, REPORT_KEYS))


@lru_cache(maxsize=4)
def _regions(data: bytes, keys: RegionKeys) -> Regions:
    return regions_of_body(keys.open_document(data, REGIONS))


@lru_cache(maxsize=4)
def _signers(data: bytes, keys: RegionKeys) -> TrustList:
    return trust_from_body(keys.open_document(data, SIGNERS))
