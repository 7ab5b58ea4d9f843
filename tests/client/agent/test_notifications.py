"""Messages on the desktop, by a private bus with a desktop of our own; without one, on the standard error."""

# No "from __future__ import annotations" here: dbus-fast reads the annotations.
import asyncio
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from dbus_fast import DBusError
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

from ownhue.colour import Colour, decide
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.agent import told
from ownhue_client.agent.notifications import PATH, SERVICE, notifications
from ownhue_client.agent.told import Message
from ownhue_client.phone.changes import worth_telling
from tests.client.location.fake_geoclue import private_bus
from tests.protocol.colour_cases import at, encounter, facts

YELLOW = Message("Your colour is yellow", "Until 2026-03-09, 23:59, if nothing new happens.", urgent=True)


class Desktop(ServiceInterface):
    """Shows nothing and remembers everything."""

    def __init__(self, refuses: bool = False) -> None:
        super().__init__(SERVICE)
        self.shown: list[dict[str, Any]] = []
        self.refuses = refuses

    @dbus_method()
    def Notify(  # noqa: N802
        self,
        application: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        text: DBusStr,
        actions: Annotated[list[str], DBusSignature("as")],
        hints: DBusDict,
        expires: DBusInt32,
    ) -> DBusUInt32:
        if self.refuses:
            raise DBusError("org.example.Full", "no room")
        plain = {name: hint.value for name, hint in hints.items()}
        self.shown.append({"application": application, "title": title, "text": text, "hints": plain})
        return len(self.shown)


@asynccontextmanager
async def desktop_on(address: str, refuses: bool = False) -> Any:
    bus = await MessageBus(bus_address=address).connect()
    desktop = Desktop(refuses)
    bus.export(PATH, desktop)
    await bus.request_name(SERVICE)
    try:
        yield desktop
    finally:
        bus.disconnect()


def connecting(address: str) -> Callable[[], Any]:
    async def connect() -> MessageBus:
        return await MessageBus(bus_address=address).connect()

    return connect


def test_the_desktop_shows_it() -> None:
    async def story(address: str) -> None:
        said: list[str] = []
        async with desktop_on(address) as desktop:
            async with notifications(connecting(address), said.append) as notifier:
                notifier(YELLOW)
                notifier(Message("Your colour is green", "The time that the rules set for it is over."))
            first, second = desktop.shown
            assert (first["application"], first["title"], first["text"]) == ("ownhue", YELLOW.title, YELLOW.text)
            assert first["hints"] == {"urgency": 2, "category": "device", "transient": False}
            assert second["hints"]["urgency"] == 1
            assert said == []

    with private_bus() as address:
        asyncio.run(story(address))


def test_a_worker_thread_may_tell() -> None:
    async def story(address: str) -> None:
        async with desktop_on(address) as desktop:
            async with notifications(connecting(address)) as notifier:
                thread = threading.Thread(target=notifier, args=(YELLOW,))
                thread.start()
                await asyncio.to_thread(thread.join)
            assert [message["title"] for message in desktop.shown] == [YELLOW.title]

    with private_bus() as address:
        asyncio.run(story(address))


def test_a_publishers_words_become_no_markup() -> None:
    async def story(address: str) -> None:
        async with desktop_on(address) as desktop:
            async with notifications(connecting(address)) as notifier:
                notifier(told.refused('<a href="x">& more</a>'))
            assert "<" not in desktop.shown[0]["text"]

    with private_bus() as address:
        asyncio.run(story(address))


def test_a_desktop_that_refuses_or_is_not_there_leaves_the_standard_error() -> None:
    async def story(address: str) -> None:
        said: list[str] = []
        async with notifications(connecting(address), said.append) as notifier:
            notifier(YELLOW)
        async with desktop_on(address, refuses=True), notifications(connecting(address), said.append) as notifier:
            notifier(YELLOW)
        assert said == [f"{YELLOW.title}. {YELLOW.text}"] * 2

    with private_bus() as address:
        asyncio.run(story(address))


def test_without_a_bus_it_is_a_line_on_the_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")

    async def story() -> None:
        async with notifications() as notifier:
            notifier(YELLOW)

    asyncio.run(story())
    assert capsys.readouterr().err == f"ownhue: {YELLOW.title}. {YELLOW.text}\n"


def test_a_flood_of_messages_keeps_the_newest() -> None:
    async def story() -> None:
        said: list[str] = []

        async def connect() -> MessageBus:
            await asyncio.sleep(0)
            raise OSError

        async with notifications(connect, said.append) as notifier:
            for number in range(100):
                notifier(Message(str(number), ""))
        assert len(said) <= 18
        assert said[-1] == "99. "

    asyncio.run(story())


def test_no_message_holds_a_place_a_person_or_a_code() -> None:
    rulebook = demonstration_rulebook()
    now = at(9, "12:00:00")
    after = decide(rulebook, facts(encounter(at(5, "09:00:00"), 20)), now)
    assert after.colour is Colour.YELLOW
    texts = [f"{notice.title} {notice.text}" for notice in worth_telling(None, after)]
    texts += [f"{message.title} {message.text}" for message in (*told.SUNSET.values(), told.FORK)]
    for finding in after.reasons:
        for text in texts:
            assert finding.id not in text
            assert finding.day.isoformat() not in text
            assert finding.part_of_day not in text.split()
