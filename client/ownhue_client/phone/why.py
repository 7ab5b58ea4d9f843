"""A decision in plain lines, for the terminal.

YELLOW until 10 January 2026, 23:59 (Asia/Shanghai)
because: on 3 January 2026, in the afternoon, 22 weighted minutes near people who reported a positive result ...
not counted: 20 minutes at places that were warned of, on 4 January 2026: own location says otherwise
ends: on 10 January 2026, 23:59
ends: at once with a withdrawal by the authority
ends: with a negative test (naat), sample from 8 January 2026 to 3 April 2026 (exits.negative-pcr)
by: rulebook 1 (5b1c09d2), published data until 6 January 2026, 08:00, listening since 1 January 2026, 00:00
"""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ownhue.colour import Colour, Decision, Finding, Grey, NotCounted
from ownhue.colour.decision import Ending

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
#: What a certificate's date is the date of.
_DATED = {"negative_test": "sample", "recovery": "first positive test", "vaccination": "given"}
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
    what = _encounter(finding) if finding.kind == "encounter" else _stay(finding)
    capped = "; enough for red, but Bluetooth alone never makes more than yellow" if finding.capped else ""
    return f"on {_day(finding.day)}, {part}, {what} {finding.rule} -> {finding.colour.word}{capped}"


def _encounter(finding: Finding) -> str:
    heard = _number((finding.seconds or 0) // 60, "minute")
    place = "partly confirmed" if finding.place == "partly" else finding.place
    return (
        f"{_number(finding.minutes, 'weighted minute')} near people who reported a positive result ({heard} heard,"
        f" distance mostly {finding.distance_band}, place {place}), {finding.share_percent} % of the threshold"
    )


def _stay(finding: Finding) -> str:
    where = "at places that were warned of" if finding.kind == "venue" else "in an area that was warned of"
    return f"{_number(finding.minutes, 'minute')} {where}, {finding.share_percent} % of the least stay of"


def _not_counted(decision: Decision) -> Iterator[str]:
    for item in decision.not_counted:
        rule = f" ({item.rule})" if item.certificate and item.rule else ""
        yield f"not counted: {_uncounted(item)}: {item.why}{rule}"


def _uncounted(item: NotCounted) -> str:
    day, minutes = _day(item.day), _number((item.seconds or 0) // 60, "minute")
    share = "" if item.share_percent is None else f", {item.share_percent} % of what makes a colour"
    match item.kind:
        case "own_result":
            return f"own positive result of {day}"
        case "venue":
            return f"{minutes} at places that were warned of, on {day}{share}"
        case "area":
            return f"{minutes} in an area that was warned of, on {day}{share}"
        case "certificate":
            return f"certificate of {day}"
        case "clearance":
            return f"clearance of {day}"
    share = "" if item.share_percent is None else f", {item.share_percent} % of what makes yellow"
    return f"{minutes} heard on {day}{share}"


def _ends(decision: Decision) -> Iterator[str]:
    for end in decision.ends:
        yield f"ends: {_ending(end, decision)}{_of(end.finding, decision)}"


def _ending(end: Ending, decision: Decision) -> str:
    match end.how:
        case "time":
            return f"on {_moment(end.at or 0, decision)}"
        case "certificate":
            return _by_certificate(end, decision)
        case "I was not there":
            return 'at once when you say "I was not there"'
        case "withdrawal by the authority" | "clearance by the authority":
            return f"at once with a {end.how}"
    return f"with {end.how}"


def _by_certificate(end: Ending, decision: Decision) -> str:
    kinds = f" ({', '.join(end.test_kinds)})" if end.test_kinds else ""
    name, dated = str(end.certificate).replace("_", " "), _DATED[end.certificate or "negative_test"]
    first, last = (_day(_local(unix or 0, decision).date()) for unix in (end.at, end.last))
    return f"with a {name}{kinds}, {dated} from {first} to {last} ({end.rule})"


def _of(finding_id: str | None, decision: Decision) -> str:
    """Which finding ends, where there is more than one."""
    found = {finding.id: finding for finding in decision.reasons}
    if finding_id not in found or len(found) == 1:
        return ""
    finding = found[finding_id]
    return f" (what counts from {_day(finding.day)}, {finding.kind.replace('_', ' ')})"


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
    local = _local(unix, decision)
    return f"{_day(local.date())}, {local:%H:%M}"


def _local(unix: int, decision: Decision) -> datetime:
    return datetime.fromtimestamp(unix, ZoneInfo(decision.zone or "UTC"))
