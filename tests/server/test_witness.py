"""A witness: its answers as C2SP tlog-witness wants them, its files, its commands. specs/publication.md section 12"""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_cosignatures, verify_cosignature
from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue.signed_note import parse_note, parse_signature_line
from ownhue_server.cli import app as commands
from ownhue_server.witness.app import BODY_SECONDS
from ownhue_server.witness.config import MAX_LOG_KEYS, create_witness, load_witness, locked
from ownhue_server.witness.core import Answer, Witness
from tests.server.witnesses import (
    NEXT_LOG,
    ORIGIN,
    STRANGER,
    TIME,
    Log,
    WitnessProcess,
    make_witness,
    serving,
    watch,
    witness_process,
)

NAME = "witness.example/w1"
SEEN = 7


class StandingClock:
    """A clock that shows one time."""

    def __init__(self, now: int = TIME + 60 * 60) -> None:
        self.time = now

    def now(self) -> int:
        """The time in unix seconds."""
        return self.time


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Witness:
    """A witness that has seen SEEN entries of *log*."""
    make_witness(tmp_path / "w1", NAME, log)
    witness = Witness(tmp_path / "w1", StandingClock())
    assert witness.answer(log.request(SEEN, 0)).status == 200
    return witness


def _time_of(answer: Answer, witness: Witness, text: str) -> int:
    assert (answer.status, answer.kind) == (200, "text/plain; charset=utf-8")
    line = answer.body.decode()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    return verify_cosignature(text, parse_signature_line(line.removesuffix("\n")), witness.key)


def test_a_log_that_grows_gets_a_line_for_each_head(witness: Witness, log: Log) -> None:
    known = SEEN
    for size in (8, 8, 16, 39, 40):
        answer = witness.answer(log.request(size, known))
        assert _time_of(answer, witness, log.head(size).text()) == TIME + 3600
        note = log.note(size) + answer.body
        assert check_cosignatures(note, log.head(size), WitnessPolicy(1, (witness.key,)), TIME + 3600)
        known = size


def test_the_same_tree_at_a_later_time_gets_a_line(witness: Witness, log: Log) -> None:
    """An empty batch of a log that had nothing to add."""
    later = log.head(SEEN).time + 600
    answer = witness.answer(log.request(SEEN, SEEN, later))
    assert _time_of(answer, witness, parse_note(log.note(SEEN, later)).text) == TIME + 3600
    # And from there on the earlier head is an old one.
    assert witness.answer(log.request(SEEN, SEEN)) == (409, "text/x.tlog.size", b"7\n")


@pytest.mark.parametrize(
    ("what", "status", "text"),
    [
        ("another log's head", 404, "not watched"),
        ("a head by a stranger", 403, "did not sign"),
        ("a broken signature", 403, "does not hold"),
        ("an old size behind the new one", 400, "larger"),
        ("nothing", 400, "empty line"),
        ("a head without a time", 400, "four lines"),
        ("a size that is not known", 409, "7\n"),
        ("an old head", 409, "7\n"),
        ("no proof", 422, "too short"),
        ("another proof", 422, "both roots"),
        ("a hash too many", 422, "too long"),
        ("64 hashes", 413, "too long"),
    ],
)
def test_what_gets_no_line_and_why(witness: Witness, log: Log, what: str, status: int, text: str) -> None:
    good = log.request(12, SEEN)
    first, _, note = good.partition(b"\n\n")
    old, *proof = first.split(b"\n")
    bodies = {
        "another log's head": Log(origin="other.example/log").request(12, SEEN),
        "a head by a stranger": Log(key=STRANGER).request(12, SEEN),
        "a broken signature": good.replace(b"time 17", b"time 16"),
        "an old size behind the new one": log.request(12, 13),
        "nothing": b"",
        "a head without a time": good.replace(b"\ntime", b"\n\ntime"),
        "a size that is not known": log.request(12, 5),
        "an old head": log.request(5, 5),
        "no proof": old + b"\n\n" + note,
        "another proof": b"\n".join([old, *proof[:-1], proof[0]]) + b"\n\n" + note,
        "a hash too many": b"\n".join([old, *proof, proof[0]]) + b"\n\n" + note,
        "64 hashes": b"\n".join([old, *[proof[0]] * 64]) + b"\n\n" + note,
    }
    answer = witness.answer(bodies[what])
    assert answer.status == status
    assert text in answer.body.decode()
    assert (answer.kind == "text/x.tlog.size") == (status == 409)
    # And nothing of it was taken up.
    assert witness.answer(good).status == 200


