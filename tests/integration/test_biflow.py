"""Bidirectional flows: both directions leave together, and their sums are those of one-way flows."""

import re

import pytest

import json_lines
import ledger
import netflow9
import programs
import traffic
from conftest import ROOT, Hosts
from firewalls import FIREWALLS, MARK
from flows import ICMP, ICMPV6, TCP, FlowKey, FlowTable, differences
from ipfix import BIFLOW_DIRECTION
from netflow9 import DIRECTION, INPUT_INTERFACE, OUTPUT_INTERFACE
from pcap_reader import count_flows, read_packets
from stream_collector import StreamCollector, decode_session, wait_for_packets
from waiting import wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"
NAMES = [
    "ndpi-443-curl.pcap",
    "ndpi-6in4tunnel.pcap",
    "ndpi-bittorrent.pcap",
    "ndpi-dns.pcap",
    "ndpi-dns_fragmented.pcap",
    "ndpi-icmp-tunnel.pcap",
    "ndpi-quic_interop_V.pcapng",
    "ndpi-rtsp.pcap",
    "ndpi-sctp.cap",
    "ndpi-stun.pcap",
    "ndpi-wechat.pcap",
    "tcpdump-icmpv6.pcap",
    "tcpdump-nflog.pcap",
    "tcpdump-tcp-handshake-nano.pcap",
]
VERSIONS = (5, 9, 10, "json")
SELECTOR_ID = 302
LONG = ["--inactive-timeout", "2000000", "--active-timeout", "2000000",
        "-t", "tcp.fin=2000000,tcp.rst=2000000"]  # fmt: skip
ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129}}


def reverse_of(key):
    """The FlowKey of the other direction; None if there can be none."""
    ports = key.destination_port, key.source_port
    if key.protocol in ANSWERS:
        answers = ANSWERS[key.protocol]
        pairs = answers | {answer: request for request, answer in answers.items()}
        kind, code = divmod(key.destination_port, 256)
        if kind not in pairs:
            return None
        ports = 0, pairs[kind] * 256 + code
    return key._replace(
        source=key.destination,
        destination=key.source,
        source_port=ports[0],
        destination_port=ports[1],
    )


def pairs_of(keys):
    """Conversations of which both directions are among 'keys'."""
    return {
        frozenset((key, reverse_of(key)))
        for key in keys
        if reverse_of(key) in keys and reverse_of(key) != key
    }


class Run:
    """One run over a file or until its end, with a collector of each version."""

    def __init__(self, flowagent, collector, *options, versions=VERSIONS, keys=""):
        self.sinks = {version: collector() for version in versions}
        words = []
        for version, sink in self.sinks.items():
            words += ["-n", f"{sink.host_port},version={version}{keys}"]
        agent = flowagent(*words, *options)
        assert agent.wait() == 0, agent.errors
        self.summary = agent.summary()
        ledger.check_final(self.summary)
        self.rows = {row["version"]: row for row in self.summary["collectors"]}
        for version, sink in self.sinks.items():
            sink.wait_for_datagrams(self.rows[version]["datagrams_sent"])

    def messages(self, version):
        return self.sinks[version].messages()

    def table(self, version):
        if version == "json":
            return self.lines().table()
        return self.sinks[version].flows()

    def lines(self):
        return json_lines.read(self.sinks["json"].datagrams)

    def biflows(self):
        """IPFIX: (forward, reverse) of each record."""
        return [pair for message in self.messages(10) for pair in message.biflows]

    def biflow_keys(self):
        return [tuple(map(netflow9.flow_key, pair)) for pair in self.biflows()]


