"""`ownhue city demo` and `ownhue city replay` as a user runs them: what they leave, and how they end."""

import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from ownhue.colour.decision import parse_decision
from ownhue.errors import FormatError
from ownhue.region import parse_region
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.signed_note import parse_note
from ownhue_client import exit_codes
from ownhue_client.city.cli import _read_contacts
from ownhue_client.city.stage import PADDING
from ownhue_client.fetching import folder_fetch
from ownhue_client.publication import PublicationState, catch_up
from ownhue_client.qr import read_qr
from tests.client.city.measured import folder_of_measurements
from tests.shared import SPECS


def ownhue(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ownhue_client", *map(str, arguments)]
    return run(command)


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    # A wide terminal, so that no sentence that is looked for is broken into lines.
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)


@pytest.fixture(name="trace")
def trace_file(tmp_path: Path) -> Path:
    """Three people over three days, twenty minutes a day each pair."""
    slots = [(day * 86400 + 36000 + slot * 20, a, b) for day in range(3) for slot in range(60) for a, b in PAIRS]
    path = tmp_path / "trace.dat"
    path.write_text("time a b\n" + "".join(f"{t} {a} {b}\n" for t, a, b in slots))
    return path


PAIRS = [(1, 2), (2, 3)]


def test_the_demo_tells_its_story_and_leaves_what_it_names(tmp_path: Path) -> None:
    done = ownhue("city", "demo", "--out", tmp_path / "out")
    assert done.returncode == exit_codes.OK, done.stdout + done.stderr
    assert "MISSED" not in done.stdout
    assert "no request sent" in done.stdout
    # The cook's partner heard the cook for 150 minutes, in fifteen intervals of ten.
    assert "of 15 identifiers heard, none was published" in done.stdout
    for picture in sorted((tmp_path / "out" / "codes").glob("*.png")):
        assert read_qr(picture).startswith("OWN1:")
    decisions = [parse_decision(path.read_bytes()) for path in (tmp_path / "out" / "decisions").glob("*.json")]
    assert {decision.colour.word for decision in decisions} == {"green", "yellow", "red"}
    assert len(list((tmp_path / "out" / "key-files").glob("*.zip"))) > 12
    assert all(json.loads(path.read_text()) for path in (tmp_path / "out" / "ledgers").glob("*.json"))
    _leaves_what_anybody_can_check(tmp_path / "out")


def _leaves_what_anybody_can_check(out: Path) -> None:
    """The publication as a folder, its region and root, and proofs of the fork for somebody who has only these."""
    region = parse_region((out / "region.json").read_bytes())
    fetch, root = folder_fetch(out / "published"), (out / "root.json").read_bytes()
    last = int(parse_note(fetch("head")).text.split("time ")[1])
    state, keys, entries = catch_up(fetch, region, PublicationState(), last, root=root)
    assert keys.policy.threshold == 1, "the region's trust roles ask for the witness"
    assert len(entries) == state.log.size > 120
    known = ["--region", out / "region.json", "--root", out / "root.json", "--padding", PADDING]
    audited = run([sys.executable, "-m", "ownhue_server", "verify-log", *map(str, [out / "published", *known])])
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert "1 of 1 witnesses must have seen the same log." in audited.stdout
    _one_changed_byte_is_seen(out, known)
    proofs = sorted((out / "fork-evidence").glob("*.json"))
    assert {path.name.partition("-")[0] for path in proofs} == {"fork", "witness"}
    for path in proofs:
        done = ownhue("evidence", "verify", path, "--region", out / "region.json")
        assert done.returncode == exit_codes.OK, done.stderr


def _one_changed_byte_is_seen(out: Path, known: list[object]) -> None:
    copy = out / "changed"
    shutil.copytree(out / "published", copy)
    path = max(copy.glob("keys/*/*.zip"))
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    audited = run([sys.executable, "-m", "ownhue_server", "verify-log", *map(str, [copy, *known])])
    assert audited.returncode == 1
    assert "digest" in audited.stdout


