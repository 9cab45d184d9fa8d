"""Independent count of the flows of a capture file: the truth that flowagent is held against.

Reads pcap (both byte orders, micro- and nanoseconds) and pcapng, and implements section "what is a
packet, a flow, a byte" of the design a second time, from the standards. It must not share code,
structure or mistakes with lib/decode*.c: it works on whole Python bytes, by slicing, and counts
after the fact.

Command line: pcap_reader.py FILE... prints the flows of each.
"""

import struct
import sys
from collections import Counter, OrderedDict
from typing import NamedTuple

from flows import ICMP, ICMPV6, TCP, FlowKey, FlowTable, address_text


class Packet(NamedTuple):
    time_ns: int
    link: int  # LINKTYPE_ number of the file
    data: bytes  # captured bytes
    wire_length: int  # length before the frame was cut


class Ignored(Exception):
    """The packet has no outermost IP header that could be accounted; args[0] is why."""


# ---- files ------------------------------------------------------------------------------------


def read_packets(path):
    """All packets of a file, in its order. Raises ValueError for a file that is cut or not one."""
    with open(path, "rb") as file:
        content = file.read()
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        return list(_pcapng_packets(content))
    return list(_pcap_packets(content))


PCAP_MAGIC = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}


def _pcap_packets(content):
    if content[:4] not in PCAP_MAGIC or len(content) < 24:
        raise ValueError("not a pcap file")
    order, unit_ns = PCAP_MAGIC[content[:4]]
    link = struct.unpack_from(order + "I", content, 20)[0] & 0x0FFFFFFF
    at = 24
    while at < len(content):
        if at + 16 > len(content):
            raise ValueError("cut within a packet header")
        seconds, fraction, captured, wire = struct.unpack_from(order + "4I", content, at)
        at += 16
        if at + captured > len(content):
            raise ValueError("cut within a packet")
        yield Packet(seconds * 10**9 + fraction * unit_ns, link, content[at : at + captured], wire)
        at += captured


