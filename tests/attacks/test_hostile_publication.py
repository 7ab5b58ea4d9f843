"""What an operator, a mirror, a network or a visited region may try with one client: to stop, fill, mark or deafen it.

specs/publication.md sections 6, 7 and 13, specs/region.md section 5, specs/identifiers.md section 6
"""

import errno
import os
import time
from pathlib import Path

import httpx
import pytest

from ownhue.colour import Colour
from ownhue.cosignature import WitnessPolicy
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, FormatError, VerificationError
from ownhue.fork_evidence import parse_fork_evidence, verify_fork_evidence
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path
from ownhue.rulebook import Stays
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.signed_note import NoteSignature
from ownhue.trust.state import TrustedState
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.errors import FutureError, NotWitnessedError, RollbackError, UnreachableError
from ownhue_client.fetching import Deadline, folder_fetch, http_fetch, open_client
from ownhue_client.phone import Phone, Settings
from ownhue_client.phone.contradictions import AHEAD, FORK, NOT_PROVEN, OLD_COPY, TRUST_FORK, Contradictions
from ownhue_client.phone.door import Door
from ownhue_client.phone.ledger import Ledger
from ownhue_client.phone.store import Store
from ownhue_client.publication import PublicationState, catch_up, named_documents
from ownhue_client.publication.trust_round import root_version
from tests.client.door import KEYS, REGION, epochs_document, rulebook_document
from tests.client.publisher import START, Publisher
from tests.client.test_phone_sync import own_key
from tests.client.town import DAY, HOUR, meet
from tests.client.trusted_publisher import TrustedPublisher, copy_of, key, texts, trust_roles, witness_keys
from tests.client.trusted_town import Device, RealTrustedPublisher, TrustedTown

URL = "https://demo.ownhue.example"
RULEBOOK = rulebook_document(demonstration_rulebook())
FIRST_VERSION = demonstration_rulebook().version
NEXT_RULEBOOK = rulebook_document(demonstration_rulebook().model_copy(update={"version": FIRST_VERSION + 1}))


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def phone(town: TrustedTown, device: Device, tmp_path: Path) -> Phone:
    made = town.phone(tmp_path / "phone", root=town.publisher.first_root, clock=device)
    made.sync(town.now)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store", os.urandom, {})


def flood(publisher: Publisher, entries: list[LogEntry]) -> None:
    """Put *entries* into the log, whose files nobody serves."""
    for entry in entries:
        publisher._add(entry, b"")


