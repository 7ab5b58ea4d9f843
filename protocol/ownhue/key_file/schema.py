"""The messages of the GAEN key file, described in Python instead of generated code. specs/key-file.md section 2

Field names, numbers and types are those of the published TemporaryExposureKeyExport (proto2). They live in a
descriptor pool of their own, so that importing this module cannot clash with generated classes elsewhere.
``report_type`` and ``variant_of_concern`` are plain int32 here: an unknown number of a proto2 enumeration would
silently read as "absent", and the reader wants to see and refuse it.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "ownhue.gaen"
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "int32": _Field.TYPE_INT32,
    "sint32": _Field.TYPE_SINT32,
    "fixed64": _Field.TYPE_FIXED64,
}

#: message -> (number, label, type, name, default)
_MESSAGES: dict[str, tuple[tuple[int, str, str, str, str], ...]] = {
    "SignatureInfo": (
        (1, "optional", "string", "app_bundle_id", ""),
        (2, "optional", "string", "android_package", ""),
        (3, "optional", "string", "verification_key_version", ""),
        (4, "optional", "string", "verification_key_id", ""),
        (5, "optional", "string", "signature_algorithm", ""),
    ),
    "TemporaryExposureKey": (
        (1, "optional", "bytes", "key_data", ""),
        (2, "optional", "int32", "transmission_risk_level", ""),
        (3, "optional", "int32", "rolling_start_interval_number", ""),
        (4, "optional", "int32", "rolling_period", "144"),
        (5, "optional", "int32", "report_type", ""),
        (6, "optional", "sint32", "days_since_onset_of_symptoms", ""),
        (8, "optional", "int32", "variant_of_concern", ""),
    ),
    "TemporaryExposureKeyExport": (
        (1, "optional", "fixed64", "start_timestamp", ""),
        (2, "optional", "fixed64", "end_timestamp", ""),
        (3, "optional", "string", "region", ""),
        (4, "optional", "int32", "batch_num", ""),
        (5, "optional", "int32", "batch_size", ""),
        (6, "repeated", "SignatureInfo", "signature_infos", ""),
        (7, "repeated", "TemporaryExposureKey", "keys", ""),
        (8, "repeated", "TemporaryExposureKey", "revised_keys", ""),
    ),
    "TEKSignature": (
        (1, "optional", "SignatureInfo", "signature_info", ""),
        (2, "optional", "int32", "batch_num", ""),
        (3, "optional", "int32", "batch_size", ""),
        (4, "optional", "bytes", "signature", ""),
    ),
    "TEKSignatureList": ((1, "repeated", "TEKSignature", "signatures", ""),),
}


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="ownhue/gaen.proto", package=_PACKAGE, syntax="proto2")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, label, kind, name, default in fields:
            described = message.field.add(name=name, number=number)
            described.label = _Field.LABEL_REPEATED if label == "repeated" else _Field.LABEL_OPTIONAL
            described.type = _TYPES.get(kind, _Field.TYPE_MESSAGE)
            if kind in _MESSAGES:
                described.type_name = f".{_PACKAGE}.{kind}"
            if default:
                described.default_value = default
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_describe())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


#: Message classes; typed Any because their attributes exist only at run time.
SignatureInfoMessage: Any = _class("SignatureInfo")
KeyMessage: Any = _class("TemporaryExposureKey")
ExportMessage: Any = _class("TemporaryExposureKeyExport")
SignatureListMessage: Any = _class("TEKSignatureList")
