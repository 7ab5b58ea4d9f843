"""Visit: which of the owner's visits do notices speak of? On the phone, asking nobody. specs/venue.md section 9

    visits = [Visit(poster, entered=1767708000, left=1767715200)]                    of the last 14 days
    found = match_notices(visits, blocks, NoticeBatch("demo", 490900, published_at, authority_keys))
    found.exposures          (VenueExposure(source=<tag>, rule="indoor", start=..., seconds=..., ...), ...)
    found.withdrawn          {<tag>: published_at}, for ownhue.colour.facts.Facts

- A check-in is nobody's business and changes nothing: only a notice with both signatures makes an exposure, and only
  the rulebook makes a colour of it.
- Time is linear in the notices; memory depends on the visits and on what is found, not on the notices.
- A visit that the phone's own location contradicts is matched all the same, and marked: it is told and does not count.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ownhue.colour.evidence_facts import VenueExposure
from ownhue.errors import FormatError
from ownhue.place_tag import MAX_OWN_CELLS, cells_around
from ownhue.venue import (
    END_OF_TIME,
    TAG_BYTES,
    VenueKeys,
    hour_of,
    hourly_id,
    hours_between,
    notice_tag,
    withdrawal_mark,
)
from ownhue.venue.notice import NoticeBatch, NoticeRefused, Refusal, open_notice
from ownhue.venue.notice_content import Notice
from ownhue.venue.notice_file import read_notices
from ownhue.venue.poster import Poster

#: Longest visit in seconds. specs/venue.md section 10
MAX_VISIT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit, as its owner's phone keeps it. Raises FormatError for a time that is none."""

    poster: Poster = field(repr=False)
    """Verified when it was scanned."""
    entered: int
    """Unix second of the check-in."""
    left: int
    """Unix second of the check-out, at most a day later."""
    contradicted: bool = False
    """The phone's own location says that it was elsewhere (:func:`is_contradicted`)."""

    def __post_init__(self) -> None:
        if not 0 <= self.entered < self.left < END_OF_TIME or self.left - self.entered > MAX_VISIT_SECONDS:
            raise FormatError(f"a visit ends after its begin, at most {MAX_VISIT_SECONDS} seconds later")


@dataclass(frozen=True, slots=True)
class VenueMatch:
    """A notice that speaks of a visit."""

    visit: Visit
    notice: Notice
    exposure: VenueExposure


@dataclass(frozen=True, slots=True)
class VenueMatches:
    """What one notice file says about the visits."""

    found: tuple[VenueMatch, ...]
    withdrawn: Mapping[bytes, int]
    """Tag (16 bytes) of a notice about a visit's hour -> unix second at which its withdrawal was published."""
    discarded: Mapping[Refusal, int]
    """How many notices under tags of the visits did not count, by reason."""

    @property
    def exposures(self) -> tuple[VenueExposure, ...]:
        """The exposures of what was found."""
        return tuple(match.exposure for match in self.found)


def is_contradicted(poster: Poster, own_cells: Collection[int]) -> bool:
    """Whether a phone that was in *own_cells* (H3, resolution 7) during a visit was not at this poster.

    False where the poster names no cell, or the phone does not know its place (no cells) or moved fast (too many):
    doubt is no contradiction. The poster's cell may be a neighbour of an own one. Raises FormatError for other cells.
    """
    if poster.cell is None or not 0 < len(set(own_cells)) <= MAX_OWN_CELLS:
        return False
    return poster.cell not in cells_around(own_cells)


def match_notices(visits: Iterable[Visit], blocks: Iterable[bytes], batch: NoticeBatch) -> VenueMatches:
    """What the notice file in *blocks* (of any length), published as *batch*, says about *visits*.

    The file counts as a whole or not at all: raises FormatError, LimitError, VerificationError as
    ``venue_notice_file.read_notices``. A single notice that does not hold is counted, with the reason.
    """
    by_tag, by_mark = _expected(visits)
    found: list[VenueMatch] = []
    withdrawn: dict[bytes, int] = {}
    discarded: Counter[Refusal] = Counter()
    for record in read_notices(blocks, batch):
        if len(record) == TAG_BYTES:
            if record in by_mark:
                withdrawn[by_mark[record]] = batch.published_at
            continue
        for stay in by_tag.get(record[:TAG_BYTES], ()):
            try:
                found.append(stay.match(record, batch))
            except NoticeRefused as refused:
                discarded[refused.refusal] += 1
    return VenueMatches(tuple(found), withdrawn, discarded)


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour of a visit."""

    visit: Visit
    keys: VenueKeys
    start: int

    def match(self, record: bytes, batch: NoticeBatch) -> VenueMatch:
        """Raises NoticeRefused."""
        poster = self.visit.poster
        # (1) to (8)
        notice = open_notice(record, self.keys, poster.certificate.trace_key_hash, self.start, batch).notice
        if not poster.is_valid_at(self.visit.entered):  # (9)
            raise NoticeRefused(Refusal.POSTER_NOT_VALID)
        start, end = max(self.visit.entered, notice.start), min(self.visit.left, notice.end)
        if start >= end:  # (10)
            raise NoticeRefused(Refusal.NO_OVERLAP)
        exposure = VenueExposure(
            source=record[:TAG_BYTES],
            rule=notice.rule,
            start=start,
            seconds=end - start,
            published_at=batch.published_at,
            contradicted=self.visit.contradicted,
        )
        return VenueMatch(self.visit, notice, exposure)


def _expected(visits: Iterable[Visit]) -> tuple[dict[bytes, list[_Hour]], dict[bytes, bytes]]:
    """The hours of the visits by tag of their notices; and those tags by the marks that would withdraw them."""
    by_tag: defaultdict[bytes, list[_Hour]] = defaultdict(list)
    by_mark: dict[bytes, bytes] = {}
    for visit in visits:
        keys = visit.poster.keys
        for since, _ in hours_between(visit.entered, visit.left):
            identity = hourly_id(keys, hour_of(since))
            tag = notice_tag(identity)
            by_tag[tag].append(_Hour(visit, keys, hour_of(since)))
            by_mark[withdrawal_mark(identity)] = tag
    return by_tag, by_mark
