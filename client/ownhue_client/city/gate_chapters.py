"""The chapters of the demo at the metro gate: codes that pass, and codes that are refused, each with its word."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from ownhue.code import decode_code, encode_code, sign_code
from ownhue.colour import Colour
from ownhue.errors import ForkError, OwnhueError
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.passes import Pass
from ownhue.region import Region
from ownhue.verify import CodeRefused, Refusal
from ownhue_client.checkpoint import Admission, Answer
from ownhue_client.city.server import city_server
from ownhue_client.city.stage import PADDING, Stage
from ownhue_client.errors import NotWitnessedError


def morning_at_the_gate(stage: Stage) -> None:
    """The gate synchronises once; after that it needs no network."""
    now = stage.chapter(1, "07:30", "the metro gate verifies offline")
    stage.gate.sync(now)
    stage.gate_requests.clear()
    for name in ("cook", "cook's partner"):
        answer = _scan(stage, name, now, "monday")
        stage.say(f"{name}: {answer.colour.word}, signed {answer.verdict.age_seconds} s ago: {answer.admission}")
        stage.expect(f"the {name} passes", answer.admission is Admission.PASSES)
    first, second = (decode_code(stage.phones["cook"].open_code(now).text_at(now)) for _ in range(2))
    stage.expect(
        "two codes of one phone share nothing that only this phone has",
        first.public_key != second.public_key and first.pass_signature != second.pass_signature,
    )
    stage.expect("scanning made the gate send nothing", stage.gate_requests == [])


@contextmanager
def a_special_log_for_one_phone(stage: Stage, work: Path) -> Iterator[None]:
    """Wednesday night: whoever runs the server makes a second log, with the real keys, for the commuter alone."""
    now = stage.chapter(3, "23:00", "somebody at the server prepares a special log for two phones")
    shutil.copytree(work / "server", work / "fork")
    morning = stage.at(4, "06:00")
    stage.server.move_clock(morning)
    with city_server(work / "fork", now, padding=PADDING) as fork:
        stage.say("A copy of the server, with its real keys, will show other files to the commuter and the student.")
        for name in ("commuter", "student"):
            stage.detours[name].to = httpx.URL(fork.url)
        fork.move_clock(morning)
        _the_witness_refuses(stage, morning)
        yield
    stage.detours["commuter"].to = None


def _the_witness_refuses(stage: Stage, now: int) -> None:
    """The copy asks the witness like the original; so the witness has both histories, and cosigns only the first."""
    evidence = stage.witness.evidence(stage.server.http)
    region = stage.server.region
    for name, proof in evidence:
        stage.save("fork-evidence", f"witness-{name}", proof)
    stage.expect(
        "the witness cosigns no second history, and keeps the two as a file that proves the fork to anybody",
        bool(evidence) and all(_proves(proof, region) for _, proof in evidence),
    )
    stage.expect(
        "the student's phone asks for the witness: it takes nothing from the special log",
        _raises(NotWitnessedError, lambda: stage.phones["student"].sync(now)),
    )
    stage.detours["student"].to = None
    stage.say("The commuter's phone is an old one, without a root of trust and a witness. It says of itself:")
    for word in stage.phones["commuter"].trust_words(now)[1:3]:
        stage.say(f"    {word}")


def the_gate_refuses(stage: Stage) -> None:
    """Thursday: one passes, one is yellow, and five tricks fail."""
    now = stage.chapter(4, "08:00", "the metro gate, and what people try there")
    stage.gate.sync(now)
    stage.gate_requests.clear()
    answer = _scan(stage, "cook's partner", now, "thursday")
    stage.expect("the cook's partner passes", answer.admission is Admission.PASSES)
    yellow = _scan(stage, "cook", now, "thursday")
    stage.expect(
        f"the cook's code is {yellow.colour.word}, which this gate refuses by the rulebook's mode",
        (yellow.colour, yellow.admission) == (Colour.YELLOW, Admission.REFUSES),
    )
    shown = stage.phones["cook's partner"].open_code(now)
    picture = stage.picture("thursday-copied", shown.text_at(now))
    _refuse(
        stage, "the cook turns the yellow in the code into green", _recoloured(stage, now), now, Refusal.BAD_SIGNATURE
    )
    _refuse(
        stage, "somebody signs a green code with a pass of his own making", _forged(stage, now), now, Refusal.BAD_PASS
    )
    _refuse(stage, "a screenshot of the partner's code, two minutes old", picture, now + 121, Refusal.TOO_OLD)
    fresh = stage.phones["cook's partner"].open_code(now)
    stage.gate.verify_text(fresh.text_at(now), now)
    _refuse(
        stage,
        "the partner's code handed back over the gate within a minute",
        fresh.text_at(now + 20),
        now + 20,
        Refusal.SAME_PASS,
    )
    foreign = stage.phones["commuter"].open_code(now).text_at(now)
    stage.picture("thursday-foreign-log", foreign)
    _refuse(stage, "the commuter, whose phone was shown another log", foreign, now, Refusal.OTHER_LOG)
    stage.expect("all of this made the gate send nothing", stage.gate_requests == [])
    stage.detours["commuter"].to = None
    commuter = stage.phones["commuter"]
    stage.expect(
        "back on the open network, the commuter's phone finds the fork", _raises(ForkError, commuter.sync, now)
    )
    for path in commuter.save_evidence(stage.out / "fork-evidence"):
        stage.say(f"It keeps the proof. Try: ownhue evidence verify {path} --region {stage.out / 'region.json'}")
    proofs = [proof for _, proof in commuter.evidence()]
    stage.expect(
        "the proof convinces anybody who knows the region's log key",
        bool(proofs) and all(_proves(proof, stage.server.region) for proof in proofs),
    )


def _scan(stage: Stage, name: str, now: int, when: str) -> Answer:
    """Show a fresh code of *name*, as a picture, to the gate."""
    text = stage.phones[name].open_code(now).text_at(now)
    return stage.gate.verify_picture(stage.picture(f"{when}-{name.replace(chr(39), '').replace(' ', '-')}", text), now)


def _refuse(stage: Stage, what: str, code: str | Path, now: int, expected: Refusal) -> None:
    try:
        if isinstance(code, Path):
            stage.gate.verify_picture(code, now)
        else:
            stage.gate.verify_text(code, now)
        word = None
    except CodeRefused as refused:
        word = refused.refusal
    stage.expect(
        f"{what}: refused, [bold]{expected.value}[/] (step {expected.step}: {expected.words})", word is expected
    )


def _recoloured(stage: Stage, now: int) -> str:
    """The cook's own yellow code with the colour changed and everything else kept."""
    code = decode_code(stage.phones["cook"].open_code(now).text_at(now))
    return encode_code(replace(code, statement=replace(code.statement, colour=int(Colour.GREEN))))


def _forged(stage: Stage, now: int) -> str:
    """A well-formed green code whose pass the issuer never signed."""
    real = decode_code(stage.phones["cook"].open_code(now).text_at(now))
    epoch_key = stage.gate.bundle.epochs.by_short_id[real.key_id]
    own = Pass(real.epoch, epoch_key.key_id, stage.random(32), stage.random(256))
    text = encode_code(sign_code(own, replace(real.statement, colour=int(Colour.GREEN))))
    stage.picture("thursday-forged", text)
    return text


def _raises(error: type[Exception], action: Callable[..., object], *arguments: object) -> bool:
    try:
        action(*arguments)
    except error:
        return True
    return False


def _proves(proof: bytes, region: Region) -> bool:
    """Whether *proof* convinces somebody who knows the region's log and nothing else."""
    try:
        verify_fork_evidence(proof, region.origin, region.log_key_bytes)
    except OwnhueError:
        return False
    return True
