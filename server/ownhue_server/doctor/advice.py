"""One thing that a doctor says."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Kind(StrEnum):
    """How urgent it is."""

    FACT = "fact"
    """How it is; nothing is wrong."""
    NOTE = "note"
    """To be known, and perhaps to be changed."""
    TO_DO = "to do"
    """Something has to be done."""


@dataclass(frozen=True)
class Advice:
    """A finding and what to do about it."""

    word: str
    """What it is about."""
    kind: Kind
    sentence: str
    """What is the matter."""
    action: str = ""
    """What to do."""


def fact(word: str, sentence: str) -> Advice:
    """Nothing is wrong."""
    return Advice(word, Kind.FACT, sentence)


def note(word: str, sentence: str, action: str) -> Advice:
    """To be known."""
    return Advice(word, Kind.NOTE, sentence, action)


def todo(word: str, sentence: str, action: str) -> Advice:
    """To be done."""
    return Advice(word, Kind.TO_DO, sentence, action)


def lines(advices: Iterable[Advice]) -> Iterator[str]:
    """For people, what is urgent first."""
    order = [Kind.TO_DO, Kind.NOTE, Kind.FACT]
    found = sorted(advices, key=lambda advice: order.index(advice.kind))
    for advice in found:
        mark = {Kind.TO_DO: "TO DO", Kind.NOTE: "note", Kind.FACT: "ok"}[advice.kind]
        yield f"{mark:<6} {advice.word}: {advice.sentence}"
        if advice.action:
            yield f"       -> {advice.action}"
    waiting = sum(advice.kind is Kind.TO_DO for advice in found)
    yield ""
    yield f"{waiting} things to do." if waiting else "Nothing to do."


def as_json(advices: Iterable[Advice]) -> str:
    """For programs, one line."""
    found = [asdict(advice) for advice in advices]
    return json.dumps({"fine": all(one["kind"] != Kind.TO_DO for one in found), "advice": found})


def moment(unix: int) -> str:
    """A unix second for people."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M UTC")