def publish_all(publisher: Publisher) -> None:
    """Write every full bundle, as a publisher does that grew by many."""
    full = range(len(publisher.entries) // BUNDLE_WIDTH)
    publisher.files |= {bundle_path(index): publisher._bundle(index) for index in full}


# Answers that are no answers


@pytest.mark.parametrize("location", ["foo:bar", "http:foo", "mailto:x@y", "http://xn--/", "//[", "http://a:99999999"])
@pytest.mark.parametrize("way", ["door", "fetch"])
def test_a_redirect_to_an_address_that_is_none_is_an_error_of_our_own(way: str, location: str, store: Store) -> None:
    answer = httpx.Response(302, headers={"Location": location})
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client, pytest.raises(UnreachableError):
        ask(way, client, URL, store)


@pytest.mark.parametrize("url", ["http://a:x", "http://[::1", "http://xn--a", "http://..", "http://[v1.x]"])
@pytest.mark.parametrize("way", ["door", "fetch"])
def test_an_address_in_a_directory_that_is_none_is_an_error_of_our_own(way: str, url: str, store: Store) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(UnreachableError):
        ask(way, client, url, store)


def ask(way: str, client: httpx.Client, url: str, store: Store) -> bytes:
    if way == "door":
        return Door(client, url, Ledger(store), Settings()).fetch("/published/head", "a test", START)
    return http_fetch(client, url)("head")


def test_a_visited_region_whose_address_is_none_does_not_stop_the_phone(
    town: TrustedTown, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("coast", "hills"):
        town.add_region(name)
        town.neighbours[name].publisher.close_keys()
    coast = town.neighbours["coast"]
    coast.reachable = False
    named = coast.entry().model_copy(update={"urls": (coast.region.url, "http://[::1")})
    monkeypatch.setattr(coast, "entry", lambda: named)
    town.now = town.publisher.close_keys(town.directory())
    phone.sync(town.now)
    for name in town.neighbours:
        phone.visit(name, town.now)
    town.now = town.publisher.close_keys()
    results = {result.name: result.error for result in phone.sync(town.now).regions}
    assert results["coast"]
    assert results["hills"] == ""


def test_a_trickling_answer_leaves_the_door_at_its_deadline(store: Store) -> None:
    ticks = iter(range(1000))

    def trickle() -> "httpx.Response":
        return httpx.Response(200, content=(b"a" for _ in range(10**6)))

    with httpx.Client(transport=httpx.MockTransport(lambda _: trickle())) as client:
        door = Door(client, URL, Ledger(store), Settings(), lambda: Deadline(10, lambda: next(ticks)))
        with pytest.raises(UnreachableError, match="too long"):
            door.fetch("/published/head", "a test", START)
    assert next(ticks) < 20


def test_what_a_visited_regions_network_writes_is_not_told_the_owner(town: TrustedTown, phone: Phone) -> None:
    coast = town.add_region("coast")
    coast.publisher.close_keys()
    signed = {"_type": "timestamp", "You are ill.\nCall 0900 666": 1}
    coast.files["/published/trust/timestamp.json"] = canonical_json({"signatures": [], "signed": signed})
    town.now = town.publisher.close_keys(town.directory())
    phone.sync(town.now)
    phone.visit("coast", town.now)
    (result,) = phone.sync(town.now).regions
    assert result.error
    assert "0900" not in result.error
    assert all("0900" not in word for word in phone.trust_words(town.now))


def test_a_stick_that_breaks_is_an_error_of_our_own(
    phone: Phone, town: TrustedTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> bool:
        raise OSError(errno.EIO, "input/output error", str(path))

    monkeypatch.setattr(Path, "is_dir", broken)
    with pytest.raises(UnreachableError):
        phone.sync_from(tmp_path, town.now)
    with pytest.raises(UnreachableError):
        folder_fetch(tmp_path)("head")


# Marks that come back


def test_a_cookie_does_not_come_back_nor_fill_the_memory() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(dict(request.headers))
        return httpx.Response(200, headers={"Set-Cookie": f"id{len(seen)}=phone7; Max-Age=99999"}, content=b"x")

    with open_client(time.monotonic) as client:
        client._transport = httpx.MockTransport(answer)
        fetch = http_fetch(client, URL)
        fetch("head"), fetch("head")
        assert len(client.cookies) == 0
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        fetch = http_fetch(client, URL)
        fetch("head"), fetch("head")
    # Nor does anything go out that tells which program, in which version, asks.
    assert seen == [{"host": "demo.ownhue.example", "accept-encoding": "identity"}] * 4


def test_a_line_below_one_copy_of_a_head_does_not_tell_whose_evidence_it_is(town: TrustedTown, phone: Phone) -> None:
    mark = NoteSignature("phone-7", b"\1\2\3\4", os.urandom(64)).line().encode()
    town.publisher.files["head"] += mark
    phone.sync(town.now)
    town.publisher.files["head"] = town.publisher.head(root=os.urandom(32)) + mark
    with pytest.raises(ForkError):
        phone.sync(town.now)
    ((_, proof),) = phone.evidence()
    verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes)
    assert all("phone-7" not in note for note in parse_fork_evidence(proof).notes)
    town.publisher.files["head"] = town.publisher.head(size=3, root=bytes(32), time=town.now - 1) + mark
    with pytest.raises(RollbackError):
        phone.sync(town.now)
    assert all(b"phone-7" not in data for _, data in phone._contradictions.doubt_files())


# Floods


def test_a_log_of_endless_kinds_does_not_fill_a_client(town: TrustedTown, phone: Phone) -> None:
    batch = town.publisher.batch
    flood(town.publisher, [LogEntry.of(f"k-{number}", b"%d" % number, "json", batch) for number in range(3000)])
    town.now = town.publisher.close_keys()
    publish_all(town.publisher)
    phone.sync(town.now)
    assert len(phone._home.state.to_bytes()) < 50_000


def test_a_log_with_many_key_files_of_one_batch_is_refused(town: TrustedTown, phone: Phone) -> None:
    batch = town.publisher.batch
    flood(town.publisher, [LogEntry.of(f"keys/{batch}", b"%d" % number, "zip", batch) for number in range(500)])
    town.now = town.publisher.close_keys()
    publish_all(town.publisher)
    with pytest.raises(VerificationError, match="two key files of one batch"):
        phone.sync(town.now)
    assert phone._home.pending() == []


def test_a_flood_of_rulebooks_does_not_make_a_client_forget_the_one_that_is_named() -> None:
    publisher = TrustedPublisher(named=[("rulebook", RULEBOOK[1], 0)])
    now = publisher.close(RULEBOOK)
    known = catch_up(publisher.fetch, REGION, PublicationState(), now, root=publisher.first_root)[0]
    batch = publisher.batch
    flood(publisher, [LogEntry.of("rulebook", b"%d" % number, "json", batch) for number in range(600)])
    now = publisher.close()
    publish_all(publisher)
    for state in (known, PublicationState()):
        state = catch_up(publisher.fetch, REGION, state, now, root=publisher.first_root)[0]
        (named,) = named_documents(publisher.fetch, state, "rulebook", now) or ()
        assert named.data == RULEBOOK[1]


@pytest.mark.parametrize("garbage", [b"garbage", b"x" * (2 << 20)], ids=["garbage", "too-long"])
def test_a_rulebook_by_a_thief_of_the_logs_key_stops_a_phone_only_until_the_next(
    garbage: bytes, town: TrustedTown, phone: Phone
) -> None:
    town.now = town.publisher.close_keys(("rulebook", garbage))
    with pytest.raises(FormatError):
        phone.sync(town.now)
    town.now = town.publisher.close_keys(NEXT_RULEBOOK)
    phone.sync(town.now)
    assert [rulebook.version for rulebook in phone._documents.rulebooks] == [FIRST_VERSION, FIRST_VERSION + 1]


@pytest.mark.parametrize("garbage", [b"garbage", b"x" * (2 << 20)], ids=["garbage", "too-long"])
def test_documents_by_a_thief_of_the_logs_key_stop_a_checkpoint_only_until_the_next(garbage: bytes) -> None:
    publisher = Publisher()
    publisher.close(RULEBOOK, epochs_document(*KEYS))
    checkpoint = Checkpoint(REGION, fetch=publisher.fetch)
    checkpoint.sync(publisher.time)
    publisher.close(("rulebook", garbage), ("epochs", garbage))
    with pytest.raises(FormatError):
        checkpoint.sync(publisher.time)
    publisher.close(NEXT_RULEBOOK, epochs_document(*KEYS))
    checkpoint.sync(publisher.time)
    assert [item.rulebook.version for item in checkpoint.bundle.rulebooks] == [FIRST_VERSION, FIRST_VERSION + 1]


def test_a_mirror_that_lies_about_an_earlier_document_cannot_make_a_checkpoint_pass_it_over() -> None:
    publisher = Publisher()
    publisher.close(RULEBOOK, epochs_document(*KEYS))
    publisher.close(NEXT_RULEBOOK)
    (first, _) = (entry for entry in publisher.entries if entry.kind == "rulebook")

    def lying(path: str) -> bytes:
        return b"x" if path == first.path else publisher.fetch(path)

    checkpoint = Checkpoint(REGION, fetch=lying)
    with pytest.raises(VerificationError):
        checkpoint.sync(publisher.time)


# Evidence that must not be lost


def test_a_visited_region_cannot_fill_the_place_of_the_home_regions_proofs(store: Store) -> None:
    contradictions = Contradictions(store)
    for number in range(40):
        contradictions.prove(FORK, "coast", b"%d" % number, number)
        contradictions.prove(FORK, "demo", b"thief %d" % number, number)
    contradictions.prove(TRUST_FORK, "demo", b"the offline keys", 99)
    kept = [data for _, data in contradictions.proofs()]
    assert b"thief 0" in kept
    assert b"the offline keys" in kept


def test_a_larger_tree_with_an_earlier_time_is_a_proof_and_no_old_copy(town: TrustedTown, phone: Phone) -> None:
    before = town.publisher.time
    longer = copy_of(town.publisher)
    longer.close()
    town.publisher.files = longer.files | {"head": longer.head(time=before - 1)}
    with pytest.raises(ForkError):
        phone.sync(town.now)
    ((_, proof),) = phone.evidence()
    assert verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes) == "order"
    assert all(doubt.kind != OLD_COPY for doubt in phone._contradictions.doubts())


def special_head(town: TrustedTown, directory: Path) -> tuple[Phone, RealTrustedPublisher, bytes]:
    """A phone that alone was shown a head that no witness saw; the honest publisher, two batches on, and that head."""
    honest = town.publisher
    honest.files["head"] = honest.cosigned("witness.example/w1")
    policy = WitnessPolicy(1, witness_keys()[:1])
    phone = town.phone(directory, root=honest.first_root, policy=policy, clock=Device())
    phone.sync(town.now)
    special = copy_of(honest)
    assert isinstance(special, RealTrustedPublisher)
    special.close_keys(rulebook_document(without_ceilings()))
    town.publisher = special
    with pytest.raises(NotWitnessedError):
        phone.sync(special.time)
    town.publisher = honest
    honest.close_keys()
    town.now = honest.close_keys()
    honest.files["head"] = honest.cosigned("witness.example/w1")
    return phone, honest, special.files["head"]


def test_hiding_the_hashes_does_not_make_a_phone_forget_the_head_that_it_alone_was_shown(
    town: TrustedTown, tmp_path: Path
) -> None:
    town.now = town.publisher.close_quietly(300)
    phone, honest, head = special_head(town, tmp_path / "p")
    past = honest.files.pop(bundle_path(0))
    phone.sync(town.now)
    assert (phone.evidence(), [doubt.statements for doubt in phone._contradictions.doubts()]) == ([], [[head]])
    honest.files[bundle_path(0)] = past
    phone.sync(town.now)
    ((_, proof),) = phone.evidence()
    verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes)
    assert phone._contradictions.doubts() == []


