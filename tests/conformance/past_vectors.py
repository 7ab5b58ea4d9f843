"""The cases of specs/vectors/pass.json that are about past keys: lists, and what a reader compares them with."""

from typing import Any

import gmpy2

from ownhue.encoding import base64url_encode
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKey, PastKeys
from tests.conformance.expected import Case, bad, good
from tests.conformance.scripted import EPOCH, ISSUER, epoch_key, rsa_key

DAY = 86_400
KEYS = (epoch_key(EPOCH), epoch_key(EPOCH + 1))


def past_cases() -> list[Case]:
    """All cases."""
    return [*_past_lists(), *_past_checks()]


def _told(key: EpochKey) -> dict[str, Any]:
    return {"epoch": key.epoch, "key_id": key.key_id.hex(), "short_id": key.key_id[:4].hex()}


def _past(*epochs: int, label: str = "issuer") -> dict[str, Any]:
    keys = tuple(PastKey.of(epoch, rsa_key(f"{label} {epoch}")) for epoch in epochs)
    return PastKeys(ISSUER, keys).to_body()


def _small_primes() -> dict[str, str]:
    """The first two primes of 1024 bits: their product has a bit less than a key."""
    p = int(gmpy2.next_prime(2**1023))
    q = int(gmpy2.next_prime(p))
    return {"p": base64url_encode(p.to_bytes(128, "big")), "q": base64url_encode(q.to_bytes(128, "big"))}


def _past_lists() -> list[Case]:
    body = _past(EPOCH, EPOCH + 1)
    first, second = body["keys"]
    smaller = PastKey.of(EPOCH, rsa_key(f"issuer {EPOCH}")).p
    composite = base64url_encode((smaller - 2).to_bytes(128, "big"))
    bodies = {
        "not in order": {**body, "keys": [second, first]},
        "an epoch twice": {**body, "keys": [first, first]},
        "primes in the wrong order": {**body, "keys": [{**first, "p": first["q"], "q": first["p"]}]},
        "primes whose product has 2047 bits": {**body, "keys": [{**first, **_small_primes()}]},
        "one prime twice": {**body, "keys": [{**first, "q": first["p"]}]},
        "a prime of 127 bytes": {**body, "keys": [{**first, "p": first["p"][:-4] + "AA"}]},
        "a prime that is none": {**body, "keys": [{**first, "p": composite}]},
        "a padded prime": {**body, "keys": [{**first, "p": first["p"] + "="}]},
        "an epoch that is true": {**body, "keys": [{**first, "epoch": True}]},
        "a key that is a text": {**body, "keys": ["key"]},
        "an unknown member of a key": {**body, "keys": [{**first, "note": ""}]},
        "an unknown member": {**body, "note": ""},
        "no issuer": {"keys": [first]},
        "an issuer without a name": {**body, "issuer": ""},
    }
    told = {"issuer": ISSUER, "keys": [_told(key) for key in KEYS]}
    return [
        good("list of two past keys", "past_epochs", told, body=body),
        *[bad(f"list of past keys: {name}", "past_epochs", body=wrong) for name, wrong in bodies.items()],
        bad("list of past keys: 15 epochs", "past_epochs", "LimitError", body={"issuer": ISSUER, "keys": [None] * 15}),
    ]


def _past_checks() -> list[Case]:
    published = EpochList(ISSUER, KEYS).to_body()
    due, both = (EPOCH + 2) * DAY, (EPOCH + 3) * DAY
    checks: dict[str, tuple[dict[str, Any], int, list[int] | None]] = {
        "of one epoch, the second it may be public": (_past(EPOCH), due, [EPOCH]),
        "of two epochs": (_past(EPOCH, EPOCH + 1), both, [EPOCH, EPOCH + 1]),
        "of an epoch whose key the reader does not know": (_past(EPOCH - 1, EPOCH), both, [EPOCH]),
        "published a second early": (_past(EPOCH), due - 1, None),
        "of an epoch that is open": (_past(EPOCH), EPOCH * DAY + DAY // 2, None),
        "of one that is over and one that is ahead": (_past(EPOCH, EPOCH + 1), due, None),
        "of another key than the one in use": (_past(EPOCH, label="second"), due, None),
        "of the next epoch's key": (
            {**_past(EPOCH), "keys": [{**_past(EPOCH + 1)["keys"][0], "epoch": EPOCH}]},
            due,
            None,
        ),
    }
    return [
        bad(f"past keys {name}", "check_past_epochs", "VerificationError", body=body, published=published, now=now)
        if checked is None
        else good(
            f"past keys {name}", "check_past_epochs", {"checked": checked}, body=body, published=published, now=now
        )
        for name, (body, now, checked) in checks.items()
    ]
