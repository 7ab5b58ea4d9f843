"""A checkpoint with a root of trust, witnesses, mirrors, a USB stick, and a folder that it shares."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ownhue.certificate.trust_list import TrustList, trust_body
from ownhue.colour import Colour
from ownhue.cosignature import WitnessPolicy
from ownhue.encoding import base64url_decode, base64url_encode, canonical_json
from ownhue.errors import ForkError, FormatError, StateError, VerificationError
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.log import LogEntry
from ownhue.region import region_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.tree import Frontier
from ownhue.trust.state import TrustedState
from ownhue.verify import CodeRefused, Refusal
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.checkpoint.bundle import Bundle
from ownhue_client.checkpoint.bundle_file import bundle_bytes, parse_bundle
from ownhue_client.checkpoint.bundle_folder import BundleFolder
from ownhue_client.errors import NotWitnessedError, RollbackError, UnreachableError
from ownhue_client.fetching import Mirror, folder_fetch
from ownhue_client.publication import PublicationState
from tests.client.door import DAY, KEYS, REGION, World, epochs_document, rulebook_document
from tests.client.publisher import AUTHORITY_KEY, ISSUER_NAME, Publisher, document
from tests.client.trusted_publisher import TrustedPublisher, copy_of, key, texts, trust_roles, witness_keys

RULEBOOK = rulebook_document(demonstration_rulebook())
SECOND = rulebook_document(without_ceilings())


def certificates_document(region: str = "demo") -> tuple[str, bytes]:
    """A signed trust list of health certificates."""
    return document("certificate-trust", trust_body(TrustList(region=region, revoked={}, signers=())), AUTHORITY_KEY)


def trusted_world(**options: Any) -> tuple[World, TrustedPublisher]:
    """A world whose targets name the rulebook."""
    publisher = TrustedPublisher(named=[("rulebook", RULEBOOK[1], 0)], **options)
    publisher.close(RULEBOOK, epochs_document(*KEYS), certificates_document())
    publisher.close_many(3)
    return World(publisher), publisher


def door(publisher: TrustedPublisher, **options: Any) -> Checkpoint:
    """A checkpoint with a root of trust that has just synchronised."""
    checkpoint = Checkpoint(REGION, fetch=publisher.fetch, root=publisher.first_root, **options)
    checkpoint.sync(publisher.time + 100)
    return checkpoint


def test_a_checkpoint_with_a_root_verifies_codes_offline_in_a_new_process(tmp_path: Path) -> None:
    world, publisher = trusted_world()
    checkpoint = door(publisher, directory=tmp_path)
    assert checkpoint.verify_text(world.code(), world.now).colour is Colour.GREEN
    again = Checkpoint(REGION, directory=tmp_path, root=publisher.first_root)
    assert again.bundle == checkpoint.bundle
    assert again.bundle.keys == checkpoint.bundle.keys
    assert again.verify_text(world.code(), world.now).colour is Colour.GREEN


def test_a_checkpoint_says_whom_it_trusts() -> None:
    world, publisher = trusted_world()
    plain = world.checkpoint().trust_words()
    assert plain[0].startswith("No root of trust")
    assert plain[1].startswith("0 of 0: nobody watches this log")
    assert door(publisher).trust_words()[0].endswith("offline root.")
    vkeys = tuple(witness.vkey for witness in witness_keys())
    publisher.roles = trust_roles(witnesses=vkeys, witness_threshold=2)
    publisher.close()
    publisher.files["head"] = publisher.cosigned("witness.example/w1", "witness.example/w2")
    assert door(publisher).trust_words()[1] == "2 of 2 witnesses must have seen the same log."


def test_keys_are_replaced_without_a_new_region_file(tmp_path: Path) -> None:
    world, publisher = trusted_world()
    checkpoint = door(publisher, directory=tmp_path)
    publisher.roles = trust_roles(log_keys=texts(key(77)), authority_keys=texts(key(78)))
    publisher.log_key = key(77)
    signed_anew = document("rulebook", json.loads(RULEBOOK[1])["signed"], key(78))
    publisher.named = [("rulebook", signed_anew[1], 0)]
    publisher.close(signed_anew)
    checkpoint.sync(world.now)
    assert [item.document for item in checkpoint.bundle.rulebooks] == [signed_anew[1]]
    assert checkpoint.bundle.certificates is None  # only the old key had signed it
    assert checkpoint.verify_text(world.code(), world.now).colour is Colour.GREEN
    again = Checkpoint(REGION, directory=tmp_path, root=publisher.first_root)
    assert again.verify_text(world.code("other"), world.now).colour is Colour.GREEN


def test_without_a_rulebook_by_the_new_key_the_checkpoint_stops() -> None:
    """What only a stolen and replaced key signed counts no more, and nothing takes its place by itself."""
    world, publisher = trusted_world()
    publisher.named = []
    publisher.close()
    checkpoint = door(publisher)
    publisher.roles = trust_roles(authority_keys=texts(key(78)))
    publisher.close()
    checkpoint.sync(world.now)
    with pytest.raises(StateError, match="no rulebook is in force"):
        checkpoint.verify_text(world.code(), world.now)


def test_a_rulebook_that_targets_do_not_name_decides_nothing() -> None:
    world, publisher = trusted_world()
    checkpoint = door(publisher)
    publisher.close(SECOND)
    publisher.close_many(13)
    checkpoint.sync(world.now)
    assert [item.rulebook.version for item in checkpoint.bundle.rulebooks] == [1]
    publisher.named = [("rulebook", SECOND[1], publisher.time)]
    publisher.close()
    checkpoint.sync(world.now)
    assert [item.rulebook.version for item in checkpoint.bundle.rulebooks] == [1, 2]
    # It was in the log for long, and counts since the targets name it.
    assert checkpoint.bundle.rulebooks[1].published_at == publisher.named[0][2]


def test_a_rulebook_that_targets_take_back_decides_no_more() -> None:
    world, publisher = trusted_world()
    publisher.named = [("rulebook", RULEBOOK[1], 0), ("rulebook", SECOND[1], 1)]
    publisher.close(SECOND)
    checkpoint = door(publisher)
    assert [item.rulebook.version for item in checkpoint.bundle.rulebooks] == [2]
    publisher.named = [("rulebook", RULEBOOK[1], 0)]
    publisher.close()
    checkpoint.sync(world.now)
    assert [item.rulebook.version for item in checkpoint.bundle.rulebooks] == [1]
    assert checkpoint.verify_text(world.code(), world.now).colour is Colour.GREEN


def test_the_list_of_whose_certificates_count_is_in_the_bundle() -> None:
    world = World()
    assert world.checkpoint().bundle.certificates is None
    checkpoint = world.checkpoint()
    world.publisher.close(certificates_document())
    checkpoint.sync(world.now)
    assert checkpoint.bundle.certificates == TrustList(region="demo", revoked={}, signers=())
    world.publisher.close(certificates_document("other"))
    with pytest.raises(VerificationError, match="another region"):
        checkpoint.sync(world.now)
    assert checkpoint.bundle.certificates_document == certificates_document()[1]


def test_certificates_and_epochs_that_targets_name() -> None:
    publisher = TrustedPublisher()
    epochs, certificates = epochs_document(*KEYS), certificates_document()
    publisher.named = [
        ("rulebook", RULEBOOK[1], 0),
        ("epochs", epochs[1], 0),
        ("certificate-trust", certificates[1], 0),
    ]
    publisher.close(RULEBOOK, epochs, certificates)
    publisher.close(epochs_document(KEYS[0]), certificates_document("other"))  # in the log, and named by nobody
    checkpoint = door(publisher)
    assert checkpoint.bundle.epochs_document == epochs[1]
    assert checkpoint.bundle.certificates_document == certificates[1]


def test_a_policy_of_its_own_is_asked_for_and_kept_with_the_bundle(tmp_path: Path) -> None:
    _, publisher = trusted_world()
    policy = WitnessPolicy(1, witness_keys())
    with pytest.raises(NotWitnessedError):
        door(publisher, policy=policy, directory=tmp_path)
    bare = publisher.files["head"]
    publisher.files["head"] = publisher.cosigned("witness.example/w1")
    checkpoint = door(publisher, policy=policy, directory=tmp_path)
    assert checkpoint.bundle.log.note == publisher.files["head"]  # the newest head with its cosignatures
    assert Checkpoint(REGION, directory=tmp_path, policy=policy, root=publisher.first_root).bundle == checkpoint.bundle
    with pytest.raises(VerificationError, match="another policy"):
        Checkpoint(REGION, directory=tmp_path)
    value = json.loads((tmp_path / "bundle.json").read_bytes())
    state = PublicationState.from_bytes(base64url_decode(value["publication"]))
    uncosigned = replace(state, log=replace(state.log, note=bare))
    value["publication"] = base64url_encode(uncosigned.to_bytes())
    (tmp_path / "bundle.json").write_bytes(canonical_json(value))
    with pytest.raises(VerificationError, match="too few witnesses"):
        Checkpoint(REGION, directory=tmp_path, policy=policy)


def _trust(value: dict[str, Any], change: Callable[[PublicationState], PublicationState]) -> None:
    state = PublicationState.from_bytes(base64url_decode(value["publication"]))
    value["publication"] = base64url_encode(change(state).to_bytes())


def _with_other_roles(state: PublicationState) -> PublicationState:
    return replace(state, roles=state.roles.replace(b'"witness_threshold":0', b'"witness_threshold":1'))


def _with_an_unsigned_timestamp(state: PublicationState) -> PublicationState:
    trusted = TrustedState.from_bytes(state.trust)
    changed = replace(trusted, timestamp=trusted.timestamp.replace(b'"sig":"', b'"sig":"00', 1))
    return replace(state, trust=changed.to_bytes())


def _with_half_a_state(state: PublicationState) -> PublicationState:
    return replace(state, trust=state.trust[:-1])


@pytest.mark.parametrize(
    "change", [_with_other_roles, _with_an_unsigned_timestamp, _with_half_a_state], ids=lambda change: change.__name__
)
def test_a_bundle_whose_trust_was_tampered_with_is_refused(
    change: Callable[[PublicationState], PublicationState], tmp_path: Path
) -> None:
    _, publisher = trusted_world()
    door(publisher, directory=tmp_path)
    value = json.loads((tmp_path / "bundle.json").read_bytes())
    _trust(value, change)
    (tmp_path / "bundle.json").write_bytes(canonical_json(value))
    with pytest.raises((FormatError, VerificationError)):
        Checkpoint(REGION, directory=tmp_path)


def test_a_newer_root_is_kept_although_the_sync_breaks_off(tmp_path: Path) -> None:
    world, publisher = trusted_world()
    door(publisher, directory=tmp_path)
    publisher.rotate(timestamp_key=key(61))
    publisher.close()

    def breaks_off(path: str) -> bytes:
        if path == "trust/timestamp.json":
            raise UnreachableError("the network went away")
        return publisher.fetch(path)

    torn = Checkpoint(REGION, fetch=breaks_off, directory=tmp_path, root=publisher.first_root)
    with pytest.raises(UnreachableError):
        torn.sync(world.now)
    again = Checkpoint(REGION, fetch=publisher.fetch, directory=tmp_path, root=publisher.first_root)
    assert TrustedState.from_bytes(again.bundle.publication.trust).root == publisher.roots[1]
    assert again.sync(world.now) > 0
    assert again.bundle.publication.taken == ()


def test_a_first_sync_that_breaks_off_behind_a_root_can_be_stored_and_gone_on_with(tmp_path: Path) -> None:
    _, publisher = trusted_world()
    publisher.rotate(timestamp_key=key(61))
    publisher.close()

    def breaks_off(path: str) -> bytes:
        if path == "trust/timestamp.json":
            raise UnreachableError("the network went away")
        return publisher.fetch(path)

    with pytest.raises(UnreachableError):
        Checkpoint(REGION, fetch=breaks_off, directory=tmp_path, root=publisher.first_root).sync(publisher.time)
    again = Checkpoint(REGION, fetch=publisher.fetch, directory=tmp_path, root=publisher.first_root)
    again.sync(publisher.time)
    assert again.bundle.log.size == len(publisher.entries)


def test_a_bundle_from_a_usb_stick(tmp_path: Path) -> None:
    world, publisher = trusted_world()
    stick = publisher.serve(tmp_path / "stick")
    checkpoint = Checkpoint(REGION, directory=tmp_path / "door", root=publisher.first_root)
    checkpoint.sync(world.now, folder_fetch(stick))
    assert checkpoint.bundle.log.size == len(publisher.entries)
    assert checkpoint.verify_text(world.code(), world.now).colour is Colour.GREEN
    publisher.close()
    (publisher.serve(tmp_path / "stick") / "trust/timestamp.json").unlink()
    before = checkpoint.bundle
    with pytest.raises(Exception, match="no trust/timestamp"):
        checkpoint.sync(world.now, folder_fetch(stick))
    assert checkpoint.bundle is before


def test_mirrors_of_which_one_lies_and_one_is_gone() -> None:
    world, publisher = trusted_world()
    blamed: list[str] = []

    def gone(_path: str) -> bytes:
        raise UnreachableError("no network")

    liar = copy_of(publisher)
    liar.files["head"] = liar.head(key=key(9))
    mirrors = (Mirror("gone", gone), Mirror("liar", liar.fetch), Mirror("good", publisher.fetch))
    checkpoint = Checkpoint(REGION, mirrors=mirrors, root=publisher.first_root)
    assert checkpoint.sync(world.now, blame=lambda name, _: blamed.append(name)) == len(publisher.entries)
    assert blamed == ["gone", "liar"]


def test_two_processes_on_one_folder_never_go_back(tmp_path: Path) -> None:
    world = World()
    first = Checkpoint(REGION, fetch=world.publisher.fetch, directory=tmp_path)
    second = Checkpoint(REGION, fetch=world.publisher.fetch, directory=tmp_path)
    first.sync(world.now)
    old = BundleFolder(tmp_path, REGION, first.bundle.policy)
    behind = first.bundle
    world.publisher.close_many(2)
    second.sync(world.now)
    assert old.save(behind) == second.bundle  # who knows less takes over what the other knows
    assert Checkpoint(REGION, directory=tmp_path).bundle == second.bundle
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.json"]


def test_two_processes_of_one_folder_that_are_shown_two_logs_find_out(tmp_path: Path) -> None:
    world, other = World(), World()
    other.publisher.close(("rulebook", SECOND[1]))
    world.publisher.close_many(2)
    one = Checkpoint(REGION, fetch=world.publisher.fetch, directory=tmp_path)
    two = Checkpoint(REGION, fetch=other.publisher.fetch, directory=tmp_path)
    one.sync(world.now)
    before = two.bundle
    with pytest.raises(ForkError, match="two logs") as met:
        two.sync(world.now)
    assert two.bundle is before
    assert {met.value.kept, met.value.shown} == {world.publisher.files["head"], other.publisher.files["head"]}


def test_a_fork_met_at_a_sync_leaves_a_file_that_proves_it(tmp_path: Path) -> None:
    world, other = World(), World()
    checkpoint = world.checkpoint(directory=tmp_path)
    other.publisher.entries[3] = LogEntry.of("keys/1", b"for this door", "zip", other.publisher.entries[3].batch)
    other.publisher.frontier = Frontier().extend(entry.leaf_hash() for entry in other.publisher.entries)
    other.publisher.close_many(2)
    other.publisher.publish_tiles()
    for _ in range(2):
        with pytest.raises(ForkError):
            checkpoint.sync(other.now, other.publisher.fetch)
    (kept,) = tmp_path.glob("fork-*.json")
    assert verify_fork_evidence(kept.read_bytes(), REGION.origin, REGION.log_key_bytes) == "rewritten"
    assert checkpoint.evidence == [kept.read_bytes()]
    # An old copy is no fork, and leaves nothing.
    old = dict(world.publisher.files)
    world.publisher.close_many(2)
    checkpoint.sync(world.now)
    with pytest.raises(RollbackError):
        checkpoint.sync(world.now, Publisher(files=old).fetch)
    assert len(list(tmp_path.iterdir())) == 2


_SYNC = """
import sys
from pathlib import Path
from ownhue.region import parse_region
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.fetching import folder_fetch
region, folder, stick, now = sys.argv[1:]
region = parse_region(Path(region).read_bytes())
checkpoint = Checkpoint(region, directory=Path(folder), fetch=folder_fetch(Path(stick)))
for _ in range(10):
    checkpoint.sync(int(now))
