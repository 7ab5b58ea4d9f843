"""What a witness answers to a request. specs/publication.md section 12

    answer = Witness(folder, SystemClock()).answer(b"old 4\\n...")      # status, content type, body

- One request of a log after the other; the state lies on the disk for good before the line exists.
- Every request reads the state from the disk. So a failed write leaves nothing in memory that is not there.
- A head that contradicts the one before is evidence, whatever else is wrong with the request.
"""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ownhue.cosignature import WitnessKey
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.fork_evidence import contradiction
from ownhue.signed_note import SignedNote, check_signed_once, key_hash, parse_note
from ownhue.tree_head import TreeHead, parse_tree_head
from ownhue.witness import WitnessRequest, WitnessState, cosign, next_state
from ownhue_server import logs
from ownhue_server.clock import Clock
from ownhue_server.witness.config import WatchedLog, load_witness
from ownhue_server.witness.store import Store

#: Content type of the answer that tells the size that is known. C2SP tlog-witness, "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
#: Content type of all other answers.
TEXT_TYPE = "text/plain; charset=utf-8"

_log = logs.get("witness")


class Answer(NamedTuple):
    """An answer over HTTP."""

    status: int
    kind: str
    """Content type."""
    body: bytes


class RefusalError(OwnhueError):
    """The request gets no line; the answer says why."""

    def __init__(self, status: int, text: str, kind: str = TEXT_TYPE) -> None:
        super().__init__(text)
        self.answer = Answer(status, kind, f"{text}\n".encode())


class Witness:
    """The witness in *folder*. Raises StateError, FormatError when a file is missing or damaged."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._config, self._key = load_witness(folder)
        self._clock = clock
        self._store = Store(folder)
        self._locks = {log.origin: Lock() for log in self._config.logs}
        self.key = WitnessKey(self._config.name, bytes(self._key.verify_key))
        """Its public half."""
        for log in self._config.logs:
            self._store.load(log.origin)

    def answer(self, body: bytes) -> Answer:
        """The answer to ``POST /add-checkpoint``. Raises OSError when the state cannot be stored."""
        try:
            return self._answer(body)
        except RefusalError as refusal:
            return refusal.answer

    def told(self) -> Mapping[str, Any]:
        """What anybody may know: its key, what it has seen of which log, names of its evidence."""
        logs_told = []
        for log in self._config.logs:
            head, note = (state := self._store.load(log.origin)).head, state.note.decode()
            logs_told.append(
                {"head": note, "keys": list(log.keys), "origin": log.origin, "size": head.size, "time": head.time}
            )
        evidence = [path.name for path in self._store.files("evidence")]
        return {"evidence": evidence, "logs": logs_told, "rehearsal": self._config.rehearsal, "vkey": self.key.vkey}

    def evidence(self, name: str) -> bytes | None:
        """The file of evidence of this name."""
        return next((path.read_bytes() for path in self._store.files("evidence") if path.name == name), None)

    def _answer(self, body: bytes) -> Answer:
        request, parsed, head = _parse(body)
        log = self._config.log(head.origin)
        if log is None:
            raise RefusalError(404, "this log is not watched here")
        log_key = _signer(log, parsed)
        if request.old_size > head.size:
            raise RefusalError(400, "the old size is larger than the tree")
        with self._locks[log.origin]:
            now = head.time if self._config.rehearsal else self._clock.now()
            before = self._store.load(log.origin)
            state = self._next(before, request, head, log_key, now)
            # The same head again needs no writing: a state never says more than what was cosigned.
            if (state.log_key, state.head) != (before.log_key, before.head):
                self._store.save(state)
                self._store.forget_refused(log.origin, request.note)
            line = cosign(state, self.key.name, self._key, now)
        return Answer(200, TEXT_TYPE, line.encode())

    def _next(
        self, state: WitnessState, request: WitnessRequest, head: TreeHead, log_key: bytes, now: int
    ) -> WitnessState:
        """The state after *head*. Raises RefusalError."""
        known = state.head
        found = contradiction(known, head) if state.note else None
        if found:
            new = self._store.keep_fork(state, request.note, log_key)
            _log.error("a log showed two histories", name=state.origin, kind=found, count=int(new))
        same_size = head.size == known.size
        if request.old_size != known.size or (same_size and (found is not None or head.time < known.time)):
            raise RefusalError(409, str(known.size), SIZE_TYPE)
        try:
            return next_state(state, request.note, request.proof, now, log_key)
        except OwnhueError as error:
            if not found and self._store.keep_refused(state.origin, request.note):
                _log.warning("a head was not cosigned", name=state.origin, error=type(error).__name__)
            raise RefusalError(422, str(error)) from error


def _parse(body: bytes) -> tuple[WitnessRequest, SignedNote, TreeHead]:
    """Request, note and head, not verified. Raises RefusalError."""
    try:
        request = WitnessRequest.from_bytes(body)
        parsed = parse_note(request.note)
        return request, parsed, parse_tree_head(parsed.text)
    except LimitError as error:
        raise RefusalError(413, str(error)) from error
    except FormatError as error:
        raise RefusalError(400, str(error)) from error


def _signer(log: WatchedLog, note: SignedNote) -> bytes:
    """The key of *log* by which *note* is. Raises RefusalError when there is none, or when a line of one is broken."""
    own = [key for key in log.key_bytes if note.by(log.origin, key_hash(log.origin, key))]
    try:
        for key in own:
            check_signed_once(note, log.origin, key)
    except (FormatError, VerificationError) as error:
        raise RefusalError(403, "a signature of the log does not hold") from error
    if not own:
        raise RefusalError(403, "the log did not sign this head")
    return own[-1]
