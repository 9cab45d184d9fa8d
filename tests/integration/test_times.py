"""Time in capture files: any order, any year, and the timeouts of each protocol."""

import random
import struct

import pytest

import ledger
from flows import differences
from netflow9 import END_MS, END_REASON, OCTETS, PACKETS, PROTOCOL, START_MS
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


def test_a_flow_that_goes_on_for_weeks(directory, flowagent, collector):
    """A packet every 6 hours, for four weeks: cut by the active timeout only, no sum is lost."""
    step = 6 * 3600
    packets = [(BASE + i * step, frame(size=i)) for i in range(28 * 4)]
    path = write(directory / "weeks.pcap", packets)
    _, summary, records = records_of(path, flowagent, collector, "--active-timeout", "14d",
                                     "--inactive-timeout", "7d")  # fmt: skip
    assert [values[END_REASON] for values in records] == [ACTIVE, FORCED]
    assert sum(values[PACKETS] for values in records) == len(packets)
    assert sum(values[OCTETS] for values in records) == sum(28 + i for i in range(len(packets)))
    assert records[0][END_MS] - records[0][START_MS] == (14 * 4 - 1) * step * 1000
    assert summary["records_expired"]["active"] == 1


def test_more_than_4_gib_and_a_jump_of_the_clock(directory, flowagent, collector):
    """Jumbograms that say 4 GiB each; and stamps that jump by ten years and back."""
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    jumbo = Ether() / IPv6(src="2001:db8::1", dst="2001:db8::2", plen=0, nh=0) / (
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
