"""A phone's side of trust: the real client follows the folder of a served application, with a root of trust."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ownhue.trust.metadata import parse_any_trust_file
from ownhue_client.fetching import Fetch, folder_fetch
from ownhue_client.publication import NamedDocument, PublicationState, RegionKeys, catch_up, named_documents
from ownhue_server import rotation
from ownhue_server.config import Config, load_config
from ownhue_server.trust_install import replace_settings
from tests.server.served import BATCH, MONDAY, served


class Reader:
    """Somebody whose application came with *root*."""

    def __init__(self, config: Config, root: bytes | None = None, fetch: Fetch | None = None) -> None:
        self.region = config.region
        self.root = (config.directory / "root.json").read_bytes() if root is None else root
        self.fetch = fetch or folder_fetch(config.published)
        self.state = PublicationState()
        self.keys: RegionKeys

    def sync(self, now: int) -> RegionKeys:
        """One round at *now*; the keys in force. Raises what the client raises."""
        self.state, self.keys, _ = catch_up(self.fetch, self.region, self.state, now, root=self.root, keep=self._keep)
        return self.keys

    def named(self, kind: str, now: int) -> Sequence[NamedDocument]:
        """The documents of *kind* that targets name, the one in force first."""
        found = named_documents(self.fetch, self.state, kind, now)
        assert found is not None
        return found

    def _keep(self, state: PublicationState) -> None:
        self.state = state


def trust_files(config: Config) -> dict[str, bytes]:
    """What a TUF client finds: name -> file."""
    folder = config.published / "trust"
    named = [path for path in folder.glob("*.json") if not path.name[:64].isalnum() or len(path.name) < 64]
    return {path.name: path.read_bytes() for path in named}


def versions(folder: Path) -> dict[str, int]:
    """The greatest version of each role among the files of *folder*."""
    found: dict[str, int] = {}
    for path in folder.glob("*.json"):
        signed = parse_any_trust_file(path.read_bytes()).signed
        found[signed.role] = max(found.get(signed.role, 0), signed.version)
    return found


class ServedRegion:
    """A region that is served a batch at a time, as by an operator who starts the server again after each step."""

    def __init__(self, directory: Path, reader: Callable[[Config], Reader] = Reader) -> None:
        self.directory = directory
        self.now = MONDAY
        with served(directory) as server:
            self.config: Config = server.config
            self.reader = reader(server.config)
            self.reader.sync(MONDAY)

    def go_on(self) -> RegionKeys:
        """Another batch; the keys that a phone has in force after it, with which it reads the newest key file."""
        with served(self.directory, now=self.now) as server:
            self.now += BATCH
            server.move_clock(self.now)
        keys = self.reader.sync(self.now)
        newest = max((self.config.published / "keys").iterdir(), key=lambda path: int(path.name))
        (file,) = newest.iterdir()
        assert keys.read_key_file(file.read_bytes()).end == self.now
        return keys

    def change(self, *names: str) -> RegionKeys:
        """Change these online keys in their three steps, without waiting; the keys in force afterwards."""
        for step in (rotation.make_next, rotation.switch, rotation.drop):
            for name in names:
                step(self.config, name, self.now)
            self.go_on()
        return self.reader.keys

    def new_desk_key(self) -> str:
        """Give the deployment a desk key that is known."""
        config = load_config(self.directory)
        desk_key = "desk"
        settings = config.settings.model_copy(update={"desk_key_sha256": sha256(desk_key.encode()).hexdigest()})
        replace_settings(replace(config, settings=settings))
        return desk_key
