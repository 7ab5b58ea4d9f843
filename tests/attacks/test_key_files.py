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
from ownhue.key_file import HEADER, Limits, write_key_file
from ownhue.key_file.values import ExposureKey, KeyIndex
from tests.protocol.key_file_bytes import Member, stored_zip, zip_bytes, zip_parts
from tests.protocol.key_file_cases import (
    CONTENT,
    INFO,
    OTHER_KEY,
    READ,
    SIGNING_KEY,
    edited,
    export_message,
    members,
    read_both,
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
        read_both(data, PUBLIC_KEY)


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
                assert read_both(bytes(flipped), PUBLIC_KEY) == READ
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
        content = read_both(signed_anew(HEADER + data, LABEL), PUBLIC_KEY)
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
        read_both(zipped([("export.bin", export), ("export.sig", signatures)]), other.public_key())


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

    assert read_both(file(SIGNING_KEY, second), PUBLIC_KEY) == READ
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


def test_zip_bombs_cost_a_block_and_no_more() -> None:
    bomb = zipped([("export.bin", bytes(400_000_000)), ("export.sig", PARTS["export.sig"])])
    assert len(bomb) < 1_000_000
    lying = bomb.replace(struct.pack("<L", 400_000_000), struct.pack("<L", 1000))
    larger = bomb.replace(struct.pack("<L", 400_000_000), struct.pack("<L", 23_000_000))
    tracemalloc.start()
    for data, limits in (
        (bomb, Limits()),
        (bomb, Limits(export_bytes=100)),
        (lying, Limits(export_bytes=2000)),
        (larger, Limits()),
    ):
        with pytest.raises(FormatError):
            read_both(data, PUBLIC_KEY, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_bomb_inside_of_another_member_is_refused_unread() -> None:
    """Overlapping members let one packed stream count many times; each looks harmless by itself."""
    parts = zip_parts([Member("export.bin", PARTS["export.bin"]), Member("export.sig", PARTS["export.sig"])])
    for offset in (0, 5, 30 + len("export.bin")):
        parts["entries"][1]["offset"] = offset
        refused(zip_bytes(parts), FormatError, "ZIP")
    inner = stored_zip([("export.sig", PARTS["export.sig"])])
    nested = zip_parts([Member("export.bin", inner[:-79]), Member("export.sig", PARTS["export.sig"])])
    nested["entries"][1]["offset"] = 30 + len("export.bin")
    refused(zip_bytes(nested), FormatError, "overlap")


def test_a_member_that_reaches_into_the_directory_is_refused() -> None:
    parts = zip_parts([Member("export.bin", PARTS["export.bin"]), Member("export.sig", PARTS["export.sig"])])
    for part in (parts["locals"][1], parts["entries"][1]):
        part["packed"] += 1
        part["size"] += 1
    refused(zip_bytes(parts), FormatError, "overlap")


def test_sizes_that_lie_are_refused() -> None:
    for field in ("packed", "size", "checksum"):
        for groups in (("locals",), ("entries",), ("locals", "entries")):
            for change in (1, -1, 2**31):
                parts = zip_parts(
                    [Member("export.sig", PARTS["export.sig"]), Member("export.bin", PARTS["export.bin"])]
                )
                for group in groups:
                    parts[group][1][field] += change
                refused(zip_bytes(parts), FormatError, "ZIP")


def test_a_name_that_ends_early_for_some_readers_is_another_name() -> None:
    """Python's own library cuts names at a zero byte, so it would find two members of one name."""
    data = stored_zip([*PARTS.items(), ("export.bin\0.txt", b"other")])
    assert read_both(data, PUBLIC_KEY) == READ


#: Signed files of very many fields with nothing in them: each costs its reader more than its two or three bytes.
_CROWDS = {
    "keys": (b"\x3a\x00", LimitError, "more than 1250000 keys"),
    "revised keys": (b"\x42\x00", LimitError, "more than 1250000 keys"),
    "infos": (b"\x32\x00", LimitError, "announces more than 8"),
    "unknown fields": (b"\x78\x00", LimitError, "unknown fields"),
}


@pytest.mark.timeout(120)  # a reader whose work grew with the square of the fields would take hours
@pytest.mark.parametrize("crowd", list(_CROWDS))
def test_masses_of_empty_fields_cost_their_limit(crowd: str) -> None:
    encoded, error, words = _CROWDS[crowd]
    body = PARTS["export.bin"][len(HEADER) :]
    if crowd == "infos":
        body = body[: body.index(b"\x32")]
    elif crowd == "keys":
        body = body[: body.index(b"\x3a")]
    data = signed_anew(HEADER + body + encoded * 1_300_000, LABEL)
    tracemalloc.start()
    refused(data, error, words)
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


def test_one_huge_field_is_refused_before_it_is_held() -> None:
    body = PARTS["export.bin"][len(HEADER) :]
    for tag in (b"\x42", b"\x7a"):
        for length, content in (
            (b"\x80\xad\xe2\x04", bytes(10_000_000)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b""),
        ):
            refused(signed_anew(HEADER + body + tag + length + content, LABEL), LimitError, "longer than 1024")


@pytest.mark.timeout(120)
def test_keys_in_the_worst_order_do_not_make_the_search_for_twins_slow() -> None:
    """Ascending, descending and organ-pipe keys, and a twin far away: all within the time of sorting."""
    numbers = range(60_000)
    for order in (numbers, reversed(numbers), (*numbers[::2], *numbers[1::2][::-1])):
        index = KeyIndex()
        keys = [ExposureKey(number.to_bytes(16, "big"), 0, 1, 1, None) for number in order]
        index.add(keys)
        index.add(keys[-1:])
        with pytest.raises(FormatError, match="twice"):
            index.check()


def test_keys_that_differ_in_their_last_zeros_are_no_twins() -> None:
    index = KeyIndex()
    index.add([ExposureKey(bytes(position) + b"\1" + bytes(15 - position), 0, 1, 1, None) for position in range(16)])
    index.add([ExposureKey(bytes(16), 0, 1, 1, None)])
    index.check()


def test_a_bomb_as_signature_is_refused() -> None:
    refused(zipped([("export.bin", PARTS["export.bin"]), ("export.sig", bytes(10_000_000))]), LimitError)


def test_an_oversized_file_is_refused_unread() -> None:
    refused(bytes(36_000_001), LimitError)


def test_duplicate_members_are_refused() -> None:
    for name in PARTS:
        with pytest.warns(UserWarning, match="Duplicate name"):
            data = zipped([*PARTS.items(), (name, PARTS[name])])
        refused(data, FormatError, "there twice")


def test_many_members_are_refused_before_the_directory_is_read() -> None:
    refused(zipped([*PARTS.items(), *((str(number), b"") for number in range(70_000))]), FormatError)
    refused(zipped([*PARTS.items(), *((str(number), b"") for number in range(7))]), LimitError)
    refused(zipped([*PARTS.items(), ("x" * 5000, b"")]), LimitError)


def test_more_members_than_the_end_record_states_are_refused() -> None:
    data = bytearray(zipped([*PARTS.items(), *((str(number), b"") for number in range(30))]))
    struct.pack_into("<HH", data, len(data) - 14, 2, 2)
    refused(bytes(data), LimitError, "more than 8 members")
    struct.pack_into("<HH", data, len(data) - 14, 40, 2)
    refused(bytes(data), FormatError, "end record")


def test_other_members_are_left_alone() -> None:
    others = [("content.sig", b"CMS"), ("__MACOSX/._export.sig", b"Mac"), ("._export.sig", bytes(50_000_000))]
    assert read_both(zipped([*others, *PARTS.items()]), PUBLIC_KEY) == READ


def test_members_in_a_folder_or_another_spelling_are_not_found() -> None:
    for name in ("corrupt/export.bin", "./export.bin", "EXPORT.BIN", "../export.bin"):
        refused(zipped([(name, PARTS["export.bin"]), ("export.sig", PARTS["export.sig"])]), FormatError, "no export")


def test_stored_members_are_read_and_unusual_packing_is_refused() -> None:
    assert read_both(zipped(PARTS.items(), zipfile.ZIP_STORED), PUBLIC_KEY) == READ
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


def test_a_program_in_front_is_refused_though_the_directory_knows_of_it() -> None:
    """Self-extracting archives are right ZIPs; whoever runs such a file runs what stands in front."""
    program = b"#!/bin/sh\n"
    parts = zip_parts([Member("export.bin", PARTS["export.bin"]), Member("export.sig", PARTS["export.sig"])])
    for entry in (*parts["entries"], parts["end"]):
        entry["offset"] += len(program)
    refused(program + zip_bytes(parts), FormatError, "in front of the ZIP's first")


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
        (_append("keys", transmission_risk_level=0), "twice"),
        (_append("keys", key_data=bytes(16), report_type=5), "report type"),
        (_append("revised_keys", key_data=bytes(range(48, 64)), report_type=5), "twice"),
        (_append("revised_keys", report_type=3), "report type"),
        (_append("keys", key_data=bytes(16), variant_of_concern=5), "variant"),
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
        (lambda message: [message.signature_infos.add() for _ in range(8)], "announces more"),
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
            assert read_both(bytes(damaged), PUBLIC_KEY) == READ