def as_version_5(table):
    """Counters of what v5 can carry; its clock is too short for captures made of several."""
    return {key: counters for key, counters in table.counters("vlan").items()
            if ":" not in key.source}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_sums_of_both_directions_are_exact(name, flowagent, collector):
    """In every version each flow has what the independent reader counts, times and flags included;
    the versions agree which directions are together."""
    path = CAPTURES / name
    run = Run(flowagent, collector, "--read", path, "--biflow", "on")
    expected = count_flows(read_packets(path)).table
    for version in 9, 10, "json":
        row = run.rows[version]
        assert not differences(run.table(version).flows, expected.flows), version
        assert row["records_sent"] == run.summary["flows_created"]
        assert row["packets_sent"] == expected.packets()
        assert row["bytes_sent"] == expected.octets()
    assert not differences(run.table(5).counters(), as_version_5(expected))

    biflows = run.biflow_keys()
    lines = run.lines()
    lines.check_counts()
    assert [tuple(map(json_lines.flow_key, pair)) for pair in lines.biflows] == biflows
    assert all(reverse_of(forward) == reverse for forward, reverse in biflows)
    # NetFlow v9: the same records in the same order, whoever joins them.
    for version in 10, "json":
        flows = [netflow9.flow_key(values) for m in run.messages(9) for values in m.flows]
        if version == 10:
            joined = [netflow9.flow_key(values) for m in run.messages(10) for values in m.flows]
        else:
            joined = list(map(json_lines.flow_key, lines.flows))
        assert flows == joined


@pytest.mark.parametrize("name", NAMES)
def test_every_conversation_is_one_record(name, flowagent, collector):
    """With timeouts that cut nothing, each pair that the independent reader finds is one biflow."""
    path = CAPTURES / name
    key = "addresses,ports,protocol,tos,vlan"  # nDPI's rtsp has each packet on two interfaces
    options = ["--read", path, "--biflow", "on", "--flow-key", key, *LONG]
    run = Run(flowagent, collector, *options, versions=[10])
    expected = pairs_of(count_flows(read_packets(path)).table.flows)
    biflows = [frozenset(keys) for keys in run.biflow_keys()]
    assert len(biflows) == len(set(biflows))
    assert set(biflows) == expected


@pytest.mark.parametrize("name", ["ndpi-rtsp.pcap", "ndpi-bittorrent.pcap"])
def test_without_the_option_the_same_flows_leave_one_by_one(name, flowagent, collector):
    path = CAPTURES / name
    on = Run(flowagent, collector, "--read", path, "--biflow", "on", versions=[9, 10])
    off = Run(flowagent, collector, "--read", path, versions=[9, 10])
    assert not differences(on.table(9).flows, off.table(9).flows)
    assert on.biflows() and not off.biflows()
    templates = {
        identifier
        for datagram in off.sinks[10].datagrams
        for identifier in re.findall(rb"\x00\x00\x72\x79", datagram)
    }
    assert not templates


@pytest.mark.parametrize("version", [9, 10, "json"])
def test_same_file_gives_same_datagrams(version, flowagent, collector):
    runs = []
    for rate in 0, 500:
        sink = collector()
        agent = flowagent(
            "--read", CAPTURES / "ndpi-rtsp.pcap", "--biflow", "on",
            "-n", f"{sink.host_port},version={version},rate={rate}",
        )  # fmt: skip
        assert agent.wait() == 0, agent.errors
        sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
        runs.append(sink.datagrams)
    assert runs[0] == runs[1]


def test_a_connection_carries_biflows(flowagent, cleanup):
    """IPFIX over TCP: templates once, at the beginning of the session."""
    path = CAPTURES / "ndpi-rtsp.pcap"
    sink = cleanup.enter_context(StreamCollector())
    agent = flowagent(
        "--read", path, "--biflow", "on", "-n", f"{sink.host_port},transport=tcp,mtu=1280"
    )
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    expected = count_flows(read_packets(path)).table
    wait_for_packets(sink, expected.packets())
    assert not differences(sink.flows().flows, expected.flows)
    (session,) = sink.sessions
    messages = decode_session(session)
    biflows = sum(len(message.biflows) for message in messages)
    assert biflows > 0 and sum(message.templates for message in messages) == 16 + 3
    assert sum(len(message.flows) for message in messages) == summary["records_sent"]


@pytest.mark.parametrize("max_flows", [1, 2, 7])
def test_a_full_cache_gives_up_pairs(max_flows, flowagent, collector):
    path = CAPTURES / "ndpi-bittorrent.pcap"
    run = Run(flowagent, collector, "--read", path, "--biflow", "on", "-m", max_flows)
    expected = count_flows(read_packets(path)).table
    for version in 9, 10, "json":
        assert not differences(run.table(version).flows, expected.flows), version
    assert run.summary["records_expired"]["lack_of_resources"] > 0
    assert bool(run.biflows()) == (max_flows > 1)


