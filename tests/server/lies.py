"""What a server does that lies with its own keys: everything fits, and one thing is wrong."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from nacl.signing import SigningKey

from ownhue.blind_rsa import generate_key, pss_spki
from ownhue.documents import sign_document
from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.key_file import HEADER, ExposureKey, KeyFile, SignatureInfo
from ownhue.key_file.container import EXPORT, SIGNATURE
from ownhue.key_file.schema import ExportMessage
from ownhue.key_file.signature import signature_list
from ownhue.passes import EpochKey, EpochList
from ownhue.past_keys import PastKey, PastKeys
from ownhue.report import ReportTokenKey, report_keys_body, report_keys_from_body
from ownhue.trust.ceremony import RoleKeys, new_snapshot, new_targets, new_timestamp, next_root, sign_trust_file
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import Snapshot, Targets, Timestamp
from ownhue.trust.targets import Target, TrustedTargets
from ownhue_server.config import Role
from ownhue_server.online_keys import KEY_FILES, SNAPSHOT, TIMESTAMP
from ownhue_server.storage.key_folder import load_p256, load_rsa
from ownhue_server.trust_store import embedded_key
from tests.server.forge import STRANGER, Forge, Item, trust_item

#: Length of the batches of the log that is changed, in seconds, and fewest keys of its files.
HALF_A_DAY = 43_200
PADDING = 20

Lie = Callable[[Forge], None]


def long(forge: Forge) -> Forge:
    """With more than one bundle: the list of certificates' signers goes to and fro."""
    bodies = [{"region": "demo", "revoked": {"0" * 32: 1_700_000_000 + number}, "signers": []} for number in (0, 1)]
    for number in range(300):
        forge.add_document("certificate-trust", bodies[number % 2], Role.AUTHORITY)
    return forge


