"""The next bundle: trust and log are followed, documents taken. specs/publication.md section 7

- All or nothing: :func:`updated` makes the next bundle or raises. Only a newer root is handed out before.
- A key that was met for an epoch is remembered, so that a second key for it is refused in whatever list it comes.
- Of a kind that targets name, nothing but what they name counts (``in_force.py``); of others the newest in the log.
- What was signed by keys that count no more is dropped: the region signs it anew, or it was a thief's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from ownhue.documents import MAX_DOCUMENT_BYTES
from ownhue.errors import FormatError, VerificationError
from ownhue.log import LogEntry
from ownhue.passes import EpochList, epoch_of
from ownhue.region import Region
from ownhue_client.checkpoint.bundle import KEPT_SECONDS, Bundle, PublishedRulebook
from ownhue_client.checkpoint.documents import (
    CERTIFICATES,
    EPOCHS,
    RULEBOOK,
    open_certificates,
    open_epochs,
    open_rulebook,
)
from ownhue_client.publication import (
    KEPT_RULEBOOKS,
    Fetch,
    NamedDocument,
    PublicationState,
    RegionKeys,
    catch_up,
    closing_time,
    heads_of,
    named_documents,
    read_entry,
)


def updated(
    bundle: Bundle,
    fetch: Fetch,
    now: int,
    root: bytes | None = None,
    keep: Callable[[PublicationState], None] = lambda _state: None,
) -> Bundle:
    """The bundle after catching up to the log's present head at *now* (unix seconds).

    *root* and *keep* as for ``publication.catch_up``. Raises as that, ForkError for a second key of one epoch,
    VerificationError for documents that do not fit the region.
    """
    state, keys, entries = catch_up(
        fetch, bundle.region, bundle.publication, now, root=root, policy=bundle.policy, keep=keep
    )
    log, before, batch_seconds = state.log, bundle.log.frontier, keys.batch_seconds
    heads = {**bundle.heads, **heads_of(entries, before, batch_seconds), log.size: (log.root, log.head_time)}
    recent = {size: head for size, head in heads.items() if head[1] >= log.head_time - KEPT_SECONDS}
    bundle = _still_signed(replace(bundle, publication=state, heads=recent))
    bundle = _with_epochs(bundle, entries, fetch, now)
    bundle = _with_rulebooks(bundle, entries, fetch, now)
    return _with_certificates(bundle, entries, fetch, now)


def _still_signed(bundle: Bundle) -> Bundle:
    """The bundle without what the keys in force did not sign."""
    keys, region = bundle.keys, bundle.region
    return replace(
        bundle,
        rulebooks=tuple(
            item for item in bundle.rulebooks if _opens(partial(open_rulebook, item.document, keys, region))
        ),
        epochs_document=bundle.epochs_document if _opens(lambda: bundle.epochs) else b"",
        certificates_document=bundle.certificates_document if _opens(lambda: bundle.certificates) else b"",
    )


def _opens(opening: Callable[[], object]) -> bool:
    try:
        opening()
    except VerificationError:
        return False
    return True


def _with_epochs(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch, now: int) -> Bundle:
    oldest = epoch_of(bundle.log.head_time - KEPT_SECONDS)
    named = named_documents(fetch, bundle.publication, EPOCHS, now, [bundle.epochs_document])
    documents = _recent(bundle, entries, fetch) if named is None else [named[0].data]
    for document in documents:
        epochs = open_epochs(document, bundle.keys, bundle.region)
        met = {key.epoch: key for key in epochs.keys}
        if bundle.met_epochs is not None:
            epochs.check_follows(bundle.met_epochs)
            met |= {key.epoch: key for key in bundle.met_epochs.keys}
        kept = tuple(met[epoch] for epoch in sorted(met) if epoch >= oldest)
        bundle = replace(bundle, epochs_document=document, met_epochs=EpochList(epochs.issuer, kept))
    return bundle


def _recent(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch) -> list[bytes]:
    """The lists of epoch keys that were published in these days; the newest in any case."""
    since = bundle.log.head_time - KEPT_SECONDS
    found = [entry for entry in entries if entry.kind == EPOCHS]
    recent = [entry for entry in found[:-1] if _closed(bundle, entry.batch) >= since] + found[-1:]
    return [data for _, data in _signed(bundle, recent, fetch, open_epochs)]


def _with_rulebooks(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch, now: int) -> Bundle:
    named = named_documents(fetch, bundle.publication, RULEBOOK, now, [item.document for item in bundle.rulebooks])
    rulebooks = {item.rulebook.version: item for item in bundle.rulebooks}
    for new in _logged(bundle, entries, fetch) if named is None else _named(bundle, named):
        before = rulebooks.get(new.rulebook.version)
        if before is not None and before.rulebook != new.rulebook:
            if named is None:
                raise VerificationError(f"two rulebooks have version {new.rulebook.version}")
            before = None  # the offline keys decide which of the two it is
        # The same rules signed anew, by a new key, are known since they were first published.
        since = new.published_at if before is None else min(before.published_at, new.published_at)
        rulebooks[new.rulebook.version] = replace(new, published_at=since)
    if named is not None:
        # What the targets once named and now do not is kept as a past version only: it must not decide again.
        highest = max(item.rulebook.version for item in _named(bundle, named))
        rulebooks = {version: item for version, item in rulebooks.items() if version <= highest}
    return replace(bundle, rulebooks=tuple(rulebooks[version] for version in sorted(rulebooks)[-KEPT_RULEBOOKS:]))


def _logged(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch) -> list[PublishedRulebook]:
    found = [entry for entry in entries if entry.kind == RULEBOOK][-KEPT_RULEBOOKS:]
    return [
        PublishedRulebook(_closed(bundle, entry.batch), data, open_rulebook(data, bundle.keys, bundle.region))
        for entry, data in _signed(bundle, found, fetch, open_rulebook)
    ]


def _signed(
    bundle: Bundle, found: Sequence[LogEntry], fetch: Fetch, opening: Callable[[bytes, RegionKeys, Region], object]
) -> Iterator[tuple[LogEntry, bytes]]:
    """The documents of *found* that the keys in force signed.

    The newest has to be good. An earlier one that is not counts for nothing: else whoever holds the log's key alone
    could stop every checkpoint by one file, for as long as it is looked at.
    """
    for entry in found:
        newest = entry is found[-1]
        if entry.length > MAX_DOCUMENT_BYTES and not newest:
            continue
        data = read_entry(fetch, entry, MAX_DOCUMENT_BYTES)
        try:
            opening(data, bundle.keys, bundle.region)
        except (FormatError, VerificationError):
            if newest:
                raise
            continue
        yield entry, data


def _named(bundle: Bundle, named: Sequence[NamedDocument]) -> list[PublishedRulebook]:
    """The rulebooks that targets name. One counts from the moment at which both targets and log had it."""
    documents = [(max(_closed(bundle, item.batch), item.since), item.data) for item in named]
    return [PublishedRulebook(time, data, open_rulebook(data, bundle.keys, bundle.region)) for time, data in documents]


def _with_certificates(bundle: Bundle, entries: Sequence[LogEntry], fetch: Fetch, now: int) -> Bundle:
    named = named_documents(fetch, bundle.publication, CERTIFICATES, now, [bundle.certificates_document])
    if named is not None:
        document = named[0].data
    else:
        newest = [entry for entry in entries if entry.kind == CERTIFICATES][-1:]
        document = read_entry(fetch, newest[0], MAX_DOCUMENT_BYTES) if newest else bundle.certificates_document
    if document:
        open_certificates(document, bundle.keys, bundle.region)
    return replace(bundle, certificates_document=document)


def _closed(bundle: Bundle, batch: int) -> int:
    return closing_time(batch, bundle.region.batch_seconds)
