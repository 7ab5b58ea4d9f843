"""Bundle: everything a checkpoint needs in order to work without a network. specs/publication.md section 7

Region, trust, state of the log, heads of the last two days, epoch keys, rulebooks, and whose health certificates count.
``updating.py`` makes the next one, ``bundle_file.py`` writes and reads it.

- A bundle is a frozen value. Its documents are judged by the keys that its own trust has in force.
- Nothing in it is about anybody who showed a code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ownhue.certificate.trust_list import TrustList
from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.passes import EpochList
from ownhue.region import Region
from ownhue.rulebook import Rulebook
from ownhue_client.checkpoint.documents import open_certificates, open_epochs
from ownhue_client.publication import LogState, PublicationState, RegionKeys, keys_in_force

#: Tree heads and epoch keys of this many seconds are kept. specs/publication.md section 7
KEPT_SECONDS = 172_800


@dataclass(frozen=True, slots=True)
class PublishedRulebook:
    """A rulebook, the signed document it came in, and the unix second from which on everybody could know it."""

    published_at: int
    document: bytes
    rulebook: Rulebook


@dataclass(frozen=True)
class Bundle:
    """What a checkpoint knows. A new one has only a region and a policy."""

    region: Region
    policy: WitnessPolicy = NO_WITNESSES
    """The witnesses of the checkpoint's own configuration; with "0 of 0" those of the trust roles count."""
    publication: PublicationState = field(default_factory=PublicationState)
    """Trust, and the log with its newest head and the cosignatures below it."""
    heads: Mapping[int, tuple[bytes, int]] = field(default_factory=dict)
    """Size -> (root, signed time) of every tree head of the last two days."""
    epochs_document: bytes = b""
    """The newest signed list of epoch keys; empty before the first."""
    met_epochs: EpochList | None = None
    """Every epoch key of these days that any list ever named."""
    rulebooks: tuple[PublishedRulebook, ...] = ()
    """The newest rulebooks, by version."""
    certificates_document: bytes = b""
    """The newest signed trust list of health certificates; empty before the first."""

    @property
    def log(self) -> LogState:
        """The log, as far as it was followed."""
        return self.publication.log

    @cached_property
    def keys(self) -> RegionKeys:
        """The keys by which its documents are judged."""
        if self.publication.trust and not self.publication.roles:  # a first round that broke off behind a root
            return RegionKeys.of_region(self.region, self.policy)
        return keys_in_force(self.publication, self.region, self.policy)

    @cached_property
    def epochs(self) -> EpochList:
        """The epoch keys that count now."""
        if not self.epochs_document:
            return EpochList(self.region.issuer_name, ())
        return open_epochs(self.epochs_document, self.keys, self.region)

    @cached_property
    def certificates(self) -> TrustList | None:
        """Whose health certificates count now; None when the region has published no list."""
        return (
            open_certificates(self.certificates_document, self.keys, self.region)
            if self.certificates_document
            else None
        )
