"""Attacks: files made for one phone, old or mixed releases, stolen keys, and mirrors that lie.

Every attacker here holds what the test's name says, and serves whatever it likes to one client.
"""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, VerificationError
from ownhue.log import LogEntry
from ownhue.trust.ceremony import new_snapshot, new_timestamp, sign_trust_file
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import trust_roles_bytes
from ownhue.trust.schema import MAX_VERSION, Timestamp
from ownhue_client.errors import MissingError, NotLoggedError, RollbackError, UnreachableError
from ownhue_client.fetching import Fetch, Mirror, http_fetch, try_mirrors
from ownhue_client.publication import (
    PublicationState,
    RegionKeys,
    catch_up,
    check_fresh,
    documents_in_force,
    fork_evidence_of,
    named_documents,
    read_entry,
    targets_of,
    verify_trust_fork_file,
)
from tests.client.publisher import AUTHORITY_KEY, LOG_KEY, Publisher, document, region
from tests.client.trusted_publisher import DAY, TrustedPublisher, copy_of, key, texts, trust_roles

REGION = region()
NEW = PublicationState()
TRUE = document("rulebook", {"version": 1}, AUTHORITY_KEY)
EVIL = document("rulebook", {"version": 2, "everybody": "green"}, AUTHORITY_KEY)


def _with(publisher: Publisher, **files: bytes) -> Fetch:
    """What a mirror serves that exchanges some files."""
    return lambda path: files[path] if path in files else publisher.fetch(path)


def _caught_up(
    publisher: TrustedPublisher, state: PublicationState = NEW, fetch: Fetch | None = None, now: int | None = None
) -> PublicationState:
    time = publisher.time if now is None else now
    return catch_up(fetch or publisher.fetch, REGION, state, time, root=publisher.first_root)[0]


def _town() -> tuple[TrustedPublisher, PublicationState]:
    """A region with a rulebook that its targets name, and a phone that knows it."""
    publisher = TrustedPublisher(named=[("rulebook", TRUE[1], 0)])
    publisher.close(TRUE)
    publisher.close_many(2)
    return publisher, _caught_up(publisher)


def _release(publisher: TrustedPublisher, targets: bytes) -> dict[str, bytes]:
    """A snapshot and a timestamp above *targets*, by whoever holds the publisher's online keys."""
    snapshot = new_snapshot(targets, publisher.time + DAY, publisher.versions["snapshot"] + 1)
    snapshot = sign_trust_file(snapshot, publisher.snapshot_key)
    timestamp = new_timestamp(snapshot, publisher.time + DAY, publisher.versions["timestamp"] + 1)
    version = publisher.versions
    return {
        f"trust/{version['targets'] + 1}.targets.json": targets,
        f"trust/{version['snapshot'] + 1}.snapshot.json": snapshot,
        "trust/timestamp.json": sign_trust_file(timestamp, publisher.timestamp_key),
    }


def test_targeted_key_file() -> None:
    publisher, _ = _town()
    entry = next(entry for entry in publisher.entries if entry.kind == "keys")
    with pytest.raises(VerificationError, match="not the one in the log"):
        read_entry(_with(publisher, **{entry.path: bytes(entry.length)}), entry)


def test_targeted_rulebook_signed_by_the_stolen_authority_key_and_shown_in_the_log() -> None:
    """The log names it for everybody; the offline targets do not, so it counts for nobody."""
    publisher, state = _town()
    now = publisher.close(EVIL)
    state = _caught_up(publisher, state)
    named = named_documents(publisher.fetch, state, "rulebook", now)
    assert named is not None
    assert [item.data for item in named] == [TRUE[1]]
    target = documents_in_force(targets_of(state, now), "rulebook", now)
    assert target is not None
    assert target.sha256 != sha256(EVIL[1]).digest()


