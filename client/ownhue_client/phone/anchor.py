"""The phone's clock anchor: what time it is at least, whatever the wall clock says. specs/identifiers.md section 6

    anchor.learn(head.time, True)                 # a tree head of the home region was verified
    anchor.not_before()                           # goes into every sighting
    anchor.now(wall)                              # the time to judge by: *wall*, unless somebody set it back

- Two anchors are kept. What was heard is bounded by every signed head, also by one that was refused for being ahead of
  the wall clock: just then that clock may have been set back. What is judged (rulebooks, expiry, age of data) is
  bounded by accepted heads alone: else whoever holds the log's key could end every stay by one head out of the future.
- What refused heads said is forgotten when one of them proves a fork, or its key is replaced: else one head out of the
  far future, by a thief, would make the phone deaf for ever.
- Only the home region's heads count. A visited region's log has no say in when anything was heard.
- It is kept anew every hour and after every restart, so that a restart loses at most an hour.
"""

from ownhue.clock_anchor import ClockAnchor
from ownhue.matching import CLOCK_ALLOWANCE_SECONDS
from ownhue_client.clock import Clock
from ownhue_client.phone.store import Store

#: State: [anchor of every signed head, anchor of accepted heads]; empty where there is none.
_ANCHORS = "clock_anchors"
#: The anchor is kept anew after this many seconds: an hour. specs/identifiers.md section 6
KEEP_SECONDS = 3600


class Anchor:
    """The clock anchor in *store*, with *clock* to go on by."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        signed, accepted = store.get(_ANCHORS, [b"", b""])
        self._signed, self._accepted = _read(signed), _read(accepted)

    def learn(self, signed_time: int, accepted: bool) -> None:
        """A head with *signed_time* (unix seconds) was verified; *accepted*: it was also followed."""
        boot, reading = self._clock.reading()
        self._signed = _learned(self._signed, signed_time, boot, reading)
        if accepted:
            self._accepted = _learned(self._accepted, signed_time, boot, reading)
        self._keep()

    def unlearn(self) -> None:
        """A head that was not accepted was a lie of the log, or by a key that counts no more: none of them bounds."""
        self._signed = self._accepted
        self._keep()

    def not_before(self) -> int:
        """Unix second before which it is not; 0 as long as no head was seen."""
        boot, reading = self._clock.reading()
        self._keep_anew(boot, reading)
        return 0 if self._signed is None else self._signed.not_before(boot, reading)

    def now(self, wall: int) -> int:
        """The unix second to judge by: *wall*, or what the anchor knows when the wall clock was set back.

        A clock that is a little slow is not set back: matching allows as much (specs/identifiers.md section 7).
        """
        floor = self.floor()
        return floor if wall < floor - CLOCK_ALLOWANCE_SECONDS else wall

    def floor(self) -> int:
        """The unix second that it is at least, by accepted heads; 0 as long as none was seen."""
        boot, reading = self._clock.reading()
        self._keep_anew(boot, reading)
        return 0 if self._accepted is None else self._accepted.not_before(boot, reading)

    def _keep_anew(self, boot: bytes, reading: int) -> None:
        kept = self._signed
        if kept is None or (kept.boot == boot and reading - kept.reading < KEEP_SECONDS):
            return
        self._signed = kept.moved(boot, reading)
        self._accepted = None if self._accepted is None else self._accepted.moved(boot, reading)
        self._keep()

    def _keep(self) -> None:
        kept = [b"" if anchor is None else anchor.to_bytes() for anchor in (self._signed, self._accepted)]
        self._store.put(_ANCHORS, kept)


def _learned(anchor: ClockAnchor | None, signed_time: int, boot: bytes, reading: int) -> ClockAnchor:
    return ClockAnchor(signed_time, boot, reading) if anchor is None else anchor.learned(signed_time, boot, reading)


def _read(data: bytes) -> ClockAnchor | None:
    return ClockAnchor.from_bytes(data) if data else None
