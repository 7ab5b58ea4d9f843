"""A logind on a private bus: it hands out locks, and goes to sleep when nobody holds one any more."""

import asyncio
import os
import select
from collections.abc import Callable

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from ownhue_client.radio.bluez.names import LOGIND, LOGIND_MANAGER, LOGIND_PATH, PROPERTIES


class FakeLogind:
    """The part of systemd-logind that knows of sleep."""

    def __init__(self, address: str, *, refuses: bool = False) -> None:
        self.address = address
        self.refuses = refuses
        self.preparing = False
        self.wishes: list[list[str]] = []
        self.before_lock: Callable[[], None] = lambda: None
        self._locks: list[int] = []
        self._given: list[int] = []

    async def __aenter__(self) -> "FakeLogind":
        self.bus = await MessageBus(bus_address=self.address, negotiate_unix_fd=True).connect()
        self.bus.add_message_handler(self._take)
        await self.bus.request_name(LOGIND)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.bus.disconnect()
        await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        for descriptor in (*self._locks, *self._given):
            os.close(descriptor)

    def held(self) -> int:
        """Locks that somebody holds: their other ends are open."""
        for given in self._given:
            os.close(given)  # the message has left by now
        self._given.clear()
        poll = select.poll()
        for descriptor in self._locks:
            poll.register(descriptor, 0)
        return len(self._locks) - len(poll.poll(0))

    async def sleep(self) -> None:
        """Tell that the device is about to sleep, and wait for the locks."""
        self.preparing = True
        self.tell(True)
        async with asyncio.timeout(5):
            while self.held():
                await asyncio.sleep(0.001)

    def wake(self) -> None:
        """Tell that it has slept."""
        self.preparing = False
        self.tell(False)

    def tell(self, begins: bool) -> None:
        """The signal alone."""
        self.bus.send(Message.new_signal(LOGIND_PATH, LOGIND_MANAGER, "PrepareForSleep", "b", [begins]))

    def _take(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "Inhibit":
            return self._inhibit(message)
        assert (message.interface, message.member) == (PROPERTIES, "Get")
        return Message.new_method_return(message, "v", [Variant("b", self.preparing)])

    def _inhibit(self, message: Message) -> Message:
        self.before_lock()
        if self.refuses:
            return Message.new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "not now")
        self.wishes.append(message.body)
        ours, theirs = os.pipe()
        self._locks.append(ours)
        self._given.append(theirs)
        return Message.new_method_return(message, "h", [0], unix_fds=[theirs])
