"""Whoever holds the database files of authority and publisher joins patients to keys no better than chance.

500 patients claim one after the other and report after modest random delays, so nearly in the same order; everything
happens inside one batch, when the files hold the most. The attacker of joining.py then tries every order that the bytes
have: row numbers, places in the file, values, times, neighbourhood, equal bytes. The same attacker wins at once against
tables that are filled in the order of arrival.
"""

import hmac
import random
import sqlite3
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from ownhue_server.storage.slot_statements import BUCKET_SLOTS
from tests.attacks.joining import Feature, advantage, cells, number, offsets, rows, shared_windows, togetherness
from tests.server.clinic import WEEK, Clinic
from tests.server.patient import Patient
from tests.server.served import BATCH, MONDAY, served

PATIENTS = 500
#: Seconds between two claims, and the longest wait before a report: about ten other patients claim meanwhile.
GAP, LONGEST_WAIT = 12, 120
#: How surprising a result must be before the attacker has learned something: one in a thousand million by chance. Some
#: two hundred orders are tried, so a false alarm comes once in millions of runs.
LIMIT = 9.0


@dataclass(frozen=True, repr=False)
class Town:
    """What happened, and the files afterwards."""

    patients: list[Patient]
    macs: dict[Hashable, bytes]
    """The authority's name for each patient: HMAC of the claim code."""
    arrival: list[int]
    """Numbers of the patients in the order of their reports."""
    authority: bytes
    publisher: bytes
    published: bytes
    """publisher.sqlite after the batch was closed."""

    @property
    def owner(self) -> dict[Hashable, Hashable]:
        """Number of the patient of each key."""
        return {data: number for number, patient in enumerate(self.patients) for data in patient.datas}

    @property
    def claim_order(self) -> Feature:
        """What a clerk who wrote down every claim would know."""
        return {number: float(number) for number in range(len(self.patients))}

    def datas(self) -> dict[Hashable, bytes]:
        """Key data by itself."""
        return {data: data for patient in self.patients for data in patient.datas}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    directory = tmp_path_factory.mktemp("unlinkability") / "server"
    chance = random.Random(500)
    waits = [chance.randrange(LONGEST_WAIT) for _ in range(PATIENTS)]
    events = [(patient * GAP, 0, patient) for patient in range(PATIENTS)]
    events += [(patient * GAP + waits[patient], 1, patient) for patient in range(PATIENTS)]
    patients: dict[int, Patient] = {}
    codes: dict[int, str] = {}
    arrival = []
    with served(directory, padding=100) as server:
        clinic = Clinic(server)
        for second, is_report, name in sorted(events):
            server.move_clock(MONDAY + second)
            if is_report:
                assert clinic.report(patients[name]) == "ok"
                arrival.append(name)
            else:
                codes[name] = clinic.code()
                patients[name] = Patient.with_keys(server.now(), 13, current=True)
                patients[name].claim(server.ask, codes[name], clinic.key())
        authority, publisher = (directory / "authority.sqlite").read_bytes(), directory / "publisher.sqlite"
        before = publisher.read_bytes()
        server.move_clock(MONDAY + BATCH)
        after = publisher.read_bytes()
        mac_key = (directory / "keys" / "authority" / f"claim-codes-{MONDAY // WEEK}.key").read_bytes()
    macs: dict[Hashable, bytes] = {
        name: hmac.digest(mac_key, b"OWNHUE-CLAIM" + code.encode(), "sha256") for name, code in codes.items()
    }
    return Town([patients[name] for name in range(PATIENTS)], macs, arrival, authority, before, after)


def authority_orders(town: Town, scratch: Path) -> dict[str, Feature]:
    """Every order that authority.sqlite gives its patients."""
    table = rows(town.authority, "SELECT slot, payload FROM claim_codes", scratch)
    by_mac = {payload[1:33]: (slot, payload) for slot, payload in table if payload[:1] == b"\1"}
    found = {name: by_mac[mac] for name, mac in town.macs.items()}
    return {
        "row": {name: float(slot) for name, (slot, _) in found.items()},
        "place": offsets(town.authority, town.macs),
        "cell": cells(town.authority, town.macs),
        "code": {name: number(mac) for name, mac in town.macs.items()},
        "time": {name: number(payload[33:41]) for name, (_, payload) in found.items()},
        "blinded": {name: number(payload[41:]) for name, (_, payload) in found.items()},
    }