def test_targeted_rulebook_by_all_offline_keys_for_one_phone() -> None:
    """Even the holders of the offline keys cannot show one phone a rulebook that the log does not show everybody."""
    publisher, state = _town()
    roles = trust_roles_bytes(publisher.roles)
    named = [("trust-roles", roles, 0), ("rulebook", EVIL[1], 0)]
    targets = publisher.sign_targets(named, publisher.time, publisher.versions["targets"] + 1)
    files = {**_release(publisher, targets), f"rulebook/{sha256(EVIL[1]).hexdigest()}.json": EVIL[1]}
    with pytest.raises(NotLoggedError, match="made for this client alone"):
        _caught_up(publisher, state, _with(publisher, **files))
    assert _caught_up(publisher, state) == state  # the honest mirror is as good as before


def test_targeted_rulebook_that_the_log_does_not_hold_although_targets_do() -> None:
    publisher = TrustedPublisher(named=[("rulebook", EVIL[1], 0)])
    now = publisher.close()
    state = _caught_up(publisher)
    with pytest.raises(NotLoggedError, match="rulebook"):
        named_documents(publisher.fetch, state, "rulebook", now)


@pytest.mark.parametrize("kind", ["timestamp", "snapshot", "targets", "root"])
def test_targeted_trust_file(kind: str) -> None:
    """Signed by the right keys, and in nobody's log but this phone's answer."""
    publisher, state = _town()
    mirror = copy_of(publisher)
    if kind == "root":
        mirror.rotate(timestamp_key=key(91))
    if kind == "targets":
        mirror.named = []
    if kind == "snapshot":
        mirror.snapshot = b""
    mirror.close()
    fetch = _with(publisher, **{path: data for path, data in mirror.files.items() if path.startswith("trust")})
    kept: list[PublicationState] = []
    with pytest.raises(NotLoggedError):
        catch_up(fetch, REGION, state, publisher.time, root=publisher.first_root, keep=kept.append)
    if kind == "root":  # it is kept, for it may be all that protects; and it stays unproven until the log has it
        with pytest.raises((NotLoggedError, VerificationError)):
            _caught_up(publisher, kept[-1])
        assert _caught_up(mirror, kept[-1]).taken == ()
    else:
        assert kept == []


def test_targeted_trust_roles_with_a_log_of_the_attackers_own() -> None:
    """Offline keys name another log key for one phone, and a log that holds everything: it is another log's history."""
    publisher, state = _town()
    mirror = copy_of(publisher)
    mirror.roles = trust_roles(log_keys=texts(key(95)))
    mirror.log_key = key(95)
    mirror.entries[1] = LogEntry.of("keys/1", b"made for one phone", "zip", mirror.entries[1].batch)
    mirror.frontier = type(mirror.frontier)().extend(entry.leaf_hash() for entry in mirror.entries)
    mirror.close()
    with pytest.raises(ForkError, match="rewrote its past"):
        _caught_up(mirror, state)


def test_targeted_head() -> None:
    """One more entry, for one phone, by the stolen log key: the next honest head contradicts it, with evidence."""
    publisher, state = _town()
    mirror = copy_of(publisher)
    mirror.close(("rulebook", b"for one phone"))
    shown = _caught_up(mirror, state)
    publisher.close_many(2)
    with pytest.raises(ForkError) as met:
        _caught_up(publisher, shown)
    assert fork_evidence_of(met.value, RegionKeys.of_region(REGION), publisher.fetch) is not None


def test_rollback_of_the_timestamp_and_of_the_whole_folder() -> None:
    publisher, _ = _town()
    old = dict(publisher.files)
    publisher.close_many(2)
    state = _caught_up(publisher)
    with pytest.raises(VerificationError, match="goes back"):
        _caught_up(publisher, state, _with(publisher, **{"trust/timestamp.json": old["trust/timestamp.json"]}))
    with pytest.raises(VerificationError):
        _caught_up(publisher, state, Publisher(files=old).fetch)
    # Without trust the log alone refuses the old copy.
    plain, _, _ = catch_up(publisher.fetch, REGION, NEW, publisher.time)
    with pytest.raises(RollbackError):
        catch_up(Publisher(files=old).fetch, REGION, plain, publisher.time)


