"""The source "geoclue", against a fake of the service on a private bus."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from dbus_fast.aio import MessageBus

from ownhue_client.errors import LocationError
from ownhue_client.location.geoclue import GeoClueSource
from ownhue_client.location.geoclue_config import asking_sources, config_files
from ownhue_client.location.interface import Fix
from tests.client.location.fake_geoclue import FakeGeoClue, Location, private_bus

NOW = 1_767_700_800


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with private_bus() as found:
        yield found


def source(address: str) -> GeoClueSource:
    return GeoClueSource(lambda: NOW, connect=lambda: MessageBus(bus_address=address).connect(), asking=list)


async def first(source: GeoClueSource, count: int) -> list[Fix]:
    """The first *count* fixes, then no more."""
    fixes: list[Fix] = []
    stream = source.fixes()
    async for fix in stream:
        fixes.append(fix)
        if len(fixes) == count:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return fixes


def test_geoclue_gives_fixes_and_is_told_to_stop(address: str) -> None:
    async def run() -> tuple[list[Fix], FakeGeoClue]:
        locations = [
            Location(46.948, 7.4474, 20.0, NOW - 30),
            Location(46.948, 7.4474, 25_000.0, NOW),
            Location(95.0, 7.4474, 20.0, NOW),
            Location(46.948, 7.4474, -1.0, NOW),
            Location(float("nan"), 7.4474, 20.0, NOW),
            Location(-33.45, -70.66, 3.1, NOW + 9999),
            Location(-33.45, -70.66, 3.1, 0),
        ]
        async with FakeGeoClue(address, *locations) as service:
            return await first(source(address), 3), service

    fixes, service = asyncio.run(run())
    assert [tuple(fix) for fix in fixes] == [
        (NOW - 30, 46.948, 7.4474, 40),
        (NOW, -33.45, -70.66, 7),
        (NOW, -33.45, -70.66, 7),
    ]
    told = service.client
    assert (told.desktop_id, told.distance, told.seconds, told.level) == ("ownhue", 0, 30, 8)
    assert (service.started, service.stopped) == (True, True)


def failure(address: str, service: FakeGeoClue | None) -> str:
    async def run() -> str:
        async def ask() -> str:
            with pytest.raises(LocationError) as caught:
                await first(source(address), 1)
            return str(caught.value)

        if service is None:
            return await ask()
        async with service:
            return await ask()

    return asyncio.run(run())


def test_without_geoclue_it_is_told_so(address: str) -> None:
    assert failure(address, None) == "GeoClue is not installed here"


def test_without_a_bus_it_is_told_so(tmp_path: Path) -> None:
    assert "no system bus" in failure(f"unix:path={tmp_path}/none", None)


def test_a_refusal_says_what_to_do_and_nothing_of_what_was_answered(address: str) -> None:
    words = failure(address, FakeGeoClue(address, denied=True))
    assert "allow 'ownhue'" in words
    assert "46" not in words


def test_geoclue_that_ends_ends_the_source(address: str) -> None:
    async def run() -> str:
        async with FakeGeoClue(address, Location(46.948, 7.4474, 20.0, NOW)) as service:
            stream = source(address).fixes()
            await anext(stream)
            await service.bus.release_name("org.freedesktop.GeoClue2")
            with pytest.raises(LocationError) as caught:
                await anext(stream)
            return str(caught.value)

    assert asyncio.run(run()) == "GeoClue has ended"


def test_a_bus_that_goes_away_ends_the_source() -> None:
    async def run() -> str:
        with ExitStack() as stack:
            own = stack.enter_context(private_bus())
            async with FakeGeoClue(own, Location(46.948, 7.4474, 20.0, NOW)):
                stream = source(own).fixes()
                await anext(stream)
                stack.close()
                with pytest.raises(LocationError) as caught:
                    await anext(stream)
                return str(caught.value)

    assert asyncio.run(run()) == "GeoClue has ended"


def test_the_system_bus_is_asked_by_default(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)

    async def run() -> list[Fix]:
        async with FakeGeoClue(address, Location(46.948, 7.4474, 20.0, NOW)):
            return await first(GeoClueSource(lambda: NOW, may_ask=True), 1)

    assert len(asyncio.run(run())) == 1


def test_attack_a_geoclue_that_asks_a_server_is_not_started_unless_the_owner_said_so() -> None:
    async def never() -> MessageBus:
        raise AssertionError("nothing is asked before it is known who else hears it")

    guarded = GeoClueSource(lambda: NOW, connect=never, asking=lambda: ["Wi-Fi"])
    with pytest.raises(LocationError, match=r"\(Wi-Fi\).*enable=false"):
        asyncio.run(first(guarded, 1))


OFF = "[wifi]\nenable=false\nurl=https://api.example/%key\n[3g]\nenable = False\n[ip]\nenable=false\n"


@pytest.mark.parametrize(
    ("files", "on"),
    [
        ({}, ["Wi-Fi", "mobile cells", "internet address"]),
        ({"geoclue.conf": OFF}, []),
        ({"geoclue.conf": OFF, "conf.d/90-own.conf": "[wifi]\nenable=true\n"}, ["Wi-Fi"]),
        ({"geoclue.conf": OFF.replace("false", "true"), "conf.d/90-own.conf": OFF}, []),
        ({"geoclue.conf": OFF, "conf.d/90-own.txt": "[wifi]\nenable=true\n"}, []),
        ({"geoclue.conf": "[wifi]\nenable=false\n"}, ["mobile cells", "internet address"]),
        ({"geoclue.conf": "enable=false\n"}, ["Wi-Fi", "mobile cells", "internet address"]),
        ({"geoclue.conf": OFF, "conf.d/broken.conf": "[wifi\n"}, []),
    ],
)
def test_what_is_not_said_to_be_off_counts_as_on(files: dict[str, str], on: list[str], tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert asking_sources(config_files(tmp_path / "geoclue.conf", tmp_path / "conf.d")) == on
    if not files:
        assert asking_sources(config_files(tmp_path / "none", tmp_path / "nothing")) == on
