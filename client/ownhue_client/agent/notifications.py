"""Telling the owner on the desktop: org.freedesktop.Notifications over D-Bus, else a line on the standard error.

    async with notifications() as notifier:
        notifier(Message("Your colour is yellow", "Until 2026-03-09, 23:59, if nothing new happens."))

Source: freedesktop.org, Desktop Notifications Specification 1.2. Whoever reads the screen, or the bus of the session,
reads the message: it holds no place, no person and no code.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from dbus_fast import BusType, DBusError, MessageType, Variant
from dbus_fast import Message as BusMessage
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, InvalidAddressError

from ownhue_client.agent.told import Message, Notifier

SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
#: The name under which the desktop lists the messages.
APPLICATION = "ownhue"
_NORMAL, _CRITICAL = 1, 2
#: The desktop decides how long it shows a message.
_DEFAULT_EXPIRY = -1
_CALL_SECONDS = 10
#: Messages that wait for a desktop that is slow; more of them are dropped, the oldest first.
_MOST_WAITING = 16

Connect = Callable[[], Awaitable[MessageBus]]


async def session_bus() -> MessageBus:
    """A connection to the bus of the user's session."""
    return await MessageBus(bus_type=BusType.SESSION).connect()


@asynccontextmanager
async def notifications(
    connect: Connect = session_bus, say: Callable[[str], None] | None = None
) -> AsyncIterator[Notifier]:
    """A notifier while the block runs; any thread may call it. *say*: the fallback, default the standard error.

    Messages that are still waiting at the end are delivered before it ends.
    """
    waiting: asyncio.Queue[Message | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(_deliver(waiting, connect, say or _on_stderr), name="notifications")

    def put(message: Message | None) -> None:
        if waiting.qsize() >= _MOST_WAITING:
            waiting.get_nowait()
        waiting.put_nowait(message)

    def tell(message: Message) -> None:
        loop.call_soon_threadsafe(put, message)

    try:
        yield tell
    finally:
        # Behind what was handed over before, in the order in which the loop was told.
        loop.call_soon(put, None)
        with suppress(TimeoutError):
            await asyncio.wait_for(task, 2 * _CALL_SECONDS)


async def _deliver(waiting: "asyncio.Queue[Message | None]", connect: Connect, say: Callable[[str], None]) -> None:
    """Deliver until None comes. The desktop may start later than the agent, or anew: it is looked for each time."""
    while (message := await waiting.get()) is not None:
        if not await _show(message, connect):
            say(f"{message.title}. {message.text}")


async def _show(message: Message, connect: Connect) -> bool:
    """Whether the desktop has taken *message*."""
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            bus = await connect()
            try:
                answer = await bus.call(_call(message))
            finally:
                bus.disconnect()
    except (OSError, EOFError, TimeoutError, AuthError, InvalidAddressError, DBusError):
        return False
    return answer.message_type is MessageType.METHOD_RETURN


def _call(message: Message) -> BusMessage:
    hints = {
        "urgency": Variant("y", _CRITICAL if message.urgent else _NORMAL),
        "category": Variant("s", "device"),
        # A colour of last week in a list of old messages would only confuse.
        "transient": Variant("b", not message.urgent),
    }
    body = [APPLICATION, 0, "", message.title, _escaped(message.text), [], hints, _DEFAULT_EXPIRY]
    return BusMessage(
        destination=SERVICE, path=PATH, interface=SERVICE, member="Notify", signature="susssasa{sv}i", body=body
    )


def _escaped(text: str) -> str:
    """The body may hold markup: a publisher's words must not."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _on_stderr(line: str) -> None:
    print(f"ownhue: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the journal of systemd
