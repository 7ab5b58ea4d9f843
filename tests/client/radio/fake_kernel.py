"""The kernel's management socket, played by the other end of a pair of sockets."""

import asyncio
import socket
import struct

CONNECTABLE, DISCOVERABLE, PRIVACY = 1 << 1, 1 << 3, 1 << 13
#: Powered, bondable, BR/EDR, LE and secure connections: an adapter that nobody can see.
HIDDEN = 0x00000AD1 & ~PRIVACY
#: In each answer, and nobody's business.
ADDRESS = bytes.fromhex("0f0e0d0c0b0a")


class FakeKernel:
    """Answers Read Info of one adapter with *settings*."""

    def __init__(self, settings: int = HIDDEN, index: int = 0) -> None:
        self.settings = settings
        self.index = index
        self.status = 0
        self.silent = False
        self.asked = 0
        self._sockets: list[socket.socket] = []

    def open(self) -> socket.socket:
        """A socket as programs get it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._sockets.append(ours)
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        return theirs

    def close(self) -> None:
        """The adapter's driver is unloaded: all sockets end."""
        for ours in self._sockets:
            asyncio.get_running_loop().remove_reader(ours)
            ours.close()
        self._sockets.clear()

    def set(self, settings: int) -> None:
        """Change the settings, and tell it."""
        self.settings = settings
        self.tell(struct.pack("<HHHI", 0x06, self.index, 4, settings))

    def tell(self, message: bytes) -> None:
        """Send a message to everybody."""
        for ours in self._sockets:
            ours.send(message)

    def _read(self, ours: socket.socket) -> None:
        asked = ours.recv(100)
        if not asked:
            asyncio.get_running_loop().remove_reader(ours)
            return
        self.asked += 1
        assert asked == struct.pack("<HHH", 0x04, self.index, 0)
        if self.silent:
            return
        if self.status:
            ours.send(struct.pack("<HHHHB", 0x02, self.index, 3, 0x04, self.status))
            return
        info = ADDRESS + struct.pack("<BHII", 9, 2, 0xFFFFFFFF, self.settings) + bytes(3 + 249 + 11)
        ours.send(struct.pack("<HHHHB", 0x01, self.index, 3 + len(info), 0x04, 0) + info)
