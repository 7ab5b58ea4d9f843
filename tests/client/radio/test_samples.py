"""What is kept of a scan: least and typical attenuation as if all were kept, and the nearest of a flood."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ownhue_client.agent.samples import MAX_BEACONS, SAMPLES, Samples, choose
from ownhue_client.radio.interface import Heard


def heard(number: int, rssi: int, aem: bytes = b"meta", time: int = 0) -> Heard:
    return Heard(number.to_bytes(16, "big"), aem, rssi, time)


@given(st.lists(st.integers(-100, -30), min_size=1, max_size=40))
def test_the_strongest_and_a_like_mean_survive(strengths: list[int]) -> None:
    every = [heard(1, rssi, time=time) for time, rssi in enumerate(strengths)]
    kept = choose(every)
    assert len(kept) == min(len(every), SAMPLES)
    assert len(set(kept) & set(every)) == len(kept), "only what was really heard"
    assert max(one.rssi for one in kept) == max(strengths)
    assert [one.time for one in kept] == sorted(one.time for one in kept)


def test_the_mean_is_nearly_that_of_all_samples_of_a_scan() -> None:
    draw = Random(5)
    errors = []
    for _ in range(500):
        strengths = [round(draw.gauss(-65, 6)) for _ in range(16)]
        kept = [one.rssi for one in choose([heard(1, rssi) for rssi in strengths])]
        errors.append(abs(sum(kept) / len(kept) - sum(strengths) / len(strengths)))
    assert max(errors) < 2
    assert sum(errors) / len(errors) < 0.4


def test_of_a_flood_the_strongest_beacons_are_kept_and_the_rest_is_counted() -> None:
    """A phone that one stands beside is stronger than most of what a flood sends from across the street."""
    samples = Samples()
    for number in range(20_000):
        samples.add(heard(number, -80 - number % 10))
        if number % 5_000 == 0:
            samples.add(heard(10**6, -50))
    kept = list(samples.chosen())
    assert len({one.rpi for one in kept}) == MAX_BEACONS
    assert [one.rssi for one in kept if one.rpi == heard(10**6, 0).rpi] == [-50] * SAMPLES
    assert samples.dropped == 20_000 - (MAX_BEACONS - 1)


def test_one_identifier_with_changing_metadata_is_a_flood_too() -> None:
    samples = Samples()
    for number in range(5_000):
        samples.add(heard(1, -60, number.to_bytes(4, "big")))
    assert len(list(samples.chosen())) == MAX_BEACONS
    assert samples.dropped == 5_000 - MAX_BEACONS


def test_one_beacon_sent_very_fast_costs_no_memory() -> None:
    samples = Samples()
    for _ in range(50_000):
        samples.add(heard(1, -60))
    assert len(list(samples.chosen())) == SAMPLES
    assert samples.dropped == 50_000 - 64


def test_missing_strengths_own_identifiers_and_wrong_lengths_are_left_out() -> None:
    samples = Samples({heard(7, 0).rpi})
    for one in (heard(1, -127), heard(1, -128), heard(1, 21), heard(1, 127), heard(7, -60)):
        samples.add(one)
    samples.add(Heard(bytes(15), bytes(4), -60, 0))
    samples.add(Heard(bytes(16), bytes(5), -60, 0))
    assert not samples
    assert list(samples.chosen()) == []
    assert (samples.malformed, samples.dropped) == (2, 0)
    samples.add(heard(1, -126))
    samples.add(heard(2, 20))
    assert len(samples) == 2
