"""Key files: what is written is read again, deterministically, and values outside the format are neither."""

import re
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.key_file import (
    HEADER,
    ExposureKey,
    KeyFile,
    KeyFileHead,
    Limits,
    SignatureInfo,
    stream_key_file,
    write_key_file,
)
from ownhue.key_file.schema import ExportMessage
from ownhue.params import ReportType
from tests.protocol.key_file_bytes import export_bin
from tests.protocol.key_file_cases import (
    CONTENT,
    FIELDS,
    INFO,
    KEYS,
    LABEL,
    READ,
    REVISED,
    SIGNING_KEY,
    edited,
    export_message,
    file_of,
    members,
    read_both,
)
from tests.protocol.key_file_second_opinion import content_of, fields_of
from tests.shared import SPECS

PUBLIC_KEY = SIGNING_KEY.public_key()
DATA = write_key_file(CONTENT, SIGNING_KEY, INFO)
SPEC = (SPECS / "key-file.md").read_text()


def test_what_is_written_is_read_again() -> None:
    assert read_both(DATA, PUBLIC_KEY) == READ


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
    assert write_key_file(read_both(DATA, PUBLIC_KEY), SIGNING_KEY, INFO) == DATA


def test_keys_are_written_in_order_of_their_bytes() -> None:
    assert [key.key_data for key in export_message(DATA).keys] == sorted(key.data for key in KEYS)


def test_an_empty_file_is_a_file() -> None:
    empty = KeyFile(0, 1, "demo", ())
    assert read_both(write_key_file(empty, SIGNING_KEY, INFO), PUBLIC_KEY) == empty


def test_unsorted_keys_of_others_are_read_in_their_order() -> None:
    def reverse(message: ExportMessage) -> None:
        keys = list(message.keys)
        del message.keys[:]
        message.keys.extend(reversed(keys))

    assert read_both(edited(DATA, reverse), PUBLIC_KEY) == replace(READ, keys=READ.keys[::-1])


def test_absent_period_is_a_day_and_absent_type_unknown() -> None:
    def strip(message: ExportMessage) -> None:
        for name in ("rolling_period", "report_type", "days_since_onset_of_symptoms", "transmission_risk_level"):
            message.keys[0].ClearField(name)

    key = read_both(edited(DATA, strip), PUBLIC_KEY).keys[0]
    assert key == ExposureKey(KEYS[1].data, KEYS[1].rolling_start, 144, ReportType.UNKNOWN, None, 0)


_KEY = st.builds(
    ExposureKey,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2_944_000),
    st.integers(1, 144),
    st.sampled_from([ReportType.UNKNOWN, *list(ReportType)[1:5]]),
    st.none() | st.integers(-14, 14),
    st.integers(0, 8),
    st.integers(0, 4),
)


@given(st.lists(_KEY, max_size=8, unique_by=lambda key: key.data), st.integers(0, 8), st.sampled_from([1, 5]))
def test_any_keys_round_trip(keys: list[ExposureKey], split: int, revised_type: int) -> None:
    revised = tuple(sorted(key._replace(report_type=revised_type) for key in keys[split:]))
    content = KeyFile(0, 2_944_144 * 600, "demo", tuple(sorted(keys[:split])), revised)
    assert read_both(write_key_file(content, SIGNING_KEY, INFO), PUBLIC_KEY) == content


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
        {"revised_keys": (KEYS[0]._replace(report_type=5),)},
        {"keys": (KEYS[0]._replace(data=bytes(15)),)},
        {"keys": (KEYS[0]._replace(rolling_period=0),)},
        {"keys": (KEYS[0]._replace(rolling_period=145),)},
        {"keys": (KEYS[0]._replace(rolling_start=-1),)},
        {"keys": (KEYS[0]._replace(report_type=6),)},
        {"keys": (KEYS[0]._replace(report_type=5),)},
        {"revised_keys": (REVISED[0]._replace(report_type=2),)},
        {"keys": (KEYS[0]._replace(variant_of_concern=5),)},
        {"keys": (KEYS[0]._replace(variant_of_concern=-1),)},
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


def test_a_label_longer_than_readers_accept_is_not_written() -> None:
    write_key_file(CONTENT, SIGNING_KEY, SignatureInfo("x" * 900, "v1"))
    with pytest.raises(LimitError):
        write_key_file(CONTENT, SIGNING_KEY, SignatureInfo("x" * 1024, "v1"))


def test_a_label_that_is_no_text_is_not_written() -> None:
    """Half of a surrogate pair has no UTF-8."""
    with pytest.raises(FormatError, match="no text"):
        write_key_file(CONTENT, SIGNING_KEY, SignatureInfo("\ud800", "v1"))


def test_a_file_that_no_reader_accepts_is_not_signed_with_another_curve() -> None:
    with pytest.raises(FormatError, match="P-256"):
        write_key_file(CONTENT, ec.generate_private_key(ec.SECP384R1()), INFO)


