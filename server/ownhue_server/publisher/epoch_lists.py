"""What a publisher looks at before it puts the issuer's lists into the log. specs/pass.md sections 5 and 8

- A second key for an epoch would tell apart who asked the issuer before and after.
- A private key that comes too early, or that is not the one that was in use, is worse than none.

What does not hold is left out: an earlier list goes on to hold, and the issuer's operator finds it in the log of the
server. It is looked at again with the next batch.
"""

from collections.abc import Mapping, Sequence

from ownhue.documents import open_document
from ownhue.errors import OwnhueError, VerificationError
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKeys, check_past_keys
from ownhue.region import Region
from ownhue_server import logs

EPOCHS, PAST_EPOCHS = "epochs", "past-epochs"

_log = logs.get("publisher")


def without_bad_lists(
    documents: Mapping[str, bytes], published: Sequence[bytes], region: Region, now: int
) -> dict[str, bytes]:
    """*documents* by kind without a list of epoch keys or of past ones that contradicts what was published before.

    *published*: the lists of epoch keys in the log, oldest first. *now*: the time of the batch, unix seconds.
    """
    good = dict(documents)
    before: list[EpochList] = []
    for kind, check in ((EPOCHS, _check_epochs), (PAST_EPOCHS, _check_past)):
        try:
            if kind in good:
                before = before or [_epochs(data, region) for data in published]
                check(good, before, region, now)
        except OwnhueError as error:
            _log.error("a list is not published", kind=kind, error=type(error).__name__)
            del good[kind]
    return good


def _check_epochs(good: Mapping[str, bytes], before: list[EpochList], region: Region, _now: int) -> None:
    epochs = _epochs(good[EPOCHS], region)
    for earlier in before:
        epochs.check_follows(earlier)
    before.append(epochs)


def _check_past(good: Mapping[str, bytes], before: list[EpochList], region: Region, now: int) -> None:
    past = PastKeys.from_body(open_document(good[PAST_EPOCHS], PAST_EPOCHS, [region.issuer_key_bytes]))
    if past.issuer != region.issuer_name:
        raise VerificationError("a list of another issuer")
    used: dict[int, EpochKey] = {key.epoch: key for epochs in before for key in epochs.keys}
    check_past_keys(past, used, now)
    # Taken out of the list of epoch keys first, be it by a list that comes with this one.
    if before and {key.epoch for key in past.keys} & {key.epoch for key in before[-1].keys}:
        raise VerificationError("a past key of an epoch that is still listed")


def _epochs(data: bytes, region: Region) -> EpochList:
    epochs = EpochList.from_body(open_document(data, EPOCHS, [region.issuer_key_bytes]))
    if epochs.issuer != region.issuer_name:
        raise VerificationError("a list of another issuer")
    return epochs
