"""The publisher's tables and the bytes of their rows.

| table | row | kept |
|---|---|---|
| pending_keys | a slot (storage/slots.py, pending.py): key and metadata, waiting for a batch | until its batch |
| spent_tokens | a slot: SHA-256 of a token's signature, or a random number, and its week | while that week's count |
| published_keys | clustered by batch and key: key, metadata, commitment. Padding has the same columns | 14 days |
| revised_keys | clustered by batch and key: a published key that was taken back | 14 days |
| files | what was published, by path: signed documents, key files | for ever; key files 14 days |
| leaves | the log, by number | for ever |
| heads | one tree head for each closed batch | for ever |

No column says which keys came together, when, or which are padding.
"""

from struct import Struct
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, func, select

from ownhue.params import INTERVAL_SECONDS, ReportType
from ownhue_server.storage.slots import slot_table

TABLES = MetaData()

PENDING_KEYS = slot_table("pending_keys", TABLES)
SPENT_TOKENS = slot_table("spent_tokens", TABLES)


def _key_table(name: str) -> Table:
    return Table(
        name,
        TABLES,
        Column("batch", Integer, primary_key=True),
        Column("data", LargeBinary, primary_key=True),
        # Everything but the key, as StoredKey.content has it: a row moves here from its slot without being taken apart.
        Column("content", LargeBinary, nullable=False),
        Index(f"{name}_by_data", "data", unique=True),
        sqlite_with_rowid=False,
    )


PUBLISHED_KEYS = _key_table("published_keys")
REVISED_KEYS = _key_table("revised_keys")

FILES = Table(
    "files",
    TABLES,
    Column("path", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    # The newest file of a kind is asked for several times at each closing, of years.
    Index("files_by_kind", "kind", "batch"),
)
LEAVES = Table(
    "leaves",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)
HEADS = Table(
    "heads",
    TABLES,
    Column("batch", BigInteger, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

KEY_BYTES = 16
TOKEN_BYTES = 32
_COMMITMENT_BYTES = 32
_INTEGER_BYTES = 4
#: days_since_onset as stored when the phone did not say; outside GAEN's -14..14.
_NO_ONSET = -128

_METADATA = Struct(">IBBb")
#: Of a content: rolling start, period, report type and days since onset, which the commitment follows.
METADATA_BYTES = _METADATA.size
#: Where in a content (from 0) the report type stands.
REPORT_TYPE_AT = _INTEGER_BYTES + 1
CONTENT_BYTES = METADATA_BYTES + _COMMITMENT_BYTES
SPENT_TOKEN_BYTES = TOKEN_BYTES + _INTEGER_BYTES


class StoredKey(NamedTuple):
    """A key as the publisher holds it."""

    data: bytes
    """The TEK, 16 bytes."""
    rolling_start: int
    """First interval."""
    rolling_period: int
    """Number of intervals."""
    report_type: int
    """Kind of diagnosis; REVOKED: a published key that is to be taken back."""
    days_since_onset: int | None
    """-14..14, or None."""
    commitment: bytes
    """SHA-256 of the withdrawal secret (32 bytes); random for padding."""

    @property
    def end(self) -> int:
        """Unix second at which the key's last interval ends."""
        return (self.rolling_start + self.rolling_period) * INTERVAL_SECONDS

    def revoked(self) -> "StoredKey":
        """The key as it is published when it was taken back."""
        return self._replace(report_type=int(ReportType.REVOKED))

    @property
    def content(self) -> bytes:
        """Everything but the data, as it is stored (39 bytes): rolling start, period, type, onset, commitment."""
        _data, start, period, report_type, days, commitment = self
        return _METADATA.pack(start, period, report_type, _NO_ONSET if days is None else days) + commitment

    @classmethod
    def of(cls, data: bytes, content: bytes) -> "StoredKey":
        """The key *data* with what :attr:`content` gave."""
        return cls(data, *metadata_of(content), content[METADATA_BYTES:])


def metadata_of(content: bytes) -> tuple[int, int, int, int | None]:
    """Rolling start, rolling period, report type and days since onset of a content, or of its first seven bytes."""
    start, period, report_type, onset = _METADATA.unpack_from(content)
    return start, period, report_type, None if onset == _NO_ONSET else onset


def spent_token(token_hash: bytes, week: int) -> bytes:
    """The content of a spent token's slot."""
    return token_hash + week.to_bytes(_INTEGER_BYTES, "big")


def newest_batch(connection: Connection) -> int | None:
    """The batch that was closed last; None for a log that has none."""
    return connection.execute(select(func.max(HEADS.c.batch))).scalar()
