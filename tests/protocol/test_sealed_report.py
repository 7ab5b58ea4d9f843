"""Carrying a sealed report without a network: its file, its sixteen QR codes. specs/report.md sections 5 and 7"""

import os
from hashlib import sha256
from random import Random
from typing import Any

import pytest
import qrcode
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import SealedBox
from qrcode.util import QRData

from ownhue.errors import FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.report import ReportScan, open_sealed, read_report_file, report_file, seal, split_report
from ownhue.report.parts import PART_CHARACTERS, PART_PREFIX, REPORT_PARTS, ReportPart, encode_part, parse_part
from ownhue.report.sealed import FILE_BYTES, FILE_MARK, SEALED_BYTES
from ownhue_client.qr import qr_png, read_qr
from tests.conformance.scripted import Stream
from tests.protocol.report_cases import PUBLISHER, PUBLISHER_KEY, report, seal_plain, withdrawal

SEALED = seal(report(), PUBLISHER_KEY, Stream("sealed"))
TEXTS = split_report(SEALED)
OTHER = split_report(seal(withdrawal(), PUBLISHER_KEY, Stream("other")))


def test_it_is_libsodiums_sealed_box() -> None:
    """Read by libsodium itself; and equal to a second implementation with the same ephemeral key."""
    plain = SealedBox(PUBLISHER).decrypt(SEALED)
    assert seal_plain(plain, Stream("sealed")(32)) == SEALED
    assert open_sealed(SEALED, PUBLISHER) == report()


def test_an_ephemeral_key_is_drawn_for_each_report() -> None:
    first, second = (seal(report(), PUBLISHER_KEY, os.urandom) for _ in range(2))
    assert first[:32] != second[:32]
    assert first[32:64] != second[32:64]


def test_a_file_goes_there_and_back() -> None:
    data = report_file(SEALED)
    assert len(data) == FILE_BYTES == 12_064
    assert data.startswith(FILE_MARK)
    assert read_report_file(data) == SEALED


@pytest.mark.parametrize("length", [0, SEALED_BYTES - 1, SEALED_BYTES + 1])
def test_nothing_else_is_written_into_a_file_or_split(length: int) -> None:
    with pytest.raises(FormatError):
        report_file(bytes(length))
    with pytest.raises(FormatError):
        split_report(bytes(length))


@given(st.binary(max_size=100), st.integers(0, FILE_BYTES))
def test_only_our_own_error_leaves_the_reader_of_files(data: bytes, cut: int) -> None:
    whole = report_file(SEALED)
    for wrong in (data, FILE_MARK + data, whole[:cut] + data, data + whole[: FILE_BYTES - len(data)]):
        try:
            sealed = read_report_file(wrong)
        except FormatError:
            continue
        assert report_file(sealed) == wrong


def test_long_files_are_not_read() -> None:
    with pytest.raises(LimitError):
        read_report_file(report_file(SEALED) + b"\0")


def test_sixteen_texts_of_one_length_fill_version_19_at_level_l() -> None:
    assert len(TEXTS) == REPORT_PARTS
    assert {len(text) for text in TEXTS} == {PART_CHARACTERS}

    def version(length: int) -> int:
        picture: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L)
        # 2 is alphanumeric mode.
        picture.add_data(QRData("A" * length, mode=2))
        picture.make(fit=True)
        return int(picture.version)

    # What version 19 holds at level L (ISO/IEC 18004, table 7): 1,153 characters.
    assert (version(PART_CHARACTERS), version(1153), version(1154)) == (19, 19, 20)


def test_a_camera_reads_them_back() -> None:
    scan = ReportScan()
    for text in TEXTS[:2]:
        scan = scan.add(read_qr(qr_png(text, module_pixels=4)))
    assert scan.missing == tuple(range(3, 17))


@given(st.permutations(range(REPORT_PARTS)), st.lists(st.integers(0, REPORT_PARTS - 1), max_size=20))
@settings(max_examples=30, deadline=None)
def test_parts_in_any_order_and_any_number_of_times_make_the_report(order: list[int], again: list[int]) -> None:
    scan, seen = ReportScan(), set()
    for number in (*again, *order, *again):
        scan = scan.add(TEXTS[number])
        seen.add(number)
        assert scan.missing == tuple(at + 1 for at in range(REPORT_PARTS) if at not in seen)
    assert scan.sealed() == SEALED


def test_what_is_missing_is_told() -> None:
    scan = ReportScan()
    for number, text in enumerate(TEXTS, 1):
        if number not in (2, 9):
            scan = scan.add(text)
    with pytest.raises(StateError, match="missing: 2, 9"):
        scan.sealed()
    assert scan.add(TEXTS[1]).add(TEXTS[8]).sealed() == SEALED


def test_a_part_of_another_report_changes_nothing_that_was_read() -> None:
    scan = ReportScan()
    for text in TEXTS[:15]:
        scan = scan.add(text)
    for stranger in OTHER:
        with pytest.raises(VerificationError):
            scan.add(stranger)
    assert scan.add(TEXTS[15]).sealed() == SEALED


def test_a_second_content_for_a_number_is_refused() -> None:
    part = parse_part(TEXTS[3])
    forged = encode_part(ReportPart(4, part.digest, bytes(753)))
    with pytest.raises(VerificationError):
        ReportScan().add(TEXTS[3]).add(forged)
    scan = ReportScan().add(forged)
    for text in (*TEXTS[:3], *TEXTS[4:]):
        scan = scan.add(text)
    with pytest.raises(VerificationError, match="do not make one report"):
        scan.sealed()


def test_parts_say_nothing_but_a_number_and_a_digest() -> None:
    """Whoever sees a part learns which parts belong together, and nothing of what is in them."""
    digest = sha256(SEALED).digest()[:8]
    for number, text in enumerate(TEXTS, 1):
        part = parse_part(text)
        assert (part.number, part.digest) == (number, digest)
        assert repr(part.chunk)[2:-1] not in repr(part)
    shown = repr(ReportScan().add(TEXTS[0]))
    assert repr(parse_part(TEXTS[0]).chunk)[2:-1] not in shown


@given(st.text(max_size=60), st.binary(max_size=800))
def test_only_our_own_error_leaves_the_parser_of_parts(text: str, data: bytes) -> None:
    for wrong in (text, PART_PREFIX + text, TEXTS[0][:700] + text):
        with pytest.raises(FormatError):
            parse_part(wrong)
    try:
        part = ReportPart(data[0], data[1:9], data[9:]) if len(data) > 9 else None
    except OwnhueError:
        return
    assert part is None or parse_part(encode_part(part)) == part


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_what_is_accepted_encodes_to_the_same_part(seed: int) -> None:
    random = Random(seed)
    text = list(TEXTS[random.randrange(16)])
    for _ in range(random.randrange(1, 4)):
        text[random.randrange(len(text))] = random.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a\n")
    changed = "".join(text)
    try:
        part = parse_part(changed)
    except FormatError:
        return
    assert encode_part(part) == changed
