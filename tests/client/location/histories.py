"""One hour of one owner as each program would have exported it."""

import json
from typing import Any

from ownhue.params import RETENTION_DAYS

#: 2026-01-07 12:00 UTC.
NOW = 1_767_787_200
#: Five fixes, ten minutes apart.
TIMES = [NOW - 86_400 + 600 * number for number in range(5)]
OLDEST = (NOW // 86_400 - RETENTION_DAYS) * 86_400
NORTH, EAST = 46.948, 7.4474


def iso(unix: int, zone: str = "Z") -> str:
    """A time as most programs spell it; *zone* "+01:00" is that of the place."""
    hour = unix % 86_400 // 3600 + (1 if zone == "+01:00" else 0)
    return f"2026-01-06T{hour:02}:{unix % 3600 // 60:02}:{unix % 60:02}.000{zone}"


def text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def records(**changes: Any) -> bytes:
    """Google's Records.json; every second point in the older spelling."""
    point = {"latitudeE7": round(NORTH * 10**7), "longitudeE7": round(EAST * 10**7), "accuracy": 20, "source": "WIFI"}
    extra = {"activity": [{"timestamp": iso(TIMES[0]), "activity": [{"type": "STILL", "confidence": 100}]}]}
    stamps = [
        {"timestamp": iso(time)} if number % 2 else {"timestampMs": str(time * 1000)}
        for number, time in enumerate(TIMES)
    ]
    return text({"locations": [point | extra | stamp | changes for stamp in stamps]})


def android() -> bytes:
    place = f"{NORTH}°, {EAST}°"
    path = [{"point": place, "time": iso(TIMES[1], "+01:00")}]
    activity = {"start": {"latLng": place}, "end": {"latLng": place}, "topCandidate": {"type": "WALKING"}}
    raw = [
        {"wifiScan": {"deliveryTime": iso(TIMES[0])}},
        {"position": {"LatLng": place, "accuracyMeters": 13, "source": "GPS", "timestamp": iso(TIMES[4], "+01:00")}},
    ]
    segments = [
        {"startTime": iso(TIMES[0], "+01:00"), "endTime": iso(TIMES[0], "+01:00"), "visit": candidate("latLng", place)},
        {"startTime": iso(TIMES[1], "+01:00"), "endTime": iso(TIMES[2], "+01:00"), "timelinePath": path},
        {"startTime": iso(TIMES[2], "+01:00"), "endTime": iso(TIMES[3], "+01:00"), "activity": activity},
    ]
    return text({"semanticSegments": segments, "rawSignals": raw, "userLocationProfile": {"frequentPlaces": []}})


def candidate(name: str, place: str) -> dict[str, Any]:
    located: Any = {name: place} if name else place
    return {"hierarchyLevel": 0, "topCandidate": {"placeId": "x", "semanticType": "Home", "placeLocation": located}}


def ios() -> bytes:
    place = f"geo:{NORTH:.6f},{EAST:.6f}"
    path = [{"point": place, "durationMinutesOffsetFromStartTime": "10"}]
    return text(
        [
            {"startTime": iso(TIMES[0]), "endTime": iso(TIMES[0]), "visit": candidate("", place)},
            {"startTime": iso(TIMES[0]), "endTime": iso(TIMES[1]), "timelinePath": path},
            {"startTime": iso(TIMES[2]), "endTime": iso(TIMES[3]), "activity": {"start": place, "end": place}},
            {"startTime": iso(TIMES[4]), "endTime": iso(TIMES[4]), "visit": candidate("", place)},
        ]
    )


def owntracks() -> list[dict[str, Any]]:
    fixes = [{"_type": "location", "lat": NORTH, "lon": EAST, "acc": 20, "tst": time, "tid": "ab"} for time in TIMES]
    return [fixes[0], {"_type": "transition", "lat": 1, "lon": 1, "tst": TIMES[0]}, *fixes[1:], {"_type": "lwt"}]


def rec() -> bytes:
    """What the recorder of OwnTracks writes; a line of it may be an encrypted message."""
    lines = [f"{iso(TIMES[0])}\t*                 \t{json.dumps(message)}" for message in owntracks()]
    return "\n".join([*lines, f"{iso(TIMES[0])}\tlwt               \tbm90aGluZw=="]).encode()


def gpx(*extra: str, namespace: str = "") -> bytes:
    points = "".join(
        f'<{namespace}trkpt lat="{NORTH}" lon="{EAST}"><{namespace}ele>540</{namespace}ele>'
        f"<{namespace}time>{iso(time)}</{namespace}time><{namespace}hdop>2.5</{namespace}hdop></{namespace}trkpt>"
        for time in TIMES
    )
    xmlns = f"xmlns{':' + namespace[:-1] if namespace else ''}"
    return (
        f'<?xml version="1.0"?>\n<{namespace}gpx version="1.1" {xmlns}="http://www.topografix.com/GPX/1/1">'
        f'<{namespace}wpt lat="1" lon="1"><{namespace}time>{iso(TIMES[0])}</{namespace}time></{namespace}wpt>'
        f"<{namespace}trk><{namespace}trkseg>{points}{''.join(extra)}</{namespace}trkseg></{namespace}trk></{namespace}gpx>"
    ).encode()


def geojson_points() -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [EAST, NORTH, 540]},
            "properties": {"timestamp": time * 1000 if number % 2 else iso(time), "accuracy": 20},
        }
        for number, time in enumerate(TIMES)
    ]
    return text({"type": "FeatureCollection", "features": features})


def geojson_line() -> bytes:
    """A single feature."""
    line = {"type": "LineString", "coordinates": [[EAST, NORTH]] * len(TIMES)}
    return text({"type": "Feature", "properties": {"coordTimes": [iso(time) for time in TIMES]}, "geometry": line})
