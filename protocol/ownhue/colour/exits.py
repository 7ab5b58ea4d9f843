"""Exits: certificates that end findings before their time. specs/colour.md section 5

A negative PCR test of the fifth day after an encounter, learned on the sixth, under the rule "negative-pcr":

    Exits(rulebook, [test]).of("encounter", date(2026, 1, 5), Colour.YELLOW)         (Exit(rule="negative-pcr", ...),)

- Days of a rule are counted from the day of the finding (specs/decisions/0010-exits-as-day-offsets.md).
- An exit takes evidence away: what was known, from the moment at which both it and the certificate were known.
- The certificate must be valid at that moment. That it expires later gives nothing back; that it is revoked does.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import chain
from typing import NamedTuple

from ownhue.colour.evidence_facts import CertificateFact
from ownhue.colour.pieces import NEVER, Group, Level, Piece
from ownhue.colour.words import Colour, Kind, WhyNot
from ownhue.rulebook import ExitRule, Rulebook


class Exit(NamedTuple):
    """A certificate that fits a finding by a rule."""

    rule: str
    """Name of the rule."""
    certificate: CertificateFact

    def span(self, known_at: int) -> tuple[int, int]:
        """From when (inclusive) to when (exclusive) it takes away what was known at *known_at*; equal times: never."""
        begin = max(self.certificate.learned_at, known_at)
        if begin > self.certificate.valid_until:
            return begin, begin
        revoked_at = self.certificate.revoked_at
        return begin, NEVER if revoked_at is None else max(revoked_at, begin)

    def ends(self, piece: Piece, now: int) -> bool:
        """Whether it takes *piece* away at *now* (unix seconds)."""
        begin, end = self.span(piece.known_at)
        return begin <= now < end


class Exits:
    """The certificates of one phone under one rulebook."""

    def __init__(self, rulebook: Rulebook, certificates: Iterable[CertificateFact]) -> None:
        self._rules = rulebook.exits
        whole = {item for item in certificates if item.complete}
        self._dated = [(item, rulebook.local_date(item.time)) for item in sorted(whole, key=_order)]
        self.of = cache(self._of)

    def _of(self, kind: Kind, day: date, colour: Colour) -> tuple[Exit, ...]:
        """The exits that fit findings of this kind, day and colour: of each certificate the first rule.

        Every rule takes away the same evidence for the same time, so that one is enough.
        """
        rules = [rule for rule in self._rules if ends_findings(rule, kind, colour)]
        fitting = (
            [Exit(rule.name, item) for rule in rules if accepts(rule, item) and rule.fits_days(day, dated)][:1]
            for item, dated in self._dated
        )
        return tuple(chain.from_iterable(fitting))

    def ending(self, group: Group, level: Level, piece: Piece, now: int) -> Exit | None:
        """The first of the exits that take *piece* away from *level* at *now*; None where none does."""
        for item in self.of(group.kind, group.day, level.colour):
            if item.ends(piece, now):
                return item
        return None


def ends_findings(rule: ExitRule, kind: Kind, colour: Colour) -> bool:
    """Whether a rule is about findings of this kind and colour."""
    return kind in rule.ends and colour.word in rule.colours


def accepts(rule: ExitRule, certificate: CertificateFact) -> bool:
    """Whether a rule is about certificates of this kind."""
    return rule.certificate == certificate.kind and (
        certificate.test_kind is None or certificate.test_kind in rule.test_kinds
    )


def why_it_ends_nothing(certificate: CertificateFact, now: int) -> WhyNot:
    """What is to be said of a certificate that ends nothing at *now*, the first reason that holds."""
    if certificate.revoked_at is not None and certificate.revoked_at <= now:
        return WhyNot.CERTIFICATE_REVOKED
    if not certificate.complete:
        return WhyNot.NOT_COMPLETE
    return WhyNot.CERTIFICATE_EXPIRED if certificate.valid_until < now else WhyNot.NOTHING_TO_END


def _order(certificate: CertificateFact) -> tuple[int, bytes, str, str, int, int, int]:
    revoked_at = NEVER if certificate.revoked_at is None else certificate.revoked_at
    kinds = certificate.kind, certificate.test_kind or ""
    return (certificate.learned_at, certificate.id, *kinds, certificate.time, certificate.valid_until, revoked_at)
