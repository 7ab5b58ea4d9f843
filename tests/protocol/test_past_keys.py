"""ownhue.past_keys: lists of published private keys. What they are for: tests/attacks/test_deniability.py."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, StateError
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import is_open
from ownhue.past_keys import (
    MAX_PAST_EPOCHS,
    PAST_KEY_DELAY_SECONDS,
    PastKey,
    PastKeys,
    check_past_keys,
    is_past,
    past_keys,
)
from tests.conformance.scripted import EPOCH, ISSUER, epoch_key, rsa_key

PRIVATE = {epoch: rsa_key(f"issuer {epoch}") for epoch in (EPOCH, EPOCH + 1)}
NOW = (EPOCH + 2) * EPOCH_SECONDS + PAST_KEY_DELAY_SECONDS
PAST = past_keys(ISSUER, PRIVATE, NOW)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def test_a_list_goes_into_a_document_and_back() -> None:
    assert PastKeys.from_body(parse_canonical_json(canonical_json(PAST.to_body()))) == PAST
    assert check_past_keys(PAST, {epoch: epoch_key(epoch) for epoch in PRIVATE}, NOW) == (EPOCH, EPOCH + 1)


def test_the_primes_stand_in_one_order_whatever_the_key_says() -> None:
    for private in PRIVATE.values():
        key = PastKey.of(EPOCH, private)
        assert key.p < key.q
        assert key.private_key.public_key().public_numbers() == private.public_key().public_numbers()


def test_a_key_is_past_a_day_after_its_day() -> None:
    end = (EPOCH + 1) * EPOCH_SECONDS
    assert not is_past(EPOCH, end + PAST_KEY_DELAY_SECONDS - 1)
    assert is_past(EPOCH, end + PAST_KEY_DELAY_SECONDS)


@given(st.integers(0, 2**31), st.integers(0, 2**46))
def test_no_epoch_is_open_and_past(epoch: int, now: int) -> None:
    assert not (is_open(epoch, now) and is_past(epoch, now))


@pytest.mark.parametrize("shift", [-1, -EPOCH_SECONDS, -2 * EPOCH_SECONDS, -(10**9)])
def test_a_key_that_must_stay_secret_is_put_into_no_list(shift: int) -> None:
    with pytest.raises(StateError, match=f"epoch {EPOCH + 1}"):
        past_keys(ISSUER, {EPOCH + 1: PRIVATE[EPOCH + 1]}, NOW + shift)


def test_an_empty_list_is_a_list() -> None:
    assert past_keys(ISSUER, {}, NOW).to_body() == {"issuer": ISSUER, "keys": []}


def test_too_long_a_list_is_refused_before_a_prime_is_looked_at() -> None:
    with pytest.raises(LimitError):
        PastKeys.from_body({"issuer": ISSUER, "keys": [None] * (MAX_PAST_EPOCHS + 1)})


def test_primes_are_not_in_the_text_of_a_key() -> None:
    """They are secret until they are published, and nobody wants to see them later."""
    assert str(PAST.keys[0].p) not in repr(PAST)
    assert str(PAST.keys[0].q) not in repr(PAST)


@given(st.dictionaries(st.sampled_from(["issuer", "keys", "more"]), JSON) | st.dictionaries(st.text(), JSON))
def test_only_our_own_error_leaves_the_parser_for_any_body(body: dict[str, Any]) -> None:
    try:
        read = PastKeys.from_body(body)
    except OwnhueError:
        return
    assert read.to_body() == body


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_accepted_is_written_in_the_same_way(data: st.DataObject) -> None:
    text = bytearray(canonical_json(PAST.to_body()))
    for _ in range(data.draw(st.integers(1, 2))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(32, 126))
    try:
        body = parse_canonical_json(bytes(text))
        read = PastKeys.from_body(body) if isinstance(body, dict) else None
    except OwnhueError:
        return
    assert read is None or canonical_json(read.to_body()) == bytes(text)


@pytest.mark.parametrize("at", [0, 1])
def test_a_past_key_says_nothing_beside_epoch_and_primes(at: int) -> None:
    """A further member would be a place for a mark that readers pass over."""
    body = PAST.to_body()
    body["keys"][at]["for"] = "device"
    with pytest.raises(FormatError, match="not a past epoch key"):
        PastKeys.from_body(body)
