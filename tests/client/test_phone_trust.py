"""A phone with a root of trust: keys that are replaced, documents that are named, witnesses, and what it says of it."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.public import PrivateKey

from ownhue.colour import Colour
from ownhue.cosignature import WitnessPolicy
from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode, parse_canonical_json
from ownhue.errors import StateError, VerificationError
from ownhue.log import LogEntry
from ownhue.report import open_sealed
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.trust.ceremony import new_timestamp, sign_trust_file
from ownhue.trust.roles import KeyFileKey
from ownhue_client.errors import NotLoggedError, NotWitnessedError, UnreachableError
from ownhue_client.phone import Phone
from tests.client.publisher import AUTHORITY_KEY, KEY_FILE_KEY, START
from tests.client.test_phone_sync import MEETING, own_key
from tests.client.town import DAY, HOUR, meet, rulebook_document
from tests.client.trusted_publisher import key, texts, trust_roles, witness_keys
from tests.client.trusted_town import Device, TrustedTown, spki

POLICY = WitnessPolicy(1, witness_keys())
STOLEN, NEW_AUTHORITY = AUTHORITY_KEY, key(3 + 60)


@pytest.fixture
def town() -> TrustedTown:
    return TrustedTown()


@pytest.fixture
def phone(town: TrustedTown, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "phone", root=town.publisher.first_root, clock=Device())


def change_roles(town: TrustedTown, **changes: object) -> None:
    """Let the roles name other keys from the next batch on."""
    town.publisher.roles = town.publisher.roles.model_copy(update=changes)


def signed_by(*signers: object) -> tuple[str, bytes]:
    """A rulebook of version 2 by these keys."""
    body = parse_canonical_json(rulebook_bytes(without_ceilings()))
    return "rulebook", sign_document("rulebook", body, *signers)  # type: ignore[arg-type]


def test_root_and_witnesses_stay_with_the_phone(town: TrustedTown, tmp_path: Path) -> None:
    first = town.phone(tmp_path / "p", root=town.publisher.first_root, policy=POLICY)
    first.close()
    again = Phone.open(tmp_path / "p", random=os.urandom, http_client=town.client(), now=START)
    with pytest.raises(NotWitnessedError):
        again.sync(town.now)
    assert again.rulebook(town.now) is None
    town.publisher.files["head"] = town.publisher.cosigned("witness.example/w2")
    assert again.sync(town.now).files == 1
    assert again.rulebook(town.now) == demonstration_rulebook()


def test_a_root_that_its_own_keys_did_not_sign_makes_no_phone(town: TrustedTown, tmp_path: Path) -> None:
    forged = town.publisher.first_root.replace(b'"version":1', b'"version":2')
    with pytest.raises(VerificationError):
        town.phone(tmp_path / "p", root=forged)
    assert not (tmp_path / "p").exists()


def test_before_the_first_whole_round_nothing_is_judged(town: TrustedTown, phone: Phone) -> None:
    assert phone.rulebook(START) is None
    assert phone.decide(START).colour is Colour.GREY
    with pytest.raises(StateError, match="synchronise first"):
        phone.claim(town.code(), demonstration_rulebook().valid_from, None, START)
    phone.enrol(town.ticket(), town.now)


def test_a_replaced_key_of_key_files_counts_beside_the_old_one_and_then_alone(
    town: TrustedTown, phone: Phone, tmp_path: Path
) -> None:
    other = town.phone(tmp_path / "other")
    meet(phone, other, MEETING)
    phone.sync(town.now)
    old, new = KEY_FILE_KEY, ec.derive_private_key(99, ec.SECP256R1())
    both = tuple(KeyFileKey(id="demo", key=spki(item), version=str(n)) for n, item in enumerate((old, new)))
    change_roles(town, key_file_keys=both)
    town.publisher.close_keys()
    town.publisher.key_file_key = new
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    assert phone.sync(now).windows == 1
    change_roles(town, key_file_keys=both[1:])
    town.publisher.key_file_key = old
    now = town.publisher.close_keys()
    with pytest.raises(VerificationError):
        phone.sync(now)


def test_a_document_needs_as_many_of_the_authoritys_keys_as_the_roles_say(town: TrustedTown, phone: Phone) -> None:
    phone.sync(town.now)
    change_roles(town, authority_keys=texts(AUTHORITY_KEY, NEW_AUTHORITY), authority_threshold=2)
    now = town.publisher.close_keys(signed_by(AUTHORITY_KEY))
    with pytest.raises(VerificationError, match="1 of 2 signatures"):
        phone.sync(now)
    now = town.publisher.close_keys(signed_by(AUTHORITY_KEY, NEW_AUTHORITY))
    phone.sync(now)
    assert phone.rulebook(now) == without_ceilings()


def test_what_a_stolen_authority_key_signed_is_gone_with_the_key(town: TrustedTown, phone: Phone) -> None:
    """The thief's rulebook, of the last version that there can be, would lock the authority out for ever."""
    phone.sync(town.now)
    theirs = without_ceilings().model_copy(update={"version": 2**31 - 1})
    now = town.publisher.close_keys(rulebook_document(theirs))
    phone.sync(now)
    assert phone.rulebook(now) == theirs
    change_roles(town, authority_keys=texts(NEW_AUTHORITY))
    now = town.publisher.close_keys(signed_by(NEW_AUTHORITY))
    phone.sync(now)
    assert phone.rulebook(now) == without_ceilings()


