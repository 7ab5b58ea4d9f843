"""Cases for specs/vectors/identifiers.json: metadata, place tags, advertisements, clock anchors.

Outputs are written by hand or come from tests/protocol/second_opinion.py, never from the library.
"""

import hashlib
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.protocol import second_opinion

TEK = hashlib.sha256(b"ownhue vector: placed").digest()[:16]
START = 2_944_800
#: A cell of resolution 7, one of its neighbours, a cell two steps away, a pentagon and one of its neighbours.
HOME, NEXT, FAR = "871f8342cffffff", "871f83421ffffff", "871f83405ffffff"
PENTAGON, BESIDE_PENTAGON = "870800000ffffff", "870800001ffffff"
#: Bytes 0 and 1 of metadata v1.0 with a tag, sent with -20 dBm.
HEAD = bytes.fromhex("41ec")


def beacon(head: bytes = HEAD, cell: str | None = HOME, interval: int = START, tek: bytes = TEK) -> dict[str, str]:
    """A beacon and its plain metadata; without a cell the two last bytes are zero."""
    rpi, _ = second_opinion.beacon(tek, interval, bytes(4))
    tail = bytes(2) if cell is None else second_opinion.place_tag(tek, rpi, head, cell)
    _, aem = second_opinion.beacon(tek, interval, head + tail)
    return {"rpi": rpi.hex(), "metadata": (head + tail).hex(), "aem": aem.hex()}


def metadata_cases() -> list[Case]:
    """What the four plain bytes mean."""

    def read(name: str, data: str, minor: int, power: int, confidence: int = 0, tag: str | None = None) -> Case:
        said = {"transmit_power": power, "major": 1, "minor": minor, "place_tag": tag}
        return good(f"metadata: {name}", "metadata", said | {"calibration_confidence": confidence}, bytes=data)

    wrong = {
        "major version 0": "00080000",
        "major version 2": "80080000",
        "minor version 2": "60080000",
        "minor version 3": "70080000",
        "21 dBm": "40150000",
        "51 dBm below zero": "40cd0000",
        "confidence in v1.0": "44080000",
        "reserved bit 1": "42080000",
        "a tag whose flag was cleared": "4008beef",
        "three bytes": "400800",
        "five bytes": "4008000000",
        "nothing": "",
    }
    return [
        read("v1.0", "40080000", 0, 8),
        read("v1.0, lowest power", "40ce0000", 0, -50),
        read("v1.0, highest power", "40140000", 0, 20),
        read("v1.1, confidence 2", "58ec0000", 1, -20, 2),
        read("v1.0 with a place tag", "41ecbeef", 0, -20, tag="beef"),
        read("v1.1, confidence 3, with a place tag of zeros", "5dec0000", 1, -20, 3, "0000"),
        *[bad(f"metadata: {name}", "metadata", bytes=data) for name, data in wrong.items()],
    ]


