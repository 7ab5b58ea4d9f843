"""Random rulebooks, and phones with evidence of every kind, for Hypothesis.

Few sources, starts and days, so that windows of one day, of one key, and doubled ones are common, and certificates,
clearances and withdrawals often concern something.
"""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from ownhue.colour import AreaExposure, CertificateFact, ClearanceFact, Facts, OwnResult, VenueExposure
from ownhue.colour.evidence_facts import CertificateKind, TestKind
from ownhue.colour.findings import all_groups
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.rulebook.rules import ExitRule
from tests.protocol.colour_cases import SALT, at, key

BOOK, FREE = demonstration_rulebook(), without_ceilings()
DAY = 86_400
ZONES = ["Asia/Shanghai", "UTC", "Asia/Kolkata", "America/Havana", "Pacific/Apia"]

#: Any value of JSON without floats.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)
moments = st.integers(at(7), at(22)) | st.integers(at(5), at(30))
_starts = st.builds(lambda day, half: at(day) + 1800 * half, st.integers(5, 9), st.sampled_from([0, 1, 18, 19, 47]))
_known = st.integers(at(5), at(20))


@st.composite
def exit_rules(draw: st.DrawFn, name: str) -> ExitRule:
    """An exit of any kind."""
    certificate: CertificateKind = draw(st.sampled_from(["negative_test", "recovery", "vaccination"]))
    kinds: tuple[TestKind, ...] = ()
    if certificate == "negative_test":
        kinds = draw(st.sampled_from([("naat",), ("naat", "rat")]))
    first = draw(st.sampled_from([-30, -30, -2, 0, 2]))
    return ExitRule(
        name=name,
        certificate=certificate,
        test_kinds=kinds,
        ends=draw(
            st.sampled_from([("area", "encounter", "own_result", "venue"), ("encounter", "venue"), ("own_result",)])
        ),
        colours=draw(st.sampled_from([("yellow",), ("red",), ("yellow", "red"), ("yellow", "red")])),
        from_day=first,
        until_day=first + draw(st.sampled_from([1, 40, 60])),
    )


@st.composite
def rulebooks(draw: st.DrawFn) -> Rulebook:
    """A rulebook near one of the demonstration ones."""
    book = draw(st.sampled_from([BOOK, FREE]))
    exposure = book.exposure.model_copy(
        update={
            "attenuation": draw(st.sampled_from(["typical", "minimum"])),
            "minimum_window_score_percent": draw(st.sampled_from([0, 30_000, 120_000])),
            "look_back_days": draw(st.sampled_from([2, 14])),
            "report_type_when_unknown": draw(st.sampled_from(["none", "confirmed_test"])),
            "infectiousness_when_unknown": draw(st.sampled_from(["none", "standard", "high"])),
        }
    )
    red_days = draw(st.sampled_from([1, 14, 20]))
    indoor = BOOK.venues["indoor"].model_copy(update={"colour": draw(st.sampled_from(["yellow", "red"]))})
    return book.model_copy(
        update={
            "exposure": exposure,
            "stays": book.stays.model_copy(
                update={"yellow_days": draw(st.integers(1, red_days)), "red_days": red_days}
            ),
            "zone": draw(st.sampled_from(ZONES)),
            "valid_from": date(2025, 12, 1),
            "venues": draw(
                st.sampled_from(
                    [{"indoor": indoor}, {"indoor": indoor}, {}, {"indoor": indoor, "ward": BOOK.venues["indoor"]}]
                )
            ),
            "areas": draw(st.sampled_from([BOOK.areas, BOOK.areas, {}])),
            "exits": tuple(draw(exit_rules(f"exit-{number}")) for number in range(draw(st.integers(0, 4)))),
        }
    )


@st.composite
def windows(draw: st.DrawFn) -> ExposureWindow:
    """One window."""
    start, typical = draw(_starts), draw(st.sampled_from([50, 50, 50, 60, 65, 75]))
    scan = ScanInstance(start, 60 * draw(st.integers(1, 40)), typical, max(typical - draw(st.integers(0, 9)), 0))
    return ExposureWindow(
        source=key(draw(st.integers(1, 3))),
        start=start,
        report_type=draw(st.sampled_from([1, 1, 1, 1, 0, 2, 3, 5])),
        days_since_onset=draw(st.sampled_from([0, 0, 0, 1, None, -15, -5, -3])),
        published_at=start + 7200 * draw(st.integers(1, 60)),
        scans=(scan,),
        place_confirmed=draw(st.booleans()),
    )


@st.composite
def results(draw: st.DrawFn) -> OwnResult:
    """One own result."""
    day = date(2026, 1, draw(st.integers(5, 12)))
    learned_at = at(day.day) + draw(st.integers(0, 3 * DAY))
    withdrawn_at = draw(st.none() | st.none() | st.integers(learned_at, learned_at + 3 * DAY))
    return OwnResult(draw(st.sampled_from([1, 1, 1, 2, 3, 5])), day, learned_at, withdrawn_at)


