"""Report-token keys: one RSA-2048 key for each report type and week, made when the list first names it. specs/report.md

The list names this week's keys and the next week's, so that a phone never waits for one. A private key is deleted when
the week after its own is over: until then a claim that was granted can be repeated. No list is older than one before
it, also when batches are closed late: a key that is gone would be made anew, and a week have two.
"""

import re

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.params import ReportType
from ownhue.report import ReportTokenKey, report_keys_body, week_of
from ownhue_server.storage.key_folder import KeyFolder, load_rsa, new_rsa

#: Report types that a desk hands out codes for. specs/report.md
REPORT_TYPES = (
    ReportType.CONFIRMED_TEST,
    ReportType.CONFIRMED_CLINICAL,
    ReportType.SELF_REPORT,
    ReportType.REVOKED,
)

_KEY_NAME = re.compile(r"report-[1-9]-(0|[1-9][0-9]{0,8})", re.ASCII)


class SigningKeys:
    """The authority's report-token keys in *keys*; the list of them is signed by *signing_key*."""

    def __init__(self, keys: KeyFolder, signing_key: SigningKey) -> None:
        self._keys = keys
        self._signing_key = signing_key
        self._loaded: dict[tuple[int, ReportType], RSAPrivateKey] = {}
        self._documents: dict[int, bytes] = {}

    def public_key(self, report_type: ReportType, week: int) -> ReportTokenKey:
        """The key for *report_type* and *week*, as the list names it."""
        return ReportTokenKey(report_type, week, self._private_key(report_type, week).public_key())

    def find(self, report_type: ReportType, key_id: bytes, now: int) -> RSAPrivateKey | None:
        """The private key with *key_id* if it is of *report_type* and of this or the last week; else None."""
        week = week_of(now)
        for number in (week, week - 1):
            if self._exists(report_type, number) and self.public_key(report_type, number).key_id == key_id:
                return self._private_key(report_type, number)
        return None

    def is_current(self, report_type: ReportType, key_id: bytes, now: int) -> bool:
        """Whether *key_id* names this week's key of *report_type*, the only one that new claims are signed with."""
        return self.public_key(report_type, week_of(now)).key_id == key_id

    def newest(self) -> int | None:
        """The newest week that has a key; None before the first list."""
        return max(self._weeks(), default=None)

    def document(self, now: int) -> bytes:
        """The signed list of this week's and next week's keys."""
        week = max([week_of(now), *(number - 1 for number in self._weeks())])
        if week not in self._documents:
            self._forget_before(week - 1)
            # The newest first: by it a process that starts meanwhile, or after this one was killed, judges its clock.
            keys = [self.public_key(kind, number) for number in (week + 1, week) for kind in REPORT_TYPES]
            self._documents = {week: sign_document("report-keys", report_keys_body(keys), self._signing_key)}
        return self._documents[week]

    def _private_key(self, report_type: ReportType, week: int) -> RSAPrivateKey:
        name = (week, report_type)
        if name not in self._loaded:
            self._loaded[name] = load_rsa(self._keys.load_or_create(_file_name(report_type, week), new_rsa))
        return self._loaded[name]

    def _exists(self, report_type: ReportType, week: int) -> bool:
        return (week, report_type) in self._loaded or _file_name(report_type, week) in self._keys.names()

    def _weeks(self) -> list[int]:
        """The weeks that have a key. Other files may lie there too: a copy, what a backup left."""
        return [int(found[1]) for found in map(_KEY_NAME.fullmatch, self._keys.names()) if found]

    def _forget_before(self, week: int) -> None:
        for number in self._weeks():
            if number < week:
                for kind in REPORT_TYPES:
                    self._keys.delete(_file_name(kind, number))
        self._loaded = {name: key for name, key in self._loaded.items() if name[0] >= week}


def _file_name(report_type: ReportType, week: int) -> str:
    return f"report-{int(report_type)}-{week}"
