"""verify-log and doctor as commands, against real servers, witnesses and mirrors on sockets."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ownhue.cosignature import WitnessKey
from ownhue.fork_evidence import verify_fork_evidence
from ownhue.region import region_bytes
from ownhue_server.config import load_config
from tests.e2e.server_process import ServerProcess, server_process
from tests.server.forge import Forge
from tests.server.served import BATCH, MONDAY, deployment
from tests.server.test_cosigning import set_witnesses
from tests.server.witnesses import make_witness, serving, watch

CLOSED = MONDAY + 40 * BATCH
PADDING = "20"


def ownhue_server(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ownhue_server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@dataclass
class Scene:
    """A server whose log a witness watches."""

    server: ServerProcess
    vkey: str
    folder: Path

    def verify(self, source: object, *options: object) -> "subprocess.CompletedProcess[str]":
        """verify-log by somebody who has region and root from elsewhere."""
        known = ["--region", self.folder / "region.json", "--root", self.folder / "root.json", "--padding", PADDING]
        return ownhue_server("verify-log", source, *known, "--now", CLOSED + 60, *options)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    config, _desk_key = deployment(folder / "server")
    make_witness(folder / "w1", "w1.example", rehearsal=True)
    watch(folder / "w1", config.region.origin, config.region.log_key_bytes)
    with ExitStack() as stack:
        witness = stack.enter_context(serving(folder / "w1"))
        settings = {"rehearsal": True, "answer_milliseconds": 0, "witness_threshold": 1}
        set_witnesses(folder / "server", (witness.key.vkey, witness.url), **settings)
        server = stack.enter_context(server_process(folder / "server", start=MONDAY))
        server.move_clock(CLOSED)
        (folder / "region.json").write_bytes(region_bytes(server.region))
        shutil.copy(folder / "server" / "root.json", folder)
        shutil.copytree(folder / "server" / "published", folder / "published")
        yield Scene(server, witness.key.vkey, folder)


def test_a_server_that_runs_is_green(scene: Scene) -> None:
    done = scene.verify(scene.server.url, "--mirror", scene.folder / "published", "--mirror", scene.server.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Witnesses: 1 of 1 witnesses must have seen the same log." in done.stdout
    assert done.stdout.endswith("GREEN: nothing is wrong.\n")
    assert "not-listed" in done.stdout


def test_a_witness_of_one_s_own_choice(scene: Scene) -> None:
    assert scene.verify(scene.folder, "--witness", scene.vkey).returncode == 0
    stranger = WitnessKey("w2.example", b"\x11" * 32)
    red = scene.verify(scene.folder, "--witness", stranger.vkey, "--json")
    assert red.returncode == 1, red.stderr
    assert json.loads(red.stdout)["failures"] == {"witness": 1}


def test_a_server_that_lies_to_the_readers_of_a_mirror(scene: Scene, tmp_path: Path) -> None:
    config = load_config(scene.folder / "server")
    forge = Forge.of(config)
    place = forge.at("keys", -3)
    forge.items[place] = replace(forge.items[place], data=forge.items[forge.at("keys", -4)].data)
    forge.write(tmp_path / "mirror")
    done = scene.verify(
        scene.server.url, "--mirror", tmp_path / "mirror", "--evidence", tmp_path / "fork.json", "--json"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"] == {"fork": 1}
    assert f"evidence: {tmp_path / 'fork.json'}" in done.stderr
    proof = (tmp_path / "fork.json").read_bytes()
    assert verify_fork_evidence(proof, config.region.origin, config.region.log_key_bytes) == "two-roots"


def test_a_server_that_is_gone_is_red_and_not_a_crash(scene: Scene) -> None:
    done = scene.verify("http://127.0.0.1:9", "--json")
    assert done.returncode == 1
    assert set(json.loads(done.stdout)["failures"]) == {"head", "trust"}
    assert ownhue_server("verify-log", scene.folder / "nowhere").returncode == 1


def test_doctor_beside_the_running_server(scene: Scene) -> None:
    done = ownhue_server("doctor", scene.folder / "server", "--now", scene.server.now() + 10, "--json")
    value = json.loads(done.stdout)
    told = {advice["word"]: advice for advice in value["advice"]}
    assert told["server"]["sentence"] == "a server is running and closes the batches"
    assert told["witness"]["sentence"] == "w1.example cosigned the newest head"
    # The keys of this test's deployment are copies that others can read.
    assert {advice["word"] for advice in value["advice"] if advice["kind"] == "to do"} == {"permissions"}
