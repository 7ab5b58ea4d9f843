"""The owner's history of places: kept, coarse or exact, forgotten; stays; own cells; the place tag."""

import io
import random
from pathlib import Path

import h3.api.basic_int as h3
import pytest

from ownhue.area import Circle, Stay
from ownhue.cells import cell_of, corners_of, middle_of, parent, ring1
from ownhue.errors import FormatError
from ownhue.identifiers import Metadata, decrypt_metadata
from ownhue.place_tag import MAX_OWN_CELLS, PLACE_SECONDS, judge_place
from ownhue.place_tag import Place as Verdict
from ownhue_client.location.interface import USEFUL_ACCURACY
from ownhue_client.phone import Phone
from ownhue_client.phone.discarded import Discarded, discarded_words
from ownhue_client.phone.distance import metres_between, microdegrees, radius_of
from ownhue_client.phone.places import Place, doubt_of, place_cell
from ownhue_client.phone.records import day_of
from ownhue_client.phone.stays import stays_of
from ownhue_client.phone.whereabouts import CURRENT_SECONDS, Whereabouts, current_cell
from tests.client.location import histories
from tests.client.publisher import START
from tests.client.town import DAY, HOUR, Town

NORTH, EAST = 46.948, 7.4474
HOME = cell_of(46_948_000, 7_447_400, 7)
#: About 111 m.
STEP = 0.001


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Town().phone(tmp_path / "phone")


def here(time: int, north: float = 0.0, accuracy: int = 20, **coarse: int) -> Place:
    """At home, or *north* degrees from there."""
    return Place(time, NORTH + north, EAST, accuracy, **coarse)


# Keeping.


def test_a_coarse_history_never_holds_more_than_a_cell(phone: Phone, tmp_path: Path) -> None:
    assert phone.preferences().coarse, "coarse is what an owner gets who chose nothing"
    phone.note_place(NORTH, EAST, 20, START)
    (place,) = phone.places()
    assert place.cell == HOME
    assert (microdegrees(place.latitude), microdegrees(place.longitude)) == middle_of(HOME)
    assert (place.accuracy, place.beyond) == (radius_of(HOME), 0)
    (row,) = phone._store.rows("places")
    assert row.value == [START, HOME, 0]
    # The circle of a coarse place holds the real one, also where that lies at the border.
    for _ in range(200):
        north, east, accuracy = random.uniform(-80, 80), random.uniform(-180, 180), random.randint(0, 900)
        phone._places.add([Place(START, north, east, accuracy)], coarse=True)
        kept = phone.places()[-1]
        assert metres_between(north, east, kept.latitude, kept.longitude) + kept.beyond <= kept.accuracy + 1
        assert kept.beyond in (0, accuracy)


def test_who_chooses_a_coarse_history_means_what_is_kept_already_too(phone: Phone, tmp_path: Path) -> None:
    phone.prefer(coarse=False)
    phone.note_place(NORTH, EAST, 20, START)
    phone.note_place(NORTH, EAST, 20, START + DAY)
    sealed = [box for (box,) in phone._store._query("SELECT box FROM places")]
    phone.prefer(coarse=True, travelling=True)
    assert [(place.cell, place.time) for place in phone.places()] == [(HOME, START), (HOME, START + DAY)]
    assert [row.value for row in phone._store.rows("places")] == [[START, HOME, 0], [START + DAY, HOME, 0]]
    data = b"".join(path.read_bytes() for path in (tmp_path / "phone").glob("phone.db*"))
    assert not any(box in data for box in sealed)
    phone.prefer(coarse=False)
    assert phone.places()[0].cell == HOME, "nothing brings the metres back"


def test_a_place_shows_in_no_traceback() -> None:
    assert "46" not in repr(here(START))


