"""The vectors of colour, facts, journal and review, one by one. tests/conformance/CLI.md"""

import pytest

from ownhue.conformance.operations import answer, operations_of
from ownhue.conformance.vectors import Case, parse_vectors
from tests.shared import SPECS

FILES = ("colour", "facts", "journal", "review")


def vectors() -> list[tuple[str, Case]]:
    return [
        (name, case)
        for name in FILES
        for case in parse_vectors((SPECS / "vectors" / f"{name}.json").read_bytes()).cases
    ]


@pytest.mark.parametrize(("name", "case"), vectors(), ids=lambda item: item if isinstance(item, str) else item.name)
def test_a_vector_gives_what_it_says(name: str, case: Case) -> None:
    given = answer(operations_of(name), case)
    assert case.judge(given), given


def test_valid_and_invalid_cases_are_there_for_every_operation_that_reads() -> None:
    found = {(case.operation, case.expected.error is None) for _, case in vectors()}
    for operation in ("parse_facts", "parse_decision", "verify_chain", "recompute"):
        assert {(operation, True), (operation, False)} <= found
