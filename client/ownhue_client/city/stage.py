"""The stage of the demo: phones, a server, a gate, a clock, and a narrator who checks what he claims."""

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.markup import escape

from ownhue.colour import Colour, Decision, decision_bytes
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.told import Message
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.city.air import Air
from ownhue_client.city.auditor import Auditor
from ownhue_client.city.clock import CityClock
from ownhue_client.city.detour import Detour
from ownhue_client.city.server import CityServer, city_server
from ownhue_client.city.witness import CityWitness, ask_witness, city_witness, laid_out
from ownhue_client.phone import Phone, why
from ownhue_client.qr import write_qr

Random = Callable[[int], bytes]

#: Monday of the story, local date.
FIRST_DAY = datetime(2026, 3, 2)  # noqa: DTZ001 - the zone is the rulebook's and is put in by Stage.at
PADDING = 200
#: A phone scans this often, seconds.
SCAN_SECONDS = 300

#: Who plays, and where each of them spends the days (latitude, longitude): places that must never leave a phone.
PEOPLE: dict[str, tuple[float, float]] = {
    "courier": (30.2741, 120.1551),
    "cook": (30.2592, 120.1303),
    "cook's partner": (30.2592, 120.1303),
    "shopkeeper": (30.2466, 120.2103),
    "retiree": (30.3180, 120.0930),
    "student": (30.3012, 120.0867),
    "commuter": (30.2089, 120.2120),
}
#: Whose phone trusts the region file alone.
OLD_PHONE = "commuter"
_STYLE = {Colour.GREEN: "green", Colour.GREY: "bright_black", Colour.YELLOW: "yellow", Colour.RED: "red"}
_SYMBOL = {Colour.GREEN: "(v)", Colour.GREY: "(?)", Colour.YELLOW: "<!>", Colour.RED: "[x]"}


