"""Times and places as histories of other programs spell them. What is none becomes None, never an error."""

import re
from datetime import UTC, datetime
from typing import Any

#: A time in milliseconds is above this; in seconds that would be the year 5138.
_MILLISECONDS_FROM = 100_000_000_000
#: Nothing in a history is as great.
_TOO_GREAT = 10**18
#: 180 degrees.
_MOST_E7 = 1_800_000_000
_LONGEST = 64
_PAIR = re.compile(r"(?:geo:)?\s*(-?\d{1,3}(?:\.\d{1,20})?)°?\s*,\s*(-?\d{1,3}(?:\.\d{1,20})?)°?(?:[;?].*)?", re.ASCII)


def unix_of(value: Any, *, utc: bool = False) -> float | None:
    """Unix seconds of an ISO 8601 time, of seconds or of milliseconds (also as text). *utc*: a time without zone is."""
    text = value.strip() if isinstance(value, str) and len(value) <= _LONGEST else ""
    number = number_of(int(text)) if text.isascii() and text.isdigit() else number_of(value)
    if number is not None:
        return number / 1000 if number > _MILLISECONDS_FROM else number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        # A local time of an unknown zone is no time.
        if not utc:
            return None
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except OverflowError:
        return None


def number_of(value: Any) -> float | None:
    """A number that is one: no truth value, no NaN; what is too great to reckon with is cut to 10^18."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(max(-_TOO_GREAT, min(value, _TOO_GREAT)))


def pair_of(value: Any) -> tuple[float | None, float | None]:
    """Latitude and longitude of "46.948°, 7.4474°" (Android) or "geo:46.948,7.4474" (iOS, RFC 5870)."""
    found = _PAIR.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    return (float(found[1]), float(found[2])) if found else (None, None)


def degrees_of_e7(value: Any) -> float | None:
    """Degrees of a number of 10^-7 degrees, also of one that ran over 32 bits, as old exports have them."""
    number = number_of(value)
    if number is None:
        return None
    return (number - 2**32 if number > _MOST_E7 else number) / 10**7


def child(value: Any, *names: str) -> Any:
    """What lies under *names* in nested objects; None where one of them is missing or no object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def children(value: Any) -> list[Any]:
    """*value* if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
