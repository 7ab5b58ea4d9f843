"""`decide`: what each piece of evidence makes, why, until when. specs/colour.md"""

from datetime import date

import pytest

from ownhue.colour import (
    Colour,
    Decision,
    Facts,
    Grey,
    OwnResult,
    WhyNot,
    decide,
    decision_bytes,
    parse_decision,
)
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook, Stays
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.rulebook.rules import LevelWeights
from tests.protocol.colour_cases import SALT, at, encounter, facts, key, result, uncapped

BOOK = demonstration_rulebook()
NOW = at(8, "09:00:00")
MORNING = encounter(at(5, "09:00:00"), 20)


def exposure_rules(**changes: object) -> Rulebook:
    return BOOK.model_copy(update={"exposure": BOOK.exposure.model_copy(update=changes)})


def why(decision: Decision) -> list[tuple[int, WhyNot]]:
    return [(item.day.day, item.why) for item in decision.not_counted]


def test_an_encounter_is_explained() -> None:
    decision = decide(BOOK, facts(MORNING), NOW)
    (finding,) = decision.reasons
    assert (decision.colour, finding.colour, finding.kind) == (Colour.YELLOW, Colour.YELLOW, "encounter")
    assert (finding.day, finding.part_of_day, finding.distance_band) == (date(2026, 1, 5), "morning", "immediate")
    assert (finding.minutes, finding.seconds, finding.share_percent) == (20, 1200, 133)
    assert (finding.rule, finding.capped) == ("encounters.yellow_minutes_per_day", False)
    assert decision.since == finding.learned_at == at(7, "12:00:00")
    assert decision.until == finding.until == at(12, "23:59:59")
    assert [(end.how, end.at, end.last, end.rule) for end in decision.ends] == [
        ("time", at(12, "23:59:59"), None, None),
        ("withdrawal by the authority", None, None, None),
        ("certificate", at(10), BOOK.end_of_day(date(2026, 4, 5)), "exits.negative-pcr"),
        ("certificate", BOOK.end_of_day(date(2025, 7, 8)) + 1, BOOK.end_of_day(date(2025, 12, 25)), "exits.recovered"),
        ("certificate", BOOK.end_of_day(date(2025, 1, 4)) + 1, BOOK.end_of_day(date(2025, 12, 22)), "exits.vaccinated"),
        ("clearance by the authority", None, None, None),
    ]
    assert {end.finding for end in decision.ends} == {finding.id}
    assert [(end.certificate, end.test_kinds) for end in decision.ends if end.certificate] == [
        ("negative_test", ("naat",)),
        ("recovery", ()),
        ("vaccination", ()),
    ]
    assert (decision.grey_because, decision.not_counted, decision.data_old) == ((), (), False)


def test_part_of_day_and_band_are_those_with_the_most_weight() -> None:
    far = encounter(at(5, "19:00:00"), 20, source=key(2), attenuation=65)  # weighs 8 minutes
    (finding,) = decide(BOOK, facts(encounter(at(5, "05:00:00"), 9), far), NOW).reasons
    assert (finding.minutes, finding.seconds) == (17, 1740)
    assert (finding.part_of_day, finding.distance_band) == ("night", "immediate")
    (finding,) = decide(BOOK, facts(encounter(at(5, "05:00:00"), 7), far), NOW).reasons
    assert (finding.part_of_day, finding.distance_band) == ("evening", "medium")


def test_a_stay_is_over_one_second_after_its_last_one_and_not_before() -> None:
    last = decide(BOOK, facts(MORNING), at(12, "23:59:59"))
    assert (last.colour, len(last.reasons), last.not_counted) == (Colour.YELLOW, 1, ())
    over = decide(BOOK, facts(MORNING, published_until=at(13)), at(13))
    assert (over.colour, over.reasons, why(over)) == (Colour.GREEN, (), [(5, WhyNot.STAY_OVER)])


