"""Synchronising: what is published, checked step by step; after a failure nothing is lost and nothing counts twice."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.blind_rsa import generate_key, pss_spki
from ownhue.colour import Colour
from ownhue.errors import ForkError, FormatError, OwnhueError, VerificationError
from ownhue.fork_evidence import parse_fork_evidence, verify_fork_evidence
from ownhue.key_file import ExposureKey
from ownhue.log import BUNDLE_WIDTH
from ownhue.params import ReportType
from ownhue.passes import EpochKey, epoch_of
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue_client.errors import MissingError, RollbackError, UnreachableError
from ownhue_client.phone import Phone
from ownhue_client.phone.evidence import Evidence
from tests.client.publisher import AUTHORITY_KEY, BATCH_SECONDS, START, document
from tests.client.town import DAY, HOUR, Town, epoch_key, epochs_document, meet, rulebook_document

MEETING = START + BATCH_SECONDS


def own_key(phone: Phone, now: int, report_type: ReportType = ReportType.CONFIRMED_TEST) -> ExposureKey:
    """The key that *phone* used at *now*, as a key file holds it."""
    key = phone._keys.key_at(now // 600)
    return ExposureKey(key.data, key.rolling_start, key.rolling_period, report_type, 1)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "phone")


@pytest.fixture
def other(town: Town, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "other")


def test_a_published_key_of_somebody_met_makes_a_window(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, other, MEETING)
    first = phone.sync(town.now)
    assert (first.files, first.documents) == (1, ("rulebook", "report-keys", "epochs"))
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    result = phone.sync(now)
    assert (result.files, result.keys, result.windows, result.head_time) == (2, 1, 1, now)
    (window,) = phone.facts(now).windows
    assert (window.published_at, window.start, window.seconds) == (now, MEETING, 1200)
    assert {scan.typical_attenuation for scan in window.scans} == {50}
    assert phone.decide(now).colour is Colour.YELLOW


def test_nothing_new_costs_one_request(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    before = len(town.requests)
    result = phone.sync(town.now)
    assert (result.files, result.documents, len(town.requests) - before) == (0, (), 1)


def test_a_key_published_twice_counts_once(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, other, MEETING)
    for _ in range(2):
        town.publisher.close_keys()
    town.publisher.close_keys(keys=[own_key(other, MEETING)])
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    assert phone.sync(now).windows == 1
    assert len(phone.facts(now).windows) == 1


def test_a_revoked_key_no_longer_counts(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, other, MEETING)
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    phone.sync(now)
    assert phone.decide(now).colour is Colour.YELLOW
    revoked = own_key(other, MEETING, ReportType.REVOKED)
    stranger = revoked._replace(data=bytes(16))
    now = town.publisher.close_keys(revised=[revoked, stranger])
    town.publisher.close_keys(revised=[revoked])
    phone.sync(now + BATCH_SECONDS)
    assert phone.facts(now).withdrawn == {revoked.data: now}
    assert phone.decide(now + BATCH_SECONDS).colour is Colour.GREEN
    assert phone.journal()[-1].why[0].endswith("withdrawn by the authority")


def test_a_revised_diagnosis_replaces_the_old_one(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, other, MEETING)
    town.publisher.close_keys()
    clinical = own_key(other, MEETING, ReportType.CONFIRMED_CLINICAL)
    first = town.publisher.close_keys(keys=[clinical])
    now = town.publisher.close_keys(
        revised=[clinical._replace(report_type=ReportType.CONFIRMED_TEST, days_since_onset=2)]
    )
    phone.sync(now)
    (window,) = phone.facts(now).windows
    assert (window.report_type, window.days_since_onset, window.published_at) == (ReportType.CONFIRMED_TEST, 2, first)


def test_broken_off_in_the_middle_it_goes_on_where_it_stopped(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, other, MEETING)
    phone.sync(town.now)
    town.publisher.close_keys()
    published = town.publisher.close_keys(keys=[own_key(other, MEETING)])
    now = town.publisher.close_keys()
    paths = [f"/published/{entry.path}" for entry in town.publisher.entries[-3:]]
    for number, path in enumerate(paths):
        town.unreachable = {path}
        with pytest.raises(UnreachableError):
            phone.sync(now)
        # Fresh up to where the files were really looked at, not up to the newest head.
        assert phone.facts(now).published_until == town.now + number * BATCH_SECONDS
        assert len(phone.facts(now).windows) == (number == 2)
    town.unreachable = set()
    assert phone.sync(now).files == 1
    facts = phone.facts(now)
    assert (facts.published_until, [window.published_at for window in facts.windows]) == (now, [published])
    fetched = [request.url.path for request in town.requests]
    assert all(fetched.count(path) == 1 for path in paths), "nothing was fetched twice"


def test_killed_between_finding_and_storing_nothing_is_lost(
    town: Town, phone: Phone, other: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(phone, other, MEETING)
    phone.sync(town.now)
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)])

    def die(*_: object) -> int:
        raise MemoryError

    with monkeypatch.context() as context:
        context.setattr(Evidence, "revise", die)
        with pytest.raises(MemoryError):
            phone.sync(now)
    assert phone.facts(now).windows == ()
    assert phone.sync(now).windows == 1


@pytest.mark.parametrize("lie", [{"start": START}, {"end": START + 9 * BATCH_SECONDS}, {"region": "elsewhere"}])
def test_a_key_file_that_claims_another_batch_or_region_is_refused(
    town: Town, phone: Phone, other: Phone, lie: dict[str, Any]
) -> None:
    """With a later end, sightings of a replayed key would count as heard before it was published."""
    meet(phone, other, MEETING)
    town.publisher.close_keys()
    now = town.publisher.close_keys(keys=[own_key(other, MEETING)], **lie)
    with pytest.raises(VerificationError, match="another"):
        phone.sync(now)
    assert phone.facts(now).windows == ()


def test_a_file_that_is_not_the_one_in_the_log_is_refused(town: Town, phone: Phone) -> None:
    path = town.publisher.entries[-1].path
    good = town.publisher.files[path]
    town.publisher.files[path] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(VerificationError):
        phone.sync(town.now)
    assert phone.rulebook(START) is None
    town.publisher.files[path] = good
    assert phone.sync(town.now).files == 1


def test_a_fork_is_refused_and_kept_as_evidence(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    shown = town.publisher.head(root=bytes(32))
    kept = town.publisher.files["head"]
    town.publisher.files["head"] = shown
    with pytest.raises(ForkError):
        phone.sync(town.now)
    town.publisher.files["head"] = town.publisher.head(time=town.now - BATCH_SECONDS)
    with pytest.raises(RollbackError):
        phone.sync(town.now)
    ((name, proof),) = phone.evidence()
    assert verify_fork_evidence(proof, town.region.origin, town.region.log_key_bytes) == "two-roots"
    assert set(parse_fork_evidence(proof).notes) == {kept.decode(), shown.decode()}, "an old copy does not wipe it out"
    assert name.startswith("fork-of-demo-")
    assert phone.facts(town.now).published_until == town.now


def test_a_rulebook_never_goes_back(town: Town, phone: Phone) -> None:
    town.publisher.close_keys(rulebook_document(without_ceilings()))
    phone.sync(town.publisher.time)
    assert phone.rulebook(START) == without_ceilings()
    now = town.publisher.close_keys(rulebook_document(demonstration_rulebook()))
    with pytest.raises(VerificationError, match="rulebook 1 was published after rulebook 2"):
        phone.sync(now)
    assert phone.rulebook(START) == without_ceilings()
    # A later, better one ends the quarrel.
    newer = without_ceilings().model_copy(update={"version": 3})
    now = town.publisher.close_keys(rulebook_document(newer))
    phone.sync(now)
    assert phone.rulebook(START) == newer


def test_a_rulebook_to_come_decides_nothing_yet(town: Town, phone: Phone) -> None:
    """An authority publishes the next rulebook before the last one ends; nobody turns grey in between."""
    town.publisher.close_keys(rulebook_document(ending_on(date(2026, 3, 31), version=2)))
    phone.sync(town.publisher.time)
    to_come = without_ceilings().model_copy(update={"version": 3, "valid_from": date(2026, 4, 1)})
    last = to_come.model_copy(update={"version": 4, "valid_from": date(2027, 1, 1)})
    town.publisher.close_keys(rulebook_document(to_come))
    now = town.publisher.close_keys(rulebook_document(last))
    phone.sync(now)
    decision = phone.decide(now)
    assert (decision.colour, decision.rulebook_version) == (Colour.GREEN, 2)
    april = START + 30 * DAY
    assert phone.decide(april).rulebook_version == 3
    assert phone.rulebook(START + 366 * DAY) == last


def ending_on(day: date, version: int) -> Rulebook:
    """The demonstration rulebook in another *version*, which ends on *day*."""
    return demonstration_rulebook().model_copy(update={"version": version, "valid_until": day})


def test_a_wrong_rulebook_and_a_better_one_met_together(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    town.publisher.close_keys(rulebook_document(without_ceilings().model_copy(update={"version": 1})))
    now = town.publisher.close_keys(rulebook_document(without_ceilings()))
    phone.sync(now)
    assert phone.rulebook(START) == without_ceilings()
    assert phone.facts(now).published_until == now


def test_one_version_has_one_content(town: Town, phone: Phone) -> None:
    phone.sync(town.now)
    other = without_ceilings().model_copy(update={"version": 1})
    now = town.publisher.close_keys(rulebook_document(other))
    with pytest.raises(VerificationError, match="two contents"):
        phone.sync(now)
    assert phone.rulebook(START) == demonstration_rulebook()


def test_a_rulebook_of_another_region_or_signer_is_refused(town: Town, phone: Phone) -> None:
    foreign = demonstration_rulebook().model_copy(update={"region": "elsewhere", "version": 9})
    now = town.publisher.close_keys(rulebook_document(foreign))
    with pytest.raises(VerificationError, match="another region"):
        phone.sync(now)
    kind, data = epochs_document(epoch_key(epoch_of(START)))
    now = town.publisher.close_keys(("rulebook", data))
    with pytest.raises(OwnhueError):
        phone.sync(now)
    assert phone.rulebook(START) == demonstration_rulebook()
    assert kind == "epochs"


def test_a_second_key_for_an_epoch_is_refused_even_after_a_pause(town: Town, phone: Phone) -> None:
    """A key of one's own would mark whoever shows a pass of it."""
    phone.sync(town.now)
    today = epoch_of(START)
    town.publisher.close_keys(epochs_document(epoch_key(today + 1)))
    phone.sync(town.publisher.time)
    second = EpochKey(today, pss_spki(generate_key(2048).public_key()))
    now = town.publisher.close_keys(epochs_document(second, epoch_key(today + 1)))
    with pytest.raises(ForkError, match="second key"):
        phone.sync(now)


