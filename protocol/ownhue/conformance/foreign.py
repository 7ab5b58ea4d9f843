"""Foreign implementations: one command that answers questions, a line of JSON each. tests/conformance/CLI.md section 2

    -> {"format": "venue", "input": {"seed": "00.."}, "operation": "hourly_id"}
    <- {"output": {"id": "5e.."}}

The command is started once for a file, gets all questions on its standard input, and answers in their order.
"""

import json
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from typing import IO, Any

from ownhue.conformance.operations import answer, operations_of
from ownhue.conformance.vectors import Answer, Case, VectorFile
from ownhue.errors import FormatError, OwnhueError, StateError


def ask(command: str, vectors: VectorFile, seconds: float) -> list[Answer]:
    """The answers of *command* to all cases. Raises StateError when it cannot be run, does not end in time, or fails;
    FormatError when its lines are no answers to the questions."""
    questions = "".join(question(vectors.format, case) + "\n" for case in vectors.cases)
    try:
        done = subprocess.run(  # noqa: S603 - running a command that its caller names is what this is for
            shlex.split(command), input=questions.encode(), stdout=subprocess.PIPE, timeout=seconds, check=False
        )
    except (OSError, ValueError, IndexError) as error:
        raise StateError(f"the command cannot be run: {type(error).__name__}") from error
    except subprocess.TimeoutExpired as error:
        raise StateError(f"the command did not end within {seconds:g} s") from error
    if done.returncode:
        raise StateError(f"the command ended with status {done.returncode}")
    return _answers(done.stdout, len(vectors.cases))


def question(format_name: str, case: Case) -> str:
    """The line that asks *case*, without its newline."""
    return json.dumps({"format": format_name, "operation": case.operation, "input": case.input}, sort_keys=True)


def _answers(output: bytes, count: int) -> list[Answer]:
    lines = output.splitlines()
    if len(lines) != count:
        raise FormatError(f"the command gave {len(lines)} lines to {count} questions")
    return [_answer(line) for line in lines]


def _answer(line: bytes) -> Answer:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError("a line of the command is no JSON") from error
    return Answer.from_json(value)


def serve(questions: Iterable[str], out: IO[str]) -> None:
    """Be such a command: answer every line of *questions* on *out* with this library's answer."""
    for line in questions:
        out.write(json.dumps(reply(line).to_json(), sort_keys=True) + "\n")
        out.flush()


def reply(line: str) -> Answer:
    """This library's answer to one line. A line that is no question is answered with FormatError, an input that an
    operation does not expect with "Defect:" and the name of the exception: that is no answer to any vector."""
    try:
        format_name, case = _question(json.loads(line))
    except (OwnhueError, ValueError, RecursionError):
        return Answer(error="FormatError")
    try:
        operations = operations_of(format_name)
    except StateError:
        return Answer(supported=False)
    try:
        return answer(operations, case)
    except Exception as error:  # noqa: BLE001 - one bad question must not end the service for those behind it
        return Answer(error=f"Defect:{type(error).__name__}")


def _question(value: Any) -> tuple[str, Case]:
    match value:
        case {"format": str(name), "operation": str(operation), "input": dict(asked), **rest} if not rest:
            return name, Case("asked", operation, asked, Answer())
    raise FormatError("a question has format, operation and input")


def unanswered(count: int) -> Iterator[Answer]:
    """*count* answers that say nothing, for a format that is not known at all."""
    return (Answer(supported=False) for _ in range(count))