@dataclass
class Stage:
    """Everything a chapter needs. Chapters only call its methods and the phones'."""

    out: Path
    console: Console
    random: Random
    zone: ZoneInfo
    server: CityServer
    agents: dict[str, Agent]
    told: dict[str, list[Message]]
    detours: dict[str, Detour]
    gate: Checkpoint
    gate_requests: list[str]
    auditor: Auditor
    witness: CityWitness
    clock: CityClock
    missed: list[str] = field(default_factory=list)
    expectations: int = 0
    #: Things that a later chapter compares with: promised ends and pictures that were copied.
    promised: dict[str, int] = field(default_factory=dict)
    air: Air[str] = field(init=False)

    def __post_init__(self) -> None:
        self.air = Air(self.agents)

    @property
    def phones(self) -> dict[str, Phone]:
        """The phones of the agents."""
        return {name: agent.phone for name, agent in self.agents.items()}

    def at(self, day: int, clock: str) -> int:
        """Unix seconds of *clock* ("HH:MM") on story day *day* (1 = Monday), local time."""
        hour, minute = map(int, clock.split(":"))
        local = FIRST_DAY + timedelta(days=day - 1, hours=hour, minutes=minute)
        return int(local.replace(tzinfo=self.zone).timestamp())

    def local(self, unix: int) -> str:
        """A moment as people of the region say it."""
        return f"{datetime.fromtimestamp(unix, self.zone):%a %d %b, %H:%M}"

    def date(self, unix: int) -> date:
        """The local date of a moment."""
        return datetime.fromtimestamp(unix, self.zone).date()

    def chapter(self, day: int, clock: str, title: str) -> int:
        """Move every clock to a new moment and say what comes; returns the moment."""
        now = self.at(day, clock)
        self.server.move_clock(now)
        self.clock.move(now)
        self.console.rule(f"[bold]{self.local(now)}[/]  {title}", align="left")
        return now

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self.console.print(f"  {text}")

    def expect(self, text: str, held: bool) -> None:
        """A claim of the story, checked: what does not hold ends the demo with exit status 1."""
        self.expectations += 1
        if not held:
            self.missed.append(text)
        self.console.print(f"  [green]ok[/] {text}" if held else f"  [bold red]MISSED[/] {text}")

    def day_of_scans(self, day: int) -> None:
        """All phones listen from 07:00 to 22:00 and note where they are. Most of what they hear is nobody."""
        for name, phone in self.phones.items():
            latitude, longitude = PEOPLE[name]
            phone.note_place(latitude, longitude, 20, self.at(day, "08:00"))
            phone.note_scans(range(self.at(day, "07:00"), self.at(day, "22:00"), SCAN_SECONDS))

    def meeting(self, a: str, b: str, day: int, clock: str, minutes: int, attenuation: int = 50) -> None:
        """*a* and *b* are near each other for *minutes*; both phones hear one scan per minute of it."""
        begin = self.at(day, clock)
        self.clock.move(begin)
        for moment in range(begin, begin + minutes * 60, 60):
            self.air.meet(a, b, moment, 60, attenuation)
        self.air.settle()

    def update(self, now: int, without: str = "") -> dict[str, Decision]:
        """All agents but one synchronise and decide at *now*, the chapter's time; their decisions are saved."""
        decisions = {}
        for name in [name for name in self.phones if name != without]:
            agent = self.agents[name]
            agent.sync_once()
            decisions[name] = agent.recompute()
            self.save(
                "decisions", f"{self.local(now)[4:10].replace(' ', '-')} {name}.json", decision_bytes(decisions[name])
            )
        return decisions

    def show(self, name: str, decision: Decision) -> None:
        """Print a colour with its reasons, as the phone gives them."""
        style = _STYLE[decision.colour]
        self.console.print(f"  [{style} bold]{escape(_SYMBOL[decision.colour])} {name}: {decision.colour.word}[/]")
        if not decision.reasons and not decision.not_counted:
            heard = self.phones[name].identifiers_heard(decision.time)
            self.console.print(f"      of {heard} identifiers heard, none was published", style="dim")
        for line in why(decision):
            self.console.print(f"      {line}", style="dim", markup=False)

    def picture(self, name: str, text: str) -> Path:
        """Save a code as the picture that a phone's screen would show."""
        path = self.out / "codes" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_qr(text, path)
        return path

    def save(self, folder: str, name: str, data: bytes) -> None:
        """Leave *data* in the demo's folder, to be looked at."""
        path = self.out / folder / name.replace("'", "").replace(" ", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def save_json(self, folder: str, name: str, value: object) -> None:
        """:meth:`save` a value as readable JSON."""
        self.save(folder, name, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")

    def places_on_the_server(self) -> list[str]:
        """Files of the server in which a coordinate of a phone is written, as a number or as text."""
        needles = [needle for place in PEOPLE.values() for number in place for needle in _spellings(number)]
        files = [path for path in self.server.directory.rglob("*") if path.is_file()]
        return [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]


def _spellings(number: float) -> list[bytes]:
    """A coordinate as text, as an integer of ten millionths in text, and as a double of either byte order."""
    scaled = str(round(number * 10_000_000))
    return [str(number).encode(), scaled.encode(), struct.pack(">d", number), struct.pack("<d", number)]


@contextmanager
def raised_stage(out: Path, console: Console, random: Random, zone: ZoneInfo, work: Path) -> Iterator[Stage]:
    """A running server with a witness, a phone for everybody in PEOPLE, and a metro gate; all closed at the end."""
    start = int(FIRST_DAY.replace(tzinfo=zone).timestamp())
    with ExitStack() as stack:
        region = laid_out(work / "server", start, padding=PADDING)
        witness = stack.enter_context(city_witness(work / "witness", region))
        ask_witness(work / "server", witness)
        port = urlsplit(region.url).port or 0
        server = stack.enter_context(city_server(work / "server", start, padding=PADDING, port=port))
        detours, clock = {name: Detour() for name in PEOPLE}, CityClock(start)
        agents: dict[str, Agent] = {}
        told: dict[str, list[Message]] = {name: [] for name in PEOPLE}
        for number, name in enumerate(PEOPLE):
            http = stack.enter_context(httpx.Client(transport=detours[name], timeout=60))
            # The commuter's phone is an old one: it was set up before there were a root of trust and a witness.
            trust: dict[str, Any] = {} if name == OLD_PHONE else {"root": server.trust_root, "policy": witness.policy}
            folder = work / f"phone-{number}"
            phone = Phone.create(
                folder, server.region, random=random, http_client=http, now=start, clock=clock, **trust
            )
            stack.callback(phone.close)
            agents[name] = Agent(
                phone, None, None, now=clock.now, random=random, notifier=told[name].append, clock=clock
            )
        requests: list[str] = []
        hooks = {"request": [lambda request: requests.append(str(request.url))]}
        gate_http = stack.enter_context(httpx.Client(timeout=60, event_hooks=hooks))
        gate = Checkpoint(
            server.region,
            http=gate_http,
            directory=work / "gate",
            mode="metro",
            gate=True,
            root=server.trust_root,
            policy=witness.policy,
        )
        auditor = Auditor(server.region, server.http)
        yield Stage(out, console, random, zone, server, agents, told, detours, gate, requests, auditor, witness, clock)
