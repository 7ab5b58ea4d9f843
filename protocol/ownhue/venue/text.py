"""Texts of posters and notices: shown to people, so nothing is in them that cannot be seen. specs/venue.md section 2"""

import re

from ownhue.errors import FormatError, LimitError

#: Control characters, line ends, surrogates, and what turns the direction of writing without being seen.
_UNWELCOME = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def check_text(text: str, longest: int, what: str) -> None:
    """Raises FormatError for an empty text, a space at an end or a character that is not to be shown; LimitError for
    more than *longest* bytes of UTF-8."""
    if _UNWELCOME.search(text):
        raise FormatError(f"{what} has a character that is not to be shown")
    if not text or text != text.strip(" "):
        raise FormatError(f"{what} is empty, or has a space at an end")
    if len(text.encode()) > longest:
        raise LimitError(f"{what} has at most {longest} bytes")
