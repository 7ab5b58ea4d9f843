"""`ownhue phone report ...`"""

from pathlib import Path

from ownhue_client import exit_codes
from tests.client.phone_cli.shell import NOW, Owner, opened
from tests.client.publisher import START
from tests.client.town import HOUR, meet


def test_a_report_shows_its_periods_asks_and_leaves_out_what_it_is_told(settled: Owner, tmp_path: Path) -> None:
    with settled.town.phone(tmp_path / "other") as other, opened(settled) as phone:
        for start in (START + 3 * HOUR, START + 7 * HOUR):
            meet(phone, other, start)
        phone.beacon_at(NOW)
    listed = settled.json("report", "periods")
    code = settled.town.code()
    claim = ("report", "claim", "--tested", "2026-03-02", "--leave-out", 1)
    assert settled.types(*claim, "--code", code, keys="n\n").exit_code == 1
    assert not settled.town.bodies("/authority/v1/claim")
    done = settled.does(*claim, keys=f"y\n{code}\n")
    assert f"Report {sum(p['included'] for p in listed) - 1} periods?" in done.stderr
    assert "goes out" in done.stdout
    assert settled.types(*claim[:-1], 9, "--code", code).exit_code == exit_codes.USAGE
    settled.does("report", "send")
    assert settled.town.received == []
    settled.now = settled.json("report", "status")["status"]["due"]
    settled.town.now = settled.now
    assert "report: sent" in settled.does("report", "send").stdout


def test_a_report_for_the_desk_is_written_once(settled: Owner, tmp_path: Path) -> None:
    settled.does("report", "claim", "--tested", "2026-03-02", "--code", settled.town.code(), "--yes")
    settled.does("report", "seal", tmp_path / "report")
    assert (tmp_path / "report").stat().st_size == 12_048
    assert isinstance(settled.types("report", "seal", tmp_path / "report").exception, FileExistsError)
