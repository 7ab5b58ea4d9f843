"""A day of a city on a phone: 140,000 published keys in twelve files, read, verified and compared with what was heard.

The files are those of the protocol (keys of two hours), the phone's identifiers those of 14 busy days. Everything is
one core's processor time, without a network and without the store.
"""

import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.key_file import KeyFile, SignatureInfo, read_key_file, write_key_file
from ownhue.matching import Matcher, Sighting, windows_from
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD
from tests.benchmarks.protocol import _END, _START, exposure_keys
from tests.benchmarks.timing import say

KEYS = 140_000
BATCHES = 12
#: What a phone keeps that hears 10,000 beacons a day, about seven of each identifier.
IDENTIFIERS = 20_000
SIGHTINGS = 140_000
ROUNDS = 5


def day_of_a_city() -> None:
    """Prints the bytes, and milliseconds for each part of the work."""
    signing_key = ec.generate_private_key(ec.SECP256R1())
    files = [_file(signing_key) for _ in range(BATCHES)]
    sightings = _sightings()
    contents = [read_key_file(data, signing_key.public_key()) for data in files]
    matcher = Matcher(sightings)
    size = sum(map(len, files))
    what = f"a day of a city: {KEYS:,} keys in {BATCHES} files ({size:,} bytes)"
    _milliseconds(
        f"{what}: read and verified", lambda: [read_key_file(data, signing_key.public_key()) for data in files]
    )
    _milliseconds(f"a day of a city: {len(sightings):,} sightings made ready", lambda: Matcher(sightings))
    _milliseconds(
        f"a day of a city: its keys matched against {IDENTIFIERS:,} identifiers",
        lambda: [windows_from(matcher.match(content.keys, _END), _END) for content in contents],
    )


def _milliseconds(what: str, work: Callable[[], object]) -> None:
    figures = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        figures.append(1000 * (time.process_time() - begun))
    say(what, figures, "ms")


def _file(signing_key: ec.EllipticCurvePrivateKey) -> bytes:
    content = KeyFile(_START * INTERVAL_SECONDS, _END, "demo", tuple(exposure_keys(KEYS // BATCHES, KEY_PERIOD)))
    return write_key_file(content, signing_key, SignatureInfo("demo", "1"))


def _sightings() -> list[Sighting]:
    """Of strangers, as nearly everybody is whom a phone hears."""
    heard = [(os.urandom(16), os.urandom(4)) for _ in range(IDENTIFIERS)]
    begin = _START * INTERVAL_SECONDS
    return [
        Sighting(*heard[number % IDENTIFIERS], begin + number % 86_400, -70, number, 225) for number in range(SIGHTINGS)
    ]
