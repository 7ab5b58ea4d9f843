"""What the files rulebook.json, certificate-trust.json and regions.json say: bodies of signed documents.

    READERS["rulebook"](data, "demo")         # the body, or FormatError

Nothing is signed here; that is the authority's, or people's who hold a ceremony.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.certificate.trust_list import DOCUMENT_KIND, trust_body, trust_from_body
from ownhue.encoding import parse_canonical_json
from ownhue.errors import FormatError
from ownhue.regions import parse_regions
from ownhue.rulebook import parse_rulebook, rulebook_bytes

RULEBOOK, REGIONS = "rulebook", "regions"


def _rulebook(data: bytes, region: str) -> dict[str, Any]:
    rulebook = parse_rulebook(data)
    _check_region(rulebook.region, region)
    return dict(parse_canonical_json(rulebook_bytes(rulebook)))


def _certificate_trust(data: bytes, region: str) -> dict[str, Any]:
    trust = trust_from_body(_object(data))
    _check_region(trust.region, region)
    return trust_body(trust)


def _regions(data: bytes, region: str) -> dict[str, Any]:
    _check_region(parse_regions(data).home, region)
    return _object(data)


def _object(data: bytes) -> dict[str, Any]:
    body = parse_canonical_json(data)
    if not isinstance(body, dict):
        raise FormatError("not an object")
    return body


def _check_region(found: str, region: str) -> None:
    if found != region:
        raise FormatError("it is of another region")


#: What is made of the file of each kind.
READERS: Mapping[str, Callable[[bytes, str], dict[str, Any]]] = {
    RULEBOOK: _rulebook,
    DOCUMENT_KIND: _certificate_trust,
    REGIONS: _regions,
}
