"""When the phone listens, and what it keeps of what it hears. specs/phone.md, specs/exposure.md section 1

    scanning = Scanning(scanner, now, os.urandom, take_scan, own=phone.own_identifiers)
    await scanning.run()                          # calls take_scan(Scan(...)) every 2.5 to 5 minutes

- A scan lasts 4 s. The next begins 2.5 to 5 minutes after it began, at random: whoever can see scans cannot foretell
  them, and two phones do not miss each other for ever.
- A scan stands for the time since the last one that ran, at most 5 minutes: the presence that was not listened to is
  not made up for.
- A scan that was planned and could not run is told too: how much of a day the radio heard is part of the colour.
- What is kept of a scan is chosen by :mod:`ownhue_client.agent.samples`.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple

from ownhue.matching import Sighting
from ownhue_client.agent.samples import Samples
from ownhue_client.agent.schedule import between
from ownhue_client.errors import RadioError
from ownhue_client.radio.interface import Scanner

#: Length of a scan in seconds. specs/phone.md section 5
SCAN_SECONDS = 4
#: Seconds from the start of a scan to that of the next, at random between these. specs/phone.md section 5
SCAN_GAP_SECONDS = (150, 300)
#: Longest presence in seconds that a scan stands for. specs/phone.md section 5
SCAN_PRESENCE_SECONDS = 300
#: Least seconds from the start of a scan to that of the next, also for whoever asks for one.
_LEAST_GAP = 60
#: A radio that has not come back this many seconds after its scan is over is taken for hung.
_GRACE_SECONDS = 10
#: Scans are told apart by a random number: nothing has to be counted over restarts.
_ID_BYTES = 7


class Scan(NamedTuple):
    """One planned scan and what was kept of it."""

    id: int
    """Random number of 56 bits."""
    time: int
    """Unix second at which it began."""
    seconds: int
    """Presence that it stands for; 0 where it did not run."""
    ran: bool
    """False: the radio did not work."""
    sightings: tuple[Sighting, ...] = ()
    """What is to be kept."""
    dropped: int = 0
    """Advertisements that a flood made it give up."""
    malformed: int = 0
    """Advertisements of the service that were no beacons."""
    trouble: str = ""
    """Why it did not run, or not to its end."""


class Scanning:
    """Plans scans and carries them out."""

    trouble: str = ""
    """Why the last scan did not run, in a sentence; empty if it did."""

    def __init__(
        self,
        scanner: Scanner,
        now: Callable[[], int],
        random: Callable[[int], bytes],
        on_scan: Callable[[Scan], None],
        *,
        own: Callable[[int], Collection[bytes]] = lambda now: (),
        rssi_correction: int = 0,
    ) -> None:
        """*now* in unix seconds; *own*: the identifiers that this phone itself may be heard with at a time (unix
        seconds); *rssi_correction*: what this phone's radio hears too weakly, in dB."""
        self._scanner = scanner
        self._now = now
        self._random = random
        self._on_scan = on_scan
        self._own = own
        self._correction = rssi_correction
        self._last: float | None = None
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Scan now, or a minute after the last scan: the device woke up, or the adapter came back."""
        self._awake.set()

    async def run(self) -> None:
        """Scan until cancelled, first within the first gap. Raises what *on_scan* raises."""
        await self._pause(between((0, SCAN_GAP_SECONDS[0]), self._random))
        while True:
            begun = asyncio.get_running_loop().time()
            gap = between(SCAN_GAP_SECONDS, self._random)
            self._on_scan(await self.scan())
            await self._pause(begun + gap - asyncio.get_running_loop().time())
            await asyncio.sleep(max(0, begun + _LEAST_GAP - asyncio.get_running_loop().time()))

    async def scan(self) -> Scan:
        """One scan, now. Never raises RadioError: a scan that could not run says so."""
        begun, time = asyncio.get_running_loop().time(), self._now()
        identity = int.from_bytes(self._random(_ID_BYTES), "big")
        before = self._scanner.malformed
        samples = Samples(self._own(time))
        self.trouble = await self._listen(samples)
        malformed = self._scanner.malformed - before + samples.malformed
        ran = not self.trouble or bool(samples)
        seconds = self._presence(begun) if ran else 0
        kept = tuple(
            Sighting(heard.rpi, heard.aem, heard.time, heard.rssi, identity, seconds, self._correction)
            for heard in samples.chosen()
        )
        return Scan(identity, time, seconds, ran, kept, samples.dropped, malformed, self.trouble)

    async def _listen(self, samples: Samples) -> str:
        """Fill *samples*; why the scan did not come to its end, empty if it did."""
        try:
            async with asyncio.timeout(SCAN_SECONDS + _GRACE_SECONDS):
                async for heard in self._scanner.sightings(SCAN_SECONDS):
                    samples.add(heard)
        except RadioError as error:
            return str(error)
        except TimeoutError:
            return "the radio did not come back from a scan"
        return ""

    def _presence(self, begun: float) -> int:
        """Seconds since the last scan that ran; the first stands for itself."""
        last, self._last = self._last, begun
        return SCAN_SECONDS if last is None else min(round(begun - last), SCAN_PRESENCE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._awake.wait()
        except TimeoutError:
            return
        self._awake.clear()
