"""Bytes as words that can be spoken and typed: proquints, and a word that says when one was misheard.

specs/pass.md section 12

    spoken(bytes.fromhex("7f000001"))          # "lusab-babad-nupin"
    heard("Lusab babad, ...")                  # the same bytes; FormatError when a word was misheard

- A word is 16 bits: consonant, vowel, consonant, vowel, consonant; 16 consonants and 4 vowels, most significant bits
  first (D. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016).
- A spoken text of n words ends with a check word: the first 16 bits of SHA-256 over its purpose and the bytes before.
  One wrong word of a text is missed once in 65,536 times.
"""

import hashlib
import re
import string

from ownhue.errors import FormatError, LimitError

#: Most characters that are read: ten times what is ever spoken. specs/pass.md section 12
MAX_SPOKEN_CHARACTERS = 1000

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORD = re.compile(f"[{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}]")
_BETWEEN = re.compile(r"[\s,.;\-\u2010-\u2015]+")
# ASCII alone: other alphabets have letters that become one of these, and readers would differ.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_CHECK_PURPOSE = b"OWNHUE-SPOKEN"
_CHECK_BYTES = 2


def spoken(data: bytes) -> str:
    """An even number of bytes as words and a check word, joined by hyphens. Raises FormatError for an odd number."""
    if len(data) % 2:
        raise FormatError("a spoken text has an even number of bytes")
    whole = data + _check(data)
    return "-".join(_word(int.from_bytes(whole[at : at + 2], "big")) for at in range(0, len(whole), 2))


def heard(text: str) -> bytes:
    """The bytes of :func:`spoken`, however the words were written.

    Raises FormatError that says which word is wrong (never what it was), LimitError for a long text.
    """
    if len(text) > MAX_SPOKEN_CHARACTERS:
        raise LimitError(f"a spoken text has at most {MAX_SPOKEN_CHARACTERS} characters")
    words = spoken_words(text)
    for number, word in enumerate(words, 1):
        if not is_spoken_word(word):
            raise FormatError(f"word {number} is none of the spoken words")
    whole = b"".join(_number(word).to_bytes(2, "big") for word in words)
    data, check = whole[:-_CHECK_BYTES], whole[-_CHECK_BYTES:]
    if not data or _check(data) != check:
        raise FormatError("a word is wrong or missing: the check word does not fit")
    return data


def spoken_words(text: str) -> list[str]:
    """The words of *text*, its ASCII letters in lower case, whatever stands between them."""
    return [word for word in _BETWEEN.split(text.translate(_LOWER)) if word]


def is_spoken_word(word: str) -> bool:
    """Whether *word* (in lower case) is one of the 65,536."""
    return _WORD.fullmatch(word) is not None


def _word(number: int) -> str:
    first, second = number >> 10, number & 1023
    return _syllable(first) + _syllable(second >> 4) + _CONSONANTS[second & 15]


def _syllable(bits: int) -> str:
    return _CONSONANTS[bits >> 2] + _VOWELS[bits & 3]


def _number(word: str) -> int:
    number = 0
    for letter in word:
        alphabet, bits = (_VOWELS, 2) if letter in _VOWELS else (_CONSONANTS, 4)
        number = number << bits | alphabet.index(letter)
    return number


def _check(data: bytes) -> bytes:
    return hashlib.sha256(_CHECK_PURPOSE + data).digest()[:_CHECK_BYTES]
