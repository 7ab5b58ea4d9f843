"""Trust metadata: followed as phones do, and looked at as a whole, which phones do not. specs/trust.md

trust = Trust(source, region, report)
trust.follow(root, now, keyring)            # a round as of a phone that starts with the root
trust.check_logged(files, keyring)          # every trust file that the log ever named
"""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from ownhue.errors import OwnhueError
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue.trust import targets_at, update_root, update_snapshot, update_targets, update_timestamp
from ownhue.trust.metadata import LIMITS, TrustFile, missing_signatures, parse_any_trust_file, parse_trust_file
from ownhue.trust.roles import MAX_TRUST_ROLES_BYTES, TRUST_ROLES_FOLDER, open_trust_roles, parse_trust_roles
from ownhue.trust.schema import Root, Signed, Targets
from ownhue.trust.state import MAX_ROTATIONS, TrustedState, next_file, trust_root
from ownhue.trust.targets import TrustedTargets
from ownhue_server.audit.files import Files
from ownhue_server.audit.keyring import Keyring, Keys
from ownhue_server.audit.report import Report
from ownhue_server.audit.sources import AbsentError, ExhaustedError, Source, read

TIMESTAMP = "timestamp.json"
ROOT = "root"
#: Kinds that targets vouch for. specs/trust.md section 9
VOUCHED = frozenset({"rulebook", "certificate-trust", "regions", TRUST_ROLES_FOLDER})


@dataclass
class Trust:
    """The trust metadata of one source."""

    source: Source
    region: Region
    report: Report
    roots: list[TrustFile[Root]] = field(default_factory=list)
    """Roots that follow each other, from the known one on."""
    names: dict[str, bytes] = field(default_factory=dict)
    """Files that were read under their names below trust/."""
    state: TrustedState | None = None
    """After a whole round."""

    def follow(self, root: bytes, now: int, keyring: Keyring) -> None:
        """A round at *now*, beginning with *root*; then the keys of its trust roles count."""
        self.report.count("trust")
        try:
            state = self._follow_roots(trust_root(root))
            self._look_at_root()
            state = update_timestamp(state, self.read(TIMESTAMP), now)
            state = update_snapshot(state, self.read(next_file(state)), now)
            self.state = state = update_targets(state, self.read(next_file(state)), now)
            targets = targets_at(state, now)
            target = targets.current(TRUST_ROLES_FOLDER, now)
            data = read(self.source, target.path, MAX_TRUST_ROLES_BYTES)
            keyring.now = Keys.of_roles(open_trust_roles(targets, data, self.region.name, now))
            due = sorted((one for one in targets.targets if one.since <= now), key=lambda one: one.since)
            keyring.vouched = {one.folder: one.path for one in due}
        except ExhaustedError:
            raise
        except OwnhueError as error:
            self.report.fail("trust", f"phones cannot follow the trust metadata: {error}", "trust")

    def _follow_roots(self, state: TrustedState) -> TrustedState:
        self.roots = [parse_trust_file(state.root, Root)]
        for _rotation in range(MAX_ROTATIONS):
            try:
                state = update_root(state, self.read(next_file(state)))
            except AbsentError:
                break
            self.roots.append(parse_trust_file(state.root, Root))
        return state

    def read(self, name: str) -> bytes:
        """A file under its name. Raises as ``sources.read``."""
        data = self.names[name] = read(self.source, f"trust/{name}", max(LIMITS.root, LIMITS.targets))
        return data

    def _look_at_root(self) -> None:
        roles = self.roots[-1].signed.roles
        if len(roles.root.keyids) == len(roles.targets.keyids) == 1:
            text = "root and targets have one key each, as where a server made them for itself to try out"
            self.report.remark("embedded", text, "trust")

    def check_logged(self, files: Files, keyring: Keyring) -> list[tuple[bytes, bytes]]:
        """Every trust file of the log; fills the *keyring* with the trust roles of before.

        Returns pairs of files that contradict each other.
        """
        logged = _Logged(self, files, keyring)
        for entry in files.kept("trust"):
            if (data := files.content(entry)) is not None:
                logged.take(entry, data)
        logged.judge()
        for entry in files.kept(TRUST_ROLES_FOLDER):
            if (data := files.content(entry)) is not None:
                self._take_roles(entry, data, keyring)
        return logged.forks()

    def _take_roles(self, entry: LogEntry, data: bytes, keyring: Keyring) -> None:
        self.report.count("document")
        try:
            keyring.roles[entry.path] = Keys.of_roles(parse_trust_roles(data, self.region.name))
        except OwnhueError as error:
            self.report.fail("document", f"trust roles do not hold: {error}", entry.path)


