"""publisher/trust_files.py: what a real server publishes of trust, as clients see it. specs/trust.md sections 9, 11"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select

from ownhue.documents import open_document
from ownhue.errors import VerificationError
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.trust.metadata import parse_any_trust_file
from ownhue.trust.roles import parse_trust_roles
from ownhue_server.config import Config
from ownhue_server.documents import Document
from ownhue_server.publisher.tables import FILES, TABLES
from ownhue_server.publisher.trust_files import TrustFiles
from ownhue_server.trust_status import trust_status
from ownhue_server.trust_store import document_path
from tests.protocol.trust_peers import Theirs
from tests.server.clinic import Clinic
from tests.server.reader import Reader, trust_files, versions
from tests.server.served import BATCH, MONDAY, Served, deployment, served

DAY = 86_400


def test_a_client_with_the_root_follows_a_real_server(server: Served) -> None:
    reader = Reader(server.config)
    keys = reader.sync(MONDAY)
    assert keys.log_keys == (server.config.region.log_key_bytes,)
    assert keys.policy.threshold == 0
    (rulebook,) = reader.named("rulebook", MONDAY)
    assert open_document(rulebook.data, "rulebook", keys.authority_keys)["region"] == "demo"
    (roles,) = reader.named("trust-roles", MONDAY)
    assert parse_trust_roles(roles.data, "demo").origin == server.config.region.origin
    log = Clinic(server).published()
    leaves = {log.file(entry) for entry in log.of_kind("trust")}
    assert leaves == set(trust_files(server.config).values())
    assert len(leaves) == 4


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Served]:
    """A server that closes one batch a day."""
    deployment(tmp_path / "slow", batch_seconds=DAY)
    with served(tmp_path / "slow") as server:
        yield server


def test_python_tufs_client_agrees_for_weeks(slow: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Theirs((slow.config.directory / "root.json").read_bytes(), tmp_path, monkeypatch)
    reader = Reader(slow.config)
    book = slow.config.rulebook
    for day in (0, 1, 3, 5, 9):
        now = MONDAY + day * DAY
        slow.move_clock(now)
        if day == 3:
            changed = demonstration_rulebook().model_copy(update={"version": 2})
            book.write_bytes(rulebook_bytes(changed))
        assert theirs.round(trust_files(slow.config), now), theirs.why
        reader.sync(now)
        assert reader.state.trust
    assert versions(slow.config.published / "trust")["targets"] == 2


class Ledger:
    """The files of a publisher's database, without the rest of it."""

    def __init__(self, config: Config) -> None:
        self.trust = TrustFiles(config, bytes(32))
        self.connection = create_engine("sqlite://").connect()
        TABLES.create_all(self.connection)

    def close(self, now: int, *others: Document) -> dict[str, int]:
        """Publish what is due at *now*; the newest version of each role."""
        for document in self.trust.documents(self.connection, others, now) + list(others):
            path = document_path(document)
            if self.connection.execute(select(FILES.c.path).where(FILES.c.path == path)).first() is None:
                row = {"path": path, "kind": document.folder, "batch": now, "content": document.content}
                self.connection.execute(insert(FILES).values(**row))
        contents = self.connection.execute(select(FILES.c.content).where(FILES.c.kind == "trust")).scalars()
        files = sorted(
            (signed.role, signed.version) for signed in (parse_any_trust_file(data).signed for data in contents)
        )
        return dict(files)


