"""Attacks on trust metadata, by who holds which stolen key. specs/trust.md section 12"""

import json
from hashlib import sha256
from typing import Any

import pytest

from ownhue.errors import ForkError, FormatError, VerificationError
from ownhue.trust import targets_at, update_root, update_snapshot, update_targets, update_timestamp, verify_trust_fork
from ownhue.trust.ceremony import RoleKeys, new_root, new_targets
from ownhue.trust.schema import ROLES as ROLE_NAMES
from ownhue.trust.schema import Targets
from ownhue.trust.state import TrustedState, next_file, start, trust_root
from ownhue.trust.targets import Target
from tests.conformance.trust_by_hand import (
    DAY,
    NOW,
    ROLES,
    Town,
    dump,
    keyid,
    meta,
    path,
    role,
    root_body,
    sign,
    signed,
    target,
)

TRUE, EVIL = b"the true rulebook", b"everybody is green"


def town() -> Town:
    made = Town()
    made.release({"rulebook": TRUE})
    return made


def follow(files: dict[str, bytes], state: TrustedState, now: int = NOW) -> TrustedState:
    """One round of a phone."""
    state = start(state)
    while next_file(state) in files:
        state = update_root(state, files[next_file(state)])
    state = update_timestamp(state, files["timestamp.json"], now)
    state = update_snapshot(state, files[next_file(state)], now)
    return update_targets(state, files[next_file(state)], now)


def phone(made: Town) -> TrustedState:
    """A phone that has followed the town once."""
    return follow(made.files, trust_root(made.files["1.root.json"]))


def rulebook(state: TrustedState, data: bytes, now: int = NOW) -> bytes:
    return targets_at(state, now).verify(path("rulebook", data), data)


def above(targets: bytes, version: int, targets_version: int) -> dict[str, bytes]:
    """A snapshot and a timestamp of one version that name a targets file, signed with the online keys."""
    named = {"targets.json": meta(targets, targets_version)}
    snapshot = sign(signed("snapshot", version, NOW + DAY, meta=named), "snapshot 1")
    stamp = sign(
        signed("timestamp", version, NOW + DAY, meta={"snapshot.json": meta(snapshot, version)}), "timestamp 1"
    )
    return {f"{targets_version}.targets.json": targets, f"{version}.snapshot.json": snapshot, "timestamp.json": stamp}


def evil_targets(made: Town, *signers: str) -> dict[str, bytes]:
    """A release with another rulebook, signed as far as the thief can."""
    body = signed("targets", 2, NOW + DAY, targets={path("rulebook", EVIL): target(EVIL)})
    return {**made.files, **above(sign(body, *signers), 2, 2)}


@pytest.mark.parametrize("signers", [(), ("snapshot 1", "timestamp 1"), ("alpha",), ("alpha", "snapshot 1")])
def test_every_online_key_and_one_offline_key_give_no_new_rulebook(signers: tuple[str, ...]) -> None:
    made = town()
    with pytest.raises(VerificationError, match="too few keys signed the targets file"):
        follow(evil_targets(made, *signers), phone(made))


def test_the_threshold_of_offline_keys_does_and_that_is_what_it_guards() -> None:
    made = town()
    assert rulebook(follow(evil_targets(made, "alpha", "beta"), phone(made)), EVIL) == EVIL


def test_one_signature_copied_under_another_key_id_does_not_count_twice() -> None:
    made = town()
    files = evil_targets(made, "alpha")
    value = json.loads(files["2.targets.json"])
    alpha = value["signatures"][0]
    for other in made.roles["targets"][0][1:]:
        forged = sorted([alpha, {**alpha, "keyid": role([other], 1)["keyids"][0]}], key=lambda item: item["keyid"])
        targets = json.dumps({**value, "signatures": forged}, sort_keys=True, separators=(",", ":")).encode()
        served = {**made.files, **above(targets, 2, 2)}
        with pytest.raises(VerificationError, match="too few keys"):
            follow(served, phone(made))


def test_rollback_by_whoever_serves_the_files() -> None:
    made = town()
    old = dict(made.files)
    made.release({"rulebook": b"a second rulebook"})
    with pytest.raises(VerificationError, match="goes back from version 2 to 1"):
        follow(old, phone(made))


def test_rollback_of_targets_by_a_thief_of_every_online_key() -> None:
    made = town()
    made.release({"rulebook": b"a second rulebook"})
    state = phone(made)
    served = {**made.files, **above(made.files["1.targets.json"], 3, 1)}
    with pytest.raises(VerificationError, match="targets file goes back from version 2 to 1"):
        follow(served, state)


