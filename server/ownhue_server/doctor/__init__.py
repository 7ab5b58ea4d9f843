"""What ails a deployment, in plain words, with what to do: ``ownhue-server doctor DIR``.

    for advice in examine(directory, now=int(time.time())):
        advice.sentence, advice.action

- Nothing is changed: databases are opened to be read only, beside a server that runs or without one.
- No key, code, token or address is shown: counts, times and names of files. Private keys are read only to see whether
  they are those that are published.
"""

from ownhue_server.doctor.advice import Advice, Kind
from ownhue_server.doctor.examination import examine

__all__ = ["Advice", "Kind", "examine"]
