"""Attacks on key files: whoever changes, forges or inflates one gets our error, and never another reading of it."""

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.key_file import HEADER, Limits, read_key_file, write_key_file
from tests.protocol.key_file_cases import (
    CONTENT,
    INFO,
    OTHER_KEY,
    READ,
    SIGNING_KEY,
    edited,
    export_message,
    members,
    resigned,
    sign,
    signature_list,
    signed_anew,
    zipped,
)

PUBLIC_KEY = SIGNING_KEY.public_key()
DATA = write_key_file(CONTENT, SIGNING_KEY, INFO)
PARTS = members(DATA)
LABEL = export_message(DATA).signature_infos[0]


def refused(data: bytes, error: type[OwnhueError] = FormatError, match: str | None = None) -> None:
    with pytest.raises(error, match=match):
        read_key_file(data, PUBLIC_KEY)


def _set(field: str, value: object, signatures: Any) -> None:
    setattr(signatures.signatures[0], field, value)


def _relabel(field: str, signatures: Any) -> None:
    setattr(signatures.signatures[0].signature_info, field, "x")


@pytest.mark.parametrize("member", ["export.bin", "export.sig"])
def test_a_bit_flipped_anywhere_in_a_member_is_refused(member: str) -> None:
    for position in range(len(PARTS[member])):
        for bit in range(8):
            flipped = bytearray(PARTS[member])
            flipped[position] ^= 1 << bit
            refused(zipped((PARTS | {member: bytes(flipped)}).items()), OwnhueError)


def test_a_bit_flipped_anywhere_in_the_zip_is_refused_or_changes_nothing() -> None:
    accepted = []
    for position in range(len(DATA)):
        for bit in range(8):
            flipped = bytearray(DATA)
            flipped[position] ^= 1 << bit
            with suppress(OwnhueError):
                assert read_key_file(bytes(flipped), PUBLIC_KEY) == READ
                accepted.append(position)
    # What remains are times and attributes of the ZIP, and the unused bits where a packed stream ends.
    with zipfile.ZipFile(io.BytesIO(DATA)) as archive:
        starts = [member.header_offset + 40 for member in archive.infolist()]
        spans = [
            (start, start + member.compress_size) for start, member in zip(starts, archive.infolist(), strict=True)
        ]
    packed = [position for position in accepted if any(start <= position < end for start, end in spans)]
    assert all(any(position == start or position >= end - 2 for start, end in spans) for position in packed)


def test_truncation_at_every_length_is_refused() -> None:
    for length in range(len(DATA)):
        refused(DATA[:length])


@pytest.mark.parametrize("member", ["export.bin", "export.sig"])
def test_truncation_of_a_member_is_refused(member: str) -> None:
    for length in range(len(PARTS[member])):
        refused(zipped((PARTS | {member: PARTS[member][:length]}).items()), OwnhueError)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    for hostile in (data, zipped([("export.bin", data), ("export.sig", data)])):
        refused(hostile)


@given(st.binary(max_size=200))
def test_arbitrary_content_under_a_valid_signature_is_refused(data: bytes) -> None:
    refused(signed_anew(data, LABEL))
    try:
        content = read_key_file(signed_anew(HEADER + data, LABEL), PUBLIC_KEY)
    except OwnhueError:
        return
    raise AssertionError(content)


def test_a_file_signed_by_another_key_is_refused() -> None:
    refused(write_key_file(CONTENT, OTHER_KEY, INFO), VerificationError)


def test_a_verification_key_of_another_curve_is_refused() -> None:
    other = ec.derive_private_key(5, ec.SECP384R1())
    export = PARTS["export.bin"]
    signatures = signature_list(export, LABEL, other).SerializeToString()
    with pytest.raises(VerificationError, match="P-256"):
        read_key_file(zipped([("export.bin", export), ("export.sig", signatures)]), other.public_key())


