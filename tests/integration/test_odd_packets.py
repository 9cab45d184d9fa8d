"""Packets that no capture at hand has: nested tags, extension headers, fragments, cuts, lies.

Made with scapy or by hand, written to a file, read by flowagent and by pcap_reader.py.
"""

import random
import struct

import pytest

import ledger
from flows import differences
from pcap_reader import count_flows, read_packets
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Jumbo,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import GRE, LLC, SNAP, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.packet import Raw

ETHERNET, PPP_LINK, PPP_HDLC, RAW_IP, SLL, SLL2, NULL, LOOP = 1, 9, 50, 101, 113, 276, 0, 108
NFLOG_LINK = 239
FRAGMENT_KEYS = "first", "matched", "unmatched", "replaced"
HDLC, IPV4_LINK, IPV6_LINK, PPPOE_LINK = 104, 228, 229, 51

V4 = IP(src="192.0.2.10", dst="198.51.100.7", id=7)
V6 = IPv6(src="2001:db8:1::10", dst="2001:db8:2::7")
E = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
LABELLED = Ether(src=E.src, dst=E.dst, type=0x8847)
MULTICAST_LABELLED = Ether(src=E.src, dst=E.dst, type=0x8848)
DISCOVERY = Ether(src=E.src, dst=E.dst, type=0x8863)
DATA = Raw(b"payload!")
QUESTION = UDP(sport=1111, dport=53) / DATA
SEGMENT = TCP(sport=2222, dport=80, flags="PA") / DATA


def fragments_of(layer, header, sizes=((0, True), (8, True), (16, False))):
    """Fragments with the given (offset, more) of a UDP datagram; the first has the ports."""
    for offset, more in sizes:
        body = QUESTION if offset == 0 else DATA
        yield layer(header, offset, more) / body


