"""Trust roles: the keys of a region as one target. specs/trust.md section 10"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.cosignature import NO_WITNESSES, WitnessKey
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.trust import targets_at, update_snapshot, update_targets, update_timestamp
from ownhue.trust.roles import (
    MAX_TRUST_ROLES_BYTES,
    TRUST_ROLES_FOLDER,
    keys_of,
    open_trust_roles,
    parse_trust_roles,
    trust_roles_bytes,
)
from ownhue.trust.state import trust_root
from tests.conformance.notes_by_hand import LOG_KEY, WITNESSES, vkey
from tests.conformance.trust_by_hand import NOW, Town, path, target
from tests.conformance.trust_use_cases import roles_file

FILE = roles_file()


def test_a_file_gives_keys_and_a_policy_and_is_the_same_bytes_again() -> None:
    roles = parse_trust_roles(FILE, "demo")
    assert trust_roles_bytes(roles) == FILE
    assert keys_of(roles.log_keys) == [LOG_KEY]
    name = "witness.example/w1"
    assert roles.policy.witnesses == (WitnessKey(name, bytes(WITNESSES[name].verify_key)),)
    assert roles.policy.threshold == 1


def test_a_region_without_witnesses_says_so() -> None:
    roles = parse_trust_roles(roles_file(witness_threshold=0, witnesses=[]), "demo")
    assert roles.policy == NO_WITNESSES


def test_an_old_and_a_new_key_count_while_they_change() -> None:
    old, new = json.loads(FILE)["authority_keys"][0], json.loads(FILE)["issuer_keys"][0]
    roles = parse_trust_roles(roles_file(authority_keys=sorted([old, new]), authority_threshold=2), "demo")
    assert len(keys_of(roles.authority_keys)) == 2


def test_two_of_three_witnesses() -> None:
    roles = parse_trust_roles(roles_file(witness_threshold=2, witnesses=[vkey(name) for name in WITNESSES]), "demo")
    assert roles.policy.sentence().startswith("2 of 3")
    for order in ([vkey(name) for name in reversed(WITNESSES)], [vkey("witness.example/w1")] * 2):
        with pytest.raises(FormatError):
            parse_trust_roles(roles_file(witness_threshold=2, witnesses=order), "demo")


def test_roles_of_another_region_are_refused() -> None:
    with pytest.raises(VerificationError):
        parse_trust_roles(FILE, "other")


def test_a_long_file_is_not_read() -> None:
    with pytest.raises(LimitError):
        parse_trust_roles(FILE + b" " * MAX_TRUST_ROLES_BYTES, "demo")


@pytest.mark.parametrize("field", sorted(json.loads(FILE)))
def test_every_field_is_needed_and_of_its_kind(field: str) -> None:
    value = json.loads(FILE)
    others: list[Any] = [None, -1, "", [], {}, [None], True, 2**70]
    for other in others:
        with pytest.raises(OwnhueError):
            parse_trust_roles(canonical_json({**value, field: other}), "demo")
    del value[field]
    with pytest.raises(FormatError):
        parse_trust_roles(canonical_json(value), "demo")


@given(st.binary(max_size=200))
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_trust_roles(data, "demo")


@given(st.integers(0, len(FILE)), st.binary(max_size=2), st.integers(0, 2))
def test_a_mutated_file_is_refused_or_is_canonical(at: int, inserted: bytes, removed: int) -> None:
    changed = FILE[:at] + inserted + FILE[at + removed :]
    try:
        roles = parse_trust_roles(changed, "demo")
    except OwnhueError:
        return
    assert trust_roles_bytes(roles) == changed


def test_the_folder_is_one_of_the_log() -> None:
    assert TRUST_ROLES_FOLDER == "trust-roles"


def test_roles_count_when_the_targets_name_them_and_change_when_their_time_has_come() -> None:
    new = roles_file(witness_threshold=0, witnesses=[])
    town = Town()
    town.targets = {path("trust-roles", FILE): target(FILE), path("trust-roles", new): target(new, NOW + 60)}
    town.release()
    state = trust_root(town.root)
    state = update_timestamp(state, town.newest["timestamp"], NOW)
    state = update_snapshot(state, town.newest["snapshot"], NOW)
    targets = targets_at(update_targets(state, town.newest["targets"], NOW), NOW)
    assert open_trust_roles(targets, FILE, "demo", NOW).policy.threshold == 1
    assert open_trust_roles(targets, new, "demo", NOW + 60).policy == NO_WITNESSES
    for data, now in ((new, NOW), (FILE, NOW + 60), (FILE + b" ", NOW)):
        with pytest.raises(VerificationError, match="not the one that is trusted"):
            open_trust_roles(targets, data, "demo", now)
    with pytest.raises(VerificationError, match="another region"):
        open_trust_roles(targets, FILE, "other", NOW)
