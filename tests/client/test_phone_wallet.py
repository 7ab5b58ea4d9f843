"""Enrolment, passes and the shown code: each opening a new pass, and a lost answer costs none."""

import os
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from ownhue.blind_rsa import generate_key, pss_spki
from ownhue.code import decode_code
from ownhue.colour import Colour
from ownhue.encoding import cbor_decode, unframe
from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue.passes import EpochKey, epoch_of, verify_pass
from ownhue.ticket import sign_ticket
from ownhue.verify import CheckpointView, CodeRefused, Refusal, verify_code
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import Phone, RefusedError
from tests.client.publisher import ISSUER_NAME, START
from tests.client.town import DAY, HOUR, Town, epoch_key

ENROL, PASSES = "/issuer/v1/enrol", "/issuer/v1/passes"
NOW = START + 2 * HOUR


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    """Enrolled, synchronised, two passes a day."""
    phone = town.phone(tmp_path / "phone", passes_per_day=2)
    phone.sync(NOW)
    phone.enrol(town.ticket(), NOW)
    return phone


def view(town: Town, **changes: object) -> CheckpointView:
    """What a checkpoint that followed the same log knows."""
    key = epoch_key(epoch_of(NOW))
    fields: dict[str, object] = {
        "issuer_name": ISSUER_NAME,
        "epochs": {key.short_id: key},
        "heads": {len(town.publisher.entries): (town.publisher.frontier.root(), town.publisher.time)},
        "rulebook_version": 1,
        "signed_time": town.publisher.time,
        "max_age_seconds": DAY,
    }
    return CheckpointView(**(fields | changes))  # type: ignore[arg-type]


def test_a_shown_code_is_what_a_checkpoint_accepts(town: Town, phone: Phone) -> None:
    assert phone.fetch_passes(NOW) == 6
    shown = phone.open_code(NOW)
    verdict = verify_code(shown.text_at(NOW), view(town), NOW)
    assert (verdict.colour, verdict.cross_checked, verdict.rulebook_version) == (Colour.GREEN, True, 1)
    challenge = os.urandom(16)
    late = verify_code(shown.text_at(NOW + 7, challenge), view(town), NOW + 3000, challenge=challenge)
    assert late.colour == Colour.GREEN


def test_it_is_signed_again_every_fifteen_seconds_for_two_minutes(phone: Phone) -> None:
    phone.fetch_passes(NOW)
    shown = phone.open_code(NOW + 3)
    texts = [shown.text_at(NOW + 3 + seconds) for seconds in range(121)]
    assert len(set(texts)) == 9
    assert [decode_code(texts[s]).statement.time for s in (0, 14, 15, 120)] == [NOW + 3, NOW + 3, NOW + 18, NOW + 123]
    for outside in (NOW + 2, NOW + 124):
        with pytest.raises(StateError, match="two minutes"):
            shown.text_at(outside)
    with pytest.raises(FormatError):
        shown.text_at(NOW + 3, b"short")


def test_a_screenshot_is_soon_worthless(town: Town, phone: Phone) -> None:
    phone.fetch_passes(NOW)
    text = phone.open_code(NOW).text_at(NOW)
    with pytest.raises(CodeRefused) as refused:
        verify_code(text, view(town), NOW + 61)
    assert refused.value.refusal is Refusal.TOO_OLD


def test_two_openings_share_nothing(phone: Phone) -> None:
    phone.fetch_passes(NOW)
    first, second = (decode_code(phone.open_code(NOW).text_at(NOW)) for _ in range(2))
    assert first.public_key != second.public_key
    assert first.pass_signature != second.pass_signature
    assert first.signature != second.signature
    assert first.statement == second.statement, "everybody who synchronised in this batch says the same"


def test_a_pass_is_destroyed_before_anything_of_it_is_shown(phone: Phone, tmp_path: Path) -> None:
    phone.fetch_passes(NOW)
    shown = phone.open_code(NOW)
    assert phone.passes_left(NOW) == 1
    # The phone dies here, with the code not shown yet: the pass is gone all the same.
    phone.close()
    client = Town().client()
    again = Phone.open(tmp_path / "phone", random=os.urandom, http_client=client, now=NOW)
    assert again.passes_left(NOW) == 1
    assert decode_code(again.open_code(NOW).text_at(NOW)).public_key != shown.pass_.public_key
    again.close()


def test_no_passes_left_is_said_in_plain_words(phone: Phone) -> None:
    phone.fetch_passes(NOW)
    for _ in range(2):
        phone.open_code(NOW)
    with pytest.raises(StateError, match="no passes left for today"):
        phone.open_code(NOW)
    # Those of tomorrow are not for today.
    assert phone.passes_left(NOW + DAY) == 2


