"""publisher/files.py, log_files.py, static.py: what lies in the folder after a batch, and how it is served."""

import asyncio
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from ownhue.tiles import MAX_TILE_BYTES, VerifiedTiles
from ownhue_server.documents import Document
from ownhue_server.publisher.folder import PublishedFolder
from ownhue_server.publisher.static import PIECE_BYTES, PublishedFiles
from tests.server.press import keys_ending, shop, snapshot
from tests.server.served import BATCH, MONDAY

DAY = 86400


def areas(count: int) -> list[Document]:
    return [Document("area", b'{"number":%d}' % number) for number in range(count)]


# What is written.


def test_bundles_and_tiles_grow_and_full_ones_replace_partial_ones(tmp_path: Path) -> None:
    with shop(tmp_path / "one", documents=areas(240), padding=1) as one:
        one.close_until(MONDAY + 20 * BATCH)
        files, published = snapshot(one.config.published), one.published()
    size, root = published.head.size, published.head.root
    assert 260 < size < 300
    for kind in ("entries", "0"):
        tiles = sorted(path for path in files if path.startswith(f"tile/{kind}/"))
        assert tiles[0] == f"tile/{kind}/000"
        assert all(path.startswith(f"tile/{kind}/001.p/") for path in tiles[1:])
        assert len(tiles) > 5
    assert [path for path in files if path.startswith("tile/1/")] == ["tile/1/000.p/1"]
    assert len(files["tile/0/000"]) == MAX_TILE_BYTES
    # Whoever trusts the head alone finds every leaf by them.
    tiles_of_head = VerifiedTiles(lambda tile: files[tile.path], size, root)
    assert [tiles_of_head.hash(0, at) for at in range(size)] == [entry.leaf_hash() for entry in published.entries]


def test_a_lost_folder_gets_the_same_bundles_and_tiles_again(tmp_path: Path) -> None:
    with shop(tmp_path / "one", documents=areas(270), padding=1) as one:
        one.close_until(MONDAY + 5 * BATCH)
        one.given = areas(300)
        one.close_until(MONDAY + 8 * BATCH)
        files = snapshot(one.config.published)
    for path in files:
        (tmp_path / "one" / "published" / path).unlink()
    with shop(tmp_path / "one", MONDAY + 8 * BATCH, documents=[]) as one:
        assert snapshot(one.config.published) == files


def test_a_state_document_gets_a_leaf_when_it_changes_and_a_set_s_once_ever(tmp_path: Path) -> None:
    one_state, other = Document("regions", b'{"state":1}'), Document("regions", b'{"state":2}')
    notice = areas(2)
    with shop(tmp_path / "one", documents=[one_state, *notice[:1], notice[0]], padding=1) as one:
        for batch, given in enumerate(([other, *notice], [other, *notice], [one_state, notice[1]], [one_state]), 1):
            one.given = given
            one.close_until(MONDAY + batch * BATCH)
        leaves = one.published()
        states = [leaves.file(entry) for entry in leaves.of_kind("regions")]
        assert states == [one_state.content, other.content, one_state.content]
        assert [leaves.file(entry) for entry in leaves.of_kind("area")] == [notice[0].content, notice[1].content]
        assert [entry.batch * BATCH for entry in leaves.of_kind("regions")] == [
            MONDAY - BATCH,
            MONDAY,
            MONDAY + 2 * BATCH,
        ]


