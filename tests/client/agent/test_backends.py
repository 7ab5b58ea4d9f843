"""Which radio and which source of places is used; a radio that comes, goes and comes again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ownhue_client.agent.agent import Radio
from ownhue_client.agent.backends import Choice, ChosenSource, location_of, radio_of
from ownhue_client.agent.lazy_radio import lazy_radio
from ownhue_client.errors import LocationError, RadioError
from ownhue_client.location.geoclue import GeoClueSource
from ownhue_client.location.gpsd import GpsdSource
from ownhue_client.location.interface import Fix
from ownhue_client.location.manual import ManualSource
from ownhue_client.phone import Phone
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_time import run_virtual
from tests.client.publisher import START
from tests.client.radio.fake_radio import FakeBroadcaster, FakeScanner
from tests.client.town import Town

RPI, AEM = bytes(16), bytes(4)


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Town().phone(tmp_path / "phone")


class Socket:
    """Into which a dongle is plugged, or not."""

    def __init__(self) -> None:
        self.plugged = True
        self.opened = 0
        self.closed = 0
        self.broadcaster = FakeBroadcaster()
        self.scanner = FakeScanner(lambda: [Heard(RPI, AEM, -60, START)])

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Radio]:
        if not self.plugged:
            raise RadioError("there is no dongle")
        self.opened += 1
        try:
            yield Radio(self.broadcaster, self.scanner)
        finally:
            self.closed += 1


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story, START)


def test_off_is_no_radio() -> None:
    async def story() -> None:
        async with radio_of(Choice("off"), 0xFD6F, lambda: START, bytes) as radio:
            assert radio is None

    play(story())


def test_a_dongle_that_is_not_there_is_an_error_when_it_is_used_and_no_end_of_the_agent() -> None:
    async def story() -> None:
        async with radio_of(Choice("usb:9"), 0xFD6F, lambda: START, bytes) as radio:
            assert radio is not None
            with pytest.raises(RadioError, match="usb:9"):
                await radio.broadcaster.broadcast(RPI, AEM)

    asyncio.run(story())


def test_a_radio_is_opened_when_it_is_used_and_once_for_both_halves() -> None:
    async def story() -> None:
        socket = Socket()
        async with lazy_radio(socket.open) as radio:
            assert socket.opened == 0
            await radio.broadcaster.broadcast(RPI, AEM)
            assert [heard.rpi async for heard in radio.scanner.sightings(4)] == [RPI]
            assert (socket.opened, socket.closed) == (1, 0)
            assert [sent.end for sent in socket.broadcaster.sent] == [None]
            await radio.broadcaster.stop()
            assert not socket.broadcaster.on_air
        assert socket.closed == 1

    play(story())


def test_a_radio_that_is_plugged_in_later_is_used_then() -> None:
    async def story() -> None:
        socket = Socket()
        socket.plugged = False
        async with lazy_radio(socket.open) as radio:
            for _ in range(2):
                with pytest.raises(RadioError, match="no dongle"):
                    await radio.broadcaster.broadcast(RPI, AEM)
            socket.plugged = True
            await radio.broadcaster.broadcast(RPI, AEM)
            assert socket.broadcaster.on_air

    play(story())


def test_a_radio_that_failed_is_opened_anew_and_the_broadcast_has_ended() -> None:
    async def story() -> None:
        socket = Socket()
        async with lazy_radio(socket.open) as radio:
            await radio.broadcaster.broadcast(RPI, AEM)
            ended = asyncio.create_task(radio.broadcaster.ended())
            await asyncio.sleep(1)
            socket.scanner.malformed = 3
            socket.scanner.broken = "the adapter is gone"
            with pytest.raises(RadioError, match="gone"):
                _ = [heard async for heard in radio.scanner.sightings(4)]
            assert await ended == "the radio is gone"
            socket.scanner.broken = ""
            assert len([heard async for heard in radio.scanner.sightings(4)]) == 1
            assert (socket.opened, socket.closed) == (2, 1)
            # What was counted before it failed is not lost. (The socket counts on by itself.)
            assert radio.scanner.malformed == 6

    play(story())


def test_why_a_broadcast_ended_is_handed_on() -> None:
    async def story() -> None:
        socket = Socket()
        async with lazy_radio(socket.open) as radio:
            assert await radio.broadcaster.ended() == "nothing is sent"
            await radio.broadcaster.broadcast(RPI, AEM)
            ended = asyncio.create_task(radio.broadcaster.ended())
            await asyncio.sleep(1)
            socket.broadcaster.end("the adapter became discoverable")
            assert await ended == "the adapter became discoverable"

    play(story())


@pytest.mark.parametrize(
    ("kind", "source"), [("off", None), ("gpsd", GpsdSource), ("geoclue", GeoClueSource), ("manual", ManualSource)]
)
def test_places_come_from_where_the_owner_said(phone: Phone, kind: str, source: type | None) -> None:
    found = location_of(phone, lambda: START, kind)
    assert found is None if source is None else isinstance(found, source)


class Endless:
    """A source that gives a fix now and then, and remembers whether it is open."""

    def __init__(self, every: float) -> None:
        self.every = every
        self.open = 0

    async def fixes(self) -> AsyncIterator[Fix]:
        self.open += 1
        try:
            while True:
                await asyncio.sleep(self.every)
                yield Fix(START, 30.0, 120.0, 20)
        finally:
            self.open -= 1


def test_a_source_that_is_switched_off_is_closed_though_it_says_nothing(phone: Phone) -> None:
    async def story() -> None:
        silent = Endless(10**6)
        chosen = ChosenSource(phone, lambda: START, lambda kind: None if kind == "off" else silent)
        phone.prefer(location="gpsd")
        reading = asyncio.ensure_future(anext(chosen.fixes()))
        await asyncio.sleep(100)
        assert silent.open == 1
        phone.prefer(location="off")
        await asyncio.sleep(40)
        assert silent.open == 0
        reading.cancel()
        await asyncio.wait({reading})

    play(story())


def test_another_source_is_used_as_soon_as_it_is_chosen(phone: Phone) -> None:
    async def story() -> None:
        sources = {"gpsd": Endless(10), "manual": Endless(10)}
        chosen = ChosenSource(phone, lambda: START, lambda kind: sources.get(kind))
        fixes = chosen.fixes()
        reading = asyncio.ensure_future(anext(fixes))
        await asyncio.sleep(100)
        assert not reading.done()
        phone.prefer(location="gpsd")
        assert (await reading).accuracy == 20
        phone.prefer(location="manual")
        await anext(fixes)
        assert (sources["gpsd"].open, sources["manual"].open) == (0, 1)
        await fixes.aclose()  # type: ignore[attr-defined]
        assert sources["manual"].open == 0

    play(story())


def test_a_source_that_fails_says_so(phone: Phone) -> None:
    class Broken:
        async def fixes(self) -> AsyncIterator[Fix]:
            raise LocationError("no gpsd answers")
            yield  # type: ignore[unreachable]

    async def story() -> None:
        phone.prefer(location="gpsd")
        with pytest.raises(LocationError, match="no gpsd"):
            await anext(ChosenSource(phone, lambda: START, lambda kind: Broken()).fixes())

    play(story())