def test_a_key_that_is_published_and_revised_in_one_file_of_others_is_read_in_both_groups() -> None:
    """The reference server can write such files: it collects both groups over one span of time. Ours does not."""
    revised = FIELDS["keys"][0] | {"report_type": 5}
    content = read_both(file_of(FIELDS | {"revised_keys": [revised]}), PUBLIC_KEY)
    assert content.keys == READ.keys
    assert content.revised_keys == (READ.keys[0]._replace(report_type=ReportType.REVOKED),)


def test_unknown_fields_at_the_end_are_passed_over() -> None:
    fields = FIELDS | {"zz-number": 7, "zz-bytes": b"x", "keys": [FIELDS["keys"][0] | {"zz-number": -1}]}
    assert read_both(file_of(fields), PUBLIC_KEY) == replace(READ, keys=READ.keys[:1])


def test_unknown_fields_are_bounded() -> None:
    for group in ("a", "b"):
        fields = FIELDS | {f"zz-{group}-{number}": b"x" * 253 for number in range(4)}
        assert read_both(file_of(fields), PUBLIC_KEY) == READ
        with pytest.raises(LimitError, match="unknown fields"):
            read_both(file_of(fields | {"zz-more": 0}), PUBLIC_KEY)
    with pytest.raises(LimitError, match="longer than"):
        read_both(file_of(FIELDS | {"keys": [FIELDS["keys"][0] | {"zz-more": b"x" * 1000}]}), PUBLIC_KEY)


_EDGES = st.sampled_from([-1, 0, 1, 2, 5, 8, 9, 14, 15, 144, 145, 2**31 - 1, 2**31, 2**40, 2**63])
_KEY_FIELDS = {
    "key_data": st.binary(min_size=16, max_size=16) | st.binary(max_size=40),
    "transmission_risk_level": _EDGES,
    "rolling_start_interval_number": st.integers(0, 3_000_000) | _EDGES,
    "rolling_period": st.integers(1, 144) | _EDGES,
    "report_type": st.sampled_from([1, 5]) | _EDGES,
    "days_since_onset_of_symptoms": st.integers(-15, 15) | st.none(),
    "variant_of_concern": st.integers(0, 5) | st.text(max_size=3),
    "zz-unknown": st.integers(0, 2**64 - 1) | st.binary(max_size=20),
}
_HEAD_FIELDS = {
    "header": st.just(HEADER) | st.binary(max_size=17),
    "start_timestamp": _EDGES,
    "end_timestamp": _EDGES,
    "region": st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True) | st.text(max_size=34) | st.binary(max_size=4),
    "batch_num": _EDGES,
    "batch_size": _EDGES,
    "signature_infos": st.lists(st.just(LABEL) | st.just({}), max_size=10),
    "zz-unknown": st.integers(0, 2**64 - 1) | st.binary(max_size=20),
}


@given(st.data())
def test_arbitrary_messages_under_a_valid_signature_are_refused_or_mean_what_they_say(data: st.DataObject) -> None:
    """Fields drawn at random over those of a valid file: often nearly right, always correctly signed."""
    keys = data.draw(st.lists(st.fixed_dictionaries({}, optional=_KEY_FIELDS), max_size=3))
    revised = data.draw(st.lists(st.fixed_dictionaries({}, optional=_KEY_FIELDS), max_size=2))
    head = data.draw(st.fixed_dictionaries({}, optional=_HEAD_FIELDS))
    fields = FIELDS | head | {"keys": [FIELDS["keys"][0] | key for key in keys], "revised_keys": revised}
    with suppress(OwnhueError):
        content = read_both(file_of(fields), PUBLIC_KEY)
        assert content == content_of(export_bin(fields))


def test_labels_are_written_into_both_members() -> None:
    data = write_key_file(CONTENT, SIGNING_KEY, SignatureInfo("262", "v7"))
    for name in ("export.bin", "export.sig"):
        assert b"\x1a\x02v7\x22\x03262\x2a\x131.2.840.10045.4.3.2" in members(data)[name]
    assert read_both(data, PUBLIC_KEY) == READ


def test_limits_are_those_of_the_spec() -> None:
    section = SPEC.split("\n## 5. ")[1].split("\n## ")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", section, re.MULTILINE))
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
        "field_bytes": max(len(encoded) for _, wire, encoded in fields_of(parts["export.bin"][16:]) if wire == 2),
        "keys": 4,
        "signatures": 1,
        "members": 2,
        "directory_bytes": 2 * (46 + len("export.bin")),
    }
    assert read_both(DATA, PUBLIC_KEY, Limits(**{limit: sizes[limit]})) == READ
    with pytest.raises(LimitError):
        read_both(DATA, PUBLIC_KEY, Limits(**{limit: sizes[limit] - 1}))


def test_more_keys_than_a_file_may_hold_are_not_written() -> None:
    keys = (ExposureKey(number.to_bytes(16, "big"), 0, 1, 1, None) for number in range(1, 1_250_002))
    head = KeyFileHead(CONTENT.start, CONTENT.end, CONTENT.region)
    with pytest.raises(LimitError):
        stream_key_file(BytesIO(), head, keys, (), SIGNING_KEY, INFO)
