"""An issuer that would publish a private key too early, or two keys for one day: by accident, backup or wrong clock.

specs/pass.md section 8. A private key that is out while its day is open lets anybody in; a second key for a day marks
its holders.
"""

import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from nacl.signing import SigningKey

from ownhue.documents import open_document
from ownhue.passes import EpochList
from ownhue.past_keys import PastKeys, check_past_keys
from ownhue_server import documents as documents_module
from ownhue_server.config import Role
from ownhue_server.issuer.epochs import Epochs
from tests.server.clinic import Clinic
from tests.server.published import Published
from tests.server.served import BATCH, MONDAY, served

DAY = 86400
TODAY = MONDAY // DAY


def issuer_folder(directory: Path) -> Path:
    return directory / "keys" / "issuer"


def past_lists(published: Published) -> list[tuple[int, PastKeys]]:
    """The lists of past keys with the time of their batch."""
    key = published.region.issuer_key_bytes
    return [
        (
            (entry.batch + 1) * BATCH,
            PastKeys.from_body(open_document(published.file(entry), "past-epochs", [key])),
        )
        for entry in published.of_kind("past-epochs")
    ]


def epoch_lists(published: Published) -> list[tuple[int, EpochList]]:
    """The lists of epoch keys with the time of their batch."""
    key = published.region.issuer_key_bytes
    return [
        ((entry.batch + 1) * BATCH, EpochList.from_body(open_document(published.file(entry), "epochs", [key])))
        for entry in published.of_kind("epochs")
    ]


@pytest.mark.parametrize("ahead", [1, 2, 3, 4])
def test_a_key_file_under_the_name_of_a_past_day_gives_no_open_key_away(tmp_path: Path, ahead: int) -> None:
    """Somebody restored a file under the wrong name: the past day's name, the key of a day that is open or ahead."""
    with served(tmp_path / "server", padding=1) as server:
        server.move_clock(MONDAY + 2 * DAY - 1)
        folder = issuer_folder(server.config.directory)
        open_key = Epochs(server.config.keys(Role.ISSUER), "x", SigningKey(bytes(32))).private_key(TODAY + ahead)
        shutil.copy(folder / f"epoch-{TODAY + ahead}.key", folder / f"epoch-{TODAY}.key")
        server.move_clock(MONDAY + 2 * DAY)
        secret = open_key.private_numbers()
        for _, past in past_lists(Clinic(server).published()):
            assert {secret.p, secret.q}.isdisjoint(prime for key in past.keys for prime in (key.p, key.q))
        answer = server.request("GET", "/issuer/v1/past-epochs")
        assert answer.status_code == 404


def test_batches_that_are_closed_late_hold_no_key_that_was_open_at_their_time(tmp_path: Path) -> None:
    """Whoever replays the log by the times of its heads must not find a key that came too early."""
    with served(tmp_path / "server", padding=1) as server:
        server.move_clock(MONDAY + DAY)
    with served(tmp_path / "server", now=MONDAY + 5 * DAY + 7) as server:
        published = Clinic(server).published()
        lists = past_lists(published)
        assert [key.epoch - TODAY for key in lists[-1][1].keys] == [0, 1, 2, 3]
        for time, past in lists:
            check_past_keys(past, {}, time)
            listed = [epochs for when, epochs in epoch_lists(published) if when <= time][-1]
            assert {key.epoch for key in past.keys}.isdisjoint(key.epoch for key in listed.keys)


def test_a_damaged_past_key_does_not_keep_the_other_days_secret(tmp_path: Path) -> None:
    with served(tmp_path / "server", padding=1) as server:
        (issuer_folder(server.config.directory) / f"epoch-{TODAY}.key").write_bytes(b"damaged")
        server.move_clock(MONDAY + 4 * DAY)
        _, newest = past_lists(Clinic(server).published())[-1]
        assert [key.epoch - TODAY for key in newest.keys] == [1, 2]
        assert server.request("GET", "/issuer/v1/past-epochs").status_code == 200


