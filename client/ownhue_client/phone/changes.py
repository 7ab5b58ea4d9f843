"""What of a change is worth telling the owner at once. specs/colour.md section 7

    for notice in worth_telling(before, after):
        print(notice.title, notice.text)

- Told: it got worse; a new finding although the colour stays, so that nobody misses a second warning; what became
  milder or over, and whether by time or by a correction; grey, when it begins and when its reason changes.
- Not told: what stayed as it was, also where the date of its end did not move.
- A notice lies on a locked screen for everybody to read: no place, no person, no day and no time of an encounter, not
  even what kind of evidence it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ownhue.colour import Colour, Decision, Grey, NotCounted, WhyNot

NoticeKind = Literal["worse", "again", "longer", "milder", "ended", "not established", "established", "corrected"]

_MORE = "The reasons are in the application."
_GREY = {
    Grey.NO_RULEBOOK: "No rulebook is in force, so nothing is judged.",
    Grey.NO_DATA: "Nothing published was seen yet.",
    Grey.OLD_DATA: "What is known of published data is too old.",
    Grey.RADIO_OFF: "The radio was off too much to say that nobody was near.",
}
_TODO = {
    Grey.NO_RULEBOOK: "Synchronise.",
    Grey.NO_DATA: "Connect to a network and synchronise.",
    Grey.OLD_DATA: "Connect to a network and synchronise.",
    Grey.RADIO_OFF: "Leave Bluetooth switched on.",
}
_BY = {
    WhyNot.WITHDRAWN: "The authority took back what it rested on.",
    WhyNot.CLEARED: "The authority corrected it.",
    WhyNot.ENDED: "Your certificate ended it.",
    WhyNot.DENIED: "You said that you were not there.",
    WhyNot.ELSEWHERE: "Your own location speaks against it.",
}


@dataclass(frozen=True)
class Notice:
    """What to tell the owner now."""

    kind: NoticeKind
    title: str
    """One short line."""
    text: str
    """One to three sentences. The reasons are in the application, not here."""


def worth_telling(before: Decision | None, after: Decision) -> tuple[Notice, ...]:
    """Notices for going from the decision *before* (None: none was made yet) to *after*; none when nothing is new."""
    if before is None:
        told = _first(after)
    elif after.colour > before.colour and after.colour is not Colour.GREY:
        told = _notice("worse", after, _until(after), _MORE)
    elif after.colour is Colour.GREY:
        told = _grey(before, after)
    elif after.colour < before.colour:
        told = _milder(before, after)
    else:
        return tuple(_same(before, after))
    return (told,) if told else ()


def _first(after: Decision) -> Notice | None:
    """A new phone is green or grey, and its owner looks at it just now. All else is news."""
    return _notice("worse", after, _until(after), _MORE) if after.colour in {Colour.YELLOW, Colour.RED} else None


def _grey(before: Decision, after: Decision) -> Notice | None:
    new = [grey for grey in after.grey_because if grey not in before.grey_because]
    if not new:
        return None
    over = "Your stay is over. " if before.colour > Colour.GREY and Grey.NO_RULEBOOK not in after.grey_because else ""
    return _notice("not established", after, over + _GREY[new[0]], _TODO[new[0]])


def _milder(before: Decision, after: Decision) -> Notice:
    if before.colour is Colour.GREY:
        return _notice("established", after, "It is established again.")
    causes = [_BY[why] for why in _corrections(before, after)] or ["The time that the rules set for it is over."]
    kind: NoticeKind = "ended" if after.colour is Colour.GREEN else "milder"
    return _notice(kind, after, " ".join(causes), _until(after), _MORE)


def _same(before: Decision, after: Decision) -> Iterator[Notice]:
    """The colour is the same: what came, what was taken back."""
    known = {finding.id: finding for finding in before.reasons}
    fresh = [finding for finding in after.reasons if finding.id not in known]
    worse = [finding for finding in after.reasons if finding.id in known and finding.colour > known[finding.id].colour]
    if fresh or worse:
        yield _notice("again", after, "There is a further reason for it.", _until(after), _MORE)
    elif _end(after) > _end(before):
        yield _notice("longer", after, "It lasts longer than it was said before.", _until(after), _MORE)
    if causes := [_BY[why] for why in _corrections(before, after)]:
        yield _notice("corrected", after, "One of its reasons is gone.", *causes, _until(after))


def _corrections(before: Decision, after: Decision) -> list[WhyNot]:
    """By what reasons of *before* are gone that did not end by time, each once."""
    gone = {finding.id for finding in before.reasons} - {finding.id for finding in after.reasons}
    known = set(before.not_counted)
    whys = [item.why for item in after.not_counted if _corrects(item, gone) and item not in known]
    return list(dict.fromkeys(whys))


def _corrects(item: NotCounted, gone: set[str]) -> bool:
    return item.finding in gone and item.why in _BY


def _end(decision: Decision) -> int:
    return decision.until or 0


def _until(decision: Decision) -> str:
    """Until when, in the rulebook's zone; nothing for green and grey."""
    if decision.until is None or decision.zone is None:
        return ""
    local = datetime.fromtimestamp(decision.until, ZoneInfo(decision.zone))
    return f"Until {local:%Y-%m-%d, %H:%M}, if nothing new happens."


def _notice(kind: NoticeKind, after: Decision, *sentences: str) -> Notice:
    word = "not established" if after.colour is Colour.GREY else after.colour.word
    return Notice(kind, f"Your colour is {word}", " ".join(sentence for sentence in sentences if sentence))
