"""Attacks on publication: what a lying log, mirror or network can try, and that a client notices."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from ownhue.errors import ForkError, FormatError, LimitError, VerificationError
from ownhue.log import LogEntry
from ownhue.tree import Frontier, tree_root
from ownhue.tree_head import open_tree_head
from ownhue_client.errors import MissingError, RollbackError
from ownhue_client.publication import LogState, check_fresh, follow, read_entry
from tests.client.publisher import FIRST_BATCH, LOG_KEY, Publisher, region

REGION = region()
TARGETED = b"key file made for one phone only"


def _followed(batches: int) -> tuple[Publisher, LogState, int]:
    publisher = Publisher()
    now = publisher.close_many(batches)
    state, _ = follow(publisher.fetch, REGION, LogState(), now)
    return publisher, state, now


def _with(publisher: Publisher, path: str, data: bytes) -> Callable[[str], bytes]:
    """What a mirror serves that exchanges one file."""
    return lambda asked: data if asked == path else publisher.fetch(asked)


def test_targeted_file_in_place_of_the_published_one() -> None:
    publisher, _, _ = _followed(1)
    entry = publisher.entries[0]
    with pytest.raises(VerificationError, match="not the one in the log"):
        read_entry(_with(publisher, entry.path, TARGETED[: entry.length].ljust(entry.length)), entry)
    with pytest.raises(VerificationError):
        read_entry(_with(publisher, entry.path, b""), entry)


def test_targeted_file_that_is_announced_to_one_phone_only() -> None:
    """The mirror shows a bundle whose last entry names the targeted file; the log never signed it."""
    publisher, state, _ = _followed(2)
    now = publisher.close()
    forged = [*publisher.entries[:2], LogEntry.of(f"keys/{FIRST_BATCH + 2}", TARGETED, "zip", FIRST_BATCH + 2)]
    mirror = Publisher(entries=forged)
    mirror.publish()
    fetch = _with(publisher, "tile/entries/000.p/3", mirror.files["tile/entries/000.p/3"])
    for start in (state, LogState()):
        with pytest.raises(VerificationError, match="do not lead") as refused:
            follow(fetch, REGION, start, now)
        assert not isinstance(refused.value, ForkError)


def test_file_swapped_for_another_published_one() -> None:
    """Mix and match: yesterday's key file in place of today's."""
    publisher, _, _ = _followed(2)
    first, second = publisher.entries
    with pytest.raises(VerificationError):
        read_entry(_with(publisher, second.path, publisher.files[first.path]), second)


def test_oversized_file() -> None:
    publisher, _, _ = _followed(1)
    entry = publisher.entries[0]
    with pytest.raises(LimitError):
        read_entry(_with(publisher, entry.path, publisher.files[entry.path] + bytes(1)), entry)


def test_rollback_to_an_older_head() -> None:
    publisher, _, _ = _followed(3)
    older = publisher.files["head"]
    publisher.close_many(2)
    state, _ = follow(publisher.fetch, REGION, LogState(), publisher.time)
    with pytest.raises(RollbackError) as refused:
        follow(_with(publisher, "head", older), REGION, state, publisher.time)
    assert (refused.value.kept, refused.value.shown) == (publisher.files["head"], older)


def test_log_that_shrinks_under_a_newer_time() -> None:
    publisher, state, now = _followed(3)
    shrunk = publisher.head(
        size=2, root=tree_root(entry.leaf_hash() for entry in publisher.entries[:2]), time=now + 7200
    )
    with pytest.raises(RollbackError) as refused:
        follow(_with(publisher, "head", shrunk), REGION, state, now + 7200)
    kept, shown = (open_tree_head(note, REGION.origin, REGION.log_key_bytes) for note in _notes(refused.value))
    assert kept.size > shown.size
    assert kept.time < shown.time


def test_rollback_of_the_time_only() -> None:
    publisher, state, now = _followed(3)
    with pytest.raises(RollbackError):
        follow(_with(publisher, "head", publisher.head(time=now - 1)), REGION, state, now)


def _notes(error: ForkError) -> tuple[bytes, bytes]:
    return error.kept, error.shown


def _fork(publisher: Publisher, at: int) -> Publisher:
    """Another history by the same log key: entry *at* is the targeted file."""
    entries = list(publisher.entries)
    entries[at] = LogEntry.of(f"keys/{entries[at].batch}", TARGETED, "zip", entries[at].batch)
    other = Publisher(
        batch=publisher.batch,
        entries=entries,
        frontier=Frontier().extend(entry.leaf_hash() for entry in entries),
        time=publisher.time,
    )
    other.publish()
    return other


def test_fork_of_the_same_size() -> None:
    publisher, state, now = _followed(3)
    other = _fork(publisher, at=1)
    with pytest.raises(ForkError, match="one size") as refused:
        follow(other.fetch, REGION, state, now)
    assert other.fetched == ["head"]
    _assert_evidence(refused.value, publisher.files["head"], other.files["head"])


def test_fork_that_has_grown_since() -> None:
    publisher, state, _ = _followed(3)
    other = _fork(publisher, at=1)
    now = other.close_many(2)
    with pytest.raises(ForkError, match="rewrote its past") as refused:
        follow(other.fetch, REGION, state, now)
    _assert_evidence(refused.value, publisher.files["head"], other.files["head"])


def _assert_evidence(error: ForkError, kept: bytes, shown: bytes) -> None:
    """Both notes are there, and both are signed by the log's key: anybody can check them."""
    assert _notes(error) == (kept, shown)
    roots = {open_tree_head(note, REGION.origin, REGION.log_key_bytes).root for note in (kept, shown)}
    assert len(roots) == 2