"""


def test_real_processes_that_write_one_folder_at_the_same_time(tmp_path: Path) -> None:
    world = World()
    sticks = []
    for number in range(3):
        sticks.append(world.publisher.serve(tmp_path / f"stick{number}"))
        world.publisher.close_many(2)
    (tmp_path / "region.json").write_bytes(region_bytes(REGION))
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                _SYNC,
                str(tmp_path / "region.json"),
                str(tmp_path / "door"),
                str(stick),
                str(world.now),
            ],
            stderr=subprocess.PIPE,
        )
        for stick in sticks
    ]
    errors = [process.communicate(timeout=60)[1].decode() for process in running]
    assert not any("FormatError" in error for error in errors)
    newest = Checkpoint(REGION, directory=tmp_path / "door")
    assert newest.bundle.log.size == 6 + 4
    assert sorted(path.name for path in (tmp_path / "door").iterdir()) == ["bundle.json"]


def test_a_full_bundle_is_read_back_as_it_was() -> None:
    _, publisher = trusted_world()
    bundle = door(publisher).bundle
    assert parse_bundle(bundle_bytes(bundle), REGION) == bundle
    assert parse_bundle(bundle_bytes(Bundle(REGION)), REGION) == Bundle(REGION)


def test_a_code_of_a_size_that_never_was_raises_an_alarm_without_a_root() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(rulebook_document(without_ceilings()))
    checkpoint.sync(world.now)
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(world.code(tree_size=len(world.publisher.entries) - 1, root_prefix=bytes(8)), world.now)
    assert refused.value.refusal is Refusal.OTHER_LOG
    alarm = getattr(refused.value, "alarm", None)
    assert alarm is not None
    assert (alarm.known_root, alarm.note) == (None, checkpoint.bundle.log.note)
    assert json.loads(alarm.to_bytes())["known_root"] is None


def test_a_checkpoint_that_was_away_for_a_year_catches_up() -> None:
    world, publisher = trusted_world()
    checkpoint = door(publisher)
    for number in range(4):
        publisher.rotate(timestamp_key=key(60 + number), snapshot_key=key(70 + number))
        publisher.close_quietly(12 * 91)
    assert checkpoint.sync(world.now) > 4 * 12 * 91
    assert len(checkpoint.bundle.heads) == 25
    assert (publisher.time - min(time for _, time in checkpoint.bundle.heads.values())) == 2 * DAY
    assert checkpoint.bundle.epochs.issuer == ISSUER_NAME
