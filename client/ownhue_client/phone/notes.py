"""A few small values that the agent keeps over its own end: when passes are fetched next, what the owner was told.

Sealed in the store as everything is. What is missing or older than the program is as if it had never been noted.
"""

from typing import Any

from ownhue_client.phone.store import Store


class Notes:
    """Notes in *store*, apart from the phone's own states."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str, default: Any = None) -> Any:
        """What was noted under *name*, or *default*."""
        return self._store.get(f"agent.{name}", default)

    def put(self, name: str, value: Any) -> None:
        """Note *value* (CBOR kinds) under *name*."""
        self._store.put(f"agent.{name}", value)