def test_freeze_of_the_whole_folder_stops_the_phone_when_the_timestamp_is_void() -> None:
    publisher, state = _town()
    frozen = copy_of(publisher)
    assert _caught_up(frozen, state, now=publisher.time + DAY) == state
    with pytest.raises(VerificationError, match="timestamp file has expired"):
        _caught_up(frozen, state, now=publisher.time + 2 * DAY)
    with pytest.raises(VerificationError, match="holds it back"):
        check_fresh(state.log, publisher.time + DAY + 1, DAY)


def test_freeze_of_the_head_alone_shows_as_a_trust_file_that_is_not_logged() -> None:
    publisher, state = _town()
    old = publisher.files["head"]
    publisher.close()
    with pytest.raises(NotLoggedError, match="the log is behind"):
        _caught_up(publisher, state, _with(publisher, head=old))


def test_freeze_of_the_timestamp_alone_keeps_nothing_back_that_the_log_shows() -> None:
    publisher, state = _town()
    old = publisher.files["trust/timestamp.json"]
    publisher.close_many(2)
    state = _caught_up(publisher, state, _with(publisher, **{"trust/timestamp.json": old}))
    assert state.log.size == len(publisher.entries)


def test_mix_and_match_of_two_releases() -> None:
    """The snapshot of one release with the targets of another; the targets of another under the name of this one."""
    publisher, state = _town()
    first = dict(publisher.files)
    publisher.named = [("rulebook", EVIL[1], 0)]
    publisher.close(EVIL)
    for path, data in (
        ("trust/2.targets.json", first["trust/1.targets.json"]),
        ("trust/2.snapshot.json", first["trust/1.snapshot.json"]),
    ):
        with pytest.raises(VerificationError, match="not the one that is named"):
            _caught_up(publisher, state, _with(publisher, **{path: data}))


def test_mix_and_match_of_two_batches() -> None:
    publisher, _ = _town()
    one, two = [entry for entry in publisher.entries if entry.kind == "keys"][:2]
    with pytest.raises(VerificationError):
        read_entry(_with(publisher, **{two.path: publisher.files[one.path]}), two)
    head, bundle = publisher.files["head"], f"tile/entries/000.p/{len(publisher.entries)}"
    publisher.close()
    with pytest.raises((MissingError, FormatError, VerificationError)):
        _caught_up(
            publisher,
            NEW,
            _with(publisher, **{f"tile/entries/000.p/{len(publisher.entries)}": publisher.files[bundle]}),
        )
    assert head != publisher.files["head"]


def test_mix_and_match_of_two_regions() -> None:
    """The trust of one region with the log of another, whose keys the same people hold."""
    publisher, state = _town()
    other = TrustedPublisher(roles=trust_roles(region="other", origin="other.example/log"))
    other.close_many(4)
    trust = {path: data for path, data in other.files.items() if path.startswith("trust")}
    for start in (state, NEW):
        with pytest.raises(VerificationError):
            _caught_up(publisher, start, _with(publisher, **trust))
    foreign = other.head(origin="other.example/log")
    with pytest.raises(VerificationError, match="another log"):
        catch_up(_with(publisher, head=foreign), REGION, NEW, publisher.time)


