"""What the linter calls impossible is searched for in random rulebooks, and what it is silent about is found.

- Encounters: every weight that a second can have, many windows of many lengths, added up as specs/colour.md section 4
  says. What is found with few windows is given to `decide` as well.
- Exits: for each finding that some facts make, the certificates at the edges of what fits, given to `decide`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ownhue.colour import (
    AreaExposure,
    CertificateFact,
    Colour,
    Decision,
    Facts,
    OwnResult,
    VenueExposure,
    decide,
)
from ownhue.exposure import CENTISECOND_SCORE, MINUTE_SCORE, ExposureWindow, ScanInstance, weighted_score
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint import lint
from tests.protocol.rulebook_cases import exit_contents, parsed, rulebook_contents, rulebooks, with_fields

#: Most seconds of one window in this search: 30 minutes, and a last scan that stands for 5.
LONGEST = 2100
FEW = 12
DAY = date(2027, 6, 10)
WORDS = {"confirmed_test": 1, "confirmed_clinical": 2, "self_report": 3}

Found = dict[str, list[ExposureWindow] | None]


def window(
    start: int, source: int, seconds: int, attenuation: int, report_type: int, onset: int | None
) -> ExposureWindow:
    scan = ScanInstance(start, seconds, attenuation, attenuation)
    return ExposureWindow(source.to_bytes(16, "big"), start, report_type, onset, start, (scan,))


def kinds_of_seconds(book: Rulebook) -> dict[int, tuple[int, int, int | None]]:
    """Weight of one second -> an attenuation, report type and day since onset that have it."""
    edges = {0, 1000, *(db + step for db in book.exposure.thresholds_db for step in (0, 1))}
    return {
        weighted_score(window(0, 0, 1, attenuation, report_type, onset), book.exposure): (
            attenuation,
            report_type,
            onset,
        )
        for attenuation in edges
        for report_type in range(6)
        for onset in (None, *range(-15, 16))
    }


def lengths(book: Rulebook, weight: int, count: int) -> set[int]:
    """Lengths of each of *count* windows that are worth a try, in seconds."""
    rules = book.encounters
    goals = [
        book.exposure.minimum_window_score_percent * CENTISECOND_SCORE * count,
        rules.yellow_minutes_per_day * MINUTE_SCORE,
        rules.red_minutes_per_day * MINUTE_SCORE,
    ]
    near = {goal // (weight * count) + step for goal in goals for step in (-1, 0, 1)}
    return {length for length in near | {1, 300, 1800, LONGEST} if 1 <= length <= LONGEST}


def counts(book: Rulebook, weight: int) -> set[int]:
    rules = book.encounters
    goals = (rules.yellow_minutes_per_day * MINUTE_SCORE, rules.red_minutes_per_day * MINUTE_SCORE)
    near = {goal // (weight * LONGEST) + step for goal in goals for step in (-1, 0, 1, 2)}
    return {count for count in near | {1, 2, 3, 10} if count > 0}


def search(book: Rulebook) -> Found:
    """Colour -> windows that make it, or None where they are too many to build."""
    found: Found = {}
    least = book.exposure.minimum_window_score_percent * CENTISECOND_SCORE
    for weight, kind in kinds_of_seconds(book).items():
        for count in counts(book, weight) if weight else ():
            for length in lengths(book, weight, count):
                # The last window may be shorter or longer by one second.
                for last in {max(length - 1, 1), length, min(length + 1, LONGEST)}:
                    scores = [
                        score for score in ((count - 1, length * weight), (1, last * weight)) if score[1] >= least
                    ]
                    colour = colour_of(book, sum(number * score for number, score in scores))
                    if colour and found.get(colour) is None:
                        built = build(book, kind, count, length, last) if count <= FEW else None
                        found[colour] = built or found.get(colour)
    return found


def colour_of(book: Rulebook, score: int) -> str | None:
    rules = book.encounters
    if score < rules.yellow_minutes_per_day * MINUTE_SCORE or score == 0:
        return None
    return "red" if rules.ceiling == "red" and score >= rules.red_minutes_per_day * MINUTE_SCORE else "yellow"


def build(
    book: Rulebook, kind: tuple[int, int, int | None], count: int, length: int, last: int
) -> list[ExposureWindow]:
    start = noon(book, DAY)
    return [window(start, index, last if index == 0 else length, *kind) for index in range(count)]


def noon(book: Rulebook, day: date) -> int:
    return book.end_of_day(day) - 12 * 3600


def said(book: Rulebook, words: str) -> bool:
    return any(words in remark.sentence and remark.severity == "error" for remark in lint(book))


def at(book: Rulebook, now: int, **evidence: Any) -> Decision:
    always = book.model_copy(
        update={"valid_from": date(2020, 1, 1), "valid_until": date(2099, 1, 1), "sunset": date(2099, 1, 1)}
    )
    return decide(always, Facts(bytes(32), 0, now, 100, **evidence), now)


@st.composite
def books_near_the_edge(draw: st.DrawFn) -> Rulebook:
    """Rulebooks whose minimum for a window lies near what a window can score, and near the amounts for a colour."""
    book = draw(rulebook_contents())
    book["exits"] = []
    rules = parsed(book).exposure
    best = max(kinds_of_seconds(parsed(book)))
    amounts = [LONGEST * best // 100, book["encounters"]["red_minutes_per_day"] * 6000]
    least = draw(st.sampled_from(amounts)) + draw(st.integers(-1, 1))
    book["exposure"]["minimum_window_score_percent"] = min(max(least, 0), 1_000_000)
    assert rules.look_back_days == book["exposure"]["look_back_days"]
    return parsed(book)


def within_a_second_of_red(book: Rulebook) -> bool:
    """Whether the least windows that count lie less than a second each below red: only so much is not looked into."""
    best, red = max(kinds_of_seconds(book)), book.encounters.red_minutes_per_day * MINUTE_SCORE
    least = book.exposure.minimum_window_score_percent * CENTISECOND_SCORE
    windows = -(-book.encounters.yellow_minutes_per_day * MINUTE_SCORE // (best * LONGEST))
    return book.encounters.ceiling == "red" and 0 < red - windows * least < windows * best


@given(rulebooks.filter(lambda book: not book.exits) | books_near_the_edge())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_a_colour_that_encounters_can_never_make_is_not_found_and_any_other_is(book: Rulebook) -> None:
    found = search(book)
    never = said(book, "Yellow can never be reached by encounters")
    assert not (never and "yellow" in found)
    assert never or "yellow" in found or within_a_second_of_red(book)
    red_never = any("Red can never be reached by encounters" in remark.sentence for remark in lint(book))
    nothing = said(book, "Yellow can never be reached by encounters") and not said(
        book, "what counts makes red at once"
    )
    assert ("red" in found) is not (red_never or nothing)
    for colour, windows in found.items():
        if windows:
            decision = at(book, noon(book, DAY), windows=tuple(windows))
            assert [item.colour.word for item in decision.reasons] == [colour]


def test_the_search_finds_what_the_demonstration_book_can_do() -> None:
    book = with_fields(encounters__ceiling="red")
    found = search(book)
    assert {colour for colour, windows in found.items() if windows} == {"yellow", "red"}
    assert set(search(with_fields())) == {"yellow"}


def evidence_of(book: Rulebook) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, facts) that make a finding of the day DAY, for each kind of it that the search knows."""
    start = noon(book, DAY)
    for windows in search(book).values():
        if windows:
            yield "encounter", {"windows": tuple(windows)}
    for word in book.own_results:
        yield "own_result", {"results": (OwnResult(WORDS[word], DAY, start),)}
    for name, venue in book.venues.items():
        source = bytes(16)
        yield "venue", {"venues": (VenueExposure(source, name, start, 60 * venue.minimum_minutes, start, False),)}
    for name, area in book.areas.items():
        source, seconds = bytes(32), 60 * area.minimum_minutes
        yield "area", {"areas": (AreaExposure(source, name, start, seconds, seconds, start, None),)}


