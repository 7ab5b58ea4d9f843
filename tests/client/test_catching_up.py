"""Catching up with trust, log and witnesses; what it resumes after, and what is kept. specs/publication.md section 6"""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue.log import LogEntry
from ownhue.trust.state import TrustedState
from ownhue_client.errors import MissingError, NotWitnessedError, UnreachableError
from ownhue_client.fetching import Fetch
from ownhue_client.publication import (
    PublicationState,
    RegionKeys,
    catch_up,
    documents_in_force,
    keys_in_force,
    named_documents,
    targets_of,
    trust_words,
)
from ownhue_client.publication.state import KEPT_LEAVES
from ownhue_client.publication.trust_round import begin, root_version
from tests.client.publisher import AUTHORITY_KEY, LOG_KEY, START, Publisher, document, region
from tests.client.trusted_publisher import DAY, TrustedPublisher, key, texts, trust_roles, witness_keys

REGION = region()
NEW = PublicationState()


def _caught_up(publisher: TrustedPublisher, state: PublicationState = NEW) -> PublicationState:
    return catch_up(publisher.fetch, REGION, state, publisher.time, root=publisher.first_root)[0]


def test_a_new_client_takes_trust_log_and_keys() -> None:
    publisher = TrustedPublisher()
    now = publisher.close()
    state, keys, entries = catch_up(publisher.fetch, REGION, NEW, now, root=publisher.first_root)
    assert entries == publisher.entries
    assert keys == RegionKeys.of_roles(trust_roles(), REGION)
    assert (keys.log_keys, keys.batch_seconds) == ((REGION.log_key_bytes,), 7200)
    assert keys.key_file_keys == (REGION.key_file_public_key,)
    assert {entry.kind for entry in entries} == {"trust", "trust-roles", "keys"}
    assert keys_in_force(state, REGION) == keys
    assert state.taken == ()


def test_without_a_root_the_region_file_counts_and_nothing_of_trust_is_asked_for() -> None:
    publisher = TrustedPublisher()
    now = publisher.close()
    state, keys, _ = catch_up(publisher.fetch, REGION, NEW, now)
    assert keys == RegionKeys.of_region(REGION) == keys_in_force(state, REGION)
    assert not any(path.startswith("trust") for path in publisher.fetched)
    assert targets_of(state, now) is None
    assert named_documents(publisher.fetch, state, "rulebook", now) is None


def test_a_client_never_falls_back_to_the_region_file_once_it_has_trust() -> None:
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    now = publisher.close()
    publisher.fetched.clear()
    _, keys, _ = catch_up(publisher.fetch, REGION, state, now)
    assert keys == RegionKeys.of_roles(trust_roles(), REGION)
    assert "trust/timestamp.json" in publisher.fetched


def test_a_root_that_comes_with_a_new_application_is_taken_up_in_the_middle() -> None:
    publisher = TrustedPublisher()
    now = publisher.close()
    state, _, _ = catch_up(publisher.fetch, REGION, NEW, now)
    state, _, entries = catch_up(publisher.fetch, REGION, state, now, root=publisher.first_root)
    assert entries == []  # what the log named before is remembered
    assert TrustedState.from_bytes(state.trust).root == publisher.first_root


def test_what_did_not_change_is_not_fetched_again() -> None:
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    publisher.close()
    publisher.fetched.clear()
    _caught_up(publisher, state)
    assert publisher.fetched == ["trust/2.root.json", "trust/timestamp.json", "head", "tile/entries/000.p/8"]


@pytest.mark.parametrize("days", [14, 365])
def test_a_phone_that_was_away_for_long_catches_up_over_every_rotation(days: int) -> None:
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    first = len(publisher.entries)
    for round_ in range(4):
        publisher.rotate(timestamp_key=key(60 + round_), snapshot_key=key(70 + round_))
        publisher.close_quietly(days * 3)
    publisher.fetched.clear()
    state, _, entries = catch_up(publisher.fetch, REGION, state, publisher.time, root=publisher.first_root)
    assert entries == publisher.entries[first:]
    assert TrustedState.from_bytes(state.trust).root == publisher.roots[-1]
    assert [path for path in publisher.fetched if "root" in path] == [f"trust/{n}.root.json" for n in (2, 3, 4, 5, 6)]
    # And so does a phone that was installed a year ago and is started for the first time.
    assert _caught_up(publisher).log == state.log


