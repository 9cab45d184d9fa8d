"""Writes capture files in every form that the formats allow: byte order, unit of time, interfaces.

Times are integers of nanoseconds since 1970, so that nothing is rounded on the way.
"""

import itertools
import struct

from pcap_reader import Packet

SECTION, INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, NAMES, ENHANCED_PACKET = (
    0x0A0D0D0A, 1, 2, 3, 4, 6
)  # fmt: skip
NO_LIMIT = 262144


def packet(time_ns, link, data, wire_length=None):
    data = bytes(data)
    return Packet(time_ns, link, data, len(data) if wire_length is None else wire_length)


def pcap(packets, order="<", unit_ns=1000):
    """Bytes of a file, which has one link type."""
    link = packets[0].link
    magic = {1000: 0xA1B2C3D4, 1: 0xA1B23C4D}[unit_ns]
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, NO_LIMIT, link)]
    for each in packets:
        assert each.link == link
        seconds, rest_ns = divmod(each.time_ns, 10**9)
        sizes = len(each.data), each.wire_length
        parts.append(struct.pack(order + "4I", seconds, rest_ns // unit_ns, *sizes) + each.data)
    return b"".join(parts)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


class Interface:
    """resolution: if_tsresol as its byte, None for the default; offset_s: if_tsoffset."""

    def __init__(self, link, resolution=None, offset_s=None):
        self.link = link
        self.resolution = resolution
        self.offset_s = offset_s

    def options(self, order):
        options = option(order, 2, b"eth0")  # if_name
        if self.resolution is not None:
            options += option(order, 9, bytes([self.resolution]))
        if self.offset_s is not None:
            options += option(order, 14, struct.pack(order + "q", self.offset_s))
        return options + bytes(4)

    def units(self, time_ns):
        """The time stamp as this interface counts."""
        resolution = 6 if self.resolution is None else self.resolution
        per_second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        return (time_ns - (self.offset_s or 0) * 10**9) * per_second // 10**9


class Pcapng:
    """A file that grows block by block."""

    def __init__(self, order="<"):
        self.parts = []
        self.section(order)

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        length = struct.pack(self.order + "I", 12 + len(body))
        self.parts.append(struct.pack(self.order + "I", kind) + length + body + length)

    def section(self, order):
        """All interfaces are forgotten."""
        self.order = order
        self.interfaces = []
        self.block(SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, interface):
        self.interfaces.append(interface)
        body = struct.pack(self.order + "HHI", interface.link, 0, NO_LIMIT)
        self.block(INTERFACE, body + interface.options(self.order))

    def packet(self, number, each, kind=ENHANCED_PACKET, comment=b""):
        sizes = len(each.data), each.wire_length
        units = self.interfaces[number].units(each.time_ns)
        times = units >> 32, units & 0xFFFFFFFF
        if kind == ENHANCED_PACKET:
            head = struct.pack(self.order + "5I", number, *times, *sizes)
        elif kind == OBSOLETE_PACKET:
            head = struct.pack(self.order + "HH4I", number, 0, *times, *sizes)
        else:
            head = struct.pack(self.order + "I", each.wire_length)
        body = head + each.data + bytes(-len(each.data) % 4)
        if comment:
            body += option(self.order, 1, comment) + bytes(4)
        self.block(kind, body)

    def content(self):
        return b"".join(self.parts)


def pcapng(packets, order="<", interface=None):
    """Bytes of a file with one interface."""
    file = Pcapng(order)
    file.interface(interface or Interface(packets[0].link, 9))
    for each in packets:
        file.packet(0, each)
    return file.content()


def capture_between(addresses, path):
    """A file with a packet from each address to each other one of its family."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    packets = []
    for source, destination in itertools.permutations(addresses, 2):
        if (":" in source) != (":" in destination):
            continue
        layer = IPv6 if ":" in source else IP
        packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        packet /= layer(src=source, dst=destination) / UDP(sport=53, dport=1024) / b"x"
        packet.time = 1_700_000_000 + len(packets) / 100
        packets.append(packet)
    wrpcap(str(path), packets)
    return len(packets)
