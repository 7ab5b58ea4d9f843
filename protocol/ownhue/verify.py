"""What a checkpoint does with a scanned text, offline. specs/code.md section 4 numbers the steps.

::

    view = CheckpointView(issuer_name, epochs.by_short_id, heads, rulebook_version, signed_time, max_age_seconds=86400)
    seen = Seen(refuse_same=True)                                  # a gate
    verdict = verify_code(text, view, now, seen=seen)              # raises CodeRefused with a word and a step

Invariants:

- Every step refuses with its own word; what is returned has passed them all.
- Nothing is kept but short hashes of the passes of open epochs, in memory.
- A colour is the phone's own statement. The pass proves an enrolled device, the signature when and against which data
  it was stated; nothing here can prove that a modified phone told the truth, nor who holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from ownhue.challenge import CHALLENGE_BYTES
from ownhue.code import PREFIX, Code, Statement, decode_code
from ownhue.errors import FormatError, StateError, VerificationError
from ownhue.params import CODE_TOLERANCE_SECONDS
from ownhue.passes import EpochKey, is_open, verify_pass

#: Bytes that are remembered of a pass. specs/code.md section 4
SEEN_BYTES = 8


class Refusal(StrEnum):
    """Why a text is refused: one value per reason, with its step in specs/code.md section 4 and its plain words."""

    step: int
    #: A sentence for the screen.
    words: str

    def __new__(cls, value: str, step: int, words: str) -> "Refusal":
        member = str.__new__(cls, value)
        member._value_, member.step, member.words = value, step, words
        return member

    CLOCK_WRONG = "clock-wrong", 1, "This checkpoint's clock is wrong. No code can be checked until it is set."
    NOT_A_CODE = "not-a-code", 2, "This is not a code of this system."
    DAMAGED = "damaged", 2, "This code is damaged or made wrongly."
    UNKNOWN_KEY = "unknown-key", 3, "This code comes from an issuer that is not known here."
    OTHER_EPOCH = "other-epoch", 4, "This code names another day than its key."
    EPOCH_CLOSED = "epoch-closed", 4, "This code is for another day."
    TOO_OLD = "too-old", 5, "This code was made too long ago: a copy, or a phone whose clock is slow."
    IN_FUTURE = "in-future", 5, "This code lies in the future: the phone's clock is fast."
    WRONG_CHALLENGE = "wrong-challenge", 5, "This code does not answer this checkpoint."
    BAD_PASS = "bad-pass", 6, "The issuer did not sign this code's pass."
    BAD_SIGNATURE = "bad-signature", 7, "This code was changed after it was signed."
    OLD_RULEBOOK = "old-rulebook", 8, "This colour was worked out by rules that are no longer in force."
    OLD_DATA = "old-data", 9, "This colour was worked out from data that is too old. Let the phone update."
    OTHER_LOG = "other-log", 10, "This phone was shown other published data than everybody else. Please report it."
    SAME_PASS = "same-pass", 11, "This code was used here before."


class CodeRefused(VerificationError):  # noqa: N818 - the name says what happened to the code
    """A scanned text did not pass. Its text is the refusal's sentence; nothing of the code is in it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.words)
        self.refusal = refusal

    @property
    def step(self) -> int:
        """The number of the step in specs/code.md section 4."""
        return self.refusal.step


