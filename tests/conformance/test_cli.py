"""The conformance command: right answers pass, wrong ones fail, and other implementations can plug in. CLI.md"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ownhue.conformance.__main__ import main
from ownhue.conformance.foreign import reply
from ownhue.conformance.operations import operations_of
from ownhue.conformance.vectors import parse_vectors
from ownhue.errors import FormatError
from tests.shared import SPECS

COMMAND = f"{sys.executable} -m ownhue.conformance --serve"
FILES = sorted((SPECS / "vectors").glob("*.json"))


def test_there_are_vectors() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_library_answers_every_case_rightly(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path)]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith("0 failed, 0 not supported\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_names_its_spec_and_has_a_source(path: Path) -> None:
    vectors = parse_vectors(path.read_bytes())
    assert (SPECS / vectors.spec).exists()
    assert len(vectors.source) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_operation_has_a_valid_case_and_the_file_an_invalid_one(path: Path) -> None:
    vectors = parse_vectors(path.read_bytes())
    used = {case.operation for case in vectors.cases}
    assert used <= operations_of(vectors.format).keys()
    valid = {case.operation for case in vectors.cases if case.expected.error is None}
    assert used == valid
    # Files of published values hold what others published, and those published only what is valid.
    if vectors.source.startswith("generated"):
        assert any(case.expected.error for case in vectors.cases)


def file(folder: Path, *cases: dict[str, Any], name: str = "claim-code") -> str:
    path = folder / "vectors.json"
    path.write_text(json.dumps({"format": name, "spec": "report.md", "source": "this test", "cases": list(cases)}))
    return str(path)


def a_real_case() -> dict[str, Any]:
    cases: list[dict[str, Any]] = json.loads((SPECS / "vectors" / "claim-code.json").read_text())["cases"]
    return next(case for case in cases if "output" in case)


def test_a_wrong_output_fails_with_both_values_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([file(tmp_path, {**a_real_case(), "output": "another"})]) == 1
    told = capsys.readouterr().out
    assert "FAIL" in told
    assert '{"output": "another"}' in told
    assert told.endswith("0 passed, 1 failed, 0 not supported\n")


def test_an_error_where_an_output_is_right_fails(tmp_path: Path) -> None:
    case = {key: value for key, value in a_real_case().items() if key != "output"}
    assert main([file(tmp_path, {**case, "error": "FormatError"})]) == 1


def test_numbers_and_truth_values_are_different_answers(tmp_path: Path) -> None:
    data = json.dumps(
        {
            "format": "x",
            "spec": "x.md",
            "source": "t",
            "cases": [{"name": "a", "operation": "b", "input": {}, "output": 1}],
        }
    )
    (case,) = parse_vectors(data.encode()).cases
    for other in ("true", "1.0", '"1"', "[1]"):
        assert not case.judge(type(case.expected).from_json({"output": json.loads(other)}))
    assert case.judge(type(case.expected).from_json({"output": 1}))


def test_a_case_that_nobody_can_answer_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([file(tmp_path, {**a_real_case(), "operation": "unheard_of"})]) == 1
    assert "not supported" in capsys.readouterr().out
    assert main([file(tmp_path, a_real_case(), name="unheard-of")]) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"format":"../x","spec":"a","source":"b","cases":[]}',
        b'{"format":"x","spec":"a","source":"b","cases":[1]}',
        b'{"format":"x","spec":"a","source":"b","cases":[{"name":"n","operation":"o","input":{},"output":1,"error":"E"}]}',
        b'{"format":"x","spec":"a","source":"b","cases":[{"name":"n","operation":"o","input":{},"unsupported":true}]}',
        b'{"format":"x","spec":"a","source":"b","cases":[%s,%s]}'
        % ((b'{"name":"n","operation":"o","input":{},"output":1}',) * 2),
    ],
)
def test_what_is_no_vector_file_ends_with_five(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FormatError):
        parse_vectors(content)
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    assert main([str(path)]) == 5
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told


def test_a_missing_file_ends_with_five_and_the_others_are_still_run(tmp_path: Path) -> None:
    assert main([str(tmp_path / "absent.json"), file(tmp_path, a_real_case())]) == 5


def test_called_without_a_file_it_says_how_to_call_it() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


def test_another_implementation_that_is_right_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--command", COMMAND, str(SPECS / "vectors" / "claim-code.json")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("false", 1),
        ("no-such-command-anywhere", 1),
        ("", 1),
        ("'", 1),
        ("true", 5),
        ("cat", 5),
        (f"{sys.executable} -c 'print(1)'", 5),
        (f"{sys.executable} -c 'import time; time.sleep(60)'", 1),
        ("""{python} -c 'import sys; [print("{{}}") for _ in sys.stdin]'""", 5),
        ("""{python} -c 'import sys; [print("{{\\"unsupported\\":true}}") for _ in sys.stdin]'""", 1),
        ("""{python} -c 'import sys; [print("{{\\"output\\":0}}") for _ in sys.stdin]'""", 1),
    ],
)
def test_another_implementation_that_is_broken_does_not_pass(tmp_path: Path, command: str, status: int) -> None:
    command = command.format(python=sys.executable)
    assert main(["--seconds", "2", "--command", command, file(tmp_path, a_real_case())]) == status


def test_the_reference_answers_questions_line_by_line() -> None:
    case = a_real_case()
    question = json.dumps({"format": "claim-code", "operation": case["operation"], "input": case["input"]})
    done = subprocess.run(
        [sys.executable, "-m", "ownhue.conformance", "--serve"],
        input=f"{question}\nnonsense\n{question}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [{"output": case["output"]}, {"error": "FormatError"}, {"output": case["output"]}]


def test_a_question_that_breaks_an_operation_is_told_as_a_defect() -> None:
    case = a_real_case()
    line = json.dumps({"format": "claim-code", "operation": case["operation"], "input": {}})
    assert (reply(line).error or "").startswith("Defect:")
    assert not reply(json.dumps({"format": "unheard-of", "operation": "x", "input": {}})).supported
