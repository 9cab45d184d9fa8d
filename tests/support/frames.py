"""Frames made by hand: IP packets, and link headers that carry one another in any stacking.

A carrier takes what it carries as (protocol number, bytes) and gives the same of itself; what has
no EtherType is bytes. Frames.random() stacks them by chance, as deep as its caller says.
"""

import struct

ETHERNET, NULL, PPP, PPP_HDLC, PPPOE, RAW, CISCO_HDLC, LOOP = 1, 0, 9, 50, 51, 101, 104, 108
SLL, SLL2, IPV4_LINK, IPV6_LINK, NFLOG = 113, 276, 228, 229, 239
LINKS = (ETHERNET, NULL, PPP, PPP_HDLC, PPPOE, RAW, CISCO_HDLC, LOOP, SLL, SLL2, IPV4_LINK,
         IPV6_LINK, NFLOG)  # fmt: skip

ADDRESSES = bytes.fromhex("020000000001 0a0000000002")  # Ethernet, destination first
TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
TCP, UDP = 6, 17


def udp(source_port, destination_port=53, payload=b"data"):
    return struct.pack(">4H", source_port, destination_port, 8 + len(payload), 0) + payload


def tcp(source_port, destination_port=80, flags=0x10, payload=b""):
    return struct.pack(">HHIIBBHHH", source_port, destination_port, 1, 1, 0x50, flags, 512, 0, 0) + payload


def ipv4(payload, protocol=UDP, source="192.0.2.10", destination="198.51.100.7", tos=0, options=b"",
         identification=0, offset=0, more=False, total_length=None, header_words=None):  # fmt: skip
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    words = 5 + len(options) // 4 if header_words is None else header_words
    fragment = offset // 8 | (0x2000 if more else 0)
    head = struct.pack(">BBHHHBBH", 0x40 | words, tos, length, identification, fragment, 64, protocol, 0)
    addresses = bytes(map(int, f"{source}.{destination}".split(".")))
    return head + addresses + options + payload


def ipv6(payload, protocol=UDP, source=1, destination=7, traffic_class=0, payload_length=None):
    length = len(payload) if payload_length is None else payload_length
    addresses = b"".join(0x20010DB8.to_bytes(4, "big") + n.to_bytes(12, "big") for n in (source, destination))
    return struct.pack(">IHBB", 6 << 28 | traffic_class << 20, length, protocol, 64) + addresses + payload


def fragment_header(next_header, identification, offset=0, more=False):
    return struct.pack(">BBHI", next_header, 0, offset & 0xFFF8 | int(more), identification)


