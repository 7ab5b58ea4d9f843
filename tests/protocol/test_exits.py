"""What ends a finding early: certificates, clearances; what takes it back, and what is told of it. specs/colour.md
section 5"""

from datetime import date

import pytest

from ownhue.colour import CertificateFact, ClearanceFact, Colour, Decision, Facts, OwnResult, WhyNot, decide
from ownhue.colour.decision import NotCounted
from ownhue.colour.exits import Exits
from ownhue.colour.findings import certificate_name
from ownhue.errors import FormatError
from ownhue.rulebook import ExitRule, Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.protocol.colour_cases import (
    SALT,
    area,
    at,
    encounter,
    facts,
    key,
    negative,
    recovery,
    result,
    uncapped,
    vaccination,
    venue,
)

BOOK = demonstration_rulebook()
MORNING = encounter(at(5, "09:00:00"), 20)
HOUR = (encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30, source=key(2)))
FRESH = at(12)
#: Sampled on the fifth day after the encounter, learned on the sixth.
TEST = negative(at(10, "08:00:00"), at(11, "10:00:00"))


def exit_rule(**changes: object) -> ExitRule:
    return BOOK.exits[0].model_copy(update=changes)


def with_exits(book: Rulebook, *exits: ExitRule) -> Rulebook:
    return book.model_copy(update={"exits": exits})


def fresh(*windows: object, **more: object) -> Facts:
    return facts(*windows, published_until=FRESH, **more)  # type: ignore[arg-type]


def why(decision: Decision) -> list[tuple[str, WhyNot]]:
    return [(item.kind, item.why) for item in decision.not_counted]


def told(decision: Decision, reason: WhyNot) -> NotCounted:
    (item,) = (item for item in decision.not_counted if item.why is reason)
    return item


def clear(decision: Decision, issued_at: int, learned_at: int) -> ClearanceFact:
    return ClearanceFact(decision.reasons[0].id, issued_at, learned_at)


def test_a_negative_test_of_the_fifth_day_ends_yellow_when_the_phone_learns_of_it() -> None:
    known = fresh(MORNING, certificates=(TEST,))
    yellow = decide(BOOK, known, at(11, "09:59:59"))
    green = decide(BOOK, known, at(11, "10:00:00"))
    assert (yellow.colour, green.colour) == (Colour.YELLOW, Colour.GREEN)
    assert (green.since, green.until, green.reasons) == (at(11, "10:00:00"), None, ())
    item = told(green, WhyNot.ENDED)
    assert (item.finding, item.rule, item.minutes) == (yellow.reasons[0].id, "exits.negative-pcr", 20)
    assert item.certificate == certificate_name(SALT, TEST.id)
    assert TEST.id.hex()[:16] not in str(green.not_counted)


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (negative(at(9, "23:59:59"), at(11)), WhyNot.NOTHING_TO_END),
        (negative(at(10), at(11), test_kind="rat"), WhyNot.NOTHING_TO_END),
        (negative(at(10), at(11), valid_until=at(11) - 1), WhyNot.CERTIFICATE_EXPIRED),
        (negative(at(10), at(11), revoked_at=at(11)), WhyNot.CERTIFICATE_REVOKED),
        (negative(at(10), at(11), revoked_at=at(10)), WhyNot.CERTIFICATE_REVOKED),
        (recovery(at(4), at(11)), WhyNot.NOTHING_TO_END),
        (vaccination(at(5, "12:00:00") - 30 * 86_400, at(11), complete=False), WhyNot.NOT_COMPLETE),
        (vaccination(at(5, "12:00:00") - 13 * 86_400, at(11)), WhyNot.NOTHING_TO_END),
    ],
)
def test_a_certificate_that_does_not_fit_ends_nothing_and_says_why(
    certificate: CertificateFact, reason: WhyNot
) -> None:
    decision = decide(BOOK, fresh(MORNING, certificates=(certificate,)), FRESH)
    assert (decision.colour, why(decision)) == (Colour.YELLOW, [("certificate", reason)])
    item = decision.not_counted[0]
    assert (item.finding, item.certificate) == (None, certificate_name(SALT, certificate.id))
    assert item.day == BOOK.local_date(certificate.time)