def test_freeze_lasts_no_longer_than_the_timestamp() -> None:
    """Who shows the same old files makes a phone stop, not stay in the past."""
    made = town()
    state = phone(made)
    frozen = dict(made.files)
    assert follow(frozen, state, NOW + DAY - 1) == state
    with pytest.raises(VerificationError, match="expired"):
        follow(frozen, state, NOW + DAY)
    with pytest.raises(VerificationError, match="expired"):
        rulebook(state, TRUE, NOW + DAY)


def test_a_clock_turned_back_revives_nothing_that_was_replaced() -> None:
    made = town()
    old = dict(made.files)
    made.release({"rulebook": b"a second rulebook"}, timestamp=NOW + 3 * DAY)
    state = follow(made.files, phone(made), NOW + 2 * DAY)
    with pytest.raises(VerificationError, match="goes back"):
        follow(old, state, NOW)


def test_mix_and_match_of_two_releases() -> None:
    made = town()
    old = dict(made.files)
    made.release({"rulebook": b"a second rulebook"})
    for name in ("2.snapshot.json", "2.targets.json"):
        with pytest.raises(VerificationError, match="not the one that is named"):
            follow({**made.files, name: old[name.replace("2", "1")]}, phone(town()))


def test_a_special_rulebook_for_one_phone_is_a_fork_with_proof() -> None:
    """The holders of the keys sign two releases of one version. Two phones that meet can prove it to anyone."""
    made, other = town(), town()
    other.versions = {"root": 1, "targets": 0, "snapshot": 0, "timestamp": 0}
    other.release({"rulebook": EVIL})
    with pytest.raises(ForkError) as caught:
        follow({**other.files, "timestamp.json": sign(_later(other), "timestamp 1")}, phone(made))
    assert caught.value.kept != caught.value.shown
    first, second = made.files["1.targets.json"], other.files["1.targets.json"]
    verify_trust_fork(made.root, Targets, first, second)
    forged = sign(json.loads(second)["signed"], "alpha", "snapshot 1")
    with pytest.raises(VerificationError, match="too few keys"):
        verify_trust_fork(made.root, Targets, first, forged)
    with pytest.raises(VerificationError, match="do not contradict"):
        verify_trust_fork(made.root, Targets, first, first)


def _later(made: Town) -> Any:
    body = json.loads(made.files["timestamp.json"])["signed"]
    return {**body, "version": 2}


def test_a_stolen_online_key_is_worth_nothing_after_its_rotation() -> None:
    made = town()
    state = phone(made)
    stolen = evil_targets(made, "alpha", "beta")["timestamp.json"]
    made.rotate(timestamp=(("timestamp 2",), 1))
    made.release({"rulebook": TRUE})
    with pytest.raises(VerificationError, match="too few keys signed the timestamp"):
        follow({**made.files, "timestamp.json": stolen}, state)
    assert rulebook(follow(made.files, state), TRUE) == TRUE


def test_fast_forward_is_undone_by_new_keys() -> None:
    """A thief signs the last version that there can be. Without recovery nothing could ever follow it."""
    made = town()
    state = phone(made)
    made.versions.update(timestamp=2**31 - 2, snapshot=2**31 - 2)
    made.release()
    hijacked = follow(made.files, state)
    made.versions.update(timestamp=2, snapshot=2)
    made.release({"rulebook": TRUE})
    with pytest.raises(VerificationError, match="goes back"):
        follow(made.files, hijacked)
    made.rotate(timestamp=(("timestamp 2",), 1), snapshot=(("snapshot 2",), 1))
    made.release({"rulebook": TRUE})
    assert rulebook(follow(made.files, hijacked), TRUE) == TRUE


def test_an_added_key_makes_nobody_forget() -> None:
    """Recovery takes a removed key: otherwise every new key would open the way back."""
    made = town()
    old = dict(made.files)
    made.release({"rulebook": b"a second rulebook"})
    state = phone(made)
    made.rotate(timestamp=(("timestamp 1", "timestamp 2"), 1))
    with pytest.raises(VerificationError, match="goes back"):
        follow({**old, "2.root.json": made.root}, state)


