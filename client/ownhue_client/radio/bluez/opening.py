"""Opening the radio of BlueZ: one connection for both halves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ownhue_client.radio.bluez.adapter import adapter_state
from ownhue_client.radio.bluez.advertiser import BlueZBroadcaster
from ownhue_client.radio.bluez.bus import Bus, Connect, system_bus
from ownhue_client.radio.bluez.guard import Sending, watch_rules
from ownhue_client.radio.bluez.scanner import BlueZScanner


@asynccontextmanager
async def opened(
    adapter: str,
    uuid: int,
    now: Callable[[], int],
    *,
    connect: Connect = system_bus,
    sending: Sending | None = None,
) -> AsyncIterator[tuple[BlueZBroadcaster, BlueZScanner]]:
    """Both halves of *adapter* ("hci0") for the service *uuid* (16 bits), while the block runs; *now* in unix seconds.

    *connect* and *sending*: for tests. Raises RadioError where there is no such adapter. One that is switched off is no
    error yet.
    """
    bus = Bus(watch_rules(adapter), connect)
    try:
        await bus.open()
        await adapter_state(bus, adapter)
        broadcaster = BlueZBroadcaster(bus, adapter, uuid, sending=sending)
        try:
            yield broadcaster, BlueZScanner(bus, adapter, now, uuid)
        finally:
            await broadcaster.close()
    finally:
        await bus.leave()
