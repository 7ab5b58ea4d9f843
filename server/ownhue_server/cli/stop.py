"""``ownhue-server stop-device``: what a desk does when somebody has lost a phone. specs/pass.md section 12"""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from ownhue.device import NUMBER_BYTES
from ownhue.errors import FormatError, StateError
from ownhue.spoken import heard, spoken

#: Seconds that the authority may take: it asks the issuer first, whose answer has a deadline.
ANSWER_SECONDS = 60
_MAX_KEY_BYTES = 1000


def stop_device(
    number: Annotated[str, typer.Argument(help="The phone's device number, as its owner kept it on paper.")],
    url: Annotated[str, typer.Option(help="Where the authority answers, for example https://health.example.")],
    desk_key_file: Annotated[Path, typer.Option(help="File with the desk key.", dir_okay=False)],
) -> None:
    """Stop a lost phone: it gets no more passes. Those that it has end within three days."""
    data = heard(number)
    if len(data) != NUMBER_BYTES:
        raise FormatError("a device number has five words")
    headers = {"Authorization": f"Bearer {_key_of(desk_key_file)}"}
    answer = _post(f"{url.rstrip('/')}/authority/v1/stopped-devices", spoken(data), headers)
    if not answer.get("ok"):
        words = {"unknown_device": "no phone with this number is enrolled here; ask for the number again"}
        raise StateError(words.get(str(answer.get("error")), "the server refused"))
    print("stopped: this phone gets no more passes")  # noqa: T201 - what the command is for


def _post(url: str, number: str, headers: dict[str, str]) -> dict[str, object]:
    try:
        # trust_env off: a proxy of the environment has no business to see a desk key.
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = client.post(url, json={"number": number}, headers=headers)
        return dict(answer.json())
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise StateError(f"the authority could not be asked: {type(error).__name__}") from error


def _key_of(path: Path) -> str:
    with path.open("rb") as file:
        key = file.read(_MAX_KEY_BYTES).strip()
    if not key or not key.isascii():
        raise FormatError(f"{path} holds no desk key")
    return key.decode("ascii")