def test_a_second_fix_within_a_minute_is_kept_only_in_another_cell(phone: Phone) -> None:
    kept = [phone.note_place(NORTH, EAST, 20, START + second) for second in range(0, 180, 10)]
    assert [second * 10 for second, one in enumerate(kept) if one] == [0, 60, 120]
    assert phone.note_place(NORTH + 0.1, EAST, 20, START + 175)
    assert phone.note_place(NORTH, EAST, 20, START + 100), "a clock that was set back stops no history"
    assert len(phone.places()) == 5
    assert len(phone.places(START + 60, START + 120)) == 3


def test_what_is_no_place_is_refused(phone: Phone) -> None:
    for wrong in ((NORTH, EAST, 100_001, START), (NORTH, EAST, 20, -1), (NORTH, EAST, 20, 2**40)):
        with pytest.raises(FormatError):
            phone.note_place(*wrong)
    with pytest.raises(FormatError):
        phone.place_by_hand(NORTH, 181, 20, START)
    assert phone.places() == []


def test_an_imported_history_joins_the_own_one(phone: Phone) -> None:
    times = histories.TIMES
    phone.note_place(NORTH, EAST, 20, times[2] + 5)
    report = phone.import_places(io.BytesIO(histories.gpx()), "walk.gpx", histories.NOW)
    assert (report.kept, report.dropped) == (4, {"known already": 1})
    assert [place.time for place in phone.places()] == [*times[:2], times[2] + 5, *times[3:]]
    assert {place.cell for place in phone.places()} == {HOME}


def test_what_is_said_by_hand_is_kept(phone: Phone) -> None:
    assert phone.hand_placed() is None
    phone.place_by_hand(NORTH, EAST, 30, START + HOUR)
    told = phone.hand_placed()
    assert told is not None
    assert tuple(told) == (NORTH, EAST, 30, START + HOUR)


# Forgetting.


def test_one_place_is_forgotten_on_every_day(phone: Phone, tmp_path: Path) -> None:
    phone.prefer(coarse=False)
    for day in range(3):
        phone.note_place(NORTH, EAST, 20, START + day * DAY)
        phone.note_place(NORTH + STEP / 2, EAST, 20, START + day * DAY + 60)
        phone.note_place(NORTH + 5 * STEP, EAST, 20, START + day * DAY + 120)
    assert phone.forget_place(Circle(microdegrees(NORTH), microdegrees(EAST), 10)) == 6
    assert [place.latitude for place in phone.places()] == [NORTH + 5 * STEP] * 3
    assert phone.forget_place(parent(HOME, 5)) == 3
    assert phone.forget_place(HOME) == 0
    assert phone.places() == []


@pytest.mark.parametrize("resolution", [5, 7, 9])
def test_of_a_coarse_history_a_place_goes_with_its_cell(phone: Phone, resolution: int) -> None:
    phone.note_place(NORTH, EAST, 20, START)
    phone.note_place(NORTH + 1, EAST, 20, START + 60)
    assert phone.forget_place(cell_of(46_948_000, 7_447_400, resolution)) == 1
    assert [place.time for place in phone.places()] == [START + 60]


def test_a_stay_can_be_forgotten_as_it_was_shown(phone: Phone) -> None:
    for coarse in (True, False):
        phone.prefer(coarse=coarse)
        for minute in range(0, 60, 2):
            phone.note_place(NORTH, EAST, 20, START + minute * 60)
        (stay,) = phone.stays()
        assert phone.forget_place(stay.place) == 30
        assert phone.stays() == []


def test_the_places_of_a_day_are_forgotten_and_nothing_else_of_it(phone: Phone) -> None:
    for day in range(2):
        phone.note_place(NORTH, EAST, 20, START + day * DAY)
    phone.beacon_at(START)
    assert phone.forget_places([day_of(START)]) == 1
    assert [place.time for place in phone.places()] == [START + DAY]
    assert day_of(START) in phone.days()