def test_two_phones_on_two_forks_are_both_content_until_they_meet() -> None:
    """What following alone cannot see (specs/publication.md section 9): the first door does."""
    publisher = Publisher()
    now = publisher.close_many(3)
    other = _fork(publisher, at=2)
    one, _ = follow(publisher.fetch, REGION, LogState(), now)
    two, _ = follow(other.fetch, REGION, LogState(), now)
    assert one.size == two.size
    assert one.root[:8] != two.root[:8]


def test_freeze_is_visible_by_the_signed_time() -> None:
    """The network keeps serving the same head: it stays valid, and it gets old."""
    publisher, state, now = _followed(2)
    frozen = dict(publisher.files)
    publisher.close_many(12)
    later = publisher.time
    state, entries = follow(frozen.__getitem__, REGION, state, later)
    assert entries == []
    assert state.head_time == now
    with pytest.raises(VerificationError):
        check_fresh(state, later + 1, 86_400)


def test_head_signed_by_another_key() -> None:
    publisher, state, now = _followed(1)
    stolen = publisher.head(key=SigningKey(bytes([9]) * 32))
    with pytest.raises(VerificationError):
        follow(_with(publisher, "head", stolen), REGION, state, now)


def test_head_from_the_future_to_make_the_phone_wait() -> None:
    publisher, state, now = _followed(1)
    with pytest.raises(VerificationError, match="ahead"):
        follow(_with(publisher, "head", publisher.head(time=now + 86_400)), REGION, state, now)


@pytest.mark.parametrize("end", [0, 1, 2, 50, -1])
def test_truncated_bundles(end: int) -> None:
    publisher, _, now = _followed(3)
    path = "tile/entries/000.p/3"
    with pytest.raises(FormatError):
        follow(_with(publisher, path, publisher.files[path][:end]), REGION, LogState(), now)


def test_bundles_that_are_missing_or_too_long() -> None:
    publisher, _, now = _followed(3)
    path = "tile/entries/000.p/3"
    with pytest.raises(FormatError):
        follow(_with(publisher, path, publisher.files[path] + b"\0"), REGION, LogState(), now)
    with pytest.raises(LimitError):
        follow(_with(publisher, path, bytes(1 << 20)), REGION, LogState(), now)
    del publisher.files[path]
    with pytest.raises(MissingError):
        follow(publisher.fetch, REGION, LogState(), now)


def test_one_flipped_bit_in_a_bundle() -> None:
    publisher, _, now = _followed(2)
    path = "tile/entries/000.p/2"
    for at in range(len(publisher.files[path])):
        changed = bytearray(publisher.files[path])
        changed[at] ^= 1
        with pytest.raises((FormatError, VerificationError)):
            follow(_with(publisher, path, bytes(changed)), REGION, LogState(), now)


def test_head_of_a_log_without_end() -> None:
    """A signed size of 2^60 would keep a client busy for ever."""
    publisher, state, now = _followed(1)
    with pytest.raises(LimitError):
        follow(_with(publisher, "head", publisher.head(size=2**60)), REGION, state, now)
    assert publisher.fetched[-1] != "tile/entries/001"


def test_leaves_of_another_format_signed_by_the_log() -> None:
    """The log signs a leaf with a path that climbs out of the folder; the client refuses the entry itself."""
    publisher = Publisher()
    publisher.close()
    bad = publisher.entries[0].encode().replace(b"keys/", b"../../")
    publisher.files["tile/entries/000.p/1"] = len(bad).to_bytes(2, "big") + bad
    with pytest.raises(FormatError):
        follow(publisher.fetch, REGION, LogState(), publisher.time)


@pytest.mark.parametrize("batch", [FIRST_BATCH - 1, FIRST_BATCH + 9])
def test_batches_out_of_order(batch: int) -> None:
    """An entry dated back, or after its head, would shift the times at which keys count as published."""
    publisher, state, now = _followed(2)
    publisher.close(batch=batch)
    publisher.files["head"] = publisher.head(time=now + 7200)
    for start in (state, LogState()):
        with pytest.raises(VerificationError, match="batch"):
            follow(publisher.fetch, REGION, start, now + 7200)


def test_a_failing_round_leaves_the_state_as_it_was_and_the_next_one_works() -> None:
    publisher, state, _ = _followed(2)
    before = replace(state)
    now = publisher.close()
    with pytest.raises(FormatError):
        follow(_with(publisher, "tile/entries/000.p/3", b"half"), REGION, state, now)
    assert state == before
    assert follow(publisher.fetch, REGION, state, now)[0].size == 3


def test_the_log_key_is_the_one_of_the_region() -> None:
    assert bytes(LOG_KEY.verify_key) == REGION.log_key_bytes
