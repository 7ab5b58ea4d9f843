"""The cases of specs/vectors/region.json: region files, region directories, which regions a phone follows."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ownhue.encoding import base64url_encode, canonical_json
from tests.conformance.expected import Case, bad, good
from tests.conformance.scripted import Stream


def _key(label: str) -> str:
    return base64url_encode(Stream(label)(32))


def _p256(secret: int, curve: ec.EllipticCurve | None = None) -> str:
    key = ec.derive_private_key(secret, curve or ec.SECP256R1()).public_key()
    return base64url_encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _compressed(secret: int) -> str:
    """The same key in the other spelling of X9.62, which is none of ours."""
    key = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return base64url_encode(head + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def region_body(name: str = "demo", **changes: Any) -> dict[str, Any]:
    """A region file's content; keys come from the region's name."""
    return {
        "authority_key": _key(f"{name} authority"),
        "batch_seconds": 7200,
        "format": "ownhue-region-1",
        "issuer_key": _key(f"{name} issuer"),
        "issuer_name": f"issuer.{name}.ownhue.example",
        "key_file_id": name,
        "key_file_key": _p256(7),
        "key_file_version": "1",
        "log_key": _key(f"{name} log"),
        "name": name,
        "origin": f"{name}.ownhue.example/log",
        "publisher_key": _key(f"{name} publisher"),
        "url": f"https://{name}.ownhue.example",
    } | changes


def entry(name: str, **changes: Any) -> dict[str, Any]:
    """What a directory says of a region."""
    return {
        "labels": {"de": f"Gebiet {name}", "en": f"Region {name}"},
        "name": name,
        "region_sha256": sha256(canonical_json(region_body(name))).hexdigest(),
        "root_keys": sorted(sha256(f"{name} root {number}".encode()).hexdigest() for number in range(3)),
        "root_threshold": 2,
        "urls": [f"https://{name}.ownhue.example", f"https://mirror.example/{name}"],
    } | changes


def directory(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The directory of the region demo."""
    listed = entries or (entry("coast"), entry("demo"), entry("hills"))
    return {
        "format": "ownhue-regions-1",
        "home": "demo",
        "languages": ["de", "en"],
        "regions": list(listed),
        "version": 3,
    } | changes


def region_cases() -> list[Case]:
    """All cases."""
    return [*_regions(), *_directories(), *_region_files(), *_following(), *_later()]


def _text(value: Any) -> str:
    return canonical_json(value).decode()


def _regions() -> list[Case]:
    fine = region_body()
    text = _text(fine)
    wrong: dict[str, Any] = {
        "a capital in its name": {"name": "Demo"},
        "no name": {"name": ""},
        "a slash at the end of its url": {"url": "https://demo.ownhue.example/"},
        "ftp": {"url": "ftp://demo.ownhue.example"},
        "a blank in its origin": {"origin": "demo log"},
        "a plus in its origin": {"origin": "a+b"},
        "an address of 201 characters": {"url": "https://" + "a" * 201},
        "a blank in its address": {"url": "https://a b"},
        "an issuer's name with a capital": {"issuer_name": "Issuer"},
        "a key id of 65 characters": {"key_file_id": "x" * 65},
        "a key version of 17 characters": {"key_file_version": "1" * 17},
        "a log key of 31 bytes": {"log_key": base64url_encode(bytes(31))},
        "a padded key": {"issuer_key": fine["issuer_key"] + "="},
        "a P-384 key": {"key_file_key": _p256(7, ec.SECP384R1())},
        "a P-256 key that is compressed": {"key_file_key": _compressed(7)},
        "a P-256 key with a byte more": {"key_file_key": fine["key_file_key"] + "AA"},
        "batches of 59 s": {"batch_seconds": 59},
        "batches of a day and a second": {"batch_seconds": 86_401},
        "batches that are true": {"batch_seconds": True},
        "a later format": {"format": "ownhue-region-2"},
        "a field more": {"note": ""},
    }
    without = {key: value for key, value in fine.items() if key != "log_key"}
    digest = sha256(text.encode()).hexdigest()
    return [
        good("a region file", "region", {"region": fine, "digest": digest}, text=text),
        *[bad(f"region: {name}", "region", text=_text(fine | change)) for name, change in wrong.items()],
        bad("region: a field less", "region", text=_text(without)),
        bad("region: white space", "region", text=json.dumps(fine, sort_keys=True)),
        bad(
            "region: fields in another order",
            "region",
            text=json.dumps(dict(reversed(fine.items())), separators=(",", ":")),
        ),
        bad("region: longer than 8192 bytes", "region", "LimitError", text=_text(fine) + " " * 8192),
    ]


