"""Certificates and clearances on the phone: verified once, of the owner alone, kept whole, and only facts decide."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ownhue.certificate.content import DETECTED
from ownhue.certificate.holder import Owner
from ownhue.certificate.issue import (
    Authority,
    Person,
    issue_certificate,
    issue_clearance,
    make_person,
    negative_test,
    new_uvci,
)
from ownhue.certificate.trust_list import TrustList, sign_trust_list
from ownhue.colour import Colour, WhyNot, decision_bytes
from ownhue.colour.facts import facts_bytes
from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue_client.phone import Phone
from ownhue_client.phone import certificates as certificates_module
from ownhue_client.phone import clearances as clearances_module
from tests.client.publisher import AUTHORITY_KEY, START
from tests.client.test_phone_colour import MEETING, expose
from tests.client.town import DAY, HOUR, Town
from tests.protocol.certificate_cases import ec_key, signer

AUTHORITY = Authority("XX", "Health Office", ec_key("authority"))
OWNER = Owner("Muster-Größe", "Probe", date(1990, 5, 17))
PERSON = make_person("Muster-Größe", "Probe", "1990-05-17")
OTHER = make_person("Beispiel", "Anders", "1985-01-02")
#: The fifth day after the meeting, from which a PCR test ends its yellow.
SAMPLED = MEETING + 5 * DAY


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    phone = town.phone(tmp_path / "phone")
    phone.name_owner(OWNER)
    return phone


def signers(revoked: dict[str, int] | None = None, **changes: Any) -> tuple[str, bytes]:
    """The published list with the authority as its one signer."""
    span: dict[str, Any] = {"not_before": START - 400 * DAY, "not_after": START + 400 * DAY}
    own = signer(
        AUTHORITY.key,
        country="XX",
        canonical=True,
        usages=("clearance", "recovery", "test", "vaccination"),
        **span,
        **changes,
    )
    return "certificate-trust", sign_trust_list(
        TrustList(region="demo", revoked=revoked or {}, signers=(own,)), AUTHORITY_KEY
    )


def negative(sampled_at: int, person: Person | None = PERSON, authority: Authority = AUTHORITY) -> str:
    entry = negative_test(authority, new_uvci("XX", os.urandom), "naat", sampled_at, "Desk 1")
    return issue_certificate(authority, entry, person, sampled_at, sampled_at + 30 * DAY)


def synced(town: Town, phone: Phone, days: float, *documents: tuple[str, bytes]) -> int:
    """Publish *documents* so many days after the meeting, and let *phone* synchronise; the time."""
    town.publisher.close_keys(*documents)
    until = MEETING + int(days * DAY)
    while town.publisher.time < until:
        town.publisher.close_keys()
    phone.sync(town.publisher.time)
    return town.publisher.time


def yellow(town: Town, phone: Phone, tmp_path: Path, *documents: tuple[str, bytes]) -> int:
    """*phone* is yellow, and on the day of the test has synchronised."""
    expose(town, phone, tmp_path)
    return synced(town, phone, 5.5, *documents or [signers()])


def listened(phone: Phone, now: int) -> None:
    phone.note_scans(range(now - DAY, now, 300))


def test_a_negative_test_ends_yellow_and_is_kept_to_be_shown(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    listened(phone, now)
    assert phone.decide(now).colour is Colour.YELLOW
    text = negative(SAMPLED)
    kept = phone.add_certificate(f"  {text}\n", now)
    assert (kept.kind, kept.test_kind, kept.time, kept.learned_at) == ("negative_test", "naat", SAMPLED, now)
    decision = phone.decide(now)
    assert decision.colour is Colour.GREEN
    assert decision.not_counted[0].why is WhyNot.ENDED
    assert "ended by certificate" in phone.journal()[-1].why[0]
    # The same once more, as bytes this time, is the same; and it is there after a restart.
    assert phone.add_certificate(text.encode(), now + 60) == kept
    phone.close()
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=now) as again:
        assert again.certificates() == [kept]
        assert again.owner() == OWNER
        assert again.decide(now).colour is Colour.GREEN


def test_neither_name_nor_certificate_gets_into_facts_decision_or_journal(
    town: Town, phone: Phone, tmp_path: Path
) -> None:
    now = yellow(town, phone, tmp_path)
    text = negative(SAMPLED)
    kept = phone.add_certificate(text, now)
    said = facts_bytes(phone.facts(now)) + decision_bytes(phone.decide(now)) + repr(phone.journal()).encode()
    for secret in (text, "MUSTER", "Muster", "Probe", "1990"):
        assert secret.encode() not in said
    assert kept.id.encode() not in decision_bytes(phone.decide(now))
    for shown in (repr(kept), repr(phone.owner())):
        assert not any(word in shown for word in (text, "Muster", "1990"))


def test_a_removed_certificate_gives_back_what_it_ended(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    kept = phone.add_certificate(negative(SAMPLED), now)
    phone.decide(now)
    for wrong in ("", "zz", kept.id[:4] + "zz"):
        with pytest.raises(StateError, match="no such certificate"):
            phone.remove_certificate(wrong)
    phone.remove_certificate(kept.id[:12])
    assert phone.certificates() == []
    assert phone.decide(now).colour is Colour.YELLOW


def test_a_certificate_that_is_revoked_later_gives_back_what_it_ended(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    kept = phone.add_certificate(negative(SAMPLED), now)
    phone.decide(now)
    later = synced(town, phone, 6, signers(revoked_at=now + HOUR))
    assert phone.certificates()[0].revoked_at == now + HOUR
    assert kept.revoked_at is None
    assert phone.decide(later).colour is Colour.YELLOW
    assert "certificate revoked" in phone.journal()[-1].why[0]


def test_a_certificate_of_another_person_is_refused(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    with pytest.raises(VerificationError, match="another person"):
        phone.add_certificate(negative(SAMPLED, OTHER), now)
    phone.name_owner(None)
    assert phone.owner() is None
    with pytest.raises(StateError, match="names somebody"):
        phone.add_certificate(negative(SAMPLED), now)
    assert phone.certificates() == []
    # One that the authority made without a person is good for whoever holds it.
    phone.add_certificate(negative(SAMPLED, None), now)
    assert len(phone.certificates()) == 1


def test_a_certificate_by_a_stranger_or_with_a_changed_letter_is_refused(
    town: Town, phone: Phone, tmp_path: Path
) -> None:
    now = yellow(town, phone, tmp_path)
    stranger = Authority("XX", "Health Office", ec_key("a stranger"))
    with pytest.raises(VerificationError):
        phone.add_certificate(negative(SAMPLED, authority=stranger), now)
    good = negative(SAMPLED)
    for wrong in (good[:-1], good.replace("HC1:", "HC2:"), "", good[:40] + "é" + good[41:], good.encode() + b"\xff"):
        with pytest.raises(FormatError):
            phone.add_certificate(wrong, now)
    entry = negative_test(AUTHORITY, new_uvci("XX", os.urandom), "naat", SAMPLED, "Desk 1")
    positive = issue_certificate(AUTHORITY, entry.model_copy(update={"tr": DETECTED}), PERSON, SAMPLED, SAMPLED + DAY)
    with pytest.raises(VerificationError, match="positive result"):
        phone.add_certificate(positive, now)
    assert phone.certificates() == []


def test_without_a_list_of_signers_or_a_rulebook_nothing_is_taken(town: Town, phone: Phone, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="list of certificate signers is not known"):
        phone.add_certificate(negative(START - DAY), START)
    phone.sync(town.now)
    with pytest.raises(StateError, match="list of certificate signers is not known"):
        phone.add_clearance(issue_clearance(AUTHORITY, "demo", "0" * 16, START, START + DAY), town.now)


def test_a_list_of_signers_for_another_region_is_not_taken(town: Town, phone: Phone) -> None:
    own = signer(AUTHORITY.key, country="XX", canonical=True)
    foreign = sign_trust_list(TrustList(region="coast", revoked={}, signers=(own,)), AUTHORITY_KEY)
    now = town.publisher.close_keys(("certificate-trust", foreign))
    with pytest.raises(VerificationError, match="for another region"):
        phone.sync(now)


def test_there_are_no_more_certificates_than_facts_may_hold(
    town: Town, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = yellow(town, phone, tmp_path)
    monkeypatch.setattr(certificates_module, "MAX_CERTIFICATES", 2)
    for _ in range(2):
        phone.add_certificate(negative(SAMPLED), now)
    with pytest.raises(LimitError, match="at most 2 certificates"):
        phone.add_certificate(negative(SAMPLED), now)


def test_a_clearance_takes_the_finding_away(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    finding = phone.decide(now).reasons[0].id
    text = issue_clearance(AUTHORITY, "demo", finding, now - 60, now + DAY)
    kept = phone.add_clearance(text, now)
    assert (kept.finding, kept.issued_at, kept.learned_at) == (finding, now - 60, now)
    assert phone.add_clearance(text, now + 60) == kept
    assert phone.clearances() == [kept]
    listened(phone, now)
    assert phone.decide(now).colour is Colour.GREEN
    assert phone.journal()[-1].why == (f"finding {finding} cleared by the authority",)


def test_clearance_and_certificate_are_not_taken_for_each_other(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    with pytest.raises(FormatError, match="this is a clearance"):
        phone.add_certificate(issue_clearance(AUTHORITY, "demo", "0" * 16, now, now + DAY), now)
    with pytest.raises(FormatError, match="this is a certificate"):
        phone.add_clearance(negative(SAMPLED), now)


def test_a_clearance_of_another_region_or_taken_back_is_refused(
    town: Town, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = yellow(town, phone, tmp_path)
    with pytest.raises(VerificationError):
        phone.add_clearance(issue_clearance(AUTHORITY, "coast", "0" * 16, now, now + DAY), now)
    monkeypatch.setattr(clearances_module, "MAX_CLEARANCES", 1)
    phone.add_clearance(issue_clearance(AUTHORITY, "demo", "0" * 16, now, now + DAY), now)
    with pytest.raises(LimitError):
        phone.add_clearance(issue_clearance(AUTHORITY, "demo", "1" * 16, now, now + DAY), now)


def test_papers_go_when_no_stay_can_rest_on_them(town: Town, phone: Phone, tmp_path: Path) -> None:
    now = yellow(town, phone, tmp_path)
    entry = negative_test(AUTHORITY, new_uvci("XX", os.urandom), "naat", SAMPLED, "Desk 1")
    phone.add_certificate(issue_certificate(AUTHORITY, entry, PERSON, SAMPLED, SAMPLED + DAY), now)
    phone.add_clearance(issue_clearance(AUTHORITY, "demo", "0" * 16, now, now + DAY), now)
    phone.tidy(synced(town, phone, 20))
    assert (len(phone.certificates()), len(phone.clearances())) == (1, 1)
    phone.tidy(synced(town, phone, 22.5))
    assert (phone.certificates(), phone.clearances()) == ([], [])
