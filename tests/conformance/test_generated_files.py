"""specs/ and code say the same: generated files, fields, words and constants of rulebook, exposure and colour."""

import re

import pytest

from ownhue.contact_trace import TraceLimits
from ownhue.decision import Decision, Finding, Grey, WhyNot
from ownhue.exposure import CENTISECOND_SCORE, MINUTE_SCORE, WINDOW_SECONDS
from ownhue.journal import JournalEntry
from ownhue.params import MATCH_TOLERANCE
from ownhue.rulebook import MAX_RULEBOOK_BYTES, Rulebook
from ownhue.rules import EncounterRules, ExposureRules, Freshness, Mode, Radio, Stays
from tests.conformance.generate_colour import files
from tests.shared import SPECS


@pytest.mark.parametrize("name", sorted(files()))
def test_a_committed_file_is_what_its_generator_writes(name: str) -> None:
    assert (SPECS / name).read_bytes() == files()[name]


def test_the_spec_of_the_rulebook_names_every_field() -> None:
    text = (SPECS / "rulebook.md").read_text()
    for name in Rulebook.model_fields:
        assert re.search(rf"^\|[^|]*\b{name}\b", text, re.MULTILINE), name
    for part in (ExposureRules, EncounterRules, Stays, Freshness, Radio, Mode):
        for name in part.model_fields:
            assert re.search(rf"^\|.*\b{name}\b", text, re.MULTILINE), name


def test_the_spec_of_colours_names_every_field_and_word() -> None:
    text = (SPECS / "colour.md").read_text()
    for model in (Decision, Finding, JournalEntry):
        for name in model.model_fields:
            assert re.search(rf"\b{name}\b", text), name
    for word in (*WhyNot, *Grey):
        assert f"\n| {word} |" in text


def test_the_specs_state_the_constants() -> None:
    exposure, rehearsal = (SPECS / "exposure.md").read_text(), (SPECS / "rehearsal.md").read_text()
    for name, value in (
        ("MATCH_TOLERANCE", f"{MATCH_TOLERANCE} intervals"),
        ("WINDOW_SECONDS", f"{WINDOW_SECONDS} s"),
        ("MINUTE_SCORE", f"{MINUTE_SCORE:,}"),
        ("CENTISECOND_SCORE", f"{CENTISECOND_SCORE:,}"),
    ):
        assert f"| {name} | {value} |" in exposure
    limits = TraceLimits()
    for field in ("lines", "days", "people"):
        assert f"| {field} | {getattr(limits, field):,} |" in rehearsal
    assert f"At most {MAX_RULEBOOK_BYTES:,} bytes" in (SPECS / "rulebook.md").read_text()