@st.composite
def venues(draw: st.DrawFn) -> VenueExposure:
    """One visit."""
    start = draw(_starts)
    return VenueExposure(
        source=key(draw(st.integers(1, 3))),
        rule=draw(st.sampled_from(["indoor", "indoor", "indoor", "ward", "other"])),
        start=start,
        seconds=60 * draw(st.sampled_from([0, 5, 14, 15, 30, 300])),
        published_at=start + draw(st.integers(0, 5 * DAY)),
        contradicted=draw(st.integers(0, 4)) == 0,
    )


@st.composite
def areas(draw: st.DrawFn) -> AreaExposure:
    """One stay in an area."""
    start = draw(_starts)
    return AreaExposure(
        source=draw(st.integers(1, 3)).to_bytes(32, "big"),
        rule=draw(st.sampled_from(["outbreak", "outbreak", "outbreak", "other"])),
        start=start,
        seconds=60 * draw(st.sampled_from([0, 30, 59, 60, 600])),
        minimum_seconds=60 * draw(st.sampled_from([0, 30, 90])),
        published_at=start + draw(st.integers(0, 5 * DAY)),
        denied_at=draw(st.none() | st.none() | _known),
    )


@st.composite
def certificates(draw: st.DrawFn) -> CertificateFact:
    """One certificate."""
    kind: CertificateKind = draw(st.sampled_from(["negative_test", "negative_test", "recovery", "vaccination"]))
    learned_at = draw(_known)
    return CertificateFact(
        id=draw(st.integers(1, 4)).to_bytes(32, "big"),
        kind=kind,
        test_kind=draw(st.sampled_from(["naat", "rat"])) if kind == "negative_test" else None,
        time=learned_at - draw(st.integers(0, 20 * DAY)),
        complete=kind != "vaccination" or draw(st.booleans()),
        learned_at=learned_at,
        valid_until=learned_at + draw(st.sampled_from([20 * DAY, 20 * DAY, 0, -1]) | st.integers(0, 5 * DAY)),
        revoked_at=draw(st.none() | st.none() | st.integers(learned_at - DAY, learned_at + 10 * DAY)),
    )


@st.composite
def clearances(draw: st.DrawFn, book: Rulebook, facts: Facts) -> ClearanceFact:
    """A clearance, most often of something that *facts* can make a finding of."""
    names = ["00" * 8, *(group.id for group in all_groups(book, facts))]
    issued_at = draw(st.integers(at(6), at(15)))
    return ClearanceFact(draw(st.sampled_from(names)), issued_at, issued_at + draw(st.integers(0, 2 * DAY)))


def withdrawals() -> st.SearchStrategy[dict[bytes, int]]:
    """Withdrawn keys, tags and digests."""
    names = st.integers(1, 3).map(key) | st.integers(1, 3).map(lambda number: number.to_bytes(32, "big"))
    return st.just({}) | st.dictionaries(names, st.integers(at(5), at(15)), max_size=2)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rulebook, Facts]:
    """A rulebook and a phone under it."""
    book = draw(rulebooks())
    facts = Facts(
        salt=SALT,
        observed_since=at(1),
        published_until=draw(st.none() | st.integers(at(5), at(28))),
        radio_share_percent=draw(st.sampled_from([None, 0, 49, 50, 100])),
        windows=tuple(draw(st.lists(windows(), max_size=6))),
        withdrawn=draw(withdrawals()),
        results=tuple(draw(st.lists(results(), max_size=2))),
        venues=tuple(draw(st.lists(venues(), max_size=3))),
        areas=tuple(draw(st.lists(areas(), max_size=3))),
        certificates=tuple(draw(st.lists(certificates(), max_size=3))),
    )
    return book, replace(facts, clearances=tuple(draw(st.lists(clearances(book, facts), max_size=2))))


def fresh(facts: Facts, now: int) -> Facts:
    """The same facts with published data of *now* and a radio that was always on."""
    return replace(facts, published_until=now, radio_share_percent=100)


def standing(facts: Facts) -> Facts:
    """The same evidence with nothing that ever takes any of it away, or gives it back."""
    return replace(
        facts,
        withdrawn={},
        results=tuple(replace(item, withdrawn_at=None) for item in facts.results),
        areas=tuple(replace(item, denied_at=None) for item in facts.areas),
        certificates=(),
        clearances=(),
    )


def known_at(facts: Facts, now: int) -> Facts:
    """What of *facts* was known at *now*."""
    return replace(
        facts,
        windows=tuple(item for item in facts.windows if item.published_at <= now),
        withdrawn={source: time for source, time in facts.withdrawn.items() if time <= now},
        results=tuple(
            replace(item, withdrawn_at=_past(item.withdrawn_at, now))
            for item in facts.results
            if item.learned_at <= now
        ),
        venues=tuple(item for item in facts.venues if item.published_at <= now),
        areas=tuple(
            replace(item, denied_at=_past(item.denied_at, now)) for item in facts.areas if item.published_at <= now
        ),
        certificates=tuple(
            replace(item, revoked_at=_past(item.revoked_at, now))
            for item in facts.certificates
            if item.learned_at <= now
        ),
        clearances=tuple(item for item in facts.clearances if item.learned_at <= now),
    )


def _past(time: int | None, now: int) -> int | None:
    return time if time is not None and time <= now else None
