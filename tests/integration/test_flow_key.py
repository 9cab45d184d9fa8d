"""Other flow keys than the default: records carry what the key has, and all sums stay the same."""

import ipaddress
import json
import socket

import pytest

import ledger
import netflow9
import programs
import traffic
from conftest import ROOT, Hosts
from firewalls import FIREWALLS
from flows import FlowTable, differences
from pcap_reader import count_flows, read_packets
from waiting import wait_until

PARTS = ["addresses", "ports", "protocol", "tos", "vlan", "interfaces", "side"]
FIELDS = {  # by part: the elements of IPv4 records that say it
    "addresses": {netflow9.SOURCE_IPV4, netflow9.DESTINATION_IPV4},
    "ports": {netflow9.SOURCE_PORT, netflow9.DESTINATION_PORT},
    "protocol": {netflow9.PROTOCOL},
    "tos": {netflow9.TOS},
    "vlan": {netflow9.VLAN},
    "interfaces": {netflow9.INPUT_INTERFACE, netflow9.OUTPUT_INTERFACE},
    "side": {netflow9.DIRECTION},
    "mark": {netflow9.COMMON_PROPERTIES},
}
# Compact records leave out what is 0, all records a direction that is not known, as in this file.
LEFT_OUT = {netflow9.VLAN, netflow9.ICMP_TYPE_CODE, netflow9.DIRECTION}
ALWAYS = {netflow9.TCP_FLAGS, netflow9.END_REASON, netflow9.OCTETS, netflow9.PACKETS,
          netflow9.START_MS, netflow9.END_MS}  # fmt: skip
KEYS = [
    *[[part for part in PARTS if part != left_out] for left_out in PARTS],
    ["addresses"],
    ["protocol"],
    ["side"],
    ["ports", "protocol"],
    ["addresses", "mark"],
    [*PARTS, "mark"],
]
NO_TIMEOUTS = ["--active-timeout", "1000000", "--inactive-timeout", "1000000",
               "-t", "tcp.fin=1000000,tcp.rst=1000000"]  # fmt: skip
PORT = 2055


