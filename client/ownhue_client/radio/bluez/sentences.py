"""Why the radio cannot be used, in sentences that say what to do. None repeats what a service has sent."""

NO_BLUEZ = "BlueZ does not run: install it, or `systemctl start bluetooth`"
DENIED = "this user may not use Bluetooth: join the group `bluetooth`, or log in at the device itself"
GONE = "the Bluetooth adapter is not there any more"
OFF = "Bluetooth is switched off: `bluetoothctl power on`, or the switch of the device"

VISIBLE = "the adapter is discoverable and would send its own address: `bluetoothctl discoverable off`"
CONNECTABLE = (
    "the adapter accepts connections and would send its own address: `bluetoothctl discoverable on`, then"
    " `bluetoothctl discoverable off`"
)
PRIVATE = (
    "BlueZ has Privacy switched on, so addresses would not change together with identifiers: set Privacy = off in"
    " /etc/bluetooth/main.conf"
)
UNSAID = (
    "neither BlueZ nor the kernel says whether the adapter is visible, so nothing is sent: let this program open"
    " Bluetooth sockets (AF_BLUETOOTH), outside of containers, or use a newer BlueZ"
)
UNTOLD = "the adapter has changed, and BlueZ does not say how"

RELEASED = "BlueZ has ended the broadcast"
ENDED = "BlueZ has ended"
LOST = "the connection to the system bus was lost"
ASLEEP = "the device goes to sleep"

_OF_ERRORS = {
    "org.freedesktop.DBus.Error.AccessDenied": DENIED,
    "org.freedesktop.DBus.Error.AuthFailed": DENIED,
    "org.freedesktop.DBus.Error.ServiceUnknown": NO_BLUEZ,
    "org.freedesktop.DBus.Error.NameHasNoOwner": NO_BLUEZ,
    "org.freedesktop.DBus.Error.UnknownObject": GONE,
    "org.freedesktop.DBus.Error.UnknownInterface": GONE,
    "org.freedesktop.DBus.Error.UnknownMethod": "the Bluetooth adapter is not there, or it cannot do this",
    "org.freedesktop.DBus.Error.NoReply": "BlueZ does not answer",
    "org.bluez.Error.NotReady": OFF,
    "org.bluez.Error.NotAuthorized": DENIED,
    "org.bluez.Error.NotPermitted": "other programs use all of this adapter's advertisements: end one of them",
    "org.bluez.Error.InProgress": "another program scans with this adapter in a way that excludes others",
}


def sentence_of(name: str) -> str:
    """A sentence for the error with this *name* on the bus."""
    return _OF_ERRORS.get(name, f"BlueZ refuses ({name.rsplit('.', 1)[-1] or 'no reason'})")
