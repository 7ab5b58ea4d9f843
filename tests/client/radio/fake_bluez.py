"""A BlueZ on a private bus, with a controller that only writes down what would be on the air.

    async with FakeBlueZ(address) as bluez:
        bluez.on_air                              # Sent(pdu="ADV_NONCONN_IND", address=..., payload=...), or None
        bluez.set_adapter(Discoverable=True)

It behaves as measured with the real one: a registration gets a fresh address; on a discoverable or connectable adapter
everything on the air is an ADV_IND from the public address; the change is told after it has happened.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from ownhue_client.radio.bluez.names import (
    ADAPTER,
    ADVERTISEMENT,
    ADVERTISING_MANAGER,
    BLUEZ,
    MONITOR_MANAGER,
    OBJECT_MANAGER,
    PROPERTIES,
    adapter_path,
)
from tests.client.radio.bluez_advertisement import ParseError, read_advertisement1

PUBLIC = "public address"
_DEVICE = "org.bluez.Device1"
_FAILED = "org.bluez.Error.Failed"
_UNKNOWN = "org.freedesktop.DBus.Error.UnknownObject"


class Sent(NamedTuple):
    """Something on the air."""

    pdu: str
    address: str
    payload: bytes
    slots: tuple[int, ...]
    """Shortest and longest interval in units of 0.625 ms; empty: the kernel's own."""


class _Client(NamedTuple):
    owner: str
    path: str
    address: str
    payload: bytes
    slots: tuple[int, ...]


