"""Checking a server from outside: everything that it publishes, against the log and the specs. specs/publication.md

    report = audit(Task(open_source("https://health.example", Budget()), region, root), now=None)
    report.failures        # empty: green

- Nothing here knows the server's own code or keys: only the protocol library and what anybody can fetch.
- Every check has a word (``words.py``). What does not hold is a finding with that word, a sentence, and the file.
- A hostile server or folder can make the audit red. It cannot make it hang, fill the disk or leave the folder.
"""

from ownhue_server.audit.report import Finding, Report
from ownhue_server.audit.run import Task, audit
from ownhue_server.audit.sources import Budget
from ownhue_server.audit.web import open_source

__all__ = ["Budget", "Finding", "Report", "Task", "audit", "open_source"]
