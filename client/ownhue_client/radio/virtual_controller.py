"""A controller of the virtual air: bumble's own with corrections. Bluetooth Core, volume 4 part E section 7.8

It sends and hears legacy advertisements only, as GAEN does, and refuses what a real one refuses: an address or
parameters that are set while in use, random addresses that were never set, intervals that do not exist.
"""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from bumble import hci
from bumble.controller import Controller, LegacyAdvertiser

if TYPE_CHECKING:
    from ownhue_client.radio.virtual_air import VirtualAir

#: Seconds of one unit of an advertising interval, and shortest interval in units.
_UNIT, _SHORTEST = 0.625e-3, 0x20
#: Each packet comes up to so many seconds later than its interval says (volume 6 part B section 4.4.2.2).
_DELAY = 0.010
_OK = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
_DISALLOWED = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
_INVALID = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
_Type = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
_Report = hci.HCI_LE_Advertising_Report_Event


class Pdu(NamedTuple):
    """One packet in the air."""

    kind: int
    """Event type of its report."""
    address: hci.Address
    data: bytes


class AirAdvertiser(LegacyAdvertiser):
    """Sends packets as long as somebody could hear them."""

    controller: "AirController"

    @property
    def kind(self) -> str:
        """Type of its packets, as the specification writes it."""
        return _Type(self.advertising_type).name

    def start(self) -> None:
        """On the air from now on."""
        self.stop()
        self.enabled = True
        self.controller.air.note(self)
        self.wake()

    def wake(self) -> None:
        """Begin to send, somewhere within an interval, where somebody could hear it."""
        if self.enabled and self.timer_handle is None and self.controller.air.receivers_of(self.controller):
            self._plan(self._interval() * self.controller.air.random.random())

    def _plan(self, seconds: float) -> None:
        self.timer_handle = asyncio.get_running_loop().call_later(seconds, self._send)

    def _send(self) -> None:
        self.timer_handle = None
        # The numbers of types and of their reports differ: ADV_DIRECT_IND apart, these three are the same.
        pdu = Pdu(_Report.EventType[self.kind], self.address, bytes(self.advertising_data))
        if self.controller.air.transmit(self.controller, pdu):
            self._plan(self._interval() + self.controller.air.random.uniform(0, _DELAY))

    def _interval(self) -> float:
        return (self.advertising_interval_min + self.advertising_interval_max) / 2 * _UNIT


class AirController(Controller):
    """One Bluetooth device of the virtual air."""

    le_legacy_advertiser: AirAdvertiser

    def __init__(self, name: str, air: "VirtualAir") -> None:
        """*name*: what the air's callbacks know it by."""
        super().__init__(name, link=air)
        self.air = air
        self.le_legacy_advertiser = AirAdvertiser(self)
        # Without these a host falls back to legacy commands, which every dongle knows.
        self.le_features &= ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY)
        self._address_set = False
        self._reported: set[tuple[bytes, bytes]] = set()
        self._gone = False

    def unplug(self) -> None:
        """Take the device out: it sends and answers nothing from now on, and its host is told."""
        self._gone = True
        self._rest()
        self.air.members.discard(self)
        # As bumble's transports do: not every sink wants to know.
        lost = getattr(self.host, "on_transport_lost", None)
        if lost is not None:
            lost()

    def on_pdu(self, pdu: Pdu, rssi: int) -> None:
        """Hear one packet with *rssi* dBm."""
        if self.filter_duplicates and self.air.honour_duplicate_filter:
            name = (bytes(pdu.address), pdu.data)
            if name in self._reported:
                return
            self._reported.add(name)
        report = _Report.Report(pdu.kind, pdu.address.address_type, pdu.address, pdu.data, rssi)
        self.send_hci_packet(_Report([report]))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Obey a command. Nothing of it is written into a log, and nothing is said by a device that is gone."""
        if isinstance(packet, hci.HCI_Command) and not self._gone:
            self.on_hci_command_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand *packet* to the host, in the next turn of the loop."""
        if self.host and not self._gone:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Section 7.3.2: as after power on."""
        self._rest()
        self._address_set = False
        return _OK

    def on_hci_le_set_random_address_command(
        self, command: hci.HCI_LE_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Section 7.8.4: not while something is sent or heard under the old one."""
        if self.le_legacy_advertiser.enabled or self.le_scan_enable:
            return _DISALLOWED
        self._address_set = True
        # Past bumble's setter, which writes the address into its log.
        self._random_address = command.random_address
        return _OK

    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Section 7.8.5."""
        if self.le_legacy_advertiser.enabled:
            return _DISALLOWED
        if not _SHORTEST <= command.advertising_interval_min <= command.advertising_interval_max:
            return _INVALID
        return super().on_hci_le_set_advertising_parameters_command(command)

    def on_hci_le_set_advertising_data_command(
        self, command: hci.HCI_LE_Set_Advertising_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Section 7.8.7: also while it is sent, and then from now on."""
        status = super().on_hci_le_set_advertising_data_command(command)
        if self.le_legacy_advertiser.enabled:
            self.air.note(self.le_legacy_advertiser)
        return status

    def on_hci_le_set_advertising_enable_command(
        self, command: hci.HCI_LE_Set_Advertising_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Section 7.8.9: from a random address only where one was set."""
        public = self.le_legacy_advertiser.own_address_type == hci.Address.PUBLIC_DEVICE_ADDRESS
        if command.advertising_enable and not public and not self._address_set:
            return _INVALID
        return super().on_hci_le_set_advertising_enable_command(command)

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Section 7.8.11."""
        status = super().on_hci_le_set_scan_enable_command(command)
        self._reported.clear()
        self.air.listening(self, self.le_scan_enable)
        return status

    def _rest(self) -> None:
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.air.listening(self, False)
