"""Signed trust metadata on its way into a deployment: checked whole, or refused whole. specs/trust.md section 11

What is put into the folder ``trust/`` here is published with the next batch. A file that phones would refuse, or one
after which they could not go on, is not taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nacl.signing import SigningKey

from ownhue.errors import OwnhueError, StateError, VerificationError
from ownhue.trust.ceremony import role_keys
from ownhue.trust.metadata import TrustFile, missing_signatures, parse_any_trust_file, parse_trust_file
from ownhue.trust.roles import TRUST_ROLES_FOLDER, trust_roles_bytes
from ownhue.trust.schema import Root, Targets
from ownhue_server.config import Config, Role, settings_bytes
from ownhue_server.documents import Document
from ownhue_server.region_roles import trust_roles_of
from ownhue_server.storage.key_folder import sync_folder, write_private
from ownhue_server.trust_fit import check_embedded, check_order, check_roles, check_root, check_targets
from ownhue_server.trust_store import ROOT, TARGETS, TrustStore, document_path, newest_targets, read_bounded


@dataclass
class _Given:
    """The files that somebody wants installed."""

    roots: list[TrustFile[Root]] = field(default_factory=list)
    targets: list[TrustFile[Targets]] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)


def install(config: Config, files: Sequence[bytes], now: int, *, fresh: bool = False) -> list[str]:
    """Put signed *files* where the publisher takes them up; return the names under which they lie.

    *files*: root files, one targets file, and documents that it names. *now* in unix seconds. *fresh*: the first root
    takes the place of the one that is here. Raises StateError for files that are unfinished, go back, or do not fit
    this server; FormatError, LimitError, VerificationError.
    """
    given, store = _sort(files), TrustStore(config.directory)
    root = _chain([] if fresh else store.roots(), given.roots)[-1]
    check_root(config, root, now)
    check_embedded(config, root, with_targets=bool(given.targets))
    targets = given.targets[0] if given.targets else store.newest_targets()
    if not config.settings.embedded_trust:
        if targets is None:
            raise StateError("without a targets file phones cannot go on: install one together with the root")
        if given.targets:
            _refuse_old(config, targets, now)
        check_targets(root, targets, now)
        check_roles(config, targets, _named(config, store, given, targets), now)
    if fresh:
        _exchange(store, given.roots[0])
    return _write(store, given, targets)


def adopt(config: Config, files: Sequence[bytes], now: int) -> list[str]:
    """As :func:`install`, and from then on the keys of root and targets are people's: those on this server are deleted.

    In a deployment that has published nothing yet the first root may be exchanged. It can be called again after it was
    cut off. Raises StateError as above, and when the new root still lists a key that lies on the server.
    """
    given, store = _sort(files), TrustStore(config.directory)
    keys = store.embedded_keys
    on_server = {bytes(SigningKey(keys.load(name)).verify_key) for name in (ROOT, TARGETS) if name in keys.names()}
    first = any(root.signed.version == 1 and root.data != store.first_root.read_bytes() for root in given.roots)
    # The database knows what was published, also where the folder was lost.
    fresh = first and not (config.published / "trust").exists() and not config.database(Role.PUBLISHER).exists()
    root = _chain([] if fresh else store.roots(), given.roots)[-1]
    listed = {*role_keys(root.signed, "root").keys, *role_keys(root.signed, "targets").keys}
    if on_server & listed:
        raise StateError("the newest root still lists a key that lies on this server")
    offline = replace(config, settings=config.settings.model_copy(update={"embedded_trust": False}))
    names = install(offline, files, now, fresh=fresh)
    replace_settings(offline)
    for name in (ROOT, TARGETS):
        keys.delete(name)
    if keys.path.is_dir():
        sync_folder(keys.path)
    return names


def replace_settings(config: Config) -> None:
    """Write the settings of *config*, whole or not at all, down to the disk."""
    path = config.directory / "settings.json"
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    write_private(draft, settings_bytes(config.settings))
    draft.replace(path)
    # Else a power cut could bring back settings that name keys which adopt has deleted.
    sync_folder(config.directory)


def _sort(files: Sequence[bytes]) -> _Given:
    given = _Given()
    for data in files:
        try:
            signed = parse_any_trust_file(data).signed
        except OwnhueError:
            given.others.append(data)
            continue
        if isinstance(signed, Root):
            given.roots.append(parse_trust_file(data, Root))
        elif isinstance(signed, Targets):
            given.targets.append(parse_trust_file(data, Targets))
        else:
            raise StateError(f"{signed.role} files are made by the server")
    if len(given.targets) > 1:
        raise StateError("one targets file at a time")
    given.roots.sort(key=lambda file: file.signed.version)
    return given


def _chain(known: Sequence[TrustFile[Root]], new: Sequence[TrustFile[Root]]) -> list[TrustFile[Root]]:
    """All roots, each signed by the keys of the one before and by its own."""
    roots = list(known)
    for root in new:
        version = root.signed.version
        if version <= len(roots):
            if roots[version - 1].data != root.data:
                raise StateError(f"there is another root of version {version} already; a next one has to follow it")
            continue
        if version != len(roots) + 1:
            raise StateError(f"the root of version {len(roots) + 1} is missing")
        missing = max([missing_signatures(root, root), *(missing_signatures(before, root) for before in roots[-1:])])
        if missing:
            raise StateError(f"the root of version {version} is unfinished: see ownhue-server root show")
        roots.append(root)
    if not roots:
        raise StateError("there is no root file")
    return roots


def _refuse_old(config: Config, targets: TrustFile[Targets], now: int) -> None:
    found = (TrustStore(config.directory).newest_targets(), newest_targets(config.published / "trust"))
    known = [file for file in found if file is not None and file.data != targets.data]
    newest = max(known, key=lambda file: file.signed.version, default=None)
    if newest is not None and newest.signed.version >= targets.signed.version:
        raise StateError(f"targets go back: version {newest.signed.version} is here already")
    check_order(targets, newest, now)


def _named(config: Config, store: TrustStore, given: _Given, targets: TrustFile[Targets]) -> dict[str, Document]:
    """Every file that the targets name, by its path: given along, made or kept by this server, or published."""
    roles = Document(TRUST_ROLES_FOLDER, trust_roles_bytes(trust_roles_of(config)))
    offered = [_document(data, targets) for data in given.others]
    found = {document_path(document): document for document in (roles, *offered)}
    for path in targets.signed.targets:
        document = found.get(path) or store.document(path) or _published(config, path)
        if document is None:
            raise StateError(f"the targets name {path}, which is not published; give the file along")
        found[path] = document
    return found


def _published(config: Config, path: str) -> Document | None:
    try:
        return Document(path.partition("/")[0], read_bounded(config.published / path))
    except OSError:
        return None


def _document(data: bytes, targets: TrustFile[Targets]) -> Document:
    """The document of a file, in the folder in which the targets name it."""
    for path in targets.signed.targets:
        document = Document(path.partition("/")[0], data)
        if document_path(document) == path:
            return document
    raise StateError("a file is neither a root nor targets, and the targets do not name it")


def _exchange(store: TrustStore, first: TrustFile[Root]) -> None:
    """Put another first root in the place of the embedded one, which nobody has seen."""
    for path in store.folder.glob("*.root.json"):
        path.unlink()
    store.put("1.root.json", first.data)
    draft = store.first_root.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    write_private(draft, first.data)
    draft.replace(store.first_root)
    sync_folder(store.first_root.parent)


def _write(store: TrustStore, given: _Given, targets: TrustFile[Targets] | None) -> list[str]:
    """Documents first, roots last: a server that looks in between finds nothing that it could not use."""
    names = {}
    for data in given.others:
        if targets is None:
            raise VerificationError("documents come with the targets that name them")
        names[document_path(_document(data, targets))] = data
    names |= {f"{file.signed.version}.targets.json": file.data for file in given.targets}
    names |= {f"{file.signed.version}.root.json": file.data for file in given.roots}
    for name, data in names.items():
        store.put(name, data)
    return list(names)


def read_files(paths: Sequence[Path]) -> list[bytes]:
    """The contents of *paths*. Raises StateError for one that cannot be read, LimitError for one that is too long."""
    try:
        return [read_bounded(path) for path in paths]
    except OSError as error:
        raise StateError(f"{error.filename} cannot be read: {error.strerror}") from error
