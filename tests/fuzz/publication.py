"""Targets: what is published. Where a signature would stop every mutant, the fuzzed part is signed anew."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from nacl.signing import SigningKey

from ownhue.documents import open_document
from ownhue.key_file import read_key_file, write_key_file
from ownhue.key_file.reader import HEADER
from ownhue.log import LogEntry, decode_bundle, encode_bundle
from ownhue.signed_note import signature_line
from ownhue.tree import Frontier
from ownhue.tree_head import open_tree_head
from tests.fuzz import seeds
from tests.fuzz.target import Target
from tests.protocol.key_file_cases import CONTENT, INFO, LABEL, SIGNING_KEY, members, signature_list, zipped

_LOG = SigningKey(bytes(range(32)))
_ORIGIN = "demo.ownhue.example/log"


def _content(data: bytes) -> Any:
    """A key file whose export.bin holds *data* behind the header, signed."""
    export = HEADER + data
    signatures = signature_list(export, LABEL).SerializeToString(deterministic=True)
    return read_key_file(zipped([("export.bin", export), ("export.sig", signatures)]), SIGNING_KEY.public_key())


def _contents() -> list[bytes]:
    export = members(write_key_file(CONTENT, SIGNING_KEY, INFO))["export.bin"]
    return [export.removeprefix(HEADER)]


def _public() -> ec.EllipticCurvePublicKey:
    return SIGNING_KEY.public_key()


def _head(data: bytes) -> Any:
    """A tree head whose text is *data*, signed by the log."""
    note = data + b"\n" + _signature(data)
    return open_tree_head(note, _ORIGIN, bytes(_LOG.verify_key))


def _signature(data: bytes) -> bytes:
    return signature_line(data.decode("latin-1"), _ORIGIN, _LOG).encode()


def _bundle(data: bytes) -> tuple[int, list[bytes]]:
    count = data[0] % 4 + 1 if data else 1
    return count, decode_bundle(data[1:], count)


TARGETS = {
    "key-file": Target(lambda data: read_key_file(data, _public()), None, seeds.data("key-file", "read", "file")),
    "key-file-content": Target(_content, None, _contents),
    "document": Target(
        lambda data: open_document(data, "rulebook", [bytes(SigningKey(b"\1" * 32).verify_key)]),
        None,
        seeds.data("document", "open", "document"),
    ),
    "log-entry": Target(LogEntry.decode, LogEntry.encode, seeds.data("log-entry", "decode_entry", "entry")),
    "log-bundle": Target(
        _bundle, None, lambda: [b"\0" + encode_bundle([b"one"]), b"\1" + encode_bundle([b"one", b"two"])]
    ),
    "frontier": Target(
        Frontier.from_bytes, Frontier.to_bytes, seeds.these(bytes(8), (1).to_bytes(8, "big") + bytes(32))
    ),
    "tree-head": Target(_head, None, seeds.these(f"{_ORIGIN}\n1\n{'A' * 43}=\ntime 1\n".encode())),
}