def test_budget_and_end_with_more_pairs_than_the_ring_holds(directory, flowagent, collector):
    """20,000 conversations end at once: all leave through a ring of 8192 records."""
    from scapy.layers.inet import IP, UDP
    from scapy.utils import wrpcap

    there = IP(src="192.0.2.1", dst="198.51.100.1") / UDP(sport=1, dport=53)
    back = IP(src="198.51.100.1", dst="192.0.2.1") / UDP(sport=53, dport=1)
    raw = {False: bytes(there), True: bytes(back)}
    packets = []
    for number in range(20000):
        for is_back in False, True:
            packet = bytearray(raw[is_back])
            at = 16 if is_back else 12
            packet[at + 1 : at + 4] = number.to_bytes(3, "big")
            packets.append(bytes(packet))
    path = directory / "many.pcap"
    wrpcap(str(path), packets, linktype=101)
    run = Run(flowagent, collector, "--read", path, "--biflow", "on", versions=[9, 10])
    assert run.summary["flows_created"] == 40000
    assert len(run.biflows()) == 20000
    assert len(run.table(10).flows) == len(run.table(9).flows) == 40000


def test_a_different_tos_makes_no_pair_unless_the_key_lacks_it(directory, flowagent, collector):
    from scapy.layers.inet import IP, UDP
    from scapy.utils import wrpcap

    there = IP(src="192.0.2.1", dst="198.51.100.1", tos=8) / UDP(sport=1000, dport=53)
    back = IP(src="198.51.100.1", dst="192.0.2.1") / UDP(sport=53, dport=1000)
    path = directory / "tos.pcap"
    wrpcap(str(path), [there, back])
    options = "--read", path, "--biflow", "on"
    assert not Run(flowagent, collector, *options, versions=[10]).biflows()
    key = "addresses,ports,protocol,vlan,interfaces,side"
    run = Run(flowagent, collector, *options, "--flow-key", key, versions=[10])
    assert len(run.biflows()) == 1


@pytest.mark.parametrize(
    "key, count",
    [("addresses,protocol", 4), ("addresses", 2), ("ports,protocol", 3), ("protocol", 0),
     ("addresses,ports,protocol,tos,vlan", 4)],
)  # fmt: skip
def test_other_keys_have_pairs_where_something_has_a_direction(
    key, count, directory, flowagent, collector
):
    from scapy.layers.inet import ICMP as Icmp
    from scapy.layers.inet import IP, TCP as Tcp, UDP
    from scapy.utils import wrpcap

    packets = []
    for source, destination in ("192.0.2.1", "198.51.100.1"), ("198.51.100.1", "192.0.2.1"):
        is_back = source != "192.0.2.1"
        ports = {"sport": 53, "dport": 1000} if is_back else {"sport": 1000, "dport": 53}
        ip = IP(src=source, dst=destination)
        packets += [ip / UDP(**ports), ip / Tcp(flags="A", **ports)]
        packets += [ip / Icmp(type=0 if is_back else 8)]
        packets += [IP(src=source, dst="192.0.2.9" if is_back else destination, proto=47)]
    packets.append(IP(src="192.0.2.9", dst="198.51.100.1", proto=47))
    path = directory / "keys.pcap"
    wrpcap(str(path), packets)
    run = Run(flowagent, collector, "--read", path, "--biflow", "on", "--flow-key", key)
    assert len(run.biflows()) == count
    for version in VERSIONS:
        assert run.rows[version]["packets_sent"] == len(packets)


def test_prefixes_are_swapped_like_addresses(flowagent, collector):
    path = CAPTURES / "ndpi-rtsp.pcap"
    run = Run(flowagent, collector, "--read", path, "--biflow", "on",
              "--aggregate-ipv4", "/24", versions=[9, 10])  # fmt: skip
    assert run.biflows()
    assert not differences(run.table(10).flows, run.table(9).flows)


def test_templates_go_into_several_small_datagrams(flowagent, collector):
    """The smallest that are allowed: each template comes before its records all the same."""
    path = CAPTURES / NAMES[0]
    run = Run(flowagent, collector, "--read", path, "--biflow", "on", versions=[9, 10],
              keys=",mtu=576")  # fmt: skip
    assert run.biflows()
    assert not differences(run.table(10).flows, run.table(9).flows)
    assert max(map(len, run.sinks[10].datagrams)) <= 548
    templates = [message.templates for message in run.sinks[10].messages()]
    assert templates[0] and templates[1] and sum(templates) >= 16 + 3


