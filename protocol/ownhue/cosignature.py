"""Cosignatures: what witnesses say about a tree head, and how many are needed. specs/publication.md section 11

    — witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0...

    policy = WitnessPolicy(2, (WitnessKey("witness.example/w1", key1), ...))         # 2 of n
    check_cosignatures(note, head, policy, now)                                      # raises, or who and when

- A cosignature/v1 (C2SP tlog-cosignature) says: at this second, this was the largest tree that I have seen of the log,
  and it contains every tree that I have seen before. So two phones whose heads the same witness cosigned see one log.
- It covers the whole text of the head and a time. Its key hash has a kind of its own, so a log's signature is none.
- A policy counts keys, not lines: one witness counts once, and strangers do not count at all.
- "0 of 0" is a policy too. It asks nobody, and :meth:`WitnessPolicy.sentence` says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nacl.signing import SigningKey

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.signed_note import (
    NoteSignature,
    SignedNote,
    base64_decode,
    base64_encode,
    check_key,
    check_signature,
    key_hash,
    parse_note,
)
from ownhue.tree import MAX_SIZE
from ownhue.tree_head import TreeHead

#: Kind of signature that a witness makes: Ed25519 over a time and the text. specs/publication.md section 11
COSIGNATURE = b"\x04"
#: Bytes of a cosignature: the time (u64 big-endian) and an Ed25519 signature. specs/publication.md section 11
COSIGNATURE_BYTES = 72
#: Most witnesses of a policy: what fits a note beside the log's own line. specs/publication.md section 11
MAX_WITNESSES = 16
#: Seconds by which the clocks of logs, witnesses and readers may differ. specs/publication.md section 11
CLOCK_TOLERANCE_SECONDS = 600

_TIME_BYTES = 8
_VKEY_PARTS = 3


@dataclass(frozen=True, slots=True, order=True)
class WitnessKey:
    """A witness that is known. Raises FormatError for a name or a key that can sign no note."""

    name: str
    """Name in its lines, by custom an address without scheme."""
    key: bytes
    """Ed25519, 32 bytes."""

    def __post_init__(self) -> None:
        check_key(self.name, self.key)

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes in its lines."""
        return key_hash(self.name, self.key, COSIGNATURE)

    @property
    def vkey(self) -> str:
        """The key as text: ``name+key hash+Base64``. C2SP signed-note, section "Verifier keys\""""
        return f"{self.name}+{self.key_hash.hex()}+{base64_encode(COSIGNATURE + self.key)}"

    @classmethod
    def from_vkey(cls, text: str) -> "WitnessKey":
        """The witness of a key as text. Raises FormatError for a key of another kind, or in another spelling."""
        parts = text.split("+", _VKEY_PARTS - 1)
        if len(parts) != _VKEY_PARTS:
            raise FormatError("a verifier key is a name, a key hash and a key")
        encoded = base64_decode(parts[2])
        if not encoded.startswith(COSIGNATURE):
            raise FormatError("the verifier key is not that of a witness")
        witness = cls(parts[0], encoded[len(COSIGNATURE) :])
        if witness.vkey != text:
            raise FormatError("the verifier key's hash is another's, or in another spelling")
        return witness


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """How many of which witnesses must have cosigned a head. Raises FormatError, LimitError for nonsense.

    Witnesses stand in the order of their names, each name and each key once: one key under two names would count twice.
    """

    threshold: int
    """How many are needed; 0 only without witnesses."""
    witnesses: tuple[WitnessKey, ...]
    """Whom to ask."""

    def __post_init__(self) -> None:
        if len(self.witnesses) > MAX_WITNESSES:
            raise LimitError(f"a policy has at most {MAX_WITNESSES} witnesses")
        if not (1 <= self.threshold <= len(self.witnesses) or (self.threshold, self.witnesses) == (0, ())):
            raise FormatError("a policy asks for 1 to all of its witnesses, or for 0 of 0")
        names = [witness.name for witness in self.witnesses]
        if names != sorted(set(names)):
            raise FormatError("a policy's witnesses stand in the order of their names, each once")
        if len({witness.key for witness in self.witnesses}) < len(names):
            raise FormatError("a policy has each key once")

    def sentence(self) -> str:
        """The policy in plain words, for people."""
        if not self.threshold:
            return "0 of 0: nobody watches this log. That it shows everybody the same is its operator's word alone."
        return f"{self.threshold} of {len(self.witnesses)} witnesses must have seen the same log."


