"""Claim codes: what a health worker tells or hands to a person with a result. specs/report.md section 2

    1719-0352                spoken: 8 digits, valid for 15 minutes
    1K7Z-Q0M4-8VXD-2TBN      on a slip: 16 characters of Crockford's base 32, valid for a day

The first character is the digit of the report type, so that a phone knows which key to blind its token for before
anybody sees the code; the rest is random (7 digits, or 15 characters = 75 bits).
"""

import re
from collections.abc import Callable
from typing import Literal

from ownhue.errors import FormatError
from ownhue.params import ReportType

#: Crockford's base 32: digits and capitals without I, L, O and U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Characters of a spoken code. specs/report.md section 2
SHORT_LENGTH = 8
#: Characters of a code on a slip. specs/report.md section 2
LONG_LENGTH = 16

_DIGITS = ALPHABET[:10]
_CODE = re.compile(rf"[1-5](?:[0-9]{{{SHORT_LENGTH - 1}}}|[{ALPHABET}]{{{LONG_LENGTH - 1}}})", re.ASCII)
_GROUP = 4


def new_claim_code(
    report_type: ReportType, length: Literal["short", "long"] | str, random: Callable[[int], bytes]
) -> str:
    """A new code in canonical form. Raises FormatError for a report type that has no code or another *length*."""
    if not ReportType.CONFIRMED_TEST <= report_type <= ReportType.REVOKED:
        raise FormatError(f"report type {int(report_type)} has no claim codes")
    if length == "short":
        return str(int(report_type)) + _draw(_DIGITS, SHORT_LENGTH - 1, random)
    if length == "long":
        return str(int(report_type)) + _draw(ALPHABET, LONG_LENGTH - 1, random)
    raise FormatError('a claim code is "short" or "long"')


def _draw(letters: str, count: int, random: Callable[[int], bytes]) -> str:
    """*count* uniform letters. Bytes above the last multiple of the alphabet's size are thrown away, never reduced."""
    usable = 256 - 256 % len(letters)
    drawn = ""
    while len(drawn) < count:
        drawn += "".join(letters[byte % len(letters)] for byte in random(count - len(drawn)) if byte < usable)
    return drawn


def parse_claim_code(text: str) -> tuple[str, ReportType]:
    """(canonical code, report type) of what somebody typed. Spaces, hyphens and small letters are forgiven.

    Raises FormatError for everything else, without repeating the text: it may be a code with one wrong letter.
    """
    # Non-ASCII text is refused before upper(): some foreign letters become ASCII ones there.
    code = text.replace(" ", "").replace("-", "").upper() if text.isascii() else ""
    if not _CODE.fullmatch(code):
        raise FormatError(f"a claim code has {SHORT_LENGTH} digits or {LONG_LENGTH} letters and digits")
    return code, ReportType(int(code[0]))


def readable(code: str) -> str:
    """A canonical code in groups of four, as it is shown and spoken."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))