def test_attack_a_forgotten_place_is_not_in_the_bytes_of_the_file(phone: Phone, tmp_path: Path) -> None:
    phone.note_place(NORTH, EAST, 20, START)
    ((sealed,),) = phone._store._query("SELECT box FROM places")
    key = ("history", day_of(START))
    ((wrapped,),) = phone._store._query("SELECT box FROM keys WHERE kind = ? AND day = ?", key)
    phone.note_place(NORTH + 1, EAST, 20, START + 60)
    before = b"".join(path.read_bytes() for path in (tmp_path / "phone").glob("phone.db*"))
    assert sealed in before
    assert wrapped in before
    assert phone.forget_place(HOME) == 1
    after = b"".join(path.read_bytes() for path in (tmp_path / "phone").glob("phone.db*"))
    assert sealed not in after
    assert wrapped not in after, "nor is the key that opened it"
    assert [place.time for place in phone.places()] == [START + 60], "what else there is of the day stays"


def test_a_forgotten_place_is_in_no_tag(phone: Phone) -> None:
    phone.prefer(location="manual")
    phone.note_place(NORTH, EAST, 20, START)
    phone.forget_place(HOME)
    assert metadata(phone, START).place_tag is None


# Stays.


def walk(start: int, minutes: int, north: float = 0.0) -> list[Place]:
    """A fix a minute, with some metres of error."""
    noise = random.Random(start)
    return [here(start + 60 * at, north + noise.uniform(-0.0001, 0.0001), 15) for at in range(minutes)]


def test_two_stays_with_a_way_between_them() -> None:
    way = [here(START + 1800 + 60 * at, at * 2 * STEP) for at in range(1, 10)]
    there = walk(START + 1800 + 600, 20, 20 * STEP)
    first, second = stays_of([*walk(START, 30), *way, *there])
    assert (first.start, first.end, second.start, second.end) == (
        START,
        START + 29 * 60,
        START + 2400,
        START + 2400 + 19 * 60,
    )
    for stay, north in ((first, NORTH), (second, NORTH + 20 * STEP)):
        assert isinstance(stay.place, Circle)
        assert metres_between(stay.place.latitude / 10**6, stay.place.longitude / 10**6, north, EAST) < 10
        assert 15 <= stay.place.accuracy < 40


def test_the_circle_of_a_stay_holds_those_of_its_fixes() -> None:
    places = walk(START, 30)
    (stay,) = stays_of(places)
    assert isinstance(stay.place, Circle)
    middle = stay.place.latitude / 10**6, stay.place.longitude / 10**6
    for place in places:
        assert metres_between(*middle, place.latitude, place.longitude) + place.accuracy <= stay.place.accuracy + 1


def test_one_wild_fix_ends_no_stay_and_an_inexact_one_widens_none() -> None:
    places = walk(START, 30)
    places[10] = here(places[10].time, 50 * STEP, 10)
    places[20] = here(places[20].time, 0, 900)
    places[25] = here(places[25].time, 30 * STEP, 50_000)
    (stay,) = stays_of(places)
    assert (stay.start, stay.end) == (START, START + 29 * 60)
    assert isinstance(stay.place, Circle)
    assert stay.place.accuracy < 40


def test_a_hole_in_the_history_ends_a_stay_and_five_minutes_make_one() -> None:
    assert [(stay.start, stay.end) for stay in stays_of([*walk(START, 10), *walk(START + 2 * HOUR, 6)])] == [
        (START, START + 540),
        (START + 2 * HOUR, START + 2 * HOUR + 300),
    ]
    assert stays_of(walk(START, 5)) == []
    assert stays_of([]) == []


def test_a_stay_on_the_antimeridian() -> None:
    places = [Place(START + 60 * at, -16.8, 179.9999 if at % 2 else -179.9999, 20) for at in range(20)]
    (stay,) = stays_of(places)
    assert isinstance(stay.place, Circle)
    assert abs(stay.place.longitude) > 179_990_000
    assert stay.place.accuracy < 60


def test_a_coarse_history_has_stays_in_cells(phone: Phone) -> None:
    for place in (*walk(START, 30), *walk(START + 1800, 30, 0.1)):
        phone.note_place(place.latitude, place.longitude, place.accuracy, place.time)
    there = cell_of(47_048_000, 7_447_400, 7)
    assert phone.stays() == [Stay(START, START + 1740, HOME), Stay(START + 1800, START + 3540, there)]
    assert phone.stays(START + 1800) == phone.stays()[1:]


