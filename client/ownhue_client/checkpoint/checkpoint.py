"""Checkpoint: the door where codes are scanned. specs/code.md section 4; specs/publication.md section 7

    checkpoint = Checkpoint(region, http=client, directory=Path("door"), mode="metro", gate=True)
    checkpoint.sync(now)                                  # the only step with a network; once a day is enough
    answer = checkpoint.verify_picture(Path("code.png"), now)
    answer.colour, answer.admission                       # Colour.GREEN, Admission.PASSES

- After a sync everything works offline, also in a new process with the same directory.
- It keeps counts, and in memory short hashes of the passes of open epochs. Nothing else of a code is ever kept.
- It stops when no rulebook is in force, at the sunset at the latest.
"""

import os
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx

from ownhue.colour import Colour
from ownhue.errors import StateError
from ownhue.region import Region
from ownhue.rulebook import Mode, Rulebook
from ownhue.verify import CheckpointView, CodeRefused, Seen, Verdict, verify_code
from ownhue_client.checkpoint.bundle import Bundle, updated
from ownhue_client.checkpoint.bundle_file import MAX_BUNDLE_BYTES, bundle_bytes, parse_bundle
from ownhue_client.fetching import Fetch, http_fetch
from ownhue_client.qr import read_qr

_BUNDLE_NAME = "bundle.json"


class Admission(StrEnum):
    """What a rulebook's mode says about a colour."""

    PASSES = "passes"
    REFERS = "refers"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Answer:
    """A code that was verified: what the checkpoint shows."""

    colour: Colour
    admission: Admission | None
    """What the mode says; None for a checkpoint without a mode, which only shows colours."""
    verdict: Verdict
    """Ages, cross-check and the rest, from the verification."""
    own_data_age_seconds: int
    """Age of the checkpoint's own newest tree head: how long ago it could have learned of something new."""


class Checkpoint:
    """One checkpoint of one region. Not safe for several threads."""

    def __init__(
        self,
        region: Region,
        *,
        fetch: Fetch | None = None,
        http: httpx.Client | None = None,
        directory: Path | None = None,
        mode: str | None = None,
        gate: bool = False,
    ) -> None:
        """*fetch* (or *http*, for the region's own server) is needed for :meth:`sync` only.

        With a *directory* the bundle is kept there, and read now if it is there already; raises FormatError or
        VerificationError for one that is broken or of another region. *mode*: a name among the rulebook's modes.
        A *gate* refuses a pass that it accepted before.
        """
        self.region = region
        self.mode = mode
        self.counts: Counter[str] = Counter()
        """How many codes were accepted by colour, and refused by word."""
        self._fetch = fetch or (http_fetch(http, region.url) if http is not None else None)
        self._path = directory / _BUNDLE_NAME if directory is not None else None
        self._seen = Seen(refuse_same=gate)
        self._bundle = self._load()

    @property
    def bundle(self) -> Bundle:
        """What the checkpoint knows at present."""
        return self._bundle

    def sync(self, now: int) -> int:
        """Follow the log to its present head (*now* in unix seconds); returns the number of new entries.

        Raises what ``bundle.updated`` raises; the checkpoint then goes on with what it knew. StateError without a way
        to fetch.
        """
        if self._fetch is None:
            raise StateError("this checkpoint has no network")
        bundle = updated(self._bundle, self._fetch, now)
        self._save(bundle)
        new, self._bundle = bundle.log.size - self._bundle.log.size, bundle
        return new

    def verify_text(self, text: str, now: int, challenge: bytes = b"") -> Answer:
        """Verify a code's *text* at *now* (unix seconds), offline. *challenge*: the 16 bytes shown, or empty.

        Raises CodeRefused with its word, StateError when the checkpoint itself cannot work.
        """
        rulebook = self._rulebook(now)
        mode = self._mode(rulebook)
        try:
            verdict = verify_code(text, self._view(rulebook, now), now, challenge, self._seen)
        except CodeRefused as refused:
            self.counts[refused.refusal.value] += 1
            raise
        colour = Colour(verdict.colour)
        self.counts[colour.name.lower()] += 1
        return Answer(colour, _admission(colour, mode), verdict, now - self._bundle.log.head_time)

    def verify_picture(self, picture: bytes | Path, now: int, challenge: bytes = b"") -> Answer:
        """Verify the one code in a PNG or JPEG. Raises PictureError or LimitError, and as :meth:`verify_text`."""
        return self.verify_text(read_qr(picture), now, challenge)

    def _rulebook(self, now: int) -> Rulebook:
        """The rulebook that decides at *now*: the highest version in force."""
        if not self._bundle.log.note:
            raise StateError("this checkpoint has never synchronised")
        in_force = [item.rulebook for item in self._bundle.rulebooks if item.rulebook.in_force(now)]
        if not in_force:
            raise StateError("no rulebook is in force: this checkpoint has stopped")
        return in_force[-1]

    def _view(self, rulebook: Rulebook, now: int) -> CheckpointView:
        max_age = rulebook.freshness.published_data_hours * 3600
        return CheckpointView(
            issuer_name=self.region.issuer_name,
            epochs=self._bundle.epochs.by_short_id,
            heads=self._bundle.heads,
            rulebook_version=self._oldest_version(now, max_age),
            signed_time=self._bundle.log.head_time,
            max_age_seconds=max_age,
        )

    def _oldest_version(self, now: int, max_age: int) -> int:
        """The oldest rulebook version that a phone with fresh data may still use.

        A rulebook counts from the moment at which even the oldest data that is accepted names it.
        """
        in_force = [item for item in self._bundle.rulebooks if item.rulebook.in_force(now)]
        settled = [item for item in in_force if item.published_at <= now - max_age]
        return settled[-1].rulebook.version if settled else in_force[0].rulebook.version

    def _mode(self, rulebook: Rulebook) -> Mode | None:
        if self.mode is None:
            return None
        mode = rulebook.modes.get(self.mode)
        if mode is None:
            raise StateError(f"the rulebook has no mode {self.mode}")
        return mode

    def _load(self) -> Bundle:
        if self._path is None or not self._path.exists():
            return Bundle(self.region)
        with self._path.open("rb") as file:
            return parse_bundle(file.read(MAX_BUNDLE_BYTES + 1), self.region)

    def _save(self, bundle: Bundle) -> None:
        """Replace the file in one step, so that a crash leaves the old or the new one."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(bundle_bytes(bundle))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


def _admission(colour: Colour, mode: Mode | None) -> Admission | None:
    if mode is None:
        return None
    word = colour.name.lower()
    if word in mode.passes:
        return Admission.PASSES
    return Admission.REFERS if word in mode.refers else Admission.REFUSES
