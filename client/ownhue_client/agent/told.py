"""What the agent itself has to tell its owner, beside changes of colour (``phone.changes``).

A message may lie on a locked screen: it holds no place, no person and no code.
"""

from collections.abc import Callable
from typing import NamedTuple


class Message(NamedTuple):
    """One thing to tell."""

    title: str
    """One short line."""
    text: str
    """One to three sentences."""
    urgent: bool = False
    """It stays until it was read."""


#: Tells the owner, without waiting and without an error.
Notifier = Callable[[Message], None]

#: Kinds of notices that stay on the screen until they were read.
URGENT = frozenset({"worse", "again", "longer"})

FORK = Message(
    "Published data contradict each other",
    "What this phone was shown does not fit what was published before. It was not used; the proof is kept.",
    urgent=True,
)

LOST = Message(
    "This phone was reported as lost",
    "It gets no more passes. If it is yours, enrol it anew with a ticket of the desk.",
    urgent=True,
)

#: By name of a sunset's stage.
SUNSET = {
    "NEAR": Message(
        "The health code ends soon",
        "In at most two weeks this system is over in your region. Your phone then wipes itself.",
    ),
    "LAST_DAY": Message(
        "The health code ends today",
        "From tomorrow on this phone sends and listens no more. Three days later, at the earliest, it wipes itself.",
        urgent=True,
    ),
    "SILENT": Message(
        "The health code is over",
        "This phone sends and listens no more. It will wipe itself; save now what you want to keep.",
        urgent=True,
    ),
    "WIPE": Message("The health code is over", "This phone wipes itself now, as it was announced.", urgent=True),
}


def refused(why: str) -> Message:
    """The publisher refused what followed a claim; *why* in plain words."""
    return Message("Your report was not accepted", f"The publisher's answer: {why}.", urgent=True)