@pytest.fixture
def capture(directory):
    """Both families; TCP, UDP and ICMP; tags, ToS values, fragments; neighbours in prefixes."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.layers.l2 import Dot1Q, Ether
    from scapy.utils import wrpcap

    packets = []

    def add(packet, vlan):
        frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        packet = frame / Dot1Q(vlan=vlan) / packet if vlan else frame / packet
        packet.time = 1_700_000_000 + len(packets) / 1000
        packets.append(packet)

    for host in range(1, 9):
        for port in 53, 443, 8443:
            for vlan in 0, 7:
                tos = 0xB8 if host % 2 else 0
                v4 = IP(src=f"192.0.2.{host * 30}", dst=f"198.51.{host // 4}.7", tos=tos)
                v6 = IPv6(src=f"2001:db8:{host % 2}::{host:x}", dst="2001:db8:f::7", tc=tos)
                for network in v4, v6:
                    add(network / UDP(sport=1024, dport=port) / (b"u" * host), vlan)
                    add(network / TCP(sport=1024, dport=port, flags="S"), vlan)
                    add(network / TCP(sport=1024, dport=port, flags="FPA") / (b"t" * 100), vlan)
                add(v4 / ICMP(type=8, code=port % 3) / (b"i" * 20), vlan)
                add(v6 / ICMPv6EchoRequest(data=b"i" * 20), vlan)
    path = directory / "key.pcap"
    wrpcap(str(path), packets)
    return path


def prefix(address, length):
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False).network_address)


def under(table, parts, ipv4=32, ipv6=128):
    """What a FlowTable of default keys becomes under another key: the oracle."""
    result = FlowTable()
    for key, totals in table.flows.items():
        is_ipv6 = ":" in key.source
        length = ipv6 if is_ipv6 else ipv4
        name = "IPv6" if is_ipv6 else "IPv4"
        has = "addresses" in parts
        key = key._replace(
            source=prefix(key.source, length) if has else name,
            destination=prefix(key.destination, length) if has else name,
            protocol=key.protocol if "protocol" in parts else 0,
            source_port=key.source_port if "ports" in parts else 0,
            destination_port=key.destination_port if "ports" in parts else 0,
            tos=key.tos if "tos" in parts else 0,
            vlan=key.vlan if "vlan" in parts else 0,
        )
        result.add(key, totals.packets, totals.octets, totals.tcp_flags, totals.first_ms,
                   totals.last_ms)  # fmt: skip
    return result


@pytest.mark.parametrize("parts", KEYS, ids=",".join)
def test_records_follow_the_key(parts, capture, flowagent, collector):
    own = collector()
    agent = flowagent("-r", capture, "-n", own.host_port, "--flow-key", ",".join(parts),
                      *NO_TIMEOUTS)  # fmt: skip
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    expected = under(count_flows(read_packets(capture)).table, parts)
    assert not differences(own.flows().flows, expected.flows)
    assert summary["flows_created"] == summary["records_sent"] == len(expected.flows)

    records = [values for message in own.messages() for values in message.flows]
    fields = ALWAYS | set().union(*(FIELDS[part] for part in parts))
    if "addresses" not in parts:
        fields |= {netflow9.IP_VERSION}
    if {"ports", "protocol"} <= set(parts):
        fields |= {netflow9.ICMP_TYPE_CODE}
    ipv4 = [values for values in records if netflow9.SOURCE_IPV6 not in values]
    assert ipv4 and all(fields - LEFT_OUT <= set(values) <= fields for values in ipv4)
    assert not any(netflow9.DIRECTION in values for values in ipv4)
    has_tags = any(values.get(netflow9.VLAN) == 7 for values in ipv4)
    assert has_tags == ("vlan" in parts)


@pytest.mark.parametrize("ipv4, ipv6", [(24, 48), (8, 128), (32, 33), (1, 1), (31, 127)])
def test_prefixes_are_counted_as_one(ipv4, ipv6, capture, flowagent, collector):
    own = collector()
    agent = flowagent("-r", capture, "-n", own.host_port, "--aggregate-ipv4", f"/{ipv4}",
                      "--aggregate-ipv6", f"/{ipv6}", *NO_TIMEOUTS)  # fmt: skip
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    expected = under(count_flows(read_packets(capture)).table, PARTS, ipv4, ipv6)
    assert not differences(own.flows().flows, expected.flows)
    for message in own.messages():
        for values in message.flows:
            is_ipv4 = netflow9.SOURCE_IPV4 in values
            masks = (
                (netflow9.SOURCE_MASK_IPV4, netflow9.DESTINATION_MASK_IPV4)
                if is_ipv4
                else (netflow9.SOURCE_MASK_IPV6, netflow9.DESTINATION_MASK_IPV6)
            )
            length, whole = (ipv4, 32) if is_ipv4 else (ipv6, 128)
            assert [values.get(mask) for mask in masks] == [length if length < whole else None] * 2


def test_mask_is_the_shorter_of_prefix_and_table(capture, directory, flowagent, collector):
    networks = directory / "networks.lst"
    networks.write_text("64500,192.0.0.0/16\n64501,198.51.0.0/28\n64502,2001:db8::/32\n")
    own = collector()
    agent = flowagent("-r", capture, "-n", own.host_port, "--aggregate-ipv4", "/24",
                      "--networks-file", networks, *NO_TIMEOUTS)  # fmt: skip
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    seen = set()
    for message in own.messages():
        for values in message.flows:
            key = netflow9.flow_key(values)
            is_ipv4 = "." in key.source
            seen.add((key.source if is_ipv4 else "v6", values[netflow9.SOURCE_AS],
                      values[netflow9.SOURCE_MASK_IPV4 if is_ipv4 else netflow9.SOURCE_MASK_IPV6]))
            if is_ipv4:
                seen.add((key.destination, values[netflow9.DESTINATION_AS],
                          values[netflow9.DESTINATION_MASK_IPV4]))  # fmt: skip
    assert seen == {
        ("192.0.2.0", 64500, 16), ("v6", 64502, 32), ("198.51.0.0", 64501, 24),
        ("198.51.1.0", 0, 24), ("198.51.2.0", 0, 24),
    }  # fmt: skip


COLLECTOR_KEYS = [
    # pmacct -s does not print a row that is 0 in all of its aggregate, as one of sides alone is.
    *[["--flow-key", ",".join(key)] for key in KEYS if key != ["side"]],
    ["--aggregate-ipv4", "/24", "--aggregate-ipv6", "/48"],
]


@pytest.mark.parametrize("options", COLLECTOR_KEYS, ids=lambda options: options[1])
def test_collectors_take_every_key(options, capture, host, flowagent, nfacctd, nfcapd, tcpdump):
    """nfacctd and nfcapd count the same sums, tshark finds nothing wrong."""
    machine = host("machine")
    pmacct = nfacctd("127.0.0.1", 3001, machine)
    nfdump = nfcapd("127.0.0.1", 9995, machine)
    wire = tcpdump(machine, "lo", "udp", "port", 3001)
    agent = flowagent("-r", capture, "-n", "127.0.0.1:3001", "-n", "127.0.0.1:9995", *options,
                      *NO_TIMEOUTS, host=machine)  # fmt: skip
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    assert summary["packets_exported"] == len(read_packets(capture))
    sent = (summary["packets_exported"], summary["bytes_exported"])
    each = summary["datagrams_sent"]
    pmacct.wait_until(lambda: pmacct_sums(pmacct) == sent, f"{sent} in its table")
    assert "malformed" not in pmacct.log_text() and "expecting flow" not in pmacct.log_text()
    assert "ERROR" not in pmacct.log_text() and "WARN" not in pmacct.log_text()
    nfdump.stop()
    rows = json.loads(nfdump.nfdump("-o", "json"))
    assert (sum(row["in_packets"] for row in rows), sum(row["in_bytes"] for row in rows)) == sent
    assert len(rows) == summary["records_sent"]
    wait_until(lambda: len(wire.packets()) == each, "the capture to be written")
    wire.stop()
    assert programs.tshark_complaints(wire.path, 3001) == []
    assert programs.tshark_record_count(wire.path, 3001) == summary["records_sent"]


def pmacct_sums(pmacct):
    """(packets, bytes) of all rows of its table."""
    rows = [line.split() for line in pmacct.table()[1:]]
    rows = [row for row in rows if len(row) == 10]
    return sum(int(row[7]) for row in rows), sum(int(row[9]) for row in rows)


@pytest.mark.parametrize("version", (5, 9))
def test_mark_of_the_rule_is_the_tos(version, hosts, flowagent, agentctl, collector):
    """Live, as with fprobe-ulog -M: the low 8 bits of the mark in the place of the packet's ToS."""
    own = collector(Hosts.COLLECTOR[0], PORT, hosts.collector)
    agent = flowagent("-g", "40", "-n", f"{own.host_port},version={version}", "--mark-as-tos", "on", host=hosts.server)
    agent.wait_for_group()
    hosts.server.run("nft", "-f", "-", input="""
table inet test {
	chain in {
		type filter hook prerouting priority raw; policy accept;
		udp dport 7001 meta mark set 0xdead0107
		udp dport 7001-7002 log group 40 snaplen 96
	}
}
""")  # fmt: skip
    with traffic.bound_socket(hosts.internet, Hosts.REMOTE[0], socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)
        for port in 7001, 7002:
            sender.sendto(b"m", (Hosts.SERVER[0], port))
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 2, "2 packets")
    assert agent.stop() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    records = [values for message in own.messages() for values in message.flows]
    assert {values[netflow9.DESTINATION_PORT]: values[netflow9.TOS] for values in records} == {7001: 7, 7002: 0}


