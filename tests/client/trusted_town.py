"""A town with a root of trust, its neighbours, and a device whose clocks the tests turn.

town = TrustedTown()
coast = town.add_region("coast")                       # listed in the town's directory from the next batch on
phone = town.phone(tmp_path / "phone", root=town.publisher.first_root, clock=Device())
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode
from ownhue.key_file import ExposureKey, KeyFile, SignatureInfo, write_key_file
from ownhue.region import Region, region_bytes
from ownhue.regions import RegionEntry, Regions
from ownhue.trust.ceremony import RoleKeys, new_root, next_root, sign_trust_file
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import KeyFileKey
from ownhue.trust.schema import RoleName, Root
from tests.client.publisher import AUTHORITY_KEY, BATCH_SECONDS, KEY_FILE_KEY, region
from tests.client.town import PUBLISHER_KEY, Town
from tests.client.trusted_publisher import (
    ROOT_KEYS,
    YEAR,
    TrustedPublisher,
    key,
    public,
    texts,
    trust_roles,
)

FOREIGN_ROOT_KEYS = (key(71), key(72), key(73))
FOREIGN_LOG_KEY = key(74)
FOREIGN_KEY_FILE_KEY = ec.derive_private_key(75, ec.SECP256R1())


def spki(private: ec.EllipticCurvePrivateKey) -> str:
    """The public half of a key of key files, as region files and trust roles have it."""
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64url_encode(der)


@dataclass
class RealTrustedPublisher(TrustedPublisher):
    """A publisher with trust metadata whose key files are real."""

    region_name: str = "demo"
    root_keys: tuple[SigningKey, ...] = ROOT_KEYS
    key_file_key: ec.EllipticCurvePrivateKey = KEY_FILE_KEY
    keys: Sequence[ExposureKey] = ()
    revised: Sequence[ExposureKey] = ()

    def __post_init__(self) -> None:
        if not self.roots:
            made = new_root(self._root_roles(), self.time + 10 * YEAR)
            self.roots = [sign_trust_file(made, *self.root_keys[:2])]

    def close_keys(
        self,
        *documents: tuple[str, bytes],
        keys: Sequence[ExposureKey] = (),
        revised: Sequence[ExposureKey] = (),
    ) -> int:
        """Close a batch with a key file of *keys*. Returns its closing time."""
        self.keys, self.revised = keys, revised
        return self.close(*documents)

    def key_file(self, batch: int) -> bytes:
        """A real one."""
        start = batch * BATCH_SECONDS
        content = KeyFile(
            keys=tuple(self.keys),
            revised_keys=tuple(self.revised),
            start=start,
            end=start + BATCH_SECONDS,
            region=self.region_name,
        )
        return write_key_file(content, self.key_file_key, SignatureInfo("demo", "1"))

    def head(self, *, key: SigningKey | None = None, **changes: Any) -> bytes:
        """As ``Publisher.head``, of this region's log."""
        return super().head(key=key, **({"origin": f"{self.region_name}.ownhue.example/log"} | changes))

    def rotate(self, **changes: SigningKey) -> None:
        """As ``TrustedPublisher.rotate``, by this region's root keys."""
        for name, new in changes.items():
            setattr(self, name, new)
        made = next_root(self.roots[-1], self._online(), self.time + 10 * YEAR)
        self.roots.append(sign_trust_file(made, *self.root_keys[:2]))
        self.snapshot = b""

    def _root_roles(self) -> dict[RoleName, RoleKeys]:
        return super()._root_roles() | {"root": RoleKeys(public(*self.root_keys), 2)}


@dataclass
class Neighbour:
    """Another region: its file, its publisher, and how often it was asked."""

    region: Region
    publisher: RealTrustedPublisher
    urls: tuple[str, ...]
    reachable: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    """What is served instead of the publisher's files, by path below the server."""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> httpx.Response:
        """What its server says to a request for *path*."""
        self.asked.append(path)
        if not self.reachable:
            raise httpx.ConnectError("no network")
        files = {"/region.json": region_bytes(self.region)}
        files |= {f"/published/{name}": data for name, data in self.publisher.files.items()} | self.files
        return httpx.Response(200, content=files[path]) if path in files else httpx.Response(404)

    def entry(self) -> RegionEntry:
        """What a directory says of it."""
        return entry_of(self.region, self.publisher.first_root, self.urls)


