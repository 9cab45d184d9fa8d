"""IP headers as they are not meant to be, and fragments in every order, against the second decoder.

Random cases are seeded, so a failure comes again; each holds thousands of packets.
"""

import random
import struct

import pytest

import frames
from capture_files import packet, pcap
from frames import ETHERNET, RAW, TCP, UDP, fragment_header, ipv4, ipv6, udp
from pcap_reader import FRAGMENT_MEMORY, count_flows, read_packets
from test_odd_packets import check

BASE_NS = 1_700_000_000 * 10**9
MS = 10**6
HOP_BY_HOP, ROUTING, FRAGMENT, AH, NO_NEXT, OPTIONS = 0, 43, 44, 51, 59, 60
CHAINED = (HOP_BY_HOP, ROUTING, FRAGMENT, AH, OPTIONS, 135, 139, 140)
JUMBO = 0xC2


def write(directory, packets, name="network.pcap"):
    path = directory / name
    path.write_bytes(pcap(packets, "<", 1))
    return path


def counters(path):
    """(packets, protocol, ports) of each flow, sorted."""
    flows = count_flows(read_packets(path)).table.flows
    return sorted(
        (totals.packets, key.protocol, key.source_port, key.destination_port)
        for key, totals in flows.items()
    )


# ---- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_ipv4_options_and_lengths(seed, directory, flowagent, collector):
    """Every header length with every kind of total length, cut anywhere, with and without padding."""
    chance = random.Random(seed)
    packets = []
    for number in range(6000):
        options = bytes(chance.randrange(256) for _ in range(4 * chance.randrange(11)))
        body = chance.choice((udp(number), frames.tcp(number, flags=chance.randrange(256)), b"", b"abc"))
        whole = 20 + len(options) + len(body)
        length = chance.choice((None, None, 0, whole - 1, 20 + len(options) + chance.randrange(16),
                                chance.randrange(64), 9000, 65535))  # fmt: skip
        words = chance.choice((None, None, chance.randrange(16)))
        data = ipv4(body, chance.choice((TCP, UDP, 1, 132)), options=options, total_length=length,
                    header_words=words, tos=chance.randrange(256))  # fmt: skip
        frame = frames.ethernet((0x0800, data)) + bytes(chance.choice((0, 0, 30)))
        size = chance.choice((len(frame), len(frame), chance.randrange(len(frame) + 1)))
        packets.append(packet(BASE_NS + number, ETHERNET, frame[:size], len(frame)))
    check(write(directory, packets), flowagent, collector)


