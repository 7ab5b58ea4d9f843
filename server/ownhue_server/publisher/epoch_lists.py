"""What a publisher looks at before it puts the issuer's lists into the log. specs/pass.md sections 5 and 8

- A second key for an epoch would tell apart who asked the issuer before and after.
- A private key that comes too early, or that is not the one that was in use, is worse than none.

What does not hold is left out: an earlier list goes on to hold, and the issuer's operator finds it in the log of the
server. It is looked at again with the next batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ownhue.documents import open_document
from ownhue.encoding import parse_canonical_json
from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKeys, check_past_keys
from ownhue_server import logs
from ownhue_server.documents import Document

EPOCHS, PAST_EPOCHS = "epochs", "past-epochs"

_log = logs.get("publisher")


@dataclass(frozen=True)
class Issuer:
    """Whose lists are looked at."""

    name: str
    """As in the region file."""
    keys: Sequence[bytes]
    """Ed25519 keys, one of which has to have signed."""


def without_bad_lists(
    documents: Sequence[Document], published: Sequence[bytes], issuer: Issuer, now: int
) -> list[Document]:
    """*documents* without a list of epoch keys or of past ones that contradicts what was published before.

    *published*: the lists of epoch keys in the log, oldest first. *now*: the time of the batch, unix seconds.
    """
    good = {document.folder: document.content for document in documents}
    before: list[EpochList] = []
    for kind, check in ((EPOCHS, _check_epochs), (PAST_EPOCHS, _check_past)):
        try:
            if kind in good:
                before = before or [_known(data, issuer) for data in published]
                check(good, before, issuer, now)
        except OwnhueError as error:
            _log.error("a list is not published", kind=kind, error=type(error).__name__)
            del good[kind]
    return [document for document in documents if document.folder in good]


def _check_epochs(good: Mapping[str, bytes], before: list[EpochList], issuer: Issuer, _now: int) -> None:
    epochs = _of(issuer, open_document(good[EPOCHS], EPOCHS, issuer.keys))
    for earlier in before:
        epochs.check_follows(earlier)
    before.append(epochs)


def _check_past(good: Mapping[str, bytes], before: list[EpochList], issuer: Issuer, now: int) -> None:
    past = PastKeys.from_body(open_document(good[PAST_EPOCHS], PAST_EPOCHS, issuer.keys))
    if past.issuer != issuer.name:
        raise VerificationError("a list of another issuer")
    used: dict[int, EpochKey] = {key.epoch: key for epochs in before for key in epochs.keys}
    check_past_keys(past, used, now)
    # Taken out of the list of epoch keys first, be it by a list that comes with this one.
    if before and {key.epoch for key in past.keys} & {key.epoch for key in before[-1].keys}:
        raise VerificationError("a past key of an epoch that is still listed")


def _known(data: bytes, issuer: Issuer) -> EpochList:
    """A list that was published. It was verified then; meanwhile its key may have been dropped."""
    match parse_canonical_json(data):
        case {"signed": dict(body)}:
            return _of(issuer, body)
    raise FormatError("not a list of epoch keys")


def _of(issuer: Issuer, body: dict[str, Any]) -> EpochList:
    epochs = EpochList.from_body(body)
    if epochs.issuer != issuer.name:
        raise VerificationError("a list of another issuer")
    return epochs
