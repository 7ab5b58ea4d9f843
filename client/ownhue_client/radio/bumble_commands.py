"""The commands that a controller is given to send and to hear beacons. Bluetooth Core, volume 4 part E section 7.8"""

from collections.abc import Callable

from bumble import hci

from ownhue.advertisement import ADVERTISEMENT_BYTES, write_advertisement
from ownhue.identifiers import Beacon

#: Shortest and longest time in milliseconds between two packets of a beacon. specs/phone.md section 5
ADVERTISING_MILLISECONDS = (200, 270)
#: Units of 0.625 ms in a millisecond, as a fraction.
_UNITS = (8, 5)
_ADDRESS_BYTES = 6
#: The two highest bits of a non-resolvable private address are 0 (volume 6 part B section 1.3.2.2).
_NON_RESOLVABLE = 0x3F
_ALL_CHANNELS = 7
#: 60 ms: listening all the time, where window and interval are the same.
_SCAN_UNITS = 96

#: Switch the sender on and off.
ADVERTISE = {on: hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=int(on)) for on in (False, True)}
#: Switch the receiver on and off. Every packet is reported: attenuation is worked out from all of them.
SCAN = {on: hci.HCI_LE_Set_Scan_Enable_Command(le_scan_enable=int(on), filter_duplicates=0) for on in (False, True)}
#: Passive, all the time; the address type counts for active scans only, and is never the public one.
SCAN_PARAMETERS = hci.HCI_LE_Set_Scan_Parameters_Command(
    le_scan_type=hci.HCI_LE_Set_Scan_Parameters_Command.PASSIVE_SCANNING,
    le_scan_interval=_SCAN_UNITS,
    le_scan_window=_SCAN_UNITS,
    own_address_type=hci.OwnAddressType.RANDOM,
    scanning_filter_policy=hci.HCI_LE_Set_Scan_Parameters_Command.BASIC_UNFILTERED_POLICY,
)


def fresh_address(random: Callable[[int], bytes]) -> hci.Address:
    """A non-resolvable private address that was never used before: 46 random bits, not all the same."""
    while True:
        drawn = bytearray(random(_ADDRESS_BYTES))
        drawn[-1] &= _NON_RESOLVABLE
        if any(drawn) and bytes(drawn) != b"\xff" * (_ADDRESS_BYTES - 1) + bytes((_NON_RESOLVABLE,)):
            return hci.Address(bytes(drawn), hci.Address.RANDOM_DEVICE_ADDRESS)


def advertising_parameters() -> hci.HCI_LE_Set_Advertising_Parameters_Command:
    """ADV_NONCONN_IND from the random address, on all three channels."""
    shortest, longest = (value * _UNITS[0] // _UNITS[1] for value in ADVERTISING_MILLISECONDS)
    return hci.HCI_LE_Set_Advertising_Parameters_Command(
        advertising_interval_min=shortest,
        advertising_interval_max=longest,
        advertising_type=hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType.ADV_NONCONN_IND,
        own_address_type=hci.OwnAddressType.RANDOM,
        peer_address_type=hci.Address.PUBLIC_DEVICE_ADDRESS,
        peer_address=hci.Address.ANY,
        advertising_channel_map=_ALL_CHANNELS,
        advertising_filter_policy=0,
    )


def advertising_data(beacon: Beacon, uuid: int) -> hci.HCI_LE_Set_Advertising_Data_Command:
    """The 31 bytes of specs/identifiers.md section 5."""
    data = write_advertisement(beacon, uuid)
    return hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=data.ljust(ADVERTISEMENT_BYTES, b"\0"))
