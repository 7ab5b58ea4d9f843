"""Targets: posters, their links and certificates, offers, notices and notice files."""

from functools import cache
from typing import Any

from ownhue.venue.certificate import parse_certificate
from ownhue.venue.notice import NoticeBatch
from ownhue.venue.notice_content import parse_signed_notice
from ownhue.venue.notice_file import parse_notice_file
from ownhue.venue.offer import parse_offer
from ownhue.venue.poster import encode_poster, parse_poster
from ownhue.venue.poster_link import poster_url, read_poster_url
from tests.fuzz import seeds
from tests.fuzz.target import Target, text
from tests.protocol.venue_scene import content
from tests.protocol.venue_second_opinion import cbor


def _certificates() -> list[bytes]:
    return [bytes.fromhex(case["output"]) for case in seeds.cases("venue", "certify_venue")]


def _notices() -> list[bytes]:
    """What the notices of the vectors say, as it is sealed."""
    return [cbor(list(content().values()))]


@cache
def _matched() -> dict[str, Any]:
    found: dict[str, Any] = seeds.cases("venue", "match_notices")[0]["input"]
    return found


def _batch() -> NoticeBatch:
    asked = _matched()
    keys = [bytes.fromhex(key) for key in asked["authority_keys"]]
    return NoticeBatch(asked["region"], asked["batch"], asked["published_at"], keys)


def _files() -> list[bytes]:
    pieces = _matched()["file"]
    return [b"".join(bytes(piece) if isinstance(piece, int) else bytes.fromhex(piece) for piece in pieces)]


TARGETS = {
    "poster": Target(parse_poster, lambda value: encode_poster(*value), seeds.data("venue", "open_poster", "poster")),
    "poster-link": Target(
        text(read_poster_url),
        lambda value: poster_url(*value).encode(),
        seeds.texts("venue", "read_poster_url", "url"),
    ),
    "venue-certificate": Target(parse_certificate, lambda value: value.encode(), _certificates),
    "venue-offer": Target(parse_offer, lambda value: value.encode(), seeds.data("venue", "open_offer", "offer")),
    "venue-notice": Target(parse_signed_notice, lambda value: value.encode(), _notices),
    "notice-file": Target(lambda data: parse_notice_file(data, _batch()), lambda value: value.encode(), _files),
}
