"""A checkpoint's bundle as one JSON file: written after a sync, read at the next start. specs/publication.md section 7

- It holds the signed documents, the newest note with its cosignatures and the files of trust themselves; all of them
  are verified again when it is read. Only the older tree heads and the list of epoch keys met before carry no signature
  of their own; they are as good as the file's keeper.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ownhue.cosignature import NO_WITNESSES, WitnessPolicy, timely_cosignatures
from ownhue.encoding import base64url_decode, base64url_encode, canonical_json, parse_canonical_json
from ownhue.errors import FormatError, VerificationError
from ownhue.passes import EpochList
from ownhue.records import Record, parse_record, record_bytes
from ownhue.region import Region
from ownhue.tree import HASH_BYTES, MAX_SIZE
from ownhue_client.checkpoint.bundle import Bundle, PublishedRulebook
from ownhue_client.checkpoint.documents import open_rulebook
from ownhue_client.publication import LogState, PublicationState, RegionKeys

#: Longest bundle in bytes. specs/publication.md section 7
MAX_BUNDLE_BYTES = 16 << 20


class _Head(Record):
    size: Annotated[int, Field(ge=0)]
    root: str
    time: Annotated[int, Field(ge=0)]


class _Published(Record):
    document: dict[str, Any]
    published_at: Annotated[int, Field(ge=0)]


class _Policy(Record):
    threshold: int
    witnesses: tuple[str, ...]


class _File(Record):
    certificates: dict[str, Any] | None
    epochs: dict[str, Any] | None
    format: Literal["ownhue-checkpoint-bundle-2"]
    heads: tuple[_Head, ...]
    met_epochs: dict[str, Any] | None
    policy: _Policy
    publication: str
    region: Region
    rulebooks: tuple[_Published, ...]


def bundle_bytes(bundle: Bundle) -> bytes:
    """The bundle's file: canonical JSON."""
    heads = sorted(bundle.heads.items())
    file = _File(
        certificates=_object(bundle.certificates_document),
        epochs=_object(bundle.epochs_document),
        format="ownhue-checkpoint-bundle-2",
        heads=tuple(_Head(size=size, root=base64url_encode(root), time=time) for size, (root, time) in heads),
        met_epochs=bundle.met_epochs.to_body() if bundle.met_epochs else None,
        policy=_policy(bundle.policy),
        publication=base64url_encode(bundle.publication.to_bytes()),
        region=bundle.region,
        rulebooks=tuple(
            _Published(document=parse_canonical_json(item.document), published_at=item.published_at)
            for item in bundle.rulebooks
        ),
    )
    return record_bytes(file)


def parse_bundle(data: bytes, region: Region, policy: WitnessPolicy = NO_WITNESSES) -> Bundle:
    """The bundle of a file, for a checkpoint of *region* with *policy*; its signatures are verified again.

    Steps as numbered in specs/publication.md section 7. Raises LimitError, FormatError, or VerificationError for
    another region's bundle, one made under another policy, and for documents, trust and a tree head that were not
    signed by the region's keys.
    """
    file = parse_record(_File, data, "a checkpoint bundle", MAX_BUNDLE_BYTES)
    if file.region != region:  # (1) of this region and policy
        raise VerificationError("the bundle is of another region")
    if file.policy != _policy(policy):
        raise VerificationError("the bundle was made under another policy about witnesses")
    publication = PublicationState.from_bytes(base64url_decode(file.publication))
    bundle = Bundle(region=region, policy=policy, publication=publication)
    keys = bundle.keys  # (2) its trust holds, and has these keys in force
    bundle = Bundle(
        region=region,
        policy=policy,
        publication=publication,
        heads={head.size: (_root(head.root), head.time) for head in file.heads},
        epochs_document=_bytes(file.epochs),
        met_epochs=EpochList.from_body(file.met_epochs) if file.met_epochs is not None else None,
        rulebooks=tuple(_published(item, keys, region) for item in file.rulebooks),  # (3) its documents are signed
        certificates_document=_bytes(file.certificates),
    )
    _ = bundle.certificates
    _check_log(bundle)  # (4) the log is the one that its note signs
    if bundle.met_epochs is not None:  # (5) no epoch has a second key
        bundle.epochs.check_follows(bundle.met_epochs)
    _ = bundle.epochs
    return bundle


def _object(document: bytes) -> dict[str, Any] | None:
    value = parse_canonical_json(document) if document else None
    return value if isinstance(value, dict) else None


def _bytes(document: dict[str, Any] | None) -> bytes:
    return canonical_json(document) if document is not None else b""


def _policy(policy: WitnessPolicy) -> _Policy:
    return _Policy(threshold=policy.threshold, witnesses=tuple(witness.vkey for witness in policy.witnesses))


def _root(text: str) -> bytes:
    root = base64url_decode(text)
    if len(root) != HASH_BYTES:
        raise FormatError("a root has 32 bytes")
    return root


def _published(item: _Published, keys: RegionKeys, region: Region) -> PublishedRulebook:
    document = canonical_json(item.document)
    return PublishedRulebook(item.published_at, document, open_rulebook(document, keys, region))


def _check_log(bundle: Bundle) -> None:
    """The state of the log is the one that its note signs, enough witnesses cosigned it, and it is among the heads."""
    log, keys = bundle.log, bundle.keys
    if log == LogState() and not bundle.heads:
        return
    head = keys.open_head(log.note)
    if (head.size, head.root, head.time) != (log.size, log.root, log.head_time):
        raise VerificationError("the bundle's log is not the one that its tree head signs")
    # Whether a cosignature was ahead of the clock was asked when it came in.
    if len(timely_cosignatures(log.note, head, keys.policy, MAX_SIZE)) < keys.policy.threshold:
        raise VerificationError("too few witnesses cosigned the bundle's tree head")
    if bundle.heads.get(head.size) != (head.root, head.time):
        raise VerificationError("the bundle's heads leave out the newest one")
