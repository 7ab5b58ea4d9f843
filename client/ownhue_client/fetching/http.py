"""Fetching published files over HTTP. specs/publication.md section 6

    fetch = http_fetch(client, "https://demo.ownhue.example", cache=HeadCache())
    fetch("head")

- Redirects are not followed and compressed answers are refused: the address that was installed is the one that counts.
- Requests are the same for everybody: no cookies, and of ETags only the quoted SHA-256 of the file. Any other ETag
  could be made for one client and would come back from it like a cookie, so it is forgotten.
- What may be tried again within a minute is marked so for ``retries.py``: no connection, 5xx, 429.
"""

import re
import time
from contextlib import closing
from hashlib import sha256

import httpx

from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.fetching.limits import (
    FILE_SECONDS,
    HTTP_TROUBLE,
    MAX_FILE_BYTES,
    Deadline,
    Fetch,
    Monotonic,
    limit_of,
    read_limited,
)

#: Files that change under their name; all others never do.
CHANGING = frozenset(("head", "trust/timestamp.json"))

_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


class HeadCache:
    """The files that change under their name, as they came last: what did not change is not sent again."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def known(self, path: str) -> bytes | None:
        """The file of *path* as it was sent with an ETag that is its digest."""
        return self._files.get(path)

    def keep(self, path: str, data: bytes, etag: str | None) -> None:
        """Remember a file that came in, if *etag* is nothing but its digest."""
        if path in CHANGING and etag == etag_of(data):
            self._files[path] = data


def etag_of(data: bytes) -> str:
    """The only ETag that is sent back: the SHA-256 of the file, quoted. specs/publication.md section 6"""
    return f'"{sha256(data).hexdigest()}"'


def http_fetch(
    client: httpx.Client,
    url: str,
    limit: int = MAX_FILE_BYTES,
    *,
    seconds: float = FILE_SECONDS,
    monotonic: Monotonic = time.monotonic,
    cache: HeadCache | None = None,
) -> Fetch:
    """Fetch below ``{url}/published/``, never more than *limit* bytes nor longer than *seconds* for a file.

    The fetch raises MissingError, LimitError, FormatError, UnreachableError (also for redirects and any other status).
    """

    def fetch(path: str) -> bytes:
        known = cache.known(path) if cache is not None else None
        headers = {"Accept-Encoding": "identity"} | ({} if known is None else {"If-None-Match": etag_of(known)})
        deadline = Deadline(seconds, monotonic)
        try:
            with closing(_answer(client, f"{url}/published/{path}", headers)) as answer:
                if known is not None and answer.status_code == httpx.codes.NOT_MODIFIED:
                    return known
                check_status(answer, path)
                data = read_limited(answer, min(limit, limit_of(path)), deadline)
        except HTTP_TROUBLE as error:
            raise UnreachableError(
                f"the server could not be reached: {type(error).__name__}",
                again=isinstance(error, httpx.TransportError),
            ) from error
        if cache is not None:
            cache.keep(path, data, answer.headers.get("etag"))
        return data

    return fetch


def _answer(client: httpx.Client, url: str, headers: dict[str, str]) -> httpx.Response:
    # Not made by the client: it would send back the cookies that a server gave it, and its own name and version.
    request = httpx.Request("GET", url, headers=headers, extensions={"timeout": client.timeout.as_dict()})
    return client.send(request, stream=True, auth=None, follow_redirects=False)


def check_status(answer: httpx.Response, path: str) -> None:
    """Raise MissingError or UnreachableError for every status but 200."""
    status = answer.status_code
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise MissingError(f"the server has no {path}")
    if answer.has_redirect_location:
        raise UnreachableError("the server sends elsewhere; nobody is followed")
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnreachableError(f"the server answered {status}", again=True, after=_retry_after(answer))
    if status != httpx.codes.OK:
        raise UnreachableError(f"the server answered {status}")


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait. A date is passed over: it would need the server's clock."""
    text = answer.headers.get("retry-after", "")
    return float(text) if _SECONDS.fullmatch(text) else None
