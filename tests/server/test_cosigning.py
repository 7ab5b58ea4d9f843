"""The publisher asks witnesses; no witness can keep a head back. specs/publication.md sections 11 and 12"""

import contextlib
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from nacl.signing import SigningKey
from sqlalchemy import Connection, insert, select

from ownhue.cosignature import MAX_WITNESSES, WitnessKey, WitnessPolicy, check_cosignatures, cosignature_line
from ownhue.errors import FormatError, StateError
from ownhue.signed_note import MAX_NOTE_SIGNATURES, parse_note
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue.witness import WitnessRequest
from ownhue_server.cli import app as commands
from ownhue_server.clock import Clock, SystemClock
from ownhue_server.config import Config, Role, Settings, Witness, load_config, settings_bytes
from ownhue_server.publisher import cosigning
from ownhue_server.publisher.cosignatures import (
    COSIGNATURES,
    WITNESSES,
    WitnessFact,
    cosigned_note,
    witness_status,
)
from ownhue_server.publisher.cosigning import Cosigning
from ownhue_server.publisher.tables import HEADS, TABLES
from ownhue_server.storage.database import connect, open_database
from ownhue_server.witness.core import Witness as RealWitness
from tests.e2e.server_process import server_process
from tests.server.bad_witnesses import BAD, STRANGERS, answering, behaving, good, silent
from tests.server.published import read_published
from tests.server.served import BATCH, MONDAY, Served, deployment, served
from tests.server.witnesses import WitnessProcess, make_witness, serving, watch

SEED = b"\x55" * 32
KEY = SigningKey(SEED)


def set_witnesses(directory: Path, *witnesses: tuple[str, str], **settings: object) -> Config:
    """The deployment in *directory*, whose witnesses (verifier key, url) are these from now on."""
    config = load_config(directory)
    named = tuple(Witness(vkey=vkey, url=url) for vkey, url in sorted(witnesses))
    changed: Settings = config.settings.model_copy(update={"witnesses": named, **settings})
    (directory / "settings.json").write_bytes(settings_bytes(changed))
    return load_config(directory)


def head_of(server: Served) -> tuple[bytes, TreeHead]:
    """The head as it is served, and opened."""
    note = server.request("GET", "/published/head").content
    return note, open_tree_head(note, server.config.region.origin, server.config.region.log_key_bytes)


def facts(server: Served) -> dict[str, WitnessFact]:
    """What doctor is told, by name."""

    def ask() -> list[WitnessFact]:
        writer = server.publisher._writer
        return server.run(writer.run(lambda transaction: witness_status(server.config, transaction.connection)))

    return {fact.name: fact for fact in ask()}


def names_below(note: bytes) -> list[str]:
    """Whose lines stand below the log's own."""
    return [line.name for line in parse_note(note).signatures[1:]]


@contextlib.contextmanager
def witnessed(
    directory: Path, *witnesses: tuple[str, str], now: int = MONDAY, clock: Clock | None = None
) -> Iterator[Served]:
    """A server whose publisher asks *witnesses*."""
    if not (directory / "settings.json").exists():
        deployment(directory)
    set_witnesses(directory, *witnesses)
    with served(directory, now=now, clock=clock) as server:
        yield server