def publisher_orders(town: Town, scratch: Path) -> dict[str, Feature]:
    """Every order that publisher.sqlite gives its keys before the batch is closed."""
    table = rows(town.publisher, "SELECT slot, payload FROM pending_keys", scratch)
    waiting = {payload[1:17]: (slot, payload[17:]) for slot, payload in table if payload[:1] == b"\1"}
    # Keys of invented people wait beside them (key-file.md section 10).
    found = {data: waiting[data] for data in town.datas() if isinstance(data, bytes)}
    return {
        "row": {data: float(slot) for data, (slot, _) in found.items()},
        "bucket": {data: float((slot - 1) // BUCKET_SLOTS) for data, (slot, _) in found.items()},
        "place in its bucket": {data: float((slot - 1) % BUCKET_SLOTS) for data, (slot, _) in found.items()},
        "place": offsets(town.publisher, town.datas()),
        "cell": cells(town.publisher, town.datas()),
        "key": {data: number(data) for data in found},
        "ready": {data: number(rest[:4]) for data, (_, rest) in found.items()},
        "start": {data: number(rest[4:8]) for data, (_, rest) in found.items()},
        "period": {data: float(rest[8]) for data, (_, rest) in found.items()},
        "commitment": {data: number(rest[11:]) for data, (_, rest) in found.items()},
    }


#: Orders of keys that come from how they are stored, not from what they say.
LAYOUT = ("row", "bucket", "place in its bucket", "place", "cell", "key", "commitment")


def test_reports_arrive_nearly_in_the_order_of_claims(town: Town) -> None:
    """Else there would be nothing to find."""
    displaced = [abs(place - patient) for place, patient in enumerate(town.arrival)]
    assert 1 < sum(displaced) / len(displaced) < 10


def test_no_order_of_the_two_files_joins_patients_to_keys(town: Town, tmp_path: Path) -> None:
    by_patient, by_key = authority_orders(town, tmp_path / "a"), publisher_orders(town, tmp_path / "p")
    found = {
        (patient, key): advantage(patients, keys, town.owner)
        for patient, patients in by_patient.items()
        for key, keys in by_key.items()
    }
    assert {pair: score for pair, score in found.items() if score > LIMIT} == {}


def test_the_publishers_file_alone_says_nothing_to_a_clerk_who_wrote_down_every_claim(
    town: Town, tmp_path: Path
) -> None:
    """Stronger: the true order of claims is given. Left out is what keys themselves say (see http-api.md section 8)."""
    by_key = publisher_orders(town, tmp_path / "p")
    scores = {name: advantage(town.claim_order, by_key[name], town.owner) for name in LAYOUT}
    assert {name: score for name, score in scores.items() if score > LIMIT} == {}


def test_the_authoritys_file_alone_has_no_order_of_claims(town: Town, tmp_path: Path) -> None:
    same = {name: name for name in town.macs}
    orders = authority_orders(town, tmp_path / "a")
    scores = {name: advantage(town.claim_order, order, same) for name, order in orders.items()}
    assert {name: score for name, score in scores.items() if score > LIMIT} == {}


def test_no_neighbourhood_tells_which_keys_came_together(town: Town, tmp_path: Path) -> None:
    by_key = publisher_orders(town, tmp_path / "p")
    scores = {name: togetherness(by_key[name], town.owner) for name in LAYOUT}
    assert {name: score for name, score in scores.items() if score > LIMIT} == {}


def test_spent_tokens_lie_in_no_order_either(town: Town, tmp_path: Path) -> None:
    table = rows(town.publisher, "SELECT slot, payload FROM spent_tokens", tmp_path / "p")
    slots = {payload[1:33]: slot for slot, payload in table if payload[:1] == b"\1"}
    tokens: dict[Hashable, bytes] = {
        name: sha256(patient.signature).digest() for name, patient in enumerate(town.patients)
    }
    same: dict[Hashable, Hashable] = {name: name for name in tokens}
    # Those of invented people are spent beside them (key-file.md section 10).
    assert slots.keys() > set(tokens.values())
    orders: dict[str, Feature] = {
        "row": {name: float(slots[token]) for name, token in tokens.items()},
        "place": offsets(town.publisher, tokens),
        "cell": cells(town.publisher, tokens),
    }
    for patients in (town.claim_order, *authority_orders(town, tmp_path / "a").values()):
        assert all(advantage(patients, order, same) < LIMIT for order in orders.values())


def test_no_bytes_are_in_both_files(town: Town, tmp_path: Path) -> None:
    table = rows(town.authority, "SELECT slot, payload FROM claim_codes", tmp_path / "a")
    used = [payload[1:] for _, payload in table if payload[:1] == b"\1"]
    assert len(used) == PATIENTS
    for file in (town.publisher, town.published):
        assert shared_windows(used, file) == set()
    planted = town.publisher[:5000] + town.macs[7][3:20] + town.publisher[5000:]
    assert shared_windows(used, planted) != set()


def test_rows_have_one_size_and_claimed_codes_one_time(town: Town, tmp_path: Path) -> None:
    for file, table in (
        (town.authority, "claim_codes"),
        (town.publisher, "pending_keys"),
        (town.publisher, "spent_tokens"),
    ):
        payloads = [payload for _, payload in rows(file, f"SELECT slot, payload FROM {table}", tmp_path / "x")]
        assert len({len(payload) for payload in payloads}) == 1
    orders = authority_orders(town, tmp_path / "a")
    assert len(set(orders["time"].values())) == 1


def test_every_key_lies_in_the_file_once(town: Town) -> None:
    """No second copy in an unused part of a page, whose place would tell more than the first."""
    assert {town.publisher.count(data) for data in town.datas().values()} == {1}
    assert {town.authority.count(mac) for mac in town.macs.values()} == {1}


def test_after_publication_nothing_more_is_found(town: Town, tmp_path: Path) -> None:
    table = rows(town.published, "SELECT batch, data FROM published_keys", tmp_path / "p")
    out = [data for _, data in table if data in town.owner]
    assert len(out) == 14 * PATIENTS
    owner = town.owner
    orders: dict[str, Feature] = {
        "row": {data: float(place) for place, data in enumerate(out)},
        "place": offsets(town.published, town.datas()),
        "cell": cells(town.published, town.datas()),
    }
    for patients in (town.claim_order, *authority_orders(town, tmp_path / "a").values()):
        assert all(advantage(patients, order, owner) < LIMIT for order in orders.values())
    assert all(togetherness(order, owner) < LIMIT for order in orders.values())


def naive_file(path: Path, contents: list[bytes]) -> bytes:
    """A table filled in the order of arrival, as one would write it without a second thought."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")
    database.executemany("INSERT INTO things (content) VALUES (?)", [(content,) for content in contents])
    database.commit()
    database.close()
    return path.read_bytes()


def test_the_same_attacker_wins_against_tables_in_order_of_arrival(town: Town, tmp_path: Path) -> None:
    """The control: without it the tests above could pass because the attacker is no good."""
    claims = naive_file(tmp_path / "claims", [town.macs[name] for name in range(PATIENTS)])
    reported = [data for name in town.arrival for data in town.patients[name].datas]
    reports = naive_file(tmp_path / "reports", reported)
    by_row: Feature = {data: float(place) for place, data in enumerate(reported)}
    by_cell = cells(reports, town.datas())
    for patients in (town.claim_order, cells(claims, town.macs)):
        assert advantage(patients, by_row, town.owner) > 100
        assert advantage(patients, by_cell, town.owner) > 100
    for order in (by_row, by_cell, offsets(reports, town.datas())):
        assert togetherness(order, town.owner) > 100


def test_the_same_attacker_wins_against_a_table_that_is_clustered_by_key(town: Town, tmp_path: Path) -> None:
    """Clustering hides the order between pages; inside a page, places in the file still keep it (decision 0005)."""
    database = sqlite3.connect(tmp_path / "clustered")
    database.execute("CREATE TABLE keys (data BLOB PRIMARY KEY, rest BLOB NOT NULL) WITHOUT ROWID")
    for name in town.arrival[:4]:
        rows_of_one = [(data, bytes(39)) for data in town.patients[name].datas]
        database.executemany("INSERT INTO keys VALUES (?, ?)", rows_of_one)
    database.commit()
    database.close()
    file = (tmp_path / "clustered").read_bytes()
    few: dict[Hashable, bytes] = {data: data for name in town.arrival[:4] for data in town.patients[name].datas}
    owner = {data: town.owner[data] for data in few}
    assert togetherness(offsets(file, few), owner) > 9
