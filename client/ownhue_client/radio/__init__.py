"""Bluetooth: sending one's own identifier, hearing others. Back ends for BlueZ, USB dongles and a virtual air.

A back end knows bytes, strengths and times; of keys, colours, stores it knows nothing. specs/identifiers.md section 5
"""

from ownhue_client.radio.interface import Broadcaster, Heard, Scanner

__all__ = ["Broadcaster", "Heard", "Scanner"]
