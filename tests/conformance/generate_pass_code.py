"""Writes specs/vectors/pass.json and code.json. A test compares the committed files with it.

    python -m tests.conformance.generate_pass_code

Nothing in it is random: keys come from labels (scripted.py), so that every run writes the same bytes.
"""

import json

from tests.conformance.code_vectors import code_vectors
from tests.conformance.pass_vectors import pass_vectors
from tests.shared import SPECS

COMMENT = "Written by tests/conformance/generate_pass_code.py. Byte strings are hexadecimal; the keys are worthless."


def files() -> dict[str, bytes]:
    """The generated files by their path below specs/."""
    contents = {"vectors/pass.json": pass_vectors(), "vectors/code.json": code_vectors()}
    return {
        name: (json.dumps({"comment": COMMENT, **content}, indent=1) + "\n").encode()
        for name, content in contents.items()
    }


def main() -> None:
    """Write them."""
    for name, content in files().items():
        (SPECS / name).write_bytes(content)


if __name__ == "__main__":
    main()