def v4_fragment(identification, offset, more):
    flags = 1 if more else 0
    return IP(src="192.0.2.10", dst="198.51.100.7", proto=17, id=identification,
              frag=offset // 8, flags=flags)  # fmt: skip


def v6_fragment(identification, offset, more):
    return V6 / IPv6ExtHdrFragment(nh=17, offset=offset // 8, m=int(more), id=identification)


FIRST = list(fragments_of(v4_fragment, 100))
FIRST6 = list(fragments_of(v6_fragment, 100))

MPLS_TYPES = {b"\x88\x47", b"\x88\x48"}

# name -> (link type, packets); a packet is bytes, a scapy packet, or (packet, wire length).
CASES = {
    "plain": (
        ETHERNET,
        [E / V4 / QUESTION, E / V6 / SEGMENT, E / V4 / ICMP(type=3, code=1) / DATA],
    ),
    "tags": (
        ETHERNET,
        [
            E / Dot1Q(vlan=5) / V4 / QUESTION,
            E / Dot1AD(vlan=6) / Dot1Q(vlan=7) / V6 / QUESTION,
            E / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / V4 / SEGMENT,
            E / Dot1Q(vlan=0, prio=7) / V4 / QUESTION,
            bytes(E)[:12] + bytes.fromhex("9100 0009 9200 000a 0800") + bytes(V4 / QUESTION),
        ],
    ),
    "mpls": (
        ETHERNET,
        [
            LABELLED / MPLS(label=16, s=1) / V4 / QUESTION,
            LABELLED / MPLS(label=16, s=0) / MPLS(label=17, s=1) / V6 / QUESTION,
            MULTICAST_LABELLED / MPLS(label=18, s=1) / V4 / SEGMENT,
            E / Dot1Q(vlan=9, type=0x8847) / MPLS(label=19, s=1) / V4 / QUESTION,
            bytes(LABELLED) + bytes(1100),  # a label stack without bottom
        ],
    ),
    "pppoe": (
        ETHERNET,
        [
            E / PPPoE(sessionid=1) / PPP(proto=0x21) / V4 / QUESTION,
            E / PPPoE(sessionid=1) / PPP(proto=0x57) / V6 / QUESTION,
            E / PPPoE(sessionid=1) / PPP(proto=0xC021) / DATA,
            E / Dot1Q(vlan=7) / PPPoE(sessionid=2) / PPP(proto=0x21) / V4 / SEGMENT,
            bytes(DISCOVERY) + bytes.fromhex("110900000004") + bytes(40),
        ],
    ),
    "llc": (
        ETHERNET,
        [
            bytes(E)[:12] + b"\0\x40" + bytes(LLC(dsap=0xAA, ssap=0xAA, ctrl=3))
            + bytes(SNAP(OUI=0, code=0x0800)) + bytes(V4 / QUESTION),
            bytes(E)[:12] + b"\0\x40" + bytes(LLC(dsap=0x42, ssap=0x42, ctrl=3)) + bytes(40),
        ],
    ),
    "extension headers": (
        ETHERNET,
        [
            E / V6 / IPv6ExtHdrHopByHop() / QUESTION,
            E / V6 / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt() / SEGMENT,
            E / V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / ICMPv6EchoRequest(),
            E / V6 / AH(nh=17, payloadlen=4, spi=1, icv=b"x" * 12) / QUESTION,
            E / V4 / AH(nh=17, payloadlen=4, spi=1, icv=b"x" * 12) / QUESTION,
            E / IPv6(src="::1", dst="::2", nh=135) / Raw(bytes([17] + [0] * 7)) / QUESTION,
            E / IPv6(src="::1", dst="::2", nh=139) / Raw(bytes([6] + [0] * 7)) / SEGMENT,
            E / IPv6(src="::1", dst="::2", nh=140) / Raw(bytes([17] + [0] * 7)) / QUESTION,
            E / IPv6(src="::1", dst="::2", nh=59),
            E / IPv6(src="::1", dst="::2", nh=60) / Raw(bytes([60, 255]) + bytes(30)),
            E / V6 / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70_000)]) / QUESTION,
        ],
    ),
    "fragments in order": (ETHERNET, [E / packet for packet in FIRST + FIRST6]),
    "fragments out of order": (ETHERNET, [E / packet for packet in FIRST[::-1] + FIRST6[::-1]]),
    "fragments of two datagrams": (
        ETHERNET,
        [E / packet for pair in zip(FIRST, fragments_of(v4_fragment, 101)) for packet in pair]
        + [E / packet for packet in fragments_of(v6_fragment, 102, [(16, False)])],
    ),
    "atomic fragment": (ETHERNET, [E / v6_fragment(103, 0, False) / QUESTION]),
    "fragment after options": (
        ETHERNET,
        [
            E / V6 / IPv6ExtHdrFragment(nh=60, m=1, id=9) / IPv6ExtHdrDestOpt() / QUESTION,
            E / V6 / IPv6ExtHdrFragment(nh=60, offset=5, m=0, id=9) / DATA,
            E / V6 / IPv6ExtHdrFragment(nh=60, offset=5, m=0, id=10) / DATA,
        ],
    ),
    "padding is not data": (
        ETHERNET,
        [
            bytes(E / V4 / UDP(sport=1, dport=2)).ljust(60, b"\xff"),
            bytes(E / IP(src="192.0.2.1", dst="192.0.2.2", proto=17, len=22)) + b"\0\x35" * 20,
            bytes(E / IP(src="192.0.2.1", dst="192.0.2.2", proto=6, len=32)) + bytes(40),
            bytes(E / IPv6(src="::1", dst="::2", nh=17, plen=3)) + b"\0\x35\0" + b"x" * 40,
        ],
    ),
    "lengths that lie": (
        ETHERNET,
        [
            E / IP(src="192.0.2.1", dst="192.0.2.2", len=9000) / QUESTION,
            E / IP(src="192.0.2.1", dst="192.0.2.2", len=19) / QUESTION,
            E / IP(src="192.0.2.1", dst="192.0.2.2", len=0) / QUESTION,
            E / IPv6(src="::1", dst="::2", nh=17, plen=0) / QUESTION,
            E / IPv6(src="::1", dst="::2", nh=59, plen=0) / DATA,
            bytes(E) [:12] + b"\x08\x00\x44" + bytes(V4 / QUESTION)[1:],  # header of 16 bytes
            bytes(E) [:12] + b"\x08\x00\x4f" + bytes(V4 / QUESTION)[1:],  # header of 60 bytes
            bytes(E) [:12] + b"\x86\xdd" + bytes(V4 / QUESTION),
            bytes(E) [:12] + b"\x08\x00" + bytes(V6 / QUESTION),
            bytes(E) [:12] + b"\x08\x00\x55" + bytes(V4 / QUESTION)[1:],
            bytes(E) [:12] + b"\x08\x06" + bytes(28),
        ],
    ),
    "tunnels are what they are outside": (
        ETHERNET,
        [
            E / V4 / GRE() / IP(src="10.0.0.1", dst="10.0.0.2") / QUESTION,
            E / V4 / IP(src="10.0.0.1", dst="10.0.0.2") / QUESTION,
            E / V6 / V4 / QUESTION,
            E / V4 / UDP(sport=4789, dport=4789) / Raw(b"\x08" + bytes(7)) / E / V4 / QUESTION,
        ],
    ),
    "raw": (RAW_IP, [V4 / QUESTION, V6 / SEGMENT, b"\x25" + bytes(30), b"\x45", b""]),
    "ipv4 link": (IPV4_LINK, [V4 / QUESTION, V6 / QUESTION]),
    "ipv6 link": (IPV6_LINK, [V6 / QUESTION, V4 / QUESTION]),
    "ppp": (PPP_LINK, [b"\xff\x03\0\x21" + bytes(V4 / QUESTION), b"\0\x57" + bytes(V6 / QUESTION),
                       b"\x21" + bytes(V4 / SEGMENT), b"\xc0\x21" + bytes(10)]),
    "ppp hdlc": (PPP_HDLC, [b"\xff\x03\0\x21" + bytes(V4 / QUESTION),
                            b"\x0f\0\x08\0" + bytes(V4 / SEGMENT)]),
    "pppoe link": (PPPOE_LINK, [bytes.fromhex("110000010030 0021") + bytes(V4 / QUESTION)]),
    "cisco hdlc": (HDLC, [b"\x0f\0\x08\0" + bytes(V4 / QUESTION),
                          b"\x8f\0\x86\xdd" + bytes(V6 / SEGMENT),
                          b"\x0f\0\x80\x35" + bytes(20)]),
    "null": (NULL, [b"\x02\0\0\0" + bytes(V4 / QUESTION), b"\0\0\0\x02" + bytes(V4 / SEGMENT),
                    b"\x1e\0\0\0" + bytes(V6 / QUESTION), b"\0\0\0\x18" + bytes(V6 / SEGMENT),
                    b"\x1c\0\0\0" + bytes(V6 / SEGMENT), b"\x07\0\0\0" + bytes(20)]),
    "loop": (LOOP, [b"\0\0\0\x02" + bytes(V4 / QUESTION), b"\0\0\0\x18" + bytes(V6 / SEGMENT)]),
    "sll": (
        SLL,
        [struct.pack(">HHH8sH", kind, 1, 6, b"\2", protocol) + bytes(rest)
         for kind, protocol, rest in [
             (0, 0x0800, V4 / QUESTION), (4, 0x86DD, V6 / QUESTION), (3, 0x0800, V4 / SEGMENT),
             (1, 0x8100, b"\0\x05\x08\0" + bytes(V4 / QUESTION)), (0, 0x0806, bytes(28)),
             (0, 4, bytes(LLC(dsap=0x42, ssap=0x42, ctrl=3)) + bytes(40)), (0, 1, bytes(40))]],
    ),
    "sll2": (
        SLL2,
        [struct.pack(">HHIHBB8s", protocol, 0, 3, 1, kind, 6, b"\2") + bytes(rest)
         for kind, protocol, rest in [
             (0, 0x0800, V4 / QUESTION), (4, 0x86DD, V6 / QUESTION), (0, 0x88A8, b"\0\x05\x08\0"
              + bytes(V4 / QUESTION)), (2, 0x0806, bytes(28))]],
    ),
}  # fmt: skip


