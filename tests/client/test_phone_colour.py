"""The phone's own judgement: facts, decision, journal, places, and the plain words for it."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from ownhue.colour import ClearanceFact, Colour, Decision, decide
from ownhue.errors import FormatError, VerificationError
from ownhue.identifiers import Beacon
from ownhue.journal import verify_chain
from ownhue.key_file import ExposureKey
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.phone import Phone, why
from ownhue_client.phone.records import day_of
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.town import DAY, HOUR, Town, meet
from tests.protocol.colour_cases import area, at, encounter, facts, negative, venue

MEETING = START + BATCH_SECONDS
TESTED = date(2026, 3, 2)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "phone")


def expose(town: Town, phone: Phone, tmp_path: Path, slots: int = 60) -> int:
    """Let *phone* meet somebody whose key is then published; the time of publication."""
    other = town.phone(tmp_path / f"other-{slots}")
    meet(phone, other, MEETING, slots)
    key = other._keys.key_at(MEETING // 600)
    exposed = ExposureKey(key.data, key.rolling_start, key.rolling_period, ReportType.CONFIRMED_TEST, 1)
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[exposed])
    phone.sync(now)
    return now


def text(decision: Decision) -> str:
    return "\n".join(why(decision))


def test_before_anything_is_known_it_is_grey(phone: Phone) -> None:
    decision = phone.decide(START)
    assert decision.colour is Colour.GREY
    assert text(decision).startswith("GREY: not established\nbecause: no rulebook is in force")


def test_the_decision_can_be_computed_again_from_rulebook_and_facts(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    assert phone.decide(now) == decide(demonstration_rulebook(), phone.facts(now), now)


def test_yellow_says_until_when_why_and_what_ends_it(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    lines = why(phone.decide(now))
    assert lines[0] == "YELLOW until 9 March 2026, 23:59 (Asia/Shanghai)"
    assert lines[1].startswith("because: on 2 March 2026, in the morning, 20 weighted minutes near people who reported")
    assert "133 % of the threshold encounters.yellow_minutes_per_day -> yellow" in lines[1]
    assert "ends: on 9 March 2026, 23:59" in lines
    assert "ends: at once with a withdrawal by the authority" in lines
    assert lines[-1].startswith("by: rulebook 1 (")
    # The sentence is kept to the second, and not one longer.
    end = phone.decide(now).until
    assert end is not None
    phone.sync(now)
    assert phone.decide(end).colour is Colour.YELLOW
    assert phone.decide(end + 1).colour is not Colour.YELLOW


def test_what_did_not_count_is_told_too(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path, slots=15)
    lines = why(phone.decide(now))
    assert lines[0].startswith("GREEN")
    assert "not counted: 5 minutes heard on 2 March 2026, 33 % of what makes yellow: below threshold" in lines


def test_a_capped_encounter_says_that_bluetooth_alone_never_makes_red(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path, slots=200)
    decision = phone.decide(now)
    assert (decision.colour, decision.reasons[0].capped) == (Colour.YELLOW, True)
    assert "enough for red, but Bluetooth alone never makes more than yellow" in text(decision)


def test_red_from_an_own_result_and_both_endings(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    phone.claim(town.code(), TESTED, TESTED, now)
    lines = why(phone.decide(now))
    assert lines[0] == "RED until 16 March 2026, 23:59 (Asia/Shanghai)"
    assert lines[1].startswith("because: own positive result of 2 March 2026, learned on 2 March 2026")
    assert len([line for line in lines if line.startswith("because")]) == 2
    assert any("what counts from 2 March 2026" in line for line in lines)


def test_a_place_that_was_confirmed_for_a_part_is_said_so() -> None:
    known = facts(encounter(at(5, "09:00:00"), 20, place_confirmed=True), encounter(at(5, "11:00:00"), 20))
    lines = why(decide(demonstration_rulebook(), known, at(8, "09:00:00")))
    assert ", place partly confirmed), " in lines[1]


def test_every_kind_of_finding_and_of_ending_has_its_words() -> None:
    known = facts(
        encounter(at(5, "09:00:00"), 20, place_confirmed=True),
        venues=(venue(at(6, "13:00:00"), 45), venue(at(4), 30, contradicted=True)),
        areas=(area(at(6, "19:00:00"), 90), area(at(3), 90, denied_at=at(8))),
    )
    lines = why(decide(demonstration_rulebook(), known, at(8, "09:00:00")))
    assert lines[0] == "YELLOW until 13 January 2026, 23:59 (Asia/Shanghai)"
    assert lines[1].startswith("because: on 5 January 2026, in the morning, 20 weighted minutes near people")
    assert "place confirmed" in lines[1]
    assert lines[2].startswith("because: on 6 January 2026, in the evening, 90 minutes in an area that was warned of,")
    assert lines[2].endswith("150 % of the least stay of areas.outbreak -> yellow")
    assert lines[3].startswith("because: on 6 January 2026, in the afternoon, 45 minutes at places that were warned of")
    assert lines[3].endswith("300 % of the least stay of venues.indoor -> yellow")
    certificate = "ends: with a negative test (naat), sample from 10 January 2026 to 5 April 2026 (exits.negative-pcr)"
    for line in (
        "not counted: 90 minutes in an area that was warned of, on 3 January 2026: I was not there",
        "not counted: 30 minutes at places that were warned of, on 4 January 2026: own location says otherwise",
        'ends: at once when you say "I was not there" (what counts from 6 January 2026, area)',
        "ends: at once with a clearance by the authority (what counts from 6 January 2026, venue)",
        f"{certificate} (what counts from 5 January 2026, encounter)",
    ):
        assert line in lines


def test_what_a_certificate_or_a_clearance_did_is_told() -> None:
    book, seen = demonstration_rulebook(), encounter(at(5, "09:00:00"), 20)
    ended = decide(book, facts(seen, certificates=(negative(at(10), at(11)),), published_until=at(11)), at(11))
    assert why(ended)[1] == "not counted: 20 minutes heard on 5 January 2026: ended by certificate (exits.negative-pcr)"
    early = decide(book, facts(seen, certificates=(negative(at(9), at(11)),), published_until=at(11)), at(11))
    assert "not counted: certificate of 9 January 2026: nothing for it to end" in why(early)
    vain = decide(book, facts(clearances=(ClearanceFact("00" * 8, at(6), at(7)),)), at(8))
    assert "not counted: clearance of 6 January 2026: nothing for it to end" in why(vain)


def test_old_data_make_green_grey_and_leave_yellow_yellow(town: Town, phone: Phone, tmp_path: Path) -> None:
    quiet = town.phone(tmp_path / "quiet")
    now = expose(town, phone, tmp_path)
    quiet.sync(now)
    assert quiet.decide(now).colour is Colour.GREEN
    later = now + DAY + 1
    assert "too old" in text(quiet.decide(later))
    assert quiet.decide(later).colour is Colour.GREY
    decision = phone.decide(later)
    assert decision.colour is Colour.YELLOW
    assert "note: published data are old" in text(decision)


def test_every_change_is_in_the_journal_and_nothing_else(town: Town, phone: Phone, tmp_path: Path) -> None:
    phone.sync(town.now)
    for _ in range(3):
        phone.decide(town.now)
    now = expose(town, phone, tmp_path)
    for _ in range(3):
        phone.decide(now)
    journal = phone.journal()
    assert [(entry.before, entry.after) for entry in journal] == [(None, Colour.GREEN), (Colour.GREEN, Colour.YELLOW)]
    assert journal[1].why[0].startswith("new finding")
    verify_chain(journal)
    with pytest.raises(VerificationError):
        verify_chain([journal[0].model_copy(update={"time": 1}), journal[1]])


def test_time_that_goes_back_without_a_change_makes_no_entry(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    phone.decide(town.now + 2 * HOUR)
    assert phone.decide(town.now + HOUR).time == town.now + HOUR
    assert len(phone.journal()) == 1


def test_a_clock_that_is_corrected_by_seconds_is_not_called_set_back(town: Town, phone: Phone) -> None:
    phone.decide(town.now)
    phone.sync(town.now)
    assert phone.decide(town.now - 30).time == town.now
    assert phone.journal()[-1].why[0] != "clock set back"


def test_after_a_clock_that_was_ahead_the_phone_decides_on_and_its_journal_holds(
    town: Town, phone: Phone, tmp_path: Path
) -> None:
    """A network sets the clock a month ahead for a moment, and the phone decides just then."""
    now = expose(town, phone, tmp_path)
    assert phone.decide(now).colour is Colour.YELLOW
    assert phone.decide(now + 30 * DAY).colour is Colour.GREY
    phone.close()
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=now + HOUR) as again:
        assert again.decide(now + HOUR).colour is Colour.YELLOW
        entry = again.journal()[-1]
        assert (entry.why[0], entry.time) == ("clock set back", now + HOUR)
        assert again.decide(now + 2 * HOUR).colour is Colour.YELLOW
        verify_chain(again.journal())


def test_the_radio_share_counts_scans_that_ran_against_those_planned(town: Town, phone: Phone) -> None:
    now = town.now
    phone.sync(now)
    assert phone.facts(now).radio_share_percent is None
    phone.note_scan(now - 1500, ran=False)
    assert phone.facts(now).radio_share_percent == 0
    beacon = Beacon(bytes(16), bytes(4))
    for scan in (1, 1, 2):
        phone.hear(beacon, rssi=-70, scan_id=scan, scan_seconds=4, now=now - 600)
    phone.note_scan(now - 300)
    # In the five slots since then two scans heard somebody in one, and one heard nobody in another.
    assert phone.facts(now).radio_share_percent == 40
    assert phone.decide(now).colour is Colour.GREY
    assert "the radio was off too much" in text(phone.decide(now))
    phone.note_scans([now - 900, now - 1200])
    assert phone.facts(now).radio_share_percent == 80
    assert phone.decide(now).colour is Colour.GREEN
    # Only the last day counts, and all of it.
    assert phone.facts(now + DAY + HOUR).radio_share_percent == 0


def test_a_phone_that_was_switched_off_for_twenty_hours_does_not_say_that_it_listened(
    town: Town, phone: Phone, tmp_path: Path
) -> None:
    """Nobody notes a missed scan while the agent does not run: what was planned is counted from the clock."""
    phone.sync(town.now)
    phone.note_scans(range(START, START + 2 * HOUR, 300))
    phone.close()
    later = START + 22 * HOUR
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=later) as again:
        again.note_scans(range(later, later + 2 * HOUR, 300))
        facts = again.facts(later + 2 * HOUR)
        assert facts.radio_share_percent == 16
        assert facts.observed_since == START
        assert again.decide(later + 2 * HOUR).colour is Colour.GREY


def test_after_the_journal_was_erased_or_the_decision_lost_the_phone_decides_on(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    phone.decide(town.now)
    phone.erase_kind("journal")
    phone.decide(town.now)
    assert [entry.why[0] for entry in phone.journal()] == ["first decision"]
    phone._store.drop("decision")
    phone.decide(town.now)
    assert [entry.why[0] for entry in phone.journal()] == ["first decision", "last decision lost"]
    verify_chain(phone.journal())


def test_two_threads_that_decide_and_make_keys_at_once_leave_one_chain_and_no_overlap(phone: Phone) -> None:
    """The radio asks for beacons and the owner for colours while another thread synchronises."""
    phone.note_scan(START)

    def work(first: int) -> None:
        for number in range(first, 40, 2):
            phone.beacon_at(START + 7200 * (number // 2) + 600 * (number % 2))
            phone.decide(START + 7200 * number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0, 1)))
    verify_chain(phone.journal())
    keys = phone._keys.of_days(0, 10**6)
    assert len(keys) == 20
    assert all(a.end <= b.rolling_start for a, b in pairwise(keys))


def test_observation_begins_anew_after_a_day_without_a_scan(phone: Phone) -> None:
    phone.note_scans(range(START, START + HOUR, 300))
    assert phone.facts(START + 20 * HOUR).observed_since == START
    assert phone.facts(START + 30 * HOUR).observed_since == START + 30 * HOUR
    phone.note_scan(START + 40 * HOUR + 30)
    assert phone.facts(START + 41 * HOUR).observed_since == START + 40 * HOUR
    # A clock that was ahead for a moment leaves nothing behind.
    phone.note_scan(START + 13 * DAY)
    assert phone.facts(START + 42 * HOUR).observed_since == START + 40 * HOUR


def test_after_forgetting_a_day_the_phone_does_not_claim_to_have_observed_it(phone: Phone) -> None:
    for day in range(3):
        phone.note_scans(range(START + day * DAY, START + (day + 1) * DAY, 300))
    now = START + 3 * DAY
    assert phone.facts(now).observed_since == START
    forgotten = day_of(START) + 1
    phone.forget_day(forgotten)
    assert phone.facts(now).observed_since == (forgotten + 1) * DAY


def test_places_stay_with_their_owner_and_go_with_their_day(phone: Phone) -> None:
    phone.prefer(coarse=False)
    phone.note_place(31.2304, 121.4737, 20, START)
    phone.note_place(-33.8688, -70.6693, 50, START + DAY)
    assert [(place.latitude, place.longitude, place.accuracy) for place in phone.places()] == [
        (31.2304, 121.4737, 20),
        (-33.8688, -70.6693, 50),
    ]
    phone.forget_day(day_of(START))
    assert [place.time for place in phone.places()] == [START + DAY]
    for latitude, longitude, accuracy in ((91.0, 0.0, 1), (0.0, 181.0, 1), (0.0, 0.0, -1), (float("nan"), 0.0, 1)):
        with pytest.raises(FormatError):
            phone.note_place(latitude, longitude, accuracy, START)


def test_a_forgotten_day_takes_its_evidence_along(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    assert phone.decide(now).colour is Colour.YELLOW
    phone.forget_day(day_of(MEETING))
    facts = phone.facts(now)
    assert (facts.windows, facts.withdrawn) == ((), {})
    decision = phone.decide(now)
    # What it did not observe, it does not call green.
    assert (decision.colour, decision.radio_share_percent) == (Colour.GREY, 0)
    assert phone.journal()[-1].why[0].endswith("no longer counts")
    assert phone.days() == [day_of(MEETING) + 1]


def test_after_fourteen_days_history_is_gone(town: Town, phone: Phone) -> None:
    phone.note_place(31.2304, 121.4737, 20, START)
    phone.hear(Beacon(bytes(16), bytes(4)), -70, 1, 4, START)
    phone.beacon_at(START)
    while town.publisher.time < START + 15 * DAY:
        town.publisher.close_keys()
    phone.sync(START + 14 * DAY + DAY - 1)
    assert day_of(START) in phone.days()
    phone.sync(START + 15 * DAY)
    assert day_of(START) not in phone.days()
    assert phone.places() == []


def test_many_sightings_over_midnight_are_kept_in_their_days(phone: Phone) -> None:
    times = [START + DAY - 10, START + DAY - 1, START + DAY, START + DAY + 5]
    phone.hear_many(Sighting(os.urandom(16), bytes(4), time, -70, time, 20) for time in times)
    kept = [[s.time for s in phone._hearing.sightings(day, day)] for day in (day_of(START), day_of(START) + 1)]
    assert kept == [times[:2], times[2:]]


@pytest.mark.parametrize(
    "wrong", [{"rpi": b"short"}, {"aem": bytes(5)}, {"rssi": 200}, {"scan_seconds": -1}, {"time": 2**70}]
)
def test_of_many_sightings_one_wrong_one_keeps_all_out(phone: Phone, wrong: dict[str, object]) -> None:
    good = Sighting(bytes(16), bytes(4), START, -70, 1, 20)
    with pytest.raises(FormatError):
        phone.hear_many([good, good._replace(**wrong)])  # type: ignore[arg-type]
    assert list(phone._hearing.sightings(0, 10**9)) == []


def test_a_reopened_phone_is_the_same_phone(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    before, beacon, facts = phone.decide(now), phone.beacon_at(now), phone.facts(now)
    phone.close()
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=now) as again:
        assert (again.decide(now), again.beacon_at(now), again.facts(now)) == (before, beacon, facts)
        assert again.region == town.region
        assert len(again.journal()) == 1
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=now):
        pass


def test_a_store_that_lost_something_is_refused_and_let_go(town: Town, phone: Phone, tmp_path: Path) -> None:
    phone._store.drop("region")
    phone.close()
    errors = []  # with them, everything that they refer to stays alive
    for _ in range(2):
        with pytest.raises(VerificationError, match="lost region") as refused:
            Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=town.now)
        errors.append(refused)


def test_the_files_hold_no_place_identifier_key_or_region_in_clear(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = expose(town, phone, tmp_path)
    phone.note_place(31.2304, 121.4737, 20, now)
    phone.decide(now)
    phone.enrol(town.ticket(), START + BATCH_SECONDS)
    secrets = [
        phone._keys.key_at(MEETING // 600).data,
        phone.beacon_at(MEETING).rpi,
        next(phone._hearing.sightings(0, 10**9)).rpi,
        phone.facts(now).windows[0].source,
        phone.facts(now).salt,
        phone._store.get("device"),
        phone._store.get("phone_secret"),
        round(31.2304 * 10**7).to_bytes(4, "big"),
        b"31.2304",
        b"yellow",
        b"demo.ownhue",
        b"published keys",
    ]
    for _ in range(2):
        data = b"".join(path.read_bytes() for path in (tmp_path / "phone").iterdir() if path.name != "master.key")
        assert len(data) > 10_000
        assert [secret for secret in secrets if secret in data] == []
        phone.close()
