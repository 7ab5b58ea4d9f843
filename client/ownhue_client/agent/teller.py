"""What the owner is told, once each, over restarts: changes of the colour, stages of the sunset, and what went wrong.

The decision that was told last is noted apart from the phone's own last decision: a command that looks at the colour
first must not swallow the news.
"""

from ownhue.colour import Decision, decision_bytes, parse_decision
from ownhue.errors import FormatError
from ownhue_client.agent import told
from ownhue_client.agent.sunset import Stage
from ownhue_client.agent.told import Message, Notifier
from ownhue_client.phone import Phone
from ownhue_client.phone.changes import worth_telling

#: Notes: the decision that was told last, which stage of the sunset was.
_DECISION, _STAGE = "told", "told_stage"


class Teller:
    """Tells the owner of *phone* by *notifier*, if that is wanted."""

    def __init__(self, phone: Phone, notifier: Notifier | None) -> None:
        self._phone = phone
        self._notifier = notifier

    def tell(self, message: Message) -> None:
        """Tell *message*."""
        if self._notifier is not None and self._phone.preferences().notifications:
            self._notifier(message)

    def changes(self, decision: Decision) -> None:
        """Tell what is worth telling since the last time."""
        data, before = decision_bytes(decision), self._last()
        for notice in worth_telling(before, decision):
            self.tell(Message(notice.title, notice.text, urgent=notice.kind in told.URGENT))
        self._phone.notes.put(_DECISION, data)

    def stage(self, stage: Stage) -> None:
        """Tell a stage of the sunset when it begins."""
        notes = self._phone.notes
        if notes.get(_STAGE) == stage.name:
            return
        if stage.name in told.SUNSET:
            self.tell(told.SUNSET[stage.name])
        notes.put(_STAGE, stage.name)

    def _last(self) -> Decision | None:
        data = self._phone.notes.get(_DECISION)
        try:
            return None if data is None else parse_decision(data)
        except FormatError:
            # Noted by another version of this program: told anew rather than never.
            return None
