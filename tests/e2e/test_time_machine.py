"""The time machine against a real server: published keys, replayed to a phone whose wall clock was set back.

specs/identifiers.md section 6
"""

import os
from datetime import date
from pathlib import Path

import httpx

from ownhue.colour import Colour
from ownhue.identifiers import Metadata, TemporaryExposureKey, encrypt_metadata, rpi_at
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue_client.city.auditor import Auditor
from ownhue_client.phone import Phone, Settings
from tests.client.trusted_town import Device
from tests.e2e.server_process import ServerProcess, server_process

#: 2026-03-02 00:00:00 UTC.
START = 1_772_409_600
HOUR = 3600
MEETING = START + 3 * HOUR


def meet(a: Phone, b: Phone) -> None:
    for time in range(MEETING, MEETING + 1500, 20):
        for listener, speaker in ((a, b), (b, a)):
            listener.hear(speaker.beacon_at(time), rssi=-70, scan_id=time, scan_seconds=20, now=time)
    for phone in (a, b):
        phone.note_scans(range(MEETING, MEETING + 24 * HOUR, 300))


def publish_a_report(server: ServerProcess, courier: Phone, now: int) -> int:
    """Let the courier report at *now*; the time at which the keys are out."""
    courier.sync(now)
    answer = httpx.post(
        f"{server.url}/authority/v1/claim-codes",
        headers=server.desk_headers,
        json={"report_type": int(ReportType.CONFIRMED_TEST), "length": "short"},
    )
    courier.claim(answer.raise_for_status().json()["code"], date(2026, 3, 2), date(2026, 3, 1), now)
    assert courier.report(now) > 0
    server.move_clock(now + 4 * HOUR)
    return now + 4 * HOUR


def replayed(server: ServerProcess, http: httpx.Client, now: int) -> list[Sighting]:
    """What somebody sends who has read the published key files, for a clock that stands at the meeting's hour."""
    files = Auditor(server.region, http).new_key_files(now)
    published = [key for file in files for key in file.content.keys]
    heard = []
    for key in (TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period) for key in published):
        for time in range(MEETING, MEETING + 1500, 20):
            if key.covers(time // 600):
                rpi = rpi_at(key, time // 600)
                aem = encrypt_metadata(key.data, rpi, Metadata(-20).to_bytes())
                heard.append(Sighting(rpi, aem, time, -70, time, 20))
    return heard


def test_the_time_machine_fails_end_to_end(tmp_path: Path) -> None:
    with (
        server_process(tmp_path / "server", start=START, padding=30) as server,
        httpx.Client(trust_env=False) as http,
    ):
        device = Device()

        def phone(owner: str) -> Phone:
            return Phone.create(
                tmp_path / owner,
                server.region,
                random=os.urandom,
                http_client=http,
                now=START,
                root=server.trust_root,
                settings=Settings(passes_per_day=1),
                clock=device,
            )

        victim, courier, cook, stranger = (phone(owner) for owner in ("victim", "courier", "cook", "stranger"))
        meet(courier, cook)
        server.move_clock(START + 6 * HOUR)
        for each in (victim, cook):
            each.sync(START + 6 * HOUR)
        published = publish_a_report(server, courier, START + 6 * HOUR)
        device.seconds += published - (START + 6 * HOUR)
        # Both wall clocks stand at the meeting's hour now. The stranger's phone has never seen a head of the log.
        attack = replayed(server, http, published)
        assert attack
        for each in (victim, stranger):
            each.hear_many(attack)
            each.note_scans(range(START, published, 300))
        for each in (victim, cook, stranger):
            each.sync(published)
        assert victim.facts(published).windows == ()
        assert victim.decide(published).colour is Colour.GREEN
        assert cook.decide(published).colour is Colour.YELLOW, "who was really there is warned"
        assert stranger.decide(published).colour is Colour.YELLOW, "without an anchor the attack works"
        for each in (victim, courier, cook, stranger):
            each.close()
