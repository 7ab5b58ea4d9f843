"""A phone whose agent lives in virtual time, in a region in memory that goes on publishing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from unittest.mock import patch

from ownhue.key_file import ExposureKey
from ownhue.rulebook import Rulebook
from ownhue_client.agent.agent import Agent, Ending, Radio
from ownhue_client.agent.long_work import directly
from ownhue_client.agent.settings import AgentSettings
from ownhue_client.agent.told import Message
from ownhue_client.location.interface import LocationSource
from ownhue_client.phone import Phone, Settings
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual
from tests.client.publisher import BATCH_SECONDS
from tests.client.radio.fake_radio import FakeBroadcaster, FakeScanner
from tests.client.town import Town, epoch_key, epochs_document

HOUR, DAY = 3600, 86400


class Life:
    """What a test sees of one life of an agent."""

    def __init__(self, town: Town, phone: Phone, clock: VirtualClock, *, radio: bool, passes: bool) -> None:
        self.town = town
        self.phone = phone
        self.clock = clock
        self.radio_on, self._passes = radio, passes
        self.told: list[Message] = []
        self.broadcaster = FakeBroadcaster()
        self.scanner = FakeScanner()
        self.published: list[ExposureKey] = []
        self.documents: list[tuple[str, bytes]] = []
        #: Whether the town goes on closing batches.
        self.publishes = True
        self.location: LocationSource | None = None
        self.settings = AgentSettings()
        self.seed = 1
        self.agent: Agent
        self.ending: Ending | None = None

    def start(self) -> None:
        """Start another agent of the same phone: the first one, or one after a stop."""
        self.seed += 1
        self.agent = Agent(
            self.phone,
            Radio(self.broadcaster, self.scanner) if self.radio_on else None,
            self.location,
            now=self.clock.now,
            random=Random(self.seed).randbytes,
            run_long=directly,
            notifier=self.told.append,
            settings=self.settings,
            clock=self.clock,
        )

    async def during(self, seconds: float) -> None:
        """Let the agent run for *seconds*, and stop it."""
        running = asyncio.create_task(self.agent.run())
        await asyncio.sleep(seconds)
        self.agent.stop() if not running.done() else None
        self.ending = await running

    def paths(self, path: str) -> int:
        """How many requests reached *path*."""
        return sum(request.url.path == path for request in self.town.requests)

    def titles(self) -> list[str]:
        """Titles of what was told."""
        return [message.title for message in self.told]

    async def publish(self) -> None:
        """Close a batch every two hours, with the keys that wait, and the next days' epoch keys."""
        while True:
            closing = (self.town.publisher.batch + 1) * BATCH_SECONDS
            await asyncio.sleep(max(closing - self.clock.now(), 0) + 60)
            if self.publishes:
                keys, self.published = self.published, []
                today = closing // DAY
                documents = [epochs_document(*map(epoch_key, range(today, today + 3)))] if self._passes else []
                self.town.now = self.town.publisher.close_keys(*documents, *self.documents, keys=keys)
                self.documents = []
            else:
                self.town.publisher.batch += 1


def _town_of(rulebook: Rulebook) -> Town:
    with patch("tests.client.town.demonstration_rulebook", lambda: rulebook):
        return Town()


def live(
    folder: Path,
    story: Callable[[Life], Awaitable[None]],
    *,
    radio: bool = True,
    passes: bool = False,
    rulebook: Rulebook | None = None,
) -> None:
    """Play *story* in virtual time, on the real store in *folder*. *passes*: the town's issuer goes on, too (slow)."""
    town = Town() if rulebook is None else _town_of(rulebook)

    async def main() -> None:
        clock = VirtualClock(asyncio.get_running_loop(), town.now)
        phone = Phone.create(
            folder,
            town.region,
            # Seeded: what is drawn by chance (decoys, delays) is the same in each run of a test.
            random=Random(7).randbytes,
            http_client=town.client(),
            now=town.now,
            clock=clock,
            settings=Settings(passes_per_day=2),
        )
        life = Life(town, phone, clock, radio=radio, passes=passes)
        life.start()
        publishing = asyncio.create_task(life.publish())
        try:
            await story(life)
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
            phone.close()

    run_virtual(main())
