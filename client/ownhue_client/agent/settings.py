"""How often an agent does what, with units. The values are those of specs/phone.md section 6."""

from dataclasses import dataclass

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True)
class AgentSettings:
    """Every time is drawn at random between the two ends, so that no two phones keep step."""

    sync_after_batch: tuple[int, int] = (2 * _MINUTE, 62 * _MINUTE)
    """Seconds after the end of a batch at which the phone synchronises."""
    sync_after_start: tuple[int, int] = (5, 60)
    """Seconds after the start, or after the wall clock jumped, when published data are older than a batch."""
    backoff: tuple[int, int] = (_MINUTE, 6 * _HOUR)
    """Seconds until the next try after the first failure in a row, and the most after many."""
    passes_within: tuple[int, int] = (0, _DAY)
    """Seconds of each UTC day within which the next days' passes are fetched."""
    first_passes_within: tuple[int, int] = (_MINUTE, 30 * _MINUTE)
    """The same where there are none for today."""
    travelling_days: int = 7
    """Days ahead for which passes are asked for while the owner travels."""
    colour_seconds: int = _HOUR
    """The colour is worked out anew at least this often, as the share of scans that ran changes by itself."""
    tidy_after_midnight: tuple[int, int] = (0, 30 * _MINUTE)
    """Seconds after midnight (UTC) at which what is too old is forgotten."""
    trouble_seconds: int = 10 * _MINUTE
    """Seconds after which what failed inside the phone itself (a full disk) is tried again."""
