"""The replay: a contact trace played over the whole protocol, one phone per person, against one real server.

Every person has keys, a store and a journal of their own; each slot of the trace is one scan. Positives claim and
report as people would; every morning the server has closed its batches and each phone synchronises and decides.
The colours of every morning must equal those of :func:`ownhue.rehearsal.rehearse`, which knows who met whom and
nothing of keys, files or servers. specs/rehearsal.md
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ownhue.colour import Colour
from ownhue.contact_trace import Contact
from ownhue.params import ReportType
from ownhue.rehearsal import Positive, rehearse
from ownhue.rulebook import Rulebook
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.city.air import Air
from ownhue_client.city.auditor import Auditor
from ownhue_client.city.clock import CityClock
from ownhue_client.city.plan import Plan
from ownhue_client.city.server import CityServer
from ownhue_client.phone import Phone

Random = Callable[[int], bytes]
Progress = Callable[[str, int, int], None]

#: So many of the phones have a root of trust, enrol, fetch passes and show a code each morning. The others judge by the
#: region file alone, which must give the same colours.
SHOWING = 10


@dataclass(frozen=True)
class Day:
    """One morning of a replay: what was reported and published since the last one, and everybody's colour."""

    moment: int
    reports: int
    published_keys: int
    colours: dict[int, Colour]
    expected: dict[int, Colour]
    codes_verified: int

    def differences(self) -> dict[int, tuple[Colour, Colour]]:
        """Person -> (colour of the phone, colour of the rehearsal), where they differ."""
        return {
            person: (colour, self.expected[person])
            for person, colour in self.colours.items()
            if colour is not self.expected[person]
        }


@dataclass
class Replay:
    """A city of phones that follows a plan. Use :func:`city_of` to make one."""

    plan: Plan
    rulebook: Rulebook
    server: CityServer
    phones: dict[int, Phone]
    checkpoint: Checkpoint
    auditor: Auditor
    progress: Progress
    clock: CityClock
    air: Air[int] = field(init=False)

    def __post_init__(self) -> None:
        self.air = Air(self.phones)

    def run(self) -> Iterator[Day]:
        """Play the plan day by day."""
        expected = rehearse(
            self.rulebook,
            self.plan.contacts,
            self.plan.positives,
            self.plan.moments,
            observed_since=self.plan.start,
            people=self.plan.people,
        )
        for index, (moment, contacts, positives) in enumerate(self.plan.days()):
            self._play(contacts, positives)
            self.server.move_clock(moment)
            self.clock.move(moment)
            published, colours = self._morning(moment)
            verified = self._show_codes(moment, colours)
            yield Day(moment, len(positives), published, colours, dict(expected.colours[index]), verified)

    def _play(self, contacts: Sequence[Contact], positives: Sequence[Positive]) -> None:
        waiting = list(positives)
        for done, contact in enumerate(contacts):
            while waiting and waiting[0].reported_at <= contact.time:
                self._report(waiting.pop(0))
            self.air.meet(contact.a, contact.b, contact.time, contact.seconds, contact.attenuation)
            if done % 500 == 0:
                self.progress("meeting", done, len(contacts))
        for positive in waiting:
            self._report(positive)
        self.air.settle()

    def _report(self, positive: Positive) -> None:
        now = positive.reported_at
        self.air.settle()
        self.clock.move(now)
        self.server.move_clock(now)
        phone = self.phones[positive.person]
        code = self.server.desk.claim_code(ReportType(positive.report_type))
        phone.claim(code, tested_on=positive.tested_on, onset=positive.onset, now=now)
        phone.report(now)

    def _morning(self, moment: int) -> tuple[int, dict[int, Colour]]:
        colours = {}
        published = sum(len(file.content.keys) for file in self.auditor.new_key_files(moment))
        for done, (person, phone) in enumerate(self.phones.items()):
            phone.sync(moment)
            colours[person] = phone.decide(moment).colour
            self.progress("synchronising", done, len(self.phones))
        return published, colours

    def _show_codes(self, moment: int, colours: dict[int, Colour]) -> int:
        self.checkpoint.sync(moment)
        verified = 0
        for person in list(self.phones)[:SHOWING]:
            phone = self.phones[person]
            phone.fetch_passes(moment)
            shown = phone.open_code(moment)
            verdict = self.checkpoint.verify_text(shown.text_at(moment), moment)
            verified += verdict.colour is colours[person]
        return verified


@contextmanager
def city_of(
    plan: Plan, rulebook: Rulebook, server: CityServer, directory: Path, random: Random, progress: Progress
) -> Iterator[Replay]:
    """Phones for everybody in *plan*, with stores below *directory*, the first ones enrolled; closed at the end."""
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=60))
        phones, clock = {}, CityClock(plan.start)
        for done, person in enumerate(plan.people):
            folder = directory / f"phone-{person}"
            shutil.rmtree(folder, ignore_errors=True)
            phone = Phone.create(
                folder,
                server.region,
                random=random,
                http_client=http,
                now=plan.start,
                root=server.trust_root if done < SHOWING else None,
                clock=clock,
            )
            stack.callback(phone.close)
            phones[person] = phone
            progress("making phones", done, len(plan.people))
        for person in plan.people[:SHOWING]:
            phones[person].enrol(server.desk.ticket(), plan.start)
        checkpoint = Checkpoint(server.region, http=http, root=server.trust_root)
        yield Replay(plan, rulebook, server, phones, checkpoint, Auditor(server.region, http), progress, clock)
