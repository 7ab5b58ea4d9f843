"""Attacks on the server through its endpoints. Each test names its attack."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.blind_rsa import generate_key
from ownhue.device import ENROL, PASSES, sign_request
from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES, ReportType
from ownhue.report import Report, ReportKey, report_message, seal
from ownhue.report.token import ReportTokenKey, finish_token, request_token
from ownhue.ticket import sign_ticket
from ownhue_server.authority import guesses
from tests.server.clinic import Clinic
from tests.server.patient import CLAIM, REPORT, Patient, make_key
from tests.server.served import BATCH, MONDAY, Served, deployment, device_key, served

PHONE_PATHS = (CLAIM, REPORT, "/issuer/v1/enrol", "/issuer/v1/passes")
TODAY = MONDAY // 86400


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with served(tmp_path / "server") as server:
        yield server


@pytest.fixture
def clinic(server: Served) -> Clinic:
    return Clinic(server)


def refused(word: str) -> dict[str, Any]:
    return {"ok": False, "error": word}


def claim_body(clinic: Clinic, code: str) -> dict[str, Any]:
    key = clinic.key()
    request = request_token(os.urandom(32), key, os.urandom)
    return {"code": code, "blinded": request.blinded_message, "key_id": key.key_id}


def passes_body(server: Served, number: int, epoch: int = TODAY, count: int = 1) -> dict[str, Any]:
    blinded = [b"\0" + os.urandom(255) for _ in range(count)]
    return sign_request(PASSES, {"epoch": epoch, "blinded": blinded, "time": server.now()}, device_key(number))


def enrol_body(server: Served, number: int, ticket: str) -> dict[str, Any]:
    return sign_request(ENROL, {"ticket": ticket, "time": server.now()}, device_key(number))


# Claim codes


def test_a_claim_code_used_twice_with_another_message(clinic: Clinic) -> None:
    code = clinic.code()
    first = claim_body(clinic, code)
    answer = clinic.server.ask(CLAIM, first)
    assert answer["ok"]
    for _ in range(3):
        assert clinic.server.ask(CLAIM, claim_body(clinic, code)) == refused("other_message")
    assert clinic.server.ask(CLAIM, first) == answer


def test_concurrent_claims_with_one_code_yield_one_signature(clinic: Clinic) -> None:
    server, code = clinic.server, clinic.code()
    bodies = [frame(cbor_encode(claim_body(clinic, code))) for _ in range(20)] * 2

    async def race() -> list[dict[str, Any]]:
        return await asyncio.gather(*(server.ask_async(CLAIM, body) for body in bodies))

    answers = server.run(race())
    signatures = {answer["signature"] for answer in answers if answer["ok"]}
    assert len(signatures) == 1
    assert {answer["error"] for answer in answers if not answer["ok"]} == {"other_message"}


def test_an_expired_code(clinic: Clinic) -> None:
    body = claim_body(clinic, clinic.code())
    clinic.server.move_clock(MONDAY + 15 * 60)
    assert clinic.server.ask(CLAIM, body) == refused("unknown_code")


def test_guessed_and_malformed_codes(clinic: Clinic) -> None:
    code = clinic.code()
    guess = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert clinic.server.ask(CLAIM, claim_body(clinic, guess)) == refused("unknown_code")
    for wrong in ("", code[:-1], code + "0", "9" * 8, "x" * 8, code + "\0", "１" * 8, "0" * 5000):
        assert clinic.server.ask(CLAIM, claim_body(clinic, wrong)) == refused("malformed")


def test_a_code_claimed_for_another_report_type_or_week_or_an_own_key(clinic: Clinic) -> None:
    code, body = clinic.code(), claim_body(clinic, clinic.code())
    other_type = clinic.key(ReportType.CONFIRMED_CLINICAL).key_id
    for key_id in (other_type, os.urandom(32)):
        assert clinic.server.ask(CLAIM, {**body, "code": code, "key_id": key_id}) == refused("wrong_key")
    assert clinic.server.ask(CLAIM, claim_body(clinic, code))["ok"]


def test_blinded_messages_that_are_no_numbers_below_the_modulus_do_not_consume_the_code(clinic: Clinic) -> None:
    code = clinic.code()
    good = claim_body(clinic, code)
    for blinded in (b"", bytes(255), bytes(257), b"\xff" * 256):
        assert clinic.server.ask(CLAIM, {**good, "blinded": blinded}) == refused("malformed")
    assert clinic.server.ask(CLAIM, good)["ok"]


def test_many_phones_guess_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address is stopped by the limiter; of many the operator hears, and nobody else is kept from claiming."""
    monkeypatch.setattr(guesses, "ALARM", 20)
    with served(tmp_path / "guessed") as server:
        clinic = Clinic(server)
        code = clinic.code()
        wrong = claim_body(clinic, code)
        for number in range(20):
            guess = f"1{(int(code[1:]) + 1 + number) % 10**7:07d}"
            assert server.ask(CLAIM, {**wrong, "code": guess}) == refused("unknown_code")
        assert capsys.readouterr().err.count("many wrong spoken codes") == 1
        assert server.ask(CLAIM, claim_body(clinic, code))["ok"]


