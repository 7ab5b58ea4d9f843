"""The table of operations: what can be asked, what goes in and comes out, and that one way is as good as the other."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ownhue.encoding import base64url_decode
from ownhue.errors import FormatError, OwnhueError, StateError
from ownhue.spoken import heard
from ownhue_client.agent.control import serving
from ownhue_client.errors import UnreachableError
from ownhue_client.operations.operation import Args, Context, Operation, plain
from ownhue_client.operations.route import Ask, local, route
from ownhue_client.operations.table import OPERATIONS, operation_of, perform
from ownhue_client.phone import Phone
from ownhue_client.phone.transfer import check_phone
from tests.client.publisher import START
from tests.client.town import HOUR, Town, meet

NOW = START + 10 * HOUR + 1500


@pytest.fixture
def town() -> Town:
    made = Town()
    made.now = NOW
    return made


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Iterator[Phone]:
    with town.phone(tmp_path / "phone") as phone, town.phone(tmp_path / "other") as other:
        meet(phone, other, START + 3 * HOUR)
        yield phone


@pytest.fixture
def ask(phone: Phone, tmp_path: Path) -> Ask:
    return local(Context(phone, tmp_path / "phone", os.urandom), lambda: NOW)


#: Arguments with which every operation can be asked of a phone that is enrolled and has just reported.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "certificate.add": {"text": "HC1:none"},
    "certificate.remove": {"id": "00"},
    "clearance.add": {"text": "HC1:none"},
    "enrol": {"ticket": "OWNT1.none"},
    "erase.day": {"day": START // 86400},
    "erase.kind": {"kind": "ledger"},
    "export": {"passphrase": "a passphrase of our own"},
    "forget-places": {"days": [START // 86400]},
    "import-places": {"path": "/nowhere.json"},
    "leave": {"name": "coast"},
    "place-by-hand": {"latitude": 30.2, "longitude": 120.1},
    "report.claim": {"code": "none", "tested_on": "2026-03-02"},
    "report.withdraw": {"code": "none"},
    "visit": {"name": "coast"},
    "doctor": {"radio": "off"},
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_gives_what_json_can_carry_or_an_error_of_ours(name: str, ask: Ask) -> None:
    ask("sync")
    value = None
    with suppress(OwnhueError):
        value = ask(name, **ARGUMENTS.get(name, {}))
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_argument_that_does_not_exist_is_refused_and_not_repeated(name: str, ask: Ask) -> None:
    with pytest.raises(FormatError) as refused:
        ask(name, **{**ARGUMENTS.get(name, {}), "secret code 4711": "4712"})
    assert "4711" not in str(refused.value)
    assert "4712" not in str(refused.value)


def test_a_wrong_argument_is_named_and_its_value_is_not(ask: Ask) -> None:
    """Attack on the reader of a log: a code, a place or a ticket in an error's text."""
    with pytest.raises(FormatError, match="tested_on") as refused:
        ask("report.claim", code="1234 5678", tested_on="the 7th")
    assert "7th" not in str(refused.value)
    assert "1234" not in repr(refused.value.__cause__)
    with pytest.raises(FormatError, match="latitude"):
        ask("place-by-hand", latitude=91, longitude=0)


def test_an_operation_that_does_not_exist_is_refused(ask: Ask) -> None:
    with pytest.raises(StateError, match="does not know"):
        ask("shell")


def test_what_may_wait_for_the_network_is_marked_as_long() -> None:
    long = {name for name, operation in OPERATIONS.items() if operation.long}
    assert {"sync", "enrol", "passes", "report.claim", "report.withdraw", "report.send", "import-places"} <= long
    assert not {"status", "why", "show.open", "show.text"} & long
    assert operation_of("sync").changes
    assert not operation_of("status").changes


