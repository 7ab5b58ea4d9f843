"""Facts to decide on, for the tests of colour, journal and review and for the generators of their vectors."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ownhue.colour import AreaExposure, CertificateFact, ClearanceFact, Facts, OwnResult, VenueExposure
from ownhue.colour.evidence_facts import TestKind
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.params import ReportType
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook

SALT = bytes(range(32))
ZONE = ZoneInfo("Asia/Shanghai")
LATER = 2**32 - 1


def uncapped() -> Rulebook:
    """The demonstration rulebook with its 60 minutes for red, and without its ceiling."""
    book = demonstration_rulebook()
    return book.model_copy(update={"encounters": book.encounters.model_copy(update={"ceiling": "red"})})


def at(day: int, clock: str = "00:00:00") -> int:
    """Unix second of a local clock time in January 2026, in Shanghai."""
    hour, minute, second = map(int, clock.split(":"))
    return int(datetime(2026, 1, day, hour, minute, second, tzinfo=ZONE).timestamp())


def key(number: int) -> bytes:
    """A key's 16 bytes; a venue notice's tag too."""
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
    place_confirmed: bool = False,
) -> ExposureWindow:
    """One window of scans of one minute."""
    scans = tuple(ScanInstance(start + 60 * n, 60, attenuation, attenuation) for n in range(minutes))
    return ExposureWindow(source, start, report_type, days_since_onset, published_at, scans, 0, place_confirmed)


def result(tested: int, learned_at: int, withdrawn_at: int | None = None) -> OwnResult:
    """A confirmed test of a day in January 2026."""
    return OwnResult(ReportType.CONFIRMED_TEST, date(2026, 1, tested), learned_at, withdrawn_at)


def venue(
    start: int,
    minutes: int,
    *,
    source: bytes = key(101),
    rule: str = "indoor",
    published_at: int = at(7, "12:00:00"),
    contradicted: bool = False,
) -> VenueExposure:
    """One visit that a notice speaks of."""
    return VenueExposure(source, rule, start, 60 * minutes, published_at, contradicted)


def area(
    start: int,
    minutes: int,
    *,
    source: bytes = bytes(31) + b"\x01",
    rule: str = "outbreak",
    least: int = 30,
    published_at: int = at(7, "12:00:00"),
    denied_at: int | None = None,
) -> AreaExposure:
    """One stay that a notice speaks of; it asks for *least* minutes."""
    return AreaExposure(source, rule, start, 60 * minutes, 60 * least, published_at, denied_at)


def negative(
    sampled_at: int,
    learned_at: int,
    *,
    number: int = 1,
    test_kind: TestKind = "naat",
    valid_until: int = LATER,
    revoked_at: int | None = None,
) -> CertificateFact:
    """A negative test."""
    name = number.to_bytes(32, "big")
    return CertificateFact(name, "negative_test", test_kind, sampled_at, True, learned_at, valid_until, revoked_at)


def vaccination(given_at: int, learned_at: int, *, number: int = 2, complete: bool = True) -> CertificateFact:
    """A vaccination."""
    return CertificateFact(number.to_bytes(32, "big"), "vaccination", None, given_at, complete, learned_at, LATER, None)


def recovery(positive_at: int, learned_at: int, *, number: int = 3, revoked_at: int | None = None) -> CertificateFact:
    """A recovery."""
    return CertificateFact(
        number.to_bytes(32, "big"), "recovery", None, positive_at, True, learned_at, LATER, revoked_at
    )


def facts(
    *windows: ExposureWindow,
    results: tuple[OwnResult, ...] = (),
    withdrawn: Mapping[bytes, int] | None = None,
    published_until: int | None = at(8, "08:00:00"),
    radio: int | None = 97,
    venues: tuple[VenueExposure, ...] = (),
    areas: tuple[AreaExposure, ...] = (),
    certificates: tuple[CertificateFact, ...] = (),
    clearances: tuple[ClearanceFact, ...] = (),
) -> Facts:
    """Facts of a phone that has listened since 1 January."""
    evidence = (venues, areas, certificates, clearances)
    return Facts(SALT, at(1), published_until, radio, windows, withdrawn or {}, results, *evidence)