def check_policy(policy: WitnessPolicy, log_keys: Iterable[bytes]) -> None:
    """Raise FormatError when one of *log_keys* (Ed25519, 32 bytes) is a witness: whoever signs a log does not watch it.

    *log_keys* are all keys by which the log's own operators sign, as far as they are known. Whoever knows a policy and
    such keys MUST ask this. specs/publication.md section 11
    """
    own = set(log_keys)
    names = [witness.name for witness in policy.witnesses if witness.key in own]
    if names:
        raise FormatError(f"the witness {names[0]} has a key by which the log's own operators sign")


#: A witness and the unix second at which it cosigned.
Cosigned = tuple[WitnessKey, int]
#: The policy that asks nobody.
NO_WITNESSES = WitnessPolicy(0, ())


def cosignature_line(text: str, name: str, signing_key: SigningKey, time: int) -> str:
    """The line, with its newline, by which the witness *name* cosigns a head's *text* at unix second *time*."""
    witness = WitnessKey(name, bytes(signing_key.verify_key))
    signature = signing_key.sign(_message(text, time)).signature
    return NoteSignature(name, witness.key_hash, time.to_bytes(_TIME_BYTES, "big") + signature).line()


def verify_cosignature(text: str, signature: NoteSignature, witness: WitnessKey) -> int:
    """The unix second at which *witness* cosigned *text*. Raises FormatError, VerificationError."""
    if (signature.name, signature.key_hash) != (witness.name, witness.key_hash):
        raise VerificationError("the line is not by this witness")
    time = cosignature_time(signature)
    check_signature(witness.key, _message(text, time), signature.blob[_TIME_BYTES:])
    return time


def cosignature_time(signature: NoteSignature) -> int:
    """The unix second that a cosignature states, not verified. Raises FormatError for what is no cosignature."""
    if len(signature.blob) != COSIGNATURE_BYTES:
        raise FormatError(f"a cosignature has {COSIGNATURE_BYTES} bytes")
    return int.from_bytes(signature.blob[:_TIME_BYTES], "big")


def check_cosignatures(note: bytes, head: TreeHead, policy: WitnessPolicy, now: int) -> list[Cosigned]:
    """Who of *policy* cosigned *head*, and when, in the order of their names. *now* in unix seconds.

    *head* is what ``open_tree_head`` made of *note*. Steps as numbered in specs/publication.md section 11. Raises
    FormatError or LimitError (a known witness's line is no cosignature), VerificationError (another head, a broken or
    doubled cosignature, too few of them).
    """
    timely = timely_cosignatures(note, head, policy, now)
    if len(timely) < policy.threshold:  # (6) enough
        untimely = len(_found(parse_note(note), policy)) - len(timely)
        more = f", {untimely} more at a time that cannot be" if untimely else ""
        raise VerificationError(f"{len(timely)} of {policy.threshold} witnesses that are needed cosigned{more}")
    return timely


def timely_cosignatures(note: bytes, head: TreeHead, policy: WitnessPolicy, now: int) -> list[Cosigned]:
    """As :func:`check_cosignatures` without its last step: also fewer than the policy asks for are returned."""
    parsed = parse_note(note)
    if parsed.text != head.text():  # (1) of this head
        raise VerificationError("the note is not that of the tree head")
    # (5) at a time that can be: not before the head became true, and not ahead of the own clock
    earliest, latest = head.time - CLOCK_TOLERANCE_SECONDS, now + CLOCK_TOLERANCE_SECONDS
    return [(witness, time) for witness, time in _found(parsed, policy) if earliest <= time <= latest]


def _found(note: SignedNote, policy: WitnessPolicy) -> list[Cosigned]:
    return [(witness, time) for witness in policy.witnesses for time in _times(note, witness)]


def _times(note: SignedNote, witness: WitnessKey) -> list[int]:
    """The time of the one cosignature by *witness*, or none."""
    lines = note.by(witness.name, witness.key_hash)
    if len(lines) > 1:  # (2) one line for each witness
        raise VerificationError(f"{witness.name} cosigned twice")
    # (3) in the form of a cosignature, and (4) it holds: the note of a witness that is known must not be broken
    return [verify_cosignature(note.text, line, witness) for line in lines]


def _message(text: str, time: int) -> bytes:
    if not 0 <= time <= MAX_SIZE:
        raise FormatError("a cosignature's time is an integer of 63 bits")
    return f"cosignature/v1\ntime {time}\n{text}".encode()
