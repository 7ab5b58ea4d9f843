"""What certificates mean, and what a door shows of them. specs/certificate.md section 6"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ownhue.certificate import Certificate, open_certificate
from ownhue.certificate.content import DETECTED, RAT
from ownhue.certificate.door import DoorView, Shown, verify_shown
from ownhue.certificate.facts import certificate_fact
from ownhue.colour.evidence_facts import CertificateFact, CertificateKind
from ownhue.errors import OwnhueError, VerificationError
from ownhue.rulebook.rules import Mode
from tests.protocol.certificate_cases import (
    CLEARANCE_MAKING,
    DAY,
    EXPIRES,
    NOW,
    OWN_MAKING,
    RECOVERY,
    STATE,
    STATE_KID,
    TEST,
    TRUST,
    VACCINATION,
    ZONE,
    Making,
    claims,
    content,
    signer,
    trust,
)

VIENNA = ZoneInfo(ZONE)
LONG = trust(signer(STATE, STATE_KID, not_after=2**32 - 1))


def making(group: str, entry: dict[str, Any], **changes: Any) -> Making:
    return Making(claims=claims(content(group, entry), **changes))


def fact(made: Making, now: int = NOW, zone: ZoneInfo = VIENNA, listed: Any = TRUST) -> CertificateFact:
    found = open_certificate(made.text(), listed, now)
    assert isinstance(found, Certificate)
    return certificate_fact(found, listed, zone, now)


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_a_negative_test() -> None:
    found = fact(making("t", TEST))
    assert (found.kind, found.test_kind, found.complete, found.revoked_at) == ("negative_test", "naat", True, None)
    assert (found.time, found.learned_at, found.valid_until) == (unix("2026-01-05T08:30:00+00:00"), NOW, EXPIRES)
    assert fact(making("t", TEST | {"tt": RAT})).test_kind == "rat"


def test_a_recovery_counts_from_noon_of_its_first_positive_result_to_the_end_of_its_last_day() -> None:
    found = fact(making("r", RECOVERY, exp=NOW + 300 * DAY))
    assert (found.kind, found.test_kind, found.complete) == ("recovery", None, True)
    assert found.time == unix("2025-12-10T12:00:00+01:00")
    assert found.valid_until == unix("2026-06-08T23:59:59+02:00")
    assert fact(making("r", RECOVERY)).valid_until == EXPIRES
    assert fact(making("r", RECOVERY), zone=ZoneInfo("Pacific/Auckland")).time == unix("2025-12-10T12:00:00+13:00")


def test_a_vaccination_is_complete_with_its_last_dose() -> None:
    for dose, doses, complete in ((2, 2, True), (3, 2, True), (1, 1, True), (1, 2, False), (2, 3, False)):
        found = fact(making("v", VACCINATION | {"dn": dose, "sd": doses}))
        assert (found.kind, found.complete) == ("vaccination", complete)
        assert found.time == unix("2025-11-03T12:00:00+01:00")


def test_a_certificate_without_end_is_valid_until_the_last_second_of_facts() -> None:
    assert fact(making("v", VACCINATION, exp=253_402_300_799), listed=LONG).valid_until == 2**32 - 1


@pytest.mark.parametrize(
    ("group", "entry", "message"),
    [
        ("t", TEST | {"tr": DETECTED}, "a positive result"),
        ("t", TEST | {"tr": "419984006"}, "no result that is known"),
        ("t", TEST | {"tr": ""}, "no result that is known"),
        ("t", TEST | {"tt": "a test"}, "a kind that is not known"),
        ("t", TEST | {"tg": "6142004"}, "another disease"),
        ("r", RECOVERY | {"tg": "6142004"}, "another disease"),
        ("v", VACCINATION | {"tg": ""}, "another disease"),
        ("t", TEST | {"sc": "2026-01-05T10:00:01Z"}, "in the future"),
        ("v", VACCINATION | {"dt": "2026-01-06"}, "in the future"),
        ("r", RECOVERY | {"fr": "2026-01-06"}, "in the future"),
    ],
)
def test_what_ends_nothing_is_refused_with_its_own_sentence(group: str, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        fact(making(group, entry))


def test_the_future_begins_with_the_next_local_day() -> None:
    """In Vienna it is 2026-01-06 from 23:00 UTC of the 5th on."""
    tomorrow, eleven = making("v", VACCINATION | {"dt": "2026-01-06"}), unix("2026-01-05T23:00:00+00:00")
    assert fact(tomorrow, eleven).time > eleven
    with pytest.raises(VerificationError, match="in the future"):
        fact(tomorrow, eleven - 1)
    assert fact(making("t", TEST | {"sc": "2026-01-05T10:00:00Z"})).time == NOW


def test_a_fact_tells_when_its_certificate_was_revoked() -> None:
    held = open_certificate(making("t", TEST).text(), TRUST, NOW)
    assert isinstance(held, Certificate)
    digest = held.revocation_digest.hex()
    later = trust(signer(STATE, STATE_KID), revoked={digest: NOW + 5})
    assert certificate_fact(held, later, VIENNA, NOW).revoked_at == NOW + 5
    of_signer = trust(signer(STATE, STATE_KID, revoked_at=NOW + 3))
    assert certificate_fact(held, of_signer, VIENNA, NOW).revoked_at == NOW + 3


def test_two_texts_of_one_certificate_are_one_fact() -> None:
    one, two = fact(making("t", TEST)), fact(OWN_MAKING)
    assert one.id == two.id


@dataclass(frozen=True)
class Asks:
    requires: tuple[CertificateKind, ...] = ("negative_test", "recovery", "vaccination")
    test_hours: int = 48


VIEW = DoorView(TRUST, VIENNA)


def shown(made: Making, now: int = NOW, **asks: Any) -> Shown:
    return verify_shown(made.text(), VIEW, now, Asks(**asks))


def not_shown(made: Making, message: str, now: int = NOW, **asks: Any) -> None:
    with pytest.raises(OwnhueError, match=message):
        shown(made, now, **asks)


def test_a_door_shows_the_kind_and_whom_it_names_and_nothing_else() -> None:
    found = shown(making("t", TEST))
    assert (found.kind, found.name.fnt, found.born) == ("negative_test", "MUSTER<GROESSE", "1990-05-17")
    assert Shown.__slots__ == ("kind", "name", "born")
    assert repr(found) == "Shown(kind='negative_test')"


def test_a_mode_of_a_rulebook_can_be_asked() -> None:
    mode = Mode(
        label={"en": "Care home"},
        passes=("green",),
        refers=(),
        requires=("negative_test", "recovery", "vaccination"),
        test_hours=48,
        measure_temperature=True,
    )
    assert verify_shown(making("t", TEST).text(), VIEW, NOW, mode).kind == "negative_test"


def test_a_test_may_be_so_many_hours_old_and_not_a_second_more() -> None:
    taken = unix("2026-01-05T08:30:00+00:00")
    for hours in (2, 24, 48):
        shown(making("t", TEST), taken + hours * 3600, test_hours=hours)
        not_shown(making("t", TEST), f"older than {hours} hours", taken + hours * 3600 + 1, test_hours=hours)


def test_a_recovery_counts_between_its_days_in_local_time() -> None:
    first, last = unix("2025-12-20T23:00:00+00:00"), unix("2026-01-05T22:59:59+00:00")
    made = making("r", RECOVERY | {"du": "2026-01-05"}, iat=first - DAY)
    shown(made, first)
    shown(made, last)
    not_shown(made, "does not count today", first - 1)
    not_shown(made, "does not count today", last + 1)


def test_what_a_door_does_not_ask_for_is_refused() -> None:
    for group, entry, kind in (
        ("t", TEST, "negative_test"),
        ("r", RECOVERY, "recovery"),
        ("v", VACCINATION, "vaccination"),
    ):
        assert shown(making(group, entry), requires=(kind,)).kind == kind
        others = tuple(sorted({"negative_test", "recovery", "vaccination"} - {kind}))
        not_shown(making(group, entry), "does not ask", requires=others)
        not_shown(making(group, entry), "does not ask", requires=())


def test_a_door_refuses_what_ends_nothing_and_what_does_not_hold() -> None:
    not_shown(making("v", VACCINATION | {"dn": 1}), "not complete")
    not_shown(making("t", TEST | {"tr": DETECTED}), "positive")
    not_shown(CLEARANCE_MAKING, "not for a door")
    not_shown(making("t", TEST).but(signature=bytes(64)), "does not hold")
    not_shown(making("t", TEST), "expired", EXPIRES + 1)


def test_times_of_facts_are_unix_seconds() -> None:
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == "2026-01-05T10:00:00+00:00"
