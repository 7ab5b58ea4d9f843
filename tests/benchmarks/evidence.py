"""Speed of what happens beside matching: exposure windows, decisions, proofs, notices, health certificates."""

import zlib

import base45
import cwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ownhue.certificate import open_certificate
from ownhue.colour import decide
from ownhue.exposure import Observation, windows_of
from ownhue.params import ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.tree import leaf_hash, tree_root, verify_inclusion
from ownhue.tree_proofs import StoredTree, prove_inclusion
from ownhue.venue.notice import NOTICE_BYTES
from ownhue.venue.visit import Visit, match_notices
from tests.benchmarks.timing import per_second
from tests.protocol.certificate_cases import (
    NOW,
    OWN_MAKING,
    STATE,
    STATE_KID,
    TEST,
    TRUST,
    Making,
    claims,
    content,
)
from tests.protocol.colour_cases import at, encounter, facts, key
from tests.protocol.venue_scene import PUBLISHED, batch, filler, notice_file, poster_of

#: Keys that were met, each for half an hour in scans of a minute with four packets.
_MET = 200
_PER_SCAN = 4
#: Leaves of a log after about four years of twelve batches a day.
_LEAVES = 2**14
_CERTIFICATES = 50


def windows() -> None:
    """Exposure windows a second, from observations of one key each."""
    observations = [
        Observation(scan, at(5) + 60 * scan + packet, 60, 50 + packet)
        for scan in range(30)
        for packet in range(_PER_SCAN)
    ]

    def made(source: bytes) -> int:
        return len(
            windows_of(
                source,
                observations,
                report_type=ReportType.CONFIRMED_TEST,
                days_since_onset=0,
                published_at=at(7),
            )
        )

    per_second(
        f"exposure windows of {len(observations)} sightings each, windows",
        _MET,
        lambda: [made(key(number)) for number in range(_MET)],
    )


def decisions() -> None:
    """Decisions a second of a phone with few, and of one with very many windows."""
    for count, runs in ((10, 200), (1000, 5)):
        _decisions(count, runs)


def _decisions(count: int, runs: int) -> None:
    book, now = demonstration_rulebook(), at(8, "08:00:00")
    met = [
        encounter(at(1 + number % 7) + 1800 * (number % 40), 20, source=key(number), published_at=at(8, "01:00:00"))
        for number in range(count)
    ]
    known = facts(*met)
    what = f"decisions with reasons on {count:,} windows of 20 scans, decisions"
    per_second(what, runs, lambda: [decide(book, known, now) for _ in range(runs)])


def proofs() -> None:
    """Inclusion proofs a second, made and verified."""
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(_LEAVES)]
    root, indexes = tree_root(leaves), range(0, _LEAVES, _LEAVES // 256)
    stored = StoredTree(leaves)
    made = [prove_inclusion(stored.hash, index, _LEAVES) for index in indexes]

    def verify() -> None:
        for index, proof in zip(indexes, made, strict=True):
            verify_inclusion(leaves[index], index, _LEAVES, proof, root)

    where = f"inclusion proofs in a tree of {_LEAVES:,} leaves"
    per_second(
        f"{where}: made, proofs", len(made), lambda: [prove_inclusion(stored.hash, index, _LEAVES) for index in indexes]
    )
    per_second(f"{where}: verified, proofs", len(made), verify)


def certificates() -> None:
    """Health certificates a second, beside cwt + base45 (PyPI) over the same texts of a state."""
    entries = [TEST | {"ci": f"URN:UVCI:01:XX:{number:032X}"} for number in range(_CERTIFICATES)]
    bodies = [content("t", entry) for entry in entries]
    texts = [Making(claims=claims(body, iat=0, exp=2**32 - 1)).text() for body in bodies]
    own = [OWN_MAKING.but(claims=claims(body, iss="XX", iat=0, exp=2**32 - 1)).text() for body in bodies]
    pem = STATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    known = cwt.COSEKey.from_pem(pem, alg="ES256", kid=STATE_KID)

    def foreign() -> None:
        for text in texts:
            cwt.decode(zlib.decompress(base45.b45decode(text.removeprefix("HC1:"))), keys=known)

    per_second(
        "certificates of a state, certificates", len(texts), lambda: [open_certificate(t, TRUST, NOW) for t in texts]
    )
    per_second("our own certificates, certificates", len(own), lambda: [open_certificate(t, TRUST, NOW) for t in own])
    per_second("cwt + base45 on the former (no schema, no trust list), certificates", len(texts), foreign)


def notices() -> None:
    """Venue notices a second, compared with the visits of two weeks."""
    stay = 2 * 3600
    visits = [
        Visit(poster_of(), PUBLISHED - number * stay - stay, PUBLISHED - number * stay) for number in range(1, 150)
    ]
    for count in (64, 1_024, 100_000):
        _notices(visits, notice_file(*filler(count, NOTICE_BYTES)), count)


def _notices(visits: list[Visit], file: bytes, count: int) -> None:
    per_second(
        f"{count:,} venue notices against {len(visits)} visits, notices",
        count,
        lambda: match_notices(visits, [file], batch()),
        runs=3,
    )
