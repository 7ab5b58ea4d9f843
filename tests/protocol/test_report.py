"""Reports, withdrawals, tokens and the list of token keys. specs/report.md"""

import hashlib
import hmac
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import SealedBox

from ownhue.blind_rsa import pss_spki
from ownhue.encoding import base64url_encode, canonical_json, cbor_encode, parse_canonical_json, unframe
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.params import FRAME_BYTES, MAX_REPORT_KEYS, ReportType
from ownhue.report import (
    PLAIN_BYTES,
    SEALED_BYTES,
    Report,
    ReportKey,
    Withdrawal,
    check_report,
    check_secrets,
    commitment_of,
    is_accepted_week,
    open_sealed,
    report_keys_body,
    report_keys_from_body,
    report_message,
    request_token,
    seal,
    verify_token,
    week_of,
    withdrawal_message,
    withdrawal_secret,
)
from tests.protocol.report_cases import (
    NOW,
    PHONE_SECRET,
    PUBLISHER,
    PUBLISHER_KEY,
    START,
    WEEK,
    keys,
    report,
    signer,
    token,
    withdrawal,
    withdrawal_of,
)
from tests.shared import SPECS

_KEY = ReportKey(bytes(range(16)), START, 12, -1, bytes(32))


def test_what_is_sealed_is_opened_again() -> None:
    for sent in (report(), withdrawal()):
        assert open_sealed(seal(sent, PUBLISHER_KEY, os.urandom), PUBLISHER) == sent


def test_every_sealed_report_has_one_length_that_fits_a_frame() -> None:
    largest = report(MAX_REPORT_KEYS, signer(bits=4096))
    sealed = [
        seal(sent, PUBLISHER_KEY, os.urandom)
        for sent in (report(1), largest, withdrawal(1), withdrawal(MAX_REPORT_KEYS))
    ]
    assert [len(data) for data in sealed] == [SEALED_BYTES] * 4
    assert open_sealed(sealed[1], PUBLISHER) == largest
    assert len(cbor_encode({"sealed": sealed[1]})) <= FRAME_BYTES - 4


def test_sealing_twice_gives_different_bytes() -> None:
    assert seal(report(), PUBLISHER_KEY, os.urandom) != seal(report(), PUBLISHER_KEY, os.urandom)


def test_the_plain_content_is_the_map_of_the_spec() -> None:
    sent = report(1)
    plain = unframe(SealedBox(PUBLISHER).decrypt(seal(sent, PUBLISHER_KEY, os.urandom)), PLAIN_BYTES)
    assert plain == cbor_encode(
        {
            "kind": "report",
            "key_id": sent.key_id,
            "signature": sent.signature,
            "keys": [[bytes(16), START, 12, -1, keys(1)[0].commitment]],
        }
    )


def test_messages_are_the_hashes_of_the_spec() -> None:
    # Array of one array of five: 16 bytes, u32, 12, -1, 32 bytes.
    encoded = b"\x81\x85\x50" + _KEY.data + b"\x1a" + START.to_bytes(4, "big") + b"\x0c\x20\x58\x20" + bytes(32)
    assert report_message([_KEY]) == hashlib.sha256(b"OWNHUE-REPORT" + encoded).digest()
    assert withdrawal_message([_KEY.data]) == hashlib.sha256(b"OWNHUE-WITHDRAWAL\x81\x50" + _KEY.data).digest()


def test_a_message_depends_on_everything_that_is_reported() -> None:
    changes = [
        _KEY._replace(data=bytes(16)),
        _KEY._replace(rolling_start=START + 1),
        _KEY._replace(rolling_period=11),
        _KEY._replace(days_since_onset=0),
        _KEY._replace(days_since_onset=None),
        _KEY._replace(commitment=bytes(31) + b"\1"),
    ]
    later = _KEY._replace(data=b"\1" * 16, rolling_start=START + 12)
    messages = {report_message(group) for group in ([_KEY], [_KEY, later], *([change] for change in changes))}
    assert len(messages) == 8


def test_withdrawal_secrets_are_hkdf_of_the_phones_secret() -> None:
    prk = hmac.new(bytes(32), PHONE_SECRET, "sha256").digest()
    expected = hmac.new(prk, b"OWNHUE-WITHDRAW" + _KEY.data + b"\x01", "sha256").digest()
    assert withdrawal_secret(PHONE_SECRET, _KEY.data) == expected
    assert commitment_of(expected) == hashlib.sha256(expected).digest()
    assert withdrawal_secret(PHONE_SECRET, bytes(16)) != expected
    assert withdrawal_secret(bytes(32), _KEY.data) != expected


def test_a_token_is_made_blindly_and_holds() -> None:
    for bits in (2048, 4096):
        by = signer(bits=bits)
        message = report_message(keys(5))
        signature = token(message, by)
        assert len(signature) == bits // 8
        verify_token(message, signature, by.public)