def test_the_signature_of_another_file_is_refused() -> None:
    other = members(edited(DATA, lambda message: setattr(message, "region", "else")))
    refused(zipped([("export.bin", PARTS["export.bin"]), ("export.sig", other["export.sig"])]), VerificationError)


def test_a_signature_without_the_header_is_refused() -> None:
    signature = signature_list(PARTS["export.bin"][len(HEADER) :], LABEL).SerializeToString()
    refused(zipped([("export.bin", PARTS["export.bin"]), ("export.sig", signature)]), VerificationError)


def test_raw_and_padded_signatures_are_refused() -> None:
    r, s = decode_dss_signature(sign(PARTS["export.bin"]))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    for signature in (raw, b"", sign(PARTS["export.bin"]) + b"\0"):
        refused(resigned(DATA, partial(_set, "signature", signature)), FormatError, "DER")


def test_a_signature_by_another_hash_is_refused() -> None:
    signature = SIGNING_KEY.sign(PARTS["export.bin"], ec.ECDSA(hashes.SHA512()))
    data = resigned(DATA, lambda list_: setattr(list_.signatures[0], "signature", signature))
    refused(data, VerificationError)


@pytest.mark.parametrize("text", ["none", "", "ecdsa-with-SHA256", "1.2.840.113549.1.1.11"])
def test_the_file_does_not_choose_the_algorithm(text: str) -> None:
    data = resigned(DATA, lambda list_: setattr(list_.signatures[0].signature_info, "signature_algorithm", text))
    refused(data, FormatError, "algorithm")


def test_no_signature_at_all_is_refused() -> None:
    refused(zipped([("export.bin", PARTS["export.bin"])]), FormatError, r"no export\.sig")
    refused(zipped([("export.bin", PARTS["export.bin"]), ("export.sig", b"")]), FormatError, "no signature")


def test_two_signatures_need_two_announced_signers_and_one_that_holds() -> None:
    second = {"verification_key_id": "other", "verification_key_version": "v1"}
    second["signature_algorithm"] = "1.2.840.10045.4.3.2"
    message = export_message(DATA)
    message.signature_infos.add(**second)
    export = HEADER + message.SerializeToString()

    def file(first_key: ec.EllipticCurvePrivateKey, label: Any) -> bytes:
        signatures = signature_list(export, LABEL, first_key)
        signatures.signatures.add(signature_info=label, batch_num=1, batch_size=1, signature=sign(export, OTHER_KEY))
        return zipped([("export.bin", export), ("export.sig", signatures.SerializeToString())])

    assert read_key_file(file(SIGNING_KEY, second), PUBLIC_KEY) == READ
    refused(file(OTHER_KEY, second), VerificationError)
    refused(file(SIGNING_KEY, LABEL), FormatError, "one label")
    refused(file(SIGNING_KEY, second | {"verification_key_id": "new"}), VerificationError, "announce")


def test_a_second_signature_cannot_be_slipped_in() -> None:
    def add(list_: Any) -> None:
        entry = list_.signatures.add()
        entry.CopyFrom(list_.signatures[0])
        entry.signature_info.verification_key_id = "mine"
        entry.signature = sign(PARTS["export.bin"], OTHER_KEY)

    refused(resigned(DATA, add), VerificationError, "announce")


def test_many_signatures_are_refused() -> None:
    def repeat(list_: Any) -> None:
        for _ in range(8):
            list_.signatures.add().CopyFrom(list_.signatures[0])

    refused(resigned(DATA, repeat), LimitError)


def test_a_signature_for_another_batch_is_refused() -> None:
    for name in ("batch_num", "batch_size"):
        refused(resigned(DATA, partial(_set, name, 2)), VerificationError, "another batch")


@pytest.mark.parametrize("header", [b"EK Export v2    ", b"EK Export v1   \0", b"ek export v1    ", b""])
def test_a_wrong_header_is_refused_though_signed(header: bytes) -> None:
    refused(signed_anew(header + PARTS["export.bin"][16:], LABEL), FormatError, "header")


