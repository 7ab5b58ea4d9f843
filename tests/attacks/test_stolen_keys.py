"""A thief has keys of the server: what they are good for, what not, and how it ends. specs/trust.md section 12

The thief also stands between the published folder and the phone, which is the real client. Each test is named after
what was stolen.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_cosignatures, cosignature_line
from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode
from ownhue.errors import ForkError, OwnhueError, VerificationError
from ownhue.key_file import KeyFileHead, SignatureInfo, stream_key_file
from ownhue.log import LogEntry, bundle_path, decode_bundle, encode_bundle
from ownhue.signed_note import parse_note
from ownhue.ticket import sign_ticket
from ownhue.tree import leaf_hash, tree_root
from ownhue.tree_head import TreeHead, parse_tree_head, sign_tree_head
from ownhue.trust import update_root
from ownhue.trust.ceremony import (
    RoleKeys,
    new_root,
    new_snapshot,
    new_targets,
    new_timestamp,
    next_root,
    sign_trust_file,
)
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import parse_trust_roles, trust_roles_bytes
from ownhue.trust.schema import MAX_VERSION, RoleName, Timestamp
from ownhue.trust.state import trust_root
from ownhue.trust.targets import Target
from ownhue_client.errors import NotLoggedError
from ownhue_client.fetching import folder_fetch
from ownhue_server.ceremony import target_of
from ownhue_server.config import Config, Witness
from ownhue_server.issuer.service import open_ticket_by_any
from ownhue_server.online_keys import opening_keys, public_keys
from ownhue_server.region_roles import trust_roles_of
from ownhue_server.storage.key_folder import load_p256
from tests.server.reader import Reader, ServedRegion
from tests.server.served import BATCH, MONDAY

DAY = 86_400
LATER = MONDAY + 30 * DAY


class Thief:
    """Copied every key file of the server on Monday, and serves phones whatever he likes since."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.keys = {path.stem: path.read_bytes() for path in (config.directory / "keys/publisher").glob("*.key")}
        for role in ("authority", "issuer"):
            self.keys[role] = (config.directory / "keys" / role / "signing.key").read_bytes()
        self.keys |= {path.stem: path.read_bytes() for path in (config.directory / "keys/trust").glob("*.key")}
        self.forged: dict[str, bytes] = {}
        self.real = folder_fetch(config.published)

    def fetch(self, path: str) -> bytes:
        """What the phone gets."""
        return self.forged[path] if path in self.forged else self.real(path)

    def key(self, name: str) -> SigningKey:
        """A stolen Ed25519 key."""
        return SigningKey(self.keys[name])

    def timestamp(self, version: int, snapshot: bytes | None = None) -> bytes:
        """Serve a timestamp of his, of the snapshot that is out or of another one."""
        meta = parse_trust_file(self.real("trust/timestamp.json"), Timestamp).signed.meta
        named = snapshot or self.real(f"trust/{meta.snapshot.version}.snapshot.json")
        data = sign_trust_file(new_timestamp(named, LATER, version), self.key("timestamp"))
        self.forged["trust/timestamp.json"] = data
        return data

    def release(self, targets: bytes, version: int) -> list[bytes]:
        """Serve *targets* under a snapshot and a timestamp of his; the three files."""
        snapshot = sign_trust_file(new_snapshot(targets, LATER, version), self.key("snapshot"))
        self.forged[f"trust/{version}.snapshot.json"] = snapshot
        self.forged[f"trust/{version}.targets.json"] = targets
        return [targets, snapshot, self.timestamp(version, snapshot)]

    def targets(self, named: Sequence[Target], version: int) -> bytes:
        """Targets by the embedded key."""
        return sign_trust_file(new_targets(named, LATER, version), self.key("targets"))

    def log(self, *files: tuple[str, bytes]) -> None:
        """Serve the real log with *files* at its end, under a head by the stolen key."""
        head = parse_tree_head(parse_note(self.real("head")).text)
        leaves = decode_bundle(self.real(bundle_path(0, head.size)), head.size)
        batch = LogEntry.decode(leaves[-1]).batch
        for folder, content in files:
            entry = LogEntry.of(folder, content, "json", batch)
            self.forged[entry.path] = content
            leaves.append(entry.encode())
        self.forged[bundle_path(0, len(leaves))] = encode_bundle(leaves)
        longer = TreeHead(head.origin, len(leaves), tree_root(map(leaf_hash, leaves)), head.time)
        self.forged["head"] = sign_tree_head(longer, self.key("log"))


@pytest.fixture
def region(tmp_path: Path) -> ServedRegion:
    """A region with a phone that has followed it."""
    return ServedRegion(tmp_path / "server")


