"""The trust roles that a deployment states: its keys that are listed, its witnesses. specs/trust.md section 10"""

from ownhue.cosignature import WitnessKey
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.region import load_p256
from ownhue.trust.roles import KeyFileKey, TrustRoles
from ownhue_server.config import Config
from ownhue_server.online_keys import IN_USE, NEXT, key_file_version, public_half, public_keys


def trust_roles_of(config: Config, publisher_key: bytes | None = None) -> TrustRoles:
    """The trust roles of *config*. *publisher_key*: the X25519 key that reports shall be sealed to (32 bytes); default:
    the next one that lies there, or the one in use.

    Raises FormatError for files or settings of which no roles can be made.
    """
    if publisher_key is None:
        publisher_key = public_half(config, "reports", NEXT) or public_half(config, "reports", IN_USE) or b""
    # Below a threshold of one nobody is asked, whoever cosigns all the same.
    watched = config.settings.witness_threshold > 0
    witnesses = sorted(WitnessKey.from_vkey(witness.vkey) for witness in config.settings.witnesses if watched)
    return TrustRoles(
        authority_keys=_texts(config, "authority"),
        authority_threshold=1,
        format="ownhue-trust-roles-1",
        issuer_keys=_texts(config, "issuer"),
        issuer_threshold=1,
        key_file_keys=_key_file_keys(config),
        log_keys=_texts(config, "log"),
        origin=config.region.origin,
        publisher_key=base64url_encode(publisher_key),
        region=config.region.name,
        witness_threshold=config.settings.witness_threshold,
        witnesses=tuple(witness.vkey for witness in witnesses),
    )


def listed_keys(roles: TrustRoles) -> dict[str, list[bytes]]:
    """The public keys in *roles*, by the names of ``online_keys``."""
    texts: dict[str, tuple[str, ...]] = {
        "log": roles.log_keys,
        "authority": roles.authority_keys,
        "issuer": roles.issuer_keys,
        "reports": (roles.publisher_key,),
        "key-files": tuple(found.key for found in roles.key_file_keys),
    }
    return {key: [base64url_decode(text) for text in found] for key, found in texts.items()}


def _texts(config: Config, key: str) -> tuple[str, ...]:
    return tuple(sorted(map(base64url_encode, public_keys(config, key))))


def _key_file_keys(config: Config) -> tuple[KeyFileKey, ...]:
    region = config.region
    keys = [
        KeyFileKey(id=region.key_file_id, key=base64url_encode(data), version=key_file_version(region, load_p256(data)))
        for data in public_keys(config, "key-files")
    ]
    return tuple(sorted(keys, key=lambda key: (key.id, key.version)))
