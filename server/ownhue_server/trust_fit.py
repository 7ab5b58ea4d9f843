"""Whether phones and this server could go on with trust metadata that is to be installed. specs/trust.md section 11

Each function returns nothing, or raises StateError with one sentence for the operator.
"""

from collections.abc import Mapping

from ownhue.documents import open_document
from ownhue.encoding import canonical_json
from ownhue.errors import OwnhueError, StateError
from ownhue.trust.ceremony import role_keys
from ownhue.trust.metadata import TrustFile, missing_signatures
from ownhue.trust.roles import TRUST_ROLES_FOLDER, TrustRoles, parse_trust_roles
from ownhue.trust.schema import Root, Targets
from ownhue.trust.targets import TrustedTargets
from ownhue_server.config import Config
from ownhue_server.document_bodies import READERS
from ownhue_server.documents import Document
from ownhue_server.online_keys import IN_USE, NEXT, OLD, public_half, public_keys
from ownhue_server.region_roles import listed_keys
from ownhue_server.trust_store import TARGETS, embedded_key


def check_root(config: Config, root: TrustFile[Root], now: int) -> None:
    """The newest *root* is in force, and this server can sign under it."""
    if root.signed.expires_at <= now:
        raise StateError("the root is void already")
    for role in ("timestamp", "snapshot"):
        who = role_keys(root.signed, role)
        if len({*who.keys} & {*public_keys(config, role)}) < who.threshold:
            raise StateError(f"the root lists keys of {role} that this server does not have")


def check_embedded(config: Config, root: TrustFile[Root], *, with_targets: bool) -> None:
    """While the publisher makes the targets itself, it goes on being the one who does."""
    if not config.settings.embedded_trust:
        return
    who = role_keys(root.signed, "targets")
    alone = who.threshold == 1 and bytes(embedded_key(config, TARGETS).verify_key) in who.keys
    if with_targets or not alone:
        raise StateError("this server still makes the targets with a key of its own; use ownhue-server root adopt")


def check_targets(root: TrustFile[Root], targets: TrustFile[Targets], now: int) -> None:
    """The *targets* are signed enough under *root*, and in force."""
    if missing := missing_signatures(root, targets):
        raise StateError(f"the targets file lacks {missing} signatures by keys of the newest root")
    if targets.signed.expires_at <= now:
        raise StateError("the targets file is void already")


def check_order(targets: TrustFile[Targets], before: TrustFile[Targets] | None, now: int) -> None:
    """No new document loses against one that *before* named: a machine whose clock is behind would have made it so."""
    known = {*before.signed.targets} if before is not None else set()
    named = TrustedTargets.of(targets.signed)
    for target in named.targets:
        if target.since <= now and target.path not in known:
            current = named.current(target.folder, now)
            if current.path != target.path and current.path in known:
                raise StateError(
                    f"the new file of {target.folder} would never be in force: it is named from before the old one on"
                )


def check_roles(config: Config, targets: TrustFile[Targets], documents: Mapping[str, Document], now: int) -> None:
    """Trust roles are in force; with them and with those announced phones read what this server signs and what the
    targets name, at *now* and whenever something of it changes.

    *documents*: what the targets name, by path. Raises also as ``parse_trust_roles``.
    """
    named = TrustedTargets.of(targets.signed)
    for moment in sorted({now, *(target.since for target in named.targets if target.since > now)}):
        try:
            current = named.current(TRUST_ROLES_FOLDER, moment)
        except StateError as error:
            raise StateError("the targets name no trust roles that are in force now") from error
        roles = parse_trust_roles(current.verify(documents[current.path].content), config.region.name)
        _check_keys(config, roles, later=current.since > now)
        _check_witnesses(config, roles)
        for kind in READERS.keys() & {target.folder for target in named.targets if target.since <= moment}:
            target = named.current(kind, moment)
            _check_document(config, roles, kind, target.verify(documents[target.path].content))


def _check_document(config: Config, roles: TrustRoles, kind: str, data: bytes) -> None:
    try:
        body = open_document(data, kind, listed_keys(roles)["authority"], roles.authority_threshold)
        READERS[kind](canonical_json(body), config.region.name)
    except OwnhueError as error:
        raise StateError(
            f"phones would refuse the {kind} that the targets name ({error}); is it signed by a key of the trust "
            "roles? Make it anew with ownhue-server root roles, and name it"
        ) from error


def _check_keys(config: Config, roles: TrustRoles, *, later: bool) -> None:
    if roles.origin != config.region.origin:
        raise StateError("the trust roles are of another log")
    for key, listed in listed_keys(roles).items():
        # Roles that are announced may already be without the key in use. A report is opened with any of the three.
        states = (IN_USE, NEXT, OLD) if key == "reports" else (IN_USE, NEXT) if later else (IN_USE,)
        here = {public_half(config, key, state) for state in states}
        if not here & {*listed}:
            raise StateError(
                f"the trust roles do not list the {key} key that this server uses: made before its last change? "
                "Make them anew with ownhue-server root roles"
            )


def _check_witnesses(config: Config, roles: TrustRoles) -> None:
    asked = {witness.vkey for witness in config.settings.witnesses}
    if len(asked & {*roles.witnesses}) < roles.witness_threshold:
        raise StateError("the trust roles ask for more witnesses than this server does: see ownhue-server witness ask")
