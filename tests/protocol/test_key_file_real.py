"""Files of real apps and their habits: the tables of specs/key-file.md section 7, read from the spec itself."""

import json
import re
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.key_file import HEADER, Limits, read_key_file
from ownhue.key_file.schema import ExportMessage, SignatureInfoMessage
from tests.protocol.key_file_cases import SIGNING_KEY, members, read_both, signed_anew, zipped
from tests.protocol.key_file_second_opinion import content_of
from tests.protocol.key_file_steps import step_of
from tests.shared import SPECS, shared_path

PUBLIC_KEY = SIGNING_KEY.public_key()
SPEC = (SPECS / "key-file.md").read_text()
CASES = {case["name"]: case for case in json.loads((SPECS / "vectors" / "key-file.json").read_text())["cases"]}

#: (file, verdict as it is, verdict when we sign it)
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
        content = read_both(data, key)
    except OwnhueError as error:
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
    assert content == content_of(members(_file(name))["export.bin"])
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


#: (habit, verdict, vector)
QUIRKS = re.findall(r"^\| (.+?) \| (accepted|\w+Error) \| .*? \| `(quirk: .+?)` \|$", SPEC, re.MULTILINE)


def test_every_quirk_has_a_vector_and_every_such_vector_a_row() -> None:
    assert sorted(name for *_, name in QUIRKS) == sorted(name for name in CASES if name.startswith("quirk: "))
    assert len({habit for habit, *_ in QUIRKS}) == len(QUIRKS)


@pytest.mark.parametrize(("habit", "verdict", "name"), QUIRKS, ids=[name for *_, name in QUIRKS])
def test_a_quirk_gets_the_verdict_of_the_spec(habit: str, verdict: str, name: str) -> None:
    assert CASES[name].get("error", "accepted") == verdict, habit
    assert _vector_verdict(name) == verdict


def _vector_verdict(name: str) -> str:
    try:
        _read_vector(name)
    except OwnhueError as error:
        return type(error).__name__
    return "accepted"


def _read_vector(name: str) -> None:
    question: dict[str, Any] = CASES[name]["input"]
    key = load_der_public_key(bytes.fromhex(question["public_key"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    read_both(bytes.fromhex(question["file"]), key, Limits(**question.get("limits", {})))


@pytest.mark.parametrize("name", [name for name in CASES if re.match(r"step \d", name) and "error" in CASES[name]])
def test_a_vector_fails_in_the_step_that_it_names(name: str) -> None:
    with pytest.raises(OwnhueError) as caught:
        _read_vector(name)
    assert step_of(caught.value) == name[5]