def test_place_tags_are_told_as_confirmed_in_part_or_not() -> None:
    def place(*confirmed: bool) -> object:
        known = [encounter(at(5) + 3600 * n, 20, place_confirmed=sure) for n, sure in enumerate(confirmed)]
        return decide(BOOK, facts(*known), NOW).reasons[0].place

    assert [place(True, True), place(True, False), place(False)] == ["confirmed", "partly", "unconfirmed"]
    # Of two equal readings of one window the confirmed one is told.
    same = encounter(at(5), 20, place_confirmed=True), encounter(at(5), 20)
    assert {decide(BOOK, facts(*order), NOW).reasons[0].place for order in (same, same[::-1])} == {"confirmed"}


def test_the_ceiling_keeps_an_hour_yellow_and_says_so() -> None:
    known = facts(encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30))
    (capped,) = decide(BOOK, known, NOW).reasons
    (free,) = decide(uncapped(), known, NOW).reasons
    assert (capped.colour, capped.capped, capped.share_percent) == (Colour.YELLOW, True, 400)
    assert (free.colour, free.capped, free.share_percent) == (Colour.RED, False, 100)
    assert (free.rule, free.until) == ("encounters.red_minutes_per_day", at(19, "23:59:59"))


def test_it_is_known_when_the_threshold_was_filled_and_not_before() -> None:
    first = encounter(at(5, "09:00:00"), 10)
    second = encounter(at(5, "15:00:00"), 5, source=key(2), published_at=at(8, "08:00:00"))
    third = encounter(at(5, "16:00:00"), 30, source=key(3), published_at=at(8, "10:00:00"))
    known = facts(third, second, first)
    assert decide(BOOK, known, at(8, "07:59:59")).colour is Colour.GREEN
    (finding,) = decide(BOOK, known, NOW).reasons
    assert (finding.learned_at, finding.minutes) == (at(8, "08:00:00"), 15)
    (finding,) = decide(BOOK, known, at(8, "10:00:00")).reasons
    assert (finding.learned_at, finding.minutes) == (at(8, "08:00:00"), 45)


def test_an_own_result_is_red_to_the_end_of_the_fourteenth_day_after_the_test() -> None:
    decision = decide(BOOK, facts(MORNING, results=(result(7, at(7, "10:00:00")),)), NOW)
    assert [(item.kind, item.colour) for item in decision.reasons] == [
        ("own_result", Colour.RED),
        ("encounter", Colour.YELLOW),
    ]
    own = decision.reasons[0]
    assert (own.rule, own.day, own.minutes, own.share_percent) == ("own_results", date(2026, 1, 7), None, None)
    assert (decision.since, decision.until) == (at(7, "10:00:00"), at(21, "23:59:59"))


@pytest.mark.parametrize(
    ("book", "window", "reason"),
    [
        (BOOK, encounter(at(5), 20, report_type=ReportType.REVOKED), WhyNot.WITHDRAWN),
        (exposure_rules(look_back_days=1), encounter(at(5), 20), WhyNot.TOO_OLD),
        (BOOK, encounter(at(5), 20, report_type=ReportType.SELF_REPORT), WhyNot.REPORT_TYPE),
        (BOOK, encounter(at(5), 20, report_type=ReportType.UNKNOWN), WhyNot.REPORT_TYPE),
        (BOOK, encounter(at(5), 20, days_since_onset=-5), WhyNot.NOT_INFECTIOUS),
        (BOOK, encounter(at(5), 20, days_since_onset=15), WhyNot.NOT_INFECTIOUS),
        (BOOK, encounter(at(5), 20, days_since_onset=None), WhyNot.NOT_INFECTIOUS),
        (BOOK, encounter(at(5), 20, attenuation=71), WhyNot.TOO_FAR),
        (exposure_rules(minimum_window_score_percent=120_001), encounter(at(5), 20), WhyNot.TOO_SHORT),
        (BOOK, encounter(at(5), 14), WhyNot.BELOW_THRESHOLD),
    ],
)
def test_what_was_seen_but_not_counted_is_told(book: Rulebook, window: ExposureWindow, reason: WhyNot) -> None:
    decision = decide(book, facts(window), NOW)
    assert decision.colour is Colour.GREEN
    assert why(decision) == [(5, reason)]
    assert decision.not_counted[0].seconds == window.seconds