@pytest.mark.parametrize("certificate", [negative(at(10), at(11)), negative(at(10, "23:59:59"), at(11))])
def test_the_whole_local_day_from_which_a_sample_may_be_taken_fits(certificate: CertificateFact) -> None:
    assert decide(BOOK, fresh(MORNING, certificates=(certificate,)), FRESH).colour is Colour.GREEN


@pytest.mark.parametrize("days", [14, 15, 365])
def test_a_vaccination_before_the_encounter_protects_and_the_finding_is_told_all_the_same(days: int) -> None:
    shot = vaccination(at(5, "12:00:00") - days * 86_400, at(2))
    for moment in (at(7, "12:00:00"), FRESH):
        decision = decide(BOOK, fresh(MORNING, certificates=(shot,)), moment)
        assert (decision.colour, decision.since) == (Colour.GREEN, at(1))
        assert told(decision, WhyNot.ENDED).rule == "exits.vaccinated"


def test_a_finding_that_was_never_made_was_not_ended() -> None:
    shot = vaccination(at(1, "12:00:00") - 30 * 86_400, at(2))
    decision = decide(BOOK, fresh(encounter(at(5), 14), certificates=(shot,)), FRESH)
    assert why(decision) == [("certificate", WhyNot.NOTHING_TO_END), ("encounter", WhyNot.BELOW_THRESHOLD)]


def test_an_expiry_after_the_moment_of_exit_takes_nothing_back() -> None:
    known = fresh(MORNING, certificates=(negative(at(10), at(11), valid_until=at(11)),))
    for moment in (at(11), at(11) + 1, at(12, "23:59:59")):
        decision = decide(BOOK, known, moment)
        assert (decision.colour, why(decision)) == (Colour.GREEN, [("encounter", WhyNot.ENDED)])


def test_evidence_that_comes_after_the_expiry_counts_anew() -> None:
    late = encounter(at(5, "15:00:00"), 16, source=key(2), published_at=at(11, "12:00:00"))
    known = fresh(MORNING, late, certificates=(negative(at(10), at(11), valid_until=at(11, "11:59:59")),))
    assert decide(BOOK, known, at(11)).colour is Colour.GREEN
    decision = decide(BOOK, known, at(11, "12:00:00"))
    assert (decision.colour, decision.since) == (Colour.YELLOW, at(11, "12:00:00"))
    assert (decision.reasons[0].minutes, told(decision, WhyNot.ENDED).minutes) == (16, 20)
    # One second more of validity, and the second piece is ended like the first.
    longer = fresh(MORNING, late, certificates=(negative(at(10), at(11), valid_until=at(11, "12:00:00")),))
    ended = decide(BOOK, longer, at(11, "12:00:00"))
    assert (ended.colour, told(ended, WhyNot.ENDED).minutes) == (Colour.GREEN, 36)


def test_a_revoked_certificate_gives_the_stay_back_from_its_revocation_on() -> None:
    known = fresh(MORNING, certificates=(negative(at(10), at(11), revoked_at=at(11, "18:00:00")),))
    assert decide(BOOK, known, at(11, "17:59:59")).colour is Colour.GREEN
    decision = decide(BOOK, known, at(11, "18:00:00"))
    assert (decision.colour, decision.since) == (Colour.YELLOW, at(11, "18:00:00"))
    assert (decision.reasons[0].learned_at, decision.until) == (at(7, "12:00:00"), at(12, "23:59:59"))
    assert why(decision) == [("certificate", WhyNot.CERTIFICATE_REVOKED)]


def test_a_second_certificate_holds_what_the_first_ended_when_that_is_revoked() -> None:
    first = negative(at(10), at(11), revoked_at=at(11, "18:00:00"))
    known = fresh(MORNING, certificates=(first, negative(at(10), at(11, "12:00:00"), number=9)))
    decision = decide(BOOK, known, at(11, "18:00:00"))
    assert (decision.colour, decision.since) == (Colour.GREEN, at(11))
    assert told(decision, WhyNot.ENDED).certificate == certificate_name(SALT, (9).to_bytes(32, "big"))


def test_a_revoked_second_certificate_takes_nothing_from_what_the_first_ended() -> None:
    second = negative(at(10), at(11, "12:00:00"), number=9, revoked_at=at(11, "18:00:00"))
    decision = decide(BOOK, fresh(MORNING, certificates=(TEST, second)), FRESH)
    assert (decision.colour, decision.since) == (Colour.GREEN, at(11, "10:00:00"))
    assert told(decision, WhyNot.ENDED).certificate == certificate_name(SALT, TEST.id)


