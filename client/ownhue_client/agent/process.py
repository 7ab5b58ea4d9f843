"""The process of an agent: signals, socket, systemd, and the order of the end. specs/phone.md section 7

    ending = run_process(directory, open_phone, answer=answer, is_long=is_long, ...)

- SIGTERM and SIGINT end it: the broadcast first, then what is under way, then the store. A request that waits for a
  server is not waited for twice: no further one leaves.
- After the sunset everything in the phone's folder is erased, and systemd does not start the agent again.
"""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ownhue_client.agent.agent import Agent, Ending, Radio
from ownhue_client.agent.answering import answering
from ownhue_client.agent.backends import Choice, ChosenSource, radio_of
from ownhue_client.agent.control import serving
from ownhue_client.agent.notifications import notifications
from ownhue_client.agent.service import sd_notify
from ownhue_client.agent.settings import AgentSettings
from ownhue_client.fetching import open_client
from ownhue_client.phone import Phone
from ownhue_client.phone.erase import erase_everything
from ownhue_client.phone.unlock import MasterKeySource


@dataclass(frozen=True)
class Job:
    """What a process needs from whoever starts it."""

    open_phone: Callable[[httpx.Client, Callable[[float], None]], Phone]
    """Opens the phone; its requests go through this client, and it waits between two tries by this function."""
    answer: Callable[[Agent, str, dict[str, Any]], Any]
    """Answers an operation of a command; the agent's phone is ``agent.phone``, its own state ``agent.state()``."""
    is_long: Callable[[str], bool]
    """Whether an operation may wait for the network, or take seconds."""
    changes: Callable[[str], bool]
    """Whether the colour, or what is to be done next, may be another one after an operation."""
    now: Callable[[], int]
    """The wall clock, unix seconds."""
    random: Callable[[int], bytes]
    """So many random bytes."""
    unlock: MasterKeySource | None = None
    """How the phone is unlocked: asked after the sunset, to be erased too."""
    settings: AgentSettings | None = None
    started: Callable[[Agent], None] = lambda agent: None
    """Told when the agent answers."""


def run_process(directory: Path, choice: Choice, job: Job) -> Ending:
    """Run the agent of the phone in *directory* until a signal, or the sunset. Raises what opening the phone raises."""
    stopping = threading.Event()
    with _stoppable_client(stopping) as client:
        phone = job.open_phone(client, _stoppable_wait(stopping))
        try:
            ending = asyncio.run(_run(phone, directory, choice, job, stopping))
        finally:
            phone.close()
    if ending is Ending.SUNSET:
        erase_everything(directory, job.unlock)
    return ending


async def _run(phone: Phone, directory: Path, choice: Choice, job: Job, stopping: threading.Event) -> Ending:
    async with notifications() as notifier, _radio(choice, phone, job) as radio:
        agent = Agent(
            phone,
            radio,
            ChosenSource(phone, job.now),
            now=job.now,
            random=job.random,
            notifier=notifier,
            settings=job.settings,
        )

        def stop() -> None:
            stopping.set()
            sd_notify("STOPPING=1")
            agent.stop()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        handler = answering(agent, lambda op, args: job.answer(agent, op, args), job.is_long, job.changes)
        async with serving(directory, handler):
            sd_notify("READY=1")
            job.started(agent)
            return await agent.run()


@asynccontextmanager
async def _radio(choice: Choice, phone: Phone, job: Job) -> AsyncIterator[Radio | None]:
    chosen = choice if choice.radio else Choice(phone.preferences().radio)
    async with radio_of(chosen, phone.preferences().service_uuid, job.now, job.random) as radio:
        yield radio


def _stoppable_wait(stopping: threading.Event) -> Callable[[float], None]:
    """Waits for seconds, or until *stopping* is set."""

    def wait(seconds: float) -> None:
        stopping.wait(seconds)

    return wait


@contextmanager
def _stoppable_client(stopping: threading.Event) -> Iterator[httpx.Client]:
    """A client through which nothing leaves any more once *stopping* is set."""

    def refuse(request: httpx.Request) -> None:
        if stopping.is_set():
            raise httpx.ConnectError("the agent is ending", request=request)

    with open_client(time.monotonic) as client:
        client.event_hooks = {"request": [refuse], "response": []}
        yield client