def place_cases() -> list[Case]:
    """Place tags: made, put into a beacon, judged."""
    made, plain = beacon(), beacon(bytes.fromhex("40ec"), None)
    place_key = second_opinion.hkdf16(TEK, b"OWNHUE-PLACE").hex()
    tek, rpi, sent = TEK.hex(), made["rpi"], bytes.fromhex(made["metadata"])

    def tag(name: str, cell: str, head: bytes = HEAD) -> Case:
        value = second_opinion.place_tag(TEK, bytes.fromhex(rpi), head, cell).hex()
        output = {"place_key": place_key, "tag": value}
        return good(f"place tag: {name}", "place_tag", output, tek=tek, rpi=rpi, head=head.hex(), cell=cell)

    def judged(name: str, output: str, own: list[str], metadata: str = made["metadata"]) -> Case:
        return good(f"judged: {name}", "judge_place", output, tek=tek, rpi=rpi, metadata=metadata, own_cells=own)

    def sending(interval: int = START, cell: str | None = HOME, power: int = -20) -> dict[str, Any]:
        return {"tek": tek, "rolling_start": START, "interval": interval, "transmit_power": power, "cell": cell}

    precise = beacon(bytes.fromhex("5dec"))
    louder = bytes((sent[0], sent[1] ^ 0x10)) + sent[2:]
    other_cells = ["871f83", HOME.upper(), "881f8342c1fffff", "87ffffffffffff", "971f8342cffffff"]
    return [
        tag("a cell", HOME),
        tag("its neighbour", NEXT),
        tag("a pentagon", PENTAGON),
        tag("v1.1, confidence 3, 20 dBm", HOME, bytes.fromhex("5d14")),
        bad("place tag: not announced", "place_tag", tek=tek, rpi=rpi, head="40ec", cell=HOME),
        good("beacon: with a place tag", "beacon", made, **sending()),
        good("beacon: the sender does not know its place", "beacon", plain, **sending(cell=None)),
        good("beacon: v1.1", "beacon", precise, **sending(), minor=1, calibration_confidence=3),
        good("beacon: last interval", "beacon", beacon(interval=START + 11), **sending(START + 11)),
        bad("beacon: after the key's period", "beacon", "StateError", **sending(START + 12)),
        bad("beacon: before the key's period", "beacon", "StateError", **sending(START - 1)),
        bad("beacon: 21 dBm", "beacon", **sending(power=21)),
        *[bad(f"beacon: no cell of resolution 7: {text}", "beacon", **sending(cell=text)) for text in other_cells],
        judged("in the sender's cell", "confirmed", [HOME]),
        judged("in a neighbouring cell", "confirmed", [NEXT]),
        judged("was there on the way", "confirmed", [FAR, NEXT]),
        judged("two cells away", "elsewhere", [FAR]),
        judged("one own cell, named 33 times", "elsewhere", [FAR] * 33),
        judged("near a pentagon", "elsewhere", [PENTAGON]),
        judged("the receiver does not know its place", "unconfirmed", []),
        judged("the sender sent no tag", "unconfirmed", [HOME], plain["metadata"]),
        judged("transmit power changed in the air", "elsewhere", [HOME], louder.hex()),
        judged("another minor version claimed", "elsewhere", [HOME], (bytes((sent[0] ^ 0x10,)) + sent[1:]).hex()),
        judged("tag changed in the air", "elsewhere", [HOME], (sent[:3] + bytes((sent[3] ^ 1,))).hex()),
        bad(
            "judged: flag of the tag cleared in the air",
            "judge_place",
            tek=tek,
            rpi=rpi,
            metadata=(bytes((sent[0] ^ 1,)) + sent[1:]).hex(),
            own_cells=[HOME],
        ),
    ]


def advertisement_cases() -> list[Case]:
    """Advertisements: as they are sent, as others send them, and what is none."""
    sent = beacon()
    rpi, aem = sent["rpi"], sent["aem"]
    flags, services, data = "02011a", "03036ffd", f"17166ffd{rpi}{aem}"
    whole = second_opinion.advertisement(bytes.fromhex(rpi), bytes.fromhex(aem)).hex()
    right = {
        "as GAEN's phones send it": whole,
        "without flags": services + data,
        "BlueZ's flags, service data first": data + "020104" + services,
        "an own power between": services + "020af8" + data,
        "filled with zeros": services + data + "000000",
        "an empty structure between": services + "01ff" + data,
    }
    wrong = {
        "nothing": "",
        "no service data": flags + services,
        "service data twice": services + 2 * "03166ffd",
        "no list of services": flags + data,
        "a list of two services": "05036ffd0a18" + data,
        "an incomplete list of services": flags + "03026ffd" + data,
        "service data of another service": flags + services + data.replace("6ffd", "6efd", 1),
        "another service altogether": whole.replace("6ffd", "6efd"),
        "the UUID in the wrong order": whole.replace("6ffd", "fd6f"),
        "metadata of three bytes": flags + services + f"16166ffd{rpi}{aem[:-2]}",
        "metadata of five bytes": services + f"18166ffd{rpi}{aem}00",
        "a structure that is cut off": whole[:-2],
        "something behind the end": services + data + "000001",
        "service data behind the end": services + "00" + data,
    }
    output = {"rpi": rpi, "aem": aem}
    return [
        *[good(f"advertisement: {name}", "read_advertisement", output, data=text) for name, text in right.items()],
        *[bad(f"advertisement: {name}", "read_advertisement", data=text) for name, text in wrong.items()],
        bad("advertisement: 32 bytes", "read_advertisement", "LimitError", data=whole + "00"),
        good(
            "advertisement: another service on purpose",
            "read_advertisement",
            output,
            data=whole.replace("6ffd", "00ff"),
            uuid=0xFF00,
        ),
        good("advertisement: written", "write_advertisement", whole, service_data=rpi + aem),
        good(
            "advertisement: written without flags",
            "write_advertisement",
            services + data,
            service_data=rpi + aem,
            flags=None,
        ),
        bad("advertisement: written with metadata of three bytes", "write_advertisement", service_data=rpi + aem[:-2]),
    ]


