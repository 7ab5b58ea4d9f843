"""Forgetting: keys are destroyed, rows overwritten, and what stays beside them is sealed anew."""

from collections.abc import Collection, Mapping

from ownhue_client.phone.schema import EVIDENCE, HISTORY, STATE, STATE_DAY, TABLES
from ownhue_client.phone.sealed_records import LAST_DAY, Row, SealedRecords, key_of, known_table
from ownhue_client.phone.sealing import KeyName, unseal


class ForgettingRecords(SealedRecords):
    """Records that can be forgotten for good, by day, by row, or by table."""

    def forget_day(self, day: int) -> None:
        """Destroy the keys of *day* and every row that they sealed, in the file's bytes too."""
        self._forget({HISTORY: (day, day), EVIDENCE: (day, day)}, {})

    def forget_before(self, *, history: int, evidence: int) -> None:
        """Forget the history of every day before *history*, and evidence and results of every day before *evidence*."""
        spans = {HISTORY: (1, history - 1), EVIDENCE: (1, evidence - 1)}
        others = {"results": (1, evidence - 1)}
        old_keys = any(day <= last for kind, (_, last) in spans.items() for day in self.days(kind)[:1])
        if old_keys or any(self._any(table, span) for table, span in others.items()):
            self._forget(spans, others)

    def _any(self, table: str, span: tuple[int, int]) -> bool:
        query = f"SELECT 1 FROM {known_table(table)} WHERE day BETWEEN ? AND ? LIMIT 1"  # noqa: S608
        return bool(self._query(query, span))

    def _forget(self, kinds: Mapping[str, tuple[int, int]], others: Mapping[str, tuple[int, int]]) -> None:
        """Destroy keys of the given kinds and days with their tables, and rows of other tables."""
        spans = {table: kinds[kind] for table, kind in TABLES.items() if kind in kinds} | dict(others)
        with self.atomic(durable=True):
            for kind, span in kinds.items():
                self._run("DELETE FROM keys WHERE kind = ? AND day BETWEEN ? AND ?", (kind, *span))
            for table, span in spans.items():
                self._run(f"DELETE FROM {table} WHERE day BETWEEN ? AND ?", span)  # noqa: S608
        self._boxes.clear()
        self.flush()

    def forget_rows(self, table: str, rows: Collection[Row]) -> None:
        """Remove *rows*, and seal what stays of their days anew: no copy of the file can be opened for them."""
        names = {key_of(table, row.day) for row in rows}
        with self.atomic(durable=True):
            for row in rows:
                self.delete(table, row)
            self.renew(names)
        self.flush()

    def empty(self, table: str) -> set[KeyName]:
        """Remove every row; the names of the keys that sealed them, for :meth:`renew`."""
        names = {key_of(table, day) for day in self.counts(table)}
        self._run(f"DELETE FROM {known_table(table)}")  # noqa: S608
        return names

    def renew(self, names: Collection[KeyName]) -> None:
        """Put new keys in place of the named ones, and seal everything of theirs anew. Call :meth:`flush` afterwards.

        What was removed before cannot be opened by anybody then, from whatever copy: its key is nowhere.
        """
        with self.atomic(durable=True):
            for name in names:
                self._renew(name)

    def _renew(self, name: KeyName) -> None:
        kind, day = name
        old = self._box(name)
        self._run("DELETE FROM keys WHERE kind = ? AND day = ?", name)
        del self._boxes[name]
        days = (STATE_DAY, LAST_DAY) if kind == STATE else (day, day)
        for table in (table for table, its in TABLES.items() if its == kind):
            query = f"SELECT id, day, box FROM {table} WHERE day BETWEEN ? AND ?"  # noqa: S608
            for identity, its_day, sealed in self._query(query, days):
                value = unseal(old, table, sealed)
                box = self._master.seal(self._box(key_of(table, its_day)), table, value)
                self._run(f"UPDATE {table} SET box = ? WHERE id = ?", (box, identity))  # noqa: S608
        if kind == STATE:
            for state, sealed in self._query("SELECT name, box FROM state"):
                self._put_bytes(state, unseal(old, f"state.{state}", sealed))
