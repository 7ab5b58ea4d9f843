"""What is known of an adapter, and what follows from it.

    state = await adapter_state(bus, "hci0")
    state.cannot_listen()      # why it cannot listen; empty if it can
    state.must_not_send()      # why nothing must be sent; empty if it may

While an adapter is connectable (a discoverable one always is), the kernel turns every advertisement into a connectable
one from the adapter's own public address. With BlueZ's setting Privacy, addresses do not change with identifiers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from dbus_fast import Variant

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.kernel import Settings
from ownhue_client.radio.bluez.names import ADAPTER, BLUEZ, PROPERTIES, adapter_path
from ownhue_client.radio.bluez.sentences import CONNECTABLE, OFF, PRIVATE, UNSAID, VISIBLE
from ownhue_client.radio.bluez.told import CallError

_ABSENT = ("UnknownObject", "UnknownInterface", "UnknownMethod")


@dataclass(frozen=True)
class AdapterState:
    """What counts of an adapter; None: it is not said."""

    powered: bool | None = None
    power_state: str | None = None
    """"on", "off" or on the way between; older versions of BlueZ do not say it."""
    discoverable: bool | None = None
    connectable: bool | None = None
    """The kernel says it, and newer versions of BlueZ."""
    private: bool | None = None
    """Whether Privacy is on. The kernel says it, BlueZ does not."""

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Self:
        """The state that *properties* of org.bluez.Adapter1 (name, variant) tell."""
        plain = {name: value.value if isinstance(value, Variant) else value for name, value in properties.items()}
        flags = (plain.get(name) for name in ("Powered", "Discoverable", "Connectable"))
        powered, discoverable, connectable = (flag if isinstance(flag, bool) else None for flag in flags)
        state = plain.get("PowerState")
        return cls(powered, state if isinstance(state, str) else None, discoverable, connectable)

    def with_news(self, news: "AdapterState") -> "AdapterState":
        """This, with what *news* say in its place."""
        return replace(self, **{name: value for name, value in vars(news).items() if value is not None})

    def with_settings(self, settings: Settings) -> "AdapterState":
        """This, with what the kernel says: of the two, whoever says the worse is believed."""
        return replace(
            self,
            powered=self.powered and settings.powered,
            discoverable=self.discoverable or settings.discoverable,
            connectable=settings.connectable,
            private=settings.privacy,
        )

    def cannot_listen(self) -> str:
        """Why the adapter cannot be used at all; empty if it can."""
        return "" if self.powered and self.power_state in (None, "on") else OFF

    def must_not_send(self) -> str:
        """Why nothing must be sent; empty if it may. What is not known counts as the worse."""
        if reason := self.cannot_listen():
            return reason
        if self.discoverable is None or self.connectable is None:
            return VISIBLE if self.discoverable else UNSAID
        if self.discoverable or self.connectable:
            return VISIBLE if self.discoverable else CONNECTABLE
        return PRIVATE if self.private else ""


async def adapter_state(bus: Bus, adapter: str) -> AdapterState:
    """What BlueZ says of *adapter* ("hci0") now. Raises RadioError where there is none."""
    try:
        (properties,) = await bus.call(adapter_path(adapter), PROPERTIES, "GetAll", "s", [ADAPTER], to=BLUEZ)
    except CallError as error:
        if error.name.endswith(_ABSENT):
            raise RadioError(f"there is no Bluetooth adapter {adapter}: plug one in, or choose another") from error
        raise
    return AdapterState.of(properties)
