"""Everything that phones send, searched for everything that must stay on them.

Two phones meet, note places, report (one directly, one through the desk), synchronise, show codes and withdraw, all
through a recording proxy to the real server process. Then every byte that left is searched for the places, owners,
colours, foreign identifiers, sightings and secrets in their stores, in several encodings; what is sealed is opened with
the publisher's key and searched as well. Planted canaries show that the search finds what it looks for.
"""

import base64
import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.public import PrivateKey, SealedBox

from ownhue.encoding import base45_encode, cbor_decode, unframe
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue.report import PLAIN_BYTES
from ownhue_client.phone import Phone, Settings
from ownhue_client.phone import report as report_module
from ownhue_client.phone.records import pack_sightings
from tests.attacks.recording_proxy import RecordingProxy, recording
from tests.e2e.server_process import ServerProcess, server_process

#: 2026-03-02 00:00:00 UTC.
START = 1_772_409_600
HOUR = 3600
MEETING = START + 4 * HOUR
PLACES = {"cook-of-the-noodle-house": (31.23041, 121.47372), "night-shift-courier": (-33.44891, -70.66932)}
#: Shorter needles would be found in random bytes now and then.
_LEAST_BYTES = 6

#: The only fields that any message has. A new field has to be argued for here.
FIELDS = {
    "/authority/v1/claim": {"code", "blinded", "key_id"},
    "/publisher/v1/report": {"sealed"},
    "/issuer/v1/enrol": {"ticket", "device", "time", "signature"},
    "/issuer/v1/passes": {"device", "epoch", "blinded", "time", "signature"},
}
SEALED_FIELDS = {"kind", "key_id", "signature", "keys"}
HEADERS = {"GET": ["host"], "POST": ["host", "content-type", "content-length"]}
#: Words that name a colour or an owner; looked for among the words of everything that is text.
WORDS = {"green", "grey", "yellow", "red", "cook", "noodle", "house", "courier", "night"}


@dataclass
class Evening:
    """What was recorded, and what must not be in it."""

    proxy: RecordingProxy
    phones: list[Phone]
    publisher_key: PrivateKey
    #: Sealed reports that left as a file for the desk.
    files: list[bytes] = field(default_factory=list)


def http_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    return httpx.Client(transport=transport or httpx.HTTPTransport(trust_env=False), trust_env=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("leaves") / "server", start=START, padding=20) as process:
        yield process


