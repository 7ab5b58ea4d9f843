"""Cases for specs/vectors/venue.json about hours, posters, links and owners.

Outputs are computed by tests/protocol/venue_second_opinion.py, `cryptography` and the standard library.
"""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from nacl.bindings import crypto_secretbox

from tests.conformance.expected import Case, bad, good
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY,
    AUTHORITY_KEYS,
    CELL,
    CERTIFICATE,
    DAY,
    FAR_CELL,
    FIELDS,
    HOUR,
    NEAR_CELL,
    NEW_YEAR,
    PAYLOAD,
    POSTER,
    PREFIX,
    REGION,
    SEED,
    STRANGER,
    TRACE,
    VENUE,
    YEARS_END,
    poster_with,
)

KEYS = [key.hex() for key in AUTHORITY_KEYS]
PASSPHRASE = "correct horse battery staple"
SALT, NONCE = bytes(range(16)), bytes(range(24))


def hour_cases() -> list[Case]:
    """Keys of payloads; identities, tags and marks of hours."""

    def hour(name: str, payload: bytes, start: int) -> Case:
        output = {
            "identity": second.identity(payload, start).hex(),
            "tag": second.tag(payload, start).hex(),
            "mark": second.mark(payload, start).hex(),
        }
        return good(f"hour: {name}", "hour", output, payload=payload.hex(), start=start)

    return [
        *[
            good(
                f"keys: {name}",
                "venue_keys",
                {key: value.hex() for key, value in second.keys(payload).items()},
                payload=payload.hex(),
            )
            for name, payload in (("of a poster", PAYLOAD), ("of an empty payload", b""))
        ],
        hour("of a poster", PAYLOAD, HOUR),
        hour("the next one", PAYLOAD, HOUR + 3600),
        hour("the first there is", PAYLOAD, 0),
        bad("hour: before all time", "hour", payload=PAYLOAD.hex(), start=-1),
    ]


def poster_cases() -> list[Case]:
    """Posters: made, opened, refused at each step of specs/venue.md section 3."""

    def opened(name: str, data: bytes, now: int = HOUR, **fields: Any) -> Case:
        said = {key: value for key, value in (FIELDS | fields).items() if key not in ("version", "seed", "certificate")}
        payload = second.payload(FIELDS | fields)
        output = said | {
            "cell": None if said["cell"] is None else f"{said['cell']:x}",
            "id": second.keys(payload)["preid"].hex(),
            "venue_key": CERTIFICATE["venue_key"].hex(),
            "trace_key_hash": CERTIFICATE["trace_key_hash"].hex(),
        }
        return good(f"poster: {name}", "open_poster", output, **_asked(data, now))

    def refused(name: str, data: bytes, error: str = "VerificationError", now: int = HOUR, **changes: Any) -> Case:
        return bad(f"poster: {name}", "open_poster", error, **_asked(data, now) | changes)

    fields = {name: value for name, value in FIELDS.items() if name != "version"}
    hexadecimal = {"seed": SEED.hex(), "certificate": FIELDS["certificate"].hex(), "cell": f"{CELL:x}"}
    body, signature = second.message([(1, PAYLOAD)]), POSTER[-66:]
    return [
        good("certificate: signed", "certify_venue", FIELDS["certificate"].hex(), **_certificate()),
        bad("certificate: for 801 days", "certify_venue", **_certificate(valid_until=NEW_YEAR + 801 * DAY)),
        good(
            "poster: signed",
            "sign_poster",
            {"payload": PAYLOAD.hex(), "poster": POSTER.hex()},
            poster=fields | hexadecimal,
            venue_seed=VENUE.hex(),
        ),
        opened("of a market hall", POSTER),
        opened("in its first second", POSTER, NEW_YEAR),
        opened("in its last second", POSTER, YEARS_END),
        opened("of a tram, which moves", poster_with(cell=None), cell=None),
        opened("with nothing but what it needs", poster_with(**_BARE), **_BARE),
        opened("in other letters", poster_with(description="菜市场", room="٣"), description="菜市场", room="٣"),
        *[refused(name, poster_with(**changes), "FormatError") for name, changes in _wrong_fields().items()],
        refused("with a text of 5,000 characters", poster_with(description="x" * 5000), "LimitError"),
        refused("with a description of 141 bytes", poster_with(description="x" * 141), "LimitError"),
        refused("of 753 bytes", bytes(753), "LimitError"),
        refused("empty", b"", "FormatError"),
        refused("cut", POSTER[:-1], "FormatError"),
        refused("with an unknown field", POSTER + second.message([(3, 0)]), "FormatError"),
        refused("with its fields swapped", signature + body, "FormatError"),
        refused("with a field twice", POSTER + signature, "FormatError"),
        refused("with a padded number", b"\x8a\0" + POSTER[1:], "FormatError"),
        refused("of another region", POSTER, region="elsewhere"),
        refused("certified by a stranger", poster_with(certificate=second.certificate(CERTIFICATE, STRANGER))),
        refused(
            "certified by an authority that counts elsewhere", POSTER, authority_keys=[second.public(STRANGER).hex()]
        ),
        refused("signed by a stranger", second.poster(PAYLOAD, STRANGER)),
        refused("whose venue key is a point of small order", _under_a_weak_key(_NEUTRAL)),
        refused("whose venue key has a second spelling", _under_a_weak_key(b"\xee" + b"\xff" * 30 + b"\x7f")),
        refused("with a signature that is not reduced", POSTER[:-32] + _unreduced(POSTER[-32:])),
        refused("changed after signing", POSTER.replace(b"Hall 3", b"Hall 4")),
        refused("valid longer than its certificate", poster_with({"valid_until": YEARS_END - 1})),
        refused("not valid yet", POSTER, now=NEW_YEAR - 1),
        refused("expired", POSTER, now=YEARS_END + 1),
    ]


