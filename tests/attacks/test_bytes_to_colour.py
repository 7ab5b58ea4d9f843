"""From the bytes that arrive to the colour that is shown: nothing between them is taken on trust.

A visit with a venue notice, a stay with an area notice, certificates and a clearance that end what they began; and the
same bytes, one step of a check away from being good, that change nothing.
"""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from ownhue.area import Circle, Stay, match_area
from ownhue.area_notice import open_area_notice
from ownhue.certificate import Certificate, Clearance, open_certificate
from ownhue.certificate.content import Entry
from ownhue.certificate.facts import certificate_fact, clearance_fact
from ownhue.certificate.holder import Owner, check_holder
from ownhue.certificate.issue import (
    issue_certificate,
    issue_clearance,
    make_person,
    negative_test,
    recovery,
    vaccination,
)
from ownhue.certificate.trust_list import TrustList, open_trust_list, sign_trust_list
from ownhue.colour import AreaExposure, CertificateFact, Colour, Decision, Facts, VenueExposure, WhyNot, decide
from ownhue.errors import OwnhueError, VerificationError
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.venue.poster import open_poster
from ownhue.venue.visit import Visit, match_notices
from tests.conformance import area_cases
from tests.protocol.certificate_cases import AUTHORITY, OWN_SIGNER, STATE, STATE_KID, UVCI, ec_key, signer, trust
from tests.protocol.venue_scene import (
    AUTHORITY_KEY,
    AUTHORITY_KEYS,
    DAY,
    HOUR,
    POSTER,
    PUBLISHED,
    REGION,
    notice_file,
    record,
)
from tests.protocol.venue_scene import batch as notice_batch

BOOK = demonstration_rulebook()
SHANGHAI = ZoneInfo("Asia/Shanghai")
OWNER = Owner("Muster", "Probe", date(1990, 5, 17))
PERSON = make_person("Muster", "Probe", "1990-05-17")
#: 10:00 in Shanghai on 11 January, the fifth day after visit and stay; the phone learns of it two hours later.
SAMPLED = HOUR + 5 * DAY - 12 * 3600
LEARNED = SAMPLED + 7200


def listed(**revoked: int) -> TrustList:
    """A trust list as it arrives: a document with the authority's signature."""
    document = sign_trust_list(trust(OWN_SIGNER, signer(STATE, STATE_KID), revoked=revoked), AUTHORITY_KEY)
    return open_trust_list(document, AUTHORITY_KEYS)


def visited() -> VenueExposure:
    """An hour in the hall, from the poster's bytes and the notice file's."""
    visit = Visit(open_poster(POSTER, REGION, AUTHORITY_KEYS, HOUR), HOUR, HOUR + 3600)
    (exposure,) = match_notices([visit], [notice_file(record())], notice_batch()).exposures
    return exposure


def stayed(document: bytes, minutes: int = 100) -> AreaExposure | None:
    """A stay in the middle of the cell, against the bytes of an area notice."""
    keys = [bytes.fromhex(key) for key in area_cases.KEYS]
    notice = open_area_notice(document, keys, region=REGION, published_at=PUBLISHED)
    north, east = area_cases.MIDDLE.values()
    place = Circle(north, east, 50)
    return match_area(notice, [Stay(notice.start, notice.start + 60 * minutes, place)], PUBLISHED)


def decided(now: int, *evidence: VenueExposure | AreaExposure, **more: object) -> Decision:
    facts = Facts(
        salt=bytes(16),
        observed_since=HOUR - 30 * DAY,
        published_until=now,
        radio_share_percent=100,
        venues=tuple(item for item in evidence if isinstance(item, VenueExposure)),
        areas=tuple(item for item in evidence if isinstance(item, AreaExposure)),
        **more,  # type: ignore[arg-type]
    )
    return decide(BOOK, facts, now)


def noticed() -> tuple[VenueExposure, AreaExposure]:
    area = stayed(area_cases.document(area_cases.notice(), area_cases.AUTHORITY).encode())
    assert area is not None
    return visited(), area


def learned(text: str, known: TrustList, now: int = LEARNED) -> CertificateFact:
    """What a phone keeps of a scanned text."""
    opened = open_certificate(text, known, now)
    assert isinstance(opened, Certificate)
    check_holder(opened, OWNER)
    return certificate_fact(opened, known, SHANGHAI, now)


def texts() -> dict[str, str]:
    """A certificate of each kind that ends yellow under the demonstration rulebook."""
    entries: dict[str, Entry] = {
        "negative_test": negative_test(AUTHORITY, UVCI, "naat", SAMPLED, "Desk 1"),
        "recovery": recovery(AUTHORITY, UVCI, date(2025, 12, 10), date(2025, 12, 21), date(2026, 6, 8)),
        "vaccination": vaccination(AUTHORITY, UVCI, date(2025, 11, 3), 2, 2, ("1119349007", "EU/1/20/1528", "ORG-1")),
    }
    return {
        kind: issue_certificate(AUTHORITY, entry, PERSON, SAMPLED, LEARNED + 30 * DAY)
        for kind, entry in entries.items()
    }


