"""Several regions: the owner names them, the home region's directory vouches, each is judged by its own keys.

specs/region.md section 5
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ownhue.colour import Colour
from ownhue.errors import LimitError, OwnhueError, StateError, VerificationError
from ownhue.params import ReportType
from ownhue.region import region_bytes
from ownhue.regions import MAX_VISITED
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import Phone, RegionResult
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.test_phone_sync import own_key
from tests.client.town import DAY, HOUR, meet
from tests.client.trusted_publisher import key, texts
from tests.client.trusted_town import Device, Neighbour, TrustedTown

#: When the phone was synchronised first; nothing is heard before that.
MEETING = START + 2 * BATCH_SECONDS


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


@pytest.fixture
def coast(town: TrustedTown) -> Neighbour:
    made = town.add_region("coast")
    town.publisher.close_keys(town.directory())
    made.publisher.close_keys()
    town.now = town.publisher.time
    return made


@pytest.fixture
def phone(town: TrustedTown, coast: Neighbour, tmp_path: Path) -> Phone:
    made = town.phone(tmp_path / "phone", root=town.publisher.first_root, clock=Device())
    made.sync(town.now)
    return made


@pytest.fixture
def other(town: TrustedTown, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "other")


def batch(town: TrustedTown, coast: Neighbour, **keys: object) -> int:
    """Close a batch in both regions; *keys* go into the coast's file."""
    town.now = town.publisher.close_keys()
    coast.publisher.close_keys(**keys)  # type: ignore[arg-type]
    return town.now