def test_a_head_carries_the_lines_of_its_witnesses(tmp_path: Path) -> None:
    one, two = (SigningKey(bytes([number]) * 32) for number in (1, 2))
    with (
        behaving("b.example", one, good) as first,
        behaving("a.example", two, STRANGERS) as second,
        witnessed(tmp_path / "server", first, second) as server,
    ):
        policy = WitnessPolicy(2, tuple(sorted(WitnessKey.from_vkey(vkey) for vkey, _url in (first, second))))
        head = head_of(server)[1]
        for number in range(1, 4):
            assert server.move_clock(MONDAY + number * BATCH).status_code == 200
            note, head = head_of(server)
            assert head.time == MONDAY + number * BATCH
            assert names_below(note) == ["a.example", "b.example"]
            assert len(check_cosignatures(note, head, policy, server.now())) == 2
        own = server.run(server.publisher._writer.run(lambda tx: list(tx.connection.execute(select(HEADS.c.note)))))
        assert all(names_below(row.note) == [] for row in own)
        assert facts(server) == {
            name: WitnessFact(name, url, head.size, head.size, "", 0)
            for name, url in (("a.example", second[1]), ("b.example", first[1]))
        }
        published = read_published(
            lambda path: server.request("GET", f"/published/{path}").content, server.config.region
        )
        assert published.head == head


