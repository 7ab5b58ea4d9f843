"""Speed of what happens after matching: exposure windows, decisions, proofs of the log, certificates."""

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.colour import decide
from ownhue.demonstration import demonstration_rulebook
from ownhue.exposure import Observation, windows_of
from ownhue.params import ReportType
from ownhue.tree import leaf_hash, tree_root, verify_inclusion
from ownhue.tree_proofs import inclusion_proof
from tests.benchmarks.timing import per_second
from tests.protocol.colour_cases import at, encounter, facts, key

#: Keys that were met, each for half an hour in scans of a minute with four packets.
_MET = 200
_PER_SCAN = 4
#: Leaves of a log after about four years of twelve batches a day.
_LEAVES = 2**14


def windows() -> None:
    """Exposure windows a second, from observations of one key each."""
    observations = [
        Observation(scan, at(5) + 60 * scan + packet, 60, 50 + packet)
        for scan in range(30)
        for packet in range(_PER_SCAN)
    ]
    per_second(
        f"exposure windows of {len(observations)} sightings each, windows",
        _MET,
        lambda: [_windows(key(number), observations) for number in range(_MET)],
    )


def _windows(source: bytes, observations: list[Observation]) -> int:
    made = windows_of(
        source,
        observations,
        report_type=ReportType.CONFIRMED_TEST,
        days_since_onset=0,
        published_at=at(7),
    )
    return len(made)


def decisions() -> None:
    """Decisions a second of a phone with few, and of one with very many windows."""
    book = demonstration_rulebook()
    for count, runs in ((10, 200), (1000, 5)):
        met = [
            encounter(at(1 + number % 7) + 1800 * (number % 40), 20, source=key(number), published_at=at(8, "01:00:00"))
            for number in range(count)
        ]
        known = facts(*met)
        what = f"decisions with reasons on {count:,} windows of 20 scans, decisions"
        per_second(
            what, runs, lambda known=known, runs=runs: [decide(book, known, at(8, "08:00:00")) for _ in range(runs)]
        )


def proofs() -> None:
    """Inclusion proofs a second, made and verified."""
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(_LEAVES)]
    root, indexes = tree_root(leaves), range(0, _LEAVES, _LEAVES // 200)
    made = [inclusion_proof(leaves, index) for index in indexes[:4]]
    per_second(
        f"inclusion proofs in a tree of {_LEAVES:,} leaves: verified, proofs",
        4 * 250,
        lambda: [
            verify_inclusion(leaves[index], index, _LEAVES, proof, root)
            for _ in range(250)
            for index, proof in zip(indexes, made, strict=False)
        ],
    )


def signing_key() -> ec.EllipticCurvePrivateKey:
    """A key of a certificate's signer."""
    return ec.generate_private_key(ec.SECP256R1())
