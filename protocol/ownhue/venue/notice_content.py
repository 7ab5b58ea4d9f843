"""Content of venue notices: what one hour's notice says, and who has signed it. specs/venue.md section 7

Notice(1767708000, 1767709800, "indoor", (("de", "Masern"), ("en", "Measles")))      from, to, rule, reason
SignedNotice(notice, OwnerSignature(trace_key, signature), authority_signature)
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError
from ownhue.venue import END_OF_TIME, hour_of
from ownhue.venue.text import check_text

#: Most languages of a reason, and its longest encoding in bytes. specs/venue.md section 10
MAX_REASON_LANGUAGES, MAX_REASON_BYTES = 8, 240

_RULE = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
#: What is sealed: types of its items, and lengths of the last three.
_TYPES = [int, int, str, list, bytes, bytes, bytes]
_LENGTHS = (32, 64, 64)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says. Raises FormatError and LimitError for values that break the rules."""

    start: int
    """First unix second."""
    end: int
    """Unix second at which it is over, within the same hour or at its end."""
    rule: str
    """Name of the rule in the rulebook's venues; a name that the rulebook does not know means nothing."""
    reason: tuple[tuple[str, str], ...]
    """(language, text) for the people who were there, in the order of languages."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end < END_OF_TIME or hour_of(self.start) != hour_of(self.end - 1):
            raise FormatError("a notice ends after its start and within its hour")
        if not _RULE.fullmatch(self.rule):
            raise FormatError("a notice's rule is small letters, digits and hyphens, at most 32, a letter first")
        languages = [language for language, _ in self.reason]
        if not languages or languages != sorted(set(languages)) or not all(map(_LANGUAGE.fullmatch, languages)):
            raise FormatError("a notice's reason has languages in order, each once")
        for _, text in self.reason:
            check_text(text, MAX_REASON_BYTES, "a notice's reason")
        if len(languages) > MAX_REASON_LANGUAGES or len(cbor_encode(self.reason)) > MAX_REASON_BYTES:
            raise LimitError(f"a notice's reason has at most {MAX_REASON_LANGUAGES} texts and {MAX_REASON_BYTES} bytes")

    @property
    def hour(self) -> int:
        """First unix second of its hour."""
        return hour_of(self.start)

    def content(self) -> list[Any]:
        """Its values in the order in which they are signed and sealed."""
        return [self.start, self.end, self.rule, [list(pair) for pair in self.reason]]


class OwnerSignature(NamedTuple):
    """The owner's word for one notice."""

    trace_key: bytes
    """Ed25519, 32 bytes; its SHA-256 stands in the venue's certificate."""
    signature: bytes
    """64 bytes."""


class SignedNotice(NamedTuple):
    """A notice with both signatures."""

    notice: Notice
    owner: OwnerSignature
    authority_signature: bytes
    """64 bytes, for one batch."""

    def encode(self) -> bytes:
        """What is sealed: CBOR of all of it."""
        return cbor_encode([*self.notice.content(), *self.owner, self.authority_signature])


def parse_signed_notice(data: bytes) -> SignedNotice:
    """The notice with its signatures, not verified, of :meth:`SignedNotice.encode`. Raises FormatError, LimitError."""
    value = cbor_decode(data)
    # bool is an int in Python and true has its own spelling in CBOR, so the types are compared exactly.
    if not isinstance(value, list) or [type(item) for item in value] != _TYPES:
        raise FormatError("a notice is [start, end, rule, reason, trace key, two signatures]")
    start, end, rule, reason, trace_key, owner_signature, authority_signature = value
    if (len(trace_key), len(owner_signature), len(authority_signature)) != _LENGTHS:
        raise FormatError("a key or signature of a notice has a wrong length")
    notice = Notice(start, end, rule, parse_reason(reason))
    return SignedNotice(notice, OwnerSignature(trace_key, owner_signature), authority_signature)


def parse_reason(value: list[Any]) -> tuple[tuple[str, str], ...]:
    """The pairs of a reason as CBOR carries it. Raises FormatError for what are no pairs of texts."""
    pairs = []
    for item in value:
        match item:
            case [str(language), str(text)]:
                pairs.append((language, text))
            case _:
                raise FormatError("a notice's reason is pairs of language and text")
    return tuple(pairs)