def test_one_address_guesses_codes(tmp_path: Path) -> None:
    """After 30 wrong codes nothing is looked at any more, not even the right one; another address is served."""
    with served(tmp_path / "guessed", refusals_per_hour=30, address_header="x-forwarded-for") as server:
        clinic = Clinic(server)
        body = claim_body(clinic, clinic.code())
        right, wrong = frame(cbor_encode(body)), frame(cbor_encode({**body, "code": "19999999"}))

        async def ask(content: bytes, address: str) -> dict[str, Any]:
            headers = {"x-forwarded-for": f"198.51.100.1, {address}"}
            answer = await server.http.post(CLAIM, content=content, headers=headers)
            return dict(cbor_decode(unframe(answer.content)))

        async def guess_at_once() -> list[dict[str, Any]]:
            return await asyncio.gather(*(ask(wrong, "203.0.113.5") for _ in range(200)))

        words = [answer["error"] for answer in server.run(guess_at_once())]
        assert (words.count("unknown_code"), words.count("too_many")) == (30, 170)
        assert server.run(ask(right, "203.0.113.5")) == refused("too_many")
        assert server.run(ask(right, "203.0.113.6"))["ok"]


# Tokens and reports


def test_a_token_used_twice(clinic: Clinic) -> None:
    patient = clinic.patient(3)
    assert clinic.report(patient) == "ok"
    assert clinic.report(patient) == "token_spent"
    clinic.server.move_clock(MONDAY + BATCH)
    assert clinic.report(patient) == "token_spent"


def test_one_token_sent_many_times_at_once_is_spent_once(clinic: Clinic) -> None:
    server, patient = clinic.server, clinic.patient(3)
    body = frame(cbor_encode({"sealed": patient.sealed(clinic.key(), server.config.region)}))

    async def race() -> list[dict[str, Any]]:
        return await asyncio.gather(*(server.ask_async(REPORT, body) for _ in range(20)))

    answers = server.run(race())
    assert sorted(answer.get("error", "ok") for answer in answers) == ["ok", *["token_spent"] * 19]


def test_keys_that_do_not_hash_to_the_token_spend_nothing(clinic: Clinic) -> None:
    """Foreign keys under an own token; afterwards the right keys still go through."""
    region, key = clinic.server.config.region, clinic.key()
    patient, victim = clinic.patient(3), Patient.with_keys(MONDAY, 3)
    swapped = patient.keys[1]._replace(data=os.urandom(16))
    other_onset = patient.keys[1]._replace(days_since_onset=3)
    for keys in (
        victim.keys,
        patient.keys[:2],
        [patient.keys[0], swapped, patient.keys[2]],
        [patient.keys[0], other_onset, patient.keys[2]],
    ):
        forged = Report(key.key_id, patient.signature, tuple(keys))
        assert clinic.send(seal(forged, region.publisher_key_bytes, os.urandom)) == "bad_token"
    assert clinic.report(patient) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    out = {exposure.data for content in clinic.published().key_files() for exposure in content.keys}
    assert set(patient.datas) <= out
    assert not out & {swapped.data, *victim.datas}


