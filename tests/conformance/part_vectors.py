"""The cases of specs/vectors/report.json that are about carrying a sealed report: as a file, and as QR codes."""

from hashlib import sha256

from ownhue.encoding import base45_encode
from ownhue.report import REPORT_PARTS
from tests.conformance.expected import Case, bad, good
from tests.conformance.report_vectors import REPORT, WITHDRAWAL, body, sealed

SEALED = sealed(body(REPORT))
MARK = b"OWNHUE-REPORT-1\n".hex()


def part(number: int, made: str = SEALED, total: int = 16, chunk: bytes | None = None) -> str:
    """The text of one part, by hand."""
    data = bytes.fromhex(made)
    cut = data[753 * (number - 1) : 753 * number] if chunk is None else chunk
    return "OWNR1:" + base45_encode(bytes((number % 256, total)) + sha256(data).digest()[:8] + cut)


def part_cases() -> list[Case]:
    """All cases."""
    texts = [part(number) for number in range(1, REPORT_PARTS + 1)]
    return [*_files(), *_parts(texts), *_scans(texts)]


def _files() -> list[Case]:
    wrong = {
        "without its mark": (SEALED, "FormatError"),
        "of a later version": (MARK[:-4] + "320a" + SEALED, "FormatError"),
        "cut": (MARK + SEALED[:-2], "FormatError"),
        "one byte longer": (MARK + SEALED + "00", "LimitError"),
        "that is empty": ("", "FormatError"),
    }
    short = {name: (data[:64] if name == "without its mark" else data, error) for name, (data, error) in wrong.items()}
    return [
        good("a file is written", "report_file", {"file": MARK + SEALED}, sealed=SEALED),
        good("a file is read", "read_report_file", {"sealed": SEALED}, file=MARK + SEALED),
        bad("a file of a report that was cut", "report_file", sealed=SEALED[:100]),
        *[bad(f"a file {name}", "read_report_file", error, file=data) for name, (data, error) in short.items()],
    ]


def _parts(texts: list[str]) -> list[Case]:
    digest = sha256(bytes.fromhex(SEALED)).hexdigest()[:16]
    told = {"number": 3, "digest": digest, "chunk": SEALED[753 * 4 : 753 * 6]}
    wrong = {
        "number 0": (part(0, chunk=bytes(753)), "FormatError"),
        "number 17": (part(17, chunk=bytes(753)), "FormatError"),
        "one of 15": (part(3, total=15), "FormatError"),
        "752 bytes": (part(3, chunk=bytes(752)), "FormatError"),
        "755 bytes": (part(3, chunk=bytes(755)), "LimitError"),
        "nothing after the prefix": ("OWNR1:", "FormatError"),
        "another prefix": ("OWNR2:" + texts[2][6:], "FormatError"),
        "small letters": ("OWNR1:" + texts[2][6:].lower(), "FormatError"),
        "a line end": (texts[2] + "\n", "LimitError"),
    }
    return [
        good("a report is split", "split_report", {"texts": texts}, sealed=SEALED),
        bad("a report that was cut is not split", "split_report", sealed=SEALED[:100]),
        good("a part is read", "parse_part", told, text=texts[2]),
        *[bad(f"a part: {name}", "parse_part", error, text=text) for name, (text, error) in wrong.items()],
    ]


def _scans(texts: list[str]) -> list[Case]:
    other = sealed(body(WITHDRAWAL))
    mixed_up = part(5, chunk=bytes(753))
    back_and_forth = [*texts[::-1], texts[3], texts[0]]
    return [
        good("scanned backwards, some twice", "scan", {"missing": [], "sealed": SEALED}, texts=back_and_forth),
        good("scanned: nothing yet", "scan", {"missing": list(range(1, 17)), "sealed": None}, texts=[]),
        good(
            "scanned: two are missing",
            "scan",
            {"missing": [2, 9], "sealed": None},
            texts=[text for number, text in enumerate(texts, 1) if number not in (2, 9)],
        ),
        bad("scanned: a part of another report", "scan", "VerificationError", texts=[texts[0], part(2, other)]),
        bad("scanned: two contents of one part", "scan", "VerificationError", texts=[texts[4], mixed_up]),
        bad(
            "scanned: parts that do not make one report",
            "scan",
            "VerificationError",
            texts=[*texts[:4], mixed_up, *texts[5:]],
        ),
        bad("scanned: a code among the parts", "scan", texts=[texts[0], "OWN1:" + texts[1][6:]]),
    ]
