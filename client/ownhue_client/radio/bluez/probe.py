"""What an adapter and its BlueZ can do, for the doctor. Nothing is sent, switched or registered.

facts = await probe("hci0")
{"present": True, "powered": True, "discoverable": False, ..., "bluez_version": "5.66", "intervals": False}
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ownhue_client.radio.bluez.adapter import AdapterState
from ownhue_client.radio.bluez.bus import Bus, Connect, system_bus
from ownhue_client.radio.bluez.guard import Sending
from ownhue_client.radio.bluez.kernel import Kernel
from ownhue_client.radio.bluez.names import ADAPTER, ADVERTISING_MANAGER, MONITOR_MANAGER, OBJECT_MANAGER, adapter_path

#: From this version on BlueZ takes intervals without --experimental.
INTERVALS_VERSION = (5, 77)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")


async def bluez_version(seconds: float = 5.0) -> str | None:
    """Version of the BlueZ that is installed, by its command; D-Bus does not tell it. None where it is not known.

    *seconds*: a command that has not answered then is ended.
    """
    with suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(
            "bluetoothctl", "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(seconds):
                told, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        found = _VERSION.search(told.decode("ascii", "replace"))
        return found[0] if found else None
    return None


async def probe(
    adapter: str,
    *,
    connect: Connect = system_bus,
    version: Callable[[], Awaitable[str | None]] = bluez_version,
    sending: Sending | None = None,
) -> dict[str, Any]:
    """Facts about *adapter* ("hci0"). Raises RadioError without a bus, without BlueZ, and without the right to ask it.

    ``present``; ``powered``, ``discoverable``, ``connectable`` (None: not said); ``silent_because`` (a sentence, empty
    if a beacon may be sent); ``bluez_version`` (None: not known); ``permission``; ``advertising`` (it can broadcast),
    ``free_broadcasts``; ``extended`` (advertising of Bluetooth 5), ``intervals`` (it heeds 200 to 270 ms);
    ``passive_monitor`` (a scan gets every sample); ``privacy_off``.
    """
    bus = Bus(connect=connect)
    try:
        await bus.open()
        (objects,) = await bus.call("/", OBJECT_MANAGER, "GetManagedObjects")
    finally:
        await bus.leave()
    # Whoever may not use BlueZ gets no answer at all from it.
    facts: dict[str, Any] = {"permission": True, "bluez_version": await version(), "present": False}
    interfaces = objects.get(adapter_path(adapter), {})
    if ADAPTER in interfaces:
        facts |= {"present": True, **await _state(adapter, interfaces[ADAPTER], sending or Sending())}
        facts |= _abilities(interfaces, facts["bluez_version"])
    return facts


async def _state(adapter: str, properties: Mapping[str, Any], sending: Sending) -> dict[str, Any]:
    kernel = Kernel(adapter, lambda _: None, sending.open_socket)
    settings = await kernel.ask()
    kernel.close()
    state = AdapterState.of(properties)
    state = state.with_settings(settings) if settings else replace(state, private=sending.is_private())
    return {
        "powered": state.powered,
        "discoverable": state.discoverable,
        "connectable": state.connectable,
        "privacy_off": not state.private,
        "silent_because": state.must_not_send(),
    }


def _abilities(interfaces: Mapping[str, Mapping[str, Any]], version: str | None) -> dict[str, Any]:
    manager = {name: variant.value for name, variant in interfaces.get(ADVERTISING_MANAGER, {}).items()}
    monitors = {name: variant.value for name, variant in interfaces.get(MONITOR_MANAGER, {}).items()}
    # BlueZ tells secondary channels exactly where the controller has extended advertising.
    extended = bool(manager.get("SupportedSecondaryChannels"))
    return {
        "advertising": ADVERTISING_MANAGER in interfaces,
        "free_broadcasts": manager.get("SupportedInstances", 0),
        "extended": extended,
        "passive_monitor": "or_patterns" in monitors.get("SupportedMonitorTypes", ()),
        # The monitors' interface is there exactly with --experimental in versions before; it alone tells.
        "intervals": extended and (MONITOR_MANAGER in interfaces or _at_least(version)),
    }


def _at_least(version: str | None) -> bool:
    found = _VERSION.fullmatch(version or "")
    return found is not None and (int(found[1]), int(found[2])) >= INTERVALS_VERSION