def test_a_foreign_token(clinic: Clinic) -> None:
    """Signed by a key of the attacker's own, under its own name and under the authority's."""
    private = generate_key()
    own = ReportTokenKey(ReportType.CONFIRMED_TEST, clinic.key().week, private.public_key())
    patient = Patient.with_keys(MONDAY, 2)
    request = request_token(report_message(patient.keys), own, os.urandom)
    numbers = private.private_numbers()
    blind = pow(int.from_bytes(request.blinded_message, "big"), numbers.d, numbers.public_numbers.n).to_bytes(
        256, "big"
    )
    patient.signature = finish_token(request, own, blind)
    assert clinic.send(patient.sealed(own, clinic.server.config.region)) == "unknown_key"
    assert clinic.report(patient) == "bad_token"


def test_nothing_in_place_of_a_signature(clinic: Clinic) -> None:
    """DP3T took tokens whose algorithm was "none" (CVE-2020-15957). Here no message says how it is to be checked."""
    server = clinic.server
    for signature in (bytes(256), b"\0" * 255 + b"\1", b"\xff" * 256, bytes(512)):
        patient = Patient.with_keys(MONDAY, 2)
        patient.signature = signature
        assert clinic.report(patient) == "bad_token"
    for path, body in (("enrol", enrol_body(server, 1, "x")), ("passes", passes_body(server, 1))):
        for nothing in (b"", bytes(64), b"none"):
            word = "bad_signature" if len(nothing) == 64 else "malformed"
            assert server.ask(f"/issuer/v1/{path}", {**body, "signature": nothing}) == refused(word)
    ticket = server.desk("tickets", {})["ticket"]
    head, _, content = ticket.partition(".")
    bare = f"{head}.{content[: -(64 * 4 // 3)]}"
    for text in (bare, f"{bare}{'A' * (64 * 4 // 3)}"):
        assert server.ask("/issuer/v1/enrol", enrol_body(server, 1, text)) == refused("bad_ticket")


def test_an_expired_token(tmp_path: Path) -> None:
    """Of a key three weeks old, when the publisher has forgotten what was spent under it."""
    _config, desk_key = deployment(tmp_path / "server", batch_seconds=86_400)
    with served(tmp_path / "server", desk_key=desk_key) as server:
        clinic = Clinic(server)
        sealed = clinic.patient(2).sealed(clinic.key(), server.config.region)
        server.move_clock(MONDAY + 3 * 7 * 86400)
        assert clinic.send(sealed) == "unknown_key"


def test_a_token_that_was_not_made_for_these_keys(clinic: Clinic) -> None:
    """Two patients exchange their tokens: none is spent, and each goes through with its own."""
    one, other = clinic.patient(3), clinic.patient(3)
    one.signature, other.signature = other.signature, one.signature
    assert [clinic.report(one), clinic.report(other)] == ["bad_token", "bad_token"]
    one.signature, other.signature = other.signature, one.signature
    assert [clinic.report(one), clinic.report(other)] == ["ok", "ok"]


def _report_that_nobody_checked(key_id: bytes, signature: bytes, keys: Sequence[ReportKey]) -> Report:
    """As a phone with other ideas would make it."""
    report = object.__new__(Report)
    for name, value in (("key_id", key_id), ("signature", signature), ("keys", tuple(keys))):
        object.__setattr__(report, name, value)
    return report


