"""The main job: firewall rule, NFLOG, flowagent, and three kinds of collectors get the same table.

Server, internet and collector are hosts; TCP, UDP and ICMP go both ways over IPv4 and IPv6.
"""

import json

import pytest

import ledger
import programs
import traffic
from conftest import RELEASE_BUILD, ROOT, Hosts
from firewalls import FIREWALLS
from flows import TCP, FlowTable, differences
from netflow9 import DIRECTION, INPUT_INTERFACE, INTERFACE_NAME, OUTPUT_INTERFACE
from netflow9 import SCOPE_INTERFACE, SOURCE_IPV4, text
from pcap_reader import count_flows
from waiting import wait_until

CAPTURE = ROOT / "tests" / "wire" / "captures" / "ndpi-dns.pcap"
NETWORKS = """\
! who the tests say these networks belong to
64500,192.0.2.0/24
64501,198.51.100.0/24
64502,203.0.113.0/24
"""
AS_NUMBERS = {"192.0.2.10": 64500, "198.51.100.7": 64501, "203.0.113.53": 64502}
OWN_PORT, NFACCTD_PORT, NFCAPD_PORT = 2055, 3001, 9995


def generate(hosts):
    """Traffic of every kind. Returns (FlowTable of what is known to the packet, TCP keys)."""
    known, tcp_keys = FlowTable(), []
    for server_address, remote, other in zip(Hosts.SERVER, Hosts.REMOTE, Hosts.OTHER):
        server = (hosts.server, server_address)
        outside = (hosts.internet, remote)
        traffic.udp_dialogue(server, outside, known, 20, 40, 200)
        traffic.udp_dialogue((hosts.internet, other), server, known, 11, 1, 1400, tos=0xB8)
        traffic.ping(server, remote, known, 5, 56)
        traffic.ping(outside, server_address, known, 3, 1000)
        traffic.udp_fragments(outside, server, known, 4000)
        tcp_keys += traffic.tcp_transfer(server, outside, 700, 300_000)
        tcp_keys += traffic.tcp_transfer(outside, server, 100_000, 20_000)
    return known, tcp_keys


def without_exports(packets):
    """What the agent accounts: all but its own datagrams."""
    return FlowTable(
        {key: totals for key, totals in count_flows(packets).table.flows.items()
         if key.destination not in Hosts.COLLECTOR}
    )  # fmt: skip


def plain(table):
    """key -> (packets, bytes, TCP flags)"""
    return {key: (t.packets, t.octets, t.tcp_flags) for key, t in table.flows.items()}


@pytest.fixture(params=FIREWALLS, ids=lambda firewall: firewall.name)
def firewall(request):
    return request.param


