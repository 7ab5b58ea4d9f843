"""What holds for every rulebook and all facts, of all kinds of evidence. specs/colour.md section 8"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import (
    AreaExposure,
    CertificateFact,
    Colour,
    Facts,
    OwnResult,
    VenueExposure,
    WhyNot,
    decide,
    decision_bytes,
)
from ownhue.colour.facts import facts_bytes, parse_facts
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook
from tests.protocol.colour_cases import SALT, at, key
from tests.protocol.colour_strategies import (
    BOOK,
    FREE,
    areas,
    cases,
    certificates,
    clearances,
    fresh,
    known_at,
    moments,
    results,
    standing,
    venues,
    windows,
)

WORSE = Colour.YELLOW, Colour.RED
Case = tuple[Rulebook, Facts]
T = TypeVar("T")


def never_worse(book: Rulebook, before: Facts, after: Facts, moments: list[int]) -> None:
    """*after* has more that speaks for its owner: no colour is more severe, none lasts longer, at any moment."""
    for moment in moments:
        old, new = decide(book, before, moment), decide(book, after, moment)
        assert new.colour <= old.colour
        if new.colour == old.colour and old.until is not None:
            assert new.until is not None
            assert new.until <= old.until


@given(cases(), moments, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_same_input_gives_the_same_bytes_in_any_order(case: Case, now: int, random: Random) -> None:
    book, facts = case

    def shuffled(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(random.sample(items * 2, 2 * len(items)))

    turned = replace(
        facts,
        windows=shuffled(facts.windows),
        withdrawn=dict(reversed(list(facts.withdrawn.items()))),
        results=shuffled(facts.results),
        venues=shuffled(facts.venues),
        areas=shuffled(facts.areas),
        certificates=shuffled(facts.certificates),
        clearances=shuffled(facts.clearances),
    )
    assert decision_bytes(decide(book, turned, now)) == decision_bytes(decide(book, facts, now))


@given(cases(), moments)
@settings(deadline=None)
def test_facts_that_were_written_and_read_decide_the_same(case: Case, now: int) -> None:
    book, facts = case
    assert decide(book, parse_facts(facts_bytes(facts)), now) == decide(book, facts, now)


@given(
    cases(),
    st.lists(windows(), max_size=2),
    st.lists(results(), max_size=1),
    st.lists(venues(), max_size=2),
    st.lists(areas(), max_size=2),
    moments,
)
@settings(max_examples=300, deadline=None)
def test_more_evidence_never_makes_a_colour_milder(
    case: Case,
    more: list[ExposureWindow],
    own: list[OwnResult],
    visits: list[VenueExposure],
    stays: list[AreaExposure],
    now: int,
) -> None:
    book, facts = case
    grown = replace(
        facts,
        windows=(*facts.windows, *more),
        results=(*facts.results, *own),
        venues=(*facts.venues, *visits),
        areas=(*facts.areas, *stays),
    )
    before, after = decide(book, facts, now), decide(book, grown, now)
    assert after.colour >= before.colour
    if after.colour == before.colour and before.until:
        assert after.until
        assert after.until >= before.until


@given(cases(), certificates(), st.lists(moments, min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_a_certificate_never_makes_it_worse_at_any_moment(case: Case, more: CertificateFact, at_: list[int]) -> None:
    book, facts = case
    never_worse(book, facts, replace(facts, certificates=(*facts.certificates, more)), at_)


@given(cases(), st.data(), st.lists(moments, min_size=1, max_size=3))
@settings(deadline=None)
def test_a_clearance_never_makes_it_worse_at_any_moment(case: Case, data: st.DataObject, at_: list[int]) -> None:
    book, facts = case
    more = data.draw(clearances(book, facts))
    never_worse(book, facts, replace(facts, clearances=(*facts.clearances, more)), at_)


@given(cases(), moments, st.lists(moments, min_size=1, max_size=3))
@settings(deadline=None)
def test_i_was_not_there_never_makes_it_worse_at_any_moment(case: Case, denied: int, at_: list[int]) -> None:
    book, facts = case
    denying = tuple(replace(item, denied_at=min(denied, item.denied_at or denied)) for item in facts.areas)
    never_worse(book, facts, replace(facts, areas=denying), at_)


@given(cases(), st.data(), moments, st.lists(moments, min_size=1, max_size=3))
@settings(deadline=None)
def test_a_withdrawal_never_makes_it_worse_at_any_moment(
    case: Case, data: st.DataObject, time: int, at_: list[int]
) -> None:
    book, facts = case
    sources = {item.source for item in facts.windows} | {item.source for item in facts.venues}
    sources |= {item.source for item in facts.areas}
    source = data.draw(st.sampled_from(sorted(sources) or [key(1)]))
    withdrawn = {**facts.withdrawn, source: min(time, facts.withdrawn.get(source, time))}
    wrong = tuple(replace(item, withdrawn_at=min(time, item.withdrawn_at or time)) for item in facts.results)
    never_worse(book, facts, replace(facts, withdrawn=withdrawn), at_)
    never_worse(book, facts, replace(facts, results=wrong), at_)


@given(cases(), st.lists(moments, min_size=1, max_size=3))
@settings(deadline=None)
def test_a_longer_validity_never_makes_it_worse_and_a_revocation_never_milder(case: Case, at_: list[int]) -> None:
    book, facts = case
    longer = tuple(replace(item, valid_until=item.valid_until + 86_400) for item in facts.certificates)
    never_worse(book, facts, replace(facts, certificates=longer), at_)
    kept = replace(facts, certificates=tuple(replace(item, revoked_at=None) for item in facts.certificates))
    never_worse(book, facts, kept, at_)


@given(cases(), moments)
@settings(deadline=None)
def test_an_exit_keeps_its_effect_when_its_certificate_expires(case: Case, now: int) -> None:
    """What is known now and ended now stays ended: only time, new evidence and revocation change a colour."""
    book, facts = case
    known = known_at(facts, now)
    before = decide(book, fresh(known, now), now)
    for later in (now + 1, now + 86_400, now + 40 * 86_400):
        assert decide(book, fresh(known, later), later).colour <= before.colour


@given(cases(), moments)
@settings(deadline=None)
def test_grey_replaces_only_green(case: Case, now: int) -> None:
    book, facts = case
    known, established = decide(book, facts, now), decide(book, fresh(facts, now), now)
    assert established.colour is not Colour.GREY
    if established.colour in WORSE:
        assert (known.colour, known.until) == (established.colour, established.until)
        assert known.reasons == established.reasons
    else:
        assert known.colour in (Colour.GREEN, Colour.GREY)
    assert bool(known.grey_because) == (known.colour is Colour.GREY)


@given(cases(), moments)
@settings(deadline=None)
def test_every_yellow_and_red_has_an_end_at_the_last_second_of_a_local_day(case: Case, now: int) -> None:
    book, facts = case
    decision = decide(book, facts, now)
    assert (decision.until is not None) == (decision.colour in WORSE)
    longest = timedelta(days=book.stays.red_days)
    for finding in decision.reasons:
        local = datetime.fromtimestamp(finding.until, book.zone_info)
        assert (local.hour, local.minute, local.second) == (23, 59, 59)
        assert local.date() <= finding.day + longest
        assert any(
            item.how == "time" and (item.at, item.finding) == (finding.until, finding.id) for item in decision.ends
        )


@given(cases(), moments)
@settings(deadline=None)
def test_a_stay_ends_when_it_was_said_to_end_also_without_new_data(case: Case, now: int) -> None:
    book, known = case[0], known_at(case[1], now)
    decision = decide(book, known, now)
    if decision.until is not None:
        latest = max(finding.until for finding in decision.reasons)
        assert decide(book, known, decision.until + 1).colour < decision.colour
        assert decide(book, replace(known, published_until=at(5)), latest + 1).colour is Colour.GREY
        assert decide(book, fresh(known, latest + 1), latest + 1).colour is Colour.GREEN


@given(cases(), moments, st.integers(0, 20 * 86_400))
@settings(deadline=None)
def test_an_outage_frees_nobody_early(case: Case, now: int, later: int) -> None:
    book, facts = case[0], standing(case[1])
    decision = decide(book, facts, now)
    if decision.until is not None:
        moment = min(now + later, decision.until)
        after = decide(book, facts, moment)
        assert after.colour >= decision.colour
        assert after.data_old == (
            facts.published_until is None or moment - facts.published_until > book.freshness.published_data_hours * 3600
        )


@given(cases(), moments)
@settings(max_examples=200, deadline=None)
def test_the_ceilings_hold(case: Case, now: int) -> None:
    """Bluetooth alone never makes red under the ceiling "yellow"; areas never do."""
    book, facts = case
    capped = book.model_copy(update={"encounters": BOOK.encounters})
    decision = decide(capped, replace(facts, results=(), venues=()), now)
    assert decision.colour is not Colour.RED
    assert all(finding.colour is Colour.YELLOW for finding in decision.reasons)
    assert decide(book, replace(facts, windows=(), results=(), venues=()), now).colour is not Colour.RED


def test_the_ceiling_is_what_keeps_them_from_red() -> None:
    """The property above can fail: the same facts without the ceiling are red."""
    scan = ScanInstance(at(5), 3600, 50, 50)
    facts = Facts(
        SALT, at(1), at(7), 100, (ExposureWindow(key(1), at(5), ReportType.CONFIRMED_TEST, 0, at(6), (scan,)),)
    )
    assert [decide(book, facts, at(7)).colour for book in (BOOK, FREE)] == [Colour.YELLOW, Colour.RED]


@given(cases(), moments)
@settings(max_examples=400, deadline=None)
def test_since_is_the_moment_from_which_it_was_this_colour(case: Case, now: int) -> None:
    book, facts = case
    decision = decide(book, fresh(facts, now), now)
    since = decision.since
    assert since is not None
    assert since <= now
    for moment in {since, (since + now) // 2, (since + 3 * now) // 4}:
        assert decide(book, fresh(facts, moment), moment).colour is decision.colour
    if since > facts.observed_since:
        assert decide(book, fresh(facts, since - 1), since - 1).colour is not decision.colour


@given(cases(), moments)
@settings(deadline=None)
def test_what_is_not_known_yet_changes_nothing(case: Case, now: int) -> None:
    book, facts = case
    mine, theirs = decide(book, facts, now), decide(book, known_at(facts, now), now)
    assert mine.model_copy(update={"facts_digest": ""}) == theirs.model_copy(update={"facts_digest": ""})


@given(cases(), moments)
@settings(deadline=None)
def test_everything_that_is_known_is_told_of(case: Case, now: int) -> None:
    book, facts = case[0], known_at(case[1], now)
    decision = decide(book, fresh(facts, now), now)
    told: set[tuple[str, date, str | None]] = {(item.kind, item.day, item.rule) for item in decision.reasons}
    told |= {(item.kind, item.day, item.rule) for item in decision.not_counted}
    days = {(kind, day) for kind, day, _ in told}
    assert {("encounter", book.local_date(item.start)) for item in facts.windows} <= days
    assert {("own_result", item.tested_on) for item in facts.results} <= days
    notices = {("venue", book.local_date(item.start), f"venues.{item.rule}") for item in facts.venues}
    notices |= {("area", book.local_date(item.start), f"areas.{item.rule}") for item in facts.areas}
    ended = {(kind, day) for kind, day, rule in told if rule and rule.startswith("exits.")}
    assert all(notice in told or notice[:2] in ended for notice in notices)
    named = {item.certificate for item in decision.not_counted if item.certificate}
    assert len(named) == len({item.id for item in facts.certificates})
    cleared = {item.finding for item in decision.not_counted if item.why in (WhyNot.CLEARED, WhyNot.NOTHING_TO_END)}
    assert {item.finding for item in facts.clearances} <= cleared


@given(cases(), moments)
@settings(deadline=None)
def test_what_ends_a_reason_is_told_and_ends_nothing_else(case: Case, now: int) -> None:
    book, facts = case
    decision = decide(book, facts, now)
    for finding in decision.reasons:
        hows = [item.how for item in decision.ends if item.finding == finding.id]
        assert hows[:2] == ["time", "withdrawal by the authority"]
        assert ("I was not there" in hows) == (finding.kind == "area")
        assert hows[-1] == "clearance by the authority"
    names = [finding.id for finding in decision.reasons]
    assert len(set(names)) == len(names)
    assert {item.finding for item in decision.ends} == set(names) or decision.grey_because