def test_a_rulebook_that_is_signed_anew_survives_the_old_key(town: TrustedTown, phone: Phone) -> None:
    phone.sync(town.now)
    now = town.publisher.close_keys(signed_by(AUTHORITY_KEY))
    phone.sync(now)
    change_roles(town, authority_keys=texts(AUTHORITY_KEY, NEW_AUTHORITY))
    now = town.publisher.close_keys(signed_by(NEW_AUTHORITY))
    phone.sync(now)
    change_roles(town, authority_keys=texts(NEW_AUTHORITY))
    now = town.publisher.close_keys()
    phone.sync(now)
    assert phone.rulebook(now) == without_ceilings()


def test_where_rulebooks_are_named_one_that_only_the_authoritys_key_signed_counts_for_nothing(
    town: TrustedTown, phone: Phone
) -> None:
    kind, first = rulebook_document(demonstration_rulebook())
    town.publisher.named = [(kind, first, 0)]
    now = town.publisher.close_keys()
    phone.sync(now)
    kind, second = signed_by(STOLEN)
    now = town.publisher.close_keys((kind, second))
    assert phone.sync(now).documents == ()
    assert phone.rulebook(now) == demonstration_rulebook()
    # Named, from the day after tomorrow on: known at once, and it decides from then on, also without a network.
    town.publisher.named.append((kind, second, now + 2 * DAY))
    now = town.publisher.close_keys()
    assert phone.sync(now).documents == ("rulebook",)
    assert phone.rulebook(now) == demonstration_rulebook()
    assert phone.rulebook(now + 2 * DAY) == without_ceilings()


def test_a_named_rulebook_that_was_shown_to_one_phone_alone_is_refused(town: TrustedTown, phone: Phone) -> None:
    kind, special = signed_by(AUTHORITY_KEY)
    town.publisher.named = [(kind, special, 0)]
    town.publisher.files[LogEntry.of(kind, special, "json", 0).path] = special
    now = town.publisher.close_keys()
    with pytest.raises(NotLoggedError):
        phone.sync(now)
    assert phone.rulebook(now) is None


def test_reports_are_sealed_to_the_publishers_key_in_force(town: TrustedTown, phone: Phone) -> None:
    """A report that was sealed and got lost is sealed again when the key was replaced in between."""
    phone.sync(town.now)
    phone.beacon_at(town.now)
    day = demonstration_rulebook().local_date(town.now)
    phone.claim(town.code(), day, day, town.now)
    town.unreachable = {"/publisher/v1/report"}
    with pytest.raises(UnreachableError):
        phone.report(town.now)
    new = PrivateKey(bytes([8]) * 32)
    change_roles(town, publisher_key=base64url_encode(bytes(new.public_key)))
    town.now = town.publisher.close_keys()
    phone.sync(town.now)
    with pytest.raises(UnreachableError):
        phone.report(town.now)
    sealed = phone.seal_report(town.now)
    assert open_sealed(sealed, new).keys


def test_void_trust_metadata_stop_a_phone_and_change_nothing_that_it_knows(town: TrustedTown, phone: Phone) -> None:
    phone.sync(town.now)
    later = town.now + 3 * DAY
    with pytest.raises(VerificationError, match="expired"):
        phone.sync(later)
    assert phone.rulebook(later) == demonstration_rulebook()
    assert phone.decide(later).colour is Colour.GREY
    assert any("void since" in word for word in phone.trust_words(later))


def test_a_wall_clock_that_is_set_back_does_not_make_void_metadata_valid_again(
    town: TrustedTown, tmp_path: Path
) -> None:
    device = Device()
    phone = town.phone(tmp_path / "p", root=town.publisher.first_root, clock=device)
    phone.sync(town.now)
    device.seconds += 3 * DAY
    with pytest.raises(VerificationError, match="expired"):
        phone.sync(town.now + HOUR)


def test_a_timestamp_of_one_version_with_two_contents_is_kept_as_proof(town: TrustedTown, phone: Phone) -> None:
    phone.sync(town.now)
    version = town.publisher.versions["timestamp"]
    other = new_timestamp(town.publisher.snapshot, town.now + 2 * DAY - 60, version)
    good = town.publisher.files["trust/timestamp.json"]
    town.publisher.files["trust/timestamp.json"] = sign_trust_file(other, town.publisher.timestamp_key)
    with pytest.raises(VerificationError):
        phone.sync(town.now)
    ((name, proof),) = phone.evidence()
    assert name.startswith("trust-fork-of-demo-")
    assert parse_canonical_json(proof)["format"] == "ownhue-trust-fork-1"
    town.publisher.files["trust/timestamp.json"] = good
    phone.sync(town.now)
    assert phone.evidence() == [(name, proof)]


def test_whom_it_trusts_in_plain_words(town: TrustedTown, tmp_path: Path) -> None:
    bare = town.phone(tmp_path / "bare", clock=Device())
    bare.sync(town.now)
    said = " ".join(bare.trust_words(town.now + 3 * HOUR))
    assert "Home region: demo" in said
    assert "No root of trust" in said
    assert "nobody watches this log" in said
    assert "3 hours old" in said

    town.publisher.roles = trust_roles(witnesses=tuple(witness.vkey for witness in witness_keys()), witness_threshold=1)
    now = town.publisher.close_keys()
    town.publisher.files["head"] = town.publisher.cosigned("witness.example/w1", "witness.example/w2")
    rooted = town.phone(tmp_path / "rooted", root=town.publisher.first_root, clock=Device())
    assert "Nothing published was seen yet." in rooted.trust_words(now)
    rooted.sync(now)
    said = " ".join(rooted.trust_words(now))
    assert "Root 1: 2 of 3 keys have to sign." in said
    assert "1 of 2 witnesses must have seen the same log. 2 of them saw the newest state." in said
    assert "The trust metadata hold until" in said
