"""Files of a source against the log: each there, of its length and digest; tiles and bundles; and nothing besides.

The same checks serve for a server and for its mirrors, which have other words for what is wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from ownhue.errors import LimitError, OwnhueError
from ownhue.log import BUNDLE_WIDTH, MAX_BUNDLE_BYTES, LogEntry, bundle_path, encode_bundle
from ownhue.tiles import MAX_TILE_BYTES, Tile, new_tiles, tile_bytes
from ownhue_server.audit.folder import DRAFT
from ownhue_server.audit.log import AuditedLog
from ownhue_server.audit.report import Report
from ownhue_server.audit.sources import AbsentError, ExhaustedError, Source, UnreadableError, read

#: Longest published file. specs/publication.md section 1
MAX_FILE_BYTES = 64 << 20
#: Files that should be gone and are asked for over HTTP, the newest of them.
MAX_GONE_ASKED = 100

_SPOOLED_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16


@dataclass
class Files:
    """The files of one *source* as *log* names them, of the entries up to *size*."""

    source: Source
    log: AuditedLog
    report: Report
    size: int
    """Entries that the source has; for a mirror that is behind, fewer than the log's."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Other words for what is wrong, for a mirror."""
    moved: Callable[[], bool] = field(default=lambda: False)
    """Whether the source has gone on meanwhile: then what is old may be gone. Asked when something is missing."""

    def kept(self, *kinds: str) -> Iterator[LogEntry]:
        """Entries of *kinds* (none: all) whose files must still be there, each path once, oldest first."""
        # A mirror that is behind need not keep what is too old by now.
        oldest = self.log.oldest_kept(self.log.newest)
        last = {entry.path: entry for entry in self.log.entries[: self.size]}
        for entry in last.values():
            fades = entry.kind in {"keys", "notices", "area"}
            if (not kinds or entry.kind in kinds) and not (fades and entry.batch < oldest):
                yield entry

    def gone(self) -> Iterator[LogEntry]:
        """Entries whose files should have been deleted, newest first."""
        kept = {entry.path for entry in self.kept()}
        return (entry for entry in reversed(self.log.entries[: self.size]) if entry.path not in kept)

    def open(self, entry: LogEntry) -> BinaryIO | None:
        """The file of *entry*, checked against it, to be closed by the caller; None when something is wrong."""
        self.report.count(self.word("missing"))
        file = cast("BinaryIO", SpooledTemporaryFile(_SPOOLED_BYTES))  # noqa: SIM115 - the caller closes it
        if self._copy(entry, file):
            file.seek(0)
            return file
        file.close()
        return None

    def content(self, entry: LogEntry) -> bytes | None:
        """The bytes of a small file, checked; None when something is wrong."""
        file = self.open(entry)
        if file is None:
            return None
        with file:
            return file.read()

    def word(self, word: str) -> str:
        """The word for *word* of this source."""
        return self.words.get(word, word)

    def _copy(self, entry: LogEntry, file: BinaryIO) -> bool:
        try:
            self.source.copy(entry.path, min(entry.length, MAX_FILE_BYTES), file)
        except LimitError:
            self.fail("length", f"a file is longer than the {entry.length} bytes of its entry", entry.path)
            return False
        except (AbsentError, UnreadableError) as error:
            self._missing(entry, error)
            return False
        length = file.tell()
        file.seek(0)
        for word in ("length", "digest"):
            self.report.count(self.word(word))
        if length != entry.length:
            self.fail("length", f"a file has {length} bytes, and its entry says {entry.length}", entry.path)
        elif _digest(file) != entry.sha256:
            self.fail("digest", "a file is not the one that the log names", entry.path)
        else:
            return True
        return False

    def _missing(self, entry: LogEntry, error: OwnhueError) -> None:
        if isinstance(error, AbsentError) and entry.kind in {"keys", "notices", "area"} and self.moved():
            self.report.remark("moved", "a file became too old while the audit ran", entry.path)
        else:
            self.fail("missing", f"a file of the log cannot be had: {error}", entry.path)

    def fail(self, word: str, sentence: str, path: str) -> None:
        """A failure, in this source's words."""
        where = f"{self.source.name}: {path}" if self.words else path
        self.report.fail(self.word(word), sentence, where)

    # Bundles and tiles.

    def check_tree(self) -> None:
        """Every bundle and tile that must be there has exactly the bytes that the entries make."""
        for path in self.tree_paths():
            word = "bundle" if path.startswith("tile/entries/") else "tile"
            self.report.count(self.word(word))
            try:
                right = read(self.source, path, MAX_BUNDLE_BYTES) == self.tree_bytes(path)
            except ExhaustedError:
                raise
            except OwnhueError as error:
                if not (".p/" in path and self.moved()):
                    self.fail(word, f"a {word} cannot be had: {error}", path)
                continue
            if not right:
                self.fail(word, f"a {word} is not that of the signed tree", path)

    def tree_paths(self) -> Iterator[str]:
        """Bundles and tiles of all heads up to this size; partial ones as long as there is no full one."""
        sizes = [0, *(size for size in self.log.sizes if size < self.size), self.size]
        full = self.size // BUNDLE_WIDTH
        yield from (bundle_path(index) for index in range(full))
        yield from (bundle_path(full, size % BUNDLE_WIDTH) for size in sizes if size > full * BUNDLE_WIDTH)
        tiles = dict.fromkeys(tile for old, new in pairwise(sizes) for tile in new_tiles(old, new))
        yield from (tile.path for tile in tiles if tile.is_full or tile.full not in tiles)

    def tree_bytes(self, path: str) -> bytes | None:
        """What the bundle or the tile of *path* has to be; None for one that the log does not have."""
        try:
            if path.startswith("tile/entries/"):
                # Bundles are numbered like the tiles of the lowest level.
                tile = Tile.from_path(path.replace("tile/entries/", "tile/0/"))
                start = tile.index * BUNDLE_WIDTH
                leaves = self.log.entries[start : start + tile.width]
                return encode_bundle([leaf.encode() for leaf in leaves]) if len(leaves) == tile.width else None
            return tile_bytes(Tile.from_path(path), self.log.tree.hash)
        except OwnhueError:
            return None

    # What should not be there.

    def check_gone(self) -> None:
        """Ask for files that are older than the retention; a remark for those that are there, if they are the log's."""
        for number, entry in enumerate(self.gone()):
            if number >= MAX_GONE_ASKED and not self.source.lists:
                return
            self.report.count("kept")
            try:
                self.source.copy(entry.path, 0, BytesIO())
            except AbsentError:
                continue
            except LimitError:
                pass
            except UnreadableError:
                continue
            self.report.remark("kept", "a file that is older than the retention is still there", entry.path)
            # Its path gives nobody a right to other content: that would be a place for a file that nobody logged.
            if (file := self.open(entry)) is not None:
                file.close()

    def check_extra(self, names: set[str]) -> None:
        """Nothing lies in a folder beside what the log names; *names*: those below trust/ that are known."""
        if not self.source.lists:
            return
        known = names | {"head"} | {entry.path for entry in self.log.entries}
        expected = set(self.tree_paths())
        for path, is_file in self.source.paths():
            self.report.count(self.word("extra"))
            self.report.count("irregular")
            if not is_file:
                self.report.fail("irregular", "a link, a pipe or a device lies among the files", path)
            elif path in known or path in expected:
                continue
            elif self._is_old_partial(path):
                self.report.remark("kept", "a partial file is still there, although the full one is", path)
            elif DRAFT.fullmatch(path):
                self.report.remark(self.word("extra"), "what a server did not finish to write still lies there", path)
            else:
                self.fail("extra", "the log does not name a file that lies in the folder", path)

    def _is_old_partial(self, path: str) -> bool:
        right = self.tree_bytes(path) if path.startswith("tile/") and ".p/" in path else None
        if right is None:
            return False
        try:
            return read(self.source, path, max(MAX_TILE_BYTES, MAX_BUNDLE_BYTES)) == right
        except UnreadableError:
            return False


def _digest(file: BinaryIO) -> bytes:
    digest = sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.digest()