_BARE: dict[str, Any] = {"category": None, "room": None, "cell": None}


#: The neutral point of Ed25519: as key and as R it fits every message, with S = 0. README.md, encodings
_NEUTRAL = b"\1" + bytes(31)


def _under_a_weak_key(key: bytes) -> bytes:
    """A poster under a certified venue key whose owner need not sign anything. Some verifiers take it."""
    made = poster_with(certificate=second.certificate(CERTIFICATE | {"venue_key": key}, AUTHORITY))
    return made[:-64] + _NEUTRAL + bytes(32)


def _unreduced(scalar: bytes) -> bytes:
    order = 2**252 + 27742317777372353535851937790883648493
    return (int.from_bytes(scalar, "little") + order).to_bytes(32, "little")


def _asked(data: bytes, now: int) -> dict[str, Any]:
    return {"poster": data.hex(), "region": REGION, "authority_keys": KEYS, "now": now}


def _certificate(**changes: Any) -> dict[str, Any]:
    fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in CERTIFICATE.items()}
    return fields | changes | {"authority_seed": AUTHORITY.hex()}


def _wrong_fields() -> dict[str, dict[str, Any]]:
    return {
        "of version 2": {"version": 2},
        "without a description": {"description": None},
        "with an empty room": {"room": ""},
        "with a line end in its text": {"description": "Hall\n3"},
        "with a hidden change of direction": {"description": "Hall \u202e3"},
        "with a mark of direction": {"description": "Hall\u200f 3"},
        "named by an unseen space": {"description": "\u200b"},
        "named by a wide space": {"description": "\u3000"},
        "with a space at the end of its text": {"address": "Station road "},
        "with a text that is no UTF-8": {"address": b"\xff"},
        "with a category of capitals": {"category": "Market"},
        "with a cell of resolution 6": {"cell": 0x861F8342FFFFFFF},
        "with a number that is no cell": {"cell": 1},
        "over before it begins": {"valid_until": NEW_YEAR - 1},
        "valid for 401 days": {"valid_until": NEW_YEAR + 401 * DAY},
        "with a seed of 31 bytes": {"seed": SEED[1:]},
        "without a certificate": {"certificate": None},
        "with a certificate that is none": {"certificate": b"\x0a\x04demo"},
    }


