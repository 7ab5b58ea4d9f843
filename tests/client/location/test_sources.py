"""Sources of places on this device: gpsd over a real socket, and what the owner says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count, pairwise
from typing import Any

import pytest

from ownhue_client.errors import LocationError
from ownhue_client.location.gpsd import GpsdSource
from ownhue_client.location.interface import Fix, LocationSource
from ownhue_client.location.manual import ByHand, ManualSource
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual

START = 1_767_700_800
VERSION = {"class": "VERSION", "release": "3.22", "rev": "3.22", "proto_major": 3, "proto_minor": 14}
TPV = {"class": "TPV", "device": "/dev/ttyACM0", "mode": 3, "lat": 46.948, "lon": 7.4474, "eph": 8.2}


@asynccontextmanager
async def gpsd(*lines: object, first: object = VERSION) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A gpsd that greets, waits to be asked, and says *lines*; its port, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, line in enumerate([first, *lines]):
            if number == 1:
                asked.append(await reader.readline())
            writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def take(source: LocationSource, most: int = 10) -> tuple[list[Fix], str]:
    """Fixes of *source*, and what it said when it gave up."""
    fixes: list[Fix] = []
    try:
        async for fix in source.fixes():
            fixes.append(fix)
            if len(fixes) == most:
                return fixes, ""
    except LocationError as error:
        return fixes, str(error)
    raise AssertionError("a source never ends by itself")


def clock(step: int = 60) -> Callable[[], int]:
    """Each reading is *step* seconds later."""
    times = count(START, step)
    return lambda: next(times)


def play(*lines: object, step: int = 60, first: object = VERSION) -> tuple[list[Fix], str, list[bytes]]:
    async def run() -> tuple[list[Fix], str, list[bytes]]:
        async with gpsd(*lines, first=first) as (port, asked):
            fixes, error = await take(GpsdSource(clock(step), port=port))
            return fixes, error, asked

    return asyncio.run(run())


def test_gpsd_gives_fixes_with_the_time_of_this_device() -> None:
    fixes, error, asked = play(
        {"class": "DEVICES", "devices": []},
        {"class": "SKY", "hdop": 1.0},
        {"class": "TPV", "mode": 1},
        {"class": "TPV"},
        TPV | {"time": "2006-05-23T00:00:00.000Z"},
        TPV | {"lat": 47.0, "eph": None, "epx": 3, "epy": 4},
        TPV | {"lat": 48.0, "eph": None},
    )
    assert asked == [b'?WATCH={"enable":true,"json":true};\n']
    assert [tuple(fix)[1:] for fix in fixes] == [(46.948, 7.4474, 17), (47.0, 7.4474, 10), (48.0, 7.4474, 100)]
    assert fixes[0].time > START, "a receiver may be wrong by 1,024 weeks"
    assert error == "gpsd ended the connection"


def test_gpsd_wakes_nobody_every_second() -> None:
    fixes, _, _ = play(*[TPV] * 100, step=1)
    assert [later.time - earlier.time for earlier, later in pairwise(fixes)] == [30, 30, 30]


@pytest.mark.parametrize(
    "report",
    [
        {"lat": 91.0},
        {"lat": "46.9"},
        {"lat": True},
        {"lat": None},
        {"lon": -180.5},
        {"lon": float("nan")},
        {"mode": "3"},
        {"mode": 1},
    ],
)
def test_what_is_no_place_is_passed_over(report: dict[str, Any]) -> None:
    fixes, _, _ = play(TPV | report, TPV)
    assert [fix.latitude for fix in fixes] == [46.948]


def test_an_absurd_error_is_cut_rather_than_believed() -> None:
    fixes, _, _ = play(TPV | {"eph": 1e300}, TPV | {"eph": -1}, TPV | {"eph": float("inf")})
    assert [fix.accuracy for fix in fixes] == [50_000, 100, 50_000]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"46.948 7.4474\n", "what is no report"),
        (b"[" * 5000 + b"\n", "what is no report"),
        (b"\xff\xfe\n", "what is no report"),
        (b"7" * 100_000 + b"\n", "too long"),
        (b'{"class":"TPV"', "ended"),
    ],
)
def test_attack_a_gpsd_that_sends_rubbish_ends_the_source_without_a_word_of_it(line: bytes, words: str) -> None:
    fixes, error, _ = play(TPV, line)
    assert len(fixes) == 1
    assert words in error
    assert "46" not in error


@pytest.mark.parametrize("first", [b"220 mail ready\r\n", VERSION | {"proto_major": 4}, {"class": "HELLO"}, b"", [1]])
def test_what_is_no_gpsd_is_told_so(first: object) -> None:
    fixes, error, _ = play(first=first)
    assert (fixes, "no gpsd" in error) == ([], True)


def test_no_gpsd_at_all_is_told_with_what_to_do() -> None:
    async def run() -> str:
        async with gpsd() as (port, _):
            pass
        return (await take(GpsdSource(clock(), port=port)))[1]

    assert "install and start it" in asyncio.run(run())


@pytest.mark.parametrize("host", ["192.0.2.1", "gpsd.example", "", "0.0.0.0", "2001:db8::1"])
def test_attack_a_gpsd_on_another_device_would_learn_where_this_one_is(host: str) -> None:
    with pytest.raises(LocationError, match="this device only"):
        GpsdSource(clock(), host=host)


def test_giving_up_a_source_closes_its_connection() -> None:
    async def run() -> bytes:
        ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"".join(json.dumps(line).encode() + b"\n" for line in (VERSION, TPV)))
            await reader.readline()
            ended.set_result(await reader.read())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            fixes = GpsdSource(clock(), port=server.sockets[0].getsockname()[1]).fixes()
            await anext(fixes)
            await fixes.aclose()  # type: ignore[attr-defined]
            return await asyncio.wait_for(ended, 10)

    assert asyncio.run(run()) == b""


def manual(told: Sequence[ByHand | None]) -> list[Fix]:
    """What the source says while the owner says one of *told* after the other, a minute apart."""

    async def run() -> list[Fix]:
        clock, said, fixes = VirtualClock(asyncio.get_running_loop()), iter(told), list[Fix]()

        async def collect() -> None:
            async for fix in ManualSource(lambda: next(said, None), clock.now).fixes():
                fixes.append(fix)

        with suppress(TimeoutError):
            await asyncio.wait_for(collect(), 600)
        return fixes

    return run_virtual(run(), START)


def test_by_hand_a_place_holds_until_it_is_over() -> None:
    place = ByHand(46.948, 7.4474, 30, START + 150)
    fixes = manual([None, place, place, place, None, place._replace(until=2**40, latitude=1.0)])
    assert [(fix.time - START, fix.latitude) for fix in fixes] == [(60, 46.948), (120, 46.948), (300, 1.0)]
    assert "46" not in repr(place)
