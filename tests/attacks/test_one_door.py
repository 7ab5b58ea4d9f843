"""One door: nothing of a phone goes out but through phone/door.py, and nothing through it without the ledger.

By reading: which module may import or call what leads out of a process, for each module there is. By living: a phone
and its agent do everything in a process whose every socket, name look-up and sub-process the interpreter writes down.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import ownhue
import ownhue_client
from ownhue.params import ReportType
from ownhue.region import region_bytes
from tests.attacks.recording_proxy import recording
from tests.e2e.server_process import server_process
from tests.shared import ROOT

CLIENT = Path(ownhue_client.__file__).parent
PROTOCOL = Path(ownhue.__file__).parent
#: Not part of a phone's program: a door for checkpoints of its own, and the rehearsals, which start servers.
NO_PHONE = ("checkpoint", "city")
MODULES = {
    str(path.relative_to(CLIENT)): path
    for path in sorted(CLIENT.rglob("*.py"))
    if path.relative_to(CLIENT).parts[0] not in NO_PHONE
}

#: Libraries that lead out of a process, and the modules that may import them; by name, or a folder with a slash.
WAYS = {
    "httpx": ("phone/door.py", "fetching/"),
    "httpcore": ("fetching/client.py",),
    "ssl": ("fetching/client.py",),
    "socket": ("agent/", "radio/bluez/kernel.py"),
    # For the one call by which the kernel is asked about the adapter.
    "ctypes": ("radio/bluez/kernel.py",),
    "dbus_fast": ("radio/bluez/", "agent/notifications.py", "location/geoclue.py"),
    "bleak": ("radio/bluez/",),
    "bumble": ("radio/",),
}
#: Modules that hand an HTTP client on and may name its type, nothing else of it.
NAMES_THE_CLIENT = ("phone/device.py", "agent/process.py", "phone_cli/first.py", "phone_cli/wiring.py", "cli.py")
HANDED_ON = {"Client", "Request", "ConnectError", "HTTPError"}
NOWHERE = {
    *("requests", "aiohttp", "urllib3", "websockets", "ftplib", "smtplib", "imaplib", "poplib", "telnetlib", "xmlrpc"),
    *("socketserver", "webbrowser", "subprocess", "multiprocessing", "cffi", "importlib", "runpy", "pty"),
}
#: Of "http" and "urllib" what only reads texts.
HARMLESS = ("http.cookiejar", "urllib.parse")
#: Calls that open a way out, and the modules that may make them.
CALLS = {
    "open_connection": ("location/gpsd.py",),
    # Sockets of this device alone, which commands and the service manager are spoken to by.
    "open_unix_connection": ("agent/",),
    "socket": ("agent/", "radio/bluez/kernel.py"),
    "create_subprocess_exec": ("radio/bluez/probe.py",),
    **dict.fromkeys(("create_connection", "create_datagram_endpoint", "create_unix_connection"), ()),
    **dict.fromkeys(
        ("create_subprocess_shell", "sock_connect", "start_server", "socketpair", "fromfd", "getaddrinfo"), ()
    ),
    **dict.fromkeys(("system", "popen", "execv", "execve", "spawnv", "posix_spawn", "fork", "eval", "__import__"), ()),
    # The checkpoint's and the city's way to published files, past the ledger.
    "http_fetch": (),
}


#: Families of sockets other than those within the device: Bluetooth's own, for the adapter's settings.
FAMILIES = {"radio/bluez/kernel.py": "_AF_BLUETOOTH"}
#: The one other program that is started: it tells its version.
ASKS_BLUEZ = ["'bluetoothctl'", "'--version'"]


def allowed(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or (place.endswith("/") and name.startswith(place)) for place in places)


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of the modules that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # "from os import system" would hide a call's name behind another one.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def attributes_of(tree: ast.AST, library: str) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == library:
            yield node


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """The last names of all that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute | ast.Name):
                yield function.attr if isinstance(function, ast.Attribute) else function.id, node


def ways_out(name: str, source: str) -> list[str]:
    """What of a module leads past the door."""
    tree = ast.parse(source)
    found = [f"imports {module}" for module in imports(tree) if not may_import(name, module)]
    found += [why for call, node in called(tree) if (why := past_the_door(name, call, node))]
    if name in NAMES_THE_CLIENT:
        found += [f"uses httpx.{node.attr}" for node in attributes_of(tree, "httpx") if node.attr not in HANDED_ON]
    return found


def may_import(name: str, module: str) -> bool:
    top, _, rest = module.partition(".")
    if top in WAYS:
        return allowed(name, WAYS[top]) or (top == "httpx" and name in NAMES_THE_CLIENT)
    if top in {"http", "urllib"}:
        return module.startswith(HARMLESS)
    # A call's name must not hide behind another one.
    return top not in NOWHERE and not (top in {"os", "asyncio", "builtins"} and rest in CALLS)


def past_the_door(name: str, call: str, node: ast.Call) -> str:
    """Why a call leads past the door; empty when it does not."""
    arguments = [ast.unparse(item) for item in node.args]
    if call in CALLS and not allowed(name, CALLS[call]):
        return f"calls {call}"
    if call == "socket" and arguments[:1] != [FAMILIES.get(name, "socket.AF_UNIX")]:
        return "opens a socket that is not of this device alone"
    if call == "create_subprocess_exec" and arguments != ASKS_BLUEZ:
        return "starts another program"
    return "makes a client" if call == "Client" and name in NAMES_THE_CLIENT else ""


