"""Link headers in any stacking, in each link type: no packet is lost below them."""

import random
import struct

import pytest

import frames
from capture_files import packet, pcap
from frames import ADDRESSES, ETHERNET, LINKS, IPV4_LINK, IPV6_LINK
from pcap_reader import count_flows, read_packets
from test_odd_packets import check

BASE_NS = 1_700_000_000 * 10**9
PACKETS = 600


def ip_packet(chance, number, link):
    """Its source port is its number, so that each is a flow of its own."""
    make = chance.choice((frames.ipv4, frames.ipv6))
    make = {IPV4_LINK: frames.ipv4, IPV6_LINK: frames.ipv6}.get(link, make)
    if chance.random() < 0.5:
        segment = frames.tcp(number, flags=chance.randrange(256), payload=bytes(number % 50))
        return make(segment, frames.TCP)
    return make(frames.udp(number, payload=bytes(number % 50)))


@pytest.mark.parametrize("link", LINKS)
def test_any_stacking(link, directory, flowagent, collector):
    chance = random.Random(link)
    maker = frames.Frames(chance)
    packets = [
        packet(BASE_NS + number * 10**6, link, maker.random(link, ip_packet(chance, number, link)))
        for number in range(PACKETS)
    ]
    path = directory / "stacked.pcap"
    path.write_bytes(pcap(packets, chance.choice("<>")))
    expected = count_flows(read_packets(path))
    assert not expected.ignored
    ports = {key.source_port for key in expected.table.flows}
    assert ports == set(range(PACKETS))  # the reader has found what the maker has put in
    check(path, flowagent, collector)


def test_vlan_is_the_outermost_of_many(directory, flowagent, collector):
    """As deep as a frame can be."""
    inner = frames.ipv4(frames.udp(1))
    carried = frames.ip_kind(inner), inner
    packets = []
    for depth in range(1, 370):
        carried = frames.tag(carried, depth, frames.TAGS[depth % 4])
        packets.append(packet(BASE_NS + depth, ETHERNET, frames.ethernet(carried)))
    path = directory / "deep.pcap"
    path.write_bytes(pcap(packets))
    assert {key.vlan for key in count_flows(read_packets(path)).table.flows} == set(range(1, 370))
    check(path, flowagent, collector)


def test_encapsulations_that_are_counted_only(directory, flowagent, collector):
    """IEEE 802.1BR, VN-Tag, FabricPath and others: each is ignored for its reason."""
    inner = frames.ipv4(frames.udp(1))
    payload = struct.pack(">H", 0x0800) + inner
    hidden = [
        struct.pack(">H", 0x893F) + bytes(6) + payload,  # E-tag
        struct.pack(">H", 0x8926) + bytes(4) + payload,  # VN-tag
        b"\x89\x03\0\x40" + ADDRESSES + payload,  # FabricPath: tag, and the frame
        struct.pack(">HHH", 0x8100, 5, 0x893F) + bytes(6) + payload,
        *(struct.pack(">H", kind) + bytes(20) + payload
          for kind in (0x22F3, 0x4305, 0x88E5, 0x88E7, 0x8909, 0x894F, 0xF1C1)),
    ]  # fmt: skip
    packets = [packet(BASE_NS, ETHERNET, ADDRESSES + rest) for rest in hidden]
    path = directory / "hidden.pcap"
    path.write_bytes(pcap(packets))
    assert count_flows(read_packets(path)).ignored == {"link_unknown": len(hidden)}
    check(path, flowagent, collector)


@pytest.mark.parametrize("link", LINKS)
def test_any_stacking_cut_anywhere(link, directory, flowagent, collector):
    """What is left is accounted, or ignored for the reason that the reader finds, too."""
    chance = random.Random(100 + link)
    maker = frames.Frames(chance)
    packets = []
    for number in range(4 * PACKETS):
        data = maker.random(link, ip_packet(chance, number, link), depth=4)
        size = chance.randrange(len(data) + 1)
        packets.append(packet(BASE_NS + number * 10**6, link, data[:size], len(data)))
    path = directory / "cut.pcap"
    path.write_bytes(pcap(packets, chance.choice("<>")))
    check(path, flowagent, collector)