def certificates(book: Rulebook, until: date) -> Iterator[CertificateFact]:
    """Certificates at the edges of what the only exit accepts, as old as it accepts and as new as the stay allows."""
    (rule,) = book.exits
    last = (until - DAY).days
    for days in {rule.from_day, rule.until_day, min(rule.until_day, last), max(rule.from_day, 0), 0, last}:
        taken = noon(book, DAY + timedelta(days=days))
        for kind in rule.test_kinds or (None,):
            yield CertificateFact(
                bytes(32), rule.certificate, kind, taken, True, max(taken, noon(book, DAY)), 2**32 - 1, None
            )


def ended(book: Rulebook) -> set[tuple[str, str]]:
    """Kinds and colours of the findings that the only exit of *book* ends before their time."""
    found = set()
    for kind, evidence in evidence_of(book):
        for finding in at(book, noon(book, DAY), **evidence).reasons:
            last = finding.until - 1
            for certificate in certificates(book, book.local_date(finding.until)):
                left = at(book, last, **evidence, certificates=(certificate,)).reasons
                if all((item.id, item.colour) != (finding.id, finding.colour) for item in left):
                    found.add((kind, finding.colour.word))
    return found


@st.composite
def books_with_one_exit(draw: st.DrawFn) -> Rulebook:
    book = draw(rulebook_contents())
    book["exits"] = [draw(exit_contents("one"))]
    # Amounts that a few windows reach, so that `decide` can be asked.
    weights = [draw(st.sampled_from([0, 100, 250])), 100, 40, 0]
    book["exposure"] |= {"minimum_window_score_percent": 0, "weights_percent": weights}
    some = {"standard": draw(st.sampled_from([0, 100])), "high": 100}
    book["exposure"]["weights_by_report_percent"]["confirmed_test"] = some
    book["encounters"] |= {
        "yellow_minutes_per_day": draw(st.sampled_from([10, 15])),
        "red_minutes_per_day": draw(st.sampled_from([15, 30])),
    }
    return parsed(book)