def test_changing_the_logs_key_does_not_make_a_phone_forget_the_head_that_it_alone_was_shown(
    town: TrustedTown, tmp_path: Path
) -> None:
    phone, honest, head = special_head(town, tmp_path / "p")
    honest.log_key = key(99)
    honest.roles = trust_roles(log_keys=texts(key(99)), publisher_key=honest.roles.publisher_key)
    town.now = honest.close_keys()
    honest.files["head"] = honest.cosigned("witness.example/w1")
    phone.sync(town.now)
    assert [(doubt.kind, doubt.statements) for doubt in phone._contradictions.doubts()] == [(NOT_PROVEN, [head])]


def test_half_a_file_of_evidence_does_not_stay_for_ever(
    town: TrustedTown, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = town.publisher.files["head"]
    town.publisher.files["head"] = town.publisher.head(root=os.urandom(32))
    with pytest.raises(ForkError):
        phone.sync(town.now)
    town.publisher.files["head"] = good
    whole = Path.write_bytes

    def full_disk(path: Path, data: bytes) -> int:
        whole(path, data[:10])
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="no space"):
        phone.save_evidence(tmp_path / "out")
    monkeypatch.undo()
    (path,) = phone.save_evidence(tmp_path / "out")
    assert path.read_bytes() == phone.evidence()[0][1]


