"""Everything that a phone and its agent do on the network, in a process that writes down each way out that it takes.

    python -m tests.attacks.whole_life FOLDER SERVER_URL CLAIM_CODE REVOKING_CODE TICKET NOW

An audit hook of the interpreter sees every socket, name look-up and process, whatever library asks for it, and nothing
can take it off again. The last line of standard output is JSON: what was seen, and the ledger.
"""

import json
import sys
from typing import Any

#: Events of ways out of a process. https://docs.python.org/3/library/audit_events.html
EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "os.spawn",
    "urllib.",
    "http.client.",
    "ftplib.",
)

seen: list[list[str]] = []


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event.startswith(EVENTS):
        shown = args[1:] if event.startswith("socket.") and event != "socket.getaddrinfo" else args
        seen.append([event, *map(repr, shown)])


def main() -> None:
    """Live, then tell."""
    # Before anything of the phone is even imported.
    sys.addaudithook(_watch)
    from tests.attacks.life import live

    ledger = live(*sys.argv[1:])
    print(json.dumps({"seen": seen, "ledger": ledger}))


if __name__ == "__main__":
    main()
