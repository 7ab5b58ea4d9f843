"""What a phone keeps when it was shown two histories: proofs for anyone, doubts apart, nothing ever replaced."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ownhue.cosignature import WitnessPolicy
from ownhue.errors import ForkError, StateError, VerificationError
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.region import region_bytes
from ownhue.rulebook.demonstration import without_ceilings
from ownhue.trust.ceremony import new_timestamp, sign_trust_file
from ownhue_client import exit_codes
from ownhue_client.errors import NotWitnessedError, RollbackError
from ownhue_client.phone import Phone
from ownhue_client.phone.contradictions import FORK, OLD_COPY, Contradictions
from ownhue_client.phone.store import Store
from tests.client.publisher import region
from tests.client.town import DAY, Town, rulebook_document
from tests.client.trusted_publisher import copy_of, witness_keys
from tests.client.trusted_town import Device, RealTrustedPublisher, TrustedTown


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


@pytest.fixture
def phone(town: TrustedTown, tmp_path: Path) -> Phone:
    made = town.phone(tmp_path / "phone", root=town.publisher.first_root, clock=Device())
    made.sync(town.now)
    return made


def proven(town: Town, proof: bytes) -> str:
    """What the file proves to somebody who knows the region and nothing else."""
    return verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes)


def ownhue(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ownhue_client", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def fork(town: TrustedTown, phone: Phone) -> bytes:
    """Show *phone* two trees of one size; the proof that it keeps."""
    good = town.publisher.files["head"]
    town.publisher.files["head"] = town.publisher.head(root=os.urandom(32))
    with pytest.raises(ForkError):
        phone.sync(town.now)
    town.publisher.files["head"] = good
    return phone.evidence()[-1][1]


def test_two_trees_of_one_size_prove_a_fork_to_anyone(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    proof = fork(town, phone)
    assert proven(town, proof) == "two-roots"
    (path,) = phone.save_evidence(tmp_path / "evidence")
    assert path.read_bytes() == proof
    assert any("1 file proves that two histories were shown" in word for word in phone.trust_words(town.now))


def test_a_past_that_was_rewritten_is_proven_by_the_hash_tiles(town: TrustedTown, phone: Phone) -> None:
    """The log goes on from another past, with a larger tree at a later time: nothing contradicts itself at sight."""
    # Another first batch under the same keys, and one more after it.
    town.publisher.entries.clear()
    town.publisher.frontier = type(town.publisher.frontier)()
    town.publisher.batch -= 1
    for _ in range(3):
        town.publisher.close_keys()
    now = town.publisher.time
    town.publisher.publish_tiles()
    assert len(town.publisher.entries) > phone._home.state.log.size
    with pytest.raises(ForkError):
        phone.sync(now)
    ((_, proof),) = phone.evidence()
    assert proven(town, proof) == "rewritten"


def test_an_old_copy_proves_nothing_and_is_kept_apart(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    old = dict(town.publisher.files)
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    proof = fork(town, phone)
    town.publisher.files["head"] = old["head"]
    for _ in range(3):
        with pytest.raises(RollbackError):
            phone.sync(town.now)
    assert [data for _, data in phone.evidence()] == [proof], "an old copy does not wipe out a proof"
    phone.save_evidence(tmp_path / "out")
    kept = {path.name.partition("-of-")[0] for path in (tmp_path / "out" / "not-proven").iterdir()}
    assert kept == {OLD_COPY}


def test_what_is_kept_is_never_replaced_and_never_written_over(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    first = fork(town, phone)
    second = fork(town, phone)
    assert [data for _, data in phone.evidence()] == [first, second]
    (path, _) = phone.save_evidence(tmp_path / "out")
    path.write_bytes(b"marked by its owner")
    phone.save_evidence(tmp_path / "out")
    assert path.read_bytes() == b"marked by its owner"


def test_a_flood_of_forks_does_not_push_out_the_first(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", os.urandom, {})
    contradictions = Contradictions(store)
    for number in range(40):
        contradictions.prove(FORK, "demo", b"%d" % number, number)
        contradictions.doubt(OLD_COPY, "demo", number, b"%d" % number)
    assert [data for _, data in contradictions.proofs()] == [b"%d" % number for number in range(16)]
    assert [doubt.statements for doubt in contradictions.doubts()] == [[b"0"], [b"1"]]


def test_evidence_is_there_after_a_restart(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    proof = fork(town, phone)
    phone.close()
    again = Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=town.now)
    assert [data for _, data in again.evidence()] == [proof]
    again.forget_day(town.now // DAY)
    again.close()
    again = Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=town.now + 60 * DAY)
    assert [data for _, data in again.evidence()] == [proof], "it is about the log, not about the owner"


def test_a_special_log_that_no_witness_saw_is_refused_and_proven_later(town: TrustedTown, tmp_path: Path) -> None:
    """The phone alone is shown a log that the witness did not cosign. Back among others, it holds the proof."""
    town.publisher.files["head"] = town.publisher.cosigned("witness.example/w1")
    policy = WitnessPolicy(1, witness_keys()[:1])
    phone = town.phone(tmp_path / "p", root=town.publisher.first_root, policy=policy, clock=Device())
    phone.sync(town.now)
    honest = town.publisher
    special = copy_of(honest)
    assert isinstance(special, RealTrustedPublisher)
    now = honest.close_keys()
    honest.files["head"] = honest.cosigned("witness.example/w1")
    special.close_keys(rulebook_document(without_ceilings()))
    town.publisher = special
    with pytest.raises(NotWitnessedError):
        phone.sync(now)
    assert phone.evidence() == []
    town.publisher = honest
    town.now = honest.close_keys()
    honest.files["head"] = honest.cosigned("witness.example/w1")
    honest.publish_tiles()
    phone.sync(town.now)
    ((_, proof),) = phone.evidence()
    assert proven(town, proof) in {"two-roots", "order", "rewritten"}
    assert [doubt.kind for doubt in phone._contradictions.doubts()] == []


def test_a_head_that_was_cosigned_a_moment_later_is_innocent(town: TrustedTown, tmp_path: Path) -> None:
    policy = WitnessPolicy(1, witness_keys()[:1])
    phone = town.phone(tmp_path / "p", policy=policy, clock=Device())
    with pytest.raises(NotWitnessedError):
        phone.sync(town.now)
    assert len(phone._contradictions.doubts()) == 1
    town.publisher.files["head"] = town.publisher.cosigned("witness.example/w1")
    phone.sync(town.now)
    assert (phone.evidence(), phone._contradictions.doubts()) == ([], [])


def test_anybody_can_verify_the_file_with_the_command(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    fork(town, phone)
    (path,) = phone.save_evidence(tmp_path)
    (tmp_path / "region.json").write_bytes(region_bytes(town.region))
    (tmp_path / "other.json").write_bytes(region_bytes(region(origin="another.example/log")))
    done = ownhue("evidence", "verify", path, "--region", tmp_path / "region.json")
    assert done.returncode == exit_codes.OK, done.stderr
    assert "two-roots" in done.stdout
    assert "2026-03-02 02:00 UTC" in done.stdout
    done = ownhue("evidence", "verify", path, "--region", tmp_path / "other.json")
    assert (done.returncode, done.stdout) == (exit_codes.MISSED, "")
    assert "another log" in done.stderr
    forged = tmp_path / "forged.json"
    forged.write_bytes(path.read_bytes().replace(b"two-roots", b"order"))
    assert ownhue("evidence", "verify", forged, "--region", tmp_path / "region.json").returncode == exit_codes.MISSED
    forged.write_bytes(b"not evidence")
    done = ownhue("evidence", "verify", forged, "--region", tmp_path / "region.json")
    assert done.returncode == exit_codes.UNREADABLE
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    done = ownhue("evidence", "verify", tmp_path / "nothing", "--region", tmp_path / "region.json")
    assert done.returncode == exit_codes.UNREACHABLE


def test_a_fork_of_trust_is_verified_with_the_root(town: TrustedTown, phone: Phone, tmp_path: Path) -> None:
    made = new_timestamp(town.publisher.snapshot, town.now + DAY, town.publisher.versions["timestamp"])
    town.publisher.files["trust/timestamp.json"] = sign_trust_file(made, town.publisher.timestamp_key)
    with pytest.raises(VerificationError):
        phone.sync(town.now)
    (path,) = phone.save_evidence(tmp_path)
    (tmp_path / "region.json").write_bytes(region_bytes(town.region))
    (tmp_path / "root.json").write_bytes(town.publisher.first_root)
    (tmp_path / "other.json").write_bytes(town.add_region("coast").publisher.first_root)
    asked = ("evidence", "verify", path, "--region", tmp_path / "region.json")
    done = ownhue(*asked, "--root", tmp_path / "root.json")
    assert done.returncode == exit_codes.OK, done.stderr
    assert "timestamp" in done.stdout
    assert ownhue(*asked, "--root", tmp_path / "other.json").returncode == exit_codes.MISSED
    done = ownhue(*asked)
    assert done.returncode == exit_codes.USAGE
    assert "--root" in done.stderr


def test_a_second_key_of_an_epoch_makes_no_file(town: TrustedTown, phone: Phone) -> None:
    """The two lists are documents of the log: it proves by itself that both were published."""
    home, error = phone._home, ForkError("a second key for epoch 1")
    home._suspicion.met(error, home.keys, None, town.publisher.fetch, town.now)
    assert phone.evidence() == phone._contradictions.doubt_files() == []


def test_leaving_what_is_not_visited_is_an_error_of_our_own(phone: Phone) -> None:
    with pytest.raises(StateError):
        phone.leave("coast")
