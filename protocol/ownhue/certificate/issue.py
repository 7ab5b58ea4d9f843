"""Our own certificates: the authority's results and clearances, byte for byte. specs/certificate.md section 3

    authority = Authority("XX", "Health Office", private_key)
    entry = negative_test(authority, new_uvci("XX", os.urandom), "naat", sampled_at, "Desk 1")
    person = make_person("Muster", "Probe", "1990-01-01")
    text = issue_certificate(authority, entry, person, issued_at, expires_at)
    text = issue_clearance(authority, "demo", "0f1e2d3c4b5a6978", issued_at, expires_at)

- The same input gives the same text: deterministic CBOR, RFC 6979, one stored zlib block.
- A certificate without a person is good for whoever holds it. Whether such are given out is the authority's choice.
- Everything goes through the reader's own model first, so that no desk hands out what a phone refuses.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey

from ownhue.certificate.content import (
    COVID_19,
    NAAT,
    NOT_DETECTED,
    RAT,
    SCHEMA_VERSION,
    Entry,
    Name,
    RecoveryEntry,
    ResultEntry,
    VaccinationEntry,
    content_body,
    parse_clearance,
    parse_content,
)
from ownhue.certificate.cose import key_bytes, make_sign1, own_kid
from ownhue.certificate.hcert import Claims, claims_bytes, pack
from ownhue.certificate.holder import standardised
from ownhue.certificate.parts import parse_part
from ownhue.colour.evidence_facts import TestKind
from ownhue.errors import FormatError

#: Letters of a UVCI, in the order of their check numbers. specs/certificate.md section 3
UVCI_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:"
#: Random bytes of a UVCI. specs/certificate.md section 3
UVCI_RANDOM_BYTES = 16

Random = Callable[[int], bytes]

_TEST_KINDS: dict[TestKind, str] = {"naat": NAAT, "rat": RAT}


@dataclass(frozen=True)
class Authority:
    """Who issues. Raises FormatError for a key that is not of P-256."""

    country: str
    """Country in certificates, capital letters."""
    name: str
    """Issuer in certificates."""
    key: EllipticCurvePrivateKey = field(repr=False)
    """ES256 key; its public half stands in the trust list as canonical."""

    def __post_init__(self) -> None:
        if not isinstance(self.key.curve, SECP256R1):
            raise FormatError("an authority signs certificates by a key of P-256")

    @property
    def kid(self) -> bytes:
        """Its key id, 8 bytes."""
        return own_kid(key_bytes(self.key.public_key()))


@dataclass(frozen=True, slots=True)
class Person:
    """Who a certificate is for."""

    name: Name = field(repr=False)
    born: str = field(repr=False)
    """A date, a month or a year."""


def make_person(family: str, given: str, born: str) -> Person:
    """A person by the names in the passport. Raises FormatError for letters that need a choice of Latin ones."""
    family, given = (unicodedata.normalize("NFC", name) for name in (family, given))
    body = {"fn": family, "fnt": standardised(family), "gn": given, "gnt": standardised(given)}
    return Person(parse_part(Name, body, "not the name of a person"), born)


def new_uvci(country: str, random: Random) -> str:
    """A fresh certificate id. Takes 16 bytes from *random*."""
    text = f"URN:UVCI:01:{country}:{random(UVCI_RANDOM_BYTES).hex().upper()}"
    return f"{text}#{uvci_check_letter(text)}"


def uvci_check_letter(text: str) -> str:
    """The letter behind "#": Luhn's sum modulo 38. Raises FormatError for other letters than a UVCI has."""
    total, count = 0, len(UVCI_LETTERS)
    for position, letter in enumerate(reversed(text)):
        if letter not in UVCI_LETTERS:
            raise FormatError("a UVCI has capital letters, digits, slashes and colons")
        # Every second number is doubled, beginning with the last; of two digits the sum counts.
        total += sum(divmod(UVCI_LETTERS.index(letter) * (2 - position % 2), count))
    return UVCI_LETTERS[-total % count]


def negative_test(authority: Authority, uvci: str, kind: TestKind, sampled_at: int, centre: str) -> ResultEntry:
    """A negative test. *sampled_at*: unix second of the sample; *centre*: where. Raises FormatError."""
    if not 0 <= sampled_at < 2**32 or kind not in _TEST_KINDS:
        raise FormatError("not a test: its time has not 32 bits, or its kind is not known")
    taken = datetime.fromtimestamp(sampled_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"tt": _TEST_KINDS[kind], "sc": taken, "tr": NOT_DETECTED, "tc": centre}
    return parse_part(ResultEntry, _common(authority, uvci) | body, "not a test")


def recovery(authority: Authority, uvci: str, first: date, valid_from: date, valid_until: date) -> RecoveryEntry:
    """A recovery. *first*: date of the first positive result. Raises FormatError."""
    body = {"fr": first.isoformat(), "df": valid_from.isoformat(), "du": valid_until.isoformat()}
    return parse_part(RecoveryEntry, _common(authority, uvci) | body, "not a recovery")


def vaccination(
    authority: Authority, uvci: str, day: date, dose: int, doses: int, vaccine: tuple[str, str, str]
) -> VaccinationEntry:
    """A vaccination: dose number *dose* of *doses*. *vaccine*: the EU's codes of kind, product and maker.

    Raises FormatError.
    """
    body = dict(zip(("vp", "mp", "ma"), vaccine, strict=False)) | {"dn": dose, "sd": doses, "dt": day.isoformat()}
    return parse_part(VaccinationEntry, _common(authority, uvci) | body, "not a vaccination")


def issue_certificate(
    authority: Authority, entry: Entry, person: Person | None, issued_at: int, expires_at: int
) -> str:
    """The text of a certificate, "HC1:...". Times in unix seconds, both inclusive. Raises FormatError, LimitError."""
    nobody: dict[str, Any] = {"nam": {"fnt": ""}, "dob": ""}
    who = nobody if person is None else {"nam": content_body(person.name), "dob": person.born}
    group = "t" if isinstance(entry, ResultEntry) else "r" if isinstance(entry, RecoveryEntry) else "v"
    content = parse_content({"ver": SCHEMA_VERSION, **who, group: [content_body(entry)]})
    return _issue(authority, Claims(authority.country, issued_at, expires_at, content_body(content), None))


def issue_clearance(authority: Authority, region: str, finding: str, issued_at: int, expires_at: int) -> str:
    """The text of a clearance of one finding (its id, 16 hexadecimal digits). Raises FormatError."""
    body = parse_clearance({"finding": finding, "region": region, "issued_at": issued_at})
    return _issue(authority, Claims(authority.country, issued_at, expires_at, None, content_body(body)))


def _issue(authority: Authority, claims: Claims) -> str:
    if not 0 <= claims.issued_at <= claims.expires_at < 2**32:
        raise FormatError("a certificate begins before it ends, in times of 32 bits")
    return pack(make_sign1(claims_bytes(claims), authority.kid, authority.key))


def _common(authority: Authority, uvci: str) -> dict[str, str]:
    """What every entry has."""
    return {"tg": COVID_19, "co": authority.country, "is": authority.name, "ci": uvci}