class _Logged:
    """The trust files that the log names."""

    def __init__(self, trust: Trust, files: Files, keyring: Keyring) -> None:
        self._trust = trust
        self._files = files
        self._keyring = keyring
        self._report = trust.report
        self._found: dict[tuple[str, int], list[tuple[LogEntry, TrustFile[Signed]]]] = defaultdict(list)
        self._digests: set[bytes] = set()
        self._roots: list[tuple[int, TrustFile[Root]]] = []
        """Batch and content of the roots that can be followed, the newest version last."""

    def take(self, entry: LogEntry, data: bytes) -> None:
        """One file, oldest first."""
        self._digests.add(entry.sha256)
        self._report.count("trust-signature")
        try:
            file = parse_any_trust_file(data)
        except OwnhueError as error:
            self._report.fail("trust-signature", f"a file is no trust metadata: {error}", entry.path)
            return
        self._found[file.signed.role, file.signed.version].append((entry, file))

    def judge(self) -> None:
        """Whose signatures they bear, forks between files of one version, and the files under their names."""
        self._roots = self._followed()
        files = [one for found in self._found.values() for one in found]
        for entry, file in sorted(files, key=lambda one: (one[0].batch, one[1].signed.version)):
            if not self._is_signed(entry, file):
                text = f"a {file.signed.role} file is not signed under a root of its time that phones can follow"
                self._report.fail("trust-signature", text, entry.path)
            elif isinstance(file.signed, Targets):
                self._keyring.targets.append((entry.batch, TrustedTargets.of(file.signed)))
                self._check_targets(entry, file.signed)
        for (role, version), found in sorted(self._found.items()):
            self._report.count("trust-fork")
            if len({file.signed.payload for _entry, file in found}) > 1:
                text = f"there are two {role} files of version {version}"
                self._report.fail("trust-fork", text, found[-1][0].path)
            if role != "timestamp":
                self._check_name(f"{version}.{role}.json", {entry.sha256 for entry, _file in found})
        times = [found for (role, _version), found in sorted(self._found.items()) if role == "timestamp"]
        if times:
            # An older one would hold phones back in the past (freeze).
            self._check_name(TIMESTAMP, {entry.sha256 for entry, _file in times[-1]})
        for name, data in self._trust.names.items():
            if sha256(data).digest() not in self._digests and not (name == TIMESTAMP and self._files.moved()):
                self._report.fail("trust-name", "a file that phones follow is not in the log", f"trust/{name}")

    def forks(self) -> list[tuple[bytes, bytes]]:
        """Pairs of files that contradict each other."""
        pairs = []
        for found in self._found.values():
            first = found[0][1]
            pairs += [(first.data, file.data) for _entry, file in found if file.signed.payload != first.signed.payload]
        return pairs

    def _followed(self) -> list[tuple[int, TrustFile[Root]]]:
        """The known roots, and those before them of which each signed the next."""
        roots = list(self._trust.roots)
        while roots:
            logged = self._found.get((ROOT, roots[0].signed.version - 1), [])
            older = [parse_trust_file(file.data, Root) for _entry, file in logged]
            before = next((root for root in older if missing_signatures(root, roots[0]) == 0), None)
            if before is None:
                break
            roots.insert(0, before)
        since = {file.data: entry.batch for found in self._found.values() for entry, file in reversed(found)}
        # One that nobody logged counts from the beginning: that it is missing is said elsewhere.
        return [(since.get(root.data, 0), root) for root in roots]

    def _is_signed(self, entry: LogEntry, file: TrustFile[Signed]) -> bool:
        """Whether enough keys signed it of a root that was the newest when its batch closed, or when it began."""
        if not self._roots:
            return True  # Nobody knows whose signatures would count.
        if isinstance(file.signed, Root):
            return any(file.data == root.data for _since, root in self._roots)
        before = [root for since, root in self._roots if since < entry.batch][-1:]
        now = [root for since, root in self._roots if since == entry.batch]
        # The log may be older than what is known of its roots.
        return any(missing_signatures(root, file) == 0 for root in [*before, *now] or [self._roots[0][1]])

    def _check_targets(self, entry: LogEntry, targets: Targets) -> None:
        lengths = {logged.path: logged.length for logged in self._files.log.entries[: self._files.size]}
        self._report.count("target", len(targets.targets))
        for path, target in sorted(targets.targets.items()):
            if path not in lengths:
                self._report.fail("target", "targets name a file that is not in the log", path)
            elif target.length != lengths[path]:
                self._report.fail("target", "targets name a file of another length: no phone takes it", path)
            if path.partition("/")[0] not in VOUCHED:
                self._report.fail("target", "targets name a file of a kind that is not theirs to hold back", path)
        if not any(path.startswith(f"{TRUST_ROLES_FOLDER}/") for path in targets.targets):
            self._report.fail("target", "targets name no trust roles", entry.path)

    def _check_name(self, name: str, digests: set[bytes]) -> None:
        self._report.count("trust-name")
        try:
            data = self._trust.names.get(name)
            if data is None or sha256(data).digest() not in digests:
                data = self._trust.read(name)  # Once more: the log may have grown since.
        except ExhaustedError:
            raise
        except OwnhueError as error:
            self._report.fail("trust-name", f"a trust file is not there under its name: {error}", f"trust/{name}")
            return
        if sha256(data).digest() not in digests and not (name == TIMESTAMP and self._files.moved()):
            self._report.fail("trust-name", "a trust file is not the one that the log names", f"trust/{name}")
