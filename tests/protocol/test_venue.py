"""Derivations, posters' link and owner's file. specs/venue.md sections 4 to 6"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.venue import (
    HOUR_SECONDS,
    derive_venue_keys,
    hour_of,
    hourly_id,
    hours_between,
    notice_tag,
    withdrawal_mark,
)
from ownhue.venue.certificate import trace_hash
from ownhue.venue.owner import (
    OWNER_FILE_BYTES,
    OWNER_MARK,
    OwnerKeys,
    new_owner_keys,
    owner_file,
    read_owner_file,
)
from ownhue.venue.poster_link import poster_url, read_poster_url
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import HOUR, OWNER, PAYLOAD, POSTER, PREFIX, TRACE, TRACE_KEY, record
from tests.shared import SPECS, shared_path

PASSPHRASE = "correct horse battery staple"
SALT, NONCE = bytes(range(16)), bytes(range(24))
times = st.integers(0, 2**32 - 1)


def draws(*values: bytes) -> Any:
    waiting = list(values)

    def random(length: int) -> bytes:
        drawn = waiting.pop(0)
        assert len(drawn) == length
        return drawn

    return random


FILE = owner_file(OWNER, PASSPHRASE, draws(SALT, NONCE))


@given(st.binary(max_size=900), st.integers(0, 2**63 - 1))
def test_a_second_implementation_derives_the_same(payload: bytes, start: int) -> None:
    keys = derive_venue_keys(payload)
    assert {name: getattr(keys, name) for name in second.keys(payload)} == second.keys(payload)
    identity = hourly_id(keys, start)
    assert identity == second.identity(payload, start)
    assert (notice_tag(identity), withdrawal_mark(identity)) == (
        second.tag(payload, start),
        second.mark(payload, start),
    )


def test_the_published_values_in_the_vectors_are_those_of_the_shared_folder() -> None:
    """They were typed again; here they are compared with the file they came from."""
    published = json.loads(shared_path("vectors/crowdnotifier-v3.json").read_text())
    cases = json.loads((SPECS / "vectors" / "crowdnotifier-v3.json").read_text())["cases"]
    derived = [case for case in cases if case["operation"] == "crowdnotifier_hkdf"]
    identities = [case for case in cases if case["operation"] == "crowdnotifier_identity"]
    assert [(case["input"]["payload"], *case["output"].values()) for case in derived] == [
        (item["qrCodePayload"], item["noncePreId"], item["nonceTimekey"], item["notificationKey"])
        for item in published["hkdf"]
    ]
    assert [(*case["input"].values(), *case["output"].values()) for case in identities] == [
        (item["qrCodePayload"], item["startOfInterval"], item["preid"], item["identity"])
        for item in published["identity"]
    ]


def test_the_published_values_are_reproduced_from_the_shared_folder() -> None:
    published = json.loads(shared_path("vectors/crowdnotifier-v3.json").read_text())
    for item in published["identity"]:
        keys = derive_venue_keys(bytes.fromhex(item["qrCodePayload"]))
        assert keys.preid.hex() == item["preid"]
        assert hourly_id(keys, item["startOfInterval"]).hex() == item["identity"]
    for item in published["hkdf"]:
        keys = derive_venue_keys(bytes.fromhex(item["qrCodePayload"]))
        names = ("noncePreId", "nonceTimekey", "notificationKey")
        values = keys.nonce_preid, keys.nonce_timekey, keys.notification_key
        assert [value.hex() for value in values] == [item[name] for name in names]


def test_an_hour_has_one_identity_and_the_next_another() -> None:
    keys = derive_venue_keys(PAYLOAD)
    names = [hourly_id(keys, HOUR + hour * 3600) for hour in range(200)]
    names += [notice_tag(name) for name in names] + [withdrawal_mark(name) for name in names]
    assert len(set(names)) == 600


@pytest.mark.parametrize("start", [-1, 2**63])
def test_no_hour_begins_outside_of_time(start: int) -> None:
    with pytest.raises(FormatError):
        hourly_id(derive_venue_keys(PAYLOAD), start)


@given(times, st.integers(0, 5 * 86_400))
def test_a_span_is_cut_at_full_hours_and_nothing_is_lost(start: int, length: int) -> None:
    pieces = list(hours_between(start, start + length))
    assert sum(end - begin for begin, end in pieces) == length
    assert all(0 < end - begin <= HOUR_SECONDS and hour_of(begin) == hour_of(end - 1) for begin, end in pieces)
    assert [begin for begin, _ in pieces[1:]] == [end for _, end in pieces[:-1]]


def test_secrets_are_not_shown() -> None:
    shown = repr(derive_venue_keys(PAYLOAD)) + repr(OWNER)
    for value in (*second.keys(PAYLOAD).values(), TRACE):
        assert value.hex() not in shown
        assert repr(value)[2:-1] not in shown


def test_an_owner_draws_two_keys() -> None:
    owner = new_owner_keys(draws(b"v" * 32, b"t" * 32))
    assert (owner.venue_seed, owner.trace_seed) == (b"v" * 32, b"t" * 32)
    assert OWNER.trace_key_hash == trace_hash(TRACE_KEY)
    assert bytes(OWNER.venue_key.verify_key) == second.public(OWNER.venue_seed)


@pytest.mark.parametrize("seeds", [(b"v" * 31, b"t" * 32), (b"v" * 32, b"t" * 33), (b"v" * 32, b"v" * 32)])
def test_keys_of_another_length_or_one_key_for_both_are_refused(seeds: tuple[bytes, bytes]) -> None:
    with pytest.raises(FormatError):
        OwnerKeys(*seeds)


def test_an_owner_file_opens_with_its_passphrase_and_with_no_other() -> None:
    assert len(FILE) == OWNER_FILE_BYTES
    assert read_owner_file(FILE, PASSPHRASE) == OWNER
    with pytest.raises(VerificationError) as caught:
        read_owner_file(FILE, PASSPHRASE + "!")
    assert PASSPHRASE not in repr(caught.value)


@pytest.mark.parametrize("at", [len(OWNER_MARK), len(OWNER_MARK) + 16, OWNER_FILE_BYTES - 1])
def test_an_altered_owner_file_is_refused(at: int) -> None:
    """Salt, nonce, sealed part."""
    altered = bytearray(FILE)
    altered[at] ^= 1
    with pytest.raises(VerificationError):
        read_owner_file(bytes(altered), PASSPHRASE)


def test_one_passphrase_whichever_keyboard_wrote_it() -> None:
    composed, decomposed = "caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301"
    assert read_owner_file(owner_file(OWNER, composed, draws(SALT, NONCE)), decomposed) == OWNER


@pytest.mark.parametrize(
    ("passphrase", "error"),
    [("", FormatError), ("seven77", FormatError), ("x" * 1025, LimitError), ("\u6f22" * 342, LimitError)],
)
def test_passphrases_have_a_length(passphrase: str, error: type[OwnhueError]) -> None:
    with pytest.raises(error):
        owner_file(OWNER, passphrase, draws(SALT, NONCE))


def test_a_passphrase_that_is_no_text_is_refused_and_not_shown() -> None:
    with pytest.raises(FormatError) as caught:
        read_owner_file(FILE, "secret \ud800 secret")
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


@given(st.binary(max_size=200) | st.binary(max_size=140).map(OWNER_MARK.__add__))
def test_what_is_no_owner_file_is_refused_before_the_passphrase_costs_anything(data: bytes) -> None:
    if len(data) != OWNER_FILE_BYTES:
        with pytest.raises(FormatError):
            read_owner_file(data, PASSPHRASE)


def test_a_file_with_something_else_in_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who knows the passphrase sealed another array of the right length."""
    for other in (
        ["ownhue-owner-2", OWNER.venue_seed, OWNER.trace_seed],
        ["ownhue-owner-1", OWNER.venue_seed, "x" * 32],
    ):
        monkeypatch.setattr("ownhue.venue.owner.cbor_encode", lambda _, value=other: second.cbor(value))
        data = owner_file(OWNER, PASSPHRASE, draws(SALT, NONCE))
        with pytest.raises(FormatError):
            read_owner_file(data, PASSPHRASE)


def test_no_link_is_written_that_is_not_read() -> None:
    # An empty poster gave a link that every reader refuses.
    with pytest.raises(FormatError):
        poster_url(b"", PREFIX)
    assert read_poster_url(poster_url(b"\0", PREFIX)) == (b"\0", PREFIX)


def test_the_example_of_the_spec_is_real() -> None:
    text = (SPECS / "venue.md").read_text()
    assert poster_url(POSTER, PREFIX)[:110] in text
    assert record()[:16].hex() in text
    assert record()[16:26].hex() in text
