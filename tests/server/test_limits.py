"""limits.py: refusals of an address are counted, and the address is nowhere."""

import asyncio
import os
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ownhue_server.addresses import client_address
from ownhue_server.limits import HOUR_SECONDS, IPV6_SITE_TIMES, Limiter

PATH = "/authority/v1/claim"


def scope_of(address: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"client": (address, 4711), "headers": headers}


class Guard:
    """A limiter whose time the test moves."""

    def __init__(self, per_hour: int = 3, **rest: Any) -> None:
        self.time = 0.0
        self.limiter = Limiter(per_hour, timer=lambda: self.time, **rest)

    async def ask(self, address: str, refused: bool = True, path: str = PATH) -> bool:
        """Whether a request was looked at; it was *refused*."""
        async with self.limiter.turn(path, scope_of(address)) as turn:
            if turn is not None:
                await asyncio.sleep(0)
                turn.refused = refused
            return turn is not None

    def asked(self, *addresses: str, refused: bool = True, path: str = PATH) -> list[bool]:
        """One after the other."""

        async def scene() -> list[bool]:
            return [await self.ask(address, refused, path) for address in addresses]

        return asyncio.run(scene())


def test_refusals_of_an_address_are_limited_and_those_of_others_are_not() -> None:
    guard = Guard(3)
    assert guard.asked(*["192.0.2.1"] * 5) == [True, True, True, False, False]
    assert guard.asked("192.0.2.2") == [True]
    assert guard.asked("192.0.2.1", refused=False) == [False]


def test_many_honest_phones_behind_one_address_are_not_locked_out() -> None:
    guard = Guard(3)
    assert all(guard.asked(*["192.0.2.1"] * 1000, refused=False))
    assert guard.limiter._counts == {}


def test_refusals_at_one_endpoint_do_not_lock_the_others() -> None:
    guard = Guard(1)
    assert guard.asked("192.0.2.1", "192.0.2.1") == [True, False]
    assert guard.asked("192.0.2.1", path="/issuer/v1/passes") == [True]


def test_after_an_hour_the_key_and_all_counts_are_gone() -> None:
    keys = iter([b"a" * 32, b"b" * 32, b"c" * 32])
    guard = Guard(1, random=lambda _: next(keys))
    guard.asked("192.0.2.1")
    guard.time = HOUR_SECONDS - 1
    guard.limiter.sweep()
    assert guard.asked("192.0.2.1") == [False]
    guard.time = HOUR_SECONDS
    guard.limiter.sweep()
    assert guard.limiter._counts == {}
    assert guard.limiter._key == b"b" * 32
    assert guard.asked("192.0.2.1") == [True]


def together(*work: Callable[[], Awaitable[bool]]) -> list[bool]:
    async def scene() -> list[bool]:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_run(one)) for one in work]
        return [task.result() for task in tasks]

    return asyncio.run(scene())


async def _run(work: Callable[[], Awaitable[bool]]) -> bool:
    return await work()


def test_a_thousand_guesses_at_once_are_worth_no_more_than_one_after_the_other() -> None:
    guard = Guard(3)
    assert sum(together(*[lambda: guard.ask("192.0.2.1")] * 1000)) == 3


def test_a_thousand_honest_requests_at_once_are_all_looked_at() -> None:
    guard = Guard(3)
    assert all(together(*[lambda: guard.ask("192.0.2.1", refused=False)] * 1000))
    assert guard.limiter._counts == {}


def test_guesses_hidden_among_honest_requests_at_once_are_limited_too() -> None:
    guard = Guard(3)
    work = [lambda refused=number % 10 == 0: guard.ask("192.0.2.1", refused) for number in range(200)]
    looked_at = together(*work)
    assert sum(looked_at[::10]) == 3


