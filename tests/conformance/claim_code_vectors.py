"""The cases of specs/vectors/claim-code.json: what is drawn, what is forgiven, what is refused."""

from tests.conformance.expected import Case, bad, good

#: What somebody types -> its canonical form.
FORGIVEN = {
    "as shown": ("1719-0352", "17190352"),
    "with spaces": (" 1719 0352 ", "17190352"),
    "without separators": ("17190352", "17190352"),
    "with hyphens anywhere": ("1-7-1-9-0-3-5-2", "17190352"),
    "a long one in small letters": ("5k7z-q0m4 8vxd-2tbn", "5K7ZQ0M48VXD2TBN"),
    "a long one": ("1K7Z-Q0M4-8VXD-2TBN", "1K7ZQ0M48VXD2TBN"),
    "a long one of digits": ("4000-0000-0000-0000", "4000000000000000"),
}
REFUSED = {
    "nothing": "",
    "only a separator": "-",
    "seven digits": "1719035",
    "nine digits": "171903520",
    "report type 0": "01234567",
    "report type 6": "61234567",
    "a letter in a short one": "1719035A",
    "15 characters": "1K7ZQ0M48VXD2TB",
    "17 characters": "1K7ZQ0M48VXD2TBNN",
    "the letter I": "1K7ZQ0M48VXD2TBI",
    "the letter L": "1K7ZQ0M48VXD2TBL",
    "the letter O": "1K7ZQ0M48VXD2TBO",
    "the letter U": "1K7ZQ0M48VXD2TBU",
    "a point": "1719.0352",
    "a line end": "17190352\n",
    "a tab": "1719\t0352",
    "digits of another script": "١٧١٩٠٣٥٢",
    "a wide digit": "1719０352",
    "a letter that becomes S in capitals": "1K7ZQ0M48VXD2TBſ",
    "a sign": "+7190352",
}


def claim_code_cases() -> list[Case]:
    """All cases."""
    return [
        *[good(f"typed {name}", "parse_claim_code", _told(code), text=text) for name, (text, code) in FORGIVEN.items()],
        *[bad(f"typed: {name}", "parse_claim_code", text=text) for name, text in REFUSED.items()],
        _drawn("short", "short", 1, "17190352", "07010900030502"),
        _drawn("short, two bytes thrown away", "short", 5, "57190352", "07fffa01090003", "0502"),
        _drawn("long", "long", 5, "50123456789ABCDE", "000102030405060708090a0b0c0d0e"),
        _drawn("long, every byte used", "long", 2, "2ZZZZZZZZZZZZZZZ", "ff" * 15),
        bad("drawn for report type 0", "new_claim_code", report_type=0, length="short", draws=[]),
        bad("drawn of another length", "new_claim_code", report_type=1, length="medium", draws=[]),
    ]


def _told(code: str) -> dict[str, object]:
    groups = [code[start : start + 4] for start in range(0, len(code), 4)]
    return {"code": code, "report_type": int(code[0]), "readable": "-".join(groups)}


def _drawn(name: str, length: str, report_type: int, code: str, *draws: str) -> Case:
    told = {key: value for key, value in _told(code).items() if key != "report_type"}
    return good(f"drawn {name}", "new_claim_code", told, report_type=report_type, length=length, draws=list(draws))
