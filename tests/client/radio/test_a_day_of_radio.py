"""A day of many phones that send, listen and walk. The longer one is run by `make acceptance`."""

import pytest

from ownhue.place_tag import PLACE_SECONDS
from ownhue_client.radio.virtual_time import run_virtual
from tests.client.radio.crowd import Crowd

HOUR = 3600


@pytest.mark.parametrize(
    ("count", "rooms", "hours"),
    [
        pytest.param(12, 4, 4, id="12 phones, 4 hours"),
        pytest.param(50, 12, 24, id="50 phones, a day", marks=[pytest.mark.acceptance, pytest.mark.timeout(900)]),
    ],
)
def test_no_address_carries_two_identifiers_and_phones_in_range_hear_each_other(
    count: int, rooms: int, hours: int
) -> None:
    crowd = Crowd(count, rooms, hours * HOUR, seed=1)
    run_virtual(crowd.live())
    crowd.check_addresses()
    spans = crowd.spans()
    assert all(end - begin <= PLACE_SECONDS for _, _, begin, end in spans)
    # Four in an hour, each from 10 to 20 minutes long.
    assert len(spans) == pytest.approx(count * hours * 4.07, rel=0.1)
    scans = [scan for walker in crowd.walkers.values() for scan in walker.scans]
    assert all(scan.ran and not scan.dropped and not scan.malformed for scan in scans)
    assert len(scans) == pytest.approx(count * hours * 16, rel=0.05)
    heard, every = crowd.pairs()
    print(
        f"{count} phones, {hours} h: {len(spans)} identifiers, {len(scans)} scans, {crowd.air.heard} packets heard; "
        f"{heard} of {every} identifiers of phones in range for 10 min heard"
    )
    assert every > count * hours
    assert heard >= 0.99 * every