def _interrupted(fetch: Fetch, after: int) -> Fetch:
    """A network that goes away after some requests."""
    count = 0

    def breaks(path: str) -> bytes:
        nonlocal count
        count += 1
        if count > after:
            raise UnreachableError("no network")
        return fetch(path)

    return breaks


def test_a_round_interrupted_anywhere_resumes_and_keeps_every_newer_root() -> None:
    publisher = TrustedPublisher()
    publisher.close()
    before = _caught_up(publisher)
    for number in (61, 62):
        publisher.rotate(timestamp_key=key(number))
        publisher.close_many(2)
    finished = _caught_up(publisher, before)
    for after in range(10):
        kept = [before]
        fetch = _interrupted(publisher.fetch, after)
        try:
            catch_up(fetch, REGION, before, publisher.time, root=publisher.first_root, keep=kept.append)
        except UnreachableError:
            roots = 1 + min(after, 2)
            assert root_version(TrustedState.from_bytes(kept[-1].trust).root) == roots
            stored = PublicationState.from_bytes(kept[-1].to_bytes())
            assert keys_in_force(stored, REGION) == keys_in_force(before, REGION)
            assert len(stored.taken) == roots - 1
            assert _caught_up(publisher, stored) == finished
        else:
            assert after >= 7
            return
    pytest.fail("the round never ended")


def test_a_failing_first_round_leaves_no_keys_and_says_so() -> None:
    publisher = TrustedPublisher()
    publisher.rotate(timestamp_key=key(61))
    publisher.close()
    kept: list[PublicationState] = []
    fetch = _interrupted(publisher.fetch, 1)
    with pytest.raises(UnreachableError):
        catch_up(fetch, REGION, NEW, publisher.time, root=publisher.first_root, keep=kept.append)
    with pytest.raises(StateError, match="not known yet"):
        keys_in_force(kept[-1], REGION)


def test_the_log_changes_its_key_between_two_heads() -> None:
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    publisher.roles = trust_roles(log_keys=texts(LOG_KEY, key(77)))
    publisher.close()
    state = _caught_up(publisher, state)
    publisher.log_key = key(77)
    publisher.close()
    state = _caught_up(publisher, state)
    publisher.roles = trust_roles(log_keys=texts(key(77)))
    publisher.close_many(2)
    state = _caught_up(publisher, state)
    assert keys_in_force(state, REGION).log_keys == (bytes(key(77).verify_key),)
    # The same head by the old key counts no more, although nothing else about it changed.
    with pytest.raises(VerificationError):
        keys_in_force(state, REGION).open_head(publisher.head(key=LOG_KEY))


def test_the_head_that_is_kept_may_be_by_a_key_that_was_dropped_meanwhile() -> None:
    publisher = TrustedPublisher(roles=trust_roles(log_keys=texts(LOG_KEY, key(77))))
    publisher.close()
    state = _caught_up(publisher)
    publisher.log_key = key(77)
    publisher.files["head"] = publisher.head()  # the same head, signed anew
    again = _caught_up(publisher, state)
    assert (again.log.root, again.log.note) == (state.log.root, state.log.note)
    keys = replace(keys_in_force(state, REGION), log_keys=(bytes(key(77).verify_key),))
    assert keys.open_head(publisher.files["head"]).root == state.log.root


