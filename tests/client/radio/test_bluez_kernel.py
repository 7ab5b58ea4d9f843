"""What the kernel says of an adapter, and what follows from it for sending."""

import asyncio
import ctypes
import errno
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZBroadcaster, opened
from ownhue_client.radio.bluez.guard import Sending
from ownhue_client.radio.bluez.kernel import Kernel, Settings, management_socket
from ownhue_client.radio.bluez.privacy import privacy_in
from tests.client.radio.fake_bluez import FakeBlueZ
from tests.client.radio.fake_kernel import CONNECTABLE, DISCOVERABLE, HIDDEN, PRIVACY, FakeKernel

RPI, AEM = bytes(range(16)), b"\xa0\xa1\xa2\xa3"
UUID = 0xFD6F
_HIDDEN = Settings(powered=True, connectable=False, discoverable=False, privacy=False)
Main = Callable[[FakeKernel, Kernel, list[Settings]], Coroutine[Any, Any, None]]


def ask(main: Main, adapter: str = "hci0", **setup: int) -> None:
    async def run() -> None:
        fake, changes = FakeKernel(**setup), list[Settings]()
        kernel = Kernel(adapter, changes.append, fake.open)
        try:
            await main(fake, kernel, changes)
        finally:
            kernel.close()
            fake.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (HIDDEN, _HIDDEN),
        (HIDDEN | CONNECTABLE, _HIDDEN._replace(connectable=True)),
        (HIDDEN | DISCOVERABLE, _HIDDEN._replace(discoverable=True)),
        (HIDDEN | PRIVACY, _HIDDEN._replace(privacy=True)),
        (0, Settings(False, False, False, False)),
    ],
)
def test_settings_are_read_and_their_changes_heard(word: int, expected: Settings) -> None:
    async def main(fake: FakeKernel, kernel: Kernel, changes: list[Settings]) -> None:
        fake.settings = word
        assert await kernel.ask() == expected
        fake.set(HIDDEN)
        assert await kernel.ask() == _HIDDEN
        assert changes == [_HIDDEN]

    ask(main)


def test_the_right_adapter_is_asked_and_others_are_passed_over() -> None:
    async def main(fake: FakeKernel, kernel: Kernel, changes: list[Settings]) -> None:
        assert await kernel.ask() == _HIDDEN
        fake.tell(struct.pack("<HHHI", 0x06, 0, 4, CONNECTABLE))
        assert await kernel.ask() == _HIDDEN
        assert changes == []

    ask(main, "hci12", index=12)


@pytest.mark.parametrize("adapter", ["hci", "hci01", "usb0", "hci99999"])
def test_an_adapter_without_a_number_cannot_be_asked_about(adapter: str) -> None:
    async def main(fake: FakeKernel, kernel: Kernel, changes: list[Settings]) -> None:
        assert await kernel.ask() is None
        assert fake.asked == 0

    ask(main, adapter)


def test_a_kernel_that_refuses_or_falls_silent_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ownhue_client.radio.bluez.kernel._SECONDS", 0.05)

    async def main(fake: FakeKernel, kernel: Kernel, changes: list[Settings]) -> None:
        fake.status = 0x11  # invalid index
        assert await kernel.ask() is None
        fake.status, fake.silent = 0, True
        assert await kernel.ask() is None
        fake.silent = False
        assert await kernel.ask() == _HIDDEN
        asking = asyncio.create_task(kernel.ask())
        fake.silent = True
        await asyncio.sleep(0)
        fake.close()
        assert await asking is None

    ask(main)


def test_attack_messages_that_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(fake: FakeKernel, kernel: Kernel, changes: list[Settings]) -> None:
        assert await kernel.ask() == _HIDDEN
        whole = struct.pack("<HHHHB", 0x01, 0, 16, 0x04, 0) + bytes(13)
        for message in (b"\x06", whole[:7], whole[:12], struct.pack("<HHHH", 0x06, 0, 2, 1), b"\xff" * 6):
            fake.tell(message)
        assert await kernel.ask() == _HIDDEN
        assert changes == []

    ask(main)


def test_the_real_socket_opens_or_says_why() -> None:
    with suppress(OSError):
        management_socket().close()


def test_a_socket_that_cannot_be_bound_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        """A C library whose bind fails."""

        def __init__(self, name: None, use_errno: bool) -> None:
            ctypes.set_errno(errno.EPERM)

        def bind(self, descriptor: int, address: bytes, length: int) -> int:
            assert (address, length) == (struct.pack("=HHH", socket.AF_UNIX, 0xFFFF, 3), 6)
            return -1

    monkeypatch.setattr("ownhue_client.radio.bluez.kernel._AF_BLUETOOTH", socket.AF_UNIX)
    monkeypatch.setattr("ownhue_client.radio.bluez.kernel._BTPROTO_HCI", 0)
    monkeypatch.setattr("ctypes.CDLL", Library)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(PermissionError):
        management_socket()
    assert len(os.listdir("/proc/self/fd")) == len(before)


