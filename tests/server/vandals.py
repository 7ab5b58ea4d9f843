"""What somebody does to published files who has none of the server's keys, and what an audit says of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.server.forge import put

Vandal = Callable[[Path], object]


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def newest(folder: Path, kind: str) -> Path:
    return max((path for path in folder.glob(f"{kind}/**/*") if path.is_file()), key=lambda path: path.parent.name)


def partials(folder: Path, start: str) -> list[Path]:
    """Partial files of an index, the narrowest first."""
    return sorted((folder / f"{start}/000.p").iterdir(), key=lambda path: int(path.name))


def _swap_entries(folder: Path) -> None:
    path = partials(folder, "tile/entries")[-1]
    data, cut = path.read_bytes(), 2
    cut += int.from_bytes(data[:2], "big")
    second = cut + 2 + int.from_bytes(data[cut : cut + 2], "big")
    path.write_bytes(data[cut:second] + data[:cut] + data[second:])


def _remove(pattern: str) -> Callable[[Path], None]:
    return lambda folder: min(folder.glob(pattern)).unlink()


def _append(folder: Path) -> None:
    path = newest(folder, "keys")
    path.write_bytes(path.read_bytes() + b"more")


def _link(folder: Path) -> None:
    path = newest(folder, "keys")
    path.rename(folder.parent / "elsewhere.zip")
    path.symlink_to(folder.parent / "elsewhere.zip")


#: Name of a tampering -> what does it, and the words of an audit.
VANDALS: dict[str, tuple[Vandal, set[str]]] = {
    "a flipped byte in the head": (lambda folder: flip(folder / "head", 40), {"head"}),
    "a flipped byte in a key file": (lambda folder: flip(newest(folder, "keys"), 99), {"digest"}),
    "a flipped byte in a rulebook": (lambda folder: flip(newest(folder, "rulebook"), 99), {"digest"}),
    "a flipped byte in a list of epoch keys": (lambda folder: flip(newest(folder, "epochs"), 99), {"digest"}),
    "a flipped byte in the newest bundle": (lambda folder: flip(partials(folder, "tile/entries")[-1]), {"root"}),
    "a flipped byte in an older bundle": (lambda folder: flip(partials(folder, "tile/entries")[3]), {"bundle"}),
    "a cut bundle": (lambda folder: partials(folder, "tile/entries")[-1].write_bytes(b"\0"), {"bundle"}),
    "entries in another order": (_swap_entries, {"root"}),
    "a flipped byte in the newest tile": (lambda folder: flip(partials(folder, "tile/0")[-1]), {"tile"}),
    "a flipped byte in an older tile": (lambda folder: flip(partials(folder, "tile/0")[2]), {"tile"}),
    "a removed head": (lambda folder: (folder / "head").unlink(), {"head"}),
    "a removed key file": (lambda folder: newest(folder, "keys").unlink(), {"missing"}),
    "a removed document": (_remove("past-epochs/*"), {"missing"}),
    "a removed older bundle": (lambda folder: partials(folder, "tile/entries")[1].unlink(), {"bundle"}),
    "a removed tile": (lambda folder: partials(folder, "tile/0")[-1].unlink(), {"tile"}),
    "a file that nobody logged": (lambda folder: put(folder, f"keys/7/{'ab' * 32}.zip", b"for you"), {"extra"}),
    "a file with a name of its own": (lambda folder: put(folder, "for-you.html", b"hello"), {"extra"}),
    "a file among the drafts": (lambda folder: put(folder, ".drafts/for-you.zip", b"hello"), {"extra"}),
    "a lock that says something": (lambda folder: put(folder, ".drafts/lock", b"hello"), {"extra"}),
    "a longer file": (_append, {"length"}),
    "a shorter file": (lambda folder: os.truncate(newest(folder, "keys"), 50), {"length"}),
    "a link in the place of a file": (_link, {"missing", "irregular"}),
    "a pipe among the files": (lambda folder: os.mkfifo(folder / "keys" / "pipe"), {"irregular"}),
    "no trust metadata where it was": (lambda folder: shutil.rmtree(folder / "trust"), {"trust", "missing"}),
    "a removed trust file": (_remove("trust/1.snapshot.json"), {"trust-name"}),
}

#: The same for a mirror.
MIRRORS: dict[str, tuple[Vandal, set[str]]] = {
    "the same": (lambda folder: None, set()),
    "a key file that differs": (lambda folder: flip(newest(folder, "keys")), {"mirror-differs"}),
    "a document that is shorter": (lambda folder: os.truncate(newest(folder, "rulebook"), 9), {"mirror-differs"}),
    "a tile that differs": (lambda folder: flip(partials(folder, "tile/0")[-1]), {"mirror-differs"}),
    "a bundle that differs": (lambda folder: flip(partials(folder, "tile/entries")[-1]), {"mirror-differs"}),
    "a trust file that differs": (lambda folder: flip(folder / "trust" / "timestamp.json"), {"mirror-differs"}),
    "a key file less": (lambda folder: newest(folder, "keys").unlink(), {"mirror-missing"}),
    "no trust metadata": (lambda folder: shutil.rmtree(folder / "trust"), {"mirror-missing"}),
    "no head": (lambda folder: (folder / "head").unlink(), {"mirror-missing"}),
    "a file more": (lambda folder: put(folder, "keys/8/for-you.zip", b"hello"), {"mirror-extra"}),
}