def test_inconsistent_keys_consume_nothing_and_are_written_nowhere(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Immuni answered 204 to inconsistent keys, consumed the code, stored nothing, and logged the keys."""
    server = clinic.server
    patient = clinic.patient(3)
    files = {path: path.read_bytes() for path in server.config.directory.rglob("*.sqlite*")}
    first, second, third = patient.keys
    for keys, word in (
        ([first, second, third._replace(rolling_start=MONDAY // 600 + 12)], "bad_token"),
        ([first, first._replace(days_since_onset=2), third], "malformed"),
        ([first, second._replace(rolling_start=first.rolling_start), third], "malformed"),
        ([first, second._replace(rolling_period=145), third], "malformed"),
    ):
        forged = _report_that_nobody_checked(clinic.key().key_id, patient.signature, keys)
        assert clinic.send(seal(forged, server.config.region.publisher_key_bytes, os.urandom)) == word
    for path, content in files.items():
        assert path.read_bytes() == content, path.name
    logged = capsys.readouterr().err
    assert [key for key in patient.datas if key.hex() in logged or repr(key) in logged] == []
    assert clinic.report(patient) == "ok"


def test_a_token_of_another_report_type(clinic: Clinic) -> None:
    patient = clinic.patient(2)
    other = clinic.key(ReportType.CONFIRMED_CLINICAL)
    assert clinic.send(patient.sealed(other, clinic.server.config.region)) == "bad_token"
    assert clinic.report(patient) == "ok"


def test_a_key_that_is_still_valid_or_lies_in_the_future_spends_nothing(clinic: Clinic) -> None:
    secret, interval = bytes(32), MONDAY // 600
    patient = Patient([make_key(secret, interval, 12)], secret)
    patient.claim(clinic.server.ask, clinic.code(), clinic.key())
    assert clinic.report(patient) == "out_of_range"
    clinic.server.move_clock(MONDAY + BATCH)
    assert clinic.report(patient) == "ok"


def test_keys_of_others_that_are_published_already_are_not_published_again(clinic: Clinic) -> None:
    """An attacker with a token of his own republishes a victim's keys with another onset."""
    victim = clinic.patient(3)
    assert clinic.report(victim) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    replayed = [key._replace(days_since_onset=5, commitment=os.urandom(32)) for key in victim.keys]
    attacker = Patient(replayed)
    attacker.claim(clinic.server.ask, clinic.code(), clinic.key())
    assert clinic.report(attacker) == "ok"
    clinic.server.move_clock(MONDAY + 3 * BATCH)
    out = [key for content in clinic.published().key_files() for key in content.keys if key.data in victim.datas]
    assert [key.days_since_onset for key in out] == [1, 1, 1]
    assert clinic.withdraw(victim) == "ok"


def test_withdrawing_keys_of_others(clinic: Clinic) -> None:
    """With a token of type "revoked" of one's own, but without the secrets; the token is not spent."""
    victim = clinic.patient(3)
    assert clinic.report(victim) == "ok"
    for wait in (0, BATCH):
        clinic.server.move_clock(MONDAY + wait)
        thief = Patient(victim.keys, os.urandom(32))
        assert clinic.withdraw(thief) == "unknown_report"
    mixed = Patient([*victim.keys[:2], make_key(victim.secret, 0)], victim.secret)
    assert clinic.withdraw(mixed) == "unknown_report"
    assert clinic.withdraw(victim) == "ok"


def test_bit_flips_in_a_sealed_report_spend_nothing(clinic: Clinic) -> None:
    patient = clinic.patient(3)
    sealed = patient.sealed(clinic.key(), clinic.server.config.region)
    for at in (0, 31, 32, 47, 48, 100, len(sealed) // 2, len(sealed) - 1):
        flipped = bytearray(sealed)
        flipped[at] ^= 1
        assert clinic.send(bytes(flipped)) == "malformed"
    assert clinic.send(sealed[:-1]) == clinic.send(sealed + b"\0") == clinic.send(b"") == "malformed"
    assert clinic.send(sealed) == "ok"


# Bodies


@pytest.mark.parametrize("path", PHONE_PATHS)
def test_bodies_that_are_no_frames(server: Served, path: str) -> None:
    good = frame(cbor_encode({"code": "12345678"}))
    truncated = [good[:length] for length in (0, 1, 4, 100, FRAME_BYTES - 1)]
    dirty = good[:-1] + b"\1"
    too_long = (FRAME_BYTES).to_bytes(4, "big") + good[4:]
    for body in (*truncated, good + b"\0", dirty, too_long, bytes(FRAME_BYTES), b"\xff" * FRAME_BYTES):
        assert server.ask_raw(path, body) == refused("malformed")


@pytest.mark.parametrize("path", PHONE_PATHS)
def test_maps_of_the_wrong_kind(server: Served, path: str) -> None:
    wrong: list[Any] = [None, 7, "text", b"bytes", [], {}, {"code": 7}, {"sealed": "text"}, {"sealed": True}]
    wrong += [{"ticket": b"", "device": b"", "time": True, "signature": b""}, {"epoch": "x", "blinded": 1}]
    for body in wrong:
        assert server.ask_raw(path, frame(cbor_encode(body))) == refused("malformed")
    # Not deterministic: a map with its keys in the wrong order, a float, an endless list, a bomb of nested lists.
    for raw in (b"\xa2\x61b\x01\x61a\x02", b"\xf9\x00\x00", b"\x9f\xff", b"\x81" * 16000, b"\x9b" + b"\xff" * 8):
        assert server.ask_raw(path, frame(raw)) == refused("malformed")


@pytest.mark.parametrize("path", PHONE_PATHS)
def test_an_oversized_body_is_not_read_to_its_end(server: Served, path: str) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(10_000):
            sent += 1024
            yield bytes(1024)

    answer = server.request("POST", path, content=endless())
    assert answer.status_code == 200
    assert len(answer.content) == FRAME_BYTES
    assert sent <= FRAME_BYTES + 1024


def test_bit_flips_in_every_region_of_a_frame(clinic: Clinic) -> None:
    """Whatever bit is flipped, there is an answer of the same size, and the code stays claimable by the right body."""
    body = claim_body(clinic, clinic.code())
    good = frame(cbor_encode(body))
    length = 4 + int.from_bytes(good[:4], "big")
    blinded_at = good.index(body["blinded"])
    outside = [at for at in range(0, length, 7) if not blinded_at <= at < blinded_at + 256]
    for at in (*outside, length, FRAME_BYTES - 1):
        flipped = bytearray(good)
        flipped[at] ^= 1 << at % 8
        assert not clinic.server.ask_raw(CLAIM, bytes(flipped))["ok"]
    assert clinic.server.ask_raw(CLAIM, good)["ok"]


# The issuer


def test_a_ticket_used_by_a_second_device(server: Served) -> None:
    ticket = server.desk("tickets", {})["ticket"]
    assert server.ask("/issuer/v1/enrol", enrol_body(server, 1, ticket))["ok"]
    assert server.ask("/issuer/v1/enrol", enrol_body(server, 2, ticket)) == refused("ticket_spent")
    assert server.ask("/issuer/v1/passes", passes_body(server, 2)) == refused("unknown_device")


def test_foreign_expired_and_broken_tickets(server: Served) -> None:
    ticket = server.desk("tickets", {})["ticket"]
    forged = sign_ticket(device_key(9), bytes(16), MONDAY + 86400)
    for wrong in (forged, ticket[:-1], ticket + "A", "", "OWNT1.", "x" * 5000):
        assert server.ask("/issuer/v1/enrol", enrol_body(server, 1, wrong)) == refused("bad_ticket")
    server.move_clock(MONDAY + 7 * 86400)
    assert server.ask("/issuer/v1/enrol", enrol_body(server, 1, ticket)) == refused("bad_ticket")


def test_requests_in_the_name_of_another_device(server: Served) -> None:
    ticket = server.desk("tickets", {})["ticket"]
    assert server.ask("/issuer/v1/enrol", enrol_body(server, 1, ticket))["ok"]
    stolen = {**passes_body(server, 2), "device": bytes(device_key(1).verify_key)}
    assert server.ask("/issuer/v1/passes", stolen) == refused("bad_signature")
    as_passes = {**passes_body(server, 1), "signature": enrol_body(server, 1, ticket)["signature"]}
    assert server.ask("/issuer/v1/passes", as_passes) == refused("bad_signature")


def test_an_old_request_played_again(server: Served) -> None:
    server.ask("/issuer/v1/enrol", enrol_body(server, 1, server.desk("tickets", {})["ticket"]))
    recorded = passes_body(server, 1)
    assert server.ask("/issuer/v1/passes", recorded)["ok"]
    server.move_clock(MONDAY + 3601)
    assert server.ask("/issuer/v1/passes", recorded) == refused("bad_signature")


def test_more_passes_than_a_day_has(server: Served) -> None:
    server.ask("/issuer/v1/enrol", enrol_body(server, 1, server.desk("tickets", {})["ticket"]))
    bodies = [frame(cbor_encode(passes_body(server, 1, count=10))) for _ in range(8)]

    async def race() -> list[dict[str, Any]]:
        return await asyncio.gather(*(server.ask_async("/issuer/v1/passes", body) for body in bodies))

    answers = server.run(race())
    assert sum(len(answer.get("signatures", [])) for answer in answers) == 40
    assert [answer["error"] for answer in answers if not answer["ok"]] == ["quota"] * 4


def test_an_epoch_out_of_range(server: Served) -> None:
    server.ask("/issuer/v1/enrol", enrol_body(server, 1, server.desk("tickets", {})["ticket"]))
    for epoch in (TODAY - 1, TODAY + 3, 0, -1, 2**32, 2**63):
        assert server.ask("/issuer/v1/passes", passes_body(server, 1, epoch)) == refused("wrong_epoch")
    keys = (server.config.directory / "keys" / "issuer").glob("epoch-*")
    assert {int(path.stem.removeprefix("epoch-")) for path in keys} == {TODAY, TODAY + 1, TODAY + 2}


# Files and clock


@pytest.mark.parametrize(
    "path",
    [
        "../settings.json",
        "..%2fsettings.json",
        "%2e%2e/settings.json",
        "keys/..%2f..%2fsettings.json",
        "%2e%2e%2fkeys%2fpublisher%2flog.key",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        ".drafts",
        "head%00.zip",
        "keys/",
        "",
    ],
)
def test_a_path_that_leads_out_of_the_published_folder(server: Served, path: str) -> None:
    answer = server.request("GET", f"/published/{path}")
    assert answer.status_code == 404
    assert b"sha256" not in answer.content


def test_a_link_planted_in_the_published_folder_is_not_followed_out(server: Served) -> None:
    (server.config.published / "link").symlink_to(server.config.directory / "settings.json")
    assert server.request("GET", "/published/link").status_code == 404


def test_the_clock_turned_back(clinic: Clinic) -> None:
    server = clinic.server
    server.move_clock(MONDAY + BATCH)
    head = server.request("GET", "/published/head").content
    for now in (MONDAY + BATCH - 1, 0):
        assert server.move_clock(now).status_code == httpx.codes.CONFLICT
    assert server.now() == MONDAY + BATCH
    assert server.request("GET", "/published/head").content == head


def test_a_restart_with_the_clock_turned_back_publishes_nothing_twice(tmp_path: Path) -> None:
    with served(tmp_path / "server", now=MONDAY + 5 * BATCH) as server:
        head = server.request("GET", "/published/head").content
    with served(tmp_path / "server", now=MONDAY) as server:
        assert server.request("GET", "/published/head").content == head
        server.move_clock(MONDAY + 5 * BATCH)
        assert server.request("GET", "/published/head").content == head
        server.move_clock(MONDAY + 6 * BATCH)
        assert len(Clinic(server).published().of_kind("keys")) == 2
