"""Attacks on the folder of a real publisher: its own trust files, leaves, tiles and names, as a mirror hands them on.

The deployment is the embedded default (its root keys lie on the server: for trying out), the client the one of phones
and checkpoints.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ownhue.errors import ForkError, LimitError, VerificationError
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue.tree import Frontier
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue.tree_proofs import StoredTree
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.errors import NotLoggedError, RollbackError
from ownhue_client.fetching import Mirror, folder_fetch
from ownhue_client.publication import (
    PublicationState,
    RegionKeys,
    catch_up,
    fork_evidence_of,
    named_documents,
    read_entry,
)
from tests.server.served import BATCH, MONDAY, served

NEW = PublicationState()
DAY = 86_400


@dataclass(frozen=True)
class Town:
    """Copies of one publisher's folder: after a day, and after three more."""

    region: Region
    root: bytes
    log_key: SigningKey
    early: Path
    late: Path
    early_time: int = MONDAY + 12 * BATCH
    late_time: int = MONDAY + 12 * BATCH + 3 * DAY


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Nobody reports here: key files are padding, everything else is as always."""
    base = tmp_path_factory.mktemp("town")
    with served(base / "server", now=MONDAY) as server:
        config = server.config
        for hours in range(2, 26, 2):
            server.move_clock(MONDAY + hours * 3600)
        shutil.copytree(config.published, base / "early", ignore=shutil.ignore_patterns(".*"))
        for day in range(1, 4):
            server.move_clock(MONDAY + 12 * BATCH + day * DAY)
        shutil.copytree(config.published, base / "late", ignore=shutil.ignore_patterns(".*"))
        root = (base / "server" / "root.json").read_bytes()
        log_key = SigningKey((base / "server" / "keys" / "publisher" / "log.key").read_bytes())
        yield Town(config.region, root, log_key, base / "early", base / "late")


def _caught_up(town: Town, folder: Path, now: int, state: PublicationState = NEW) -> PublicationState:
    return catch_up(folder_fetch(folder), town.region, state, now, root=town.root)[0]


def _copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "mirror"))


def test_a_phone_away_for_longer_than_a_timestamp_lives_catches_up_with_a_real_publisher(town: Town) -> None:
    state = _caught_up(town, town.early, town.early_time)
    fetch = folder_fetch(town.late)
    after, keys, entries = catch_up(fetch, town.region, state, town.late_time, root=town.root)
    files = [entry for entry in entries if entry.kind == "keys"]
    assert len(files) == 3 * 12
    for entry in files[-9:]:
        assert keys.read_key_file(read_entry(fetch, entry)).region == town.region.name
    assert after == _caught_up(town, town.late, town.late_time)
    named = named_documents(fetch, after, "rulebook", town.late_time)
    assert named is not None
    assert keys.open_document(named[0].data, "rulebook")["region"] == town.region.name


def test_a_checkpoint_takes_a_real_folder_from_a_usb_stick(town: Town, tmp_path: Path) -> None:
    checkpoint = Checkpoint(town.region, directory=tmp_path, root=town.root)
    checkpoint.sync(town.late_time, folder_fetch(town.late))
    again = Checkpoint(town.region, directory=tmp_path, root=town.root)
    assert again.bundle == checkpoint.bundle
    assert again.bundle.rulebooks
    assert len(again.bundle.heads) == 25


def test_rollback_and_freeze_by_an_old_copy_of_a_real_folder(town: Town) -> None:
    state = _caught_up(town, town.late, town.late_time)
    with pytest.raises(VerificationError, match="goes back"):
        _caught_up(town, town.early, town.early_time, state)
    with pytest.raises(VerificationError, match="expired"):  # a phone that was always shown the old copy stops
        _caught_up(town, town.early, town.late_time, _caught_up(town, town.early, town.early_time))
    plain = catch_up(folder_fetch(town.late), town.region, NEW, town.late_time)[0]
    with pytest.raises(RollbackError):
        catch_up(folder_fetch(town.early), town.region, plain, town.late_time)


def test_mix_and_match_of_an_old_head_with_new_trust_in_a_real_folder(town: Town, tmp_path: Path) -> None:
    mirror = _copy(town.late, tmp_path)
    shutil.copy(town.early / "head", mirror / "head")
    with pytest.raises(NotLoggedError):
        _caught_up(town, mirror, town.late_time)


def test_targeted_key_file_in_a_real_folder(town: Town, tmp_path: Path) -> None:
    mirror = _copy(town.late, tmp_path)
    _, _, entries = catch_up(folder_fetch(mirror), town.region, NEW, town.late_time, root=town.root)
    one, two = [entry for entry in entries if entry.kind == "keys"][-2:]
    shutil.copy(mirror / one.path, mirror / two.path)
    with pytest.raises((VerificationError, LimitError)):  # the other file is longer, or it is not
        read_entry(folder_fetch(mirror), two)


def test_rewritten_past_by_the_stolen_log_key_of_a_real_publisher_is_proven_from_its_tiles(
    town: Town, tmp_path: Path
) -> None:
    """The thief of the log's key writes another history of the same length; a phone that saw the first has proof."""
    state = _caught_up(town, town.early, town.early_time)
    _, _, entries = catch_up(folder_fetch(town.late), town.region, NEW, town.late_time, root=town.root)
    changed = [LogEntry.of("keys/1", b"for one phone", "zip", entries[0].batch), *entries[1:]]
    root = StoredTree(entry.leaf_hash() for entry in changed).root(len(changed))
    note = sign_tree_head(TreeHead(town.region.origin, len(changed), root, town.late_time), town.log_key)
    mirror = _copy(town.late, tmp_path)
    (mirror / "head").write_bytes(note)
    # The real tiles do not lead to the forged root, so that alone is a broken copy; both heads together are a fork.
    with pytest.raises(VerificationError):
        _caught_up(town, mirror, town.late_time, state)
    error = ForkError("", (town.late / "head").read_bytes(), note)
    evidence = fork_evidence_of(error, RegionKeys.of_region(town.region))
    assert evidence is not None
    assert verify_fork_evidence(evidence, town.region.origin, town.region.log_key_bytes) == "two-roots"
    # And the real tiles prove it of a phone that was shown a forged head first.
    victim = sign_tree_head(TreeHead(town.region.origin, state.log.size, bytes(32), town.early_time), town.log_key)
    error = ForkError("", victim, (town.late / "head").read_bytes())
    evidence = fork_evidence_of(error, RegionKeys.of_region(town.region), folder_fetch(town.late))
    assert evidence is not None
    assert verify_fork_evidence(evidence, town.region.origin, town.region.log_key_bytes) == "rewritten"
    assert Frontier().extend(entry.leaf_hash() for entry in entries).root() != root


def test_a_mirror_behind_and_one_that_lies_beside_a_good_one(town: Town, tmp_path: Path) -> None:
    liar = _copy(town.late, tmp_path)
    (liar / "trust" / "timestamp.json").write_bytes((town.late / "trust" / "timestamp.json").read_bytes()[:-1])
    names = {"behind": town.early, "liar": liar, "good": town.late}
    mirrors = tuple(Mirror(name, folder_fetch(folder)) for name, folder in names.items())
    blamed: list[str] = []
    checkpoint = Checkpoint(town.region, mirrors=mirrors, root=town.root)
    checkpoint.sync(town.late_time, blame=lambda name, _: blamed.append(name))
    assert blamed == ["behind", "liar"]
    assert checkpoint.bundle.log.head_time == town.late_time