@pytest.mark.parametrize(
    "name", ["epoch-copy", "epoch-", "epoch-20605 copy", "epoch--1", "epoch-020605", "epoch-5000000000"]
)
def test_a_strangers_file_among_the_keys_stops_nothing(tmp_path: Path, name: str) -> None:
    with served(tmp_path / "server", padding=1) as server:
        (issuer_folder(server.config.directory) / f"{name}.key").write_bytes(b"left by a backup")
        server.move_clock(MONDAY + 2 * DAY)
        published = Clinic(server).published()
        assert published.head.time == MONDAY + 2 * DAY
        assert [key.epoch - TODAY for key in past_lists(published)[-1][1].keys] == [0]
        assert [key.epoch - TODAY for key in epoch_lists(published)[-1][1].keys] == [1, 2, 3, 4]


def test_a_damaged_epoch_key_of_today_does_not_keep_back_the_keys_of_the_ill(tmp_path: Path) -> None:
    with served(tmp_path / "server", padding=1) as server:
        server.move_clock(MONDAY + DAY - 1)
    (issuer_folder(tmp_path / "server") / f"epoch-{TODAY + 2}.key").write_bytes(b"damaged")
    with served(tmp_path / "server", now=MONDAY + DAY) as server:
        published = Clinic(server).published()
        assert published.head.time == MONDAY + DAY
        assert published.of_kind("keys")[-1].batch == (MONDAY + DAY) // BATCH - 1
        assert server.request("GET", "/health").status_code == 200


def test_keys_out_of_an_old_backup_do_not_give_a_day_two_keys_in_the_log(tmp_path: Path) -> None:
    """A key that was listed is lost and made anew: a second one would tell apart who asked before and after."""
    with served(tmp_path / "server", padding=1) as server:
        backup = tmp_path / "backup"
        shutil.copytree(issuer_folder(server.config.directory), backup)
        server.move_clock(MONDAY + DAY)
    shutil.rmtree(issuer_folder(tmp_path / "server"))
    shutil.copytree(backup, issuer_folder(tmp_path / "server"))
    with served(tmp_path / "server", now=MONDAY + DAY + 60) as server:
        server.move_clock(MONDAY + 6 * DAY)
        published = Clinic(server).published()
        assert published.head.time == MONDAY + 6 * DAY
        before: dict[int, bytes] = {}
        for _, epochs in epoch_lists(published):
            for key in epochs.keys:
                assert before.setdefault(key.epoch, key.spki) == key.spki
        # It heals by itself: later days have one key each.
        assert max(before) > TODAY + 3


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What an issuer in another process answers, by path; without an entry 404."""
    answers: dict[str, bytes] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path)
        return httpx.Response(404) if found is None else httpx.Response(200, content=found)

    transport = httpx.MockTransport(answer)
    fake = SimpleNamespace(AsyncClient=partial(httpx.AsyncClient, transport=transport), HTTPError=httpx.HTTPError)
    monkeypatch.setattr(documents_module, "httpx", fake)
    return answers


def test_a_publisher_passes_over_past_keys_of_an_issuer_whose_clock_runs_ahead(
    tmp_path: Path, elsewhere: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    with served(tmp_path / "issuer", roles={Role.ISSUER}) as issuer:
        issuer.request("GET", "/issuer/v1/epochs")
        issuer.move_clock(MONDAY + 3 * DAY)
        for path in ("/issuer/v1/epochs", "/issuer/v1/past-epochs"):
            elsewhere[path] = issuer.request("GET", path).content
    shutil.copytree(tmp_path / "issuer", tmp_path / "publisher")
    with served(tmp_path / "publisher", roles={Role.PUBLISHER}) as server:
        server.move_clock(MONDAY + 2 * DAY + BATCH)
        assert past_lists(Clinic(server).published()) == []
        assert "not published" in capsys.readouterr().err
        server.move_clock(MONDAY + 3 * DAY)
        ((time, past),) = past_lists(Clinic(server).published())
        assert time == MONDAY + 3 * DAY
        assert {key.epoch for key in past.keys} <= {TODAY, TODAY + 1}
