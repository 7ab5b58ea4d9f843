"""What is wrong with a phone, and what to do about it: one finding for each thing that can be wrong.

    for finding in examine(phone, directory, Choice("hci0"), now): print(finding.state, finding.sentence)

- Nothing is sent and nothing is switched; no place and no secret is told.
- Each looks by itself: what cannot be looked at is a finding, and no reason not to look at the rest.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownhue.colour import Grey
from ownhue.errors import OwnhueError
from ownhue_client.agent.backends import DONGLES, OFF, Choice, radio_facts
from ownhue_client.agent.doctor_radio import Finding, State, bluez_findings
from ownhue_client.agent.sunset import TOLD_AHEAD_SECONDS, end_of
from ownhue_client.phone import Phone
from ownhue_client.phone.unlock import kind_of

__all__ = ["Finding", "examine"]

_HOUR, _DAY = 3600, 86400
#: Bytes that two weeks of a phone take, several times over: fewer free ones are worth a word, a tenth of them bad.
FREE_BYTES = 200_000_000
_BAD_SHARE = 10
#: Seconds by which a clock may be wrong without harm. specs/identifiers.md section 7
_SLOW_SECONDS = 600


@dataclass(frozen=True)
class Patient:
    """What is examined."""

    phone: Phone
    directory: Path
    choice: Choice
    now: int
    agent: Mapping[str, Any] | None
    """:meth:`Agent.state` of the agent that has the phone; None: no agent runs."""
    facts: Callable[[str], Mapping[str, Any]]
    """Looks at an adapter of BlueZ."""


def examine(
    phone: Phone,
    directory: Path,
    choice: Choice,
    now: int,
    *,
    agent: Mapping[str, Any] | None = None,
    facts: Callable[[str], Mapping[str, Any]] | None = None,
) -> list[Finding]:
    """Everything that was found at *now* (unix seconds). Not on the thread of a running loop: it asks the radio."""
    patient = Patient(phone, directory, choice, now, agent, facts or _facts_now)
    found: list[Finding] = []
    for name, look in _LOOKS.items():
        try:
            found += look(patient)
        except OwnhueError as error:
            found.append(Finding(name, "bad", f"This cannot be looked at: {error}."))
    return found


def _facts_now(adapter: str) -> Mapping[str, Any]:
    return asyncio.run(radio_facts(adapter))


def _agent(patient: Patient) -> Iterator[Finding]:
    if patient.agent is None:
        yield Finding("agent", "warn", "No agent runs.", "Start it: `ownhue phone run`, or the unit of `phone unit`.")
        return
    silent = patient.agent.get("silent")
    if silent:
        yield Finding("agent", "bad", f"The agent is silent: {silent}.")
        return
    yield Finding("agent", "ok", "The agent runs.")
    for what, trouble in dict(patient.agent.get("trouble", {})).items():
        yield Finding(f"agent: {what}", "warn", f"{trouble}.")


def _radio(patient: Patient) -> Iterator[Finding]:
    name = patient.choice.radio
    if name == OFF:
        yield Finding("adapter", "warn", "The radio is off by choice.", "Without it nothing is sent and nobody heard.")
    elif name.startswith(DONGLES):
        yield Finding("adapter", "ok", f"The agent drives {name} by itself.")
    else:
        yield from bluez_findings(name, patient.facts(name))


def _clock(patient: Patient) -> Iterator[Finding]:
    wall = patient.now
    decision = patient.phone.decide(wall)
    signed = decision.published_until
    if decision.time - wall > _SLOW_SECONDS:
        yield Finding("clock", "bad", "This device's clock was set back.", "Set it; until then a later time counts.")
    elif signed is not None and signed - wall > _SLOW_SECONDS:
        yield Finding("clock", "bad", "This device's clock is behind what was signed.", "Set it.")
    else:
        yield Finding("clock", "ok", "The clock contradicts nothing that was signed.")


def _published(patient: Patient) -> Iterator[Finding]:
    decision, rulebook = patient.phone.decide(patient.now), patient.phone.rulebook(patient.now)
    if rulebook is None or decision.published_until is None:
        yield Finding("published data", "bad", "Nothing published was seen yet.", "Synchronise: `ownhue phone sync`.")
        return
    hours = max(decision.time - decision.published_until, 0) // _HOUR
    limit = rulebook.freshness.published_data_hours
    state: State = "bad" if decision.data_old else "warn" if 2 * hours > limit else "ok"
    todo = "" if state == "ok" else "Connect to a network and synchronise: `ownhue phone sync`."
    yield Finding("published data", state, f"Published data are {hours} h old; {limit} h are allowed.", todo)
    if not rulebook.in_force(decision.time):
        yield Finding("rulebook", "bad", "No rulebook is in force, so the colour is grey.", "Synchronise.")
    if end_of(rulebook) - decision.time <= TOLD_AHEAD_SECONDS:
        yield Finding("sunset", "warn", f"The system in this region ends on {rulebook.sunset}; the phone then wipes.")


def _listening(patient: Patient) -> Iterator[Finding]:
    decision = patient.phone.decide(patient.now)
    share = decision.radio_share_percent
    if share is None:
        yield Finding("listening", "warn", "No scan was made yet.", "The agent makes the first one within minutes.")
        return
    off = Grey.RADIO_OFF in decision.grey_because
    todo = "Leave the agent running and Bluetooth on." if off else ""
    yield Finding("listening", "bad" if off else "ok", f"Of the last 24 h the radio listened {share} %.", todo)


def _passes(patient: Patient) -> Iterator[Finding]:
    today, tomorrow = (patient.phone.passes_left(patient.now + ahead) for ahead in (0, _DAY))
    state: State = "bad" if not today else "warn" if not tomorrow else "ok"
    todo = "" if state == "ok" else "The agent fetches them once a day; it needs a network and an enrolled phone."
    yield Finding("passes", state, f"{today} passes are left for today, {tomorrow} for tomorrow (UTC).", todo)


def _disk(patient: Patient) -> Iterator[Finding]:
    free = shutil.disk_usage(patient.directory).free
    state: State = "ok" if free >= FREE_BYTES else "warn" if free >= FREE_BYTES // _BAD_SHARE else "bad"
    todo = "" if state == "ok" else "Make room: what cannot be written is lost."
    yield Finding("disk", state, f"{free // 1_000_000} MB are free for the phone's folder.", todo)


def _unlock(patient: Patient) -> Iterator[Finding]:
    kind = kind_of(patient.directory)
    if kind == "key-file":
        yield Finding(
            "unlock",
            "warn",
            "The key lies beside the store: whoever copies the folder can read it.",
            "A keyring or a passphrase keeps it apart.",
        )
    else:
        yield Finding("unlock", "ok", f"The store is unlocked by the {kind}.")
    others = patient.directory.stat().st_mode & 0o077
    if others:
        yield Finding("folder", "bad", "Other users may enter the phone's folder.", f"chmod 700 {patient.directory}")


def _location(patient: Patient) -> Iterator[Finding]:
    kind = patient.phone.preferences().location
    if kind == "off":
        yield Finding("places", "ok", "No place is known: relayed beacons are told by their time alone.")
        return
    trouble = dict((patient.agent or {}).get("trouble", {})).get("place")
    if trouble:
        yield Finding("places", "bad", f"{trouble}.")
    else:
        yield Finding("places", "ok", f"Places come from {kind}.")


_LOOKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "agent": _agent,
    "adapter": _radio,
    "clock": _clock,
    "published data": _published,
    "listening": _listening,
    "passes": _passes,
    "disk": _disk,
    "unlock": _unlock,
    "places": _location,
}
