"""What a witness keeps on its disk: the state of each log, evidence of forks, and heads that were not proven.

- A state is replaced whole, and lies on the disk for good before :meth:`Store.save` returns.
- An empty state is written when a log is added. So a state that is missing is a state that was lost: the witness does
  not begin again from nothing.
- Evidence is never overwritten and never deleted. One file proves a fork; more than :data:`MAX_EVIDENCE_FILES` of one
  log would only fill the disk.
- A head that its log signed and could not prove is kept as well, until it is proven: together with the log's tiles it
  may become evidence ("rewritten", specs/publication.md section 13).
"""

import json
import re
from hashlib import sha256
from pathlib import Path

from ownhue.errors import OwnhueError, StateError
from ownhue.fork_evidence import make_fork_evidence
from ownhue.signed_note import parse_note
from ownhue.witness import WitnessState
from ownhue_server.storage.key_folder import sync_folder, write_private
from ownhue_server.witness.config import replace_file

#: Most files of evidence, and of unproven heads, that are kept of one log. specs/publication.md section 12
MAX_EVIDENCE_FILES = 100

_FILE_NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}\.(?:json|note)")


class Store:
    """The files below *folder*. For the one process that holds its lock; of one log, for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, origin: str, log_key: bytes) -> None:
        """Begin to watch a log; what was seen of it before is kept."""
        path = self._state_path(origin)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            replace_file(path, WitnessState(origin, log_key).to_bytes())

    def load(self, origin: str) -> WitnessState:
        """What was seen of a log. Raises StateError when that is lost, damaged, or another log's."""
        path = self._state_path(origin)
        try:
            state = WitnessState.from_bytes(path.read_bytes())
        except FileNotFoundError as error:
            raise StateError(f"{path} is lost; this witness can cosign no more: make another one") from error
        except OwnhueError as error:
            raise StateError(f"{path} is damaged; this witness can cosign no more: make another one") from error
        if state.origin != origin:
            raise StateError(f"{path} is the state of another log")
        return state

    def save(self, state: WitnessState) -> None:
        """Keep *state* for good."""
        replace_file(self._state_path(state.origin), state.to_bytes())

    def keep_fork(self, state: WitnessState, note: bytes, log_key: bytes) -> bool:
        """Keep the evidence that *note*, signed by *log_key*, contradicts *state*; whether it is new and has room."""
        if log_key == state.log_key:
            data = make_fork_evidence(state.origin, log_key, state.note, note)
        else:
            # A file of evidence names one key. Who knows both keys of the log can judge the two notes as they are.
            keys = [state.log_key.hex(), log_key.hex()]
            notes = [state.note.decode(), note.decode()]
            data = json.dumps({"log_keys": keys, "notes": notes, "origin": state.origin}).encode()
        # Named by what the log signed: lines of strangers below the notes would make a new file of each copy.
        texts = sorted(parse_note(item).text for item in (state.note, note))
        return self._keep("evidence", state.origin, "\n".join(texts), "json", data)

    def keep_refused(self, origin: str, note: bytes) -> bool:
        """Keep a head that its log signed and that was not proven; whether it is new and has room."""
        return self._keep("refused", origin, parse_note(note).text, "note", note)

    def forget_refused(self, origin: str, note: bytes) -> None:
        """Drop a head that is proven now."""
        path = self._path("refused", origin, parse_note(note).text, "note")
        if path.exists():
            path.unlink()

    def files(self, kind: str) -> list[Path]:
        """The files of a *kind*: "evidence" or "refused"."""
        folder = self._folder / kind
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(path for path in found if _FILE_NAME.fullmatch(path.name))

    def _keep(self, kind: str, origin: str, signed: str, ending: str, data: bytes) -> bool:
        path = self._path(kind, origin, signed, ending)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        same_log = sum(1 for file in self.files(kind) if file.name.startswith(_mark(origin)))
        if path.exists() or same_log >= MAX_EVIDENCE_FILES:
            return False
        draft = path.with_name(f".{path.name}.draft")
        draft.unlink(missing_ok=True)
        write_private(draft, data)
        draft.rename(path)
        sync_folder(path.parent)
        return True

    def _path(self, kind: str, origin: str, signed: str, ending: str) -> Path:
        return self._folder / kind / f"{_mark(origin)}-{_mark(signed)}.{ending}"

    def _state_path(self, origin: str) -> Path:
        return self._folder / "state" / f"{_mark(origin)}.state"


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
