"""How often one address may be refused: guessing is slow, and nobody's address is kept. specs/http-api.md section 1

    limiter = Limiter(30)
    async with limiter.turn("/authority/v1/claim", request.scope) as turn:
        if turn is None: ...                # "too_many"
        elif guessed_wrong: turn.refused = True

- Only refusals count, for each endpoint by itself. Many phones behind one address do not lock each other out by asking.
- Of one address never more requests are worked on at once than it has refusals left; the others wait for their turn.
  So a thousand guesses that arrive together are worth no more than the same guesses one after the other.
- An address is known by 16 bytes of an HMAC under a random key in memory. Once an hour the key and all counts go.
- The memory is bounded: when the table is full, the oldest count goes. Filling it takes as many refusals from other
  addresses, each a guess of its own, so nothing is won by it; and nobody else is shut out.
"""

import asyncio
import contextlib
import hmac
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ownhue_server import logs
from ownhue_server.addresses import IPV6_PREFIX_BYTES, Addresses

#: Seconds after which the key and all counts are replaced. specs/http-api.md section 1
HOUR_SECONDS = 3600
#: What a site (48 bits of IPv6) may be refused, times what one network may. specs/http-api.md section 1
IPV6_SITE_TIMES = 64
#: Most addresses that are counted at a time, some 250 bytes each.
MAX_ADDRESSES = 65_536

_NAME_BYTES = 16
_IPV6_SITE_BYTES = 6

_log = logs.get("limiter")


@dataclass(slots=True)
class _Count:
    """What is known of one address at one endpoint."""

    refused: int = 0
    working: int = 0
    waiting: "deque[asyncio.Future[bool]]" = field(default_factory=deque)
    """Who waits: True, it may begin; False, no refusals are left."""

    def hand_on(self, most: int) -> None:
        """Let those begin who may; send away those who wait in vain."""
        while self.waiting and (self.refused >= most or self.refused + self.working < most):
            future = self.waiting.popleft()
            if not future.done():
                self.working += self.refused < most
                future.set_result(self.refused < most)


@dataclass(slots=True)
class Turn:
    """A request that is worked on."""

    refused: bool = False
    """To be set when it was refused."""


class Limiter:
    """At most *per_hour* refusals of one address at one endpoint in an hour."""

    def __init__(
        self,
        per_hour: int,
        header: str = "",
        *,
        most: int = MAX_ADDRESSES,
        timer: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """*header*: where the web server in front names the client's address; empty: the connection's other end."""
        self._per_hour = per_hour
        self._addresses = Addresses(header)
        self._most = most
        self._timer = timer
        self._random = random
        self._new_hour()

    @contextlib.asynccontextmanager
    async def turn(self, path: str, scope: Mapping[str, Any]) -> AsyncIterator[Turn | None]:
        """A turn for a request to *path*; None when its address has no refusals left. May have to wait."""
        self.sweep()
        address = self._addresses.of(scope)
        async with self._turn(path, address, self._per_hour) as turn:
            if turn is None or len(address) < IPV6_PREFIX_BYTES:
                yield turn
                return
            # Who has one IPv6 network easily has tens of thousands.
            site = address[:_IPV6_SITE_BYTES]
            async with self._turn(path, site, self._per_hour * IPV6_SITE_TIMES) as of_site:
                yield of_site
                turn.refused = of_site is not None and of_site.refused

    @contextlib.asynccontextmanager
    async def _turn(self, path: str, address: bytes, most: int) -> AsyncIterator[Turn | None]:
        counts, name = self._counts, self._name(path, address)
        count = self._count(counts, name)
        if not await _enter(count, most):
            yield None
            return
        turn = Turn()
        try:
            yield turn
        finally:
            count.working -= 1
            count.refused += turn.refused
            self._leave(counts, name, count, most)

    def sweep(self) -> None:
        """Forget everything when the hour is over. To be called now and then, so that it goes without requests, too."""
        if self._timer() >= self._ends:
            self._new_hour()

    def _new_hour(self) -> None:
        self._ends = self._timer() + HOUR_SECONDS
        self._key = self._random(32)
        self._counts: dict[bytes, _Count] = {}
        self._said = False
        self._addresses.say_again()

    def _name(self, path: str, address: bytes) -> bytes:
        return hmac.digest(self._key, path.encode() + b"\0" + address, "sha256")[:_NAME_BYTES]

    def _count(self, counts: dict[bytes, _Count], name: bytes) -> _Count:
        count = counts.get(name)
        if count is None:
            self._make_room(counts)
            count = counts[name] = _Count()
        return count

    def _leave(self, counts: dict[bytes, _Count], name: bytes, count: _Count, most: int) -> None:
        count.hand_on(most)
        if not count.refused and not count.working and not count.waiting:
            # Who was refused nothing leaves no trace.
            if counts.get(name) is count:
                del counts[name]
        elif name not in counts:
            self._make_room(counts)
            counts[name] = count  # It had to go while it was worked on.
        if count.refused >= most and not self._said:
            self._said = True
            _log.warning("an address has no refusals left; its requests are refused unseen until the hour is over")

    def _make_room(self, counts: dict[bytes, _Count]) -> None:
        if len(counts) >= self._most:
            del counts[next(iter(counts))]


async def _enter(count: _Count, most: int) -> bool:
    """Wait for a turn; whether there is one."""
    if count.refused >= most:
        return False
    if count.refused + count.working < most:
        count.working += 1
        return True
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    count.waiting.append(future)
    try:
        return await future
    except asyncio.CancelledError:
        if not future.cancelled() and future.result():
            count.working -= 1
            count.hand_on(most)
        raise
