"""What every witness of the tests reports: flows as keys with totals, comparable with ==.

The witnesses are the pcap reader, the NetFlow decoder, nfacctd, nfdump and the traffic generator.
"""

import socket
from dataclasses import dataclass, field
from typing import NamedTuple

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58


class FlowKey(NamedTuple):
    """Addresses are canonical text; ports of ICMP are 0 and type * 256 + code."""

    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int
    tos: int = 0
    vlan: int = 0


def address_text(packed):
    """4 or 16 bytes -> canonical text."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def canonical_address(text):
    """The text that address_text() would give, from whatever a tool prints."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, text))


@dataclass
class Totals:
    packets: int = 0
    octets: int = 0
    tcp_flags: int = 0
    first_ms: int = None
    last_ms: int = None

    def add(self, packets, octets, tcp_flags=0, first_ms=None, last_ms=None):
        self.packets += packets
        self.octets += octets
        self.tcp_flags |= tcp_flags
        if first_ms is not None:
            self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)
            self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)


@dataclass
class FlowTable:
    """Totals by key. What a witness cannot tell stays at its default (tos 0, no times)."""

    flows: dict = field(default_factory=dict)

    def add(self, key, *amounts, **named):
        self.flows.setdefault(key, Totals()).add(*amounts, **named)

    def packets(self):
        return sum(totals.packets for totals in self.flows.values())

    def octets(self):
        return sum(totals.octets for totals in self.flows.values())

    def counters(self, *dropped_key_members):
        """key -> (packets, octets), summed over the key members that are named."""
        counters = {}
        for key, totals in self.flows.items():
            plain = key._replace(**{name: 0 for name in dropped_key_members})
            packets, octets = counters.get(plain, (0, 0))
            counters[plain] = (packets + totals.packets, octets + totals.octets)
        return counters


def differences(actual, expected, limit=10):
    """Lines that say how two mappings differ; empty when they are equal."""
    lines = []
    for key in sorted(set(actual) | set(expected), key=str):
        if actual.get(key) != expected.get(key):
            lines.append(f"{key}: got {actual.get(key)}, expected {expected.get(key)}")
    more = len(lines) - limit
    return lines[:limit] + ([f"... and {more} more"] if more > 0 else [])
