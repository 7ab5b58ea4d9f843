"""Where a request comes from, be it through a web server in front or not. specs/http-api.md section 1

An address is handed on to the limiter and kept nowhere. Whether there is a front, and whether it does as the settings
say, cannot be known for sure; what looks wrong is said in the log, once an hour.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ownhue_server import logs

#: How many bytes of an IPv6 address count: one household.
IPV6_PREFIX_BYTES = 8

# An address with a port, as some fronts write it: 192.0.2.1:4711, [2001:db8::1]:4711, [2001:db8::1].
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>[0-9.]+):\d+", re.ASCII)
#: By these a front shows itself.
_OF_FRONTS = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-real-ip"})

_log = logs.get("limiter")


class Addresses:
    """Clients' addresses, with the *header* in which the web server in front names them; empty: there is none."""

    def __init__(self, header: str) -> None:
        self._header = header.encode()
        self.say_again()

    def say_again(self) -> None:
        """Say once more when something looks wrong."""
        self._said = False

    def of(self, scope: Mapping[str, Any]) -> bytes:
        """The client's address, as :func:`client_address` gives it."""
        if not self._said:
            self._look(scope)
        return client_address(scope, self._header)

    def _look(self, scope: Mapping[str, Any]) -> None:
        if self._header:
            if not named_address(scope, self._header):
                self._said = True
                _log.warning(
                    "a request lacks the address that address_header promises; the connection's other end counts"
                )
        elif _is_near(scope) and any(name in _OF_FRONTS for name, _value in scope.get("headers", ())):
            self._said = True
            _log.warning(
                "requests come through another web server and address_header is not set: all share one address"
            )


def client_address(scope: Mapping[str, Any], header: bytes = b"") -> bytes:
    """The client's address as bytes: 4 of IPv4, the first 8 of IPv6 (one household); empty when there is none.

    Of a list in *header* the last entry counts: the one that the own front added. What is no address there is as if
    it were not there.
    """
    named = named_address(scope, header) if header else b""
    return named or _packed(_other_end(scope))


def named_address(scope: Mapping[str, Any], header: bytes) -> bytes:
    """The address that *header* names; empty when there is none."""
    values = [value for name, value in scope.get("headers", ()) if name == header]
    return _packed(values[-1].rpartition(b",")[2].decode("latin-1")) if values else b""


def _other_end(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _is_near(scope: Mapping[str, Any]) -> bool:
    """Whether the connection comes from a place where a web server in front may be, and no phone."""
    try:
        return ipaddress.ip_address(_other_end(scope)).is_private
    except ValueError:
        return False


def _packed(text: str) -> bytes:
    text = text.strip().strip('"')
    with_port = _WITH_PORT.fullmatch(text)
    if with_port:
        text = with_port["v6"] or with_port["v4"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return b""
    if isinstance(address, ipaddress.IPv4Address):
        return address.packed
    mapped = address.ipv4_mapped
    return mapped.packed if mapped else address.packed[:IPV6_PREFIX_BYTES]
