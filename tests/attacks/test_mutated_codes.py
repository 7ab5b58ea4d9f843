"""Every valid code of the vectors, changed field by field: each step of specs/code.md section 4 refuses with its word.

The attacker re-signs what a signature would hide: with the pass's own key, and with the issuer's. What must come out is
worked out a second time, from the changed fields and the table of the spec, without the library.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from nacl.signing import SigningKey

from ownhue.blind_rsa import RSABSSA_SHA384_PSS_DETERMINISTIC
from ownhue.conformance.vectors import Case
from ownhue.encoding import cbor_encode
from ownhue.passes import token_challenge, token_input
from ownhue.verify import Refusal, Seen
from tests.attacks.code_table import ISSUER_KEYS, VALID, Parts, World, expected, parts_of, text_of
from tests.conformance.mutate import Tally, flipped, mutations
from tests.conformance.scripted import EPOCH, ISSUER, Stream, make_pass

SEEDS = {make_pass(label).public_key: make_pass(label).seed for label in ("holder", "other")}
OWN_KEY = SigningKey(Stream("attacker")(32))


def pass_signed(parts: Parts) -> Parts:
    """Signed by the issuer for a key of the attacker's own: only what is neither key nor signature is as it was."""
    epoch, key_id, private = ISSUER_KEYS.get(parts[1], ISSUER_KEYS[next(iter(ISSUER_KEYS))])
    message = token_input(bytes(OWN_KEY.verify_key), token_challenge(ISSUER, epoch), key_id)
    signature = private.sign(message, RSABSSA_SHA384_PSS_DETERMINISTIC.padding, hashes.SHA384())
    return resigned([*parts[:3], bytes(OWN_KEY.verify_key), signature, *parts[5:]], bytes(OWN_KEY))


def resigned(parts: Parts, seed: bytes) -> Parts:
    """Signed by the pass's key, whatever the other parts have become."""
    statement = cbor_encode(parts[5]) if isinstance(parts[5], list) else parts[5]
    digest = sha256(cbor_encode([*parts[:5], statement])).digest()
    return [*parts[:6], SigningKey(seed).sign(b"OWNHUE-CODE" + digest).signature]


def changed_parts(parts: Parts, random: Random) -> Iterator[Any]:
    """Every mutant of the parts, and every number and byte string with one bit flipped."""
    yield from (mutant for _, mutant in mutations(parts, random))
    for at in (2, *[(5, index) for index in range(6)], 1, 3, 4):
        outer, inner = at if isinstance(at, tuple) else (at, None)
        value = parts[outer] if inner is None else parts[outer][inner]
        if isinstance(value, int):
            turned: Any = value ^ 1 << random.randrange(32)
        else:
            turned = flipped(value, random) if value else random.randbytes(16)
        whole = turned if inner is None else [*parts[outer][:inner], turned, *parts[outer][inner + 1 :]]
        yield [*parts[:outer], whole, *parts[outer + 1 :]]


def changed_worlds(world: World, random: Random) -> Iterator[World]:
    """Every field of what the checkpoint knows, changed to another value of its kind."""
    for name in ("now", "signed_time", "rulebook_version", "max_age_seconds"):
        value = getattr(world, name)
        for by in (1, -1, 1 << random.randrange(1, 31), -(1 << random.randrange(1, 31)), random.randrange(61, 3600)):
            if value + by >= 0:
                yield replace(world, **{name: value + by})
    yield replace(world, challenge=flipped(world.challenge, random) if world.challenge else random.randbytes(16))
    yield replace(world, challenge=random.randbytes(16) if world.challenge == b"" else b"")
    for index, (size, root, time) in enumerate(world.heads):
        for head in (
            (size + random.randrange(1, 50), root, time),
            (size, flipped(root, random), time),
            (size, bytes((root[0] ^ 1,)) + root[1:], time),
            (size, root, time - (1 << random.randrange(1, 31))),
        ):
            heads = [*world.heads[:index], head, *world.heads[index + 1 :]]
            if len({kept[0] for kept in heads}) == len(heads):
                yield replace(world, heads=tuple(heads))


def same(parts: Any, original: Parts) -> bool:
    # True is 1 to Python, and not on the wire.
    return cbor_encode(parts) == cbor_encode(original)


def check(tally: Tally, world: World, text: str, want: str) -> None:
    """The library says *want*, which is counted when it is a refusal."""
    found = world.judge(text)
    assert found == want, (world, text)
    if found != "accepted":
        tally.add(found)


def nothing_signed_again(case: Case, random: Random, tally: Tally) -> None:
    """A part is changed, and the signatures are what they were."""
    world, parts = World.of(case), parts_of(case.input["text"])
    for _ in range(3):
        for mutant in changed_parts(parts, random):
            if not same(mutant, parts):
                of_the_pass = isinstance(mutant, list) and mutant[1:2] + mutant[3:5] == parts[1:2] + parts[3:5]
                want = expected(world, mutant, pass_holds=of_the_pass, signature_holds=False)
                assert want != "accepted"
                check(tally, world, text_of(mutant), want)


