"""Bundle: everything a checkpoint needs in order to work without a network. specs/publication.md section 7

Region, state of the log, heads of the last two days, epoch keys, rulebooks. ``bundle_file.py`` writes and reads it.

- A bundle is a value: :func:`updated` makes the next one or raises.
- A key that was met for an epoch is remembered, so that a second key for it is refused in whatever list it comes.
- Nothing in it is about anybody who showed a code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ownhue.documents import MAX_DOCUMENT_BYTES, open_document
from ownhue.encoding import canonical_json
from ownhue.errors import VerificationError
from ownhue.log import LogEntry
from ownhue.passes import EpochList, epoch_of
from ownhue.region import Region
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue_client.publication import KEPT_RULEBOOKS, Fetch, LogState, closing_time, follow, heads_of, read_entry

#: Tree heads and epoch keys of this many seconds are kept. specs/publication.md section 7
KEPT_SECONDS = 172_800


@dataclass(frozen=True, slots=True)
class PublishedRulebook:
    """A rulebook, the signed document it came in, and the unix second at which the log published it."""

    published_at: int
    document: bytes
    rulebook: Rulebook


@dataclass(frozen=True)
class Bundle:
    """What a checkpoint knows. A new one has only a region; :func:`updated` makes the next one."""

    region: Region
    log: LogState = field(default_factory=LogState)
    heads: Mapping[int, tuple[bytes, int]] = field(default_factory=dict)
    """Size -> (root, signed time) of every tree head of the last two days."""
    epochs_document: bytes = b""
    """The newest signed list of epoch keys; empty before the first."""
    met_epochs: EpochList | None = None
    """Every epoch key of these days that any list ever named."""
    rulebooks: tuple[PublishedRulebook, ...] = ()
    """The newest rulebooks, by version."""

    @cached_property
    def epochs(self) -> EpochList:
        """The epoch keys that count now."""
        if not self.epochs_document:
            return EpochList(self.region.issuer_name, ())
        return open_epochs(self.epochs_document, self.region)


def updated(bundle: Bundle, fetch: Fetch, now: int) -> Bundle:
    """The bundle after following the log to its present head. Raises as ``publication.follow``, and

    ForkError for a second key of one epoch, VerificationError for documents that do not fit the region.
    """
    region = bundle.region
    log, entries = follow(fetch, region, bundle.log, now)
    since = log.head_time - KEPT_SECONDS
    heads = {**bundle.heads, **heads_of(entries, bundle.log.frontier, region.batch_seconds)}
    heads[log.size] = (log.root, log.head_time)
    heads = {size: head for size, head in heads.items() if head[1] >= since}
    bundle = replace(bundle, log=log, heads=heads)
    bundle = _with_epochs(bundle, _recent(entries, "epochs", region, since), fetch)
    return _with_rulebooks(bundle, [entry for entry in entries if entry.kind == "rulebook"][-KEPT_RULEBOOKS:], fetch)


def _recent(entries: Sequence[LogEntry], kind: str, region: Region, since: int) -> list[LogEntry]:
    """Entries of *kind* that were published after *since*; the newest in any case."""
    found = [entry for entry in entries if entry.kind == kind]
    return [entry for entry in found[:-1] if closing_time(entry.batch, region.batch_seconds) >= since] + found[-1:]


def _with_epochs(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch) -> Bundle:
    oldest = epoch_of(bundle.log.head_time - KEPT_SECONDS)
    for entry in entries:
        document = read_entry(fetch, entry, MAX_DOCUMENT_BYTES)
        epochs = open_epochs(document, bundle.region)
        met = {key.epoch: key for key in epochs.keys}
        if bundle.met_epochs is not None:
            epochs.check_follows(bundle.met_epochs)
            met |= {key.epoch: key for key in bundle.met_epochs.keys}
        kept = tuple(met[epoch] for epoch in sorted(met) if epoch >= oldest)
        bundle = replace(bundle, epochs_document=document, met_epochs=EpochList(epochs.issuer, kept))
    return bundle


def _with_rulebooks(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch) -> Bundle:
    rulebooks = {item.rulebook.version: item for item in bundle.rulebooks}
    for entry in entries:
        document = read_entry(fetch, entry, MAX_DOCUMENT_BYTES)
        rulebook = open_rulebook(document, bundle.region)
        before = rulebooks.get(rulebook.version)
        if before is not None and before.rulebook != rulebook:
            raise VerificationError(f"two rulebooks have version {rulebook.version}")
        published_at = closing_time(entry.batch, bundle.region.batch_seconds)
        rulebooks.setdefault(rulebook.version, PublishedRulebook(published_at, document, rulebook))
    return replace(bundle, rulebooks=tuple(rulebooks[version] for version in sorted(rulebooks)[-KEPT_RULEBOOKS:]))


def open_epochs(document: bytes, region: Region) -> EpochList:
    """The list of a signed document "epochs". Raises FormatError or VerificationError."""
    epochs = EpochList.from_body(open_document(document, "epochs", [region.issuer_key_bytes]))
    if epochs.issuer != region.issuer_name:
        raise VerificationError("the list of epoch keys is of another issuer")
    return epochs


def open_rulebook(document: bytes, region: Region) -> Rulebook:
    """The rulebook of a signed document "rulebook". Raises FormatError or VerificationError."""
    body = open_document(document, "rulebook", [region.authority_key_bytes])
    rulebook = parse_rulebook(canonical_json(body))
    if rulebook.region != region.name:
        raise VerificationError("the rulebook is of another region")
    return rulebook
