"""One phone's whole life with its agent, one step after the other. See whole_life.py."""

import os
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from ownhue.errors import OwnhueError
from ownhue.identifiers import Beacon
from ownhue.region import parse_region
from ownhue_client.agent.agent import Agent
from ownhue_client.fetching import open_client
from ownhue_client.phone import Phone, Settings
from ownhue_client.phone.why import why

HOUR = 3600
TESTED = date(2026, 3, 2)


def live(folder: str, url: str, code: str, revoking: str, ticket: str, start: str) -> list[list[Any]]:
    """Do all that there is; the ledger's lines."""
    now = int(start)
    region = parse_region((Path(folder) / "region.json").read_bytes()).model_copy(update={"url": url})
    settings = Settings(passes_per_day=2)
    with (
        open_client(time.monotonic) as client,
        Phone.create(
            Path(folder) / "phone", region, random=os.urandom, http_client=client, now=now - HOUR, settings=settings
        ) as phone,
    ):
        _listen(phone, now)
        agent = Agent(phone, None, None, now=lambda: now, random=os.urandom)
        agent.sync_once()
        agent.recompute()
        phone.enrol(ticket, now)
        agent.passes_once()
        phone.open_code(now).text_at(now)
        _report(phone, code, revoking, now)
        phone.send_decoy(now)
        phone.send_decoy(now)
        # Nobody listens there: what fails stands in the ledger like everything else.
        with suppress(OwnhueError):
            phone._doors("http://127.0.0.1:9").fetch("/published/head", "newest state of the log", now)
        agent.tidy()
        why(agent.recompute())
        return [list(line) for line in phone.ledger()]


def _listen(phone: Phone, now: int) -> None:
    phone.note_place(48.2082, 16.3738, 20, now)
    for scan in range(10):
        phone.hear(Beacon(os.urandom(16), bytes(4)), -70, scan, 4, now - 60 * scan)
    phone.beacon_at(now)


def _report(phone: Phone, code: str, revoking: str, now: int) -> None:
    phone.claim(code, TESTED, None, now)
    phone.send_due(now)
    phone.claim_withdrawal(revoking, now)
    phone.send_due(now)