def link_cases() -> list[Case]:
    """Links, and places that contradict."""
    text = base64.urlsafe_b64encode(POSTER).decode().rstrip("=")
    link = f"{PREFIX}#OWNV1.{text}"
    wrong = {
        "of another scheme": link.replace("https", "http"),
        "without its mark": link.replace("OWNV1.", ""),
        "of another version": link.replace("OWNV1", "OWNV2"),
        "without a poster": f"{PREFIX}#OWNV1.",
        "with padding": f"{link}==",
        "with bits left over": f"{PREFIX}#OWNV1.AAB",
        "with a line end": f"{link}\n",
        "with a space": f" {link}",
        "with a second fragment": link.replace("#", "#x#"),
        "whose address is too long": f"https://{'x' * 93}#OWNV1.{text}",
    }
    poster = {"poster": POSTER.hex()}

    def place(name: str, contradicted: bool, *own: int, data: bytes = POSTER) -> Case:
        cells = [f"{cell:x}" for cell in own]
        return good(f"place: {name}", "is_contradicted", contradicted, poster=data.hex(), own_cells=cells)

    return [
        good("link: of a poster", "poster_url", link, prefix=PREFIX, **poster),
        bad("link: to an address without encryption", "poster_url", prefix="http://ownhue.example/v", **poster),
        bad("link: to no poster at all", "poster_url", prefix=PREFIX, poster=""),
        bad("link: to an address with a space", "poster_url", prefix="https://own hue.example", **poster),
        good("link: read", "read_poster_url", poster | {"prefix": PREFIX}, url=link),
        *[bad(f"link: {name}", "read_poster_url", url=url) for name, url in wrong.items()],
        bad("link: too long", "read_poster_url", "LimitError", url=f"{PREFIX}#OWNV1." + "A" * 1100),
        place("the same cell", False, CELL),
        place("a neighbour", False, NEAR_CELL),
        place("one of several", False, FAR_CELL, CELL),
        place("elsewhere", True, FAR_CELL),
        place("elsewhere, in one cell that is named 33 times", True, *[FAR_CELL] * 33),
        place("not known", False),
        place("a poster without one", False, FAR_CELL, data=poster_with(cell=None)),
        bad("place: of another resolution", "is_contradicted", own_cells=["861f8342fffffff"], **poster),
    ]


def owner_cases() -> list[Case]:
    """The owner's file."""
    key = Argon2id(salt=SALT, length=32, iterations=3, lanes=1, memory_cost=256 * 1024).derive(PASSPHRASE.encode())
    plain = second.cbor(["ownhue-owner-1", VENUE, TRACE])
    data = b"OWNHUE-OWNER-1\n" + SALT + NONCE + crypto_secretbox(plain, NONCE, key)
    seeds = {"venue_seed": VENUE.hex(), "trace_seed": TRACE.hex()}
    sealed = {"passphrase": PASSPHRASE, "draws": [SALT.hex(), NONCE.hex()]}

    def refused(name: str, changed: bytes, error: str = "FormatError", passphrase: str = PASSPHRASE) -> Case:
        return bad(f"owner: {name}", "read_owner_file", error, file=changed.hex(), passphrase=passphrase)

    return [
        good("owner: file", "owner_file", data.hex(), **seeds, **sealed),
        bad("owner: one key for both", "owner_file", **seeds | {"trace_seed": VENUE.hex()}, **sealed),
        bad("owner: short passphrase", "owner_file", **seeds, **sealed | {"passphrase": "seven77"}),
        good("owner: file read", "read_owner_file", seeds, file=data.hex(), passphrase=PASSPHRASE),
        refused("another passphrase", data, "VerificationError", f"{PASSPHRASE} "),
        refused("cut", data[:-1]),
        refused("another mark", b"X" + data[1:]),
    ]


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
