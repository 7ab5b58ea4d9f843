"""Following a published log that is honest: batches, bundles, resuming, heads. specs/publication.md section 6"""

import hashlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.log import BUNDLE_WIDTH, LogEntry
from ownhue.tree import Frontier, tree_root
from ownhue_client.errors import FutureError, MissingError, StaleError, UnreachableError
from ownhue_client.fetching import folder_fetch, http_fetch
from ownhue_client.publication import LogState, check_fresh, follow, heads_of, read_entry
from tests.client.publisher import BATCH_SECONDS, START, Publisher, region

REGION = region()


def test_a_new_client_takes_everything_and_then_only_what_is_new() -> None:
    publisher = Publisher()
    now = publisher.close_many(3)
    state, entries = follow(publisher.fetch, REGION, LogState(), now)
    assert entries == publisher.entries
    assert (state.size, state.head_time, state.note) == (3, now, publisher.files["head"])
    assert state.root == tree_root(entry.leaf_hash() for entry in publisher.entries)
    now = publisher.close()
    state, entries = follow(publisher.fetch, REGION, state, now)
    assert entries == publisher.entries[3:]
    assert state.size == 4


def test_nothing_new_is_no_error() -> None:
    publisher = Publisher()
    now = publisher.close_many(2)
    state, _ = follow(publisher.fetch, REGION, LogState(), now)
    publisher.fetched.clear()
    assert follow(publisher.fetch, REGION, state, now + 60) == (state, [])
    assert publisher.fetched == ["head"]


def test_an_empty_log_can_be_followed() -> None:
    publisher = Publisher()
    publisher.publish()
    state, entries = follow(publisher.fetch, REGION, LogState(), START)
    assert (state.size, entries, state.head_time) == (0, [], START)
    now = publisher.close()
    assert follow(publisher.fetch, REGION, state, now)[0].size == 1


