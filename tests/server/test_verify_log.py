"""verify-log is green on what a server published, and red with the right word on every tampered copy."""

import fcntl
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner

from ownhue.cosignature import WitnessKey, WitnessPolicy, cosignature_line
from ownhue.encoding import base64url_encode, canonical_json, parse_canonical_json
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue_client.publication import verify_trust_fork_file
from ownhue_server.audit import Budget, Report, Task, audit, open_source
from ownhue_server.audit.evidence import Evidence
from ownhue_server.audit.folder import FolderSource
from ownhue_server.audit.words import CHECKS
from ownhue_server.cli import app
from ownhue_server.config import Config, load_config
from ownhue_server.online_keys import ONLINE_KEYS
from ownhue_server.rotation import drop, make_next, switch
from tests.server.clinic import Clinic
from tests.server.forge import STRANGER, Forge, Item, put
from tests.server.lies import HALF_A_DAY, LIES, PADDING, long, second_targets
from tests.server.served import MONDAY, deployment, served
from tests.server.vandals import MIRRORS, VANDALS, flip
from tests.shared import SPECS

_WITNESSES = tuple(SigningKey(bytes([number]) * 32) for number in (21, 22, 23))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A deployment that has published for more than two weeks, with reports and a withdrawal."""
    folder = tmp_path_factory.mktemp("audited") / "server"
    _config, desk_key = deployment(folder, padding=PADDING, batch_seconds=HALF_A_DAY)
    with served(folder, desk_key=desk_key) as server:
        server.move_clock(MONDAY + 25 * HALF_A_DAY)
        clinic = Clinic(server)
        patient = clinic.patient(3)
        assert clinic.report(patient) == "ok"
        server.move_clock(MONDAY + 27 * HALF_A_DAY)
        assert clinic.withdraw(patient) == "ok"
        server.move_clock(MONDAY + 31 * HALF_A_DAY)
    return load_config(folder)


@pytest.fixture(scope="module")
def published(config: Config) -> Forge:
    """What it has published, to be changed."""
    return Forge.of(config)


def look(folder: Path, config: Config, now: int | None = None, **rest: object) -> Report:
    """An audit of a folder that knows region and root from elsewhere."""
    root = (config.directory / "root.json").read_bytes()
    task = Task(open_source(str(folder), Budget()), config.region, root, padding=PADDING)
    return audit(replace(task, **rest), now)  # type: ignore[arg-type]


def test_the_server_s_folder_is_green(config: Config) -> None:
    report = look(config.published, config)
    assert not report.failures, list(report.lines())
    assert {finding.word for finding in report.findings} == {"as-of", "embedded", "unwatched"}
    assert report.span[1] == MONDAY + 31 * HALF_A_DAY
    skipped = {
        "regions",
        "limits",
        "witness",
        "fork",
        "mirror-behind",
        "mirror-missing",
        "mirror-differs",
        "mirror-extra",
    }
    assert {word for word in CHECKS if not report.checked[word]} == skipped


def test_what_the_forge_publishes_again_is_green(published: Forge, tmp_path: Path) -> None:
    assert not look(published.write(tmp_path / "p"), published.config).failures
    longer = long(published.copy())
    assert len(longer.items) > 256
    assert not look(longer.write(tmp_path / "p"), published.config).failures


@pytest.mark.parametrize(("vandal", "words"), VANDALS.values(), ids=VANDALS)
def test_tampered_copies(config: Config, tmp_path: Path, vandal: Callable[[Path], object], words: set[str]) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(config.published, folder)
    vandal(folder)
    report = look(folder, config, MONDAY + 31 * HALF_A_DAY)
    assert report.words == words, list(report.lines())


@pytest.mark.parametrize(("lie", "words"), LIES.values(), ids=LIES)
def test_lies_with_the_server_s_own_keys(
    published: Forge, tmp_path: Path, lie: Callable[[Forge], None], words: set[str]
) -> None:
    forge = published.copy()
    lie(forge)
    report = look(forge.write(tmp_path / "lie"), published.config)
    assert report.words == words, list(report.lines())


@pytest.mark.parametrize(
    ("start", "words"), [("tile/entries/000", {"root"}), ("tile/0/000", {"tile"}), ("tile/1/000.p/1", {"tile"})]
)
def test_full_bundles_and_tiles_that_are_wrong(published: Forge, tmp_path: Path, start: str, words: set[str]) -> None:
    folder = long(published.copy()).write(tmp_path / "long")
    flip(folder / start)
    report = look(folder, published.config)
    assert report.words == words, list(report.lines())
    if words == {"root"}:
        assert report.failures[0].where == start


def test_files_that_should_be_gone_are_a_remark(published: Forge, tmp_path: Path) -> None:
    forge = published.copy()
    old = Item("area", b"an old file", forge.items[0].batch)
    forge.add(old)
    report = look(forge.write(tmp_path / "p"), published.config)
    assert not report.failures
    assert [finding.where for finding in report.findings if finding.word == "kept"] == [old.entry.path]


def test_a_file_that_should_be_gone_is_no_place_for_another_one(published: Forge, tmp_path: Path) -> None:
    forge = published.copy()
    gone = next(item for item in forge.items if not item.written)
    assert gone.kind == "keys"
    folder = forge.write(tmp_path / "p")
    put(folder, gone.entry.path, b"for you")
    assert look(folder, published.config).words == {"length"}


def test_all_files_that_should_be_gone_are_looked_for_in_a_folder(
    published: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ownhue_server.audit.files.MAX_GONE_ASKED", 0)
    forge = published.copy()
    gone = next(item for item in forge.items if not item.written)
    folder = forge.write(tmp_path / "p")
    put(folder, gone.entry.path, b"for you")
    assert look(folder, published.config).words == {"length"}


def test_a_draft_is_passed_over_while_it_is_written(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(config.published, folder)
    put(folder, f".drafts/{'ab' * 16}", b"half a fi")
    with (folder / ".drafts" / ("ab" * 16)).open("rb") as draft:
        fcntl.flock(draft, fcntl.LOCK_EX)
        assert "extra" not in {finding.word for finding in look(folder, config).findings}
    report = look(folder, config)
    assert not report.failures
    assert [finding.where for finding in report.findings if finding.word == "extra"] == [f".drafts/{'ab' * 16}"]


def test_a_head_from_the_future_and_one_that_is_late(config: Config) -> None:
    closed = MONDAY + 31 * HALF_A_DAY
    assert look(config.published, config, closed - 601).words == {"ahead"}
    assert not look(config.published, config, closed + HALF_A_DAY + 900).failures
    assert look(config.published, config, closed + HALF_A_DAY + 901).words == {"late"}
    assert look(config.published, config, closed + 10 * HALF_A_DAY).words == {"late", "trust"}


def test_a_log_of_another_region_s_key(config: Config) -> None:
    other = config.region.model_copy(update={"log_key": base64url_encode(bytes(STRANGER.verify_key))})
    task = Task(open_source(str(config.published), Budget()), other, padding=PADDING)
    # Without trust metadata nobody could say that the region's file is the wrong one.
    assert not audit(task, None).failures
    other = config.region.model_copy(update={"origin": "elsewhere.example/log"})
    assert audit(Task(open_source(str(config.published), Budget()), other, padding=PADDING), None).words == {"head"}


# Witnesses.


def _cosigned(forge: Forge, seconds: int = 60) -> bytes:
    note = forge.note()
    text = note.decode().split("\n\n")[0] + "\n"
    lines = [
        cosignature_line(text, f"w{number}.example", key, forge.now + seconds) for number, key in enumerate(_WITNESSES)
    ]
    return note + "".join(lines).encode()


def _policy(threshold: int) -> WitnessPolicy:
    keys = [WitnessKey(f"w{number}.example", bytes(key.verify_key)) for number, key in enumerate(_WITNESSES)]
    return WitnessPolicy(threshold, tuple(keys))


def test_cosignatures(published: Forge, tmp_path: Path) -> None:
    folder, config = published.write(tmp_path / "p"), published.config
    note = _cosigned(published)
    put(folder, "head", note)
    good = look(folder, config, published.now, policy=_policy(3))
    assert not good.failures
    assert good.policy == "3 of 3 witnesses must have seen the same log."
    removed = b"".join(line for line in note.splitlines(keepends=True) if b"w1.example" not in line)
    put(folder, "head", removed)
    assert look(folder, config, published.now, policy=_policy(3)).words == {"witness"}
    assert not look(folder, config, published.now, policy=_policy(2)).failures
    stranger = cosignature_line(
        published.note().decode().split("\n\n")[0] + "\n", "w1.example", STRANGER, published.now
    )
    put(folder, "head", removed + stranger.encode())
    assert look(folder, config, published.now, policy=_policy(3)).words == {"witness"}
    put(folder, "head", note.replace(note[-20:-10], b"AAAAAAAAAA"))
    assert look(folder, config, published.now, policy=_policy(2)).words == {"witness"}
    put(folder, "head", _cosigned(published, -601))
    assert look(folder, config, published.now, policy=_policy(1)).words == {"witness"}


def test_nobody_watching_is_said_plainly(config: Config) -> None:
    report = look(config.published, config)
    assert any(line.startswith("Witnesses: 0 of 0: nobody watches this log.") for line in report.lines())


# Mirrors.


def _mirrored(config: Config, mirror: Path, evidence: Evidence | None = None) -> Report:
    mirrors = [open_source(str(mirror), Budget())]
    return look(config.published, config, mirrors=mirrors, evidence=evidence or Evidence())


@pytest.mark.parametrize(("vandal", "words"), MIRRORS.values(), ids=MIRRORS)
def test_mirrors(config: Config, tmp_path: Path, vandal: Callable[[Path], object], words: set[str]) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(config.published, mirror)
    vandal(mirror)
    report = _mirrored(config, mirror)
    assert report.words == words, list(report.lines())
    assert all(str(mirror) in finding.where for finding in report.failures)


def _behind(forge: Forge, batches: int) -> Forge:
    older = forge.copy()
    older.items = [item for item in forge.items if item.batch <= forge.last - batches]
    return older


def test_a_mirror_that_is_behind(config: Config, published: Forge, tmp_path: Path) -> None:
    report = _mirrored(config, _behind(published, 1).write(tmp_path / "one"))
    assert not report.failures, list(report.lines())
    assert "mirror-behind" in {finding.word for finding in report.findings}
    assert _mirrored(config, _behind(published, 3).write(tmp_path / "three")).words == {"mirror-behind"}


def test_a_mirror_that_has_gone_on(config: Config, published: Forge, tmp_path: Path) -> None:
    mirrors = [open_source(str(config.published), Budget())]
    report = look(_behind(published, 1).write(tmp_path / "p"), config, published.now, mirrors=mirrors)
    # What the forge cannot bring back is what became too old with the last batch.
    assert report.words <= {"missing", "trust-name"}, list(report.lines())
    assert "mirror-behind" in {finding.word for finding in report.findings}


@pytest.mark.parametrize("batches", [0, 2, -1])
def test_a_forked_mirror_is_proven(config: Config, published: Forge, tmp_path: Path, batches: int) -> None:
    """Fork shown to the readers of a mirror: of the same size, of an older one, and of one that has gone on."""
    forked = _behind(published, max(batches, 0)).copy()
    place = forked.at("keys", -4)
    forked.items[place] = replace(forked.items[place], data=forked.items[forked.at("keys", -5)].data)
    if batches < 0:
        last = forked.items[-1]
        forked.items.append(replace(last, folder=f"keys/{last.batch + 1}", batch=last.batch + 1))
    evidence = Evidence()
    report = _mirrored(config, forked.write(tmp_path / "fork"), evidence)
    assert report.words == {"fork"}
    (proof,) = evidence.files
    kind = verify_fork_evidence(proof, config.region.origin, config.region.log_key_bytes)
    assert kind == ("rewritten" if batches else "two-roots")


def test_two_trust_files_of_one_version_are_proven(config: Config, published: Forge, tmp_path: Path) -> None:
    forge, evidence = published.copy(), Evidence()
    second_targets(forge)
    look(forge.write(tmp_path / "p"), config, evidence=evidence)
    (proof,) = evidence.files
    # By whoever has the phone's command, too: there is one form of it.
    root = canonical_json(parse_canonical_json(proof)["root"])
    assert verify_trust_fork_file(proof, root) == "targets"


# Hostile sources.


def test_a_log_without_end_is_not_read(published: Forge, tmp_path: Path) -> None:
    folder, origin = published.write(tmp_path / "p"), published.config.region.origin
    put(folder, "head", sign_tree_head(TreeHead(origin, 1 << 40, b"\x01" * 32, published.now), published.log_key))
    assert look(folder, published.config).words == {"limits"}


def test_an_audit_reads_so_much_and_no_more(config: Config) -> None:
    root = (config.directory / "root.json").read_bytes()
    task = Task(open_source(str(config.published), Budget(bytes_left=100_000)), config.region, root, padding=PADDING)
    assert "limits" in audit(task, None).words


def test_no_link_leads_out_of_the_folder(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(config.published, folder)
    (tmp_path / "secret").mkdir()
    shutil.move(folder / "rulebook", tmp_path / "secret" / "rulebook")
    (folder / "rulebook").symlink_to(tmp_path / "secret" / "rulebook")
    assert look(folder, config).words == {"missing", "irregular"}


def test_a_folder_in_a_circle_ends(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(config.published, folder)
    (folder / "keys" / "again").symlink_to(folder)
    assert look(folder, config).words == {"irregular"}


def test_names_of_files_do_not_paint_the_report(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(config.published, folder)
    put(folder, "keys/\x1b[2Jgreen", b"")
    report = look(folder, config)
    assert report.words == {"extra"}
    assert "\x1b" not in "\n".join(report.lines()) + report.json()


# The command.


def test_the_command_says_green_and_red(config: Config, tmp_path: Path) -> None:
    runner = CliRunner()
    folder = tmp_path / "copy"
    shutil.copytree(config.published, folder)
    common = ["--region", str(config.directory / "region.json"), "--root", str(config.directory / "root.json")]
    good = runner.invoke(app, ["verify-log", str(folder), *common, "--padding", "20"])
    assert good.exit_code == 0
    assert good.stdout.endswith("GREEN: nothing is wrong.\n")
    few = runner.invoke(app, ["verify-log", str(folder), *common, "--json"])
    assert few.exit_code == 1
    assert json.loads(few.stdout)["failures"].keys() == {"padding"}
    (folder / "head").unlink()
    bad = runner.invoke(app, ["verify-log", str(folder), *common])
    assert bad.exit_code == 1
    assert "head: the head cannot be opened" in bad.stdout


def test_the_server_s_own_region_and_root_are_remarked(config: Config) -> None:
    report = audit(Task(open_source(str(config.directory), Budget()), padding=PADDING), None)
    assert not report.failures
    assert sum(finding.word == "self-vouched" for finding in report.findings) == 2


def test_every_word_is_in_the_spec() -> None:
    text = (SPECS / "publication.md").read_text()
    section = text[text.index("## 15. Auditing") :]
    for word in CHECKS:
        assert f"`{word}`" in section


def test_a_log_stays_green_when_every_key_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    deployment(folder, padding=PADDING, batch_seconds=HALF_A_DAY)
    now = MONDAY
    for step in (None, make_next, switch, drop):
        config = load_config(folder)
        for key in ONLINE_KEYS if step else ():
            step(config, key, now)  # type: ignore[misc]
        with served(folder, now=now) as server:
            now += 2 * HALF_A_DAY
            server.move_clock(now)
    report = look(folder / "published", load_config(folder))
    assert not report.failures, list(report.lines())
    # Without the root nobody knows that another key signs heads by now.
    assert {item.name for item in (folder / "published" / "trust").glob("*.root.json")} > {"1.root.json", "2.root.json"}


def test_the_same_content_packed_otherwise_is_a_remark(published: Forge, tmp_path: Path) -> None:
    forge, packed = published.copy(), BytesIO()
    place = forge.at("keys", -2)
    with zipfile.ZipFile(BytesIO(forge.items[place].data)) as old, zipfile.ZipFile(packed, "w") as new:
        for member in old.infolist():
            new.writestr(member, old.read(member), compresslevel=1)
    assert packed.getvalue() != forge.items[place].data
    forge.items[place] = replace(forge.items[place], data=packed.getvalue())
    report = look(forge.write(tmp_path / "p"), published.config)
    assert not report.failures, list(report.lines())
    assert "form" in {finding.word for finding in report.findings}


def test_a_witness_with_the_log_s_own_key_watches_nothing(config: Config) -> None:
    own = WitnessPolicy(1, (WitnessKey("w.example", config.region.log_key_bytes),))
    report = look(config.published, config, policy=own)
    assert report.words == {"witness"}
    assert "the log's own operators" in report.failures[0].sentence


class _GoesOn(FolderSource):
    """A server that closes a batch while it is read: from its first key file on there is another folder."""

    def __init__(self, first: Path, then: Path) -> None:
        super().__init__(first, Budget())
        self._then = then

    def copy(self, path: str, limit: int, to: BinaryIO) -> None:
        if path.startswith("keys/"):
            self._root = self._then
        super().copy(path, limit, to)


def test_a_log_that_grows_while_it_is_read(config: Config, published: Forge, tmp_path: Path) -> None:
    first = _behind(published, 1).write(tmp_path / "first")
    source = _GoesOn(first, config.published)
    source.lists = False
    root = (config.directory / "root.json").read_bytes()
    report = audit(Task(source, config.region, root, padding=PADDING), published.now - HALF_A_DAY)
    assert not report.failures, list(report.lines())
    assert "moved" in {finding.word for finding in report.findings}
