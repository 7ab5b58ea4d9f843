"""The authority: claim codes, the desk, signed documents."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ownhue.documents import open_document
from ownhue.params import ReportType
from ownhue.report import ReportTokenKey, report_message, request_token
from ownhue.ticket import open_ticket
from ownhue_server.authority.claim_codes import LONG_SECONDS, SHORT_SECONDS
from ownhue_server.config import Role
from tests.server.clinic import WEEK, Clinic
from tests.server.patient import CLAIM, Patient, claim_token, token_keys
from tests.server.served import BATCH, MONDAY, URL, Served, deployment, served


@pytest.fixture
def clinic(server: Served) -> Clinic:
    return Clinic(server)


def claim_body(clinic: Clinic, code: str, key: ReportTokenKey | None = None) -> dict[str, object]:
    key = key or clinic.key()
    request = request_token(report_message(Patient.with_keys(MONDAY).keys), key, os.urandom)
    return {"code": code, "blinded": request.blinded_message, "key_id": key.key_id}


@pytest.mark.parametrize("report_type", [1, 2, 3, 5])
@pytest.mark.parametrize("length", ["short", "long"])
def test_a_code_yields_a_token_of_its_type(clinic: Clinic, report_type: int, length: str) -> None:
    kind = ReportType(report_type)
    answer = clinic.server.desk("claim-codes", {"report_type": report_type, "length": length})
    assert answer["code"][0] == str(report_type)
    assert answer["expires_at"] - MONDAY == (SHORT_SECONDS if length == "short" else LONG_SECONDS)
    signature = claim_token(clinic.server.ask, answer["code"], os.urandom(32), clinic.key(kind))
    assert len(signature) == 256


def test_a_code_may_be_typed_with_spaces_and_small_letters(clinic: Clinic) -> None:
    code = clinic.code(length="long")
    typed = " ".join(code[at : at + 4] for at in range(0, len(code), 4)).lower()
    assert clinic.server.ask(CLAIM, claim_body(clinic, typed))["ok"]


def test_the_same_claim_again_gives_the_same_signature_also_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        body = claim_body(clinic, clinic.code())
        first = server.ask(CLAIM, body)
        assert first["ok"]
        assert server.ask(CLAIM, body) == first
        server.move_clock(MONDAY + 3 * 3600)
        assert server.ask(CLAIM, body) == first
    with served(tmp_path / "server", now=MONDAY + 4 * 3600) as server:
        assert server.ask(CLAIM, body) == first
        server.move_clock(MONDAY + 86400)
        assert server.ask(CLAIM, body) == {"ok": False, "error": "unknown_code"}


@pytest.mark.parametrize(("length", "seconds"), [("short", SHORT_SECONDS), ("long", LONG_SECONDS)])
def test_a_code_ends_on_the_second(clinic: Clinic, length: str, seconds: int) -> None:
    kept, late = clinic.code(length=length), clinic.code(length=length)
    clinic.server.move_clock(MONDAY + seconds - 1)
    assert clinic.server.ask(CLAIM, claim_body(clinic, kept))["ok"]
    clinic.server.move_clock(MONDAY + seconds)
    assert clinic.server.ask(CLAIM, claim_body(clinic, late)) == {"ok": False, "error": "unknown_code"}


def test_codes_live_on_when_the_week_and_its_hmac_key_change(tmp_path: Path) -> None:
    end_of_week = (MONDAY // WEEK + 1) * WEEK
    with served(tmp_path / "server", now=end_of_week - 60) as server:
        clinic = Clinic(server)
        claimed, code, old_key = claim_body(clinic, clinic.code()), clinic.code(length="long"), clinic.key()
        first = server.ask(CLAIM, claimed)
        server.move_clock(end_of_week + 60)
        assert server.ask(CLAIM, claimed) == first
        # A phone that blinded for last week's key is told to take the new one; the code is not lost by that.
        assert server.ask(CLAIM, claim_body(clinic, code, old_key)) == {"ok": False, "error": "wrong_key"}
        assert server.ask(CLAIM, claim_body(clinic, code))["ok"]
        keys = server.config.directory / "keys" / "authority"
        server.move_clock(end_of_week + 8 * 86400)
        clinic.code()
        names = {path.stem for path in keys.glob("claim-codes-*")}
        assert names == {f"claim-codes-{end_of_week // WEEK + number}" for number in (0, 1)}


def test_the_lists_of_token_keys_overlap_and_old_private_keys_go(tmp_path: Path) -> None:
    deployment(tmp_path / "server", batch_seconds=86_400)
    with served(tmp_path / "server") as server:
        region = server.config.region
        lists = []
        for week in range(4):
            server.move_clock(MONDAY + week * WEEK)
            document = server.request("GET", "/authority/v1/documents/report-keys").content
            lists.append({(key.report_type, key.week): key.key_id for key in token_keys(document, region)})
        this_week = MONDAY // WEEK
        assert sorted(lists[0]) == [(kind, this_week + number) for kind in (1, 2, 3, 5) for number in (0, 1)]
        for before, after in pairwise(lists):
            common = before.keys() & after.keys()
            assert len(common) == 4
            assert {name: before[name] for name in common} == {name: after[name] for name in common}
        kept = {path.stem.rpartition("-")[2] for path in (server.config.directory / "keys/authority").glob("report-*")}
        assert kept == {str(this_week + number) for number in (2, 3, 4)}


def test_rulebook_document_is_signed_by_the_authority(server: Served) -> None:
    document = server.request("GET", "/authority/v1/documents/rulebook").content
    assert open_document(document, "rulebook", [server.config.region.authority_key_bytes])["region"] == "demo"
    assert server.request("GET", "/authority/v1/documents/epochs").status_code == 404


def test_tickets_are_good_for_a_week_and_all_different(server: Served) -> None:
    answers = [server.desk("tickets", {}) for _ in range(3)]
    opened = [open_ticket(answer["ticket"], server.config.region.authority_key_bytes, MONDAY) for answer in answers]
    assert {ticket.expires for ticket in opened} == {MONDAY + WEEK} == {answer["expires_at"] for answer in answers}
    assert len({ticket.nonce for ticket in opened}) == 3


@pytest.mark.parametrize("path", ["claim-codes", "tickets", "sealed-reports"])
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic {}", "{}", "Bearer {}x", "Bearer  {}"])
def test_a_desk_without_its_key_is_not_served(server: Served, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(server.desk_key)}
    answer = server.request("POST", f"/authority/v1/{path}", json={}, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("claim-codes", b"", 400),
        ("claim-codes", b"{}", 400),
        ("claim-codes", b"[1]", 400),
        ("claim-codes", b"\xff", 400),
        ("claim-codes", b'{"report_type": 4, "length": "short"}', 400),
        ("claim-codes", b'{"report_type": 0, "length": "short"}', 400),
        ("claim-codes", b'{"report_type": "1", "length": "short"}', 400),
        ("claim-codes", b'{"report_type": true, "length": "short"}', 400),
        ("claim-codes", b'{"report_type": 1, "length": "huge"}', 400),
        ("claim-codes", b'{"report_type": 1, "length": "short", "name": "x"}', 400),
        ("claim-codes", b" " * 16385, 413),
        ("tickets", b'{"for": "somebody"}', 400),
        ("sealed-reports", b"x" * 16385, 413),
        ("sealed-reports", b"x" * 16380, 413),
    ],
)
def test_a_wrong_body_of_a_desk(server: Served, path: str, content: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {server.desk_key}"}
    answer = server.request("POST", f"/authority/v1/{path}", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json() == {"error": "malformed" if status == 400 else "too_large"}


def test_copies_of_keys_that_a_backup_left_beside_them_stop_nothing(tmp_path: Path) -> None:
    """No number in their names: no list of keys could be made, so no batch was closed, and no code claimed."""
    with served(tmp_path / "server") as server:
        Clinic(server).code()
    folder = tmp_path / "server" / "keys" / "authority"
    for name in ("claim-codes-", "report-1-"):
        (kept, *_) = sorted(folder.glob(f"{name}*.key"))
        (folder / f"{name}old.key").write_bytes(kept.read_bytes())
        (folder / f"{kept.stem} (copy).key").write_bytes(kept.read_bytes())
    with served(tmp_path / "server", now=MONDAY + BATCH, desk_key=server.desk_key) as server:
        patient = Clinic(server).patient(3)
        assert Clinic(server).report(patient) == "ok"
        assert Clinic(server).published().head.time == MONDAY + BATCH


@pytest.mark.parametrize("settings", [{"publisher_url": URL}, {}])
def test_a_publisher_that_is_not_there_is_said_to_the_desk(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Nobody listens there, be it named in the settings or the region's url."""
    roles = set(Role) if settings else {Role.AUTHORITY}
    with served(tmp_path / "server", roles=roles, **settings) as server:
        assert upload(server, b"sealed") == (502, {"error": "unavailable"})


def test_bad_reports_at_one_desk_do_not_shut_all_desks_out(tmp_path: Path) -> None:
    """All desks are one address to the publisher: after thirty bad reports no patient could have reported at one."""
    with served(tmp_path / "server", refusals_per_hour=2) as server:
        clinic = Clinic(server)
        patient = clinic.patient(3)
        for _ in range(4):
            assert upload(server, b"not sealed") == (200, {"ok": False, "error": "malformed"})
        sealed = patient.sealed(clinic.key(), server.config.region)
        assert upload(server, sealed) == (200, {"ok": True})
        assert upload(server, sealed) == (200, {"ok": False, "error": "token_spent"})


def upload(server: Served, sealed: bytes) -> tuple[int, object]:
    """Status and body of the answer to a desk."""
    headers = {"Authorization": f"Bearer {server.desk_key}"}
    answer = server.request("POST", "/authority/v1/sealed-reports", content=sealed, headers=headers)
    return answer.status_code, answer.json()