def test_a_filter_looks_at_each_direction(flowagent, collector):
    """One direction of the two: a flow alone in every version."""
    path = CAPTURES / "ndpi-rtsp.pcap"
    whole, half, half9 = collector(), collector(), collector()
    agent = flowagent(
        "--read", path, "--biflow", "on",
        "-n", f'{whole.host_port},version=10,filter="port=52474"',
        "-n", f'{half.host_port},version=10,filter="src_port=8554"',
        "-n", f'{half9.host_port},filter="src_port=8554"',
    )  # fmt: skip
    assert agent.wait() == 0, agent.errors
    for sink, row in zip((whole, half, half9), agent.summary()["collectors"]):
        sink.wait_for_datagrams(row["datagrams_sent"])
    expected = count_flows(read_packets(path)).table.flows
    assert any(message.biflows for message in whole.messages())
    assert not any(message.biflows for message in half.messages())
    for sink in half, half9:
        wanted = {key: totals for key, totals in expected.items() if key.source_port == 8554}
        assert not differences(sink.flows().flows, wanted)
    wanted = {key: totals for key, totals in expected.items()
              if 52474 in (key.source_port, key.destination_port)}  # fmt: skip
    assert not differences(whole.flows().flows, wanted)


@pytest.mark.parametrize("version", [9, 10])
def test_a_sample_of_flows_has_both_directions(version, flowagent, collector):
    """And both have the same sampler, whose templates are announced in time."""
    path = CAPTURES / "ndpi-bittorrent.pcap"
    run = Run(flowagent, collector, "--read", f"{path},sampling=flows:3", "--biflow", "on", *LONG,
              versions=[version])  # fmt: skip
    expected = count_flows(read_packets(path)).table.flows
    flows = run.table(version).flows
    assert 0 < len(flows) < len(expected)
    assert not differences(flows, {key: expected[key] for key in flows})
    pairs = {pair for pair in pairs_of(expected) if pair & set(flows)}
    assert pairs == pairs_of(flows) != set()
    if version == 10:
        assert {frozenset(keys) for keys in run.biflow_keys()} == pairs
        for forward, reverse in run.biflows():
            assert forward[SELECTOR_ID] == reverse[SELECTOR_ID] != 0


@pytest.mark.parametrize("mode", ["balance", "round-robin"])
@pytest.mark.parametrize("version", [9, 10])
def test_both_directions_go_to_one_member(mode, version, flowagent, collector):
    path = CAPTURES / "ndpi-bittorrent.pcap"
    sinks = [collector() for _ in range(3)]
    words = []
    for sink in sinks:
        words += ["-n", f"{sink.host_port},version={version},mode={mode}"]
    agent = flowagent("--read", path, "--biflow", "on", *LONG, *words)
    assert agent.wait() == 0, agent.errors
    rows = agent.summary()["collectors"]
    expected = count_flows(read_packets(path)).table
    pairs, total = 0, FlowTable()
    for sink, row in zip(sinks, rows):
        sink.wait_for_datagrams(row["datagrams_sent"])
        table = sink.flows()
        pairs += len(pairs_of(table.flows))
        total.flows |= table.flows
        assert row["records_sent"] > 0
    assert pairs == len(pairs_of(expected.flows))
    assert not differences(total.flows, expected.flows)


def conversations(known, tcp_keys):
    """Pairs of what the traffic generator has sent."""
    return pairs_of(set(known.flows) | set(tcp_keys))


def generate(hosts, outside=Hosts.REMOTE):
    known, tcp_keys = FlowTable(), []
    for server_address, remote in zip(Hosts.SERVER, outside):
        server, peer = (hosts.server, server_address), (hosts.internet, remote)
        traffic.udp_dialogue(server, peer, known, 5, 40, 200)
        traffic.udp_dialogue(peer, server, known, 3, 1, 1400, tos=0xB8)
        traffic.ping(server, remote, known, 2, 56)
        traffic.ping(peer, server_address, known, 3, 1000)
        tcp_keys += traffic.tcp_transfer(server, peer, 700, 30_000)
        tcp_keys += traffic.tcp_transfer(peer, server, 10_000, 200)
    return known, tcp_keys


def read_all(agent, agentctl, firewall, hosts):
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= firewall.matched(hosts.server).packets,
        "the agent to read what the rule has matched",
    )
    return control


