"""BlueZ's setting Privacy, as its file says it: only where the kernel cannot be asked.

With it, advertisements get a resolvable address that anybody who was ever paired can tell apart from others, and
controllers without extended advertising keep one for 15 minutes, over every rotation (measured). It is off by default.
"""

import re
from collections.abc import Callable
from pathlib import Path

MAIN_CONF = Path("/etc/bluetooth/main.conf")
_OFF = ("off", "false", "")
_SECTION = re.compile(r"\s*\[(?P<name>[^\]]*)\]")
_SETTING = re.compile(r"\s*Privacy\s*=\s*(?P<value>\S*)")

#: Whether Privacy is on.
IsPrivate = Callable[[], bool]


def privacy_in(path: Path = MAIN_CONF) -> bool:
    """Whether the file switches it on. A file that cannot be read counts as one that does."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    section, value = "", ""
    for line in lines:
        if begun := _SECTION.match(line):
            section = begun["name"]
        elif section == "General" and (found := _SETTING.match(line)):
            value = found["value"].lower()
    return value not in _OFF
