"""The command line as real processes: init, serve, rehearse, exit statuses, what they print."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ownhue.documents import open_document
from ownhue.encoding import canonical_json, cbor_decode, cbor_encode, frame, unframe
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import without_ceilings
from ownhue_server.serving import listen
from tests.e2e.server_process import server_process
from tests.server.served import BATCH, MONDAY, deployment, served


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ownhue_server", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


def test_a_rehearsal_serves_moves_its_clock_and_ends_with_its_standard_input(tmp_path: Path) -> None:
    with server_process(tmp_path / "server", start=MONDAY, padding=20) as server:
        assert server.ready_line.count("\n") == 1
        assert server.url.startswith("http://127.0.0.1:")
        assert server.region.url == server.url
        assert httpx.get(f"{server.url}/region.json").json() == server.region.model_dump()
        assert server.now() == MONDAY
        server.move_clock(MONDAY + BATCH)
        assert server.now() == MONDAY + BATCH
        head = httpx.get(f"{server.url}/published/head")
        assert f"time {MONDAY + BATCH}\n" in head.text
        assert (server.directory / "published" / "head").read_text() == head.text
    assert server.exit_status == 0
    assert server.error_log.read_text() == ""


def test_the_desk_uploads_a_sealed_report_through_the_real_publisher(tmp_path: Path) -> None:
    with server_process(tmp_path / "server", start=MONDAY, padding=20) as server:
        url = f"{server.url}/authority/v1/sealed-reports"
        answer = httpx.post(url, content=b"not sealed", headers=server.desk_headers)
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "malformed"})


def test_a_rehearsal_ends_at_sigterm_and_leaves_no_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ownhue_server", "rehearse", "--start", str(MONDAY), "--padding", "5"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        directory = Path(json.loads(process.stdout.readline())["directory"])
        assert directory.parent == tmp_path
        assert (directory / "publisher.sqlite").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_told_to_end_while_it_starts_leaves_no_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ownhue_server", "rehearse"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        while process.poll() is None and not list(tmp_path.rglob("*.key")):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == (b"", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_is_taken_up_again_and_never_served(tmp_path: Path) -> None:
    with server_process(tmp_path / "server", start=MONDAY, padding=5) as first:
        first.move_clock(MONDAY + BATCH)
        log = httpx.get(f"{first.url}/published/tile/entries/000.p/5").content
    with server_process(tmp_path / "server", start=MONDAY + BATCH, padding=5) as again:
        assert again.region == first.region
        assert again.desk_key != first.desk_key
        assert httpx.get(f"{again.url}/published/tile/entries/000.p/5").content == log
        for key, status in ((first.desk_key, 401), (again.desk_key, 201)):
            headers = {"Authorization": f"Bearer {key}"}
            assert httpx.post(f"{again.url}/authority/v1/tickets", json={}, headers=headers).status_code == status
        # The desk's way to the publisher leads to the new address.
        url = f"{again.url}/authority/v1/sealed-reports"
        assert httpx.post(url, content=b"x", headers=again.desk_headers).json() == {"ok": False, "error": "malformed"}
    served = run("serve", str(tmp_path / "server"))
    assert (served.returncode, served.stderr.count("\n")) == (1, 1)
    assert "holds a rehearsal" in served.stderr


def test_a_deployment_that_is_served_is_never_rehearsed(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    result = run("rehearse", "--directory", str(config.directory))
    assert result.returncode == 1
    assert "its clock cannot be moved" in result.stderr


def test_a_rehearsal_with_another_rulebook(tmp_path: Path) -> None:
    book = tmp_path / "book.json"
    book.write_bytes(rulebook_bytes(without_ceilings()))
    with server_process(tmp_path / "server", start=MONDAY, padding=5, rulebook=book, batch_seconds=3600) as server:
        document = httpx.get(f"{server.url}/authority/v1/documents/rulebook").content
        assert open_document(document, "rulebook", [server.region.authority_key_bytes])["version"] == 2
        assert server.region.batch_seconds == 3600


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_a_rehearsal_refuses_any_address_but_loopback(host: str) -> None:
    result = run("rehearse", "--host", host)
    assert result.returncode == 2
    assert "loopback" in result.stderr
    assert result.stdout == ""


def test_init_makes_keys_that_only_the_owner_reads_and_shows_the_desk_key_once(tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "new"), "--url", "https://health.example/")
    assert result.returncode == 0
    shown = json.loads(result.stdout)
    assert shown["region"]["url"] == "https://health.example"
    assert shown["region"]["origin"] == "health.example/log"
    assert json.loads((tmp_path / "new" / "region.json").read_text()) == shown["region"]
    secret = [*(tmp_path / "new" / "keys").rglob("*.key"), tmp_path / "new" / "settings.json"]
    assert len(secret) == 10
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert not any(shown["desk_key"].encode() in path.read_bytes() for path in files)
    again = run("init", str(tmp_path / "new"), "--url", "https://health.example")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "holds a deployment already" in again.stderr


def test_serve_has_no_rehearsal_and_answers_until_sigterm(tmp_path: Path) -> None:
    deployment(tmp_path / "server")
    probe = listen("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    # The deployment's epoch keys are of a day long past.
    refused = run("serve", str(tmp_path / "server"), "--port", str(port))
    assert (refused.returncode, refused.stderr.count("--clock-is-right")) == (1, 1)
    command = [sys.executable, "-m", "ownhue_server", "serve", str(tmp_path / "server"), "--port", str(port)]
    with subprocess.Popen([*command, "--clock-is-right"], stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url)
            assert httpx.post(f"{url}/rehearsal/v1/clock", json={"now": 4_000_000_000}).status_code == 404
            head = httpx.get(f"{url}/published/head").text
            assert int(head.split("time ")[1].split("\n")[0]) <= time.time()
            answer = httpx.post(f"{url}/authority/v1/claim", content=b"nonsense")
            assert cbor_decode(unframe(answer.content)) == {"ok": False, "error": "malformed"}
            taken = run("rehearse", "--port", str(port))
            assert (taken.returncode, taken.stderr.count("\n")) == (1, 1)
            assert "cannot listen" in taken.stderr
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_an_answer_that_waits_for_its_deadline_is_given_when_the_server_is_asked_to_end(tmp_path: Path) -> None:
    with server_process(tmp_path / "server", start=MONDAY, padding=20):
        pass
    settings = tmp_path / "server" / "settings.json"
    settings.write_bytes(canonical_json(json.loads(settings.read_bytes()) | {"answer_milliseconds": 2000}))
    with server_process(tmp_path / "server", start=MONDAY) as server, ThreadPoolExecutor() as pool:
        body = frame(cbor_encode({"decoy": True}))
        waiting = [pool.submit(httpx.post, f"{server.url}/authority/v1/claim", content=body) for _ in range(3)]
        httpx.get(f"{server.url}/health").raise_for_status()
        time.sleep(0.5)
        server.stop()
        answers = [cbor_decode(unframe(future.result().content)) for future in waiting]
    assert (answers, server.exit_status) == ([{"ok": True}] * 3, 0)


def wait_until_healthy(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer within 30 seconds")


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        ((), 2, "Usage"),
        (("nonsense",), 2, "nonsense"),
        (("serve",), 2, "irectory"),
        (("serve", "{tmp}/nothing"), 1, "holds no deployment"),
        (("serve", "{tmp}/nothing", "--port", "99999"), 2, "--port"),
        (("init", "{tmp}/new"), 2, "--url"),
        (("init", "{tmp}/new", "--url", "ftp://health.example"), 1, "url"),
        (("init", "{tmp}/new", "--url", "https://["), 1, "url"),
        (("init", "{tmp}/new", "--url", "https://health.example:99999"), 1, "url"),
        (("init", "{tmp}/new", "--url", "https://health.example", "--rulebook", "{tmp}/none"), 1, "cannot be read"),
        (("init", "{tmp}/new", "--url", "https://health.example", "--rulebook", "{tmp}/bad.json"), 1, ""),
        (("rehearse", "--start", "-5"), 2, "--start"),
        (("rehearse", "--padding", "0"), 2, "--padding"),
        (("rehearse", "--directory", "{tmp}/bad.json"), 1, ""),
    ],
)
def test_exit_statuses_and_no_traceback(tmp_path: Path, arguments: tuple[str, ...], status: int, word: str) -> None:
    (tmp_path / "bad.json").write_text('{"format":"ownhue-rulebook-1"}')
    result = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    output = result.stdout + result.stderr
    assert result.returncode == status
    assert word in output
    assert "Traceback" not in output
    if status == 1:
        assert result.stderr.startswith("ownhue-server: ")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("field", "wrong"), [('"padding":20', '"padding":0'), ('"issuer_url":""', '"issuer_url":"http://issuer:99999"')]
)
def test_a_serve_with_damaged_settings_says_which_field(tmp_path: Path, field: str, wrong: str) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    settings = config.directory / "settings.json"
    settings.write_text(settings.read_text().replace(field, wrong))
    result = run("serve", str(config.directory))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert f"settings.json: {wrong.split(':')[0].strip(chr(34))}" in result.stderr


@pytest.mark.parametrize("name", ["region.json", "settings.json", "rulebook.json"])
def test_a_serve_says_which_file_is_damaged(tmp_path: Path, name: str) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    (config.directory / name).write_bytes(b"{")
    result = run("serve", str(config.directory))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert f"{config.directory / name}: " in result.stderr


def test_a_damaged_database_is_one_line_without_a_row(tmp_path: Path) -> None:
    with served(tmp_path / "server", now=int(time.time())):
        pass
    database = tmp_path / "server" / "publisher.sqlite"
    # The kind of every page but the first, so that SQLite finds the damage before anybody reads a row.
    content = bytearray(database.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page] ^= 0x55
    database.write_bytes(content)
    result = run("serve", str(tmp_path / "server"), "--port", "0")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "publisher.sqlite is damaged; restore a backup: database disk image is malformed" in result.stderr


def test_a_serve_without_its_keys_says_so(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    (config.directory / "keys" / "publisher" / "log.key").unlink()
    result = run("serve", str(config.directory))
    assert result.returncode == 1
    assert "the key log is missing" in result.stderr