def test_key_files_and_area_notices_go_after_fourteen_days_and_their_entries_stay(tmp_path: Path) -> None:
    with shop(tmp_path / "one", documents=areas(1), batch_seconds=DAY) as one:
        one.close_until(MONDAY + 20 * DAY)
        published, files = one.published(), snapshot(one.config.published)
        assert len(published.of_kind("keys")) == 21
        there = [entry.batch for entry in published.of_kind("keys") if entry.path in files]
        assert there == [MONDAY // DAY + number for number in range(6, 20)]
        assert len(published.of_kind("area")) == 1  # given with every batch, and never a second time
        assert not any(path.startswith("area/") for path in files)
        folders = {path.name for path in (one.config.published / "keys").iterdir()}
        assert folders == set(map(str, there))
        (oldest,) = one.job(lambda tx: tx.driver.execute("SELECT min(batch) FROM published_keys").fetchone())
        assert oldest == there[0]
    with shop(tmp_path / "one", MONDAY + 20 * DAY, documents=areas(1)) as one:
        assert snapshot(one.config.published) == files


def test_a_trust_file_under_its_name_is_in_the_log(tmp_path: Path) -> None:
    named: dict[str, bytes] = {}
    with shop(tmp_path / "one", batch_seconds=DAY) as one:
        for day in range(9):
            one.close_until(MONDAY + day * DAY)
            files = snapshot(one.config.published)
            logged = {one.published().file(entry) for entry in one.published().of_kind("trust")}
            named = {path: data for path, data in files.items() if path.startswith("trust/") and len(path) < 40}
            assert set(named.values()) <= logged
    assert {"trust/1.root.json", "trust/timestamp.json"} < set(named)
    snapshots = [path for path in named if path.endswith(".snapshot.json")]
    assert len(snapshots) > 1
    assert len([path for path in named if "timestamp" in path]) == 1


# How it is served.


@pytest.fixture
def folder(tmp_path: Path) -> PublishedFolder:
    return PublishedFolder(tmp_path / "published")


def ask(folder: PublishedFolder, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    app = Starlette(routes=[Route("/published/{path:path}", PublishedFiles(folder))])

    async def request() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9") as client:
            named: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, f"/published/{path}", headers=named)

    return asyncio.run(request())


def test_files_have_tags_and_who_has_them_is_told_so(folder: PublishedFolder) -> None:
    name = sha256(b"content").hexdigest()
    folder.put(f"keys/12/{name}.zip", b"content")
    folder.put("head", b"one")
    for path, content in ((f"keys/12/{name}.zip", b"content"), ("head", b"one")):
        answer = ask(folder, path)
        tag = f'"{sha256(content).hexdigest()}"'
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, content, tag)
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = ask(folder, path, if_none_match=known)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert ask(folder, path, if_none_match='"other"').status_code == 200
    folder.put("head", b"two")
    assert ask(folder, "head", if_none_match=f'"{sha256(b"one").hexdigest()}"').content == b"two"


def test_what_is_replaced_is_asked_for_again_and_all_else_is_kept(folder: PublishedFolder) -> None:
    paths = ("head", "trust/timestamp.json", "trust/1.snapshot.json", "tile/0/000.p/3")
    for path in paths:
        folder.put(path, b"x")
    kept = ["immutable" in ask(folder, path).headers["cache-control"] for path in paths]
    assert kept == [False, False, True, True]


def test_that_a_file_is_not_there_yet_is_not_kept(folder: PublishedFolder) -> None:
    """Freeze by a cache: a 404 may be kept where nothing forbids it, and a phone asks for the next root in advance."""
    answer = ask(folder, "trust/2.root.json")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-cache")


def test_pages_of_other_hosts_may_read_everything(folder: PublishedFolder) -> None:
    folder.put("head", b"x")
    for answer in (ask(folder, "head"), ask(folder, "none"), ask(folder, "head", if_none_match="*")):
        assert answer.headers["access-control-allow-origin"] == "*"
    asked = ask(folder, "head", "OPTIONS")
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "If-None-Match")
    assert ask(folder, "head", "POST").status_code == 405


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 3])
def test_files_of_any_size_arrive_whole(folder: PublishedFolder, size: int) -> None:
    content = random.Random(size).randbytes(size)
    path = f"keys/12/{sha256(content).hexdigest()}.zip"
    folder.put(path, content)
    answer = ask(folder, path)
    assert answer.content == content
    assert answer.headers["content-length"] == str(size)
    head = ask(folder, path, "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))


def test_a_large_file_is_never_held_in_memory(folder: PublishedFolder) -> None:
    path = f"keys/12/{'0' * 64}.zip"
    folder.put(path, bytes(20 * PIECE_BYTES))
    longest = 0

    async def send(message: Any) -> None:
        nonlocal longest
        longest = max(longest, len(message.get("body", b"")))

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"method": "GET", "headers": [], "path_params": {"path": path}}
    asyncio.run(PublishedFiles(folder)(scope, receive, send))
    assert longest == PIECE_BYTES


def test_the_key_file_of_a_batch_is_named_after_its_content(tmp_path: Path) -> None:
    with shop(tmp_path / "one") as one:
        one.add(keys_ending(MONDAY, 10, random.Random(1)))
        one.close_until(MONDAY + BATCH)
        for entry in one.published().of_kind("keys"):
            assert sha256(one.published().file(entry)).hexdigest() in entry.path
