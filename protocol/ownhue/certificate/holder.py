"""Whose certificate it is: name and date of birth, compared on the phone only. specs/certificate.md section 6

    owner = Owner("Muster-Größe", "Probe Zwei", date(1990, 5, 17))
    check_holder(certificate, owner)                    # raises VerificationError when it is another person's

- Names are compared as machines read them in passports (ICAO 9303): A to Z, "<" between parts. Other letters have two
  usual spellings, AE or A for Ä; both are tried.
- Given names may be fewer on one side: states leave out middle names. Dates of birth may lack day or month.
- Without this comparison certificates can be handed on. With it a modified phone can still show another person's: a
  door that must know compares with an identity card (``ownhue.certificate.door``).
"""

import unicodedata
from dataclasses import dataclass, field
from datetime import date

from ownhue.certificate import Certificate
from ownhue.errors import FormatError, VerificationError

# ICAO Doc 9303 part 3, section 6: letters that become two, and those that no decomposition reaches.
_EXPANDED = {
    "Ä": "AE", "Å": "AA", "Æ": "AE", "Ö": "OE", "Ø": "OE", "Œ": "OE", "Ü": "UE", "ẞ": "SS", "Þ": "TH", "Ĳ": "IJ",
}  # fmt: skip
_BARE = {"Ð": "D", "Đ": "D", "Ł": "L", "Ħ": "H", "Ŧ": "T", "Ŋ": "N", "Ø": "O"}
_DROPPED, _BETWEEN = "'’ʼ`´.,", "-‐‑–<"


@dataclass(frozen=True, slots=True)
class Owner:
    """The phone's owner, as its owner typed it in. It never leaves the phone."""

    family: str = field(repr=False)
    """Family name, as in the passport or in its machine-readable lines."""
    given: str = field(repr=False)
    """Given names, likewise."""
    born: date = field(repr=False)
    """Date of birth."""


def check_holder(certificate: Certificate, owner: Owner) -> None:
    """Raises VerificationError unless the certificate names *owner*, FormatError when *owner* has no such name."""
    name, born = certificate.content.nam, certificate.content.dob
    # "<" alone fills a line and names nobody.
    family, given = _parts(name.fnt), _parts(name.gnt or "")
    if not (family or given):
        raise VerificationError("the certificate names nobody, so that nothing ties it to its holder")
    same = not family or family in map(_parts, spellings(owner.family))
    if given:
        same &= any(_begins(given, _parts(spelling)) for spelling in spellings(owner.given))
    if not (same and owner.born.isoformat().startswith(born)):
        raise VerificationError("the certificate is another person's")


def spellings(text: str) -> tuple[str, ...]:
    """A name as machines read it, in both usual ways. Raises FormatError for letters outside Latin script."""
    return standardised(text), standardised(text, expand=False)


def standardised(text: str, expand: bool = True) -> str:
    """A name as machines read it: A to Z, "<" between parts. *expand*: Ä becomes AE, else A. Raises FormatError."""
    letters = (_letters(letter, expand) for letter in unicodedata.normalize("NFC", text).upper())
    return "<".join(_parts("".join(letters)))


def _letters(letter: str, expand: bool) -> str:
    """What stands for one capital letter."""
    if letter in _DROPPED:
        return ""
    if letter.isspace() or letter in _BETWEEN:
        return "<"
    base = unicodedata.normalize("NFD", letter)[0]
    if not expand:
        base = _BARE.get(letter, base)
    found = base if "A" <= base <= "Z" and not expand else {**_BARE, **_EXPANDED}.get(letter, base)
    if not all("A" <= one <= "Z" for one in found):
        raise FormatError("a name has letters that passports spell in Latin ones; type it as its lower lines have it")
    return found


def _parts(standard: str) -> list[str]:
    return [part for part in standard.split("<") if part]


def _begins(one: list[str], other: list[str]) -> bool:
    """Whether the shorter list of names is the beginning of the longer; an empty one is not."""
    length = min(len(one), len(other))
    return length > 0 and one[:length] == other[:length]
