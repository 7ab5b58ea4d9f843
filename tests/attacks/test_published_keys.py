"""What a publisher lets out and what it keeps: others' mistakes, valid keys, expired ones, a flood, padding."""

import random
from pathlib import Path

import pytest

from ownhue.params import EMBARGO_SECONDS, INTERVAL_SECONDS
from tests.server.press import copied, keys_ending, shop, snapshot
from tests.server.served import BATCH, MONDAY


def test_all_padding_is_stored_so_a_lost_folder_comes_back_with_the_same_fakes(tmp_path: Path) -> None:
    """Google's loop stored only a third of its padding; a second run showed which keys were real."""
    with shop(tmp_path / "one", seed=None, padding=200) as one:
        one.add(keys_ending(MONDAY, 30, random.Random(3)))
        one.close_until(MONDAY + 3 * BATCH)
        (count,) = one.job(lambda tx: tx.driver.execute("SELECT count(*) FROM published_keys").fetchone())
        assert count == sum(len(file.keys) for file in one.published().key_files())
        files = snapshot(one.config.published)
    copied(tmp_path / "one", tmp_path / "two")
    for path in sorted((tmp_path / "two" / "published").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with shop(tmp_path / "two", MONDAY + 3 * BATCH, seed=None) as two:
        assert snapshot(two.config.published) == files


def test_no_batch_is_empty_or_small_and_every_one_takes_keys_back(tmp_path: Path) -> None:
    """Google wrote nothing for an empty window; Canada and Immuni published batches of seven."""
    with shop(tmp_path / "one", seed=None, padding=300) as one:
        one.close_until(MONDAY + 30 * BATCH)
        files = one.published().key_files()
    assert len(files) == 31
    assert all(300 <= len(file.keys) <= 600 for file in files)
    assert len({len(file.keys) for file in files}) > 10
    assert all(file.revised_keys for file in files[1:])
    known: set[bytes] = set()
    for file in files:
        revised = {key.data for key in file.revised_keys}
        assert revised <= known  # published before, so it could be anybody's
        known |= {key.data for key in file.keys}
        known -= revised  # and nobody takes a key back twice


def test_a_key_that_is_still_valid_is_never_published_whatever_else_is_late(tmp_path: Path) -> None:
    chance = random.Random(5)
    ends = [MONDAY + number * INTERVAL_SECONDS for number in range(-20, 60, 3)]
    keys = {end: keys_ending(end, 2, chance) for end in ends}
    with shop(tmp_path / "one", padding=20) as one:
        one.add([key for group in keys.values() for key in group])
        one.close_until(MONDAY + 7 * BATCH)
        out = {key.data: file.end for file in one.published().key_files() for key in file.keys}
    for end, group in keys.items():
        for key in group:
            first = -(-(end + EMBARGO_SECONDS) // BATCH) * BATCH
            assert out[key.data] == max(first, MONDAY + BATCH)


def test_keys_of_people_whose_periods_overlap_are_all_published(tmp_path: Path) -> None:
    chance = random.Random(6)
    keys = [key for _person in range(5) for key in keys_ending(MONDAY, 1, chance)]
    longer = [key._replace(data=chance.randbytes(16), rolling_period=13) for key in keys]
    with shop(tmp_path / "one") as one:
        one.add([*keys, *longer])
        one.close_until(MONDAY + 2 * BATCH)
        out = [key.data for file in one.published().key_files() for key in file.keys]
    assert all(out.count(key.data) == 1 for key in (*keys, *longer))


def test_nothing_of_an_expired_key_is_left_in_any_byte_of_the_server(tmp_path: Path) -> None:
    chance = random.Random(8)
    keys = keys_ending(MONDAY, 40, chance)
    taken_back, needles = (
        [key.revoked() for key in keys[:5]],
        [part for key in keys for part in (key.data, key.commitment)],
    )
    with shop(tmp_path / "one", batch_seconds=86400) as one:
        one.add(keys)
        one.close_until(MONDAY + 86400)
        assert found(tmp_path, needles)
        one.add(taken_back)
        one.close_until(MONDAY + 15 * 86400)
        assert found(tmp_path, needles)  # the last day
        one.close_until(MONDAY + 17 * 86400)
        assert not found(tmp_path, needles)
    assert not found(tmp_path, needles)


def found(folder: Path, needles: list[bytes]) -> bool:
    """Whether any of *needles* stands in a file (database, journal, published) below *folder*."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return any(needle in content for needle in needles for content in contents)


def test_padding_lies_in_the_database_as_real_keys_do(tmp_path: Path) -> None:
    """No row order, id or place in the file tells which keys came together, or which are padding.

    COVID Alert stored the issuer beside each key, Immuni one document for each person.
    """
    keys = keys_ending(MONDAY, 150, random.Random(9))
    with shop(tmp_path / "one", padding=300) as one:
        one.add(keys)
        one.close_until(MONDAY + BATCH)
        query = "SELECT * FROM published_keys WHERE batch = ?"
        rows = one.job(lambda tx: tx.driver.execute(query, (MONDAY // BATCH,)).fetchall())
    real, database = {key.data for key in keys}, (tmp_path / "one" / "publisher.sqlite").read_bytes()
    assert {len(row) for row in rows} == {3}
    assert {len(row[2]) for row in rows} == {39}
    places = {row[1]: database.rindex(row[1] + row[2]) for row in rows}
    pages: dict[int, list[bytes]] = {}
    for data in sorted(places, key=places.__getitem__):
        pages.setdefault(places[data] // 4096, []).append(data)
    # The mean place of real keys among all of their page is that of any keys, within five standard deviations.
    ranks = [(at + 0.5) / len(page) for page in pages.values() for at, data in enumerate(page) if data in real]
    assert len(ranks) == 150
    assert abs(sum(ranks) / 150 - 0.5) < 5 * (1 / 12 / 150) ** 0.5
    assert all(0 < len(real & set(page)) < len(page) for page in pages.values() if len(page) > 20)


def test_a_flood_of_keys_is_published_batch_by_batch_and_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More keys than any reader accepts in one file: publishing goes on, and none is lost."""
    monkeypatch.setattr("ownhue_server.publisher.batches.MAX_KEYS", 50)
    keys = keys_ending(MONDAY, 120, random.Random(10))
    with shop(tmp_path / "one", padding=20) as one:
        one.add(keys)
        one.close_until(MONDAY + 6 * BATCH)
        files = one.published().key_files()
    out = [key.data for file in files for key in file.keys]
    assert all(out.count(key.data) == 1 for key in keys)
    assert all(len(file.keys) + len(file.revised_keys) <= 50 for file in files)
