"""Operations of specs/report.md section 2 on vectors: claim codes."""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.claim_code import new_claim_code, parse_claim_code, readable
from ownhue.conformance.given import Given
from ownhue.params import ReportType

Question = Mapping[str, Any]


def _new(question: Question) -> Any:
    code = new_claim_code(ReportType(question["report_type"]), question["length"], Given(*question["draws"]))
    return {"code": code, "readable": readable(code)}


def _parse(question: Question) -> Any:
    code, report_type = parse_claim_code(question["text"])
    return {"code": code, "report_type": int(report_type), "readable": readable(code)}


OPERATIONS: dict[str, Callable[[Question], Any]] = {"new_claim_code": _new, "parse_claim_code": _parse}
