"""Journal: a hash chain of every change of colour, kept on the phone. specs/colour.md section 7

    {"after":"green","before":"red","decision_digest":"5b1c...","index":3,"previous":"a01f...","time":1768046400,
     "why":["finding 9c0f27a1d2e4b658 withdrawn by the authority"]}

- An entry is made whenever the colour, a finding, the rulebook or the state of the data changed, and only then.
- Each entry holds the hash of the one before. Whoever kept a later hash can tell that nothing was changed or cut out.
- A clock that was ahead and is set right makes time go back. The entry that does so says it, and no other one may.
- The journal never leaves the phone by itself.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from ownhue.colour.decision import Decision, Finding
from ownhue.colour.words import ColourField, WhyNot
from ownhue.errors import StateError, VerificationError
from ownhue.records import Record, parse_record, record_bytes

#: Longest journal entry in bytes. specs/colour.md section 10
MAX_ENTRY_BYTES = 1_048_576
#: What the first entry holds in place of a hash.
GENESIS = "0" * 64

#: What an entry says first, and only then, when its time is before the one of the entry before it.
#: specs/colour.md section 7
CLOCK_SET_BACK = "clock set back"
#: What an entry says with which a journal begins, or goes on without the decision before. specs/colour.md section 7
FIRST_DECISION, DECISION_LOST = "first decision", "last decision lost"

_PURPOSE = b"OWNHUE-JOURNAL"
_WHOLLY = {
    WhyNot.WITHDRAWN: "withdrawn by the authority",
    WhyNot.ELSEWHERE: "contradicted by own location",
    WhyNot.DENIED: "denied by its owner",
    WhyNot.CLEARED: "cleared by the authority",
    WhyNot.ENDED: "ended by certificate",
}
_IN_PART = {
    WhyNot.WITHDRAWN: "withdrawn in part by the authority",
    WhyNot.CLEARED: "cleared in part by the authority",
    WhyNot.ENDED: "ended in part by certificate",
}


class JournalEntry(Record):
    """One change."""

    index: int = Field(ge=0)
    """Number of the entry, from 0."""
    previous: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the entry before; 64 zeros in the first."""
    time: Annotated[int, Field(ge=0, lt=2**32)]
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

    *previous* is the newest entry and *before* the decision made last (both None at the beginning; *before* alone
    where a damaged store has lost it). Raises StateError when they do not belong together.
    """
    if previous is None and before is not None:
        raise StateError("a decision was made before, but there is no journal of it")
    if previous and before and previous.after != before.colour:
        raise StateError("the last decision is not the one that the journal ends with")
    begin = FIRST_DECISION if previous is None else DECISION_LOST
    why = tuple(_anew(begin, after) if before is None else _why(before, after))
    if not why:
        return None
    if previous and after.time < previous.time:
        why = (CLOCK_SET_BACK, *why)
    return JournalEntry(
        index=previous.index + 1 if previous else 0,
        previous=entry_hash(previous) if previous else GENESIS,
        time=after.time,
        before=previous.after if previous else None,
        after=after.colour,
        why=why,
        decision_digest=after.digest,
    )


def entry_hash(entry: JournalEntry) -> str:
    """SHA-256("OWNHUE-JOURNAL" || canonical JSON of the entry), in hexadecimal digits."""
    return hashlib.sha256(_PURPOSE + record_bytes(entry)).hexdigest()


def verify_chain(entries: Iterable[JournalEntry]) -> str:
    """The hash of the last entry (GENESIS of none). Raises VerificationError where the chain is broken.

    The steps are numbered in specs/colour.md section 7.
    """
    chain = list(entries)
    # (1): numbers. (2): the first.
    for index, entry in enumerate(chain):
        if entry.index != index:
            raise VerificationError(f"journal entry {index}: its number is {entry.index}")
    if chain and (chain[0].previous, chain[0].before, chain[0].why[0] == CLOCK_SET_BACK) != (GENESIS, None, False):
        raise VerificationError("journal entry 0: not a beginning")
    for entry, following in pairwise(chain):
        _verify_link(entry, following)
    return entry_hash(chain[-1]) if chain else GENESIS


def parse_entry(data: bytes) -> JournalEntry:
    """The entry of its canonical JSON (``records.record_bytes``). Raises LimitError or FormatError."""
    return parse_record(JournalEntry, data, "a journal entry", MAX_ENTRY_BYTES)


def _verify_link(entry: JournalEntry, following: JournalEntry) -> None:
    where = f"journal entry {following.index}"
    # (3): the hash of the entry before. (4): its colour. (5): its time.
    if following.previous != entry_hash(entry):
        raise VerificationError(f"{where}: the entry before it was changed")
    if following.before != entry.after:
        raise VerificationError(f"{where}: the colour before it is not the one that was")
    if (following.time < entry.time) != (following.why[0] == CLOCK_SET_BACK):
        raise VerificationError(f"{where}: time goes back and it does not say so, or says so and does not")


def _anew(begin: str, after: Decision) -> Iterator[str]:
    yield begin
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
    for name in sorted(old.keys() - new.keys()):
        yield f"finding {name} {_how_it_went(old[name], before, after)}"
    for name, finding in new.items():
        if name not in old:
            yield _how_it_came(finding, before, after)
        elif old[name].colour != finding.colour:
            parts = "".join(f", {words}" for words in _corrections(name, before, after, _IN_PART))
            yield f"finding {name} turned {finding.colour.word}{parts}"


def _how_it_went(finding: Finding, before: Decision, after: Decision) -> str:
    if any(item.finding == finding.id and item.why is WhyNot.STAY_OVER for item in after.not_counted):
        return "ended"
    corrections = ", ".join(_corrections(finding.id, before, after, _WHOLLY))
    return corrections or ("ended" if finding.until < after.time else "no longer counts")


def _how_it_came(finding: Finding, before: Decision, after: Decision) -> str:
    gone = {*_WHOLLY, WhyNot.STAY_OVER}
    was = [item for item in before.not_counted if item.finding == finding.id and item.why in gone]
    revoked = {item.certificate for item in after.not_counted if item.why is WhyNot.CERTIFICATE_REVOKED}
    because = ", certificate revoked" if any(item.certificate in revoked for item in was if item.certificate) else ""
    begin = f"finding {finding.id} is back" if was else f"new finding {finding.id}"
    return f"{begin}: {finding.kind}, {finding.colour.word}{because}"


def _corrections(name: str, before: Decision, after: Decision, words: Mapping[WhyNot, str]) -> Iterator[str]:
    """What took evidence of a finding away since the decision before."""
    known = set(before.not_counted)
    for item in after.not_counted:
        if item.finding == name and item.why in words and item not in known:
            yield words[item.why] + (f", {item.rule}" if item.why is WhyNot.ENDED else "")
