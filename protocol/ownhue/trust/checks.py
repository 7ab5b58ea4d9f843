"""The single questions that an update of trust asks. specs/trust.md sections 4 to 7

Each of them returns nothing, or raises VerificationError with one sentence; ``trust.py`` asks them in the order of the
spec.
"""

from hashlib import sha256
from typing import Any, TypeVar

from ownhue.errors import ForkError, VerificationError
from ownhue.trust.metadata import TrustFile, check_signatures, parse_trust_file
from ownhue.trust.schema import MetaFile, Root, Signed

S = TypeVar("S", bound=Signed)


def check_own_signatures(root: TrustFile[Root]) -> None:
    """Enough of a root's own keys signed it."""
    try:
        check_signatures(root, root)
    except VerificationError as error:
        raise VerificationError("too few of its own keys signed the root file") from error


def refuse_expired(file: TrustFile[Any], now: int) -> None:
    """The file is in force at *now* (unix seconds); at its expiry it is not."""
    if now >= file.signed.expires_at:
        raise VerificationError(f"the {file.signed.role} file has expired")


def refuse_rollback(old: int, new: int, role: str) -> None:
    """The version of the *role* file does not go back."""
    if new < old:
        raise VerificationError(f"the {role} file goes back from version {old} to {new}")


def refuse_fork(old: TrustFile[S], new: TrustFile[S]) -> None:
    """The two are not two contents of one version, else ForkError. Other signatures below one content are no fork."""
    if new.signed.version == old.signed.version and new.signed.payload != old.signed.payload:
        raise ForkError(f"two {new.signed.role} files of version {new.signed.version}", old.data, new.data)


def check_named(named: MetaFile, file: TrustFile[Any]) -> None:
    """The file is the one that the file before it names."""
    role = file.signed.role
    if len(file.data) != named.length or sha256(file.data).hexdigest() != named.hashes.sha256:
        raise VerificationError(f"the {role} file is not the one that is named")
    if file.signed.version != named.version:
        raise VerificationError(f"the {role} file is not of the version that is named")


def remembered(root: TrustFile[Root], data: bytes, model: type[S]) -> TrustFile[S] | None:
    """The file of an earlier round (empty: none), as long as enough of today's keys signed it."""
    if not data:
        return None
    file = parse_trust_file(data, model)
    try:
        check_signatures(root, file)
    except VerificationError:
        # Its keys were rotated: perhaps a thief signed it, and drove its version up ("fast-forward"). It is forgotten.
        return None
    return file
