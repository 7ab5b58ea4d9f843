"""Signed notes, put together from their texts without the library; only Ed25519 is shared with it.

Every key here has a seed that anybody can guess.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

from tests.conformance.generate_tree import mth, numbers

ORIGIN = "demo.ownhue.example/log"
TIME = 1_767_232_800
NOW = TIME + 60
LOG, OTHER = SigningKey(b"\1" * 32), SigningKey(b"\2" * 32)
LOG_KEY = bytes(LOG.verify_key)
WITNESSES = {f"witness.example/w{number}": SigningKey(bytes([number + 2]) * 32) for number in (1, 2, 3)}


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def key_text(key: SigningKey, kind: int = 4) -> str:
    """A key behind its kind, Base64."""
    return b64(bytes([kind]) + bytes(key.verify_key))


def mark(name: str, key: SigningKey, kind: int) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + bytes(key.verify_key)).digest()[:4]


def line(text: str, name: str, key: SigningKey, kind: int = 1) -> str:
    """A signature line of a log."""
    return f"— {name} {b64(mark(name, key, kind) + key.sign(text.encode()).signature)}\n"


def cosigned(text: str, name: str, time: int, key: SigningKey | None = None) -> str:
    """A signature line of a witness."""
    signer = key or WITNESSES[name]
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    blob = mark(name, signer, 4) + time.to_bytes(8, "big") + signer.sign(message).signature
    return f"— {name} {b64(blob)}\n"


def vkey(name: str, key: SigningKey | None = None) -> str:
    """A witness's key as text."""
    signer = key or WITNESSES[name]
    return f"{name}+{mark(name, signer, 4).hex()}+{key_text(signer)}"


def body(size: int, root: bytes | None = None, time: int = TIME, origin: str = ORIGIN) -> str:
    """The text of a head."""
    return f"{origin}\n{size}\n{b64(mth(numbers(size)) if root is None else root)}\ntime {time}\n"


def note(text: str, *lines: str, key: SigningKey = LOG, name: str = ORIGIN) -> str:
    """A note that the log signed, with more lines."""
    return f"{text}\n{line(text, name, key)}{''.join(lines)}"


TEXT = body(4)
NOTE = note(TEXT)
HEAD: dict[str, Any] = {"origin": ORIGIN, "size": 4, "root": mth(numbers(4)).hex(), "time": TIME}
LOG_NAMED = {"origin": ORIGIN, "log_key": LOG_KEY.hex()}