def test_a_coarse_stay_at_a_border_is_a_circle() -> None:
    north, east = middle_of(HOME)
    places = [
        Place(START + 60 * at, north / 10**6, east / 10**6, radius_of(HOME) + 80, HOME, 80 if at % 4 else 0)
        for at in range(20)
    ]
    (stay,) = stays_of(places)
    assert stay.place == Circle(north, east, radius_of(HOME) + 80)


# Own cells.


def cells(places: list[Place], first: int = START, last: int = START + PLACE_SECONDS) -> set[int]:
    return set(Whereabouts(lambda: places).cells_between(first, last))


def test_own_cells_are_known_when_fixes_follow_each_other() -> None:
    assert cells([here(START + 600 * at) for at in range(3)]) == {HOME}
    assert cells([here(START - 100), here(START + 500), here(START + 1100), here(START + 1700)]) == {HOME}
    assert cells([here(START + 1200), here(START + 600), here(START)]) == {HOME}, "in any order"


@pytest.mark.parametrize(
    "times",
    [
        (),
        (0,),
        (0, 600),
        (1, 600, 1200),
        (0, 600, 1199),
        (0, 601, 1200),
        (-10, 500, 1101, 1300),
    ],
)
def test_a_part_of_the_time_is_not_enough(times: tuple[int, ...]) -> None:
    assert cells([here(START + time) for time in times]) == set()


def test_an_inexact_fix_is_none() -> None:
    assert cells([here(START), here(START + 600, accuracy=901), here(START + 1200)]) == set()
    assert cells([here(START), here(START + 600, accuracy=900), here(START + 1200)]) == ring1(HOME)


def test_where_a_fix_may_lie_outside_its_cell_the_neighbours_count_too() -> None:
    north, east = middle_of(HOME)
    coarse = [
        Place(START + 600 * at, north / 10**6, east / 10**6, radius_of(HOME), HOME, beyond)
        for at, beyond in enumerate((0, 300, 0))
    ]
    assert cells(coarse) == ring1(HOME)
    assert cells([place._replace(beyond=0) for place in coarse]) == {HOME}
    assert cells([place._replace(beyond=901) for place in coarse]) == set()


def test_the_way_between_two_fixes_counts() -> None:
    far = [here(START), here(START + 600, 0.1), here(START + 1200, 0.2)]
    found = cells(far)
    assert {place_cell(place) for place in far} <= found
    assert 8 <= len(found) <= MAX_OWN_CELLS
    for at in range(201):
        cell = cell_of(microdegrees(NORTH + at * STEP), microdegrees(EAST), 7)
        assert ring1(cell) & found, "a point of the way lies at most next to the cells"


def test_who_flies_does_not_know_where_they_are() -> None:
    assert cells([here(START), here(START + 600, 20.0), here(START + 1200, 40.0)]) == set()


def test_the_shortest_side_of_a_cell_is_longer_than_the_worst_fix_that_counts() -> None:
    """What own cells and tags rest on: 900 m lead at most into ring 1. Cells are smallest around the pentagons."""
    around = {cell for pentagon in h3.get_pentagons(7) for cell in h3.grid_disk(pentagon, 4)}
    # H3 gives a cell that an edge of the icosahedron crosses more corners than six: it cuts sides in two.
    shortest = min(min(sides(cell)) for cell in around if len(corners_of(cell)) == 6)
    assert USEFUL_ACCURACY < 980 < shortest < 1000


def sides(cell: int) -> list[float]:
    """Metres of each side."""
    corners = [(north / 10**6, east / 10**6) for north, east in corners_of(cell)]
    return [metres_between(*corner, *corners[number - 1]) for number, corner in enumerate(corners)]


def test_the_doubt_of_a_fix_is_whether_it_may_lie_outside() -> None:
    north, east = (degrees / 10**6 for degrees in middle_of(HOME))
    assert doubt_of(Place(START, north, east, 500)) == 0
    assert doubt_of(Place(START, north, east, 2000)) == 2000