def signed_again_by_the_pass(case: Case, random: Random, tally: Tally) -> None:
    """A part is changed, and the pass signs what came of it."""
    world, parts = World.of(case), parts_of(case.input["text"])
    for _ in range(12):
        for mutant in changed_parts(parts, random):
            if isinstance(mutant, list) and len(mutant) == 7 and mutant[6] == parts[6] and not same(mutant, parts):
                again = resigned(mutant, SEEDS[parts[3]])
                holds = again[1:2] + again[3:5] == parts[1:2] + parts[3:5]
                want = expected(world, again, pass_holds=holds, signature_holds=again[3] == parts[3])
                check(tally, world, text_of(again), want)
                if want == "accepted":
                    _is_what_it_says(world, again, parts)


def _is_what_it_says(world: World, mutant: Parts, original: Parts) -> None:
    """An accepted mutant is an honest code of the same pass, which says other things; a gate takes it once."""
    verdict = world.verdict(text_of(mutant))
    assert (verdict.colour, verdict.rulebook_version) == (mutant[5][1], mutant[5][2])
    assert verdict.cross_checked == (mutant[5][3] in {size for size, *_ in world.heads})
    gate = Seen(refuse_same=True)
    assert world.judge(text_of(original), gate) == "accepted"
    assert world.judge(text_of(mutant), gate) == "same-pass"
    assert len(gate) == 1


def signed_again_by_pass_and_issuer(case: Case, random: Random, tally: Tally) -> None:
    """A part is changed, and even the issuer signs a key for it."""
    world, parts = World.of(case), parts_of(case.input["text"])
    tomorrow = next(short for short, (epoch, *_) in ISSUER_KEYS.items() if epoch == EPOCH + 1)
    both = [*parts[:1], tomorrow, EPOCH + 1, *parts[3:]]
    for mutant in (both, *changed_parts(parts, random)):
        if isinstance(mutant, list) and len(mutant) == 7 and mutant[3:5] + mutant[6:] == parts[3:5] + parts[6:]:
            again = pass_signed(mutant)
            check(tally, world, text_of(again), expected(world, again, pass_holds=True, signature_holds=True))


def what_the_checkpoint_knows(case: Case, random: Random, tally: Tally) -> None:
    """The code is as it was; the checkpoint knows something else."""
    world, parts = World.of(case), parts_of(case.input["text"])
    for _ in range(20):
        for other in changed_worlds(world, random):
            want = expected(other, parts, pass_holds=True, signature_holds=True)
            check(tally, other, case.input["text"], want)


def a_letter_of_the_text(case: Case, random: Random, tally: Tally) -> None:
    """One letter is replaced, put in or taken out."""
    world, text = World.of(case), str(case.input["text"])
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:az\n\0é"
    places = [*range(5), *random.sample(range(5, len(text)), 150)]
    mutants = [text[:at] + random.choice(letters) + text[at + 1 :] for at in places]
    mutants += [text[:at] + random.choice(letters) + text[at:] for at in places]
    mutants += [text[:at] + text[at + 1 :] for at in places]
    for mutant in mutants:
        if mutant != text:
            found = world.judge(mutant)
            assert found != "accepted", mutant
            assert (found == "not-a-code") == (not mutant.startswith("OWN1:"))
            tally.add(found)


def the_same_pass(case: Case, random: Random, tally: Tally) -> None:
    """At a gate that let the vector's code through, no other statement of its pass comes through."""
    world, parts = World.of(case), parts_of(case.input["text"])
    gate = Seen(refuse_same=True)
    assert world.judge(case.input["text"], gate) == "accepted"
    for _ in range(15):
        time = world.now + random.randrange(-60, 61)
        said = [time, random.randrange(4), world.rulebook_version + random.randrange(9), *parts[5][3:]]
        text = text_of(resigned([*parts[:5], said, parts[6]], SEEDS[parts[3]]))
        assert world.judge(text) == "accepted"
        assert world.judge(text, gate) == "same-pass"
        tally.add("same-pass")


ATTACKS = (
    nothing_signed_again,
    signed_again_by_the_pass,
    signed_again_by_pass_and_issuer,
    what_the_checkpoint_knows,
    a_letter_of_the_text,
    the_same_pass,
)


@cache
def refusals(attack: Callable[[Case, Random, Tally], None]) -> Tally:
    """How often each word was said to an attack on every valid vector."""
    tally = Tally()
    for number, case in enumerate(VALID):
        attack(case, Random(number), tally)
    return tally


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_every_mutant_is_refused_with_the_word_of_the_table_or_is_an_honest_code(
    attack: Callable[[Case, Random, Tally], None],
) -> None:
    assert refusals(attack).counts.total() > 100


def test_every_step_refused_at_least_a_hundred_mutants_with_its_word() -> None:
    whole = Tally()
    for attack in ATTACKS:
        whole.counts += refusals(attack).counts
    whole.require([refusal.value for refusal in Refusal])


def test_the_second_table_knows_the_vectors() -> None:
    """The control: the oracle of this file gives every vector its own outcome."""
    for case in VALID:
        parts = parts_of(case.input["text"])
        assert expected(World.of(case), parts, pass_holds=True, signature_holds=True) == "accepted"
        assert text_of(parts) == case.input["text"]
        assert text_of(resigned(parts, SEEDS[parts[3]])) == case.input["text"]
