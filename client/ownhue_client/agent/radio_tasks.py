"""The radio and the places of an agent: rotation, scanning, fixes, for as long as the phone may use them."""

import asyncio
from collections.abc import AsyncGenerator

from ownhue.errors import FormatError, OwnhueError
from ownhue_client.agent.agent import Agent, Radio
from ownhue_client.agent.rotation import Rotation
from ownhue_client.agent.scanning import Scan, Scanning
from ownhue_client.agent.schedule import Backoff
from ownhue_client.location.interface import LocationSource

_HOUR = 3600


async def keep_radio(agent: Agent, radio: Radio) -> None:
    """Send and listen while the phone is not silent."""
    while True:
        if not agent.silent:
            await _use(agent, radio)
        await agent.pace.until(agent.now() + _HOUR)


async def keep_place(agent: Agent, source: LocationSource) -> None:
    """Note where the phone is. A source that fails is asked again later."""
    backoff = Backoff(agent.settings.backoff, agent.random)
    while True:
        try:
            await _note_fixes(agent, source, backoff)
        except OwnhueError as error:
            agent.met("place", error)
        await agent.pace.rest(_HOUR if agent.silent else backoff.failed())


async def _note_fixes(agent: Agent, source: LocationSource, backoff: Backoff) -> None:
    fixes = source.fixes()
    try:
        async for fix in fixes:
            if agent.silent:
                return
            agent.take_fix(fix)
            agent.worked("place")
            backoff.worked()
    finally:
        # Else the source stays open until somebody collects it.
        if isinstance(fixes, AsyncGenerator):
            await fixes.aclose()


class _Use:
    """Both halves of a radio, while they are used. Fits ``agent.RadioUse``."""

    def __init__(self, agent: Agent, radio: Radio) -> None:
        phone = agent.phone
        self.rotation = Rotation(
            radio.broadcaster,
            phone.beacon_at,
            agent.now,
            agent.random,
            was_on_air=phone.was_on_air,
            note_on_air=phone.note_on_air,
        )
        self.scanning = Scanning(
            radio.scanner, agent.now, agent.random, lambda scan: _take(agent, scan), own=phone.own_identifiers
        )

    @property
    def on_air_since(self) -> int | None:
        return self.rotation.on_air_since

    @property
    def trouble(self) -> dict[str, str]:
        halves = {"broadcast": self.rotation.trouble, "scan": self.scanning.trouble}
        return {what: trouble for what, trouble in halves.items() if trouble}


async def _use(agent: Agent, radio: Radio) -> None:
    """Send and listen until the phone has to fall silent."""
    agent.using = use = _Use(agent, radio)
    try:
        async with asyncio.TaskGroup() as group:
            using = [
                group.create_task(_again(agent, "broadcast", use.rotation)),
                group.create_task(_again(agent, "scan", use.scanning)),
                group.create_task(_wake_after_jumps(agent, use)),
            ]
            while not agent.silent:
                await agent.pace.until(agent.now() + _HOUR)
            for task in using:
                task.cancel()
    finally:
        agent.using = None


async def _again(agent: Agent, what: str, half: Rotation | Scanning) -> None:
    """Run one half of the radio; what fails in the phone itself (a full disk) is tried again later."""
    while True:
        try:
            await half.run()
        except OwnhueError as error:
            agent.met(f"store ({what})", error)
        await asyncio.sleep(agent.settings.trouble_seconds)
        agent.worked(f"store ({what})")


async def _wake_after_jumps(agent: Agent, use: _Use) -> None:
    """A device that slept has neither sent nor listened: both begin at once."""
    while True:
        if not await agent.pace.rest(_HOUR):
            use.rotation.wake()
            use.scanning.wake()


def _take(agent: Agent, scan: Scan) -> None:
    try:
        agent.take_scan(scan)
    except FormatError as error:
        # What no radio gives: this scan is lost, the next one is not.
        agent.met("hearing", error)
    else:
        agent.worked("hearing")
