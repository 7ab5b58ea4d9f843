"""Cases of vectors/certificate.json: texts that are read and verified, step by step."""

from typing import Any

import cbor2

from ownhue.certificate.cose import ES256, PS256, parse_sign1
from ownhue.certificate.hcert import MAX_CHARACTERS, PREFIX, stored
from ownhue.certificate.trust_list import Signer, trust_body
from ownhue.conformance.certificate_ops import OPERATIONS
from ownhue.encoding import base45_encode
from tests.conformance.certificate_case import BROKEN, FORMAT, LIMIT, Case, case
from tests.protocol.certificate_cases import (
    AUTHORITY,
    CLEARANCE,
    CLEARANCE_MAKING,
    CONTENTS,
    EXPIRES,
    ISSUED,
    NOW,
    OWN_MAKING,
    OWN_SIGNER,
    RECOVERY,
    RSA_KID,
    RSA_MAKING,
    STATE,
    STATE_KID,
    STATE_RSA,
    TEST,
    VACCINATION,
    Making,
    claims,
    content,
    ec_key,
    signer,
    trust,
    with_upper_half,
)

# Written down, since other libraries compress otherwise: the state's test, and 100,000 zeros.
_COMPRESSED = (
    "78da0dcdbf2f03511c00f05cfc0c3b2221970883e49aefeb5d4fef62a075b449abcdb59562ea7b5edba35e93bbe75782a42186c62031"
    "0a2d2ab1220c4636939018180c0662243136ee1ff87c9eb6a327c24063c8e1194e454aaad3427b4dc0a3c9c66e6bababdadc6dcd6eec"
    "6942c3b150cbf0d23926d62a4a99937a6a2a18d601e9e9b40e0008bc2083023e506108fca0c1280420086360c0789f8649d115b1e5d8"
    "518b590eb7d7c462560cd14c81e7b143b817bcaa0448025f12fcba0c2e398339c98e5167414498e72cbf6bcb1a808ab96d79555090cf"
    "6d31e7f9485c55544552c85c11cf234d035791d0106199c51ace32165d7238b5a509fbfee6be42718ed1b85dc494641967d154226998"
    "c31366cc48240c92639cc6cd58c020cbd4a6c8237b203dd2b35ee81c390d1ffe1c74bc0d7eaeb47ded462a1725e3ccdc7fc5f2e36db9"
    "f5b81cebdff9f87dbe7abf66efd24bfdb2c5de9cf9bb7ba8d79be67abf8ffe0187fb7d62"
)
_ZEROS = (
    "78daedc13101000000c2a0f54f6d0d0fa000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000080570386af0001"
)


def _state(**changes: Any) -> Signer:
    return signer(STATE, STATE_KID, **changes)


def cases() -> list[Case]:
    """All of them."""
    return [made for group in (_texts, _signers, _claims, _contents, _own) for made in group()]


def opened(name: str, error: str | None, making: Making | str, *signers: Any, now: int = NOW, **revoked: int) -> Case:
    """A text that a phone opens, with the list of its one signer unless others are given."""
    text = making if isinstance(making, str) else making.text()
    listed = trust(*(signers or (_state(),)), revoked=revoked)
    return case(name, "open_certificate", error, text=text, trust=trust_body(listed), now=now)


def _text(compressed: bytes) -> str:
    return PREFIX + base45_encode(compressed)


def _in_two_blocks(making: Making) -> str:
    """Another zlib stream of the same content; which bytes a library compresses to is not the same everywhere."""
    cose = making.cose()
    one, other = stored(cose[:9])[2:-4], stored(cose[9:])[2:-4]
    return _text(b"\x78\x01\0" + one[1:] + other + stored(cose)[-4:])


