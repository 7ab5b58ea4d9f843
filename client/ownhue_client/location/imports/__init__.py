"""Histories that other programs keep: what they are is told by their content, never by their name.

    with path.open("rb") as stream:
        history = import_history(stream, path.name, now)
        for fix in history: ...                    # Fix after Fix, in constant memory
    history.report()                               # read, kept, dropped and why

Points of the last 14 days, at most one a minute; of broken files a FormatError that says where, and no word of content.
Formats: Google Records.json, Timeline.json of Android and of iOS, OwnTracks, GPX, GeoJSON with times.
"""

from ownhue_client.location.imports.history import History, import_history
from ownhue_client.location.imports.report import DROP_REASONS, ImportReport

__all__ = ["DROP_REASONS", "History", "ImportReport", "import_history"]