def test_conversations_of_a_server_are_biflows(hosts, flowagent, agentctl, collector):
    """NFLOG, both directions to one group. Forward is who has begun; interfaces and sides follow."""
    firewall = FIREWALLS[0]
    own = collector(Hosts.COLLECTOR[0], 4739, hosts.collector)
    agent = flowagent("--nflog", "40", "--biflow", "on", "-n", f"{own.host_port},version=10",
                      host=hosts.server)  # fmt: skip
    agent.wait_for_group()
    firewall.install(hosts.server, "eth0")
    known, tcp_keys = generate(hosts)
    control = read_all(agent, agentctl, firewall, hosts)
    rows = control.rows("show", "templates")
    assert {row["field"] for row in rows if row["enterprise"]} == {
        "reverseOctetDeltaCount", "reversePacketDeltaCount", "reverseTcpControlBits",
        "reverseFlowStartMilliseconds", "reverseFlowEndMilliseconds", "reverseFlowEndReason",
        "reverseFlowDirection", "reverseIngressInterface", "reverseEgressInterface",
        "reverseIcmpTypeCodeIPv4", "reverseIcmpTypeCodeIPv6",
    }  # fmt: skip
    shapes = {512, 513, 260, 261, 640, 641, 768, 769}  # compact and wide, with flowDirection and without
    assert {row["template"] for row in rows} == shapes | {identifier + 16 for identifier in shapes}
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, firewall.matched(hosts.server).packets)
    assert summary["packets_lost_kernel"] == 0
    own.wait_for_datagrams(summary["datagrams_sent"])

    exported = own.flows()
    matched = firewall.matched(hosts.server)
    assert (exported.packets(), exported.octets()) == (matched.packets, matched.octets)
    counters = exported.counters()
    expected = {key: (t.packets, t.octets) for key, t in known.flows.items()}
    assert not differences({key: counters.get(key) for key in expected}, expected)

    biflows = [pair for message in own.messages() for pair in message.biflows]
    keys = [tuple(map(netflow9.flow_key, pair)) for pair in biflows]
    assert len(keys) == len(set(keys))
    assert {frozenset(pair) for pair in keys} == conversations(known, tcp_keys)
    # The generator gives the keys of the client first; UDP answers never come before questions.
    clients = set(tcp_keys[::2]) | set(list(known.flows)[::2])
    for (forward, reverse), (key, _) in zip(biflows, keys):
        assert key in clients
        assert forward[BIFLOW_DIRECTION] == (key.protocol in (TCP, ICMP, ICMPV6))
        assert {forward[DIRECTION], reverse[DIRECTION]} == {0, 1}
        assert forward[INPUT_INTERFACE] == reverse[OUTPUT_INTERFACE]
        assert forward[OUTPUT_INTERFACE] == reverse[INPUT_INTERFACE]


FORWARD_RULES = f"""
table inet test {{
	chain forward {{
		type filter hook forward priority 0; policy accept;
		meta mark {MARK} return
		counter log group 40 snaplen 96
	}}
}}
"""


def test_a_router_has_pairs_of_one_side(hosts, flowagent, agentctl, collector):
    """Hook forward: both directions are 'in', between the same two interfaces."""
    sink = collector("127.0.0.1", 4739, hosts.internet)
    agent = flowagent("--nflog", "40", "--biflow", "on", "-n", "127.0.0.1:4739,version=10",
                      host=hosts.internet)  # fmt: skip
    agent.wait_for_group()
    hosts.internet.run("nft", "-f", "-", input=FORWARD_RULES)
    known, tcp_keys = FlowTable(), []
    for server_address, far in zip(Hosts.SERVER, Hosts.COLLECTOR):
        server, peer = (hosts.server, server_address), (hosts.collector, far)
        traffic.udp_dialogue(server, peer, known, 5, 40, 200)
        traffic.ping(server, far, known, 2, 56)
        tcp_keys += traffic.tcp_transfer(peer, server, 10_000, 200)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"]
        >= FIREWALLS[0].matched(hosts.internet).packets,
        "the agent to read what the rule has matched",
    )
    assert agent.stop() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    biflows = [pair for message in sink.messages() for pair in message.biflows]
    keys = {frozenset(map(netflow9.flow_key, pair)) for pair in biflows}
    assert keys == conversations(known, tcp_keys)
    for forward, reverse in biflows:
        assert forward[DIRECTION] == reverse[DIRECTION] == 0
        assert forward[INPUT_INTERFACE] == reverse[OUTPUT_INTERFACE] != 0
        assert forward[OUTPUT_INTERFACE] == reverse[INPUT_INTERFACE] != 0


