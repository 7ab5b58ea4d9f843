"""What an audit found: checks with counts, findings with words, a table for people and JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from ownhue_server.audit.words import CHECKS, REMARKS

#: Findings of one word that are kept; more are counted.
MAX_FINDINGS = 50
#: Longest text from outside in a finding, in letters.
MAX_TEXT = 200


@dataclass(frozen=True)
class Finding:
    """Something that an auditor has to know."""

    word: str
    """Which check, of ``words.CHECKS`` or ``words.REMARKS``."""
    failure: bool
    """Whether it makes the audit red; else it is a remark."""
    sentence: str
    """What is wrong, in plain words."""
    where: str = ""
    """The file, below published/; with the mirror's name in front where it is one."""


@dataclass
class Report:
    """Collects checks and findings."""

    source: str = ""
    """What was checked."""
    span: tuple[int, int] = (0, 0)
    """Unix seconds: begin of the first batch, end of the last."""
    size: int = 0
    """Entries of the log."""
    policy: str = ""
    """The sentence of the witness policy."""
    checked: Counter[str] = field(default_factory=Counter)
    """How often each check was made."""
    found: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """How many findings there are of a word, failures and remarks apart."""
    findings: list[Finding] = field(default_factory=list)
    """The findings, of each word the first ones."""

    def count(self, word: str, times: int = 1) -> None:
        """A check was made; whether it held is said by a finding or none."""
        if word not in CHECKS:
            raise KeyError(word)
        self.checked[word] += times

    def fail(self, word: str, sentence: str, where: str = "") -> None:
        """Something does not hold."""
        self._add(Finding(word, True, sentence, where))

    def remark(self, word: str, sentence: str, where: str = "") -> None:
        """Something to know that is no failure."""
        self._add(Finding(word, False, sentence, where))

    @property
    def failures(self) -> list[Finding]:
        """The findings that make it red."""
        return [finding for finding in self.findings if finding.failure]

    @property
    def words(self) -> set[str]:
        """Words of the failures."""
        return {finding.word for finding in self.failures}

    def _add(self, finding: Finding) -> None:
        if finding.word not in CHECKS and finding.word not in REMARKS:
            raise KeyError(finding.word)
        self.found[finding.word, finding.failure] += 1
        if self.found[finding.word, finding.failure] <= MAX_FINDINGS:
            sentence, where = plain(finding.sentence), plain(finding.where)
            self.findings.append(Finding(finding.word, finding.failure, sentence, where))

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield f"{plain(self.source)}: {self.size} entries, {moment(self.span[0])} to {moment(self.span[1])}"
        yield f"Witnesses: {self.policy or 'not looked at'}"
        yield ""
        for word, what in CHECKS.items():
            if self.checked[word] or self.found[word, True]:
                state = "WRONG" if self.found[word, True] else "ok"
                yield f"{state:<6}{self.checked[word]:>8}  {word:<16}{what}"
        for title, failure in (("Failures", True), ("Remarks", False)):
            chosen = [finding for finding in self.findings if finding.failure == failure]
            yield from ("", f"{title}:") if chosen else ()
            for finding in chosen:
                yield f"  {finding.word}: {finding.sentence}" + (f" [{finding.where}]" if finding.where else "")
            for (word, kind), times in self.found.items():
                if kind == failure and times > MAX_FINDINGS:
                    yield f"  {word}: and {times - MAX_FINDINGS} more"
        yield ""
        yield "RED: something is wrong." if self.failures else "GREEN: nothing is wrong."

    def json(self) -> str:
        """The report for programs, one line."""
        value: dict[str, Any] = {
            "source": self.source,
            "green": not self.failures,
            "size": self.size,
            "span": list(self.span),
            "policy": self.policy,
            "checks": {word: self.checked[word] for word in CHECKS if self.checked[word]},
            "failures": {word: times for (word, failure), times in self.found.items() if failure},
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(value, ensure_ascii=True)


def moment(unix: int) -> str:
    """A unix second for people, UTC."""
    try:
        return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return str(unix)


def plain(text: str) -> str:
    """*text* without what a terminal would obey: what a hostile server names shall not paint its own report."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_TEXT])