def _texts() -> list[Case]:
    good = Making().text()
    bomb, tail = _text(bytes.fromhex(_ZEROS)), _text(stored(Making().cose()) + b"\0")
    cut, plain = _text(stored(Making().cose())[:-1]), _text(Making().cose())
    return [
        case("a state's test, layer by layer", "unpack", None, text=_text(bytes.fromhex(_COMPRESSED))),
        case("the same in one stored block", "unpack", None, text=good),
        case("the same in two stored blocks", "unpack", None, text=_in_two_blocks(Making())),
        case("our own test, layer by layer", "unpack", None, text=OWN_MAKING.text()),
        case("PS256, layer by layer", "unpack", None, text=RSA_MAKING.text()),
        case("without HC1:", "unpack", FORMAT, text=good[4:]),
        case("HC2:", "unpack", FORMAT, text="HC2:" + good[4:]),
        case("small letters before the colon", "unpack", FORMAT, text="hc1:" + good[4:]),
        case("one character more than a QR code holds", "unpack", LIMIT, text=PREFIX + "0" * (MAX_CHARACTERS - 3)),
        case("a letter that Base45 has not", "unpack", FORMAT, text=good[:-1] + "_"),
        case("a line break at the end", "unpack", FORMAT, text=good + "\n"),
        case("one letter too many", "unpack", FORMAT, text=good + "0" * (1 + (1 - len(good)) % 3)),
        case("three letters that are more than two bytes", "unpack", FORMAT, text=PREFIX + ":::"),
        case("not compressed", "unpack", FORMAT, text=plain),
        case("compression cut short", "unpack", FORMAT, text=cut),
        case("a byte behind the compression", "unpack", FORMAT, text=tail),
        case("100,000 zeros in few bytes", "unpack", LIMIT, text=bomb),
        case("nothing compressed", "unpack", FORMAT, text=_text(stored(b""))),
        case("tag of a web token outside", "unpack", None, text=Making(tags=(61, 18)).text()),
        case("tag of a web token inside", "unpack", FORMAT, text=Making(tags=(18, 61)).text()),
        case("no tag", "unpack", FORMAT, text=Making(tags=()).text()),
        case("tag of a COSE_Mac0", "unpack", FORMAT, text=Making(tags=(17,)).text()),
        case("algorithm and key id unprotected", "unpack", None, text=_unprotected().text()),
        case("no key id", "unpack", FORMAT, text=Making(protected={1: ES256}).text()),
        case("no algorithm", "unpack", FORMAT, text=Making(protected={4: STATE_KID}).text()),
        case("algorithm ES384", "unpack", FORMAT, text=Making(protected={1: -35, 4: STATE_KID}).text()),
        case("a critical header", "unpack", FORMAT, text=Making(protected={1: ES256, 2: [4], 4: STATE_KID}).text()),
        case("no payload", "unpack", FORMAT, text=_without_payload()),
    ]


def _unprotected() -> Making:
    return Making(protected={}, unprotected={1: ES256, 4: STATE_KID})


def _without_payload() -> str:
    # d2 84 58.. header, a0, f6 (null), signature
    return _text(stored(bytes.fromhex("d28443a10126a0f640")))


def _signers() -> list[Case]:
    rsa = signer(STATE_RSA, RSA_KID)
    both = Making(unprotected={4: b"wrong id"})
    wrong = Making(protected={1: ES256, 4: b"wrong id"}, unprotected={4: STATE_KID})
    bent = Making().but(signature=bytes(64))
    flipped = Making().cose()[:-1] + bytes((Making().cose()[-1] ^ 1,))
    stranger = signer(ec_key("a stranger"), STATE_KID)
    return [
        opened("a state's test", None, Making()),
        opened("a state's vaccination", None, Making(claims=claims(CONTENTS["v"]))),
        opened("a state's recovery", None, Making(claims=claims(CONTENTS["r"]))),
        opened("PS256", None, RSA_MAKING, rsa),
        opened("signer not listed", BROKEN, Making(), rsa),
        opened("wrong key id unprotected beside the right one protected", None, both),
        opened("wrong key id protected beside the right one unprotected", BROKEN, wrong),
        opened("PS256 named for a key of P-256", BROKEN, Making(protected={1: PS256, 4: STATE_KID})),
        opened("ES256 named for a key of RSA", BROKEN, RSA_MAKING.but(protected={1: ES256, 4: RSA_KID}), rsa),
        opened("two signers share a key id, the second signed", None, Making(), _state(), stranger),
        opened("signed by another key of the same id", BROKEN, Making(), stranger),
        opened("a signature of zeros", BROKEN, bent),
        opened("a signature in DER", BROKEN, Making().but(signature=bytes.fromhex("3006020101020101"))),
        opened("one bit of the signature flipped", BROKEN, _text(stored(flipped))),
        opened("signer for vaccinations signs a test", BROKEN, Making(), _state(usages=("vaccination",))),
        opened("signer for tests only", None, Making(), _state(usages=("test",))),
        opened("signer not valid any more", BROKEN, Making(), _state(not_after=NOW - 1)),
        opened("signer not valid yet", BROKEN, Making(), _state(not_before=NOW + 1)),
        opened("last second of the signer", None, Making(), _state(not_after=NOW)),
        opened("signer revoked at this second", BROKEN, Making(), _state(revoked_at=NOW)),
        opened("signer to be revoked in a second", None, Making(), _state(revoked_at=NOW + 1)),
    ]