def test_an_expectation_that_does_not_hold_ends_the_demo_with_status_1(
    tmp_path: Path,
) -> None:
    # The same story with a padding that the first chapter does not expect.
    program = (
        "from ownhue_client.city import chapters; chapters.PADDING = 100_000\n"
        "from ownhue_client.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "city", "demo", "--out", str(tmp_path / "out")]
    done = run(command)
    assert done.returncode == exit_codes.MISSED
    assert "MISSED nobody has reported" in done.stdout


def test_a_replay_writes_its_result(trace: Path, tmp_path: Path) -> None:
    done = ownhue("city", "replay", trace, "--positives", 1, "--seed", 7, "--json", tmp_path / "result.json")
    assert done.returncode == exit_codes.OK, done.stdout + done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["equal"] is True
    assert len(result["days"]) == 3
    assert result["days"][-1]["reports"] == 1
    assert [day["codes_verified"] for day in result["days"]] == [3, 3, 3]
    positive = str(result["positives"][0]["person"])
    assert result["final_colours"][positive] == "red"


def test_a_replay_whose_colours_differ_ends_with_status_1(trace: Path) -> None:
    # The server's phones hear the trace with a third of the seconds that the rehearsal counts.
    program = (
        "from ownhue_client.city.air import Air\n"
        "carry = Air._carry\n"
        "Air._carry = lambda self, a, b, time, seconds, dB: carry(self, a, b, time, seconds // 3, dB)\n"
        "from ownhue_client.cli import main; main()"
    )
    arguments = [
        "city",
        "replay",
        str(trace),
        "--positives",
        "1",
        "--seed",
        "7",
        "--rulebook",
        str(_minutes(trace, 10)),
    ]
    command = [sys.executable, "-c", program, *arguments]
    done = run(command)
    assert done.returncode == exit_codes.MISSED, done.stdout + done.stderr
    assert "COLOURS DIFFER" in done.stderr
    assert "the rehearsal says YELLOW" in done.stderr


def _minutes(trace: Path, least: int) -> Path:
    """A rulebook by which *least* minutes of a day are yellow."""
    book = demonstration_rulebook()
    encounters = book.encounters.model_copy(update={"yellow_minutes_per_day": least})
    path = trace.with_name("rulebook.json")
    path.write_bytes(rulebook_bytes(book.model_copy(update={"encounters": encounters})))
    return path


def test_a_sampled_replay_tells_how_much_it_finds(trace: Path, tmp_path: Path) -> None:
    measurements = folder_of_measurements(tmp_path / "measured")
    sampled = ["--radio", "sampled", "--measurements", measurements, "--rulebook", _minutes(trace, 4)]
    done = ownhue("city", "replay", trace, "--positives", 1, "--seed", 7, "--json", tmp_path / "result.json", *sampled)
    assert done.returncode == exit_codes.OK, done.stdout + done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["radio"] == "sampled"
    assert [day["codes_verified"] for day in result["days"]] == [3, 3, 3]
    scores = result["scores"]
    # No packet is lost and all are near, so at least four scans are heard of twenty minutes, each of 150 s or more.
    assert scores["encounters"]["missed"] == scores["colours"]["missed"] == 0
    assert scores["encounters"]["sensitivity"] == 1
    assert 0.5 <= result["minutes_ratio"] <= 1.3
    assert "face 10 scans of 1 links (100 % heard)" in done.stdout
    assert "encounters (person, day)" in done.stdout


def test_a_sampled_replay_without_measurements_says_what_it_needs(trace: Path, tmp_path: Path) -> None:
    arguments = ["city", "replay", trace, "--positives", 1, "--seed", 7, "--radio", "sampled", "--measurements"]
    assert "nothing-there" in _one_line(ownhue(*arguments, tmp_path / "nothing-there"), exit_codes.UNREACHABLE)
    assert "too few measurements" in _one_line(ownhue(*arguments, tmp_path), exit_codes.UNREADABLE)


BAD_TRACES = {
    "empty": b"",
    "wrong header": b"t i j\n20 1 2\n",
    "truncated": b"time a b\n20 1\n",
    "not numbers": b"time a b\n20 one two\n",
    "with itself": b"time a b\n20 1 1\n",
    "going back": b"time a b\n40 1 2\n20 1 2\n",
    "binary": b"time a b\n\xff\xfe\x00\n",
    "no contact": b"time a b\n",
    "one day": b"time a b\n20 1 2\n",
}


@pytest.mark.parametrize("name", BAD_TRACES)
def test_a_bad_trace_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.dat"
    path.write_bytes(BAD_TRACES[name])
    said = _one_line(ownhue("city", "replay", path, "--positives", 1, "--seed", 1), exit_codes.UNREADABLE)
    assert path.name in said or name in {"no contact", "one day"}


def test_a_giant_file_without_line_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.dat"
    with path.open("wb") as file:
        file.truncate(50 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="line 1"):
            _read_contacts(path, 0)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_more_positives_than_people(trace: Path) -> None:
    done = ownhue("city", "replay", trace, "--positives", 9, "--seed", 1)
    assert "fewer than 9" in _one_line(done, exit_codes.UNREADABLE)


@pytest.mark.parametrize("content", [b"{}", b"not json", b"\xff", rulebook_bytes(demonstration_rulebook())[:-1]])
def test_a_bad_rulebook_is_named_in_one_line(content: bytes, trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_bytes(content)
    done = ownhue("city", "replay", trace, "--positives", 1, "--seed", 1, "--rulebook", path)
    assert "book.json" in _one_line(done, exit_codes.UNREADABLE)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = ownhue("city", "replay", tmp_path / "nothing.dat", "--positives", 1, "--seed", 1)
    assert "nothing.dat" in _one_line(done, exit_codes.UNREACHABLE)


def test_the_committed_rulebooks_are_accepted_by_the_command(trace: Path) -> None:
    book = SPECS / "rulebooks" / "without-ceilings.json"
    done = ownhue("city", "replay", trace, "--positives", 1, "--seed", 3, "--rulebook", book)
    assert done.returncode == exit_codes.OK, done.stderr


def _one_line(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("ownhue: ")
    return line