@dataclass(frozen=True)
class CheckpointView:
    """What a checkpoint knows: taken from the published data, all of it checked before."""

    issuer_name: str
    #: Epoch keys by the first 4 bytes of their id.
    epochs: Mapping[bytes, EpochKey]
    #: Every published tree head that is kept: size -> (root, signed time in unix seconds).
    heads: Mapping[int, tuple[bytes, int]]
    #: The oldest rulebook version that is accepted.
    rulebook_version: int
    #: Signed time of the newest head, unix seconds.
    signed_time: int
    #: Oldest data behind a colour, in seconds.
    max_age_seconds: int

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """The smallest and the largest tree size of a kept head; (0, 0) without any."""
        return (min(self.heads), max(self.heads)) if self.heads else (0, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code that passed every step."""

    #: 0 green, 1 grey, 2 yellow, 3 red: as the phone stated it.
    colour: int
    #: Seconds since the phone signed; 0 when its clock is ahead.
    age_seconds: int
    #: Whether the checkpoint's own log contains the phone's tree head. False: the phone's data is newer than ours.
    cross_checked: bool
    #: Seconds since this checkpoint last accepted the same pass; None: never, or nothing is remembered.
    seen_before_seconds: int | None
    rulebook_version: int
    #: Age in seconds of the published data behind the colour; None when it could not be cross-checked.
    data_age_seconds: int | None


class Seen:
    """The passes that this checkpoint accepted in the open epochs, as hashes of 8 bytes, in memory only."""

    def __init__(self, refuse_same: bool = False) -> None:
        """A gate sets *refuse_same*; a screen only says "same code as 40 s ago"."""
        self._refuse_same = refuse_same
        self._epochs: dict[int, dict[bytes, int]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._epochs.values()))

    def note(self, epoch: int, public_key: bytes, now: int) -> int | None:
        """Remember a pass. Returns the seconds since it was accepted last. Raises CodeRefused (SAME_PASS) at a gate."""
        # Around midnight two epochs are open; both are remembered, or the same pass would be fresh after another's.
        for closed in [kept for kept in self._epochs if not is_open(kept, now)]:
            del self._epochs[closed]
        passes = self._epochs.setdefault(epoch, {})
        short = sha256(b"OWNHUE-SEEN" + public_key).digest()[:SEEN_BYTES]
        before = passes.get(short)
        if before is not None and self._refuse_same:
            raise CodeRefused(Refusal.SAME_PASS)
        passes[short] = now
        return None if before is None else max(now - before, 0)


def verify_code(text: str, view: CheckpointView, now: int, challenge: bytes = b"", seen: Seen | None = None) -> Verdict:
    """Check a scanned *text* at *now* (unix seconds). Raises CodeRefused at the first step that does not hold.

    *challenge*: the 16 bytes that this checkpoint showed, or empty. *seen*: this checkpoint's memory of passes.
    """
    if len(challenge) not in (0, CHALLENGE_BYTES):
        raise StateError(f"a challenge has {CHALLENGE_BYTES} bytes")
    # (1): the checkpoint's clock is not before the newest signed time that it knows.
    if now < view.signed_time:
        raise CodeRefused(Refusal.CLOCK_WRONG)
    code = _read(text)  # (2)
    key = _epoch_key(code, view, now)  # (3), (4)
    _check_time(code.statement, now, challenge)  # (5)
    _check_signatures(code, view.issuer_name, key)  # (6), (7)
    data_age = _check_data(code.statement, view, now)  # (8), (9), (10)
    # (11): the same pass again is told, or refused at a gate. Last, so that only valid codes are remembered.
    before = seen.note(code.epoch, code.public_key, now) if seen is not None else None
    age = max(now - code.statement.time, 0)
    statement = code.statement
    return Verdict(statement.colour, age, data_age is not None, before, statement.rulebook_version, data_age)


def _read(text: str) -> Code:
    """(2): the text begins as a code and is the one text of a well-formed code."""
    if not text.startswith(PREFIX):
        raise CodeRefused(Refusal.NOT_A_CODE)
    try:
        return decode_code(text)
    except FormatError as error:
        raise CodeRefused(Refusal.DAMAGED) from error


def _epoch_key(code: Code, view: CheckpointView, now: int) -> EpochKey:
    """(3): the key is known. (4): the epoch is the key's, and it is open."""
    key = view.epochs.get(code.key_id)
    if key is None:
        raise CodeRefused(Refusal.UNKNOWN_KEY)
    if code.epoch != key.epoch:
        raise CodeRefused(Refusal.OTHER_EPOCH)
    if not is_open(code.epoch, now):
        raise CodeRefused(Refusal.EPOCH_CLOSED)
    return key


def _check_time(statement: Statement, now: int, challenge: bytes) -> None:
    """(5): the statement answers this checkpoint's challenge, or without one its time is near."""
    if statement.challenge != challenge:
        raise CodeRefused(Refusal.WRONG_CHALLENGE)
    if challenge:
        return
    if statement.time < now - CODE_TOLERANCE_SECONDS:
        raise CodeRefused(Refusal.TOO_OLD)
    if statement.time > now + CODE_TOLERANCE_SECONDS:
        raise CodeRefused(Refusal.IN_FUTURE)


def _check_signatures(code: Code, issuer_name: str, key: EpochKey) -> None:
    """(6): the issuer signed the pass (RSA-PSS). (7): the pass signed everything else (Ed25519)."""
    try:
        verify_pass(issuer_name, key, code.public_key, code.pass_signature)
    except VerificationError as error:
        raise CodeRefused(Refusal.BAD_PASS) from error
    try:
        VerifyKey(code.public_key).verify(code.signed_message(), code.signature)
    except BadSignatureError as error:
        raise CodeRefused(Refusal.BAD_SIGNATURE) from error


def _check_data(statement: Statement, view: CheckpointView, now: int) -> int | None:
    """(8): the rulebook is in force. (9): the data is fresh. (10): it is the data of our own log. Returns its age.

    None: the phone followed the log further than this checkpoint did; nothing can be said about that part.
    """
    if statement.rulebook_version < view.rulebook_version:
        raise CodeRefused(Refusal.OLD_RULEBOOK)
    smallest, largest = view.sizes
    if statement.tree_size > largest:
        return None
    if statement.tree_size < smallest or statement.tree_size == 0:
        raise CodeRefused(Refusal.OLD_DATA)
    head = view.heads.get(statement.tree_size)
    # A size between two heads was never published: only another log can have shown it.
    if head is None:
        raise CodeRefused(Refusal.OTHER_LOG)
    root, time = head
    if now - time > view.max_age_seconds:
        raise CodeRefused(Refusal.OLD_DATA)
    if not root.startswith(statement.root_prefix):
        raise CodeRefused(Refusal.OTHER_LOG)
    return max(now - time, 0)