def test_an_exit_from_red_alone_leaves_yellow() -> None:
    book = with_exits(uncapped(), exit_rule(colours=("red",)))
    known = fresh(*HOUR, certificates=(TEST,))
    assert decide(book, known, at(11)).colour is Colour.RED
    decision = decide(book, known, FRESH)
    assert (decision.colour, decision.since, decision.until) == (
        Colour.YELLOW,
        at(11, "10:00:00"),
        at(12, "23:59:59"),
    )
    assert (decision.reasons[0].minutes, decision.reasons[0].capped) == (60, False)
    assert told(decision, WhyNot.ENDED).minutes == 60


def test_an_exit_from_yellow_alone_leaves_red() -> None:
    decision = decide(uncapped(), fresh(*HOUR, certificates=(TEST,)), FRESH)
    assert (decision.colour, why(decision)) == (Colour.RED, [("certificate", WhyNot.NOTHING_TO_END)])


def test_own_red_ends_by_its_own_exit_and_yellow_stays() -> None:
    own = result(5, at(6))
    known = fresh(encounter(at(8), 20, published_at=at(9)), results=(own,), certificates=(negative(at(12), at(12)),))
    assert decide(BOOK, known, at(12) - 1).colour is Colour.RED
    decision = decide(BOOK, known, at(12))
    assert (decision.colour, decision.since) == (Colour.YELLOW, at(12))
    assert (told(decision, WhyNot.ENDED).kind, told(decision, WhyNot.ENDED).rule) == ("own_result", "exits.test-out")


def test_one_test_ends_everything_that_it_fits() -> None:
    known = fresh(MORNING, venues=(venue(at(5), 20),), areas=(area(at(5), 70),), certificates=(TEST,))
    assert len(decide(BOOK, known, at(11)).reasons) == 3
    decision = decide(BOOK, known, FRESH)
    assert (decision.colour, [item.kind for item in decision.not_counted]) == (
        Colour.GREEN,
        ["area", "encounter", "venue"],
    )


def test_what_comes_to_the_same_is_told_once() -> None:
    readings = negative(at(9), at(10)), negative(at(9), at(10), revoked_at=at(13))
    strange = ClearanceFact("00" * 8, at(6), at(7)), ClearanceFact("00" * 8, at(6), at(8))
    decision = decide(BOOK, fresh(certificates=readings, clearances=strange), FRESH)
    assert why(decision) == [("clearance", WhyNot.NOTHING_TO_END), ("certificate", WhyNot.NOTHING_TO_END)]


def test_exits_are_found_by_kind_day_and_colour() -> None:
    exits = Exits(BOOK, [TEST])
    assert [item.rule for item in exits.of("encounter", date(2026, 1, 5), Colour.YELLOW)] == ["negative-pcr"]
    assert exits.of("encounter", date(2026, 1, 6), Colour.YELLOW) == ()
    assert exits.of("encounter", date(2026, 1, 5), Colour.RED) == ()
    assert [item.rule for item in exits.of("own_result", date(2026, 1, 3), Colour.RED)] == ["test-out"]


def test_a_clearance_ends_one_finding_and_no_other() -> None:
    known = fresh(MORNING, results=(result(6, at(7)),))
    own = decide(BOOK, known, at(9))
    assert own.reasons[0].kind == "own_result"
    cleared = fresh(MORNING, results=(result(6, at(7)),), clearances=(clear(own, at(9), at(10)),))
    assert decide(BOOK, cleared, at(10) - 1).colour is Colour.RED
    decision = decide(BOOK, cleared, at(10))
    assert (decision.colour, decision.since) == (Colour.YELLOW, at(10))
    assert (told(decision, WhyNot.CLEARED).kind, told(decision, WhyNot.CLEARED).finding) == (
        "own_result",
        own.reasons[0].id,
    )


def test_what_is_published_after_a_clearance_was_made_counts_anew() -> None:
    clearance = clear(decide(BOOK, fresh(MORNING), at(8)), at(8), at(9))
    again = encounter(at(5, "09:00:00"), 20, source=key(2), published_at=at(8) + 1)
    small = encounter(at(5, "12:00:00"), 5, source=key(3), published_at=at(8))
    decision = decide(BOOK, fresh(MORNING, again, small, clearances=(clearance,)), FRESH)
    assert (decision.colour, decision.reasons[0].minutes) == (Colour.YELLOW, 20)
    assert (decision.reasons[0].learned_at, told(decision, WhyNot.CLEARED).minutes) == (at(8) + 1, 25)
    few = encounter(at(5, "09:00:00"), 14, source=key(2), published_at=at(8) + 1)
    assert decide(BOOK, fresh(MORNING, few, small, clearances=(clearance,)), FRESH).colour is Colour.GREEN


