"""What an agent does over and over, one task each. When: schedule.py and specs/phone.md section 6.

Each task lives as long as the agent. What fails in a way that is known is noted, and tried again later; what is not
known ends the agent: systemd starts it anew, and nothing that was half done is kept.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ownhue.errors import OwnhueError
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.passes import Passes
from ownhue_client.agent.radio_tasks import keep_place, keep_radio
from ownhue_client.agent.schedule import Backoff, after_batch, between, next_look, on_day

Keep = Callable[[Agent], Coroutine[Any, Any, None]]

_DAY = 86400
#: Least seconds between two synchronisations, however often the wall clock jumps. specs/phone.md section 6
LEAST_SYNC_GAP = 600


def tasks_of(agent: Agent) -> dict[str, Coroutine[Any, Any, None]]:
    """The tasks of *agent*, by name."""
    kept: dict[str, Keep] = {
        "colour": keep_colour,
        "sync": keep_synchronised,
        "passes": keep_passes,
        "sending": keep_sending,
        "tidy": keep_tidy,
    }
    if agent.radio is not None:
        kept["radio"] = partial(keep_radio, radio=agent.radio)
    if agent.location is not None:
        kept["place"] = partial(keep_place, source=agent.location)
    return {"clock": agent.pace.watch()} | {name: _survive(agent, name, keep) for name, keep in kept.items()}


async def _survive(agent: Agent, name: str, keep: Keep) -> None:
    """Begin a task anew, some minutes later, when what it did failed in the phone itself: a full disk, a bad page."""
    while True:
        try:
            await keep(agent)
        except OwnhueError as error:
            agent.met(f"task {name}", error)
        await asyncio.sleep(agent.settings.trouble_seconds)
        agent.worked(f"task {name}")


async def keep_synchronised(agent: Agent) -> None:
    """Synchronise some time after each batch; sooner after the start and after a sleep, later after failures."""
    backoff = Backoff(agent.settings.backoff, agent.random)
    clock = asyncio.get_running_loop().time
    wait, last = _first_sync(agent), clock() - LEAST_SYNC_GAP
    while True:
        if not await agent.pace.rest(wait):
            # The device slept, or its clock was set: what was planned by the old time means nothing.
            wait = max(between(agent.settings.sync_after_start, agent.random), last + LEAST_SYNC_GAP - clock())
            continue
        last = clock()
        wait = await _sync(agent, backoff)


async def keep_colour(agent: Agent) -> None:
    """Work the colour out whenever it may have changed: something new, midnight, data that become old."""
    while True:
        try:
            decision = agent.recompute()
        except OwnhueError as error:
            agent.met("colour", error)
            await agent.pace.until(agent.now() + agent.settings.trouble_seconds)
            continue
        agent.worked("colour")
        # The decision's own time may be the clock anchor's, so the wall clock counts for the difference alone.
        left = next_look(agent.phone.rulebook(agent.now()), decision, agent.settings) - decision.time
        await agent.pace.until(agent.now() + left)


async def keep_passes(agent: Agent) -> None:
    """Fetch passes once a day, at a random time."""
    passes = Passes(agent)
    while True:
        if await agent.pace.until(passes.due()) and not agent.silent:
            await passes.fetch()
        elif agent.silent:
            await agent.pace.until(agent.now() + _DAY)


async def keep_sending(agent: Agent) -> None:
    """Send what follows a claim, and decoys, when their time has come."""
    backoff = Backoff(agent.settings.backoff, agent.random)
    while True:
        now = agent.now()
        dues = [due for due in (agent.phone.report_due(now), agent.phone.decoy_due(now)) if due is not None]
        if agent.silent:
            await agent.pace.until(now + _DAY)
        elif await agent.pace.until(min(dues)):
            await _send(agent, backoff)


async def keep_tidy(agent: Agent) -> None:
    """Forget what is too old, soon after each midnight (UTC). At the start the phone has done so by itself."""
    day = agent.now() // _DAY
    while True:
        due = on_day(day + 1, agent.settings.tidy_after_midnight, agent.random)
        while not await agent.pace.until(min(due, agent.now() + _DAY)) and agent.now() < due:
            pass
        day = agent.now() // _DAY
        try:
            await agent.exclusively(agent.tidy)
        except OwnhueError as error:
            agent.met("tidy", error)
        else:
            agent.worked("tidy")


def _first_sync(agent: Agent) -> float:
    """Seconds until the first synchronisation: soon, unless there was one within the present batch."""
    now, batch, last = agent.now(), agent.phone.region.batch_seconds, agent.synced_at
    if last is not None and last // batch == now // batch:
        return after_batch(now, batch, agent.settings.sync_after_batch, agent.random)
    return between(agent.settings.sync_after_start, agent.random)


async def _sync(agent: Agent, backoff: Backoff) -> float:
    """Synchronise; seconds until the next time. What was learned, or that nothing was, may change the colour."""
    if agent.phone.moved_at() is not None:
        return _DAY
    # After the sunset, too: only what is published can say that it is over for certain, or that it goes on.
    try:
        await agent.exclusively(agent.sync_once)
    except OwnhueError as error:
        agent.met("sync", error)
        return backoff.failed()
    finally:
        agent.wake()
    backoff.worked()
    agent.worked("sync")
    return after_batch(agent.now(), agent.phone.region.batch_seconds, agent.settings.sync_after_batch, agent.random)


async def _send(agent: Agent, backoff: Backoff) -> None:
    try:
        await agent.exclusively(agent.send_once)
    except OwnhueError as error:
        # No answer, one that cannot be read, a store that is full: the same message is still due.
        agent.met("sending", error)
        await agent.pace.rest(backoff.failed())
    else:
        backoff.worked()
        agent.worked("sending")
