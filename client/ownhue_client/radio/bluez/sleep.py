"""Sleep of the device, as logind tells it: nothing is on the air when it begins, nothing old when it ends.

    sleep = Sleep(bus)
    await sleep.check()          # RadioError while the device goes to sleep
    await sleep.hold()           # logind waits (at most its InhibitDelayMaxSec, 5 s) until release() was called
    sleep.release()

The signal PrepareForSleep itself is heard by the guard. Where there is no logind, the rotation notices the jump of the
clock when the device wakes up.
"""

import os
from contextlib import suppress

from dbus_fast import Message

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.names import LOGIND, LOGIND_MANAGER, LOGIND_PATH, PROPERTIES
from ownhue_client.radio.bluez.sentences import ASLEEP

_CALL_SECONDS = 5.0


class Sleep:
    """A lock of the kind "delay" on the device's sleep."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock: int | None = None

    async def check(self) -> None:
        """Raises RadioError while the device goes to sleep."""
        if not self._bus.owner(LOGIND):
            return
        asked = [LOGIND_MANAGER, "PreparingForSleep"]
        asleep = False
        with suppress(RadioError):
            (told,) = await self._bus.call(
                LOGIND_PATH, PROPERTIES, "Get", "ss", asked, to=LOGIND, seconds=_CALL_SECONDS
            )
            asleep = told.value is True
        if asleep:
            raise RadioError(ASLEEP)

    async def hold(self) -> None:
        """Ask logind to wait. Does nothing where it is held, and where logind refuses: then it does not wait."""
        if self._lock is not None or not self._bus.owner(LOGIND):
            return
        wish = Message(
            destination=LOGIND,
            path=LOGIND_PATH,
            interface=LOGIND_MANAGER,
            member="Inhibit",
            signature="ssss",
            body=["sleep", "ownhue", "Ends its Bluetooth broadcast", "delay"],
        )
        with suppress(RadioError):
            answer = await self._bus.ask(wish, _CALL_SECONDS)
            for descriptor in answer.unix_fds:
                self.release()
                self._lock = descriptor

    def release(self) -> None:
        """Nothing is on the air any more: the device may sleep."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):
                os.close(lock)
