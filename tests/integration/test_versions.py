"""NetFlow v1, v5, v7, v9 and IPFIX: every version reports the same flows, as far as it can, to our own
decoders and to real collectors."""

import re
import struct
import sys

import pytest

import frames
import ledger
import programs
from capture_files import packet, pcap
from conftest import ROOT, Hosts
from flows import FlowTable, differences
from pcap_reader import count_flows, read_packets
from waiting import wait_until

sys.path.append(str(ROOT / "tests" / "bench"))
import helpers  # noqa: E402

CAPTURES = ROOT / "tests" / "wire" / "captures"
NAMES = [
    "ndpi-443-curl.pcap",
    "ndpi-4in6tunnel.pcap",
    "ndpi-dns_fragmented.pcap",
    "ndpi-quic_interop_V.pcapng",
    "ndpi-sctp.cap",
    "ndpi-rtsp.pcap",
    "ndpi-whatsapp.pcap",
    "ndpi-wechat.pcap",
    "tcpdump-icmpv6.pcap",
    "tcpdump-nflog.pcap",
    "tcpdump-time_2038.pcap",
]
VERSIONS = (1, 5, 7, 9, 10)
WITHOUT_IPV6 = (1, 5, 7)
NOT_OF_PMACCT = (1, 7)


def as_seen_by(version, table):
    """What is left of a table in this version: v5 and its kin have neither IPv6 nor VLANs."""
    if version not in WITHOUT_IPV6:
        return table
    left = FlowTable()
    for key, totals in table.flows.items():
        if ":" not in key.source:
            left.add(key._replace(vlan=0), totals.packets, totals.octets, totals.tcp_flags,
                     totals.first_ms, totals.last_ms)  # fmt: skip
    return left


