"""app.py: roles together and apart, public endpoints, the clock of a served deployment."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, MutableMapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from ownhue.region import parse_region
from ownhue_server import app as app_module
from ownhue_server.clock import SystemClock
from ownhue_server.config import Role
from ownhue_server.health import LATE_SECONDS
from tests.server.clinic import Clinic
from tests.server.served import BATCH, MONDAY, URL, Served, deployment, served


def test_public_endpoints(server: Served) -> None:
    region = server.request("GET", "/region.json")
    assert parse_region(region.content) == server.config.region
    assert region.content == (server.config.directory / "region.json").read_bytes()
    assert server.request("GET", "/health").json() == {"ok": True, "roles": ["authority", "issuer", "publisher"]}
    assert server.request("GET", "/nothing").status_code == 404
    assert server.request("GET", "/docs").status_code == 404
    assert server.request("GET", "/openapi.json").status_code == 404
    assert server.request("GET", "/publisher/v1/report").status_code == 405


def test_published_files_may_be_cached_but_the_head(server: Served) -> None:
    head = server.request("GET", "/published/head")
    assert head.headers["cache-control"] == "no-cache"
    (entry,) = Clinic(server).published().of_kind("keys")
    answer = server.request("GET", f"/published/{entry.path}")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "application/zip"
    only_head = server.request("HEAD", f"/published/{entry.path}")
    assert (only_head.content, only_head.headers["content-length"]) == (b"", str(entry.length))
    assert server.request("POST", "/published/head", content=b"x").status_code == 405
    assert server.request("GET", "/published/keys").status_code == 404
    old = head.content
    server.move_clock(MONDAY + BATCH)
    assert server.request("GET", "/published/head").content != old


@pytest.mark.parametrize("role", list(Role))
def test_a_role_alone_opens_only_its_own_database_and_routes(tmp_path: Path, role: Role) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    for other in set(Role) - {role}:
        for key in (config.directory / "keys" / other).iterdir():
            key.unlink()
    with served(tmp_path / "server", roles={role}) as server:
        assert {path.name for path in config.directory.glob("*.sqlite")} == {f"{role}.sqlite"}
        assert server.request("GET", "/health").json()["roles"] == [role]
        paths = {
            Role.AUTHORITY: "/authority/v1/claim",
            Role.PUBLISHER: "/publisher/v1/report",
            Role.ISSUER: "/issuer/v1/passes",
        }
        statuses = {name: server.request("POST", path, content=b"").status_code for name, path in paths.items()}
        assert statuses == {name: 200 if name == role else 404 for name in Role}


def kinds_in(server: Served) -> list[str]:
    """Kinds of what is in the log, without the files by which the publisher itself vouches for them."""
    return [entry.kind for entry in Clinic(server).published().entries if not entry.kind.startswith("trust")]


def test_a_publisher_alone_publishes_what_it_can_fetch_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path / "server", roles={Role.AUTHORITY, Role.ISSUER}) as others:
        answers = {
            f"{URL}{path}": others.request("GET", path).content
            for path in ("/authority/v1/documents/rulebook", "/authority/v1/documents/report-keys", "/issuer/v1/epochs")
        }

    def answer(request: httpx.Request) -> httpx.Response:
        content = answers.get(str(request.url))
        return httpx.Response(503) if content is None else httpx.Response(200, content=content)

    fake = SimpleNamespace(
        AsyncClient=partial(httpx.AsyncClient, transport=httpx.MockTransport(answer)), HTTPError=httpx.HTTPError
    )
    monkeypatch.setattr("ownhue_server.documents.httpx", fake)
    down = f"{URL}/issuer/v1/epochs"
    epochs = answers.pop(down)
    others_said = dict(answers)
    with served(tmp_path / "server", roles={Role.PUBLISHER}) as server:
        # The issuer is down: the batch is closed all the same, and its document follows with the next one.
        assert kinds_in(server) == ["report-keys", "rulebook", "keys"]
        # So it is when its front answers in its place: nothing but what the role signed gets into the log.
        answers |= dict.fromkeys([down, *answers], b"<html>sorry</html>")
        server.move_clock(MONDAY + BATCH)
        assert kinds_in(server)[3:] == ["keys"]
        answers |= {**others_said, down: epochs}
        server.move_clock(MONDAY + 2 * BATCH)
        assert kinds_in(server)[4:] == ["epochs", "keys"]
        server.move_clock(MONDAY + 3 * BATCH)
        assert kinds_in(server)[6:] == ["keys"]


def test_a_served_deployments_clock_cannot_be_moved(tmp_path: Path) -> None:
    clock = SystemClock(lambda: float(MONDAY), lambda: 0.0)
    with served(tmp_path / "server", clock=clock) as server:
        head = server.request("GET", "/published/head").content
        for method in ("GET", "POST"):
            answer = server.request(method, "/rehearsal/v1/clock", json={"now": MONDAY + 10 * BATCH})
            assert answer.status_code == 404
        assert server.now() == MONDAY
        assert server.request("GET", "/published/head").content == head


def test_a_served_deployment_closes_batches_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "TICK_SECONDS", 0.01)
    time = [float(MONDAY)]
    # A machine whose two clocks agree: both go on by a batch at once.
    clock = SystemClock(lambda: time[0], lambda: time[0] - MONDAY)
    with served(tmp_path / "server", clock=clock) as server:
        time[0] += 2 * BATCH
        for _ in range(500):
            server.run(asyncio.sleep(0.01))
            if Clinic(server).published().head.time == MONDAY + 2 * BATCH:
                break
        assert len(Clinic(server).published().of_kind("keys")) == 3


def test_the_system_clock_set_ahead_publishes_no_key_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sets the system's clock a day ahead while keys are still in use."""
    monkeypatch.setattr(app_module, "TICK_SECONDS", 0.01)
    wall = [float(MONDAY + 3600)]
    with served(tmp_path / "server", clock=SystemClock(lambda: wall[0], lambda: 0.0)) as server:
        clinic = Clinic(server)
        assert clinic.report(clinic.patient(3, current=True)) == "ok"
        wall[0] += 86400
        server.run(asyncio.sleep(0.1))
        assert clinic.published().head.time == MONDAY


