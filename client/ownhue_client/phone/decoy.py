"""Decoys: requests of somebody who has nothing to report, in the order of somebody who has. specs/http-api.md section 1

    phone.send_decoy(now)      # False: the claim; the report is to follow, as long after it as a real one would
    phone.send_decoy(later)    # True: the report

- Whoever watches the line sees the same requests, of the same sizes, to the same places as of a real report.
- What is under way is kept: a phone that was switched off in between goes on with the report.
- When decoys are sent is not decided here, but in outgoing.py.
"""

from ownhue_client.phone.door import Door
from ownhue_client.phone.report import PUBLISHER_PATH
from ownhue_client.phone.store import Store
from ownhue_client.phone.tokens import CLAIM_PATH

#: What a real report asks for, one after the other.
SEQUENCE = (CLAIM_PATH, PUBLISHER_PATH)

#: State: how many requests of the sequence were answered; absent: none is under way.
_SENT = "decoy"


class Decoys:
    """The decoys of one phone."""

    def __init__(self, store: Store, door: Door) -> None:
        self._store = store
        self._door = door

    @property
    def under_way(self) -> bool:
        """Whether the claim of a decoy was sent and its report was not."""
        return self._store.get(_SENT) is not None

    def cover(self, now: int) -> None:
        """Send the publisher what looks like the message that follows a claim. Raises UnreachableError."""
        self._door.decoy(PUBLISHER_PATH, now)

    def send(self, now: int) -> bool:
        """Send the next request of the sequence; True when it was the last.

        Raises UnreachableError as a real one does; the next call sends the same request again then.
        """
        sent = self._store.get(_SENT, 0)
        self._door.decoy(SEQUENCE[sent], now)
        if sent + 1 < len(SEQUENCE):
            self._store.put(_SENT, sent + 1)
            return False
        self._store.drop(_SENT)
        return True
