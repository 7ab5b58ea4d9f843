"""Valid passes, epoch lists and past keys, changed field by field and signed again: every step refuses, each its own.

specs/pass.md sections 5, 7 and 8. The issuer's keys are known here, so that no signature hides a step.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from nacl.signing import SigningKey

from ownhue.blind_rsa import RSABSSA_SHA384_PSS_DETERMINISTIC, pss_spki
from ownhue.documents import open_document, sign_document
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, VerificationError
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import EpochKey, EpochList, token_challenge, token_input, verify_pass
from ownhue.past_keys import PastKey, PastKeys, check_past_keys
from tests.conformance.mutate import Tally, flipped, mutations
from tests.conformance.scripted import EPOCH, ISSUER, Stream, epoch_key, make_pass, rsa_key

KEYS = {epoch: epoch_key(epoch) for epoch in range(EPOCH, EPOCH + 3)}
PASSES = [(make_pass(label, epoch), KEYS[epoch]) for label in ("holder", "other") for epoch in (EPOCH, EPOCH + 1)]
SIGNER = SigningKey(Stream("issuer's documents")(32))
#: What a reader of past keys knows.
KNOWN = {epoch: epoch_key(epoch) for epoch in range(EPOCH - 1, EPOCH + 4)}
#: Every past key of KEYS is public.
NOW = (EPOCH + 5) * EPOCH_SECONDS


def signature(epoch: int, key: EpochKey, issuer: str, public_key: bytes) -> bytes:
    """The issuer's, whatever it is asked to sign."""
    message = b"\0\2" + public_key + token_input(bytes(32), token_challenge(issuer, key.epoch), key.key_id)[34:]
    return rsa_key(f"issuer {epoch}").sign(message, RSABSSA_SHA384_PSS_DETERMINISTIC.padding, hashes.SHA384())


def step_of(error: OwnhueError) -> str:
    """The step of specs/pass.md section 7 that refused."""
    if isinstance(error, VerificationError):
        return "3"
    return "2" if "name" in str(error) or "public key and" in str(error) else "1"


def outcome(issuer: Any, epoch: Any, spki: Any, public_key: Any, signed: Any) -> str:
    try:
        verify_pass(issuer, EpochKey(epoch, spki), public_key, signed)
    except OwnhueError as error:
        return step_of(error)
    return "accepted"


def is_key(epoch: Any, spki: bytes) -> bool:
    """Step 1 a second time: 32 bits, and the one encoding of an odd modulus of 2048 bits."""
    head, tail = KEYS[EPOCH].spki[:81], bytes.fromhex("0203010001")
    number = spki[81:-5]
    return (
        0 <= epoch < 2**32
        and spki[:81] == head
        and spki[-5:] == tail
        and len(number) == 256
        and number[-1] % 2 == 1
        and number[0] > 127
    )


def is_named(issuer: str, public_key: bytes) -> bool:
    """Step 2 a second time."""
    return 1 <= len(issuer) <= 255 and all(32 <= ord(c) < 127 for c in issuer) and len(public_key) == 32


def mutated(value: Any, random: Random, rounds: int) -> Iterator[Any]:
    """Mutants of the same type; another type is a mistake of the caller and nothing that comes over a wire."""
    for _, mutant in mutations(value, random, rounds):
        if type(mutant) is type(value):
            yield mutant


def test_a_pass_changed_field_by_field() -> None:
    tally, random = Tally(), Random(11)
    for made, key in PASSES:
        fields = [ISSUER, key.epoch, key.spki, made.public_key, made.signature]
        assert outcome(*fields) == "accepted"
        for at, value in enumerate(fields):
            for mutant in mutated(value, random, 12):
                changed = [*fields[:at], mutant, *fields[at + 1 :]]
                want = "1" if not is_key(*changed[1:3]) else "2" if not is_named(changed[0], changed[3]) else "3"
                assert outcome(*changed) == want
                tally.add(want)
    tally.require(["1", "2", "3"])


def test_a_pass_changed_and_signed_again_by_the_issuer() -> None:
    """What is signed anew for other fields is a pass of those fields, and of no others."""
    tally, random = Tally(), Random(12)
    for made, key in PASSES:
        for public_key in mutated(made.public_key, random, 25):
            again = signature(key.epoch, key, ISSUER, public_key)
            want = "accepted" if len(public_key) == 32 else "2"
            assert outcome(ISSUER, key.epoch, key.spki, public_key, again) == want
            if want == "accepted":
                assert outcome(ISSUER, key.epoch, key.spki, made.public_key, again) == "3"
                tally.add("3")
            tally.add(want)
        for issuer in mutated(ISSUER, random, 5):
            if not is_named(issuer, made.public_key):
                continue
            again = signature(key.epoch, key, issuer, made.public_key)
            assert outcome(issuer, key.epoch, key.spki, made.public_key, again) == "accepted"
            assert outcome(ISSUER, key.epoch, key.spki, made.public_key, again) == "3"
            tally.add("3")
    tally.require(["accepted", "2", "3"])


def test_a_pass_of_one_epoch_under_the_key_of_another() -> None:
    for made, key in PASSES:
        for other in KEYS.values():
            for epoch in KEYS:
                fits = (epoch, other.spki) == (key.epoch, key.spki)
                want = "accepted" if fits else "3"
                assert outcome(ISSUER, epoch, other.spki, made.public_key, made.signature) == want


