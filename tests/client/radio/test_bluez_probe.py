"""What the doctor is told of an adapter."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ownhue_client.agent.doctor_radio import bluez_findings
from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import probe
from ownhue_client.radio.bluez.guard import Sending
from ownhue_client.radio.bluez.probe import bluez_version
from tests.client.radio.fake_bluez import FakeBlueZ
from tests.client.radio.fake_kernel import CONNECTABLE, HIDDEN, PRIVACY, FakeKernel


def facts(address: str, bluez: FakeBlueZ, version: str | None = "5.66", adapter: str = "hci0") -> dict[str, Any]:
    async def told() -> str | None:
        return version

    async def main() -> dict[str, Any]:
        async with bluez:
            return await probe(adapter, version=told)

    return asyncio.run(main())


def test_an_old_bluez_on_an_old_adapter(system_bus_address: str) -> None:
    bluez = FakeBlueZ(system_bus_address)
    assert facts(system_bus_address, bluez) == {
        "permission": True,
        "bluez_version": "5.66",
        "present": True,
        "powered": True,
        "discoverable": False,
        "connectable": False,
        "privacy_off": True,
        "silent_because": "",
        "advertising": True,
        "free_broadcasts": 5,
        "extended": False,
        "passive_monitor": False,
        "intervals": False,
    }
    # Nothing was switched, registered or sent.
    assert bluez.calls == ["GetManagedObjects"]


@pytest.mark.parametrize(
    ("experimental", "extended", "version", "expected"),
    [
        (False, True, "5.66", False),
        (True, True, "5.66", True),
        (False, True, "5.77", True),
        (False, True, "6.0", True),
        (False, False, "5.77", False),
        (False, True, None, False),
        (False, True, "5.9", False),
    ],
)
def test_who_heeds_intervals(
    system_bus_address: str, experimental: bool, extended: bool, version: str | None, expected: bool
) -> None:
    bluez = FakeBlueZ(system_bus_address, experimental=experimental, extended=extended)
    told = facts(system_bus_address, bluez, version)
    assert told["intervals"] is expected
    assert told["passive_monitor"] is experimental


def test_an_adapter_that_may_not_send_says_why(system_bus_address: str) -> None:
    bluez = FakeBlueZ(system_bus_address)
    bluez.adapter |= {"Discoverable": True, "Connectable": True}
    told = facts(system_bus_address, bluez)
    assert told["discoverable"] is True
    assert "discoverable" in told["silent_because"]


@pytest.mark.parametrize(("word", "says"), [(CONNECTABLE, "accepts connections"), (PRIVACY, "Privacy")])
def test_what_only_the_kernel_tells_is_told(system_bus_address: str, word: int, says: str) -> None:
    async def main() -> dict[str, Any]:
        kernel = FakeKernel(HIDDEN | word)
        async with FakeBlueZ(system_bus_address):
            told = await probe("hci0", sending=Sending(kernel.open))
        kernel.close()
        return told

    told = asyncio.run(main())
    assert says in told["silent_because"]
    assert told["connectable"] is (word == CONNECTABLE)
    assert told["privacy_off"] is (word != PRIVACY)


def test_the_doctor_understands_the_facts(system_bus_address: str) -> None:
    bluez = FakeBlueZ(system_bus_address)
    found = {finding.what: finding.state for finding in bluez_findings("hci0", facts(system_bus_address, bluez))}
    assert found["adapter"] == "ok"
    bluez = FakeBlueZ(system_bus_address)
    bluez.adapter["Discoverable"] = True
    found = {finding.what: finding.state for finding in bluez_findings("hci0", facts(system_bus_address, bluez))}
    assert found["adapter"] == "bad"


def test_an_adapter_that_is_not_there(system_bus_address: str) -> None:
    told = facts(system_bus_address, FakeBlueZ(system_bus_address), adapter="hci3")
    assert told == {"permission": True, "bluez_version": "5.66", "present": False}


def test_whoever_may_not_ask_bluez_is_told_what_to_do(system_bus_address: str) -> None:
    bluez = FakeBlueZ(system_bus_address)
    bluez.errors["GetManagedObjects"] = "org.freedesktop.DBus.Error.AccessDenied"
    with pytest.raises(RadioError, match="join the group"):
        facts(system_bus_address, bluez)


def test_without_bluez_there_is_a_sentence(system_bus_address: str) -> None:
    with pytest.raises(RadioError, match="BlueZ does not run"):
        asyncio.run(probe("hci0"))


@pytest.mark.parametrize(
    ("script", "version"), [("echo bluetoothctl: 5.66", "5.66"), ("echo nothing", None), ("exit 1", None)]
)
def test_the_version_is_asked_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str | None
) -> None:
    command = tmp_path / "bluetoothctl"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(bluez_version()) == version


def test_a_command_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "bluetoothctl"
    command.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    command.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(bluez_version(0.1)) is None


def test_without_the_command_the_version_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(bluez_version()) is None
