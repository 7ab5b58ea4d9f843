"""A decision in plain lines, for the terminal.

YELLOW until 10 January 2026, 23:59 (Asia/Shanghai)
because: on 3 January 2026, in the afternoon, 22 weighted minutes near people who reported a positive result ...
ends: on 10 January 2026, 23:59
ends: at once with a withdrawal by the authority
by: rulebook 1 (5b1c09d2), published data until 6 January 2026, 08:00, listening since 1 January 2026, 00:00
"""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ownhue.colour import Colour, Decision, Finding, Grey, NotCounted

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_GREY = {
    Grey.NO_RULEBOOK: "no rulebook is in force, so nothing is judged",
    Grey.NO_DATA: "nothing published was seen yet",
    Grey.OLD_DATA: "what is known of published data is too old",
    Grey.RADIO_OFF: "the radio was off too much to say that nobody was near",
}
_DIGEST_LETTERS = 8


def why(decision: Decision) -> list[str]:
    """*decision* in lines: verdict, because, not counted, what ends it, by which rules."""
    return [*_verdict(decision), *_because(decision), *_not_counted(decision), *_ends(decision), _basis(decision)]


def _verdict(decision: Decision) -> Iterator[str]:
    word = decision.colour.word.upper()
    if decision.until is not None:
        yield f"{word} until {_moment(decision.until, decision)} ({decision.zone})"
    elif decision.colour is Colour.GREEN:
        yield f"{word}: nothing is known that speaks against it"
    else:
        yield f"{word}: not established"


def _because(decision: Decision) -> Iterator[str]:
    for finding in decision.reasons:
        yield f"because: {_finding(finding, decision)}"
    for grey in decision.grey_because:
        yield f"because: {_GREY[grey]}"
    if decision.data_old and not decision.grey_because:
        yield "note: published data are old; what happened since is not known"


def _finding(finding: Finding, decision: Decision) -> str:
    if finding.kind == "own_result":
        learned = _moment(finding.learned_at, decision)
        return f"own positive result of {_day(finding.day)}, learned on {learned} -> {finding.colour.word}"
    part = "at night" if finding.part_of_day == "night" else f"in the {finding.part_of_day}"
    heard = _number((finding.seconds or 0) // 60, "minute")
    capped = "; enough for red, but Bluetooth alone never makes more than yellow" if finding.capped else ""
    return (
        f"on {_day(finding.day)}, {part}, {_number(finding.minutes, 'weighted minute')} near people who reported"
        f" a positive result ({heard} heard, distance mostly {finding.distance_band}),"
        f" {finding.share_percent} % of the threshold {finding.rule} -> {finding.colour.word}{capped}"
    )


def _not_counted(decision: Decision) -> Iterator[str]:
    for item in decision.not_counted:
        yield f"not counted: {_uncounted(item)}: {item.why}"


def _uncounted(item: NotCounted) -> str:
    if item.kind == "own_result":
        return f"own positive result of {_day(item.day)}"
    share = "" if item.share_percent is None else f", {item.share_percent} % of what makes yellow"
    return f"{_number((item.seconds or 0) // 60, 'minute')} heard on {_day(item.day)}{share}"


def _ends(decision: Decision) -> Iterator[str]:
    for end in decision.ends:
        if end.at is not None:
            yield f"ends: on {_moment(end.at, decision)}{_of(end.finding, decision)}"
        elif end.finding is None:
            yield f"ends: with {end.how}"
        else:
            yield f"ends: at once with a {end.how}{_of(end.finding, decision)}"


def _of(finding_id: str | None, decision: Decision) -> str:
    """Which finding ends, where there is more than one."""
    days = {finding.id: finding.day for finding in decision.reasons}
    return f" (what counts from {_day(days[finding_id])})" if finding_id in days and len(days) > 1 else ""


def _basis(decision: Decision) -> str:
    rules = "no rulebook"
    if decision.rulebook_version is not None and decision.rulebook_digest is not None:
        rules = f"rulebook {decision.rulebook_version} ({decision.rulebook_digest[:_DIGEST_LETTERS]})"
    until = "none" if decision.published_until is None else f"until {_moment(decision.published_until, decision)}"
    return f"by: {rules}, published data {until}, listening since {_moment(decision.observed_since, decision)}"


def _number(count: int | None, word: str) -> str:
    return f"{count or 0} {word}{'' if count == 1 else 's'}"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment(unix: int, decision: Decision) -> str:
    local = datetime.fromtimestamp(unix, ZoneInfo(decision.zone or "UTC"))
    return f"{_day(local.date())}, {local:%H:%M}"
