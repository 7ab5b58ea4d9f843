"""Falling silent in time: everything after which a beacon must not be sent, or is not sent any more.

    guard = Guard(bus, "hci0", on_trouble, Sending())
    await guard.check()              # RadioError with the reason, unless a beacon may be sent now
    ...                              # from here on each reason is told to on_trouble, at once

- The adapter is discoverable or connectable (the advertisement would carry its public address), or BlueZ chooses
  addresses by itself.
- It is switched off, or taken out; BlueZ ends, or another one takes its place; the bus is lost.
- The device goes to sleep: what is sent when it wakes up would be an identifier of before.
- What is no longer told counts as the worse.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.adapter import AdapterState, adapter_state
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.kernel import Kernel, OpenSocket, Settings, management_socket
from ownhue_client.radio.bluez.names import (
    ADAPTER,
    ADVERTISING_MANAGER,
    BLUEZ,
    DBUS,
    LOGIND,
    LOGIND_MANAGER,
    OBJECT_MANAGER,
    PROPERTIES,
    adapter_path,
)
from ownhue_client.radio.bluez.privacy import IsPrivate, privacy_in
from ownhue_client.radio.bluez.sentences import ASLEEP, ENDED, GONE, LOST, UNTOLD
from ownhue_client.radio.bluez.told import DISCONNECTED, Signal

_COUNTED = {"Powered", "PowerState", "Discoverable", "Connectable"}


@dataclass(frozen=True)
class Sending:
    """What is looked at beyond BlueZ before anything is sent."""

    open_socket: OpenSocket = management_socket
    is_private: IsPrivate = privacy_in
    """Asked only where the kernel cannot be."""


def watch_rules(adapter: str) -> tuple[str, ...]:
    """Match rules for what a guard of *adapter* has to hear, and no more: a scan makes BlueZ tell a lot."""
    path = adapter_path(adapter)
    return (
        f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',path='{path}',arg0='{ADAPTER}'",
        f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesRemoved',arg0path='{path}'",
        f"type='signal',sender='{LOGIND}',interface='{LOGIND_MANAGER}',member='PrepareForSleep'",
    )


class Guard:
    """Watches one adapter: for sending if *sending* is given, else for listening alone."""

    def __init__(
        self, bus: Bus, adapter: str, on_trouble: Callable[[str], None], sending: Sending | None = None
    ) -> None:
        """*on_trouble* hears each reason, in a sentence; it must not raise."""
        self._bus = bus
        self._adapter = adapter
        self._path = adapter_path(adapter)
        self._on_trouble = on_trouble
        self._sending = sending
        self._state = AdapterState()
        self._checked = False
        self._kernel = Kernel(adapter, self._hear_kernel, sending.open_socket) if sending else None
        self._stop = bus.listen(self._hear)

    def close(self) -> None:
        """Watch no longer."""
        self._stop()
        if self._kernel is not None:
            self._kernel.close()

    async def check(self) -> None:
        """Raises RadioError with the reason why the adapter must not be used now."""
        state = await adapter_state(self._bus, self._adapter)
        if self._kernel is not None and self._sending is not None:
            settings = await self._kernel.ask()
            if settings is not None:
                state = state.with_settings(settings)
            else:
                state = replace(state, private=self._sending.is_private())
        self._state, self._checked = state, True
        if reason := self._reason(state):
            raise RadioError(reason)

    def _reason(self, state: AdapterState) -> str:
        return state.must_not_send() if self._sending else state.cannot_listen()

    def _hear(self, signal: Signal) -> None:
        if reason := self._trouble_in(signal):
            self._on_trouble(reason)

    def _hear_kernel(self, settings: Settings) -> None:
        if self._checked:
            self._state = self._state.with_settings(settings)
            if reason := self._reason(self._state):
                self._on_trouble(reason)

    def _trouble_in(self, signal: Signal) -> str:
        if signal.service == BLUEZ and signal.member == "PropertiesChanged" and signal.path == self._path:
            return self._changed(*signal.body)
        if signal.service == BLUEZ and signal.member == "InterfacesRemoved":
            return self._removed(*signal.body)
        if signal.service == LOGIND and signal.member == "PrepareForSleep":
            return ASLEEP if self._sending and signal.body == [True] else ""
        if signal.service == DBUS and signal.member == DISCONNECTED:
            return LOST
        left = signal.service == DBUS and signal.member == "NameOwnerChanged" and signal.body[0] == BLUEZ
        return ENDED if left else ""

    def _changed(self, interface: str, changed: dict[str, object], invalidated: list[str]) -> str:
        if interface != ADAPTER:
            return ""
        if _COUNTED & set(invalidated):
            return UNTOLD
        if not self._checked or not _COUNTED & set(changed):
            return ""
        self._state = self._state.with_news(AdapterState.of(changed))
        return self._reason(self._state)

    def _removed(self, path: str, interfaces: list[str]) -> str:
        needed = {ADAPTER, ADVERTISING_MANAGER} if self._sending else {ADAPTER}
        return GONE if path == self._path and needed & set(interfaces) else ""
