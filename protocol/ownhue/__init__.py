"""The protocol of a health code that belongs to its owner. Pure: no network, no files, no clock.

A colour by the published rules, and a code that a checkpoint verifies offline:

>>> from ownhue import Colour, Facts, decide
>>> from ownhue.rulebook.demonstration import demonstration_rulebook
>>> monday = 1_767_600_000
>>> nothing_heard = Facts(salt=bytes(16), observed_since=monday, published_until=monday, radio_share_percent=100)
>>> decide(demonstration_rulebook(), nothing_heard, monday).colour.word
'green'

>>> from ownhue import CheckpointView, CodeRefused, verify_code
>>> door = CheckpointView("issuer.example", {}, {}, rulebook_version=1, signed_time=monday, max_age_seconds=86_400)
>>> try:
...     verify_code("OWN1:...", door, monday)
... except CodeRefused as refused:
...     refused.step, str(refused.refusal)
(2, 'damaged')

Each name comes from its own module when it is first asked for, so that each part can be used without the others: a
rehearsal needs no cryptography. specs/README.md lists the formats and their modules.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ownhue.advertisement import read_advertisement, write_advertisement
    from ownhue.area_notice import AreaNotice, open_area_notice
    from ownhue.certificate import open_certificate
    from ownhue.clock_anchor import ClockAnchor
    from ownhue.code import Code, Statement, decode_code, encode_code, sign_code
    from ownhue.colour import Colour, Decision, Facts, decide
    from ownhue.documents import open_document, sign_document
    from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, StateError, VerificationError
    from ownhue.identifiers import Beacon, Metadata, TemporaryExposureKey, beacon_at, interval_number, period_start
    from ownhue.key_file import ExposureKey, KeyFile, SignatureInfo, open_key_file, read_key_file, write_key_file
    from ownhue.matching import Matcher, Sighting, windows_from
    from ownhue.passes import EpochKey, EpochList, Pass, finish_pass, request_pass, verify_pass
    from ownhue.region import Region, parse_region
    from ownhue.report import Report, Withdrawal, open_sealed, seal
    from ownhue.review import recompute, review_bytes
    from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes
    from ownhue.tree import verify_consistency, verify_inclusion
    from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
    from ownhue.verify import CheckpointView, CodeRefused, Refusal, Seen, Verdict, verify_code

#: Version of the formats in specs/.
SPEC_VERSION = "0.1"

__all__ = [
    "SPEC_VERSION",
    "AreaNotice",
    "Beacon",
    "CheckpointView",
    "ClockAnchor",
    "Code",
    "CodeRefused",
    "Colour",
    "Decision",
    "EpochKey",
    "EpochList",
    "ExposureKey",
    "Facts",
    "ForkError",
    "FormatError",
    "KeyFile",
    "LimitError",
    "Matcher",
    "Metadata",
    "OwnhueError",
    "Pass",
    "Refusal",
    "Region",
    "Report",
    "Rulebook",
    "Seen",
    "Sighting",
    "SignatureInfo",
    "StateError",
    "Statement",
    "TemporaryExposureKey",
    "TreeHead",
    "Verdict",
    "VerificationError",
    "Withdrawal",
    "beacon_at",
    "decide",
    "decode_code",
    "encode_code",
    "finish_pass",
    "interval_number",
    "open_area_notice",
    "open_certificate",
    "open_document",
    "open_key_file",
    "open_sealed",
    "open_tree_head",
    "parse_region",
    "parse_rulebook",
    "period_start",
    "read_advertisement",
    "read_key_file",
    "recompute",
    "request_pass",
    "review_bytes",
    "rulebook_bytes",
    "seal",
    "sign_code",
    "sign_document",
    "sign_tree_head",
    "verify_code",
    "verify_consistency",
    "verify_inclusion",
    "verify_pass",
    "windows_from",
    "write_advertisement",
    "write_key_file",
]

_MODULES = {
    "advertisement": "read_advertisement write_advertisement",
    "area_notice": "AreaNotice open_area_notice",
    "certificate": "open_certificate",
    "clock_anchor": "ClockAnchor",
    "code": "Code Statement decode_code encode_code sign_code",
    "colour": "Colour Decision Facts decide",
    "documents": "open_document sign_document",
    "errors": "ForkError FormatError LimitError OwnhueError StateError VerificationError",
    "identifiers": "Beacon Metadata TemporaryExposureKey beacon_at interval_number period_start",
    "key_file": "ExposureKey KeyFile SignatureInfo open_key_file read_key_file write_key_file",
    "matching": "Matcher Sighting windows_from",
    "passes": "EpochKey EpochList Pass finish_pass request_pass verify_pass",
    "region": "Region parse_region",
    "report": "Report Withdrawal open_sealed seal",
    "review": "recompute review_bytes",
    "rulebook": "Rulebook parse_rulebook rulebook_bytes",
    "tree": "verify_consistency verify_inclusion",
    "tree_head": "TreeHead open_tree_head sign_tree_head",
    "verify": "CheckpointView CodeRefused Refusal Seen Verdict verify_code",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """The public *name*, from its module."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'ownhue' has no attribute {name!r}")
    return getattr(import_module(f"ownhue.{module}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
