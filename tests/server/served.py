"""The real application in this process: databases, folder and all, asked through ASGI instead of a socket."""

import asyncio
import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Awaitable, Collection, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from nacl.signing import SigningKey

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_server.app import create_app
from ownhue_server.authority.service import Authority
from ownhue_server.clock import Clock, RehearsalClock
from ownhue_server.config import ALL_ROLES, Config, Role, load_config
from ownhue_server.deployment import Plan, create_deployment
from ownhue_server.issuer.service import Issuer
from ownhue_server.publisher.service import Publisher

T = TypeVar("T")

#: Monday 2 March 2026, 00:00 UTC: a batch boundary, and the first day of neither a week number nor a month.
MONDAY = 1_772_409_600
BATCH = 7200
#: The url is never contacted: requests go through ASGI.
URL = "http://127.0.0.1:9"


class Served:
    """An application whose lifespan is open."""

    def __init__(self, config: Config, desk_key: str, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self.config = config
        self.desk_key = desk_key
        self.clock = clock
        self._loop = loop
        self.app: FastAPI
        self.http: httpx.AsyncClient
        self.publisher: Publisher

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of *work*."""
        return self._loop.run_until_complete(work)

    def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """The answer to one request."""
        return self.run(self.http.request(method, path, **rest))

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The map of a phone endpoint's answer."""
        return self.ask_raw(path, frame(cbor_encode(body)))

    def ask_raw(self, path: str, content: bytes) -> dict[str, Any]:
        """The map of a phone endpoint's answer to any bytes; checks status and size on the way."""
        return self.run(self.ask_async(path, content))

    async def ask_async(self, path: str, content: bytes) -> dict[str, Any]:
        """As ask_raw, for several requests at once."""
        answer = await self.http.post(path, content=content)
        assert answer.status_code == 200
        assert len(answer.content) == FRAME_BYTES
        assert answer.headers["content-type"] == "application/octet-stream"
        return dict(cbor_decode(unframe(answer.content)))

    def desk(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON of a desk endpoint's answer, granted."""
        headers = {"Authorization": f"Bearer {self.desk_key}"}
        answer = self.request("POST", f"/authority/v1/{name}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def move_clock(self, now: int) -> httpx.Response:
        """Move the rehearsal's clock."""
        return self.request("POST", "/rehearsal/v1/clock", json={"now": now})

    def now(self) -> int:
        """The clock's time."""
        return self.clock.now()


@functools.cache
def prepared_keys() -> dict[str, bytes]:
    """Key files of a deployment that has started once: making a dozen RSA keys for each test would take a second."""
    with tempfile.TemporaryDirectory() as folder:
        config, _desk_key = create_deployment(Path(folder), Plan(URL, demonstration_rulebook(), MONDAY))
        for role in (Authority(config, RehearsalClock(MONDAY)), Issuer(config, RehearsalClock(MONDAY))):
            role.documents(MONDAY)
        return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*.key")}


def deployment(directory: Path, *, padding: int = 20, batch_seconds: int = BATCH) -> tuple[Config, str]:
    """A new deployment with the demonstration rulebook, and its desk key."""
    for name, data in prepared_keys().items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return create_deployment(directory, Plan(URL, demonstration_rulebook(), MONDAY, padding, batch_seconds))


@contextlib.contextmanager
def served(
    directory: Path,
    *,
    now: int = MONDAY,
    clock: Clock | None = None,
    roles: Collection[Role] = ALL_ROLES,
    padding: int = 20,
    desk_key: str = "",
    clock_is_right: bool = False,
    **settings: Any,
) -> Iterator[Served]:
    """The application of the deployment in *directory*, which is made when there is none, at *now*.

    *settings* replace those of its file. Without any, answers leave at once and as many may be refused as like.
    """
    if (directory / "settings.json").exists():
        config = load_config(directory)
    else:
        config, desk_key = deployment(directory, padding=padding)
    changes = {"answer_milliseconds": 0, "refusals_per_hour": 100_000, **settings}
    config = dataclasses.replace(config, settings=config.settings.model_copy(update=changes))
    loop = asyncio.new_event_loop()
    clock = clock or RehearsalClock(now)
    server = Served(config, desk_key, clock, loop)
    try:
        with contextlib.ExitStack() as stack:
            app = create_app(config, roles, clock, clock_is_right=clock_is_right)
            lifespan = app.router.lifespan_context(app)
            server.run(_awaited(lifespan.__aenter__()))
            stack.callback(lambda: server.run(_awaited(lifespan.__aexit__(None, None, None))))
            server.app = app
            server.publisher = app.state.publisher
            server.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)
            stack.callback(lambda: server.run(server.http.aclose()))
            yield server
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def device_key(number: int) -> SigningKey:
    """A device key for tests, the same each time."""
    return SigningKey(number.to_bytes(32, "big"))
