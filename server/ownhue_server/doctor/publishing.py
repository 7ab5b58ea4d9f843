"""Batches: late ones and why, a file without reports, a folder that does not fit the database."""

from collections.abc import Generator, Iterator

from sqlalchemy import Connection, func, inspect, select, text

from ownhue.errors import OwnhueError
from ownhue.signed_note import parse_note
from ownhue_server.audit import Budget, Task, audit
from ownhue_server.audit.folder import FolderSource
from ownhue_server.clock import MAX_AHEAD_SECONDS
from ownhue_server.config import Config
from ownhue_server.doctor.advice import Advice, fact, moment, note, todo
from ownhue_server.health import LATE_SECONDS
from ownhue_server.publisher.cosigning import witness_status
from ownhue_server.publisher.leader import LEADER
from ownhue_server.publisher.tables import HEADS, PENDING_KEYS, PUBLISHED_KEYS, REVISED_KEYS, newest_batch

#: Words of an audit that other advice explains better.
EXPLAINED = frozenset({"late", "ahead", "trust", "witness", "head"})

_WITNESS_WORDS = {
    "never-asked": "the server has not asked it yet: start the server",
    "unreachable": "see whether it runs, and whether this machine reaches its url",
    "slow": "see whether it runs, and whether this machine reaches its url",
    "ahead": "STOP the server: its database is older than what was published, or somebody else has the log's key",
    "forged": "its key is another one than in settings.json: ask its owner",
    "untimely": "its clock or this machine's is wrong",
}


def batches(config: Config, connection: Connection, now: int) -> Iterator[Advice]:
    """The last batch, who closes the next, and what waits."""
    newest = newest_batch(connection)
    running = yield from _leader(connection, now)
    if newest is None:
        yield todo("batch", "no batch was ever closed", "start the server: ownhue-server serve")
        return
    closed, seconds = (newest + 1) * config.region.batch_seconds, config.region.batch_seconds
    yield fact("batch", f"batch {newest} was closed for {moment(closed)}")
    if closed > now + seconds:
        action = "set the clock; if it is right, a server ran here with a wrong one, and nothing goes out until then"
        yield todo("clock", f"the newest batch lies ahead of this machine's clock, {moment(now)}", action)
    elif now > closed + seconds + LATE_SECONDS:
        yield _late((now - closed) // seconds, running=running, days=(now - closed) // MAX_AHEAD_SECONDS)
    yield from _contents(connection, newest, now, seconds)


def _leader(connection: Connection, now: int) -> Generator[Advice, None, bool]:
    """Whether somebody closes batches; returns it, too."""
    row = connection.execute(select(LEADER.c.until)).first() if inspect(connection).has_table(LEADER.name) else None
    if row is not None and row.until >= now:
        yield fact("server", "a server is running and closes the batches")
        return True
    how = "ended" if row is None else f"vanished at about {moment(row.until)}: it was killed, or it hangs"
    yield todo("server", f"no server closes batches; the last one {how}", "start it: ownhue-server serve")
    return False


def _late(count: int, *, running: bool, days: int) -> Advice:
    sentence = f"{count} batches are overdue: phones get no news"
    if running:
        action = "see the server's log for the reason, and below for disk, folder and keys; it tries again by itself"
    elif days:
        action = "start the server with --clock-is-right, if this machine's clock is right"
    else:
        action = "start the server; the batches are made up for one by one"
    return todo("late", sentence, action)


def _contents(connection: Connection, newest: int, now: int, seconds: int) -> Iterator[Advice]:
    """What the newest file holds, and what waits."""
    counts = [
        connection.execute(select(func.count()).where(table.c.batch == newest)).scalar()
        for table in (PUBLISHED_KEYS, REVISED_KEYS)
    ]
    yield fact(
        "file", f"the newest key file has {counts[0]} keys and {counts[1]} revised ones; padding looks like them"
    )
    # Payloads of pending.py: mark, key of 16 bytes, unix second from which it may go out.
    when = "substr(payload, 18, 4)"
    row = connection.execute(
        text(f"SELECT count(*), min(hex({when})) FROM {PENDING_KEYS.name} WHERE payload >= x'01'")  # noqa: S608
    ).one()
    if row[0]:
        due = max(int(row[1], 16), now)
        batch = -(-due // seconds) * seconds
        sentence = f"{row[0]} keys of people and of padding wait under embargo; the first may go out at {moment(batch)}"
        yield fact("waiting", sentence)
    else:
        yield note(
            "waiting", "no key waits: nobody has reported since the last batch", "if somebody has: see the codes"
        )


def codes(connection: Connection) -> Iterator[Advice]:
    """Claim codes: how many wait and how many were claimed, and nothing else."""
    # Payloads of authority/claim_codes.py: mark, code's HMAC of 32 bytes, time of 8, what it is bound to of 32.
    unclaimed = f"substr(payload, 42, 32) = x'{'00' * 32}'"
    row = connection.execute(
        text(f"SELECT count(*), sum({unclaimed}) FROM claim_codes WHERE payload >= x'01'")  # noqa: S608
    ).one()
    waiting, claimed = row[1] or 0, row[0] - (row[1] or 0)
    yield fact("codes", f"{waiting} claim codes are handed out and wait or ran out today, {claimed} were claimed today")
    if waiting and not claimed:
        action = "ask whether phones reach the authority: a phone that cannot says so to its owner"
        yield note("codes", "codes are handed out, and none was claimed today", action)


def folder(config: Config, connection: Connection, now: int) -> Iterator[Advice]:
    """The published folder against the database, and as an auditor sees it."""
    row = connection.execute(select(HEADS.c.note).order_by(HEADS.c.batch.desc()).limit(1)).first()
    if row is None:
        return
    try:
        head = parse_note((config.published / "head").read_bytes()).text
    except (OSError, OwnhueError):
        yield todo("head", "published/head is absent or damaged", "start the server: it writes it again")
        return
    if head != parse_note(row.note).text:
        action = "restart the server: it writes what is missing; if it refuses, restore a newer backup of the database"
        yield todo("head", "published/head is not that of the newest batch", action)
    source = FolderSource(config.published, Budget())
    report = audit(Task(source, config.region, padding=config.settings.padding), now)
    for finding in report.failures:
        if finding.word not in EXPLAINED:
            action = "start the server with this folder: it writes again what is lost; then ownhue-server verify-log"
            yield todo("folder", f"verify-log says {finding.word}: {finding.sentence} {finding.where}".rstrip(), action)


def witnesses(config: Config, connection: Connection) -> Iterator[Advice]:
    """How it stands with the witnesses."""
    for found in witness_status(config, connection):
        if found.error:
            since = f" since {moment(found.since)}" if found.since else ""
            sentence = f"{found.name} does not cosign{since}: {found.error}"
            yield todo(
                "witness", sentence, _WITNESS_WORDS.get(found.error, "ask its owner; see publication.md section 12")
            )
        elif found.cosigned < found.newest:
            yield note("witness", f"{found.name} has not cosigned the newest head yet", "wait a few minutes")
        else:
            yield fact("witness", f"{found.name} cosigned the newest head")
    if not config.settings.witnesses:
        yield note("witness", "no witness is asked", "find one; see ownhue-server witness")