def test_who_hangs_up_while_waiting_for_a_turn_takes_nobodys_turn() -> None:
    async def scene() -> list[bool]:
        guard = Guard(1)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def first() -> bool:
            async with guard.limiter.turn(PATH, scope_of("192.0.2.1")) as turn:
                begun.set()
                await go_on.wait()
                return turn is not None

        async with asyncio.timeout(10):
            one = asyncio.create_task(first())
            await begun.wait()
            waiting = [asyncio.create_task(guard.ask("192.0.2.1", refused=False)) for _ in range(4)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            go_on.set()
            await one
            waiting[1].cancel()  # Its turn had come already.
            rest = await asyncio.gather(*waiting[2:])
        assert guard.limiter._counts == {}
        return rest

    assert asyncio.run(scene()) == [True, True]


def test_filling_the_table_needs_a_refusal_from_each_address_and_shuts_nobody_out() -> None:
    guard = Guard(1, most=100)
    assert all(guard.asked(*(f"192.0.2.{number}" for number in range(200))))
    assert len(guard.limiter._counts) == 100
    assert guard.asked("192.0.2.199") == [False]
    assert guard.asked("198.51.100.1", "192.0.2.0") == [True, True]
    assert len(guard.limiter._counts) == 100


def test_one_attacker_with_tens_of_thousands_of_ipv6_networks() -> None:
    guard = Guard(3)
    networks = [f"2001:db8:1:{number:x}::1" for number in range(100) for _ in range(2)]
    assert sum(guard.asked(*networks)) == 3 * IPV6_SITE_TIMES
    assert guard.asked("2001:db8:2::1", "192.0.2.1") == [True, True]
    assert guard.asked("2001:db8:3::1", "2001:db8:3:0:9::1", "2001:db8:3:0:8::1", "2001:db8:3::7") == [True] * 3 + [
        False
    ]
    assert sum(together(*[lambda: guard.ask("2001:db8:5::1")] * 50)) == 3


def test_honest_phones_of_an_ipv6_site_leave_no_trace() -> None:
    guard = Guard(1)
    assert all(guard.asked(*(f"2001:db8:1:{number:x}::1" for number in range(100)), refused=False))
    assert guard.limiter._counts == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (client_address(scope_of(one)) == client_address(scope_of(other))) is same


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"203.0.113.9"], "203.0.113.9"),
        # What a client claims stands before what the own front added.
        ([b"10.0.0.1, 198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        ([b"10.0.0.1", b"203.0.113.9"], "203.0.113.9"),
        ([b"203.0.113.9:4711"], "203.0.113.9"),
        ([b"::ffff:203.0.113.9"], "203.0.113.9"),
        ([b'"[2001:db8::1]:4711"'], "2001:db8::1"),
        ([b"[2001:db8::1]"], "2001:db8::1"),
        ([b"203.0.113.9,"], "192.0.2.1"),
        ([b"unknown"], "192.0.2.1"),
        ([b"203.0.113.999"], "192.0.2.1"),
        ([b"\xff\xfe"], "192.0.2.1"),
        ([b"9" * 5000], "192.0.2.1"),
        ([], "192.0.2.1"),
    ],
)
def test_an_address_that_the_front_names(values: list[bytes], expected: str) -> None:
    scope = scope_of("192.0.2.1", *((b"x-forwarded-for", value) for value in values))
    assert client_address(scope, b"x-forwarded-for") == client_address(scope_of(expected))
    # Unless it is set, a header is what anybody may write.
    assert client_address(scope) == client_address(scope_of("192.0.2.1"))


def test_a_client_without_an_address_is_one_of_all_those() -> None:
    assert client_address({"client": None, "headers": []}) == client_address({}) == b""


def test_the_table_holds_no_address_and_without_the_key_none_can_be_found() -> None:
    guard = Guard(2, random=os.urandom)
    address = "203.0.113.77"
    guard.asked(address, address, address)
    (name,) = guard.limiter._counts
    dump = pickle.dumps([list(guard.limiter._counts), guard.limiter._key, repr(vars(guard.limiter))])
    for spelling in (
        address.encode(),
        client_address(scope_of(address)),
        client_address(scope_of(address)).hex().encode(),
    ):
        assert spelling not in dump
    assert len(name) == 16
    assert Limiter(2)._name(PATH, client_address(scope_of(address))) != name


def test_the_log_says_once_an_hour_that_somebody_is_limited_and_not_who(capsys: pytest.CaptureFixture[str]) -> None:
    guard = Guard(1)
    guard.asked("203.0.113.77", "203.0.113.77", "203.0.113.78")
    logged = capsys.readouterr().err
    assert logged.count("\n") == 1
    assert "203" not in logged.replace('"minute": "20', "")


SHARED = "all share one address"
LACKS = "lacks the address"


@pytest.mark.parametrize(
    ("header", "scope", "said"),
    [
        ("", scope_of("127.0.0.1", (b"x-forwarded-for", b"203.0.113.77")), SHARED),
        ("", scope_of("10.0.0.3", (b"forwarded", b"for=203.0.113.77")), SHARED),
        ("", scope_of("127.0.0.1", (b"user-agent", b"a phone")), ""),
        # From far away comes no front of ours: anybody may write such a line.
        ("", scope_of("93.184.216.34", (b"x-forwarded-for", b"203.0.113.77")), ""),
        ("x-real-ip", scope_of("127.0.0.1", (b"x-real-ip", b"203.0.113.77"), (b"via", b"1.1 front")), ""),
        ("x-real-ip", scope_of("127.0.0.1", (b"x-forwarded-for", b"203.0.113.77")), LACKS),
        ("forwarded", scope_of("127.0.0.1", (b"forwarded", b"for=203.0.113.77")), LACKS),
    ],
)
def test_a_front_that_does_not_fit_the_settings_is_said_once_an_hour(
    capsys: pytest.CaptureFixture[str], header: str, scope: dict[str, Any], said: str
) -> None:
    """Otherwise the first 30 wrong codes of anybody would shut all phones out, and nobody would know why."""
    guard = Guard(100, header=header)

    async def ask() -> None:
        async with guard.limiter.turn(PATH, scope):
            pass

    for hour in range(2):
        guard.time = hour * HOUR_SECONDS
        for _ in range(3):
            asyncio.run(ask())
    logged = capsys.readouterr().err
    assert logged.count("\n") == logged.count(said or "{") == (2 if said else 0)
    assert "203.0" not in logged
