"""When passes are fetched: once a day at a random time, for days ahead, never when a code is shown. specs/pass.md

The time is noted, so a restart draws no other one; one that has passed unused (the device was off) is drawn anew, so
that switching on tells the issuer nothing of the last evening.
"""

from ownhue.errors import OwnhueError, StateError
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.schedule import Backoff, between, on_day
from ownhue_client.errors import UnreachableError
from ownhue_client.phone.door import RefusedError

_DAY = 86400
_PLANNED = "passes_at"
#: A time that is further in the past than this, in seconds, was slept through.
_MISSED = 120


class Passes:
    """Fetches the passes of *agent*'s phone."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._backoff = Backoff(agent.settings.backoff, agent.random)
        self._not_enrolled = False

    def due(self) -> int:
        """Unix second at which they are to be fetched. Called again after every waking."""
        now, planned = self._agent.now(), self._agent.phone.notes.get(_PLANNED)
        if self._not_enrolled:
            # Asking again costs nothing: without an enrolment nothing leaves the phone.
            self._not_enrolled = False
            return self._plan(now)
        if planned is None or planned < now - _MISSED or planned > now + 2 * _DAY:
            return self._plan(now + int(between(self._agent.settings.first_passes_within, self._agent.random)))
        return int(planned)

    async def fetch(self) -> None:
        """Fetch them, and plan the next time."""
        agent = self._agent
        try:
            await agent.exclusively(agent.passes_once)
        except UnreachableError as error:
            self._failed(error, agent.now() + int(self._backoff.failed()))
        except OwnhueError as error:
            # The issuer said no, or nobody was asked: another try within the hour would hear the same.
            self._not_enrolled = isinstance(error, StateError) and not isinstance(error, RefusedError)
            self._failed(error, self._tomorrow())
            if self._not_enrolled:
                await agent.pace.until(self._tomorrow())
        else:
            self._backoff.worked()
            agent.worked("passes")
            self._plan(self._tomorrow())

    def _failed(self, error: OwnhueError, again: int) -> None:
        self._agent.met("passes", error)
        self._plan(again)

    def _tomorrow(self) -> int:
        return on_day(self._agent.now() // _DAY + 1, self._agent.settings.passes_within, self._agent.random)

    def _plan(self, unix: int) -> int:
        self._agent.phone.notes.put(_PLANNED, unix)
        return unix
