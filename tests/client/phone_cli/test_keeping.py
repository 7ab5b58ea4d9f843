"""`ownhue phone places | regions | settings | unit`"""

from pathlib import Path

import pytest

from ownhue.errors import FormatError
from ownhue_client import exit_codes
from ownhue_client.agent import service
from tests.client.phone_cli.shell import Owner


def test_regions_are_listed_and_a_visit_needs_a_directory(settled: Owner) -> None:
    assert settled.does("regions").stdout.split()[-2:] == ["demo", "home"]
    assert "synchronise first" in str(settled.fails("regions", "visit", "coast"))
    assert "not visited" in str(settled.fails("regions", "leave", "coast"))


def test_places_are_imported_with_a_report_and_forgotten(settled: Owner, tmp_path: Path) -> None:
    file = tmp_path / "walk.gpx"
    points = "".join(
        f'<trkpt lat="30.25" lon="120.15"><time>2026-03-02T0{hour}:00:00Z</time></trkpt>' for hour in range(1, 4)
    )
    file.write_text(f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>')
    assert "3 kept" in settled.does("places", "import", file).stdout
    assert len(settled.json("places", "list")) == 3
    assert settled.types("places", "forget").exit_code == exit_codes.USAGE
    settled.does("places", "forget", "--day", "2026-03-02", "--yes")
    assert settled.json("places", "list") == []
    file.write_text("<gpx><trk>")
    assert isinstance(settled.fails("places", "import", file), FormatError)


def test_settings_are_listed_and_chosen(settled: Owner) -> None:
    said = settled.does("settings", "location=gpsd", "coarse=no", "service-uuid=0xFD6F").stdout
    assert "gpsd" in said
    assert settled.json("settings")["coarse"] is False
    for wrong in ("location", "location=mars", "nonsense=1", "service_uuid=x"):
        assert isinstance(settled.fails("settings", wrong), FormatError)


def test_the_unit_names_this_folder_and_the_chosen_radio(settled: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    text = settled.does("unit").stdout
    assert f'"--phone" "{settled.folder}" "run" "--radio" "off"' in text
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settled.folder.parent / "config"))
    done = settled.does("unit", "--write", "--radio", "hci1")
    assert done.stdout.strip() == str(service.unit_path())
    assert '"hci1"' in service.unit_path().read_text()
