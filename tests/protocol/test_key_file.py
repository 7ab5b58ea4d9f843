"""Key files: what is written is read again, deterministically; foreign files get the verdict of specs/key-file.md."""

import json
import re
from dataclasses import replace
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from ownhue import errors
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.key_file import HEADER, ExposureKey, KeyFile, Limits, SignatureInfo, read_key_file, write_key_file
from ownhue.key_file_schema import ExportMessage, SignatureInfoMessage
from ownhue.params import ReportType
from tests.protocol.key_file_cases import (
    CONTENT,
    INFO,
    KEYS,
    READ,
    SIGNING_KEY,
    edited,
    export_message,
    members,
    signed_anew,
    zipped,
)
from tests.shared import SPECS, shared_path

PUBLIC_KEY = SIGNING_KEY.public_key()
DATA = write_key_file(CONTENT, SIGNING_KEY, INFO)
SPEC = (SPECS / "key-file.md").read_text()


def test_what_is_written_is_read_again() -> None:
    assert read_key_file(DATA, PUBLIC_KEY) == READ


def test_the_bytes_inside_are_those_of_the_gaen_export() -> None:
    export = members(DATA)["export.bin"]
    assert export[:16] == b"EK Export v1    "
    # fixed64 start, fixed64 end, region, batch 1 of 1: tags and wire types as published.
    assert export[16:25] == b"\x09" + CONTENT.start.to_bytes(8, "little")
    assert export[25:34] == b"\x11" + CONTENT.end.to_bytes(8, "little")
    assert export[34:44] == b"\x1a\x04demo\x20\x01\x28\x01"
    # The key with 14 days before onset: sint32 27 is -14 in zigzag.
    assert b"\x0a\x10" + KEYS[0].data + b"\x10\x08\x18\x94\xde\xb3\x01\x20\x0c\x28\x01\x30\x1b" in export


def test_the_same_input_gives_the_same_bytes_in_any_order() -> None:
    shuffled = list(KEYS)
    Random(1).shuffle(shuffled)
    assert write_key_file(replace(CONTENT, keys=tuple(shuffled)), SIGNING_KEY, INFO) == DATA
    assert write_key_file(read_key_file(DATA, PUBLIC_KEY), SIGNING_KEY, INFO) == DATA


def test_keys_are_written_in_order_of_their_bytes() -> None:
    assert [key.key_data for key in export_message(DATA).keys] == sorted(key.data for key in KEYS)


def test_an_empty_file_is_a_file() -> None:
    empty = KeyFile(0, 1, "demo", ())
    assert read_key_file(write_key_file(empty, SIGNING_KEY, INFO), PUBLIC_KEY) == empty


def test_unsorted_keys_of_others_are_read_in_their_order() -> None:
    def reverse(message: ExportMessage) -> None:
        keys = list(message.keys)
        del message.keys[:]
        message.keys.extend(reversed(keys))

    assert read_key_file(edited(DATA, reverse), PUBLIC_KEY) == replace(READ, keys=READ.keys[::-1])


def test_absent_period_is_a_day_and_absent_type_unknown() -> None:
    def strip(message: ExportMessage) -> None:
        for name in ("rolling_period", "report_type", "days_since_onset_of_symptoms", "transmission_risk_level"):
            message.keys[0].ClearField(name)

    key = read_key_file(edited(DATA, strip), PUBLIC_KEY).keys[0]
    assert key == ExposureKey(KEYS[1].data, KEYS[1].rolling_start, 144, ReportType.UNKNOWN, None, 0)


_KEY = st.builds(
    ExposureKey,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2_944_000),
    st.integers(1, 144),
    st.sampled_from(ReportType),
    st.none() | st.integers(-14, 14),
    st.integers(0, 8),
)


@given(st.lists(_KEY, max_size=8, unique_by=lambda key: key.data), st.integers(0, 8))
def test_any_keys_round_trip(keys: list[ExposureKey], split: int) -> None:
    content = KeyFile(0, 2_944_144 * 600, "demo", tuple(sorted(keys[:split])), tuple(sorted(keys[split:])))
    assert read_key_file(write_key_file(content, SIGNING_KEY, INFO), PUBLIC_KEY) == content


