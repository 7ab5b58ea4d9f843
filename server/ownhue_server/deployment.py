"""Setting up a deployment: its keys, its region file, its settings. What ``ownhue-server init`` does."""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from pydantic import ValidationError

from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue.params import BATCH_SECONDS
from ownhue.region import Region, region_bytes
from ownhue.rulebook import Rulebook, rulebook_bytes
from ownhue_server.config import (
    ANSWER_MILLISECONDS,
    PADDING,
    Config,
    Role,
    Settings,
    first_error,
    load_config,
    settings_bytes,
)
from ownhue_server.online_keys import KEY_FILES, LOG, REPORTS, SIGNING, spki
from ownhue_server.storage.key_folder import KeyFolder, load_p256, new_p256, new_seed, write_private
from ownhue_server.trust_store import create_embedded


@dataclass(frozen=True)
class Plan:
    """What a new deployment is to be."""

    url: str
    """Where phones reach it, without a slash at the end."""
    rulebook: Rulebook
    now: int
    """Unix second at which it is made; the root of trust is void ten years later."""
    padding: int = PADDING
    """Fewest keys in a key file."""
    batch_seconds: int = BATCH_SECONDS
    rehearsal: bool = False
    """Made for a clock that is moved."""


def create_deployment(directory: Path, plan: Plan) -> tuple[Config, str]:
    """Make keys and files in *directory*; return the configuration and the desk key, which is kept nowhere.

    Raises StateError when there is a deployment already, FormatError for a url or a number that cannot be used.
    """
    if (directory / "settings.json").exists():
        raise StateError(f"{directory} holds a deployment already")
    desk_key, digest = _new_desk_key()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # A rehearsal's clock stands; nothing is gained there by letting its client wait.
        wait = 0 if plan.rehearsal else ANSWER_MILLISECONDS
        settings = Settings(
            desk_key_sha256=digest, padding=plan.padding, rehearsal=plan.rehearsal, answer_milliseconds=wait
        )
        config = Config(directory, _region(directory / "keys", plan), settings)
    except ValidationError as error:
        raise FormatError(f"no such deployment can be: {first_error(error)}") from error
    create_embedded(config, plan.now)
    config.rulebook.write_bytes(rulebook_bytes(plan.rulebook))
    (directory / "region.json").write_bytes(region_bytes(config.region))
    # Written last: a folder with settings is a whole deployment.
    write_private(directory / "settings.json", settings_bytes(settings))
    return config, desk_key


def resume_rehearsal(directory: Path, url: str) -> tuple[Config, str]:
    """Take up the rehearsal in *directory* at another *url*; its region and its files stay what they are.

    The desk key is a new one and holds for this run only. Raises StateError for a deployment that
    was not made by a rehearsal.
    """
    config = load_config(directory)
    if not config.settings.rehearsal:
        raise StateError(f"{directory} holds a deployment that is served; its clock cannot be moved")
    desk_key, digest = _new_desk_key()
    changes = {"desk_key_sha256": digest, "authority_url": url, "publisher_url": url, "issuer_url": url}
    return Config(directory, config.region, config.settings.model_copy(update=changes)), desk_key


def _new_desk_key() -> tuple[str, str]:
    """A desk key and its digest."""
    desk_key = secrets.token_urlsafe(32)
    return desk_key, sha256(desk_key.encode()).hexdigest()


def _region(keys: Path, plan: Plan) -> Region:
    """The region of a new deployment, with the public halves of keys that are made here."""
    authority, publisher, issuer = (KeyFolder(keys / role) for role in Role)
    place = _place(plan.url)
    key_files = load_p256(publisher.load_or_create(KEY_FILES, new_p256)).public_key()
    reports = PrivateKey(publisher.load_or_create(REPORTS, new_seed)).public_key
    return Region(
        name=plan.rulebook.region,
        url=plan.url,
        origin=f"{place.netloc}{place.path}/log",
        log_key=_ed25519(publisher, LOG),
        key_file_key=base64url_encode(spki(key_files)),
        key_file_id=plan.rulebook.region,
        key_file_version="v1",
        publisher_key=base64url_encode(bytes(reports)),
        authority_key=_ed25519(authority, SIGNING),
        issuer_key=_ed25519(issuer, SIGNING),
        issuer_name=place.hostname or "",
        batch_seconds=plan.batch_seconds,
    )


def _place(url: str) -> SplitResult:
    """The parts of *url*. Raises FormatError for a host or a port that cannot be."""
    try:
        place = urlsplit(url)
        _port = place.port  # Looked at only when asked for.
    except ValueError as error:
        raise FormatError(f"no such deployment can be: url: {error}") from error
    return place


def _ed25519(folder: KeyFolder, name: str) -> str:
    return base64url_encode(bytes(SigningKey(folder.load_or_create(name, new_seed)).verify_key))