def test_two_groups_by_direction_make_no_pairs(hosts, flowagent, agentctl, collector):
    """Each source has flows of its own."""
    firewall = FIREWALLS[0]
    own = collector(Hosts.COLLECTOR[0], 4739, hosts.collector)
    agent = flowagent("--nflog", "40-41", "--biflow", "on", "-n", f"{own.host_port},version=10",
                      host=hosts.server)  # fmt: skip
    agent.wait_for_group()
    firewall.install(hosts.server, "eth0")
    listing = hosts.server.run("nft", "-a", "list", "chain", "inet", "test", "out")
    (handle,) = re.findall(r"log group 40 .*# handle (\d+)", listing)
    rules = f"replace rule inet test out handle {handle} counter log group 41 snaplen 96"
    hosts.server.run("nft", "-f", "-", input=rules)
    known, _ = generate(hosts)
    read_all(agent, agentctl, firewall, hosts)
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, firewall.matched(hosts.server).packets)
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert not any(message.biflows for message in own.messages())
    counters = own.flows().counters()
    expected = {key: (t.packets, t.octets) for key, t in known.flows.items()}
    assert not differences({key: counters.get(key) for key in expected}, expected)


def test_what_real_collectors_read(host, flowagent, nfacctd, nfcapd, tcpdump):
    """tshark and nfcapd 1.7.1 read biflows; nfacctd 1.7.7 reads their forward direction, so it is
    given NetFlow v9, beside them."""
    path = CAPTURES / "ndpi-rtsp.pcap"
    machine = host("machine")
    pmacct9 = nfacctd("127.0.0.1", 3009, machine)
    pmacct10 = nfacctd("127.0.0.1", 3010, machine)
    nfdump = nfcapd("127.0.0.1", 4010, machine)
    wire = tcpdump(machine, "lo", "udp")
    agent = flowagent(
        "--read", path, "--biflow", "on", "-n", "127.0.0.1:3009",
        "-n", "127.0.0.1:3010,version=10", "-n", "127.0.0.1:4010,version=10", host=machine,
    )  # fmt: skip
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    sent = sum(row["datagrams_sent"] for row in rows.values())
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    expected = count_flows(read_packets(path)).table

    pmacct9.wait_for_packets(expected.packets())
    assert not differences(pmacct9.flows()[0].counters(), expected.counters("tos", "vlan"))
    forward = {key: totals for key, totals in expected.flows.items() if key.source_port != 8554}
    assert pairs_of(expected.flows) and len(forward) == len(expected.flows) / 2
    pmacct10.wait_for_packets(sum(totals.packets for totals in forward.values()))
    counters = pmacct10.flows()[0].counters()
    assert not differences(counters, FlowTable(forward).counters("tos", "vlan"))
    for pmacct in pmacct9, pmacct10:
        assert pmacct.stop() == 0
        assert not re.search("expecting flow|malformed|ERROR|WARN", pmacct.log_text())

    nfdump.stop()
    table = nfdump.flows()
    assert not differences(table.counters(), expected.counters("vlan"))
    for key in forward:  # flags and times are those of the forward direction
        assert table.flows[key._replace(vlan=0)].tcp_flags == expected.flows[key].tcp_flags

    assert programs.tshark_complaints(wire.path, 3010) == []
    counts = programs.tshark_values(wire.path, 3010, "cflow.packets")
    assert sum(counts) == expected.packets()
    assert len(counts) == rows["127.0.0.1:3010"]["records_sent"]


def test_keys_are_understood_here():
    """The reader of this test, on cases that are plain."""
    ping = FlowKey("192.0.2.1", "192.0.2.2", ICMP, 0, 8 * 256)
    assert reverse_of(ping) == FlowKey("192.0.2.2", "192.0.2.1", ICMP, 0, 0)
    assert reverse_of(ping._replace(destination_port=3 * 256)) is None
    assert pairs_of({ping, reverse_of(ping)}) == {frozenset((ping, reverse_of(ping)))}
