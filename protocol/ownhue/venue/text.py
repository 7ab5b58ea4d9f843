"""Texts of posters and notices: shown to people, so nothing is in them that cannot be seen. specs/venue.md section 2"""

import re

from ownhue.errors import FormatError, LimitError

#: Control characters, line ends, surrogates, and what turns the direction of writing or parts words without being seen.
_UNWELCOME = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]"
)
#: Unicode's spaces that are not unwelcome above. At an end nobody sees them, alone they are an empty line.
_SPACES = " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def check_text(text: str, longest: int, what: str) -> None:
    """Raises FormatError for an empty text, a space at an end or a character that is not to be shown; LimitError for
    more than *longest* bytes of UTF-8."""
    if _UNWELCOME.search(text):
        raise FormatError(f"{what} has a character that is not to be shown")
    if not text or text != text.strip(_SPACES):
        raise FormatError(f"{what} is empty, or has a space at an end")
    if len(text.encode()) > longest:
        raise LimitError(f"{what} has at most {longest} bytes")
