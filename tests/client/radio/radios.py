"""Radios of the virtual air, and what tests do with them."""

from random import Random
from typing import Any

from bumble import hci

from ownhue.identifiers import Beacon
from ownhue_client.radio.bumble_radio import BumbleRadio
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_air import VirtualAir
from tests.client.radio.fake_radio import clock


async def radio(air: VirtualAir, name: str, **options: Any) -> BumbleRadio:
    controller = air.controller(name)
    return await BumbleRadio.start(controller, controller, clock().now, Random(name).randbytes, **options)


def beacon(number: int) -> Beacon:
    return Beacon(bytes([number]) * 16, bytes([number]) * 4)


async def send(sender: BumbleRadio, number: int) -> None:
    await sender.broadcaster.broadcast(beacon(number).rpi, beacon(number).aem)


async def hear(listener: BumbleRadio, seconds: float = 4.0) -> list[Heard]:
    return [heard async for heard in listener.scanner.sightings(seconds)]


async def send_raw(sender: BumbleRadio, data: bytes) -> None:
    """Anything that some other device may send."""
    await send(sender, 1)
    await sender.host.command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=data))
