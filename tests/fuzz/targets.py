"""All targets by name. The table in specs/README.md names each beside its format."""

from tests.fuzz import certificates, publication, radio, records, texts, trust, venues

TARGETS = {
    **certificates.TARGETS,
    **publication.TARGETS,
    **radio.TARGETS,
    **records.TARGETS,
    **texts.TARGETS,
    **trust.TARGETS,
    **venues.TARGETS,
}