def _keys_end(content: KeyFile, end: int) -> KeyFile:
    """With one more key that ends at *end*."""
    key = ExposureKey(b"\x77" * 16, end // 600 - 12, 12, 1, 2)
    return replace(content, keys=(*content.keys, key))


def _first_key(**changes: Any) -> Lie:
    def change(content: KeyFile) -> KeyFile:
        return replace(content, keys=(content.keys[0]._replace(**changes), *content.keys[1:]))

    return lambda forge: forge.change_keys(change, -1)


def _new_targets(change: Callable[[Forge, TrustedTargets], list[Target]]) -> Lie:
    """Further targets, signed as they should be."""

    def publish(forge: Forge) -> None:
        version, known = _targets(forge)
        data = new_targets(change(forge, known), forge.now + 10 * 86_400, version + 1)
        data = sign_trust_file(data, embedded_key(forge.config, "targets"))
        forge.add(Item("trust", data, forge.last))
        forge.names[f"{version + 1}.targets.json"] = data

    return publish


def _longer_target(_forge: Forge, known: TrustedTargets) -> list[Target]:
    return [replace(one, length=one.length + (one.folder == "rulebook")) for one in known.targets]


def _held_back(forge: Forge, known: TrustedTargets) -> list[Target]:
    """An old list of epoch keys is to count for ever."""
    old = next(item.entry for item in forge.items if item.kind == "epochs")
    return [*known.targets, Target(old.path, old.sha256, old.length, 1)]


def _targets_by_a_key_of_before(forge: Forge) -> None:
    """Root 2 took the key of the targets away. Who has stolen it goes on as if nothing had happened."""
    lost, kept, later = embedded_key(forge.config, "targets"), SigningKey(bytes([99]) * 32), forge.now + 10 * 86_400
    version, known = _targets(forge)
    keys = {"targets": RoleKeys((kept.verify_key.encode(),), 1)}
    root = next_root(trust_item(forge, "root").data, keys, later)  # type: ignore[arg-type]
    root = sign_trust_file(root, embedded_key(forge.config, "root"))
    named = sign_trust_file(new_targets(known.targets, later, version + 1), kept)
    number = parse_trust_file(trust_item(forge, "snapshot").data, Snapshot).signed.version + 1
    snapshot = sign_trust_file(new_snapshot(named, later, number), SigningKey(_online(forge, SNAPSHOT)))
    newest = parse_trust_file(trust_item(forge, "timestamp").data, Timestamp).signed.version + 1
    timestamp = sign_trust_file(new_timestamp(snapshot, later, newest), SigningKey(_online(forge, TIMESTAMP)))
    stolen = sign_trust_file(new_targets(known.targets, later, version + 2), lost)
    for data, batch in [*((one, forge.last - 3) for one in (root, named, snapshot, timestamp)), (stolen, forge.last)]:
        forge.add(Item("trust", data, batch))
    forge.names |= {"2.root.json": root, f"{version + 1}.targets.json": named, f"{version + 2}.targets.json": stolen}
    forge.names |= {f"{number}.snapshot.json": snapshot, "timestamp.json": timestamp}


def _upgraded(forge: Forge) -> None:
    """Somebody's clinical result becomes a confirmed one, though nobody took anything back."""

    def change(content: KeyFile) -> KeyFile:
        return replace(content, revised_keys=tuple(key._replace(report_type=1) for key in content.revised_keys))

    forge.change_keys(change, -1)


def _no_notices(forge: Forge) -> None:
    forge.add(Item(f"notices/{forge.last}", b"for you", forge.last, "bin"))


def _second_copy(forge: Forge) -> None:
    earlier: list[ExposureKey] = []

    def take(content: KeyFile) -> KeyFile:
        earlier.extend(content.keys)
        return content

    def give(content: KeyFile) -> KeyFile:
        revised = {key.data for key in content.revised_keys}
        again = next(key for key in earlier if key.data not in revised)
        return replace(content, keys=(*content.keys, again))

    forge.change_keys(take, -4)
    forge.change_keys(give, -2)


def _revised(content: KeyFile) -> KeyFile:
    key = ExposureKey(b"\x78" * 16, content.end // 600 - 24, 12, 5, 2)
    return replace(content, revised_keys=(*content.revised_keys, key))


def _unsorted(forge: Forge) -> None:
    """Keys in the order in which they came in, signed by the real key."""
    place = forge.at("keys", -1)
    with zipfile.ZipFile(BytesIO(forge.items[place].data)) as archive:
        export, head = archive.read(EXPORT), len(HEADER)
    message = ExportMessage.FromString(export[head:])
    keys = list(message.keys)
    del message.keys[:]
    message.keys.extend([*keys[1:], keys[0]])
    export = export[:head] + message.SerializeToString(deterministic=True)
    key = load_p256(forge.config.keys(Role.PUBLISHER).load(KEY_FILES))
    label = SignatureInfo(forge.config.region.key_file_id, forge.config.region.key_file_version)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(EXPORT, export)
        archive.writestr(SIGNATURE, signature_list(sha256(export).digest(), key, label))
    forge.items[place] = replace(forge.items[place], data=packed.getvalue())


def _repacked(forge: Forge) -> None:
    """The same members, with a time and a comment that say something."""
    place = forge.at("keys", -2)
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(forge.items[place].data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (2026, 3, 4, 5, 6, 8)), old.read(name))
    forge.items[place] = replace(forge.items[place], data=packed.getvalue())


def _foreign_key_file(forge: Forge) -> None:
    forge.change_keys(lambda content: content, -1, ec.generate_private_key(ec.SECP256R1()))


def _without_batch(forge: Forge) -> None:
    """What was to be the newest batch is the one after it."""
    last = forge.last
    forge.change_keys(lambda content: replace(content, start=content.end, end=content.end + HALF_A_DAY), -1)
    forge.items = [replace(item, batch=last + 1) if item.batch == last else item for item in forge.items]
    forge.items[-1] = replace(forge.items[-1], folder=f"keys/{last + 1}")


def _two_key_files(forge: Forge) -> None:
    item = forge.items[forge.at("keys", -2)]
    forge.change_keys(lambda content: _keys_end(content, content.end - 3600), -2)
    forge.add(item)


def _key_file_first(forge: Forge) -> None:
    """A document behind the key file of its batch."""
    forge.items.append(Item("certificate-trust", _signers(forge, "demo"), forge.last))


def _signers(forge: Forge, region: str, key: SigningKey | None = None) -> bytes:
    body = {"region": region, "revoked": {}, "signers": []}
    return sign_document("certificate-trust", body, key or forge.key(Role.AUTHORITY))


def _body(forge: Forge, kind: str) -> dict[str, Any]:
    body = parse_canonical_json(forge.items[forge.at(kind)].data)["signed"]
    assert isinstance(body, dict)
    return body


def _epochs(forge: Forge) -> EpochList:
    return EpochList.from_body(_body(forge, "epochs"))


def _second_epoch_key(forge: Forge) -> None:
    known = _epochs(forge)
    other = EpochKey(known.keys[-1].epoch, pss_spki(generate_key().public_key()))
    forge.add_document("epochs", EpochList(known.issuer, (*known.keys[:-1], other)).to_body(), Role.ISSUER)


def _early_past_key(forge: Forge) -> None:
    known = _epochs(forge)
    epoch = known.keys[-1].epoch
    private = load_rsa(forge.config.keys(Role.ISSUER).load(f"epoch-{epoch}"))
    forge.add_document("past-epochs", PastKeys(known.issuer, (PastKey.of(epoch, private),)).to_body(), Role.ISSUER)


def _second_report_key(forge: Forge) -> None:
    first, *others = report_keys_from_body(_body(forge, "report-keys"))
    other = ReportTokenKey(first.report_type, first.week, generate_key().public_key())
    forge.add_document("report-keys", report_keys_body([other, *others]), Role.AUTHORITY)


def _rulebooks(*changes: tuple[int, str]) -> Callable[[Forge], None]:
    """Rulebooks of versions, with texts that differ."""

    def publish(forge: Forge) -> None:
        for number, (version, text) in enumerate(changes):
            body = _body(forge, "rulebook") | {"version": version}
            body["summary"] = dict.fromkeys(body["languages"], text)
            forge.add_document("rulebook", body, Role.AUTHORITY, forge.last - len(changes) + 1 + number)

    return publish


def _directories(*versions: int) -> Callable[[Forge], None]:
    entry = {"labels": {"en": "Demo"}, "name": "demo", "region_sha256": "0" * 64}
    entry |= {"root_keys": ["0" * 64], "root_threshold": 1, "urls": ["https://demo.ownhue.example"]}  # type: ignore[dict-item]
    body = {"format": "ownhue-regions-1", "home": "demo", "languages": ["en"], "regions": [entry]}

    def publish(forge: Forge) -> None:
        for number, version in enumerate(versions):
            batch = forge.last - len(versions) + 1 + number
            forge.add_document("regions", body | {"version": version}, Role.AUTHORITY, batch)

    return publish


def _targets(forge: Forge) -> tuple[int, TrustedTargets]:
    file = parse_trust_file(trust_item(forge, "targets").data, Targets)
    return file.signed.version, TrustedTargets.of(file.signed)


def second_targets(forge: Forge) -> None:
    version, known = _targets(forge)
    data = new_targets(known.targets, forge.now + 10 * 86_400, version)
    forge.add(Item("trust", sign_trust_file(data, embedded_key(forge.config, "targets")), forge.last))


def _targets_of_nothing(forge: Forge) -> None:
    """Announced, not in force: they name a file that is nowhere."""
    version, known = _targets(forge)
    absent = replace(known.targets[0], path=f"rulebook/{'ab' * 32}.json", sha256=bytes.fromhex("ab" * 32))
    others = [target for target in known.targets if target.folder != "rulebook"]
    data = new_targets([*others, absent], forge.now + 10 * 86_400, version + 1)
    data = sign_trust_file(data, embedded_key(forge.config, "targets"))
    forge.add(Item("trust", data, forge.last))
    forge.names[f"{version + 1}.targets.json"] = data


def _unlogged_timestamp(forge: Forge) -> None:
    old = parse_trust_file(trust_item(forge, "timestamp").data, Timestamp).signed
    data = new_timestamp(trust_item(forge, "snapshot").data, forge.now + 86_400, old.version + 1)
    forge.names["timestamp.json"] = sign_trust_file(data, SigningKey(_online(forge, TIMESTAMP)))


def _online(forge: Forge, name: str) -> bytes:
    return forge.config.keys(Role.PUBLISHER).load(name)


def _older_timestamp(forge: Forge) -> None:
    files = [item.data for item in forge.items if item.kind == "trust" and b'"_type":"timestamp"' in item.data]
    forge.names["timestamp.json"] = files[-2]


def _foreign_trust_file(forge: Forge) -> None:
    data = new_timestamp(trust_item(forge, "snapshot").data, forge.now + 86_400, 7)
    forge.add(Item("trust", sign_trust_file(data, STRANGER), forge.last))
    forge.names.pop("none", None)


def _exchanged_snapshot(forge: Forge) -> None:
    """By the right key, but not the one that the timestamp names."""
    name = max(name for name in forge.names if name.endswith("snapshot.json"))
    value = parse_canonical_json(forge.names[name])
    body = value["signed"] | {"expires": "2027-01-01T00:00:00Z"}
    data = canonical_json({"signatures": [], "signed": body})
    forge.names[name] = sign_trust_file(data, SigningKey(_online(forge, SNAPSHOT)))


def _changed(**changes: object) -> Callable[[Forge], None]:
    # The newest file: no later one takes back what is in it.
    return lambda forge: forge.change_keys(lambda content: replace(content, **changes), -1)  # type: ignore[arg-type]


def _with_key_of(seconds: int) -> Callable[[Forge], None]:
    """One more key that ended so long before the end of its file."""
    return lambda forge: forge.change_keys(lambda content: _keys_end(content, content.end - seconds))


#: Name of a lie -> what does it, and the words of an audit.
LIES: dict[str, tuple[Lie, set[str]]] = {
    "fewer keys than the minimum": (
        lambda forge: forge.change_keys(lambda content: replace(content, keys=content.keys[: PADDING - 1]), -1),
        {"padding"},
    ),
    "an empty key file": (_changed(keys=(), revised_keys=()), {"padding"}),
    "a key under embargo": (_with_key_of(600), {"embargo"}),
    "a key that no report may have": (_with_key_of(17 * 86_400), {"key-age"}),
    "a key of a type that nobody reports": (_first_key(report_type=4), {"key-type"}),
    "a key that is marked by a risk level": (_first_key(transmission_risk_level=8), {"key-type"}),
    "a revised key that is not taken back": (_upgraded, {"key-type"}),
    "notices that are none": (_no_notices, {"document"}),
    "a key twice": (_second_copy, {"key-twice"}),
    "a revised key that never was": (lambda forge: forge.change_keys(_revised), {"revised"}),
    "a key file of other times": (
        lambda forge: forge.change_keys(lambda content: replace(content, start=content.start - 600)),
        {"span"},
    ),
    "a key file of another region": (_changed(region="else"), {"span"}),
    "keys in an order that says something": (_unsorted, {"key-order"}),
    "a key file that is packed to say something": (_repacked, {"form"}),
    "a key file by a stranger": (_foreign_key_file, {"key-file"}),
    "a skipped batch": (_without_batch, {"batch"}),
    "two key files in a batch": (_two_key_files, {"batch", "key-twice"}),
    "a document behind the key file": (_key_file_first, {"batch"}),
    "the same document twice": (
        lambda forge: forge.add(replace(forge.items[forge.at("rulebook")], batch=forge.last)),
        {"repeat"},
    ),
    "a kind that nobody knows": (lambda forge: forge.add(Item("people", b"{}", forge.last)), {"kind"}),
    "a key file in another folder": (
        lambda forge: forge.add(Item("keys/7", b"{}", forge.last)),
        {"kind", "batch", "key-file"},
    ),
    "a second epoch key": (_second_epoch_key, {"epoch-key"}),
    "a past key of an open epoch": (_early_past_key, {"past-key"}),
    "a second report-token key": (_second_report_key, {"report-key"}),
    "a rulebook that goes back": (_rulebooks((7, "a"), (6, "b")), {"rulebook"}),
    "a rulebook with two contents": (_rulebooks((7, "a"), (7, "b")), {"rulebook"}),
    "a directory that goes back": (_directories(4, 3), {"regions"}),
    "a document by a stranger": (
        lambda forge: forge.add(Item("certificate-trust", _signers(forge, "demo", STRANGER), forge.last)),
        {"document"},
    ),
    "a document of another region": (
        lambda forge: forge.add(Item("certificate-trust", _signers(forge, "else"), forge.last)),
        {"document"},
    ),
    "trust roles that are none": (lambda forge: forge.add(Item("trust-roles", b"{}", forge.last)), {"document"}),
    "two targets files of one version": (second_targets, {"trust-fork"}),
    "targets that name nothing": (_targets_of_nothing, {"target"}),
    "targets of another length": (_new_targets(_longer_target), {"target"}),
    "targets that hold epoch keys back": (_new_targets(_held_back), {"target"}),
    "a timestamp that nobody logged": (_unlogged_timestamp, {"trust-name"}),
    "an older timestamp": (_older_timestamp, {"trust-name"}),
    "targets by a key that the root took away": (_targets_by_a_key_of_before, {"trust-signature"}),
    "a trust file by a stranger": (_foreign_trust_file, {"trust-signature", "trust-fork"}),
    "an exchanged snapshot": (_exchanged_snapshot, {"trust", "trust-name"}),
    "a head by a stranger": (lambda forge: setattr(forge, "log_key", STRANGER), {"head"}),
}
