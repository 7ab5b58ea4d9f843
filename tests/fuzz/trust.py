"""Targets: notes, witnesses, fork evidence, tiles, trust metadata. Re-signed where a signature would stop mutants."""

from typing import Any

from ownhue.cosignature import WitnessKey
from ownhue.encoding import cbor_encode
from ownhue.fork_evidence import parse_fork_evidence
from ownhue.records import record_bytes
from ownhue.signed_note import parse_note
from ownhue.tiles import Tile
from ownhue.trust.metadata import parse_any_trust_file
from ownhue.trust.roles import parse_trust_roles, trust_roles_bytes
from ownhue.trust.state import TrustedState
from ownhue.witness import WitnessRequest, WitnessState
from tests.conformance.notes_by_hand import LOG, LOG_KEY, ORIGIN, TEXT, line
from tests.conformance.trust_by_hand import Town
from tests.conformance.trust_use_cases import roles_file
from tests.fuzz import seeds
from tests.fuzz.target import Target, text


def _witness_memory(data: bytes) -> Any:
    """A memory whose note has *data* as its text, signed by the log."""
    words = data.decode("latin-1")
    note = f"{words}\n{line(words, ORIGIN, LOG)}".encode()
    return WitnessState.from_bytes(cbor_encode([ORIGIN, LOG_KEY, note]))


def _trust_files() -> list[bytes]:
    town = Town()
    town.release({"rulebook": b"{}"})
    return [town.root, *town.newest.values()]


def _states() -> list[bytes]:
    root, timestamp, snapshot, targets = _trust_files()
    return [cbor_encode([root, b"", b"", b"", 0, 0]), cbor_encode([root, timestamp, snapshot, targets, 3, 0])]


TARGETS = {
    "note": Target(parse_note, lambda note: note.to_bytes(), seeds.texts("tree-head", "read_note", "note")),
    "verifier-key": Target(
        text(WitnessKey.from_vkey),
        lambda witness: witness.vkey.encode(),
        seeds.texts("tree-head", "read_verifier_key", "vkey"),
    ),
    "witness-state": Target(
        WitnessState.from_bytes, WitnessState.to_bytes, seeds.data("tree-head", "read_witness_state", "state")
    ),
    "witness-memory": Target(_witness_memory, None, seeds.these(TEXT.encode())),
    "witness-request": Target(
        WitnessRequest.from_bytes, WitnessRequest.to_bytes, seeds.texts("tree-head", "read_witness_request", "body")
    ),
    "fork-evidence": Target(
        parse_fork_evidence, record_bytes, seeds.texts("tree-head", "verify_fork_evidence", "evidence")
    ),
    "tile-path": Target(
        text(Tile.from_path), lambda tile: tile.path.encode(), seeds.texts("tree", "read_tile_path", "path")
    ),
    "trust-file": Target(parse_any_trust_file, lambda file: file.data, _trust_files),
    "trust-state": Target(TrustedState.from_bytes, TrustedState.to_bytes, _states),
    "trust-roles": Target(lambda data: parse_trust_roles(data, "demo"), trust_roles_bytes, lambda: [roles_file()]),
}
