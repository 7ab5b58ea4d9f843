"""A checkpoint's bundle as one JSON file: written after a sync, read at the next start. specs/publication.md section 7

- It holds the signed documents themselves and is verified again when it is read. Only the older tree heads and the
  list of epoch keys met before carry no signature of their own; they are as good as the file's keeper.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ownhue.encoding import base64url_decode, base64url_encode, canonical_json, parse_canonical_json
from ownhue.errors import FormatError, VerificationError
from ownhue.passes import EpochList
from ownhue.records import Record, parse_record, record_bytes
from ownhue.region import Region
from ownhue.tree import HASH_BYTES
from ownhue.tree_head import open_tree_head
from ownhue_client.checkpoint.bundle import Bundle, PublishedRulebook, open_rulebook
from ownhue_client.publication import LogState

#: Longest bundle in bytes. specs/publication.md section 7
MAX_BUNDLE_BYTES = 16 << 20


class _Head(Record):
    size: Annotated[int, Field(ge=0)]
    root: str
    time: Annotated[int, Field(ge=0)]


class _Published(Record):
    document: dict[str, Any]
    published_at: Annotated[int, Field(ge=0)]


class _File(Record):
    epochs: dict[str, Any] | None
    format: Literal["ownhue-checkpoint-bundle-1"]
    heads: tuple[_Head, ...]
    log: str
    met_epochs: dict[str, Any] | None
    region: Region
    rulebooks: tuple[_Published, ...]


def bundle_bytes(bundle: Bundle) -> bytes:
    """The bundle's file: canonical JSON."""
    heads = sorted(bundle.heads.items())
    file = _File(
        epochs=parse_canonical_json(bundle.epochs_document) if bundle.epochs_document else None,
        format="ownhue-checkpoint-bundle-1",
        heads=tuple(_Head(size=size, root=base64url_encode(root), time=time) for size, (root, time) in heads),
        log=base64url_encode(bundle.log.to_bytes()),
        met_epochs=bundle.met_epochs.to_body() if bundle.met_epochs else None,
        region=bundle.region,
        rulebooks=tuple(
            _Published(document=parse_canonical_json(item.document), published_at=item.published_at)
            for item in bundle.rulebooks
        ),
    )
    return record_bytes(file)


def parse_bundle(data: bytes, region: Region) -> Bundle:
    """The bundle of a file, for a checkpoint of *region*; its signatures are verified again.

    Raises LimitError, FormatError, or VerificationError for another region's bundle and for documents and a tree head
    that were not signed by the region's keys.
    """
    file = parse_record(_File, data, "a checkpoint bundle", MAX_BUNDLE_BYTES)
    if file.region != region:
        raise VerificationError("the bundle is of another region")
    bundle = Bundle(
        region=region,
        log=LogState.from_bytes(base64url_decode(file.log)),
        heads={head.size: (_root(head.root), head.time) for head in file.heads},
        epochs_document=canonical_json(file.epochs) if file.epochs is not None else b"",
        met_epochs=EpochList.from_body(file.met_epochs) if file.met_epochs is not None else None,
        rulebooks=tuple(_published(item, region) for item in file.rulebooks),
    )
    _check_log(bundle)
    epochs = bundle.epochs
    if bundle.met_epochs is not None:
        epochs.check_follows(bundle.met_epochs)
    return bundle


def _root(text: str) -> bytes:
    root = base64url_decode(text)
    if len(root) != HASH_BYTES:
        raise FormatError("a root has 32 bytes")
    return root


def _published(item: _Published, region: Region) -> PublishedRulebook:
    document = canonical_json(item.document)
    return PublishedRulebook(item.published_at, document, open_rulebook(document, region))


def _check_log(bundle: Bundle) -> None:
    """The state of the log is the one that its note signs, and is among the heads."""
    log = bundle.log
    if log == LogState() and not bundle.heads:
        return
    head = open_tree_head(log.note, bundle.region.origin, bundle.region.log_key_bytes)
    if (head.size, head.root, head.time) != (log.size, log.root, log.head_time):
        raise VerificationError("the bundle's log is not the one that its tree head signs")
    if bundle.heads.get(head.size) != (head.root, head.time):
        raise VerificationError("the bundle's heads leave out the newest one")