def _claims() -> list[Case]:
    def made(**changes: Any) -> Making:
        return Making(claims=claims(CONTENTS["t"], **changes))

    body = claims(CONTENTS["t"])
    return [
        opened("first second", None, made(iat=NOW)),
        opened("a second too early", BROKEN, made(iat=NOW + 1)),
        opened("last second", None, made(exp=NOW)),
        opened("a second too late", BROKEN, made(exp=NOW - 1)),
        opened("issued in a fraction of this second", BROKEN, made(iat=NOW + 0.25)),
        opened("expires in a fraction of this second", None, made(exp=NOW + 0.25)),
        opened("not before the next second", BROKEN, made(nbf=NOW + 1)),
        opened("no issuer", None, Making(claims={key: value for key, value in body.items() if key != 1})),
        opened("no time of issue", FORMAT, Making(claims={key: value for key, value in body.items() if key != 6})),
        opened("no expiry", FORMAT, Making(claims={key: value for key, value in body.items() if key != 4})),
        opened("an expiry that is no number", FORMAT, made(exp=float("nan"))),
        opened("a claim that is not known", None, Making(claims={**body, -65_999: "x"})),
        opened("neither certificate nor clearance", FORMAT, Making(claims={1: "AT", 4: EXPIRES, 6: ISSUED})),
        opened("certificate and clearance", FORMAT, Making(claims={**body, -70_260: CLEARANCE})),
        opened("claims of indefinite length", None, Making(payload=_indefinite(body))),
        opened("a claim twice", FORMAT, Making(payload=b"\xa2\x01\x62AT\x01\x62AT")),
        opened("a tag among the claims", FORMAT, Making(payload=b"\xa1\x06\xc1\x1a\x69\x5b\x87\x00")),
        opened("arrays in arrays without end", FORMAT, Making(payload=b"\x81" * 2000)),
    ]


def _indefinite(body: dict[Any, Any]) -> bytes:
    """The map with an indefinite length, as some states write it."""
    return b"\xbf" + b"".join(cbor2.dumps(key) + cbor2.dumps(value) for key, value in body.items()) + b"\xff"