def test_a_status_tells_what_a_line_needs(ask: Ask, town: Town) -> None:
    value = ask("status")
    assert (value["colour"], value["grey_because"], value["agent"]) == ("grey", ["no rulebook in force"], None)
    ask("sync")
    value = ask("status")
    assert value["colour"] == "green"
    assert value["published_until"] == town.publisher.time
    assert value["headline"].startswith("GREEN")
    assert ask("why")["lines"][0] == value["headline"]
    assert ask("why")["decision"]["colour"] == "green"


def test_the_code_on_the_screen_is_signed_anew_and_its_pass_is_gone(phone: Phone, town: Town, tmp_path: Path) -> None:
    now = NOW
    ask = local(Context(phone, tmp_path / "phone", os.urandom), lambda: now)
    ask("sync")
    ask("enrol", ticket=town.ticket())
    assert ask("passes") == {"fetched": 144, "left": 48}
    opened = ask("show.open")
    assert opened["text"].startswith("OWN1:")
    assert opened["passes_left"] == 47
    now = NOW + 15
    assert ask("show.text")["text"] != opened["text"]
    with pytest.raises(FormatError):
        ask("show.text", challenge="AAAA")
    now = NOW + 121
    with pytest.raises(StateError, match="two minutes"):
        ask("show.text")
    ask("show.close")
    with pytest.raises(StateError, match="open a code first"):
        ask("show.text")
    assert ask("status")["passes_left"] == 47


def test_a_report_goes_out_when_it_is_due_and_not_before(phone: Phone, town: Town, tmp_path: Path) -> None:
    now = NOW
    ask = local(Context(phone, tmp_path / "phone", os.urandom), lambda: now)
    ask("sync")
    listed = ask("report.periods")
    assert all("key" not in period for period in listed)
    kept = [period["start"] for period in listed if period["included"]]
    value = ask("report.claim", code=town.code(), tested_on="2026-03-02", leave_out=kept[:1])
    assert value["status"]["report"] == "waiting"
    assert ask("report.send")["sent"] is None
    now = value["status"]["due"]
    assert ask("report.send")["sent"] == "report"
    assert ask("report.status")["status"]["report"] == "sent"
    (report,) = town.received
    assert kept[0] // 600 not in [key.rolling_start for key in report.keys]  # type: ignore[union-attr]


def test_the_number_on_the_card_is_the_devices_own(ask: Ask, phone: Phone, town: Town) -> None:
    assert ask("device") == {"number": None}
    number = ask("enrol", ticket=town.ticket())["number"]
    assert ask("device") == {"number": number}
    assert heard(number) == phone.device_number()


def test_a_phone_is_exported_into_its_own_folder_and_goes_silent_only_when_told(
    ask: Ask, phone: Phone, tmp_path: Path
) -> None:
    with pytest.raises(StateError, match="12 characters"):
        ask("export", passphrase="short")
    assert not list((tmp_path / "phone").glob("export*"))
    made = ask("export", passphrase="a passphrase of our own")
    path = Path(made["path"])
    assert path.parent == tmp_path / "phone"
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("rb") as file:
        assert check_phone(file, "a passphrase of our own").records >= 10
    phone.beacon_at(NOW)
    ask("export.moved")
    assert not path.exists()
    assert ask("status")["moved_at"] == NOW
    with pytest.raises(StateError, match="moved"):
        phone.beacon_at(NOW)