def write_capture(path, link, packets, per_second=100):
    """Little-endian pcap with microseconds; 'packets' are (bytes, length on the wire)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for number, (data, wire_length) in enumerate(packets):
            microseconds = number % per_second * 999_999 // per_second
            times = (1_700_000_000 + number // per_second, microseconds)
            file.write(struct.pack("<IIII", *times, len(data), wire_length) + data)


def check(path, flowagent, collector, *options):
    """Both count the same."""
    own = collector()
    agent = flowagent("--read", path, "-n", own.host_port, *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    own.wait_for_datagrams(summary["datagrams_sent"])
    expected = count_flows(read_packets(path))
    assert not differences(own.flows().flows, expected.table.flows)
    assert {reason: n for reason, n in summary["packets_ignored"].items() if n} == expected.ignored
    ledger.check_final(summary)
    assert summary["packets_read"] == expected.packets


@pytest.mark.parametrize("name", CASES)
def test_odd_packets(name, directory, flowagent, collector):
    link, packets = CASES[name]
    path = directory / "odd.pcap"
    write_capture(path, link, [(bytes(packet), len(bytes(packet))) for packet in packets])
    check(path, flowagent, collector)


@pytest.mark.parametrize("name", CASES)
def test_every_cut(name, directory, flowagent, collector):
    """Each packet cut at every length: what is left is accounted as far as it tells."""
    link, packets = CASES[name]
    cut = []
    for packet in packets:
        data = bytes(packet)
        for size in range(min(len(data), 150) + 1):
            cut.append((data[:size], len(data)))
    path = directory / "cut.pcap"
    write_capture(path, link, cut)
    check(path, flowagent, collector)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_packets(seed, directory, flowagent, collector):
    """Random bytes changed in the Ethernet frames above, but for MPLS, where what is after the
    labels is not announced and a decoder may guess better or worse."""
    chance = random.Random(seed)
    damaged = []
    cases = [packets for link, packets in CASES.values() if link == ETHERNET]
    originals = [bytes(packet) for packets in cases for packet in packets]
    originals = [
        frame for frame in originals if not MPLS_TYPES & {frame[12:14], frame[16:18]}
    ]
    for _ in range(20_000):
        data = bytearray(chance.choice(originals)[:200])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(12, len(data))] = chance.choice((0, 1, 6, 17, 44, 58, 60, 255,
                                                                   chance.randrange(256)))
        size = chance.choice((len(data), chance.randrange(len(data) + 1)))
        damaged.append((bytes(data[:size]), len(data)))
    path = directory / "damaged.pcap"
    write_capture(path, ETHERNET, damaged)
    check(path, flowagent, collector)


def run_file(path, flowagent, *options):
    agent = flowagent("--read", path, *options)
    assert agent.wait() == 0, agent.errors
    ledger.check_final(agent.summary())
    return agent.summary()


@pytest.mark.parametrize(
    "name, counters",
    [
        ("fragments in order", (2, 4, 0, 0)),
        ("fragments out of order", (2, 0, 4, 0)),
        ("fragments of two datagrams", (2, 4, 1, 0)),
        ("atomic fragment", (0, 0, 0, 0)),
    ],
)
def test_fragments_are_counted(name, counters, directory, flowagent):
    link, packets = CASES[name]
    path = directory / "fragments.pcap"
    write_capture(path, link, [(bytes(packet), len(bytes(packet))) for packet in packets])
    summary = run_file(path, flowagent)
    assert tuple(summary["fragments"][key] for key in FRAGMENT_KEYS) == counters
    assert summary["sources"][0]["fragments"] == summary["fragments"]


def test_fragment_table_is_bounded(directory, flowagent):
    """More first fragments at a time than are remembered: the oldest are given up, and counted."""
    remembered = 4096  # at least; else half of max-flows
    count = 5000
    path = directory / "many.pcap"
    heads = [bytes(v4_fragment(number, 0, True) / QUESTION) for number in range(count)]
    tails = [bytes(v4_fragment(number, 16, False) / DATA) for number in range(count)]
    write_capture(path, RAW_IP, [(packet, len(packet)) for packet in heads + tails], 1000)
    summary = run_file(path, flowagent, "-m", "8000")
    assert tuple(summary["fragments"][key] for key in FRAGMENT_KEYS) == (
        count, remembered, count - remembered, count - remembered
    )  # fmt: skip
    assert summary["packets_exported"] + summary["packets_lost"] == 2 * count


@pytest.mark.parametrize("sources, options", [(8000, []), (1, ["-m", "8000"])], ids=["spoofed", "one"])
def test_first_fragments_of_others_take_nobodys_ports_away(sources, options, directory, flowagent):
    """8000 of as many spoofed sources where the table has room; of one source also where it has only 4096."""
    path = directory / "flood.pcap"
    head, tail = bytes(v4_fragment(9000, 0, True) / QUESTION), bytes(v4_fragment(9000, 16, False) / DATA)
    flood = [
        head[:4] + number.to_bytes(2, "big") + head[6:12] + b"\x0a\0" + (number % sources).to_bytes(2, "big") + head[16:]
        for number in range(8000)
    ]  # another identification, and another source (RFC 791 section 3.1)
    write_capture(path, RAW_IP, [(packet, len(packet)) for packet in [head, *flood, tail]], 1000)
    fragments = run_file(path, flowagent, *options)["fragments"]
    assert (fragments["first"], fragments["matched"], fragments["unmatched"]) == (8001, 1, 0)


def test_unknown_length_is_counted(directory, flowagent):
    """Total length 0 in what NFLOG has copied: nobody knows how long the packet was."""
    packet = bytes(IP(src="192.0.2.1", dst="192.0.2.2", len=0) / SEGMENT)
    known = bytes(V4 / SEGMENT)
    path = directory / "nflog.pcap"
    records = []
    for payload in packet, known:
        padding = bytes(-len(payload) % 4)
        records.append(
            b"\x02\0\0\x28" + struct.pack("<HHHBB", 8, 1, 8, 0, 0)
            + struct.pack("<HH", 4 + len(payload), 9) + payload + padding
        )  # fmt: skip
    write_capture(path, NFLOG_LINK, [(record, len(record)) for record in records])
    summary = run_file(path, flowagent)
    assert summary["packets_length_unknown"] == 1
    assert summary["sources"][0]["packets_length_unknown"] == 1

    # A capture of the frame itself tells: its own length counts.
    write_capture(path, ETHERNET, [(bytes(E) [:12] + b"\x08\0" + packet, 70_014)])
    summary = run_file(path, flowagent)
    assert summary["packets_length_unknown"] == 0


def test_fragment_is_forgotten_after_30_seconds(directory, flowagent, collector):
    """By the packets' own clock: the tail belongs to its head at 29 s, and to nobody at 31 s."""
    head, tail = bytes(E / FIRST[0]), bytes(E / FIRST[1])
    path = directory / "late.pcap"
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET))
        for seconds, data in (0, head), (29, tail), (31, tail):
            times = (1_700_000_000 + seconds, 0)
            file.write(struct.pack("<IIII", *times, len(data), len(data)) + data)
    check(path, flowagent, collector)
    counters = count_flows(read_packets(path)).table.counters()
    assert sorted(packets for packets, _ in counters.values()) == [1, 2]