def test_three_collectors_get_what_was_sent(
    firewall, hosts, flowagent, agentctl, collector, nfacctd, nfcapd, tcpdump, directory
):
    networks_file = directory / "networks.lst"
    networks_file.write_text(NETWORKS)
    address, address6 = Hosts.COLLECTOR
    own = collector(address6, OWN_PORT, hosts.collector)
    pmacct = nfacctd(address, NFACCTD_PORT, hosts.collector, networks_file)
    nfdump = nfcapd(address, NFCAPD_PORT, hosts.collector)
    wire = tcpdump(hosts.server, "eth0", "ip", "or", "ip6")
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "-n", f"{address}:{NFACCTD_PORT}",
        "-n", f"{address}:{NFCAPD_PORT}", "--inactive-timeout", "3600", "--active-timeout", "3600",
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    firewall.install(hosts.server, "eth0")

    known, tcp_keys = generate(hosts)
    control = agentctl(agent)
    matched = firewall.matched(hosts.server)
    assert matched.packets > known.packets()
    wait_until(
        lambda: control.statistics()["packets_read"] >= firewall.matched(hosts.server).packets,
        "the agent to read what the rule has matched",
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    matched = firewall.matched(hosts.server)

    # The ledger, and the rule's own counter.
    ledger.check_final(summary, matched.packets)
    assert summary["packets_lost_kernel"] == 0
    assert summary["packets_exported"] == matched.packets
    assert summary["bytes_exported"] == matched.octets

    # The own collector: flow by flow what a capture on the same device holds, flags included.
    own.wait_for_datagrams(summary["datagrams_sent"])
    exported = own.flows()
    wait_until(
        lambda: without_exports(wire.packets()).packets() >= exported.packets(),
        "the capture to be written",
    )
    on_the_wire = without_exports(wire.packets())
    assert not differences(plain(exported), plain(on_the_wire))
    assert (exported.packets(), exported.octets()) == (matched.packets, matched.octets)

    # What the generator knows to the packet, and that nothing else was there.
    counters, expected = plain(exported), plain(known)
    assert not differences({key: counters.get(key) for key in expected}, expected)
    assert set(counters) == set(expected) | set(tcp_keys)
    assert all(key.protocol == TCP for key in tcp_keys)

    # nfacctd: the table of the how-to, with AS numbers of its networks_file.
    pmacct.wait_for_packets(matched.packets)
    table, as_numbers, flow_count = pmacct.flows()
    assert not differences(table.counters(), exported.counters("tos"))
    assert (table.packets(), table.octets()) == (matched.packets, matched.octets)
    assert flow_count == summary["records_sent"]
    for key, pair in as_numbers.items():
        if ":" not in key.source:  # nfacctd 1.7.7 cannot look up IPv6 in its networks_file
            assert pair == (AS_NUMBERS[key.source], AS_NUMBERS[key.destination]), key
    assert pmacct.stop() == 0
    assert "expecting flow" not in pmacct.log_text() and "malformed" not in pmacct.log_text()
    assert "ERROR" not in pmacct.log_text() and "WARN" not in pmacct.log_text()

    # nfdump: the same, with ToS, flags and times to the millisecond.
    nfdump.stop()
    assert not differences(nfdump.flows().flows, exported.flows)
    assert "Sequence failures: 0" in nfdump.nfdump("-I") or "Sequence" not in nfdump.nfdump("-I")


@pytest.mark.parametrize("version", [5, 9, 10])
def test_wire_is_clean_for_tshark(
    version, hosts, flowagent, agentctl, collector, tcpdump, udp_flood
):
    """Many datagrams, templates refreshed among them: nothing malformed, no gap, none too long."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    capture = tcpdump(hosts.collector, "eth0", "udp", "port", OWN_PORT)
    firewall = FIREWALLS[0]
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    agent = flowagent("--nflog", "40", "-n", own.host_port, "-v", version, host=hosts.server)
    agent.wait_for_group()
    firewall.install(hosts.server, "eth0")
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 2000, 2000, 20000)
    generate(hosts)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= firewall.matched(hosts.server).packets,
        "the agent to read what the rule has matched",
    )
    assert control.run("flush").returncode == 0
    assert control.run("send-template").returncode == 0
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    own.wait_for_datagrams(summary["datagrams_sent"])
    wait_until(lambda: len(capture.packets()) == len(own.datagrams), "the capture to be written")
    capture.stop()

    assert programs.tshark_complaints(capture.path, OWN_PORT) == []
    assert programs.tshark_record_count(capture.path, OWN_PORT) == summary["records_sent"]
    assert max(map(len, own.datagrams)) <= 1400
    # Full while records wait: all but those cut short by a template, the flush or the end.
    full = [size for size in map(len, own.datagrams) if size > 1300]
    assert len(full) > 0.8 * len(own.datagrams)


@pytest.mark.parametrize("version, scope", [(9, SCOPE_INTERFACE), (10, INPUT_INTERFACE)])
def test_records_tell_interface_and_direction(version, scope, hosts, flowagent, collector):
    """Hook and device of the packet: 10, 14, 61, and the name of the device as options data."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, "-v", version, host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    generate(hosts)
    assert agent.stop() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])

    (link,) = json.loads(hosts.server.ip("-j", "link", "show", "eth0"))
    eth0 = link["ifindex"]
    messages = own.messages()
    seen = {}
    for message in messages:
        for values in message.flows:
            place = (values[DIRECTION], values[INPUT_INTERFACE], values[OUTPUT_INTERFACE])
            seen.setdefault("IPv4" if SOURCE_IPV4 in values else "IPv6", set()).add(place)
    assert seen["IPv4"] == {(0, eth0, 0), (1, 0, eth0)}
    # At postrouting the kernel names the output device of a local IPv6 TCP packet as input as well.
    assert seen["IPv6"] - {(1, eth0, eth0)} == seen["IPv4"]
    names = {
        int.from_bytes(scopes[scope], "big"): text(values[INTERFACE_NAME])
        for message in messages
        for scopes, values in message.options
        if scope in scopes
    }
    assert names.get(eth0) == "eth0"