def read_with_all_versions(flowagent, collector, path):
    """One run for three collectors: ({version: collector}, {version: its row}, summary)."""
    sinks = {version: collector() for version in VERSIONS}
    options = []
    for version, sink in sinks.items():
        options += ["-n", f"{sink.host_port},version={version}"]
    agent = flowagent("--read", path, *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    rows = {row["version"]: row for row in summary["collectors"]}
    for version, sink in sinks.items():
        sink.wait_for_datagrams(rows[version]["datagrams_sent"])
    return sinks, rows, summary


@pytest.mark.parametrize("name", NAMES)
def test_capture_is_exact_in_every_version(name, flowagent, collector):
    path = CAPTURES / name
    sinks, rows, summary = read_with_all_versions(flowagent, collector, path)
    expected = count_flows(read_packets(path)).table
    ledger.check_final(summary)
    for version, sink in sinks.items():
        exported, row = sink.flows(), rows[version]
        assert not differences(exported.flows, as_seen_by(version, expected).flows), version
        assert row["datagrams_sent"] == len(sink.datagrams)
        assert row["records_sent"] == sum(len(message.flows) for message in sink.messages())
        assert row["packets_sent"] == exported.packets()
        assert row["bytes_sent"] == exported.octets()
        assert row["packets_lost"] == expected.packets() - exported.packets()
        assert row["records_lost"] == row["records_lost_by_reason"]["unsupported"]
        has_all = version not in WITHOUT_IPV6 or not any(":" in key.source for key in expected.flows)
        assert (row["records_lost"] == 0) == has_all


@pytest.mark.parametrize("version", VERSIONS)
def test_same_file_gives_same_datagrams(version, flowagent, collector):
    runs = []
    for _ in range(2):
        sink = collector()
        agent = flowagent(
            "--read", CAPTURES / "ndpi-whatsapp.pcap", "-n", sink.host_port, "-v", version
        )
        assert agent.wait() == 0, agent.errors
        sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
        runs.append(sink.datagrams)
    assert runs[0] == runs[1]
    assert int.from_bytes(runs[0][0][:2], "big") == version


@pytest.fixture
def capture(directory):
    """20 seconds, 1500 flows of both families: TCP, UDP, ICMP, ICMPv6. The memory plugin of nfacctd
    has no room for many more."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    packets = []
    for i in range(1500):
        if i % 4 == 3:
            layer = IPv6(src=f"2001:db8:1::{i:x}", dst="2001:db8:2::7", tc=i % 3 * 4)
            icmp = ICMPv6EchoRequest()
        else:
            layer = IP(src=f"192.0.{2 + i // 250}.{1 + i % 250}", dst="198.51.100.7", tos=i % 3 * 4)
            icmp = ICMP(type=3, code=1)
        payloads = [icmp, UDP(sport=i, dport=53), TCP(sport=i, dport=80, flags="S")]
        packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / layer
        packet /= payloads[i // 4 % 3]
        packet /= b"x" * (i % 100)
        for j in range(1 + i % 3):
            copy = packet.copy()
            copy.time = 1_700_000_000 + i / 75 + j / 1000
            packets.append(copy)
    path = directory / "flows.pcap"
    wrpcap(str(path), packets)
    return path


@pytest.fixture
def check_real_collectors(hosts, flowagent, nfacctd, nfcapd, tcpdump):
    """A function of a capture file and versions: nfacctd and nfcapd for each version that they know. Each
    has the exact sums of every flow and misses no datagram."""

    def check(capture, versions):
        _check_real_collectors(capture, versions, hosts, flowagent, nfacctd, nfcapd, tcpdump)

    return check


def check_pmacct(pmacct, expected, records_sent):
    pmacct.wait_for_packets(expected.packets())
    table, _, flow_count = pmacct.flows()
    assert not differences(table.counters(), expected.counters("tos"))
    assert flow_count == records_sent
    assert pmacct.stop() == 0
    for word in "expecting flow", "malformed", "ERROR", "WARN":
        assert word not in pmacct.log_text()


def _check_real_collectors(capture, versions, hosts, flowagent, nfacctd, nfcapd, tcpdump):
    address = Hosts.COLLECTOR[0]
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector)
               for version in versions if version not in NOT_OF_PMACCT}  # fmt: skip
    nfdumps = {version: nfcapd(address, 4000 + version, hosts.collector) for version in versions}
    wire = tcpdump(hosts.collector, "eth0", "udp")
    options = []
    for version in versions:
        for port in 3000 + version, 4000 + version:
            if port > 4000 or version in pmaccts:
                options += ["-n", f"{address}:{port},version={version}"]
    agent = flowagent("--read", capture, *options, "--export-rate", "1000", host=hosts.server)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    sent = sum(row["datagrams_sent"] for row in rows.values())
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    everything = count_flows(read_packets(capture)).table

    for version in versions:
        expected = as_seen_by(version, everything)
        nfdump = nfdumps[version]
        row = rows[f"{address}:{4000 + version}"]
        if version in pmaccts:
            check_pmacct(pmaccts[version], expected, row["records_sent"])

        nfdump.stop()
        assert not differences(nfdump.flows().flows, expected.flows), version
        # nfcapd 1.7.1 does not count options data in the sequence of IPFIX, as RFC 7011 section
        # 3.1 wants it: it may find an error after each.
        (errors,) = re.findall(r"Sequence Errors: (\d+), Bad Packets: 0", nfdump.errors)
        options_records = row["sequence"] - row["records_sent"] if version == 10 else 0
        assert int(errors) <= options_records, version

        assert programs.tshark_complaints(wire.path, 4000 + version) == []
        count = programs.tshark_record_count(wire.path, 4000 + version)
        assert count == row["records_sent"], version


def test_real_collectors_read_every_version(capture, check_real_collectors):
    check_real_collectors(capture, VERSIONS)


def write_wide_flows(path):
    """Flows of more than 4 GiB, IPv4 and IPv6, each among small ones."""
    small = [frames.ipv4(frames.udp(number)) for number in range(40)]
    small += [frames.ipv6(frames.udp(number)) for number in range(40)]
    large = frames.ipv4(frames.udp(1000), total_length=65535)
    jumbo_option = struct.pack(">BBBBI", frames.UDP, 0, 0xC2, 4, 0xFFFFFFFF)  # RFC 2675
    jumbogram = frames.ipv6(jumbo_option + frames.udp(1000), 0, payload_length=0)
    packets = [large] * 65540
    for number, each in enumerate(small):
        packets.insert(800 * number, each)
        if number % 20 == 0:
            packets.insert(800 * number, jumbogram)
    path.write_bytes(pcap([packet(1_700_000_000 * 10**9 + number * 500_000, frames.RAW, each)
                           for number, each in enumerate(packets)]))  # fmt: skip


def test_real_collectors_read_wide_records(directory, check_real_collectors):
    """Counters beyond 32 bits go by a template of their own, between compact records."""
    path = directory / "wide.pcap"
    write_wide_flows(path)
    octets = [totals.octets for totals in count_flows(read_packets(path)).table.flows.values()]
    assert sorted(octets)[-2:] == [65540 * 65535, 4 * (40 + 0xFFFFFFFF)]
    assert len(octets) == 82
    check_real_collectors(path, (9, 10))


@pytest.mark.parametrize("version", (9, 10))
def test_datagrams_hold_26_records(version, directory, flowagent, collector):
    """Of 1400 bytes, all datagrams counted: the traffic that tests/bench calls web."""
    path = directory / "web.pcap"
    truth = helpers.generate("web", 60000, 3000, path)
    sink = collector()
    agent = flowagent("--read", path, "-n", f"{sink.host_port},version={version}")
    assert agent.wait() == 0, agent.errors
    (row,) = agent.summary()["collectors"]
    assert row["records_sent"] >= truth["flows"]
    assert row["records_sent"] / row["datagrams_sent"] >= 26
    sink.wait_for_datagrams(row["datagrams_sent"])
    assert sink.flows().packets() == truth["packets"]


# That clock has 32 bits: the packets of the other capture are months apart.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "tcpdump-icmpv6.pcap"])
def test_times_on_the_exporters_clock_are_exact(name, flowagent, collector):
    """uptime=on: fields 22 and 21 instead of 152 and 153, the same milliseconds."""
    path = CAPTURES / name
    sink = collector()
    agent = flowagent("--read", path, "-n", f"{sink.host_port},uptime=on")
    assert agent.wait() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    expected = count_flows(read_packets(path)).table
    assert not differences(sink.flows().flows, expected.flows)
    fields = {field for message in sink.messages() for values in message.flows for field in values}
    assert {21, 22} <= fields and not {152, 153} & fields


def test_nfcapd_reads_times_on_the_exporters_clock(host, flowagent, nfcapd):
    path = CAPTURES / "ndpi-443-curl.pcap"
    machine = host("machine")
    nfdump = nfcapd("127.0.0.1", 9995, machine)
    agent = flowagent("--read", path, "-n", "127.0.0.1:9995,uptime=on", host=machine)
    assert agent.wait() == 0, agent.errors
    expected = count_flows(read_packets(path)).table
    nfdump.stop()
    assert not differences(nfdump.flows().flows, expected.flows)


@pytest.mark.parametrize("version", (9, 10))
def test_a_direction_that_is_not_known_is_left_out(version, flowagent, collector):
    """A file of somebody else's traffic; the registry has 0 and 1 for flowDirection and nothing else."""
    sink = collector()
    agent = flowagent("--read", CAPTURES / "ndpi-443-curl.pcap", "-n", f"{sink.host_port},version={version}")
    assert agent.wait() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    flows = [values for message in sink.messages() for values in message.flows]
    assert flows and all(61 not in values for values in flows)
    assert not differences(sink.flows().flows, count_flows(read_packets(CAPTURES / "ndpi-443-curl.pcap")).table.flows)
