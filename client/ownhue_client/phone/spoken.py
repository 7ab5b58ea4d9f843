"""Passphrases that are spoken, and passphrases that their owner thought up. Words: ownhue.spoken

passphrase = spoken_passphrase(os.urandom)        # "lusab-babad-gutih-tugad-mudof-hajod"
normal_passphrase("Lusab babad, GUTIH ...")       # the same text; StateError when a word was misheard
"""

import unicodedata
from collections.abc import Callable

from ownhue.errors import FormatError, StateError
from ownhue.spoken import heard, is_spoken_word, spoken, spoken_words

__all__ = ["PASSPHRASE_BYTES", "PASSPHRASE_CHARACTERS", "heard", "normal_passphrase", "spoken", "spoken_passphrase"]

#: Random bytes of a spoken passphrase: 80 bits, five words and the check word. specs/phone.md section 3
PASSPHRASE_BYTES = 10
#: Fewest characters of a passphrase that its owner thought up. specs/phone.md section 3
PASSPHRASE_CHARACTERS = 12
_CHECK_BYTES = 2


def spoken_passphrase(random: Callable[[int], bytes]) -> str:
    """A passphrase of 80 random bits for a file that goes from hand to hand; ``random(n)`` gives n bytes."""
    return spoken(random(PASSPHRASE_BYTES))


def normal_passphrase(text: str) -> str:
    """*text* as it is used: spoken words in their one form, another text in Unicode's form NFKC without outer spaces.

    Raises StateError for a spoken passphrase with a misheard word, or for a text that is too short to keep anything.
    """
    if _looks_spoken(text):
        try:
            return spoken(heard(text))
        except FormatError as error:
            raise StateError(f"wrong passphrase: {error}") from error
    normal = unicodedata.normalize("NFKC", text).strip()
    if len(normal) < PASSPHRASE_CHARACTERS:
        raise StateError(f"a passphrase has {PASSPHRASE_CHARACTERS} characters or more")
    return normal


def _looks_spoken(text: str) -> bool:
    """Whether all but one of six words could be spoken ones: nobody's own sentence does that."""
    words = spoken_words(text)
    fitting = sum(1 for word in words if is_spoken_word(word))
    return len(words) == (PASSPHRASE_BYTES + _CHECK_BYTES) // 2 and fitting >= len(words) - 1
