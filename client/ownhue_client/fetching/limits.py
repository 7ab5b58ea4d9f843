"""How many bytes and seconds a published file may take, whoever serves it. specs/publication.md section 6

    deadline = Deadline(FILE_SECONDS, monotonic)
    data = read_limited(response, limit_of("head"), deadline)      # raises before anything grows without end

- A fetch promises nothing about what the bytes are, only how many there are at most; ``publication`` checks the rest.
- :func:`read_limited` is the one place where answers are read, for the phone's door as well as for ``http_fetch``: it
  stops at the limit, at the deadline also when every single byte comes in time, and at compressed answers.
"""

import time
from collections.abc import Callable

import httpx

from ownhue.documents import MAX_DOCUMENT_BYTES
from ownhue.errors import FormatError, LimitError
from ownhue.log import MAX_BUNDLE_BYTES
from ownhue.signed_note import MAX_NOTE_BYTES
from ownhue.tiles import MAX_TILE_BYTES
from ownhue.trust.metadata import LIMITS
from ownhue_client.errors import UnreachableError

#: Gives the bytes of a path below ``published/``. Raises UnreachableError, MissingError, LimitError or FormatError.
Fetch = Callable[[str], bytes]
#: Seconds of a clock that nobody can set.
Monotonic = Callable[[], float]

#: Longest published file in bytes. specs/publication.md section 1
MAX_FILE_BYTES = 64 << 20
#: Seconds that one file may take from the request to its last byte. specs/publication.md section 6
FILE_SECONDS = 300

#: What an HTTP client throws at what servers and networks say, and at addresses of others (a directory's) that it
#: cannot use. An address in a header that nobody follows is opened by it all the same: InvalidURL, ValueError.
HTTP_TROUBLE = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError)

#: Most bytes by the beginning of a path; the first that fits counts.
_LIMITS = (
    ("head", MAX_NOTE_BYTES),
    ("tile/entries/", MAX_BUNDLE_BYTES),
    ("tile/", MAX_TILE_BYTES),
    ("trust/", LIMITS.targets),
    ("keys/", MAX_FILE_BYTES),
    ("notices/", MAX_FILE_BYTES),
)


def limit_of(path: str) -> int:
    """Most bytes that the file of *path* (below ``published/``) can have."""
    return next((limit for start, limit in _LIMITS if path.startswith(start)), MAX_DOCUMENT_BYTES)


class Deadline:
    """A total time, from now on."""

    def __init__(self, seconds: float, monotonic: Monotonic) -> None:
        self._monotonic, self._until = monotonic, monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; 0 or less when it is over."""
        return self._until - self._monotonic()

    def check(self) -> None:
        """Raise UnreachableError when it is over."""
        if self.left <= 0:
            raise UnreachableError("the answer takes too long", again=True)


def file_deadline() -> Deadline:
    """The deadline of one file, from now on."""
    return Deadline(FILE_SECONDS, time.monotonic)


def read_limited(response: httpx.Response, limit: int, deadline: Deadline | None = None) -> bytes:
    """The body of a *response* that is being streamed, of at most *limit* bytes.

    Raises LimitError, FormatError for a compressed answer (nobody asked for one, and a small one may unfold without
    end), UnreachableError at the *deadline*, and what httpx raises on the way.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FormatError("the server sent a compressed answer")
    parts, left = [], limit
    for part in response.iter_bytes():
        if deadline is not None:
            deadline.check()
        left -= len(part)
        if left < 0:
            raise LimitError(f"the server's answer is longer than {limit} bytes")
        parts.append(part)
    return b"".join(parts)
