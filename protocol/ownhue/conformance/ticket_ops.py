"""Operations of specs/pass.md section 6 on vectors: enrolment tickets."""

from collections.abc import Callable, Mapping
from typing import Any

from nacl.signing import SigningKey

from ownhue.ticket import open_ticket, sign_ticket

Question = Mapping[str, Any]


def _sign_ticket(question: Question) -> Any:
    key = SigningKey(bytes.fromhex(question["seed"]))
    text = sign_ticket(key, bytes.fromhex(question["nonce"]), question["expires"])
    return {"verify_key": bytes(key.verify_key).hex(), "text": text}


def _open_ticket(question: Question) -> Any:
    ticket = open_ticket(question["text"], bytes.fromhex(question["verify_key"]), question["now"])
    return {"nonce": ticket.nonce.hex(), "expires": ticket.expires}


OPERATIONS: dict[str, Callable[[Question], Any]] = {"sign_ticket": _sign_ticket, "open_ticket": _open_ticket}
