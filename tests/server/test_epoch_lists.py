"""publisher/epoch_lists.py: what an issuer says, and what of it a publisher puts into the log."""

import pytest
from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKey, PastKeys
from ownhue_server.documents import Document
from ownhue_server.publisher.epoch_lists import Issuer, without_bad_lists
from tests.client.publisher import ISSUER_KEY
from tests.client.publisher import ISSUER_NAME as NAME
from tests.conformance.scripted import EPOCH, epoch_key, rsa_key

DAY = 86400
ISSUER = Issuer(NAME, [bytes(ISSUER_KEY.verify_key)])
#: When the keys of EPOCH and of the day after are public.
PUBLIC = (EPOCH + 3) * DAY


def a_list(name: str, *epochs: int) -> bytes:
    """A signed list of epoch keys; the key of an epoch is the same in each."""
    keys = tuple(epoch_key(epoch) for epoch in epochs)
    return sign_document("epochs", EpochList(name, keys).to_body(), ISSUER_KEY)


def a_past_list(name: str, **private_keys: int) -> bytes:
    """A signed list of past keys: ``e5=6`` says the key of epoch EPOCH + 6 is that of EPOCH + 5."""
    keys = tuple(
        PastKey.of(EPOCH + int(said[1:]), rsa_key(f"issuer {EPOCH + true}")) for said, true in private_keys.items()
    )
    return sign_document("past-epochs", PastKeys(name, keys).to_body(), ISSUER_KEY)


FRESH, PAST = a_list(NAME, EPOCH + 2, EPOCH + 3), a_past_list(NAME, e0=0, e1=1)


@pytest.mark.parametrize(
    ("epochs", "past", "now", "published"),
    [
        pytest.param(FRESH, PAST, PUBLIC, {"epochs", "past-epochs"}, id="good"),
        pytest.param(FRESH, PAST, PUBLIC - 1, {"epochs"}, id="a second too early"),
        pytest.param(a_list(NAME, EPOCH + 1, EPOCH + 2), PAST, PUBLIC, {"epochs"}, id="still listed"),
        pytest.param(b"", PAST, PUBLIC, set(), id="still in the list of before"),
        pytest.param(FRESH, a_past_list(NAME, e0=2), PUBLIC, {"epochs"}, id="the key of another day"),
        pytest.param(FRESH, a_past_list("another", e0=0), PUBLIC, {"epochs"}, id="past keys of another issuer"),
        pytest.param(a_list("another", EPOCH + 3), b"", PUBLIC, set(), id="another issuer"),
        pytest.param(b"{}", b"{}", PUBLIC, set(), id="no documents"),
    ],
)
def test_what_a_publisher_puts_into_the_log(epochs: bytes, past: bytes, now: int, published: set[str]) -> None:
    before = [a_list(NAME, EPOCH, EPOCH + 1), a_list(NAME, EPOCH, EPOCH + 1, EPOCH + 2)]
    offered = {"epochs": epochs, "past-epochs": past, "rulebook": b"any"}
    documents = [Document(kind, document) for kind, document in offered.items() if document]
    assert dict(without_bad_lists(documents, before, ISSUER, now)).keys() == {*published, "rulebook"}


def test_a_publisher_whose_own_store_is_damaged_publishes_no_list_unchecked() -> None:
    documents = [
        Document("epochs", a_list(NAME, EPOCH + 2)),
        Document("past-epochs", a_past_list(NAME, e0=0)),
        Document("rulebook", b"{}"),
    ]
    for damaged in (b"damaged", b"[]", b'{"signed":1}', b'{"signed":{}}'):
        assert dict(without_bad_lists(documents, [damaged], ISSUER, PUBLIC)).keys() == {"rulebook"}


def test_a_second_key_for_an_epoch_that_any_kept_list_named_is_not_published() -> None:
    other = EpochKey(EPOCH, epoch_key(EPOCH + 5).spki)
    document = sign_document("epochs", EpochList(NAME, (other,)).to_body(), ISSUER_KEY)
    for before in ([a_list(NAME, EPOCH)], [a_list(NAME, EPOCH), a_list(NAME, EPOCH + 1)]):
        assert without_bad_lists([Document("epochs", document)], before, ISSUER, PUBLIC) == []


def test_a_stolen_key_of_the_issuer_that_was_dropped_signs_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    """What it signed while it counted, and was published, still bounds what comes after."""
    new_key = SigningKey(bytes([77]) * 32)
    issuer = Issuer(NAME, [bytes(new_key.verify_key)])
    assert without_bad_lists([Document("epochs", a_list(NAME, EPOCH + 2))], [], issuer, PUBLIC) == []
    assert "VerificationError" in capsys.readouterr().err
    fresh = sign_document("epochs", EpochList(NAME, (epoch_key(EPOCH), epoch_key(EPOCH + 1))).to_body(), new_key)
    second = EpochKey(EPOCH, epoch_key(EPOCH + 5).spki)
    forged = sign_document("epochs", EpochList(NAME, (second,)).to_body(), new_key)
    before = [a_list(NAME, EPOCH)]
    assert without_bad_lists([Document("epochs", fresh)], before, issuer, PUBLIC) == [Document("epochs", fresh)]
    assert without_bad_lists([Document("epochs", forged)], before, issuer, PUBLIC) == []
