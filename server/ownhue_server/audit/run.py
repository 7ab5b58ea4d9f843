"""One audit from the beginning to the end. specs/publication.md section 15"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ownhue.cosignature import WitnessPolicy, check_cosignatures, check_policy
from ownhue.errors import OwnhueError
from ownhue.region import MAX_REGION_BYTES, Region, parse_region
from ownhue.signed_note import MAX_NOTE_BYTES, parse_note
from ownhue.tree_head import parse_tree_head
from ownhue.trust.metadata import LIMITS
from ownhue_server.audit.batches import check_batches, check_time
from ownhue_server.audit.documents import Documents
from ownhue_server.audit.evidence import Evidence
from ownhue_server.audit.files import Files
from ownhue_server.audit.key_files import KeyFiles
from ownhue_server.audit.keyring import Keyring
from ownhue_server.audit.log import AuditedLog, read_entries, read_head
from ownhue_server.audit.mirrors import Mirrors
from ownhue_server.audit.report import Report, moment
from ownhue_server.audit.sources import AbsentError, ExhaustedError, Source, read
from ownhue_server.audit.trust import TIMESTAMP, Trust

#: Fewest keys of a file when nothing else is asked for. specs/key-file.md section 10
PADDING = 1000


@dataclass
class Task:
    """What is to be checked, and against what."""

    source: Source
    region: Region | None = None
    """The region; None: as the source itself says, which is remarked."""
    root: bytes | None = None
    """Root file of the trust metadata; None: the one beside the source, if there is one."""
    policy: WitnessPolicy | None = None
    """Which witnesses are asked for; None: as the trust roles say."""
    padding: int = PADDING
    mirrors: Sequence[Source] = ()
    evidence: Evidence = field(default_factory=Evidence)
    """Takes what proves forks."""


def audit(task: Task, now: int | None) -> Report:
    """Check everything at *now* (unix seconds). None: by the system's clock, for a folder by the time of its head.

    Raises nothing but what the configuration is to blame for: FormatError, AbsentError for a region file that is none.
    """
    report = Report(task.source.name)
    region = task.region
    if region is None:
        region = parse_region(task.source.beside("region.json", MAX_REGION_BYTES))
        report.remark("self-vouched", "the region file is the server's own: it vouches for itself", "region.json")
    try:
        _audit(task, region, _now(task.source, now, report), report)
    except ExhaustedError as error:
        report.count("limits")
        report.fail("limits", f"the audit was given up: {error}")
    return report


def _audit(task: Task, region: Region, now: int, report: Report) -> None:
    keyring = Keyring(region)
    trust = Trust(task.source, region, report)
    _follow_trust(task, trust, now, keyring)
    log = read_head(task.source, region, keyring.now, report)
    if log is None:
        return
    check_time(log, now, report)
    _check_witnesses(task, log, keyring, now, report)
    if not read_entries(task.source, log, report):
        return
    check_batches(log, report)
    files = Files(task.source, log, report, log.head.size, moved=lambda: _has_moved(task.source, log))
    files.check_tree()
    task.evidence.of_trust(trust.roots, trust.check_logged(files, keyring))
    _check_presence(trust, log, report)
    Documents(files, keyring, report).check()
    KeyFiles(files, keyring, task.padding, report).check()
    files.check_gone()
    files.check_extra({f"trust/{name}" for name in trust.names})
    if not task.source.lists:
        report.remark("not-listed", "over HTTP nobody can see whether files lie there that the log does not name")
    mirrors = Mirrors(log, keyring, trust, report, task.evidence)
    for mirror in task.mirrors:
        mirrors.check(mirror)


def _now(source: Source, now: int | None, report: Report) -> int:
    if now is not None or not source.lists:
        return int(time.time()) if now is None else now
    try:
        # Not verified here: a copy of a folder is judged as of the time that it is of, whatever time it is today.
        then = parse_tree_head(parse_note(read(source, "head", MAX_NOTE_BYTES)).text).time
    except OwnhueError:
        return int(time.time())
    report.remark("as-of", f"a folder is judged as of its head, {moment(then)} UTC; --now judges it as of another time")
    return then


def _follow_trust(task: Task, trust: Trust, now: int, keyring: Keyring) -> None:
    report, root = trust.report, task.root
    if root is None:
        try:
            root = _root_of(task.source)
        except AbsentError:
            report.remark("no-trust", "there is no trust metadata: the keys of the region file count for ever")
            return
        report.remark("self-vouched", "the root of trust is the server's own: it vouches for itself", "root.json")
    trust.follow(root, now, keyring)


def _root_of(source: Source) -> bytes:
    """The root file beside the source, else the first one that it publishes. Raises AbsentError."""
    try:
        return source.beside("root.json", LIMITS.root)
    except OwnhueError as error:
        if isinstance(error, ExhaustedError):
            raise
    read(source, f"trust/{TIMESTAMP}", LIMITS.timestamp)
    return read(source, "trust/1.root.json", LIMITS.root)


def _check_presence(trust: Trust, log: AuditedLog, report: Report) -> None:
    """Trust metadata that the log names must be found by phones, too."""
    if not trust.names and next(log.of_kind("trust"), None) is not None:
        report.fail("trust", "the log names trust metadata, and there is none under the names that phones ask for")


def _check_witnesses(task: Task, log: AuditedLog, keyring: Keyring, now: int, report: Report) -> None:
    policy = task.policy or keyring.now.policy
    report.policy = policy.sentence()
    if not policy.threshold:
        report.remark("unwatched", policy.sentence(), "head")
        return
    report.count("witness")
    try:
        check_policy(policy, [*keyring.now.log, *keyring.now.authority, *keyring.now.issuer])
        check_cosignatures(log.note, log.head, policy, now)
    except OwnhueError as error:
        report.fail("witness", f"the head is not witnessed as the policy asks: {error}", "head")


def _has_moved(source: Source, log: AuditedLog) -> bool:
    """Whether the source has a newer head by now."""
    try:
        return read(source, "head", MAX_NOTE_BYTES) != log.note
    except OwnhueError as error:
        if isinstance(error, ExhaustedError):
            raise
        return False
