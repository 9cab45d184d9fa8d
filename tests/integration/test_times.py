"""Time in capture files: any order, any year, and the timeouts of each protocol."""

import random
import struct

import pytest

import frames
import ledger
from capture_files import Interface, packet, pcap, pcapng
from flows import differences
from netflow9 import END_MS, END_REASON, OCTETS, PACKETS, PROTOCOL, SOURCE_IPV4, START_MS
from pcap_reader import count_flows, read_packets

IDLE, ACTIVE, END_OF_FLOW, FORCED = 1, 2, 3, 4
BASE = 1_700_000_000.0
PCAPNG_SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def frame(protocol="udp", port=1000, size=10, flags="A"):
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.l2 import GRE, Ether

    layers = {
        "udp": lambda: UDP(sport=port, dport=53),
        "tcp": lambda: TCP(sport=port, dport=80, flags=flags),
        "icmp": lambda: ICMP(),
        "gre": lambda: GRE(),
    }
    ip = IP(src="192.0.2.1", dst="198.51.100.7")
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ip / layers[protocol]() / (
        b"x" * size
    )


def write(path, packets):
    """[(time, frame)] as they stand, without sorting."""
    from scapy.utils import wrpcap

    frames = []
    for time, packet in packets:
        packet.time = time
        frames.append(packet)
    wrpcap(str(path), frames)
    return path


def write_pcapng(path, packets):
    """The same with 64-bit stamps in milliseconds, which may be of any year."""
    blocks = [PCAPNG_SECTION]
    options = struct.pack("<HHB3xHH", 9, 1, 3, 0, 0)  # if_tsresol: 10^-3
    blocks.append(struct.pack("<IIHHI", 1, 20 + len(options), 1, 0, 0) + options
                  + struct.pack("<I", 20 + len(options)))  # fmt: skip
    for stamp_ms, packet in packets:
        data = bytes(packet)
        padded = data + bytes(-len(data) % 4)
        length = 32 + len(padded)
        head = struct.pack("<IIIIIII", 6, length, 0, stamp_ms >> 32, stamp_ms & 0xFFFFFFFF,
                           len(data), len(data))  # fmt: skip
        blocks.append(head + padded + struct.pack("<I", length))
    path.write_bytes(b"".join(blocks))
    return path