def test_the_same_message_is_blinded_differently_each_time() -> None:
    first, second = (request_token(bytes(32), signer().public, os.urandom) for _ in range(2))
    assert first.blinded_message != second.blinded_message


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": bytes(15)},
        {"data": "text of 16 chars"},
        {"rolling_start": -1},
        {"rolling_start": 2**31},
        {"rolling_start": "1"},
        {"rolling_start": True},
        {"rolling_period": 0},
        {"rolling_period": 145},
        {"rolling_period": None},
        {"days_since_onset": -15},
        {"days_since_onset": 15},
        {"days_since_onset": False},
        {"days_since_onset": "0"},
        {"commitment": bytes(31)},
        {"commitment": None},
    ],
    ids=str,
)
def test_keys_outside_the_format_make_no_report(wrong: dict[str, object]) -> None:
    bad = ReportKey(**(_KEY._asdict() | wrong))
    with pytest.raises(FormatError):
        report_message([bad])
    with pytest.raises(FormatError):
        Report(bytes(32), bytes(256), (bad,))


def test_keys_that_overlap_repeat_or_are_out_of_order_make_no_report() -> None:
    after = _KEY._replace(data=bytes(16), rolling_start=START + 12)
    assert len(report_message([_KEY, after])) == 32
    for pair in (
        (after, _KEY),
        (_KEY, after._replace(rolling_start=START + 11)),
        (_KEY, after._replace(rolling_start=START)),
        (_KEY, after._replace(data=_KEY.data)),
    ):
        with pytest.raises(FormatError):
            report_message(pair)
        with pytest.raises(FormatError):
            Report(bytes(32), bytes(256), pair)


def test_number_of_keys() -> None:
    for count, error in ((0, FormatError), (MAX_REPORT_KEYS + 1, LimitError)):
        datas = [key.data for key in keys(count)]
        with pytest.raises(error):
            report_message(keys(count))
        with pytest.raises(error):
            withdrawal_message(datas)
        with pytest.raises(error):
            Withdrawal(bytes(32), bytes(256), tuple((data, bytes(32)) for data in datas))


@pytest.mark.parametrize(
    "pairs", [((bytes(15), bytes(32)),), ((bytes(16), bytes(31)),), ((bytes(16), bytes(32)), (bytes(16), bytes(32)))]
)
def test_withdrawals_outside_the_format(pairs: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(FormatError):
        Withdrawal(bytes(32), bytes(256), pairs)


@pytest.mark.parametrize(("key_id", "signature"), [(31, 256), (33, 256), (32, 255), (32, 513)])
def test_key_ids_and_signatures_of_wrong_length(key_id: int, signature: int) -> None:
    with pytest.raises(FormatError):
        Report(bytes(key_id), bytes(signature), (_KEY,))
    with pytest.raises(FormatError):
        Withdrawal(bytes(key_id), bytes(signature), ((bytes(16), bytes(32)),))


def test_no_representation_shows_keys_secrets_or_tokens() -> None:
    sent, back = report(), withdrawal()
    request = request_token(bytes(range(32)), signer().public, os.urandom)
    shown = repr(sent) + repr(back) + repr(request)
    secrets = [sent.signature, back.signature, keys(3)[1].data, back.keys[0][1], request.message]
    assert not any(repr(secret)[2:-1] in shown for secret in secrets)
    assert str(request.inverse) not in shown


def test_weeks() -> None:
    assert week_of(1_767_232_800) == 2922
    assert (week_of(604_799), week_of(604_800)) == (0, 1)


def test_the_list_of_token_keys_is_read_again() -> None:
    listed = [
        signer(kind, week).public
        for kind in (ReportType.REVOKED, ReportType.CONFIRMED_TEST)
        for week in (WEEK, WEEK + 1)
    ]
    body = parse_canonical_json(canonical_json(report_keys_body(listed)))
    read = report_keys_from_body(body)
    assert [(key.week, key.report_type) for key in read] == [(WEEK, 1), (WEEK, 5), (WEEK + 1, 1), (WEEK + 1, 5)]
    assert {key.key_id for key in read} == {key.key_id for key in listed}
    assert report_keys_body(read) == body
    assert report_keys_from_body({"keys": []}) == ()


def test_a_key_id_is_the_hash_of_the_spki() -> None:
    public = signer().public
    assert public.key_id == hashlib.sha256(pss_spki(public.public_key)).digest()


def _entry(**changes: object) -> dict[str, object]:
    spki = base64url_encode(pss_spki(signer().public.public_key))
    return {"report_type": 1, "week": WEEK, "spki": spki} | changes


@pytest.mark.parametrize(
    "make",
    [
        dict,
        lambda: {"keys": [_entry()], "more": 1},
        lambda: {"keys": {}},
        lambda: {"keys": [_entry(), _entry()]},  # two for one place
        lambda: {"keys": [_entry(), _entry(week=WEEK + 1)]},  # one in two places
        lambda: {"keys": [_entry(week=WEEK + 1), _entry()]},  # order
        lambda: {"keys": [_entry()] * 65},
        lambda: {"keys": [_entry(report_type=0)]},
        lambda: {"keys": [_entry(report_type=6)]},
        lambda: {"keys": [_entry(report_type=True)]},
        lambda: {"keys": [_entry(report_type="1")]},
        lambda: {"keys": [_entry(week=-1)]},
        lambda: {"keys": [_entry(week=2**32)]},
        lambda: {"keys": [_entry(more=1)]},
        lambda: {"keys": [_entry(spki="")]},
        lambda: {"keys": [_entry(spki="AAAA")]},
        lambda: {"keys": [_entry(spki="!")]},
        lambda: {"keys": [_entry(spki=7)]},
        lambda: {"keys": [7]},
    ],
)
def test_wrong_lists_of_token_keys_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(FormatError):
        report_keys_from_body(make())


def test_two_keys_for_one_report_type_and_week_are_refused() -> None:
    other = signer(ReportType.SELF_REPORT).public.public_key
    with pytest.raises(FormatError, match="two serve one"):
        report_keys_from_body({"keys": [_entry(), _entry(spki=base64url_encode(pss_spki(other)))]})


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32)])
def test_an_unusable_publisher_key_seals_nothing(key: bytes) -> None:
    with pytest.raises(FormatError):
        seal(report(), key, os.urandom)