@given(books_with_one_exit())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_an_exit_that_can_never_fit_ends_nothing_and_any_other_ends_something(book: Rulebook) -> None:
    assume(None not in search(book).values())  # so many windows that `decide` is not asked
    (rule,) = book.exits
    found = ended(book)
    assert said(book, "The exit 'one' can never fit") is (found == set())
    for colour in rule.colours:
        never = said(book, f"can never end {colour}") or said(book, f"names {colour} for nothing")
        assert not (never and any(word == colour for _, word in found))
    for kind in rule.ends:
        assert not (said(book, f"names {kind!r} for nothing") and any(word == kind for word, _ in found))
        if found and not said(book, "names") and not said(book, "can never end"):
            assert any(word == kind for word, _ in found)


def test_the_last_day_of_a_stay_is_in_time_and_the_day_after_is_not() -> None:
    for from_day, found in ((7, {("encounter", "yellow")}), (8, set())):
        book = with_fields(exits=[{**with_exit(), "colours": ["yellow"], "from_day": from_day}])
        assert ended(book) == found
        assert said(book, "The exit 'one' can never fit") is (not found)


@given(rulebooks)
@settings(deadline=None, max_examples=60)
def test_where_nothing_makes_a_colour_no_evidence_makes_it(book: Rulebook) -> None:
    made = set(search(book))
    for _, evidence in evidence_of(book):
        made |= {finding.colour.word for finding in at(book, noon(book, DAY), **evidence).reasons}
    if any("encounter" in rule.ends and rule.colours == ("red",) for rule in book.exits):
        assume("red" not in made)  # an exit can leave the yellow of an encounter whose red it ends
    for colour in ("yellow", "red"):
        assert said(book, f"Nothing at all makes {colour}") is (colour not in made)


def test_yellow_that_is_left_when_red_is_ended_is_not_called_unreachable() -> None:
    equal = {"encounters__ceiling": "red", "encounters__yellow_minutes_per_day": 60}
    red_only = {"exits": [{**with_exit(), "colours": ["red"]}]}
    assert said(with_fields(**equal), "what counts makes red at once")
    book = with_fields(**equal, **red_only)
    assert not said(book, "what counts makes red at once")
    windows = tuple(window(noon(book, DAY), source, 1800, 50, ReportType.CONFIRMED_TEST, 0) for source in range(2))
    sixth = noon(book, DAY + timedelta(days=6))
    test = CertificateFact(bytes(32), "negative_test", "naat", sixth, True, sixth, 2**32 - 1, None)
    before, after = (at(book, sixth, windows=windows, certificates=given) for given in ((), (test,)))
    assert (before.colour, after.colour) == (Colour.RED, Colour.YELLOW)


def with_exit() -> dict[str, Any]:
    return {
        "name": "one",
        "certificate": "negative_test",
        "test_kinds": ["naat"],
        "ends": ["encounter"],
        "from_day": 5,
        "until_day": 90,
    }


def test_what_one_person_can_never_do_is_true_on_the_longest_day_too() -> None:
    # 25 hours near one key make the 15 minutes that 24 hours do not: no "never" in a zone with such a day.
    book = with_fields(zone="Europe/Berlin", exposure__weights_percent=[1, 1, 1, 0])
    day = date(2027, 10, 31)
    start = book.end_of_day(day - timedelta(days=1)) + 1
    hours = (book.end_of_day(day) + 1 - start) // 3600
    assert hours == 25
    heard = [window(start + 1800 * n, 1, 1800, 50, ReportType.CONFIRMED_TEST, 0) for n in range(2 * hours)]
    assert at(book, book.end_of_day(day), windows=tuple(heard)).colour is Colour.YELLOW
    assert not any("One reported person can never" in remark.sentence for remark in lint(book))


def test_a_single_scan_that_is_dropped_is_not_said_to_make_yellow() -> None:
    book = with_fields(exposure__minimum_window_score_percent=30_001, encounters__yellow_minutes_per_day=5)
    heard = window(noon(book, DAY), 1, 300, 50, ReportType.CONFIRMED_TEST, 0)
    assert at(book, noon(book, DAY), windows=(heard,)).colour is Colour.GREEN
    assert not any("A single scan can make yellow" in remark.sentence for remark in lint(book))


def test_a_kind_of_report_whose_windows_never_count_is_not_said_to_warn_others() -> None:
    weights = {"standard": 0, "high": 1}
    book = with_fields(
        exposure__minimum_window_score_percent=6_000,
        exposure__weights_by_report_percent__confirmed_clinical=weights,
        own_results=["confirmed_test"],
    )
    assert not any("'confirmed_clinical' makes other people yellow" in remark.sentence for remark in lint(book))
