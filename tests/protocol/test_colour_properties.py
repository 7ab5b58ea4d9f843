"""What holds for every rulebook and all facts. specs/colour.md section 8"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import Colour, Facts, OwnResult, decide, decision_bytes
from ownhue.demonstration import demonstration_rulebook, without_ceilings
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.facts import facts_bytes, parse_facts
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook
from tests.protocol.colour_cases import SALT, at, key

BOOK, FREE = demonstration_rulebook(), without_ceilings()
WORSE = Colour.YELLOW, Colour.RED


@st.composite
def rulebooks(draw: st.DrawFn) -> Rulebook:
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
    red_days = draw(st.sampled_from([1, 14]))
    stays = book.stays.model_copy(update={"yellow_days": draw(st.integers(1, red_days)), "red_days": red_days})
    zone = draw(st.sampled_from(["Asia/Shanghai", "UTC", "Asia/Kolkata", "America/Havana", "Pacific/Apia"]))
    changes = {"exposure": exposure, "stays": stays, "zone": zone, "valid_from": date(2025, 12, 1)}
    return book.model_copy(update=changes)


@st.composite
def windows(draw: st.DrawFn) -> ExposureWindow:
    # Few sources and starts, so that windows of one day, of one key, and doubled ones are common.
    start = at(draw(st.integers(5, 9))) + 1800 * draw(st.sampled_from([0, 1, 18, 19, 47]))
    typical = draw(st.integers(45, 75))
    scan = ScanInstance(start, 60 * draw(st.integers(1, 40)), typical, max(typical - draw(st.integers(0, 9)), 0))
    return ExposureWindow(
        source=key(draw(st.integers(1, 3))),
        start=start,
        report_type=draw(st.sampled_from([0, 1, 1, 1, 2, 3, 5])),
        days_since_onset=draw(st.sampled_from([None, -15, -5, -3, 0, 0, 1, 5])),
        published_at=start + 7200 * draw(st.integers(1, 60)),
        scans=(scan,),
    )


@st.composite
def results(draw: st.DrawFn) -> OwnResult:
    day = date(2026, 1, draw(st.integers(5, 12)))
    learned_at = at(day.day) + draw(st.integers(0, 3 * 86_400))
    withdrawn_at = draw(st.none() | st.integers(learned_at, learned_at + 3 * 86_400))
    return OwnResult(draw(st.sampled_from([1, 1, 2, 3, 5])), day, learned_at, withdrawn_at)


@st.composite
def phones(draw: st.DrawFn) -> Facts:
    return Facts(
        salt=SALT,
        observed_since=at(1),
        published_until=draw(st.none() | st.integers(at(5), at(28))),
        radio_share_percent=draw(st.sampled_from([None, 0, 49, 50, 100])),
        windows=tuple(draw(st.lists(windows(), max_size=6))),
        withdrawn=draw(st.dictionaries(st.integers(1, 3).map(key), st.integers(at(5), at(15)), max_size=2)),
        results=tuple(draw(st.lists(results(), max_size=2))),
    )


moments = st.integers(at(5), at(30))


def fresh(facts: Facts, now: int) -> Facts:
    return replace(facts, published_until=now, radio_share_percent=100)


@given(rulebooks(), phones(), moments, st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_bytes_in_any_order(
    book: Rulebook, facts: Facts, now: int, random: Random
) -> None:
    turned = replace(
        facts,
        windows=tuple(random.sample(facts.windows, len(facts.windows))),
        results=tuple(random.sample(facts.results, len(facts.results))),
        withdrawn=dict(reversed(list(facts.withdrawn.items()))),
    )
    assert decision_bytes(decide(book, turned, now)) == decision_bytes(decide(book, facts, now))


@given(rulebooks(), phones(), moments)
def test_facts_that_were_written_and_read_decide_the_same(book: Rulebook, facts: Facts, now: int) -> None:
    assert decide(book, parse_facts(facts_bytes(facts)), now) == decide(book, facts, now)


@given(rulebooks(), phones(), st.lists(windows(), min_size=1, max_size=3), st.lists(results(), max_size=1), moments)
def test_more_evidence_never_makes_a_colour_milder(
    book: Rulebook, facts: Facts, more: list[ExposureWindow], own: list[OwnResult], now: int
) -> None:
    grown = replace(facts, windows=(*facts.windows, *more), results=(*facts.results, *own))
    before, after = decide(book, facts, now), decide(book, grown, now)
    assert after.colour >= before.colour
    if after.colour == before.colour and before.until:
        assert after.until
        assert after.until >= before.until


@given(rulebooks(), phones(), st.integers(1, 3).map(key), st.integers(at(5), at(15)), moments)
def test_a_withdrawn_key_never_makes_it_worse(book: Rulebook, facts: Facts, source: bytes, time: int, now: int) -> None:
    time = min(time, facts.withdrawn.get(source, time))
    withdrawn = replace(facts, withdrawn={**facts.withdrawn, source: time})
    assert decide(book, withdrawn, now).colour <= decide(book, facts, now).colour


@given(rulebooks(), phones(), moments, moments)
def test_a_withdrawn_result_never_makes_it_worse(book: Rulebook, facts: Facts, time: int, now: int) -> None:
    withdrawn = replace(
        facts,
        results=tuple(replace(item, withdrawn_at=min(time, item.withdrawn_at or time)) for item in facts.results),
    )
    assert decide(book, withdrawn, now).colour <= decide(book, facts, now).colour


@given(rulebooks(), phones(), moments)
def test_grey_replaces_only_green(book: Rulebook, facts: Facts, now: int) -> None:
    known, established = decide(book, facts, now), decide(book, fresh(facts, now), now)
    assert established.colour is not Colour.GREY
    if established.colour in WORSE:
        assert (known.colour, known.until) == (established.colour, established.until)
        assert known.reasons == established.reasons
    else:
        assert known.colour in (Colour.GREEN, Colour.GREY)
    assert bool(known.grey_because) == (known.colour is Colour.GREY)


@given(rulebooks(), phones(), moments)
def test_every_yellow_and_red_has_an_end_at_the_last_second_of_a_local_day(
    book: Rulebook, facts: Facts, now: int
) -> None:
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


@given(rulebooks(), phones(), moments)
def test_a_stay_ends_when_it_was_said_to_end_also_without_new_data(book: Rulebook, facts: Facts, now: int) -> None:
    known = replace(facts, windows=tuple(item for item in facts.windows if item.published_at <= now), results=())
    decision = decide(book, known, now)
    if decision.until is not None:
        latest = max(finding.until for finding in decision.reasons)
        assert decide(book, known, decision.until + 1).colour < decision.colour
        assert decide(book, replace(known, published_until=at(5)), latest + 1).colour is Colour.GREY
        assert decide(book, fresh(known, latest + 1), latest + 1).colour is Colour.GREEN


@given(rulebooks(), phones(), moments, st.integers(0, 20 * 86_400))
def test_an_outage_frees_nobody_early(book: Rulebook, facts: Facts, now: int, later: int) -> None:
    standing = replace(facts, withdrawn={}, results=tuple(replace(item, withdrawn_at=None) for item in facts.results))
    decision = decide(book, standing, now)
    if decision.until is not None:
        moment = min(now + later, decision.until)
        after = decide(book, standing, moment)
        assert after.colour >= decision.colour
        assert after.data_old == (
            standing.published_until is None
            or moment - standing.published_until > book.freshness.published_data_hours * 3600
        )


@given(rulebooks(), phones(), moments)
@settings(max_examples=200)
def test_bluetooth_alone_never_makes_red_under_a_ceiling(book: Rulebook, facts: Facts, now: int) -> None:
    capped = book.model_copy(update={"encounters": BOOK.encounters})
    decision = decide(capped, replace(facts, results=()), now)
    assert decision.colour is not Colour.RED
    assert all(finding.colour is Colour.YELLOW for finding in decision.reasons)


def test_the_ceiling_is_what_keeps_them_from_red() -> None:
    """The property above can fail: the same facts without the ceiling are red."""
    scan = ScanInstance(at(5), 3600, 50, 50)
    facts = Facts(
        SALT, at(1), at(7), 100, (ExposureWindow(key(1), at(5), ReportType.CONFIRMED_TEST, 0, at(6), (scan,)),)
    )
    assert [decide(book, facts, at(7)).colour for book in (BOOK, FREE)] == [Colour.YELLOW, Colour.RED]


@given(rulebooks(), phones(), moments)
def test_since_is_the_moment_from_which_it_was_this_colour(book: Rulebook, facts: Facts, now: int) -> None:
    decision = decide(book, fresh(facts, now), now)
    since = decision.since
    assert since is not None
    assert since <= now
    for moment in {since, (since + now) // 2}:
        assert decide(book, fresh(facts, moment), moment).colour is decision.colour
    if since > facts.observed_since:
        assert decide(book, fresh(facts, since - 1), since - 1).colour is not decision.colour


@given(rulebooks(), phones(), moments)
def test_what_is_not_known_yet_changes_nothing(book: Rulebook, facts: Facts, now: int) -> None:
    known = replace(
        facts,
        windows=tuple(item for item in facts.windows if item.published_at <= now),
        results=tuple(item for item in facts.results if item.learned_at <= now),
        withdrawn={source: time for source, time in facts.withdrawn.items() if time <= now},
    )
    mine, theirs = decide(book, facts, now), decide(book, known, now)
    assert mine.model_copy(update={"facts_digest": ""}) == theirs.model_copy(update={"facts_digest": ""})


@given(rulebooks(), phones(), moments)
def test_every_window_that_is_known_is_told_of(book: Rulebook, facts: Facts, now: int) -> None:
    decision = decide(book, facts, now)
    days = {book.local_date(item.start) for item in facts.windows if item.published_at <= now}
    told = {item.day for item in decision.reasons if item.kind == "encounter"}
    told |= {item.day for item in decision.not_counted if item.kind == "encounter"}
    assert told == days
