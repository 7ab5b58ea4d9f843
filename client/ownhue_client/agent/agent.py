"""The device agent: what a phone does by itself, in one asyncio process. specs/phone.md section 6

    agent = Agent(phone, Radio(broadcaster, scanner), None, now=now, random=os.urandom)
    ending = await agent.run()            # until stop(), or the sunset: then its folder is to be erased

    agent.take_scan(scan)                 # what its tasks do, one by one, without the loop: for a city of phones
    agent.sync_once()
    decision = agent.recompute()

- Clock, randomness, radio, places and notices come from outside; the phone stays the caller's, who closes it.
- What waits for the network is done one at a time, in a worker thread (long_work.py); scans and looks go on meanwhile.
- What fails is tried again later and told by :meth:`Agent.state`; it ends neither the radio nor the rest.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from ownhue.colour import Decision
from ownhue.errors import ForkError, FormatError, OwnhueError
from ownhue_client.agent import told
from ownhue_client.agent.long_work import LongWork, RunLong, in_thread
from ownhue_client.agent.pace import Pace
from ownhue_client.agent.parts import Ending, Radio, RadioUse
from ownhue_client.agent.scanning import Scan
from ownhue_client.agent.settings import AgentSettings
from ownhue_client.agent.sunset import Stage, Sunset
from ownhue_client.agent.teller import Teller
from ownhue_client.agent.told import Notifier
from ownhue_client.clock import Clock, SystemClock
from ownhue_client.location.interface import Fix, LocationSource
from ownhue_client.phone import Phone, SyncResult
from ownhue_client.phone.door import RefusedError

T = TypeVar("T")

__all__ = ["Agent", "Ending", "Radio"]

#: Note: unix second of the last whole synchronisation.
_SYNCED = "synced"


class Agent:
    """The agent of *phone*."""

    def __init__(
        self,
        phone: Phone,
        radio: Radio | None,
        location: LocationSource | None,
        *,
        now: Callable[[], int],
        random: Callable[[int], bytes],
        run_long: RunLong = in_thread,
        notifier: Notifier | None = None,
        settings: AgentSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        """*now*: the wall clock, unix seconds; *random(n)* gives n bytes; *run_long*: see long_work.py; *clock*: the
        one that cannot be set, default the system's. Without *radio* nothing is sent or heard, without *location* no
        place is known."""
        self.phone = phone
        self.radio = radio
        self.location = location
        self.now = now
        self.random = random
        self.settings = settings or AgentSettings()
        self.pace = Pace(now)
        self.stage = Stage.RUNNING
        self.trouble: dict[str, str] = {}
        self.counts = {"scans": 0, "missed": 0, "sightings": 0, "dropped": 0, "malformed": 0}
        self.using: RadioUse | None = None
        self._begun = now()
        self._work = LongWork(run_long)
        self._teller = Teller(phone, notifier)
        self._sunset = Sunset(phone.notes, clock or SystemClock())
        self._stopping = asyncio.Event()
        self._ending = Ending.STOPPED

    async def run(self) -> Ending:
        """Do everything, until :meth:`stop`, or the end of the system. Nothing is on the air when this returns."""
        # Its tasks know the agent, so it cannot know them before.
        from ownhue_client.agent.tasks import tasks_of

        async with asyncio.TaskGroup() as group:
            running = [group.create_task(job, name=name) for name, job in tasks_of(self).items()]
            await self._stopping.wait()
            for task in running:
                task.cancel()
        return self._ending

    def stop(self, ending: Ending = Ending.STOPPED) -> None:
        """Let :meth:`run` end, the radio first. From the loop's thread."""
        self._ending = ending
        self._stopping.set()

    def wake(self) -> None:
        """Something was done from outside: look at everything anew."""
        self.pace.wake()

    async def exclusively(self, work: Callable[[], T]) -> T:
        """Do long *work* on the phone (whatever waits for the network) when no other is being done."""
        return await self._work.run(work)

    @property
    def silent(self) -> str:
        """Why this phone neither sends nor listens, in a sentence; empty: it does."""
        if self.stage in {Stage.SILENT, Stage.WIPE}:
            return "the system in this region is over"
        return "this phone has moved to another device" if self.phone.moved_at() is not None else ""

    def take_scan(self, scan: Scan) -> None:
        """Keep what a scan heard, or that it heard nobody, or did not run."""
        if scan.sightings:
            self.phone.hear_many(scan.sightings)
        else:
            self.phone.note_scan(scan.time, ran=scan.ran)
        found = {"scans" if scan.ran else "missed": 1, "sightings": len(scan.sightings)}
        for name, count in (found | {"dropped": scan.dropped, "malformed": scan.malformed}).items():
            self.counts[name] += count

    def take_fix(self, fix: Fix) -> None:
        """Keep where the phone is."""
        self.phone.note_place(fix.latitude, fix.longitude, fix.accuracy, fix.time)

    def sync_once(self) -> SyncResult:
        """Synchronise now. Raises what ``Phone.sync`` raises; a fork is told the owner."""
        try:
            result = self.phone.sync(self.now())
        except ForkError:
            if "sync" not in self.trouble:
                self._teller.tell(told.FORK)
            raise
        self.phone.notes.put(_SYNCED, self.now())
        return result

    @property
    def synced_at(self) -> int | None:
        """Unix second of the last whole synchronisation by an agent; None: there was none."""
        at: int | None = self.phone.notes.get(_SYNCED)
        return at

    def passes_once(self) -> int:
        """Fetch passes for today and the next days, more of them while the owner travels; how many came.

        Raises what ``Phone.fetch_passes`` raises. That the desk has stopped this phone is told the owner.
        """
        days = self.settings.travelling_days if self.phone.preferences().travelling else None
        try:
            return self.phone.fetch_passes(self.now(), days)
        except RefusedError as error:
            if error.word == "stopped_device" and "passes" not in self.trouble:
                self._teller.tell(told.LOST)
            raise

    def send_once(self) -> str | None:
        """Send the next message that is due: what follows a claim, or part of a decoy. None: nothing is.

        Raises UnreachableError; a refusal is told the owner.
        """
        now = self.now()
        due = self.phone.report_due(now)
        if due is not None and due <= now:
            try:
                return self.phone.send_due(now)
            except RefusedError as error:
                self._teller.tell(told.refused(str(error)))
                return None
        if self.phone.decoy_due(now) > now:
            return None
        self.phone.send_decoy(now)
        return "decoy"

    def recompute(self) -> Decision:
        """Work the colour out anew, tell what is worth telling, and look whether the sunset has come."""
        now = self.now()
        decision = self.phone.decide(now)
        self._teller.changes(decision)
        before, self.stage = self.stage, self._sunset.look(self.phone.rulebook(now), decision)
        self._teller.stage(self.stage)
        if self.stage is Stage.WIPE:
            self.stop(Ending.SUNSET)
        elif self.stage is not before:
            self.wake()
        return decision

    def tidy(self) -> None:
        """Forget what is too old."""
        self.phone.tidy(self.now())

    def met(self, what: str, error: OwnhueError) -> None:
        """*what* failed. Names in a hostile file stand behind a colon: they are left out."""
        self.trouble[what] = str(error).partition(":")[0] if isinstance(error, FormatError) else str(error)

    def worked(self, what: str) -> None:
        """*what* went well."""
        self.trouble.pop(what, None)

    def state(self) -> dict[str, Any]:
        """How the agent does, as values of JSON; times in unix seconds."""
        return {
            "running_since": self._begun,
            "radio": self.radio is not None,
            "on_air_since": self.using.on_air_since if self.using else None,
            "silent": self.silent,
            "synced_at": self.synced_at,
            "trouble": self.trouble | (self.using.trouble if self.using else {}),
            "counts": dict(self.counts),
            "stage": self.stage.name.lower(),
        }