def test_a_head_that_was_not_proven_is_kept_until_it_is(witness: Witness, log: Log, tmp_path: Path) -> None:
    refused = tmp_path / "w1" / "refused"
    without = log.request(12, SEEN).partition(b"\n\n")[2]
    assert witness.answer(b"old 7\n\n" + without).status == 422
    assert [path.read_bytes() for path in refused.iterdir()] == [log.note(12)]
    assert witness.answer(log.request(12, SEEN)).status == 200
    assert list(refused.iterdir()) == []


def test_a_log_may_change_its_key(witness: Witness, log: Log, tmp_path: Path) -> None:
    moved = Log(key=NEXT_LOG)
    assert witness.answer(moved.request(12, SEEN)).status == 403
    watch(tmp_path / "w1", ORIGIN, moved.public)
    again = Witness(tmp_path / "w1", StandingClock())
    assert _time_of(again.answer(moved.request(12, SEEN)), again, log.head(12).text()) == TIME + 3600
    assert again.answer(log.request(20, 12)).status == 200
    # A fork between the old key and the new one is found all the same.
    assert again.answer(Log(key=NEXT_LOG, changed=3).request(20, 20)).status == 409
    (name,) = again.told()["evidence"]
    kept = json.loads(again.evidence(name) or b"")
    assert kept["notes"] == [log.note(20).decode(), Log(key=NEXT_LOG, changed=3).note(20).decode()]


def test_a_witness_without_its_state_does_not_begin_again(witness: Witness, log: Log, tmp_path: Path) -> None:
    (state,) = (tmp_path / "w1" / "state").iterdir()
    data = state.read_bytes()
    for damaged in (None, b"", data[:-1], data.replace(b"time", b"tame")):
        state.unlink()
        if damaged is not None:
            state.write_bytes(damaged)
        with pytest.raises(StateError, match="make another one"):
            Witness(tmp_path / "w1", StandingClock())
        with pytest.raises(StateError):
            witness.answer(log.request(12, SEEN))
        state.write_bytes(data)
    assert witness.answer(log.request(12, SEEN)).status == 200


def test_secrets_are_readable_for_their_owner_only(witness: Witness, tmp_path: Path) -> None:
    files = [path for path in (tmp_path / "w1").rglob("*") if path.is_file() and path.name != "lock"]
    assert {path.name for path in files} >= {"witness.json", "witness.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert witness.key.vkey.startswith(f"{NAME}+")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "é", "x" * 101, "a\nb"])
def test_a_name_that_no_line_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError):
        create_witness(tmp_path / "w1", name)
    assert not (tmp_path / "w1").exists()


def _command(*arguments: str) -> None:
    commands(list(arguments), standalone_mode=False)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], log: Log) -> None:
    folder, key = str(tmp_path / "w1"), base64url_encode(log.public)
    _command("witness", "init", folder, "--name", NAME)
    vkey = capsys.readouterr().out.strip()
    assert WitnessKey.from_vkey(vkey).name == NAME
    with pytest.raises(StateError, match="already"):
        _command("witness", "init", folder, "--name", NAME)
    _command("witness", "add", folder, "--origin", ORIGIN, "--key", key)
    assert Witness(tmp_path / "w1", StandingClock()).answer(log.request(3, 0)).status == 200
    _command("witness", "show", folder)
    told = json.loads(capsys.readouterr().out)
    assert (told["vkey"], told["evidence"], told["refused"]) == (vkey, [], [])
    assert [(item["origin"], item["keys"], item["size"]) for item in told["logs"]] == [(ORIGIN, [key], 3)]
    _command("witness", "remove", folder, "--origin", ORIGIN)
    assert Witness(tmp_path / "w1", StandingClock()).answer(log.request(4, 3)).status == 404
    with pytest.raises(StateError, match="does not watch"):
        _command("witness", "remove", folder, "--origin", ORIGIN)
    # What it saw is not forgotten by being removed.
    _command("witness", "add", folder, "--origin", ORIGIN, "--key", key)
    assert Witness(tmp_path / "w1", StandingClock()).answer(log.request(4, 0)) == (409, "text/x.tlog.size", b"3\n")


