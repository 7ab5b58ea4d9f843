"""Moving a phone by an encrypted file with a spoken passphrase: everything comes along, and only one phone goes on."""

import hashlib
import io
import os
from datetime import date
from pathlib import Path

import pytest

from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue.identifiers import interval_number
from ownhue.params import INTERVAL_SECONDS
from ownhue_client.phone import Phone, transfer, transfer_records
from ownhue_client.phone.passphrase import Stretch
from ownhue_client.phone.schema import SCHEMA_VERSION, STATE, TABLES
from ownhue_client.phone.sealed_stream import CHUNK_BYTES, MAGIC, open_stream, seal_stream
from ownhue_client.phone.store import Store
from ownhue_client.phone.transfer import check_phone, export_phone, import_phone, mark_moved, spoken_passphrase
from ownhue_client.phone.unlock import Passphrase
from tests.client.publisher import START
from tests.client.test_phone_sync import own_key
from tests.client.town import Town, meet

WORDS = spoken_passphrase(lambda count: bytes(range(count)))
HEADER_BYTES = 44


def quick() -> Stretch:
    """Parameters that take no time; the real ones are used once, below."""
    return Stretch.new(os.urandom, 1, 8192)


def exported(store: Store, now: int = START) -> bytes:
    return b"".join(export_phone(store, WORDS, now, quick()))


