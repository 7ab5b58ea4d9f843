"""The messages of a poster, described in Python instead of generated code. specs/venue.md section 2

They are proto2, and live in a descriptor pool of their own, so that importing this module cannot clash with generated
classes elsewhere. What is accepted encodes again to the same bytes, so no message has unknown fields.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from ownhue.errors import FormatError

_PACKAGE = "ownhue.venue"
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}

#: message -> (number, type, name); every field is optional for protobuf, which of them must be there says the spec.
_MESSAGES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "VenueCertificate": (
        (1, "string", "region"),
        (2, "bytes", "venue_key"),
        (3, "bytes", "trace_key_hash"),
        (4, "uint32", "valid_from"),
        (5, "uint32", "valid_until"),
        (6, "bytes", "signature"),
    ),
    "PosterPayload": (
        (1, "uint32", "version"),
        (2, "string", "description"),
        (3, "string", "address"),
        (4, "string", "category"),
        (5, "string", "room"),
        (6, "uint64", "cell"),
        (7, "uint32", "valid_from"),
        (8, "uint32", "valid_until"),
        (9, "bytes", "seed"),
        (10, "bytes", "certificate"),
    ),
    "SignedPoster": (
        (1, "bytes", "payload"),
        (2, "bytes", "signature"),
    ),
}


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="ownhue/venue.proto", package=_PACKAGE, syntax="proto2")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, kind, name in fields:
            message.field.add(name=name, number=number, type=_TYPES[kind], label=_Field.LABEL_OPTIONAL)
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_describe())


def encode_message(name: str, fields: dict[str, Any]) -> bytes:
    """The message *name* with *fields*; None leaves a field out. Raises FormatError for a value that does not fit."""
    try:
        present = {field: value for field, value in fields.items() if value is not None}
        return bytes(_class(name)(**present).SerializeToString(deterministic=True))
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"not a {name}: a field cannot be encoded") from error


def decode_message(name: str, data: bytes) -> dict[str, Any]:
    """The fields of a message *name*; those that are absent are None. Raises FormatError for other bytes.

    Whether the bytes are in their one spelling shows when the fields are encoded again (:func:`encode_message`).
    """
    try:
        message = _class(name).FromString(data)
        fields = {
            field.name: getattr(message, field.name) if message.HasField(field.name) else None
            for field in message.DESCRIPTOR.fields
        }
    # Whatever the protobuf library throws at hostile bytes becomes our one error.
    except Exception as error:
        raise FormatError(f"not a {name}") from error
    # A proto2 text that is no UTF-8 comes out as bytes.
    if any(kind == "string" and isinstance(fields[field], bytes) for _, kind, field in _MESSAGES[name]):
        raise FormatError(f"a text of a {name} is not UTF-8")
    return fields


def need_canonical(name: str, data: bytes, encoded: bytes) -> None:
    """Raises FormatError unless *encoded*, what was read written again, is *data*."""
    if encoded != data:
        raise FormatError(f"a {name} is not in protobuf's one canonical encoding")


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
