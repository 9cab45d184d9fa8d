"""Groups of collectors: who gets datagrams to a multicast address, and by which interface."""

import contextlib
import socket
import struct

import pytest

import ledger
import netns
import traffic
from collector import Collector
from exports import CAPTURE, expected_flows, export_file, in_brackets, seen
from flows import differences
from pcap_reader import count_flows, read_packets
from waiting import wait_until

VERSIONS = (5, 9, 10)
GROUPS = ("239.1.2.3", "ff05::123")


class Segment:
    """A server and two collector hosts on one switch."""

    SERVER = ("192.0.2.10", "2001:db8:1::10")

    def __init__(self, make_host):
        self.server, self.switch = make_host("server"), make_host("switch")
        self.collectors = [make_host("coll1"), make_host("coll2")]
        self.switch.ip("link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
        self.switch.ip("link", "set", "switch", "addrgenmode", "none", "up")
        for i, host in enumerate([self.server, *self.collectors]):
            addresses = netns.with_length((f"192.0.2.{10 + i}", f"2001:db8:1::{10 + i}"))
            netns.connect((host, "eth0", addresses), (self.switch, f"port{i}", []))
            self.switch.ip("link", "set", f"port{i}", "master", "switch", "addrgenmode", "none")


class Member(Collector):
    """Our own collector, in a group on eth0."""

    def __init__(self, group, port, host):
        with host.entered():
            index = socket.if_nametoindex("eth0")
        super().__init__("::" if ":" in group else "0.0.0.0", port, host)
        packed = socket.inet_pton(traffic.family_of(group), group)
        if ":" in group:
            request = packed + struct.pack("@I", index)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        else:
            request = packed + struct.pack("@4xi", index)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)


@pytest.mark.parametrize("group", GROUPS, ids=["ipv4", "ipv6"])
def test_all_members_of_a_group_get_everything(group, host, flowagent, tcpdump):
    """Two hosts and the agent's own; with TTL, DSCP, MTU and each version."""
    segment = Segment(host)
    everyone = [*segment.collectors, segment.server]
    with contextlib.ExitStack() as stack:
        members = {
            version: [stack.enter_context(Member(group, 3000 + version, h)) for h in everyone]
            for version in VERSIONS
        }
        wire = tcpdump(segment.collectors[0], "eth0", "udp")
        _, summary, rows = export_file(
            flowagent, segment.server,
            f"{in_brackets(group)}:3005,interface=eth0,version=5",
            f"{in_brackets(group)}:3009,interface=eth0,ttl=7,dscp=cs1",
            f"{in_brackets(group)}:3010,source={Segment.SERVER[':' in group]},version=10,mtu=1280,"
            "interface=eth0,ttl=255",
        )  # fmt: skip
        assert {row["name"] for row in rows.values()} == {
            f"{in_brackets(group + '%eth0')}:{3000 + version}" for version in VERSIONS
        }
        packets = seen(wire, sum(row["datagrams_sent"] for row in summary["collectors"]))
        assert {(header.destination, header.port, header.tos, header.ttl, header.source)
                for header in packets} == {
            (group, 3005, 0, 1, Segment.SERVER[":" in group]),
            (group, 3009, 32, 7, Segment.SERVER[":" in group]),
            (group, 3010, 0, 255, Segment.SERVER[":" in group]),
        }  # fmt: skip
        assert max(header.octets for header in packets if header.port == 3010) <= 1280
        for version, sinks in members.items():
            row = rows[3000 + version]
            for sink in sinks:
                sink.wait_for_datagrams(row["datagrams_sent"])
                assert len(sink.datagrams) == row["datagrams_sent"]
                assert not differences(sink.flows().flows, expected_flows()), version


@pytest.mark.parametrize("group", GROUPS, ids=["ipv4", "ipv6"])
def test_own_datagrams_to_a_group_are_not_accounted(group, host, flowagent, agentctl):
    """The agent captures where it sends, and hears what is looped back to its own host."""
    segment = Segment(host)
    with Member(group, 3001, segment.server) as member:
        agent = flowagent(
            "-i", "eth0", "-n", f"{in_brackets(group)}:3001,interface=eth0", host=segment.server
        )
        agent.wait_for_capture()
        control = agentctl(agent)
        for count in 1, 2, 3:
            control.run("send-template")
            member.wait_for_datagrams(count)
        wait_until(
            lambda: control.statistics()["packets_ignored"]["own_export"] >= 3, "them to be read"
        )
        assert agent.stop() == 0, agent.errors
        summary = agent.summary()
        ledger.check_final(summary)
        member.wait_for_datagrams(summary["datagrams_sent"])
    # The reports of the members (IGMP, MLD) are flows.
    assert all(key.destination_port != 3001 for key in member.flows().flows)


@pytest.mark.parametrize("group", GROUPS, ids=["ipv4", "ipv6"])
def test_real_collectors_in_a_group(group, host, flowagent, nfacctd, nfcapd):
    """Each joins by the route, and reads every flow."""
    segment = Segment(host)
    for machine in segment.collectors:
        machine.ip("route", "add", "239.0.0.0/8", "dev", "eth0")
    pmacct = nfacctd(group, 3009, segment.collectors[0])
    nfdump = nfcapd(group, 3009, segment.collectors[1])
    export_file(flowagent, segment.server, f"{in_brackets(group)}:3009,interface=eth0")
    expected = count_flows(read_packets(CAPTURE)).table
    pmacct.wait_for_packets(expected.packets())
    assert not differences(pmacct.flows()[0].counters(), expected.counters("tos"))
    nfdump.stop()
    assert not differences(nfdump.flows().flows, expected.flows)


def test_a_group_that_no_interface_takes_is_down_until_one_does(host, flowagent, agentctl):
    """No route to groups, no interface given; nothing on the network ever reports."""
    server = host("server")
    agent = flowagent("-i", "lo", "-n", "239.1.2.3:3001", host=server)
    agent.wait_for_capture()
    agent.wait_until(lambda: "Network is unreachable" in agent.errors, "the log to say so")
    (row,) = agentctl(agent).rows("show", "collectors")
    assert row["up"] is False
    assert agent.stop() == 0, agent.errors
