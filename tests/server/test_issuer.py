"""The issuer: enrolment, passes, epoch keys."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from ownhue.device import ENROL, PASSES, sign_request
from ownhue.documents import open_document
from ownhue.passes import EpochList, finish_pass, request_pass
from ownhue.past_keys import PastKeys, check_past_keys
from ownhue_server.config import Role
from tests.server.clinic import Clinic
from tests.server.served import BATCH, MONDAY, Served, deployment, device_key, served

TODAY = MONDAY // 86400
ENROL_PATH, PASSES_PATH = "/issuer/v1/enrol", "/issuer/v1/passes"


def enrol(server: Served, device: SigningKey, ticket: str | None = None) -> dict[str, Any]:
    text = ticket or server.desk("tickets", {})["ticket"]
    return server.ask(ENROL_PATH, sign_request(ENROL, {"ticket": text, "time": server.now()}, device))


def ask_passes(server: Served, device: SigningKey, epoch: int, blinded: list[bytes]) -> dict[str, Any]:
    body = {"epoch": epoch, "blinded": blinded, "time": server.now()}
    return server.ask(PASSES_PATH, sign_request(PASSES, body, device))


def numbers(count: int) -> list[bytes]:
    """Blinded messages as far as the issuer can tell: numbers below any modulus."""
    return [b"\0" + os.urandom(255) for _ in range(count)]


def epochs(server: Served) -> EpochList:
    document = server.request("GET", "/issuer/v1/epochs").content
    return EpochList.from_body(open_document(document, "epochs", [server.config.region.issuer_key_bytes]))


def test_an_enrolled_device_gets_passes_that_verify(server: Served) -> None:
    device = device_key(1)
    assert enrol(server, device) == {"ok": True}
    keys, name = epochs(server), server.config.region.issuer_name
    for epoch in (TODAY, TODAY + 1, TODAY + 2):
        requests = [request_pass(name, keys.key_of(epoch), os.urandom) for _ in range(3)]
        answer = ask_passes(server, device, epoch, [request.blinded for request in requests])
        passes = [
            finish_pass(request, name, keys.key_of(epoch), signature)
            for request, signature in zip(requests, answer["signatures"], strict=True)
        ]
        assert len({pass_.public_key for pass_ in passes}) == 3


@pytest.mark.parametrize(("epoch", "granted"), [(-1, False), (0, True), (2, True), (3, False), (2**40, False)])
def test_passes_are_for_today_and_the_next_two_days(server: Served, epoch: int, granted: bool) -> None:
    enrol(server, device_key(1))
    answer = ask_passes(server, device_key(1), TODAY + epoch, numbers(1))
    assert answer["ok"] == granted
    assert granted or answer["error"] == "wrong_epoch"


def test_a_repeated_request_has_the_same_answer_and_counts_once(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        device = device_key(1)
        enrol(server, device)
        blinded = numbers(40)
        first = ask_passes(server, device, TODAY, blinded)
        assert first["ok"]
        server.move_clock(MONDAY + 60)
        assert ask_passes(server, device, TODAY, blinded) == first
    with served(tmp_path / "server", now=MONDAY + 120) as server:
        assert ask_passes(server, device, TODAY, blinded) == first
        assert ask_passes(server, device, TODAY, numbers(9)) == {"ok": False, "error": "quota"}
        assert ask_passes(server, device, TODAY, numbers(8))["ok"]
        assert ask_passes(server, device, TODAY, numbers(1)) == {"ok": False, "error": "quota"}
        assert ask_passes(server, device, TODAY, blinded) == first
        assert ask_passes(server, device, TODAY + 1, numbers(48))["ok"]


def test_a_new_day_has_its_own_quota_and_forgets_the_old_one(server: Served) -> None:
    device = device_key(1)
    enrol(server, device)
    assert ask_passes(server, device, TODAY, numbers(48))["ok"]
    server.move_clock(MONDAY + 86400)
    assert ask_passes(server, device, TODAY + 1, numbers(48))["ok"]
    assert ask_passes(server, device, TODAY, numbers(1)) == {"ok": False, "error": "wrong_epoch"}


def test_epoch_keys_never_change(server: Served) -> None:
    before = epochs(server)
    for day in range(1, 5):
        server.move_clock(MONDAY + day * 86400)
        after = epochs(server)
        after.check_follows(before)
        assert [key.epoch for key in after.keys] == list(range(TODAY + day - 1, TODAY + day + 3))
        before = after


def past_epochs(server: Served) -> PastKeys | None:
    """The list of past keys as the issuer offers it; None before there is one."""
    answer = server.request("GET", "/issuer/v1/past-epochs")
    if answer.status_code == 404:
        return None
    return PastKeys.from_body(open_document(answer.content, "past-epochs", [server.config.region.issuer_key_bytes]))


def key_names(server: Served) -> set[int]:
    """The epochs whose private key lies in the issuer's folder."""
    return {int(path.stem[6:]) for path in (server.config.directory / "keys" / "issuer").glob("epoch-*")}


def test_a_private_key_is_published_when_its_day_has_been_over_for_a_day(server: Served) -> None:
    listed = {key.epoch: key for key in epochs(server).keys}
    server.move_clock(MONDAY + 2 * 86400 - 1)
    assert past_epochs(server) is None
    server.move_clock(MONDAY + 2 * 86400)
    past = past_epochs(server)
    assert past is not None
    assert check_past_keys(past, listed, server.now()) == (TODAY,)
    assert past.issuer == server.config.region.issuer_name
    assert TODAY not in {key.epoch for key in epochs(server).keys}


