"""Resuming after weeks or a year offline, broken off anywhere; and synchronising from a stick."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ownhue.colour import Colour
from ownhue.errors import OwnhueError, VerificationError
from ownhue.region import region_bytes
from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.phone import Phone
from ownhue_client.phone.door import Door
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.test_phone_sync import MEETING, own_key
from tests.client.town import DAY, Town, meet
from tests.client.trusted_publisher import YEAR, key, texts
from tests.client.trusted_town import Device, Neighbour, TrustedTown


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


def new_phone(town: Town, directory: Path) -> Phone:
    root = town.publisher.first_root if isinstance(town, TrustedTown) else None
    return town.phone(directory, root=root, clock=Device())


class Limited:
    """A network that gives out after so many answers."""

    def __init__(self, town: Town, answers: int) -> None:
        self.town, self.left = town, answers
        self._handle = town.handle

    def handle(self, request: httpx.Request) -> httpx.Response:
        if not self.left:
            raise httpx.ConnectError("no network")
        self.left -= 1
        return self._handle(request)


def test_after_fourteen_days_broken_off_at_every_single_fetch_it_ends_with_the_same(
    town: TrustedTown, tmp_path: Path
) -> None:
    phone, other = new_phone(town, tmp_path / "phone"), new_phone(town, tmp_path / "other")
    for each in (phone, other):
        each.sync(town.now)
    meeting = town.now + 10 * DAY
    meet(phone, other, meeting)
    # In between an online key was replaced, so that a round begins with a root.
    town.publisher.rotate(timestamp_key=key(95))
    keys = [own_key(other, meeting)]
    for number in range(14 * DAY // BATCH_SECONDS):
        town.publisher.close_keys(keys=keys if number == 123 else ())
    now = town.publisher.time
    handle = town.handle
    failures = 0
    while True:
        limited = Limited(town, 1 + failures % 3 if failures % 2 else 12)
        town.handle = limited.handle  # type: ignore[method-assign]
        phone._doors = _doors(town, phone)
        try:
            phone.sync(now)
            break
        except UnreachableError:
            failures += 1
        finally:
            town.handle = handle  # type: ignore[method-assign]
    assert failures > 10
    assert [window.seconds for window in phone.facts(now).windows] == [1200]
    assert phone.facts(now).published_until == now
    whole = new_phone(town, tmp_path / "whole")
    whole.sync(now)
    assert phone._home.state == whole._home.state
    assert phone.decide(now).colour is Colour.YELLOW


def _doors(town: Town, phone: Phone) -> Callable[[str], Door]:
    """The phone's way to the network, bent to the town's present handler."""
    client = httpx.Client(transport=httpx.MockTransport(town.handle))
    return lambda url: Door(client, url, phone._ledger, phone.settings)


def test_after_a_year_it_follows_every_root_and_waits_for_nothing_that_is_gone(
    town: TrustedTown, tmp_path: Path
) -> None:
    phone = new_phone(town, tmp_path / "phone")
    phone.sync(town.now)
    for month in range(12):
        town.publisher.rotate(timestamp_key=key(80 + month))
        town.publisher.log_key = key(110 + month)
        town.publisher.roles = town.publisher.roles.model_copy(update={"log_keys": texts(key(110 + month))})
        town.publisher.close_keys()
    last = (START + YEAR) // BATCH_SECONDS
    town.publisher.batch = last - 14 * DAY // BATCH_SECONDS - 1
    while town.publisher.batch < last:
        town.publisher.close_keys()
    for entry in [entry for entry in town.publisher.entries if entry.kind == "keys"][:13]:
        town.publisher.files.pop(entry.path)
    now = town.publisher.time
    assert phone.sync(now).files == 14 * DAY // BATCH_SECONDS
    assert phone.facts(now).published_until == now
    assert "Root 13" in " ".join(phone.trust_words(now))


def test_a_stick_does_as_well_as_a_network_and_nothing_leaves_the_phone(town: TrustedTown, tmp_path: Path) -> None:
    phone, other = new_phone(town, tmp_path / "phone"), new_phone(town, tmp_path / "other")
    meet(phone, other, MEETING)
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    town.publisher.serve(tmp_path / "stick" / "published")
    result = phone.sync_from(tmp_path / "stick", now)
    assert (result.files, result.windows, result.head_time) == (3, 1, now)
    assert phone.decide(now).colour is Colour.YELLOW
    assert town.requests == []
    (line,) = phone.ledger()
    assert (line.purpose, line.host, line.bytes_out) == ("read from a folder; nothing left the phone", "", 0)
    assert line.bytes_in == sum(
        len(town.publisher.files[path]) for path in town.publisher.files if _read_by_a_new_phone(path, town)
    )


def _read_by_a_new_phone(path: str, town: TrustedTown) -> bool:
    newest = f"tile/entries/000.p/{len(town.publisher.entries)}"
    names = {f"trust/{number}.{role}.json" for number in (1,) for role in ("snapshot", "targets")}
    named = path in names or path in {"head", "trust/timestamp.json", newest}
    return named or path.partition("/")[0] in {"keys", "rulebook", "report-keys", "epochs", "trust-roles"}


def test_the_published_folder_itself_is_a_stick_too(town: TrustedTown, tmp_path: Path) -> None:
    phone = new_phone(town, tmp_path / "phone")
    folder = town.publisher.serve(tmp_path / "copy")
    assert phone.sync_from(folder, town.now).files == 1


def test_stick_and_network_take_turns(town: TrustedTown, tmp_path: Path) -> None:
    phone = new_phone(town, tmp_path / "phone")
    phone.sync_from(town.publisher.serve(tmp_path / "a"), town.now)
    now = town.publisher.close_keys()
    assert phone.sync(now).files == 1
    now = town.publisher.close_keys()
    assert phone.sync_from(town.publisher.serve(tmp_path / "b"), now).files == 1
    assert phone.facts(now).published_until == now


def test_a_stick_that_was_tampered_with_is_refused(town: TrustedTown, tmp_path: Path) -> None:
    phone = new_phone(town, tmp_path / "phone")
    folder = town.publisher.serve(tmp_path / "stick")
    path = folder / town.publisher.entries[-1].path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VerificationError):
        phone.sync_from(folder, town.now)
    assert phone.facts(town.now).published_until != town.now


@pytest.mark.parametrize("missing", ["head", "trust/timestamp.json", "all"])
def test_a_stick_that_lacks_something_is_said_so(town: TrustedTown, tmp_path: Path, missing: str) -> None:
    phone = new_phone(town, tmp_path / "phone")
    folder = town.publisher.serve(tmp_path / "stick")
    if missing != "all":
        (folder / missing).unlink()
    with pytest.raises((MissingError, UnreachableError)):
        phone.sync_from(tmp_path / "nothing" if missing == "all" else folder, town.now)


def test_an_old_stick_makes_nothing_younger(town: TrustedTown, tmp_path: Path) -> None:
    phone = new_phone(town, tmp_path / "phone")
    old = town.publisher.serve(tmp_path / "old")
    now = town.publisher.close_keys()
    phone.sync(now)
    before = phone._home.state
    with pytest.raises(OwnhueError):
        phone.sync_from(old, now)
    assert phone._home.state == before


def test_a_stick_carries_visited_regions_too(town: TrustedTown, tmp_path: Path) -> None:
    coast: Neighbour = town.add_region("coast")
    now = town.publisher.close_keys(town.directory())
    coast.publisher.close_keys()
    phone = new_phone(town, tmp_path / "phone")
    stick = tmp_path / "stick"
    town.publisher.serve(stick / "published")
    phone.sync_from(stick, now)
    phone.visit("coast", now)
    (result,) = phone.sync_from(stick, now).regions
    assert "nothing of this region" in result.error
    coast.publisher.serve(stick / "regions" / "coast" / "published")
    (stick / "regions" / "coast" / "region.json").write_bytes(region_bytes(coast.region))
    (result,) = phone.sync_from(stick, now).regions
    assert (result.error, result.files) == ("", 1)
    assert (coast.asked, town.requests) == ([], [])
