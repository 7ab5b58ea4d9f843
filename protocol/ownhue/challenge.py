"""Challenges: what a checkpoint shows so that a code cannot be a recording. specs/code.md section 3

    OWNC1:PGO:ROI*O$5PBHPUSP4+PN6Q       "OWNC1:" and the Base45 text (RFC 9285) of 16 random bytes

- 30 characters always, a QR code of version 2 at level M: a phone's camera reads it from a screen at arm's length.
- A challenge says nothing about the checkpoint, and is drawn anew for each person.
"""

from collections.abc import Callable

from ownhue.encoding import base45_decode, base45_encode
from ownhue.errors import FormatError, LimitError

#: The first characters of every challenge. specs/code.md section 3
CHALLENGE_PREFIX = "OWNC1:"
#: Random bytes of a challenge. specs/code.md section 3
CHALLENGE_BYTES = 16
#: Characters of every challenge: the prefix and three for each two bytes. specs/code.md section 3
CHALLENGE_CHARACTERS = 30


def new_challenge(random: Callable[[int], bytes]) -> bytes:
    """The 16 bytes of a new challenge, from *random* (as ``os.urandom``)."""
    return random(CHALLENGE_BYTES)


def encode_challenge(challenge: bytes) -> str:
    """The text of *challenge*, for a QR code in alphanumeric mode. Raises FormatError unless it has 16 bytes."""
    if len(challenge) != CHALLENGE_BYTES:
        raise FormatError(f"a challenge has {CHALLENGE_BYTES} bytes")
    return CHALLENGE_PREFIX + base45_encode(challenge)


def parse_challenge(text: str) -> bytes:
    """The 16 bytes of *text*. Raises FormatError for any text that ``encode_challenge`` does not make."""
    if len(text) > CHALLENGE_CHARACTERS:
        raise LimitError(f"{len(text)} characters are too many for a challenge")
    if not text.startswith(CHALLENGE_PREFIX):
        raise FormatError(f"a challenge begins with {CHALLENGE_PREFIX}")
    challenge = base45_decode(text[len(CHALLENGE_PREFIX) :])
    if len(challenge) != CHALLENGE_BYTES:
        raise FormatError(f"a challenge has {CHALLENGE_BYTES} bytes")
    return challenge
