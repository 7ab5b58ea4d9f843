"""Attacks on the whole phone by beacons that are carried elsewhere: radio, place tag, key file, own cells, evidence.

specs/identifiers.md sections 4, 7 and 10. The protocol alone: test_relay.py.
"""

from pathlib import Path

import pytest

from ownhue.colour import Colour
from ownhue.identifiers import Beacon
from ownhue.key_file import ExposureKey
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue_client.phone import Phone
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.town import Town

#: When the patient is at the clinic. The phone is 100 km away from there, or in the next street.
MEETING = START + BATCH_SECONDS
SECONDS = 1200
SLOT = 20
CLINIC, STADIUM, NEXT_STREET = (46.948, 7.4474), (47.3769, 8.5417), (46.953, 7.4474)

Place = tuple[float, float]


class Scene:
    """A patient at the clinic with a source of places, and a phone; what the patient sent is there for all to take."""

    def __init__(self, directory: Path) -> None:
        self.town = Town()
        self.patient = self.town.phone(directory / "patient")
        self.patient.prefer(location="gpsd")
        self.phone = self.town.phone(directory / "phone")
        self.phone.prefer(location="gpsd")
        self.phone.note_scans(range(START, START + 86_400, 300))
        self.sent: list[tuple[int, Beacon]] = []
        for time in range(MEETING, MEETING + SECONDS, SLOT):
            self.patient.note_place(*CLINIC, 20, time)
            self.sent.append((time, self.patient.beacon_at(time)))

    def at(self, place: Place, start: int = MEETING - 1800, end: int = MEETING + SECONDS + 6 * 3600) -> None:
        """The phone knows that it is at *place* all that time."""
        for time in range(start, end, 300):
            self.phone.note_place(*place, 20, time)

    def hear(self, delay: int = 0, byte: int = 0, mask: int = 0) -> None:
        """The phone hears what was sent, *delay* seconds later, with bits of one byte of the metadata flipped."""
        heard = []
        for time, beacon in self.sent:
            aem = bytearray(beacon.aem)
            aem[byte] ^= mask
            heard.append(Sighting(beacon.rpi, bytes(aem), time + delay, -70, time + delay, SLOT))
        self.phone.hear_many(heard)

    def publish(self) -> int:
        """The patient reports and the phone synchronises; the time then."""
        key = self.patient._keys.key_at(MEETING // 600)
        published = ExposureKey(key.data, key.rolling_start, key.rolling_period, ReportType.CONFIRMED_TEST, 1)
        self.town.publisher.close_keys()
        now = self.town.publisher.close_keys(keys=[published])
        self.phone.sync(now)
        return now

    def outcome(self) -> tuple[int, dict[str, int]]:
        """How many windows the phone keeps, and how many sightings it discarded, by reason."""
        now = self.publish()
        counts = {reason: count for reason, count in self.phone.discarded(now).items() if count}
        return len(self.phone.facts(now).windows), counts


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize("place", [CLINIC, NEXT_STREET])
def test_a_real_meeting_counts_and_its_place_is_confirmed(scene: Scene, place: Place) -> None:
    scene.at(place)
    scene.hear()
    now = scene.publish()
    (window,) = scene.phone.facts(now).windows
    assert (window.place_confirmed, window.seconds) == (True, SECONDS)
    assert scene.phone.decide(now).colour is Colour.YELLOW
    assert not any(scene.phone.discarded(now).values())


def test_attack_a_beacon_of_the_clinic_relayed_into_the_stadium(scene: Scene) -> None:
    scene.at(STADIUM)
    scene.hear()
    assert scene.outcome() == (0, {"relayed": SECONDS // SLOT})


def test_attack_a_relayed_beacon_does_not_come_true_by_synchronising_again(scene: Scene) -> None:
    scene.at(STADIUM)
    scene.hear()
    now = scene.publish()
    scene.phone.sync(now)
    assert scene.phone.facts(now).windows == ()
    assert scene.phone.discarded(now)["relayed"] == SECONDS // SLOT, "each key file is compared once"


def test_attack_a_beacon_recorded_at_the_clinic_and_replayed_hours_later(scene: Scene) -> None:
    scene.at(CLINIC)
    scene.hear(delay=2 * 3600)
    assert scene.outcome() == (0, {"out_of_tolerance": SECONDS // SLOT})


@pytest.mark.parametrize(
    ("byte", "mask", "reason"),
    [
        (0, 0b1, "bad_metadata"),  # The flag of the tag: as if nothing had been said of the place.
        (1, 0x10, "relayed"),  # The transmit power: as if it had been nearer.
        (2, 0x01, "relayed"),
    ],
)
def test_attack_bits_that_are_flipped_on_the_way(scene: Scene, byte: int, mask: int, reason: str) -> None:
    scene.at(STADIUM)
    scene.hear(byte=byte, mask=mask)
    # A wrong tag fits one of seven cells by chance once in 9,000 intervals, and the test's keys are random.
    assert scene.outcome()[1].get(reason, 0) >= SECONDS // SLOT // 2


def test_a_phone_that_knows_its_place_for_a_part_of_the_time_believes_what_it_hears_unconfirmed(scene: Scene) -> None:
    """Open risk of section 10: who does not know the place is open to relays, and the evidence says so."""
    scene.at(STADIUM, start=MEETING + 300)
    scene.hear()
    now = scene.publish()
    (window,) = scene.phone.facts(now).windows
    assert not window.place_confirmed


def test_a_phone_without_a_history_of_places_keeps_the_meeting_unconfirmed(scene: Scene) -> None:
    scene.hear()
    now = scene.publish()
    (window,) = scene.phone.facts(now).windows
    assert not window.place_confirmed


def test_who_came_from_the_clinic_still_counts_there(scene: Scene) -> None:
    """The patient's tag is up to 20 minutes old, so the own way of the last 20 minutes counts."""
    scene.at(CLINIC, end=MEETING)
    for minute in range(21):
        share = minute / 20
        place = [start + share * (end - start) for start, end in zip(CLINIC, (47.05, 7.6), strict=True)]
        scene.phone.note_place(place[0], place[1], 20, MEETING + 60 * minute)
    scene.at((47.05, 7.6), start=MEETING + SECONDS)
    scene.hear()
    windows, counts = scene.outcome()
    assert (windows, counts) == (1, {})


def test_attack_a_flood_of_relayed_beacons_ends_no_real_meeting(scene: Scene) -> None:
    """Real and relayed sightings of one key: what was relayed is left out, what is real stays."""
    scene.at(CLINIC)
    scene.hear()
    scene.hear(byte=3, mask=0xFF)
    now = scene.publish()
    (window,) = scene.phone.facts(now).windows
    assert (window.place_confirmed, window.seconds) == (True, SECONDS)
    assert scene.phone.discarded(now)["relayed"] >= SECONDS // SLOT // 2


def test_attack_a_server_that_learns_a_place_of_a_phone_does_not_by_synchronising(scene: Scene) -> None:
    """The same requests go out, whether a phone keeps places or not."""
    scene.at(STADIUM)
    scene.hear()
    scene.town.requests.clear()
    now = scene.publish()
    with_places = [(request.method, request.url.path, request.content) for request in scene.town.requests]
    scene.town.requests.clear()
    other: Phone = scene.patient
    other.sync(now)
    assert [(request.method, request.url.path, request.content) for request in scene.town.requests] == with_places