def test_a_thief_of_one_root_key_changes_no_root() -> None:
    made = town()
    made.roles["root"] = (("thief",), 1)
    second = made.rotate()
    body = json.loads(second)["signed"]
    for signers in (("thief",), ("alpha", "thief"), ("alpha", "snapshot 1", "timestamp 1", "thief")):
        with pytest.raises(VerificationError, match="too few keys signed the root"):
            update_root(trust_root(made.files["1.root.json"]), sign(body, *signers))


def test_a_root_cannot_jump_over_a_revocation() -> None:
    """Who lost the keys of version 2 may not continue from version 1 to 3 with them."""
    made = town()
    state = trust_root(made.root)
    made.rotate(root=(("beta", "gamma", "delta"), 2))
    third = made.rotate(root=(("beta", "gamma", "epsilon"), 2))
    with pytest.raises(VerificationError, match="not of the next version"):
        update_root(state, third)
    assert update_root(update_root(state, made.files["2.root.json"]), third).root == third


def test_an_old_root_in_a_new_application_is_led_on_to_the_newest() -> None:
    """Ten rotations of all keys, expired ones in between: as long as each signed the next, nobody is left behind."""
    made = town()
    state = trust_root(made.root)
    for number in range(10):
        people = tuple(f"person {number} {letter}" for letter in "abc")
        made.rotate(expires=NOW - DAY, root=(people, 2), targets=(people, 2), timestamp=((f"t {number}",), 1))
    made.rotate()
    made.release({"rulebook": TRUE})
    assert rulebook(follow(made.files, state), TRUE) == TRUE


def test_a_target_of_another_content_is_refused_whatever_its_name() -> None:
    state = phone(town())
    for data in (EVIL, TRUE + b" ", TRUE[:-1], b""):
        with pytest.raises(VerificationError):
            targets_at(state, NOW).verify(path("rulebook", TRUE), data)
    with pytest.raises(VerificationError, match="does not name"):
        targets_at(state, NOW).verify(path("rulebook", EVIL), EVIL)


@pytest.mark.parametrize("weak", ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "ed" + "ff" * 30 + "7f"])
def test_a_key_for_which_anybody_can_sign_is_none(weak: str) -> None:
    """Under a point of small order every few signatures that nobody made hold: zeros as a placeholder open a role."""
    body = root_body(1, ROLES)
    public = {"keytype": "ed25519", "keyval": {"public": weak}, "scheme": "ed25519"}
    name = sha256(dump(public)).hexdigest()
    body["keys"] = {**body["keys"], name: public}
    del body["keys"][keyid("timestamp 1")]
    body["roles"]["timestamp"] = {"keyids": [name], "threshold": 1}
    with pytest.raises(FormatError, match="anybody can sign"):
        trust_root(sign(body, "alpha", "beta"))
    with pytest.raises(FormatError, match="anybody can sign"):
        new_root({each: RoleKeys((bytes.fromhex(weak),), 1) for each in ROLE_NAMES}, NOW)


def test_a_file_cannot_be_announced_twice_to_lose_its_first_time() -> None:
    """A ceremony that names one file from two times would sign a list in which only one of them stands, unseen."""
    twice = [Target(path("rulebook", TRUE), sha256(TRUE).digest(), len(TRUE), since) for since in (NOW, NOW + DAY)]
    with pytest.raises(FormatError, match="twice"):
        new_targets(twice, NOW + DAY, 1)


@pytest.mark.parametrize("short", ["root", "timestamp", "snapshot"])
def test_a_round_that_is_drawn_out_ends_with_the_first_file_that_expires(short: str) -> None:
    """Who answers slowly cannot carry a void file through the rest of a round."""
    made = Town()
    made.rotate(expires=NOW + (10 if short == "root" else 365 * DAY))
    made.release({"rulebook": TRUE}, **({} if short == "root" else {short: NOW + 10}))
    state = update_root(trust_root(made.files["1.root.json"]), made.files["2.root.json"])
    state = update_timestamp(state, made.files["timestamp.json"], NOW)
    if short != "snapshot":
        with pytest.raises(VerificationError, match=f"the {short} file has expired"):
            update_snapshot(state, made.files["1.snapshot.json"], NOW + 10)
    state = update_snapshot(state, made.files["1.snapshot.json"], NOW + 9)
    with pytest.raises(VerificationError, match=f"the {short} file has expired"):
        update_targets(state, made.files["1.targets.json"], NOW + 10)
    assert rulebook(update_targets(state, made.files["1.targets.json"], NOW + 9), TRUE, NOW + 9) == TRUE