def test_own_datagrams_are_not_accounted(hosts, flowagent, agentctl, collector):
    """A rule that also catches what the agent sends must not feed it for ever."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    firewall = FIREWALLS[0]
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    firewall.install(hosts.server, "eth0", skip_own=False)
    generate(hosts)
    control = agentctl(agent)
    assert control.run("flush").returncode == 0
    wait_until(
        lambda: control.statistics()["packets_ignored"]["own_export"] >= len(own.datagrams) > 0,
        "own datagrams to be seen and ignored",
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    own.wait_for_datagrams(summary["datagrams_sent"])
    ledger.check_final(summary)
    assert not [key for key in own.flows().flows if key.destination in Hosts.COLLECTOR]


def test_what_others_send_to_the_collector_is_accounted(hosts, flowagent, flowagent_run, agentctl, collector):
    """Another exporter on this server, and one behind it, send to the same collector: their
    datagrams are traffic, and only those of this agent are left out."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0", skip_own=False)
    other = flowagent(
        "--read", CAPTURE, "-n", own.host_port, "--source-id", 77, host=hosts.server
    )  # fmt: skip
    assert other.wait() == 0, other.errors
    sent = other.summary()["datagrams_sent"]
    assert sent > 0
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= sent, "them to be read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"] + sent)
    accounted = [
        counters
        for key, counters in own.flows().flows.items()
        if key.destination == Hosts.COLLECTOR[0] and key.destination_port == OWN_PORT
    ]
    assert [counters.packets for counters in accounted] == [sent]


def test_several_groups(hosts, flowagent, agentctl, collector):
    """--nflog 40-41: a worker for each group, one export."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("--nflog", "40-41", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group(40)
    agent.wait_for_group(41)
    hosts.server.run("nft", "-f", "-", input="""
table inet test {
	chain in {
		type filter hook prerouting priority raw; policy accept;
		iifname "eth0" counter log group 41 snaplen 96
	}
	chain out {
		type filter hook postrouting priority srcnat + 10; policy accept;
		oifname != "eth0" return
		meta mark 0xf10a return
		counter log group 40 snaplen 96
	}
}
""")  # fmt: skip
    known, _ = generate(hosts)
    control = agentctl(agent)
    matched = FIREWALLS[0].matched(hosts.server)
    wait_until(
        lambda: control.statistics()["packets_read"] >= matched.packets, "both groups to be read"
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, FIREWALLS[0].matched(hosts.server).packets)
    own.wait_for_datagrams(summary["datagrams_sent"])
    counters = own.flows().counters()
    expected = known.counters()
    assert not differences({key: counters.get(key) for key in expected}, expected)


def test_valgrind_finds_nothing(hosts, collector, directory):
    """Every byte that is handed to the kernel has been set, the padding of netlink messages too."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = programs.Program(
        "valgrind",
        ["valgrind", "-q", "--error-exitcode=9", RELEASE_BUILD / "flowagent", "--nflog", "40",
         "-i", "eth0", "-n", own.host_port, "--control", "none"],
        directory, hosts.server,
    )  # fmt: skip
    try:
        agent.wait_until(lambda: "reading eth0" in agent.errors, "it reads")
        traffic.udp_dialogue((hosts.server, Hosts.SERVER[0]), (hosts.internet, Hosts.REMOTE[0]),
                             FlowTable(), 5, 1, 1)  # fmt: skip
        assert agent.stop() == 0, agent.errors
        assert "==" not in agent.errors
    finally:
        agent.kill()