def test_health_tells_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "TICK_SECONDS", 0.01)
    time = [float(MONDAY)]
    with served(tmp_path / "server", clock=SystemClock(lambda: time[0], lambda: time[0] - MONDAY)) as server:

        def becomes(**trouble: str) -> bool:
            for _ in range(500):
                server.run(asyncio.sleep(0.01))
                health = server.request("GET", "/health").json()
                if health == {"ok": not trouble, "roles": ["authority", "issuer", "publisher"], **trouble}:
                    return True
            return False

        assert becomes()
        tick = server.publisher.tick

        async def fail() -> None:
            raise OSError("no space left on device")

        async def sleep() -> None:
            pass

        monkeypatch.setattr(server.publisher, "tick", fail)
        assert becomes(error="failing")
        monkeypatch.setattr(server.publisher, "tick", sleep)
        time[0] += BATCH + LATE_SECONDS - 1
        assert becomes()
        time[0] += 1
        assert becomes(error="late")
        monkeypatch.setattr(server.publisher, "tick", tick)
        assert becomes()


def test_claim_codes_that_are_over_are_deleted_without_any_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "TICK_SECONDS", 0.01)
    time = [float(MONDAY)]
    directory = tmp_path / "server"
    with served(directory, clock=SystemClock(lambda: time[0], lambda: time[0] - MONDAY)) as server:

        def becomes(count: int) -> bool:
            for _ in range(500):
                server.run(asyncio.sleep(0.01))
                with contextlib.closing(sqlite3.connect(directory / "authority.sqlite")) as db:
                    if db.execute("SELECT count(*) FROM claim_codes WHERE payload >= x'01'").fetchone() == (count,):
                        return True
            return False

        Clinic(server).code()
        assert becomes(1)
        time[0] += 3600
        assert becomes(0)


def test_no_answer_sends_anybody_to_the_host_that_a_request_names(server: Served) -> None:
    for method, path in (("GET", "/region.json/"), ("POST", "/authority/v1/claim/"), ("GET", "/published/head/")):
        answer = server.request(method, path, headers={"Host": "elsewhere.example"})
        assert answer.status_code == 404
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"now": %d}' % (MONDAY - 1), 409),
        (b'{"now": "1"}', 400),
        (b'{"now": 1.5}', 400),
        (b'{"now": true}', 400),
        (b"{}", 400),
        (b"", 400),
        (b'{"now": %d, "then": 1}' % MONDAY, 400),
        (b" " * 20_000, 400),
        (b'{"now": 9999999999999999}', 400),
    ],
)
def test_a_rehearsals_clock_takes_only_a_time_to_come(server: Served, content: bytes, status: int) -> None:
    assert server.request("POST", "/rehearsal/v1/clock", content=content).status_code == status
    assert server.request("GET", "/rehearsal/v1/clock").json() == {"now": MONDAY}


def test_moving_the_clock_closes_every_batch_at_its_own_time(server: Served) -> None:
    assert server.move_clock(MONDAY + 5 * BATCH + 17).json() == {"now": MONDAY + 5 * BATCH + 17}
    assert [content.end for content in Clinic(server).published().key_files()] == [
        MONDAY + number * BATCH for number in range(6)
    ]


def test_two_hands_on_the_clock_close_no_batch_twice(server: Served) -> None:
    async def move() -> list[int]:
        moves = [
            server.http.post("/rehearsal/v1/clock", json={"now": MONDAY + 4 * BATCH + number}) for number in range(6)
        ]
        return [answer.status_code for answer in await asyncio.gather(*moves)]

    assert 200 in server.run(move())
    assert len(Clinic(server).published().of_kind("keys")) == 5


def test_an_error_nobody_expected_says_nothing(
    server: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_now: int) -> range:
        raise RuntimeError("canary-7f3a")

    monkeypatch.setattr(server.publisher, "due", fail)
    answer = server.move_clock(MONDAY + BATCH)
    assert (answer.status_code, answer.json()) == (500, {"error": "unavailable"})
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "canary" not in logged


@pytest.mark.parametrize("path", ["/authority/v1/claim", "/authority/v1/tickets"])
def test_whoever_hangs_up_in_the_middle_of_a_request_does_not_fill_the_log(
    server: Served, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    authorization = f"Bearer {server.desk_key}".encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", authorization)],
    }
    parts: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(_message: MutableMapping[str, Any]) -> None:
        raise AssertionError("nobody is there to be answered")

    server.run(server.app(scope, receive, send))
    assert capsys.readouterr().err == ""
