"""The signed documents of a checkpoint, opened by the keys in force. specs/publication.md section 7

Each call raises LimitError, FormatError, or VerificationError for signatures, another region or another issuer.
"""

from ownhue.certificate.trust_list import DOCUMENT_KIND, TrustList, trust_from_body
from ownhue.encoding import canonical_json
from ownhue.errors import VerificationError
from ownhue.passes import EpochList
from ownhue.region import Region
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue_client.publication import RegionKeys

#: Kinds of documents that a checkpoint keeps.
RULEBOOK, EPOCHS, CERTIFICATES = "rulebook", "epochs", DOCUMENT_KIND


def open_epochs(document: bytes, keys: RegionKeys, region: Region) -> EpochList:
    """The list of a signed document "epochs"."""
    epochs = EpochList.from_body(keys.open_document(document, EPOCHS))
    if epochs.issuer != region.issuer_name:
        raise VerificationError("the list of epoch keys is of another issuer")
    return epochs


def open_rulebook(document: bytes, keys: RegionKeys, region: Region) -> Rulebook:
    """The rulebook of a signed document "rulebook"."""
    rulebook = parse_rulebook(canonical_json(keys.open_document(document, RULEBOOK)))
    if rulebook.region != region.name:
        raise VerificationError("the rulebook is of another region")
    return rulebook


def open_certificates(document: bytes, keys: RegionKeys, region: Region) -> TrustList:
    """The list of a signed document "certificate-trust": whose health certificates count."""
    trust = trust_from_body(keys.open_document(document, CERTIFICATES))
    if trust.region != region.name:
        raise VerificationError("the certificates' trust list is of another region")
    return trust