@given(
    st.lists(
        st.tuples(st.integers(1, 144), st.integers(0, 50), st.none() | st.integers(-14, 14)), min_size=1, max_size=20
    )
)
def test_any_report_round_trips(periods: list[tuple[int, int, int | None]]) -> None:
    made, start = [], START
    for number, (period, gap, days) in enumerate(periods):
        made.append(ReportKey(number.to_bytes(16, "big"), start + gap, period, days, bytes(32)))
        start += gap + period
    sent = Report(bytes(32), bytes(256), tuple(made))
    assert open_sealed(seal(sent, PUBLISHER_KEY, os.urandom), PUBLISHER) == sent


def test_limits_are_those_of_the_spec() -> None:
    text = (SPECS / "report.md").read_text()
    for number in (PLAIN_BYTES, SEALED_BYTES):
        assert f"{number:,} bytes" in text
    assert f"1 to {MAX_REPORT_KEYS} arrays" in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["keys", "more"]), JSON) | st.dictionaries(st.text(), JSON))
def test_only_our_own_error_leaves_the_parser_of_token_keys(body: dict[str, object]) -> None:
    try:
        read = report_keys_from_body(body)
    except OwnhueError:
        return
    assert report_keys_body(read) == body


@given(st.data())
def test_token_keys_that_are_accepted_are_written_in_the_same_way(data: st.DataObject) -> None:
    text = bytearray(canonical_json(report_keys_body([signer().public, signer(ReportType.REVOKED).public])))
    for _ in range(data.draw(st.integers(1, 2))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(32, 126))
    try:
        body = parse_canonical_json(bytes(text))
        read = report_keys_from_body(body) if isinstance(body, dict) else ()
    except OwnhueError:
        return
    assert not read or canonical_json(report_keys_body(read)) == bytes(text)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**42))
def test_a_token_counts_for_its_week_and_the_two_after_it(week: int, now: int) -> None:
    assert is_accepted_week(week, now) == (week * 604_800 <= now < (week + 3) * 604_800)


def test_a_withdrawal_of_some_keys_leaves_the_others() -> None:
    """The token covers the subset; the others' secrets never leave the phone."""
    whole = report(5)
    chosen = [key.data for key in whole.keys[1:3]]
    back = withdrawal_of(chosen)
    assert [data for data, _ in back.keys] == chosen
    verify_token(back.message(), back.signature, signer(ReportType.REVOKED).public)
    check_secrets(back, {key.data: key.commitment for key in whole.keys})
    left = [withdrawal_secret(PHONE_SECRET, key.data) for key in whole.keys if key.data not in chosen]
    opened = SealedBox(PUBLISHER).decrypt(seal(back, PUBLISHER_KEY, os.urandom))
    assert not any(secret in opened for secret in left)


def test_everything_of_a_report_is_checked_in_one_call() -> None:
    known = {by.public.key_id: by.public for by in (signer(), signer(ReportType.REVOKED))}
    for sent in (report(), withdrawal()):
        opened, key = check_report(seal(sent, PUBLISHER_KEY, os.urandom), PUBLISHER, known, NOW)
        assert opened == sent
        assert key.key_id == sent.key_id
