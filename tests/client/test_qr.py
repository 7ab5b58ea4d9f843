"""Pictures of codes: written in the densest form, read back from what a camera gives, bounded. specs/code.md"""

import io
import random
import zlib
from pathlib import Path

import pytest
import qrcode
import zxingcpp
from PIL import Image, ImageFilter
from qrcode.util import MODE_ALPHA_NUM, QRData

from ownhue.errors import FormatError, LimitError
from ownhue_client.errors import PictureError
from ownhue_client.qr import MAX_PICTURE_BYTES, qr_png, read_qr, write_qr

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
#: As long as a code is. specs/code.md section 2
TEXT = "OWN1:" + "".join(random.Random(1).choices(ALPHANUMERIC, k=582))


def _image(text: str = TEXT) -> Image.Image:
    return Image.open(io.BytesIO(qr_png(text))).convert("RGB")


def _png(image: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    assert read_qr(qr_png(TEXT)) == TEXT
    write_qr(TEXT, tmp_path / "code.png")
    assert read_qr(tmp_path / "code.png") == TEXT
    assert read_qr(qr_png(ALPHANUMERIC)) == ALPHANUMERIC


def test_the_same_text_gives_the_same_bytes() -> None:
    assert qr_png(TEXT) == qr_png(TEXT)


def test_a_code_is_a_version_13_symbol_at_level_l() -> None:
    assert len(TEXT) == 587
    modules = 17 + 4 * 13
    image = Image.open(io.BytesIO(qr_png(TEXT, module_pixels=3)))
    assert image.size == ((modules + 8) * 3,) * 2
    found = zxingcpp.read_barcode(image)
    assert found is not None
    assert found.ec_level == "L"
    # One character in byte mode would push it to a larger symbol: alphanumeric mode is what makes it fit.
    bytewise = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L)
    bytewise.add_data(QRData(TEXT.encode(), mode=4))
    bytewise.make()
    assert bytewise.version is not None
    assert bytewise.version > 13


@pytest.mark.parametrize("text", ["", "own1:abc", "OWN1:Ü", "OWN1:\n", "名"])
def test_other_letters_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        qr_png(text)


def test_a_text_too_long_for_any_code_is_refused() -> None:
    assert read_qr(qr_png("A" * 4296, module_pixels=3)) == "A" * 4296
    with pytest.raises(LimitError):
        qr_png("A" * 4297)


@pytest.mark.parametrize("degrees", [0, 12, 90, 180])
def test_a_photograph_is_read(degrees: int) -> None:
    """Turned, blurred, grey background, JPEG: what a camera makes of a screen."""
    photograph = Image.new("RGB", (1200, 1200), (120, 130, 125))
    photograph.paste(_image(), (300, 320))
    photograph = photograph.rotate(degrees, fillcolor=(120, 130, 125)).filter(ImageFilter.GaussianBlur(1))
    assert read_qr(_png(photograph, "JPEG")) == TEXT


def test_two_codes_in_one_picture_are_refused() -> None:
    one, two = _image(), _image(TEXT[:-1] + "X")
    both = Image.new("RGB", (one.width * 2, one.height), "white")
    both.paste(one, (0, 0))
    both.paste(two, (one.width, 0))
    with pytest.raises(PictureError, match="more than one"):
        read_qr(_png(both))


def test_a_picture_without_a_code_is_refused() -> None:
    with pytest.raises(PictureError, match="no code"):
        read_qr(_png(Image.new("RGB", (300, 300), "white")))


def test_a_code_of_another_kind_does_not_count() -> None:
    barcode = zxingcpp.create_barcode("OWN1:ABC", zxingcpp.BarcodeFormat.DataMatrix)
    with pytest.raises(PictureError, match="no code"):
        read_qr(_png(Image.fromarray(barcode.to_image(scale=6))))


@pytest.mark.parametrize("data", [b"", b"OWN1:ABC", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(50), b"GIF89a"])
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match="PNG or JPEG"):
        read_qr(data)


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF"])
def test_other_picture_formats_are_not_opened(form: str) -> None:
    with pytest.raises(PictureError):
        read_qr(_png(_image(), form))


def test_truncated_and_damaged_pictures_are_an_error_of_our_own() -> None:
    data = qr_png(TEXT)
    for end in range(0, len(data), 97):
        with pytest.raises(PictureError):
            read_qr(data[:end])
    noise = random.Random(2)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[noise.randrange(len(data))] ^= 1 << noise.randrange(8)
        try:
            assert read_qr(bytes(damaged)) == TEXT
        except (PictureError, LimitError):
            continue


def _giant(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be *width* x *height* pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8001, 8000), (10_000, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_of_a_giant_picture_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises((LimitError, PictureError)) as refused:
        read_qr(_giant(*size))
    assert size[0] > 30_000 or isinstance(refused.value, LimitError)


def test_a_file_too_large_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(LimitError):
        read_qr(bytes(MAX_PICTURE_BYTES + 1))
    path = tmp_path / "large.png"
    path.write_bytes(bytes(MAX_PICTURE_BYTES + 1))
    with pytest.raises(LimitError):
        read_qr(path)


def test_a_file_that_is_not_there_is_an_error_of_our_own(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be opened"):
        read_qr(tmp_path / "nothing.png")
    with pytest.raises(PictureError, match="cannot be opened"):
        read_qr(tmp_path)


def test_the_mode_number_is_the_librarys() -> None:
    assert MODE_ALPHA_NUM == 2
