"""The ZIP reader: it unpacks what other tools packed, in any blocks, and nothing but our errors leaves it."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ownhue.errors import FormatError, OwnhueError
from ownhue.key_file import Limits
from ownhue.key_file import container as key_file_container
from ownhue.key_file.container import Container
from tests.protocol.key_file_bytes import Member, zip_bytes, zip_parts

#: Contents with long repetitions, which unpack to far more than they take, and without any.
CONTENTS = st.tuples(st.binary(max_size=60), st.integers(1, 3000)).map(lambda pair: pair[0] * pair[1])


def unpacked(data: bytes) -> tuple[bytes, bytes]:
    container = Container(io.BytesIO(data), Limits())
    return b"".join(container.export()), container.signature()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONTENTS, st.integers(0, 9), st.sampled_from([1, 3, 100, 65_536]))
def test_what_a_packer_packed_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, content: bytes, level: int, block: int
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.writestr("export.bin", content)
        archive.writestr("export.sig", b"signature", zipfile.ZIP_STORED)
    with monkeypatch.context() as patched:
        patched.setattr(key_file_container, "BLOCK_BYTES", block if len(content) < 5000 else 65_536)
        assert unpacked(buffer.getvalue()) == (content, b"signature")


@given(CONTENTS)
def test_a_packer_that_cannot_seek_is_understood(content: bytes) -> None:
    class Pipe(io.RawIOBase):
        """Where Python's packer has to write sizes behind the data."""

        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.sig", b"signature")
        archive.writestr("export.bin", content)
    assert unpacked(pipe.data) == (content, b"signature")


def _raw(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


@given(st.binary(max_size=40), st.integers(0, 200), st.integers(0, 200))
def test_a_changed_packed_stream_is_refused_or_gives_the_same(junk: bytes, start: int, length: int) -> None:
    content = bytes(range(256)) * 3
    packed = _raw(content)
    changed = packed[:start] + junk + packed[start + length :]
    member = Member("export.bin", content, changed)
    with suppress(OwnhueError):
        assert unpacked(zip_bytes(zip_parts([member, Member("export.sig", b"")]))) == (content, b"")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    for hostile in (data, data + b"PK\x05\x06" + bytes(18)):
        with pytest.raises(FormatError):
            unpacked(hostile)


def test_unpacking_stops_where_the_stated_size_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb that lies about its size is not unpacked any further than to the block in which it is found out."""
    content, made = bytes(30_000_000), []
    parts = zip_parts([Member("export.bin", content, _raw(content)), Member("export.sig", b"")])
    for group in ("locals", "entries"):
        parts[group][0]["size"] = 100_000
    inflated = key_file_container._inflated

    def counted(packed: Iterable[bytes]) -> Iterator[bytes]:
        for block in inflated(packed):
            made.append(len(block))
            yield block

    monkeypatch.setattr(key_file_container, "_inflated", counted)
    with pytest.raises(FormatError, match="another size"):
        unpacked(zip_bytes(parts))
    assert 100_000 < sum(made) <= 100_000 + 65_536


@pytest.mark.parametrize("bit", range(16))
def test_flags_that_change_what_the_bytes_mean_are_refused(bit: int) -> None:
    """Encryption, patches, masked headers and what is not assigned; level, sizes behind and UTF-8 are harmless."""
    data = zip_bytes(zip_parts([Member("export.bin", b"x", flags=1 << bit), Member("export.sig", b"")]))
    if bit in (1, 2, 3, 11):
        assert unpacked(data) == (b"x", b"")
    else:
        with pytest.raises(FormatError, match="unusual"):
            unpacked(data)


def test_a_directory_too_short_for_an_entry_is_refused() -> None:
    parts = zip_parts([Member("export.bin", b""), Member("export.sig", b"")])
    parts["end"] |= {"here": 3, "count": 3, "directory_bytes": parts["end"]["directory_bytes"] + 9}
    parts["entries"].append({"name": b"", "mark": b"PK\x01\x02"})
    data = zip_bytes(parts)
    cut = data[: -22 - 46 + 9] + data[-22:]
    with pytest.raises(FormatError, match="directory is cut off"):
        unpacked(cut)


def test_an_empty_archive_has_no_members() -> None:
    with pytest.raises(FormatError, match=r"no export\.bin"):
        unpacked(zip_bytes(zip_parts([])))
