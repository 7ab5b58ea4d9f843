"""Asking one witness for its line, over HTTP. specs/publication.md section 12

    line = await ask(http, witness, "https://witness.example", WitnessRequest(known, proof, note))

Whatever comes back is judged here and nothing of it is believed: a line counts when it holds under the witness's key.
The caller limits the time of the whole; an answer is cut at :data:`MAX_ANSWER_BYTES`, and no redirect is followed.
"""

import httpx

from ownhue.cosignature import WitnessKey, verify_cosignature
from ownhue.errors import FormatError, OwnhueError
from ownhue.signed_note import NoteSignature, parse_note, parse_signature_line
from ownhue.tree_head import parse_number
from ownhue.witness import WitnessRequest

#: Path of the call, behind the witness's url. C2SP tlog-witness, "add-checkpoint"
PATH = "/add-checkpoint"
#: Content type of an answer that tells the size that the witness knows. C2SP tlog-witness, "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
#: Bytes of an answer that are read: room for lines of more keys than the one that is known.
MAX_ANSWER_BYTES = 16_384

_OK, _CONFLICT = 200, 409


class AskError(OwnhueError):
    """The witness did not cosign; *word* says why, in one of a few words."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the witness did not cosign: {word}")
        self.word = word


class KnownSizeError(AskError):
    """The witness has seen *size* entries, not as many as the request said."""

    def __init__(self, size: int) -> None:
        super().__init__("conflict")
        self.size = size


async def ask(http: httpx.AsyncClient, witness: WitnessKey, url: str, request: WitnessRequest) -> tuple[str, int]:
    """The line of *witness* (with its newline), checked, and the unix second that it states.

    Raises KnownSizeError (another size is known), AskError (refused, nonsense, forged), httpx.HTTPError.
    """
    status, kind, body = await _post(http, url.rstrip("/") + PATH, request.to_bytes())
    if status == _CONFLICT and kind == SIZE_TYPE:
        raise KnownSizeError(_size(body))
    if status != _OK:
        raise AskError(f"status-{status}")
    line = _own_line(body, witness)
    try:
        return line.line(), verify_cosignature(parse_note(request.note).text, line, witness)
    except OwnhueError as error:
        raise AskError("forged") from error


async def _post(http: httpx.AsyncClient, url: str, content: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer."""
    body = bytearray()
    async with http.stream("POST", url, content=content, follow_redirects=False) as answer:
        # As it comes: an answer that unpacks to gigabytes stays small, and is no line.
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AskError("too-long")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.status_code, kind, bytes(body)


def _size(body: bytes) -> int:
    try:
        return parse_number(body.decode("ascii").removesuffix("\n"))
    except (FormatError, UnicodeDecodeError) as error:
        raise AskError("nonsense") from error


def _own_line(body: bytes, witness: WitnessKey) -> NoteSignature:
    """The one line of *witness*; lines of other keys and kinds are passed over."""
    found = []
    for text in body.decode("utf-8", "replace").split("\n"):
        try:
            line = parse_signature_line(text)
        except FormatError:
            continue
        if (line.name, line.key_hash) == (witness.name, witness.key_hash):
            found.append(line)
    if len(found) != 1:
        raise AskError("nonsense")
    return found[0]
