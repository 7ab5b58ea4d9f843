"""Operations of specs/rulebook.md on vectors.

A rulebook is named as a published one ("demonstration", "without-ceilings": specs/rulebooks/<name>.json), with fields
set to other values: ``"set": {"stays.red_days": 6, "exits.recovered.until_day": 0}``. Paths have dots; items of a list
are named by their "name".
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError
from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings

Question = Mapping[str, Any]

_PUBLISHED = {"demonstration": demonstration_rulebook, "without-ceilings": without_ceilings}
_TREATMENTS = ("passes", "refers", "refuses")


def _rulebook_of(question: Question) -> Rulebook:
    published = _PUBLISHED.get(question["rulebook"])
    if published is None:
        raise FormatError("no published rulebook has this name")
    content = json.loads(rulebook_bytes(published()))
    for path, value in question.get("set", {}).items():
        _set(content, path, value)
    return parse_rulebook(canonical_json(content))


def _set(content: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        content = next(item for item in content if item["name"] == name) if isinstance(content, list) else content[name]
    content[last] = value


def _parse(question: Question) -> Any:
    """A text, with ``filler`` spaces after it, so that a vector can be too long without filling a page."""
    rulebook = parse_rulebook(question["text"].encode() + b" " * question.get("filler", 0))
    return {"digest": rulebook.digest, "version": rulebook.version}


def _parse_changed(question: Question) -> Any:
    return {"digest": _rulebook_of(question).digest}


def _end_of_day(question: Question) -> Any:
    return {"until": _rulebook_of(question).end_of_day(date.fromisoformat(question["day"]))}


def _in_force(question: Question) -> Any:
    rulebook, now = _rulebook_of(question), question["time"]
    return {"local_date": rulebook.local_date(now).isoformat(), "in_force": rulebook.in_force(now)}


def _exit_fits(question: Question) -> Any:
    exits = {rule.name: rule for rule in _rulebook_of(question).exits}
    days = date.fromisoformat(question["finding_day"]), date.fromisoformat(question["certificate_day"])
    return {"fits": exits[question["exit"]].fits_days(*days)}


def _treatment(question: Question) -> Any:
    mode = _rulebook_of(question).modes[question["mode"]]
    return {"treatment": _TREATMENTS[mode.treatment(question["colour"])]}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "parse": _parse,
    "parse_changed": _parse_changed,
    "end_of_day": _end_of_day,
    "in_force": _in_force,
    "exit_fits": _exit_fits,
    "treatment": _treatment,
}
