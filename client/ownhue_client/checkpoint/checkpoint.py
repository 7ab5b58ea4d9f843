"""Checkpoint: the door where codes are scanned. specs/code.md section 4; specs/publication.md section 7

    checkpoint = Checkpoint(region, http=client, directory=Path("door"), mode="metro", gate=True)
    checkpoint.sync(now)                                  # the only step with a network; once a day is enough
    answer = checkpoint.verify_picture(Path("code.png"), now)
    answer.colour, answer.admission                       # Colour.GREEN, Admission.PASSES

- After a sync everything works offline, also in a new process with the same directory.
- It keeps counts, and in memory short hashes of the passes of open epochs. Nothing else of a code is ever kept.
- With a *root* of trust stolen keys can be replaced; with a *policy* witnesses have seen the same log. Without them it
  works too, and :meth:`Checkpoint.trust_words` says what that means.
- It stops when no rulebook is in force, at the sunset at the latest.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from ownhue.code import decode_code
from ownhue.colour import Colour
from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.errors import ForkError, StateError
from ownhue.region import Region
from ownhue.rulebook import Mode, Rulebook
from ownhue.verify import CheckpointView, CodeRefused, Refusal, Seen, Verdict, verify_code
from ownhue_client.checkpoint.admission import Admission, admission
from ownhue_client.checkpoint.alarm import ForkMet, alarm_of, evidence_of
from ownhue_client.checkpoint.bundle import Bundle
from ownhue_client.checkpoint.bundle_folder import BundleFolder
from ownhue_client.checkpoint.updating import updated
from ownhue_client.fetching import Fetch, HeadCache, Mirror, Retries, http_fetch, retrying, try_mirrors
from ownhue_client.fetching.mirrors import Blame, blame_nobody
from ownhue_client.publication import PublicationState, trust_words
from ownhue_client.qr import read_qr


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
        mirrors: Sequence[Mirror] = (),
        directory: Path | None = None,
        mode: str | None = None,
        gate: bool = False,
        root: bytes | None = None,
        policy: WitnessPolicy = NO_WITNESSES,
        retries: Retries | None = None,
    ) -> None:
        """*fetch* (or *http* for the region's own server, or *mirrors*, of which any will do) is for :meth:`sync` only.

        With a *directory* the bundle is kept there, and read now if it is there already; raises FormatError or
        VerificationError for one that is broken or of another region or policy. *mode*: a name among the rulebook's
        modes. A *gate* refuses a pass that it accepted before. *root*: the root file of trust that was installed with
        the region; *policy*: which witnesses have to have seen the log. *retries*: how often the region's own server
        is asked again for a file; default: once is enough, as for whoever calls :meth:`sync` again.
        """
        self.region = region
        self.mode = mode
        self.counts: Counter[str] = Counter()
        """How many codes were accepted by colour, and refused by word."""
        self.evidence: list[bytes] = []
        """Files that prove a fork to anyone, met by this process; in the directory as ``fork-<digest>.json``."""
        own = fetch or (http_fetch(http, region.url, cache=HeadCache()) if http is not None else None)
        if own is not None and retries is not None:
            own = retrying(own, retries)
        self._mirrors = (*(() if own is None else (Mirror(region.url, own),)), *mirrors)
        self._root = root
        self._folder = BundleFolder(directory, region, policy) if directory is not None else None
        self._seen = Seen(refuse_same=gate)
        self._bundle = (self._folder.load() if self._folder is not None else None) or Bundle(region, policy)

    @property
    def bundle(self) -> Bundle:
        """What the checkpoint knows at present."""
        return self._bundle

    def trust_words(self) -> tuple[str, ...]:
        """Whom this checkpoint trusts, in plain words, for the people who run it."""
        return trust_words(self._root or self._bundle.publication.trust or None, self._bundle.keys.policy)

    def sync(self, now: int, fetch: Fetch | None = None, blame: Blame = blame_nobody) -> int:
        """Follow the log to its present head (*now* in unix seconds); returns the number of new entries.

        *fetch*: another source for this time, such as a USB stick. *blame* is told of mirrors that failed or lied
        before one was good. Raises what ``updated`` raises; the checkpoint then goes on with what it knew. StateError
        without a way to fetch.
        """
        mirrors = self._mirrors if fetch is None else (Mirror("given", fetch),)
        if not mirrors:
            raise StateError("this checkpoint has no network")
        before = self._bundle.log.size
        self._bundle = try_mirrors(mirrors, lambda source: self._updated(source, now), blame)
        return self._bundle.log.size - before

    def verify_text(self, text: str, now: int, challenge: bytes = b"") -> Answer:
        """Verify a code's *text* at *now* (unix seconds), offline. *challenge*: the 16 bytes shown, or empty.

        Raises CodeRefused with its word (for another log ForkMet, with an alarm to keep), StateError when the
        checkpoint itself cannot work.
        """
        rulebook = self._rulebook(now)
        mode = self._mode(rulebook)
        try:
            verdict = verify_code(text, self._view(rulebook, now), now, challenge, self._seen)
        except CodeRefused as refused:
            self.counts[refused.refusal.value] += 1
            if refused.refusal is Refusal.OTHER_LOG:  # its signature held: some phone was shown this log
                raise ForkMet(alarm_of(decode_code(text).statement, self._bundle)) from refused
            raise
        colour = Colour(verdict.colour)
        self.counts[colour.name.lower()] += 1
        return Answer(colour, admission(colour, mode), verdict, now - self._bundle.log.head_time)

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

    def _updated(self, fetch: Fetch, now: int) -> Bundle:
        """The next bundle, kept. What proves a fork is kept, too, before the error goes on its way."""
        try:
            bundle = updated(self._bundle, fetch, now, self._root, self._keep)
            return bundle if self._folder is None else self._folder.save(bundle)
        except ForkError as error:
            evidence = evidence_of(error, self._bundle, fetch, self._root)
            if evidence is not None and evidence not in self.evidence:
                self.evidence.append(evidence)
                if self._folder is not None:
                    self._folder.keep_evidence(evidence)
            raise

    def _keep(self, state: PublicationState) -> None:
        """Keep a newer root at once, with what was known before."""
        bundle = replace(self._bundle, publication=state)
        self._bundle = bundle if self._folder is None else self._folder.save(bundle)