@pytest.mark.parametrize("online", ["timestamp_key", "snapshot_key"])
def test_stolen_online_key_after_its_rotation(online: str) -> None:
    """What the thief signs counts no more; versions that the thief drove to the end (fast-forward) are forgotten."""
    publisher, _ = _town()
    stolen = {"timestamp_key": publisher.timestamp_key, "snapshot_key": publisher.snapshot_key}
    thief = copy_of(publisher)
    thief.versions = {**thief.versions, "timestamp": MAX_VERSION - 2, "snapshot": MAX_VERSION - 2}
    thief.snapshot = b""
    thief.close()
    phone = _caught_up(thief)
    assert parse_trust_file(thief.timestamp, Timestamp).signed.version == MAX_VERSION - 1
    publisher = thief  # the region goes on from the log as it is, with new keys and low versions
    publisher.versions = {"targets": 1, "snapshot": 1, "timestamp": 7}
    publisher.rotate(timestamp_key=key(61), snapshot_key=key(62))
    publisher.close()
    phone = _caught_up(publisher, phone)
    assert len(publisher.roots) == 2
    again = copy_of(publisher)
    setattr(again, online, stolen[online])
    again.snapshot = b""
    again.close()
    with pytest.raises(VerificationError, match="too few keys signed"):
        _caught_up(again, phone)


def test_stolen_log_key_after_its_rotation() -> None:
    publisher, state = _town()
    publisher.roles, publisher.log_key = trust_roles(log_keys=texts(key(77))), key(77)
    publisher.close()
    state = _caught_up(publisher, state)
    thief = copy_of(publisher)
    thief.log_key = LOG_KEY
    thief.close(("rulebook", b"by the thief"))
    with pytest.raises(VerificationError, match="not signed"):
        _caught_up(publisher, state, _with(thief))


def test_stolen_authority_key_after_its_rotation() -> None:
    publisher, state = _town()
    publisher.roles = trust_roles(authority_keys=texts(key(78)))
    publisher.close()
    _, keys, _ = catch_up(publisher.fetch, REGION, state, publisher.time, root=publisher.first_root)
    with pytest.raises(VerificationError, match="0 of 1"):
        keys.open_document(EVIL[1], "rulebook")
    assert keys.open_document(document("rulebook", {"version": 3}, key(78))[1], "rulebook") == {"version": 3}


def test_a_document_by_one_key_where_two_are_needed() -> None:
    roles = trust_roles(authority_keys=texts(AUTHORITY_KEY, key(78)), authority_threshold=2)
    keys = RegionKeys.of_roles(roles, REGION)
    with pytest.raises(VerificationError, match="1 of 2"):
        keys.open_document(EVIL[1], "rulebook")


def test_two_targets_files_of_one_version_are_evidence_for_anyone(tmp_path: Path) -> None:
    """The holders of the offline keys show two phones two releases: whoever sees both has a file that proves it."""
    publisher, state = _town()
    roles = trust_roles_bytes(publisher.roles)
    second = publisher.sign_targets([("trust-roles", roles, 0)], publisher.time, publisher.versions["targets"])
    files = _release(publisher, second)
    snapshot = next(data for path, data in files.items() if "snapshot" in path)
    assert snapshot
    files[f"trust/{publisher.versions['targets']}.targets.json"] = second
    with pytest.raises(ForkError, match="two targets files") as met:
        _caught_up(publisher, state, _with(publisher, **files))
    evidence = fork_evidence_of(met.value, RegionKeys.of_region(REGION), root=publisher.first_root)
    assert evidence is not None
    (tmp_path / "evidence.json").write_bytes(evidence)
    assert verify_trust_fork_file((tmp_path / "evidence.json").read_bytes(), publisher.first_root) == "targets"
    _refused_when_changed(evidence, publisher)


def _refused_when_changed(evidence: bytes, publisher: TrustedPublisher) -> None:
    """No other root, no signature that is missing, no file twice passes."""
    with pytest.raises(VerificationError, match="another root"):
        verify_trust_fork_file(evidence, TrustedPublisher(timestamp_key=key(99)).first_root)
    value: dict[str, Any] = parse_canonical_json(evidence)
    for changed in (
        evidence.replace(b'"ownhue-trust-fork-1"', b'"ownhue-trust-fork-2"'),
        evidence[:-1],
        evidence.replace(value["files"][0]["signatures"][0]["sig"].encode(), b"0" * 128),
    ):
        with pytest.raises((FormatError, VerificationError)):
            verify_trust_fork_file(changed, publisher.first_root)


