"""Attacks by radio, played from the air to the colour: relays, replays, floods, echoes, and a clock that is set.

Phones are real ones with a store each; their agents' rotation and scans run over virtual controllers in virtual time.
The attacker has radios of their own, and hears and sends whatever they like. specs/identifiers.md sections 4 to 7
"""

import asyncio
from pathlib import Path

import pytest

from ownhue_client.agent.samples import MAX_BEACONS, SAMPLES
from tests.attacks.radio_scene import CLINIC, HOUR, STADIUM, Scene, flood, play, relay


def test_a_beacon_relayed_from_another_town_is_discarded_by_its_place_tag(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        patient, beside = await scene.device("patient", CLINIC), await scene.device("beside", CLINIC)
        crowd = await scene.device("crowd", STADIUM)
        (_, ear), (_, mouth) = await scene.attacker("ear"), await scene.attacker("mouth")
        # As long as a phone does not know where it was 20 minutes ago, it cannot judge: its owner comes in before.
        await asyncio.sleep(25 * 60)
        scene.beside("patient", "beside")
        scene.beside("patient", "ear")
        scene.beside("crowd", "mouth")
        async with relay(ear, mouth):
            await asyncio.sleep(HOUR)
        names = {sighting.rpi for scan in crowd.scans for sighting in scan.sightings}
        assert len(names) >= 3, "the relay worked: the crowd heard the patient"
        now = scene.publish(patient)
        for device in (beside, crowd):
            device.phone.sync(now)
        assert crowd.phone.facts(now).windows == ()
        assert crowd.phone.discarded(now)["relayed"] > 20
        windows = beside.phone.facts(now).windows
        assert len(windows) >= 1
        assert all(window.place_confirmed for window in windows)
        assert not any(beside.phone.discarded(now).values())

    play(tmp_path, main)


def test_what_remains_a_relay_to_a_phone_that_does_not_know_its_place(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        patient, crowd = await scene.device("patient", CLINIC), await scene.device("crowd", None)
        (_, ear), (_, mouth) = await scene.attacker("ear"), await scene.attacker("mouth")
        scene.beside("patient", "ear")
        scene.beside("crowd", "mouth")
        async with relay(ear, mouth):
            await asyncio.sleep(HOUR)
        now = scene.publish(patient)
        crowd.phone.sync(now)
        windows = crowd.phone.facts(now).windows
        assert windows, "said in specs/identifiers.md: this fails when it is no longer true"
        assert not any(window.place_confirmed for window in windows)

    play(tmp_path, main)


def test_a_beacon_replayed_half_an_hour_later_at_the_same_place_is_discarded_by_time(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        patient = await scene.device("patient", CLINIC)
        (_, ear), (_, mouth) = await scene.attacker("ear"), await scene.attacker("mouth")
        scene.beside("patient", "ear")
        async with relay(ear, mouth, delay=45 * 60):
            await asyncio.sleep(40 * 60)
            scene.apart("patient", "ear")
            late = await scene.device("late", CLINIC)
            scene.beside("late", "mouth")
            await asyncio.sleep(50 * 60)
        assert any(scan.sightings for scan in late.scans), "the replay was heard"
        now = scene.publish(patient)
        late.phone.sync(now)
        assert late.phone.facts(now).windows == ()
        discarded = late.phone.discarded(now)
        assert discarded["out_of_tolerance"] > 5
        assert sum(discarded.values()) == discarded["out_of_tolerance"]

    play(tmp_path, main)


def test_a_flood_of_beacons_hides_nobody_and_fills_no_disk(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        one, other = await scene.device("one", None), await scene.device("other", None)
        scene.beside("one", "other")
        task = asyncio.create_task(flood(one.controller, scene.draw))
        await asyncio.sleep(0.3 * HOUR)
        task.cancel()
        await asyncio.wait([task])
        heard = [scan for scan in one.scans if scan.sightings]
        assert len(heard) >= 3
        assert all(len(scan.sightings) <= MAX_BEACONS * SAMPLES for scan in heard)
        assert all(scan.dropped > 2_500 for scan in heard)
        now = scene.publish(other)
        one.phone.sync(now)
        (window,) = one.phone.facts(now).windows
        assert len(window.scans) == len(heard), "who stands beside us was heard in each scan"

    play(tmp_path, main)


def test_a_phone_that_is_sent_its_own_beacons_back_does_not_meet_itself(tmp_path: Path) -> None:
    async def main(scene: Scene) -> None:
        patient = await scene.device("patient", CLINIC)
        (_, ear), (_, mouth) = await scene.attacker("ear"), await scene.attacker("mouth")
        scene.beside("patient", "ear")
        scene.beside("patient", "mouth")
        async with relay(ear, mouth, delay=5 * 60):
            await asyncio.sleep(HOUR)
        assert len(patient.scans) > 8
        assert not any(scan.sightings for scan in patient.scans)

    play(tmp_path, main)


@pytest.mark.parametrize("restart", [True, False])
def test_a_clock_set_back_and_a_restart_bring_no_identifier_back_on_another_address(
    tmp_path: Path, restart: bool
) -> None:
    """An attacker who sets the network's time could else hear yesterday's name again, and know who it is."""

    async def main(scene: Scene) -> None:
        victim = await scene.device("victim", None)
        for back in (0, 600, 4 * HOUR, 26 * HOUR):
            await asyncio.sleep(0.7 * HOUR)
            if restart:
                await victim.end()
                await victim.begin(scene.draw)
            victim.clock.set_wall(-back)
        await asyncio.sleep(0.7 * HOUR)
        names = [one.payload[11:27] for one in scene.air.sniffer]
        assert len(names) > 8
        assert len(set(names)) == len(names)
        assert len({one.address for one in scene.air.sniffer}) == len(names)

    play(tmp_path, main)