def _contents() -> list[Case]:
    def made(body: Any) -> Making:
        return Making(claims=claims(body))

    test = content("t", TEST)
    return [
        opened("groups that are null", None, made({**test, "v": None, "r": None})),
        opened("a member that is not known", None, made({**test, "meta": {"url": "x"}})),
        opened("two groups", FORMAT, made({**test, "v": [VACCINATION]})),
        opened("two entries", FORMAT, made({**test, "t": [TEST, TEST]})),
        opened("no entry", FORMAT, made({**test, "t": []})),
        opened("no group", FORMAT, made({"ver": "1.3.0", "nam": {"fnt": ""}, "dob": ""})),
        opened("no date of birth", FORMAT, made({key: value for key, value in test.items() if key != "dob"})),
        opened("month of birth", None, made({**test, "dob": "1990-05"})),
        opened("a month of birth that does not exist", FORMAT, made({**test, "dob": "1990-13"})),
        opened("no standardised name", FORMAT, made({**test, "nam": {"fn": "Muster"}})),
        opened("a standardised name of small letters", FORMAT, made({**test, "nam": {"fnt": "Muster"}})),
        opened("a version of two numbers", FORMAT, made({**test, "ver": "1.3"})),
        opened("sample in another time zone", None, made(content("t", TEST | {"sc": "2026-01-05T09:30:00.5+01"}))),
        opened("sample without time zone", FORMAT, made(content("t", TEST | {"sc": "2026-01-05T09:30:00"}))),
        opened("date with a time", None, made(content("r", RECOVERY | {"fr": "2025-12-10T00:00:00"}))),
        opened("a day that does not exist", FORMAT, made(content("r", RECOVERY | {"fr": "2025-02-29"}))),
        opened("no certificate id", FORMAT, made(content("r", {k: v for k, v in RECOVERY.items() if k != "ci"}))),
        opened("a text of 81 letters", FORMAT, made(content("t", TEST | {"tc": "x" * 81}))),
        opened("dose 0", FORMAT, made(content("v", VACCINATION | {"dn": 0}))),
        opened("a dose that is a text", FORMAT, made(content("v", VACCINATION | {"dn": "2"}))),
        opened("content is a list", FORMAT, made([test])),
    ]


def _own() -> list[Case]:
    revoked = {OPERATIONS["read_unverified"]({"text": OWN_MAKING.text()})["revocation_digest"]: NOW}
    later = dict.fromkeys(revoked, NOW + 1)
    own = claims(CONTENTS["t"], iss="XX")
    foreign = Making(claims=CLEARANCE_MAKING.claims)
    elsewhere = {**CLEARANCE_MAKING.claims, -70_260: CLEARANCE | {"region": "other"}}
    earlier = {**CLEARANCE_MAKING.claims, -70_260: CLEARANCE | {"issued_at": ISSUED - 1}}
    not_clearing = signer(AUTHORITY.key, canonical=True)
    unsaid = {key: value for key, value in own.items() if key != 1}
    larger = with_upper_half(parse_sign1(OWN_MAKING.cose()).signature)
    state_larger = with_upper_half(parse_sign1(Making().cose()).signature)
    return [
        opened("our own test", None, OWN_MAKING, OWN_SIGNER),
        opened("our own test in two stored blocks", FORMAT, _in_two_blocks(OWN_MAKING), OWN_SIGNER),
        opened("our own test, two tags", FORMAT, OWN_MAKING.but(tags=(61, 18)), OWN_SIGNER),
        opened("our own test, indefinite length", FORMAT, OWN_MAKING.but(payload=_indefinite(own)), OWN_SIGNER),
        opened("our own test, one claim more", FORMAT, OWN_MAKING.but(claims={**own, 7: b"x"}), OWN_SIGNER),
        opened("our own test, without its issuer", FORMAT, OWN_MAKING.but(claims=unsaid), OWN_SIGNER),
        opened("our own test, the larger s", FORMAT, OWN_MAKING.but(signature=larger), OWN_SIGNER),
        opened("a state's test, the larger s", None, Making(signature=state_larger)),
        opened("the same by a signer of any spelling", None, _in_two_blocks(OWN_MAKING), signer(AUTHORITY.key)),
        opened("revoked at this second", BROKEN, OWN_MAKING, OWN_SIGNER, **revoked),
        opened("to be revoked in a second", None, OWN_MAKING, OWN_SIGNER, **later),
        opened("a clearance", None, CLEARANCE_MAKING, OWN_SIGNER),
        opened("a clearance by a state", BROKEN, foreign),
        opened("a clearance by a key for results", BROKEN, CLEARANCE_MAKING, not_clearing),
        opened("a clearance of another region", BROKEN, CLEARANCE_MAKING.but(claims=elsewhere), OWN_SIGNER),
        opened("a clearance of two times", FORMAT, CLEARANCE_MAKING.but(claims=earlier), OWN_SIGNER),
    ]
