"""Whom this phone trusts, and how far that reaches, in plain sentences for its owner.

Home region: demo, at https://demo.ownhue.example.
The keys of this region can be replaced by the holders of its offline root. (Root 2: 2 of 3 keys have to sign.)
1 of 1 witnesses must have seen the same log. 1 of them saw the newest state.
The newest published data are of 2026-03-02 08:00 UTC, 2 hours old.
The trust metadata hold until 2026-03-04 06:00 UTC.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ownhue.cosignature import timely_cosignatures
from ownhue.errors import OwnhueError
from ownhue.matching import CLOCK_ALLOWANCE_SECONDS
from ownhue.regions import Regions, names_this_file
from ownhue.trust import expires_at
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import Root
from ownhue.trust.state import Stage, TrustedState
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.contradictions import AHEAD, OLD_COPY, Contradictions
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.visits import Visit
from ownhue_client.publication import trust_words

_HOUR = 3600


def home_words(home: Followed, now: int) -> Iterator[str]:
    """What holds for the home region at *now* (unix seconds)."""
    yield f"Home region: {home.name}, at {home.region.url}."
    policy = home.keys_or_installed.policy
    rooted, witnessed = trust_words(home.installed.root, policy)
    yield rooted + _root_words(home)
    yield witnessed + (f" {_cosigned(home, now)} of them saw the newest state." if policy.threshold else "")
    log = home.state.log
    yield _age(log.head_time, now) if log.note else "Nothing published was seen yet."
    trusted = TrustedState.from_bytes(home.state.trust) if home.state.trust else None
    if trusted is not None and trusted.stage is Stage.TARGETS:
        until = expires_at(trusted)
        yield (
            f"The trust metadata hold until {_moment(until)}."
            if now < until
            else f"The trust metadata are void since {_moment(until)}: nothing new is taken before newer ones come."
        )


def clock_words(wall: int, anchor: Anchor) -> Iterator[str]:
    """What the clock anchor says of the wall clock."""
    judged, signed = anchor.now(wall), anchor.not_before()
    if judged != wall:
        yield f"The clock of this phone was set back: it is {_moment(judged)} or later. It is judged by that."
    elif signed > wall + CLOCK_ALLOWANCE_SECONDS:
        yield (
            f"The log signed a time ahead of this phone's clock, {_moment(signed)}: "
            "the clock is behind, or the log lies. What is heard meanwhile does not count."
        )


def directory_words(directory: Regions | None, home: Followed) -> Iterator[str]:
    """What the home region's directory says of the installed file."""
    if directory is not None and not names_this_file(directory, home.region):
        yield (
            "The region's directory names another region file than the one that is installed. Nothing was replaced: "
            "get the new file the way this one came."
        )


def visit_words(visits: list[Visit], trouble: list[tuple[str, str]]) -> Iterator[str]:
    """Which regions are followed beside the home region."""
    why = dict(trouble)
    for visit in visits:
        until = "until you leave it" if visit.until is None else f"until {_moment(visit.until)}"
        failed = f" The last time it could not be followed: {why[visit.name]}." if visit.name in why else ""
        yield f"Keys of the region {visit.name} are compared too, {until}.{failed}"


def contradiction_words(contradictions: Contradictions) -> Iterator[str]:
    """What was kept because it contradicts something."""
    if proofs := len(contradictions.proofs()):
        files = "file proves" if proofs == 1 else "files prove"
        yield f"{proofs} {files} that two histories were shown. Hand them on: anybody can check them."
    # An old copy is a mirror that is behind, most of the time; of a head that is ahead, the clock's words tell.
    if doubts := [doubt for doubt in contradictions.doubts() if doubt.kind not in {OLD_COPY, AHEAD}]:
        yield f"{len(doubts)} of what was shown proves nothing (yet), and nobody else is known to have seen it."


def _root_words(home: Followed) -> str:
    trust = home.state.trust
    data = TrustedState.from_bytes(trust).root if trust else home.installed.root
    if data is None:
        return ""
    root = parse_trust_file(data, Root).signed
    role = root.roles.root
    return f" (Root {root.version}: {role.threshold} of {len(role.keyids)} keys have to sign.)"


def _cosigned(home: Followed, now: int) -> int:
    """How many witnesses of the policy cosigned the newest head that was taken."""
    keys, note = home.keys_or_installed, home.state.log.note
    try:
        return len(timely_cosignatures(note, keys.open_head(note), keys.policy, now))
    except OwnhueError:  # none was seen, or its key was replaced since
        return 0


def _age(head_time: int, now: int) -> str:
    hours = max(now - head_time, 0) // _HOUR
    age = "less than an hour" if not hours else "1 hour" if hours == 1 else f"{hours} hours"
    return f"The newest published data are of {_moment(head_time)}, {age} old."


def _moment(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
