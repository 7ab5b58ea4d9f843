"""Decoys: the same requests as a real report, one after the other, and a phone that goes on where it stopped."""

import os
from pathlib import Path

import httpx
import pytest

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue_client.errors import UnreachableError
from ownhue_client.phone.decoy import SEQUENCE, Decoys
from ownhue_client.phone.door import Door
from ownhue_client.phone.ledger import Ledger
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.store import Store

NOW = 1_772_409_600


class Line:
    """Somebody who watches the line; it can be cut."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []
        self.is_cut = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Note the request, and answer as every phone endpoint does."""
        if self.is_cut:
            raise httpx.ConnectError("cut")
        self.seen.append(request)
        return httpx.Response(200, content=frame(cbor_encode({"ok": True})))


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "phone", os.urandom, {})


def door_of(line: Line, store: Store) -> Door:
    return Door(
        httpx.Client(transport=httpx.MockTransport(line.answer)), "https://x.example", Ledger(store), Settings()
    )


def test_a_decoy_is_a_claim_and_later_a_report(line: Line, store: Store) -> None:
    decoys = Decoys(store, door_of(line, store))
    assert not decoys.under_way
    assert [decoys.send(NOW), decoys.under_way, decoys.send(NOW + 5000), decoys.under_way] == [False, True, True, False]
    assert [request.url.path for request in line.seen] == list(SEQUENCE)
    assert not decoys.send(NOW + 9000)
    assert line.seen[2].url.path == SEQUENCE[0]


def test_a_decoy_does_not_stand_out_on_the_line(line: Line, store: Store) -> None:
    """The Corona-Warn-App's fake requests were told apart by a header and by what came after them."""
    door = door_of(line, store)
    decoys = Decoys(store, door)
    decoys.send(NOW)
    decoys.send(NOW)
    door.post(SEQUENCE[0], {"code": "12345678", "blinded": bytes(256), "key_id": bytes(32)}, "claim", NOW)
    door.post(SEQUENCE[1], {"sealed": bytes(12_048)}, "report", NOW)
    pretended, real = line.seen[:2], line.seen[2:]
    for decoy, message in zip(pretended, real, strict=True):
        assert (decoy.method, decoy.url) == (message.method, message.url)
        assert decoy.headers.raw == message.headers.raw
        assert len(decoy.content) == len(message.content)
        assert cbor_decode(unframe(decoy.content)) == {"decoy": True}


def test_a_phone_that_was_switched_off_goes_on_with_the_report(line: Line, store: Store) -> None:
    Decoys(store, door_of(line, store)).send(NOW)
    assert Decoys(store, door_of(line, store)).send(NOW + 3600)
    assert [request.url.path for request in line.seen] == list(SEQUENCE)


def test_what_did_not_go_through_is_sent_again(line: Line, store: Store) -> None:
    decoys = Decoys(store, door_of(line, store))
    decoys.send(NOW)
    line.is_cut = True
    for _ in range(2):
        with pytest.raises(UnreachableError):
            decoys.send(NOW + 60)
    line.is_cut = False
    assert decoys.send(NOW + 120)
    assert [request.url.path for request in line.seen] == list(SEQUENCE)


def test_the_owner_finds_decoys_in_the_ledger(line: Line, store: Store) -> None:
    decoys = Decoys(store, door_of(line, store))
    decoys.send(NOW)
    (entry,) = Ledger(store).lines()
    assert (entry.purpose, entry.time, entry.host) == ("decoy", NOW, "x.example")
