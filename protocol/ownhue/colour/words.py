"""The words of decisions: colours, kinds of evidence, why something does not count, why it is grey. specs/colour.md

A finding's id is salted, so that two phones that found the same thing name it differently:

    finding_id(salt, "encounter", "2026-01-05")        "0c54aa38e7fe6049"
"""

import hashlib
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from ownhue.encoding import cbor_encode

_FINDING_PURPOSE = b"OWNHUE-FINDING"
_FINDING_ID_BYTES = 8


class Colour(IntEnum):
    """The colours in order of severity. specs/colour.md section 2"""

    GREEN = 0
    GREY = 1
    YELLOW = 2
    RED = 3

    @property
    def word(self) -> str:
        """The colour's name in lower case."""
        return self.name.lower()


_COLOURS = {colour.word: colour for colour in Colour}


def _colour_of(value: Any) -> Any:
    return _COLOURS.get(value, value) if isinstance(value, str) else value


#: A colour that is written as its word in JSON.
ColourField = Annotated[
    Colour,
    BeforeValidator(_colour_of, json_schema_input_type=Literal["green", "grey", "yellow", "red"]),
    PlainSerializer(lambda colour: colour.word, return_type=str, when_used="json"),
]

FindingId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PartOfDay = Literal["night", "morning", "afternoon", "evening"]
DistanceBand = Literal["immediate", "near", "medium", "other"]
PlaceWord = Literal["confirmed", "partly", "unconfirmed"]
Kind = Literal["encounter", "own_result", "venue", "area"]
#: What can stand among what was not counted: certificates and clearances make no findings, but may end none either.
EvidenceKind = Literal["encounter", "own_result", "venue", "area", "certificate", "clearance"]


class WhyNot(StrEnum):
    """Why something that is known did not count. specs/colour.md section 5"""

    WITHDRAWN = "withdrawn"
    TOO_OLD = "too old"
    UNKNOWN_RULE = "rule not in the rulebook"
    ELSEWHERE = "own location says otherwise"
    REPORT_TYPE = "report type does not count"
    NOT_INFECTIOUS = "not infectious"
    TOO_FAR = "too far"
    TOO_SHORT = "too short"
    DENIED = "I was not there"
    CLEARED = "cleared by the authority"
    ENDED = "ended by certificate"
    BELOW_THRESHOLD = "below threshold"
    STAY_OVER = "stay is over"
    CERTIFICATE_REVOKED = "certificate revoked"
    NOT_COMPLETE = "vaccination not complete"
    CERTIFICATE_EXPIRED = "certificate expired"
    NOTHING_TO_END = "nothing for it to end"


class Grey(StrEnum):
    """Why a colour is not established. specs/colour.md section 6"""

    NO_RULEBOOK = "no rulebook in force"
    NO_DATA = "no published data"
    OLD_DATA = "published data too old"
    RADIO_OFF = "radio off too much"


def finding_id(salt: bytes, kind: EvidenceKind, *parts: int | str | bytes) -> str:
    """Salted name: the first 8 bytes of SHA-256("OWNHUE-FINDING" || CBOR [salt, kind, parts...]) as hexadecimal digits.

    Two phones that found the same thing give it different names. specs/colour.md section 4
    """
    return hashlib.sha256(_FINDING_PURPOSE + cbor_encode([salt, kind, *parts])).digest()[:_FINDING_ID_BYTES].hex()