def test_a_day_below_the_threshold_says_how_far_it_came() -> None:
    (item,) = decide(BOOK, facts(encounter(at(5, "09:00:00"), 14)), NOW).not_counted
    assert (item.minutes, item.seconds, item.share_percent) == (14, 840, 93)
    assert (item.part_of_day, item.distance_band) == ("morning", "immediate")


def test_an_encounter_known_on_the_last_day_of_the_look_back_counts() -> None:
    assert decide(exposure_rules(look_back_days=2), facts(MORNING), NOW).colour is Colour.YELLOW
    assert decide(exposure_rules(look_back_days=1), facts(MORNING), NOW).colour is Colour.GREEN


def test_what_becomes_known_after_its_stay_would_be_over_makes_no_colour() -> None:
    late = encounter(at(5, "09:00:00"), 20, published_at=at(13, "08:00:00"))
    decision = decide(BOOK, facts(late, published_until=at(13, "08:00:00")), at(13, "09:00:00"))
    assert (decision.colour, why(decision)) == (Colour.GREEN, [(5, WhyNot.STAY_OVER)])


def test_a_key_published_twice_counts_once() -> None:
    ten = encounter(at(5, "09:00:00"), 10)
    again = encounter(at(5, "09:00:00"), 10, published_at=at(8))
    assert decide(BOOK, facts(ten, again, ten), NOW).colour is Colour.GREEN


def test_a_revised_key_counts_once_with_its_heavier_diagnosis() -> None:
    book = exposure_rules(
        weights_by_report_percent=BOOK.exposure.weights_by_report_percent.model_copy(
            update={"confirmed_clinical": LevelWeights(standard=50, high=50)}
        )
    )
    clinical = encounter(at(5, "09:00:00"), 20, report_type=ReportType.CONFIRMED_CLINICAL)
    confirmed = encounter(at(5, "09:00:00"), 20, published_at=at(8))
    assert decide(book, facts(clinical), NOW).not_counted[0].minutes == 10
    (finding,) = decide(book, facts(clinical, confirmed), NOW).reasons
    assert (finding.minutes, finding.seconds, finding.learned_at) == (20, 1200, at(8))


def test_a_revised_key_that_counts_is_not_told_as_left_out_too() -> None:
    said = encounter(at(5, "09:00:00"), 20, report_type=ReportType.SELF_REPORT)
    confirmed = encounter(at(5, "09:00:00"), 20, published_at=at(8))
    assert why(decide(BOOK, facts(said), NOW)) == [(5, WhyNot.REPORT_TYPE)]
    assert why(decide(BOOK, facts(said, confirmed), NOW)) == []


def test_since_reaches_back_over_evidence_that_was_withdrawn_meanwhile() -> None:
    # One alone would do at any time: 10:00-11:00 the first key, from 12:00 the second, from 14:00 the third as well;
    # the second is withdrawn at 15:00. So it is yellow without a break since 12:00.
    known = facts(
        *(encounter(at(5), 20, source=key(n), published_at=at(7, f"{8 + 2 * n}:00:00")) for n in (1, 2, 3)),
        withdrawn={key(1): at(7, "11:00:00"), key(2): at(7, "15:00:00")},
    )
    assert decide(BOOK, known, at(7, "11:30:00")).colour is Colour.GREEN
    decision = decide(BOOK, known, NOW)
    assert (decision.since, decision.reasons[0].learned_at) == (at(7, "12:00:00"), at(7, "14:00:00"))


def test_a_withdrawn_key_frees_and_a_withdrawal_to_come_does_not_yet() -> None:
    known = facts(MORNING, withdrawn={key(1): at(8, "08:00:00")})
    assert decide(BOOK, known, at(8, "07:59:59")).colour is Colour.YELLOW
    freed = decide(BOOK, known, at(8, "08:00:00"))
    assert (freed.colour, why(freed)) == (Colour.GREEN, [(5, WhyNot.WITHDRAWN)])
    assert freed.not_counted[0].finding == decide(BOOK, known, at(8)).reasons[0].id