def test_one_release_twice_is_no_evidence() -> None:
    publisher, _ = _town()
    error = ForkError("", publisher.targets, publisher.targets)
    assert fork_evidence_of(error, RegionKeys.of_region(REGION), root=publisher.first_root) is None
    assert fork_evidence_of(error, RegionKeys.of_region(REGION)) is None
    assert fork_evidence_of(ForkError("a second key of an epoch"), RegionKeys.of_region(REGION)) is None


def test_endless_trust_file_and_endless_roots() -> None:
    publisher, state = _town()
    with pytest.raises(LimitError):
        _caught_up(publisher, state, _with(publisher, **{"trust/timestamp.json": bytes(1 << 20)}))
    kept: list[PublicationState] = []
    for number in range(300):
        publisher.rotate(timestamp_key=key(100 + number % 100))
    publisher.close()
    with pytest.raises(LimitError, match="256 roots"):
        catch_up(publisher.fetch, REGION, state, publisher.time, root=publisher.first_root, keep=kept.append)
    assert _caught_up(publisher, kept[-1]).taken == ()  # the next round goes on where this one stopped


def test_redirect_to_another_host() -> None:
    publisher, _ = _town()
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://evil.example" + request.url.path})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(UnreachableError):
        _caught_up(publisher, NEW, http_fetch(client, REGION.url))
    assert set(asked) == {"demo.ownhue.example"}


def test_mirrors_that_lie_or_are_behind_are_named_and_the_next_one_is_used() -> None:
    publisher, old = _town()
    publisher.close()
    state, behind = _caught_up(publisher, old), copy_of(publisher)
    publisher.close()
    bundle = f"tile/entries/000.p/{len(publisher.entries)}"
    mirrors = (
        Mirror("older", _with(publisher, head=behind.head(time=behind.time - 1))),
        Mirror("half", lambda path: behind.fetch(path) if path.startswith("tile") else publisher.fetch(path)),
        Mirror("bundle", _with(publisher, **{bundle: b"half a bundle"})),
        Mirror("head", _with(publisher, head=publisher.head(key=key(9)))),
        Mirror("timestamp", _with(publisher, **{"trust/timestamp.json": b"{}"})),
        Mirror("good", publisher.fetch),
        Mirror("never asked", publisher.fetch),
    )
    blamed: dict[str, OwnhueError] = {}
    after = try_mirrors(mirrors, lambda fetch: _caught_up(publisher, state, fetch), blamed.__setitem__)
    assert after.log.size == len(publisher.entries)
    assert list(blamed) == ["older", "half", "bundle", "head", "timestamp"]
    assert isinstance(blamed["older"], RollbackError)
    assert isinstance(blamed["half"], MissingError)


def test_a_thief_of_the_whole_server_cannot_make_a_phone_forget_its_offline_root() -> None:
    """All online keys, the log, the authority and the issuer: a root by other keys is refused, whatever is below it."""
    publisher, state = _town()
    thief = TrustedPublisher(roots=[])
    foreign = replace(thief, roots=[sign_trust_file(_unsigned_root(publisher), key(81), key(82))])
    files = {"trust/2.root.json": foreign.roots[0]}
    with pytest.raises(VerificationError, match="too few keys signed the root"):
        _caught_up(publisher, state, _with(publisher, **files))


def _unsigned_root(publisher: TrustedPublisher) -> bytes:
    """A next root that nobody signed yet."""
    made = copy_of(publisher)
    made.rotate(timestamp_key=key(83))
    value: dict[str, Any] = parse_canonical_json(made.roots[-1])
    value["signatures"] = []
    return canonical_json(value)