def test_what_is_erased_was_counted_before(ask: Ask, phone: Phone) -> None:
    phone.note_place(30.2, 120.1, 20, START + HOUR)
    found = {(held["kind"], held["day"]): held["records"] for held in ask("erase.survey")}
    assert found["places", START // 86400] == 1
    assert ask("erase.survey", kind="places") == [{"kind": "places", "day": START // 86400, "records": 1}]
    assert ask("erase.kind", kind="places") == {"erased": 1}
    assert ask("places") == []
    with pytest.raises(FormatError, match="to erase"):
        ask("erase.kind", kind="everything")
    assert ask("erase.day", day=START // 86400)["erased"] > 0
    assert START // 86400 not in ask("days")


def test_a_day_that_is_erased_is_not_remembered_by_a_phone_that_stays_open(ask: Ask, phone: Phone) -> None:
    """Attack on the next look: what was read before is still in memory, and would be sent or told again."""
    before = phone.beacon_at(NOW)
    ask("erase.day", day=NOW // 86400)
    assert phone.beacon_at(NOW).rpi != before.rpi
    assert phone.decide(NOW).radio_share_percent in {None, 0}


def test_places_are_listed_set_and_forgotten(ask: Ask, phone: Phone) -> None:
    ask("settings", choices={"location": "manual", "coarse": False})
    assert ask("place-by-hand", latitude=30.2, longitude=120.1)["until"] == NOW + 3600
    phone.note_place(30.2, 120.1, 20, NOW)
    (place,) = ask("places")
    assert (place["latitude"], place["accuracy"], place["cell"]) == (30.2, 20, None)
    assert ask("forget-places", latitude=30.2, longitude=120.1) == {"forgotten": 1}
    with pytest.raises(FormatError, match="forget-places"):
        ask("forget-places", latitude=30.2)
    with pytest.raises(FormatError):
        ask("forget-places", cell="not a cell")


def test_a_file_that_cannot_be_read_is_told_by_its_name(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"^nothing\.json cannot be read: No such file"):
        ask("import-places", path=str(tmp_path / "nothing.json"))
    with pytest.raises(FormatError, match="absolute"):
        ask("import-places", path="nothing.json")


def test_settings_are_the_preferences_and_no_others(ask: Ask) -> None:
    assert ask("settings")["location"] == "off"
    assert ask("settings", choices={"location": "gpsd"})["location"] == "gpsd"
    for wrong in ({"location": "mars"}, {"colour": "green"}, {"coarse": 2}, {"radio": "; rm"}):
        with pytest.raises(FormatError):
            ask("settings", choices=wrong)
    assert ask("settings")["location"] == "gpsd"


@contextmanager
def agent_of(context: Context, now: Callable[[], int]) -> Iterator[None]:
    """Somebody who answers for the phone in another thread, as an agent does."""
    ready, done = threading.Event(), []

    async def handler(op: str, args: dict[str, Any]) -> Any:
        return perform(context, op, args, now())

    async def live() -> None:
        stop = asyncio.Event()
        done.append((asyncio.get_running_loop(), stop))
        async with serving(context.directory, handler):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop, stop = done[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def test_with_an_agent_and_without_one_a_command_gets_the_same(town: Town, tmp_path: Path) -> None:
    directory = tmp_path / "moving"
    town.phone(directory).close()
    names = ("status", "why", "journal", "ledger", "settings", "days", "regions", "report.status", "results")

    def opening() -> Phone:
        return Phone.open(directory, random=os.urandom, http_client=town.client(), now=NOW)

    with route(directory, opening, os.urandom, lambda: NOW) as ask:
        ask("sync")
        alone = [ask(name) for name in names]
    with (
        opening() as phone,
        agent_of(Context(phone, directory, os.urandom), lambda: NOW),
        route(directory, lambda: pytest.fail("opened a second time"), os.urandom, lambda: NOW) as ask,
    ):
        assert [ask(name) for name in names] == alone
        with pytest.raises(FormatError, match="wrong or missing: day"):
            ask("erase.day")
        town.unreachable.add("/published/head")
        with pytest.raises(UnreachableError):
            ask("sync")


def test_kinds_of_values_become_json() -> None:
    class Odd(Args):
        text: str

    operation = Operation("odd", Odd, lambda _context, args, now: {"text": args.text, "bytes": b"\xff", "set": {1}})
    assert operation.read({"text": "a"}).text == "a"
    assert plain({"text": "a", "bytes": b"\xff", "set": {1}}) == {"text": "a", "bytes": "_w", "set": [1]}
    assert base64url_decode("_w") == b"\xff"
