"""Attacks on publication: what a lying log, mirror or network can try, and that a client notices."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessPolicy, cosignature_line
from ownhue.encoding import parse_canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, VerificationError
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.log import LogEntry
from ownhue.signed_note import parse_note
from ownhue.tree import Frontier, tree_root
from ownhue.tree_head import open_tree_head
from ownhue.tree_proofs import StoredTree
from ownhue.verify import CodeRefused, Refusal
from ownhue.witness import WitnessState, next_state
from ownhue_client.checkpoint import ForkMet
from ownhue_client.errors import MissingError, NotWitnessedError, RollbackError
from ownhue_client.publication import LogState, RegionKeys, check_fresh, follow, fork_evidence_of, read_entry
from tests.client.door import EPOCH, World, epochs_document
from tests.client.publisher import FIRST_BATCH, ISSUER_NAME, LOG_KEY, Publisher, region
from tests.client.trusted_publisher import TrustedPublisher, witness_keys
from tests.conformance.scripted import epoch_key, make_pass

REGION = region()
KEYS = RegionKeys.of_region(REGION)
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


def test_fork_evidence_of_one_size_needs_nothing_but_the_two_notes() -> None:
    publisher, state, now = _followed(3)
    other = _fork(publisher, at=1)
    with pytest.raises(ForkError) as refused:
        follow(other.fetch, REGION, state, now)
    evidence = fork_evidence_of(refused.value, KEYS)
    assert evidence is not None
    assert verify_fork_evidence(evidence, REGION.origin, REGION.log_key_bytes) == "two-roots"


@pytest.mark.parametrize("tiles", [True, False])
def test_fork_evidence_of_a_rewritten_past_is_made_from_what_the_log_itself_serves(tiles: bool, tmp_path: Path) -> None:
    publisher, state, _ = _followed(300)
    other = _fork(publisher, at=1)
    now = other.close_many(5)
    if tiles:
        other.publish_tiles()
    with pytest.raises(ForkError, match="rewrote its past") as refused:
        follow(other.fetch, REGION, state, now)
    other.fetched.clear()
    evidence = fork_evidence_of(refused.value, KEYS, other.fetch)
    assert evidence is not None
    (tmp_path / "evidence.json").write_bytes(evidence)
    found = verify_fork_evidence((tmp_path / "evidence.json").read_bytes(), REGION.origin, REGION.log_key_bytes)
    assert found == "rewritten"
    assert any(path.startswith("tile/entries") for path in other.fetched) is not tiles
    assert fork_evidence_of(refused.value, KEYS) is None  # two heads of two sizes prove nothing without the tree


def test_hash_tiles_that_lie_hide_no_fork_and_make_none() -> None:
    publisher, state, _ = _followed(300)
    publisher.publish_tiles()
    other = _fork(publisher, at=1)
    now = other.close_many(5)
    other.publish_tiles()
    wrong = {path: data for path, data in publisher.files.items() if path.startswith("tile/0")}
    with pytest.raises(ForkError, match="rewrote its past") as refused:
        follow(lambda path: wrong.get(path) or other.fetch(path), REGION, state, now)
    assert fork_evidence_of(refused.value, KEYS, lambda path: wrong.get(path) or other.fetch(path)) is not None
    # An honest log whose bundles a mirror breaks has rewritten nothing: its tiles say so.
    now = publisher.close_many(5)
    publisher.publish_tiles()
    forged = Publisher(entries=[*publisher.entries[:-1], other.entries[-2]])
    forged.publish()
    bundle = "tile/entries/001.p/49"
    with pytest.raises(VerificationError, match="do not lead") as broken:
        follow(_with(publisher, bundle, forged.files[bundle]), REGION, state, now)
    assert not isinstance(broken.value, ForkError)


def test_an_old_copy_makes_no_evidence_and_a_log_that_shrank_does() -> None:
    publisher, state, now = _followed(3)
    root, newer = tree_root(entry.leaf_hash() for entry in publisher.entries[:2]), publisher.files["head"]
    old = publisher.head(size=2, root=root, time=now - 7200)
    for fetch in (None, publisher.fetch):
        assert fork_evidence_of(RollbackError("", newer, old), KEYS, fetch) is None
    another = publisher.head(size=2, root=bytes(32), time=now - 7200)  # never a head of this log
    assert fork_evidence_of(RollbackError("", newer, another), KEYS, publisher.fetch) is not None
    shrunk = publisher.head(size=2, root=bytes(32), time=now + 7200)
    evidence = fork_evidence_of(RollbackError("", newer, shrunk), KEYS)
    assert evidence is not None
    assert verify_fork_evidence(evidence, REGION.origin, REGION.log_key_bytes) == "order"
    assert state.note == newer


def test_notes_of_a_stranger_are_no_evidence() -> None:
    publisher, _, _ = _followed(3)
    stranger = publisher.head(key=SigningKey(bytes([9]) * 32), root=bytes(32))
    assert fork_evidence_of(ForkError("", publisher.files["head"], stranger), KEYS) is None
    assert fork_evidence_of(ForkError("", stranger, publisher.files["head"]), KEYS) is None


def test_a_contradicting_head_from_the_future_is_a_fork_first() -> None:
    publisher, state, now = _followed(3)
    with pytest.raises(ForkError, match="one size"):
        follow(_with(publisher, "head", publisher.head(root=bytes(32), time=now + 86_400)), REGION, state, now)


def test_fork_shown_to_two_phones_and_found_at_a_checkpoint() -> None:
    """Following alone cannot see it (specs/publication.md section 9): the first door does, and both notes prove it."""
    world = World()
    other = World(replace_history(world.publisher))
    victim, _ = follow(other.publisher.fetch, REGION, LogState(), other.now)
    checkpoint = world.checkpoint()
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(other.code(), world.now)
    met = refused.value
    assert isinstance(met, ForkMet)
    assert met.refusal is Refusal.OTHER_LOG
    assert met.alarm.known_root == world.publisher.frontier.root()
    assert (met.alarm.tree_size, met.alarm.shown_prefix) == (victim.size, victim.root[:8])
    evidence = fork_evidence_of(ForkError("", met.alarm.note, victim.note), KEYS)
    assert evidence is not None
    assert verify_fork_evidence(evidence, REGION.origin, REGION.log_key_bytes) == "two-roots"
    # Nothing about the holder is in what is kept.
    kept = met.alarm.to_bytes()
    assert parse_canonical_json(kept)["shown_prefix"] == victim.root[:8].hex()
    assert make_pass("phone", EPOCH, name=ISSUER_NAME).public_key.hex().encode() not in kept


def replace_history(publisher: Publisher) -> Publisher:
    """A publisher with the same documents whose second key file is the targeted one. It has closed all its batches."""
    other = _fork(publisher, at=3)
    other.files |= {path: data for path, data in publisher.files.items() if path not in other.files}
    return other


def test_fork_shown_to_two_phones_with_cosignatures_is_found_at_once() -> None:
    """A witness that has seen one history gives no line for the other: the second phone takes nothing of it."""
    policy = WitnessPolicy(1, witness_keys())
    keys = RegionKeys.of_region(REGION, policy)
    publisher = TrustedPublisher()
    now = publisher.close_many(3)
    other = _fork(publisher, at=1)
    tree = StoredTree(entry.leaf_hash() for entry in publisher.entries)
    witness = next_state(WitnessState(REGION.origin, REGION.log_key_bytes), publisher.files["head"], [], now)
    publisher.files["head"] = publisher.cosigned("witness.example/w1")
    assert follow(publisher.fetch, keys, LogState(), now)[0].root == tree.root(tree.size)
    with pytest.raises(ForkError) as refused:  # the witness keeps both notes: it is the first to know
        next_state(witness, other.files["head"], [], now)
    assert fork_evidence_of(refused.value, keys) is not None
    with pytest.raises(NotWitnessedError):
        follow(other.fetch, keys, LogState(), now)


def test_cosignatures_of_another_head_or_of_a_stranger_do_not_count() -> None:
    policy = WitnessPolicy(1, witness_keys())
    keys = RegionKeys.of_region(REGION, policy)
    publisher = TrustedPublisher()
    publisher.close()
    lines = publisher.cosigned("witness.example/w1").removeprefix(publisher.files["head"])
    now = publisher.close()
    bare = publisher.files["head"]
    publisher.files["head"] = bare + lines  # the line holds for the head before: the note of a known witness is broken
    with pytest.raises(VerificationError, match="does not hold"):
        follow(publisher.fetch, keys, LogState(), now)
    text = parse_note(bare).text
    stranger = cosignature_line(text, "witness.example/w9", SigningKey(bytes([9]) * 32), now)
    impostor = cosignature_line(text, "witness.example/w1", SigningKey(bytes([9]) * 32), now)
    for line in (stranger, impostor):
        publisher.files["head"] = bare + line.encode()
        with pytest.raises(NotWitnessedError, match="0 of 1"):
            follow(publisher.fetch, keys, LogState(), now)
    publisher.files["head"] = publisher.files["head"].removesuffix(impostor.encode())
    publisher.files["head"] = publisher.cosigned("witness.example/w1", time=now + 86_400)  # at a time to come
    with pytest.raises(NotWitnessedError):
        follow(publisher.fetch, keys, LogState(), now)


def test_a_second_key_for_an_epoch_is_refused_at_the_door() -> None:
    """The issuer would know its holders again by their key (more in tests/client/test_checkpoint.py)."""
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(epochs_document(epoch_key(EPOCH, "second")))
    with pytest.raises(ForkError, match="second key"):
        checkpoint.sync(world.now)


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
