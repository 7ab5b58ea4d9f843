"""What the authority makes is what every reader reads. specs/certificate.md section 3"""

import json
import os
from datetime import date
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate import Certificate, open_certificate
from ownhue.certificate.content import RecoveryEntry, ResultEntry, VaccinationEntry
from ownhue.certificate.cose import parse_sign1
from ownhue.certificate.hcert import unpack
from ownhue.certificate.issue import (
    Authority,
    Person,
    issue_certificate,
    make_person,
    negative_test,
    new_uvci,
    recovery,
    uvci_check_letter,
    vaccination,
)
from ownhue.errors import FormatError
from tests.protocol.certificate_cases import AUTHORITY, EXPIRES, ISSUED, NOW, OWN_SIGNER, UVCI, trust
from tests.shared import SPECS, shared_path

PERSON = make_person("Muster-Größe", "Probe", "1990-05-17")
SAMPLED = ISSUED - 5400
TEST = negative_test(AUTHORITY, UVCI, "naat", SAMPLED, "Desk 1")
RECOVERY = recovery(AUTHORITY, UVCI, date(2025, 12, 10), date(2025, 12, 21), date(2026, 6, 8))
DOSE = vaccination(AUTHORITY, UVCI, date(2025, 11, 3), 2, 2, ("1119349007", "EU/1/20/1528", "ORG-100030215"))


def issued(entry: Any, person: Person | None = PERSON) -> tuple[str, Certificate]:
    text = issue_certificate(AUTHORITY, entry, person, ISSUED, EXPIRES)
    found = open_certificate(text, trust(OWN_SIGNER), NOW)
    assert isinstance(found, Certificate)
    return text, found


@pytest.mark.parametrize("entry", [TEST, RECOVERY, DOSE], ids=["test", "recovery", "vaccination"])
@pytest.mark.parametrize("person", [PERSON, None], ids=["person", "nobody"])
def test_what_is_issued_is_opened_in_its_one_spelling(entry: Any, person: Person | None) -> None:
    text, found = issued(entry, person)
    assert found.entry == entry
    assert found.issuer == found.entry.co == "XX"
    assert found.entry.is_ == "Health Office"
    assert found.content.names_nobody == (person is None)
    assert (found.issued_at, found.expires_at, found.kid) == (ISSUED, EXPIRES, AUTHORITY.kid)
    assert issued(entry, person)[0] == text


def test_entries_say_what_they_were_made_of() -> None:
    assert isinstance(TEST, ResultEntry)
    assert (TEST.tt, TEST.tr, TEST.sampled_at, TEST.tc) == ("LP6464-4", "260415000", SAMPLED, "Desk 1")
    assert negative_test(AUTHORITY, UVCI, "rat", SAMPLED, "Desk 1").tt == "LP217198-3"
    assert isinstance(RECOVERY, RecoveryEntry)
    assert (RECOVERY.fr, RECOVERY.df, RECOVERY.du) == ("2025-12-10", "2025-12-21", "2026-06-08")
    assert isinstance(DOSE, VaccinationEntry)
    assert (DOSE.dn, DOSE.sd, DOSE.complete, DOSE.dt) == (2, 2, True, "2025-11-03")


def test_a_payload_is_deterministic_cbor_to_another_library() -> None:
    sign1 = parse_sign1(unpack(issued(TEST)[0]))
    assert cbor2.dumps(cbor2.loads(sign1.payload), canonical=True) == sign1.payload
    assert cbor2.dumps(cbor2.loads(sign1.protected), canonical=True) == sign1.protected


def test_a_name_is_standardised_and_kept_as_it_is_written() -> None:
    name = make_person("d'C\u030cervená Řeka", "Příklad-Druhý Třetí", "1990").name
    assert (name.fnt, name.gnt) == ("DCERVENA<REKA", "PRIKLAD<DRUHY<TRETI")
    assert name.fn == "d'Červená Řeka"  # composed


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_person("Пример", "Probe", "1990"),
        lambda: make_person("x" * 81, "Probe", "1990"),
        lambda: issued(TEST, Person(PERSON.name, "17.05.1990")),
        lambda: negative_test(AUTHORITY, "", "naat", SAMPLED, "Desk 1"),
        lambda: negative_test(AUTHORITY, UVCI, "naat", SAMPLED, "x" * 81),
        lambda: negative_test(Authority("xx", "Health Office", AUTHORITY.key), UVCI, "naat", SAMPLED, "Desk 1"),
        lambda: recovery(AUTHORITY, UVCI, date(1970, 1, 1), date(2025, 1, 1), date(2025, 1, 1)),
        lambda: vaccination(AUTHORITY, UVCI, date(2025, 11, 3), 0, 2, ("a", "b", "c")),
        lambda: issue_certificate(AUTHORITY, TEST, PERSON, EXPIRES, ISSUED),
        lambda: issue_certificate(AUTHORITY, TEST, PERSON, ISSUED, 2**32),
        lambda: issue_certificate(AUTHORITY, TEST, PERSON, -1, EXPIRES),
        lambda: Authority("XX", "Health Office", ec.derive_private_key(5, ec.SECP384R1())),
        lambda: new_uvci("xx", bytes),
    ],
)
def test_what_no_phone_would_take_is_not_issued(make: Any) -> None:
    with pytest.raises(FormatError):
        make()


def test_a_certificate_id_has_sixteen_random_bytes_and_its_check_letter() -> None:
    taken: list[int] = []

    def random(length: int) -> bytes:
        taken.append(length)
        return bytes(range(length))

    assert new_uvci("XX", random) == UVCI
    assert taken == [16]
    assert len({new_uvci("XX", os.urandom) for _ in range(100)}) == 100


def test_the_check_letter_is_that_of_states() -> None:
    """Eleven of the EU's certificates carry ids whose check letter is over all of the text before it."""
    found = set()
    for case in json.loads(shared_path("vectors/eu-dcc.json").read_bytes()):
        for group in "vtr":
            for entry in (case["JSON"] or {}).get(group) or []:
                text, mark, letter = entry["ci"].partition("#")
                if mark and not text.islower() and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:"):
                    found |= {case["id"]} if uvci_check_letter(text) == letter else set()
    assert {"AT/1", "BE/1", "DK/1", "FR/DCC_Test_0001", "GR/1", "HU/1", "IS/1", "LT/1", "SI/REC", "SM/1"} <= found


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:", min_size=2, max_size=40), st.data())
def test_one_wrong_letter_of_a_certificate_id_is_noticed(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:"))
    changed = text[:at] + letter + text[at + 1 :]
    assert (uvci_check_letter(changed) == uvci_check_letter(text)) == (changed == text)


def test_the_spec_states_how_long_the_texts_of_the_vectors_are() -> None:
    spec = (SPECS / "certificate.md").read_text()
    cases = json.loads((SPECS / "vectors" / "certificate.json").read_bytes())["cases"]
    texts = {
        case["name"]: case["output"]["text"]
        for case in cases
        if case["operation"].startswith("issue") and "output" in case
    }
    for name, row in (
        ("a negative test", "test with a person"),
        ("a rapid test without a person", "test without"),
        ("a recovery", "recovery"),
        ("a vaccination", "vaccination"),
        ("clearance of a finding", "clearance"),
    ):
        assert f"| {row} | {len(texts[name])} |" in spec, len(texts[name])


def test_a_key_shows_in_no_repr() -> None:
    shown = repr(AUTHORITY) + repr(PERSON)
    assert "EllipticCurve" not in shown
    assert "Muster" not in shown
    assert "1990" not in shown
