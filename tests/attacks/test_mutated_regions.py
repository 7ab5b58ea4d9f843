"""Valid region files and directories, changed field by field and signed again: every step refuses, each its own.

specs/region.md sections 1, 3 and 4. What is accepted must be what it says and encode again to itself.
"""

import re
from hashlib import sha256
from random import Random
from typing import Any

from nacl.signing import SigningKey

from ownhue.documents import open_document, sign_document
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.region import parse_region, region_bytes
from ownhue.regions import RegionEntry, Regions, open_region_file, parse_regions, regions_bytes, regions_of_body
from tests.conformance.mutate import Tally, mutations
from tests.conformance.region_vectors import directory, entry, region_body
from tests.conformance.scripted import Stream

AUTHORITY = SigningKey(Stream("authority")(32))
NAMES = ("coast", "demo", "hills")
FILES = {name: region_body(name) for name in NAMES}
DIRECTORY = directory()
TEXT = "[!-~]"


def is_region(body: Any) -> bool:
    """specs/region.md section 1 a second time."""
    if not isinstance(body, dict) or body.keys() != FILES["demo"].keys():
        return False
    seconds = body["batch_seconds"]
    texts = {key: value for key, value in body.items() if key != "batch_seconds"}
    if not all(isinstance(value, str) for value in texts.values()) or type(seconds) is not int:
        return False
    forms = {
        "format": "ownhue-region-1",
        "name": "[a-z][a-z0-9-]{0,31}",
        "url": rf"https?://{TEXT}{{0,199}}[!-.0-~]",
        "origin": "[!-*,-~]{1,100}",
        "key_file_id": rf"{TEXT}{{1,64}}",
        "key_file_version": rf"{TEXT}{{1,16}}",
        "issuer_name": "[a-z0-9][a-z0-9.-]{0,99}",
    }
    keys = ("log_key", "publisher_key", "authority_key", "issuer_key")
    # 43 letters stand for 32 bytes when the last two bits are zero. A changed P-256 key is left to the library.
    fits = all(re.fullmatch(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", texts[key]) for key in keys)
    unchanged = texts["key_file_key"] == FILES["demo"]["key_file_key"]
    return fits and unchanged and 60 <= seconds <= 86_400 and all(re.fullmatch(f, texts[k]) for k, f in forms.items())


def test_a_region_file_changed_field_by_field() -> None:
    tally, random = Tally(), Random(41)
    for body in FILES.values():
        for path, mutant in mutations(body, random, 10):
            data = canonical_json(mutant)
            try:
                region = parse_region(data)
            except FormatError:
                said = "1"
            else:
                said = "accepted"
                assert region_bytes(region) == data
                assert region.model_dump() == mutant
            # One changed letter of a P-256 key can be a point again, one time in some hundred.
            if "key_file_key" not in path:
                assert said == ("accepted" if is_region(mutant) else "1"), path
            tally.add(said)
    tally.require(["1", "accepted"])


def directory_step(body: Any, earlier: Regions | None = None) -> str:
    """What refuses a directory that the authority signed, or "accepted"."""
    try:
        document = sign_document("regions", body, AUTHORITY)
        found = regions_of_body(open_document(document, "regions", [bytes(AUTHORITY.verify_key)]))
        if earlier is not None:
            found.check_follows(earlier)
    except ForkError:
        return "fork"
    except VerificationError:
        return "older"
    except (FormatError, LimitError):
        return "form"
    assert regions_bytes(found) == canonical_json(body)
    return "accepted"


def is_directory(body: Any) -> bool:
    """specs/region.md section 3 a second time."""
    if not isinstance(body, dict) or body.keys() != DIRECTORY.keys() or body["format"] != "ownhue-regions-1":
        return False
    languages, entries = body["languages"], body["regions"]
    if not (type(body["version"]) is int and 1 <= body["version"] < 2**31 and _is_name(body["home"])):
        return False
    if not _sorted_texts(languages, r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", 50) or not isinstance(entries, list):
        return False
    if not all(_is_entry(item, languages) for item in entries) or len(entries) > 256:
        return False
    names = [item["name"] for item in entries]
    return names == sorted(set(names)) and body["home"] in names


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[a-z][a-z0-9-]{0,31}", value) is not None


def _sorted_texts(values: Any, form: str, most: int) -> bool:
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        return False
    fits = all(isinstance(value, str) and re.fullmatch(form, value) for value in values)
    return fits and values == sorted(set(values))


def _is_entry(item: Any, languages: list[str]) -> bool:
    if not isinstance(item, dict) or item.keys() != entry("demo").keys() or not _is_name(item["name"]):
        return False
    labels, urls, digest, threshold = (item[key] for key in ("labels", "urls", "region_sha256", "root_threshold"))
    if not isinstance(labels, dict) or sorted(labels) != languages:
        return False
    if not all(isinstance(label, str) and 1 <= len(label) <= 100 for label in labels.values()):
        return False
    if not isinstance(urls, list) or not 1 <= len(urls) <= 8 or not all(isinstance(url, str) for url in urls):
        return False
    if len(set(urls)) < len(urls) or not all(re.fullmatch(rf"https?://{TEXT}{{0,199}}[!-.0-~]", url) for url in urls):
        return False
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        return False
    return _sorted_texts(item["root_keys"], "[0-9a-f]{64}", 16) and (
        type(threshold) is int and 1 <= threshold <= len(item["root_keys"])
    )


def test_a_directory_changed_field_by_field_and_signed_again() -> None:
    tally, random = Tally(), Random(42)
    for _, mutant in mutations(DIRECTORY, random, 6):
        said = directory_step(mutant)
        assert said == ("accepted" if is_directory(mutant) else "form")
        tally.add(said)
    tally.require(["form", "accepted"])


def test_a_later_directory_changed_field_by_field() -> None:
    """Another content under the same version is a fork; under a smaller one it is old, whatever it says."""
    tally, random, known = Tally(), Random(43), parse_regions(canonical_json(DIRECTORY))
    for _, mutant in mutations(DIRECTORY, random, 8):
        if not is_directory(mutant):
            continue
        version = mutant["version"]
        same_home = mutant["home"] == DIRECTORY["home"]
        want = "older" if not same_home or version < 3 else "fork" if version == 3 else "accepted"
        assert directory_step(mutant, known) == want
        tally.add(want)
        for other, step in ((2, "older"), (4, "accepted")):
            want = step if same_home else "older"
            assert directory_step({**mutant, "version": other}, known) == want
            tally.add(want)
    tally.require(["older", "fork", "accepted"])


def file_step(known: RegionEntry, data: bytes) -> str:
    """The step of section 4 that refuses, or "accepted"."""
    try:
        region = open_region_file(known, data)
    except VerificationError as error:
        return "1" if "not the region file" in str(error) else "3"
    except OwnhueError:
        return "2"
    assert region_bytes(region) == data
    return "accepted"


def test_a_region_file_changed_under_a_directory() -> None:
    """Also when the directory is changed with it, so that only the third step is left."""
    tally, random = Tally(), Random(44)
    for name, body in FILES.items():
        for _, mutant in mutations(body, random, 10):
            data = canonical_json(mutant)
            assert file_step(RegionEntry(**_fields(entry(name))), data) == "1"
            tally.add("1")
            named = entry(name, region_sha256=sha256(data).hexdigest())
            said = file_step(RegionEntry(**_fields(named)), data)
            if said == "accepted":
                assert (mutant["name"], mutant["url"]) == (name, body["url"])
            tally.add(said)
        for _ in range(40):
            elsewhere = region_body(name, url=f"https://r{random.randrange(10**6)}.example")
            renamed = region_body(name + random.choice("abc"))
            for other in (elsewhere, renamed):
                data = canonical_json(other)
                named = entry(name, region_sha256=sha256(data).hexdigest())
                assert file_step(RegionEntry(**_fields(named)), data) == "3"
                tally.add("3")
    tally.require(["1", "2", "3", "accepted"])


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}


def test_no_lookup_gives_a_region_that_is_not_listed() -> None:
    known, random = parse_regions(canonical_json(DIRECTORY)), Random(45)
    for _, name in mutations("coast", random, 20):
        try:
            found = known.entry(name)
        except StateError:
            continue
        assert found.name == name