# The clock


def test_one_head_out_of_the_far_future_does_not_make_a_phone_deaf_for_ever(
    town: TrustedTown, phone: Phone, device: Device
) -> None:
    """The log goes on with earlier times: that is the proof, and what it said of the time is forgotten."""
    good = dict(town.publisher.files)
    town.publisher.files["head"] = town.publisher.head(time=town.now + 300 * DAY)
    with pytest.raises(FutureError):
        phone.sync(town.now)
    town.publisher.files = good
    phone.sync(town.now)
    assert phone._anchor.not_before() >= town.now + 300 * DAY, "nothing is proven yet: one tree, later signed again"
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    ((_, proof),) = phone.evidence()
    assert verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes) == "order"
    assert phone._anchor.not_before() == town.now


def test_a_thiefs_head_out_of_the_future_is_forgotten_with_his_key(town: TrustedTown, phone: Phone) -> None:
    """Of a size that the log does not come to: it cannot be proven, but the key is replaced."""
    good = dict(town.publisher.files)
    for ahead in (1, 2, 300):
        town.publisher.files["head"] = town.publisher.head(
            size=len(town.publisher.entries) + 10**6, root=bytes(32), time=town.now + ahead * DAY
        )
        with pytest.raises(FutureError):
            phone.sync(town.now)
    assert phone._anchor.not_before() >= town.now + 300 * DAY
    town.publisher.files = good
    town.publisher.log_key = key(99)
    town.publisher.roles = trust_roles(log_keys=texts(key(99)), publisher_key=town.publisher.roles.publisher_key)
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    assert phone._anchor.not_before() == town.now
    assert phone._contradictions.doubts() == []


