"""What a phone was set up with, for one region: its file, the root of trust, and the witnesses of one's own choice.

It decides whom the phone trusts (specs/region.md section 2, specs/trust.md section 8), so it lies sealed in the store
and nothing that is fetched ever replaces it.
"""

from dataclasses import dataclass
from typing import Any

from ownhue.cosignature import NO_WITNESSES, WitnessKey, WitnessPolicy
from ownhue.region import Region, parse_region, region_bytes
from ownhue.trust.state import trust_root


@dataclass(frozen=True)
class Installed:
    """One region as it was installed. Raises FormatError, LimitError, VerificationError for a root that is none."""

    region: Region
    """Its file."""
    root: bytes | None = None
    """The first root file; None: no root of trust, the region file's keys count."""
    policy: WitnessPolicy = NO_WITNESSES
    """Witnesses of one's own choice; "0 of 0" asks for those that the region's trust roles name."""

    def __post_init__(self) -> None:
        if self.root is not None:
            trust_root(self.root)

    def record(self) -> list[Any]:
        """For the store."""
        witnesses = [witness.vkey for witness in self.policy.witnesses]
        return [region_bytes(self.region), self.root or b"", self.policy.threshold, witnesses]

    @classmethod
    def of_record(cls, record: list[Any]) -> "Installed":
        """What :meth:`record` gave."""
        region, root, threshold, witnesses = record
        policy = WitnessPolicy(threshold, tuple(map(WitnessKey.from_vkey, witnesses)))
        return cls(parse_region(region), root or None, policy)
