"""What the owner has chosen; kept sealed in the phone's store. Everything that could tell of the owner is off at first.

preferences = Preferences.load(store)
preferences.replace(location="gpsd").save(store)
"""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Self

from ownhue.advertisement import SERVICE_UUID
from ownhue.errors import FormatError
from ownhue_client.phone.store import Store

#: Where places come from.
LOCATION_SOURCES = ("off", "manual", "gpsd", "geoclue")
_STATE = "preferences"
_RADIO = re.compile(r"[a-z][a-z0-9_.:-]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Preferences:
    """The owner's choices. Raises FormatError for one that does not exist."""

    radio: str = "hci0"
    """Adapter of BlueZ, "usb:0" for a dongle that the agent drives itself, "off": nothing is sent or heard."""
    location: str = "off"
    """One of LOCATION_SOURCES. "off": no place is kept, none is broadcast as a tag."""
    location_asks: bool = False
    """The source "geoclue" may ask a server where the Wi-Fi networks and mobile cells around are."""
    coarse: bool = True
    """Places are kept as the middle of their H3 cell of resolution 7 (5 km2), not as measured."""
    notifications: bool = True
    """Changes of colour are told on the desktop."""
    travelling: bool = False
    """Passes are fetched for seven days ahead."""
    service_uuid: int = SERVICE_UUID
    """16-bit UUID of the Bluetooth service, another one for tests beside phones that run GAEN."""

    def __post_init__(self) -> None:
        if self.location not in LOCATION_SOURCES:
            raise FormatError(f"places come from one of {', '.join(LOCATION_SOURCES)}")
        if not _RADIO.fullmatch(str(self.radio)):
            raise FormatError("a radio is named by its adapter, for example hci0, or usb:0, or off")
        if not 0 <= self.service_uuid < 1 << 16:
            raise FormatError("the UUID of a service has 16 bits")
        if not all(isinstance(choice, bool) for choice in self._yes_or_no()):
            raise FormatError("a choice is yes or no")

    def _yes_or_no(self) -> tuple[bool, ...]:
        return self.location_asks, self.coarse, self.notifications, self.travelling

    def replace(self, **choices: Any) -> Self:
        """A copy with other *choices*. Raises FormatError for a name or value that does not exist."""
        try:
            return dataclasses.replace(self, **choices)
        except TypeError as error:
            raise FormatError(f"there is no such setting; there are {', '.join(self.to_record())}") from error

    def to_record(self) -> dict[str, Any]:
        """Names and values."""
        return dataclasses.asdict(self)

    def save(self, store: Store) -> None:
        """Keep them in *store*."""
        store.put(_STATE, self.to_record())

    @classmethod
    def load(cls, store: Store) -> Self:
        """Those that were kept, else the defaults. What an older program did not know has its default."""
        return cls(**store.get(_STATE, {}))
