"""Trust metadata at the closing of a batch: which of it has to be out. specs/trust.md sections 9 and 11

- Roots, and the targets that people signed, come from the deployment's folder ``trust/``; snapshot and timestamp are
  made here with the online keys. With embedded trust the targets are made here, too.
- What was published is read from the publisher's database, in the transaction that closes the batch: the same
  database, files and closing time give the same bytes, and a crash leaves no version twice.
- Whatever is wrong with trust metadata, the batch is closed: the keys of those who are ill are not kept back. The log
  of the server says what is wrong, and phones stop when the last timestamp is void.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from nacl.signing import SigningKey
from sqlalchemy import Connection, func, select

from ownhue.errors import OwnhueError, StateError
from ownhue.trust.ceremony import new_snapshot, new_targets, new_timestamp, role_keys, sign_trust_file
from ownhue.trust.metadata import TrustFile, missing_signatures, parse_trust_file
from ownhue.trust.roles import TRUST_ROLES_FOLDER, TrustRoles, parse_trust_roles, trust_roles_bytes
from ownhue.trust.schema import MetaFile, Root, Signed, Snapshot, Targets, Timestamp
from ownhue.trust.targets import Target, TrustedTargets
from ownhue_server import logs
from ownhue_server.config import Config, Role
from ownhue_server.documents import Document
from ownhue_server.online_keys import IN_USE, NEXT, OLD, ONLINE_KEYS, public_half
from ownhue_server.publisher.tables import FILES
from ownhue_server.region_roles import listed_keys, trust_roles_of
from ownhue_server.trust_store import TARGETS, TrustStore, document_path, embedded_key

#: Folder of trust metadata in the published folder. specs/trust.md section 1
TRUST = "trust"
#: Kinds of documents that embedded targets name. specs/trust.md section 9
VOUCHED = ("rulebook", "certificate-trust", "regions", TRUST_ROLES_FOLDER)
#: Seconds from the making of a file to its end; it is made anew when half of them are over. specs/trust.md section 11
TIMESTAMP_SECONDS, SNAPSHOT_SECONDS, TARGETS_SECONDS = 2 * 86_400, 7 * 86_400, 90 * 86_400

S = TypeVar("S", bound=Signed)

_log = logs.get("publisher")


class TrustFiles:
    """Makes the trust metadata of *config*.

    *publisher_key*: the key (X25519) that reports shall be sealed to; *opened*: further ones that this process opens.
    """

    def __init__(self, config: Config, publisher_key: bytes, opened: Collection[bytes] = ()) -> None:
        self._config = config
        self._publisher_key = publisher_key
        self._opened = {publisher_key, *opened}
        # What this process has read when it started; on the disk a key may be changed meanwhile.
        self._in_use = {key: public_half(config, key, IN_USE) for key in ("log", "authority", "issuer", "key-files")}
        self._store = TrustStore(config.directory)

    def documents(self, connection: Connection, others: Sequence[Document], closing: int) -> list[Document]:
        """What comes into the batch that closes at *closing* (unix seconds) beside the *others*."""
        try:
            root = self._store.roots()
            if not root:
                return []
            return self._documents(_Batch(connection, others, closing), root)
        except (OwnhueError, OSError) as error:
            _log.error("trust metadata cannot be made", error=type(error).__name__)
            return []

    def _documents(self, batch: "_Batch", roots: Sequence[TrustFile[Root]]) -> list[Document]:
        added = self._roles_and_announced(batch)
        batch.others = [*batch.others, *added]
        return [*added, *(Document(TRUST, data) for data in self._release(batch, roots))]

    def _release(self, batch: "_Batch", roots: Sequence[TrustFile[Root]]) -> list[bytes]:
        """Every root, and the newest file of each other role. A root under which phones could not go on waits."""
        newest = roots[-1]
        try:
            return [*(file.data for file in roots), *self._under(batch, newest)]
        except OwnhueError as error:
            if len(roots) == 1 or batch.is_out(document_path(Document(TRUST, newest.data))):
                raise
            _log.error("a root waits", version=newest.signed.version, error=type(error).__name__)
        return self._release(batch, roots[:-1])

    def _under(self, batch: "_Batch", root: TrustFile[Root]) -> list[bytes]:
        """Targets, snapshot and timestamp; nothing before the first targets. Raises StateError when *root* forbids."""
        targets = self._targets(batch, root)
        if targets is None:
            return []
        if missing_signatures(root, targets):
            raise StateError("phones would refuse these targets under this root")
        snapshot = self._snapshot(batch, root, targets)
        return [targets.data, snapshot.data, self._timestamp(batch, root, snapshot).data]

    def _roles_and_announced(self, batch: "_Batch") -> list[Document]:
        """The trust roles, and documents that people put beside the targets that name them."""
        stated = trust_roles_of(self._config, self._publisher_key)
        roles = Document(TRUST_ROLES_FOLDER, trust_roles_bytes(stated))
        if self._config.settings.embedded_trust:
            self._check_own_keys(stated)
            return [roles]
        targets = self._put_here()
        missing = [path for path in (targets.signed.targets if targets else {}) if not batch.is_out(path)]
        # Nobody's roles but those that people signed for get into the log: two lists of keys would leave questions.
        found = [roles if document_path(roles) == path else self._store.document(path) for path in sorted(missing)]
        return [document for document in found if document is not None]

    def _check_own_keys(self, roles: TrustRoles) -> None:
        """Raise StateError for roles under which phones would refuse what this process signs, or it their reports."""
        listed = listed_keys(roles)
        strange = [key for key, half in self._in_use.items() if half not in listed[key]]
        if strange or not self._opened & {*listed["reports"]}:
            raise StateError("keys were changed on the disk: start the server again")

    def _put_here(self) -> TrustFile[Targets] | None:
        """The newest targets that people put here; a damaged file keeps back itself and nothing else."""
        try:
            return self._store.newest_targets()
        except (OwnhueError, OSError) as error:
            _log.error("the newest targets file cannot be read", error=type(error).__name__)
            return None

    def _targets(self, batch: "_Batch", root: TrustFile[Root]) -> TrustFile[Targets] | None:
        """The targets file to be out; None when there is none yet."""
        if self._config.settings.embedded_trust:
            return self._embedded_targets(batch, root)
        published, found = batch.newest(Targets), self._put_here()
        if found is None or (published and published.signed.version >= found.signed.version):
            return published
        if missing_signatures(root, found):
            _log.error("too few keys signed the targets file", version=found.signed.version)
            return published
        if not all(batch.will_be_out(path) for path in found.signed.targets):
            _log.error("targets name a file that is not published; they wait", version=found.signed.version)
            return published
        try:
            path = TrustedTargets.of(found.signed).current(TRUST_ROLES_FOLDER, batch.closing).path
            self._check_own_keys(parse_trust_roles(batch.file(path), self._config.region.name))
        except OwnhueError as error:
            _log.error("targets wait: was the server started again?", error=type(error).__name__)
            return published
        return found

    def _embedded_targets(self, batch: "_Batch", root: TrustFile[Root]) -> TrustFile[Targets]:
        published = batch.newest(Targets)
        before = TrustedTargets.of(published.signed).targets if published else ()
        named = [target for kind in VOUCHED for target in _named(batch, kind, before)]
        same = sorted(before, key=_by_path) == sorted(named, key=_by_path)
        if published and same and batch.is_fresh(root, published, TARGETS_SECONDS):
            return published
        version = published.signed.version + 1 if published else 1
        data = new_targets(named, batch.closing + TARGETS_SECONDS, version)
        return parse_trust_file(sign_trust_file(data, embedded_key(self._config, TARGETS)), Targets)

    def _snapshot(self, batch: "_Batch", root: TrustFile[Root], targets: TrustFile[Targets]) -> TrustFile[Snapshot]:
        published = batch.newest(Snapshot)
        same = published is not None and _names(published.signed.meta.targets, targets.data)
        if published and same and batch.is_fresh(root, published, SNAPSHOT_SECONDS):
            return published
        return self._made(batch, root, Snapshot, new_snapshot, targets.data, SNAPSHOT_SECONDS)

    def _timestamp(self, batch: "_Batch", root: TrustFile[Root], snapshot: TrustFile[Snapshot]) -> TrustFile[Timestamp]:
        published = batch.newest(Timestamp)
        same = published is not None and _names(published.signed.meta.snapshot, snapshot.data)
        if published and same and batch.is_fresh(root, published, TIMESTAMP_SECONDS):
            return published
        return self._made(batch, root, Timestamp, new_timestamp, snapshot.data, TIMESTAMP_SECONDS)

    def _made(
        self,
        batch: "_Batch",
        root: TrustFile[Root],
        model: type[S],
        make: Callable[[bytes, int, int], bytes],
        named: bytes,
        seconds: int,
    ) -> TrustFile[S]:
        """The next file of *model*, signed by every key of its role that lies here. Raises StateError without one."""
        before = batch.newest(model)
        data = make(named, batch.closing + seconds, before.signed.version + 1 if before else 1)
        keys = [
            key for key in self._keys(model.role) if bytes(key.verify_key) in role_keys(root.signed, model.role).keys
        ]
        file = parse_trust_file(sign_trust_file(data, *keys), model)
        if missing_signatures(root, file):
            raise StateError(f"the root asks for keys of {model.role} that are not on this server")
        return file

    def _keys(self, role: str) -> Iterator[SigningKey]:
        folder, name = self._config.keys(Role.PUBLISHER), ONLINE_KEYS[role].name
        for state in (IN_USE, NEXT, OLD):
            if name + state in folder.names():
                yield SigningKey(folder.load(name + state))


@dataclass
class _Batch:
    """What is known while a batch is closed."""

    connection: Connection
    others: Sequence[Document]
    closing: int

    def newest(self, model: type[S]) -> TrustFile[S] | None:
        """The published file of *model* with the greatest version."""
        # Found by the one spelling of its role: to read them all would take longer with every day.
        of_role = func.instr(FILES.c.content, f'"_type":"{model.role}"'.encode()) > 0
        statement = select(FILES.c.content).where((FILES.c.kind == TRUST) & of_role).order_by(FILES.c.batch.desc())
        newest: bytes | None = self.connection.execute(statement.limit(1)).scalar()
        return parse_trust_file(newest, model) if newest else None

    def is_fresh(self, root: TrustFile[Root], file: TrustFile[S], seconds: int) -> bool:
        """Whether *file* need not be made anew: half its life lies ahead, and today's keys signed it."""
        return 2 * (file.signed.expires_at - self.closing) > seconds and not missing_signatures(root, file)

    def content(self, kind: str) -> bytes | None:
        """The document of *kind* that is the newest in the log when this batch is closed."""
        coming = [document.content for document in self.others if document.folder == kind]
        if coming:
            return coming[-1]
        newest = select(FILES.c.content).where(FILES.c.kind == kind).order_by(FILES.c.batch.desc()).limit(1)
        found: bytes | None = self.connection.execute(newest).scalar()
        return found

    def file(self, path: str) -> bytes:
        """The document at *path*, which comes with this batch or was published. Raises StateError without one."""
        coming = [document.content for document in self.others if document_path(document) == path]
        found: bytes | None = self.connection.execute(select(FILES.c.content).where(FILES.c.path == path)).scalar()
        if not coming and found is None:
            raise StateError("a file that targets name is not published")
        return coming[0] if found is None else found

    def is_out(self, path: str) -> bool:
        """Whether the file at *path* was published."""
        return self.connection.execute(select(FILES.c.path).where(FILES.c.path == path)).first() is not None

    def will_be_out(self, path: str) -> bool:
        """Whether it is when this batch is closed: of one kind, only the last of several goes out."""
        coming = {document.folder: document_path(document) for document in self.others}
        return path in coming.values() or self.is_out(path)


def _named(batch: _Batch, kind: str, before: Sequence[Target]) -> list[Target]:
    """The targets of *kind*: the newest document, and the one before for clocks that are behind."""
    content = batch.content(kind)
    known = sorted((target for target in before if target.folder == kind), key=lambda target: target.since)
    if content is None or (known and known[-1].sha256 == sha256(content).digest()):
        return known
    since = batch.closing if known else 0
    new = Target(document_path(Document(kind, content)), sha256(content).digest(), len(content), since)
    return [*(target for target in known[-1:] if target.since < since and target.path != new.path), new]


def _names(meta: MetaFile, data: bytes) -> bool:
    return meta.hashes.sha256 == sha256(data).hexdigest()


def _by_path(target: Target) -> str:
    return target.path
