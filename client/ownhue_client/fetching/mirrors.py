"""Several mirrors of one folder: any of them will do, and the one that lies is named. specs/publication.md section 6

    mirrors = (Mirror("a.example", fetch_a), Mirror("usb", fetch_usb))
    fetch = mirror_fetch(mirrors, blame)                                     # file by file
    state, keys, entries = try_mirrors(mirrors, lambda fetch: catch_up(fetch, region, state, now), blame)

- A file whose path holds its digest is checked at once; the next mirror is asked when it is another.
- Whether a head, a bundle or a timestamp is right shows only in a whole round. :func:`try_mirrors` gives each mirror
  one, and takes the first that holds: a mirror that is behind, lies or is gone costs time, nothing else.
- A fork is no mirror's fault, but the log's: it is raised at once, also when other mirrors would hide it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from ownhue.errors import ForkError, FormatError, OwnhueError, VerificationError
from ownhue_client.errors import MissingError, RollbackError, UnreachableError
from ownhue_client.fetching.limits import Fetch

T = TypeVar("T")
#: Is told the name of a mirror and what was wrong with it.
Blame = Callable[[str, OwnhueError], None]

_DIGEST = re.compile(r"/([0-9a-f]{64})(?:\.[a-z0-9]{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One copy of the published folder."""

    name: str
    """What people know it by."""
    fetch: Fetch
    """Gives its files."""


def blame_nobody(_name: str, _error: OwnhueError) -> None:
    """Passes over what was wrong with a mirror."""


def mirror_fetch(mirrors: Sequence[Mirror], blame: Blame = blame_nobody) -> Fetch:
    """Fetch from the first of *mirrors* that has the file. *blame* is told of each that failed or lied before.

    The fetch raises MissingError when none has it and at least one said so, else the last mirror's error.
    """

    def fetch(path: str) -> bytes:
        missing, last = None, UnreachableError("there is no mirror")
        for mirror in mirrors:
            try:
                return _checked(path, mirror.fetch(path))
            except MissingError as error:
                missing = error
            except (UnreachableError, FormatError, VerificationError) as error:
                blame(mirror.name, error)
                last = error if isinstance(error, UnreachableError) else UnreachableError(f"{mirror.name}: {error}")
        raise missing if missing is not None else last

    return fetch


def try_mirrors(mirrors: Sequence[Mirror], work: Callable[[Fetch], T], blame: Blame = blame_nobody) -> T:
    """What *work* makes of the first mirror with which it succeeds.

    *blame* is told of each before it. Raises ForkError at once, else what the last mirror that could be reached led to.
    """
    failures: list[OwnhueError] = []
    for mirror in mirrors:
        try:
            return work(mirror.fetch)
        except (UnreachableError, MissingError, FormatError, VerificationError) as error:
            if isinstance(error, ForkError) and not isinstance(error, RollbackError):
                raise
            blame(mirror.name, error)
            failures.append(error)
    reached = [error for error in failures if not isinstance(error, UnreachableError)]
    raise (reached or failures or [UnreachableError("there is no mirror")])[-1]


def _checked(path: str, data: bytes) -> bytes:
    """*data*, if it can be the file of *path*."""
    digest = _DIGEST.search(path)
    if digest is not None and sha256(data).hexdigest() != digest[1]:
        raise VerificationError(f"{path} is another file")
    return data
