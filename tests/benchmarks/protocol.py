"""Speed of the protocol library on one core: matching, key files, codes, decisions by rehearsal."""

import os
from itertools import cycle, islice

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.code import encode_code
from ownhue.key_file import ExposureKey, KeyFile, SignatureInfo, read_key_file, write_key_file
from ownhue.matching import Matcher, Sighting
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, MAX_KEY_PERIOD, ReportType
from ownhue.verify import verify_code
from tests.benchmarks.timing import per_second
from tests.conformance import scripted

KEYS = 100_000
IDENTIFIERS = 20_000
_START = 2_950_560  # an interval at the beginning of a UTC day
_END = (_START + MAX_KEY_PERIOD) * INTERVAL_SECONDS


def exposure_keys(count: int, period: int) -> list[ExposureKey]:
    """Random keys of one day; those of short periods are spread over it."""
    starts = cycle(range(_START, _START + MAX_KEY_PERIOD, period))
    return [ExposureKey(os.urandom(16), start, period, ReportType.CONFIRMED_TEST, 1) for start in islice(starts, count)]


def matching() -> None:
    """Published keys a second against a phone's stored identifiers."""
    sightings = [
        Sighting(os.urandom(16), os.urandom(4), _START * INTERVAL_SECONDS + second, -70, second, 60)
        for second in range(IDENTIFIERS)
    ]
    matcher = Matcher(sightings)
    for period in (MAX_KEY_PERIOD, KEY_PERIOD):
        keys = exposure_keys(KEYS, period)
        what = f"matching: {KEYS:,} keys of {period} intervals against {IDENTIFIERS:,} identifiers, keys"
        per_second(what, KEYS, lambda keys=keys: sum(1 for _ in matcher.match(keys, _END)), runs=3)  # type: ignore[misc]


def key_files() -> None:
    """Writing (sorting, signing, zipping) and reading (verifying) a key file."""
    signing_key = ec.generate_private_key(ec.SECP256R1())
    content = KeyFile(_START * INTERVAL_SECONDS, _END, "demo", tuple(exposure_keys(KEYS, KEY_PERIOD)))
    info = SignatureInfo("460", "1")
    data = write_key_file(content, signing_key, info)
    per_second(
        f"key file of {KEYS:,} keys ({len(data):,} bytes): written, keys",
        KEYS,
        lambda: write_key_file(content, signing_key, info),
        runs=3,
    )
    per_second(
        f"key file of {KEYS:,} keys: read and verified, keys",
        KEYS,
        lambda: read_key_file(data, signing_key.public_key()),
        runs=3,
    )


def codes() -> None:
    """Codes a second at a checkpoint, all steps from the text to the colour."""
    now = scripted.statement().time
    view = scripted.view()
    texts = [encode_code(scripted.code(scripted.make_pass(f"bench {number}"))) for number in range(20)]
    per_second(
        "codes verified, from the scanned text to the colour, codes",
        len(texts) * 50,
        lambda: [verify_code(text, view, now) for _ in range(50) for text in texts],
    )