Play = Callable[[FakeBlueZ, FakeKernel, BlueZBroadcaster], Coroutine[Any, Any, None]]


def play(address: str, main: Play) -> None:
    """Run *main* with a BlueZ that does not tell whether the adapter is connectable, and a kernel that does."""

    async def run() -> None:
        bluez, fake = FakeBlueZ(address), FakeKernel()
        del bluez.adapter["Connectable"]
        sending = Sending(fake.open, lambda: False)
        async with bluez, opened("hci0", UUID, lambda: 0, sending=sending) as (broadcaster, _):
            await main(bluez, fake, broadcaster)
        fake.close()

    asyncio.run(run())


def test_attack_an_adapter_that_stays_connectable_after_it_was_visible_for_a_time(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, fake: FakeKernel, broadcaster: BlueZBroadcaster) -> None:
        # As `bluetoothctl discoverable on` leaves it after 180 s: BlueZ says that it is hidden.
        fake.settings = HIDDEN | CONNECTABLE
        with pytest.raises(RadioError, match="discoverable on`, then"):
            await broadcaster.broadcast(RPI, AEM)
        assert "RegisterAdvertisement" not in bluez.calls
        fake.settings = HIDDEN
        await broadcaster.broadcast(RPI, AEM)
        assert bluez.on_air is not None

    play(system_bus_address, main)


@pytest.mark.parametrize(
    ("word", "says"),
    [(CONNECTABLE, "accepts connections"), (DISCOVERABLE, "discoverable"), (PRIVACY, "Privacy"), (-1, "switched off")],
)
def test_attack_the_kernel_makes_the_adapter_visible_and_bluez_does_not_tell(
    system_bus_address: str, word: int, says: str
) -> None:
    async def main(bluez: FakeBlueZ, fake: FakeKernel, broadcaster: BlueZBroadcaster) -> None:
        await broadcaster.broadcast(RPI, AEM)
        fake.set(HIDDEN & ~1 if word < 0 else HIDDEN | word)
        async with asyncio.timeout(5):
            assert says in await broadcaster.ended()
        assert bluez.on_air is None

    play(system_bus_address, main)


def test_changes_that_hide_nothing_leave_the_beacon_on_the_air(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, fake: FakeKernel, broadcaster: BlueZBroadcaster) -> None:
        await broadcaster.broadcast(RPI, AEM)
        fake.set(HIDDEN | 1 << 4)
        fake.set(HIDDEN)
        await broadcaster.broadcast(bytes(16), AEM)  # asks it again, behind the news
        assert bluez.on_air is not None
        assert len(bluez.history) == 2

    play(system_bus_address, main)


def test_where_nobody_says_whether_the_adapter_is_connectable_nothing_is_sent(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, fake: FakeKernel, broadcaster: BlueZBroadcaster) -> None:
        fake.status = 0x0B
        with pytest.raises(RadioError, match="AF_BLUETOOTH"):
            await broadcaster.broadcast(RPI, AEM)
        # A BlueZ that says it is enough.
        bluez.adapter["Connectable"] = False
        await broadcaster.broadcast(RPI, AEM)
        assert bluez.on_air is not None

    play(system_bus_address, main)


def test_where_the_kernel_cannot_be_asked_the_file_says_whether_addresses_stay(system_bus_address: str) -> None:
    async def main() -> None:
        fake = FakeKernel()
        fake.status = 0x0B
        sending = Sending(fake.open, lambda: True)
        async with (
            FakeBlueZ(system_bus_address) as bluez,
            opened("hci0", UUID, lambda: 0, sending=sending) as (broadcaster, _),
        ):
            with pytest.raises(RadioError, match="Privacy = off"):
                await broadcaster.broadcast(RPI, AEM)
            assert bluez.history == []
        fake.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("", False),
        ("[General]\n#Privacy = device\n", False),
        ("[General]\nPrivacy = off\n", False),
        ("[General]\nPrivacy = device\n", True),
        ("[General]\n  Privacy=Network\r\n[Policy]\nPrivacy = off\n", True),
        ("[General]\nPrivacy = limited-device\n", True),
        ("[General]\nPrivacy = anything\n", True),
        ("[Policy]\nPrivacy = device\n", False),
        ("[General]\nPrivacy = device\nPrivacy = off\n", False),
        ("\x00[General\n=\nPrivacy = device", False),
    ],
)
def test_the_privacy_setting_is_read_as_bluez_reads_it(tmp_path: Path, text: str, private: bool) -> None:
    path = tmp_path / "main.conf"
    assert not privacy_in(path)
    path.write_text(text)
    assert privacy_in(path) is private


def test_a_setting_that_cannot_be_read_counts_as_the_worse(tmp_path: Path) -> None:
    assert privacy_in(tmp_path)