@pytest.mark.parametrize("name", MODULES)
def test_no_module_leads_past_the_door(name: str) -> None:
    assert ways_out(name, MODULES[name].read_text()) == []


def test_the_protocol_reaches_nothing() -> None:
    paths = [path for path in PROTOCOL.rglob("*.py") if "conformance" not in path.parts]
    assert len(paths) > 100
    # Its version is read with importlib.metadata, and the conformance suite starts other implementations.
    forbidden = {*WAYS, *NOWHERE, "asyncio", "http", "urllib"} - {"importlib"}
    for path in paths:
        used = {module.partition(".")[0] for module in imports(ast.parse(path.read_text()))}
        assert used & forbidden == set(), path


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("phone/places.py", "import httpx"),
        ("phone/places.py", "import socket as s"),
        ("phone/sync.py", "from urllib.request import urlopen"),
        ("phone/sync.py", "import http.client"),
        ("phone/sync.py", "def later():\n    import requests"),
        ("phone/device.py", "import httpx\nhttpx.get('http://a')"),
        ("phone/device.py", "import httpx\nhttpx.Client().get('http://a')"),
        ("phone/keys.py", "from os import system"),
        ("phone/keys.py", "import os\nos.system('curl')"),
        ("phone/keys.py", "__import__('sock' + 'et')"),
        ("phone/keys.py", "import importlib"),
        ("phone/sync.py", "from ownhue_client.fetching import http_fetch\nhttp_fetch(client, url)"),
        ("agent/tasks.py", "import asyncio\nasyncio.open_connection('a', 80)"),
        ("agent/tasks.py", "from asyncio import open_connection as reach"),
        ("agent/control.py", "import socket\nsocket.socket(socket.AF_INET)"),
        ("agent/control.py", "import socket\nsocket.create_connection(('a', 80))"),
        ("location/gpsd.py", "import bleak"),
        ("radio/bluez/probe.py", "import asyncio\nasyncio.create_subprocess_exec('curl', place)"),
        ("operations/table.py", "import dbus_fast"),
        ("operations/table.py", "import ctypes"),
        ("radio/bluez/kernel.py", "import socket\nsocket.socket(socket.AF_INET)"),
    ],
)
def test_a_planted_way_out_is_found(name: str, source: str) -> None:
    assert ways_out(name, source) != []


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a whole life showed, with the bytes that a proxy saw and the proxy's address."""
    folder = tmp_path_factory.mktemp("life")
    with server_process(folder / "server", start=1_772_409_600, padding=20) as server, recording(server.url) as proxy:
        server.move_clock(1_772_409_600 + 4 * 3600)

        def desk(path: str, body: dict[str, object]) -> Any:
            answer = httpx.post(f"{server.url}/authority/v1/{path}", headers=server.desk_headers, json=body)
            return answer.raise_for_status().json()

        codes = [
            desk("claim-codes", {"report_type": int(kind), "length": "short"})["code"]
            for kind in (ReportType.CONFIRMED_TEST, ReportType.REVOKED)
        ]
        (folder / "region.json").write_bytes(region_bytes(server.region))
        arguments = [str(folder), proxy.url, *codes, desk("tickets", {})["ticket"], str(server.now())]
        ran = subprocess.run(
            [sys.executable, "-m", "tests.attacks.whole_life", *arguments],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr.decode()
        told = json.loads(ran.stdout.splitlines()[-1])
    port = proxy.url.rpartition(":")[2]
    return {**told, "sent": len(proxy.everything), "requests": len(proxy.requests()), "port": port}


def test_in_a_whole_life_nothing_connects_to_anything_but_the_ledgers_hosts(life: dict[str, Any]) -> None:
    connected = {tuple(event[1:]) for event in life["seen"] if event[0] == "socket.connect"}
    hosts = {line[1] for line in life["ledger"]}
    assert connected == {(f"('127.0.0.1', {life['port']})",), ("('127.0.0.1', 9)",)}
    assert hosts == {f"127.0.0.1:{life['port']}", "127.0.0.1:9"}


def test_in_a_whole_life_no_process_no_datagram_and_no_other_name_is_asked_for(life: dict[str, Any]) -> None:
    kinds = {event[0] for event in life["seen"]}
    assert kinds <= {"socket.connect", "socket.__new__", "socket.getaddrinfo"}
    assert {event[1] for event in life["seen"] if event[0] == "socket.getaddrinfo"} <= {"'127.0.0.1'"}


def test_in_a_whole_life_every_byte_that_left_stands_in_the_ledger(life: dict[str, Any]) -> None:
    arrived = [line for line in life["ledger"] if line[5] == "answered"]
    assert len(arrived) == life["requests"] > 12
    assert sum(line[3] for line in arrived) == life["sent"]
    (failed,) = [line for line in life["ledger"] if line[5] != "answered"]
    assert (failed[1], failed[4], failed[5]) == ("127.0.0.1:9", None, "no connection")
    purposes = {line[2] for line in life["ledger"]}
    assert {"enrol this phone", "fetch passes", "claim a token with a code", "report own keys", "decoy"} <= purposes
