"""Attacks on witnessing: what a lying log, a replayer, a liar about witnesses try. specs/publication.md section 12"""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey

from ownhue.cosignature import NO_WITNESSES, WitnessKey, WitnessPolicy, check_cosignatures, check_policy
from ownhue.errors import FormatError, VerificationError
from ownhue.fork_evidence import make_fork_evidence, verify_fork_evidence
from ownhue.signed_note import NoteSignature, base64_encode, key_hash, parse_note, parse_signature_line
from ownhue.tree_head import open_tree_head
from ownhue_server.witness import core, store
from ownhue_server.witness.core import Witness
from tests.server.test_witness import StandingClock
from tests.server.witnesses import LOG, ORIGIN, STRANGER, TIME, Log, WitnessProcess, make_witness, serving

NAME = "witness.example/w1"
SEEN = 7
LOG_KEY = bytes(LOG.verify_key)
NOW = TIME + 3600

HONEST = Log()
#: Another history: its leaf 3 is another one.
LYING = Log(changed=3)
#: A history that parts from the honest one behind what was seen.
LATER_LIE = Log(changed=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_witness(tmp_path / "w1", NAME, HONEST)
    return tmp_path / "w1"


@pytest.fixture
def witness(folder: Path) -> Witness:
    """A witness that has seen the first SEEN entries of the honest history."""
    witness = Witness(folder, StandingClock(NOW))
    assert witness.answer(HONEST.request(SEEN, 0)).status == 200
    return witness


def _evidence(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in store.Store(folder).files("evidence")]


def _third_party(data: bytes) -> str:
    """What somebody finds who has the file and the log's key and nothing else."""
    return verify_fork_evidence(data, ORIGIN, LOG_KEY)


def _unmoved(witness: Witness) -> None:
    assert [item["size"] for item in witness.told()["logs"]] == [SEEN]
    assert witness.answer(HONEST.request(9, SEEN)).status == 200


def test_a_log_that_forks_at_one_size_is_refused_and_the_evidence_convinces_anybody(
    witness: Witness, folder: Path
) -> None:
    answer = witness.answer(LYING.request(SEEN, SEEN))
    assert (answer.status, answer.body) == (409, b"7\n")
    (data,) = _evidence(folder)
    assert _third_party(data) == "two-roots"
    (name,) = witness.told()["evidence"]
    assert witness.evidence(name) == data
    _unmoved(witness)


@pytest.mark.parametrize("old", [0, 3, SEEN, SEEN + 1])
def test_a_fork_is_kept_whatever_size_the_request_names(witness: Witness, folder: Path, old: int) -> None:
    """Nor does a time from the future, or a missing proof, keep it from being evidence."""
    body = b"old %d\n\n" % old + LYING.note(SEEN, NOW + 10_000_000)
    assert witness.answer(body).status == (400 if old > SEEN else 409)
    assert [_third_party(data) for data in _evidence(folder)] == ([] if old > SEEN else ["two-roots"])


def test_a_log_that_shrinks(witness: Witness, folder: Path) -> None:
    """A smaller tree at a later time: entries were taken back."""
    for old in (0, SEEN - 2):
        answer = witness.answer(HONEST.request(SEEN - 2, old, NOW))
        assert (answer.status, answer.kind, answer.body) == (409, "text/x.tlog.size", b"7\n")
    (data,) = _evidence(folder)
    assert _third_party(data) == "order"
    _unmoved(witness)


def test_a_larger_tree_with_an_earlier_time(witness: Witness, folder: Path) -> None:
    """A head made in secret and dated back."""
    answer = witness.answer(HONEST.request(12, SEEN, HONEST.head(SEEN).time - 1))
    assert (answer.status, answer.body) == (422, b"the log shows two histories: order\n")
    assert [_third_party(data) for data in _evidence(folder)] == ["order"]
    _unmoved(witness)


def test_a_rewritten_past_behind_a_larger_tree(witness: Witness, folder: Path) -> None:
    """No two heads contradict each other at sight; the proof fails. With the log's tiles it becomes evidence."""
    assert witness.answer(LYING.request(12, SEEN)).status == 422
    assert _evidence(folder) == []
    (kept,) = store.Store(folder).files("refused")
    known = witness.told()["logs"][0]["head"].encode()
    data = make_fork_evidence(ORIGIN, LOG_KEY, known, kept.read_bytes(), LYING.tree.hash)
    assert _third_party(data) == "rewritten"
    _unmoved(witness)


def test_a_proof_of_another_tree(witness: Witness) -> None:
    proof = LYING.request(12, SEEN).partition(b"\n\n")[0]
    assert witness.answer(proof + b"\n\n" + HONEST.note(12)).status == 422
    other = HONEST.request(13, SEEN).partition(b"\n\n")[0]
    assert witness.answer(other + b"\n\n" + HONEST.note(12)).status == 422
    _unmoved(witness)


def test_an_old_head_that_is_replayed(witness: Witness, folder: Path) -> None:
    """By anybody: it gets no line, moves nothing, and accuses nobody."""
    for size in (0, 1, SEEN - 1):
        assert witness.answer(HONEST.request(size, size)).body == b"7\n"
    assert (_evidence(folder), store.Store(folder).files("refused")) == ([], [])
    _unmoved(witness)


def test_a_head_from_the_future(witness: Witness) -> None:
    """It would make the witness refuse every honest head until then. 600 s are forgiven."""
    answer = witness.answer(HONEST.request(12, SEEN, NOW + 601))
    assert (answer.status, answer.body) == (422, b"the tree head is ahead of the witness's clock\n")
    _unmoved(witness)
    assert witness.answer(HONEST.request(12, 9, NOW + 600)).status == 200


def test_a_forged_note(witness: Witness, folder: Path) -> None:
    honest = HONEST.request(12, SEEN)
    parsed = parse_note(HONEST.note(12))
    (own,) = parsed.signatures
    cases = {
        "by a stranger": Log(key=STRANGER).request(12, SEEN),
        "by a stranger under the log's key hash": honest.replace(
            own.line().encode(),
            NoteSignature(ORIGIN, own.key_hash, STRANGER.sign(parsed.text.encode()).signature).line().encode(),
        ),
        "another root": honest.replace(base64_encode(HONEST.tree.root(12)).encode(), base64_encode(bytes(32)).encode()),
        "signed twice": honest + own.line().encode(),
        "cosigned and not signed": honest.replace(
            own.line().encode(), NoteSignature(NAME, key_hash(NAME, LOG_KEY, b"\x04"), bytes(72)).line().encode()
        ),
    }
    for what, body in cases.items():
        assert body != honest, what
        assert witness.answer(body).status == 403, what
    assert _evidence(folder) == []
    _unmoved(witness)


def test_a_log_that_fills_the_disk_with_forks(witness: Witness, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file proves it; a hundred are kept, none is overwritten, and strangers' lines make no new one."""
    monkeypatch.setattr(store, "MAX_EVIDENCE_FILES", 3)
    first = LYING.request(SEEN, SEEN)
    stranger = NoteSignature("x", b"abcd", bytes(64)).line().encode()
    for body in (first, first + stranger, first):
        assert witness.answer(body).status == 409
    (kept,) = _evidence(folder)
    assert kept == make_fork_evidence(ORIGIN, LOG_KEY, HONEST.note(SEEN), LYING.note(SEEN))
    for number in range(6):
        assert witness.answer(Log(changed=number).request(SEEN, SEEN)).status == 409
        assert witness.answer(Log(changed=number).request(20 + number, SEEN)).status == 422
    assert len(_evidence(folder)) == len(store.Store(folder).files("refused")) == 3
    assert kept in _evidence(folder)


def test_the_state_is_on_the_disk_before_the_line_exists(
    witness: Witness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any point: there is never a line for a head that the disk does not know."""
    seen: list[str] = []

    def cosign(state: Any, *_rest: Any) -> str:
        seen.append(store.Store(folder).load(ORIGIN).note.decode())
        raise KeyboardInterrupt

    monkeypatch.setattr(core, "cosign", cosign)
    with pytest.raises(KeyboardInterrupt):
        witness.answer(HONEST.request(12, SEEN))
    assert seen == [HONEST.note(12).decode()]
    monkeypatch.undo()
    again = Witness(folder, StandingClock(NOW))
    assert again.answer(LYING.request(12, 12)).status == 409
    assert again.answer(HONEST.request(12, 12)).status == 200


def test_a_full_disk_gives_no_line(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "replace_file", full)
    with pytest.raises(OSError, match="No space"):
        witness.answer(HONEST.request(12, SEEN))
    monkeypatch.undo()
    _unmoved(witness)


def test_two_contradicting_heads_at_once_get_one_line_at_most(witness: Witness) -> None:
    for old, new in ((SEEN, 21), (21, 30), (30, 40)):
        bodies = [HONEST.request(new, old), LATER_LIE.request(new, old)] * 4
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(witness.answer, bodies))
        granted = {body for body, answer in zip(bodies, answers, strict=True) if answer.status == 200}
        assert len(granted) == 1, new
        if granted != {HONEST.request(new, old)}:
            break


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a witness that is killed again and again."""
    folder = tmp_path_factory.mktemp("restarted") / "w1"
    make_witness(folder, NAME, *(Log(origin=f"{number}.example/log") for number in range(4)))
    return folder


@pytest.mark.parametrize("number", range(4))
def test_killed_in_the_middle_a_witness_never_gives_lines_for_two_histories(restarted: Path, number: int) -> None:
    """kill -9 while it is asked; afterwards it is asked for the other history, of every size up to there."""
    one, two = (Log(origin=f"{number}.example/log", changed=changed) for changed in (-1, 0))
    given: list[int] = []
    with serving(restarted) as witness:
        asking = threading.Thread(target=_ask_in_a_row, args=(witness, one, given))
        asking.start()
        until = time.monotonic() + 30
        while len(given) <= 3 * number and time.monotonic() < until:
            time.sleep(0.001)
        witness.kill()
        asking.join()
    assert given, "the witness was killed before it had cosigned anything"
    with serving(restarted) as witness:
        for size in range(given[-1], given[-1] + 2):
            assert witness.ask(two.request(size, size)).status_code in (409, 422)
            assert witness.ask(two.request(size, 0)).status_code == 409
        known = int(witness.ask(one.request(40, 0)).text)
        # What was cosigned is known; what was asked last may be known without its line having left.
        assert known in (given[-1], given[-1] + 1)
        assert witness.ask(one.request(40, known)).status_code == 200


def _ask_in_a_row(witness: WitnessProcess, log: Log, given: list[int]) -> None:
    """Ask for size after size, until the witness is gone."""
    for size in range(1, 40):
        try:
            answer = witness.ask(log.request(size, size - 1))
        except httpx.HTTPError:
            return
        if answer.status_code == 200:
            given.append(size)


def test_a_witness_restored_from_an_old_backup_can_be_led_into_a_fork_and_the_fork_still_shows(
    witness: Witness, folder: Path, tmp_path: Path
) -> None:
    """What no witness can prevent, and why only its key is worth a backup (specs/publication.md section 12)."""
    shutil.copytree(folder, tmp_path / "backup")
    first = witness.answer(HONEST.request(30, SEEN))
    restored = Witness(tmp_path / "backup", StandingClock(NOW))
    # A publisher that asks as ever hears at once that the witness knows less than before.
    assert restored.answer(HONEST.request(31, 30)) == (409, "text/x.tlog.size", b"7\n")
    second = restored.answer(LATER_LIE.request(30, SEEN))
    assert first.status == second.status == 200
    # Whoever meets both heads can prove the fork, and who cosigned it.
    notes = [log.note(30) + answer.body for log, answer in ((HONEST, first), (LATER_LIE, second))]
    data = make_fork_evidence(ORIGIN, LOG_KEY, notes[0], notes[1])
    assert _third_party(data) == "two-roots"
    for note in json.loads(data)["notes"]:
        head = open_tree_head(note.encode(), ORIGIN, LOG_KEY)
        assert check_cosignatures(note.encode(), head, WitnessPolicy(1, (witness.key,)), NOW)


def test_a_publisher_that_claims_cosignatures_of_others(witness: Witness) -> None:
    """Lines under a witness's name that the witness never made."""
    other = SigningKey(b"\x77" * 32)
    policy = WitnessPolicy(1, (witness.key,))
    head, note = HONEST.head(12), HONEST.note(12)
    message = f"cosignature/v1\ntime {NOW}\n{head.text()}".encode()
    time_bytes = NOW.to_bytes(8, "big")
    real = parse_signature_line(witness.answer(HONEST.request(9, SEEN)).body.decode().rstrip("\n"))
    claims = {
        "with another key": NoteSignature(
            NAME, key_hash(NAME, bytes(other.verify_key), b"\x04"), time_bytes + other.sign(message).signature
        ),
        "with another key under the witness's key hash": NoteSignature(
            NAME, witness.key.key_hash, time_bytes + other.sign(message).signature
        ),
        "with the log's key": NoteSignature(NAME, witness.key.key_hash, time_bytes + LOG.sign(message).signature),
        "made for another head": real,
        "with another time": NoteSignature(NAME, real.key_hash, time_bytes + real.blob[8:]),
        "as the log's own kind": NoteSignature(NAME, key_hash(NAME, witness.key.key), LOG.sign(message).signature),
    }
    for what, line in claims.items():
        claimed = note + line.line().encode()
        with pytest.raises(VerificationError):
            pytest.fail(f"{what}: {check_cosignatures(claimed, head, policy, NOW)}")
    assert check_cosignatures(note, head, NO_WITNESSES, NOW) == []


def test_one_witness_is_counted_once(witness: Witness) -> None:
    line = witness.answer(HONEST.request(12, SEEN)).body
    again = WitnessKey("witness.example/w2", bytes(SigningKey(b"\x66" * 32).verify_key))
    policy = WitnessPolicy(2, (witness.key, again))
    with pytest.raises(VerificationError, match="twice"):
        check_cosignatures(HONEST.note(12) + line + line, HONEST.head(12), policy, NOW)
    with pytest.raises(VerificationError, match="1 of 2"):
        check_cosignatures(HONEST.note(12) + line, HONEST.head(12), policy, NOW)


def test_a_log_that_is_its_own_witness() -> None:
    """The log's key under another name looks like a witness to whoever does not compare the keys."""
    policy = WitnessPolicy(1, (WitnessKey(NAME, LOG_KEY),))
    with pytest.raises(FormatError, match="own operators"):
        check_policy(policy, [bytes(STRANGER.verify_key), LOG_KEY])
    check_policy(policy, [bytes(STRANGER.verify_key)])
