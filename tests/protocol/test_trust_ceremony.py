"""Ceremonies: roots that people sign on several machines, files that servers make. specs/trust.md section 11"""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue.trust import targets_at, update_root, update_snapshot, update_targets, update_timestamp
from ownhue.trust.ceremony import (
    RoleKeys,
    missing_signatures,
    new_root,
    new_snapshot,
    new_targets,
    new_timestamp,
    next_root,
    role_keys,
    sign_trust_file,
)
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import MAX_ROLE_KEYS, MAX_TARGETS, RoleName, Root
from ownhue.trust.state import start, trust_root
from ownhue.trust.targets import Target
from tests.conformance.trust_by_hand import DAY, NOW, path, target

KEYS = [SigningKey(bytes([number]) * 32) for number in range(1, 20)]
PUBLIC = [bytes(key.verify_key) for key in KEYS]
BOOK = b"rulebook"


def _roles(people: int = 3, threshold: int = 2) -> dict[RoleName, RoleKeys]:
    offline = RoleKeys(tuple(PUBLIC[:people]), threshold)
    online = RoleKeys((PUBLIC[18],), 1)
    return {"root": offline, "snapshot": online, "targets": offline, "timestamp": online}


def _target(data: bytes, folder: str = "rulebook", since: int = 0) -> Target:
    digest = bytes.fromhex(target(data)["hashes"]["sha256"])
    return Target(path(folder, data), digest, len(data), since)


@given(st.integers(1, MAX_ROLE_KEYS), st.data())
def test_any_m_of_n_is_enough_and_fewer_are_not(people: int, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(1, people))
    signers = data.draw(st.sets(st.integers(0, people - 1)))
    root = sign_trust_file(new_root(_roles(people, threshold), NOW), *[KEYS[number] for number in signers])
    missing = max(0, threshold - len(signers))
    assert missing_signatures(root) == {"root": missing}
    if missing:
        with pytest.raises(VerificationError):
            trust_root(root)
    else:
        assert trust_root(root).root == root


def test_the_order_in_which_people_sign_leaves_no_trace() -> None:
    unsigned = new_root(_roles(), NOW)
    files = set()
    for order in permutations(KEYS[:3]):
        data = unsigned
        for key in order:
            data = sign_trust_file(data, key)
        files.add(data)
    assert files == {sign_trust_file(unsigned, *KEYS[:3])}


def test_signing_again_changes_nothing_and_repairs_what_is_broken() -> None:
    root = sign_trust_file(new_root(_roles(), NOW), KEYS[0], KEYS[1])
    assert sign_trust_file(root, KEYS[0]) == root
    value = json.loads(root)
    value["signatures"][0]["sig"] = "0" * 128
    broken = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert missing_signatures(broken) == {"root": 1}
    assert sign_trust_file(broken, KEYS[0], KEYS[1]) == root


def test_a_whole_life_from_the_first_ceremony_to_a_rotation() -> None:
    root = sign_trust_file(new_root(_roles(), NOW + 365 * DAY), KEYS[0], KEYS[2])
    targets = sign_trust_file(new_targets([_target(BOOK)], NOW + 90 * DAY, 1), KEYS[0], KEYS[1])
    snapshot = sign_trust_file(new_snapshot(targets, NOW + 7 * DAY, 1), KEYS[18])
    timestamp = sign_trust_file(new_timestamp(snapshot, NOW + DAY, 1), KEYS[18])
    for file in (targets, snapshot, timestamp):
        assert set(missing_signatures(file, before=root).values()) == {0}
    state = update_timestamp(start(trust_root(root)), timestamp, NOW)
    state = update_targets(update_snapshot(state, snapshot, NOW), targets, NOW)
    assert targets_at(state, NOW).current("rulebook", NOW).verify(BOOK) == BOOK

    second = next_root(root, {"timestamp": RoleKeys((PUBLIC[17],), 1)}, NOW + 800 * DAY)
    assert missing_signatures(second, before=root) == {"previous root": 2, "root": 2}
    second = sign_trust_file(second, KEYS[1], KEYS[2])
    assert missing_signatures(second, before=root) == {"previous root": 0, "root": 0}
    state = update_root(start(state), second)
    with pytest.raises(VerificationError):
        update_timestamp(state, timestamp, NOW)
    again = sign_trust_file(new_timestamp(snapshot, NOW + DAY, 1), KEYS[17])
    assert update_timestamp(state, again, NOW).timestamp == again