def _pcapng_options(body, order):
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            return
        yield code, body[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


class _Interface:
    """An interface description block: link type and how its time stamps count."""

    def __init__(self, body, order):
        self.link, _, self.snap_length = struct.unpack_from(order + "HHI", body)
        self.ticks_per_second = 10**6
        self.offset_s = 0
        for code, value in _pcapng_options(body[8:], order):
            if code == 9:  # if_tsresol
                power = value[0] & 0x7F
                self.ticks_per_second = 2**power if value[0] & 0x80 else 10**power
            elif code == 14:  # if_tsoffset
                self.offset_s = struct.unpack(order + "q", value)[0]

    def time_ns(self, high, low):
        ticks = high << 32 | low
        return self.offset_s * 10**9 + ticks * 10**9 // self.ticks_per_second


def _pcapng_packets(content):
    at, order, interfaces, last_ns = 0, "<", [], 0
    while at < len(content):
        if at + 12 > len(content):
            raise ValueError("cut within a block header")
        if content[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if content[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", content, at)
        if length < 12 or at + length > len(content):
            raise ValueError("cut within a block")
        body = content[at + 8 : at + length - 4]
        at += length
        if kind == 1:
            interfaces.append(_Interface(body, order))
        elif kind == 6:  # enhanced packet block
            number, high, low, captured, wire = struct.unpack_from(order + "5I", body)
            source = interfaces[number]
            last_ns = source.time_ns(high, low)
            yield Packet(last_ns, source.link, body[20 : 20 + captured], wire)
        elif kind == 2:  # the obsolete packet block
            number, _, high, low, captured, wire = struct.unpack_from(order + "HH4I", body)
            source = interfaces[number]
            last_ns = source.time_ns(high, low)
            yield Packet(last_ns, source.link, body[20 : 20 + captured], wire)
        elif kind == 3:  # simple packet block: no time, so that of the packet before
            wire = struct.unpack_from(order + "I", body)[0]
            source = interfaces[0]
            captured = min(wire, source.snap_length or wire)
            yield Packet(last_ns, source.link, body[4 : 4 + captured], wire)


# ---- link layer -------------------------------------------------------------------------------

VLAN_TYPES = {0x8100, 0x88A8, 0x9100, 0x9200}
MPLS_TYPES = {0x8847, 0x8848}
# TRILL, BATMAN, MACsec, 802.1ah, FabricPath, Cisco metadata, VN-Tag, 802.1BR, NSH, 802.1CB: IP, perhaps.
TYPES_THAT_HIDE_IP = {0x22F3, 0x4305, 0x88E5, 0x88E7, 0x8903, 0x8909, 0x8926, 0x893F, 0x894F, 0xF1C1}
IP_VERSION_OF_TYPE = {0x0800: 4, 0x86DD: 6}
# IANA "PPP DLL Protocol Numbers": compressed, encrypted, split or bridged packets, IP perhaps.
PPP_HIDES_IP = {0x03, 0x05, 0x2D, 0x2F, 0x31, 0x3D, 0x53, 0x55}
PPP_HIDES_IP |= {0x61, 0x63, 0x65, 0x67, 0x69, 0xFB, 0xFD}
INET6_FAMILIES = {10, 23, 24, 28, 30}  # Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS
# Linux cooked: to us, broadcast, multicast; from us. 3 is from somebody to somebody else.
SIDE_OF_PACKET_TYPE = {0: 0, 1: 0, 2: 0, 4: 1}
EGRESS_HOOKS = {3, 4}  # NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING


class Frame:
    """What the layers below IP say: IP version (None: its own nibble tells), bytes from IP on."""

    def __init__(self, packet):
        self.rest = packet.data
        self.is_cut = len(packet.data) < packet.wire_length
        self.vlan = None
        self.side = None  # 0 ingress, 1 egress, None unknown
        self.version = None

    def take(self, count):
        if len(self.rest) < count:
            raise Ignored("link_truncated")
        head, self.rest = self.rest[:count], self.rest[count:]
        return head

    def take_u16(self):
        return int.from_bytes(self.take(2), "big")

    def ethertype(self, kind):
        """Go on after an ethertype (or an 802.3 length, which is below 0x600)."""
        while kind in VLAN_TYPES:
            tag = self.take_u16()
            if self.vlan is None:
                self.vlan = tag & 0x0FFF
            kind = self.take_u16()
        if kind in IP_VERSION_OF_TYPE:
            self.version = IP_VERSION_OF_TYPE[kind]
        elif kind in MPLS_TYPES:
            self.mpls()
        elif kind == 0x8864:
            self.pppoe()
        elif kind == 0x880B:
            self.ppp_protocol()
        elif kind == 0x6558:
            self.ethernet()
        elif kind < 0x600:
            self.llc()
        elif kind in TYPES_THAT_HIDE_IP:
            raise Ignored("link_unknown")
        else:
            raise Ignored("not_ip")

    def llc(self):
        header = self.take(3)
        if header == b"\x06\x06\x03":
            self.version = 4
            return
        if header != b"\xaa\xaa\x03":
            raise Ignored("not_ip")
        organisation = self.take(3)
        kind = self.take_u16()
        if organisation == b"\0\x80\xc2":  # a whole frame of some kind, RFC 2427
            raise Ignored("link_unknown")
        if organisation not in (b"\0\0\0", b"\0\0\xf8"):
            raise Ignored("not_ip")
        self.ethertype(kind)

    def mpls(self):
        bottom = b"\0\0\0"
        try:
            while not bottom[2] & 1:
                bottom = self.take(4)
        except Ignored:
            raise Ignored("link_truncated" if self.is_cut else "link_malformed") from None
        label = int.from_bytes(bottom, "big") >> 12
        if label in (0, 2):  # explicit null
            self.version = 4 if label == 0 else 6
            return
        if not self.rest:  # its first four bits say what it is
            raise Ignored("link_truncated")
        nibble = self.rest[0] >> 4
        if nibble == 1 and not self.is_frame(self.rest):
            raise Ignored("not_ip")
        if nibble in (4, 6):
            return
        # A pseudowire. A control word starts with 0; so do most addresses, but what is four bytes
        # further is then seldom a frame.
        if nibble == 0 and not self.is_frame(self.rest):
            self.take(4)
        self.ethernet()

    @staticmethod
    def is_frame(data):
        kind = int.from_bytes(data[12:14], "big")
        if kind in IP_VERSION_OF_TYPE:
            return data[14:15].hex()[:1] == str(IP_VERSION_OF_TYPE[kind])
        return len(data) > 14 and kind in VLAN_TYPES | MPLS_TYPES | {0x8864, 0x0806}

    def pppoe(self):
        version_and_type, code = self.take(2)
        self.take(4)  # session, length
        if version_and_type != 0x11:
            raise Ignored("link_malformed")
        if code != 0:
            raise Ignored("not_ip")
        self.ppp_protocol()

    def ppp_protocol(self):
        protocol = self.take(1)[0]
        if protocol % 2 == 0:  # otherwise compressed to one byte, RFC 1661 section 6.5
            protocol = protocol << 8 | self.take(1)[0]
        if protocol in (0x0021, 0x0057):
            self.version = 4 if protocol == 0x0021 else 6
        elif protocol in (0x0281, 0x0283):
            self.mpls()
        elif protocol in PPP_HIDES_IP:
            raise Ignored("link_unknown")
        else:
            raise Ignored("not_ip")

    def family(self, number):
        if number == 2:
            self.version = 4
        elif number in INET6_FAMILIES:
            self.version = 6
        else:
            raise Ignored("not_ip")

    # One method for each link type of a file.

    def ethernet(self):
        self.take(12)
        self.ethertype(self.take_u16())

    def linux_sll(self):
        header = self.take(16)
        hardware = int.from_bytes(header[2:4], "big")
        self.side = SIDE_OF_PACKET_TYPE.get(int.from_bytes(header[:2], "big"))
        self.cooked(hardware, int.from_bytes(header[14:], "big"))

    def linux_sll2(self):
        header = self.take(20)
        self.side = SIDE_OF_PACKET_TYPE.get(header[10])
        self.cooked(int.from_bytes(header[8:10], "big"), int.from_bytes(header[:2], "big"))

    def cooked(self, hardware, kind):
        if hardware == 824:  # netlink
            raise Ignored("not_ip")
        if hardware in (801, 802, 803):  # with a radio header
            raise Ignored("link_unknown")
        if kind == 4:  # LINUX_SLL_P_802_2
            self.llc()
        elif kind < 0x600:
            raise Ignored("not_ip")
        else:
            self.ethertype(kind)

    def null(self):
        family = self.take(4)
        little = int.from_bytes(family, "little")
        self.family(little if little < 256 else int.from_bytes(family, "big"))

    def loop(self):
        self.family(int.from_bytes(self.take(4), "big"))

    def ppp(self):
        if self.rest[:1] in (b"\x0f", b"\x8f"):
            self.cisco_hdlc()
            return
        if len(self.rest) < 2:
            raise Ignored("link_truncated")
        if self.rest[:2] == b"\xff\x03":
            self.take(2)
        self.ppp_protocol()

    def cisco_hdlc(self):
        if self.rest[:2] == b"\xff\x03":
            self.ppp()
            return
        self.take(2)
        kind = self.take_u16()
        if kind < 0x600:
            raise Ignored("not_ip")
        self.ethertype(kind)

    def nflog(self):
        family, version = self.take(2)
        self.take(2)
        if version != 0:
            raise Ignored("link_unknown")
        # A type is small: its high byte, the 4th in little-endian order, is 0 but for flags.
        order = ">" if len(self.rest) >= 4 and self.rest[2:4] < b"\x01" else "<"
        values = self.attributes(self.rest, order)
        if 9 not in values:  # NFULA_PAYLOAD
            raise Ignored("link_truncated")
        self.rest = values[9]
        hook, kind = None, 0
        if 1 in values:  # NFULA_PACKET_HDR
            kind, hook = struct.unpack_from(">HB", values[1])
        if 20 in values:  # NFULA_VLAN; of it NFULA_VLAN_TCI
            tci = self.attributes(values[20], order).get(2, b"\0\0")
            self.vlan = int.from_bytes(tci, "big") & 0x0FFF or None
        if hook is not None and family == 5:  # a network device: 0 ingress, 1 egress
            self.side = hook
        elif hook is not None:
            self.side = 1 if hook in EGRESS_HOOKS else 0
        if family == 5 and hook == 1:
            self.ethernet()
        elif family in (5, 7):
            self.cooked(1, kind)
        else:
            self.family(family)

    @staticmethod
    def attributes(data, order):
        values = {}
        while len(data) >= 4:
            length, kind = struct.unpack_from(order + "HH", data)
            if length < 4:
                raise Ignored("link_malformed")
            values[kind & 0x3FFF] = data[4:length]
            data = data[(length + 3) // 4 * 4 :]
        return values

    def raw(self):
        pass

    def ipv4(self):
        self.version = 4

    def ipv6(self):
        self.version = 6


LINK_TYPES = {
    0: Frame.null,
    1: Frame.ethernet,
    9: Frame.ppp,
    12: Frame.raw,
    50: Frame.ppp,
    51: Frame.pppoe,
    101: Frame.raw,
    104: Frame.cisco_hdlc,
    108: Frame.loop,
    113: Frame.linux_sll,
    228: Frame.ipv4,
    229: Frame.ipv6,
    239: Frame.nflog,
    276: Frame.linux_sll2,
}


# ---- IP ---------------------------------------------------------------------------------------

PORT_PROTOCOLS = {6, 17, 33, 132, 136}  # TCP, UDP, DCCP, SCTP, UDP-Lite
FRAGMENT, AUTHENTICATION, NO_NEXT_HEADER = 44, 51, 59
# Extension headers that are walked: size from their second byte. The first is the next header.
EXTENSION_HEADERS = {number: lambda length: 8 + 8 * length for number in (0, 43, 60, 135, 139, 140)}
EXTENSION_HEADERS[FRAGMENT] = lambda reserved: 8
EXTENSION_HEADERS[AUTHENTICATION] = lambda length: 8 + 4 * length


class Datagram(NamedTuple):
    """One packet as IP sees it."""

    source: bytes
    destination: bytes
    tos: int
    protocol: int
    octets: int
    payload: bytes  # transport bytes that were captured; without padding after IP's length
    fragment: tuple  # (id, protocol that names it, "first" or "later"), or None
    ttl: int  # or hop limit


def dissect_ip(frame, packet):
    """Datagram of a frame whose link header was taken off."""
    data = frame.rest
    # Length of what IP can be: the frame before it was cut, less the link header.
    room = packet.wire_length - (len(packet.data) - len(data))
    if not data:
        raise Ignored("ip_truncated")
    version = data[0] >> 4
    if version not in (4, 6) or frame.version not in (None, version):
        raise Ignored("ip_version")
    return _ipv4(data, room) if version == 4 else _ipv6(data, room)


def _ipv4(data, room):
    if len(data) < 20:
        raise Ignored("ip_truncated")
    header_length = (data[0] & 0x0F) * 4
    tos, octets, identification, offset = struct.unpack_from(">xBHHH", data)
    if header_length < 20:
        raise Ignored("ip_header_length")
    if octets == 0:  # segmentation offload
        octets = room
    elif octets < header_length:
        raise Ignored("ip_total_length")
    protocol = data[9]
    fragment = None
    if offset & 0x1FFF:
        fragment = (identification, protocol, "later")
    elif offset & 0x2000:
        fragment = (identification, protocol, "first")
    payload = data[header_length:octets]
    return Datagram(data[12:16], data[16:20], tos, protocol, octets, payload, fragment, data[8])


def _jumbo_length(data):
    """Value of the jumbo payload option (RFC 2675) of the hop-by-hop header, None without one."""
    if data[6] != 0 or len(data) < 42:
        return None
    options = data[42 : 40 + 8 * (data[41] + 1)]
    while len(options) >= 2:
        if options[0] == 0:  # Pad1
            options = options[1:]
            continue
        if options[0] == 0xC2 and options[1] == 4 and len(options) >= 6:
            return int.from_bytes(options[2:6], "big")
        options = options[2 + options[1] :]
    return None


def _ipv6(data, room):
    if len(data) < 40:
        raise Ignored("ip_truncated")
    tos = (int.from_bytes(data[:2], "big") >> 4) & 0xFF
    payload_length = int.from_bytes(data[4:6], "big")
    octets = 40 + payload_length
    if payload_length == 0 and data[6] != NO_NEXT_HEADER:
        jumbo = _jumbo_length(data)
        octets = room if jumbo is None else 40 + jumbo

    protocol, rest, fragment = data[6], data[40:octets], None
    while protocol in EXTENSION_HEADERS and rest:
        size = EXTENSION_HEADERS[protocol](rest[1]) if len(rest) >= 2 else 8
        if len(rest) < size:  # not there in full: the last number seen is in its first byte
            protocol, rest = rest[0], b""
            break
        header, rest = rest[:size], rest[size:]
        if protocol == FRAGMENT:
            offset, identification = struct.unpack(">2xHI", header)
            if offset & 0xFFF8:
                fragment = fragment or (identification, header[0], "later")
                protocol, rest = header[0], b""
                break
            if offset & 1:
                fragment = fragment or (identification, header[0], "first")
        protocol = header[0]
    return Datagram(data[8:24], data[24:40], tos, protocol, octets, rest, fragment, data[7])


# ---- flows ------------------------------------------------------------------------------------

FRAGMENT_MEMORY_MS = 30000
FRAGMENT_MEMORY = 4096  # datagrams at --max-flows 8192; more: the oldest goes. See agent/pipeline/worker.c


class Counted(NamedTuple):
    """All that a capture holds. ignored: reason -> packets."""

    table: FlowTable
    ignored: Counter
    packets: int
    sides: dict  # key -> set of 0, 1, None
    ttls: dict  # key -> (least, greatest)


def transport(datagram):
    """(source port, destination port, TCP flags)"""
    payload = datagram.payload
    if datagram.fragment and datagram.fragment[2] == "later":
        payload = b""
    if datagram.protocol in (ICMP, ICMPV6):
        port = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 0
        return 0, port, 0
    if datagram.protocol not in PORT_PROTOCOLS or len(payload) < 4:
        return 0, 0, 0
    flags = payload[13] if datagram.protocol == TCP and len(payload) >= 14 else 0
    return *struct.unpack_from(">HH", payload), flags


def count_flows(packets):
    """Counted, from an iterable of Packet."""
    table, ignored, sides, ttls = FlowTable(), Counter(), {}, {}
    first_fragments, clock_ms, total = OrderedDict(), None, 0
    for packet in packets:
        total += 1
        time_ms = packet.time_ns // 10**6
        clock_ms = time_ms if clock_ms is None else max(clock_ms, time_ms)
        frame = Frame(packet)
        try:
            if packet.link not in LINK_TYPES:
                raise Ignored("link_unknown")
            LINK_TYPES[packet.link](frame)
            datagram = dissect_ip(frame, packet)
        except Ignored as error:
            ignored[error.args[0]] += 1
            continue

        *ports, flags = transport(datagram)
        protocol = datagram.protocol
        if datagram.fragment is not None:
            name = (datagram.source, datagram.destination, *datagram.fragment[:2])
            if datagram.fragment[2] == "first":
                first_fragments.pop(name, None)
                if len(first_fragments) == FRAGMENT_MEMORY:
                    first_fragments.popitem(last=False)
                first_fragments[name] = (clock_ms, protocol, ports)
            elif name in first_fragments:
                seen_ms, first_protocol, first_ports = first_fragments[name]
                if clock_ms - seen_ms <= FRAGMENT_MEMORY_MS:
                    protocol, ports = first_protocol, first_ports

        key = FlowKey(
            address_text(datagram.source),
            address_text(datagram.destination),
            protocol,
            *ports,
            datagram.tos,
            frame.vlan or 0,
        )
        table.add(key, 1, datagram.octets, flags, time_ms, time_ms)
        sides.setdefault(key, set()).add(frame.side)
        least, greatest = ttls.get(key, (255, 0))
        ttls[key] = min(least, datagram.ttl), max(greatest, datagram.ttl)
    return Counted(table, ignored, total, sides, ttls)


def main():
    for path in sys.argv[1:]:
        counted = count_flows(read_packets(path))
        print(f"{path}: {counted.packets} packets, ignored {dict(counted.ignored)}")
        for key, totals in counted.table.flows.items():
            print(" ", *key, totals)


if __name__ == "__main__":
    main()
