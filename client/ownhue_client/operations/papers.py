"""Results, health certificates and corrections: what the owner holds in writing."""

from datetime import date
from typing import Any

from ownhue.certificate.holder import Owner
from ownhue.errors import FormatError
from ownhue_client.operations.operation import Args, Context, NoArgs, Operation
from ownhue_client.phone.certificates import KeptCertificate
from ownhue_client.phone.clearances import KeptClearance


class TextArgs(Args):
    """A certificate or clearance as it stands in its code ("HC1:...")."""

    text: str


class IdentityArgs(Args):
    """The beginning of a certificate's id."""

    id: str


class OwnerArgs(Args):
    """Whose certificates these are. Nothing at all: forget it."""

    family: str = ""
    given: str = ""
    born: date | None = None


def _results(context: Context, _args: NoArgs, _now: int) -> dict[str, Any]:
    phone = context.phone
    return {
        "results": phone.results(),
        "certificates": [_certificate(kept) for kept in phone.certificates()],
        "clearances": [_clearance(kept) for kept in phone.clearances()],
        "owner_named": phone.owner() is not None,
    }


def _add_certificate(context: Context, args: TextArgs, now: int) -> dict[str, Any]:
    return _certificate(context.phone.add_certificate(args.text, now))


def _add_clearance(context: Context, args: TextArgs, now: int) -> dict[str, Any]:
    return _clearance(context.phone.add_clearance(args.text, now))


def _remove(context: Context, args: IdentityArgs, _now: int) -> None:
    context.phone.remove_certificate(args.id)


def _name_owner(context: Context, args: OwnerArgs, _now: int) -> dict[str, bool]:
    if args.born is None:
        if args.family or args.given:
            raise FormatError("an owner has a date of birth")
        context.phone.name_owner(None)
        return {"owner_named": False}
    context.phone.name_owner(Owner(args.family, args.given, args.born))
    return {"owner_named": True}


def _certificate(kept: KeptCertificate) -> dict[str, Any]:
    """All but the certificate itself, which names its holder."""
    return {name: value for name, value in vars(kept).items() if name != "text"}


def _clearance(kept: KeptClearance) -> dict[str, Any]:
    return {name: value for name, value in vars(kept).items() if name != "text"}


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("results", NoArgs, _results),
    Operation("certificate.add", TextArgs, _add_certificate, changes=True),
    Operation("certificate.remove", IdentityArgs, _remove, changes=True),
    Operation("clearance.add", TextArgs, _add_clearance, changes=True),
    Operation("owner", OwnerArgs, _name_owner),
)
