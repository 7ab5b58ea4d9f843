"""One target under atheris: `python -m tests.fuzz.run TARGET [options of libFuzzer]`."""

import sys

import atheris

with atheris.instrument_imports(include=["ownhue"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer's own limits end it."""
    name, *options = sys.argv[1:]
    target = TARGETS[name]

    def once(data: bytes) -> None:
        target.run(data)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