def _directories() -> list[Case]:
    fine = directory()
    coast, home = entry("coast"), entry("demo")
    keys = coast["root_keys"]
    wrong: dict[str, Any] = {
        "not in order": directory(home, coast),
        "a region twice": directory(coast, coast, home),
        "without the home region": directory(coast),
        "no region": fine | {"regions": []},
        "version 0": directory(version=0),
        "languages in the wrong order": directory(languages=["en", "de"]),
        "a language in capitals": directory(entry("demo", labels={"DE": "K"}), languages=["DE"]),
        "an address of 201 characters": directory(entry("coast", urls=["https://" + "a" * 201]), home),
        "a label of 101 characters": directory(entry("coast", labels={"de": "K" * 101, "en": "C"}), home),
        "a label of another language": directory(entry("coast", labels={"de": "K", "fr": "C"}), home),
        "a label without text": directory(entry("coast", labels={"de": "", "en": "C"}), home),
        "no address": directory(entry("coast", urls=[]), home),
        "nine addresses": directory(entry("coast", urls=[f"https://{n}.example" for n in range(9)]), home),
        "an address twice": directory(entry("coast", urls=["https://a.example"] * 2), home),
        "a slash at the end of an address": directory(entry("coast", urls=["https://a.example/"]), home),
        "root keys in the wrong order": directory(entry("coast", root_keys=keys[::-1]), home),
        "a root key twice": directory(entry("coast", root_keys=[keys[0], keys[0]]), home),
        "no root key": directory(entry("coast", root_keys=[]), home),
        "more signatures than root keys": directory(entry("coast", root_threshold=4), home),
        "no signature": directory(entry("coast", root_threshold=0), home),
        "a digest in capitals": directory(entry("coast", region_sha256=coast["region_sha256"].upper()), home),
        "a field more": directory(note=""),
        "a field more in an entry": directory(entry("coast", note=""), home),
        "a later format": directory(format="ownhue-regions-2"),
    }
    tags = ["de-AT", "mul", "zh-Hant-TW"]
    tagged = directory(entry("demo", labels=dict.fromkeys(tags, "K" * 100)), languages=tags)
    return [
        good("a directory", "directory", fine, text=_text(fine)),
        good("a directory in languages of countries", "directory", tagged, text=_text(tagged)),
        good("a directory of the home region alone", "directory", directory(home), text=_text(directory(home))),
        *[bad(f"directory: {name}", "directory", text=_text(found)) for name, found in wrong.items()],
        bad("directory: white space", "directory", text=json.dumps(fine, sort_keys=True)),
    ]


def _region_files() -> list[Case]:
    fine, coast = directory(), region_body("coast")
    moved = region_body("coast", url="https://elsewhere.example")
    elsewhere = entry("coast", region_sha256=sha256(canonical_json(moved)).hexdigest())
    renamed = entry("coast", region_sha256=entry("hills")["region_sha256"])
    garbage = entry("coast", region_sha256=sha256(b"{}").hexdigest())

    def asked(text: str, known: dict[str, Any] = fine, name: str = "coast") -> dict[str, Any]:
        return {"directory": known, "region": name, "text": text}

    return [
        good("the region file that is named", "open_region_file", coast, **asked(_text(coast))),
        bad("another region's file", "open_region_file", "VerificationError", **asked(_text(region_body("hills")))),
        bad(
            "a file with another key",
            "open_region_file",
            "VerificationError",
            **asked(_text(coast | {"log_key": _key("x")})),
        ),
        bad(
            "a file of another name",
            "open_region_file",
            "VerificationError",
            **asked(_text(region_body("hills")), directory(renamed, entry("demo"))),
        ),
        bad(
            "a file of another address",
            "open_region_file",
            "VerificationError",
            **asked(_text(moved), directory(elsewhere, entry("demo"))),
        ),
        bad("a file that is none", "open_region_file", **asked("{}", directory(garbage, entry("demo")))),
        bad("a region that is not listed", "open_region_file", "StateError", **asked(_text(coast), fine, "moon")),
    ]


def _following() -> list[Case]:
    many = [entry(f"r{number}") for number in range(10)]
    wide = directory(entry("demo"), *many)
    home, changed = region_body(), region_body(log_key=_key("new log"))
    visited = {
        "nowhere": ([], []),
        "one region": (["coast"], ["coast"]),
        "in the order of the directory": (["hills", "coast"], ["coast", "hills"]),
        "the home region is no visit": (["demo", "hills"], ["hills"]),
        "a region that is not listed any more": (["hills", "moon"], ["hills"]),
    }
    return [
        *[
            good(f"visited {name}", "follow", followed, directory=directory(), home=home, visited=names)
            for name, (names, followed) in visited.items()
        ],
        good(
            "eight regions",
            "follow",
            [f"r{n}" for n in range(8)],
            directory=wide,
            home=home,
            visited=[f"r{n}" for n in range(8)],
        ),
        bad("nine regions", "follow", "LimitError", directory=wide, home=home, visited=[f"r{n}" for n in range(9)]),
        bad(
            "another region's directory",
            "follow",
            "VerificationError",
            directory=directory(),
            home=region_body("coast"),
            visited=["hills"],
        ),
        good(
            "the installed file is the newest", "names_this_file", {"current": True}, directory=directory(), home=home
        ),
        good("there is a newer file", "names_this_file", {"current": False}, directory=directory(), home=changed),
    ]


def _later() -> list[Case]:
    fine = directory()

    def asked(later: dict[str, Any]) -> dict[str, Any]:
        return {"earlier": fine, "later": later}

    foreign = directory(home="hills", version=4)
    return [
        good("the next version", "directory_follows", {}, **asked(directory(entry("demo"), version=4))),
        good("the same directory", "directory_follows", {}, **asked(directory())),
        bad("an older version", "directory_follows", "VerificationError", **asked(directory(version=2))),
        bad("another region's next version", "directory_follows", "VerificationError", **asked(foreign)),
        bad("one version, two contents", "directory_follows", "ForkError", **asked(directory(entry("demo")))),
    ]
