"""Optional data of a flow (lib/cache/flow_columns.def): the least and greatest TTL, against the capture files."""

import json
import socket

import pytest

import traffic
from conftest import ROOT, Hosts
from firewalls import FIREWALLS
from flows import differences
from netflow9 import flow_key
from pcap_reader import count_flows, read_packets
from test_fields import export
from waiting import PATIENCE_S, wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"
FIELDS = "fields=default+minimumTTL+maximumTTL"
MINIMUM_TTL, MAXIMUM_TTL = 52, 53
SOME = ["ndpi-whatsapp.pcap", "ndpi-6in4tunnel.pcap", "tcpdump-nflog.pcap", "tcpdump-icmpv6.pcap"]


def ttls_of(records):
    """key -> (least, greatest), from records of which several may be of one flow."""
    ttls = {}
    for values in records:
        key = flow_key(values)
        least, greatest = ttls.get(key, (255, 0))
        ttls[key] = min(least, values[MINIMUM_TTL]), max(greatest, values[MAXIMUM_TTL])
    return ttls


def records_of(sink):
    return [values for message in sink.messages() for values in message.flows]


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*cap*")), ids=lambda path: path.name)
def test_least_and_greatest_ttl_are_those_of_the_capture(path, flowagent, collector):
    """IPv4, IPv6, tags, tunnels (the outer header), every link layer; in v9 and IPFIX."""
    sinks = {version: collector() for version in (9, 10)}
    rows = export(
        flowagent, path,
        *(f"{sink.host_port},version={version},{FIELDS}" for version, sink in sinks.items()),
    )  # fmt: skip
    expected = count_flows(read_packets(path))
    for sink, row in zip(sinks.values(), rows):
        sink.wait_for_datagrams(row["datagrams_sent"])
        assert not differences(ttls_of(records_of(sink)), expected.ttls)
        assert not differences(sink.flows().flows, expected.table.flows)


@pytest.mark.parametrize("name", SOME)
def test_biflows_have_those_of_each_direction(name, flowagent, collector):
    sink = collector()
    (row,) = export(
        flowagent, CAPTURES / name, f"{sink.host_port},version=10,{FIELDS}",
        options=("--biflow", "on"),
    )  # fmt: skip
    sink.wait_for_datagrams(row["datagrams_sent"])
    assert not differences(ttls_of(records_of(sink)), count_flows(read_packets(CAPTURES / name)).ttls)


def test_only_the_collector_that_wants_them_gets_them(flowagent, collector):
    """JSON lines with one of them, v9 with none; all packets in both."""
    path = CAPTURES / SOME[0]
    sink, other = collector(), collector()
    rows = export(
        flowagent, path, f"{sink.host_port},version=json,fields=default+maximumTTL",
        f"{other.host_port},version=9",
    )  # fmt: skip
    for receiver, row in zip((sink, other), rows):
        receiver.wait_for_datagrams(row["datagrams_sent"])
    lines = [json.loads(line) for datagram in sink.datagrams for line in datagram.splitlines()]
    flows = [line for line in lines if line["type"] == "flow"]
    expected = count_flows(read_packets(path))
    assert {line["maximumTTL"] for line in flows} <= {most for _, most in expected.ttls.values()}
    assert max(line["maximumTTL"] for line in flows) == max(most for _, most in expected.ttls.values())
    assert not any("minimumTTL" in line for line in flows)
    assert not any(MINIMUM_TTL in values or MAXIMUM_TTL in values for values in records_of(other))
    assert not differences(other.flows().flows, expected.table.flows)


def test_sampled_packets_have_them_too(flowagent, collector):
    """Every packet is chosen by a sampler: another loop, the same values."""
    path = CAPTURES / SOME[0]
    sink = collector()
    (row,) = export(
        flowagent, f"{path},sampling=deterministic:1", f"{sink.host_port},version=10,{FIELDS}"
    )
    sink.wait_for_datagrams(row["datagrams_sent"])
    assert not differences(ttls_of(records_of(sink)), count_flows(read_packets(path)).ttls)


def test_live_packets_of_a_log_group(hosts, flowagent, agentctl, collector, tcpdump):
    """Pings with several TTLs in one flow; what show flows says while it is cached, too."""
    sink = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    wire = tcpdump(hosts.server, "eth0", "icmp", "or", "icmp6")
    agent = flowagent(
        "--nflog", "40", "-n", f"{sink.host_port},version=10,{FIELDS}",
        "--inactive-timeout", "3600", host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    for remote in (Hosts.REMOTE[0], Hosts.REMOTE[1]):
        for ttl in (9, 200, 64):
            hosts.server.run("ping", "-c", 2, "-i", "0.01", "-W", 10, "-t", ttl, remote)
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 24, "the packets to be read")
    lowest = control.rows("show", "flows", "-o", "min_ttl", "--sort", "min_ttl:asc", "--top", "1")
    assert lowest == [{"min_ttl": 9}]
    shown = {
        (row["src"], row["dst"], row["dst_port"]): (row["min_ttl"], row["max_ttl"])
        for row in control.rows("show", "flows")
        if row["proto"] in (1, 58)
    }
    assert agent.stop() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    exported = {
        (key.source, key.destination, key.destination_port): ttls
        for key, ttls in ttls_of(records_of(sink)).items()
        if key.protocol in (1, 58)
    }
    wait_until(lambda: len(wire.packets()) >= 24, "the capture to be written")
    wire.stop()
    captured = {
        (key.source, key.destination, key.destination_port): ttls
        for key, ttls in count_flows(wire.packets()).ttls.items()
    }
    assert not differences(exported, {key: captured[key] for key in exported})
    assert [ttls for ttls in exported.values()].count((9, 200)) == 2
    assert not differences({key: shown[key] for key in shown if key in exported}, exported)


def ask(agent, question):
    """The first line of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE_S)
        client.connect(str(agent.control))
        client.sendall(json.dumps({"v": 1, **question}).encode() + b"\n")
        return json.loads(client.makefile().readline())


def test_show_flows_is_silent_where_nobody_asked(host, flowagent, agentctl, collector):
    machine = host("machine")
    sink = collector("127.0.0.1", 2055, machine)
    agent = flowagent("-i", "lo", "-n", sink.host_port, host=machine)
    agent.wait_for_capture()
    machine.run("ping", "-c", 1, "-W", 10, "127.0.0.1")
    control = agentctl(agent)
    wait_until(lambda: control.rows("show", "flows"), "a flow")
    assert not any("min_ttl" in row or "max_ttl" in row for row in control.rows("show", "flows"))
    for words in ("--sort", "min_ttl"), ("-o", "src,max_ttl"), ("--sort", "maximumTTL", "--top", "3"):
        refused = control.run("show", "flows", *words)  # zeros would pass for values
        assert refused.returncode == 1 and refused.stdout == ""
        assert "flows have no m" in refused.stderr and "fields=default+m" in refused.stderr
    # agentctl does not offer them as keys of sums; the socket takes any.
    assert "flows have no min_ttl" in ask(agent, {"cmd": "show-flows", "by": "src,min_ttl"})["error"]["text"]
    assert ask(agent, {"cmd": "show-flows", "by": "proto"})["proto"] == 1
    assert agent.stop() == 0, agent.errors
