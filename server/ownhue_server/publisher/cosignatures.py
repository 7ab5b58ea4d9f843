"""What the publisher's database knows of cosignatures: the lines, and how it stands with each witness.

| table | row | kept |
|---|---|---|
| cosignatures | the line of a witness below the head of a batch | for ever |
| witnesses | what a witness has seen, cosigned last, and what is wrong since when | for ever |

Nothing is stored here that was not checked (``cosigning.py``). The log's own note stays as it is in ``heads``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, func, insert, select

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_policy
from ownhue.signed_note import MAX_NOTE_SIGNATURES, parse_note
from ownhue.tree_head import parse_tree_head
from ownhue_server import logs
from ownhue_server.config import Config
from ownhue_server.publisher.tables import HEADS, TABLES
from ownhue_server.storage.writer import Transaction

COSIGNATURES = Table(
    "cosignatures",
    TABLES,
    Column("batch", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("line", Text, nullable=False),
)
#: What is known of each witness: the size that it has seen, the newest that it cosigned, what is wrong since when.
WITNESSES = Table(
    "witnesses",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("known", BigInteger, nullable=False),
    Column("cosigned", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)

_log = logs.get("publisher")


@dataclass(frozen=True)
class WitnessFact:
    """How it stands with one witness of the settings."""

    name: str
    url: str
    cosigned: int
    """Size of the newest head that it cosigned; 0: none."""
    newest: int
    """Size of the log's newest head."""
    error: str
    """What went wrong last, in a word (specs/publication.md section 12); empty when nothing is wrong."""
    since: int
    """Unix second from which on nothing but errors came; 0 when nothing is wrong."""


class Head(NamedTuple):
    """A head to be cosigned, and what is known about those who are to do it."""

    batch: int
    note: bytes
    size: int
    time: int
    done: set[str]
    """Names of those whose lines are there."""
    known: dict[str, int]
    """Sizes that they have seen."""


class Outcome(NamedTuple):
    """What came of asking one witness."""

    name: str
    known: int
    line: str
    error: str


def cosigned_note(connection: Connection, batch: int) -> bytes:
    """The head of *batch* with the lines that are there, sorted by name: the content of ``head``."""
    note: bytes = connection.execute(select(HEADS.c.note).where(HEADS.c.batch == batch)).scalar_one()
    lines = select(COSIGNATURES.c.line).where(COSIGNATURES.c.batch == batch).order_by(COSIGNATURES.c.name)
    return note + "".join(connection.execute(lines.limit(MAX_NOTE_SIGNATURES - 1)).scalars()).encode()


def witness_status(config: Config, connection: Connection) -> list[WitnessFact]:
    """How it stands with each witness of *config*, by name, as the publisher's database at *connection* says."""
    newest: int = connection.execute(select(func.max(HEADS.c.size))).scalar() or 0
    rows = {row.name: row for row in connection.execute(select(WITNESSES))}
    facts = []
    for witness, url in sorted(witnesses_of(config).items()):
        row = rows.get(witness.name)
        told = (row.cosigned, newest, row.error, row.since) if row else (0, newest, "never-asked", 0)
        facts.append(WitnessFact(witness.name, url, *told))
    return facts


def witnesses_of(config: Config) -> dict[WitnessKey, str]:
    """The witnesses of the settings and their urls. Raises FormatError when they make no policy."""
    urls = {WitnessKey.from_vkey(witness.vkey): witness.url for witness in config.settings.witnesses}
    region, threshold = config.region, config.settings.witness_threshold
    if urls or threshold:
        # The threshold is what phones are told; here one line is as welcome as all.
        policy = WitnessPolicy(max(threshold, 1), tuple(sorted(urls)))
        check_policy(policy, [region.log_key_bytes, region.authority_key_bytes, region.issuer_key_bytes])
    return urls


def read_head(connection: Connection, batch: int) -> Head:
    """The head of *batch*, which must be closed."""
    note: bytes = connection.execute(select(HEADS.c.note).where(HEADS.c.batch == batch)).scalar_one()
    head = parse_tree_head(parse_note(note).text)
    done = connection.execute(select(COSIGNATURES.c.name).where(COSIGNATURES.c.batch == batch)).scalars()
    known = {row.name: row.known for row in connection.execute(select(WITNESSES))}
    return Head(batch, note, head.size, head.time, set(done), known)


def store_outcomes(transaction: Transaction, batch: int, size: int, outcomes: Iterable[Outcome], now: int) -> None:
    """Store the lines that came, and what is known of each witness now."""
    connection = transaction.connection
    for name, known, line, error in outcomes:
        before = connection.execute(select(WITNESSES).where(WITNESSES.c.name == name)).first()
        if line:
            connection.execute(delete(COSIGNATURES).where(COSIGNATURES.c.batch == batch, COSIGNATURES.c.name == name))
            connection.execute(insert(COSIGNATURES).values(batch=batch, name=name, line=line))
        cosigned = size if line else before.cosigned if before else 0
        since = 0 if line else before.since if before and before.error else now
        connection.execute(delete(WITNESSES).where(WITNESSES.c.name == name))
        connection.execute(
            insert(WITNESSES).values(name=name, known=known, cosigned=cosigned, error=error, since=since)
        )
        _tell(name, before.error if before else "", error)


def _tell(name: str, before: str, error: str) -> None:
    """A line in the server's log when it goes wrong, or otherwise wrong than before, or right again."""
    if error and error != before:
        _log.warning("a witness did not cosign", witness=name, error=error)
    elif before and not error:
        _log.info("a witness cosigns again", witness=name)
