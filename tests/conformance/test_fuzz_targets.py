"""The fuzz targets work: seeds are accepted, and a parser that fails is found. `make fuzz` runs them for longer."""

from random import Random

import pytest

from ownhue.errors import FormatError
from tests.conformance.mutate import flipped
from tests.fuzz.target import Target, text
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_seed_is_accepted(name: str) -> None:
    target = TARGETS[name]
    found = target.seeds()
    assert found
    for seed in found:
        assert target.run(seed), f"{name} refuses its seed"


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_seeds_raise_nothing_foreign(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    for seed in list(target.seeds())[:3]:
        for _ in range(25):
            target.run(flipped(seed or b"\0", random))
            target.run(seed[: random.randrange(len(seed) + 1)])
            target.run(seed + random.randbytes(random.randrange(1, 9)))


def test_a_foreign_exception_is_found() -> None:
    with pytest.raises(ZeroDivisionError):
        Target(lambda data: 1 // len(data), None, lambda: [b"x"]).run(b"")


def test_a_second_spelling_is_found() -> None:
    with pytest.raises(AssertionError):
        Target(lambda data: data.strip(), lambda value: value, lambda: [b"x"]).run(b"x ")


def test_an_error_of_our_own_is_a_refusal() -> None:
    def refuse(value: str) -> None:
        raise FormatError(value)

    assert not Target(text(refuse), None, lambda: [b""]).run(b"\xff")