def test_an_empty_day_is_filled_again_and_no_other(town: Town, phone: Phone) -> None:
    phone.fetch_passes(NOW)
    assert phone.fetch_passes(NOW) == 0
    for _ in range(2):
        phone.open_code(NOW)
    assert phone.fetch_passes(NOW) == 2
    assert len(town.bodies(PASSES)) == 4


def test_never_more_than_forty_eight_a_day(town: Town, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "many", passes_per_day=40, days_ahead=0)
    phone.sync(NOW)
    phone.enrol(town.ticket(), NOW)
    assert phone.fetch_passes(NOW) == 40
    for row in list(phone._store.bytes_rows("passes")):
        phone._store.delete("passes", row)
    assert phone.fetch_passes(NOW) == 8
    for row in list(phone._store.bytes_rows("passes")):
        phone._store.delete("passes", row)
    assert phone.fetch_passes(NOW) == 0


def test_a_lost_answer_costs_no_passes(town: Town, phone: Phone) -> None:
    town.lose_answer = {PASSES}
    with pytest.raises(UnreachableError):
        phone.fetch_passes(NOW)
    assert phone.passes_left(NOW) == 0
    assert phone.fetch_passes(NOW + 60) == 6
    first, second = (cbor_decode(unframe(body)) for body in town.bodies(PASSES)[:2])
    assert (first["epoch"], first["blinded"]) == (second["epoch"], second["blinded"])
    assert list(phone._store.bytes_rows("pass_requests")) == []


@pytest.mark.parametrize("answer", [{}, {"signatures": []}, {"signatures": [bytes(256)] * 2}, {"signatures": [1, 2]}])
def test_an_issuer_that_answers_something_else_gives_no_passes(
    town: Town, phone: Phone, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    with monkeypatch.context() as context:
        context.setattr(town, "_passes", lambda _: answer)
        with pytest.raises(OwnhueError):
            phone.fetch_passes(NOW)
    assert phone.passes_left(NOW) == 0
    assert phone.fetch_passes(NOW) == 6


def test_passes_verify_under_the_published_key_only(phone: Phone) -> None:
    phone.fetch_passes(NOW)
    pass_ = phone.open_code(NOW).pass_
    verify_pass(ISSUER_NAME, epoch_key(pass_.epoch), pass_.public_key, pass_.signature)
    other = EpochKey(pass_.epoch, pss_spki(generate_key(2048).public_key()))
    with pytest.raises(VerificationError):
        verify_pass(ISSUER_NAME, other, pass_.public_key, pass_.signature)


def test_yesterdays_passes_are_destroyed(phone: Phone) -> None:
    phone.fetch_passes(NOW)
    phone.fetch_passes(NOW + DAY)
    assert phone.passes_left(NOW) == 0
    assert phone.passes_left(NOW + DAY) == 2


def test_without_enrolment_nothing_is_sent(town: Town, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "new")
    with pytest.raises(StateError, match="not enrolled"):
        phone.fetch_passes(NOW)
    assert town.requests == []


@pytest.mark.parametrize("ticket", ["", "OWNT1.", "OWNT1.AAAA", "x" * 5000])
def test_what_is_no_ticket_is_never_sent(town: Town, tmp_path: Path, ticket: str) -> None:
    phone = town.phone(tmp_path / "new")
    with pytest.raises(FormatError):
        phone.enrol(ticket, NOW)
    assert town.requests == []


def test_a_forged_or_expired_ticket_is_never_sent(town: Town, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "new")
    with pytest.raises(VerificationError, match="signature"):
        phone.enrol(sign_ticket(SigningKey.generate(), bytes(16), NOW + DAY), NOW)
    with pytest.raises(VerificationError, match="over"):
        phone.enrol(town.ticket(), NOW + 9 * DAY)
    assert town.requests == []


def test_enrolment_whose_answer_was_lost_is_repeated_by_the_same_device(town: Town, tmp_path: Path) -> None:
    phone, thief = town.phone(tmp_path / "new"), town.phone(tmp_path / "thief")
    ticket = town.ticket()
    town.lose_answer = {ENROL}
    with pytest.raises(UnreachableError):
        phone.enrol(ticket, NOW)
    with pytest.raises(RefusedError) as refusal:
        thief.enrol(ticket, NOW)
    assert refusal.value.word == "ticket_spent"
    phone.enrol(ticket, NOW + 1)
    phone.sync(NOW)
    assert phone.fetch_passes(NOW) == 3 * 48
