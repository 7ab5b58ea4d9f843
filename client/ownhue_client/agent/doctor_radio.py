"""What the facts about an adapter of BlueZ mean for its owner, and what to do. Facts: ``radio.bluez.probe``."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

State = Literal["ok", "warn", "bad"]


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    """A short name, the same every time: "adapter", "clock" ..."""
    state: State
    sentence: str
    """How it is."""
    todo: str = ""
    """What to do, in a sentence; empty when nothing is."""


def bluez_findings(name: str, facts: Mapping[str, Any]) -> Iterator[Finding]:
    """What *facts* mean for the adapter *name*."""
    if facts.get("permission") is False:
        yield Finding("permission", "bad", "This user may not use Bluetooth.", "Join the group `bluetooth`, or log in.")
    if not facts.get("present"):
        todo = "Plug one in, or choose another one: `ownhue phone settings radio=...`."
        yield Finding("adapter", "bad", f"There is no adapter {name}.", todo)
        return
    yield _adapter(name, facts)
    yield from _abilities(facts)


def _adapter(name: str, facts: Mapping[str, Any]) -> Finding:
    if not facts.get("powered"):
        return Finding("adapter", "bad", f"The adapter {name} is switched off.", "Switch Bluetooth on.")
    if facts.get("discoverable"):
        return Finding(
            "adapter",
            "bad",
            f"The adapter {name} is discoverable: it would send its own address, so nothing is sent.",
            "Make it invisible: `bluetoothctl discoverable off`.",
        )
    reason = facts.get("silent_because")
    if reason:
        return Finding("adapter", "bad", f"Nothing is sent with {name}: {reason}.")
    return Finding("adapter", "ok", f"The adapter {name} is on, and invisible.")


def _abilities(facts: Mapping[str, Any]) -> Iterator[Finding]:
    version = facts.get("bluez_version")
    yield Finding("bluez", "ok" if version else "warn", f"BlueZ {version or 'of an unknown version'} runs.")
    if facts.get("advertising") is False:
        yield Finding("broadcast", "bad", "This adapter cannot broadcast.", "Another adapter can: a USB dongle, say.")
    if not facts.get("intervals"):
        yield Finding(
            "intervals",
            "warn",
            "This BlueZ chooses by itself how often the beacon is sent: ten times a second, or hardly ever.",
            "BlueZ 5.77 or `bluetoothd --experimental` lets the agent say it.",
        )
    if not facts.get("passive_monitor"):
        yield Finding(
            "passive scan",
            "warn",
            "Of each phone nearby only one sample comes in a scan, so distances are less exact.",
            "`bluetoothd --experimental` gives all of them.",
        )
