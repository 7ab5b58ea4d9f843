"""``ownhue-server root ...``: the key ceremony. specs/trust.md section 11, server/README.md

``key``, ``create``, ``rotate``, ``targets``, ``sign`` and ``show`` read and write single files: they are for machines
that are not the server and have no network. ``roles``, ``install`` and ``adopt`` are run on the server.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from nacl.signing import SigningKey

from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue.trust.ceremony import role_keys, sign_trust_file
from ownhue.trust.metadata import parse_any_trust_file, parse_trust_file
from ownhue.trust.roles import TRUST_ROLES_FOLDER, trust_roles_bytes
from ownhue.trust.schema import ROLES, RoleName, Root, parse_time
from ownhue.trust.targets import Target
from ownhue_server import ceremony, trust_install
from ownhue_server.authority.documents import FileDocuments
from ownhue_server.config import Role, load_config
from ownhue_server.online_keys import SIGNING
from ownhue_server.region_roles import trust_roles_of
from ownhue_server.trust_words import counting_keys, missing_words, words

DAY = 86_400
#: Longest number that is read from the command line.
MAX_DIGITS = 20

app = typer.Typer(
    help="Root of trust: keys that are on no server, and what they sign.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

File = Annotated[Path, typer.Argument(help="File of trust metadata.", dir_okay=False)]
Deployment = Annotated[Path, typer.Argument(help="Folder of the deployment.", file_okay=False)]
Files = Annotated[list[Path], typer.Argument(help="Root, targets, and documents that the targets name.")]
Out = Annotated[Path, typer.Option("--out", help="File to be written; never one that is there.")]
Add = Annotated[list[str] | None, typer.Option("--add", help="ROLE=KEY: a public key, or a key file.")]
Threshold = Annotated[list[str] | None, typer.Option("--threshold", help="ROLE=N: how many have to sign.")]
Documents = Annotated[
    list[Path] | None, typer.Option("--document", help="File that the targets name: it is shown what it says.")
]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File with the passphrase; default: it is asked for.")
]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Key file to be made.")],
    passphrase_file: PassphraseFile = None,
    no_passphrase: Annotated[bool, typer.Option(help="Without a passphrase: the file alone is the key.")] = False,
) -> None:
    """Make a key of the root of trust. Prints its public half, which goes into the root file."""
    if file.exists():
        raise StateError(f"{file} is there already, and nothing is written over it")
    passphrase = "" if no_passphrase else _passphrase(passphrase_file, new=True)
    _say(base64url_encode(ceremony.new_key_file(file, passphrase)))


@app.command()
def create(
    out: Out,
    add: Add = None,
    threshold: Threshold = None,
    online: Annotated[Path | None, typer.Option(help="Root file whose timestamp and snapshot keys are taken.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it is void.")] = 365,
) -> None:
    """Make the unsigned first root out of public keys."""
    keys = _keys(add)
    if online is not None:
        before = parse_trust_file(_read(online), Root).signed
        taken: tuple[RoleName, ...] = ("timestamp", "snapshot")
        keys |= {name: role_keys(before, name).keys for name in taken}
    data = ceremony.first_root(keys, _thresholds(threshold), _now() + days * DAY)
    ceremony.write_new(out, data)
    _say(*words(data))


@app.command()
def rotate(
    before: File,
    out: Out,
    add: Add = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="ROLE=KEY that goes.")] = None,
    threshold: Threshold = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it is void.")] = 365,
) -> None:
    """Make the unsigned root that follows BEFORE: other keys, other thresholds, or only a later end."""
    changes = ceremony.Changes(_keys(add), _keys(remove), _thresholds(threshold))
    data = ceremony.changed_root(_read(before), changes, _now() + days * DAY)
    ceremony.write_new(out, data)
    _say(*words(data, before=_read(before)))


@app.command()
def targets(
    out: Out,
    before: Annotated[Path | None, typer.Option(help="The targets file before; default: this is the first.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="KIND=FILE or KIND=FILE@TIME (unix second or 2026-03-02T00:00:00Z; default: now)."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Path that is named no longer.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it is void.")] = 90,
) -> None:
    """Make the unsigned targets that follow: which rulebook, trust roles and lists are in force, from when on."""
    now, old = _now(), _read(before) if before else None
    named = [_target(text, now) for text in name or ()]
    data = ceremony.changed_targets(old, named, drop or (), now, now + days * DAY)
    ceremony.write_new(out, data)
    _say(*words(data, before=old))


@app.command()
def sign(
    file: File,
    key: Annotated[Path, typer.Option(help="Key file to sign with.")],
    out: Annotated[Path | None, typer.Option(help="File to be written; default: FILE.signed-N.json")] = None,
    root: Annotated[Path | None, typer.Option(help="The root in force, for a targets file.")] = None,
    before: Annotated[Path | None, typer.Option(help="The file of this role before, to see what changes.")] = None,
    document: Documents = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
) -> None:
    """Show what a file says, ask, and write it with one more signature."""
    data, key_file = _read(file), ceremony.read_key_file(key)
    _say(*_words(data, root, before, document))
    counting = counting_keys(data, _read(root) if root else None, _read(before) if before else None)
    if counting is not None and key_file.public not in counting:
        raise StateError("a signature by this key does not count for this file; nothing was signed")
    if not yes and typer.prompt("Type sign to sign this") != "sign":
        raise StateError("nothing was signed")
    opened = key_file.open(_passphrase(passphrase_file) if key_file.sealed else "")
    signed = sign_trust_file(data, opened)
    written = out or _signed_name(file, signed)
    ceremony.write_new(written, signed)
    missing = missing_words(signed, _read(root) if root else None, _read(before) if before else None)
    _say("", *missing, f"written: {written}")


@app.command()
def show(
    file: File,
    root: Annotated[Path | None, typer.Option(help="The root in force, for a targets file.")] = None,
    before: Annotated[Path | None, typer.Option(help="The file of this role before.")] = None,
    document: Documents = None,
) -> None:
    """Say in plain words what a file says, what changes, and whose signatures are missing."""
    _say(*_words(_read(file), root, before, document))


@app.command()
def roles(
    directory: Deployment, folder: Annotated[Path, typer.Argument(help="Where to write; made when it is absent.")]
) -> None:
    """On the server: write what a targets file has to name: trust-roles.json (public keys and witnesses), and the
    authority's rulebook and lists when its key is here."""
    config = load_config(directory)
    files = {TRUST_ROLES_FOLDER: trust_roles_bytes(trust_roles_of(config))}
    if SIGNING in config.keys(Role.AUTHORITY).names():
        files |= dict(FileDocuments(config, SigningKey(config.keys(Role.AUTHORITY).load(SIGNING))).documents())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind, data in files.items():
        ceremony.write_new(folder / f"{kind}.json", data)
        _say(str(folder / f"{kind}.json"))