# Lists. What a mutant is refused with is told by the class of the error and its words.


def reading(body: Any, kind: str, read: Any) -> str:
    """Open a document that the issuer signed with *body*, and read it."""
    try:
        document = sign_document(kind, body, SIGNER)
        value = read(open_document(document, kind, [bytes(SIGNER.verify_key)]))
    except LimitError:
        return "too many"
    except ForkError as error:
        return "fork: " + ("issuer" if "issuer" in str(error) else "key")
    except FormatError as error:
        return f"form: {error}"
    except VerificationError as error:
        return f"wrong: {str(error).partition('epoch')[0]}"
    assert canonical_json(value.to_body()) == canonical_json(body), "accepted in a second spelling"
    return "accepted"


def test_a_list_of_epoch_keys_changed_field_by_field() -> None:
    tally, random, listed = Tally(), Random(13), EpochList(ISSUER, tuple(KEYS.values()))

    def read(body: Any) -> EpochList:
        epochs = EpochList.from_body(body)
        epochs.check_follows(listed)
        return epochs

    # A second key for an epoch and one key for two: what would mark people.
    body = listed.to_body()
    rival = EpochList(ISSUER, (epoch_key(EPOCH, "second"),)).to_body()["epochs"][0]
    for _ in range(40):
        for _, mutant in mutations(body, random):
            tally.add(reading(mutant, "epochs", read).partition(":")[0])
        entries = body["epochs"]
        swapped = random.sample(entries, 3)
        moved = [{**entries[0], "epoch": EPOCH + 7 + random.randrange(99)}]
        cases = {
            "form: the epochs are not in order": [*swapped] if swapped != entries else entries[::-1],
            "form: two keys for one epoch": [entries[0], {**rival, "epoch": EPOCH}, *entries[1:]],
            "form: two epochs share a key or its short id": [*entries, *moved],
            "fork: key": [{**rival, "epoch": random.choice(list(KEYS))}],
        }
        for want, wrong in cases.items():
            assert reading({**body, "epochs": wrong}, "epochs", read) == want
            tally.add(want)
    tally.require(["form", "fork", "accepted"])
    tally.require(["form: two keys for one epoch", "fork: key"], 40)


def past_body(*epochs: int) -> dict[str, Any]:
    return PastKeys(ISSUER, tuple(PastKey.of(epoch, rsa_key(f"issuer {epoch}")) for epoch in epochs)).to_body()


def past_step(body: Any, now: int, known: dict[int, EpochKey]) -> str:
    """The step of section 8 that refuses a signed list, or "accepted"."""

    def read(value: Any) -> PastKeys:
        past = PastKeys.from_body(value)
        if past.issuer != ISSUER:
            raise VerificationError("another issuer")
        check_past_keys(past, known, now)
        return past

    said = reading(body, "past-epochs", read)
    steps = {"wrong: another issuer": "1", "wrong: the key of ": "3", "wrong: the past key of ": "4"}
    return "2" if said == "too many" or said.startswith("form") else steps.get(said, said)


def test_a_list_of_past_keys_changed_field_by_field() -> None:
    tally, random = Tally(), Random(14)
    bodies = [past_body(*epochs) for epochs in ((EPOCH,), (EPOCH, EPOCH + 1), (EPOCH, EPOCH + 1, EPOCH + 2))]
    for body in bodies:
        for _, mutant in mutations(body, random, 4):
            step = past_step(mutant, NOW, KNOWN)
            assert step != "accepted" or _is_shorter(mutant, body)
            tally.add(step)
        for _ in range(50):
            name = ISSUER[:-1] + random.choice("abcdf")
            early = (EPOCH + len(body["keys"]) + 1) * EPOCH_SECONDS - 1 - random.randrange(10**6)
            entry = random.choice(body["keys"])
            renumbered = {**entry, "epoch": entry["epoch"] + random.choice((-1, 1))}
            cases = (
                ("1", {**body, "issuer": name}, NOW),
                ("3", body, early),
                ("4", {**body, "keys": [renumbered]}, NOW),
            )
            for want, wrong, now in cases:
                assert past_step(wrong, now, KNOWN) == want
                tally.add(want)
    tally.require(["1", "2", "3", "4"])


def _is_shorter(mutant: Any, body: Any) -> bool:
    """A list with one key less is a list of its own."""
    return isinstance(mutant, dict) and len(mutant["keys"]) == len(body["keys"]) - 1


def test_a_prime_with_any_bit_flipped_is_not_accepted() -> None:
    (entry,) = past_body(EPOCH)["keys"]
    random = Random(15)
    key = PastKey.of(EPOCH, rsa_key(f"issuer {EPOCH}"))
    for _ in range(150):
        p = int.from_bytes(flipped(key.p.to_bytes(128, "big"), random), "big")
        with pytest.raises((FormatError, VerificationError)):
            check_past_keys(PastKeys(ISSUER, (PastKey(EPOCH, p, key.q),)), KEYS, NOW)
    assert pss_spki(key.private_key.public_key()) == KEYS[EPOCH].spki
    assert entry["epoch"] == EPOCH
