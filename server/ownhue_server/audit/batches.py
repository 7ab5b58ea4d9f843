"""What entries say by themselves: batches without a gap, one key file each, nothing twice. specs/publication.md"""

from itertools import groupby

from ownhue_server.audit.log import AuditedLog
from ownhue_server.audit.report import Report, moment

#: Kinds of which the newest document counts alone. specs/publication.md section 1
STATES = frozenset({"rulebook", "epochs", "past-epochs", "report-keys", "certificate-trust", "regions", "trust-roles"})
#: Kinds of which every document counts. specs/publication.md section 1
SETS = frozenset({"trust", "area"})
#: Kinds with one file for each batch, in a folder of its number. specs/publication.md section 1
BATCHED = frozenset({"keys", "notices"})
#: Seconds after which a batch that is not closed is called late. specs/http-api.md section 2
LATE_SECONDS = 900
#: Seconds that a head may be ahead of the auditor's clock. specs/publication.md section 6
FUTURE_SECONDS = 600


def check_time(log: AuditedLog, now: int, report: Report) -> None:
    """The head is neither from the future nor old."""
    report.count("ahead")
    report.count("late")
    age = now - log.head.time
    if age < -FUTURE_SECONDS:
        report.fail("ahead", f"the head is of {moment(log.head.time)} UTC, which is {-age} seconds ahead", "head")
    if age > log.region.batch_seconds + LATE_SECONDS:
        report.fail("late", f"the newest batch closed at {moment(log.head.time)} UTC; later ones are overdue", "head")


def check_batches(log: AuditedLog, report: Report) -> None:
    """Order, gaps, key files, kinds, repetitions."""
    seconds = log.region.batch_seconds
    expected = None
    for batch, group in groupby(log.entries, key=lambda entry: entry.batch):
        report.count("batch")
        if expected is None:
            report.span = (batch * seconds, log.head.time)
        elif batch != expected:
            report.fail("batch", f"batch {batch} follows batch {expected - 1}", f"keys/{batch}")
        expected = batch + 1
        files = [(entry.kind, entry.path) for entry in group]
        _check_key_file(batch, files, report)
    if log.head.time % seconds or expected != log.head.time // seconds:
        report.fail("batch", "the head's time is not that at which its newest batch closed", "head")
    _check_new(log, report)


def _check_key_file(batch: int, files: list[tuple[str, str]], report: Report) -> None:
    paths = [path for kind, path in files if kind == "keys"]
    if len(paths) != 1:
        report.fail("batch", f"batch {batch} has {len(paths)} key files and not one", f"keys/{batch}")
    elif files[-1][0] != "keys":
        report.fail("batch", f"the key file of batch {batch} is not its last entry", files[-1][1])


def _check_new(log: AuditedLog, report: Report) -> None:
    """Every entry is of a known kind, in its folder, and says something new."""
    newest: dict[str, str] = {}
    known: set[str] = set()
    for entry in log.entries:
        report.count("kind")
        report.count("repeat")
        folder, ending = entry.path.rpartition("/")[0], entry.path.rpartition(".")[2]
        batched = entry.kind in BATCHED
        right = (f"{entry.kind}/{entry.batch}", {"keys": "zip", "notices": "bin"}.get(entry.kind, "json"))
        if not batched and entry.kind not in STATES | SETS:
            report.fail("kind", "an entry is of a kind that nobody knows", entry.path)
        elif (folder, ending) != (right if batched else (entry.kind, "json")):
            report.fail("kind", "an entry lies in another folder than its kind and batch say", entry.path)
        if entry.path == newest.get(entry.kind) or (entry.kind not in STATES and entry.path in known):
            report.fail("repeat", "an entry says once more what the log says already", entry.path)
        newest[entry.kind] = entry.path
        known.add(entry.path)