def reopened(town: Town, directory: Path) -> Phone:
    return Phone.open(directory, random=os.urandom, http_client=town.client(), now=town.now)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a row in every table."""
    store = Store.create(tmp_path / "phone", os.urandom, {"salt": bytes(32), "name": ["value", 7]})
    day = START // 86400
    for table in TABLES:
        value = [bytes(16), interval_number(START), 12] if table == "own_keys" else [table, bytes(100)]
        for _ in range(3):
            store.add(table, day, value)
    store.delete("journal", next(store.rows("journal")))
    return store


def test_everything_comes_along(store: Store, tmp_path: Path) -> None:
    data = exported(store)
    moved = import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)
    new = Store.open(tmp_path / "new", os.urandom)
    assert moved.exported_at == START
    assert new.get("name") == ["value", 7]
    for table in set(TABLES) - {"own_keys"}:
        # Numbers too: a deleted one must not come again in the journal or the ledger.
        assert list(new.rows(table)) == list(store.rows(table))
    assert new.version == SCHEMA_VERSION
    new.close()


def test_the_file_is_as_long_as_its_records_and_shows_none_of_them(store: Store) -> None:
    data = exported(store)
    assert data.startswith(MAGIC)
    for word in (b"journal", b"salt", b"value", b"state"):
        assert word not in data[HEADER_BYTES:]


def test_the_new_phone_opens_by_its_own_way(store: Store, tmp_path: Path) -> None:
    source = Passphrase(lambda: "a passphrase of one's own", 1, 8192)
    import_phone(io.BytesIO(exported(store)), WORDS, tmp_path / "new", random=os.urandom, unlock=source)
    Store.open(tmp_path / "new", os.urandom, source).close()
    assert not (tmp_path / "new" / "master.key").exists()


def test_a_passphrase_is_understood_however_it_is_typed(store: Store) -> None:
    data = exported(store)
    words = WORDS.split("-")
    for text in (WORDS.upper(), " ".join(words), "  " + ", ".join(words) + "\n", WORDS.replace("-", "\u2013")):
        check_phone(io.BytesIO(data), text)


def test_a_misheard_word_is_told_before_anything_is_tried(store: Store, tmp_path: Path) -> None:
    data, words = exported(store), WORDS.split("-")
    for wrong, said in (
        ([words[0][:-1] + "z", *words[1:]], "the check word does not fit"),
        ([words[1], words[0], *words[2:]], "the check word does not fit"),
        (["bxbab", *words[1:]], "word 1 is none"),
    ):
        with pytest.raises(StateError, match=f"wrong passphrase: .*{said}"):
            import_phone(io.BytesIO(data), " ".join(wrong), tmp_path / "new", random=os.urandom)
    with pytest.raises(StateError, match="12 characters"):
        check_phone(io.BytesIO(data), " ".join(words[:2]))


def test_a_wrong_passphrase_opens_nothing_and_leaves_no_phone(store: Store, tmp_path: Path) -> None:
    data = exported(store)
    with pytest.raises(StateError, match="wrong passphrase"):
        import_phone(io.BytesIO(data), spoken_passphrase(os.urandom), tmp_path / "new", random=os.urandom)
    with pytest.raises(StateError, match="no phone"):
        Store.open(tmp_path / "new", os.urandom)
    import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)


def test_an_import_never_goes_over_a_phone_that_is_there(store: Store, tmp_path: Path) -> None:
    data = exported(store)
    store.close()
    with pytest.raises(StateError, match="already"):
        import_phone(io.BytesIO(data), WORDS, tmp_path / "phone", random=os.urandom)
    assert Store.open(tmp_path / "phone", os.urandom).get("name") == ["value", 7]


def test_the_file_holds_nothing_that_was_forgotten(store: Store, tmp_path: Path) -> None:
    store.add("places", START // 86400 - 1, ["yesterday"])
    store.forget_day(START // 86400 - 1)
    import_phone(io.BytesIO(exported(store)), WORDS, tmp_path / "new", random=os.urandom)
    new = Store.open(tmp_path / "new", os.urandom)
    assert new.days() == [START // 86400]
    new.close()


def test_no_two_phones_ever_send_one_identifier_even_if_the_old_one_is_never_told(tmp_path: Path) -> None:
    town = Town()
    with town.phone(tmp_path / "old") as old:
        sent = {old.beacon_at(town.now).rpi}
        old.note_on_air(interval_number(town.now))
        data = exported(old.store, town.now)
        import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)
        with reopened(town, tmp_path / "new") as new:
            assert new.was_on_air(interval_number(town.now))
            for step in range(1, 30):
                now = town.now + step * INTERVAL_SECONDS
                sent.add(old.beacon_at(now).rpi)
                assert new.beacon_at(now).rpi not in sent


def test_the_interval_of_the_export_counts_as_on_the_air_though_nothing_was_sent_yet(tmp_path: Path) -> None:
    town = Town()
    with town.phone(tmp_path / "old") as old:
        import_phone(io.BytesIO(exported(old.store, town.now)), WORDS, tmp_path / "new", random=os.urandom)
    with reopened(town, tmp_path / "new") as new:
        assert new.was_on_air(interval_number(town.now))
        assert not new.was_on_air(interval_number(town.now) + 1)


def test_the_new_phone_finds_what_the_old_one_heard_and_goes_on_with_its_passes(tmp_path: Path) -> None:
    town = Town()
    old, other = town.phone(tmp_path / "old"), town.phone(tmp_path / "other")
    old.sync(town.now)
    old.enrol(town.ticket(), town.now)
    old.fetch_passes(town.now)
    meet(old, other, town.now)
    data = exported(old.store, town.now)
    mark_moved(old.store, town.now)
    import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)
    keys = [own_key(other, town.now)]
    with reopened(town, tmp_path / "new") as new:
        assert new.passes_left(town.now) > 0
        new.open_code(town.now)
        town.publisher.close_keys(keys=keys)
        new.sync(town.publisher.time)
        assert new.facts(town.publisher.time).windows


def test_a_phone_that_moved_is_silent_and_has_nothing_to_send(tmp_path: Path) -> None:
    town = Town()
    old = town.phone(tmp_path / "old")
    old.sync(town.now)
    old.enrol(town.ticket(), town.now)
    old.fetch_passes(town.now)
    old.beacon_at(town.now)
    mark_moved(old.store, town.now)
    for call in (old.beacon_at, old.fetch_passes, old.open_code, old.send_decoy, lambda now: old.enrol("ticket", now)):
        with pytest.raises(StateError, match="has moved"):
            call(town.now)
    with pytest.raises(StateError, match="has moved"):
        old.claim(town.code(), date(2026, 3, 1), None, town.now)
    with pytest.raises(StateError, match="has moved already"):
        exported(old.store, town.now)
    # Not merely refused: a changed program finds no key, no pass and no device's key.
    assert not any(list(old.store.rows(table)) for table in ("own_keys", "passes", "pass_requests"))
    assert old.store.get("device") is None
    old.close()
    with reopened(town, tmp_path / "old") as again:
        assert again.moved_at() == town.now


def test_a_moved_phones_older_pages_do_not_open_with_its_keys(store: Store, tmp_path: Path) -> None:
    boxes = [box for (box,) in store._run("SELECT box FROM passes")]
    mark_moved(store, START)
    data = b"".join(path.read_bytes() for path in (tmp_path / "phone").iterdir())
    assert not any(box in data for box in boxes)
    store._run("INSERT INTO passes (day, box) VALUES (?, ?)", (START // 86400, boxes[0]))
    with pytest.raises(VerificationError, match="does not open"):
        list(store.rows("passes"))


@pytest.mark.parametrize("length", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_a_stream_of_any_length_comes_back(length: int) -> None:
    plain = os.urandom(length)
    data = b"".join(seal_stream([plain[:100], plain[100:]], WORDS, quick()))
    assert len(data) == HEADER_BYTES + length + 16 * -(-length // CHUNK_BYTES)
    assert b"".join(open_stream(io.BytesIO(data), WORDS)) == plain


def test_the_format_is_the_one_that_is_written_down() -> None:
    """A known answer of specs/phone.md section 3; an independent program must make the same bytes."""
    assert WORDS == "babad-bamag-bibaj-bimal-boban-zabar"
    stretch = Stretch(bytes(16), 1, 8192)
    short = b"".join(seal_stream([b"end"], WORDS, stretch))
    assert short[:HEADER_BYTES] == MAGIC + bytes(16) + b"\0\0\0\1" + (8192).to_bytes(8, "big")
    assert short[HEADER_BYTES:].hex() == "5194fce3134fb8b9fe29f2d0c453d75c10b98d"
    two = b"".join(seal_stream([bytes(CHUNK_BYTES), b"end"], WORDS, stretch))
    assert two[-19:].hex() == "d38209fb7595094ae092264ecabc43340d2b80"
    assert hashlib.sha256(two).hexdigest() == "c7364e985f0404e0d84880f465b0d2812b06f55f5f5db28f07f7374806981398"


def test_chunks_that_are_changed_swapped_repeated_or_left_out_are_refused() -> None:
    plain = os.urandom(3 * CHUNK_BYTES + 5)
    data = b"".join(seal_stream([plain], WORDS, quick()))
    size = CHUNK_BYTES + 16
    header, chunks = data[:HEADER_BYTES], [data[at : at + size] for at in range(HEADER_BYTES, len(data), size)]
    for other in (
        chunks[:3],
        chunks[:1],
        [],
        [chunks[1], chunks[0], *chunks[2:]],
        [chunks[0], chunks[0], *chunks[1:]],
        [chunks[0], *chunks[2:]],
        [*chunks, chunks[3]],
        [*chunks[:3], chunks[3][:-1]],
        [*chunks[:3], bytes([chunks[3][0] ^ 1]) + chunks[3][1:]],
    ):
        with pytest.raises((StateError, VerificationError)):
            list(open_stream(io.BytesIO(header + b"".join(other)), WORDS))


def test_every_changed_byte_of_the_header_is_noticed() -> None:
    data = b"".join(seal_stream([b"plain"], WORDS, quick()))
    for at in range(HEADER_BYTES):
        changed = bytearray(data)
        # The lowest bit, so that a changed parameter is still one that a test can wait for.
        changed[at] ^= 1 if at != HEADER_BYTES - 12 else 2
        with pytest.raises((FormatError, StateError)):
            list(open_stream(io.BytesIO(bytes(changed)), WORDS))


def test_a_foreign_file_is_none_and_cannot_fill_the_memory() -> None:
    for data in (b"", b"PK\3\4" + bytes(100), MAGIC, MAGIC + bytes(27)):
        with pytest.raises(FormatError, match="no file of a phone"):
            list(open_stream(io.BytesIO(data), WORDS))
    with pytest.raises(FormatError, match="another version"):
        list(open_stream(io.BytesIO(b"ownhue-phone-v2\n" + bytes(60)), WORDS))
    with pytest.raises(FormatError, match="argon2id"):
        list(open_stream(io.BytesIO(MAGIC + bytes(16) + b"\0\0\0\3" + b"\xff" * 8 + bytes(20)), WORDS))


@pytest.mark.parametrize(
    "records",
    [
        [],
        [["phone", SCHEMA_VERSION, START]],
        [["phone", SCHEMA_VERSION, START], ["end", 1]],
        [["phone", SCHEMA_VERSION, START], ["end", 0], ["end", 0]],
        [["phone", SCHEMA_VERSION, START], ["row", "keys", 1, 1, b""], ["end", 1]],
        [["phone", SCHEMA_VERSION, START], ["row", "places; DROP TABLE keys", 1, 1, b""], ["end", 1]],
        [["phone", SCHEMA_VERSION, START], ["row", "places", "1", 1, b""], ["end", 1]],
        [["phone", SCHEMA_VERSION, START], ["state", "name", 5], ["end", 1]],
        [["phone", "4", START], ["end", 0]],
        [["state", "name", b""], ["end", 1]],
        [[]],
    ],
)
def test_a_file_whose_records_are_none_makes_no_phone(records: list[list[object]], tmp_path: Path) -> None:
    plain = [transfer_records.frame(record) for record in records] or [b"\0"]
    data = b"".join(seal_stream(plain, WORDS, quick()))
    with pytest.raises(FormatError):
        import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)
    assert not (tmp_path / "new" / "phone.db").exists()


def test_a_file_of_a_newer_program_is_said_so(tmp_path: Path) -> None:
    plain = [transfer_records.frame(record) for record in (["phone", SCHEMA_VERSION + 1, START], ["end", 0])]
    data = b"".join(seal_stream(plain, WORDS, quick()))
    with pytest.raises(StateError, match="newer program"):
        import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)


def test_a_file_of_an_older_program_is_brought_to_todays_form(tmp_path: Path) -> None:
    row = cbor_encode([[1, 0]] + [[0, 0]] * 23)
    records = [["phone", 3, START], ["row", "scans", 1, 20_000, row], ["end", 1]]
    data = b"".join(seal_stream([transfer_records.frame(record) for record in records], WORDS, quick()))
    import_phone(io.BytesIO(data), WORDS, tmp_path / "new", random=os.urandom)
    new = Store.open(tmp_path / "new", os.urandom)
    assert [row.value for row in new.rows("scans")] == [b"\1" + bytes(35)]
    new.close()


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [transfer_records.frame(["state", "n", bytes(100)])] * 3
    monkeypatch.setattr(transfer_records, "MOST_RECORDS", 2)
    with pytest.raises(LimitError, match="more records"):
        list(transfer_records.frames(frames))
    monkeypatch.setattr(transfer_records, "MOST_BYTES", 200)
    with pytest.raises(LimitError, match="larger"):
        list(transfer_records.frames(frames))
    with pytest.raises(LimitError, match="too long"):
        list(transfer_records.frames([b"\xff" * 8]))


def test_the_real_parameters_work(store: Store, tmp_path: Path) -> None:
    data = b"".join(export_phone(store, WORDS, START))
    assert transfer.check_phone(io.BytesIO(data), WORDS).records == len(TABLES) * 3 - 1 + 3
    assert STATE in TABLES.values()
