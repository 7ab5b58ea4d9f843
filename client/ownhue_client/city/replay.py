"""The replay: a contact trace played over the whole protocol, one agent per person, against one real server.

Every person has keys, a store and a journal of their own, and the agent that runs on a device, driven step by step.
Positives claim and report as people would; every morning the server has closed its batches and each agent synchronises
and works its colour out. The colours of every morning are held against those of :func:`ownhue.rehearsal.rehearse`,
which knows who met whom and nothing of keys, files or servers. specs/rehearsal.md

How meetings reach the agents is the carrier's (carriers.py): exactly, each slot of the trace one scan, and then the
colours must be equal; or by a radio that samples (sampled.py), and then they tell how good it is.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ownhue.colour import Colour, Decision
from ownhue.params import ReportType
from ownhue.rehearsal import Positive, rehearse
from ownhue.rulebook import Rulebook
from ownhue_client.agent.agent import Agent
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.city.auditor import Auditor
from ownhue_client.city.carriers import Carrier, Event, ExactRadio, MakeCarrier, Progress
from ownhue_client.city.clock import CityClock
from ownhue_client.city.plan import Plan
from ownhue_client.city.server import CityServer
from ownhue_client.phone import Phone
from ownhue_client.phone.listening import SLOT_SECONDS

Random = Callable[[int], bytes]

#: So many of the phones have a root of trust, enrol, fetch passes and show a code each morning. The others judge by the
#: region file alone, which must give the same colours.
SHOWING = 10


@dataclass(frozen=True)
class Day:
    """One morning of a replay: what was reported and published since the last one, and everybody's decision."""

    moment: int
    reports: int
    published_keys: int
    decisions: Mapping[int, Decision]
    """What each agent came to."""
    rehearsed: Mapping[int, Decision]
    """What the rehearsal came to."""
    codes_verified: int

    @property
    def colours(self) -> dict[int, Colour]:
        """Everybody's colour by their own phone."""
        return {person: decision.colour for person, decision in self.decisions.items()}

    def differences(self) -> dict[int, tuple[Colour, Colour]]:
        """Person -> (colour of the phone, colour of the rehearsal), where they differ."""
        return {
            person: (colour, self.rehearsed[person].colour)
            for person, colour in self.colours.items()
            if colour is not self.rehearsed[person].colour
        }


@dataclass
class Replay:
    """A city of agents that follows a plan. Use :func:`city_of` to make one."""

    plan: Plan
    rulebook: Rulebook
    server: CityServer
    agents: dict[int, Agent]
    checkpoint: Checkpoint
    auditor: Auditor
    progress: Progress
    clock: CityClock
    carrier: Carrier
    listened: int = field(init=False)
    """Unix second up to which the phones' listening is noted."""

    def __post_init__(self) -> None:
        self.listened = self.plan.start

    def run(self) -> Iterator[Day]:
        """Play the plan day by day."""
        rehearsal = rehearse(
            self.rulebook,
            self.plan.contacts,
            self.plan.positives,
            self.plan.moments,
            observed_since=self.plan.start,
            people=self.plan.people,
        )
        for index, (moment, contacts, positives) in enumerate(self.plan.days()):
            self.carrier.play(contacts, [self._reporting(positive) for positive in positives], self.progress)
            self.server.move_clock(moment)
            self.clock.move(moment)
            published = sum(len(file.content.keys) for file in self.auditor.new_key_files(moment))
            decisions = self._morning(moment)
            verified = self._show_codes(moment, decisions)
            yield Day(moment, len(positives), published, decisions, rehearsal.rounds[index], verified)

    def _reporting(self, positive: Positive) -> Event:
        return Event(positive.reported_at, lambda: self._report(positive))

    def _report(self, positive: Positive) -> None:
        """Claim and report at once. An agent lets some time pass in between, of which a rehearsal knows nothing."""
        now = positive.reported_at
        self.server.move_clock(now)
        phone = self.agents[positive.person].phone
        code = self.server.desk.claim_code(ReportType(positive.report_type))
        phone.claim(code, tested_on=positive.tested_on, onset=positive.onset, now=now)
        phone.report(now)

    def _morning(self, moment: int) -> dict[int, Decision]:
        decisions = {}
        for done, (person, agent) in enumerate(self.agents.items()):
            # Their radios are on all the time; the plan says only when they are near each other.
            agent.phone.note_scans(range(self.listened, moment, SLOT_SECONDS))
            agent.sync_once()
            decisions[person] = agent.recompute()
            self.progress("synchronising", done, len(self.agents))
        self.listened = moment
        return decisions

    def _show_codes(self, moment: int, decisions: Mapping[int, Decision]) -> int:
        self.checkpoint.sync(moment)
        verified = 0
        for person in list(self.agents)[:SHOWING]:
            agent = self.agents[person]
            agent.passes_once()
            shown = agent.phone.open_code(moment)
            verdict = self.checkpoint.verify_text(shown.text_at(moment), moment)
            verified += verdict.colour is decisions[person].colour
        return verified


@contextmanager
def city_of(
    plan: Plan,
    rulebook: Rulebook,
    server: CityServer,
    directory: Path,
    random: Random,
    progress: Progress,
    carrier: MakeCarrier = ExactRadio,
) -> Iterator[Replay]:
    """Agents for everybody in *plan*, with stores below *directory*, the first ones enrolled; closed at the end."""
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=60))
        agents, clock = {}, CityClock(plan.start)
        for done, person in enumerate(plan.people):
            root = server.trust_root if done < SHOWING else None
            phone = _phone(directory / f"phone-{person}", server, random, http, clock, root)
            stack.callback(phone.close)
            agents[person] = Agent(phone, None, None, now=clock.now, random=random, clock=clock)
            progress("making phones", done, len(plan.people))
        for person in plan.people[:SHOWING]:
            agents[person].phone.enrol(server.desk.ticket(), plan.start)
        checkpoint = Checkpoint(server.region, http=http, root=server.trust_root)
        auditor = Auditor(server.region, http)
        yield Replay(plan, rulebook, server, agents, checkpoint, auditor, progress, clock, carrier(agents, clock))


def _phone(
    folder: Path, server: CityServer, random: Random, http: httpx.Client, clock: CityClock, root: bytes | None
) -> Phone:
    shutil.rmtree(folder, ignore_errors=True)
    return Phone.create(folder, server.region, random=random, http_client=http, now=clock.now(), root=root, clock=clock)
