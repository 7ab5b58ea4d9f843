"""Key files: the export of Google/Apple Exposure Notification, written, signed, read and verified. specs/key-file.md

A ZIP of ``export.bin`` ("EK Export v1" padded to 16 bytes, then a protobuf message) and ``export.sig`` (ECDSA P-256
over all of export.bin)::

    data = write_key_file(KeyFile(start, end, "demo", keys), signing_key, SignatureInfo("demo", "v1"))
    content = read_key_file(data, signing_key.public_key())

Files that are too large to be held are read and written key by key, with the same verdict and the same bytes::

    with open_key_file(stream, public_key) as opened:
        total = sum(1 for key in opened.keys)
    stream_key_file(stream, KeyFileHead(start, end, "demo"), sorted_keys, (), signing_key, info)

- There is no reading without verifying, and nothing of export.bin is parsed before its signature holds.
- The signature's algorithm is never taken from the file.
- Whatever its size, a file costs 16 bytes of memory for each key, and some blocks.
- ``stream_key_blocks`` takes keys by the thousand (``KeyBlock``), for who has a million of them.
"""

from ownhue.key_file.container import Limits
from ownhue.key_file.reader import DEFAULT_LIMITS, HEADER, OpenKeyFile, open_key_file, read_key_file
from ownhue.key_file.signature import ALGORITHM
from ownhue.key_file.values import ExposureKey, KeyBlock, KeyFile, KeyFileHead, SignatureInfo
from ownhue.key_file.writer import stream_key_blocks, stream_key_file, write_key_file

__all__ = [
    "ALGORITHM",
    "DEFAULT_LIMITS",
    "HEADER",
    "ExposureKey",
    "KeyBlock",
    "KeyFile",
    "KeyFileHead",
    "Limits",
    "OpenKeyFile",
    "SignatureInfo",
    "open_key_file",
    "read_key_file",
    "stream_key_blocks",
    "stream_key_file",
    "write_key_file",
]
