"""Publication: the same files for everyone, or an error. specs/publication.md sections 6 and 7, specs/trust.md

    state, keys, entries = catch_up(fetch, region, PublicationState(), now, root=root_file, policy=policy)
    data = read_entry(fetch, entries[0])                  # exactly the file that the log names
    keys.open_document(data, "rulebook")                  # signed by the keys in force

- ``log.py`` follows the log, ``trust_round.py`` the trust metadata, ``catching_up.py`` joins both into one round.
- ``keys.py``: whose signatures count. ``in_force.py``: which documents. ``evidence.py``: files that prove a fork.
- Nothing here keeps anything or knows a server: a fetch comes in, values go out.
"""

from ownhue_client.publication.catching_up import catch_up, keys_in_force, targets_of, trust_words
from ownhue_client.publication.evidence import fork_evidence_of, verify_trust_fork_file, without_strangers
from ownhue_client.publication.in_force import NamedDocument, documents_in_force, named_documents
from ownhue_client.publication.keys import RegionKeys
from ownhue_client.publication.log import (
    FUTURE_TOLERANCE,
    KEPT_RULEBOOKS,
    Fetch,
    LogState,
    check_fresh,
    closing_time,
    follow,
    heads_of,
    read_entry,
)
from ownhue_client.publication.served_tree import MAX_NEW_ENTRIES
from ownhue_client.publication.state import PublicationState
from ownhue_client.publication.trust_round import trust_round

__all__ = [
    "FUTURE_TOLERANCE",
    "KEPT_RULEBOOKS",
    "MAX_NEW_ENTRIES",
    "Fetch",
    "LogState",
    "NamedDocument",
    "PublicationState",
    "RegionKeys",
    "catch_up",
    "check_fresh",
    "closing_time",
    "documents_in_force",
    "follow",
    "fork_evidence_of",
    "heads_of",
    "keys_in_force",
    "named_documents",
    "read_entry",
    "targets_of",
    "trust_round",
    "trust_words",
    "verify_trust_fork_file",
    "without_strangers",
]
