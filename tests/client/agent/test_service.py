"""The unit for systemd, and what systemd is told."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ownhue.errors import FormatError
from ownhue_client.agent.service import program_path, sd_notify, unit_path, unit_text, write_unit

HARDENED = {
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "RestrictNamespaces=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=@system-service",
    "UMask=0077",
    "LimitCORE=0",
    # Where the socket lies when the folder's path is too long for one.
    "RuntimeDirectory=ownhue",
    "RuntimeDirectoryMode=0700",
}


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_the_unit_runs_the_agent_and_allows_its_folder_alone() -> None:
    text = unit_text("/opt/ownhue/bin/ownhue", Path("/home/me/my phone"))
    command = '"/opt/ownhue/bin/ownhue" "phone" "--phone" "/home/me/my phone" "run" "--radio" "hci0"'
    assert f"ExecStart={command}" in lines(text)
    assert 'ReadWritePaths="/home/me/my phone"' in lines(text)
    assert set(lines(text)) >= HARDENED
    assert "Type=notify" in lines(text)
    assert "Restart=on-failure" in lines(text)
    assert "AF_NETLINK" not in text


def test_nothing_in_it_needs_rights_that_a_users_session_does_not_have() -> None:
    """Such settings end a user's unit before it begins (status 218)."""
    text = unit_text("/usr/bin/ownhue", Path("/p"))
    assert not any(
        name in text for name in ("CapabilityBoundingSet", "ProtectClock", "ProtectKernel", "PrivateDevices")
    )


def test_a_dongle_needs_more_than_an_adapter_of_the_system() -> None:
    text = unit_text("/usr/bin/ownhue", Path("/p"), "usb:0")
    assert "AF_BLUETOOTH AF_NETLINK" in text
    assert "MemoryDenyWriteExecute" not in text


def test_no_name_of_a_folder_becomes_a_setting() -> None:
    text = unit_text("/usr/bin/ownhue", Path('/p/%h $HOME "quoted" \\'))
    # A command line has variables, a path has none.
    assert '"--phone" "/p/%%h $$HOME \\"quoted\\" \\\\" "run"' in text
    assert 'ReadWritePaths="/p/%%h $HOME \\"quoted\\" \\\\"' in text
    with pytest.raises(FormatError):
        unit_text("/usr/bin/ownhue", Path("/p/\nExecStartPost=/bin/sh"))


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    path = write_unit(unit_text("/bin/true", tmp_path), tmp_path / "ownhue.service")
    done = subprocess.run([program, "verify", "--user", str(path)], capture_output=True, text=True, timeout=60)
    problems = [line for line in done.stderr.splitlines() if "ownhue.service" in line]
    assert problems == []


def test_it_is_written_where_the_user_has_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = write_unit("[Unit]\n")
    assert path == unit_path() == tmp_path / "systemd" / "user" / "ownhue.service"
    assert path.read_text() == "[Unit]\n"
    assert list(path.parent.iterdir()) == [path]


def test_the_program_that_runs_is_named_with_its_path() -> None:
    assert Path(program_path()).is_absolute()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        name = f"@ownhue-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
        systemd.bind("\0" + name[1:] if abstract else name)
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        assert sd_notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not sd_notify("READY=1")
    for address in ("vsock:2:1", str(tmp_path / "gone")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert not sd_notify("READY=1")