def test_zip_bombs_cost_their_limit_and_no_more() -> None:
    bomb = zipped([("export.bin", bytes(400_000_000)), ("export.sig", PARTS["export.sig"])])
    assert len(bomb) < 1_000_000
    lying = _with_stated_size(bomb, 400_000_000, 1000)
    tracemalloc.start()
    for data, limits in ((bomb, Limits()), (bomb, Limits(export_bytes=100)), (lying, Limits(export_bytes=2000))):
        with pytest.raises(FormatError):
            read_key_file(data, PUBLIC_KEY, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def _with_stated_size(data: bytes, true_size: int, stated: int) -> bytes:
    return data.replace(struct.pack("<L", true_size), struct.pack("<L", stated))


def test_a_bomb_as_signature_is_refused() -> None:
    refused(zipped([("export.bin", PARTS["export.bin"]), ("export.sig", bytes(10_000_000))]), LimitError)


def test_an_oversized_file_is_refused_unread() -> None:
    refused(bytes(24_000_001), LimitError)


def test_duplicate_members_are_refused() -> None:
    for name in PARTS:
        with pytest.warns(UserWarning, match="Duplicate name"):
            data = zipped([*PARTS.items(), (name, PARTS[name])])
        refused(data, FormatError, "occurs twice")


def test_many_members_are_refused_before_the_directory_is_read() -> None:
    refused(zipped([*PARTS.items(), *((str(number), b"") for number in range(70_000))]), FormatError)
    refused(zipped([*PARTS.items(), *((str(number), b"") for number in range(7))]), LimitError)
    refused(zipped([*PARTS.items(), ("x" * 5000, b"")]), LimitError)


def test_more_members_than_the_end_record_states_are_refused() -> None:
    data = bytearray(zipped([*PARTS.items(), *((str(number), b"") for number in range(30))]))
    struct.pack_into("<HH", data, len(data) - 14, 2, 2)
    refused(bytes(data), LimitError, "32 members")


def test_other_members_are_left_alone() -> None:
    others = [("content.sig", b"CMS"), ("__MACOSX/._export.sig", b"Mac"), ("._export.sig", bytes(50_000_000))]
    assert read_key_file(zipped([*others, *PARTS.items()]), PUBLIC_KEY) == READ


def test_members_in_a_folder_or_another_spelling_are_not_found() -> None:
    for name in ("corrupt/export.bin", "./export.bin", "EXPORT.BIN", "../export.bin"):
        refused(zipped([(name, PARTS["export.bin"]), ("export.sig", PARTS["export.sig"])]), FormatError, "no export")


def test_stored_members_are_read_and_unusual_packing_is_refused() -> None:
    assert read_key_file(zipped(PARTS.items(), zipfile.ZIP_STORED), PUBLIC_KEY) == READ
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        refused(zipped(PARTS.items(), method), FormatError, "unusual")


def test_an_encrypted_member_is_refused() -> None:
    data = bytearray(DATA)
    for position in (6, DATA.index(b"PK\x01\x02") + 8):
        data[position] |= 1
    refused(bytes(data), FormatError, "encrypted")


def test_what_lies_around_the_zip_is_refused() -> None:
    refused(b"#!/bin/sh\n" + DATA, FormatError, "in front")
    refused(DATA + b"\0", FormatError)
    buffer = io.BytesIO(DATA)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"for you alone"
    refused(buffer.getvalue(), FormatError)


def test_directory_and_member_that_name_different_files_are_refused() -> None:
    refused(DATA.replace(b"export.bin", b"export.xyz", 1))


def test_a_wrong_checksum_is_refused() -> None:
    checksum = struct.pack("<L", zlib.crc32(PARTS["export.bin"]))
    refused(DATA.replace(checksum, bytes(4)))


def _append(group: str, **changes: Any) -> Callable[[Any], None]:
    def edit(message: Any) -> None:
        key = getattr(message, group).add()
        key.CopyFrom(message.keys[0])
        for name, value in changes.items():
            setattr(key, name, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (_append("keys"), "twice"),
        (_append("keys", rolling_start_interval_number=2_944_806), "twice"),
        (_append("keys", report_type=5), "twice"),
        (_append("revised_keys", report_type=5), "twice"),
        (_append("keys", key_data=bytes(15)), "16 bytes"),
        (_append("keys", key_data=bytes(32)), "16 bytes"),
        (_append("keys", key_data=bytes(96)), "16 bytes"),
        (_append("keys", key_data=bytes(16), rolling_period=0), "rolling period"),
        (_append("keys", key_data=bytes(16), rolling_period=145), "rolling period"),
        (_append("keys", key_data=bytes(16), rolling_period=-1), "rolling period"),
        (_append("keys", key_data=bytes(16), rolling_start_interval_number=-1), "rolling start"),
        (_append("keys", key_data=bytes(16), rolling_start_interval_number=2**31 - 1), "rolling start"),
        (_append("keys", key_data=bytes(16), report_type=6), "report type"),
        (_append("revised_keys", key_data=bytes(16), report_type=-1), "report type"),
        (_append("keys", key_data=bytes(16), days_since_onset_of_symptoms=15), "onset"),
        (_append("keys", key_data=bytes(16), days_since_onset_of_symptoms=-2000), "onset"),
        (_append("keys", key_data=bytes(16), transmission_risk_level=9), "risk level"),
        (lambda message: setattr(message, "start_timestamp", message.end_timestamp), "span of time"),
        (lambda message: setattr(message, "end_timestamp", 2**63), "span of time"),
        (lambda message: message.ClearField("end_timestamp"), "span of time"),
        (lambda message: setattr(message, "region", "a/../b"), "region"),
        (lambda message: message.ClearField("region"), "region"),
        (lambda message: message.ClearField("batch_num"), "batch"),
        (lambda message: setattr(message, "batch_num", 2), "batch"),
        (lambda message: message.ClearField("signature_infos"), "announce"),
        (lambda message: [message.signature_infos.add() for _ in range(8)], "announce"),
    ],
)
def test_wrong_content_is_refused_though_signed(edit: Callable[[Any], None], words: str) -> None:
    refused(edited(DATA, edit), FormatError, words)


