"""What a key file says: keys, their batch, their label; and which values are none. specs/key-file.md section 3"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ownhue.errors import FormatError, LimitError
from ownhue.identifiers import KEY_BYTES
from ownhue.key_file.container import Limits
from ownhue.params import MAX_KEY_PERIOD, ReportType

#: Report types of a key that is published for the first time. specs/key-file.md section 3
KEY_REPORT_TYPES = (0, 1, 2, 3, 4)
#: Report types that a published key can change to. specs/key-file.md section 3
REVISED_REPORT_TYPES = (1, 5)
#: Most days from the onset of symptoms to a key's day, and back. specs/key-file.md section 3
MAX_ONSET_DAYS = 14
#: Highest transmission risk level of GAEN v1. specs/key-file.md section 3
MAX_RISK_LEVEL = 8
#: Highest number of a kind of variant. specs/key-file.md section 3
MAX_VARIANT = 4

_REGION = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
_MAX_TIME = 2**40
_LAST_INTERVAL = 2**31 - 1


class ExposureKey(NamedTuple):
    """A published key. specs/key-file.md section 3"""

    data: bytes
    """The TEK, 16 bytes."""
    rolling_start: int
    """First interval (ENIN) in which it was used."""
    rolling_period: int
    """Number of intervals in which it was used, 1 to 144."""
    report_type: ReportType | int
    """Kind of diagnosis; of a revised key CONFIRMED_TEST or REVOKED, which takes its publication back."""
    days_since_onset: int | None
    """Days from the onset of symptoms to the key's day, -14 to 14; None when not known."""
    transmission_risk_level: int = 0
    """GAEN v1's 0 to 8, read for foreign files; ours say 0."""
    variant_of_concern: int = 0
    """GAEN's kind of virus variant, 1 to 4, read for foreign files; 0 is unknown. No rule looks at it."""


class KeyBlock(NamedTuple):
    """Some keys in the order of their data, at least one, as a writer of many takes them."""

    datas: bytes
    """The TEKs, 16 bytes each, one behind the other."""
    kinds: NDArray[np.intp]
    """Of each key, which of *metadata* is its own."""
    metadata: Sequence[tuple[Any, ...]]
    """What stands behind the data in an ExposureKey; all six parts."""


@dataclass(frozen=True, slots=True)
class KeyFileHead:
    """What a key file says about all its keys. Raises FormatError for values outside the format."""

    start: int
    """Start of the batch, unix seconds."""
    end: int
    """End of the batch, unix seconds; also the time at which its keys became known."""
    region: str
    """1 to 32 letters, digits, dots, hyphens, underscores."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end < _MAX_TIME:
            raise FormatError(f"a batch from {self.start} to {self.end} is no span of time")
        if not _REGION.fullmatch(self.region):
            raise FormatError("a region has 1 to 32 letters, digits, dots, hyphens or underscores")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The content of a key file."""

    start: int
    """Start of the batch, unix seconds."""
    end: int
    """End of the batch, unix seconds; also the time at which its keys became known."""
    region: str
    """1 to 32 letters, digits, dots, hyphens, underscores."""
    keys: tuple[ExposureKey, ...]
    """Keys published for the first time."""
    revised_keys: tuple[ExposureKey, ...] = ()
    """Published keys whose report type changed, most often to REVOKED. What they say holds, also about `keys`."""


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """Which key signed; a label for people and apps, never a choice of algorithm."""

    key_id: str
    """For nations the mobile country code."""
    key_version: str
    """For example "v1"."""


def check_key(key: ExposureKey, report_types: Iterable[int]) -> None:
    """Raises FormatError for a value outside the format. *report_types*: those of its group. Names no key."""
    if len(key.data) != KEY_BYTES:
        raise FormatError(f"a key has {KEY_BYTES} bytes, not {len(key.data)}")
    if not 1 <= key.rolling_period <= MAX_KEY_PERIOD:
        raise FormatError(f"a rolling period of {key.rolling_period} is outside 1 to {MAX_KEY_PERIOD}")
    if not 0 <= key.rolling_start <= _LAST_INTERVAL - key.rolling_period:
        raise FormatError(f"a rolling start of {key.rolling_start} is no interval number")
    if key.report_type not in report_types:
        raise FormatError(f"report type {key.report_type} is not known, or not among such keys")
    if not (key.days_since_onset is None or -MAX_ONSET_DAYS <= key.days_since_onset <= MAX_ONSET_DAYS):
        raise FormatError(f"{key.days_since_onset} days since onset are outside -14 to 14")
    if not 0 <= key.transmission_risk_level <= MAX_RISK_LEVEL:
        raise FormatError(f"a transmission risk level of {key.transmission_risk_level} is outside 0 to 8")
    if not 0 <= key.variant_of_concern <= MAX_VARIANT:
        raise FormatError(f"a variant of concern of kind {key.variant_of_concern} is outside 0 to 4")


class KeyCount:
    """Counts keys up to a limit."""

    def __init__(self, limits: Limits) -> None:
        self._left = self._most = limits.keys

    def add(self, keys: int) -> None:
        """*keys* more. Raises LimitError when they are too many."""
        self._left -= keys
        if self._left < 0:
            raise LimitError(f"more than {self._most} keys")


class KeyIndex:
    """Finds a key that occurs twice among any number of keys in any order, at 16 bytes for each."""

    def __init__(self) -> None:
        self._datas = bytearray()

    def add(self, keys: Iterable[ExposureKey]) -> None:
        """More keys, whose data are 16 bytes each."""
        self._datas += b"".join([key.data for key in keys])

    def check(self) -> None:
        """Raises FormatError when a key occurs twice. To be called once, at the end: it brings the keys in order."""
        # Texts of bytes compare without the zeros at their end, which tells apart any two of the same length.
        rows = np.frombuffer(self._datas, dtype=f"S{KEY_BYTES}")
        rows.sort()
        if bool((rows[1:] == rows[:-1]).any()):
            raise FormatError("a key occurs twice")
