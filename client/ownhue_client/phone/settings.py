"""What the owner of a phone can set, with units."""

from dataclasses import dataclass

from ownhue.params import PASSES_PER_EPOCH
from ownhue_client.fetching import MAX_FILE_BYTES, Retries


@dataclass(frozen=True)
class Settings:
    """Defaults suit a pocket; a simulation sets the power so that attenuations come out as it wants them."""

    #: Power of the own radio in dBm, as it is written into every beacon (sealed until the key is published).
    transmit_power: int = -20
    #: Passes asked for per day, at most 48. One opening of the code uses one.
    passes_per_day: int = PASSES_PER_EPOCH
    #: Days ahead for which passes are fetched, today not counted. The issuer gives out at most two.
    days_ahead: int = 2
    #: Most bytes of one downloaded file.
    download_bytes: int = MAX_FILE_BYTES
    #: Most bytes of one synchronisation, of all regions together: enough for a whole log and two weeks of key files.
    sync_bytes: int = 256 << 20
    #: Most seconds of one synchronisation. What it did not come to is for the next one.
    sync_seconds: float = 1800.0
    #: Seconds without an answer after which a server counts as out of reach.
    timeout_seconds: float = 60.0
    #: How a published file is asked for again within one sync; None: not before the next sync.
    retries: Retries | None = None