@pytest.fixture(scope="module")
def evening(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    with recording(server.url) as proxy, http_client() as client:
        recorded = make_evening(server, proxy, client, tmp_path_factory.mktemp("phones"))
        live(recorded, server)
        yield recorded
        for phone in recorded.phones:
            phone.close()


def make_evening(server: ServerProcess, proxy: RecordingProxy, client: httpx.Client, directory: Path) -> Evening:
    """Phones of two people, behind the proxy, after they met at their places."""
    region = server.region.model_copy(update={"url": proxy.url})
    settings = Settings(passes_per_day=3)
    phones = [
        Phone.create(directory / owner, region, random=os.urandom, http_client=client, now=START, settings=settings)
        for owner in PLACES
    ]
    for phone, (latitude, longitude) in zip(phones, PLACES.values(), strict=True):
        phone.note_place(latitude, longitude, 23, MEETING)
    for listener, speaker in (phones, phones[::-1]):
        for time in range(MEETING, MEETING + 1800, 20):
            listener.hear(speaker.beacon_at(time), rssi=-71, scan_id=time, scan_seconds=20, now=time)
    publisher_key = PrivateKey((server.directory / "keys" / "publisher" / "reports.key").read_bytes())
    return Evening(proxy, phones, publisher_key)


def desk(server: ServerProcess, path: str, **body: Any) -> Any:
    """What the desk of the real server answers, past the proxy."""
    answer = httpx.post(f"{server.url}/authority/v1/{path}", headers=server.desk_headers, **body)
    return answer.raise_for_status().json()


def code(server: ServerProcess, report_type: ReportType) -> str:
    return str(desk(server, "claim-codes", json={"report_type": int(report_type), "length": "short"})["code"])


def live(evening: Evening, server: ServerProcess) -> None:
    """Everything that a phone can do, until both have reported and one has taken it back."""
    cook, courier = evening.phones
    tested = date(2026, 3, 2)
    now = MEETING + 2 * HOUR + 17
    server.move_clock(now)
    for phone in evening.phones:
        phone.sync(now)
        phone.enrol(desk(server, "tickets", json={})["ticket"], now)
        phone.fetch_passes(now)
        phone.open_code(now).text_at(now)
        phone.claim(code(server, ReportType.CONFIRMED_TEST), tested, date(2026, 3, 1), now)
    cook.report(now)
    evening.files.append(courier.seal_report(now))
    assert desk(server, "sealed-reports", content=evening.files[0]) == {"ok": True}
    now += 4 * HOUR
    server.move_clock(now)
    for phone in evening.phones:
        phone.sync(now)
        assert phone.facts(now).windows, "the keys of the other one were published and matched"
    assert cook.withdraw(code(server, ReportType.REVOKED), now) == 2
    for phone in evening.phones:
        phone.decide(now)


def needles(phone: Phone) -> dict[str, bytes]:
    """What must not leave *phone*, by name."""
    heard = list(phone._hearing.sightings(0, 10**6))
    assert heard
    assert phone.places()
    found: dict[str, bytes] = {}
    for sighting in heard:
        found[f"identifier heard at {sighting.time}"] = sighting.rpi
        found[f"beginning of an identifier heard at {sighting.time}"] = sighting.rpi[:8]
        found[f"sighting at {sighting.time}"] = pack_sightings([sighting], 0)[21:34]
        found |= {f"time of a sighting, {name}": value for name, value in numbers(sighting.time).items()}
    for place in phone.places():
        for name, degrees in (("latitude", place.latitude), ("longitude", place.longitude)):
            found |= {f"{name} as {form}": value for form, value in degree_forms(degrees).items()}
    for name in ("salt", "phone_secret", "device"):
        found[name] = phone._store.get(name)
    for row in phone._store.rows("passes"):
        found[f"seed of pass {row.id}"] = row.value[1]
    for row in phone._store.rows("own_keys"):
        found[f"own key {row.value[1]}"] = row.value[0]
    return {name: value for name, value in found.items() if len(value) >= _LEAST_BYTES}


def numbers(value: int) -> dict[str, bytes]:
    """A time or a whole number of degrees in the forms that are long enough to be looked for."""
    return {
        f"decimal of {value}": str(value).encode(),
        f"u64 of {value}": struct.pack(">q", value),
        f"little u64 of {value}": struct.pack("<q", value),
    }


def degree_forms(degrees: float) -> dict[str, bytes]:
    """A coordinate as text of different lengths, as floats, and as whole numbers of several fractions."""
    forms = {f"text of {n} digits": f"{degrees:.{n}f}".encode() for n in range(3, 8)}
    forms |= {"double": struct.pack(">d", degrees), "little double": struct.pack("<d", degrees)}
    for digits in (5, 6, 7):
        forms |= {f"10^-{digits} {name}": value for name, value in numbers(round(degrees * 10**digits)).items()}
    return forms


def encodings(value: bytes) -> Iterator[bytes]:
    """*value* as it is, backwards, and in every text form that somebody might smuggle it out in."""
    for form in (value, value[::-1]):
        yield form
        yield form.hex().encode()
        yield form.hex().upper().encode()
        yield base45_encode(form).encode()
        yield base64.b32encode(form).rstrip(b"=")
        # Base64 of the same bytes has three spellings, according to where in a longer text they begin.
        for shift in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                text = encode(bytes(shift) + form + bytes(3))
                yield text[4 if shift else 0 : (shift + len(form)) // 3 * 4]


def search(data: bytes, wanted: dict[str, bytes]) -> list[str]:
    """Names of the needles that are in *data*."""
    return [
        name
        for name, value in wanted.items()
        if any(len(form) >= _LEAST_BYTES and form in data for form in encodings(value))
    ]


def opened(evening: Evening) -> list[bytes]:
    """The plain text of everything that was sealed to the publisher."""
    sealed = [*evening.files]
    sealed += [
        cbor_decode(unframe(request.body))["sealed"]
        for request in evening.proxy.requests()
        if request.path == "/publisher/v1/report"
    ]
    return [unframe(SealedBox(evening.publisher_key).decrypt(data), PLAIN_BYTES) for data in sealed]


def leaks(evening: Evening) -> list[str]:
    """Everything that is found where it must not be."""
    found = []
    plain = opened(evening)
    for phone in evening.phones:
        wanted = needles(phone)
        found += search(evening.proxy.everything, wanted)
        # Own keys and nothing else of this may be in a report, and only sealed.
        inside = {name: value for name, value in wanted.items() if not name.startswith("own key")}
        found += [f"sealed: {name}" for data in plain for name in search(data, inside)]
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text in a CBOR value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def words(evening: Evening) -> set[str]:
    """Every word in request lines, headers and the texts of messages."""
    requests = evening.proxy.requests()
    said = [request.head for request in requests]
    bodies = [cbor_decode(unframe(request.body)) for request in requests if request.body]
    bodies += [cbor_decode(data) for data in opened(evening)]
    said += [text for body in bodies for text in texts(body)]
    return {word.lower() for text in said for word in re.findall(r"[A-Za-z]+", text)}


def test_no_place_identifier_sighting_or_secret_leaves(evening: Evening) -> None:
    assert len(evening.proxy.everything) > 10 * 16_384
    assert leaks(evening) == []


def test_no_word_for_a_colour_or_an_owner_leaves(evening: Evening) -> None:
    said = words(evening)
    assert {"claim", "published", "sealed", "withdrawal"} <= said, "the search reads what was said"
    assert said & WORDS == set()


def test_messages_have_these_fields_and_no_other(evening: Evening) -> None:
    seen = set()
    for request in evening.proxy.requests():
        if request.body:
            body = cbor_decode(unframe(request.body))
            assert body.keys() == FIELDS[request.path]
            assert len(request.body) == 16_384
            seen.add(request.path)
    assert seen == FIELDS.keys()
    for data in opened(evening):
        assert cbor_decode(data).keys() == SEALED_FIELDS


def test_headers_are_the_same_for_every_phone(evening: Evening) -> None:
    for request in evening.proxy.requests():
        method, names = (
            request.head.split(" ")[0],
            [line.split(":")[0].lower() for line in request.head.splitlines()[1:]],
        )
        assert names == HEADERS[method]


def test_both_phones_ask_for_the_same_files(evening: Evening) -> None:
    """Nothing that is fetched tells what a phone heard: one met more people than another, both fetch everything."""
    paths = [request.path for request in evening.proxy.requests() if request.head.startswith("GET")]
    assert len(paths) > 10
    assert all(paths.count(path) == 2 for path in paths if "/keys/" in path)
    assert {path.split("/")[1] for path in paths} == {"published"}


def test_the_ledgers_hold_every_byte_that_left(evening: Evening) -> None:
    lines = [line for phone in evening.phones for line in phone.ledger()]
    assert sum(line.bytes_out for line in lines) == len(evening.proxy.everything)
    assert len(lines) == len(evening.proxy.requests())
    assert {line.host for line in lines} == {evening.proxy.url.removeprefix("http://")}


class Leak(httpx.BaseTransport):
    """A network library that adds *header* to every request: the kind of thing nobody notices."""

    def __init__(self, header: tuple[str, str]) -> None:
        self._header = header
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[self._header[0]] = self._header[1]
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def leaking(server: ServerProcess, directory: Path, header: Callable[[Phone], tuple[str, str]]) -> Iterator[Evening]:
    """Phones whose requests carry a header made from the first one's store, after one request."""
    with recording(server.url) as proxy, http_client() as quiet:
        evening = make_evening(server, proxy, quiet, directory)
        phone = evening.phones[0]
        with http_client(Leak(header(phone))) as loud:
            evening.phones[0].close()
            owner = next(iter(PLACES))
            phone = Phone.open(directory / owner, random=os.urandom, http_client=loud, now=START)
            phone.enrol(desk(server, "tickets", json={})["ticket"], server.now())
            evening.phones = [phone]
            yield evening
            phone.close()


def first_sighting(phone: Phone) -> Sighting:
    return next(phone._hearing.sightings(0, 10**6))


CANARIES: dict[str, Callable[[Phone], tuple[str, str]]] = {
    "a place in a header": lambda phone: ("X-Place", f"{phone.places()[0].latitude:.4f}"),
    "a place as a double in base64": lambda phone: (
        "X-Trace",
        base64.b64encode(b"v1" + struct.pack("<d", phone.places()[0].longitude) + b"...").decode(),
    ),
    "an identifier in hex": lambda phone: ("X-Request-Id", first_sighting(phone).rpi.hex()),
    "half an identifier in capitals": lambda phone: ("ETag", first_sighting(phone).rpi[:8].hex().upper()),
    "an identifier backwards in base64": lambda phone: (
        "X-Id",
        base64.urlsafe_b64encode(first_sighting(phone).rpi[::-1]).decode(),
    ),
    "the time of a meeting": lambda phone: ("If-Modified-Since", str(first_sighting(phone).time)),
    "an own key": lambda phone: ("X-Key", base45_encode(next(phone._store.rows("own_keys")).value[0])),
    "the device's secret": lambda phone: ("Cookie", base64.b64encode(phone._store.get("salt")).decode()),
}


@pytest.mark.parametrize("canary", sorted(CANARIES))
def test_a_planted_canary_is_found(server: ServerProcess, tmp_path: Path, canary: str) -> None:
    with leaking(server, tmp_path, CANARIES[canary]) as evening:
        assert leaks(evening) != []


def test_a_planted_word_is_found(server: ServerProcess, tmp_path: Path) -> None:
    with leaking(server, tmp_path, lambda _: ("User-Agent", "health/1.0 (Yellow; owner=Courier)")) as evening:
        assert words(evening) & WORDS == {"yellow", "courier"}
        with pytest.raises(AssertionError):
            test_headers_are_the_same_for_every_phone(evening)


def test_a_canary_inside_a_sealed_report_is_found(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone that hides what it heard where only the publisher can read it."""
    with recording(server.url) as proxy, http_client() as client:
        evening = make_evening(server, proxy, client, tmp_path)
        traitor = evening.phones[0]
        heard = first_sighting(traitor).rpi
        monkeypatch.setattr(report_module, "commitment_of", lambda _: heard + bytes(16))
        now = server.now()
        traitor.sync(now)
        traitor.enrol(desk(server, "tickets", json={})["ticket"], now)
        traitor.claim(code(server, ReportType.CONFIRMED_TEST), date(2026, 3, 2), None, now)
        evening.files.append(traitor.seal_report(now))
        evening.phones[1].close()
        evening.phones = [traitor]
        found = leaks(evening)
        traitor.close()
    assert found
    assert all(name.startswith("sealed: ") for name in found)