@app.command()
def install(directory: Deployment, files: Files) -> None:
    """On the server: check signed files and put them where the publisher takes them up with the next batch."""
    _say(*trust_install.install(load_config(directory), trust_install.read_files(files), _now()))


@app.command()
def adopt(directory: Deployment, files: Files) -> None:
    """On the stopped server: install an offline root, and delete the keys of root and targets that lie here."""
    _say(*trust_install.adopt(load_config(directory), trust_install.read_files(files), _now()))
    _say("the keys of root and targets are no longer on this server; start it again")


def _words(data: bytes, root: Path | None, before: Path | None, documents: Sequence[Path] | None = None) -> list[str]:
    given = trust_install.read_files(documents or ())
    return words(data, _read(root) if root else None, _read(before) if before else None, given)


def _keys(texts: Sequence[str] | None) -> dict[RoleName, tuple[bytes, ...]]:
    """Keys by role out of ROLE=KEY."""
    found: dict[RoleName, tuple[bytes, ...]] = {}
    for text in texts or ():
        role, value = _role(text)
        found[role] = (*found.get(role, ()), ceremony.public_key(value))
    return found


def _thresholds(texts: Sequence[str] | None) -> dict[RoleName, int]:
    found: dict[RoleName, int] = {}
    for role, value in map(_role, texts or ()):
        if not _is_number(value):
            raise FormatError("a threshold is ROLE=N")
        found[role] = int(value)
    return found


def _role(text: str) -> tuple[RoleName, str]:
    role, _, value = text.partition("=")
    for name in ROLES:
        if name == role and value:
            return name, value
    raise FormatError(f"{text}: say ROLE=..., with a role of {', '.join(ROLES)}")


def _target(text: str, now: int) -> Target:
    kind, equals, rest = text.partition("=")
    if not equals:
        raise FormatError(f"{text}: say KIND=FILE or KIND=FILE@TIME")
    path, _, since = rest.rpartition("@")
    if not path or Path(rest).is_file():  # a file may have an @ in its name
        path, since = rest, ""
    second = now if not since else int(since) if _is_number(since) else parse_time(since)
    return ceremony.target_of(kind, _read(Path(path)), second)


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < MAX_DIGITS


def _signed_name(file: Path, signed: bytes) -> Path:
    count = signed.count(b'"keyid":')
    _ = parse_any_trust_file(signed)
    stem = file.name.removesuffix(".json").partition(".signed-")[0]
    return file.with_name(f"{stem}.signed-{count}.json")


def _passphrase(file: Path | None, *, new: bool = False) -> str:
    if file is None:
        # Not on standard output, where the public key goes.
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True))
    try:
        passphrase = _read(file).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{file} holds no text") from error
    if not passphrase:
        raise FormatError(f"{file} is empty; a key without a passphrase is made with --no-passphrase")
    return passphrase


def _read(path: Path) -> bytes:
    (data,) = trust_install.read_files([path])
    return data


def _now() -> int:
    return int(time.time())


def _say(*lines: str) -> None:
    for line in lines:
        print(line)  # noqa: T201 - what the command is for