def test_what_cannot_be_watched(tmp_path: Path, log: Log) -> None:
    own = make_witness(tmp_path / "w1", NAME, log)
    with pytest.raises(FormatError, match="watches itself"):
        watch(tmp_path / "w1", "other.example/log", own.key)
    with pytest.raises(FormatError):
        watch(tmp_path / "w1", "no name", log.public)
    with pytest.raises(FormatError):
        watch(tmp_path / "w1", ORIGIN, log.public[1:])
    for number in range(MAX_LOG_KEYS - 1):
        watch(tmp_path / "w1", ORIGIN, bytes([number]) * 32)
    with pytest.raises(FormatError):
        watch(tmp_path / "w1", ORIGIN, bytes([99]) * 32)
    assert len(load_witness(tmp_path / "w1")[0].logs[0].keys) == MAX_LOG_KEYS


def test_a_damaged_configuration_is_named(tmp_path: Path, log: Log) -> None:
    make_witness(tmp_path / "w1", NAME, log)
    with pytest.raises(StateError, match="holds no witness"):
        load_witness(tmp_path / "none")
    (tmp_path / "w1" / "witness.json").write_bytes(b"{}")
    with pytest.raises(FormatError, match="configuration"):
        load_witness(tmp_path / "w1")


def test_one_process_for_each_folder(tmp_path: Path, log: Log) -> None:
    make_witness(tmp_path / "w1", NAME, log)
    arguments = ("--origin", ORIGIN, "--key", base64url_encode(log.public))
    with locked(tmp_path / "w1"):
        for command in (("add", *arguments), ("remove", *arguments), ("serve",)):
            with pytest.raises(StateError, match="in use"):
                _command("witness", command[0], str(tmp_path / "w1"), *command[1:])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    """One witness process for the tests below; each uses a log of its own."""
    logs = [Log(origin=f"{name}.example/log") for name in ("a", "b", "c")]
    with witness_process(tmp_path_factory.mktemp("running") / "w1", NAME, *logs) as witness:
        yield witness


def test_over_http(running: WitnessProcess) -> None:
    log = Log(origin="a.example/log")
    answer = running.ask(log.request(4, 0))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "server" not in answer.headers
    line = parse_signature_line(answer.text.removesuffix("\n"))
    assert verify_cosignature(log.head(4).text(), line, running.key) > TIME
    answer = running.ask(log.request(5, 0))
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (409, "text/x.tlog.size", "4\n")
    assert running.ask(b"x" * 12_289).status_code == 413
    assert running.get("/add-checkpoint").status_code == 405
    assert running.get("/evidence/none").status_code == 404
    assert running.get("/evidence/..%2Fwitness.json").status_code == 404
    assert running.get("/keys/witness.key").status_code == 404


def test_no_answer_sends_anybody_to_the_host_that_a_request_names(running: WitnessProcess) -> None:
    for path in ("/keys/", "/add-checkpoint/", "/evidence/none/"):
        answer = running.get(path)
        assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_what_it_tells_everybody(running: WitnessProcess) -> None:
    log = Log(origin="b.example/log")
    running.ask(log.request(4, 0))
    told = running.get("/").json()
    assert told == running.get("/keys").json()
    assert told["vkey"] == running.key.vkey
    assert [item["origin"] for item in told["logs"]] == ["a.example/log", "b.example/log", "c.example/log"]
    assert (told["logs"][1]["head"], told["logs"][1]["size"]) == (log.note(4).decode(), 4)


def test_a_second_process_on_the_folder_is_refused(running: WitnessProcess) -> None:
    with pytest.raises(AssertionError, match="did not start: 1"), serving(running.folder):
        pass


def test_a_request_that_never_ends_is_ended(running: WitnessProcess) -> None:
    """Slow requests; others are answered meanwhile."""
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=BODY_SECONDS + 20) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold 4")
        log = Log(origin="c.example/log")
        assert running.ask(log.request(4, 0)).status_code == 200
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_witness_of_a_rehearsal_has_no_clock(tmp_path: Path, log: Log) -> None:
    make_witness(tmp_path / "w1", NAME, log, rehearsal=True)
    witness = Witness(tmp_path / "w1", StandingClock(0))
    assert _time_of(witness.answer(log.request(4, 0)), witness, log.head(4).text()) == log.head(4).time
    assert witness.told()["rehearsal"] is True
    assert Witness(tmp_path / "w1", StandingClock(0)).answer(log.request(5, 4)).status == 200
