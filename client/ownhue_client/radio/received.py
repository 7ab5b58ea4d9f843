"""From the reports of a controller to beacons: others are passed over, broken ones counted, no address is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from bumble import hci

from ownhue.advertisement import read_advertisement, split_structures
from ownhue.errors import FormatError
from ownhue_client.errors import RadioError
from ownhue_client.radio.interface import Heard

#: A report without a strength (volume 4 part E section 7.7.65.2 says 127; BlueZ says -127).
_NO_STRENGTH = (127, -127)
#: Structures in which a service is named: lists of 16-bit services, and service data.
_NAMING = (0x02, 0x03, 0x16)
#: Reports that wait to be read. A controller cannot send as many in a scan; if one does, the rest is lost.
_MOST_WAITING = 20_000


class Received:
    """Takes reports in while a scan runs, and hands on the beacons among them."""

    def __init__(self, now: Callable[[], int], uuid: int) -> None:
        """*now* in unix seconds; *uuid* of the service."""
        self.malformed = 0
        self._now = now
        self._uuid = uuid
        self._name = uuid.to_bytes(2, "little")
        self._waiting: list[Heard] | None = None
        self._over = False
        self._some = asyncio.Event()

    def take(self, report: Any) -> None:
        """One report of an advertisement, as bumble gives it. Passed over while no scan runs."""
        data = bytes(report.data)
        # Most of what is in the air are other services: looking for two bytes is quick.
        if self._waiting is None or self._name not in data or report.rssi in _NO_STRENGTH:
            return
        if report.event_type == hci.HCI_LE_Advertising_Report_Event.EventType.SCAN_RSP:
            return
        try:
            beacon = read_advertisement(data, self._uuid)
        except FormatError:
            self.malformed += self._is_of_service(data)
            return
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(Heard(beacon.rpi, beacon.aem, report.rssi, self._now()))
            self._some.set()

    async def during(self, seconds: float, lost: asyncio.Future[str]) -> AsyncIterator[Heard]:
        """What comes in within *seconds*, as it comes. Raises RadioError as soon as *lost* has a reason."""
        self._waiting, self._over = [], False
        timer = asyncio.get_running_loop().call_later(seconds, self._finish)
        lost.add_done_callback(self._wake)
        try:
            while not lost.done() and not self._over:
                await self._some.wait()
                self._some.clear()
                came, self._waiting = self._waiting, []
                for heard in came:
                    yield heard
            if lost.done():
                raise RadioError(lost.result())
        finally:
            timer.cancel()
            lost.remove_done_callback(self._wake)
            self._waiting = None

    def _wake(self, _lost: object) -> None:
        self._some.set()

    def _finish(self) -> None:
        # A flag, as timers may come a billionth of a second before their time.
        self._over = True
        self._some.set()

    def _is_of_service(self, data: bytes) -> bool:
        try:
            structures = split_structures(data)
        except FormatError:
            return True
        return any(kind in _NAMING and self._name in content for kind, content in structures)
