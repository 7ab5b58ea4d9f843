"""The store under pressure: two programs, several threads, a full disk, fourteen days in a crowd."""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue.matching import Sighting
from ownhue_client.phone.records import pack_sightings
from ownhue_client.phone.store import Store
from ownhue_client.phone.transfer import export_phone
from ownhue_client.phone.unlock import KeyFile, Passphrase, rewrap
from tests.client.killing import killed_at

DAY = 20_514
DAYS, SIGHTINGS_A_DAY, SCANS_A_DAY = 14, 10_000, 384
#: What the issue allows for them.
MOST_BYTES = 20 * 10**6
NEVER = 10**9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.create(tmp_path / "phone", os.urandom, {"name": b"value"})
    yield store
    store.close()


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def test_the_second_program_is_told_which_one_is_the_first(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=rf"another program uses this phone \(process {os.getpid()}\)"):
        Store.open(tmp_path / "phone", os.urandom)
    (tmp_path / "phone" / "phone.lock").write_bytes(b"\xff" * 100)
    with pytest.raises(StateError, match="another program uses this phone; stop it"):
        Store.open(tmp_path / "phone", os.urandom)


def test_a_lock_that_a_killed_program_left_keeps_nobody_out(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "phone" / "phone.lock").write_text("1")
    Store.open(tmp_path / "phone", os.urandom).close()


def test_two_programs_cannot_make_one_phone(tmp_path: Path) -> None:
    with Store.creating(tmp_path / "phone", os.urandom) as store:
        with pytest.raises(StateError, match="another program"):
            Store.create(tmp_path / "phone", os.urandom, {})
        store.put("name", 1)
    with pytest.raises(StateError, match="already"):
        Store.create(tmp_path / "phone", os.urandom, {})


def test_a_child_process_does_not_keep_the_phone(store: Store, tmp_path: Path) -> None:
    """The lock must not be inherited: a program that the agent starts may outlive it."""
    assert store._lock is not None
    assert not os.get_inheritable(store._lock._file)


def test_what_one_thread_undoes_is_not_what_another_one_stores(store: Store) -> None:
    begun, other = threading.Event(), []

    def add() -> None:
        begun.set()
        other.append(store.add("places", DAY, ["of the other thread"]))

    thread = threading.Thread(target=add)

    def half() -> None:
        with store.atomic():
            store.add("places", DAY, ["half"])
            thread.start()
            begun.wait()
            # It cannot go on before this transaction is over.
            thread.join(0.05)
            assert not other
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    thread.join()
    assert [row.value for row in store.rows("places")] == [["of the other thread"]]


def test_many_threads_lose_nothing_and_keep_nothing_that_was_undone(store: Store) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(30):
                one(store, number, turn)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    kept = sorted(row.value for row in store.rows("places"))
    assert kept == sorted([number, turn] for number in range(4) for turn in range(0, 30, 2))


def one(store: Store, number: int, turn: int) -> None:
    """Store something on a new day, or begin to and fail."""
    try:
        with store.atomic():
            store.add("places", DAY + turn, [number, turn])
            list(store.rows("places", DAY + turn, DAY + turn))
            if turn % 2:
                raise KeyError
    except KeyError:
        pass


def test_on_a_full_disk_nothing_is_half_stored_and_it_goes_on_when_there_is_room(store: Store) -> None:
    store.add("places", DAY, ["before"])
    ((pages,),) = store._query("PRAGMA page_count")
    store._query(f"PRAGMA max_page_count = {pages + 20}")

    def crowd() -> None:
        with store.atomic():
            store.put("name", b"half")
            for _ in range(1000):
                store.add_bytes("sightings", DAY, bytes(1000))

    with pytest.raises(StateError, match="the disk is full; nothing of this was stored"):
        crowd()
    assert store.get("name") == b"value"
    assert store.counts("sightings") == {}
    assert [row.value for row in store.rows("places")] == [["before"]]
    store._query(f"PRAGMA max_page_count = {2**30}")
    crowd()
    assert store.counts("sightings") == {DAY: 1000}


