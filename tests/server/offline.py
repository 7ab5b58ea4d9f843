"""People with offline keys, who use the real commands in this process: key files a, b, c; two of three sign."""

import re
from collections.abc import Sequence
from pathlib import Path

from typer.testing import CliRunner

from ownhue_server.cli import app


def run(*arguments: str | Path) -> str:
    """What ``ownhue-server`` says; an error of ours is raised as it is."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


class People:
    """Three people with a key each, in *folder*; all their files lie there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        for name in "abc":
            run("root", "key", folder / f"{name}.key", "--no-passphrase")

    def key(self, name: str) -> Path:
        """The key file of one of them."""
        return self.folder / f"{name}.key"

    def listed(self) -> list[str]:
        """Options by which root and targets are theirs, two of three."""
        keys = [
            option for role in ("root", "targets") for name in "abc" for option in ("--add", f"{role}={self.key(name)}")
        ]
        return [*keys, "--threshold", "root=2", "--threshold", "targets=2"]

    def sign(self, file: Path, *keys: Path, more: Sequence[str | Path] = ()) -> Path:
        """*file* signed by each of *keys*."""
        for key in keys:
            said = run("root", "sign", file, "--key", key, "--yes", *more)
            file = Path(re.findall(r"written: (.*)", said)[-1])
        return file

    def targets(
        self, version: str, root: Path, *named: str, before: Path | None = None, drop: Sequence[str] = ()
    ) -> Path:
        """A targets file of *named* (KIND=FILE), signed by a and b."""
        out = self.folder / f"{version}.targets.json"
        options = [option for name in named for option in ("--name", name)]
        options += [option for path in drop for option in ("--drop", path)]
        options += ["--before", str(before)] if before else []
        run("root", "targets", "--out", out, *options)
        return self.sign(out, self.key("a"), self.key("b"), more=["--root", root])

    def rotate(self, before: Path, version: int, *options: str) -> Path:
        """The root after *before*, with *options*, signed by a and b."""
        out = self.folder / f"{version}.root.json"
        run("root", "rotate", before, "--out", out, *options)
        return self.sign(out, self.key("a"), self.key("b"), more=["--before", before])