class FakeBlueZ:
    """bluetoothd and its controller."""

    def __init__(
        self, address: str, adapter: str = "hci0", *, experimental: bool = False, extended: bool = False
    ) -> None:
        self.address = address
        self.path = adapter_path(adapter)
        self.experimental = experimental
        self.present = True
        self.adapter: dict[str, Any] = {
            "Powered": True,
            "Discoverable": False,
            "Connectable": False,
            "Roles": ["central", "peripheral"],
        }
        self.manager: dict[str, Variant] = {"SupportedInstances": Variant("y", 5)}
        if extended:
            self.manager["SupportedSecondaryChannels"] = Variant("as", ["1M", "2M"])
        self.calls: list[str] = []
        self.history: list[Sent] = []
        """Everything that was ever on the air."""
        self.errors: dict[str, str] = {}
        """Names of errors with which methods answer."""
        self.hangs: set[str] = set()
        """Methods that never answer."""
        self.before: dict[str, Callable[[], None]] = {}
        """What happens before a method is carried out."""
        self.monitors: set[str] = set()
        self.scanning = asyncio.Event()
        self.filters: list[dict[str, Any]] = []
        self._clients: dict[tuple[str, str], _Client] = {}
        self._pending: set[tuple[str, str]] = set()
        self._devices: set[str] = set()
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "FakeBlueZ":
        self.bus = await MessageBus(bus_address=self.address).connect()
        self.bus.add_message_handler(self._take)
        await self.bus.request_name(BLUEZ)
        rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
        await self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", rule)
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        self.bus.disconnect()
        with suppress(Exception):
            await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    @property
    def on_air(self) -> Sent | None:
        """What is on the air now; there is never more than one."""
        sent = [self._sent(client) for client in self._clients.values()]
        assert len(sent) <= 1, "two beacons at once"
        return sent[0] if sent and self.adapter["Powered"] and self.present else None

    async def silence(self) -> None:
        """Until nothing is on the air."""
        async with asyncio.timeout(5):
            while self.on_air is not None:
                await asyncio.sleep(0.001)

    def set_adapter(self, *, told: bool = True, invalidated: tuple[str, ...] = (), **changes: Any) -> None:
        """Change properties of the adapter; *invalidated*: told as changed, without a value."""
        self.adapter |= changes
        self._note()
        if told:
            body = [ADAPTER, {name: _variant(value) for name, value in changes.items()}, list(invalidated)]
            self._signal(self.path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def leave(self) -> None:
        """Leave the bus, as a service that ends."""
        self.bus.disconnect()

    def remove_adapter(self) -> None:
        """Take the adapter out."""
        for client in self._clients.values():
            self._send(client.owner, client.path, ADVERTISEMENT, "Release")
        self._clients.clear()
        self.present = False
        interfaces = [ADAPTER, ADVERTISING_MANAGER]
        self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [self.path, interfaces])

    def release(self) -> None:
        """End all broadcasts, as for a program that takes the controller."""
        for client in self._clients.values():
            self._send(client.owner, client.path, ADVERTISEMENT, "Release")
        self._clients.clear()

    def report(self, number: int, rssi: int | None, services: list[str], data: dict[str, bytes]) -> None:
        """The controller has received an advertisement of device *number*."""
        path = f"{self.path}/dev_{number}"
        properties = {
            "Address": Variant("s", f"0A:00:00:00:00:{number:02X}"),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", "somebody"),
            "Adapter": Variant("o", self.path),
            "UUIDs": Variant("as", services),
            "ServiceData": Variant("a{sv}", {name: Variant("ay", content) for name, content in data.items()}),
            **({} if rssi is None else {"RSSI": Variant("n", rssi)}),
        }
        if path in self._devices:
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [_DEVICE, properties, []])
        else:
            self._devices.add(path)
            self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {_DEVICE: properties}])

    def _sent(self, client: _Client) -> Sent:
        if self.adapter["Discoverable"] or self.adapter.get("Connectable"):
            return Sent("ADV_IND", PUBLIC, client.payload, client.slots)
        return Sent("ADV_NONCONN_IND", client.address, client.payload, client.slots)

    def _note(self) -> None:
        sent = self.on_air
        if sent is not None and (not self.history or self.history[-1] != sent):
            self.history.append(sent)

    def _take(self, message: Message) -> "Message | bool | None":
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if not owner:
                self._clients = {key: client for key, client in self._clients.items() if client.owner != name}
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        member = message.member or ""
        self.calls.append(member)
        self.before.pop(member, lambda: None)()
        if member in self.hangs:
            return True
        if member in self.errors:
            return Message.new_error(message, self.errors[member], "a text with 0A:0B:0C:0D:0E:0F in it")
        return self._answer(message, member)

    def _answer(self, message: Message, member: str) -> "Message | bool":
        if (message.interface, member) == (OBJECT_MANAGER, "GetManagedObjects"):
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
        if message.path != self.path or not self.present:
            return Message.new_error(message, _UNKNOWN, "no such object")
        if (message.interface, member) == (PROPERTIES, "GetAll"):
            return Message.new_method_return(message, "a{sv}", [self._objects()[self.path][message.body[0]]])
        known = {
            ADVERTISING_MANAGER: ("RegisterAdvertisement", "UnregisterAdvertisement"),
            ADAPTER: ("SetDiscoveryFilter", "StartDiscovery", "StopDiscovery"),
            MONITOR_MANAGER: ("RegisterMonitor", "UnregisterMonitor") if self.experimental else (),
        }
        if member not in known.get(message.interface or "", ()):
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "no such method")
        done: Message | bool = getattr(self, f"_{member}")(message)
        return done

    def _objects(self) -> dict[str, dict[str, dict[str, Variant]]]:
        if not self.present:
            return {}
        interfaces = {
            ADAPTER: {name: _variant(value) for name, value in self.adapter.items()},
            ADVERTISING_MANAGER: self.manager,
        }
        if self.experimental:
            interfaces[MONITOR_MANAGER] = {"SupportedMonitorTypes": Variant("as", ["or_patterns"])}
        return {self.path: interfaces}

    def _RegisterAdvertisement(self, message: Message) -> "Message | bool":  # noqa: N802
        key = str(message.sender), str(message.body[0])
        if message.signature != "oa{sv}":
            return Message.new_error(message, "org.bluez.Error.InvalidArguments", "")
        if key in self._clients or key in self._pending:
            return Message.new_error(message, "org.bluez.Error.AlreadyExists", "")
        # It is in the list from now on, and can be unregistered before it was read.
        self._pending.add(key)
        task = asyncio.create_task(self._read(message, *key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _read(self, message: Message, owner: str, path: str) -> None:
        """Asks the program for its advertisement, as bluetoothd's D-Bus library does, and puts it on the air."""
        await self._call(owner, path, OBJECT_MANAGER, "GetManagedObjects")
        answer = await self._call(owner, path, PROPERTIES, "GetAll", "s", ADVERTISEMENT)
        if (owner, path) not in self._pending:
            self.bus.send(Message.new_error(message, _FAILED, "Unregistered meanwhile"))
            return
        self._pending.remove((owner, path))
        if not self.adapter["Powered"]:
            self.bus.send(Message.new_error(message, _FAILED, "Failed to register advertisement"))
            return
        try:
            read = read_advertisement1(answer.body[0], experimental=self.experimental)
            payload = read.payload()
        except (ParseError, IndexError) as error:
            self.bus.send(Message.new_error(message, _FAILED, f"Failed to parse advertisement. {error}"))
            return
        self._number += 1
        address = f"fresh address {self._number}" if read.kind == "broadcast" else PUBLIC
        self._clients[owner, path] = _Client(owner, path, address, payload, tuple(read.intervals))
        self._note()
        # With extended advertising it tells the power that the controller has chosen.
        body = [ADVERTISEMENT, "TxPower", Variant("n", -7)]
        refused = await self._call(owner, path, PROPERTIES, "Set", "ssv", *body)
        assert refused.message_type is MessageType.ERROR
        self.bus.send(Message.new_method_return(message))

    def _UnregisterAdvertisement(self, message: Message) -> Message:  # noqa: N802
        key = str(message.sender), str(message.body[0])
        if key in self._pending:
            self._pending.remove(key)
        elif self._clients.pop(key, None) is None:
            return Message.new_error(message, "org.bluez.Error.DoesNotExist", "Does Not Exist")
        return Message.new_method_return(message)

    def _SetDiscoveryFilter(self, message: Message) -> Message:  # noqa: N802
        self.filters.append({name: variant.value for name, variant in message.body[0].items()})
        return Message.new_method_return(message)

    def _StartDiscovery(self, message: Message) -> Message:  # noqa: N802
        if self.scanning.is_set():
            return Message.new_error(message, "org.bluez.Error.InProgress", "Operation already in progress")
        self.scanning.set()
        return Message.new_method_return(message)

    def _StopDiscovery(self, message: Message) -> Message:  # noqa: N802
        self.scanning.clear()
        return Message.new_method_return(message)

    def _RegisterMonitor(self, message: Message) -> Message:  # noqa: N802
        self.monitors.add(message.body[0])
        return Message.new_method_return(message)

    def _UnregisterMonitor(self, message: Message) -> Message:  # noqa: N802
        self.monitors.remove(message.body[0])
        return Message.new_method_return(message)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.bus.send(Message.new_signal(path, interface, member, signature, body))

    def _send(self, to: str, path: str, interface: str, member: str) -> None:
        task = asyncio.create_task(self._quietly(to, path, interface, member))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, to: str, path: str, interface: str, member: str) -> None:
        await self._call(to, path, interface, member)

    async def _call(self, to: str, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Message:
        return await self.bus.call(
            Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=list(body))
        )


def _variant(value: Any) -> Variant:
    return Variant({bool: "b", str: "s", list: "as"}[type(value)], value)
