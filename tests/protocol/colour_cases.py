"""Facts to decide on, for the tests of colour and journal and for the generator of specs/vectors/colour.json."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ownhue.colour import Facts, OwnResult
from ownhue.demonstration import demonstration_rulebook
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook

SALT = bytes(range(32))
ZONE = ZoneInfo("Asia/Shanghai")


def uncapped() -> Rulebook:
    """The demonstration rulebook with its 60 minutes for red, and without its ceiling."""
    book = demonstration_rulebook()
    return book.model_copy(update={"encounters": book.encounters.model_copy(update={"ceiling": "red"})})


def at(day: int, clock: str = "00:00:00") -> int:
    """Unix second of a local clock time in January 2026, in Shanghai."""
    hour, minute, second = map(int, clock.split(":"))
    return int(datetime(2026, 1, day, hour, minute, second, tzinfo=ZONE).timestamp())


def key(number: int) -> bytes:
    """A key's 16 bytes."""
    return number.to_bytes(16, "big")


def encounter(
    start: int,
    minutes: int,
    *,
    source: bytes = key(1),
    published_at: int = at(7, "12:00:00"),
    attenuation: int = 50,
    report_type: int = ReportType.CONFIRMED_TEST,
    days_since_onset: int | None = 0,
) -> ExposureWindow:
    """One window of scans of one minute."""
    scans = tuple(ScanInstance(start + 60 * n, 60, attenuation, attenuation) for n in range(minutes))
    return ExposureWindow(source, start, report_type, days_since_onset, published_at, scans)


def result(tested: int, learned_at: int, withdrawn_at: int | None = None) -> OwnResult:
    """A confirmed test of a day in January 2026."""
    return OwnResult(ReportType.CONFIRMED_TEST, date(2026, 1, tested), learned_at, withdrawn_at)


def facts(
    *windows: ExposureWindow,
    results: tuple[OwnResult, ...] = (),
    withdrawn: Mapping[bytes, int] | None = None,
    published_until: int | None = at(8, "08:00:00"),
    radio: int | None = 97,
) -> Facts:
    """Facts of a phone that has listened since 1 January."""
    return Facts(SALT, at(1), published_until, radio, windows, withdrawn or {}, results)