def phone(thief: Thief) -> Reader:
    """A new phone, which the thief carries everything to."""
    return Reader(thief.config, fetch=thief.fetch)


def test_a_stolen_timestamp_key_shows_nothing_that_the_log_does_not(region: ServedRegion) -> None:
    thief = Thief(region.config)
    victim = phone(thief)
    thief.timestamp(MAX_VERSION)
    with pytest.raises(NotLoggedError):
        victim.sync(MONDAY)
    thief.forged.clear()
    victim.sync(MONDAY)  # what was refused is not remembered either
    region.change("timestamp")
    thief.timestamp(10)
    with pytest.raises(VerificationError, match="too few keys signed the timestamp"):
        phone(thief).sync(region.now)


def test_stolen_timestamp_and_log_keys_cut_off_whoever_they_were_shown_to_and_nobody_after_the_change(
    region: ServedRegion,
) -> None:
    thief = Thief(region.config)
    victim = phone(thief)
    thief.log(("trust", thief.timestamp(MAX_VERSION)))
    victim.sync(MONDAY)
    thief.forged.clear()
    with pytest.raises(VerificationError, match="goes back"):
        victim.sync(MONDAY)
    region.change("timestamp", "log")
    # The version that was driven up is forgotten with its key. What remains is the proof of two histories.
    with pytest.raises(ForkError):
        victim.sync(region.now)
    Reader(region.config).sync(region.now)


def test_stolen_timestamp_and_snapshot_keys_name_no_other_targets(region: ServedRegion) -> None:
    thief = Thief(region.config)
    rules = sign_document("rulebook", {"region": "demo", "everybody": "red"}, thief.key("authority"))
    forged = sign_trust_file(new_targets([target_of("rulebook", rules, 0)], LATER, 2), thief.key("snapshot"))
    thief.log(*(("trust", data) for data in thief.release(forged, 2)))
    with pytest.raises(VerificationError, match="too few keys signed the targets"):
        phone(thief).sync(MONDAY)
    region.change("timestamp", "snapshot")
    with pytest.raises(VerificationError, match="too few keys signed the timestamp"):
        phone(thief).sync(region.now)


def test_a_stolen_log_key_signs_no_head_after_its_change(region: ServedRegion) -> None:
    thief = Thief(region.config)
    victim = phone(thief)
    thief.log(("report-keys", b"{}"))
    victim.sync(MONDAY)  # a log that only he is shown: the true one is a fork to him, with proof
    thief.forged.clear()
    with pytest.raises(VerificationError):
        victim.sync(MONDAY)
    region.change("log")
    thief.log(("report-keys", b"{}"))
    with pytest.raises(VerificationError, match="not signed once by this key"):
        phone(thief).sync(region.now)


def test_a_stolen_authority_key_changes_no_rulebook_and_nothing_after_its_change(region: ServedRegion) -> None:
    thief = Thief(region.config)
    rules = sign_document("rulebook", {"region": "demo", "everybody": "red"}, thief.key("authority"))
    invented = sign_document("report-keys", {"keys": []}, thief.key("authority"))
    ticket = sign_ticket(thief.key("authority"), bytes(16), LATER)
    thief.log(("rulebook", rules), ("report-keys", invented))
    victim = phone(thief)
    keys = victim.sync(MONDAY)
    assert [named.data for named in victim.named("rulebook", MONDAY)] != [rules]
    assert len(victim.named("rulebook", MONDAY)) == 1
    keys.open_document(invented, "report-keys")  # no target names this kind: it counts
    open_ticket_by_any(ticket, public_keys(region.config, "authority"), MONDAY)
    keys = region.change("authority")
    for data, kind in ((rules, "rulebook"), (invented, "report-keys")):
        with pytest.raises(VerificationError):
            keys.open_document(data, kind)
    with pytest.raises(VerificationError):
        open_ticket_by_any(ticket, public_keys(region.config, "authority"), region.now)


def test_a_stolen_issuer_key_lists_no_epoch_keys_after_its_change(region: ServedRegion) -> None:
    thief = Thief(region.config)
    epochs = sign_document("epochs", {"keys": []}, thief.key("issuer"))
    region.reader.keys.open_document(epochs, "epochs")
    with pytest.raises(VerificationError):
        region.reader.keys.open_document(sign_document("rulebook", {}, thief.key("issuer")), "rulebook")
    with pytest.raises(VerificationError):
        region.change("issuer").open_document(epochs, "epochs")


