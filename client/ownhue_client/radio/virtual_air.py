"""A virtual air: Bluetooth controllers that hear each other, for tests and cities. Nothing of it is a radio.

    air = VirtualAir(rssi=lambda sender, receiver: -60)          # dBm, or None: this packet is lost
    radio = await BumbleRadio.start(air.controller("a"), air.controller("a"), now, random)

- It corrects what bumble's controller (0.0.236) leaves out or does otherwise: legacy ADV_NONCONN_IND is sent, intervals
  count 0.625 ms, every report comes once, with its kind and strength, the duplicate filter is honoured, a reset
  resets, and an address cannot be set while it is in use.
- No packet is made that nobody could hear: an advertiser wakes up when somebody in range listens.
- :attr:`VirtualAir.sniffer` holds all the same whatever would have been on the air, with its addresses.
"""

import asyncio
import random as randomness
from collections.abc import Callable
from typing import NamedTuple

from bumble import hci
from bumble.link import LocalLink

from ownhue_client.radio.virtual_controller import AirAdvertiser, AirController, Pdu

#: Seconds after which a listener looks again who came into range.
_LOOK_SECONDS = 1.0


class Sniffed(NamedTuple):
    """What one sender had on the air without change from a time on."""

    time: float
    """Seconds of the loop's clock at which it began."""
    address: bytes
    """The sender's address, most significant byte first."""
    payload: bytes
    """Data of the advertisement, at most 31 bytes."""
    kind: str
    """Its type: "ADV_NONCONN_IND", "ADV_IND" ..."""
    sender: str
    """Name of the controller. No real sniffer knows it."""
    random_address: bool
    """False: it is the public address of the device."""


class VirtualAir(LocalLink):
    """What is between the controllers."""

    members: set[AirController]
    """Controllers that are plugged in."""
    sniffer: list[Sniffed]
    """Everything that was on the air, in order of time."""

    def __init__(
        self,
        rssi: Callable[[str, str], int | None] = lambda sender, receiver: -60,
        in_range: Callable[[str, str], bool] = lambda sender, receiver: True,
        *,
        seed: int = 0,
        honour_duplicate_filter: bool = True,
    ) -> None:
        """*rssi* (sender, receiver) is asked for each packet; *in_range* says first whether any could be heard.

        *honour_duplicate_filter*: controllers whose host asks for it report a payload of an address once per scan.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.members = set()
        self.sniffer = []
        self.sent = self.heard = 0
        self.random = randomness.Random(seed)  # noqa: S311 - phases of virtual radios
        self.honour_duplicate_filter = honour_duplicate_filter
        self._rssi = rssi
        self._in_range = in_range
        self._listeners: set[AirController] = set()
        self._look: asyncio.TimerHandle | None = None

    def controller(self, name: str) -> AirController:
        """A new controller on this air. To a host it is both source and sink of packets."""
        controller = AirController(name, self)
        self.members.add(controller)
        return controller

    def receivers_of(self, sender: AirController) -> list[AirController]:
        """Who listens, and could hear *sender* now."""
        return [one for one in self._listeners if one is not sender and self._in_range(sender.name, one.name)]

    def note(self, advertiser: AirAdvertiser) -> None:
        """*advertiser* is on the air from now on as it is now."""
        self.sniffer.append(
            Sniffed(
                asyncio.get_running_loop().time(),
                bytes(advertiser.address)[::-1],
                bytes(advertiser.advertising_data),
                advertiser.kind,
                advertiser.controller.name,
                advertiser.own_address_type == hci.OwnAddressType.RANDOM,
            )
        )

    def transmit(self, sender: AirController, pdu: Pdu) -> bool:
        """Carry one packet to everybody in range; False when nobody is."""
        receivers = self.receivers_of(sender)
        self.sent += bool(receivers)
        for receiver in receivers:
            rssi = self._rssi(sender.name, receiver.name)
            if rssi is not None:
                self.heard += 1
                receiver.on_pdu(pdu, rssi)
        return bool(receivers)

    def listening(self, controller: AirController, on: bool) -> None:
        """*controller* begins or ends to listen."""
        if on:
            self._listeners.add(controller)
        else:
            self._listeners.discard(controller)
        if self._listeners and self._look is None:
            self._wake()

    def _wake(self) -> None:
        """Wake every advertiser that somebody could hear, now and as long as somebody listens."""
        self._look = None
        if not self._listeners:
            return
        for controller in self.members:
            controller.le_legacy_advertiser.wake()
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._wake)
