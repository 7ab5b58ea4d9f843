"""Codes as pictures: writing a text as a QR code, and reading the one code of a picture. specs/code.md

- Written at level L in alphanumeric mode, which is the densest that a ``OWN1:`` text allows: up to 619 characters
  fit version 13.
- A picture is read only when it is a PNG or JPEG within the limits and shows exactly one QR code. Whatever a picture
  library throws at hostile bytes becomes our own :class:`PictureError` or LimitError.
"""

import io
import re
import warnings
from pathlib import Path
from typing import Literal

import qrcode
import zxingcpp
from PIL import Image
from qrcode.exceptions import DataOverflowError
from qrcode.image.pil import PilImage
from qrcode.util import QRData

from ownhue.errors import FormatError, LimitError
from ownhue_client.errors import PictureError

#: Longest picture file in bytes.
MAX_PICTURE_BYTES = 32 << 20
#: Most pixels of a picture; today's phones take up to 50 million, and a code needs far fewer.
MAX_PIXELS = 64_000_000

#: Picture formats that are opened at all: what cameras and screenshots give, and no more decoders than needed.
_FORMATS = ("PNG", "JPEG")
_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]+")
_QUIET_MODULES = 4
#: Alphanumeric mode (ISO/IEC 18004 table 2), as ``qrcode.util.MODE_ALPHA_NUM``, whose type is too wide for its own use.
_MODE: Literal[2] = 2


def qr_png(text: str, module_pixels: int = 6) -> bytes:
    """PNG of the QR code of *text* with square modules of *module_pixels* pixels.

    Raises FormatError for letters outside the QR alphanumeric set (ISO/IEC 18004 table 5), LimitError when too long.
    """
    out = io.BytesIO()
    _code_of(text, module_pixels).make_image().save(out, format="PNG")
    return out.getvalue()


def qr_modules(text: str) -> list[list[bool]]:
    """The modules of the QR code of *text*, row by row, True for dark ones; a quiet zone of four all around.

    Raises as :func:`qr_png`.
    """
    return [list(map(bool, row)) for row in _code_of(text, 1).get_matrix()]


def _code_of(text: str, module_pixels: int) -> "qrcode.QRCode[PilImage]":
    if not _ALPHANUMERIC.fullmatch(text):
        raise FormatError("a code's text has only letters of the QR alphanumeric set")
    code = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_L,
        box_size=module_pixels,
        border=_QUIET_MODULES,
        image_factory=PilImage,
    )
    code.add_data(QRData(text, mode=_MODE))
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        raise LimitError(f"a text of {len(text)} characters does not fit a QR code") from error
    return code


def write_qr(text: str, path: Path, module_pixels: int = 6) -> None:
    """Write :func:`qr_png` to *path*."""
    path.write_bytes(qr_png(text, module_pixels))


def read_qr(picture: bytes | Path) -> str:
    """The text of the one QR code in *picture* (the file's bytes, or its path).

    Raises LimitError for a picture that is too large, PictureError when it is none or does not show exactly one code.
    """
    image = _open(_bytes_of(picture))
    found = zxingcpp.read_barcodes(
        image,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        text_mode=zxingcpp.TextMode.Plain,
        try_invert=True,
    )
    if not found:
        raise PictureError("no code can be read from the picture")
    if len(found) > 1:
        raise PictureError("the picture shows more than one code")
    return str(found[0].text)


def _bytes_of(picture: bytes | Path) -> bytes:
    if isinstance(picture, bytes):
        data = picture
    else:
        try:
            with picture.open("rb") as file:
                data = file.read(MAX_PICTURE_BYTES + 1)
        except OSError as error:
            raise PictureError(f"the picture cannot be opened: {error.strerror}") from error
    if len(data) > MAX_PICTURE_BYTES:
        raise LimitError(f"a picture has at most {MAX_PICTURE_BYTES} bytes")
    return data


def _open(data: bytes) -> Image.Image:
    """The picture in grey. Its size is checked before any pixel is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, lower limit follows
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if image.width * image.height <= MAX_PIXELS:
            return image.convert("L")
    except Image.DecompressionBombError as error:
        raise LimitError(f"a picture has at most {MAX_PIXELS} pixels") from error
    except Exception as error:
        raise PictureError("not a PNG or JPEG picture") from error
    raise LimitError(f"a picture has at most {MAX_PIXELS} pixels")
