"""One connection to the system bus: calls that fail in sentences, signals of the services that are trusted.

    bus = Bus(watch_rules("hci0"))
    await bus.open()                                          # connects; does nothing while it is connected
    (objects,) = await bus.call("/", OBJECT_MANAGER, "GetManagedObjects")
    bus.listen(lambda signal: ...)                            # Signal(service="org.bluez", member=...)

- A signal counts only when its sender owns the name of BlueZ or logind, or is the bus: anybody else on the bus may
  send one that looks the same.
- A connection that is lost is told as the signal ``Disconnected``, and is made anew by the next :meth:`Bus.open`.
- Whatever this connection has registered, BlueZ takes down when it is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.names import BLUEZ, DBUS, DBUS_PATH, LOGIND
from ownhue_client.radio.bluez.sentences import LOST
from ownhue_client.radio.bluez.told import DISCONNECTED, CallError, Signal

#: Seconds for which an answer is waited for. BlueZ answers when the controller has.
CALL_SECONDS = 20.0
_LEAVE_SECONDS = 1.0
_SERVICES = (BLUEZ, LOGIND)
_NO_BUS = "there is no system bus here: Bluetooth cannot be used without D-Bus"

Connect = Callable[[], Awaitable[MessageBus]]
Answer = Callable[[Message], Message]


Listener = Callable[[Signal], None]


async def system_bus() -> MessageBus:
    """A connection to the system's bus, which may hand over file descriptors: locks of logind are such."""
    return await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()


class Bus:
    """A connection that is made when it is needed, and again when it was lost."""

    def __init__(self, rules: Iterable[str] = (), connect: Connect = system_bus) -> None:
        """*rules*: which signals are wanted, as match rules of D-Bus."""
        owners = (f"type='signal',sender='{DBUS}',member='NameOwnerChanged',arg0='{name}'" for name in _SERVICES)
        self._rules = (*owners, *rules)
        self._connect = connect
        self._opening = asyncio.Lock()
        self._bus: MessageBus | None = None
        self._watching: asyncio.Task[None] | None = None
        self._owners: dict[str, str] = {}
        self._listeners: list[Listener] = []
        self._objects: dict[str, Answer] = {}

    async def open(self) -> None:
        """Connect, unless it is connected. Raises RadioError."""
        async with self._opening:
            if self._bus is not None:
                return
            self._bus = await self._connected()
            try:
                for rule in self._rules:
                    await self.call(DBUS_PATH, DBUS, "AddMatch", "s", [rule], to=DBUS)
                for service in _SERVICES:
                    await self._find(service)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Leave the bus. BlueZ takes down what was registered here, and listeners hear of it."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            self._lost()

    async def leave(self) -> None:
        """:meth:`close`, and wait until the connection has ended."""
        watching = self._watching
        self.close()
        if watching is not None:
            await asyncio.wait({watching}, timeout=_LEAVE_SECONDS)

    def owner(self, service: str) -> str:
        """Unique name of who owns *service* now; empty: nobody."""
        return self._owners.get(service, "")

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell *listener* each signal, until the function that is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def show(self, path: str, answer: Answer) -> None:
        """Let BlueZ, and nobody else, call methods of an object at *path*."""
        self._objects[path] = answer

    def hide(self, path: str) -> None:
        """End :meth:`show`."""
        self._objects.pop(path, None)

    async def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        to: str = BLUEZ,
        seconds: float = CALL_SECONDS,
    ) -> list[Any]:
        """What a method returns. Raises CallError (refused) or RadioError (no answer, not connected)."""
        message = Message(
            destination=to, path=path, interface=interface, member=member, signature=signature, body=list(body)
        )
        return list((await self.ask(message, seconds)).body)

    async def ask(self, call: Message, seconds: float = CALL_SECONDS) -> Message:
        """The whole answer to *call*, with file descriptors if there are some. Raises as :meth:`call`."""
        bus = self._bus
        if bus is None:
            raise RadioError(LOST)
        try:
            async with asyncio.timeout(seconds):
                answer: Message | None = await bus.call(call)
        except TimeoutError as error:
            raise RadioError(f"{_SPOKEN.get(call.destination, 'the system bus')} does not answer") from error
        except (OSError, EOFError, DBusError) as error:
            raise RadioError(LOST) from error
        if answer is None:
            raise RadioError(LOST)
        if answer.message_type is MessageType.ERROR:
            raise CallError(answer.error_name or "")
        return answer

    async def _connected(self) -> MessageBus:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                bus = await self._connect()
        except (OSError, EOFError, TimeoutError, AuthError, InvalidAddressError, DBusError) as error:
            raise RadioError(_NO_BUS) from error
        bus.add_message_handler(partial(self._take, bus))
        self._watching = asyncio.create_task(self._watch(bus), name="system bus")
        return bus

    async def _find(self, service: str) -> None:
        self._owners.pop(service, None)
        with suppress(CallError):  # nobody owns it: it may come
            (self._owners[service],) = await self.call(DBUS_PATH, DBUS, "GetNameOwner", "s", [service], to=DBUS)

    async def _watch(self, bus: MessageBus) -> None:
        with suppress(EOFError, OSError, DBusError):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        if self._bus is bus:
            self._bus = None
            self._lost()

    def _lost(self) -> None:
        self._owners.clear()
        self._tell(Signal(DBUS, "", DISCONNECTED, []))

    def _tell(self, signal: Signal) -> None:
        for listener in tuple(self._listeners):
            listener(signal)

    def _take(self, bus: MessageBus, message: Message) -> Message | bool | None:
        if bus is not self._bus:
            return True  # it was closed: what still comes out of it is nothing that needs an answer
        if message.message_type is MessageType.SIGNAL:
            self._hear(message)
        elif message.message_type is MessageType.METHOD_CALL and message.path in self._objects:
            if message.sender != self._owners.get(BLUEZ):
                return Message.new_error(message, "org.freedesktop.DBus.Error.AccessDenied", "for BlueZ alone")
            return self._objects[message.path](message)
        return None

    def _hear(self, message: Message) -> None:
        service = next((name for name, owner in self._owners.items() if owner == message.sender), "")
        if message.sender == DBUS:
            service = DBUS
            if message.member == "NameOwnerChanged":
                self._note_owner(message.body)
        if service:
            self._tell(Signal(service, message.path or "", message.member or "", list(message.body)))

    def _note_owner(self, body: list[Any]) -> None:
        name, _, owner = body
        if name in _SERVICES:
            self._owners[name] = owner


_SPOKEN: dict[str | None, str] = {BLUEZ: "BlueZ", LOGIND: "logind"}
