"""Spoken words: known values, every byte comes back, and what was misheard is noticed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.device import device_number
from ownhue.errors import FormatError, LimitError
from ownhue.spoken import heard, spoken

EVEN = st.binary(min_size=2, max_size=40).filter(lambda data: len(data) % 2 == 0)

#: Values of the paper (arXiv:0901.4016), without the check word.
PUBLISHED = {"127.0.0.1": "lusab-babad", "63.84.220.193": "gutih-tugad", "147.67.119.2": "natag-lisaf"}


@pytest.mark.parametrize("address", PUBLISHED)
def test_the_words_are_those_of_the_paper(address: str) -> None:
    data = bytes(map(int, address.split(".")))
    assert spoken(data).rpartition("-")[0] == PUBLISHED[address]


@given(EVEN)
def test_what_was_spoken_is_heard(data: bytes) -> None:
    text = spoken(data)
    assert heard(text) == data
    assert heard(f" {text.upper().replace('-', ' , ')}. ") == data


@pytest.mark.parametrize("seed", range(20))
def test_two_words_in_the_wrong_order_are_noticed(seed: int) -> None:
    # Not drawn at random: one text in 65,536 would pass.
    words = spoken(hashlib.sha256(bytes([seed])).digest()[:8]).split("-")
    for at in range(len(words) - 1):
        swapped = [*words[:at], words[at + 1], words[at], *words[at + 2 :]]
        with pytest.raises(FormatError, match="check word"):
            heard("-".join(swapped))


@pytest.mark.parametrize(
    "text", ["", "lusab", "lusab-babad", "lusab-bebad-nupin", "7f000001", "lusab-babad-nupin-nupin"]
)
def test_what_is_none_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        heard(text)
    assert "bebad" not in str(refused.value)


def test_a_letter_of_another_alphabet_that_looks_like_one_is_none() -> None:
    text = spoken(bytes.fromhex("0006"))
    assert heard(text.upper()) == bytes.fromhex("0006")
    assert "k" in text
    with pytest.raises(FormatError):
        heard(text.replace("k", "\u212a"))


def test_a_long_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError):
        heard("lusab-" * 1000)


def test_an_odd_number_of_bytes_cannot_be_spoken() -> None:
    with pytest.raises(FormatError):
        spoken(b"abc")


def test_a_device_has_one_number_of_eight_bytes() -> None:
    numbers = {device_number(bytes([first]) * 32) for first in range(50)}
    assert len(numbers) == 50
    assert {len(number) for number in numbers} == {8}
    with pytest.raises(FormatError):
        device_number(bytes(31))