def test_no_witness_can_keep_a_head_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nonsense, lines of others, a body without end, redirects, silence: it costs the line and nothing else."""
    monkeypatch.setattr(cosigning, "ASK_SECONDS", 2)
    with contextlib.ExitStack() as stack:
        bad = [stack.enter_context(behaving(f"{name}.bad", KEY_OF[name], act)) for name, (_, act) in BAD.items()]
        fine = stack.enter_context(behaving("fine.example", KEY, good))
        server = stack.enter_context(witnessed(tmp_path / "server", fine, *bad))
        assert server.move_clock(MONDAY + BATCH).status_code == 200
        note, head = head_of(server)
        assert (head.time, names_below(note)) == (MONDAY + BATCH, ["fine.example"])
        told = facts(server)
        assert {name: told[f"{name}.bad"].error for name in BAD} == {name: word for name, (word, _) in BAD.items()}
        assert all(told[f"{name}.bad"].since == MONDAY for name in BAD)
        assert told["fine.example"].error == ""


KEY_OF = {name: SigningKey(bytes([number + 1]) * 32) for number, name in enumerate(BAD)}


def test_a_witness_that_hangs_or_is_gone_costs_its_time_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cosigning, "ASK_SECONDS", 1)
    vkeys = [WitnessKey(f"{name}.example", bytes(key.verify_key)).vkey for name, key in list(KEY_OF.items())[:4]]
    names = [WitnessKey.from_vkey(vkey).name for vkey in vkeys]
    with (
        silent() as url,
        behaving("fine.example", KEY, good) as fine,
        witnessed(
            tmp_path / "server",
            fine,
            (vkeys[0], url),
            (vkeys[1], f"http://127.0.0.1:{free_port()}"),
            (vkeys[2], "http://[bad"),
            (vkeys[3], "http://no-such-host.invalid:99999999"),
        ) as server,
    ):
        server.move_clock(MONDAY + BATCH)
        assert names_below(head_of(server)[0]) == ["fine.example"]
        told = facts(server)
        assert [told[name].error for name in names[:2]] == ["slow", "unreachable"]
        assert all(told[name].error for name in names[2:])


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_missing_line_is_asked_for_again_and_the_head_is_written_again(tmp_path: Path) -> None:
    late = WitnessKey("late.example", bytes(KEY.verify_key))
    asked: list[bytes] = []

    def answer(body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(body)
        return (500, {}, b"") if len(asked) < 3 else good(KEY, late.name, _request(body))

    with answering(answer) as url, witnessed(tmp_path / "server", (late.vkey, url)) as server:
        before, head = head_of(server)
        assert names_below(before) == []
        assert facts(server)[late.name] == WitnessFact(late.name, url, 0, head.size, "status-500", MONDAY)
        # It is too early to ask again.
        server.run(server.publisher.tick())
        assert len(asked) == 1
        server.clock.move(MONDAY + 10)  # type: ignore[attr-defined]
        server.run(server.publisher.tick())
        assert (len(asked), names_below(head_of(server)[0])) == (2, [])
        assert facts(server)[late.name].since == MONDAY
        server.clock.move(MONDAY + 29)  # type: ignore[attr-defined]
        server.run(server.publisher.tick())
        assert len(asked) == 2
        server.clock.move(MONDAY + 30)  # type: ignore[attr-defined]
        server.run(server.publisher.tick())
        after, same = head_of(server)
        assert (names_below(after), same, after.startswith(before)) == ([late.name], head, True)
        assert facts(server)[late.name] == WitnessFact(late.name, url, head.size, head.size, "", 0)
        # And then there is nothing more to ask for.
        server.clock.move(MONDAY + 6000)  # type: ignore[attr-defined]
        server.run(server.publisher.tick())
        assert len(asked) == 3


def _request(body: bytes) -> WitnessRequest:
    return WitnessRequest.from_bytes(body)


def test_a_witness_that_knows_another_size_tells_it_and_is_asked_once_more(tmp_path: Path) -> None:
    """As when the witness is new, or the publisher's memory of it is lost."""
    config, _ = deployment(tmp_path / "server")
    own = make_witness(tmp_path / "w1", "w1.example", rehearsal=True)
    watch(tmp_path / "w1", config.region.origin, config.region.log_key_bytes)
    witness = RealWitness(tmp_path / "w1", SystemClock())
    asked: list[int] = []

    def answer(body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(_request(body).old_size)
        status, kind, content = witness.answer(body)
        return status, {"Content-Type": kind}, content

    with answering(answer) as url:
        with witnessed(tmp_path / "server", (own.vkey, url)) as server:
            server.move_clock(MONDAY + 2 * BATCH)
            first = head_of(server)[1].size
        # A second name for the same witness's place: the publisher begins with size 0.
        database = open_database(load_config(tmp_path / "server").database(Role.PUBLISHER))
        with connect(database, TABLES) as connection, connection.begin():
            connection.execute(WITNESSES.delete())
        with served(tmp_path / "server", now=MONDAY + 2 * BATCH) as server:
            server.move_clock(MONDAY + 3 * BATCH)
            note, head = head_of(server)
    assert names_below(note) == [own.name]
    assert head.size > first
    assert asked[-2:] == [0, first]


def test_of_batches_closed_late_only_the_newest_head_is_cosigned(tmp_path: Path) -> None:
    class Standing:
        """A clock that shows one time and belongs to no rehearsal."""

        def __init__(self, time: int) -> None:
            self.time = time

        def now(self) -> int:
            """The time."""
            return self.time

    with behaving("w.example", KEY, good) as witness:
        with witnessed(tmp_path / "server", witness, clock=Standing(MONDAY)):
            pass
        with served(tmp_path / "server", clock=Standing(MONDAY + 5 * BATCH)) as server:
            rows = server.run(
                server.publisher._writer.run(lambda tx: list(tx.connection.execute(select(COSIGNATURES.c.batch))))
            )
            assert names_below(head_of(server)[0]) == ["w.example"]
    newest = MONDAY // BATCH - 1
    assert sorted(row.batch for row in rows) == [newest, newest + 5]


def test_lines_survive_a_restart_and_the_loss_of_the_folder(tmp_path: Path) -> None:
    with behaving("w.example", KEY, good) as witness, witnessed(tmp_path / "server", witness) as server:
        note, _ = head_of(server)
    shutil.rmtree(tmp_path / "server" / "published")
    with served(tmp_path / "server") as server:
        assert head_of(server)[0] == note
    assert names_below(note) == ["w.example"]


def test_the_longest_head_is_a_head(tmp_path: Path) -> None:
    """As many witnesses as a policy may have, with the longest names; what is beyond is left out."""
    with served(tmp_path / "server") as server:
        note, head = head_of(server)
        batch = head.time // BATCH - 1

        def add(connection: Connection) -> bytes:
            for number in range(MAX_WITNESSES + 1):
                name = f"{number:03}" + "x" * 97
                line = cosignature_line(head.text(), name, SigningKey(bytes([number]) * 32), head.time)
                connection.execute(insert(COSIGNATURES).values(batch=batch, name=name, line=line))
            return cosigned_note(connection, batch)

        full = server.run(server.publisher._writer.run(lambda transaction: add(transaction.connection)))
    assert len(parse_note(full).signatures) == MAX_NOTE_SIGNATURES
    assert names_below(full) == sorted(names_below(full))
    assert full.startswith(note)
    assert open_tree_head(full, head.origin, server.config.region.log_key_bytes) == head


def test_witnesses_that_cannot_be_are_refused_at_the_start(tmp_path: Path) -> None:
    config, _ = deployment(tmp_path / "server")
    log_key = config.region.log_key_bytes
    one = WitnessKey("w.example", bytes(KEY.verify_key))
    for keys, message in (
        ((WitnessKey("w.example", log_key),), "operators"),
        ((WitnessKey("w.example", config.region.issuer_key_bytes),), "operators"),
        ((one, WitnessKey("w.example", bytes(KEY_OF["ahead"].verify_key))), "names"),
        ((one, WitnessKey("x.example", bytes(KEY.verify_key))), "each key once"),
    ):
        changed = set_witnesses(tmp_path / "server", *((key.vkey, "http://127.0.0.1:9") for key in keys))
        with pytest.raises(FormatError, match=message):
            Cosigning(changed, SystemClock())
    asked = [(one.vkey, "http://127.0.0.1:9")]
    for told, threshold in ((asked[1:], 1), (asked, 2)):
        with pytest.raises(FormatError, match="asks for 1 to all"):
            Cosigning(set_witnesses(tmp_path / "server", *told, witness_threshold=threshold), SystemClock())


def _command(*arguments: str) -> None:
    commands(list(arguments), standalone_mode=False)


def test_the_commands_that_choose_witnesses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "server"
    deployment(directory)
    one, two, three = (WitnessKey(f"{name}.example", bytes(KEY_OF[name].verify_key)) for name in list(KEY_OF)[:3])
    for key in (two, one):
        _command("witness", "ask", str(directory), "--vkey", key.vkey, "--url", "https://witness.example")
        assert capsys.readouterr().out.startswith("0 of 0: nobody watches this log.")
    _command("witness", "ask", str(directory), "--vkey", three.vkey, "--url", "https://w.example", "--threshold", "2")
    assert capsys.readouterr().out == "2 of 3 witnesses must have seen the same log.\n"
    settings = load_config(directory).settings
    assert [witness.vkey for witness in settings.witnesses] == sorted(key.vkey for key in (one, two, three))
    assert stat.S_IMODE((directory / "settings.json").stat().st_mode) == 0o600
    _command("witness", "dismiss", str(directory), "--name", one.name)
    log_key = WitnessKey("w.example", load_config(directory).region.log_key_bytes)
    for arguments, error in (
        (("dismiss", str(directory), "--name", one.name), StateError),
        (("dismiss", str(directory), "--name", two.name), FormatError),
        (("ask", str(directory), "--vkey", log_key.vkey, "--url", "https://w.example"), FormatError),
        (("ask", str(directory), "--vkey", "x+y+z", "--url", "https://w.example"), FormatError),
        (("ask", str(directory), "--vkey", one.vkey, "--url", "w.example"), FormatError),
    ):
        with pytest.raises(error):
            _command("witness", *arguments)
    _command("witness", "dismiss", str(directory), "--name", two.name, "--threshold", "1")
    assert [witness.vkey for witness in load_config(directory).settings.witnesses] == [three.vkey]


def _init_process_deployment(directory: Path, witnesses: Sequence[tuple[str, str]], *, rehearsal: bool) -> Config:
    wait = {"rehearsal": True, "answer_milliseconds": 0} if rehearsal else {}
    return set_witnesses(directory, *witnesses, **wait)


@contextlib.contextmanager
def two_witnesses(folder: Path, config: Config, *, rehearsal: bool) -> Iterator[list[WitnessProcess]]:
    """Two witness processes that watch the log of *config*."""
    with contextlib.ExitStack() as stack:
        running = []
        for name in ("w1", "w2"):
            make_witness(folder / name, f"{name}.example", rehearsal=rehearsal)
            watch(folder / name, config.region.origin, config.region.log_key_bytes)
            running.append(stack.enter_context(serving(folder / name)))
        yield running


def test_two_witness_processes_and_a_publisher_process(tmp_path: Path) -> None:
    """Also when one of them ends in the middle, and comes back."""
    config, _ = deployment(tmp_path / "server")
    with two_witnesses(tmp_path, config, rehearsal=True) as (first, second):
        told = [(witness.key.vkey, witness.url) for witness in (first, second)]
        _init_process_deployment(tmp_path / "server", told, rehearsal=True)
        policy = WitnessPolicy(2, (first.key, second.key))
        with server_process(tmp_path / "server", start=MONDAY) as server:

            def head() -> tuple[bytes, TreeHead]:
                note = httpx.get(f"{server.url}/published/head", trust_env=False).content
                return note, open_tree_head(note, server.region.origin, server.region.log_key_bytes)

            server.move_clock(MONDAY + 3 * BATCH)
            note, opened = head()
            assert len(check_cosignatures(note, opened, policy, server.now())) == 2
            second.kill()
            server.move_clock(MONDAY + 4 * BATCH)
            assert names_below(head()[0]) == ["w1.example"]
            with serving(second.folder, int(second.url.rpartition(":")[2])):
                server.move_clock(MONDAY + 5 * BATCH)
                note, opened = head()
                assert len(check_cosignatures(note, opened, policy, server.now())) == 2
        told_by_all = [witness.get("/").json()["logs"][0]["size"] for witness in (first,)]
        assert told_by_all == [opened.size]


def test_a_served_publisher_writes_its_head_again_when_a_witness_comes_late(tmp_path: Path) -> None:
    """With the clocks of all as they are; the second witness starts when the head is out already."""
    config, _ = deployment(tmp_path / "server")
    late_port, port = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        keys = []
        for name in ("w1", "w2"):
            keys.append(make_witness(tmp_path / name, f"{name}.example"))
            watch(tmp_path / name, config.region.origin, config.region.log_key_bytes)
        first = stack.enter_context(serving(tmp_path / "w1"))
        told = [(keys[0].vkey, first.url), (keys[1].vkey, f"http://127.0.0.1:{late_port}")]
        _init_process_deployment(tmp_path / "server", told, rehearsal=False)
        command = [sys.executable, "-m", "ownhue_server", "serve", str(tmp_path / "server"), "--port", str(port)]
        command.append("--clock-is-right")  # Its keys are of another day.
        command.append("--clock-is-right")  # The keys of test deployments were made long ago.
        error_log = tmp_path / "stderr"
        process = subprocess.Popen(command, stderr=stack.enter_context(error_log.open("wb")))
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        note = _head_with(1, port, process, error_log)
        assert names_below(note) == ["w1.example"]
        stack.enter_context(serving(tmp_path / "w2", late_port))
        note = _head_with(2, port, process, error_log)
        head = open_tree_head(note, config.region.origin, config.region.log_key_bytes)
        assert len(check_cosignatures(note, head, WitnessPolicy(2, tuple(keys)), int(time.time()))) == 2


def _head_with(lines: int, port: int, process: "subprocess.Popen[bytes]", error_log: Path) -> bytes:
    """The head as soon as it has so many lines of witnesses."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.get(f"http://127.0.0.1:{port}/published/head", trust_env=False)
            if answer.status_code == 200 and len(names_below(answer.content)) == lines:
                return answer.content
        time.sleep(0.2)
    raise AssertionError(f"no head with {lines} lines: {error_log.read_text(errors='replace')}")
