"""Hash tiles: the files of a growing log, and a server of them that is not trusted. specs/publication.md section 10"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.tiles import (
    MAX_TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    VerifiedTiles,
    index_path,
    new_tiles,
    partial_tiles,
    tile_bytes,
    tiles_of,
)
from ownhue.tree import HASH_BYTES, MAX_SIZE, leaf_hash, verify_consistency, verify_inclusion, verify_node
from ownhue.tree_proofs import StoredTree, prove_consistency, prove_inclusion

#: Just over one tile of level 1: every kind of tile occurs.
SIZE = 65_536 + 300
TREE = StoredTree(leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE))
EDGES = [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, SIZE]


class Server:
    """Serves the tiles of the tree at one size, and counts what is asked."""

    def __init__(self, size: int) -> None:
        self.files = {tile.path: tile_bytes(tile, TREE.hash) for tile in tiles_of(size)}
        self.asked: list[str] = []

    def __call__(self, tile: Tile) -> bytes:
        self.asked.append(tile.path)
        return self.files[tile.path]


def test_a_tile_has_as_many_hashes_as_its_levels_demand() -> None:
    assert 1 << TILE_HEIGHT == TILE_WIDTH
    assert TILE_WIDTH * HASH_BYTES == MAX_TILE_BYTES


def test_seventy_thousand_leaves_have_the_tiles_that_the_standard_counts() -> None:
    """C2SP tlog-tiles, section "Partial Tiles": 273 and 1 full ones, partial ones of 112, 17 and 1 hashes."""
    tiles = list(tiles_of(70_000))
    assert len([tile for tile in tiles if tile.level == 0 and tile.is_full]) == 273
    assert len([tile for tile in tiles if tile.level == 1 and tile.is_full]) == 1
    assert [tile.path for tile in tiles if not tile.is_full] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert list(partial_tiles(70_000)) == [tile for tile in tiles if not tile.is_full]


@given(st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**5))
def test_growing_in_two_steps_writes_the_same_full_tiles_as_growing_in_one(size: int, first: int, second: int) -> None:
    middle, end = size + first, size + first + second
    at_once = set(new_tiles(size, end))
    in_steps = set(new_tiles(size, middle)) | set(new_tiles(middle, end))
    assert {tile for tile in in_steps if tile.is_full} == {tile for tile in at_once if tile.is_full}
    if second:
        assert at_once <= in_steps


@given(st.integers(0, 10**6))
def test_the_tiles_of_a_size_hold_every_leaf_once(size: int) -> None:
    assert sum(tile.width for tile in tiles_of(size) if tile.level == 0) == size
    assert sum(tile.width << tile.level * TILE_HEIGHT for tile in partial_tiles(size)) == size


@given(st.integers(0, 7), st.integers(0, 2**57), st.integers(1, 256))
def test_a_path_names_one_tile(level: int, index: int, width: int) -> None:
    try:
        tile = Tile(level, index, width)
    except FormatError:
        assert (index * TILE_WIDTH + width) << level * TILE_HEIGHT > MAX_SIZE
        return
    assert Tile.from_path(tile.path) == tile
    assert tile.full.path == tile.path.partition(".p/")[0]


@given(st.text("tile/0123456789x.p", max_size=30) | st.text(max_size=30))
def test_no_other_error_leaves_the_parser_of_paths(path: str) -> None:
    try:
        tile = Tile.from_path(path)
    except FormatError:
        return
    assert tile.path == path


@given(st.integers(0, 10**12))
def test_an_index_is_written_in_groups(index: int) -> None:
    groups = index_path(index).split("/")
    assert int("".join(groups).replace("x", "")) == index
    assert all(len(group) == 4 and group.startswith("x") for group in groups[:-1])


@pytest.mark.parametrize("size", EDGES)
def test_proofs_from_tiles_are_those_of_the_tree(size: int) -> None:
    root = TREE.root(size)
    tiles = VerifiedTiles(Server(size), size, root)
    for index in sorted({0, size // 3, size // 2, size - 1} - {-1}):
        if index < size:
            proof = prove_inclusion(tiles.hash, index, size)
            assert proof == prove_inclusion(TREE.hash, index, size)
            verify_inclusion(tiles.hash(0, index), index, size, proof, root)
    for old in (0, 1, size // 3, size // 2, size):
        if old <= size:
            proof = prove_consistency(tiles.hash, old, size)
            verify_consistency(old, TREE.root(old), size, root, proof)


def test_every_level_between_tiles_can_be_read() -> None:
    tiles = VerifiedTiles(Server(SIZE), SIZE, TREE.root(SIZE))
    for level in range(SIZE.bit_length()):
        for index in {0, (SIZE >> level) // 2, (SIZE >> level) - 1}:
            found = tiles.hash(level, index)
            assert found == TREE.hash(level, index)
            verify_node(found, level, index, SIZE, prove_inclusion(tiles.hash, index, SIZE, level), TREE.root(SIZE))


def test_a_proof_costs_few_tiles() -> None:
    server = Server(SIZE)
    tiles = VerifiedTiles(server, SIZE, TREE.root(SIZE))
    assert len(server.asked) == len(list(partial_tiles(SIZE)))
    prove_inclusion(tiles.hash, 40_000, SIZE)
    assert len(set(server.asked)) == len(server.asked) <= 5


def test_a_full_tile_may_stand_in_for_a_partial_one_that_was_deleted() -> None:
    size = 300
    server = Server(size)
    later = {tile.path: tile_bytes(tile, TREE.hash) for tile in tiles_of(1000)}

    def read_tile(tile: Tile) -> bytes:
        return later[tile.full.path] if tile.path == "tile/0/001.p/44" else server(tile)

    assert VerifiedTiles(read_tile, size, TREE.root(size)).hash(0, 299) == TREE.hash(0, 299)


def test_a_server_that_changes_any_byte_of_any_tile_is_found_out() -> None:
    size = 1000
    server, root = Server(size), TREE.root(size)
    for path, data in server.files.items():
        for at in {0, 31, len(data) // 2, len(data) - 1}:
            changed = {**server.files, path: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}
            with pytest.raises(VerificationError):
                _read_all(changed, size, root)


def _read_all(files: dict[str, bytes], size: int, root: bytes) -> None:
    tiles = VerifiedTiles(lambda tile: files[tile.path], size, root)
    for index in range(0, size, 64):
        tiles.hash(0, index)


def test_a_server_that_shows_another_tree_is_found_out_before_a_hash_is_used() -> None:
    other = StoredTree([leaf_hash(b"other"), *(TREE.hash(0, index) for index in range(1, 1000))])
    files = {tile.path: tile_bytes(tile, other.hash) for tile in tiles_of(1000)}
    with pytest.raises(VerificationError, match="do not lead"):
        VerifiedTiles(lambda tile: files[tile.path], 1000, TREE.root(1000))


def test_tiles_of_another_width_are_refused() -> None:
    size = 300
    server, root = Server(size), TREE.root(size)
    for path in server.files:
        for length, error in ((0, FormatError), (31, FormatError), (32 * 43, FormatError), (8193, LimitError)):
            changed = {**server.files, path: bytes(length)}
            with pytest.raises(error):
                _read_all(changed, size, root)


def test_sizes_and_hashes_that_no_tree_has_are_refused() -> None:
    for size in (-1, MAX_SIZE + 1):
        with pytest.raises(FormatError):
            VerifiedTiles(Server(0), size, bytes(32))
    tiles = VerifiedTiles(Server(300), 300, TREE.root(300))
    for level, index in ((-1, 0), (0, -1), (0, 300), (8, 1), (9, 0)):
        with pytest.raises(FormatError):
            tiles.hash(level, index)
    with pytest.raises(FormatError):
        list(new_tiles(2, 1))


def test_what_the_reader_of_tiles_raises_comes_through() -> None:
    def unreachable(tile: Tile) -> bytes:
        raise ConnectionError(tile.path)

    with pytest.raises(ConnectionError):
        VerifiedTiles(unreachable, 300, TREE.root(300))


def test_a_negative_index_has_no_path() -> None:
    """Its groups of three digits would never end."""
    with pytest.raises(FormatError):
        index_path(-1)
