"""Mirrors: the same bytes as the server's, path by path; or proof that the log shows two histories."""

from dataclasses import dataclass
from hashlib import sha256

from ownhue.errors import OwnhueError
from ownhue.fork_evidence import contradiction
from ownhue.signed_note import MAX_NOTE_BYTES
from ownhue.tree_head import TreeHead
from ownhue_server.audit.evidence import Evidence
from ownhue_server.audit.files import Files
from ownhue_server.audit.keyring import Keyring
from ownhue_server.audit.log import AuditedLog, read_entries
from ownhue_server.audit.report import Report, moment
from ownhue_server.audit.sources import ExhaustedError, Source, read
from ownhue_server.audit.trust import TIMESTAMP, Trust

#: A mirror's words for what is wrong.
WORDS = {
    "missing": "mirror-missing",
    "length": "mirror-differs",
    "digest": "mirror-differs",
    "bundle": "mirror-differs",
    "tile": "mirror-differs",
    "extra": "mirror-extra",
}


@dataclass
class Mirrors:
    """Compares mirrors with a *log* that was checked."""

    log: AuditedLog
    keyring: Keyring
    trust: Trust
    report: Report
    evidence: Evidence

    def check(self, mirror: Source) -> None:
        """Compare everything that *mirror* has."""
        try:
            note = read(mirror, "head", MAX_NOTE_BYTES)
            head, key = self.keyring.now.open_head(note, self.log.region.origin)
        except ExhaustedError:
            raise
        except OwnhueError as error:
            self._fail("mirror-missing", f"the mirror has no head that can be opened: {error}", mirror, "head")
            return
        self.report.count("fork")
        if self._is_fork(mirror, note, head, key):
            self._fail("fork", "the log signed two heads that contradict each other", mirror, "head")
            return
        self._check_age(mirror, note, head)
        size = min(head.size, self.log.head.size)
        files = Files(mirror, self.log, self.report, size, WORDS, moved=lambda: head.size > size)
        if size not in (0, *self.log.sizes):
            self._fail("mirror-differs", "the mirror's head is not one of those between batches", mirror, "head")
            return
        files.check_tree()
        for entry in files.kept():
            if (file := files.open(entry)) is not None:
                file.close()
        self._check_names(mirror, files, head)
        # One that has gone on meanwhile has files that this log does not name yet.
        if head.size == size:
            files.check_extra({f"trust/{name}" for name in self.trust.names})

    def _is_fork(self, mirror: Source, note: bytes, head: TreeHead, key: bytes) -> bool:
        log = self.log
        found = contradiction(log.head, head)
        if found is None and head.size < log.head.size and log.tree.root(head.size) == head.root:
            return False
        if (head.size, head.root) == (log.head.size, log.head.root):
            return found is not None
        tree = log.tree
        if head.size > log.head.size:
            theirs = AuditedLog(log.region, note, head, key)
            if not read_entries(mirror, theirs, self._quiet()):
                self._fail("mirror-differs", "the mirror's entries do not lead to its head", mirror, "head")
                return found is not None and self._keep(note, key)
            if found is None and theirs.tree.root(log.head.size) == log.head.root:
                return False
            tree = theirs.tree
        self.evidence.of_heads(log.region.origin, key, (log.note, note), tree.hash)
        return True

    def _keep(self, note: bytes, key: bytes) -> bool:
        return self.evidence.of_heads(self.log.region.origin, key, (self.log.note, note), self.log.tree.hash)

    def _quiet(self) -> Report:
        """A report that nobody reads: what is wrong is said in a mirror's words."""
        return Report()

    def _check_age(self, mirror: Source, note: bytes, head: TreeHead) -> None:
        self.report.count("mirror-behind")
        behind = self.log.head.time - head.time
        if behind > self.log.region.batch_seconds:
            text = f"the mirror's head is of {moment(head.time)} UTC, {behind} seconds older"
            self._fail("mirror-behind", text, mirror, "head")
        elif behind:
            text = f"the mirror is {'behind' if behind > 0 else 'ahead'} by one head"
            self.report.remark("mirror-behind", text, f"{mirror.name}: head")
        elif note != self.log.note:
            self.report.remark("mirror-differs", "the head has other lines of witnesses", f"{mirror.name}: head")

    def _check_names(self, mirror: Source, files: Files, head: TreeHead) -> None:
        """The names below trust/, for a mirror that has the same head: what they are follows from the log."""
        if files.size != self.log.head.size:
            return
        for name, data in self.trust.names.items():
            if head.size > files.size and name == TIMESTAMP:
                continue
            self.report.count("mirror-missing")
            try:
                found = read(mirror, f"trust/{name}", len(data) + 1)
            except ExhaustedError:
                raise
            except OwnhueError as error:
                self._fail("mirror-missing", f"a trust file cannot be had: {error}", mirror, f"trust/{name}")
                continue
            if sha256(found).digest() != sha256(data).digest():
                self._fail("mirror-differs", "a trust file is not that of the server", mirror, f"trust/{name}")

    def _fail(self, word: str, sentence: str, mirror: Source, path: str) -> None:
        self.report.fail(word, sentence, f"{mirror.name}: {path}")
