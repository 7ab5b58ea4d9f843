"""Online keys: which of them a deployment lists, and which it uses. specs/trust.md section 11

| file in `keys/<role>/` | what it is |
|---|---|
| `<name>.key` | the key in use |
| `<name>-next.key` | listed in the trust roles (or the root), not used yet |
| `<name>-old.key` | listed still, not used any more |
| `<name>.pub`, `<name>-next.pub`, `<name>-old.pub` | the public half of a key that a role on another machine has |

What lies there is what is listed: whoever adds or removes a file changes the next trust roles. The region file keeps
the first keys; they count where the folder has none of a name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from ownhue.errors import FormatError
from ownhue.region import Region
from ownhue.region import load_p256 as load_public_p256
from ownhue_server.config import Config, Role
from ownhue_server.storage.key_folder import load_p256, new_p256, new_seed

#: Names of the long-lived keys inside the folders of their roles.
SIGNING, LOG, KEY_FILES, REPORTS, TIMESTAMP, SNAPSHOT = (
    "signing",
    "log",
    "key-files",
    "reports",
    "timestamp",
    "snapshot",
)
#: What follows the name of a key in use, of the next one, and of the one before.
IN_USE, NEXT, OLD = "", "-next", "-old"

_KEY_BYTES = 32


def _ed25519(data: bytes) -> bytes:
    return bytes(SigningKey(data).verify_key)


def _x25519(data: bytes) -> bytes:
    return bytes(PrivateKey(data).public_key)


def spki(key: EllipticCurvePublicKey) -> bytes:
    """SubjectPublicKeyInfo of a P-256 key."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _p256(data: bytes) -> bytes:
    return spki(load_p256(data).public_key())


@dataclass(frozen=True)
class OnlineKey:
    """One of the keys that a server works with."""

    role: Role
    """In whose folder it lies."""
    name: str
    """Its name there."""
    create: Callable[[], bytes] = new_seed
    """Makes a private key."""
    public: Callable[[bytes], bytes] = _ed25519
    """Its public half."""


#: Every key that is changed by ``ownhue-server rotate``.
ONLINE_KEYS: Mapping[str, OnlineKey] = {
    "log": OnlineKey(Role.PUBLISHER, LOG),
    "authority": OnlineKey(Role.AUTHORITY, SIGNING),
    "issuer": OnlineKey(Role.ISSUER, SIGNING),
    "key-files": OnlineKey(Role.PUBLISHER, KEY_FILES, new_p256, _p256),
    "reports": OnlineKey(Role.PUBLISHER, REPORTS, public=_x25519),
    "timestamp": OnlineKey(Role.PUBLISHER, TIMESTAMP),
    "snapshot": OnlineKey(Role.PUBLISHER, SNAPSHOT),
}


def public_keys(config: Config, key: str) -> list[bytes]:
    """The public keys of the online *key* that are listed: the one in use first, then the next one and the old one.

    Raises FormatError, StateError for files that hold none.
    """
    found = [half for state in (IN_USE, NEXT, OLD) if (half := public_half(config, key, state)) is not None]
    return list(dict.fromkeys(found)) or _first(config.region, key)


def public_half(config: Config, key: str, state: str) -> bytes | None:
    """The public half of *key* in one *state*; None when there is none in the folder."""
    online = ONLINE_KEYS[key]
    folder, name = config.keys(online.role), online.name + state
    if name in folder.names():
        return online.public(folder.load(name))
    try:
        return (folder.path / f"{name}.pub").read_bytes()
    except FileNotFoundError:
        # A role on another machine: what is not said otherwise is as the region file says.
        first = _first(config.region, key)
        return first[0] if state == IN_USE and first else None


def _first(region: Region, key: str) -> list[bytes]:
    """The key of the region file."""
    return {
        "log": [region.log_key_bytes],
        "authority": [region.authority_key_bytes],
        "issuer": [region.issuer_key_bytes],
        "key-files": [spki(region.key_file_public_key)],
        "reports": [region.publisher_key_bytes],
    }.get(key, [])


def key_file_version(region: Region, public_key: EllipticCurvePublicKey) -> str:
    """The version by which key files name their key: the region file's for the first, else made from the key."""
    data = spki(public_key)
    first = data == spki(region.key_file_public_key)
    return region.key_file_version if first else f"v-{sha256(data).hexdigest()[:8]}"


def opening_keys(config: Config) -> list[PrivateKey]:
    """Every key that opens sealed reports, the one that phones are told to use first. Raises StateError without one."""
    folder = config.keys(Role.PUBLISHER)
    names = [name for name in (REPORTS + NEXT, REPORTS, REPORTS + OLD) if name in folder.names()] or [REPORTS]
    return [PrivateKey(folder.load(name)) for name in names]


def check_public(key: str, data: bytes) -> bytes:
    """*data*, if it can be the public half of the online *key*. Raises FormatError."""
    if key == "key-files":
        load_public_p256(data)
    elif len(data) != _KEY_BYTES:
        raise FormatError("a public key of this kind has 32 bytes")
    return data