def test_an_issuer_list_signed_by_the_authority_is_refused(town: Town, phone: Phone) -> None:
    now = town.publisher.close_keys(document("epochs", {"issuer": "x", "epochs": []}, AUTHORITY_KEY))
    with pytest.raises(VerificationError):
        phone.sync(now)


def test_key_files_older_than_fourteen_days_are_not_fetched(town: Town, phone: Phone) -> None:
    for _ in range(15 * DAY // BATCH_SECONDS):
        town.publisher.close_keys()
    now = town.publisher.time
    for entry in town.publisher.entries[: DAY // BATCH_SECONDS]:
        if entry.kind == "keys":
            del town.publisher.files[entry.path]
    assert phone.sync(now).files == 14 * DAY // BATCH_SECONDS


def test_broken_off_before_a_pause_of_weeks_it_does_not_wait_for_files_that_are_gone(town: Town, phone: Phone) -> None:
    town.unreachable = {f"/published/{town.publisher.entries[-1].path}"}
    with pytest.raises(UnreachableError):
        phone.sync(town.now)
    town.unreachable = set()
    for _ in range(14 * DAY // BATCH_SECONDS):
        town.publisher.close_keys()
    now = town.publisher.time
    first = next(entry for entry in town.publisher.entries if entry.kind == "keys")
    del town.publisher.files[first.path]
    # The own clock is a little slow, so that the first file seems to be less than fourteen days old.
    assert phone.sync(now - 300).files == 14 * DAY // BATCH_SECONDS
    assert phone.facts(now).published_until == now


def test_over_the_width_of_a_bundle_and_with_a_missing_file(town: Town, phone: Phone) -> None:
    while len(town.publisher.entries) < BUNDLE_WIDTH + 3:
        town.publisher.close_keys()
    now = town.publisher.time
    path = town.publisher.entries[-1].path
    data = town.publisher.files.pop(path)
    with pytest.raises(MissingError):
        phone.sync(now)
    town.publisher.files[path] = data
    phone.sync(now)
    assert phone.facts(now).published_until == now


def test_without_network_the_ledger_still_says_what_was_tried(town: Town, phone: Phone) -> None:
    town.unreachable = {"/published/head"}
    with pytest.raises(UnreachableError):
        phone.sync(town.now)
    assert [(line.purpose, line.bytes_in) for line in phone.ledger()] == [("newest state of the log", None)]


def test_every_request_is_in_the_ledger(town: Town, phone: Phone) -> None:
    phone.enrol(town.ticket(), town.now)
    phone.sync(town.now)
    phone.fetch_passes(town.now)
    lines = phone.ledger()
    assert len(lines) == len(town.requests) > 8
    for line, request in zip(lines, town.requests, strict=True):
        sent = len(f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n\r\n") + len(request.content)
        sent += sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
        assert (line.bytes_out, line.host) == (sent, "demo.ownhue.example")


def test_what_is_asked_for_does_not_depend_on_what_was_heard(town: Town, phone: Phone, other: Phone) -> None:
    meet(phone, phone, MEETING)
    for _ in range(5):
        town.publisher.close_keys(keys=[own_key(phone, MEETING)])
    town.requests.clear()
    phone.sync(town.publisher.time)
    first, town.requests = [request.url.path for request in town.requests], []
    other.sync(town.publisher.time)
    assert [request.url.path for request in town.requests] == first


def test_a_broken_answer_is_never_a_traceback(town: Town, phone: Phone, tmp_path: Path) -> None:
    def garbage(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=os.urandom(300))

    with httpx.Client(transport=httpx.MockTransport(garbage)) as client:
        broken = Phone.create(tmp_path / "b", town.region, random=os.urandom, http_client=client, now=START)
        with pytest.raises(FormatError):
            broken.sync(town.now + HOUR)
        broken.close()
