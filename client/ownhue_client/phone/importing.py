"""Histories of other programs into the phone's own. The formats are those of location/imports."""

from typing import BinaryIO

from ownhue.errors import FormatError
from ownhue_client.location.imports import ImportReport, import_history
from ownhue_client.location.interface import Fix
from ownhue_client.phone.places import Place, Places
from ownhue_client.phone.store import Store


def import_places(
    store: Store, places: Places, stream: BinaryIO, name: str, now: int, *, coarse: bool, keep_partial: bool
) -> ImportReport:
    """Keep the fixes of *stream* in one transaction. Raises FormatError for a broken file, and keeps nothing then.

    With *keep_partial* what was read before the broken place is kept, and the report says what is wrong.
    """
    history = import_history(stream, name, now, known=places.minutes())
    # At most one fix a minute of 14 days comes out of it, so a list is small however large the file is.
    fixes: list[Fix] = []
    broken = ""
    try:
        for fix in history:
            fixes.append(fix)  # noqa: PERF402 - what stands before a broken place is kept
    except FormatError as error:
        if not keep_partial:
            raise
        broken = str(error)
    with store.atomic():
        places.add((Place(*fix) for fix in fixes), coarse=coarse)
    return history.report(broken)
