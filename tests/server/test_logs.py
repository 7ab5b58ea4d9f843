"""The log has an allow-list: what is not on it is not written."""

import asyncio
import io
import json
import logging
import sys

import pytest

from ownhue_server import logs, serving


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


class NoMore(io.StringIO):
    """A full disk, or a pipe whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stderr", [NoMore(), None])
def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch, stderr: NoMore | None) -> None:
    """The loop that closes batches ended at its first line, and a phone's answer left at once as a 500."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", stderr or closed)
    logs.get("publisher").error("a batch could not be closed", error="OSError")


def test_what_nobody_caught_is_logged_by_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    """asyncio prints "Task exception was never retrieved" with message and traceback, which may hold a code."""
    before = {name: logging.getLogger(name).level for name in ("uvicorn", "asyncio", "httpx", "httpcore")}

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(serving.say_type)
        loop.call_soon(fail)
        task = loop.create_task(fail_later())
        await asyncio.sleep(0)
        del task
        await asyncio.sleep(0)

    serving.quiet()
    try:
        asyncio.run(scene())
        logging.getLogger("asyncio").error("canary")
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["error"] for line in lines] == ["ValueError", "KeyError"]
    assert "canary" not in str(lines)


def fail() -> None:
    raise ValueError("canary")


async def fail_later() -> None:
    raise KeyError("canary")
