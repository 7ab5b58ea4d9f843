"""An official who wants to keep chosen people red, or to leave them without a proof of what their phone decided."""

from datetime import date, datetime, timedelta

from ownhue.colour import AreaExposure, Colour, Facts, OwnResult, VenueExposure, decide
from ownhue.journal import next_entry, parse_entry
from ownhue.records import record_bytes
from ownhue.review import recompute, review_bytes
from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import MAX_RULES
from tests.protocol.colour_cases import at, facts

BOOK = demonstration_rulebook()


def test_a_result_dated_ahead_keeps_nobody_red_for_longer_than_one_of_today() -> None:
    # A wrong or a malicious date of a test, told by the desk: 74 years ahead.
    learned = at(7)
    ahead = decide(BOOK, facts(results=(OwnResult(1, date(2100, 12, 31), learned),)), learned)
    (finding,) = ahead.reasons
    assert finding.colour is Colour.RED
    # A day of grace: the test may have been taken in a zone that is ahead of the rulebook's.
    latest = BOOK.local_date(learned) + timedelta(days=1 + BOOK.stays.red_days)
    assert finding.until == ahead.until == BOOK.end_of_day(latest)
    # The days from which a test frees are counted from the same day.
    first = min(item.at for item in ahead.ends if item.rule == "exits.test-out" and item.at is not None)
    assert datetime.fromtimestamp(first, BOOK.zone_info).date() == latest - timedelta(days=7)


def crowded() -> tuple[Rulebook, Facts]:
    """As many venue and area rules as a rulebook may have, and a notice of each for each of 14 days."""
    label = dict.fromkeys(BOOK.languages, "x")
    names = [f"rule-{number:02}" for number in range(MAX_RULES)]
    venue = BOOK.venues["indoor"].model_copy(update={"label": label})
    area = BOOK.areas["outbreak"].model_copy(update={"label": label})
    changes = {"venues": dict.fromkeys(names, venue), "areas": dict.fromkeys(names, area)}
    stays = BOOK.stays.model_copy(update={"yellow_days": 14})
    book = parse_rulebook(rulebook_bytes(BOOK.model_copy(update={**changes, "stays": stays})))
    days = [at(6 + number) for number in range(14) for _ in names]
    places = list(zip(days, names * 14, strict=True))
    visits = tuple(VenueExposure(bytes(16), name, day, 3600, at(19, "23:00:00"), False) for day, name in places)
    stays_there = tuple(AreaExposure(bytes(32), name, day, 3600, 0, at(19, "23:00:00"), None) for day, name in places)
    return book, facts(venues=visits, areas=stays_there)


def test_notices_of_every_rule_leave_a_journal_and_a_review_that_can_be_read() -> None:
    book, known = crowded()
    before, after = decide(book, facts(), at(19)), decide(book, known, at(20) - 1)
    assert len(after.reasons) == 2 * 14 * MAX_RULES
    first = next_entry(None, None, before)
    entry = next_entry(first, before, after)
    assert entry is not None
    assert parse_entry(record_bytes(entry)) == entry
    assert recompute(review_bytes(book, known, after)) == after
