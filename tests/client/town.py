"""A whole region in memory for tests of the phone: authority, publisher and issuer behind an httpx.MockTransport.

Made with the protocol's own modules. The tests tell it to be unreachable, to lose answers or to lie.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.public import PrivateKey

from ownhue.blind_rsa import blind_sign, generate_key, pss_spki
from ownhue.claim_code import new_claim_code, parse_claim_code
from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.device import ENROL, PASSES, open_request
from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode, cbor_decode, cbor_encode, frame, parse_canonical_json, unframe
from ownhue.errors import OwnhueError
from ownhue.key_file import ExposureKey, KeyFile, SignatureInfo, write_key_file
from ownhue.log import LogEntry
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue.passes import EpochKey, EpochList, epoch_of
from ownhue.region import Region
from ownhue.report import Report, ReportTokenKey, Withdrawal, open_sealed, report_keys_body, verify_token, week_of
from ownhue.rulebook import Rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.ticket import sign_ticket
from ownhue_client.clock import Clock
from ownhue_client.phone import Phone, Settings
from tests.client.publisher import (
    AUTHORITY_KEY,
    BATCH_SECONDS,
    ISSUER_KEY,
    ISSUER_NAME,
    KEY_FILE_KEY,
    START,
    Publisher,
    region,
)

HOUR, DAY = 3600, 86400
PUBLISHER_KEY = PrivateKey(bytes([7]) * 32)
REPORT_TYPES = (ReportType.CONFIRMED_TEST, ReportType.REVOKED)


@lru_cache
def rsa_key(name: str) -> RSAPrivateKey:
    """An RSA key for *name*, made once."""
    return generate_key(2048)


def token_key(report_type: ReportType, week: int) -> ReportTokenKey:
    """The authority's token key of a report type and week."""
    return ReportTokenKey(report_type, week, rsa_key(f"{report_type.name} {week}").public_key())


def epoch_key(epoch: int) -> EpochKey:
    """The issuer's key of an epoch."""
    return EpochKey(epoch, pss_spki(rsa_key(f"epoch {epoch}").public_key()))


def rulebook_document(rulebook: Rulebook) -> tuple[str, bytes]:
    """A rulebook as the authority signs it."""
    return "rulebook", sign_document("rulebook", parse_canonical_json(rulebook_bytes(rulebook)), AUTHORITY_KEY)


def epochs_document(*keys: EpochKey) -> tuple[str, bytes]:
    """A list of epoch keys as the issuer signs it."""
    return "epochs", sign_document("epochs", EpochList(ISSUER_NAME, keys).to_body(), ISSUER_KEY)


def report_keys_document(now: int) -> tuple[str, bytes]:
    """The authority's token keys of the week of *now*."""
    body = report_keys_body([token_key(kind, week_of(now)) for kind in REPORT_TYPES])
    return "report-keys", sign_document("report-keys", body, AUTHORITY_KEY)


class RealPublisher(Publisher):
    """A publisher whose key files are real."""

    def close_keys(
        self,
        *documents: tuple[str, bytes],
        keys: Sequence[ExposureKey] = (),
        revised: Sequence[ExposureKey] = (),
        **lies: Any,
    ) -> int:
        """Close a batch with a key file of *keys*; *lies* replace fields of the file. Returns its closing time."""
        for kind, data in documents:
            self._add(LogEntry.of(kind, data, "json", self.batch), data)
        start = self.batch * BATCH_SECONDS
        fields: dict[str, Any] = {"start": start, "end": start + BATCH_SECONDS, "region": "demo"}
        content = KeyFile(keys=tuple(keys), revised_keys=tuple(revised), **(fields | lies))
        data = write_key_file(content, KEY_FILE_KEY, SignatureInfo("demo", "1"))
        self._add(LogEntry.of(f"keys/{self.batch}", data, "zip", self.batch), data)
        self.batch += 1
        self.time = self.batch * BATCH_SECONDS
        self.publish()
        return self.time


