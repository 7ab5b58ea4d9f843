"""Cases of vectors/certificate.json: what certificates mean, whose they are, how they and trust lists are made."""

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from nacl.signing import SigningKey

from ownhue.certificate.content import DETECTED, RAT
from ownhue.certificate.trust_list import DOCUMENT_KIND, sign_trust_list, trust_body
from ownhue.documents import sign_document
from tests.conformance.certificate_case import BROKEN, FORMAT, Case, case
from tests.protocol.certificate_cases import (
    AUTHORITY,
    CLEARANCE_MAKING,
    CONTENTS,
    DAY,
    EXPIRES,
    FINDING,
    ISSUED,
    NOW,
    OWN_SIGNER,
    RECOVERY,
    REGION,
    RSA_KID,
    STATE,
    STATE_KID,
    STATE_RSA,
    TEST,
    UVCI,
    VACCINATION,
    ZONE,
    Making,
    claims,
    content,
    signer,
    trust,
)

_STATE = signer(STATE, STATE_KID)
_LIST_KEY = SigningKey(b"\x31" * 32)


def cases() -> list[Case]:
    """All of them."""
    return [made for group in (_issued, _meaning, _holders, _doors, _lists) for made in group()]


def _issued() -> list[Case]:
    number = AUTHORITY.key.private_numbers().private_value
    own = {"secret": f"{number:064x}", "country": "XX", "name": "Health Office", "uvci": UVCI}
    times = {"issued_at": ISSUED, "expires_at": EXPIRES}
    person = {"family": "Muster-Größe", "given": "Probe", "born": "1990-05-17"}
    test = {"kind": "naat", "sampled_at": ISSUED - 5400, "centre": "Desk 1"}
    recovered = {"kind": "recovery", "first": "2025-12-10", "valid_from": "2025-12-21", "valid_until": "2026-06-08"}
    dose = {"kind": "vaccination", "day": "2025-11-03", "dose": 2, "doses": 2}
    dose |= {"vaccine": "1119349007", "product": "EU/1/20/1528", "maker": "ORG-100030215"}

    def issued(name: str, error: str | None, **given: Any) -> Case:
        return case(name, "issue_certificate", error, **({**own, "person": person, "entry": test, **times} | given))

    def cleared(name: str, error: str | None, **given: Any) -> Case:
        made = {key: own[key] for key in ("secret", "country", "name")} | {
            "region": REGION,
            "finding": FINDING,
            **times,
        }
        return case(name, "issue_clearance", error, **(made | given))

    return [
        issued("a negative test", None),
        issued("a rapid test without a person", None, person=None, entry=test | {"kind": "rat"}),
        issued("a recovery", None, entry=recovered),
        issued("a vaccination", None, entry=dose),
        issued("a name in letters that passports spell otherwise", FORMAT, person=person | {"family": "Пример"}),
        issued("ends before it begins", FORMAT, expires_at=ISSUED - 1),
        issued("a country in small letters", FORMAT, country="xx"),
        cleared("clearance of a finding", None),
        cleared("clearance of what is no finding", FORMAT, finding="0F1E2D3C4B5A6978"),
        case("a certificate id", "new_uvci", None, country="XX", random=bytes(range(16)).hex()),
        case("a certificate id of small letters", "new_uvci", FORMAT, country="xx", random=bytes(16).hex()),
    ]


def _meaning() -> list[Case]:
    def fact(name: str, error: str | None, group: str, entry: dict[str, Any], now: int = NOW) -> Case:
        text = Making(claims=claims(content(group, entry), exp=NOW + 300 * DAY)).text()
        return case(name, "fact", error, text=text, trust=trust_body(trust(_STATE)), now=now, zone=ZONE)

    cleared = trust_body(trust(OWN_SIGNER))
    return [
        fact("fact of a laboratory test", None, "t", TEST),
        fact("fact of a rapid test", None, "t", TEST | {"tt": RAT}),
        fact("fact of a recovery", None, "r", RECOVERY),
        fact("fact of a complete vaccination", None, "v", VACCINATION),
        fact("fact of a first of two doses", None, "v", VACCINATION | {"dn": 1}),
        fact("the same certificate id in small letters", None, "v", VACCINATION | {"ci": UVCI.lower()}),
        fact("the same certificate id without its beginning", None, "v", VACCINATION | {"ci": UVCI[9:]}),
        fact("a positive result", BROKEN, "t", TEST | {"tr": DETECTED}),
        fact("a result of another kind", BROKEN, "t", TEST | {"tr": "419984006"}),
        fact("a test of another kind", BROKEN, "t", TEST | {"tt": "a test"}),
        fact("another disease", BROKEN, "t", TEST | {"tg": "6142004"}),
        fact("a sample in the future", BROKEN, "t", TEST | {"sc": "2026-01-05T10:00:01Z"}),
        fact("a vaccination of today, before noon", None, "v", VACCINATION | {"dt": "2026-01-05"}),
        fact("a vaccination of tomorrow", BROKEN, "v", VACCINATION | {"dt": "2026-01-06"}),
        case("fact of a clearance", "fact", None, text=CLEARANCE_MAKING.text(), trust=cleared, now=NOW, zone=ZONE),
    ]


