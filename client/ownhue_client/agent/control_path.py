"""Where an agent's socket lies, and who is at its other end."""

import hashlib
import os
import socket
import stat
import struct
import tempfile
from pathlib import Path

from ownhue.errors import StateError

SOCKET_NAME = "agent.sock"
#: Longest path of a Unix socket on Linux, without the zero byte at its end. specs/phone.md section 7
MAX_PATH_BYTES = 107
#: Process, user and group of the other side (struct ucred).
_CREDENTIALS = struct.Struct("3i")
_NAME_DIGITS = 16


def socket_path(directory: Path, *, create: bool = False) -> Path:
    """The socket of the agent for the phone in *directory*. *create*: make the folder that it lies in.

    Raises StateError when somebody else owns that folder.
    """
    home = directory.absolute()
    path = home / SOCKET_NAME
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        return path
    # The name comes from the whole path, so that two phones never share a socket.
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()
    folder = _runtime_folder()
    if create:
        folder.mkdir(mode=0o700, exist_ok=True)
    _check_owner(folder)
    return folder / f"{digest[:_NAME_DIGITS]}.sock"


def peer_of(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[1])


def _runtime_folder() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "ownhue"
    return Path(tempfile.gettempdir()) / f"ownhue-{os.geteuid()}"


def _check_owner(folder: Path) -> None:
    """In a folder for temporary files anybody can be first."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise StateError("the folder for the agent's socket belongs to somebody else, or others may enter it")