def hop_by_hop(options, next_header=UDP):
    options += b"\1" + bytes([-(len(options) + 4) % 8]) + bytes(-(len(options) + 4) % 8)  # PadN
    return bytes([next_header, (len(options) + 2) // 8 - 1]) + options


def test_jumbograms_and_big_tcp(directory, flowagent, collector):
    """Lengths that 16 bits cannot hold: as the option says, else as long as the frame was."""
    jumbo = struct.pack(">BBI", JUMBO, 4, 70_000)
    largest = struct.pack(">BBI", JUMBO, 4, 0xFFFFFFFF)
    small = struct.pack(">BBI", JUMBO, 4, 100)  # forbidden, RFC 2675 section 3; yet what it says
    wrong_size = struct.pack(">BB3s", JUMBO, 3, b"\1\1\1")
    router_alert = struct.pack(">BBH", 5, 2, 0)

    def with_options(options, payload_length=0, next_header=UDP):
        header = hop_by_hop(options, next_header)
        return ipv6(header + udp(len(cases)), HOP_BY_HOP, payload_length=payload_length)

    cases = []  # (packet, its octets, length of the frame less its Ethernet header)
    for options, octets in [
        (jumbo, 70_040), (largest, 40 + 0xFFFFFFFF), (small, 140), (b"\0" * 7 + jumbo, 70_040),
        (b"\1\2\0\0" + jumbo, 70_040), (router_alert + jumbo, 70_040), (small + jumbo, 140),
        (wrong_size, 80_000), (router_alert, 80_000), (wrong_size + b"\0" + jumbo, 70_040),
    ]:  # fmt: skip
        cases.append((with_options(options), octets, 80_000))
    cases.append((with_options(jumbo, 200), 240, 240))  # with a payload length it counts for nothing
    second = hop_by_hop(jumbo)
    cases.append((ipv6(hop_by_hop(b"", OPTIONS) + second + udp(20), HOP_BY_HOP, payload_length=0), 80_000, 80_000))
    # Segmentation offload, which leaves the length out; cut to the first bytes, or not.
    cases.append((ipv6(frames.tcp(30), TCP, payload_length=0), 190_000, 190_000))
    cases.append((ipv4(frames.tcp(31), TCP, total_length=0), 180_000, 180_000))
    whole = ipv4(frames.tcp(32, payload=bytes(3000)), TCP, total_length=0)
    cases.append((whole, len(whole), len(whole)))
    cases.append((ipv6(b"", NO_NEXT, payload_length=0), 40, 60))
    packets = []
    for data, _, wire in cases:
        kind = frames.ip_kind(data)
        packets.append(packet(BASE_NS, ETHERNET, frames.ethernet((kind, data)), wire + 14))
        packets.append(packet(BASE_NS, ETHERNET, frames.ethernet(frames.tag((kind, data), 5)), wire + 18))
    path = write(directory, packets)
    counted = [total.octets for total in count_flows(read_packets(path)).table.flows.values()]
    assert sorted(counted) == sorted(2 * [octets for _, octets, _ in cases])
    check(path, flowagent, collector)


def extension(chance, kind, next_header, identification):
    if kind == FRAGMENT:
        offset, more = chance.choice(((0, False), (0, False), (0, True), (8, True), (1448, False)))
        return fragment_header(next_header, identification, offset, more)
    words = chance.choice((0, 0, 1, 2))
    size = 8 + (4 if kind == AH else 8) * words
    if chance.random() < 0.03:
        words = 255  # longer than the packet
    return bytes([next_header, words]) + bytes(size - 2)


@pytest.mark.parametrize("seed", range(3))
def test_chains_of_extension_headers(seed, directory, flowagent, collector):
    """Repeated, out of order, more than makes sense, cut by the snap length or by a lie."""
    chance = random.Random(seed)
    packets = []
    for number in range(5000):
        protocol = chance.choice((UDP, TCP, 58, NO_NEXT, 50, 132))
        chain = udp(number) if protocol == UDP else frames.tcp(number, flags=chance.randrange(256))
        for _ in range(chance.choice((0, 1, 2, 3, 5, 9, 60))):
            kind = chance.choice(CHAINED)
            chain = extension(chance, kind, protocol, number // 4) + chain
            protocol = kind
        length = chance.choice((None, None, None, chance.randrange(1, len(chain) + 1)))
        data = ipv6(chain, protocol, number % 3, payload_length=length, traffic_class=number % 256)
        size = chance.choice((len(data), 96, chance.randrange(len(data) + 1)))
        packets.append(packet(BASE_NS + number * MS, RAW, data[:size], len(data)))
    check(write(directory, packets), flowagent, collector)


# ---- fragments ----------------------------------------------------------------------------------


def v4_fragment(identification, offset, more, body, **options):
    return ipv4(body, options.pop("protocol", UDP), identification=identification, offset=offset,
                more=more, **options)  # fmt: skip


def v6_fragment(identification, offset, more, body, **options):
    header = fragment_header(options.pop("protocol", UDP), identification, offset, more)
    return ipv6(header + body, FRAGMENT, **options)


BOTH = pytest.mark.parametrize("fragment", [v4_fragment, v6_fragment], ids=["IPv4", "IPv6"])
QUESTION = udp(1111)


def at(time_ns, data):
    return packet(BASE_NS + time_ns, RAW, data)


@BOTH
def test_later_before_first(fragment, directory, flowagent, collector):
    """What comes before its first fragment has no port; what comes after it has."""
    tails = [fragment(7, 8 * i, i < 4, b"x" * 8) for i in range(1, 5)]
    head = fragment(7, 0, True, QUESTION[:8])
    path = write(directory, [at(i, data) for i, data in enumerate([*tails[:2], head, *tails[2:]])])
    assert counters(path) == [(2, UDP, 0, 0), (3, UDP, 1111, 53)]
    check(path, flowagent, collector)


@BOTH
@pytest.mark.parametrize("apart_ms, is_known", [(29_999, True), (30_000, True), (30_001, False)])
def test_first_fragment_is_kept_for_30_s(apart_ms, is_known, fragment, directory, flowagent, collector):
    """By the packets' clock; a fragment that comes in between prolongs nothing."""
    tail = fragment(7, 16, False, b"x" * 8)
    path = write(directory, [at(0, fragment(7, 0, True, QUESTION)), at(15_000 * MS, tail),
                             at(apart_ms * MS, tail)])  # fmt: skip
    ports = (UDP, 1111, 53)
    assert counters(path) == ([(3, *ports)] if is_known else [(1, UDP, 0, 0), (2, *ports)])
    check(path, flowagent, collector)


@pytest.mark.parametrize("surplus", [-1, 0, 1, 2000])
def test_more_datagrams_than_are_remembered(surplus, directory, flowagent, collector):
    """All heads, then all tails: the oldest heads are forgotten, and no tail is lost."""
    count = FRAGMENT_MEMORY + surplus
    make = [(v4_fragment, v6_fragment)[i % 2] for i in range(count)]
    packets = [at(i, make[i](i, 0, True, udp(1 + i))) for i in range(count)]
    packets += [at(count + i, make[i](i, 16, False, b"x" * 8)) for i in range(count)]
    path = write(directory, packets)
    forgotten = sum(packets for packets, _, port, _ in counters(path) if port == 0)
    assert forgotten == max(0, surplus)
    check(path, flowagent, collector, "--max-flows", str(2 * FRAGMENT_MEMORY))


@BOTH
def test_flood_of_first_fragments_takes_no_ports_away(fragment, directory, flowagent, collector):
    """More spoofed datagrams between head and tail than a table of 4096 holds."""
    other = {"source": "192.0.2.11"} if fragment is v4_fragment else {"source": 1 << 64}
    packets = [at(0, fragment(7, 0, True, QUESTION))]
    packets += [at(1 + i, fragment(100 + i, 0, True, udp(6666), **other)) for i in range(10_000)]
    packets += [at(20_000, fragment(7, 16, False, b"x" * 8))]
    path = write(directory, packets)
    own = collector()
    agent = flowagent("--read", path, "-n", own.host_port, "--max-flows", "100")
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    counted = {key.source_port: n for key, (n, _) in own.flows().counters().items()}
    assert counted == {1111: 2, 6666: 10_000}


@BOTH
def test_forged_fragments_move_nothing(fragment, directory, flowagent, collector):
    """Whatever comes with other addresses, protocol or identification stays with those."""
    head, tail = fragment(7, 0, True, QUESTION), fragment(7, 16, False, b"x" * 8)
    other = {"source": "192.0.2.11"} if fragment is v4_fragment else {"source": 2}
    forged = [
        fragment(7, 0, True, udp(6666), **other),
        fragment(8, 0, True, udp(6666)),
        fragment(7, 0, True, udp(6666), protocol=TCP),
        fragment(7, 16, False, b"x" * 8, **other),
        fragment(8, 16, False, b"x" * 8),
        fragment(9, 16, False, b"x" * 8),
        fragment(7, 8, False, udp(6666)),  # lies over the ports: not looked at
        fragment(7, 65_528, False, b"x" * 8 * 20),  # beyond 64 KiB together
        fragment(7, 0, False, udp(7777)),  # no fragment, or an atomic one: of its own
    ]
    order = [head, *forged, tail, tail]
    path = write(directory, [at(i, data) for i, data in enumerate(order)])
    flows = count_flows(read_packets(path)).table.flows
    ours = [totals.packets for key, totals in flows.items() if key.source_port == 1111]
    assert ours == [5]  # head, two tails, and the two that say that they are of this datagram
    check(path, flowagent, collector)


@BOTH
def test_tiny_first_fragment(fragment, directory, flowagent, collector):
    """Ports in the first fragment, TCP flags in the second: those are not read from there."""
    segment = frames.tcp(2222, flags=0x02)
    packets = []
    for number, size in enumerate((8, 16)):
        packets += [fragment(number, 0, True, segment[:size], protocol=TCP),
                    fragment(number, size, False, segment[size:], protocol=TCP)]  # fmt: skip
    path = write(directory, [at(i, data) for i, data in enumerate(packets)])
    (totals,) = count_flows(read_packets(path)).table.flows.values()
    assert (totals.packets, totals.tcp_flags) == (4, 0x02)
    check(path, flowagent, collector)


@pytest.mark.parametrize("seed", range(3))
def test_random_fragments(seed, directory, flowagent, collector):
    """Few names and many lies: overlaps, repeats, wrong protocols, clocks that jump and step back."""
    chance = random.Random(seed)
    packets, time_ns = [], 0
    for number in range(8000):
        time_ns += chance.choice((0, 1, 1, 50 * MS, 3_000 * MS, 30_000 * MS, -10_000 * MS))
        make = chance.choice((v4_fragment, v6_fragment))
        source = chance.randrange(3)
        options = {"source": f"192.0.2.{source}" if make is v4_fragment else source,
                   "protocol": chance.choice((UDP, UDP, TCP, 1, 50))}  # fmt: skip
        body = chance.choice((udp(number % 500), frames.tcp(number % 500), b"", b"ab"))
        offset = chance.choice((0, 0, 8, 16, 1480, 65_528))
        data = make(chance.randrange(6), offset, chance.random() < 0.5, body, **options)
        size = chance.choice((len(data), len(data), chance.randrange(len(data) + 1)))
        packets.append(packet(BASE_NS + max(0, time_ns), RAW, data[:size], len(data)))
    check(write(directory, packets), flowagent, collector)
