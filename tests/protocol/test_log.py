"""Log entries and bundles: canonical, bounded, and named after their content. specs/publication.md sections 1 and 2"""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.conformance.log_entry_ops import OPERATIONS
from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.log import (
    BUNDLE_WIDTH,
    MAX_BUNDLE_BYTES,
    MAX_ENTRY_BYTES,
    MAX_PATH,
    LogEntry,
    bundle_path,
    decode_bundle,
    encode_bundle,
)
from ownhue.tree import MAX_SIZE, leaf_hash
from tests.shared import SPECS

DIGEST = hashlib.sha256(b"file").digest()
ENTRY = LogEntry.of("keys/490800", b"file", "zip", 490_800)


def test_an_entry_names_its_file() -> None:
    assert LogEntry(f"keys/490800/{DIGEST.hex()}.zip", DIGEST, 4, 490_800) == ENTRY
    assert ENTRY.kind == "keys"
    assert LogEntry.of("rulebook", b"{}", "json", 1).kind == "rulebook"


def test_an_entry_is_one_cbor_array_and_its_leaf_hash_covers_it() -> None:
    encoded = ENTRY.encode()
    assert encoded == cbor_encode([ENTRY.path, DIGEST, 4, 490_800])
    assert LogEntry.decode(encoded) == ENTRY
    assert ENTRY.leaf_hash() == leaf_hash(encoded) == hashlib.sha256(b"\0" + encoded).digest()


def test_the_longest_entry_fits() -> None:
    folder = "/".join(["a" * 60, "b" * 65])
    longest = LogEntry(f"{folder}/{DIGEST.hex()}.12345678", DIGEST, 2**32 - 1, 2**32 - 1)
    assert len(longest.path) == MAX_PATH
    assert len(longest.encode()) == MAX_ENTRY_BYTES
    assert LogEntry.decode(longest.encode()) == longest


NAME = DIGEST.hex()


@pytest.mark.parametrize(
    "path",
    [
        "",
        NAME,
        f"/keys/{NAME}.zip",
        f"keys//{NAME}.zip",
        f"keys/../{NAME}.zip",
        f"../{NAME}.zip",
        f"./keys/{NAME}.zip",
        f"Keys/{NAME}.zip",
        f"keys\\{NAME}.zip",
        f"keys/{NAME.upper()}.zip",
        f"keys/{NAME}.zip\n",
        f"keys/{NAME}.zip/",
        f"keys/{NAME}.",
        f"keys/{NAME}.tar.gz",
        f"keys/%2e%2e/{NAME}.zip",
        f"keys/{NAME[:-1]}.zip",
        f"keys/{'0' * 64}.zip",
        f"{'a' * 140}/{NAME}.zip",
    ],
)
def test_paths_that_could_lead_elsewhere_or_name_another_content_are_refused(path: str) -> None:
    with pytest.raises(FormatError):
        LogEntry(path, DIGEST, 4, 0)
    with pytest.raises(FormatError):
        LogEntry.decode(cbor_encode([path, DIGEST, 4, 0]))


@pytest.mark.parametrize(
    "value",
    [
        [ENTRY.path, DIGEST, 4],
        [ENTRY.path, DIGEST, 4, 5, 6],
        [ENTRY.path, DIGEST, True, 5],
        [ENTRY.path, DIGEST, 4, None],
        [ENTRY.path, DIGEST, -1, 5],
        [ENTRY.path, DIGEST, 2**32, 5],
        [ENTRY.path, DIGEST, 4, 2**32],
        [ENTRY.path, DIGEST[:31], 4, 5],
        [ENTRY.path, DIGEST.hex(), 4, 5],
        {"path": ENTRY.path},
        7,
    ],
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(FormatError):
        LogEntry.decode(cbor_encode(value))


def test_long_entries_are_not_read() -> None:
    with pytest.raises(LimitError):
        LogEntry.decode(bytes(MAX_ENTRY_BYTES + 1))


@given(st.binary(max_size=300))
def test_no_other_error_leaves_the_entry_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        LogEntry.decode(data)


VECTORS = json.loads((SPECS / "vectors" / "log-entry.json").read_text())["cases"]


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_vectors(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(OwnhueError) as caught:
            OPERATIONS[case["operation"]](case["input"])
        assert type(caught.value).__name__ == case["error"]
    else:
        assert OPERATIONS[case["operation"]](case["input"]) == case["output"]


@pytest.mark.parametrize(("index", "width"), [(-1, 1), (0, 0), (0, 257), (MAX_SIZE, 1)])
def test_bundles_that_cannot_be_have_no_path(index: int, width: int) -> None:
    with pytest.raises(FormatError):
        bundle_path(index, width)


@pytest.mark.parametrize("count", [1, 2, 255, BUNDLE_WIDTH])
def test_a_bundle_gives_back_its_entries(count: int) -> None:
    entries = [
        LogEntry.of("keys/1", bytes([index % 256, index // 256]), "zip", index).encode() for index in range(count)
    ]
    assert decode_bundle(encode_bundle(entries), count) == entries


def test_a_bundle_is_read_only_when_it_has_exactly_the_entries_expected() -> None:
    data = encode_bundle([ENTRY.encode()] * 3)
    for count in (0, 1, 2, 4, BUNDLE_WIDTH):
        with pytest.raises(FormatError):
            decode_bundle(data, count)
    for end in range(len(data)):
        with pytest.raises(FormatError):
            decode_bundle(data[:end], 3)
    with pytest.raises(FormatError):
        decode_bundle(data + b"\0", 3)


def test_bundles_too_large_are_neither_made_nor_read() -> None:
    for entries in ([], [b"x"] * (BUNDLE_WIDTH + 1), [bytes(MAX_ENTRY_BYTES + 1)]):
        with pytest.raises(LimitError):
            encode_bundle(entries)
    for data in (bytes(MAX_BUNDLE_BYTES + 1), b"\0\xf8" + bytes(MAX_ENTRY_BYTES + 1)):
        with pytest.raises(LimitError):
            decode_bundle(data, 1)
    with pytest.raises(FormatError):
        decode_bundle(bytes(2 * (BUNDLE_WIDTH + 1)), BUNDLE_WIDTH + 1)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=10), st.integers(1, 10))
def test_a_bundle_is_canonical(entries: list[bytes], count: int) -> None:
    data = encode_bundle(entries)
    try:
        decoded = decode_bundle(data, count)
    except FormatError:
        assert count != len(entries)
        return
    assert encode_bundle(decoded) == data
