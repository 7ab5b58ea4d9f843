"""One advertisement as an object on the bus, which BlueZ reads once: org.bluez.LEAdvertisement1.

- Type "broadcast" (ADV_NONCONN_IND), the list of services and the service data, and nothing else: no name, no
  transmit power, no flags. The bytes that BlueZ makes of it are ``ownhue.advertisement`` without flags.
- Nothing changes in it ever: BlueZ would put the new identifier on the old address.
- 200 and 270 ms are a wish. A BlueZ that does not know these properties, or a controller that cannot, passes over it.
"""

from collections.abc import Callable

from dbus_fast import Message, Variant

from ownhue_client.radio.bluez.names import ADVERTISEMENT, PROPERTIES, long_uuid

#: Shortest and longest time in ms from one advertisement to the next. GAEN, Bluetooth specification 1.2
INTERVAL_MS = (200, 270)
_UNKNOWN = "org.freedesktop.DBus.Error.UnknownMethod"


class Advertisement:
    """Answers what BlueZ asks of one advertisement."""

    def __init__(self, service_data: bytes, uuid: int, on_release: Callable[[], None]) -> None:
        """*on_release*: BlueZ has ended it."""
        name = long_uuid(uuid)
        shortest, longest = INTERVAL_MS
        self._on_release = on_release
        self._properties = {
            "Type": Variant("s", "broadcast"),
            "ServiceUUIDs": Variant("as", [name]),
            "ServiceData": Variant("a{sv}", {name: Variant("ay", service_data)}),
            "MinInterval": Variant("u", shortest),
            "MaxInterval": Variant("u", longest),
        }

    def answer(self, call: Message) -> Message:
        """The answer to a method call."""
        asked = (call.interface, call.member)
        if asked == (PROPERTIES, "GetAll") and call.body == [ADVERTISEMENT]:
            return Message.new_method_return(call, "a{sv}", [self._properties])
        if asked == (ADVERTISEMENT, "Release"):
            self._on_release()
            return Message.new_method_return(call)
        # BlueZ also tells (Set TxPower) and asks (GetManagedObjects) what is optional.
        return Message.new_error(call, _UNKNOWN, "not offered")
