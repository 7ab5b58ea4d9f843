"""The agent as a service of systemd in the user's session: its unit, and the words that systemd waits for.

    print(unit_text("/usr/bin/ownhue", Path("/home/me/phone")))
    sd_notify("READY=1")

Source: systemd.exec(5), systemd.service(5), sd_notify(3). The unit allows what the agent needs: its folder, its
network, the two buses (Unix sockets), and little else. What makes the system read-only for it needs user namespaces;
settings that need more rights than a user's session has (capabilities) would keep the unit from starting at all.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

from ownhue.errors import FormatError

UNIT_NAME = "ownhue.service"
_TEMPLATE = """\
[Unit]
Description=ownhue: the device agent of a health code that belongs to its owner
Documentation=man:systemd.exec(5)
After=dbus.socket
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=on-failure
RestartSec=30
TimeoutStartSec=120
TimeoutStopSec=90
KillMode=mixed
UMask=0077
RuntimeDirectory=ownhue
RuntimeDirectoryMode=0700

ReadWritePaths={folder}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6{families}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
{memory}SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
LimitCORE=0
MemoryMax=512M
TasksMax=32

[Install]
WantedBy=default.target
"""


def unit_text(program: str, directory: Path, radio: str = "hci0") -> str:
    """The unit that runs *program* (a path) for the phone in *directory*. Raises FormatError for what no unit can name.

    A Bluetooth socket is allowed: reading what the adapter is set to needs no more rights than that.
    """
    folder = str(directory.absolute())
    words = (program, "phone", "--phone", folder, "run", "--radio", radio)
    command = " ".join(_quoted(word).replace("$", "$$") for word in words)
    dongle = ":" in radio
    return _TEMPLATE.format(
        command=command,
        folder=_quoted(folder),
        # BlueZ does not tell all that the kernel does: see radio/bluez/kernel.py.
        families=" AF_BLUETOOTH AF_NETLINK" if dongle else " AF_BLUETOOTH",
        # The library for USB makes its callbacks at run time.
        memory="" if dongle else "MemoryDenyWriteExecute=yes\n",
    )


def unit_path() -> Path:
    """Where the user's own units lie."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "systemd" / "user" / UNIT_NAME


def program_path() -> str:
    """The command `ownhue` that runs now, with its whole path."""
    beside = Path(sys.executable).with_name("ownhue")
    return str(beside) if beside.exists() else shutil.which("ownhue") or str(Path(sys.argv[0]).absolute())


def write_unit(text: str, path: Path | None = None) -> Path:
    """Write the unit *text* to *path*, default :func:`unit_path`. It is neither enabled nor started."""
    path = unit_path() if path is None else path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def sd_notify(state: str) -> bool:
    """Tell systemd *state* ("READY=1", "STOPPING=1"); False where nobody waits for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # a name in the kernel's own space begins with a zero byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.connect(address)
            connection.sendall(state.encode())
    except OSError:
        return False
    return True


def _quoted(word: str) -> str:
    """A word of a unit: quoted, specifiers made plain."""
    if any(not letter.isprintable() for letter in word):
        raise FormatError("the name of the phone's folder holds a letter that a unit cannot name")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
