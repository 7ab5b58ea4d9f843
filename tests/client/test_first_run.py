"""Choosing a region before there is a phone: by a signed directory in a log, by digests, and by nothing else."""

import os
from pathlib import Path

import pytest

from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue.region import region_bytes
from ownhue_client.errors import UnreachableError
from ownhue_client.first_run import Chosen, FirstLedger, chosen_region, directory_of, read_region
from ownhue_client.phone import Phone, Settings
from ownhue_client.phone.door import Door
from ownhue_client.phone.sources import ServerSource
from tests.client.publisher import BATCH_SECONDS
from tests.client.trusted_publisher import key
from tests.client.trusted_town import Neighbour, TrustedTown


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


@pytest.fixture
def coast(town: TrustedTown) -> Neighbour:
    made = town.add_region("coast")
    town.now = town.publisher.close_keys(town.directory())
    made.publisher.close_keys()
    return made


@pytest.fixture
def start(town: TrustedTown) -> Chosen:
    return Chosen(town.region, town.publisher.first_root)


@pytest.fixture
def ledger() -> FirstLedger:
    return FirstLedger()


@pytest.fixture
def source(town: TrustedTown, ledger: FirstLedger) -> ServerSource:
    client = town.client()
    return ServerSource(lambda url: Door(client, url, ledger, Settings()), "demo")


def test_a_region_is_chosen_by_the_signed_directory_of_another(
    town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource
) -> None:
    directory = directory_of(start, source, town.now)
    assert [entry.name for entry in directory.regions] == ["coast", "demo"]
    chosen = chosen_region(directory, "coast", source, town.now)
    assert chosen == (coast.region, coast.publisher.first_root)
    with pytest.raises(StateError, match="does not know"):
        chosen_region(directory, "mars", source, town.now)


def test_a_phone_of_the_chosen_region_works_and_its_ledger_knows_what_left_before(
    town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource, ledger: FirstLedger, tmp_path: Path
) -> None:
    chosen = chosen_region(directory_of(start, source, town.now), "coast", source, town.now)
    with Phone.create(
        tmp_path / "phone",
        chosen.region,
        random=os.urandom,
        http_client=town.client(),
        now=town.now,
        root=chosen.root,
    ) as phone:
        before = len(town.requests)
        ledger.hand_over(phone.store)
        lines = phone.ledger()
        assert len(lines) == before
        assert {line.host for line in lines} == {"demo.ownhue.example", "coast.example"}
        assert all(line.bytes_in for line in lines)
        assert phone.sync(town.now).head_time == coast.publisher.time


def test_without_a_root_the_directory_is_judged_by_the_region_file(
    town: TrustedTown, coast: Neighbour, source: ServerSource
) -> None:
    assert directory_of(Chosen(town.region, None), source, town.now).home == "demo"


def test_a_region_without_a_directory_says_so(town: TrustedTown, start: Chosen, source: ServerSource) -> None:
    with pytest.raises(StateError, match="no directory"):
        directory_of(start, source, town.now)


def test_the_newest_directory_counts(town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource) -> None:
    town.add_region("hills")
    town.now = town.publisher.close_keys(town.directory())
    assert [entry.name for entry in directory_of(start, source, town.now).regions] == ["coast", "demo", "hills"]


def test_a_server_cannot_slip_in_a_directory_that_is_not_in_the_log(
    town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource
) -> None:
    """Attack on one person's first run: a directory made for this phone alone, though signed by the right key."""
    (path,) = [name for name in town.publisher.files if name.startswith("regions/")]
    _, forged = town.directory()
    town.publisher.files[path] = forged
    with pytest.raises(UnreachableError, match="is another file"):
        directory_of(start, source, town.now)


def test_a_head_of_another_key_gives_no_directory(
    town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource
) -> None:
    """Attack: somebody between phone and server shows a log of his own."""
    town.publisher.files["head"] = town.publisher.head(key=key(99))
    with pytest.raises(OwnhueError):
        directory_of(start, source, town.now)


@pytest.mark.parametrize("which", ["/region.json", "/published/trust/1.root.json"])
def test_a_chosen_region_cannot_give_other_keys_than_the_directory_names(
    which: str, town: TrustedTown, coast: Neighbour, start: Chosen, source: ServerSource
) -> None:
    """Attack by the server of the chosen region, or somebody on the way to it: keys of its own for this phone."""
    other = town.region.model_copy(update={"name": "coast", "url": coast.region.url})
    coast.files[which] = region_bytes(other) if which == "/region.json" else town.publisher.first_root
    directory = directory_of(start, source, town.now)
    with pytest.raises(VerificationError):
        chosen_region(directory, "coast", source, town.now)


def test_a_second_address_is_tried(town: TrustedTown, start: Chosen, source: ServerSource) -> None:
    made = town.add_region("coast", "https://coast-mirror.example")
    town.now = town.publisher.close_keys(town.directory())
    town.unreachable.add("nothing")
    made.publisher.batch = town.now // BATCH_SECONDS
    made.publisher.close_keys()
    assert chosen_region(directory_of(start, source, town.now), "coast", source, town.now).region == made.region


def test_files_are_read_and_refused_by_what_is_in_them(town: TrustedTown, tmp_path: Path) -> None:
    region, root = tmp_path / "region.json", tmp_path / "root.json"
    region.write_bytes(region_bytes(town.region))
    root.write_bytes(town.publisher.first_root)
    assert read_region(region, root) == Chosen(town.region, town.publisher.first_root)
    assert read_region(region, None).root is None
    with pytest.raises(OwnhueError):
        read_region(region, region)
    with pytest.raises(FormatError):
        read_region(root, None)
    with pytest.raises(FileNotFoundError):
        read_region(tmp_path / "nothing", None)
