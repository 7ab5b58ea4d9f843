"""Texts that begin as a code and are none, each wrong in one place. specs/code.md sections 1 and 2"""

from typing import Any

from ownhue.code import PREFIX, Code, encode_code
from ownhue.encoding import base45_encode, cbor_encode


def damaged_texts(item: Code) -> dict[str, str]:
    """By what is wrong with them."""

    def text(parts: Any) -> str:
        return PREFIX + base45_encode(parts if isinstance(parts, bytes) else cbor_encode(parts))

    fine, array = encode_code(item), item.to_bytes()
    said = item.statement
    tail = [said.rulebook_version, said.tree_size, said.root_prefix, said.challenge]
    parts = [1, item.key_id, item.epoch, item.public_key, item.pass_signature, said.to_bytes(), item.signature]

    def stating(*values: Any) -> str:
        return text([*parts[:5], cbor_encode(list(values)), parts[6]])

    def with_part(index: int, value: Any) -> str:
        return text([*parts[:index], value, *parts[index + 1 :]])

    return {
        "nothing after the prefix": PREFIX,
        "cut off": fine[:-3],
        "small letters": PREFIX + fine[5:].lower(),
        "a line end": fine + "\n",
        "too long": fine + "0" * 60,
        "a byte after the array": text(array + b"\0"),
        "a number in a longer spelling": text(array.replace(b"\x87\x01", b"\x87\x18\x01", 1)),
        "a list of six": text(parts[:6]),
        "a map": text({"code": parts}),
        "version 2": with_part(0, 2),
        "the version true": with_part(0, True),
        "a key id of five bytes": with_part(1, item.key_id + b"\0"),
        "an epoch below zero": with_part(2, -1),
        "an epoch in text": with_part(2, str(item.epoch)),
        "a public key of 31 bytes": with_part(3, item.public_key[:-1]),
        "a pass signature of 255 bytes": with_part(4, item.pass_signature[:-1]),
        "a statement that is not bytes": with_part(5, [said.time, said.colour, *tail]),
        "a signature of 63 bytes": with_part(6, item.signature[:-1]),
        "a fifth colour": stating(said.time, 4, *tail),
        "a time that is true": stating(True, said.colour, *tail),
        "a time of 33 bits": stating(2**32, said.colour, *tail),
        "a root prefix of seven bytes": stating(said.time, said.colour, *tail[:2], said.root_prefix[:7], b""),
        "a challenge of eight bytes": stating(said.time, said.colour, *tail[:3], bytes(8)),
        "a statement of five": stating(said.time, said.colour, *tail[:3]),
        "a statement of seven": stating(said.time, said.colour, *tail, b""),
    }
