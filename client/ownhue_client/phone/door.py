"""The one door: every byte that leaves the phone passes here, and is written into the ledger. specs/http-api.md

- Requests carry the fewest header lines HTTP/1.1 allows, the same for every phone: no cookies, no agent name,
  no language, no date.
- Phone endpoints take a frame of 16384 bytes and answer with one, whatever the answer is.
- A decoy is such a frame, too, and nothing on the line tells it from another.
- Answers are read up to a limit of bytes and of seconds, however steadily they come; redirects are not followed;
  compressed answers are refused (nobody asked for them).
- What goes wrong on the way is UnreachableError; a refusal is RefusedError with the server's word.
"""

from collections.abc import Callable
from typing import Any

import httpx

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, OwnhueError, StateError
from ownhue.params import FRAME_BYTES
from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.fetching import HTTP_TROUBLE, MAX_FILE_BYTES, Deadline, file_deadline, read_limited
from ownhue_client.phone.ledger import Ledger, LedgerLine
from ownhue_client.phone.settings import Settings

#: The server's words for a refusal, in words for the owner. specs/http-api.md
REFUSALS = {
    "malformed": "the server could not read the request",
    "unknown_code": "this code is not known, or it has expired; ask the desk for a new one",
    "other_message": "this code was already used by another phone or for another report",
    "wrong_key": "the authority has changed its key; synchronise and try again",
    "unknown_key": "the report is signed under a key that the publisher does not know",
    "bad_token": "the report's token does not fit its keys",
    "token_spent": "this report was delivered before",
    "out_of_range": "the report holds keys that are too old or not over yet",
    "unknown_report": "the publisher does not hold these keys",
    "bad_ticket": "this ticket is not valid or has expired",
    "ticket_spent": "this ticket was already used by another phone",
    "bad_signature": "the issuer does not accept this phone's signature; is the clock right?",
    "unknown_device": "this phone is not enrolled",
    "stopped_device": "this phone was reported as lost; enrol a new one with a ticket of the desk",
    "wrong_epoch": "the issuer gives no passes for that day",
    "quota": "the issuer gives no more passes for that day",
}

#: Words after which the same request is to be sent again later: nothing of it was looked at, or kept.
LATER = {
    "unavailable": "the server failed; try again later",
    "too_many": "too many requests from this network were refused; try again in an hour",
}


#: What goes wrong before anything is sent.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class RefusedError(StateError):
    """A server said no. ``word`` is the word of specs/http-api.md, the message says it plainly."""

    def __init__(self, word: str) -> None:
        super().__init__(REFUSALS.get(word, "the server refused"))
        self.word = word


class Door:
    """Requests to the server at *base_url* through *client*, each written into *ledger*."""

    def __init__(
        self,
        client: httpx.Client,
        base_url: str,
        ledger: Ledger,
        settings: Settings,
        deadline: Callable[[], Deadline] = file_deadline,
    ) -> None:
        """*deadline* begins with each request."""
        self._client = client
        self._deadline = deadline
        self._download_bytes = settings.download_bytes
        self._base_url = base_url.rstrip("/")
        self._ledger = ledger
        self._extensions = {"timeout": httpx.Timeout(settings.timeout_seconds).as_dict()}

    def post(self, path: str, body: dict[str, Any], purpose: str, now: int) -> dict[str, Any]:
        """Send *body* to a phone endpoint (*path* like ``/publisher/v1/report``); the answer's map, without "ok".

        Raises RefusedError, UnreachableError, FormatError for an answer that is none, LimitError for a long *body*.
        """
        content = frame(cbor_encode(body))
        headers = {"Content-Type": "application/octet-stream"}
        request = self._request("POST", path, headers=headers, content=content)
        status, data = self._send(request, purpose, now, FRAME_BYTES)
        if status != httpx.codes.OK:
            raise UnreachableError(f"{request.url.host} answered {status} to {path}")
        return _opened(cbor_decode(unframe(data)))

    def decoy(self, path: str, now: int) -> None:
        """Send what looks like a message to a phone endpoint and wants nothing. Raises UnreachableError."""
        self.post(path, {"decoy": True}, "decoy", now)

    def fetch(self, path: str, purpose: str, now: int, limit: int = MAX_FILE_BYTES) -> bytes:
        """The file at *path* below the server's address, of at most *limit* bytes and what the settings allow.

        Raises MissingError, UnreachableError (also for any other status but 200) and LimitError.
        """
        request = self._request("GET", path)
        status, data = self._send(request, purpose, now, min(limit, self._download_bytes))
        if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
            raise MissingError(f"{request.url.host} has no {path}")
        if status != httpx.codes.OK:
            failed = status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR
            raise UnreachableError(f"{request.url.host} answered {status} for {path}", again=failed)
        return data

    def _request(self, method: str, path: str, **content: Any) -> httpx.Request:
        try:
            return httpx.Request(method, self._base_url + path, extensions=self._extensions, **content)
        except HTTP_TROUBLE as error:
            raise UnreachableError("the region names an address that is none") from error

    def _send(self, request: httpx.Request, purpose: str, now: int, limit: int) -> tuple[int, bytes]:
        line = LedgerLine(now, request.url.netloc.decode("ascii"), purpose, _request_bytes(request), None)
        row = self._ledger.sending(line)
        deadline = self._deadline()
        try:
            response = self._client.send(request, stream=True, auth=None, follow_redirects=False)
            try:
                data = read_limited(response, limit, deadline)
            finally:
                response.close()
        except OwnhueError:
            self._ledger.failed(row, "broken off")
            raise
        except HTTP_TROUBLE as error:
            self._ledger.failed(row, "no connection" if isinstance(error, _NEVER_SENT) else "no answer")
            raise UnreachableError(
                f"{request.url.host} cannot be reached: {type(error).__name__}",
                again=isinstance(error, httpx.TransportError),
            ) from error
        self._ledger.answered(row, _head_bytes(response) + len(data))
        return response.status_code, data


def _opened(answer: Any) -> dict[str, Any]:
    """The map of an answer frame without its "ok". Raises RefusedError, or FormatError."""
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        raise FormatError("the server's answer is not a map with ok")
    word = answer.get("error")
    if isinstance(word, str) and word in LATER:
        raise UnreachableError(LATER[word])
    if not answer["ok"]:
        raise RefusedError(word if isinstance(word, str) and word in REFUSALS else "unknown")
    return {key: value for key, value in answer.items() if key != "ok"}


def _request_bytes(request: httpx.Request) -> int:
    line = len(request.method) + len(request.url.raw_path) + len("  HTTP/1.1\r\n")
    return line + _header_bytes(request.headers.raw) + len(request.content)


def _head_bytes(response: httpx.Response) -> int:
    line = len(f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n")
    return line + _header_bytes(response.headers.raw)


def _header_bytes(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers) + len("\r\n")