# The place tag.


def metadata(phone: Phone, now: int) -> Metadata:
    beacon, key = phone.beacon_at(now), phone._keys.key_at(now // 600)
    return Metadata.from_bytes(decrypt_metadata(key.data, beacon.rpi, beacon.aem))


def test_a_beacon_has_a_place_tag_only_while_a_source_is_on_and_the_place_is_fresh(phone: Phone) -> None:
    phone.note_place(NORTH, EAST, 20, START)
    assert metadata(phone, START).place_tag is None, "the owner chose no source"
    phone.prefer(location="gpsd")
    assert metadata(phone, START + 600).place_tag is None, "ten minutes ago is not now"
    phone.note_place(NORTH, EAST, 20, START + 1200 - CURRENT_SECONDS)
    said, beacon = metadata(phone, START + 1200), phone.beacon_at(START + 1200)
    key = phone._keys.key_at(START // 600 + 2)
    assert judge_place(key.data, beacon.rpi, said, {HOME}) is Verdict.CONFIRMED
    assert judge_place(key.data, beacon.rpi, said, {cell_of(0, 0, 7)}) is Verdict.ELSEWHERE
    phone.prefer(location="off")
    assert metadata(phone, START + 1800).place_tag is None


def test_a_restarted_phone_goes_on_with_its_place(tmp_path: Path) -> None:
    town = Town()
    phone = town.phone(tmp_path / "phone")
    phone.prefer(location="gpsd")
    phone.note_place(NORTH, EAST, 20, START)
    beacon = phone.beacon_at(START + 60)
    phone.close()
    phone = Phone.open(tmp_path / "phone", random=random.randbytes, http_client=town.client(), now=START)
    assert phone.beacon_at(START + 60) == beacon


def test_what_is_on_the_air_does_not_change_within_an_interval(phone: Phone) -> None:
    phone.prefer(location="gpsd")
    phone.note_place(NORTH, EAST, 20, START)
    beacon = phone.beacon_at(START)
    phone.note_place(NORTH + 1, EAST, 20, START + 60)
    assert phone.beacon_at(START + 90) == beacon


@pytest.mark.parametrize(
    ("place", "known"),
    [
        (None, False),
        (here(START), True),
        (here(START - CURRENT_SECONDS), True),
        (here(START - CURRENT_SECONDS - 1), False),
        (here(START + 1), False),
        (here(START, accuracy=901), False),
        (here(START, accuracy=3000, cell=HOME, beyond=0), True),
        (here(START, accuracy=3000, cell=HOME, beyond=901), False),
    ],
)
def test_the_present_cell_is_that_of_a_fresh_and_exact_fix(place: Place | None, known: bool) -> None:
    assert current_cell(place, START) == (HOME if known else None)


# Counts of what was discarded.


def test_counts_of_discarded_sightings_are_kept_for_fourteen_days(phone: Phone) -> None:
    counts, today = Discarded(phone._store), day_of(START)
    counts.add(today, {"relayed": 0})
    assert phone._store.get("discarded") is None
    counts.add(today, {"relayed": 2})
    counts.add(today, {"relayed": 1, "bad_metadata": 1})
    counts.add(today + 14, {"out_of_tolerance": 5})
    assert counts.counts(today + 14) | {"x": 0} == {
        "out_of_tolerance": 5,
        "clock_turned_back": 0,
        "after_publication": 0,
        "bad_metadata": 1,
        "relayed": 3,
        "x": 0,
    }
    counts.add(today + 15, {"relayed": 7})
    assert counts.counts(today + 15)["relayed"] == 7
    phone.forget_day(today + 15)
    assert phone.discarded(START + 15 * DAY)["relayed"] == 0
    assert discarded_words({"relayed": 1, "bad_metadata": 0, "out_of_tolerance": 2}) == [
        "not counted: 1 sighting of a published key, sent at another place: relayed",
        "not counted: 2 sightings of a published key, heard hours before or after it was sent: replayed",
    ]
