"""Whose certificate it is: compared on the phone only. specs/certificate.md section 6"""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate import Certificate, read_unverified
from ownhue.certificate.holder import Owner, check_holder, spellings, standardised
from ownhue.errors import FormatError, VerificationError
from tests.protocol.certificate_cases import TEST, Making, claims, content
from tests.shared import shared_path

BORN = date(1990, 5, 17)


def certificate(fnt: str, gnt: str | None = None, dob: str = "1990-05-17") -> Certificate:
    found = read_unverified(Making(claims=claims(content("t", TEST, nam={"fnt": fnt, "gnt": gnt}, dob=dob))).text())
    assert isinstance(found, Certificate)
    return found


def refused(held: Certificate, owner: Owner) -> None:
    with pytest.raises(VerificationError, match="another person's"):
        check_holder(held, owner)


@pytest.mark.parametrize(
    ("fnt", "gnt", "family", "given_names"),
    [
        ("MUSTER", "PROBE", "Muster", "Probe"),
        ("MUEHLE", "PROBE", "Mühle", "Probe"),
        ("MUHLE", "PROBE", "Mühle", "Probe"),
        ("MUEHLE", "PROBE", "Mu\u0308hle", "probe"),
        ("MUEHLE", "PROBE", "MUEHLE", "PROBE"),
        ("MUEHLE<HUETTE", "PROBE<ZWEI", "Mühle-Hütte", "Probe Zwei"),
        ("MUSTER", "PROBE", "Muster", "Probe Zwei"),
        ("MUSTER", "PROBE<ZWEI", "Muster", "Probe"),
        ("MUSTER", None, "Muster", "Probe"),
        ("", "PROBE", "anything", "Probe"),
        ("LETE", "EN<AOUT", "L’Été", "En Août"),
        ("THORP", "OEL", "Þorp", "Öl"),
        ("STRASSE<MASS", "NAIVE", "Straße-Maß", "Naïve"),
        ("IJSVOGEL", "LAKA", "Ĳsvogel", "Łąka"),
        ("MUSTER<<", "<PROBE<", "Muster", "Probe"),
    ],
)
def test_the_owner_is_recognised(fnt: str, gnt: str | None, family: str, given_names: str) -> None:
    check_holder(certificate(fnt, gnt), Owner(family, given_names, BORN))


@pytest.mark.parametrize(
    ("fnt", "gnt", "family", "given_names"),
    [
        ("MUSTER", "PROBE", "Musterung", "Probe"),
        ("MUSTER<MANN", "PROBE", "Muster", "Probe"),
        ("MUSTER", "PROBE", "Muster", "Zwei"),
        ("MUSTER", "PROBE<ZWEI", "Muster", "Zwei"),
        ("MUSTER", "PROBEN", "Muster", "Probe"),
        ("MUSTER", "PROBE", "Probe", "Muster"),
        ("MUSTER", "PROBE", "Muster", ""),
        ("MUSTER", "PROBE", "", "Probe"),
        ("", "PROBE", "Muster", "Zwei"),
        ("MUEHLE", "PROBE", "Möhre", "Probe"),
    ],
)
def test_a_certificate_that_was_handed_on_is_refused(fnt: str, gnt: str | None, family: str, given_names: str) -> None:
    refused(certificate(fnt, gnt), Owner(family, given_names, BORN))


@pytest.mark.parametrize(
    ("dob", "born", "same"),
    [
        ("1990-05-17", BORN, True),
        ("1990-05", BORN, True),
        ("1990", BORN, True),
        ("", BORN, True),
        ("1990-05-18", BORN, False),
        ("1990-06", BORN, False),
        ("1991", BORN, False),
        ("1990-05-01", date(1990, 5, 10), False),
        ("1990-01", date(1990, 11, 1), False),
    ],
)
def test_the_part_of_the_date_that_is_told_has_to_be_the_same(dob: str, born: date, same: bool) -> None:
    held, owner = certificate("MUSTER", "PROBE", dob), Owner("Muster", "Probe", born)
    if same:
        check_holder(held, owner)
    else:
        refused(held, owner)


def test_a_certificate_of_nobody_is_nobody_s() -> None:
    """A date of birth alone ties a certificate to thousands."""
    for held in (certificate(""), certificate("", "", ""), certificate("", None, "")):
        with pytest.raises(VerificationError, match="names nobody"):
            check_holder(held, Owner("Muster", "Probe", BORN))


def test_a_name_in_another_script_has_to_be_typed_in_latin_letters() -> None:
    for name in ("Пример", "例", "Mühle-例", "3rd", "Probe\0"):
        with pytest.raises(FormatError, match="lower lines"):
            spellings(name)


def test_names_of_the_eu_s_certificates_become_what_their_states_made_of_them() -> None:
    """Of 45 certificates with names in Latin letters; GR, BG and UA and GE transliterate other scripts."""
    seen = 0
    for case in json.loads(shared_path("vectors/eu-dcc.json").read_bytes()):
        name: dict[str, Any] = (case["JSON"] or {}).get("nam") or {}
        for written, machine in (("fn", "fnt"), ("gn", "gnt")):
            text = name.get(written, "")
            if not text or case["id"] in {"BG/1", "GR/1", "UA/1", "GE/1", "SG/1-booster"}:
                continue
            assert name[machine] in spellings(text), (case["id"], text)
            seen += 1
    assert seen > 70


@given(st.text(max_size=30))
def test_what_is_standardised_is_so_and_stays_so(text: str) -> None:
    try:
        found = spellings(text)
    except FormatError:
        return
    for one in found:
        assert set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ<")
        assert standardised(one) == one
        assert not one.startswith("<")
        assert "<<" not in one


def test_an_owner_shows_in_no_repr() -> None:
    assert repr(Owner("Muster", "Probe", BORN)) == "Owner()"
