"""Operations of specs/venue.md on vectors: derivations, posters, owners, notices, files, matching.

Long files come as pieces: hexadecimal texts, and numbers that stand for so many zero bytes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

from ownhue.cells import format_cell, parse_cell
from ownhue.conformance.given import Given
from ownhue.venue import derive_venue_keys, hourly_id, notice_tag, withdrawal_mark
from ownhue.venue.certificate import VenueCertificate, certify_venue, parse_certificate
from ownhue.venue.notice import NoticeBatch, countersign, open_notice, seal_notice, sign_as_owner
from ownhue.venue.notice_content import Notice, SignedNotice
from ownhue.venue.notice_file import write_notice_file
from ownhue.venue.offer import Offer, Span, make_offer, open_offer, seal_offer
from ownhue.venue.owner import OwnerKeys, owner_file, read_owner_file
from ownhue.venue.poster import Poster, open_poster, parse_poster, sign_poster
from ownhue.venue.poster_link import poster_url, read_poster_url
from ownhue.venue.visit import VenueMatches, Visit, is_contradicted, match_notices

Question = Mapping[str, Any]


def _keys(question: Question) -> Any:
    keys = derive_venue_keys(bytes.fromhex(question["payload"]))
    return {name: value.hex() for name, value in asdict(keys).items()}


def _crowdnotifier_hkdf(question: Question) -> Any:
    return {name: value for name, value in _keys(question).items() if name != "preid"}


def _crowdnotifier_identity(question: Question) -> Any:
    return {"preid": _keys(question)["preid"], "identity": _hour(question)["identity"]}


def _hour(question: Question) -> Any:
    identity = hourly_id(derive_venue_keys(bytes.fromhex(question["payload"])), question["start"])
    return {"identity": identity.hex(), "tag": notice_tag(identity).hex(), "mark": withdrawal_mark(identity).hex()}


def _certify_venue(question: Question) -> Any:
    certificate = VenueCertificate(
        question["region"],
        bytes.fromhex(question["venue_key"]),
        bytes.fromhex(question["trace_key_hash"]),
        question["valid_from"],
        question["valid_until"],
    )
    return certify_venue(certificate, _signing_key(question["authority_seed"])).encode().hex()


def _sign_poster(question: Question) -> Any:
    fields = dict(question["poster"])
    cell = fields.pop("cell", None)
    poster = Poster(
        **fields
        | {
            "seed": bytes.fromhex(fields["seed"]),
            "certificate": parse_certificate(bytes.fromhex(fields["certificate"])),
            "cell": None if cell is None else parse_cell(cell),
        }
    )
    data = sign_poster(poster, _signing_key(question["venue_seed"]))
    return {"payload": poster.payload.hex(), "poster": data.hex()}


def _open_poster(question: Question) -> Any:
    data = bytes.fromhex(question["poster"])
    poster = open_poster(data, question["region"], _authority_keys(question), question["now"])
    certificate = poster.certificate
    return {
        "description": poster.description,
        "address": poster.address,
        "category": poster.category,
        "room": poster.room,
        "cell": None if poster.cell is None else format_cell(poster.cell),
        "valid_from": poster.valid_from,
        "valid_until": poster.valid_until,
        "id": poster.keys.preid.hex(),
        "venue_key": certificate.venue_key.hex(),
        "trace_key_hash": certificate.trace_key_hash.hex(),
    }


def _poster_url(question: Question) -> Any:
    return poster_url(bytes.fromhex(question["poster"]), question["prefix"])


def _read_poster_url(question: Question) -> Any:
    data, prefix = read_poster_url(question["url"])
    return {"poster": data.hex(), "prefix": prefix}


def _is_contradicted(question: Question) -> Any:
    poster, _ = parse_poster(bytes.fromhex(question["poster"]))
    return is_contradicted(poster, [parse_cell(cell) for cell in question["own_cells"]])


def _owner_file(question: Question) -> Any:
    return owner_file(_owner(question), question["passphrase"], Given(*question["draws"])).hex()


def _read_owner_file(question: Question) -> Any:
    owner = read_owner_file(bytes.fromhex(question["file"]), question["passphrase"])
    return {"venue_seed": owner.venue_seed.hex(), "trace_seed": owner.trace_seed.hex()}


def _make_offer(question: Question) -> Any:
    span, reason = Span(question["start"], question["end"]), _reason(question["reason"])
    offer = make_offer(bytes.fromhex(question["poster"]), _owner(question), span, question["rule"], reason)
    return offer.hex()


def _open_offer(question: Question) -> Any:
    offer = _opened(question, question["now"])
    return {
        "trace_key": offer.trace_key.hex(),
        "notices": [_notice_object(notice) for notice in offer.notices],
        "marks": [mark.hex() for mark in offer.marks()],
    }


def _seal_offer(question: Question) -> Any:
    offer = _opened(question, question["now"])
    records = seal_offer(offer, question["batch"], _signing_key(question["authority_seed"]))
    return [record.hex() for record in records]


def _seal_notice(question: Question) -> Any:
    keys, region, notice = _venue_keys(question), question["region"], _notice(question["notice"])
    owner = sign_as_owner(notice, region, keys, _signing_key(question["trace_seed"]))
    authority_key = _signing_key(question["authority_seed"])
    signed = countersign(notice, region, keys, owner, question["batch"], authority_key)
    return _signed_object(signed) | {"record": seal_notice(signed, keys).hex()}


def _open_notice(question: Question) -> Any:
    record, trace_key_hash = bytes.fromhex(question["record"]), bytes.fromhex(question["trace_key_hash"])
    signed = open_notice(record, _venue_keys(question), trace_key_hash, question["hour"], _batch(question))
    return _signed_object(signed) | {"notice": _notice_object(signed.notice)}


def _write_notice_file(question: Question) -> Any:
    notices, marks = (list(map(bytes.fromhex, question[name])) for name in ("notices", "marks"))
    padding = Given(*(_joined(draw).hex() for draw in question["draws"]))
    authority_key = _signing_key(question["authority_seed"])
    data = write_notice_file(question["region"], question["batch"], notices, marks, authority_key, padding)
    return {"length": len(data), "sha256": sha256(data).hexdigest(), "signature": data[-64:].hex()}


def _match_notices(question: Question) -> Any:
    visits = [_visit(visit) for visit in question["visits"]]
    found = match_notices(visits, _pieces(question["file"]), _batch(question))
    return _matches_object(found)


def _matches_object(found: VenueMatches) -> Any:
    return {
        "exposures": [asdict(exposure) | {"source": exposure.source.hex()} for exposure in found.exposures],
        "withdrawn": {tag.hex(): time for tag, time in found.withdrawn.items()},
        "discarded": {str(word): count for word, count in found.discarded.items()},
    }


def _visit(value: Question) -> Visit:
    poster, _ = parse_poster(bytes.fromhex(value["poster"]))
    return Visit(poster, value["entered"], value["left"], value["contradicted"])


def _batch(question: Question) -> NoticeBatch:
    return NoticeBatch(question["region"], question["batch"], question["published_at"], _authority_keys(question))


def _opened(question: Question, now: int) -> Offer:
    return open_offer(bytes.fromhex(question["offer"]), question["region"], _authority_keys(question), now)


def _notice(value: Question) -> Notice:
    return Notice(value["start"], value["end"], value["rule"], _reason(value["reason"]))


def _notice_object(notice: Notice) -> Any:
    return asdict(notice) | {"reason": [list(pair) for pair in notice.reason]}


def _signed_object(signed: SignedNotice) -> dict[str, Any]:
    return {
        "trace_key": signed.owner.trace_key.hex(),
        "owner_signature": signed.owner.signature.hex(),
        "authority_signature": signed.authority_signature.hex(),
    }


def _reason(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((language, text) for language, text in value)


def _owner(question: Question) -> OwnerKeys:
    return OwnerKeys(bytes.fromhex(question["venue_seed"]), bytes.fromhex(question["trace_seed"]))


def _venue_keys(question: Question) -> Any:
    return derive_venue_keys(bytes.fromhex(question["payload"]))


def _authority_keys(question: Question) -> list[bytes]:
    return [bytes.fromhex(key) for key in question["authority_keys"]]


def _signing_key(seed: str) -> SigningKey:
    return SigningKey(bytes.fromhex(seed))


def _pieces(value: list[str | int]) -> Iterator[bytes]:
    for piece in value:
        yield bytes(piece) if isinstance(piece, int) else bytes.fromhex(piece)


def _joined(value: list[str | int]) -> bytes:
    return b"".join(_pieces(value))


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "crowdnotifier_hkdf": _crowdnotifier_hkdf,
    "crowdnotifier_identity": _crowdnotifier_identity,
    "venue_keys": _keys,
    "hour": _hour,
    "certify_venue": _certify_venue,
    "sign_poster": _sign_poster,
    "open_poster": _open_poster,
    "poster_url": _poster_url,
    "read_poster_url": _read_poster_url,
    "is_contradicted": _is_contradicted,
    "owner_file": _owner_file,
    "read_owner_file": _read_owner_file,
    "make_offer": _make_offer,
    "open_offer": _open_offer,
    "seal_offer": _seal_offer,
    "seal_notice": _seal_notice,
    "open_notice": _open_notice,
    "write_notice_file": _write_notice_file,
    "match_notices": _match_notices,
}