def limited(run: Callable[[], object], room: int) -> None:
    """Run *run* in a process that may write no file beyond *room* bytes; it has to end in a StateError."""

    def in_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        with pytest.raises(StateError):
            run()

    assert not killed_at(NEVER, in_little_room)


def test_a_write_that_the_system_refuses_leaves_what_was_there(store: Store, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the system cuts the write in the middle, as a disk does that fills up just then."""
    store.close()
    folder = tmp_path / "phone"

    def crowd() -> None:
        full = Store.open(folder, os.urandom)
        with full.atomic(durable=True):
            full.put("name", b"half")
            for _ in range(1000):
                full.add_bytes("sightings", DAY, bytes(1000))

    for room in (300_000, 301_234, 777_777):
        limited(crowd, room)
        again = Store.open(folder, os.urandom)
        assert again.get("name") == b"value"
        assert again.counts("sightings") == {}
        assert again.damage() == []
        again.close()


@pytest.mark.parametrize("room", [0, 10, 40, 5000, 40_000])
def test_a_phone_that_finds_no_room_is_not_made(tmp_path: Path, room: int) -> None:
    limited(lambda: Store.create(tmp_path / "phone", os.urandom, {"big": bytes(10**6)}), room)
    with pytest.raises(StateError, match="no phone"):
        Store.open(tmp_path / "phone", os.urandom)
    Store.create(tmp_path / "phone", os.urandom, {"big": bytes(10**6)}).close()


def test_a_new_way_of_opening_that_finds_no_room_leaves_the_old_one(store: Store, tmp_path: Path) -> None:
    store.close()
    secret = Passphrase(lambda: "a passphrase of one's own", 1, 8192)
    limited(lambda: rewrap(tmp_path / "phone", KeyFile(), secret, os.urandom), 20)
    Store.open(tmp_path / "phone", os.urandom).close()


def test_a_folder_that_cannot_be_made_is_an_error_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be made"):
        Store.create(tmp_path / "file" / "phone", os.urandom, {})


def scan(time: int, count: int) -> bytes:
    return pack_sightings([Sighting(os.urandom(16), os.urandom(4), time, -70, time, 210) for _ in range(count)], 0)


def everything_but_sightings(store: Store, day: int) -> None:
    """A place every minute, own keys, scans, a busy ledger."""
    for minute in range(1440):
        store.add("places", day, [day * 86400 + minute * 60, 347_123_456, 1_136_543_210, 25])
    for period in range(12):
        store.add("own_keys", day, [bytes(16), day * 144 + period * 12, 12])
    for number in range(60):
        store.add("ledger", day, [day * 86400 + number, "https://publisher.example/1/keys", "fetch keys", 500, 90_000])
    store.add("scans", day, bytes(36))


@pytest.mark.parametrize("groups_a_day", [SCANS_A_DAY, pytest.param(SIGHTINGS_A_DAY, marks=pytest.mark.acceptance)])
def test_fourteen_days_in_a_crowd_take_20_megabytes_at_most(store: Store, tmp_path: Path, groups_a_day: int) -> None:
    """Groups as scans give them; and, as the worst case, each sighting by itself."""
    for day in range(DAY, DAY + DAYS):
        with store.atomic():
            for number in range(groups_a_day):
                first, last = (SIGHTINGS_A_DAY * at // groups_a_day for at in (number, number + 1))
                store.add_bytes("sightings", day, scan(day * 86400 + number, last - first))
            everything_but_sightings(store, day)
    # The write-ahead log is as large as a day's transaction here; an agent's are a scan.
    store.flush()
    assert size(tmp_path / "phone") < MOST_BYTES
    print(f"{size(tmp_path / 'phone') / 1e6:.1f} MB")
    exported = sum(map(len, export_phone(store, "a passphrase of one's own", DAY * 86400)))
    assert exported < MOST_BYTES
    # The next day takes the place of the one that is forgotten.
    before = size(tmp_path / "phone")
    for turn in range(2):
        store.forget_day(DAY + turn)
        with store.atomic():
            store.add_bytes("sightings", DAY + DAYS + turn, scan(0, SIGHTINGS_A_DAY))
            everything_but_sightings(store, DAY + DAYS + turn)
    store.flush()
    assert size(tmp_path / "phone") <= before * 1.05
