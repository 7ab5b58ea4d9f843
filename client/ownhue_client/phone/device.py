"""The phone: one object that ties together keys, radio, store, publication, colour, code and report.

    client = open_client(time.monotonic)         # of ownhue_client.fetching: no server keeps it waiting for ever
    phone = Phone.create(directory, region, random=os.urandom, http_client=client, now=now)
    phone.hear(beacon, rssi=-70, scan_id=1, scan_seconds=4, now=now)
    phone.sync(now)
    for line in why(phone.decide(now)): print(line)
    phone.open_code(now).text_at(now)

- Time (unix seconds), a clock that cannot be set and randomness come in from outside; the only way out is its door
  (door.py).
- Every step is whole or not at all; the ledger has what was sent even so.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from ownhue.code import ROOT_PREFIX_BYTES, Statement
from ownhue.colour import Decision, Facts, OwnResult
from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.identifiers import Beacon
from ownhue.journal import JournalEntry
from ownhue.matching import Sighting
from ownhue.params import RETENTION_DAYS
from ownhue.region import Region
from ownhue.rulebook import Rulebook
from ownhue_client.clock import Clock, SystemClock
from ownhue_client.phone import trust_words
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.contradictions import Contradictions
from ownhue_client.phone.decoy import Decoys
from ownhue_client.phone.diary import OBSERVED_SINCE, SALT, Diary
from ownhue_client.phone.documents import KINDS, Documents
from ownhue_client.phone.door import Door
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.hearing import Hearing, sighting_of
from ownhue_client.phone.installed import Installed
from ownhue_client.phone.keys import PHONE_SECRET, OwnKeys
from ownhue_client.phone.ledger import Ledger, LedgerLine
from ownhue_client.phone.periods import Periods, ReportPeriod
from ownhue_client.phone.places import Place, Places
from ownhue_client.phone.records import day_of, result_of
from ownhue_client.phone.report import Outbox, Reports
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.shown_code import ShownCode
from ownhue_client.phone.sources import FolderSource, ServerSource
from ownhue_client.phone.store import Store
from ownhue_client.phone.sync import Kept, Sync, SyncResult
from ownhue_client.phone.tokens import Tokens
from ownhue_client.phone.visits import Visit, Visits
from ownhue_client.phone.wallet import Wallet
from ownhue_client.phone.withdrawal import Withdrawals

Random = Callable[[int], bytes]

_INSTALLED = "region"
_SECRET_BYTES = 32
#: Days of the longest stay that a rulebook can name. specs/rulebook.md
_LONGEST_STAY_DAYS = 90


class Phone:
    """One citizen's device. Not for two threads at a time, nor for two processes."""

    def __init__(
        self, store: Store, random: Random, http_client: httpx.Client, settings: Settings, clock: Clock
    ) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.settings = settings
        self._store = store
        self._ledger = Ledger(store)
        self._anchor = Anchor(store, clock)
        self._contradictions = Contradictions(store)
        self._home = Followed(store, Installed.of_record(store.need(_INSTALLED)), self._contradictions, KINDS)
        self.region: Region = self._home.region
        self._documents = Documents(store, self.region, lambda: self._home.keys)
        self._visits = Visits(store, self.region.name, lambda: self._documents.directory)
        kept = Kept(store, self._anchor, self._documents, self._contradictions, self._visits)
        self._sync = Sync(kept, self._home)
        self._servers = ServerSource(
            lambda url: Door(http_client, url, self._ledger, settings), self.region.name, settings.retries
        )
        self._keys = OwnKeys(store, random, settings.transmit_power)
        self._hearing = Hearing(store, self._anchor)
        self._places = Places(store)
        self._diary = Diary(store, self._hearing, self._documents, self._home, self._anchor)
        door = Door(http_client, self.region.url, self._ledger, settings)
        self._wallet = Wallet(store, door, self._home, self._documents, settings, random)
        tokens = Tokens(store, door, self._documents, random)
        outbox = Outbox(store, door, lambda: self._home.keys, self._keys, tokens, random)
        self._periods = Periods(store, self._keys, self._documents)
        self._reports = Reports(outbox, self._periods)
        self._decoys = Decoys(store, door)
        self._withdrawals = Withdrawals(outbox)

    @classmethod
    def create(
        cls,
        directory: Path,
        region: Region,
        *,
        random: Random,
        http_client: httpx.Client,
        now: int,
        root: bytes | None = None,
        policy: WitnessPolicy = NO_WITNESSES,
        settings: Settings | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """A new phone of *region* in *directory*, listening since *now*. Raises StateError if there is one already.

        *root*: the region's first root file (specs/trust.md); without one the region file's keys count for ever.
        *policy*: witnesses of one's own choice; "0 of 0" asks for those that the trust metadata name, if any.
        Both come with the application, as *region* does. *clock*: the device's, default the system's.
        """
        state = {
            _INSTALLED: Installed(region, root, policy).record(),
            SALT: random(_SECRET_BYTES),
            PHONE_SECRET: random(_SECRET_BYTES),
            OBSERVED_SINCE: now,
        }
        store = Store.create(directory, random, state)
        return cls(store, random, http_client, settings or Settings(), clock or SystemClock())

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        random: Random,
        http_client: httpx.Client,
        now: int,
        settings: Settings | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """The phone in *directory*, with the region, root and witnesses that it was created with.

        Raises StateError: none there, or in use by another program; VerificationError for a store that was changed.
        """
        store = Store.open(directory, random)
        try:
            phone = cls(store, random, http_client, settings or Settings(), clock or SystemClock())
            phone._tidy(now)
        except BaseException:
            store.close()
            raise
        return phone

    def close(self) -> None:
        """Let the store go. The HTTP client belongs to the caller."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def beacon_at(self, now: int) -> Beacon:
        """What the radio sends at *now*."""
        return self._keys.beacon_at(now)

    def hear(
        self, beacon: Beacon, rssi: int, scan_id: int, scan_seconds: int, now: int, rssi_correction: int = 0
    ) -> None:
        """Keep one heard beacon: *rssi* in dBm, *scan_seconds* of presence that the scan *scan_id* stands for."""
        self._hearing.hear([sighting_of(beacon, rssi, scan_id, scan_seconds, now, rssi_correction)])

    def hear_many(self, sightings: Iterable[Sighting]) -> None:
        """Keep many sightings at once, all or none."""
        self._hearing.hear(sightings)

    def identifiers_heard(self, now: int) -> int:
        """How many different identifiers of others the phone keeps: what published keys are compared with."""
        return self._hearing.identifiers(now)

    def note_scan(self, now: int, *, ran: bool = True) -> None:
        """Note a planned scan that heard nobody, or (``ran=False``) that did not run."""
        self._hearing.note_scans([now], ran=ran)

    def note_scans(self, times: Iterable[int]) -> None:
        """Note many planned scans that ran and heard nobody, all or none."""
        self._hearing.note_scans(times, ran=True)

    def note_place(self, latitude: float, longitude: float, accuracy: int, now: int) -> None:
        """Keep where the phone is, in degrees and metres, for its owner alone."""
        self._places.note(Place(now, latitude, longitude, accuracy))

    def places(self) -> list[Place]:
        """The owner's history of places."""
        return self._places.all()

    def sync(self, now: int) -> SyncResult:
        """Fetch and check what was published, and compare it with what was heard. See sync.py for its errors."""
        self._tidy(now)
        return self._sync.run(self._servers, now)

    def sync_from(self, folder: Path, now: int) -> SyncResult:
        """:meth:`sync` from a copy of the published folder (a stick); nothing leaves the phone. See sources.py."""
        self._tidy(now)
        source = FolderSource(folder, self._ledger, self.region.name, self.settings.download_bytes)
        return self._sync.run(source, now)

    def visit(self, name: str, now: int, until: int | None = None) -> None:
        """Compare the keys of another region too, from the next sync on, until *until* (unix seconds) or :meth:`leave`.

        Keys of a meeting are published up to two weeks after it, so *until* should be that much behind the journey.
        Raises StateError, LimitError. Nobody is told: from then on its files are fetched, all of them.
        """
        self._visits.visit(name, until, now)

    def leave(self, name: str) -> None:
        """Compare a region's keys no more; what was found in them stays. Raises StateError."""
        self._visits.leave(name)

    def visited(self) -> list[Visit]:
        """The regions that the owner named, by name."""
        return self._visits.all()

    def trust_words(self, now: int) -> list[str]:
        """Whom this phone trusts, how old its data are, and what is wrong with any of it, in plain sentences."""
        judged = self._anchor.now(now)
        return [
            *trust_words.home_words(self._home, judged),
            *trust_words.clock_words(now, self._anchor),
            *trust_words.directory_words(self._documents.directory, self._home),
            *trust_words.visit_words(self._visits.all(), self._sync.trouble()),
            *trust_words.contradiction_words(self._contradictions),
        ]

    def evidence(self) -> list[tuple[str, bytes]]:
        """File names and files that prove to anyone that two histories were shown (`ownhue evidence verify`)."""
        return self._contradictions.proofs()

    def save_evidence(self, folder: Path) -> list[Path]:
        """Write :meth:`evidence` into *folder*, what proves nothing into its `not-proven/`; the paths of the proofs.

        A file that is there already is left as it is.
        """
        doubts = self._contradictions.doubt_files()
        for name, data in doubts:
            _write_new(folder / "not-proven" / name, data)
        return [_write_new(folder / name, data) for name, data in self.evidence()]

    def rulebook(self, now: int) -> Rulebook | None:
        """The rulebook that decides at *now*; without one in force the newest, None before the first sync."""
        return self._documents.rulebook_at(self._anchor.now(now))

    def facts(self, now: int) -> Facts:
        """Everything that the colour depends on."""
        return self._diary.facts(now)

    def decide(self, now: int) -> Decision:
        """The owner's colour at *now*, with reasons. A change is written into the journal."""
        return self._diary.decide(now)

    def journal(self) -> list[JournalEntry]:
        """Every change of colour and its reason, a hash chain."""
        return self._diary.journal()

    def results(self) -> list[OwnResult]:
        """Own positive results, withdrawn ones too."""
        return [result_of(row.value) for row in self._store.rows("results")]

    def enrol(self, ticket: str, now: int) -> None:
        """Enrol at the issuer with a one-time ticket. Call it again when the answer was lost."""
        self._wallet.enrol(ticket, now)

    def fetch_passes(self, now: int) -> int:
        """Fetch passes for today and the next days; how many came."""
        return self._wallet.fetch(now)

    def passes_left(self, now: int) -> int:
        """Passes left for the day of *now*."""
        return self._wallet.left(now)

    def open_code(self, now: int) -> ShownCode:
        """Open the code's screen: decides, and takes a pass that nothing brings back. Raises StateError without one."""
        decision = self.decide(now)
        log = self._home.state.log
        version = decision.rulebook_version or 0
        # Signed with the wall clock's time: the checkpoint judges it, and a challenge does without.
        statement = Statement(now, int(decision.colour), version, log.size, log.root[:ROOT_PREFIX_BYTES])
        return ShownCode(now, decision, statement, self._wallet.take(now))

    def report_periods(self, now: int, onset: date | None = None) -> list[ReportPeriod]:
        """Own key periods and which of them a claim made at *now* would report."""
        return self._periods.report_periods(now, onset)

    def claim(self, code: str, tested_on: date, onset: date | None, now: int, leave_out: Collection[int] = ()) -> None:
        """Turn a claim code into a token for the own keys; the owner's result counts from here on.

        *leave_out*: starts (unix seconds) of periods that stay private. Call it again when the answer was lost.
        """
        self._reports.claim(code, tested_on, onset, now, leave_out)

    def report(self, now: int) -> int:
        """Send what was claimed to the publisher; how many keys. The delay since the claim is the caller's."""
        return self._reports.report(now)

    def seal_report(self, now: int) -> bytes:
        """What was claimed as a file for the desk, readable by the publisher only."""
        return self._reports.seal_report(now)

    def withdraw(self, code: str, now: int) -> int:
        """Take the newest own result back with a code of type "revoked"; how many published keys."""
        return self._withdrawals.withdraw(code, now)

    def send_decoy(self, now: int) -> bool:
        """Send the next request of a pretended report; True when it is whole. See decoy.py."""
        return self._decoys.send(now)

    def ledger(self) -> list[LedgerLine]:
        """Every request that left this phone on the days that are kept."""
        return self._ledger.lines()

    def days(self) -> list[int]:
        """UTC days (unix // 86400) of which there is history."""
        return self._store.days()

    def forget_day(self, day: int) -> None:
        """Destroy the keys of a UTC day (unix // 86400) and everything they sealed."""
        self._store.forget_day(day)
        self._keys.forget_beacon()

    def _tidy(self, now: int) -> None:
        """Forget history older than 14 days, and evidence when no stay can rest on it any more.

        By the wall clock: nothing that a server signs may make a phone forget early. Evidence goes only when the newest
        head says so, too: else a network that sets the clock ahead for a moment would end every stay for good.
        """
        stays = [rulebook.stays.red_days for rulebook in self._documents.rulebooks]
        # Without a rulebook (its key was replaced, and the one signed anew was held back) nobody knows how long.
        stay = max(RETENTION_DAYS, *stays) if stays else _LONGEST_STAY_DAYS
        oldest, confirmed = day_of(now) - RETENTION_DAYS, min(now, self._home.state.log.head_time)
        # A local day may begin a UTC day earlier than the one that a stay is counted from.
        self._store.forget_before(history=oldest, evidence=day_of(confirmed) - stay - 1)


def _write_new(path: Path, data: bytes) -> Path:
    """Write *data* to *path* unless there is such a file; its name holds the digest of its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Half a file would never be written again.
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.replace(path)
    return path
