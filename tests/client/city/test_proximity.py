"""Who is how near to whom, from contacts of a trace."""

import pytest

from ownhue.contact_trace import Contact
from ownhue_client.city.proximity import ROOM_SECONDS, Distance, Proximity, distance_of

START = 1_772_409_600


def contacts(*pairs: tuple[int, int], first: int = 0, slots: int = 3) -> list[Contact]:
    return [Contact(START + first + 20 * slot, a, b) for slot in range(slots) for a, b in pairs]


def test_people_in_a_contact_are_face_to_face_while_it_lasts() -> None:
    proximity = Proximity(contacts((1, 2)))
    assert proximity.around(1, START) == {2: Distance.FACE}
    assert proximity.around(2, START + 59) == {1: Distance.FACE}
    assert proximity.around(1, START - 1) == proximity.around(2, START + 60) == {}


def test_two_who_stand_with_the_same_third_person_are_a_group() -> None:
    proximity = Proximity(contacts((1, 2), (2, 3)))
    assert proximity.around(1, START) == {2: Distance.FACE, 3: Distance.GROUP}
    assert proximity.around(2, START) == {1: Distance.FACE, 3: Distance.FACE}


def test_a_group_is_no_longer_one_when_the_third_person_left() -> None:
    proximity = Proximity([*contacts((1, 2), slots=3), *contacts((2, 3), slots=1)])
    assert proximity.around(1, START + 10) == {2: Distance.FACE, 3: Distance.GROUP}
    assert proximity.around(1, START + 30) == {2: Distance.FACE}


@pytest.mark.parametrize(("pause", "meanwhile"), [(ROOM_SECONDS, {2: Distance.ROOM}), (ROOM_SECONDS + 20, {})])
def test_people_who_meet_again_within_ten_minutes_were_in_one_room(pause: int, meanwhile: dict[int, Distance]) -> None:
    proximity = Proximity([*contacts((1, 2)), *contacts((2, 1), first=60 + pause)])
    assert proximity.around(1, START + 59) == proximity.around(1, START + 60 + pause) == {2: Distance.FACE}
    assert proximity.around(1, START + 60) == meanwhile
    assert proximity.around(1, START + 59 + pause) == meanwhile


def test_a_shorter_reach_leaves_others_out() -> None:
    meetings = [*contacts((1, 2), (2, 3)), *contacts((1, 2), first=120)]
    seen = {
        reach: [Proximity(meetings, reach).around(1, START + time) for time in (0, 90)]
        for reach in (Distance.FACE, Distance.GROUP, Distance.ROOM)
    }
    assert seen[Distance.FACE] == [{2: Distance.FACE}, {}]
    assert seen[Distance.GROUP] == [{2: Distance.FACE, 3: Distance.GROUP}, {}]
    assert seen[Distance.ROOM] == [{2: Distance.FACE, 3: Distance.GROUP}, {2: Distance.ROOM}]


def test_presence_covers_every_moment_at_which_somebody_is_near() -> None:
    proximity = Proximity([*contacts((1, 2)), *contacts((1, 3), first=7200)])
    assert proximity.presence(1) == (START, START + 7260)
    assert proximity.people() == [1, 2, 3]


@pytest.mark.parametrize(
    ("metres", "expected"),
    [
        (0, Distance.FACE),
        (1.49, Distance.FACE),
        (1.5, Distance.GROUP),
        (3, Distance.ROOM),
        (5.99, Distance.ROOM),
        (6, None),
    ],
)
def test_classes_of_distance(metres: float, expected: Distance | None) -> None:
    assert distance_of(metres) is expected