def test_a_rotation_of_the_people_needs_the_old_and_the_new() -> None:
    root = sign_trust_file(new_root(_roles(), NOW), KEYS[0], KEYS[1])
    people = RoleKeys(tuple(PUBLIC[4:7]), 2)
    second = next_root(root, {"root": people}, NOW)
    assert role_keys(parse_trust_file(second, Root).signed, "root").threshold == 2
    assert set(role_keys(parse_trust_file(second, Root).signed, "root").keys) == set(people.keys)
    by_new = sign_trust_file(second, KEYS[4], KEYS[5])
    assert missing_signatures(by_new, before=root) == {"previous root": 2, "root": 0}
    with pytest.raises(VerificationError, match="too few keys signed"):
        update_root(trust_root(root), by_new)
    by_old = sign_trust_file(second, KEYS[0], KEYS[1])
    assert missing_signatures(by_old, before=root) == {"previous root": 0, "root": 2}
    with pytest.raises(VerificationError, match="its own keys"):
        update_root(trust_root(root), by_old)
    by_both = sign_trust_file(by_old, KEYS[4], KEYS[5])
    assert update_root(trust_root(root), by_both).root == by_both


def test_the_same_input_gives_the_same_bytes() -> None:
    targets = [_target(BOOK), _target(b"[]", "epochs"), _target(b"next", since=NOW + DAY)]
    assert new_targets(targets, NOW, 1) == new_targets(targets[::-1], NOW, 1)
    assert new_root(_roles(), NOW) == new_root(dict(reversed(_roles().items())), NOW)
    doubled = {**_roles(), "root": RoleKeys((*PUBLIC[:3], PUBLIC[0]), 2)}
    assert new_root(doubled, NOW) == new_root(_roles(), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"root": RoleKeys((), 1)},
        {"root": RoleKeys(tuple(PUBLIC[:2]), 3)},
        {"root": RoleKeys(tuple(PUBLIC[:2]), 0)},
        {"root": RoleKeys((PUBLIC[0], PUBLIC[0]), 2)},
        {"root": RoleKeys((b"short",), 1)},
        {"root": RoleKeys(tuple(PUBLIC[:17]), 1)},
        {"mirrors": RoleKeys((PUBLIC[0],), 1)},
    ],
)
def test_roots_that_make_no_sense_cannot_be_made(changes: dict[RoleName, RoleKeys]) -> None:
    with pytest.raises(FormatError):
        new_root({**_roles(), **changes}, NOW)


def test_files_that_no_reader_accepts_cannot_be_made() -> None:
    root = sign_trust_file(new_root(_roles(), NOW), KEYS[0], KEYS[1])
    with pytest.raises(FormatError):
        new_root(_roles(), -1)
    with pytest.raises(FormatError):
        new_root(_roles(), NOW, version=0)
    with pytest.raises(FormatError):
        new_targets([Target("rulebook/name.json", bytes(32), 1, 0)], NOW, 1)
    with pytest.raises(FormatError):
        new_targets([_target(BOOK), _target(b"other")], NOW, 1)  # two of one folder from one second
    with pytest.raises(FormatError):
        new_targets([_target(str(number).encode(), since=number) for number in range(MAX_TARGETS + 1)], NOW, 1)
    with pytest.raises(VerificationError):
        new_snapshot(root, NOW, 1)
    with pytest.raises(LimitError):
        sign_trust_file(root, *KEYS[:17])
    with pytest.raises(StateError):
        missing_signatures(new_targets([], NOW, 1))
    for junk in (b"", b"{}", b"[]", root[:-1]):
        with pytest.raises(FormatError):
            sign_trust_file(junk, KEYS[0])


def test_the_most_targets_fit() -> None:
    many = [_target(str(number).encode(), since=number) for number in range(MAX_TARGETS)]
    assert len(json.loads(new_targets(many, NOW, 1))["signed"]["targets"]) == MAX_TARGETS
