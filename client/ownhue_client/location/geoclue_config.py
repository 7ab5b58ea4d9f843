"""Which sources of GeoClue ask somebody else where this device is. Read from its own configuration.

GeoClue's Wi-Fi source sends the names of the networks around to a server, its 3G source the mobile cell, its IP source
the address; the answer is a place, and the server then knows it too. A program that uses GeoClue cannot choose among
the sources, so these files are the only place where it can be seen. What is not said counts as switched on: so it is
built.
"""

from collections.abc import Iterable
from configparser import ConfigParser, Error
from pathlib import Path

#: The main file and those that change it, in the order in which GeoClue reads them.
MAIN_FILE = Path("/etc/geoclue/geoclue.conf")
MORE_FILES = Path("/etc/geoclue/conf.d")
_ASKING = {"wifi": "Wi-Fi", "3g": "mobile cells", "ip": "internet address"}


def config_files(main: Path = MAIN_FILE, more: Path = MORE_FILES) -> list[Path]:
    """The files that there are."""
    try:
        return [main, *sorted(path for path in more.iterdir() if path.suffix == ".conf")]
    except OSError:
        return [main]


def asking_sources(files: Iterable[Path]) -> list[str]:
    """The sources that are on and ask a server, in words."""
    config = ConfigParser(interpolation=None, strict=False)
    for path in files:
        try:
            config.read_string(path.read_text(errors="replace"))
        except (OSError, Error):
            # A file that cannot be read switches nothing off.
            continue
    return [words for section, words in _ASKING.items() if not _is_off(config, section)]


def _is_off(config: ConfigParser, section: str) -> bool:
    return config.get(section, "enable", fallback="true").strip().lower() == "false"
