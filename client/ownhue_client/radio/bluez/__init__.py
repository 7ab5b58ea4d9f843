"""The radio of a Linux device, through its Bluetooth service BlueZ.

    async with opened("hci0", 0xFD6F, now) as (broadcaster, scanner): ...
    facts = await probe("hci0")               # for the doctor

Measured behaviour of BlueZ, and what is refused because of it: specs/decisions/0027.
"""

from ownhue_client.radio.bluez.advertiser import BlueZBroadcaster
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.opening import opened
from ownhue_client.radio.bluez.probe import probe
from ownhue_client.radio.bluez.scanner import BlueZScanner

__all__ = ["BlueZBroadcaster", "BlueZScanner", "Bus", "opened", "probe"]
