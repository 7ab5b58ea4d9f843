"""Journal: a hash chain of every change of colour, kept on the phone. specs/colour.md section 7

    {"after":"green","before":"red","decision_digest":"5b1c...","index":3,"previous":"a01f...","time":1768046400,
     "why":["finding 9c0f27a1d2e4b658 withdrawn by the authority"]}

- An entry is made whenever the colour, a finding, the rulebook or the state of the data changed, and only then.
- Each entry holds the hash of the one before. Whoever kept a later hash can tell that nothing was changed or cut out.
- The journal never leaves the phone by itself.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pydantic import Field

from ownhue.decision import ColourField, Decision, WhyNot
from ownhue.errors import StateError, VerificationError
from ownhue.records import Record, parse_record, record_bytes

#: Longest journal entry in bytes. specs/colour.md section 7
MAX_ENTRY_BYTES = 65_536
#: What the first entry holds in place of a hash.
GENESIS = "0" * 64

_PURPOSE = b"OWNHUE-JOURNAL"


class JournalEntry(Record):
    """One change."""

    index: int = Field(ge=0)
    """Number of the entry, from 0."""
    previous: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the entry before; 64 zeros in the first."""
    time: int
    """Unix second of the decision."""
    before: ColourField | None
    """The colour before; None in the first entry."""
    after: ColourField
    """The colour from now on."""
    why: tuple[str, ...] = Field(min_length=1)
    """What changed, in the words of specs/colour.md section 7."""
    decision_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the decision, in hexadecimal digits."""


def next_entry(previous: JournalEntry | None, before: Decision | None, after: Decision) -> JournalEntry | None:
    """The entry for going from decision *before* to *after*; None when nothing changed.

    *previous* is the newest entry and *before* the decision made last (both None at the beginning). Raises
    StateError when they do not belong together or when time goes back.
    """
    if (previous is None) != (before is None):
        raise StateError("the journal and the last decision begin together")
    if previous and before and (previous.after != before.colour or not previous.time <= before.time <= after.time):
        raise StateError("the last decision is not the one that the journal ends with, or time goes back")
    why = tuple(_first(after) if before is None else _why(before, after))
    if not why:
        return None
    return JournalEntry(
        index=previous.index + 1 if previous else 0,
        previous=entry_hash(previous) if previous else GENESIS,
        time=after.time,
        before=before.colour if before else None,
        after=after.colour,
        why=why,
        decision_digest=after.digest,
    )


def entry_hash(entry: JournalEntry) -> str:
    """SHA-256("OWNHUE-JOURNAL" || canonical JSON of the entry), in hexadecimal digits."""
    return hashlib.sha256(_PURPOSE + record_bytes(entry)).hexdigest()


def verify_chain(entries: Iterable[JournalEntry]) -> str:
    """The hash of the last entry (GENESIS of none). Raises VerificationError where the chain is broken."""
    chain = list(entries)
    for index, entry in enumerate(chain):
        if entry.index != index:
            raise VerificationError(f"journal entry {index}: its number is {entry.index}")
    if chain and (chain[0].previous != GENESIS or chain[0].before is not None):
        raise VerificationError("journal entry 0: not a beginning")
    for entry, following in pairwise(chain):
        _verify_link(entry, following)
    return entry_hash(chain[-1]) if chain else GENESIS


def parse_entry(data: bytes) -> JournalEntry:
    """The entry of its canonical JSON (``records.record_bytes``). Raises LimitError or FormatError."""
    return parse_record(JournalEntry, data, "a journal entry", MAX_ENTRY_BYTES)


def _verify_link(entry: JournalEntry, following: JournalEntry) -> None:
    where = f"journal entry {following.index}"
    if following.previous != entry_hash(entry):
        raise VerificationError(f"{where}: the entry before it was changed")
    if following.before != entry.after:
        raise VerificationError(f"{where}: the colour before it is not the one that was")
    if following.time < entry.time:
        raise VerificationError(f"{where}: time goes back")


def _first(after: Decision) -> Iterator[str]:
    yield "first decision"
    for finding in after.reasons:
        yield f"new finding {finding.id}: {finding.kind}, {finding.colour.word}"
    for grey in after.grey_because:
        yield f"grey: {grey}"


def _why(before: Decision, after: Decision) -> Iterator[str]:
    yield from _finding_changes(before, after)
    if before.rulebook_digest != after.rulebook_digest:
        yield f"rulebook {before.rulebook_version or 'none'} -> {after.rulebook_version or 'none'}"
    for grey in after.grey_because:
        if grey not in before.grey_because:
            yield f"grey: {grey}"
    for grey in before.grey_because:
        if grey not in after.grey_because:
            yield f"no longer grey: {grey}"
    if before.data_old != after.data_old:
        yield "published data old" if after.data_old else "published data fresh"


def _finding_changes(before: Decision, after: Decision) -> Iterator[str]:
    old = {finding.id: finding for finding in before.reasons}
    new = {finding.id: finding for finding in after.reasons}
    withdrawn = {item.finding for item in after.not_counted if item.why is WhyNot.WITHDRAWN}
    for name in sorted(old.keys() - new.keys()):
        if name in withdrawn:
            yield f"finding {name} withdrawn by the authority"
        elif old[name].until < after.time:
            yield f"finding {name} ended"
        else:
            yield f"finding {name} no longer counts"
    for name, finding in new.items():
        if name not in old:
            yield f"new finding {name}: {finding.kind}, {finding.colour.word}"
        elif old[name].colour != finding.colour:
            part = ", withdrawn in part by the authority" if name in withdrawn else ""
            yield f"finding {name} turned {finding.colour.word}{part}"
