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
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from zoneinfo import ZoneInfo

import httpx

from ownhue.area import Circle, Stay
from ownhue.code import ROOT_PREFIX_BYTES, Statement
from ownhue.colour import Decision, Facts, OwnResult
from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.errors import StateError
from ownhue.identifiers import Beacon
from ownhue.journal import JournalEntry
from ownhue.matching import Sighting
from ownhue.region import Region
from ownhue.regions import Regions
from ownhue.rulebook import Rulebook
from ownhue_client.clock import Clock, SystemClock
from ownhue_client.location.imports import ImportReport
from ownhue_client.location.manual import ByHand
from ownhue_client.phone import by_hand, trust_words
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.budget import Budget
from ownhue_client.phone.certificates import Certificates
from ownhue_client.phone.clearances import Clearances
from ownhue_client.phone.contradictions import Contradictions
from ownhue_client.phone.decoy import Decoys
from ownhue_client.phone.diary import OBSERVED_SINCE, SALT, Diary
from ownhue_client.phone.discarded import Discarded
from ownhue_client.phone.documents import KINDS, Documents
from ownhue_client.phone.door import Door
from ownhue_client.phone.erase import erase_kind
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.hearing import Hearing, sighting_of
from ownhue_client.phone.importing import import_places
from ownhue_client.phone.installed import Installed
from ownhue_client.phone.keys import PHONE_SECRET, OwnKeys
from ownhue_client.phone.ledger import Ledger, LedgerLine
from ownhue_client.phone.moved import moved_at, refuse_moved
from ownhue_client.phone.notes import Notes
from ownhue_client.phone.on_air import OnAir
from ownhue_client.phone.outgoing import Outgoing
from ownhue_client.phone.periods import Periods
from ownhue_client.phone.phone_papers import PhonePapers
from ownhue_client.phone.phone_reports import PhoneReports
from ownhue_client.phone.places import Place, Places
from ownhue_client.phone.posting import Posting
from ownhue_client.phone.preferences import Preferences
from ownhue_client.phone.records import day_of, result_of
from ownhue_client.phone.report import Outbox, Reports
from ownhue_client.phone.retention import Belief, Retention
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.shown_code import ShownCode
from ownhue_client.phone.sources import FolderSource, ServerSource
from ownhue_client.phone.stays import stays_of
from ownhue_client.phone.store import Store
from ownhue_client.phone.sync import Kept, Sync, SyncResult
from ownhue_client.phone.tokens import Tokens
from ownhue_client.phone.unlock import MasterKeySource
from ownhue_client.phone.visits import Visit, Visits
from ownhue_client.phone.wallet import Wallet
from ownhue_client.phone.whereabouts import current_cell
from ownhue_client.phone.withdrawal import Withdrawals

Random = Callable[[int], bytes]

_INSTALLED = "region"
_SECRET_BYTES = 32