def test_a_label_that_the_signed_file_does_not_announce_is_refused() -> None:
    for name in ("verification_key_id", "verification_key_version"):
        data = resigned(DATA, partial(_relabel, name))
        refused(data, VerificationError, "announce")


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body + b"\x20\x01",  # batch_num a second time: parsers differ in which one holds
        lambda body: body[9:18] + body[:9] + body[18:],  # end before start
        lambda body: body.replace(b"\x20\x01\x28\x01", b"\x20\x81\x00\x28\x01"),  # 1 in two bytes
        lambda body: body[:-1],
        lambda body: body + b"\x00",
    ],
    ids=["field twice", "fields swapped", "padded number", "cut", "stray byte"],
)
def test_a_message_in_another_than_its_canonical_encoding_is_refused(change: Callable[[bytes], bytes]) -> None:
    body = PARTS["export.bin"][len(HEADER) :]
    assert change(body) != body
    refused(signed_anew(HEADER + change(body), LABEL), FormatError, "protobuf")


def test_text_that_is_no_utf8_is_refused() -> None:
    region, label = (PARTS["export.bin"].index(b"demo"), PARTS["export.bin"].rindex(b"demo"))
    assert region < label
    for position in (region, label):
        export = PARTS["export.bin"][:position] + b"de\xff\xfe" + PARTS["export.bin"][position + 4 :]
        refused(signed_anew(export, LABEL), FormatError, "UTF-8")


def test_random_damage_never_raises_anything_else() -> None:
    draw = Random(11)
    for _ in range(3000):
        damaged = bytearray(DATA)
        for _ in range(draw.randrange(1, 6)):
            start = draw.randrange(len(damaged))
            damaged[start : start + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
        with suppress(OwnhueError):
            assert read_key_file(bytes(damaged), PUBLIC_KEY) == READ