def test_mark_of_the_rule_is_in_the_flow(hosts, flowagent, agentctl, collector):
    """Live: a mark that a rule sets makes flows, and is in records and in the tool's rows."""
    own = collector(Hosts.COLLECTOR[0], PORT, hosts.collector)
    agent = flowagent("-g", "40", "-n", own.host_port, "--flow-key", "addresses,mark,side",
                      host=hosts.server)  # fmt: skip
    agent.wait_for_group()
    hosts.server.run("nft", "-f", "-", input="""
table inet test {
	chain in {
		type filter hook prerouting priority raw; policy accept;
		udp dport 7001 meta mark set 0xdeadbeef
		udp dport 7002 meta mark set 7
		udp dport 7001-7009 counter log group 40 snaplen 96
	}
}
""")  # fmt: skip
    with hosts.internet.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((Hosts.REMOTE[0], 0))
    for port, count in (7001, 3), (7002, 5), (7003, 2), (7004, 4):
        for _ in range(count):
            sender.sendto(b"m" * 10, (Hosts.SERVER[0], port))
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 14, "14 packets")
    rows = {row["mark"]: row for row in control.rows("show", "flows")}
    counts = {mark: row["packets"] for mark, row in rows.items()}
    assert counts == {0xDEADBEEF: 3, 7: 5, 0: 6}
    assert [row["mark"] for row in control.rows("show", "flows", "mark=1-9")] == [7]
    (by_mark,) = control.rows("show", "flows", "mark=0xdeadbeef", "--by", "mark")
    assert (by_mark["mark"], by_mark["packets"]) == (0xDEADBEEF, 3)
    row = rows[7]
    assert (row["src"], row["dst"], row["dir"]) == (Hosts.REMOTE[0], Hosts.SERVER[0], "in")
    assert (row["src_port"], row["dst_port"], row["proto"], row["in_if"]) == (0, 0, 0, 0)
    elements = {row["element"] for row in control.rows("show", "templates") if row["family"] == 4}
    assert elements == ALWAYS | FIELDS["addresses"] | FIELDS["mark"] | FIELDS["side"]
    assert agent.stop() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    exported = {}
    for message in own.messages():
        for values in message.flows:
            exported[values[netflow9.COMMON_PROPERTIES]] = values[netflow9.PACKETS]
    assert exported == {0xDEADBEEF: 3, 7: 5, 0: 6}


def test_show_flows_names_prefixes(hosts, flowagent, agentctl):
    agent = flowagent("-g", "40", "--aggregate-ipv4", "/24", host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    hosts.server.run("ping", "-c", "1", "-W", "5", Hosts.ROUTER[0])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2, "request and reply")
    assert {row["src"] for row in control.rows("show", "flows", "proto=icmp")} == {"192.0.2.0/24"}


def test_fin_of_one_connection_leaves_the_rest(flowagent, collector, directory):
    """Without ports a flow is many connections: no record is cut where one of them ends."""
    path = ROOT / "tests" / "wire" / "captures" / "ndpi-443-curl.pcap"
    own = collector()
    agent = flowagent("-r", path, "-n", own.host_port, "--flow-key", "addresses,protocol")
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    assert summary["records_expired"]["end_of_flow"] == 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    expected = under(count_flows(read_packets(path)).table, ["addresses", "protocol"])
    assert not differences(own.flows().flows, expected.flows)