def test_heads_that_were_ahead_of_a_slow_clock_are_innocent(town: TrustedTown, phone: Phone, device: Device) -> None:
    early = town.now
    for _ in range(4):
        town.now = town.publisher.close_keys()
        with pytest.raises(FutureError):
            phone.sync(early)
    assert [doubt.kind for doubt in phone._contradictions.doubts()] == [AHEAD, AHEAD]
    assert phone._anchor.not_before() == town.now
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    assert phone._contradictions.doubts() == []
    assert phone.evidence() == []
    assert phone._anchor.not_before() == town.now


def test_a_head_whose_time_no_clock_reaches_is_one_from_the_future(town: TrustedTown, phone: Phone) -> None:
    town.publisher.files["head"] = town.publisher.head(time=2**62)
    with pytest.raises(FutureError):
        phone.sync(town.now)
    assert phone._anchor.not_before() == town.now


# What is forgotten, and when


def test_a_clock_that_is_set_ahead_for_a_moment_ends_no_stay_for_good(
    town: TrustedTown, phone: Phone, tmp_path: Path
) -> None:
    other = town.phone(tmp_path / "other")
    meet(phone, other, town.now + HOUR)
    town.publisher.close_keys()
    town.now = town.publisher.close_keys(keys=[own_key(other, town.now + HOUR)])
    phone.sync(town.now)
    assert phone.decide(town.now).colour is Colour.YELLOW
    with pytest.raises(VerificationError):
        phone.sync(town.now + 120 * DAY)
    assert phone.decide(town.now).colour is Colour.YELLOW


def test_holding_back_a_rulebook_that_is_signed_anew_does_not_make_evidence_go(town: TrustedTown, phone: Phone) -> None:
    """The authority's key was replaced; until the rulebook comes again nobody knows how long its stays are."""
    rulebook = demonstration_rulebook().model_copy(
        update={"version": FIRST_VERSION + 1, "stays": Stays(yellow_days=7, red_days=30)}
    )
    town.now = town.publisher.close_keys(rulebook_document(rulebook))
    phone.sync(town.now)
    phone._store.add("withdrawn", town.now // DAY - 20, [bytes(16), town.now])
    town.publisher.roles = trust_roles(authority_keys=texts(key(77)), publisher_key=town.publisher.roles.publisher_key)
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    assert phone._documents.rulebooks == []
    phone.sync(town.now)
    assert list(phone._store.rows("withdrawn"))


# Two processes on one folder


def test_a_process_that_a_thief_fed_does_not_bring_back_a_root_that_was_replaced(tmp_path: Path) -> None:
    publisher = TrustedPublisher(named=[("rulebook", RULEBOOK[1], 0)])
    publisher.close(RULEBOOK, epochs_document(*KEYS))

    def process(source: TrustedPublisher) -> Checkpoint:
        return Checkpoint(REGION, fetch=source.fetch, directory=tmp_path, root=source.first_root)

    first, second = process(publisher), process(publisher)
    first.sync(publisher.time)
    thief = copy_of(publisher)
    publisher.rotate(timestamp_key=key(98), snapshot_key=key(97))
    publisher.close()
    thief.close(*(("area", b"%d" % number) for number in range(9)))
    thief.close()
    second = Checkpoint(REGION, fetch=thief.fetch, directory=tmp_path / "other", root=thief.first_root)
    second.sync(thief.time)
    second._folder = first._folder
    first.sync(publisher.time)
    assert root_of(first) == 2
    second._bundle = second._folder.save(second.bundle) if second._folder is not None else second.bundle
    assert root_of(process(publisher)) == 2
    assert root_of(second) == 2


def root_of(checkpoint: Checkpoint) -> int:
    return root_version(TrustedState.from_bytes(checkpoint.bundle.publication.trust).root)