def test_a_clearance_that_finds_nothing_is_told() -> None:
    strange = ClearanceFact("00" * 8, at(6), at(7))
    decision = decide(BOOK, fresh(MORNING, clearances=(strange,)), FRESH)
    assert (decision.colour, why(decision)) == (Colour.YELLOW, [("clearance", WhyNot.NOTHING_TO_END)])
    assert (decision.not_counted[0].finding, decision.not_counted[0].day) == ("00" * 8, date(2026, 1, 6))
    early = clear(decide(BOOK, fresh(MORNING), at(8)), at(7), at(7))
    assert decide(BOOK, fresh(MORNING, clearances=(early,)), FRESH).colour is Colour.YELLOW


def test_endings_name_every_certificate_with_its_dates_and_no_other() -> None:
    own = decide(BOOK, fresh(results=(result(5, at(6)),)), at(7))
    assert [(end.how, end.rule, end.at, end.last) for end in own.ends if end.how == "certificate"] == [
        ("certificate", "exits.test-out", at(12), BOOK.end_of_day(date(2026, 4, 5)))
    ]
    assert own.ends[2].test_kinds == ("naat",)
    never = with_exits(BOOK, exit_rule(from_day=8))
    assert [end.how for end in decide(never, fresh(MORNING), at(8)).ends] == [
        "time",
        "withdrawal by the authority",
        "clearance by the authority",
    ]
    last = with_exits(BOOK, exit_rule(from_day=7))
    assert [end.at for end in decide(last, fresh(MORNING), at(8)).ends if end.rule] == [at(12)]


def test_an_ending_by_certificate_comes_true() -> None:
    """What the decision says would end it does, at the first and last second, and not outside of them."""
    known = fresh(MORNING, venues=(venue(at(6), 15),), areas=(area(at(6), 60),))
    before = decide(BOOK, known, FRESH)
    ways = [end for end in before.ends if end.how == "certificate"]
    assert len(ways) == 9
    for end in ways:
        assert end.at is not None
        assert end.last is not None
        assert end.certificate is not None
        kind = end.test_kinds[0] if end.test_kinds else None
        for time, ends in ((end.at - 1, False), (end.at, True), (end.last, True), (end.last + 1, False)):
            fact = CertificateFact(bytes(32), end.certificate, kind, time, True, FRESH, FRESH, None)
            grown = Facts(SALT, at(1), FRESH, 97, known.windows, {}, (), known.venues, known.areas, (fact,))
            left = {finding.id for finding in decide(BOOK, grown, FRESH).reasons}
            assert (end.finding not in left) == ends


def test_broken_certificates_and_clearances_are_no_facts() -> None:
    with pytest.raises(FormatError, match="32 bytes"):
        CertificateFact(bytes(31), "recovery", None, 0, True, 0, 0, None)
    for kind, test_kind in (("negative_test", None), ("recovery", "naat"), ("vaccination", "rat")):
        with pytest.raises(FormatError, match="kind of test"):
            CertificateFact(bytes(32), kind, test_kind, 0, True, 0, 0, None)  # type: ignore[arg-type]
    for name in ("", "00" * 7, "00" * 9, "0G" * 8, "00" * 7 + "0\n"):
        with pytest.raises(FormatError, match="16 hexadecimal"):
            ClearanceFact(name, 0, 0)


def test_a_certificate_is_not_shown_when_printed() -> None:
    assert "0000" not in repr(TEST)
    assert "certificates" not in repr(fresh(certificates=(TEST,)))


def test_an_own_result_that_is_learned_of_after_the_test_was_is_ended_from_the_start() -> None:
    known = fresh(results=(OwnResult(1, date(2026, 1, 3), at(11)),), certificates=(negative(at(10), at(10)),))
    decision = decide(BOOK, known, FRESH)
    assert (decision.colour, decision.since) == (Colour.GREEN, at(1))
    assert told(decision, WhyNot.ENDED).kind == "own_result"