@pytest.mark.parametrize("which", [0, 1], ids=["venue", "area"])
def test_bytes_of_a_notice_make_yellow_and_bytes_of_a_certificate_end_it(which: int) -> None:
    evidence = noticed()[which]
    assert decided(LEARNED, evidence).colour is Colour.YELLOW
    for kind, text in texts().items():
        fact = learned(text, listed())
        assert fact.kind == kind
        assert decided(LEARNED - 1, evidence, certificates=(fact,)).colour is Colour.YELLOW
        green = decided(LEARNED, evidence, certificates=(fact,))
        assert green.colour is Colour.GREEN
        assert [item.why for item in green.not_counted if item.kind != "certificate"] == [WhyNot.ENDED]


def test_a_certificate_that_is_revoked_later_gives_the_colour_back() -> None:
    text, evidence = texts()["negative_test"], visited()
    digest = open_certificate(text, listed(), LEARNED).revocation_digest.hex()
    later = listed(**{digest: LEARNED + DAY})
    fact = learned(text, later)
    assert decided(LEARNED + DAY - 1, evidence, certificates=(fact,)).colour is Colour.GREEN
    assert decided(LEARNED + DAY, evidence, certificates=(fact,)).colour is Colour.YELLOW
    with pytest.raises(VerificationError, match="was revoked"):
        learned(text, later, LEARNED + DAY)


def test_one_certificate_learned_twice_ends_what_it_ends_once() -> None:
    """Scanned again, and signed again by its authority in another text: one name, one certificate in the decision."""
    text = texts()["negative_test"]
    again = issue_certificate(
        AUTHORITY, negative_test(AUTHORITY, UVCI, "naat", SAMPLED, "Desk 2"), PERSON, SAMPLED, LEARNED + 40 * DAY
    )
    facts = learned(text, listed()), learned(text, listed(), LEARNED + 60), learned(again, listed(), LEARNED + 90)
    assert len({fact.id for fact in facts}) == 1
    once, thrice = (
        decided(LEARNED + DAY, *noticed(), certificates=certificates) for certificates in (facts[:1], facts)
    )
    assert (once.colour, once.since, once.reasons) == (thrice.colour, thrice.since, thrice.reasons)
    assert {item.certificate for item in thrice.not_counted} == {item.certificate for item in once.not_counted}


def test_bytes_of_a_clearance_end_the_finding_that_they_name_and_no_other() -> None:
    for ended, other in (noticed(), noticed()[::-1]):
        (reason,) = decided(LEARNED, ended).reasons
        text = issue_clearance(AUTHORITY, REGION, reason.id, SAMPLED, LEARNED + DAY)
        opened = open_certificate(text, listed(), LEARNED)
        assert isinstance(opened, Clearance)
        cleared = (clearance_fact(opened, LEARNED),)
        assert decided(LEARNED, ended, clearances=cleared).colour is Colour.GREEN
        both = decided(LEARNED, ended, other, clearances=cleared)
        assert both.colour is Colour.YELLOW
        assert reason.id not in [left.id for left in both.reasons]


def test_a_forged_certificate_never_becomes_a_fact() -> None:
    """By a stranger's key under the authority's key id, for another person, or of a positive result's kind of test."""
    entry = negative_test(AUTHORITY, UVCI, "naat", SAMPLED, "Desk 1")
    stranger = type(AUTHORITY)("XX", "Health Office", ec_key("stranger"))
    other = make_person("Muster", "Andere", "1990-05-17")
    made = [
        (stranger, entry, PERSON),
        (AUTHORITY, entry, other),
        (AUTHORITY, entry, None),
        (AUTHORITY, entry.model_copy(update={"tr": "260373001"}), PERSON),
        (AUTHORITY, entry.model_copy(update={"tg": "6142004"}), PERSON),
    ]
    for authority, what, who in made:
        text = issue_certificate(authority, what, who, SAMPLED, LEARNED + DAY)
        with pytest.raises(VerificationError):
            learned(text, listed())


def test_an_area_notice_that_was_changed_or_signed_by_a_stranger_makes_nothing() -> None:
    good = area_cases.document(area_cases.notice(), area_cases.AUTHORITY)
    for bad in (
        good.replace('"minimum_minutes":60', '"minimum_minutes":61'),
        good.replace(area_cases.HOME, area_cases.FAR),
        area_cases.document(area_cases.notice(), area_cases.STRANGER),
        area_cases.document(area_cases.notice(end=PUBLISHED + 1, start=PUBLISHED), area_cases.AUTHORITY),
    ):
        assert bad != good
        with pytest.raises(OwnhueError):
            stayed(bad.encode())
    # Long enough for the rulebook (60 minutes) and not for the notice, and the other way round.
    for asked, minutes in ((90, 80), (10, 59)):
        short = stayed(
            area_cases.document(area_cases.notice(minimum_minutes=asked), area_cases.AUTHORITY).encode(), minutes
        )
        assert short is not None
        assert decided(LEARNED, short).colour is Colour.GREEN
