"""Key files read and written key by key: the same verdicts and bytes, in memory that keys hardly fill."""

import io
import itertools
import json
import random
import threading
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.key_file import (
    ExposureKey,
    KeyBlock,
    KeyFile,
    KeyFileHead,
    Limits,
    OpenKeyFile,
    open_key_file,
    read_key_file,
    stream_key_blocks,
    stream_key_file,
    write_key_file,
)
from ownhue.key_file import container as key_file_container
from ownhue.params import ReportType
from tests.protocol.key_file_cases import (
    CONTENT,
    FIELDS,
    INFO,
    READ,
    REVISED,
    SIGNING_KEY,
    ShortReads,
    file_of,
    key_fields,
    read_streamed,
)
from tests.shared import SPECS

PUBLIC_KEY = SIGNING_KEY.public_key()
DATA = write_key_file(CONTENT, SIGNING_KEY, INFO)
HEAD = KeyFileHead(CONTENT.start, CONTENT.end, CONTENT.region)
VECTORS = json.loads((SPECS / "vectors" / "key-file.json").read_text())["cases"]


def many_keys(count: int) -> Iterator[ExposureKey]:
    """Keys in order, made one by one."""
    for number in range(count):
        data = number.to_bytes(4, "big") + sha256(b"%d" % number).digest()[:12]
        yield ExposureKey(data, 2_944_800, 12, ReportType.CONFIRMED_TEST, 1)


def written(keys: Iterable[ExposureKey], revised: Iterable[ExposureKey] = ()) -> bytes:
    stream = io.BytesIO()
    stream_key_file(stream, HEAD, keys, revised, SIGNING_KEY, INFO)
    return stream.getvalue()


def _outcome(data: bytes, key: ec.EllipticCurvePublicKey, limits: Limits, stream: Any) -> tuple[Any, ...]:
    try:
        return ("read", read_streamed(stream(data), key, limits))
    except OwnhueError as error:
        return (type(error), str(error))


