"""A trace of five people whose colours are worked out by hand, and single rules of specs/rehearsal.md section 2."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import Colour, WhyNot
from ownhue.contact_trace import Contact, read_trace
from ownhue.errors import FormatError
from ownhue.params import ReportType
from ownhue.rehearsal import Positive, PublicationPolicy, rehearse
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from tests.protocol.colour_cases import uncapped
from tests.shared import shared_path

BOOK = demonstration_rulebook()
G, Y, R = Colour.GREEN, Colour.YELLOW, Colour.RED


def at(day: int, clock: str, zone: str = "Asia/Shanghai") -> int:
    """Unix second of a local clock time in January 2026."""
    hour, minute, second = map(int, clock.split(":"))
    return int(datetime(2026, 1, day, hour, minute, second, tzinfo=ZoneInfo(zone)).timestamp())


def meet(a: int, b: int, begin: int, slots: int) -> Iterator[Contact]:
    """*slots* slots of 20 s in a row."""
    return (Contact(begin + 20 * slot, a, b) for slot in range(slots))


# Rules that matter here: 15 weighted minutes (45 slots of 20 s) of one local day make yellow until the end of the
# seventh day after it; an own result makes red until the end of the fourteenth day after the test. Keys last two hours
# (even hours in Shanghai). Weights by days since onset: -2 .. +3 100 %, -4 -3 +4 +5 30 %, others nothing.
OBSERVED_SINCE = at(1, "00:00:00")
POSITIVES = [
    # Onset 6 January: her keys of 1 January are at -5 (nothing), of the 2nd at -4 (30 %), of the 5th at -1 (100 %).
    Positive(1, onset=date(2026, 1, 6), tested_on=date(2026, 1, 7), reported_at=at(7, "10:03:20")),
    # Onset 8 January: his keys of the 2nd are at -6 (nothing), of the 6th at -2 (100 %).
    Positive(5, onset=date(2026, 1, 8), tested_on=date(2026, 1, 8), reported_at=at(8, "09:00:00")),
]
CONTACTS = [
    # Too early: 30 min with 1 at -5, not infectious.
    *meet(1, 2, at(1, "09:00:00"), 90),
    # 50 min at -4: 3000 s x 30 % = 900 s = 15 min, just enough. Two windows (30 and 20 min) of one key.
    *meet(1, 5, at(2, "08:10:00"), 150),
    # Direct: 20 min at -1.
    *meet(2, 1, at(5, "09:00:00"), 60),
    # Too short: 14 min 40 s at -1. 880 s of 900 s are 97 %.
    *meet(4, 1, at(5, "14:00:00"), 44),
    # Second hand: 60 min with 2, who is no positive.
    *meet(2, 3, at(6, "12:00:00"), 180),
    # Two positives on one day: 8 min with 1 (day 0) and 7 min with 5 (-2) are 15 min.
    *meet(1, 4, at(6, "14:00:00"), 24),
    *meet(4, 5, at(6, "16:00:00"), 21),
    # Day border: 10 min before midnight, 6 min after it. In UTC it would be one day of 16 min.
    *meet(1, 3, at(6, "23:50:00"), 48),
    # The current key is cut at the end of the report's interval, 10:10: 5 min of the key before, 10 min of the cut
    # one, 15 min in all. What follows until 10:30 is after the report.
    *meet(1, 2, at(7, "09:55:00"), 105),
    # The same for 4, who comes at 10:00: 10 min count, not 30.
    *meet(1, 4, at(7, "10:00:00"), 90),
    # Too late: an hour with 1 on the day after the report.
    *meet(1, 3, at(8, "15:00:00"), 180),
]
EXPECTED = [
    # moment, colours of persons 1 .. 5
    (at(7, "10:03:19"), (G, G, G, G, G)),
    (at(7, "10:03:20"), (R, G, G, G, G)),  # own result
    (at(7, "11:59:59"), (R, G, G, G, G)),  # 1's keys wait for the batch that closes at 12:00
    (at(7, "12:00:00"), (R, Y, G, G, Y)),  # 2 by the 5th and the 7th; 5 by the 2nd, until the 9th
    (at(8, "09:00:00"), (R, Y, G, G, R)),  # 5's own result
    (at(8, "09:59:59"), (R, Y, G, G, R)),
    (at(8, "10:00:00"), (R, Y, G, Y, R)),  # 5's keys are published: 4 has 15 min on the 6th
    (at(13, "23:59:59"), (R, Y, G, Y, R)),
    (at(14, "00:00:00"), (R, Y, G, G, R)),  # 4: the 6th and seven days
    (at(14, "23:59:59"), (R, Y, G, G, R)),
    (at(15, "00:00:00"), (R, G, G, G, R)),  # 2: the 7th and seven days
    (at(21, "23:59:59"), (R, G, G, G, R)),
    (at(22, "00:00:00"), (G, G, G, G, R)),  # 1: tested on the 7th and fourteen days
    (at(23, "00:00:00"), (G, G, G, G, G)),  # 5: tested on the 8th and fourteen days
]


def test_five_people_by_hand() -> None:
    made = rehearse(BOOK, CONTACTS, POSITIVES, [moment for moment, _ in EXPECTED], observed_since=OBSERVED_SINCE)
    for (moment, colours), got in zip(EXPECTED, made.colours, strict=True):
        assert got == dict(enumerate(colours, start=1)), datetime.fromtimestamp(moment, ZoneInfo("Asia/Shanghai"))


def test_five_people_are_told_why() -> None:
    made = rehearse(BOOK, CONTACTS, POSITIVES, [at(8, "10:00:00")], observed_since=OBSERVED_SINCE)
    two, three, four, five = (made.decisions[person] for person in (2, 3, 4, 5))
    assert [(item.day.day, item.minutes, item.seconds, item.share_percent) for item in two.reasons] == [
        (5, 20, 1200, 133),
        (7, 15, 900, 100),
    ]
    assert [(item.day.day, item.why, item.seconds) for item in two.not_counted] == [(1, WhyNot.NOT_INFECTIOUS, 1800)]
    assert two.until == at(14, "23:59:59")
    assert two.since == at(7, "12:00:00")
    # 3: ten minutes before midnight, six after it, and nothing of the person who is only yellow.
    assert [(item.day.day, item.why, item.minutes, item.share_percent) for item in three.not_counted] == [
        (6, WhyNot.BELOW_THRESHOLD, 10, 66),
        (7, WhyNot.BELOW_THRESHOLD, 6, 40),
    ]
    assert [(item.day.day, item.minutes, item.part_of_day) for item in four.reasons] == [(6, 15, "afternoon")]
    assert [(item.day.day, item.minutes, item.share_percent) for item in four.not_counted] == [(5, 14, 97), (7, 10, 66)]
    assert [(item.kind, item.colour, item.minutes, item.seconds) for item in five.reasons] == [
        ("own_result", R, None, None),
        ("encounter", Y, 15, 3000),
    ]


def test_a_window_belongs_to_the_day_on_which_it_begins() -> None:
    # In Kolkata midnight is 18:30 UTC, in the middle of a key. 44 min from 23:40: the window of 23:40 .. 00:10 is the
    # 6th (30 min), the one of 00:10 .. 00:24 the 7th (14 min). Counted by slots the 7th would have 24 min.
    book = BOOK.model_copy(update={"zone": "Asia/Kolkata"})
    contacts = meet(1, 2, at(6, "23:40:00", "Asia/Kolkata"), 132)
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 8), at(8, "09:00:00", "Asia/Kolkata"))
    made = rehearse(book, contacts, [positive], [at(9, "00:00:00", "Asia/Kolkata")], observed_since=OBSERVED_SINCE)
    decision = made.decisions[2]
    assert [(item.day.day, item.minutes) for item in decision.reasons] == [(6, 30)]
    assert [(item.day.day, item.minutes, item.share_percent) for item in decision.not_counted] == [(7, 14, 93)]


def colours_of(
    person: int, positive: Positive, contacts: list[Contact], *moments: int, policy: PublicationPolicy | None = None
) -> list[Colour]:
    made = rehearse(BOOK, contacts, [positive], moments, observed_since=OBSERVED_SINCE, policy=policy)
    return [colours[person] for colours in made.colours]


def test_a_report_on_a_batch_border_belongs_to_the_next_batch() -> None:
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "12:00:00"))
    contacts = list(meet(1, 2, at(6, "08:00:00"), 45))
    moments = (at(7, "12:00:00"), at(7, "13:59:59"), at(7, "14:00:00"))
    assert colours_of(2, positive, contacts, *moments) == [G, G, Y]


def test_a_key_waits_for_the_embargo_after_its_cut() -> None:
    # Reported at 11:45: the key is cut at 11:50 and free at 12:10, so that the batch of 12:00 comes too early for it.
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "11:45:00"))
    contacts = list(meet(1, 2, at(7, "11:30:00"), 60))
    moments = (at(7, "12:00:00"), at(7, "13:59:59"), at(7, "14:00:00"))
    assert colours_of(2, positive, contacts, *moments) == [G, G, Y]
    # Cut at 11:40, free at 12:00 sharp: this batch still takes it.
    earlier = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "11:39:59"))
    assert colours_of(2, earlier, list(meet(1, 2, at(7, "11:20:00"), 60)), *moments) == [Y, Y, Y]


def test_shorter_batches_publish_earlier() -> None:
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "10:03:20"))
    contacts = list(meet(1, 2, at(6, "08:00:00"), 45))
    policy = PublicationPolicy(batch_seconds=600)
    assert colours_of(2, positive, contacts, at(7, "10:09:59"), at(7, "10:10:00"), policy=policy) == [G, Y]


def test_keys_of_a_day_change_the_day_that_onset_is_counted_from() -> None:
    # 25 min on the 4th at 04:00, two days before onset: high, 100 %. A key of a day that holds this moment began on
    # the 3rd at 08:00 (midnight in UTC), three days before onset: standard, 30 % of 25 min are 7.5 min.
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "10:00:00"))
    contacts = list(meet(1, 2, at(4, "04:00:00"), 75))
    assert colours_of(2, positive, contacts, at(8, "09:00:00")) == [Y]
    whole_days = PublicationPolicy(key_period=144)
    assert colours_of(2, positive, contacts, at(8, "09:00:00"), policy=whole_days) == [G]


def test_a_report_covers_fourteen_days() -> None:
    book = BOOK.model_copy(update={"stays": BOOK.stays.model_copy(update={"yellow_days": 14})})
    # Reported on the 20th at 10:00: the key of the 6th from 10:00 is covered, the one of 08:00 .. 10:00 is not.
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 20), at(20, "10:00:00"))
    covered, older = list(meet(1, 2, at(6, "10:00:00"), 45)), list(meet(1, 2, at(6, "09:45:00"), 45))
    for contacts, colour in ((covered, Y), (older, G)):
        made = rehearse(book, contacts, [positive], [at(20, "12:00:00")], observed_since=OBSERVED_SINCE)
        assert made.colours[0][2] == colour


def test_what_was_before_the_phone_is_not_heard() -> None:
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "10:03:20"))
    contacts = list(meet(1, 2, at(6, "08:00:00"), 45))
    for since, colour in ((at(6, "08:00:00"), Y), (at(6, "08:00:01"), G)):
        made = rehearse(BOOK, contacts, [positive], [at(7, "12:00:00")], observed_since=since)
        assert made.colours[0][2] == colour


def test_the_report_type_counts_as_the_rulebook_weighs_it() -> None:
    contacts = list(meet(1, 2, at(6, "08:00:00"), 45))
    for report_type, colours in ((ReportType.CONFIRMED_CLINICAL, (R, Y)), (ReportType.SELF_REPORT, (G, G))):
        positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "10:03:20"), report_type)
        made = rehearse(BOOK, contacts, [positive], [at(7, "12:00:00")], observed_since=OBSERVED_SINCE)
        assert (made.colours[0][1], made.colours[0][2]) == colours


def test_without_ceilings_an_hour_makes_red_and_with_them_it_does_not() -> None:
    positive = Positive(1, date(2026, 1, 6), date(2026, 1, 7), at(7, "10:03:20"))
    contacts = [*meet(1, 2, at(6, "08:00:00"), 180), *meet(1, 3, at(6, "08:00:00"), 179)]
    for book, colours, day in ((BOOK, (Y, Y), 13), (uncapped(), (R, Y), 20)):
        made = rehearse(book, contacts, [positive], [at(7, "12:00:00")], observed_since=OBSERVED_SINCE)
        assert (made.colours[0][2], made.colours[0][3]) == colours
        assert made.decisions[2].until == at(day, "23:59:59")


def test_colours_are_told_of_the_people_asked_for() -> None:
    made = rehearse(BOOK, CONTACTS, POSITIVES, [at(8, "10:00:00")], observed_since=OBSERVED_SINCE, people=[2, 99])
    assert made.colours == ({2: Y, 99: G},)
    assert set(made.decisions) == {2, 99}


def test_nonsense_is_refused() -> None:
    with pytest.raises(FormatError, match="person 1 is positive twice"):
        rehearse(BOOK, [], [POSITIVES[0], POSITIVES[0]], [0], observed_since=0)
    with pytest.raises(FormatError, match="at least one moment"):
        rehearse(BOOK, [], [], [], observed_since=0)
    for options in ({"key_period": 0}, {"key_period": 13}, {"batch_seconds": 0}, {"embargo_seconds": -1}):
        with pytest.raises(FormatError):
            PublicationPolicy(**options)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_direction_of_contacts_matters(random: Random) -> None:
    mixed = [contact._replace(a=contact.b, b=contact.a) for contact in CONTACTS]
    random.shuffle(mixed)
    moments = [moment for moment, _ in EXPECTED]
    first = rehearse(BOOK, CONTACTS, POSITIVES, moments, observed_since=OBSERVED_SINCE)
    assert rehearse(BOOK, mixed, POSITIVES, moments, observed_since=OBSERVED_SINCE) == first


def test_in_the_office_ceilings_keep_everybody_but_the_positives_from_red() -> None:
    start = at(5, "00:00:00")
    with shared_path("data/contacts/InVS15.dat").open() as lines:
        contacts = list(read_trace(lines, start))
    busiest = [person for person, _ in Counter(person for item in contacts for person in item[1:3]).most_common(3)]
    positives = [
        Positive(person, date(2026, 1, 8), date(2026, 1, 9), at(9, f"{hour}:20:00"))
        for hour, person in enumerate(busiest, start=15)
    ]
    moments = [start + 86_400 * (day + 1) - 1 for day in range(12)]
    capped = rehearse(BOOK, contacts, positives, moments, observed_since=start)
    free = rehearse(without_ceilings(), contacts, positives, moments, observed_since=start)
    assert set(capped.colours[3].values()) == {G}
    for with_ceiling, without in zip(capped.colours, free.colours, strict=True):
        assert {person for person, colour in with_ceiling.items() if colour is R} <= set(busiest)
        assert all(without[person] >= colour for person, colour in with_ceiling.items())
    assert len(capped.colours[4]) == 217
    assert Y in capped.colours[4].values()
    assert sum(colour is R for colour in free.colours[4].values()) > 3