def test_past_keys_go_into_the_log_as_other_documents_do(server: Served) -> None:
    listed = {key.epoch: key for key in epochs(server).keys}
    server.move_clock(MONDAY + 4 * 86400)
    published = Clinic(server).published()
    entries = published.of_kind("past-epochs")
    assert [entry.batch * BATCH + BATCH for entry in entries] == [MONDAY + day * 86400 for day in (2, 3, 4)]
    lists = [
        PastKeys.from_body(open_document(published.file(entry), "past-epochs", [server.config.region.issuer_key_bytes]))
        for entry in entries
    ]
    assert [[key.epoch - TODAY for key in past.keys] for past in lists] == [[0], [0, 1], [0, 1, 2]]
    assert check_past_keys(lists[-1], listed, server.now()) == (TODAY, TODAY + 1, TODAY + 2)


def test_no_log_ever_holds_the_private_key_of_a_day_that_is_open_or_ahead(server: Served) -> None:
    server.move_clock(MONDAY + 5 * 86400 + 3 * BATCH)
    published = Clinic(server).published()
    for entry in published.of_kind("past-epochs"):
        body = open_document(published.file(entry), "past-epochs", [server.config.region.issuer_key_bytes])
        check_past_keys(PastKeys.from_body(body), {}, (entry.batch + 1) * BATCH)


def test_fourteen_past_keys_are_listed_and_then_forgotten(tmp_path: Path) -> None:
    deployment(tmp_path / "server", padding=1, batch_seconds=86_400)
    with served(tmp_path / "server") as server:
        server.move_clock(MONDAY + 17 * 86400)
        past = past_epochs(server)
        assert past is not None
        assert [key.epoch - TODAY for key in past.keys] == list(range(2, 16))
        assert key_names(server) == {TODAY + day for day in range(2, 20)}


def test_past_keys_survive_a_restart(tmp_path: Path) -> None:
    with served(tmp_path / "server", padding=1) as server:
        server.move_clock(MONDAY + 86400)
        listed = {key.epoch: key for key in epochs(server).keys}
    # Down when the first key fell due; the list is made from what the folder holds.
    with served(tmp_path / "server", now=MONDAY + 4 * 86400 + 5) as server:
        past = past_epochs(server)
        assert past is not None
        assert check_past_keys(past, listed, server.now()) == tuple(TODAY + day for day in range(3))
        again = server.request("GET", "/issuer/v1/past-epochs").content
    with served(tmp_path / "server", now=MONDAY + 4 * 86400 + 600) as server:
        assert server.request("GET", "/issuer/v1/past-epochs").content == again


def test_a_clock_that_ran_ahead_and_was_set_right_gives_no_open_key_away(tmp_path: Path) -> None:
    """Keys for days ahead exist then. Only the clock says what is over, not the newest key."""
    with served(tmp_path / "server", roles={Role.ISSUER}, now=MONDAY + 10 * 86400) as server:
        epochs(server)
    with served(tmp_path / "server", roles={Role.ISSUER}, now=MONDAY) as server:
        assert past_epochs(server) is None
        assert {TODAY + 10, TODAY + 12} < key_names(server)


def test_a_damaged_past_key_does_not_stop_publication(tmp_path: Path) -> None:
    with served(tmp_path / "server", padding=1) as server:
        (server.config.directory / "keys" / "issuer" / f"epoch-{TODAY}.key").write_bytes(b"damaged")
        server.move_clock(MONDAY + 2 * 86400)
        published = Clinic(server).published()
        assert published.head.time == MONDAY + 2 * 86400
        assert published.of_kind("past-epochs") == []
        assert next(key.epoch for key in epochs(server).keys) == TODAY + 1


def test_a_spent_tickets_row_does_not_tell_when_a_desk_gave_it(tmp_path: Path) -> None:
    with served(tmp_path / "server", now=MONDAY + 4711) as server:
        ticket = server.desk("tickets", {})["ticket"]
        enrol(server, device_key(1), ticket)
        server.move_clock(MONDAY + 4711 + 7 * 86400 - 1)
        # The row of a ticket that is not over is there, whoever else enrols.
        enrol(server, device_key(2))
        assert enrol(server, device_key(3), ticket) == {"ok": False, "error": "ticket_spent"}
    with sqlite3.connect(tmp_path / "server" / "issuer.sqlite") as database:
        ends = {end for (end,) in database.execute("select expires from tickets")}
    database.close()
    assert ends == {MONDAY + 8 * 86400, MONDAY + 15 * 86400}


def test_the_same_device_may_enrol_again_with_its_ticket(server: Served) -> None:
    ticket = server.desk("tickets", {})["ticket"]
    assert enrol(server, device_key(1), ticket) == {"ok": True}
    assert enrol(server, device_key(1), ticket) == {"ok": True}
    assert enrol(server, device_key(1)) == {"ok": True}


@pytest.mark.parametrize("count", [0, 49])
def test_a_request_is_for_1_to_48_passes(server: Served, count: int) -> None:
    enrol(server, device_key(1))
    assert ask_passes(server, device_key(1), TODAY, numbers(count))["error"] == "malformed"


@pytest.mark.parametrize("blinded", [b"", bytes(255), bytes(257), b"\xff" * 256, "text", 7, None])
def test_what_cannot_be_signed_counts_nothing(server: Served, blinded: Any) -> None:
    device = device_key(1)
    enrol(server, device)
    assert ask_passes(server, device, TODAY, [*numbers(1), blinded])["error"] == "malformed"
    assert ask_passes(server, device, TODAY, numbers(48))["ok"]
