"""What the kernel says of an adapter, where BlueZ is silent: its settings, read from the management socket.

    kernel = Kernel("hci0", on_change)
    settings = await kernel.ask()            # Settings(connectable=False, ...), or None: it cannot be asked

    Read Info       04 00  00 00  00 00                    opcode 4, adapter 0, no parameters; answered to everybody
    New Settings    06 00  00 00  04 00  d1 0a 00 00       event 6, adapter 0, 4 bytes of settings

An adapter that was discoverable for a time (``bluetoothctl discoverable on``: 180 s) stays connectable when that time
is over. Older versions of BlueZ do not tell it, only the kernel does. Of the answer only the settings are looked at: it
also holds the adapter's own address. Source: doc/mgmt-api.txt of BlueZ; discov_off() of net/bluetooth in the kernel.
"""

import asyncio
import ctypes
import os
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

_HEADER = struct.Struct("<HHH")
_READ_INFO, _COMPLETE, _STATUS, _NEW_SETTINGS = 0x04, 0x01, 0x02, 0x06
#: Where the present settings stand in an answer: behind opcode, status, address, version, maker and what is possible.
_CURRENT_AT = 3 + 6 + 1 + 2 + 4
_POWERED, _CONNECTABLE, _DISCOVERABLE, _PRIVACY = 1 << 0, 1 << 1, 1 << 3, 1 << 13
_MESSAGE_BYTES = 4096
_SECONDS = 2.0
# As in the kernel's include/net/bluetooth: Python does not know this channel, and need not know the family.
_AF_BLUETOOTH, _BTPROTO_HCI, _NO_ADAPTER, _CONTROL = 31, 1, 0xFFFF, 3
_NAME = re.compile(r"hci(0|[1-9][0-9]{0,3})")

OpenSocket = Callable[[], socket.socket]


class Settings(NamedTuple):
    """Settings of one adapter."""

    powered: bool
    connectable: bool
    discoverable: bool
    privacy: bool

    @classmethod
    def of(cls, word: int) -> Self:
        """From the kernel's 32 bits."""
        return cls(*(bool(word & bit) for bit in (_POWERED, _CONNECTABLE, _DISCOVERABLE, _PRIVACY)))


def management_socket() -> socket.socket:
    """A socket on which everybody may read settings. Raises OSError: no Bluetooth, in a container, not allowed."""
    opened = socket.socket(_AF_BLUETOOTH, socket.SOCK_RAW, _BTPROTO_HCI)
    try:
        address = struct.pack("=HHH", _AF_BLUETOOTH, _NO_ADAPTER, _CONTROL)
        library = ctypes.CDLL(None, use_errno=True)
        if library.bind(opened.fileno(), address, len(address)):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except BaseException:
        opened.close()
        raise
    return opened


class Kernel:
    """Asks about one adapter, and hears when its settings change."""

    def __init__(
        self, adapter: str, on_change: Callable[[Settings], None], open_socket: OpenSocket = management_socket
    ) -> None:
        """*on_change* must not raise."""
        name = _NAME.fullmatch(adapter)
        self._index = int(name[1]) if name else None
        self._on_change = on_change
        self._open_socket = open_socket
        self._socket: socket.socket | None = None
        self._answer: asyncio.Future[Settings | None] | None = None

    async def ask(self) -> Settings | None:
        """The present settings; None where the kernel cannot be asked. From then on changes are heard."""
        if self._index is None:
            return None
        self._answer = answer = asyncio.get_running_loop().create_future()
        try:
            asked = self._socket or self._opened()
            asked.send(_HEADER.pack(_READ_INFO, self._index, 0))
            async with asyncio.timeout(_SECONDS):
                settings: Settings | None = await answer
                return settings
        except (OSError, TimeoutError):
            self.close()
            return None

    def close(self) -> None:
        """Hear nothing any more."""
        closed, self._socket = self._socket, None
        if closed is not None:
            asyncio.get_running_loop().remove_reader(closed)
            closed.close()
        self._tell(None)

    def _opened(self) -> socket.socket:
        opened = self._open_socket()
        opened.setblocking(False)
        asyncio.get_running_loop().add_reader(opened, self._read)
        self._socket = opened
        return opened

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            message = self._socket.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self.close()
            return
        with suppress(struct.error):  # what is cut off is no message
            self._take(message)

    def _take(self, message: bytes) -> None:
        event, index, length = _HEADER.unpack_from(message)
        content = message[_HEADER.size : _HEADER.size + length]
        if index != self._index:
            return
        if event == _NEW_SETTINGS:
            self._on_change(Settings.of(*struct.unpack_from("<I", content)))
        elif event in (_COMPLETE, _STATUS):
            opcode, status = struct.unpack_from("<HB", content)
            if opcode == _READ_INFO:
                self._tell(None if status else Settings.of(*struct.unpack_from("<I", content, _CURRENT_AT)))

    def _tell(self, settings: Settings | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(settings)