def test_a_stolen_key_of_key_files_signs_none_after_its_change(region: ServedRegion) -> None:
    thief = Thief(region.config)
    head = KeyFileHead(MONDAY - BATCH, MONDAY, "demo")
    first = region.config.region
    info = SignatureInfo(first.key_file_id, first.key_file_version)
    forged = BytesIO()
    stream_key_file(forged, head, [], [], load_p256(thief.keys["key-files"]), info)
    region.reader.keys.read_key_file(forged.getvalue())
    with pytest.raises(OwnhueError):
        region.change("key-files").read_key_file(forged.getvalue())


def test_a_stolen_key_of_reports_opens_none_that_is_sealed_after_its_change(region: ServedRegion) -> None:
    stolen = PrivateKey(Thief(region.config).keys["reports"])
    assert region.reader.keys.publisher_key == bytes(stolen.public_key)
    before = SealedBox(stolen.public_key).encrypt(b"keys")
    assert SealedBox(stolen).decrypt(before) == b"keys"
    keys = region.change("reports")
    after = SealedBox(PublicKey(keys.publisher_key)).encrypt(b"keys")
    with pytest.raises(CryptoError):
        SealedBox(stolen).decrypt(after)
    (opening,) = opening_keys(region.config)
    assert SealedBox(opening).decrypt(after) == b"keys"


def test_the_whole_publishers_machine_names_no_other_keys_and_is_locked_out(region: ServedRegion) -> None:
    thief = Thief(region.config)
    own = SigningKey(bytes([66]) * 32)
    root = (region.directory / "root.json").read_bytes()
    taken: tuple[RoleName, ...] = ("root", "targets", "timestamp")
    for role in taken:
        other = next_root(root, {role: RoleKeys((bytes(own.verify_key),), 1)}, LATER)
        signed = sign_trust_file(other, own, *(thief.key(name) for name in ("log", "timestamp", "snapshot")))
        with pytest.raises(VerificationError, match="too few keys signed the root"):
            update_root(trust_root(root), signed)
    region.change("log", "key-files", "reports", "timestamp", "snapshot")
    thief.timestamp(99)
    with pytest.raises(VerificationError, match="too few keys signed the timestamp"):
        phone(thief).sync(region.now)


def test_stolen_keys_of_embedded_trust_are_good_for_everything(region: ServedRegion) -> None:
    """Why a region with people's phones holds a ceremony."""
    thief = Thief(region.config)
    own = SigningKey(bytes([66]) * 32)
    roles = trust_roles_of(region.config).model_dump(mode="json")
    text = next(iter(trust_roles_of(region.config).authority_keys))
    forged = trust_roles_bytes(trust_roles_of(region.config)).replace(text.encode(), _text(own).encode())
    assert parse_trust_roles(forged, "demo").authority_keys != tuple(roles["authority_keys"])
    named = [target_of("trust-roles", forged, 0)]
    files = thief.release(thief.targets(named, 2), 2)
    thief.log(("trust-roles", forged), *(("trust", data) for data in files))
    assert phone(thief).sync(MONDAY).authority_keys == (bytes(own.verify_key),)


def test_one_offline_key_of_two_is_good_for_nothing() -> None:
    keys = [SigningKey(bytes([number]) * 32) for number in (1, 2, 3)]
    role = RoleKeys(tuple(bytes(key.verify_key) for key in keys), 2)
    online = RoleKeys((bytes(keys[2].verify_key),), 1)
    made = new_root({"root": role, "targets": role, "snapshot": online, "timestamp": online}, LATER)
    root = sign_trust_file(made, *keys[:2])
    state = trust_root(root)
    alone = RoleKeys((bytes(keys[0].verify_key),), 1)
    with pytest.raises(VerificationError, match="too few keys signed the root"):
        update_root(state, sign_trust_file(next_root(root, {"root": alone, "targets": alone}, LATER), keys[0]))


def test_a_stolen_witness_key_counts_no_more_after_its_change(region: ServedRegion) -> None:
    stolen, new = SigningKey(bytes([51]) * 32), SigningKey(bytes([52]) * 32)
    note = (region.config.published / "head").read_bytes()
    head = parse_tree_head(parse_note(note).text)
    cosigned = note + cosignature_line(head.text(), "witness.example/w1", stolen, MONDAY).encode()
    check_cosignatures(cosigned, head, _policy(region.config, stolen), MONDAY)
    with pytest.raises(OwnhueError):
        check_cosignatures(cosigned, head, _policy(region.config, new), MONDAY)


def _policy(config: Config, key: SigningKey) -> WitnessPolicy:
    witness = Witness(vkey=WitnessKey("witness.example/w1", bytes(key.verify_key)).vkey, url="http://127.0.0.1:9")
    settings = config.settings.model_copy(update={"witnesses": (witness,), "witness_threshold": 1})
    return trust_roles_of(Config(config.directory, config.region, settings)).policy


def _text(key: SigningKey) -> str:
    return base64url_encode(bytes(key.verify_key))
