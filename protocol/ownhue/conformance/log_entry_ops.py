"""What this library answers to specs/vectors/log-entry.json. specs/publication.md sections 1 and 2

| operation | input | output |
|---|---|---|
| entry_of | folder, data, ending, batch | the entry of the file *data*, its bytes, its leaf hash |
| encode_entry | path, sha256, length, batch | likewise |
| decode_entry | entry | likewise |
| bundle_path | index, width | path below published/ |
| encode_bundle | entries | bundle |
| decode_bundle | bundle, count | entries |
"""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.log import LogEntry, bundle_path, decode_bundle, encode_bundle


def entry_of(question: Mapping[str, Any]) -> Any:
    """The entry of a file."""
    data = bytes.fromhex(question["data"])
    return _told(LogEntry.of(question["folder"], data, question["ending"], question["batch"]))


def encode_entry(question: Mapping[str, Any]) -> Any:
    """The entry of these parts."""
    digest = bytes.fromhex(question["sha256"])
    return _told(LogEntry(question["path"], digest, question["length"], question["batch"]))


def decode_entry(question: Mapping[str, Any]) -> Any:
    """The entry in these bytes."""
    return _told(LogEntry.decode(bytes.fromhex(question["entry"])))


def path_of_bundle(question: Mapping[str, Any]) -> Any:
    """The path of a bundle, full or partial."""
    return {"path": bundle_path(question["index"], question["width"])}


def encode(question: Mapping[str, Any]) -> Any:
    """The bundle of encoded entries."""
    return {"bundle": encode_bundle([bytes.fromhex(entry) for entry in question["entries"]]).hex()}


def decode(question: Mapping[str, Any]) -> Any:
    """The encoded entries of a bundle."""
    return {"entries": [entry.hex() for entry in decode_bundle(bytes.fromhex(question["bundle"]), question["count"])]}


def _told(entry: LogEntry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "sha256": entry.sha256.hex(),
        "length": entry.length,
        "batch": entry.batch,
        "kind": entry.kind,
        "entry": entry.encode().hex(),
        "leaf_hash": entry.leaf_hash().hex(),
    }


OPERATIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "entry_of": entry_of,
    "encode_entry": encode_entry,
    "decode_entry": decode_entry,
    "bundle_path": path_of_bundle,
    "encode_bundle": encode,
    "decode_bundle": decode,
}
