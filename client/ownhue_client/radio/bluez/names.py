"""Names of BlueZ and logind on the system bus. Source: doc/org.bluez.*.rst of BlueZ 5.66, org.freedesktop.login1(5)"""

import re

from ownhue_client.errors import RadioError

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
ADVERTISING_MANAGER = "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT = "org.bluez.LEAdvertisement1"
MONITOR_MANAGER = "org.bluez.AdvertisementMonitorManager1"

LOGIND = "org.freedesktop.login1"
LOGIND_PATH = "/org/freedesktop/login1"
LOGIND_MANAGER = "org.freedesktop.login1.Manager"

DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

_NAME = re.compile(r"[A-Za-z0-9_]{1,32}")


def adapter_path(adapter: str) -> str:
    """Object path of the adapter with a name such as "hci0". Raises RadioError for a name that is none."""
    if not _NAME.fullmatch(adapter):
        raise RadioError("adapters have names such as hci0")
    return f"/org/bluez/{adapter}"


def long_uuid(uuid: int) -> str:
    """A 16-bit UUID as BlueZ spells it: "0000fd6f-0000-1000-8000-00805f9b34fb"."""
    return f"0000{uuid:04x}-0000-1000-8000-00805f9b34fb"