def ip_kind(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


# ---- carriers -----------------------------------------------------------------------------------


def tag(carried, identifier, kind=0x8100):
    return kind, struct.pack(">HH", 0x6000 | identifier, carried[0]) + carried[1]


def snap(carried, organisation=b"\0\0\0"):
    """With its length in place of an EtherType."""
    body = b"\xaa\xaa\x03" + organisation + struct.pack(">H", carried[0]) + carried[1]
    return min(len(body), 1500), body


def ethernet(carried, addresses=ADDRESSES):
    return addresses + struct.pack(">H", carried[0]) + carried[1]


def labels(carried, numbers, kind=0x8847):
    """Bytes after a label stack."""
    last = len(numbers) - 1
    stack = (struct.pack(">I", n << 12 | (i == last) << 8 | 64) for i, n in enumerate(numbers))
    return kind, b"".join(stack) + carried


def ppp(carried, is_compressed=False):
    """What follows address and control, for an EtherType."""
    protocol = {0x0800: 0x0021, 0x86DD: 0x0057, 0x8847: 0x0281, 0x8848: 0x0283}[carried[0]]
    if is_compressed and protocol < 0x100:
        return struct.pack(">B", protocol) + carried[1]
    return struct.pack(">H", protocol) + carried[1]


def pppoe(carried, is_compressed=False):
    body = ppp(carried, is_compressed)
    return 0x8864, struct.pack(">BBHH", 0x11, 0, 9, len(body)) + body


def cooked(carried, packet_type=0):
    kind = 4 if carried[0] < 0x600 else carried[0]  # LINUX_SLL_P_802_2
    return struct.pack(">HHH8sH", packet_type, 1, 6, b"\2", kind) + carried[1]


def cooked2(carried, packet_type=0):
    kind = 4 if carried[0] < 0x600 else carried[0]
    return struct.pack(">HHIHBB8s", kind, 0, 3, 1, packet_type, 6, b"\2") + carried[1]


def nflog_attribute(order, kind, value):
    return struct.pack(order + "HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nflog(payload, family, hook, kind=0, order="<", vlan=None):
    parts = [bytes([family, 0, 0, 40]), nflog_attribute(order, 1, struct.pack(">HBB", kind, hook, 0))]
    if vlan is not None:
        nested = nflog_attribute(order, 1, b"\x81\0") + nflog_attribute(order, 2, struct.pack(">H", vlan))
        parts.append(nflog_attribute(order, 20 | 0x8000, nested))
    return b"".join(parts) + nflog_attribute(order, 9, payload)


class Frames:
    """Frames of random stackings. chance: random.Random."""

    def __init__(self, chance):
        self.chance = chance

    def stack(self, packet, depth):
        """(EtherType, bytes): an IP packet below up to 'depth' headers."""
        carried = ip_kind(packet), packet
        for _ in range(self.chance.randrange(depth + 1)):
            carried = self.wrap(carried, packet)
        return carried

    def wrap(self, carried, packet):
        chance = self.chance
        kind, body = carried
        ways = ["tag", "tag", "tag", "snap", "bridge", "control word"]
        if body is packet:
            ways += ["labels", "labels", "null label"]
        if kind in (0x0800, 0x86DD, 0x8847, 0x8848):
            ways += ["pppoe", "ppp"]
        if kind in (0x0800, 0x86DD, 0x8864, 0x8847, *TAGS):
            ways += ["no control word"]
        way = chance.choice(ways)
        stack = [chance.randrange(16, 2**20) for _ in range(chance.randint(1, 5))]
        label_kind = chance.choice((0x8847, 0x8847, 0x8848))
        if way == "tag":
            for _ in range(chance.choice((1, 1, 2, 3, 20))):
                carried = tag(carried, chance.randrange(4096), chance.choice(TAGS))
            return carried
        if way == "snap":
            return snap(carried, chance.choice((b"\0\0\0", b"\0\0\xf8")))
        if way == "bridge":
            return 0x6558, ethernet(carried)
        if way == "labels":
            return labels(packet, stack, label_kind)
        if way == "null label":
            return labels(packet, stack + [0 if packet[0] >> 4 == 4 else 2], label_kind)
        if way == "pppoe":
            return pppoe(carried, chance.random() < 0.3)
        if way == "ppp":
            return 0x880B, ppp(carried, chance.random() < 0.3)
        control_word = struct.pack(">HH", 0, chance.choice((0, 7))) if way == "control word" else b""
        return labels(control_word + ethernet(carried), stack, label_kind)

    def random(self, link, packet, depth=6):
        """A frame of a link type, with the packet somewhere in it."""
        chance = self.chance
        order = chance.choice("<>")
        is_ipv4 = packet[0] >> 4 == 4
        if link in (RAW, IPV4_LINK, IPV6_LINK):
            return packet
        if link in (NULL, LOOP):
            family = 2 if is_ipv4 else chance.choice((10, 23, 24, 28, 30))
            return struct.pack((order if link == NULL else ">") + "I", family) + packet
        carried = self.stack(packet, depth)
        if link == ETHERNET:
            return ethernet(carried)
        if link == NFLOG:
            vlan = chance.choice((None, None, 77))
            if chance.random() < 0.3:
                return nflog(ethernet(carried), 5, 1, carried[0], order, vlan)
            if chance.random() < 0.5:
                kind = 4 if carried[0] < 0x600 else carried[0]
                return nflog(carried[1], chance.choice((5, 7)), 0, kind, order, vlan)
            return nflog(packet, 2 if is_ipv4 else 10, chance.randrange(5), 0, order, vlan)
        if link in (SLL, SLL2):
            return (cooked if link == SLL else cooked2)(carried, chance.choice((0, 1, 2, 3, 4)))
        if link == CISCO_HDLC and carried[0] >= 0x600:
            return struct.pack(">HH", chance.choice((0x0F00, 0x8F00)), carried[0]) + carried[1]
        if carried[0] not in (0x0800, 0x86DD, 0x8847, 0x8848):
            carried = ip_kind(packet), packet
        if link == PPPOE:
            return pppoe(carried, chance.random() < 0.3)[1]
        body = ppp(carried, chance.random() < 0.3)
        return body if link == PPP and chance.random() < 0.5 else b"\xff\x03" + body