def test_a_key_that_a_visited_region_published_makes_a_window(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    now = batch(town, coast, keys=[own_key(other, MEETING)])
    result = phone.sync(now)
    assert result.windows == 0
    assert result.regions == (RegionResult("coast", files=2, keys=1, windows=1, head_time=now),)
    assert phone.decide(now).colour is Colour.YELLOW
    assert phone.decide(now).rulebook_version == 1


def test_nothing_of_a_region_is_fetched_that_the_owner_did_not_name(
    town: TrustedTown, coast: Neighbour, phone: Phone
) -> None:
    phone.sync(batch(town, coast))
    assert coast.asked == []
    phone.visit("coast", town.now)
    phone.sync(town.now)
    assert "/published/head" in coast.asked
    assert {line.host for line in phone.ledger()} == {"demo.ownhue.example", "coast.example"}
    assert "published keys of coast" in {line.purpose for line in phone.ledger()}
    # Its documents decide nothing here, so they are not asked for.
    assert not any("rulebook" in path or "epochs" in path for path in coast.asked)


def test_a_visit_ends_by_itself_or_when_the_owner_leaves(town: TrustedTown, coast: Neighbour, phone: Phone) -> None:
    phone.visit("coast", town.now, until=town.now + DAY)
    assert [(visit.name, visit.until) for visit in phone.visited()] == [("coast", town.now + DAY)]
    phone.sync(town.now)
    coast.asked.clear()
    for _ in range(DAY // BATCH_SECONDS):
        batch(town, coast)
    assert phone.sync(town.now).regions == ()
    assert phone.visited() == []
    phone.visit("coast", town.now)
    phone.leave("coast")
    assert phone.sync(town.now).regions == ()
    assert coast.asked == []
    assert phone._store.get("publication.coast") is None
    with pytest.raises(StateError):
        phone.leave("coast")


def test_what_was_found_abroad_stays_when_the_region_is_left(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    now = batch(town, coast, keys=[own_key(other, MEETING)])
    phone.sync(now)
    phone.leave("coast")
    assert phone.decide(now).colour is Colour.YELLOW


def test_only_listed_regions_can_be_visited_and_not_ones_own(town: TrustedTown, phone: Phone, other: Phone) -> None:
    with pytest.raises(StateError, match="does not know"):
        phone.visit("nowhere", town.now)
    with pytest.raises(StateError, match="home region"):
        phone.visit("demo", town.now)
    with pytest.raises(StateError, match="over already"):
        phone.visit("coast", town.now, until=town.now)
    with pytest.raises(StateError, match="synchronise first"):
        other.visit("coast", town.now)


def test_at_most_so_many_are_followed_at_once(town: TrustedTown, phone: Phone) -> None:
    names = [f"region-{number}" for number in range(MAX_VISITED + 1)]
    for name in names:
        town.add_region(name)
    now = town.publisher.close_keys(town.directory())
    phone.sync(now)
    for name in names[:-1]:
        phone.visit(name, now)
    phone.visit(names[0], now)
    with pytest.raises(LimitError):
        phone.visit(names[-1], now)
    phone.leave(names[0])
    phone.visit(names[-1], now)


BREAKS: dict[str, Callable[[Neighbour], object]] = {
    "unreachable": lambda coast: setattr(coast, "reachable", False),
    "another region file": lambda coast: coast.files.update({"/region.json": region_bytes(coast.region) + b" "}),
    "a root of other keys": lambda coast: coast.files.update(
        {"/published/trust/1.root.json": TrustedTown().publisher.first_root}
    ),
    "the root withheld": lambda coast: coast.publisher.files.pop("trust/1.root.json"),
    "a head of another key": lambda coast: coast.publisher.files.update(head=coast.publisher.head(key=key(99))),
    "no head": lambda coast: coast.publisher.files.pop("head"),
    "not a head": lambda coast: coast.publisher.files.update(head=b"\xff"),
    "a key file is gone": lambda coast: coast.publisher.files.pop(coast.publisher.entries[-1].path),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_region_that_fails_never_stops_the_home_region(
    town: TrustedTown, coast: Neighbour, phone: Phone, name: str
) -> None:
    phone.visit("coast", town.now)
    now = batch(town, coast)
    BREAKS[name](coast)
    result = phone.sync(now)
    assert (result.files, result.head_time) == (1, now)
    (failed,) = result.regions
    assert failed.name == "coast"
    assert failed.error
    assert phone.facts(now).published_until == now
    assert any("could not be followed" in word for word in phone.trust_words(now))


def test_a_home_region_that_fails_does_not_stop_the_visited_one(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    """Abroad, the home region's server may be out of reach."""
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    phone.sync(town.now)
    now = batch(town, coast, keys=[own_key(other, MEETING)])
    town.publisher.files.pop("head")
    with pytest.raises(OwnhueError):
        phone.sync(now)
    assert len(phone.facts(now).windows) == 1


def test_a_visited_region_cannot_take_back_what_the_home_region_reported(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    coast.publisher.close_keys()
    phone.sync(now)
    assert phone.decide(now).colour is Colour.YELLOW
    now = batch(town, coast, revised=[own_key(other, MEETING, ReportType.REVOKED)])
    phone.sync(now)
    assert phone.decide(now).colour is Colour.YELLOW
    assert phone.facts(now).withdrawn == {}


def test_a_visited_region_takes_back_what_it_reported_itself(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    phone.sync(batch(town, coast, keys=[own_key(other, MEETING)]))
    now = batch(town, coast, revised=[own_key(other, MEETING, ReportType.REVOKED)])
    phone.sync(now)
    assert phone.decide(now).colour is Colour.GREEN


def test_the_home_regions_word_takes_the_place_of_a_visited_ones(
    town: TrustedTown, coast: Neighbour, phone: Phone, other: Phone
) -> None:
    """A region that is visited publishes a key first, as self-reported, and revokes it; the home region confirms it."""
    meet(phone, other, MEETING)
    phone.visit("coast", town.now)
    phone.sync(batch(town, coast, keys=[own_key(other, MEETING, ReportType.SELF_REPORT)]))
    now = batch(town, coast, revised=[own_key(other, MEETING, ReportType.REVOKED)])
    phone.sync(now)
    assert phone.decide(now).colour is Colour.GREEN
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    coast.publisher.close_keys(keys=[own_key(other, MEETING, ReportType.SELF_REPORT)])
    phone.sync(now)
    (window,) = phone.facts(now).windows
    assert (window.report_type, window.published_at) == (ReportType.CONFIRMED_TEST, now)
    assert phone.decide(now).colour is Colour.YELLOW


def test_a_visited_regions_log_has_no_say_in_the_phones_clock(
    town: TrustedTown, coast: Neighbour, phone: Phone
) -> None:
    """A log that signs times of next year would make the phone deaf, for the home region's keys too."""
    phone.visit("coast", town.now)
    phone.sync(town.now)
    before = phone._anchor.not_before()
    coast.publisher.files["head"] = coast.publisher.head(time=town.now + 300 * DAY)
    (failed,) = phone.sync(town.now).regions
    assert "ahead of the own clock" in failed.error
    assert phone._anchor.not_before() == before


def test_a_visited_regions_keys_can_be_replaced_by_its_own_root(
    town: TrustedTown, coast: Neighbour, phone: Phone
) -> None:
    phone.visit("coast", town.now)
    phone.sync(town.now)
    coast.publisher.log_key = key(98)
    coast.publisher.roles = coast.publisher.roles.model_copy(update={"log_keys": texts(key(98))})
    coast.publisher.rotate(timestamp_key=key(97))
    now = batch(town, coast)
    (result,) = phone.sync(now).regions
    assert (result.error, result.head_time) == ("", now)


def test_a_region_that_the_directory_drops_is_followed_no_more(
    town: TrustedTown, coast: Neighbour, phone: Phone
) -> None:
    phone.visit("coast", town.now)
    phone.sync(town.now)
    del town.neighbours["coast"]
    now = town.publisher.close_keys(town.directory())
    # The phone learns of it with this directory; nothing of the region is asked for any more.
    (result,) = phone.sync(now).regions
    assert "does not list it" in result.error


def test_the_directory_of_another_region_counts_for_nothing(town: TrustedTown, phone: Phone) -> None:
    kind, data = town.directory()
    foreign = data.replace(b'"home":"demo"', b'"home":"east"')
    now = town.publisher.close_keys((kind, foreign))
    with pytest.raises(OwnhueError):
        phone.sync(now)
    assert phone.trust_words(now)


def test_an_older_directory_never_comes_back(town: TrustedTown, phone: Phone) -> None:
    older = town.directory()
    now = town.publisher.close_keys(town.directory())
    phone.sync(now)
    now = town.publisher.close_keys(older)
    with pytest.raises(VerificationError, match="older"):
        phone.sync(now)


def test_a_directory_that_names_another_home_file_replaces_nothing_and_is_told(town: TrustedTown, phone: Phone) -> None:
    now = town.publisher.close_keys(town.directory(region_sha256="00" * 32))
    phone.sync(now)
    assert any("names another region file" in word for word in phone.trust_words(now))
    town.publisher.close_keys()
    assert phone.sync(town.publisher.time).files == 1
    assert phone.region == town.region


def test_mirrors_that_the_directory_names_are_tried_in_turn(town: TrustedTown, phone: Phone) -> None:
    now = town.publisher.close_keys(town.directory(home_urls=("https://dead.example", "https://mirror.example")))
    phone.sync(now)
    now = town.publisher.close_keys()
    town.mirrors = {"mirror.example": dict(town.publisher.files), "dead.example": {}}
    town.publisher.files.clear()
    assert phone.sync(now).files == 1
    assert phone.facts(now).published_until == now


def test_a_mirror_that_lies_is_passed_over(town: TrustedTown, phone: Phone) -> None:
    now = town.publisher.close_keys(town.directory(home_urls=("https://mirror.example",)))
    phone.sync(now)
    now = town.publisher.close_keys()
    town.mirrors = {"mirror.example": dict(town.publisher.files)}
    path = town.publisher.entries[-1].path
    town.publisher.files[path] = b"another file"
    assert phone.sync(now).files == 1


def test_what_a_phone_sends_goes_to_its_region_files_address_alone(town: TrustedTown, phone: Phone) -> None:
    now = town.publisher.close_keys(town.directory(home_urls=("https://mirror.example",)))
    phone.sync(now)
    town.mirrors = {"mirror.example": {}}
    town.unreachable = {"/issuer/v1/enrol"}
    with pytest.raises(UnreachableError):
        phone.enrol(town.ticket(), now)
    assert not any(request.url.host == "mirror.example" for request in town.requests if request.method == "POST")


def test_a_second_address_of_a_visited_region_is_tried(town: TrustedTown, tmp_path: Path) -> None:
    coast = town.add_region("coast", "https://coast-mirror.example")
    town.publisher.close_keys(town.directory())
    now = coast.publisher.close_keys()
    town.now = now
    phone = town.phone(tmp_path / "p", root=town.publisher.first_root, clock=Device())
    phone.sync(now + HOUR)
    phone.visit("coast", now)
    (result,) = phone.sync(now + HOUR).regions
    assert (result.error, result.files) == ("", 1)
