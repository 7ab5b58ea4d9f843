"""The table of specs/code.md section 4 a second time, without the library: what must come out for changed fields."""

from dataclasses import dataclass
from typing import Any

from ownhue.conformance.vectors import Case, parse_vectors
from ownhue.encoding import base45_decode, base45_encode, cbor_decode, cbor_encode
from ownhue.passes import EpochList
from ownhue.verify import CheckpointView, CodeRefused, Seen, Verdict, verify_code
from tests.conformance.scripted import ISSUER, rsa_key
from tests.shared import SPECS

#: The codes of the vectors that a checkpoint accepts.
VALID = [
    case
    for case in parse_vectors((SPECS / "vectors/code.json").read_bytes()).cases
    if case.operation == "verify_code" and case.expected.error is None
]
EPOCHS = EpochList.from_body(VALID[0].input["view"]["epochs"]).by_short_id
#: Both epoch keys of the vectors, by the first 4 bytes of their id: epoch, private key.
ISSUER_KEYS = {key.short_id: (key.epoch, key.key_id, rsa_key(f"issuer {key.epoch}")) for key in EPOCHS.values()}
U32 = 2**32 - 1
Parts = list[Any]


@dataclass(frozen=True)
class World:
    """What the checkpoint knows and does: everything in the question but the text."""

    now: int
    challenge: bytes
    signed_time: int
    rulebook_version: int
    max_age_seconds: int
    heads: tuple[tuple[int, bytes, int], ...]

    @classmethod
    def of(cls, case: Case) -> "World":
        known = case.input["view"]
        return cls(
            case.input["now"],
            bytes.fromhex(case.input["challenge"]),
            known["signed_time"],
            known["rulebook_version"],
            known["max_age_seconds"],
            tuple((head["size"], bytes.fromhex(head["root"]), head["time"]) for head in known["heads"]),
        )

    def verdict(self, text: str, seen: Seen | None = None) -> Verdict:
        """What the library says. Raises CodeRefused."""
        heads = {size: (root, time) for size, root, time in self.heads}
        view = CheckpointView(ISSUER, EPOCHS, heads, self.rulebook_version, self.signed_time, self.max_age_seconds)
        return verify_code(text, view, self.now, self.challenge, seen)

    def judge(self, text: str, seen: Seen | None = None) -> str:
        """The word of the refusal, or "accepted"."""
        try:
            self.verdict(text, seen)
        except CodeRefused as refused:
            return refused.refusal.value
        return "accepted"


def parts_of(text: str) -> Parts:
    """The seven parts, the statement as a list."""
    parts = list(cbor_decode(base45_decode(text[5:])))
    return [*parts[:5], list(cbor_decode(parts[5])), parts[6]]


def text_of(parts: Any) -> str:
    """The text of anything that was made of parts."""
    if isinstance(parts, list) and len(parts) > 5 and isinstance(parts[5], list):
        parts = [*parts[:5], cbor_encode(parts[5]), *parts[6:]]
    return "OWN1:" + base45_encode(cbor_encode(parts))


def well_formed(parts: Any) -> bool:
    """specs/code.md section 1, a second time."""

    def numbers(*values: Any) -> bool:
        return all(type(value) is int and 0 <= value <= U32 for value in values)

    def octets(value: Any, *lengths: int) -> bool:
        return isinstance(value, bytes) and len(value) in lengths

    if not isinstance(parts, list) or len(parts) != 7 or not isinstance(parts[5], list) or len(parts[5]) != 6:
        return False
    version, key_id, epoch, public_key, pass_signature, said, signature = parts
    fields = octets(key_id, 4) and octets(public_key, 32) and octets(pass_signature, 256) and octets(signature, 64)
    stated = numbers(*said[:4]) and said[1] <= 3 and octets(said[4], 8) and octets(said[5], 0, 16)
    return numbers(version, epoch) and version == 1 and fields and stated


def expected(world: World, parts: Any, *, pass_holds: bool, signature_holds: bool) -> str:
    """The table of specs/code.md section 4, a second time."""
    if world.now < world.signed_time:
        return "clock-wrong"
    if not well_formed(parts):
        return "damaged"
    _, key_id, epoch, _, _, (time, _, rulebook, size, prefix, answer), _ = parts
    if key_id not in ISSUER_KEYS:
        return "unknown-key"
    if epoch != ISSUER_KEYS[key_id][0]:
        return "other-epoch"
    if not epoch * 86_400 - 60 <= world.now < (epoch + 1) * 86_400 + 60:
        return "epoch-closed"
    return _time(world, time, answer) or _signed(pass_holds, signature_holds) or _data(world, rulebook, size, prefix)


def _time(world: World, time: int, answer: bytes) -> str:
    if answer != world.challenge:
        return "wrong-challenge"
    if world.challenge == b"" and abs(time - world.now) > 60:
        return "too-old" if time < world.now else "in-future"
    return ""


def _signed(pass_holds: bool, signature_holds: bool) -> str:
    return "" if pass_holds and signature_holds else "bad-signature" if pass_holds else "bad-pass"


def _data(world: World, rulebook: int, size: int, prefix: bytes) -> str:
    sizes = [head[0] for head in world.heads]
    if rulebook < world.rulebook_version:
        return "old-rulebook"
    if size > max(sizes):
        return "accepted"
    if size == 0 or size < min(sizes):
        return "old-data"
    roots = {head[0]: head[1:] for head in world.heads}
    if size not in roots:
        return "other-log"
    root, time = roots[size]
    if world.now - time > world.max_age_seconds:
        return "old-data"
    return "accepted" if root[:8] == prefix else "other-log"