def test_a_head_counts_once_enough_witnesses_have_cosigned() -> None:
    publisher = TrustedPublisher()
    now = publisher.close()
    policy = WitnessPolicy(2, witness_keys())
    for names in ((), ("witness.example/w1",)):
        publisher.files["head"] = publisher.cosigned(*names)
        with pytest.raises(NotWitnessedError, match=f"{len(names)} of 2") as refused:
            catch_up(publisher.fetch, REGION, NEW, now, root=publisher.first_root, policy=policy)
        assert refused.value.note == publisher.files["head"]
        publisher.files["head"] = publisher.head()
    publisher.files["head"] = publisher.cosigned("witness.example/w1", "witness.example/w2")
    state, keys, _ = catch_up(publisher.fetch, REGION, NEW, now, root=publisher.first_root, policy=policy)
    assert keys.policy == policy
    assert state.log.note == publisher.files["head"]


def test_the_policy_of_the_trust_roles_counts_and_an_own_one_goes_before_it() -> None:
    vkeys = tuple(witness.vkey for witness in witness_keys())
    publisher = TrustedPublisher(roles=trust_roles(witnesses=vkeys, witness_threshold=1))
    now = publisher.close()
    with pytest.raises(NotWitnessedError, match="0 of 1"):
        _caught_up(publisher)
    publisher.files["head"] = publisher.cosigned("witness.example/w2")
    assert _caught_up(publisher).log.size == len(publisher.entries)
    policy = WitnessPolicy(2, witness_keys())
    with pytest.raises(NotWitnessedError, match="1 of 2"):
        catch_up(publisher.fetch, REGION, NEW, now, root=publisher.first_root, policy=policy)


def test_more_cosignatures_for_a_known_head_are_kept_and_fewer_do_no_harm() -> None:
    publisher = TrustedPublisher()
    now = publisher.close()
    policy = WitnessPolicy(1, witness_keys())
    bare = publisher.files["head"]
    notes = [publisher.cosigned("witness.example/w1"), publisher.cosigned("witness.example/w1", "witness.example/w2")]
    state = NEW
    for note in (*notes, bare, notes[0]):
        publisher.files["head"] = note
        state, _, _ = catch_up(publisher.fetch, REGION, state, now, root=publisher.first_root, policy=policy)
    assert state.log.note == notes[1]


def test_documents_that_targets_name_and_those_that_the_log_alone_gives() -> None:
    publisher = TrustedPublisher()
    first, second = (document("rulebook", {"version": number}, AUTHORITY_KEY) for number in (1, 2))
    publisher.named = [("rulebook", first[1], 0), ("rulebook", second[1], START + 9 * DAY)]
    now = publisher.close(first, second, document("epochs", {}, AUTHORITY_KEY))
    state = _caught_up(publisher)
    named = named_documents(publisher.fetch, state, "rulebook", now)
    assert named is not None
    assert [(item.data, item.since, item.batch) for item in named] == [
        (first[1], 0, publisher.batch - 1),
        (second[1], START + 9 * DAY, publisher.batch - 1),
    ]
    publisher.fetched.clear()
    assert named_documents(publisher.fetch, state, "rulebook", now, known=[first[1], second[1]]) == named
    assert publisher.fetched == []
    assert named_documents(publisher.fetch, state, "epochs", now) is None
    targets = targets_of(state, now)
    target = documents_in_force(targets, "rulebook", START + 9 * DAY)
    assert target is not None
    assert target.sha256 == sha256(second[1]).digest()
    assert documents_in_force(targets, "epochs", now) is None
    assert documents_in_force(None, "rulebook", now) is None


def test_a_kind_of_which_all_files_are_still_ahead_has_none_in_force() -> None:
    publisher = TrustedPublisher()
    later = document("rulebook", {"version": 1}, AUTHORITY_KEY)
    publisher.named = [("rulebook", later[1], START + 9 * DAY)]
    now = publisher.close(later)
    with pytest.raises(StateError):
        named_documents(publisher.fetch, _caught_up(publisher), "rulebook", now)


def test_the_state_survives_storing() -> None:
    publisher = TrustedPublisher()
    publisher.close_many(3)
    state = _caught_up(publisher)
    assert PublicationState.from_bytes(state.to_bytes()) == state
    assert PublicationState.from_bytes(NEW.to_bytes()) == NEW


