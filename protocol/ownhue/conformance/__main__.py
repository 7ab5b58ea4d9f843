"""``python -m ownhue.conformance [--command COMMAND] [--only TEXT] [--verbose] FILE...`` or ``--serve``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ownhue.conformance.foreign import ask, serve, unanswered
from ownhue.conformance.operations import answer, operations_of
from ownhue.conformance.vectors import Answer, VectorFile, parse_vectors
from ownhue.errors import OwnhueError, StateError

#: Exit statuses. tests/conformance/CLI.md section 3
PASSED, FAILED, MISUSED, UNREADABLE = 0, 1, 2, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the vectors of every file; the exit status says whether every case was answered rightly."""
    options = _parser().parse_args(arguments)
    if options.serve:
        serve(sys.stdin, sys.stdout)
        return PASSED
    if not options.files:
        _parser().error("no vector file is named")
    worst = PASSED
    totals = [0, 0, 0]
    for path in options.files:
        try:
            vectors = _only(parse_vectors(path.read_bytes()), options.only)
            given = _given(vectors, options.command, options.seconds)
        except (OSError, OwnhueError) as error:
            sys.stderr.write(f"{path}: {error}\n")
            worst = max(worst, UNREADABLE if not isinstance(error, StateError) else FAILED)
            continue
        counts = _tell(path, vectors, given, verbose=options.verbose)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    passed, failed, skipped = totals
    sys.stdout.write(f"{passed} passed, {failed} failed, {skipped} not supported\n")
    return max(worst, FAILED if failed or not passed else PASSED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ownhue.conformance",
        description="Runs vectors of specs/vectors and tells pass or fail per case.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="vector file")
    parser.add_argument("--command", help="ask this command instead of the library (tests/conformance/CLI.md)")
    parser.add_argument("--seconds", type=float, default=600.0, help="longest time of the command for a file")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name or operation holds this text")
    parser.add_argument("--verbose", action="store_true", help="tell of cases that pass, too")
    parser.add_argument("--serve", action="store_true", help="answer questions on standard input as such a command")
    return parser


def _only(vectors: VectorFile, text: str) -> VectorFile:
    cases = tuple(case for case in vectors.cases if text in case.name or text in case.operation)
    return VectorFile(vectors.format, vectors.spec, vectors.source, cases)


def _given(vectors: VectorFile, command: str | None, seconds: float) -> list[Answer]:
    if command is not None:
        return ask(command, vectors, seconds)
    try:
        operations = operations_of(vectors.format)
    except StateError:
        return list(unanswered(len(vectors.cases)))
    return [answer(operations, case) for case in vectors.cases]


def _tell(path: Path, vectors: VectorFile, given: Sequence[Answer], *, verbose: bool) -> tuple[int, int, int]:
    """Write one line for each case that is worth it; numbers of passed, failed and not supported cases."""
    passed = failed = skipped = 0
    for case, said in zip(vectors.cases, given, strict=True):
        where = f"{path}: {case.operation}: {case.name}"
        if not said.supported:
            skipped += 1
            sys.stdout.write(f"skip  {where}: not supported\n")
        elif case.judge(said):
            passed += 1
            sys.stdout.write(f"pass  {where}\n" if verbose else "")
        else:
            failed += 1
            sys.stdout.write(f"FAIL  {where}\n      wanted {case.expected}\n      got    {said}\n")
    return passed, failed, skipped


if __name__ == "__main__":
    sys.exit(main())
