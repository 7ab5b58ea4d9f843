"""The examples of protocol/README.md run and print what they say."""

import re
from pathlib import Path

import pytest

from ownhue.code import encode_code
from ownhue.documents import sign_document
from ownhue.passes import EpochList
from ownhue.region import region_bytes
from ownhue.tree_head import TreeHead, sign_tree_head
from tests.client.publisher import ISSUER_KEY, LOG_KEY, region
from tests.conformance import scripted
from tests.shared import ROOT

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "protocol" / "README.md").read_text(), re.DOTALL)


def test_a_code_is_verified_in_ten_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published = region(issuer_name=scripted.ISSUER)
    size = max(scripted.HEAD_AGES)
    head = TreeHead(published.origin, size, scripted.root_of(size), scripted.NOW - scripted.HEAD_AGES[size])
    epochs = EpochList(scripted.ISSUER, (scripted.epoch_key(scripted.EPOCH),))
    (tmp_path / "region.json").write_bytes(region_bytes(published))
    (tmp_path / "epochs.json").write_bytes(sign_document("epochs", epochs.to_body(), ISSUER_KEY))
    (tmp_path / "head").write_bytes(sign_tree_head(head, LOG_KEY))
    monkeypatch.chdir(tmp_path)
    code = scripted.code(scripted.make_pass("readme"))
    exec(compile(EXAMPLES[0], "README.md", "exec"), {"text": encode_code(code), "now": code.statement.time + 4})
    assert capsys.readouterr().out == "green 4\n"
    lines = [line for line in EXAMPLES[0].splitlines() if line and not line.startswith(("from", "print"))]
    assert len(lines) <= 10


def test_a_colour_is_worked_out(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(EXAMPLES[1], "README.md", "exec"), {})
    assert capsys.readouterr().out == "yellow 20\n"


def test_there_are_no_other_examples() -> None:
    assert len(EXAMPLES) == 2