class Phone(PhoneReports, PhonePapers):
    """One citizen's device. Not for two processes; one thread may wait for the network while another one goes on."""

    def __init__(
        self, store: Store, random: Random, http_client: httpx.Client, settings: Settings, clock: Clock
    ) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.settings = settings
        self._store = store
        self.notes = Notes(store)
        self._ledger = Ledger(store)
        self._anchor = Anchor(store, clock)
        self._contradictions = Contradictions(store)
        self._home = Followed(store, Installed.of_record(store.need(_INSTALLED)), self._contradictions, KINDS)
        self.region: Region = self._home.region
        self._documents = Documents(store, self.region, lambda: self._home.keys)
        self._visits = Visits(store, self.region.name, lambda: self._documents.directory)
        kept = Kept(store, self._anchor, self._documents, self._contradictions, self._visits)
        self._sync = Sync(kept, self._home)
        self._doors: Callable[[str], Door] = lambda url: Door(http_client, url, self._ledger, settings)
        self._clock = clock
        self._keys = OwnKeys(store, random, settings.transmit_power)
        self._on_air = OnAir(store, self._keys)
        self._hearing = Hearing(store, self._anchor)
        self._places = Places(store)
        self._certificates = Certificates(store, self._documents, self._zone)
        self._clearances = Clearances(store, self._documents)
        papers = self._certificates.facts, self._clearances.facts
        self._diary = Diary(store, self._hearing, self._documents, self._home, self._anchor, *papers)
        self._retention = Retention(
            store,
            Belief(store, self._anchor, clock),
            self._documents,
            lambda: self._home.state.log.head_time,
            self._hearing.listening,
            (self._certificates, self._clearances),
        )
        door = Door(http_client, self.region.url, self._ledger, settings)
        self._wallet = Wallet(store, door, self._home, self._documents, settings, random)
        tokens = Tokens(store, door, self._documents, random)
        self._outgoing = Outgoing(store, random)
        outbox = Outbox(store, door, lambda: self._home.keys, self._keys, tokens, random, self._outgoing)
        self._periods = Periods(store, self._keys, self._documents)
        self._reports = Reports(outbox, self._periods)
        self._decoys = Decoys(store, door)
        self._withdrawals = Withdrawals(outbox)
        self._posting = Posting(self._outgoing, self._reports, self._withdrawals, self._decoys)

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
        unlock: MasterKeySource | None = None,
    ) -> Self:
        """A new phone of *region* in *directory*, listening since *now*. Raises StateError if there is one already.

        *root*: the region's first root file (specs/trust.md); without one the region file's keys count for ever.
        *policy*: witnesses of one's own choice; "0 of 0" asks for those that the trust metadata name, if any.
        Both come with the application, as *region* does. *clock*: the device's, default the system's.
        *unlock*: where the key of the store is kept, default a key file beside it.
        """
        state = {
            _INSTALLED: Installed(region, root, policy).record(),
            SALT: random(_SECRET_BYTES),
            PHONE_SECRET: random(_SECRET_BYTES),
            OBSERVED_SINCE: now,
        }
        store = Store.create(directory, random, state, unlock)
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
        unlock: MasterKeySource | None = None,
    ) -> Self:
        """The phone in *directory*, with the region, root and witnesses that it was created with.

        *unlock*: default what the folder says, which does for a key file and a keyring (unlock.py). Raises StateError:
        none there, in use by another program, or not to be opened so; VerificationError for a store that was changed.
        """
        store = Store.open(directory, random, unlock)
        try:
            phone = cls(store, random, http_client, settings or Settings(), clock or SystemClock())
            phone._tidy(now)
        except BaseException:
            store.close()
            raise
        return phone

    @property
    def store(self) -> Store:
        """Everything that is kept: for moving (transfer.py) and erasing (erase.py). Open the phone anew afterwards."""
        return self._store

    def moved_at(self) -> int | None:
        """When this phone went to another device (unix seconds); from then on it is silent here. None: it did not."""
        return moved_at(self._store)

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
        """What the radio sends from *now* on, with a place tag where the place is known and a source is on."""
        refuse_moved(self._store)
        shown = Preferences.load(self._store).location != "off"
        return self._keys.beacon_at(now, current_cell(self._places.newest(), now) if shown else None)

    def was_on_air(self, interval: int) -> bool:
        """Whether the own identifier of *interval* (ENIN) was noted as sent. It must not be sent a second time."""
        return self._on_air.was(interval)

    def note_on_air(self, interval: int) -> None:
        """Note, before it is sent, that the own identifier of *interval* goes on the air."""
        self._on_air.note(interval)

    def own_identifiers(self, now: int) -> frozenset[bytes]:
        """Identifiers with which this phone itself could be heard around *now*, and be believed."""
        return self._on_air.identifiers(now)

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

    def note_place(self, latitude: float, longitude: float, accuracy: int, now: int) -> bool:
        """Keep where the phone is, in degrees and metres (95 %), for its owner alone; as a cell if that was chosen.

        False where it told nothing new: a second fix in one cell within a minute. Raises FormatError.
        """
        return self._places.note(Place(now, latitude, longitude, accuracy), coarse=Preferences.load(self._store).coarse)

    def import_places(self, stream: BinaryIO, name: str, now: int, *, keep_partial: bool = False) -> ImportReport:
        """Keep what a history of another program says of the last 14 days. See location/imports for the formats.

        Nothing of a broken file is kept (FormatError, which says where), or with *keep_partial* what stood before that
        place. *name*: the file's, for the report.
        """
        coarse = Preferences.load(self._store).coarse
        return import_places(self._store, self._places, stream, name, now, coarse=coarse, keep_partial=keep_partial)

    def places(self, first: int = 0, last: int = 2**40) -> list[Place]:
        """The owner's history of places between two unix seconds (both included), oldest first."""
        return self._places.all(first, last)

    def stays(self, first: int = 0, last: int = 2**40) -> list[Stay]:
        """Where the owner stayed between two unix seconds, as stays of ownhue.area, oldest first."""
        return stays_of(self._places.all(first, last))

    def forget_place(self, place: Circle | int) -> int:
        """Forget every fix in a circle (that of a stay, say) or an H3 cell, whatever its day; how many."""
        return self._places.forget(place)

    def forget_places(self, days: Collection[int]) -> int:
        """Forget the places of UTC days (unix // 86400) and nothing else of them; how many."""
        return self._places.forget_days(days)

    def place_by_hand(self, latitude: float, longitude: float, accuracy: int, until: int) -> None:
        """What the source "manual" says from now on until *until* (unix seconds). Raises FormatError."""
        by_hand.save(self._store, ByHand(latitude, longitude, accuracy, until))

    def hand_placed(self) -> ByHand | None:
        """What :meth:`place_by_hand` was told last."""
        return by_hand.load(self._store)

    def preferences(self) -> Preferences:
        """What the owner has chosen."""
        return Preferences.load(self._store)

    def prefer(self, **choices: Any) -> Preferences:
        """Choose otherwise. Raises FormatError for a setting or value that does not exist.

        Who chooses *coarse* places means those that are kept already, too.
        """
        before = Preferences.load(self._store)
        chosen = before.replace(**choices)
        with self._store.atomic(durable=True):
            chosen.save(self._store)
            coarsened = self._places.coarsen() if chosen.coarse and not before.coarse else 0
        if coarsened:
            self._store.flush()
        return chosen

    def discarded(self, now: int) -> dict[str, int]:
        """How many sightings of published identifiers did not count, by reason, in syncs of the last 14 days."""
        return Discarded(self._store).counts(day_of(now))

    def sync(self, now: int) -> SyncResult:
        """Fetch and check what was published, and compare it with what was heard. See sync.py for its errors."""
        self._tidy(now)
        return self._sync.run(self._servers(), now)

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

    def directory(self) -> Regions | None:
        """The regions that the home region knows of; None before a directory came."""
        return self._documents.directory

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

    def last_decision(self) -> Decision | None:
        """What :meth:`decide` gave last; None before the first. For ``changes.worth_telling``, as its *before*."""
        return self._diary.last_decision()

    def journal(self) -> list[JournalEntry]:
        """Every change of colour and its reason, a hash chain."""
        return self._diary.journal()

    def results(self) -> list[OwnResult]:
        """Own positive results, withdrawn ones too."""
        return [result_of(row.value) for row in self._store.rows("results")]

    def enrol(self, ticket: str, now: int) -> None:
        """Enrol at the issuer with a one-time ticket. Call it again when the answer was lost."""
        refuse_moved(self._store)
        self._wallet.enrol(ticket, now)

    def device_number(self) -> bytes | None:
        """Eight bytes to keep on paper: by them the desk stops this phone's passes. None before it is enrolled."""
        return self._wallet.number()

    def fetch_passes(self, now: int, days_ahead: int | None = None) -> int:
        """Fetch passes for today and the next days (*days_ahead*; None: as the settings say); how many came.

        The issuer may list fewer days than that; nothing is asked for a day that it does not list.
        """
        refuse_moved(self._store)
        return self._wallet.fetch(now, days_ahead)

    def passes_left(self, now: int) -> int:
        """Passes left for the day of *now*."""
        return self._wallet.left(now)

    def open_code(self, now: int) -> ShownCode:
        """Open the code's screen: decides, and takes a pass that nothing brings back. Raises StateError without one."""
        refuse_moved(self._store)
        decision = self.decide(now)
        log = self._home.state.log
        version = decision.rulebook_version or 0
        # Signed with the wall clock's time: the checkpoint judges it, and a challenge does without.
        statement = Statement(now, int(decision.colour), version, log.size, log.root[:ROOT_PREFIX_BYTES])
        return ShownCode(now, decision, statement, self._wallet.take(now))

    def ledger(self) -> list[LedgerLine]:
        """Every request that left this phone on the days that are kept."""
        return self._ledger.lines()

    def days(self) -> list[int]:
        """UTC days (unix // 86400) of which there is history."""
        return self._store.days()

    def forget_day(self, day: int) -> None:
        """Destroy the keys of a UTC day (unix // 86400) and everything they sealed."""
        self._store.forget_day(day)
        Discarded(self._store).forget(day)
        self._look_again()

    def erase_kind(self, kind: str) -> int:
        """Erase everything of one *kind* (``erase.KINDS``); how many records. Raises FormatError for another word."""
        count = erase_kind(self._store, kind)
        self._look_again()
        return count

    def tidy(self, now: int) -> None:
        """Forget what is due at *now*; :meth:`open` and :meth:`sync` do it too. Call it once a day."""
        self._tidy(now)

    def _look_again(self) -> None:
        """What was read before may be gone."""
        self._keys.forget_beacon()
        self._places.refresh()
        self._hearing.listening.forget()

    def _servers(self) -> ServerSource:
        """The region's servers, with what one synchronisation may take of them."""
        seconds, clock = self.settings.sync_seconds, self._clock
        budget = Budget(self.settings.sync_bytes, seconds, lambda: float(clock.reading()[1]))
        return ServerSource(self._doors, self.region.name, self.settings.retries, budget)

    def _zone(self, now: int) -> ZoneInfo:
        rulebook = self._documents.rulebook_at(now)
        if rulebook is None:
            raise StateError("no rulebook is known yet; synchronise first")
        return rulebook.zone_info

    def _tidy(self, now: int) -> None:
        self._retention.tidy(now)


def _write_new(path: Path, data: bytes) -> Path:
    """Write *data* to *path* unless there is such a file; its name holds the digest of its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Half a file would never be written again.
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.replace(path)
    return path