def clock_cases() -> list[Case]:
    """Clock anchors: what heads and a monotonic clock say of the time."""
    boot, later = "b0" * 16, "b1" * 16
    noon = 1_767_268_800

    def cbor(floor: int, boot: str, reading: int) -> str:
        return f"84011a{floor:08x}50{boot}1a{reading:08x}"

    def head(time: int, reading: int, boot: str = boot) -> dict[str, object]:
        return {"time": time, "boot": boot, "reading": reading}

    def at(name: str, heads: list[dict[str, object]], anchor: str, reading: int, least: int, boot: str = boot) -> Case:
        output = {"anchor": anchor, "not_before": least}
        question = {"heads": heads, "now": {"boot": boot, "reading": reading}}
        return good(f"clock: {name}", "clock_anchor", output, **question)

    once, twice = head(noon, 100_000), [head(noon, 100_000), head(noon + 7258, 107_260)]
    kept = cbor(noon, boot, 100_000)
    wrong = {
        "version 2": kept.replace("8401", "8402", 1),
        "a boot of 15 bytes": f"84011a{noon:08x}4f{boot[2:]}1a{100_000:08x}",
        "a time of 41 bits": f"84011b{2**40:016x}50{boot}1a{100_000:08x}",
        "a time below zero": "840120" + f"50{boot}1a{100_000:08x}",
        "the version true": kept.replace("8401", "84f5", 1),
        "a time in a longer spelling": f"84011b{noon:016x}50{boot}1a{100_000:08x}",
        "five parts": "85" + kept[2:] + "00",
        "a byte behind it": kept + "00",
        "nothing": "",
    }
    return [
        at("at once", [once], kept, 100_000, noon),
        at("a second later", [once], kept, 100_001, noon),
        at("an hour later, less the drift", [once], kept, 103_600, noon + 3598),
        at("a day later", [once], kept, 186_400, noon + 86_400 - 44),
        at("a newer head", twice, cbor(noon + 7258, boot, 107_260), 107_260, noon + 7258),
        at(
            "an older head changes nothing",
            [once, head(noon - 7200, 107_200)],
            cbor(noon + 7196, boot, 107_200),
            107_200,
            noon + 7196,
        ),
        at("after a reboot the last head's time", [once], kept, 5, noon, later),
        at("a head after the clock ran backwards: the greater reading is kept", [once, head(noon, 5)], kept, 5, noon),
        at(
            "the last second there is",
            [head(2**40 - 1, 0)],
            f"84011b{2**40 - 1:016x}50{boot}00",
            86_400,
            2**40 - 1,
        ),
        at(
            "a head after a reboot",
            [once, head(noon + 9000, 30, later)],
            cbor(noon + 9000, later, 30).replace("1a0000001e", "181e"),
            630,
            noon + 9599,
            later,
        ),
        at("a monotonic clock that ran backwards", [once], kept, 99_000, noon),
        good(
            "clock: read",
            "read_clock_anchor",
            {"floor": noon, "boot": boot, "reading": 100_000},
            data=kept,
        ),
        *[bad(f"clock: {name}", "read_clock_anchor", data=data) for name, data in wrong.items()],
    ]
