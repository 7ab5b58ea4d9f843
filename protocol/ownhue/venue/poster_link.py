"""Poster link: what the QR code of a poster says. specs/venue.md section 5

    https://ownhue.example/v#OWNV1.CusBCAES...

- The poster is in the fragment, the part behind "#", which browsers keep to themselves: whoever scans it with an
  ordinary camera gets an explanation from that page, and the page learns nothing of the venue.
- The address in front of it is the printer's choice. Phones take no notice of it.
"""

import re

from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, LimitError
from ownhue.venue.poster import MAX_POSTER_BYTES

#: What the fragment begins with. specs/venue.md section 10
POSTER_MARK = "OWNV1."
#: Longest address in front of the fragment, in characters. specs/venue.md section 10
MAX_PREFIX = 100
#: Longest link in characters. specs/venue.md section 10
MAX_LINK = MAX_PREFIX + len("#" + POSTER_MARK) + (MAX_POSTER_BYTES * 4 + 2) // 3

_PREFIX = re.compile(rf"https://[!\"$-~]{{1,{MAX_PREFIX - 8}}}", re.ASCII)
_LINK = re.compile(rf"({_PREFIX.pattern})#{re.escape(POSTER_MARK)}([A-Za-z0-9_-]+)", re.ASCII)


def poster_url(data: bytes, prefix: str) -> str:
    """The link of a poster (its signed bytes) behind *prefix*: https, printable ASCII without "#".

    Raises FormatError for another prefix and for no poster, LimitError for a poster that is too long.
    """
    if not _PREFIX.fullmatch(prefix):
        raise FormatError(f"the address in front of a poster is https and has at most {MAX_PREFIX} characters")
    if not data:
        raise FormatError("a link without a poster")
    if len(data) > MAX_POSTER_BYTES:
        raise LimitError(f"a poster has at most {MAX_POSTER_BYTES} bytes")
    return f"{prefix}#{POSTER_MARK}{base64url_encode(data)}"


def read_poster_url(text: str) -> tuple[bytes, str]:
    """(signed bytes of the poster, prefix) of a link; ``open_poster`` verifies them. Raises LimitError, FormatError."""
    if len(text) > MAX_LINK:
        raise LimitError(f"a poster's link has at most {MAX_LINK} characters")
    match = _LINK.fullmatch(text)
    if match is None:
        raise FormatError("not the link of a poster")
    return base64url_decode(match[2]), match[1]