@dataclass
class Town:
    """The region's servers. ``requests`` holds every request that reached them, in order."""

    publisher: RealPublisher = field(default_factory=RealPublisher)
    requests: list[httpx.Request] = field(default_factory=list)
    #: Paths whose requests never arrive.
    unreachable: set[str] = field(default_factory=set)
    #: Paths whose next answer is lost on the way.
    lose_answer: set[str] = field(default_factory=set)
    codes: dict[str, bytes | None] = field(default_factory=dict)
    spent: set[bytes] = field(default_factory=set)
    received: list[Report | Withdrawal] = field(default_factory=list)
    devices: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        today = epoch_of(START)
        self.now = self.publisher.close_keys(
            rulebook_document(demonstration_rulebook()),
            report_keys_document(START),
            epochs_document(*(epoch_key(epoch) for epoch in range(today, today + 3))),
        )

    def elsewhere(self, request: httpx.Request) -> httpx.Response | None:
        """What another server than this town's answers; None: it is this town's."""
        return None

    @property
    def region(self) -> Region:
        """What a phone of this region is given."""
        return region(publisher_key=base64url_encode(bytes(PUBLISHER_KEY.public_key)))

    def client(self) -> httpx.Client:
        """An HTTP client that reaches this town and nothing else."""
        return httpx.Client(transport=httpx.MockTransport(self.handle))

    def phone(
        self,
        directory: Path,
        now: int = START,
        *,
        root: bytes | None = None,
        policy: WitnessPolicy = NO_WITNESSES,
        clock: Clock | None = None,
        **settings: Any,
    ) -> Phone:
        """A new phone of this town."""
        return Phone.create(
            directory,
            self.region,
            random=os.urandom,
            http_client=self.client(),
            now=now,
            root=root,
            policy=policy,
            clock=clock,
            settings=Settings(**settings),
        )

    def code(self, report_type: ReportType = ReportType.CONFIRMED_TEST) -> str:
        """A claim code as a desk hands it out."""
        code = new_claim_code(report_type, "short", os.urandom)
        self.codes[code] = None
        return code

    def ticket(self) -> str:
        """An enrolment ticket."""
        return sign_ticket(AUTHORITY_KEY, os.urandom(16), self.now + DAY)

    def bodies(self, path: str) -> list[bytes]:
        """Bodies of the requests to *path* so far."""
        return [request.content for request in self.requests if request.url.path == path]

    def handle(self, request: httpx.Request) -> httpx.Response:
        """What the servers answer."""
        path = request.url.path
        if path in self.unreachable:
            raise httpx.ConnectError("no network")
        self.requests.append(request)
        response = self.elsewhere(request) or self._answer(path, request)
        if path in self.lose_answer:
            self.lose_answer.remove(path)
            raise httpx.ReadTimeout("the answer was lost")
        return response

    def _answer(self, path: str, request: httpx.Request) -> httpx.Response:
        if path.startswith("/published/"):
            data = self.publisher.files.get(path.removeprefix("/published/"))
            return httpx.Response(404) if data is None else httpx.Response(200, content=data)
        endpoints = {
            "/authority/v1/claim": self._claim,
            "/publisher/v1/report": self._report,
            "/issuer/v1/enrol": self._enrol,
            "/issuer/v1/passes": self._passes,
        }
        body = cbor_decode(unframe(request.content))
        answer = {} if body == {"decoy": True} else endpoints[path](body)
        return httpx.Response(200, content=frame(cbor_encode({"ok": "error" not in answer, **answer})))

    def _claim(self, body: dict[str, Any]) -> dict[str, Any]:
        code, report_type = parse_claim_code(body["code"])
        if code not in self.codes:
            return {"error": "unknown_code"}
        if self.codes[code] not in {None, body["blinded"]}:
            return {"error": "other_message"}
        self.codes[code] = body["blinded"]
        key = rsa_key(f"{report_type.name} {week_of(self.now)}")
        return {"signature": blind_sign(key, body["blinded"], os.urandom)}

    def _report(self, body: dict[str, Any]) -> dict[str, Any]:
        report = open_sealed(body["sealed"], PUBLISHER_KEY)
        keys = {token_key(kind, week_of(self.now)).key_id: token_key(kind, week_of(self.now)) for kind in REPORT_TYPES}
        try:
            verify_token(report.message(), report.signature, keys[report.key_id])
        except OwnhueError:
            return {"error": "bad_token"}
        if report.signature in self.spent:
            return {"error": "token_spent"}
        self.spent.add(report.signature)
        self.received.append(report)
        return {}

    def _enrol(self, body: dict[str, Any]) -> dict[str, Any]:
        device = open_request(ENROL, body, self.now, HOUR)
        return {} if self.devices.setdefault(body["ticket"], device) == device else {"error": "ticket_spent"}

    def _passes(self, body: dict[str, Any]) -> dict[str, Any]:
        if open_request(PASSES, body, self.now, HOUR) not in self.devices.values():
            return {"error": "unknown_device"}
        key = rsa_key(f"epoch {body['epoch']}")
        return {"signatures": [blind_sign(key, message, os.urandom) for message in body["blinded"]]}


def meet(a: Phone, b: Phone, start: int, slots: int = 60, attenuation: int = 50) -> None:
    """*a* and *b* hear each other in *slots* scans of 20 s from *start* on, and listen for that whole day."""
    for listener, speaker in ((a, b), (b, a)):
        heard = []
        for time in range(start, start + 20 * slots, 20):
            beacon = speaker.beacon_at(time)
            heard.append(
                Sighting(beacon.rpi, beacon.aem, time, speaker.settings.transmit_power - attenuation, time, 20)
            )
        listener.hear_many(heard)
        listener.note_scans(range(start, start + DAY, 300))
