"""How the meetings of a trace reach the agents: exactly, or by a sampled radio (sampled.py)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from ownhue.contact_trace import Contact
from ownhue_client.agent.agent import Agent
from ownhue_client.city.air import Air
from ownhue_client.city.clock import CityClock

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


class Event(NamedTuple):
    """Something that somebody does at a time (unix seconds), in the middle of a day."""

    time: int
    act: Callable[[], None]


class Carrier(Protocol):
    """Carries a day's meetings."""

    def play(self, contacts: Sequence[Contact], events: Sequence[Event], progress: Progress) -> None:
        """Let the agents hear each other as *contacts* say, and do each of *events* at its time. Both are in order."""


MakeCarrier = Callable[[Mapping[int, Agent], CityClock], Carrier]


class ExactRadio:
    """Each contact is heard by both, in a scan that stands for exactly its seconds, at its attenuation."""

    def __init__(self, agents: Mapping[int, Agent], clock: CityClock) -> None:
        self._air = Air(agents)
        self._clock = clock

    def play(self, contacts: Sequence[Contact], events: Sequence[Event], progress: Progress) -> None:
        """As :meth:`Carrier.play`."""
        waiting = list(events)
        for done, contact in enumerate(contacts):
            while waiting and waiting[0].time <= contact.time:
                self._do(waiting.pop(0))
            self._air.meet(contact.a, contact.b, contact.time, contact.seconds, contact.attenuation)
            if done % 500 == 0:
                progress("meeting", done, len(contacts))
        for event in waiting:
            self._do(event)
        self._air.settle()

    def _do(self, event: Event) -> None:
        self._air.settle()
        self._clock.move(event.time)
        event.act()