def test_a_withdrawn_result_frees_from_then_on() -> None:
    known = facts(results=(result(7, at(7, "10:00:00"), at(8, "08:00:00")),))
    assert decide(BOOK, known, at(8, "07:59:59")).colour is Colour.RED
    freed = decide(BOOK, known, at(8, "08:00:00"))
    assert (freed.colour, why(freed), freed.since) == (Colour.GREEN, [(7, WhyNot.WITHDRAWN)], at(8, "08:00:00"))


def test_a_result_that_the_rulebook_does_not_name_makes_nothing() -> None:
    own = OwnResult(ReportType.SELF_REPORT, date(2026, 1, 7), at(7))
    decision = decide(BOOK, facts(results=(own,)), NOW)
    assert (decision.colour, why(decision)) == (Colour.GREEN, [(7, WhyNot.REPORT_TYPE)])


@pytest.mark.parametrize("withdrawn", [{}, {key(1): at(9)}])
def test_since_sees_a_stay_that_turned_red_only_after_its_end(withdrawn: dict[bytes, int]) -> None:
    # Yellow through the 6th; what would make that day red comes on the 8th, when a red stay would be over as well.
    book = uncapped().model_copy(update={"stays": Stays(yellow_days=1, red_days=1)})
    late = encounter(at(5, "02:00:00"), 60, source=key(2), published_at=at(8))
    known = facts(encounter(at(5), 20, published_at=at(6)), late, withdrawn=withdrawn, published_until=at(9))
    decision = decide(book, known, at(9, "08:00:00"))
    assert (decision.colour, decision.since) == (Colour.GREEN, at(7))


def test_green_since_the_last_stay_ended_and_yellow_since_red_ended() -> None:
    after = decide(BOOK, facts(MORNING, published_until=at(13)), at(13))
    assert (after.colour, after.since, after.until) == (Colour.GREEN, at(13), None)
    last = encounter(at(18, "09:00:00"), 20, published_at=at(19))
    known = facts(last, results=(result(7, at(7)),), published_until=at(22))
    decision = decide(BOOK, known, at(22))
    assert (decision.colour, decision.since, decision.until) == (Colour.YELLOW, at(22), at(25, "23:59:59"))


def test_a_result_learned_after_its_end_leaves_green_what_it_was() -> None:
    own = OwnResult(ReportType.CONFIRMED_TEST, date(2025, 12, 1), at(7))
    decision = decide(BOOK, facts(results=(own,)), NOW)
    assert (decision.colour, decision.since, decision.observed_since) == (Colour.GREEN, at(1), at(1))


def test_two_stays_in_a_row_are_one_time_of_yellow() -> None:
    second = encounter(at(9, "09:00:00"), 20, source=key(2), published_at=at(11))
    decision = decide(BOOK, facts(MORNING, second, published_until=at(15)), at(15))
    assert (decision.since, decision.until) == (at(7, "12:00:00"), at(16, "23:59:59"))
    assert why(decision) == [(5, WhyNot.STAY_OVER)]


@pytest.mark.parametrize(
    ("known", "now", "because", "ends"),
    [
        (facts(published_until=None), NOW, (Grey.NO_DATA,), ("new published data",)),
        (facts(published_until=at(8)), at(9, "00:00:01"), (Grey.OLD_DATA,), ("new published data",)),
        (facts(radio=49), NOW, (Grey.RADIO_OFF,), ("radio on",)),
        (facts(published_until=None, radio=0), NOW, (Grey.NO_DATA, Grey.RADIO_OFF), ("new published data", "radio on")),
    ],
)
def test_grey_says_why_and_what_ends_it(
    known: Facts, now: int, because: tuple[Grey, ...], ends: tuple[str, ...]
) -> None:
    decision = decide(BOOK, known, now)
    assert (decision.colour, decision.grey_because) == (Colour.GREY, because)
    assert tuple(item.how for item in decision.ends) == ends
    assert (decision.since, decision.until) == (None, None)


