"""What comes from the bus: signals of trusted services, and refusals."""

from typing import Any, NamedTuple

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.sentences import sentence_of

#: Member of the signal that tells the end of the connection itself.
DISCONNECTED = "Disconnected"


class Signal(NamedTuple):
    """Something that a trusted service has told."""

    service: str
    """Well-known name of the sender."""
    path: str
    member: str
    body: list[Any]


class CallError(RadioError):
    """A service refused a call. The text is ours: a service's own may hold addresses."""

    def __init__(self, name: str) -> None:
        """*name* of the error on the bus."""
        super().__init__(sentence_of(name))
        self.name = name
