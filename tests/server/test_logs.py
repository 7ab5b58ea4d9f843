"""The log has an allow-list: what is not on it is not written."""

import json

import pytest

from ownhue_server import logs


def test_a_line_is_json_with_a_minute_and_no_second(capsys: pytest.CaptureFixture[str]) -> None:
    logs.get("publisher").error("a batch could not be closed", error="OSError", batch=7)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("minute").count(":") == 1
    assert line == {
        "event": "a batch could not be closed",
        "level": "error",
        "part": "publisher",
        "error": "OSError",
        "batch": 7,
    }


@pytest.mark.parametrize("name", ["code", "address", "key", "message", "exc_info"])
def test_a_field_that_is_not_on_the_list_is_not_written(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logs.get("server").info("ready", **{name: "canary"})
    assert "canary" not in capsys.readouterr().err


@pytest.mark.parametrize("value", ["can ary", "canary\n", b"canary", ["canary"], 1.5, None, "canary" * 40])
def test_a_value_that_is_no_short_word_is_not_written(capsys: pytest.CaptureFixture[str], value: object) -> None:
    logs.get("server").info("ready", error=value)
    logged = capsys.readouterr().err
    assert "error" not in json.loads(logged)
    assert "canary" not in logged