def _holders() -> list[Case]:
    def held(name: str, error: str | None, family: str, given: str, born: str, **changes: Any) -> Case:
        text = Making(claims=claims(content("t", TEST, **changes))).text()
        return case(name, "check_holder", error, text=text, family=family, given=given, born=born)

    two = {"nam": {"fnt": "MUEHLE", "gnt": "PROBE<ZWEI"}}
    bare = {"nam": {"fnt": "MUHLE", "gnt": "PROBE"}}
    nobody = {"nam": {"fnt": ""}, "dob": ""}
    return [
        held("the owner", None, "Muster-Größe", "Probe", "1990-05-17"),
        held("the owner as the passport's lower lines say", None, "MUSTER<GROESSE", "PROBE", "1990-05-17"),
        held("born on another day", BROKEN, "Muster-Größe", "Probe", "1990-05-18"),
        held("another given name", BROKEN, "Muster-Größe", "Prober", "1990-05-17"),
        held("half of the family name", BROKEN, "Muster", "Probe", "1990-05-17"),
        held("Ü as UE, second given name left out", None, "Mühle", "Probe", "1990-05-17", **two),
        held("Ü as U, second given name too many", None, "Mühle", "Probe Zwei", "1990-05-17", **bare),
        held("second given name alone", BROKEN, "Mühle", "Zwei", "1990-05-17", **two),
        held("year of birth alone", None, "Muster-Größe", "Probe", "1990-11-30", dob="1990"),
        held("names nobody", BROKEN, "Muster-Größe", "Probe", "1990-05-17", **nobody),
        held("names nobody: filling alone", BROKEN, "-", "-", "1990-05-17", nam={"fnt": "<", "gnt": "<"}, dob=""),
        held("a given name and filling", None, "Muster", "Probe", "1990-05-17", nam={"fnt": "<", "gnt": "PROBE"}),
        held("the owner's name in another script", FORMAT, "Пример", "Probe", "1990-05-17"),
        case("a name in both spellings", "spellings", None, name="Þorp d’Été-Łąka ÅŒß"),
    ]


def _doors() -> list[Case]:
    def door(name: str, error: str | None, text: str, requires: list[str], hours: int = 48, now: int = NOW) -> Case:
        own = trust_body(trust(_STATE, OWN_SIGNER))
        return case(
            name, "verify_shown", error, text=text, trust=own, zone=ZONE, now=now, requires=requires, test_hours=hours
        )

    test, every = Making().text(), ["negative_test", "recovery", "vaccination"]
    first = Making(claims=claims(content("v", VACCINATION | {"dn": 1}))).text()
    late = Making(claims=claims(content("r", RECOVERY | {"du": "2026-01-04"}))).text()
    return [
        door("shown: a test", None, test, every),
        door("shown: a test of exactly 2 hours", None, test, every, 2, NOW + 1800),
        door("shown: a test older by a second", BROKEN, test, every, 2, NOW + 1801),
        door("shown: a vaccination", None, Making(claims=claims(CONTENTS["v"])).text(), every),
        door("shown: a first of two doses", BROKEN, first, every),
        door("shown: a recovery", None, Making(claims=claims(CONTENTS["r"])).text(), every),
        door("shown: a recovery that ended yesterday", BROKEN, late, every),
        door("shown: a kind that is not asked for", BROKEN, test, ["vaccination"]),
        door("shown: nothing is asked for", BROKEN, test, []),
        door("shown: a clearance", BROKEN, CLEARANCE_MAKING.text(), every),
    ]


def _lists() -> list[Case]:
    body = trust(OWN_SIGNER, _STATE, signer(STATE_RSA, RSA_KID), revoked={"5e" * 16: NOW})
    document = sign_trust_list(body, _LIST_KEY).decode()
    keys = [bytes(_LIST_KEY.verify_key).hex()]

    salted = trust_body(body)
    salted["signers"][1] |= {"canonical": True}
    by_rsa = sign_document(DOCUMENT_KIND, salted, _LIST_KEY).decode()

    def listed(name: str, error: str | None, text: str, threshold: int = 1) -> Case:
        return case(name, "open_trust_list", error, document=text, keys=keys, threshold=threshold)

    return [
        listed("a trust list", None, document),
        listed("a trust list that was changed", BROKEN, document.replace('"country":"AT"', '"country":"BT"', 1)),
        listed("a trust list that needs two signatures", BROKEN, document, 2),
        listed("a trust list with a signer of one spelling by RSA", FORMAT, by_rsa),
        listed("a trust list in another spelling", FORMAT, document + "\n"),
        case("X.509, signer for tests", "signer_from_x509", None, der=_x509(1).hex(), country="AT"),
        case("X.509, signer for everything", "signer_from_x509", None, der=_x509().hex(), country="AT"),
        case("X.509, cut short", "signer_from_x509", FORMAT, der=_x509()[:-1].hex(), country="AT"),
    ]


def _x509(*usages: int) -> bytes:
    """A signer's X.509 certificate with the usages of these numbers; without any, it has no such extension."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    start, end = (datetime.fromtimestamp(second, UTC) for second in (NOW - 30 * DAY, NOW + 300 * DAY))
    builder = x509.CertificateBuilder(name, name, STATE.public_key(), 7, start, end)
    if usages:
        ids = [x509.ObjectIdentifier(f"1.3.6.1.4.1.1847.2021.1.{number}") for number in usages]
        builder = builder.add_extension(x509.ExtendedKeyUsage(ids), critical=False)
    return builder.sign(STATE, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)
