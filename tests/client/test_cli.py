"""The command line: errors end with one plain line and a status of specs/README.md."""

from collections.abc import Callable

import httpx
import pytest

from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue_client import cli, exit_codes
from ownhue_client.errors import UnreachableError


def raising(error: Exception) -> Callable[[], None]:
    def app() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FormatError("no trace"), exit_codes.UNREADABLE),
        (LimitError("too long"), exit_codes.UNREADABLE),
        (UnreachableError("no network"), exit_codes.UNREACHABLE),
        (FileNotFoundError(2, "No such file or directory", "trace.dat"), exit_codes.UNREACHABLE),
        (httpx.ConnectError("[Errno 111] Connection refused"), exit_codes.UNREACHABLE),
        (httpx.ReadTimeout("timed out"), exit_codes.UNREACHABLE),
        (StateError("no passes left"), exit_codes.FAILED),
        (VerificationError("signed wrongly"), exit_codes.FAILED),
    ],
)
def test_an_error_is_one_line_and_a_status(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "app", raising(error))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ownhue: ")
    assert said.err.count("\n") == 1
