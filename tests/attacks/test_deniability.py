"""After an epoch is over its codes prove nothing about anybody, and nobody gets in with one. specs/pass.md section 8

The prover has only what is published: the list of past keys. It makes codes for a day that is gone, and the only thing
that ever refuses them is the day itself.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from ownhue.code import Code, Statement, encode_code, sign_code
from ownhue.documents import open_document, sign_document
from ownhue.errors import StateError, VerificationError
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import EpochKey, Pass, is_open, verify_pass
from ownhue.past_keys import PAST_KEY_DELAY_SECONDS, PastKeys, check_past_keys, forge_pass, is_past, past_keys
from ownhue.verify import CodeRefused, Refusal, verify_code
from tests.client.door import EPOCH as GATE_EPOCH
from tests.client.door import KEYS, World
from tests.client.publisher import ISSUER_KEY, ISSUER_NAME, START
from tests.client.town import Town
from tests.client.town import rsa_key as town_key
from tests.conformance.scripted import (
    EPOCH,
    ISSUER,
    NOW,
    Stream,
    code,
    epoch_key,
    head,
    make_pass,
    root_of,
    rsa_key,
    view,
)

#: The first second at which the key of EPOCH is public.
PUBLIC = (EPOCH + 1) * EPOCH_SECONDS + PAST_KEY_DELAY_SECONDS


def published(*epochs: int, now: int, issuer: str = ISSUER) -> bytes:
    """The signed document, as it lies in the log."""
    private_keys = {epoch: rsa_key(f"issuer {epoch}") for epoch in epochs}
    return sign_document("past-epochs", past_keys(issuer, private_keys, now).to_body(), ISSUER_KEY)


def read(document: bytes) -> PastKeys:
    return PastKeys.from_body(open_document(document, "past-epochs", [bytes(ISSUER_KEY.verify_key)]))


def forged_code(past: PastKeys, label: str = "anybody", issuer: str = ISSUER, **said: object) -> Code:
    """A code of the last past epoch, from published data alone."""
    fields = {"time": NOW - 5, "colour": 3, "rulebook_version": 3, **head(123)} | said
    return sign_code(forge_pass(issuer, past.keys[-1], Stream(label)), Statement(**fields))


def test_anybody_makes_codes_of_a_past_day_that_pass_every_test_of_that_day() -> None:
    past = read(published(EPOCH, now=PUBLIC))
    for label in ("a neighbour", "a court's expert", "a thief of a checkpoint's notes"):
        verdict = verify_code(encode_code(forged_code(past, label)), view(), NOW)
        assert (verdict.colour, verdict.cross_checked) == (3, True)


def test_a_made_pass_is_the_one_that_the_phone_would_have_got() -> None:
    """Not only alike: with the same draws it is the same bytes. A real pass says nothing that a made one does not."""
    real = make_pass("holder")
    made = forge_pass(ISSUER, read(published(EPOCH, now=PUBLIC)).keys[0], Stream("pass holder"))
    assert made == real
    verify_pass(ISSUER, epoch_key(EPOCH), made.public_key, made.signature)


def test_a_checkpoint_with_a_right_clock_refuses_what_is_made_from_the_first_second_on() -> None:
    past = read(published(EPOCH, now=PUBLIC))
    known = replace(view(), heads={123: (root_of(123), PUBLIC - 60)}, signed_time=PUBLIC - 60)
    for now in (PUBLIC, PUBLIC + 1, PUBLIC + 86_400):
        with pytest.raises(CodeRefused) as raised:
            verify_code(encode_code(forged_code(past, time=now)), known, now)
        assert raised.value.refusal is Refusal.EPOCH_CLOSED


def test_a_checkpoint_whose_clock_is_turned_back_refuses_to_work() -> None:
    """It synchronised when the epoch was over, as everyone does once a day: its newest head is later than its clock."""
    past = read(published(EPOCH, now=PUBLIC))
    known = replace(view(), heads={123: (root_of(123), PUBLIC - 3600)}, signed_time=PUBLIC - 3600)
    for now in (NOW, EPOCH * EPOCH_SECONDS - 60, (EPOCH + 1) * EPOCH_SECONDS + 59):
        assert is_open(EPOCH, now)
        with pytest.raises(CodeRefused) as raised:
            verify_code(encode_code(forged_code(past, time=now)), known, now)
        assert raised.value.refusal is Refusal.CLOCK_WRONG


def test_a_clock_set_to_any_time_zone_does_not_open_an_epoch_whose_key_is_out() -> None:
    for hours in range(-14, 15):
        assert not is_open(EPOCH, PUBLIC + hours * 3600)


def test_no_key_is_published_while_a_right_clock_could_still_take_its_codes() -> None:
    begin = (EPOCH - 3) * EPOCH_SECONDS
    for now in range(begin, begin + 8 * EPOCH_SECONDS, 1800):
        for epoch in range(EPOCH - 5, EPOCH + 6):
            assert not (is_past(epoch, now) and is_open(epoch, now))
            if not is_past(epoch, now):
                with pytest.raises(StateError):
                    past_keys(ISSUER, {epoch: rsa_key(f"issuer {EPOCH}")}, now)


def test_an_issuer_that_publishes_too_early_is_found() -> None:
    early = read(published(EPOCH, now=PUBLIC))
    with pytest.raises(VerificationError, match="too early"):
        check_past_keys(early, {EPOCH: epoch_key(EPOCH)}, PUBLIC - 1)


def test_an_issuer_that_publishes_another_key_is_found() -> None:
    """So that it cannot claim that a code which it dislikes was made by anybody, or keep the true key for itself."""
    other = PastKeys(ISSUER, past_keys(ISSUER, {EPOCH: rsa_key(f"second {EPOCH}")}, PUBLIC).keys)
    with pytest.raises(VerificationError, match="not the one"):
        check_past_keys(other, {EPOCH: epoch_key(EPOCH)}, PUBLIC)
    assert check_past_keys(other, {}, PUBLIC) == ()


def test_the_list_is_no_list_of_epoch_keys_and_the_other_way_round() -> None:
    document = published(EPOCH, now=PUBLIC)
    with pytest.raises(VerificationError, match="not of kind"):
        open_document(document, "epochs", [bytes(ISSUER_KEY.verify_key)])


def test_a_checkpoint_passes_over_the_list_and_goes_on_refusing() -> None:
    """The real checkpoint, with the list in its log."""
    world = World()
    gate = world.checkpoint()
    real = world.code()
    assert gate.verify_text(real, world.now).colour == 0
    world.publisher.close_many(12 * 2)
    today = GATE_EPOCH + 2
    document = published(GATE_EPOCH, now=today * EPOCH_SECONDS, issuer=ISSUER_NAME)
    world.publisher.close(("past-epochs", document))
    gate.sync(world.now)
    past = read(document)
    assert check_past_keys(past, {key.epoch: key for key in KEYS}, world.now) == (GATE_EPOCH,)
    for now, refusal in ((world.now, Refusal.EPOCH_CLOSED), (START + 3600, Refusal.CLOCK_WRONG)):
        made = forged_code(past, issuer=ISSUER_NAME, time=now, rulebook_version=1)
        with pytest.raises(CodeRefused) as raised:
            gate.verify_text(encode_code(made), now)
        assert raised.value.refusal is refusal


def test_a_phone_passes_over_the_list(tmp_path: Path) -> None:
    town = Town()
    phone = town.phone(tmp_path / "phone")
    town.publisher.batch += 24
    private = {GATE_EPOCH: town_key(f"epoch {GATE_EPOCH}")}
    now = town.publisher.batch * 7200
    document = sign_document("past-epochs", past_keys(ISSUER_NAME, private, now).to_body(), ISSUER_KEY)
    town.publisher.close_keys(("past-epochs", document))
    result = phone.sync(town.publisher.time)
    assert set(result.documents) == {"epochs", "report-keys", "rulebook"}
    assert not [request for request in town.requests if "past-epochs" in request.url.path]


def test_the_key_that_is_published_is_the_one_and_not_a_pass_of_somebody() -> None:
    """Nothing in the list is about a person: only primes and days."""
    body = past_keys(ISSUER, {EPOCH: rsa_key(f"issuer {EPOCH}")}, PUBLIC).to_body()
    assert set(body) == {"issuer", "keys"}
    assert [set(key) for key in body["keys"]] == [{"epoch", "p", "q"}]
    key = PastKeys.from_body(body).keys[0]
    assert key.epoch_key == EpochKey(EPOCH, epoch_key(EPOCH).spki)
    assert str(key.p) not in repr(key)


def test_a_real_code_of_a_past_day_is_refused_as_a_made_one_is() -> None:
    """A checkpoint cannot tell them apart, so it must not try."""
    past = read(published(EPOCH, now=PUBLIC))
    known = replace(view(), heads={123: (root_of(123), PUBLIC)}, signed_time=PUBLIC)
    outcomes = set()
    real: Pass = make_pass("holder")
    for item in (code(real, time=PUBLIC), forged_code(past, time=PUBLIC)):
        with pytest.raises(CodeRefused) as raised:
            verify_code(encode_code(item), known, PUBLIC)
        outcomes.add(raised.value.refusal)
    assert outcomes == {Refusal.EPOCH_CLOSED}