@given(st.binary(max_size=300))
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    try:
        state = PublicationState.from_bytes(data)
    except FormatError:
        return
    assert state.to_bytes() == data


def test_a_stored_state_with_one_changed_byte_is_refused_or_harmless() -> None:
    """No foreign error comes out, and no other keys: what is not signed or not named is refused."""
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    data, keys = state.to_bytes(), keys_in_force(state, REGION)
    for at in range(0, len(data), 5):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        try:
            found = keys_in_force(PublicationState.from_bytes(bytes(changed)), REGION)
        except OwnhueError:
            continue
        assert found == keys


def test_leaves_are_remembered_within_bounds_and_those_in_use_for_ever() -> None:
    entries = [LogEntry.of("trust", b"%d" % number, "json", number) for number in range(KEPT_LEAVES + 9)]
    others = [LogEntry.of("keys/1", b"zip", "zip", 1), LogEntry.of("rulebook", b"{}", "json", 1)]
    used = entries[3].sha256
    state = NEW.with_log(NEW.log, [*others, *entries], {used})
    assert [leaf.batch for leaf in state.leaves if leaf.kind == "trust"] == [3, *range(9, KEPT_LEAVES + 9)]
    assert {leaf.kind for leaf in state.leaves} == {"trust", "rulebook"}
    assert (state.batch_of(used), state.batch_of(entries[0].sha256)) == (3, None)


def test_a_newer_root_of_the_application_takes_the_place_of_a_kept_one() -> None:
    publisher = TrustedPublisher()
    publisher.close()
    state = _caught_up(publisher)
    publisher.rotate(timestamp_key=key(61))
    newer = begin(state.trust, publisher.roots[1])
    assert newer is not None
    assert (newer.root, newer.targets) == (publisher.roots[1], publisher.targets)
    older = begin(newer.to_bytes(), publisher.first_root)
    assert older == newer
    assert begin(b"", None) is None


def test_another_root_of_the_same_version_is_not_taken_for_the_kept_one() -> None:
    publisher, other = TrustedPublisher(), TrustedPublisher(timestamp_key=key(99))
    publisher.close()
    state = _caught_up(publisher)
    with pytest.raises(VerificationError, match="two root files"):
        begin(state.trust, other.first_root)


def test_roles_of_another_region_or_log_are_refused() -> None:
    for changes in ({"region": "other"}, {"origin": "other.example/log"}):
        publisher = TrustedPublisher(roles=trust_roles(**changes))
        publisher.close()
        with pytest.raises(VerificationError, match="another region"):
            _caught_up(publisher)


def test_targets_without_roles_in_force_are_refused() -> None:
    publisher = TrustedPublisher(roles_from=START + 9 * DAY)
    publisher.close()
    with pytest.raises(VerificationError, match="no trust roles in force"):
        _caught_up(publisher)


def test_what_a_client_says_about_its_trust() -> None:
    words = trust_words(None, NO_WITNESSES)
    assert words[0].startswith("No root of trust")
    assert words[1].startswith("0 of 0: nobody watches this log")
    rooted = trust_words(b"root", WitnessPolicy(1, witness_keys()))
    assert rooted == (
        "The keys of this region can be replaced by the holders of its offline root.",
        "1 of 2 witnesses must have seen the same log.",
    )


def test_the_logs_own_people_are_no_witnesses() -> None:
    witness = replace(witness_keys()[0], key=REGION.log_key_bytes)
    with pytest.raises(FormatError, match="own operators"):
        RegionKeys.of_region(REGION, WitnessPolicy(1, (witness,)))


def test_a_publisher_without_trust_has_nothing_for_a_client_with_a_root() -> None:
    publisher, rooted = Publisher(), TrustedPublisher()
    now = publisher.close()
    with pytest.raises(MissingError):
        catch_up(publisher.fetch, REGION, NEW, now, root=rooted.first_root)
