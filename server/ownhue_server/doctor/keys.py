"""Private keys and what is listed of them: there, readable, private, and of today."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from ownhue.blind_rsa import pss_spki
from ownhue.encoding import parse_canonical_json
from ownhue.errors import OwnhueError
from ownhue.passes import EpochList, epoch_of
from ownhue.report import report_keys_from_body, week_of
from ownhue_server.config import Config, Role
from ownhue_server.doctor.advice import Advice, moment, note, todo
from ownhue_server.publisher.tables import FILES
from ownhue_server.storage.key_folder import KeyFolder, load_rsa
from ownhue_server.trust_status import trust_status

_OTHERS = 0o077
_TRUST_ACTIONS = {
    "missing": "the server writes it with its next batch; if not, see its log",
    "void": "phones stop: have a new one signed (ownhue-server root), or, for timestamp and snapshot, start the server",
    "ends soon": "have a new one signed (ownhue-server root), or, for timestamp and snapshot, see the server's log",
    "waits": "the server publishes it with its next batch, if what it names is there; see its log",
    "too few signatures": "collect the missing signatures: ownhue-server root show",
    "unreadable": "restore it from a backup",
}


def permissions(config: Config) -> Iterator[Advice]:
    """Nobody else may read keys, settings and databases."""
    private = [config.directory / "settings.json", *(config.database(role) for role in Role)]
    private += sorted((config.directory / "keys").rglob("*"))
    loose = [path for path in private if path.exists() and path.stat().st_mode & _OTHERS]
    if loose:
        shown = ", ".join(str(path.relative_to(config.directory)) for path in loose[:5])
        action = (
            f"chmod -R go= {config.directory / 'keys'} {config.directory}/settings.json {config.directory}/*.sqlite"
        )
        yield todo("permissions", f"{len(loose)} private files can be read by others: {shown}", action)
    if config.published.is_dir() and config.published.stat().st_mode & 0o005 != 0o005:
        action = f"chmod o+rx {config.published}, if a web server of another user is to serve it"
        yield note("permissions", "published/ cannot be read by other users of this machine", action)


def long_lived(config: Config) -> Iterator[Advice]:
    """Keys without which a role does not start."""
    for role, names in {
        Role.AUTHORITY: ["signing"],
        Role.PUBLISHER: ["log", "key-files", "reports"],
        Role.ISSUER: ["signing"],
    }.items():
        folder = config.keys(role)
        for name in names:
            if config.database(role).exists() and name not in folder.names():
                yield todo("keys", f"the key {name} of the {role} is missing", "restore it from a backup")


def listed(config: Config, connection: Connection, now: int) -> Iterator[Advice]:
    """The lists that phones use today, and the private keys behind them."""
    today, week = epoch_of(now), week_of(now)
    epochs = _body(connection, "epochs")
    keys = {key.epoch: key.spki for key in EpochList.from_body(epochs).keys} if epochs else {}
    if today not in keys:
        action = "start the issuer and the publisher; see the issuer's log"
        yield todo("epochs", "no key of today's epoch is published: phones get no passes", action)
    yield from _private(config.keys(Role.ISSUER), {f"epoch-{epoch}": spki for epoch, spki in keys.items()}, "epochs")
    report_keys = _body(connection, "report-keys")
    tokens = report_keys_from_body(report_keys) if report_keys else ()
    if all(key.week != week for key in tokens):
        action = "start the authority and the publisher; see the authority's log"
        yield todo("report-keys", "no report-token key of this week is published: nobody can report", action)
    spkis = {
        f"report-{int(key.report_type)}-{key.week}": pss_spki(key.public_key) for key in tokens if key.week >= week
    }
    yield from _private(config.keys(Role.AUTHORITY), spkis, "report-keys")


def _private(folder: KeyFolder, spkis: dict[str, bytes], word: str) -> Iterator[Advice]:
    """Each listed key has its private half here, where the role is played here."""
    if "signing" not in folder.names():
        return
    for name, spki in spkis.items():
        try:
            good = pss_spki(load_rsa(folder.load(name)).public_key()) == spki
        except (OwnhueError, OSError):
            good = False
        if not good:
            action = f"restore {folder.path / name}.key from a backup; never make another one: it would mark people"
            yield todo(word, f"the private key {name} is missing, damaged or another than the published one", action)


def trust(config: Config, now: int) -> Iterator[Advice]:
    """Trust metadata that is missing or ends."""
    for found in trust_status(config, now):
        if found.problem == "embedded":
            action = "before phones rely on it, hold a key ceremony: ownhue-server root"
            yield note("trust", "the keys of the root of trust lie on this server: good for trying out only", action)
        elif found.problem:
            until = f", void from {moment(found.expires)}" if found.expires else ""
            sentence = f"{found.file} (version {found.version}{until}): {found.problem}"
            yield todo("trust", sentence, _TRUST_ACTIONS.get(found.problem, ""))


def _body(connection: Connection, kind: str) -> dict[str, Any] | None:
    newest = select(FILES.c.content).where(FILES.c.kind == kind).order_by(FILES.c.batch.desc()).limit(1)
    content = connection.execute(newest).scalar()
    return dict(parse_canonical_json(content)["signed"]) if content else None


def paths_of(folder: Path) -> set[str]:
    """Names of the keys in all role folders of a deployment, relative to it."""
    return {str(path.relative_to(folder)) for path in (folder / "keys").rglob("*.key")}