def entry_of(of: Region, root: bytes, urls: tuple[str, ...]) -> RegionEntry:
    """What a directory says of a region."""
    role = parse_trust_file(root, Root).signed.roles.root
    return RegionEntry(
        name=of.name,
        labels={"en": of.name.title()},
        urls=urls,
        region_sha256=sha256(region_bytes(of)).hexdigest(),
        root_keys=role.keyids,
        root_threshold=role.threshold,
    )


def _trusted() -> RealTrustedPublisher:
    return RealTrustedPublisher(roles=trust_roles(publisher_key=base64url_encode(bytes(PUBLISHER_KEY.public_key))))


@dataclass
class TrustedTown(Town):
    """A town with a root of trust, and other regions at their own addresses."""

    publisher: RealTrustedPublisher = field(default_factory=_trusted)  # type: ignore[assignment]
    neighbours: dict[str, Neighbour] = field(default_factory=dict)
    mirrors: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Host of a mirror of this town -> what it serves below ``published/``."""
    directory_version: int = 0

    def add_region(self, name: str, *more_urls: str) -> Neighbour:
        """A neighbouring region with keys of its own."""
        made = region(
            name=name,
            url=f"https://{name}.example",
            origin=f"{name}.ownhue.example/log",
            log_key=texts(FOREIGN_LOG_KEY)[0],
            key_file_key=spki(FOREIGN_KEY_FILE_KEY),
        )
        roles = trust_roles(
            region=name,
            origin=made.origin,
            log_keys=texts(FOREIGN_LOG_KEY),
            key_file_keys=(KeyFileKey(id="demo", key=spki(FOREIGN_KEY_FILE_KEY), version="1"),),
        )
        publisher = RealTrustedPublisher(
            region_name=name,
            roles=roles,
            root_keys=FOREIGN_ROOT_KEYS,
            key_file_key=FOREIGN_KEY_FILE_KEY,
            log_key=FOREIGN_LOG_KEY,
            batch=self.publisher.batch,
        )
        self.neighbours[name] = Neighbour(made, publisher, (made.url, *more_urls))
        return self.neighbours[name]

    def directory(self, *, home_urls: tuple[str, ...] = (), **changes: Any) -> tuple[str, bytes]:
        """The next directory as the authority signs it: this town and every neighbour. *changes*: of the home entry."""
        self.directory_version += 1
        home = entry_of(self.region, self.publisher.first_root, (self.region.url, *home_urls)).model_copy(
            update=changes
        )
        entries = [home, *(neighbour.entry() for neighbour in self.neighbours.values())]
        book = Regions(
            format="ownhue-regions-1",
            home="demo",
            version=self.directory_version,
            languages=("en",),
            regions=tuple(sorted(entries, key=lambda item: item.name)),
        )
        return "regions", sign_document("regions", book.model_dump(mode="json"), AUTHORITY_KEY)

    def elsewhere(self, request: httpx.Request) -> httpx.Response | None:
        """What mirrors and the neighbours' servers answer."""
        host, path = request.url.host, request.url.path
        if host in self.mirrors:
            data = self.mirrors[host].get(path.removeprefix("/published/"))
            return httpx.Response(404) if data is None else httpx.Response(200, content=data)
        for neighbour in self.neighbours.values():
            if any(httpx.URL(url).host == host for url in neighbour.urls):
                return neighbour.answer(path)
        return None


@dataclass
class Device:
    """A device whose monotonic clock the tests move; it never goes back."""

    boot: bytes = bytes([1]) * 16
    seconds: int = 1000

    def reading(self) -> tuple[bytes, int]:
        """As ``ownhue_client.clock.Clock.reading``."""
        return self.boot, self.seconds

    def restart(self) -> None:
        """Switch it off and on: another start, its clock at zero."""
        self.boot, self.seconds = bytes([self.boot[0] + 1]) * 16, 0
