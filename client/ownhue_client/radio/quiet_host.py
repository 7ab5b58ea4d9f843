"""The host side of a Bluetooth controller, without a log: what passes here are identifiers and addresses.

bumble's own host formats every packet for its debug log, and writes the command that failed into its warnings.
"""

import asyncio
from typing import Any

from bumble import hci
from bumble.host import Host
from bumble.transport.common import TransportLostError

from ownhue_client.errors import RadioError

#: A controller that has not answered a command after so many seconds is taken for broken.
_ANSWER_SECONDS = 5.0


class QuietHost(Host):
    """Sends commands to a controller and hands on what it hears."""

    def __init__(self, source: Any, sink: Any) -> None:
        """*source* and *sink* of packets: a transport's, or a virtual controller twice."""
        super().__init__(source, sink)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def command(self, command: hci.HCI_SyncCommand[Any]) -> Any:
        """The answer to *command*. Raises RadioError: refused, none in time, or the controller is gone.

        Once it was sent it runs to its end, also when the caller is cancelled: else its late answer would be taken for
        that of the next command. (Nor is bumble asked for a time-out: in Python 3.11 it can swallow a cancellation.)
        """
        if self.lost.done():
            raise RadioError(self.lost.result())
        running = asyncio.ensure_future(self.send_sync_command_raw(command))
        running.add_done_callback(_look_at)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                event = await asyncio.shield(running)
        except TimeoutError as error:
            running.cancel()
            self._lose("the Bluetooth dongle does not answer; take it out and put it in again")
            raise RadioError(self.lost.result()) from error
        except (TransportLostError, AssertionError) as error:
            self._lose("the Bluetooth dongle gave no answer that makes sense; take it out and put it in again")
            raise RadioError(self.lost.result()) from error
        status = getattr(event.return_parameters, "status", hci.HCI_ErrorCode.SUCCESS)
        if status != hci.HCI_ErrorCode.SUCCESS:
            raise RadioError(f"the Bluetooth dongle refused {command.name} (status {status:#x})")
        return event.return_parameters

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand *packet* to the controller."""
        if self.hci_sink:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take an event in. Data of connections are passed over: there are none."""
        if isinstance(packet, hci.HCI_Event):
            self.on_hci_event_packet(packet)

    def on_hci_hardware_error_event(self, _event: hci.HCI_Event) -> None:
        """The controller restarted by itself: nothing that was set in it holds any more."""
        self._lose("the Bluetooth dongle failed")

    def on_transport_lost(self) -> None:
        """Called by the transport when the dongle was taken out."""
        self._lose("the Bluetooth dongle was taken out")
        if self.pending_response is not None and not self.pending_response.done():
            self.pending_response.set_exception(TransportLostError("transport lost"))

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)


def _look_at(running: asyncio.Future[Any]) -> None:
    """Take the outcome of a command for which nobody waits any more: it is of no interest."""
    if not running.cancelled():
        running.exception()
