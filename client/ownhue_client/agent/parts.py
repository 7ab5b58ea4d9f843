"""Parts of an agent that others name: its radio, and why it ended."""

from enum import Enum
from typing import NamedTuple, Protocol

from ownhue_client.radio.interface import Broadcaster, Scanner


class Radio(NamedTuple):
    """Both halves of a radio."""

    broadcaster: Broadcaster
    scanner: Scanner


class RadioUse(Protocol):
    """The radio while it is used."""

    @property
    def on_air_since(self) -> int | None:
        """Unix second at which the present beacon went on the air; None: nothing is sent."""

    @property
    def trouble(self) -> dict[str, str]:
        """Why it does not send ("broadcast") or listen ("scan"), in a sentence; empty where it does."""


class Ending(Enum):
    """Why an agent ended."""

    STOPPED = "stopped"
    """Somebody told it to."""
    SUNSET = "sunset"
    """The system in this region is over for good: everything in the phone's folder is to be erased."""