def records_of(path, flowagent, collector, *options):
    own = collector()
    agent = flowagent("-r", path, "-n", own.host_port, *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    records = [values for message in own.messages() for values in message.flows]
    return own, summary, records


def test_any_order_gives_the_same_sums(directory, flowagent, collector):
    """Packets of several queues, and a clock that was set back by an hour in between."""
    shuffle = random.Random(1)
    packets = [(BASE + i / 10, frame(port=1000 + i % 7, size=i % 50)) for i in range(400)]
    shuffle.shuffle(packets)
    packets += [(BASE - 3600 + i / 10, frame(port=1000 + i % 7)) for i in range(100)]
    path = write(directory / "shuffled.pcap", packets)
    own, summary, records = records_of(path, flowagent, collector)
    assert summary["packets_exported"] == 500
    assert not differences(own.flows().flows, count_flows(read_packets(path)).table.flows)
    assert all(values[START_MS] <= values[END_MS] for values in records)


@pytest.mark.parametrize("start", [2**31 - 2, 2**32 - 4, 1], ids=["2038", "2106", "1970"])
def test_seconds_of_32_bits(start, directory, flowagent, collector):
    path = write(directory / "old.pcap", [(start + i / 2, frame()) for i in range(6)])
    own, _, records = records_of(path, flowagent, collector)
    (values,) = records
    assert (values[START_MS], values[END_MS]) == (start * 1000, start * 1000 + 2500)
    assert not differences(own.flows().flows, count_flows(read_packets(path)).table.flows)
    assert [message.unix_s for message in own.messages()][-1] & 0xFFFFFFFF >= start


@pytest.mark.parametrize("start_s", [2**32 + 10, 253402300799], ids=["2107", "9999"])
def test_seconds_beyond_32_bits(start_s, directory, flowagent, collector):
    """The stamps of records have 64 bits; only the header's seconds wrap in 2106."""
    start_ms = start_s * 1000
    packets = [(start_ms + 250 * i, frame()) for i in range(6)]
    path = write_pcapng(directory / "far.pcapng", packets)
    _, _, records = records_of(path, flowagent, collector)
    (values,) = records
    assert (values[START_MS], values[END_MS]) == (start_ms, start_ms + 1250)


def test_each_protocol_has_its_timeout(directory, flowagent, collector):
    """Two packets of a flow T apart are one record, if T is less than the timeout, else two."""
    limits = {"udp": 5, "icmp": 3, "gre": 7, "tcp": 9}
    options = ["-t", "udp=5s,icmp=3s,general=7s,tcp=9s", "--active-timeout", "1h"]
    for apart in -0.5, 0.5:
        packets = []
        for protocol, limit in limits.items():
            packets += [(BASE, frame(protocol)), (BASE + limit + apart, frame(protocol))]
        packets.sort(key=lambda pair: pair[0])
        path = write(directory / f"apart{apart}.pcap", packets)
        _, _, records = records_of(path, flowagent, collector, *options)
        counts = {}
        for values in records:
            counts.setdefault(values[PROTOCOL], []).append(values[PACKETS])
        one_or_two = [2] if apart < 0 else [1, 1]
        assert counts == {17: one_or_two, 1: one_or_two, 47: one_or_two, 6: one_or_two}


@pytest.mark.parametrize("flags, name", [("FA", "tcp.fin"), ("R", "tcp.rst")])
def test_linger_takes_in_what_follows_the_end(flags, name, directory, flowagent, collector):
    """A last ACK within the linger time belongs to the flow that has ended; later it is a new one."""
    packets = [(BASE, frame("tcp")), (BASE + 1, frame("tcp", flags=flags)),
               (BASE + 3.5, frame("tcp")), (BASE + 10, frame("udp"))]  # fmt: skip
    path = write(directory / "end.pcap", packets)
    for linger, expected in ("3s", [(3, END_OF_FLOW)]), ("2s", [(2, END_OF_FLOW), (1, FORCED)]):
        _, _, records = records_of(path, flowagent, collector, "-t", f"{name}={linger}",
                                   "--inactive-timeout", "1h")  # fmt: skip
        tcp = [values for values in records if values[PROTOCOL] == 6]
        assert [(values[PACKETS], values[END_REASON]) for values in tcp] == expected


@pytest.mark.parametrize(("active", "ends"), [("14d", [ACTIVE, FORCED]), ("off", [FORCED])])
def test_a_flow_that_goes_on_for_weeks(active, ends, directory, flowagent, collector):
    """A packet every 6 hours, for four weeks: cut by the active timeout only, if there is one; no sum is lost."""
    step = 6 * 3600
    packets = [(BASE + i * step, frame(size=i)) for i in range(28 * 4)]
    path = write(directory / "weeks.pcap", packets)
    _, summary, records = records_of(path, flowagent, collector, "--active-timeout", active,
                                     "--inactive-timeout", "7d")  # fmt: skip
    assert [values[END_REASON] for values in records] == ends
    assert sum(values[PACKETS] for values in records) == len(packets)
    assert sum(values[OCTETS] for values in records) == sum(28 + i for i in range(len(packets)))
    assert records[0][END_MS] - records[0][START_MS] == (28 // len(ends) * 4 - 1) * step * 1000
    assert summary["records_expired"]["active"] == ends.count(ACTIVE)


def test_more_than_4_gib_and_a_jump_of_the_clock(directory, flowagent, collector):
    """Jumbograms that say 4 GiB each; and stamps that jump by ten years and back."""
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    jumbo = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src="2001:db8::1", dst="2001:db8::2", plen=0, nh=0) / (
        struct.pack(">BBBBI", 17, 0, 0xC2, 4, 0xFFFFFFFF) + struct.pack(">HHHH", 5, 6, 0, 0)
    )
    packets = [(BASE + i / 100, jumbo.copy()) for i in range(10)]
    packets += [(BASE + 315_360_000, jumbo.copy()), (BASE + 1, jumbo.copy())]
    path = write(directory / "jumbo.pcap", packets)
    own, summary, records = records_of(path, flowagent, collector)
    assert [values[PACKETS] for values in records] == [10, 2]
    assert [values[OCTETS] for values in records] == [10 * (40 + 0xFFFFFFFF), 2 * (40 + 0xFFFFFFFF)]
    assert summary["bytes_exported"] == 12 * (40 + 0xFFFFFFFF)
    assert not differences(own.flows().flows, count_flows(read_packets(path)).table.flows)


# ---- splits to the millisecond ------------------------------------------------------------------

MS = 10**6
START_MS_OF_TESTS = 1_700_000_000_123
CLASSES = {  # name of -t -> (protocol, TCP flags of the first packet), all with a timeout of their own
    "tcp": (6, 0x10), "tcp.fin": (6, 0x11), "tcp.rst": (6, 0x04), "udp": (17, 0), "icmp": (1, 0),
    "general": (47, 0),
}  # fmt: skip
TIMEOUTS_MS = {"tcp": 7001, "tcp.fin": 1003, "tcp.rst": 1999, "udp": 5007, "icmp": 3011, "general": 9013}


def raw(time_ms, number, protocol=17, flags=0):
    payload = frames.tcp(1, 2, flags) if protocol == 6 else frames.udp(1, 2)
    address = f"192.0.2.{number}"
    return packet(time_ms * MS, frames.RAW, frames.ipv4(payload, protocol, source=address))


def splits(path, flowagent, collector, *options):
    """address -> [(packets, reason, first, last)] in order of time."""
    own, _, records = records_of(path, flowagent, collector, *options)
    assert not differences(own.flows().flows, count_flows(read_packets(path)).table.flows)
    flows = {}
    for values in records:
        flows.setdefault(values[SOURCE_IPV4][3], []).append(
            (values[PACKETS], values[END_REASON], values[START_MS], values[END_MS])
        )
    return {number: sorted(rows, key=lambda row: row[2]) for number, rows in flows.items()}


def as_option(milliseconds):
    return f"{milliseconds}ms"


@pytest.mark.parametrize("short_ms", [1, 0, -1])
def test_idle_to_the_millisecond(short_ms, directory, flowagent, collector):
    """A packet T ms after the last one starts a new record; one ms earlier it belongs to the old."""
    options = []
    for name, timeout_ms in TIMEOUTS_MS.items():
        options += ["-t", f"{name}={as_option(timeout_ms)}"]
    packets, base = [], START_MS_OF_TESTS
    for number, (name, (protocol, flags)) in enumerate(CLASSES.items()):
        apart = TIMEOUTS_MS[name] - short_ms
        packets += [raw(base + i * apart, number, protocol, flags) for i in range(4)]
    packets.sort(key=lambda each: each.time_ns)
    path = directory / "idle.pcap"
    path.write_bytes(pcap(packets))
    found = splits(path, flowagent, collector, *options, "--active-timeout", "1d")
    for number, name in enumerate(CLASSES):
        apart = TIMEOUTS_MS[name] - short_ms
        if short_ms > 0:
            rows = [(4, base, base + 3 * apart)]
        else:
            rows = [(1, base + i * apart, base + i * apart) for i in range(4)]
        assert [(row[0], *row[2:]) for row in found[number]] == rows, name
        reason = END_OF_FLOW if "." in name else IDLE
        assert all(row[1] == reason for row in found[number][:-1]), name


@pytest.mark.parametrize("active_ms", [1000, 60_000, 61_117])
def test_active_to_the_millisecond(active_ms, directory, flowagent, collector):
    """A record holds what comes less than T ms after its first packet, whatever its flow's pace."""
    base, packets, expected = START_MS_OF_TESTS, [], {}
    chance = random.Random(active_ms)
    for number in range(20):
        time_ms, rows = base + number, []
        while time_ms < base + 5 * active_ms:
            packets.append(raw(time_ms, number))
            if not rows or time_ms - rows[-1][1] >= active_ms:
                rows.append([0, time_ms, time_ms])
            rows[-1][0] += 1
            rows[-1][2] = time_ms
            # Often just at the limit, or a millisecond beside it; never idle for long.
            left = rows[-1][1] + active_ms - time_ms
            time_ms += chance.choice((active_ms // 10, active_ms // 7, left, left - 1, left + 1)) or 1
        expected[number] = [tuple(row) for row in rows]
    packets.sort(key=lambda each: each.time_ns)
    path = directory / "active.pcap"
    path.write_bytes(pcap(packets))
    found = splits(path, flowagent, collector, "--active-timeout", as_option(active_ms),
                   "--inactive-timeout", "1d")  # fmt: skip
    assert {n: [(row[0], *row[2:]) for row in rows] for n, rows in found.items()} == expected


@pytest.mark.parametrize("end", [0x11, 0x04, 0x14])
def test_linger_to_the_millisecond(end, directory, flowagent, collector):
    """Each packet after FIN or RST prolongs the linger time of 2 s; the first beyond it is a new flow."""
    base = START_MS_OF_TESTS
    times = [0, 10_000, 11_999, 13_998, 15_998]
    flags = [0x02, end, 0x10, 0x10, 0x10]
    packets = [raw(base + time_ms, 1, 6, each) for time_ms, each in zip(times, flags)]
    path = directory / "linger.pcap"
    path.write_bytes(pcap(packets))
    found = splits(path, flowagent, collector)
    assert found == {1: [(4, END_OF_FLOW, base, base + 13_998), (1, FORCED, base + 15_998, base + 15_998)]}


# ---- gaps ---------------------------------------------------------------------------------------


def header_ms(message):
    if hasattr(message, "unix_ms"):
        return message.unix_ms
    return 1000 * (message.unix_s if hasattr(message, "unix_s") else message.export_s)


@pytest.mark.parametrize("keys", ["version=5", "uptime=on", "version=9", "version=10"])
@pytest.mark.parametrize("gap_s", [20, 3600, 40 * 86400, 4000 * 86400])
def test_what_is_due_in_a_gap_leaves_when_it_is_due(keys, gap_s, directory, flowagent, collector):
    """The header says so: a second and a tick after the timeout of 15 s at the latest.

    Its seconds are rounded; with uptime=on to the next one.
    """
    packets, base = [], START_MS_OF_TESTS
    for number, start_ms in enumerate((0, 7000, gap_s * 1000, gap_s * 2000 + 500)):
        packets += [raw(base + start_ms + 100 * i, number) for i in range(3)]
    packets.sort(key=lambda each: each.time_ns)
    path = directory / "gaps.pcap"
    path.write_bytes(pcap(packets))
    own = collector()
    agent = flowagent("-r", path, "-n", f"{own.host_port},{keys}")
    assert agent.wait() == 0, agent.errors
    ledger.check_final(agent.summary())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert not differences(own.flows().flows, count_flows(packets).table.flows)
    last_ms = {number: max(each.time_ns // MS for each in packets if each.data[15] == number)
               for number in range(4)}  # fmt: skip
    left_ms = {values[SOURCE_IPV4][3]: header_ms(message)
               for message in own.messages() for values in message.flows}  # fmt: skip
    for number in range(3):
        assert -1000 < left_ms[number] - last_ms[number] - 15000 <= 2000 + 2 * 128, number
    assert abs(left_ms[3] - last_ms[3]) <= 1000


# ---- before 1970, and in other centuries --------------------------------------------------------


def test_before_1970(directory, flowagent, collector):
    """By if_tsoffset. Records cannot say it and show 0; splits and sums are as at any other time."""
    chance = random.Random(3)
    times, time_ms = [], 0
    for _ in range(400):
        time_ms += chance.choice((1, 40, 1000, 14_999, 15_000, 61_000))
        times.append(time_ms)
    shapes = {}
    for start_s in 1_000_000_000, -1_000_000_000, -2_000_000_000, -1000:
        packets = [raw(start_s * 1000 + at_ms, i % 5) for i, at_ms in enumerate(times)]
        path = directory / f"{start_s}.pcapng"
        path.write_bytes(pcapng(packets, "<", Interface(frames.RAW, 3, start_s)))
        own, summary, records = records_of(path, flowagent, collector)
        shapes[start_s] = [(v[SOURCE_IPV4], v[PACKETS], v[OCTETS], v[END_REASON]) for v in records]
        expected = count_flows(read_packets(path)).table.flows
        for totals in expected.values():
            totals.first_ms, totals.last_ms = max(0, totals.first_ms), max(0, totals.last_ms)
        assert not differences(own.flows().flows, expected)
        assert summary["packets_exported"] == len(times)
    assert len(shapes[1_000_000_000]) > 100
    assert all(sorted(shape) == sorted(shapes[1_000_000_000]) for shape in shapes.values())


@pytest.mark.parametrize("start_s", [2**31 - 3, 2**32 - 40, 2**32 + 100, 32_503_680_000])
def test_after_2038(start_s, directory, flowagent, collector):
    """In pcapng at any time, in pcap until 2106."""
    packets = [raw(start_s * 1000 + 333 * i, i % 3) for i in range(30)]
    writers = {"pcapng": lambda: pcapng(packets, ">", Interface(frames.RAW, 6))}
    if start_s < 2**32:
        writers["pcap"] = lambda: pcap(packets, ">")
    for name, write_it in writers.items():
        path = directory / name
        path.write_bytes(write_it())
        found = splits(path, flowagent, collector)
        for number, rows in found.items():
            first = start_s * 1000 + 333 * number
            assert [(row[0], *row[2:]) for row in rows] == [(10, first, first + 333 * 27)]


def test_order_of_packets_does_not_move_a_sum(directory, flowagent, collector):
    """The same packets sorted, mixed within a second, and backwards: one sum, each first and last."""
    chance = random.Random(4)
    sorted_packets = [raw(START_MS_OF_TESTS + 40 * i, i % 9) for i in range(600)]
    nearly = sorted(sorted_packets, key=lambda each: each.time_ns + chance.randrange(1000 * MS))
    flows = []
    for packets in sorted_packets, nearly, sorted_packets[::-1]:
        path = directory / "order.pcap"
        path.write_bytes(pcap(packets))
        own, _, _ = records_of(path, flowagent, collector)
        flows.append(own.flows().flows)
        assert not differences(flows[0], count_flows(packets).table.flows)
    assert flows[0] == flows[1] == flows[2]