@pytest.mark.parametrize("block", [1, 7, 100, 65_536])
def test_every_vector_gets_one_verdict_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for case in VECTORS:
        if case["operation"] != "read":
            continue
        key = load_der_public_key(bytes.fromhex(case["input"]["public_key"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        data, limits = bytes.fromhex(case["input"]["file"]), Limits(**case["input"].get("limits", {}))
        whole = _outcome(data, key, limits, io.BytesIO)
        with monkeypatch.context() as patched:
            patched.setattr(key_file_container, "BLOCK_BYTES", block)
            assert _outcome(data, key, limits, io.BytesIO) == whole, case["name"]
        if block == 1:
            assert _outcome(data, key, limits, ShortReads) == whole, case["name"]


def test_keys_come_one_by_one_and_then_the_revised_ones() -> None:
    with open_key_file(io.BytesIO(DATA), PUBLIC_KEY) as opened:
        assert opened.head == HEAD
        assert next(opened.keys) == READ.keys[0]
        assert tuple(opened.keys) == READ.keys[1:]
        assert tuple(opened.revised_keys) == REVISED


def test_revised_keys_may_be_taken_alone() -> None:
    with open_key_file(io.BytesIO(DATA), PUBLIC_KEY) as opened:
        assert tuple(opened.revised_keys) == REVISED
        assert tuple(opened.keys) == ()


def test_the_caller_may_move_the_stream_about() -> None:
    stream = io.BytesIO(written(many_keys(5000)))
    with open_key_file(stream, PUBLIC_KEY) as opened:
        for number, _ in enumerate(opened.keys):
            stream.seek(number)
    assert number == 4999


def test_a_file_opened_from_disk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.zip"
    with path.open("w+b") as stream:
        stream_key_file(stream, HEAD, READ.keys, READ.revised_keys, SIGNING_KEY, INFO)
    assert path.read_bytes() == DATA
    with path.open("rb", buffering=0) as raw:
        assert read_streamed(raw, PUBLIC_KEY) == READ


def test_errors_of_the_stream_itself_come_through() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"), open_key_file(Broken(DATA), PUBLIC_KEY):
        pass


# Files that are wrong behind what was handed out, and files that change.


def _late() -> bytes:
    """A correctly signed file whose very last revised key is wrong."""
    return file_of(FIELDS | {"revised_keys": [*FIELDS["revised_keys"], FIELDS["revised_keys"][0] | {"report_type": 2}]})


def test_a_stream_that_has_nothing_to_give_is_cut_off() -> None:
    """A raw stream that does not wait gives None in place of bytes."""

    class Unready(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return None if size == len(DATA) or self.tell() else super().read(size)  # type: ignore[return-value]

    with pytest.raises(FormatError, match="cut off"), open_key_file(Unready(DATA), PUBLIC_KEY):
        pass


def test_what_is_wrong_behind_the_keys_is_told_when_the_block_ends() -> None:
    taken: list[ExposureKey] = []
    with pytest.raises(FormatError, match="report type 2"), open_key_file(io.BytesIO(_late()), PUBLIC_KEY) as opened:
        taken.extend(opened.keys)
    assert len(taken) == 3


def test_a_user_who_stops_early_is_told_as_well() -> None:
    data = file_of(FIELDS | {"keys": [*FIELDS["keys"], FIELDS["keys"][0]]})
    with pytest.raises(FormatError, match="twice"), open_key_file(io.BytesIO(data), PUBLIC_KEY):
        pass


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": [FIELDS["keys"][0]] * 2},
        {"keys": [FIELDS["keys"][0]] * 2, "revised_keys": []},
        {"revised_keys": [FIELDS["revised_keys"][0]] * 2},
        {"revised_keys": [FIELDS["revised_keys"][0] | {"report_type": 2}]},
        {"zz-unknown": b"x" * 2000},
        {"revised_keys": [FIELDS["revised_keys"][0] | {"zz-unknown": b"x" * 1000}]},
    ],
    ids=["twice", "twice at the end", "revised twice", "wrong type", "long tail", "long key"],
)
def test_a_user_who_swallows_the_error_does_not_end_the_block_in_peace(changes: dict[str, Any]) -> None:
    def careless(opened: OpenKeyFile) -> None:
        with pytest.raises(FormatError):
            list(itertools.chain(opened.keys, opened.revised_keys))

    with (
        pytest.raises((VerificationError, FormatError), match=r"not read to its end|longer than"),
        open_key_file(io.BytesIO(file_of(FIELDS | changes)), PUBLIC_KEY) as opened,
    ):
        careless(opened)


def test_an_error_of_the_user_is_not_hidden() -> None:
    with pytest.raises(KeyError), open_key_file(io.BytesIO(_late()), PUBLIC_KEY):
        raise KeyError


#: Where the content of export.bin begins in the files of these tests: behind its header and its name.
EXPORT_AT = 30 + len("export.bin")


class Changing(io.BytesIO):
    """A stream whose content is another one from the moment on at which export.bin is read for the second time."""

    def __init__(self, before: bytes, after: bytes) -> None:
        super().__init__(before)
        self._after, self._passes = after, 0

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        self._passes += at == EXPORT_AT
        if self._passes == 2 and at == EXPORT_AT:
            self.seek(0)
            self.truncate()
            self.write(self._after)
            self.seek(at)
        return super().read(size)


def _five_thousand(last_type: int) -> bytes:
    keys = list(many_keys(5000))
    keys[-1] = keys[-1]._replace(report_type=last_type)
    return file_of(FIELDS | {"keys": [key_fields(key) for key in keys], "revised_keys": []})


@pytest.mark.parametrize("after", ["another key", "its end", "cut", "gone", "garbage"])
def test_a_file_that_changes_between_the_passes_is_refused_before_its_last_keys(after: str) -> None:
    before = _five_thousand(1)
    changed = {
        "another key": _five_thousand(3),
        "its end": before[:-9000] + bytes(9000),
        "cut": before[: len(before) // 2],
        "gone": b"",
        "garbage": before[:70_000] + bytes(len(before) - 70_000),
    }[after]
    taken: list[ExposureKey] = []

    def use() -> None:
        with open_key_file(Changing(before, changed), PUBLIC_KEY) as opened:
            for key in opened.keys:
                taken.append(key)  # noqa: PERF402 - what was taken before the error is what this is about

    with pytest.raises(VerificationError, match="changed while"):
        use()
    assert len(taken) < 5000
    assert all(key.report_type == ReportType.CONFIRMED_TEST for key in taken)


def with_the_same_checksum(data: bytes, at: int) -> bytes:
    """*data* with 33 bits from byte *at* on changed so that its CRC-32 stays: they are the CRC's own polynomial."""
    changed = bytearray(data)
    for position, bit in enumerate(f"{0x104C11DB7:b}"):
        changed[at + position // 8] ^= int(bit) << position % 8
    return bytes(changed)


def test_a_change_that_keeps_the_checksum_of_the_zip_is_found_by_the_second_hash() -> None:
    before = _five_thousand(1)
    last = before.index(list(many_keys(5000))[-1].data)
    after = with_the_same_checksum(before, last)
    assert zlib.crc32(after) == zlib.crc32(before)
    taken: list[ExposureKey] = []
    stream = Changing(before, after)
    with pytest.raises(VerificationError, match="changed while"), open_key_file(stream, PUBLIC_KEY) as opened:
        taken.extend(opened.keys)
    assert len(taken) < 5000


def test_a_file_that_does_not_change_survives_such_a_stream() -> None:
    before = _five_thousand(1)
    assert len(before) > 2 * 65_536
    assert len(read_streamed(Changing(before, before), PUBLIC_KEY).keys) == 5000


# Writing.


def test_keys_written_one_by_one_give_the_same_bytes() -> None:
    assert written(iter(READ.keys), iter(REVISED)) == DATA
    content = KeyFile(HEAD.start, HEAD.end, HEAD.region, tuple(many_keys(5000)), REVISED)
    assert written(many_keys(5000), REVISED) == write_key_file(content, SIGNING_KEY, INFO)


def blocks(keys: Iterable[ExposureKey], size: int) -> Iterator[KeyBlock]:
    """*keys* in blocks, each of which lists the metadata in another order than it occurs in."""
    rest = iter(keys)
    while part := list(islice(rest, size)):
        metadata = sorted({key[1:] for key in part}, key=repr, reverse=True)
        kinds = np.array([metadata.index(key[1:]) for key in part])
        yield KeyBlock(b"".join(key.data for key in part), kinds, metadata)


def written_in_blocks(keys: Iterable[ExposureKey], revised: Iterable[ExposureKey], size: int) -> bytes:
    stream = io.BytesIO()
    stream_key_blocks(stream, HEAD, blocks(keys, size), blocks(revised, 1), SIGNING_KEY, INFO)
    return stream.getvalue()


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000])
def test_keys_written_in_blocks_of_any_size_give_the_same_bytes(size: int) -> None:
    chance = random.Random(1)
    onsets = [None, -14, 0, 14]  # which are encoded in one, two or no bytes
    keys = [key._replace(days_since_onset=chance.choice(onsets)) for key in many_keys(3000)]
    assert written_in_blocks(keys, REVISED, size) == written(keys, REVISED)
    assert read_key_file(written(keys), PUBLIC_KEY).keys == tuple(keys)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_blocks_out_of_order_are_not_written(size: int) -> None:
    one, two, three = many_keys(3)
    for wrong in ((one, three, two), (two, one, three), (one, one), (one, two, two)):
        with pytest.raises(FormatError):
            written_in_blocks(wrong, (), size)


def test_an_error_of_the_stream_that_is_written_comes_through() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            if self.tell() > 100_000:
                raise OSError("the disk is full")
            return super().write(data)

    with pytest.raises(OSError, match="full"):
        stream_key_file(Full(), HEAD, many_keys(20_000), (), SIGNING_KEY, INFO)


def test_an_error_of_the_source_comes_through_and_no_thread_is_left() -> None:
    def broken() -> Iterator[ExposureKey]:
        yield from many_keys(5000)
        raise LookupError("the database is gone")

    before = threading.active_count()
    with pytest.raises(LookupError, match="gone"):
        written(broken())
    assert threading.active_count() == before


_NUMBERS = st.lists(st.integers(0, 2**128 - 1), max_size=20, unique=True)


@given(_NUMBERS, _NUMBERS)
def test_any_sorted_keys_give_the_same_bytes(new: list[int], revised: list[int]) -> None:
    keys = [READ.keys[0]._replace(data=number.to_bytes(16, "big")) for number in sorted({*new} - {*revised})]
    again = [REVISED[0]._replace(data=number.to_bytes(16, "big")) for number in sorted(revised)]
    content = KeyFile(HEAD.start, HEAD.end, HEAD.region, tuple(keys), tuple(again))
    assert written(keys, again) == write_key_file(content, SIGNING_KEY, INFO)
    assert read_key_file(written(keys, again), PUBLIC_KEY) == content


@pytest.mark.parametrize(
    ("keys", "revised"),
    [
        (READ.keys[::-1], ()),
        ((READ.keys[0], READ.keys[0]), ()),
        ((), (REVISED[0], REVISED[0])),
        (READ.keys, (READ.keys[0]._replace(report_type=ReportType.REVOKED),)),
        (REVISED, ()),
    ],
)
def test_keys_out_of_order_twice_or_in_the_wrong_group_are_not_written(
    keys: tuple[ExposureKey, ...], revised: tuple[ExposureKey, ...]
) -> None:
    with pytest.raises(FormatError):
        written(keys, revised)


# Memory.


def _peak_of_reading(stream: io.BufferedRandom, count: int) -> int:
    tracemalloc.start()
    with open_key_file(stream, PUBLIC_KEY) as opened:
        assert sum(1 for _ in opened.keys) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _peak_of_writing(count: int, stream: io.BufferedRandom) -> int:
    tracemalloc.start()
    stream_key_file(stream, HEAD, many_keys(count), (), SIGNING_KEY, INFO)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_grows_by_the_index_of_keys_alone(tmp_path: Path) -> None:
    """16 bytes a key and the slack of a growing array, in both directions; a list of keys would take 250."""
    few, many = 10_000, 60_000
    peaks = {}
    for count in (few, many):
        with (tmp_path / f"{count}.zip").open("w+b") as stream:
            peaks[count] = (_peak_of_writing(count, stream), _peak_of_reading(stream, count))
    for small, large in zip(peaks[few], peaks[many], strict=True):
        assert small < 2_000_000
        assert large - small < (many - few) * 16 * 5 // 4 + 300_000


@pytest.mark.acceptance
def test_half_a_million_keys_are_read_and_written_in_ten_megabytes(tmp_path: Path) -> None:
    with (tmp_path / "many.zip").open("w+b") as stream:
        assert _peak_of_writing(500_000, stream) < 11_000_000
        assert _peak_of_reading(stream, 500_000) < 11_000_000