def test_files_are_renewed_when_half_their_life_is_over(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    ledger, book = Ledger(config), Document("rulebook", b"{}")
    first = {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 1}
    assert ledger.close(MONDAY, book) == first
    assert ledger.close(MONDAY + DAY - BATCH, book) == first
    assert ledger.close(MONDAY + DAY) == {**first, "timestamp": 2}
    assert ledger.close(MONDAY + 84 * BATCH // 2 - BATCH)["snapshot"] == 1
    assert ledger.close(MONDAY + 84 * BATCH // 2)["snapshot"] == 2
    assert ledger.close(MONDAY + 45 * DAY - BATCH)["targets"] == 1
    assert ledger.close(MONDAY + 45 * DAY)["targets"] == 2
    # A change does not wait.
    assert ledger.close(MONDAY + 45 * DAY + BATCH, Document("rulebook", b"[]"))["targets"] == 3
    before = ledger.close(MONDAY + 45 * DAY + 2 * BATCH, Document("rulebook", b"[]"))
    assert before == ledger.close(MONDAY + 45 * DAY + 3 * BATCH)


def test_closing_again_on_the_same_database_gives_the_same_trust_files(tmp_path: Path) -> None:
    with served(tmp_path / "one") as server:
        server.move_clock(MONDAY + DAY)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    found = []
    for name in ("one", "two"):
        with served(tmp_path / name, now=MONDAY + DAY) as server:
            server.move_clock(MONDAY + 5 * DAY)
            found.append(trust_files(server.config))
    assert found[0] == found[1]
    assert len(found[0]) == 5


def test_a_new_rulebook_is_in_force_at_once_and_a_clock_that_is_behind_has_the_one_before(server: Served) -> None:
    reader = Reader(server.config)
    reader.sync(MONDAY)
    first = reader.named("rulebook", MONDAY)[0].data
    changed = demonstration_rulebook().model_copy(update={"version": 2})
    server.config.rulebook.write_bytes(rulebook_bytes(changed))
    server.move_clock(MONDAY + BATCH)
    reader.sync(MONDAY + BATCH)
    assert reader.named("rulebook", MONDAY + BATCH)[0].data != first
    behind = Reader(server.config)
    behind.sync(MONDAY + BATCH - 60)
    assert behind.named("rulebook", MONDAY + BATCH - 60)[0].data == first


def test_a_broken_rulebook_file_changes_nothing_and_is_told_once(
    server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    before = server.request("GET", "/authority/v1/documents/rulebook").content
    server.config.rulebook.write_bytes(b'{"canary":"9b1d"}')
    capsys.readouterr()
    assert server.request("GET", "/authority/v1/documents/rulebook").content == before
    server.move_clock(MONDAY + BATCH)
    told = capsys.readouterr().err
    assert told.count("the one before holds") == 1
    assert "9b1d" not in told
    assert [entry.kind for entry in Clinic(server).published().entries].count("rulebook") == 1


def test_the_authoritys_other_documents_are_offered_when_their_files_appear(server: Served) -> None:
    assert server.request("GET", "/authority/v1/documents/certificate-trust").status_code == 404
    directory = server.config.directory
    (directory / "certificate-trust.json").write_bytes(b'{"region":"demo","revoked":{},"signers":[]}')
    (directory / "regions.json").write_bytes(b'{"home":"demo"}')
    document = server.request("GET", "/authority/v1/documents/certificate-trust").content
    keys = [server.config.region.authority_key_bytes]
    assert open_document(document, "certificate-trust", keys)["signers"] == []
    assert server.request("GET", "/authority/v1/documents/regions").status_code == 404
    (directory / "certificate-trust.json").write_bytes(b'{"region":"other","revoked":{},"signers":[]}')
    assert server.request("GET", "/authority/v1/documents/certificate-trust").content == document
    server.move_clock(MONDAY + BATCH)
    reader = Reader(server.config)
    reader.sync(MONDAY + BATCH)
    assert reader.named("certificate-trust", MONDAY + BATCH)[0].data == document


def test_without_a_root_the_batch_is_closed_and_nothing_of_trust_is_published(tmp_path: Path) -> None:
    with served(tmp_path / "server"):
        pass
    for damage in (b"{}", None):
        directory = tmp_path / str(damage)
        shutil.copytree(tmp_path / "server", directory)
        shutil.rmtree(directory / "published")
        for file in directory.glob("publisher.sqlite*"):
            file.unlink()
        (directory / "root.json").unlink()
        if damage:
            (directory / "root.json").write_bytes(damage)
        with served(directory) as server:
            assert [entry.kind for entry in Clinic(server).published().entries][-1] == "keys"
            assert not Clinic(server).published().of_kind("trust")
            problem = "unreadable" if damage else "missing"
            assert [fact.problem for fact in trust_status(server.config, MONDAY)] == [problem]


def test_a_server_that_was_away_for_long_comes_back_and_phones_go_on(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        reader = Reader(server.config)
        reader.sync(MONDAY)
        problems = {fact.file: fact.problem for fact in trust_status(server.config, MONDAY + 3 * DAY)}
        assert problems == {"root": "embedded", "timestamp": "void", "snapshot": "", "targets": ""}
        with pytest.raises(VerificationError, match="timestamp file has expired"):
            reader.sync(MONDAY + 3 * DAY)
    with served(tmp_path / "server", now=MONDAY + 3 * DAY) as server:
        reader.sync(MONDAY + 3 * DAY)
        assert {fact.problem for fact in trust_status(server.config, MONDAY + 3 * DAY)} == {"embedded", ""}