@pytest.mark.parametrize("already", [0, 1, 255, 256, 257, 511, 512, 600])
def test_resuming_after_many_batches_reads_each_bundle_once(already: int) -> None:
    publisher = Publisher()
    if already:
        publisher.close_many(already)
    else:
        publisher.publish()
    state, _ = follow(publisher.fetch, REGION, LogState(), publisher.time)
    now = publisher.close_many(700 - already)
    publisher.fetched.clear()
    state, entries = follow(publisher.fetch, REGION, state, now)
    assert entries == publisher.entries[already:]
    bundles = ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"]
    assert publisher.fetched == ["head", *bundles[already // BUNDLE_WIDTH :]]


def test_a_partial_bundle_that_became_full_in_between_is_taken_from_the_full_one() -> None:
    publisher = Publisher()
    now = publisher.close_many(250)
    earlier = publisher.files["head"]
    publisher.close_many(10)

    def fetch(path: str) -> bytes:
        return earlier if path == "head" else publisher.fetch(path)

    state, entries = follow(fetch, REGION, LogState(), now)
    assert entries == publisher.entries[:250]
    assert "tile/entries/000.p/250" not in publisher.files
    assert follow(publisher.fetch, REGION, state, publisher.time)[1] == publisher.entries[250:]


def test_the_state_survives_storing() -> None:
    publisher = Publisher()
    now = publisher.close_many(5)
    state, _ = follow(publisher.fetch, REGION, LogState(), now)
    stored = LogState.from_bytes(state.to_bytes())
    assert stored == state
    assert LogState.from_bytes(LogState().to_bytes()) == LogState()
    now = publisher.close()
    assert follow(publisher.fetch, REGION, stored, now)[0].size == 6


@given(st.binary(max_size=200))
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    try:
        state = LogState.from_bytes(data)
    except FormatError:
        return
    assert state.to_bytes() == data


def test_every_published_head_follows_from_the_entries() -> None:
    publisher = Publisher()
    published = {}
    for count in (1, 4, 2):
        documents = [("rulebook", b"{%d}" % number) for number in range(count)]
        now = publisher.close(*documents)
        published[len(publisher.entries)] = (tree_root(entry.leaf_hash() for entry in publisher.entries), now)
    assert heads_of(publisher.entries, Frontier(), BATCH_SECONDS) == published
    state, _ = follow(publisher.fetch, REGION, LogState(), publisher.time)
    publisher.close()
    _, entries = follow(publisher.fetch, REGION, state, publisher.time)
    assert list(heads_of(entries, state.frontier, BATCH_SECONDS)) == [len(publisher.entries)]


def test_files_are_read_as_the_log_names_them() -> None:
    publisher = Publisher()
    now = publisher.close()
    _, entries = follow(publisher.fetch, REGION, LogState(), now)
    assert hashlib.sha256(read_entry(publisher.fetch, entries[0])).digest() == entries[0].sha256
    with pytest.raises(LimitError):
        read_entry(publisher.fetch, entries[0], limit=entries[0].length - 1)


def test_a_file_too_long_by_the_log_itself_is_not_even_fetched() -> None:
    publisher = Publisher()
    entry = LogEntry("keys/1/" + "0" * 64 + ".zip", bytes(32), 2**31, 1)
    with pytest.raises(LimitError):
        read_entry(publisher.fetch, entry)
    assert publisher.fetched == []


def test_a_small_clock_difference_is_forgiven_and_a_large_one_not() -> None:
    publisher = Publisher()
    now = publisher.close()
    assert follow(publisher.fetch, REGION, LogState(), now - 600)[0].size == 1
    with pytest.raises(FutureError):
        follow(publisher.fetch, REGION, LogState(), now - 601)


def test_an_unreachable_server_leaves_everything_as_it_was() -> None:
    def unreachable(_path: str) -> bytes:
        raise UnreachableError("no network")

    with pytest.raises(UnreachableError):
        follow(unreachable, REGION, LogState(), START)


def test_freshness_is_judged_by_the_signed_time() -> None:
    publisher = Publisher()
    now = publisher.close()
    state, _ = follow(publisher.fetch, REGION, LogState(), now)
    check_fresh(state, now + 86_400, 86_400)
    with pytest.raises(StaleError):
        check_fresh(state, now + 86_401, 86_400)
    with pytest.raises(StaleError):
        check_fresh(LogState(), now, 86_400)


def test_a_folder_on_a_usb_stick_serves_as_well(tmp_path: Path) -> None:
    publisher = Publisher()
    now = publisher.close_many(3)
    for path, data in publisher.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    fetch = folder_fetch(tmp_path)
    state, entries = follow(fetch, REGION, LogState(), now)
    assert state.size == 3
    assert read_entry(fetch, entries[2]) == publisher.files[entries[2].path]
    with pytest.raises(MissingError):
        fetch("tile/entries/007")
    with pytest.raises(MissingError):
        fetch("tile")
    with pytest.raises(LimitError):
        folder_fetch(tmp_path, limit=10)("head")


def _client(publisher: Publisher) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/published/")
        if path == "broken":
            return httpx.Response(500)
        if path == "down":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=publisher.files[path]) if path in publisher.files else httpx.Response(404)

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_fetching_over_http() -> None:
    publisher = Publisher()
    now = publisher.close_many(2)
    with _client(publisher) as client:
        fetch = http_fetch(client, REGION.url)
        assert follow(fetch, REGION, LogState(), now)[0].size == 2
        with pytest.raises(MissingError):
            fetch("nothing")
        for path in ("broken", "down"):
            with pytest.raises(UnreachableError):
                fetch(path)
        with pytest.raises(LimitError):
            http_fetch(client, REGION.url, limit=10)("head")


def test_a_log_of_another_region_is_refused() -> None:
    publisher = Publisher()
    now = publisher.close()
    with pytest.raises(VerificationError, match="another log"):
        follow(publisher.fetch, region(origin="other.example/log"), LogState(), now)