def test_data_and_radio_at_their_limits_are_good_enough() -> None:
    assert decide(BOOK, facts(published_until=at(8)), at(9)).colour is Colour.GREEN
    assert decide(BOOK, facts(radio=50), NOW).colour is Colour.GREEN


def test_a_new_phone_is_what_the_rulebook_chooses() -> None:
    assert decide(BOOK, facts(radio=None), NOW).colour is Colour.GREEN
    strict = BOOK.model_copy(update={"radio": BOOK.radio.model_copy(update={"when_unknown": "grey"})})
    assert decide(strict, facts(radio=None), NOW).grey_because == (Grey.RADIO_OFF,)
    assert decide(BOOK, facts(radio=None), NOW).observed_since == at(1)


def test_an_outage_neither_makes_a_colour_nor_ends_a_stay_early() -> None:
    known = facts(MORNING, radio=0)
    during = decide(BOOK, known, at(12, "23:59:59"))
    assert (during.colour, during.data_old, during.until) == (Colour.YELLOW, True, at(12, "23:59:59"))
    after = decide(BOOK, known, at(13))
    assert (after.colour, after.grey_because) == (Colour.GREY, (Grey.OLD_DATA, Grey.RADIO_OFF))
    assert why(after) == [(5, WhyNot.STAY_OVER)]


@pytest.mark.parametrize(
    ("book", "now"),
    [
        (None, NOW),
        (BOOK, at(1) - 1),
        (BOOK, BOOK.end_of_day(date(2029, 12, 31)) + 1),
        (BOOK, BOOK.end_of_day(date(2030, 12, 31)) + 1),
    ],
)
def test_without_a_rulebook_in_force_nothing_is_judged(book: Rulebook | None, now: int) -> None:
    own = result(7, at(1) - 100)
    decision = decide(book, facts(MORNING, results=(own,), published_until=now), now)
    assert (decision.colour, decision.grey_because) == (Colour.GREY, (Grey.NO_RULEBOOK,))
    assert (decision.reasons, decision.not_counted) == ((), ())
    assert decision.rulebook_version == (book.version if book else None)


def test_finding_ids_are_stable_on_a_phone_and_differ_between_phones() -> None:
    other = Facts(SALT[::-1], at(1), NOW, 97, (MORNING,))
    first = decide(BOOK, facts(MORNING), NOW).reasons[0].id
    assert first == decide(without_ceilings(), facts(MORNING, MORNING), at(9)).reasons[0].id
    assert first != decide(BOOK, other, NOW).reasons[0].id
    # SHA-256("OWNHUE-FINDING" || 83 || 5820 <salt> || 69 "encounter" || 6a "2026-01-05"), the first 8 bytes.
    assert first == "0c54aa38e7fe6049"


def test_a_decision_has_one_spelling() -> None:
    decision = decide(BOOK, facts(MORNING, encounter(at(6), 3)), NOW)
    data = decision_bytes(decision)
    assert parse_decision(data) == decision
    assert b'"colour":"yellow"' in data
    for spoiled in (data + b"\n", data.replace(b"yellow", b"blue"), data[:-1], data.replace(b'"yellow"', b"2", 1)):
        with pytest.raises(FormatError):
            parse_decision(spoiled)


def test_a_window_that_starts_before_midnight_belongs_to_the_evening() -> None:
    scans = tuple(ScanInstance(at(5, "23:50:00") + 60 * n, 60, 50, 50) for n in range(20))
    window = ExposureWindow(key(1), at(5, "23:50:00"), ReportType.CONFIRMED_TEST, 0, at(7), scans)
    (finding,) = decide(BOOK, facts(window), NOW).reasons
    assert (finding.day, finding.part_of_day, finding.minutes) == (date(2026, 1, 5), "evening", 20)
