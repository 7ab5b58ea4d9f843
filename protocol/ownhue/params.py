"""Numbers and enumerations of the wire. Every value stands in the table of the spec named beside it."""

from enum import IntEnum

#: Length of one GAEN interval in seconds; ENIN = unix // INTERVAL_SECONDS. specs/identifiers.md
INTERVAL_SECONDS = 600
#: Default validity of one TEK, in intervals (2 h). specs/identifiers.md
KEY_PERIOD = 12
#: Longest validity of one TEK that GAEN allows, in intervals (one day). specs/identifiers.md
MAX_KEY_PERIOD = 144
#: A sighting counts when its time is at most this many intervals away from its RPI's interval. specs/exposure.md
MATCH_TOLERANCE = 2
#: A key is published no earlier than this many seconds after its period ended. specs/key-file.md
EMBARGO_SECONDS = 1200
#: Default length of a batch in seconds. specs/publication.md
BATCH_SECONDS = 7200
#: Days that keys, key files and a phone's own history are kept. specs/publication.md
RETENTION_DAYS = 14
#: Most keys of one report: 14 days of 2 h periods and a dozen spare. specs/report.md
MAX_REPORT_KEYS = 180
#: Size in bytes of every request and every answer of the phone endpoints. specs/http-api.md
FRAME_BYTES = 16384
#: Length of an epoch in seconds; epoch = unix // EPOCH_SECONDS. specs/pass.md
EPOCH_SECONDS = 86400
#: Most passes of one device for one epoch. specs/pass.md
PASSES_PER_EPOCH = 48
#: A code is accepted when its time is at most this many seconds away. specs/code.md
CODE_TOLERANCE_SECONDS = 60
#: A shown code is signed again after this many seconds. specs/code.md
CODE_RESIGN_SECONDS = 15
#: A pass is shown for at most this many seconds. specs/code.md
CODE_SHOWN_SECONDS = 120


class ReportType(IntEnum):
    """Kinds of diagnosis, numbered as in the GAEN export. specs/key-file.md"""

    UNKNOWN = 0
    CONFIRMED_TEST = 1
    CONFIRMED_CLINICAL = 2
    SELF_REPORT = 3
    RECURSIVE = 4
    REVOKED = 5
