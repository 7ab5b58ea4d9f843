"""The source "gpsd": a receiver for satellites, by gpsd's JSON protocol on a socket of this device.

    <- {"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}
    -> ?WATCH={"enable":true,"json":true};
    <- {"class":"TPV","mode":3,"time":"2026-01-06T12:00:00.000Z","lat":46.948,"lon":7.4474,"eph":8.2}

Nothing leaves the device. Only gpsd's place is believed, not its time: receivers are known to be wrong by 1,024 weeks.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from ownhue_client.errors import LocationError
from ownhue_client.location.imports.values import number_of
from ownhue_client.location.interface import Fix

PORT = 2947
#: Seconds between two fixes that are handed on; receivers give one a second.
STEP_SECONDS = 30
#: gpsd says "certainty unknown" of its errors, so they are read as those of 68 %. specs/area.md section 4
_FACTOR = 2
#: Metres where it states no error, before that factor.
_UNSTATED = 50
_LINE_BYTES = 1 << 16
_PROTOCOL = 3
_FIX_2D = 2
_CONNECT_SECONDS = 5


class GpsdSource:
    """Fixes of the gpsd that runs on this device."""

    def __init__(self, now: Callable[[], int], host: str = "127.0.0.1", port: int = PORT) -> None:
        """*now*: unix seconds. Raises LocationError for a *host* that is another device: it would learn the place."""
        try:
            here = ip_address(host).is_loopback
        except ValueError:
            here = False
        if not here:
            raise LocationError("gpsd is asked on this device only: its address is 127.0.0.1 or ::1")
        self._now = now
        self._address = host, port

    async def fixes(self) -> AsyncIterator[Fix]:
        """As :meth:`LocationSource.fixes`: one every 30 s while there is a fix, none indoors."""
        reader, writer = await self._connect()
        try:
            last: int | None = None
            while True:
                report = await _read(reader)
                now = self._now()
                fix = _fix(report, now)
                # A clock that was set back must not silence the source.
                if fix is not None and (last is None or abs(now - last) >= STEP_SECONDS):
                    last = now
                    yield fix
        except OSError as error:
            raise LocationError("the connection to gpsd broke off") from error
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._address
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port, limit=_LINE_BYTES)
        except (OSError, TimeoutError) as error:
            raise LocationError(
                f"no gpsd answers on port {port}: install and start it, or choose another source"
            ) from error
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                version = await _read(reader)
        except (LocationError, TimeoutError, OSError) as error:
            writer.close()
            raise LocationError(f"what answers on port {port} is no gpsd") from error
        if version.get("class") != "VERSION" or version.get("proto_major") != _PROTOCOL:
            writer.close()
            raise LocationError(f"what answers on port {port} is no gpsd of protocol {_PROTOCOL}")
        writer.write(b'?WATCH={"enable":true,"json":true};\n')
        return reader, writer


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next report. Raises LocationError."""
    try:
        line = await reader.readline()
    except ValueError as error:
        raise LocationError("gpsd sent a line that is too long") from error
    if not line.endswith(b"\n"):
        raise LocationError("gpsd ended the connection")
    try:
        report = json.loads(line)
    except (ValueError, RecursionError):
        # Not "from": the parser's error holds the line, and that a place.
        raise LocationError("gpsd sent what is no report") from None
    return report if isinstance(report, dict) else {}


def _fix(report: dict[str, Any], now: int) -> Fix | None:
    """The fix of a report at *now*; None: it is another one, or there was no reception."""
    mode = report.get("mode")
    if report.get("class") != "TPV" or not isinstance(mode, int) or mode < _FIX_2D:
        return None
    latitude, longitude = number_of(report.get("lat")), number_of(report.get("lon"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Fix(now, latitude, longitude, math.ceil(_FACTOR * _error(report)))


def _error(report: dict[str, Any]) -> float:
    """Metres by which gpsd thinks that it may be wrong."""
    across = number_of(report.get("eph"))
    east, north = number_of(report.get("epx")), number_of(report.get("epy"))
    if across is None and east is not None and north is not None:
        across = math.hypot(east, north)
    # What is absurd is cut rather than refused; nothing believes a fix of 25 km.
    return _UNSTATED if across is None or across < 0 else min(across, 25_000)
