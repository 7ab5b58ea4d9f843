"""A lost phone: the desk tells its number, and the issuer gives it no more passes. specs/pass.md section 12"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner

from ownhue.device import ENROL, STOP, device_number, sign_request
from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.spoken import spoken
from ownhue_server.cli import app, stop
from ownhue_server.config import ALL_ROLES, Role
from ownhue_server.online_keys import SIGNING
from tests.server.served import MONDAY, Served, device_key, served
from tests.server.test_issuer import TODAY, ask_passes, enrol, numbers

STOP_PATH = "/issuer/v1/stop"


def number_of(device: SigningKey) -> bytes:
    return device_number(bytes(device.verify_key))


def stopped(server: Served, text: str, **headers: str) -> httpx.Response:
    headers = headers or {"Authorization": f"Bearer {server.desk_key}"}
    return server.request("POST", "/authority/v1/stopped-devices", json={"number": text}, headers=headers)


def request(server: Served, number: bytes, key: SigningKey | None = None, **changes: Any) -> dict[str, Any]:
    signer = key or SigningKey(server.config.keys(Role.AUTHORITY).load(SIGNING))
    return server.ask(STOP_PATH, sign_request(STOP, {"number": number, "time": server.now(), **changes}, signer))


def test_a_stopped_device_gets_no_more_passes_and_enrols_no_more(server: Served) -> None:
    lost, other = device_key(1), device_key(2)
    ticket = server.desk("tickets", {})["ticket"]
    for device in (lost, other):
        enrol(server, device)
    assert ask_passes(server, lost, TODAY, numbers(1))["ok"]
    answer = stopped(server, spoken(number_of(lost)))
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    refused = {"ok": False, "error": "stopped_device"}
    assert ask_passes(server, lost, TODAY + 1, numbers(1)) == refused
    assert enrol(server, lost, ticket) == refused
    # What it was refused spent nothing: the ticket is good for the phone that takes its place.
    assert enrol(server, device_key(3), ticket) == {"ok": True}
    assert ask_passes(server, other, TODAY, numbers(1))["ok"]


def test_to_stop_it_again_changes_nothing_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        enrol(server, device_key(1))
        for _ in range(2):
            assert stopped(server, spoken(number_of(device_key(1))).upper().replace("-", " ")).json() == {"ok": True}
    with served(tmp_path / "server") as server:
        assert ask_passes(server, device_key(1), TODAY, numbers(1))["error"] == "stopped_device"


def test_a_number_that_nobody_has_is_told_the_desk(server: Served) -> None:
    assert stopped(server, spoken(os.urandom(8))).json() == {"ok": False, "error": "unknown_device"}


@pytest.mark.parametrize("text", ["", "lusab-babad-nupin", "lusab", "OWNT1.abc", "x" * 5000, spoken(bytes(10))])
def test_what_is_no_number_is_malformed(server: Served, text: str) -> None:
    answer = stopped(server, text)
    assert (answer.status_code, answer.json()) == (400, {"error": "malformed"})


def test_only_a_desk_may_ask(server: Served) -> None:
    enrol(server, device_key(1))
    answer = stopped(server, spoken(number_of(device_key(1))), Authorization="Bearer guess")
    assert answer.status_code == 401
    assert ask_passes(server, device_key(1), TODAY, numbers(1))["ok"]


def test_a_device_cannot_stop_another_one_nor_itself(server: Served) -> None:
    """Attack: somebody who read a number on a card signs the issuer's request with a key of their own."""
    enrol(server, device_key(1))
    for key in (device_key(1), device_key(2)):
        assert request(server, number_of(device_key(1)), key) == {"ok": False, "error": "bad_signature"}
    assert ask_passes(server, device_key(1), TODAY, numbers(1))["ok"]


def test_a_recorded_request_is_worth_nothing_later_or_for_another_purpose(server: Served) -> None:
    """Attack: a request to stop is kept and sent again, or a signature for another purpose is passed off as one."""
    enrol(server, device_key(1))
    number = number_of(device_key(1))
    assert request(server, number, time=MONDAY - 3601)["error"] == "bad_signature"
    authority = SigningKey(server.config.keys(Role.AUTHORITY).load(SIGNING))
    other = sign_request(ENROL, {"number": number, "time": server.now()}, authority)
    assert server.ask(STOP_PATH, other)["error"] == "bad_signature"


@pytest.mark.parametrize("number", [b"", bytes(7), bytes(9), "text", 8])
def test_another_form_of_number_is_malformed(server: Served, number: Any) -> None:
    assert request(server, number) == {"ok": False, "error": "malformed"}


def test_an_authority_of_its_own_asks_the_issuer_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def post(_self: object, url: str, *, content: bytes, **_rest: Any) -> httpx.Response:
        asked.append((url, dict(cbor_decode(unframe(content)))))
        return httpx.Response(200, content=frame(cbor_encode({"ok": True})))

    with served(tmp_path / "server", roles=ALL_ROLES - {Role.ISSUER}, issuer_url="https://issuer.example") as server:
        http = server.http
        with monkeypatch.context() as patched:
            patched.setattr(httpx.AsyncClient, "post", post)
            assert server.http is http
            assert stopped(server, spoken(bytes(8))).json() == {"ok": True}
    ((url, body),) = asked
    assert url == "https://issuer.example/issuer/v1/stop"
    assert body["number"] == bytes(8)


def test_the_command_says_what_became_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file = tmp_path / "desk.key"
    key_file.write_text("the-key\n")
    answers: Iterator[dict[str, object]] = iter([{"ok": True}, {"ok": False, "error": "unknown_device"}])
    sent: list[tuple[str, str, dict[str, str]]] = []

    def post(url: str, number: str, headers: dict[str, str]) -> dict[str, object]:
        sent.append((url, number, headers))
        return next(answers)

    monkeypatch.setattr(stop, "_post", post)
    text = spoken(bytes(8))
    arguments = ["stop-device", text.upper(), "--url", "https://a.example/", "--desk-key-file", str(key_file)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (0, "stopped: this phone gets no more passes\n")
    assert sent == [("https://a.example/authority/v1/stopped-devices", text, {"Authorization": "Bearer the-key"})]
    failed = CliRunner().invoke(app, arguments)
    assert "no phone with this number" in str(failed.exception)
    assert "no phone" not in failed.stdout


def test_the_command_tells_a_misheard_number_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "_post", lambda *_: pytest.fail("sent"))
    (tmp_path / "desk.key").write_text("k")
    first, *rest = spoken(os.urandom(8)).split("-")
    misheard = "-".join(["babab" if first != "babab" else "babad", *rest])
    arguments = ["stop-device", misheard, "--url", "https://a.example", "--desk-key-file", str(tmp_path / "desk.key")]
    assert "check word" in str(CliRunner().invoke(app, arguments).exception)
