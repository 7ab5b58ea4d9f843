"""Trust metadata of a deployment: what is to be published of it. specs/trust.md section 11

    root.json                      the first root file, which comes with the application
    trust/<version>.root.json      every root file
    trust/<version>.targets.json   targets files that people signed; none while trust is embedded
    trust/<kind>/<sha256>.json     documents that targets files name and that no role offers (yet), and trust roles

With **embedded trust** the keys of root and targets lie in ``keys/trust/`` of the server itself, and the publisher
makes the targets files. That is for trying out: who breaks into the server has everything.
"""

import re
from pathlib import Path

from nacl.signing import SigningKey

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.log import LogEntry
from ownhue.trust import update_root
from ownhue.trust.ceremony import RoleKeys, new_root, sign_trust_file
from ownhue.trust.metadata import TrustFile, parse_trust_file
from ownhue.trust.schema import ROLES, Root, Targets
from ownhue.trust.state import start, trust_root
from ownhue_server.config import Config, Role
from ownhue_server.documents import MAX_BYTES, Document
from ownhue_server.storage.key_folder import KeyFolder, new_seed, sync_folder, write_private

#: Names of the keys of embedded trust.
ROOT, TARGETS = "root", "targets"
#: Life of an embedded root, in seconds. specs/trust.md section 11
EMBEDDED_ROOT_SECONDS = 10 * 365 * 86_400

_TARGETS_NAME = re.compile(r"([1-9][0-9]{0,9})\.targets\.json")


class TrustStore:
    """The trust metadata in *directory*, a deployment."""

    def __init__(self, directory: Path) -> None:
        self.folder = directory / "trust"
        self.first_root = directory / "root.json"
        self.embedded_keys = KeyFolder(directory / "keys" / "trust")

    def roots(self) -> list[TrustFile[Root]]:
        """Every root file from the first on, verified; none where there is no trust metadata.

        Raises FormatError, LimitError, VerificationError.
        """
        if not self.first_root.exists():
            return []
        state = trust_root(read_bounded(self.first_root))
        found = [parse_trust_file(state.root, Root)]
        while (path := self.folder / f"{found[-1].signed.version + 1}.root.json").exists():
            state = update_root(start(state), read_bounded(path))
            found.append(parse_trust_file(state.root, Root))
        return found

    def newest_targets(self) -> TrustFile[Targets] | None:
        """The targets file of the greatest version that people put here; not verified. Raises as the function below."""
        return newest_targets(self.folder)

    def document(self, path: str) -> Document | None:
        """The document that is to be published at *path*; None when it is not here, or damaged."""
        try:
            document = Document(path.partition("/")[0], read_bounded(self.folder / path))
        except (OSError, LimitError):
            return None
        return document if document_path(document) == path else None

    def put(self, name: str, data: bytes) -> None:
        """Store a file for good. Raises FormatError when another content has the name."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            if path.read_bytes() != data:
                raise FormatError(f"{path} is there already, with another content")
            return
        draft = path.with_name(f".{path.name}.draft")
        draft.unlink(missing_ok=True)
        write_private(draft, data)
        draft.rename(path)
        sync_folder(path.parent)


def newest_targets(folder: Path) -> TrustFile[Targets] | None:
    """The targets file in *folder* whose name has the greatest version; None without one. No other file is read.

    Raises FormatError, LimitError, VerificationError.
    """
    versions = [int(match[1]) for path in folder.glob("*.json") if (match := _TARGETS_NAME.fullmatch(path.name))]
    if not versions:
        return None
    return parse_trust_file(read_bounded(folder / f"{max(versions)}.targets.json"), Targets)


def read_bounded(path: Path) -> bytes:
    """The file at *path*. Raises LimitError for one that is longer than any that is published, however long."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LimitError(f"{path} has more than {MAX_BYTES} bytes")
    return data


def document_path(document: Document) -> str:
    """Path of *document* in the published folder. Raises FormatError for a folder that cannot be."""
    return LogEntry.of(document.folder, document.content, "json", 0).path


def create_embedded(config: Config, now: int) -> bytes:
    """Make the keys and the first root of embedded trust; return the root file. *now* in unix seconds."""
    store = TrustStore(config.directory)
    made = store.folder / "1.root.json"
    if made.exists():  # A deployment whose making was cut off.
        data = made.read_bytes()
        store.first_root.write_bytes(data)
        return data
    publisher, roles = config.keys(Role.PUBLISHER), {}
    for role in ROLES:
        folder = store.embedded_keys if role in (ROOT, TARGETS) else publisher
        key = SigningKey(folder.load_or_create(role, new_seed))
        roles[role] = RoleKeys((bytes(key.verify_key),), 1)
    data = new_root(roles, now + EMBEDDED_ROOT_SECONDS)
    data = sign_trust_file(data, SigningKey(store.embedded_keys.load(ROOT)))
    store.put("1.root.json", data)
    store.first_root.write_bytes(data)
    return data


def embedded_key(config: Config, name: str) -> SigningKey:
    """The private key of root or targets that lies on this server. Raises StateError, VerificationError."""
    if not config.settings.embedded_trust:
        raise VerificationError("the keys of root and targets are not on this server")
    return SigningKey(TrustStore(config.directory).embedded_keys.load(name))
