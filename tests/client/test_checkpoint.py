"""The checkpoint: syncing, working offline, modes, gates, and what it refuses. specs/publication.md section 7"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from ownhue.colour import Colour
from ownhue.encoding import base64url_decode, base64url_encode, canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, StateError, VerificationError
from ownhue.passes import EpochList
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.tree import tree_root
from ownhue.verify import CodeRefused, Refusal
from ownhue_client.checkpoint import Admission, Answer, Checkpoint
from ownhue_client.errors import PictureError, UnreachableError
from ownhue_client.fetching import Retries, etag_of
from ownhue_client.publication import PublicationState
from ownhue_client.qr import qr_png, write_qr
from tests.client.door import DAY, EPOCH, KEYS, REGION, World, epochs_document, rulebook_document
from tests.client.publisher import AUTHORITY_KEY, ISSUER_KEY, ISSUER_NAME, Publisher, document, region
from tests.conformance.scripted import epoch_key, make_pass


def test_a_code_is_verified_after_a_sync() -> None:
    world = World()
    answer = world.checkpoint().verify_text(world.code(time=world.now - 7), world.now)
    assert (answer.colour, answer.admission) == (Colour.GREEN, None)
    assert (answer.verdict.age_seconds, answer.verdict.cross_checked) == (7, True)
    assert (answer.verdict.data_age_seconds, answer.own_data_age_seconds) == (100, 100)


def test_a_sync_tells_how_much_is_new_and_may_be_repeated() -> None:
    world = World()
    checkpoint = Checkpoint(REGION, fetch=world.publisher.fetch)
    assert checkpoint.sync(world.now) == 6
    assert checkpoint.sync(world.now) == 0
    world.publisher.close_many(2)
    assert checkpoint.sync(world.now) == 2


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("metro", [Admission.PASSES, Admission.REFERS, Admission.REFUSES, Admission.REFUSES]),
        ("clinic", [Admission.PASSES, Admission.REFERS, Admission.REFERS, Admission.REFERS]),
    ],
)
def test_modes_of_the_rulebook(mode: str, expected: list[Admission]) -> None:
    world = World()
    checkpoint = world.checkpoint(mode=mode)
    answers = [checkpoint.verify_text(world.code(colour.name, colour=int(colour)), world.now) for colour in Colour]
    assert [answer.colour for answer in answers] == list(Colour)
    assert [answer.admission for answer in answers] == expected
    assert checkpoint.counts == {"green": 1, "grey": 1, "yellow": 1, "red": 1}


def test_a_mode_that_the_rulebook_does_not_have_is_said_before_anything_is_noted() -> None:
    world = World()
    checkpoint = world.checkpoint(mode="palace")
    with pytest.raises(StateError, match="palace"):
        checkpoint.verify_text(world.code(), world.now)
    assert not checkpoint.counts


def test_pictures_in_every_form(tmp_path: Path) -> None:
    world = World()
    checkpoint = world.checkpoint()
    write_qr(world.code("one"), tmp_path / "one.png")
    assert checkpoint.verify_picture(tmp_path / "one.png", world.now).colour is Colour.GREEN
    assert checkpoint.verify_picture(qr_png(world.code("two")), world.now).colour is Colour.GREEN
    with pytest.raises(PictureError):
        checkpoint.verify_picture(b"no picture", world.now)
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_picture(qr_png("HELLO"), world.now)
    assert refused.value.refusal is Refusal.NOT_A_CODE
    assert checkpoint.counts == {"green": 2, "not-a-code": 1}


def test_offline_in_a_new_process_with_the_same_folder(tmp_path: Path) -> None:
    world = World()
    world.checkpoint(directory=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.json"]
    offline = Checkpoint(REGION, directory=tmp_path, mode="metro")
    assert offline.verify_text(world.code(), world.now).admission is Admission.PASSES
    with pytest.raises(StateError, match="no network"):
        offline.sync(world.now)


def test_verifying_touches_no_network() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.fetched.clear()
    checkpoint.verify_text(world.code(), world.now)
    with pytest.raises(CodeRefused):
        checkpoint.verify_text("OWN1:NOTHING", world.now)
    assert world.publisher.fetched == []


def test_syncing_over_http() -> None:
    world = World()

    def answer(request: httpx.Request) -> httpx.Response:
        data = world.publisher.files.get(request.url.path.removeprefix("/published/"))
        return httpx.Response(404) if data is None else httpx.Response(200, content=data)

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        checkpoint = Checkpoint(REGION, http=http)
        checkpoint.sync(world.now)
    assert checkpoint.verify_text(world.code(), world.now).colour is Colour.GREEN


def test_a_head_that_did_not_change_is_not_sent_again_and_a_busy_server_is_asked_again() -> None:
    world, asked = World(), list[tuple[str, int]]()

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/published/")
        response = httpx.Response(503)
        if asked:  # at first the server is too busy
            data = world.publisher.files[path]
            tag = {"etag": etag_of(data)}
            known = request.headers.get("if-none-match") == tag["etag"]
            response = httpx.Response(304, headers=tag) if known else httpx.Response(200, content=data, headers=tag)
        asked.append((path, response.status_code))
        return response

    waited: list[float] = []
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        checkpoint = Checkpoint(REGION, http=http, retries=Retries(waited.append, lambda: 0.0))
        checkpoint.sync(world.now)
        assert asked[:2] == [("head", 503), ("head", 200)]
        assert waited == [0.5]
        assert checkpoint.sync(world.now) == 0
    assert asked[-1] == ("head", 304)


def test_a_screen_tells_the_same_pass_and_a_gate_refuses_it() -> None:
    world = World()
    screen, gate = world.checkpoint(), world.checkpoint(gate=True)
    first, again = world.code(), world.code(time=world.now + 15)
    assert screen.verify_text(first, world.now).verdict.seen_before_seconds is None
    assert screen.verify_text(again, world.now + 40).verdict.seen_before_seconds == 40
    assert gate.verify_text(first, world.now).colour is Colour.GREEN
    with pytest.raises(CodeRefused) as refused:
        gate.verify_text(again, world.now + 40)
    assert refused.value.refusal is Refusal.SAME_PASS
    assert gate.verify_text(world.code("another phone"), world.now + 40).colour is Colour.GREEN


def test_challenge_mode() -> None:
    world = World()
    checkpoint = world.checkpoint()
    challenge = bytes(range(16))
    # The phone's clock is a day slow: in challenge mode that does not matter.
    text = world.code(challenge=challenge, time=world.now - DAY)
    assert checkpoint.verify_text(text, world.now, challenge).colour is Colour.GREEN
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(world.code("recorded"), world.now, challenge)
    assert refused.value.refusal is Refusal.WRONG_CHALLENGE


def test_a_phone_that_is_ahead_is_not_cross_checked() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close()
    answer = checkpoint.verify_text(world.code(), world.now)
    assert not answer.verdict.cross_checked
    assert answer.own_data_age_seconds == 7300


def test_heads_of_two_days_are_kept_and_older_data_is_refused() -> None:
    world = World()
    checkpoint = world.checkpoint()
    size, root = len(world.publisher.entries), world.publisher.frontier.root()
    world.publisher.close_many(24)
    checkpoint.sync(world.now)
    assert len(checkpoint.bundle.heads) == 25
    assert size in checkpoint.bundle.heads
    world.publisher.close_many(6)
    checkpoint.sync(world.now)
    assert len(checkpoint.bundle.heads) == 25
    assert size not in checkpoint.bundle.heads
    old = world.code("old", epoch=EPOCH + 2, tree_size=size, root_prefix=root[:8])
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(old, world.now)
    assert refused.value.refusal is Refusal.OLD_DATA


def test_a_late_checkpoint_knows_the_same_heads_as_one_that_was_always_there() -> None:
    world = World()
    always = world.checkpoint()
    for _ in range(5):
        world.publisher.close_many(3)
        always.sync(world.now)
    assert world.checkpoint().bundle.heads == always.bundle.heads


def test_a_code_of_another_log_is_found_at_the_door() -> None:
    world = World()
    with pytest.raises(CodeRefused) as refused:
        world.checkpoint().verify_text(world.code(root_prefix=bytes(8)), world.now)
    assert refused.value.refusal is Refusal.OTHER_LOG


def test_a_size_between_two_heads_was_never_published() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(rulebook_document(without_ceilings()))
    checkpoint.sync(world.now)
    size = len(world.publisher.entries) - 1
    root = tree_root(entry.leaf_hash() for entry in world.publisher.entries[:size])
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(world.code(tree_size=size, root_prefix=root[:8]), world.now)
    assert refused.value.refusal is Refusal.OTHER_LOG


def test_a_clock_before_the_newest_head_stops_the_checkpoint() -> None:
    world = World()
    with pytest.raises(CodeRefused) as refused:
        world.checkpoint().verify_text(world.code(), world.publisher.time - 1)
    assert refused.value.refusal is Refusal.CLOCK_WRONG


def test_a_checkpoint_that_never_synchronised_says_so() -> None:
    world = World()
    with pytest.raises(StateError, match="never synchronised"):
        Checkpoint(REGION).verify_text(world.code(), world.now)


def test_without_a_rulebook_in_force_the_checkpoint_stops() -> None:
    world = World()
    checkpoint = world.checkpoint()
    after_the_sunset = 1_924_963_200  # 2031-01-01
    with pytest.raises(StateError, match="stopped"):
        checkpoint.verify_text(world.code(), after_the_sunset)
    bare = Publisher()
    bare.close(epochs_document(*KEYS))
    empty = Checkpoint(REGION, fetch=bare.fetch)
    empty.sync(bare.time)
    with pytest.raises(StateError, match="no rulebook"):
        empty.verify_text(world.code(), world.now)


def test_a_new_rulebook_counts_once_every_fresh_phone_can_know_it() -> None:
    world = World()
    checkpoint = world.checkpoint()
    released = world.publisher.close(rulebook_document(without_ceilings()))
    checkpoint.sync(world.now)
    assert checkpoint.verify_text(world.code("one"), world.now).verdict.rulebook_version == 1
    assert checkpoint.verify_text(world.code("two", rulebook_version=2), world.now).verdict.rulebook_version == 2
    world.publisher.close_many(12)
    assert world.publisher.time == released + DAY
    checkpoint.sync(world.now)
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(world.code("three", epoch=EPOCH + 1), world.now)
    assert refused.value.refusal is Refusal.OLD_RULEBOOK
    answer = checkpoint.verify_text(world.code("four", epoch=EPOCH + 1, rulebook_version=2), world.now)
    assert answer.verdict.rulebook_version == 2


def test_a_rulebook_to_come_decides_nothing_yet() -> None:
    world = World()
    later = without_ceilings().model_copy(update={"valid_from": date(2027, 1, 1)})
    world.publisher.close(rulebook_document(later))
    world.publisher.close_many(13)
    checkpoint = world.checkpoint()
    code = world.code(epoch=EPOCH + 1)
    assert checkpoint.verify_text(code, world.now).verdict.rulebook_version == 1


def test_two_rulebooks_of_one_version_are_refused() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(rulebook_document(without_ceilings().model_copy(update={"version": 1})))
    with pytest.raises(VerificationError, match="version 1"):
        checkpoint.sync(world.now)


def test_a_second_key_for_one_epoch_is_refused_and_the_checkpoint_goes_on() -> None:
    world = World()
    checkpoint = world.checkpoint()
    before = checkpoint.bundle
    world.publisher.close(epochs_document(epoch_key(EPOCH), epoch_key(EPOCH + 1, "second")))
    with pytest.raises(ForkError, match="second key"):
        checkpoint.sync(world.now)
    assert checkpoint.bundle is before
    code = world.code(tree_size=6, root_prefix=before.log.root[:8])
    assert checkpoint.verify_text(code, world.now).verdict.cross_checked


def test_a_second_key_is_refused_even_after_a_list_that_left_the_epoch_out() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(epochs_document(KEYS[0]))
    world.publisher.close(epochs_document(KEYS[0], epoch_key(EPOCH + 1, "second")))
    with pytest.raises(ForkError, match="second key"):
        checkpoint.sync(world.now)


def test_an_epoch_that_the_issuer_drops_is_closed() -> None:
    world = World()
    checkpoint = world.checkpoint()
    world.publisher.close(epochs_document(*KEYS[1:]))
    checkpoint.sync(world.now)
    with pytest.raises(CodeRefused) as refused:
        checkpoint.verify_text(world.code(), world.now)
    assert refused.value.refusal is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("documents", "error"),
    [
        (document("rulebook", json.loads(rulebook_bytes(demonstration_rulebook())), ISSUER_KEY), VerificationError),
        (document("epochs", EpochList(ISSUER_NAME, KEYS).to_body(), AUTHORITY_KEY), VerificationError),
        (epochs_document(*KEYS, issuer="issuer.other.example"), VerificationError),
        (rulebook_document(without_ceilings().model_copy(update={"region": "other"})), VerificationError),
        (document("rulebook", {"version": 1}, AUTHORITY_KEY), FormatError),
        (document("epochs", {"epochs": 1}, ISSUER_KEY), FormatError),
        (("rulebook", b"{}"), FormatError),
    ],
)
def test_documents_that_do_not_fit_stop_the_sync_and_change_nothing(
    documents: tuple[str, bytes], error: type[Exception], tmp_path: Path
) -> None:
    world = World()
    checkpoint = world.checkpoint(directory=tmp_path)
    before, file = checkpoint.bundle, (tmp_path / "bundle.json").read_bytes()
    world.publisher.close(documents)
    with pytest.raises(error):
        checkpoint.sync(world.now)
    assert checkpoint.bundle is before
    assert (tmp_path / "bundle.json").read_bytes() == file


def test_a_list_of_another_issuer_is_refused_at_the_first_sync_too() -> None:
    publisher = Publisher()
    now = publisher.close(epochs_document(*KEYS, issuer="issuer.other.example"))
    with pytest.raises(VerificationError, match="another issuer"):
        Checkpoint(REGION, fetch=publisher.fetch).sync(now)


def test_a_sync_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    world = World()
    checkpoint = world.checkpoint(directory=tmp_path)
    file = (tmp_path / "bundle.json").read_bytes()
    world.publisher.close(rulebook_document(without_ceilings()))

    def breaks_off(path: str) -> bytes:
        if path.startswith("rulebook/"):
            raise UnreachableError("the network went away")
        return world.publisher.fetch(path)

    torn = Checkpoint(REGION, fetch=breaks_off, directory=tmp_path)
    before = torn.bundle
    with pytest.raises(UnreachableError):
        torn.sync(world.now)
    assert torn.bundle == before
    assert (tmp_path / "bundle.json").read_bytes() == file
    assert checkpoint.sync(world.now) == 2


def _bundle(tmp_path: Path) -> dict[str, object]:
    World().checkpoint(directory=tmp_path)
    value = json.loads((tmp_path / "bundle.json").read_bytes())
    assert isinstance(value, dict)
    return value


def test_the_bundle_is_canonical_and_read_again_as_it_was(tmp_path: Path) -> None:
    world = World()
    checkpoint = world.checkpoint(directory=tmp_path)
    data = (tmp_path / "bundle.json").read_bytes()
    assert canonical_json(json.loads(data)) == data
    again = Checkpoint(REGION, directory=tmp_path)
    assert again.bundle == checkpoint.bundle


def _without_newest_head(value: dict[str, object]) -> None:
    heads = value["heads"]
    assert isinstance(heads, list)
    heads.pop()


def _with_a_forged_rulebook(value: dict[str, object]) -> None:
    rulebooks = value["rulebooks"]
    assert isinstance(rulebooks, list)
    rulebooks[0]["document"]["signed"]["stays"]["red_days"] = 1


def _with_forged_epochs(value: dict[str, object]) -> None:
    epochs = value["epochs"]
    assert isinstance(epochs, dict)
    epochs["signed"]["epochs"].pop()


def _with_another_met_key(value: dict[str, object]) -> None:
    other = EpochList(ISSUER_NAME, (epoch_key(EPOCH, "second"),))
    value["met_epochs"] = other.to_body()


def _with_a_state_that_its_note_does_not_sign(value: dict[str, object]) -> None:
    state = PublicationState.from_bytes(base64url_decode(str(value["publication"])))
    log = replace(state.log, frontier=state.log.frontier.append(bytes(32)))
    value["publication"] = base64url_encode(replace(state, log=log).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        _without_newest_head,
        _with_a_forged_rulebook,
        _with_forged_epochs,
        _with_another_met_key,
        _with_a_state_that_its_note_does_not_sign,
        lambda value: value.pop("publication"),
        lambda value: value.update(more=1),
        lambda value: value.update(format="ownhue-checkpoint-bundle-1"),
        lambda value: value.update(heads=[{"root": "AAAA", "size": 1, "time": 1}]),
        lambda value: value.update(publication="AAAA"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_refused(
    change: Callable[[dict[str, object]], object], tmp_path: Path
) -> None:
    value = _bundle(tmp_path)
    change(value)
    (tmp_path / "bundle.json").write_bytes(canonical_json(value))
    with pytest.raises((FormatError, VerificationError)):
        Checkpoint(REGION, directory=tmp_path)


def test_bundles_of_others_truncated_and_oversized_ones_are_refused(tmp_path: Path) -> None:
    World().checkpoint(directory=tmp_path)
    path = tmp_path / "bundle.json"
    with pytest.raises(VerificationError, match="another region"):
        Checkpoint(region(url="https://other.ownhue.example"), directory=tmp_path)
    data = path.read_bytes()
    for broken in (b"", data[:-1], data + b"\n", b"\xff\xfe"):
        path.write_bytes(broken)
        with pytest.raises(FormatError):
            Checkpoint(REGION, directory=tmp_path)
    path.write_bytes(bytes((16 << 20) + 1))
    with pytest.raises(LimitError):
        Checkpoint(REGION, directory=tmp_path)


def test_nothing_of_a_shown_code_is_kept(tmp_path: Path) -> None:
    world = World()
    checkpoint = world.checkpoint(directory=tmp_path)
    before = (tmp_path / "bundle.json").read_bytes()
    answer = checkpoint.verify_text(world.code(), world.now)
    checkpoint.sync(world.now)
    assert (tmp_path / "bundle.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.json"]
    assert set(Answer.__dataclass_fields__) == {"colour", "admission", "verdict", "own_data_age_seconds"}
    shown = repr(answer)
    for secret in (make_pass("phone", EPOCH, name=ISSUER_NAME).public_key, world.publisher.frontier.root()):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


def test_a_checkpoint_never_imports_a_phone() -> None:
    program = (
        "import sys, ownhue_client.checkpoint; "
        "sys.exit(any(name.startswith('ownhue_client.phone') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
