"""Reading measurements, and drawing scans from them. What was really measured is looked at where it is there."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from ownhue.errors import FormatError
from ownhue_client.city.ble_model import BleModel, Measurements, Packet, links_of, read_measurements
from ownhue_client.city.proximity import Distance
from tests.client.city.measured import folder_of_measurements, scene
from tests.shared import shared_path


def packets(*scans: Mapping[str, tuple[float | None, int]]) -> list[Packet]:
    """Packets of one receiver: for each scan and sender a distance and a strength."""
    return [
        Packet("r", sender, 300.0 * number, rssi, metres)
        for number, scan in enumerate(scans)
        for sender, (metres, rssi) in scan.items()
    ]


def test_each_scan_of_a_link_keeps_its_own_packets(tmp_path: Path) -> None:
    measurements = read_measurements(folder_of_measurements(tmp_path / "m"))
    assert {distance: measurements.scans(distance) for distance in Distance} == dict.fromkeys(Distance, 10)
    assert set(measurements.links[Distance.FACE]) == {((50,) * 5,) * 10}


def test_a_miss_is_known_between_two_scans_in_the_same_class() -> None:
    near = {"s": (1.0, -79), "other": (1.0, -79)}
    of_other, of_s = links_of(packets(near, {"other": (1.0, -79)}, near, near))
    assert of_other == (Distance.FACE, ((50,),) * 4)
    assert of_s == (Distance.FACE, ((50,), (), (50,), (50,)))


def test_nothing_is_known_of_a_phone_that_went_away_or_came() -> None:
    near, gone = {"s": (1.0, -79), "other": (1.0, -79)}, {"other": (1.0, -79)}
    far = {"s": (4.0, -89), "other": (1.0, -79)}
    links = [link for _, link in links_of(packets(gone, near, near, near, gone, far, far, far, gone))]
    assert all(() not in link for link in links)


def test_packets_whose_distance_is_unknown_count_by_the_others_of_their_scan() -> None:
    unknown = {"s": (None, -79)}
    assert list(links_of(packets(unknown, unknown, unknown))) == []
    mixed = [Packet("r", "s", 300.0 * scan + part, -79, 2.0 if part else None) for scan in range(3) for part in (0, 1)]
    assert list(links_of(mixed)) == [(Distance.GROUP, ((50, 50),) * 3)]


def test_a_link_of_too_few_scans_is_left_out() -> None:
    near = {"s": (1.0, -79)}
    assert list(links_of(packets(near, near))) == []


def test_a_pair_keeps_its_link_and_a_seed_its_draws() -> None:
    links = tuple(((number,),) * 3 for number in range(1000))
    measurements = Measurements(dict.fromkeys(Distance, links))
    model, again, other = BleModel(measurements, 1), BleModel(measurements, 1), BleModel(measurements, 2)
    drawn = [model.scan("a", "b", Distance.FACE) for _ in range(20)]
    assert len(set(drawn)) == 1
    assert drawn == [again.scan("a", "b", Distance.FACE) for _ in range(20)]
    assert drawn[0] != other.scan("a", "b", Distance.FACE)
    assert {model.scan("b", "a", Distance.FACE), model.scan("a", "b", Distance.ROOM)} != {drawn[0]}


def test_a_folder_with_too_little_in_it_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, folder_of_measurements(tmp_path / "near", metres=[1.0])):
        with pytest.raises(FormatError, match="too few measurements"):
            read_measurements(folder)


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + bytes(4000)])
def test_a_file_that_is_no_such_database_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.sqlite").write_bytes(content)
    with pytest.raises(FormatError, match=r"broken\.sqlite: no measurements"):
        read_measurements(tmp_path)


@pytest.mark.parametrize(
    ("rssi", "metres"), [("strong", 1.0), (-127, 1.0), (0, 1.0), (20, 1.0), (-79.5, 1.0), (-79, "far"), (-79, b"1")]
)
def test_a_packet_without_a_number_where_one_belongs_is_refused(rssi: Any, metres: Any, tmp_path: Path) -> None:
    scene(tmp_path / "s.sqlite", [("1", "2", 0.0, rssi, metres)])
    with pytest.raises(FormatError, match=r"s\.sqlite: a packet without"):
        read_measurements(tmp_path)


def test_what_was_really_measured_weakens_with_distance() -> None:
    measurements = read_measurements(shared_path("data/ble/dp3t-exp34"))
    medians = [
        median(attenuation for link in measurements.links[distance] for scan in link for attenuation in scan)
        for distance in Distance
    ]
    assert medians == sorted(medians)
    assert all(measurements.scans(distance) > 200 for distance in Distance)
    assert measurements.heard_percent(Distance.FACE) > measurements.heard_percent(Distance.ROOM) > 50