def test_a_key_whose_period_is_not_over_is_never_written() -> None:
    last = CONTENT.end // 600
    over = ExposureKey(bytes(16), last - 12, 12, ReportType.CONFIRMED_TEST, 0)
    write_key_file(replace(CONTENT, keys=(over,)), SIGNING_KEY, INFO)
    valid = (over._replace(rolling_start=last - 11),)
    for content in (replace(CONTENT, keys=valid), replace(CONTENT, revised_keys=valid)):
        with pytest.raises(FormatError, match="not over"):
            write_key_file(content, SIGNING_KEY, INFO)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": -1},
        {"start": CONTENT.end},
        {"end": 2**40},
        {"region": ""},
        {"region": "a" * 33},
        {"region": "zürich"},
        {"region": "a b"},
        {"keys": (KEYS[0], KEYS[0])},
        {"revised_keys": (KEYS[0],)},
        {"keys": (KEYS[0]._replace(data=bytes(15)),)},
        {"keys": (KEYS[0]._replace(rolling_period=0),)},
        {"keys": (KEYS[0]._replace(rolling_period=145),)},
        {"keys": (KEYS[0]._replace(rolling_start=-1),)},
        {"keys": (KEYS[0]._replace(report_type=6),)},
        {"keys": (KEYS[0]._replace(report_type=-1),)},
        {"keys": (KEYS[0]._replace(days_since_onset=15),)},
        {"keys": (KEYS[0]._replace(days_since_onset=-15),)},
        {"keys": (KEYS[0]._replace(transmission_risk_level=9),)},
        {"keys": (KEYS[0]._replace(transmission_risk_level=-1),)},
    ],
    ids=str,
)
def test_values_outside_the_format_are_not_written(wrong: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        write_key_file(replace(CONTENT, **wrong), SIGNING_KEY, INFO)  # type: ignore[arg-type]


def test_labels_are_written_into_both_members() -> None:
    data = write_key_file(CONTENT, SIGNING_KEY, SignatureInfo("262", "v7"))
    for name in ("export.bin", "export.sig"):
        assert b"\x1a\x02v7\x22\x03262\x2a\x131.2.840.10045.4.3.2" in members(data)[name]
    assert read_key_file(data, PUBLIC_KEY) == READ


def test_limits_are_those_of_the_spec() -> None:
    table = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", SPEC, re.MULTILINE))
    assert {name: int(value.replace(",", "")) for name, value in table.items()} == {
        name: getattr(Limits(), name) for name in Limits.__slots__
    }


@pytest.mark.parametrize("limit", Limits.__slots__)
def test_every_limit_is_kept(limit: str) -> None:
    parts = members(DATA)
    sizes = {
        "file_bytes": len(DATA),
        "export_bytes": len(parts["export.bin"]),
        "signature_bytes": len(parts["export.sig"]),
        "keys": 4,
        "signatures": 1,
        "members": 2,
        "directory_bytes": 2 * (46 + len("export.bin")),
    }
    assert read_key_file(DATA, PUBLIC_KEY, Limits(**{limit: sizes[limit]})) == READ
    with pytest.raises(LimitError):
        read_key_file(DATA, PUBLIC_KEY, Limits(**{limit: sizes[limit] - 1}))


def test_more_keys_than_a_file_may_hold_are_not_written() -> None:
    keys = tuple(ExposureKey(number.to_bytes(16, "big"), 0, 1, 1, None) for number in range(500_001))
    with pytest.raises(LimitError):
        write_key_file(replace(CONTENT, keys=keys), SIGNING_KEY, INFO)


# The files of real apps. The table of specs/key-file.md section 7 is read here: the spec states the verdicts.

VERDICTS = re.findall(r"^\| `([\w.-]+\.(?:zip|bin))` \| (.+?) \| (.+?) \|", SPEC, re.MULTILINE)


def _file(name: str) -> bytes:
    return shared_path(f"data/key-files/{name}").read_bytes()


def _manifest() -> dict[str, dict[str, object]]:
    entries = json.loads(shared_path("data/key-files/manifest.json").read_text())
    return {entry["file"]: entry for entry in entries}


def _published_key(name: str) -> ec.EllipticCurvePublicKey:
    """The signer's key where it is known; else one that signed nothing."""
    path = _manifest()[name]["public_key"]
    if path is None:
        return PUBLIC_KEY
    key = load_pem_public_key(_file(str(path)))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def _verdict(data: bytes, key: ec.EllipticCurvePublicKey) -> str:
    try:
        content = read_key_file(data, key)
    except errors.OwnhueError as error:
        return type(error).__name__
    return f"{len(content.keys):,} keys"


def test_the_spec_gives_a_verdict_on_every_file_of_the_manifest() -> None:
    assert sorted(name for name, *_ in VERDICTS) == sorted(_manifest())


@pytest.mark.parametrize(("name", "as_it_is", "signed_by_us"), VERDICTS, ids=[name for name, *_ in VERDICTS])
def test_real_files_get_the_verdict_of_the_spec(name: str, as_it_is: str, signed_by_us: str) -> None:
    data = _file(name)
    assert _verdict(data, _published_key(name)) == as_it_is
    export = data if name.endswith(".bin") else members(data).get("export.bin")
    if export is None:
        assert signed_by_us == "-"
        return
    infos = ExportMessage.FromString(export[len(HEADER) :]).signature_infos
    label = SignatureInfoMessage(signature_algorithm="1.2.840.10045.4.3.2")
    if infos:
        label.MergeFrom(infos[0])
    assert _verdict(signed_anew(export, label), PUBLIC_KEY) == signed_by_us


def test_the_german_file_of_24131_keys() -> None:
    name = "cwa-app-android-61e9ea4b.zip"
    content = read_key_file(_file(name), _published_key(name))
    assert (content.region, content.start, content.end) == ("DE", 1_590_883_200, 1_590_969_600)
    assert len(content.keys) == len({key.data for key in content.keys}) == 24_131
    assert {key.rolling_period for key in content.keys} == {144}
    assert {key.transmission_risk_level for key in content.keys} == set(range(1, 8))


def test_one_flipped_bit_of_the_german_file_is_refused() -> None:
    name = "cwa-app-android-61e9ea4b.zip"
    parts, key, draw = members(_file(name)), _published_key(name), Random(7)
    for member in ("export.bin", "export.sig"):
        for _ in range(20):
            flipped = bytearray(parts[member])
            flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
            with pytest.raises((FormatError, VerificationError)):
                read_key_file(zipped((parts | {member: bytes(flipped)}).items()), key)
