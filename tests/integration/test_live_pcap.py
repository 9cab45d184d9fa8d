"""Live capture from an interface by packet socket, without any firewall rule."""

import json
import signal
import socket

import frames
import ledger
import traffic
from conftest import Hosts
from flows import FlowTable, differences
from netflow9 import DIRECTION, INPUT_INTERFACE, OUTPUT_INTERFACE
from waiting import wait_until

OWN_PORT = 2055


def start(hosts, flowagent, collector, *options):
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("-i", "eth0", "-n", own.host_port, *options, host=hosts.server)
    agent.wait_for_capture()
    return own, agent


def generate(hosts):
    known = FlowTable()
    for server_address, remote in zip(Hosts.SERVER, Hosts.REMOTE):
        server, outside = (hosts.server, server_address), (hosts.internet, remote)
        traffic.udp_dialogue(server, outside, known, 30, 40, 1400)
        traffic.udp_dialogue(outside, server, known, 30, 1, 2, tos=0x20)
        traffic.ping(server, remote, known, 4, 56)
        traffic.udp_fragments(server, outside, known, 3000)
        traffic.udp_fragments(outside, server, known, 4500)
    return known


def test_interface_is_exact(hosts, flowagent, agentctl, collector):
    own, agent = start(hosts, flowagent, collector)
    known = generate(hosts)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= known.packets(), "all packets read"
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert not differences(own.flows().counters(), known.counters())


def test_direction_and_interface(hosts, flowagent, collector):
    own, agent = start(hosts, flowagent, collector)
    generate(hosts)
    assert agent.stop() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    (link,) = json.loads(hosts.server.ip("-j", "link", "show", "eth0"))
    seen = {}
    for message in own.messages():
        for values in message.flows:
            side = (values[DIRECTION], values[INPUT_INTERFACE], values[OUTPUT_INTERFACE])
            seen.setdefault(side, 0)
    assert set(seen) == {(0, link["ifindex"], 0), (1, 0, link["ifindex"])}


def test_two_interfaces(hosts, flowagent, agentctl, collector):
    """A router in between sees each packet on both sides: two observations, one worker each."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("-i", "eth0", "-i", "eth1", "-n", own.host_port, host=hosts.internet)
    agent.wait_until(
        lambda: len(hosts.internet.read("packet").splitlines()) > 2, "two packet sockets"
    )
    agent.wait_for_control()
    known = FlowTable()
    collector_host = (hosts.collector, Hosts.COLLECTOR[1])
    traffic.udp_dialogue((hosts.server, Hosts.SERVER[1]), collector_host, known, 25, 100, 10)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= 2 * known.packets(), "all packets read"
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    counters = own.flows().counters()
    doubled = {key: (2 * n, 2 * size) for key, (n, size) in known.counters().items()}
    assert not differences({key: counters.get(key) for key in doubled}, doubled)


def test_overload_is_counted_to_the_packet(hosts, flowagent, agentctl, collector, udp_flood):
    """The agent is stopped while packets rush in: the packet socket knows what it dropped."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("-i", "eth0,buffer=262144", "-n", own.host_port, host=hosts.server)
    agent.wait_for_capture()
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    control = agentctl(agent)

    def on_the_device():
        (link,) = json.loads(hosts.server.ip("-j", "-s", "link", "show", "eth0"))
        return link["stats64"]["rx"]["packets"] + link["stats64"]["tx"]["packets"]

    def seen():
        statistics = control.statistics()
        return statistics["packets_read"] + statistics["packets_lost_kernel"]

    def offset():
        """Packets of the device before the capture began; the same twice in a quiet moment."""
        return on_the_device() - seen()

    before = []
    wait_until(lambda: before.append(offset()) or before[-2:].count(before[-1]) == 2, "quiet")
    agent.signal(signal.SIGSTOP)
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100, 20_000, 50_000)
    agent.signal(signal.SIGCONT)
    wait_until(lambda: offset() == before[-1], "every packet to be read or counted as lost")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] > 0
    assert summary["sources"][0]["overruns"] == 0


def test_low_rate_is_seen_at_once(hosts, flowagent, agentctl, collector):
    """One packet in a quiet time must not wait in a capture buffer for others."""
    _, agent = start(hosts, flowagent, collector)
    control = agentctl(agent)
    before = control.statistics()["packets_read"]
    known = FlowTable()
    traffic.udp_dialogue(
        (hosts.server, Hosts.SERVER[0]), (hosts.internet, Hosts.REMOTE[0]), known, 1, 1, 1
    )
    wait_until(
        lambda: control.statistics()["packets_read"] >= before + 2, "two packets", timeout_s=10
    )
    assert agent.stop() == 0, agent.errors


def test_tags_on_any_interface(hosts, flowagent, agentctl, collector):
    """Linux takes off the outermost tag and names the type after the innermost: nothing may be lost.

    The tag that was taken off is known to nobody; the others are.
    """
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("-i", "any", "-n", own.host_port, host=hosts.server)
    agent.wait_for_capture()
    tags = {1000: (), 1001: (10,), 1002: (10, 20), 1003: (10, 20, 30)}
    with hosts.internet.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for port, numbers in tags.items():
            for make in frames.ipv4, frames.ipv6:
                packet = make(frames.udp(port))
                carried = frames.ip_kind(packet), packet
                for number in reversed(numbers):
                    carried = frames.tag(carried, number)
                sender.send(frames.ethernet(carried))
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * len(tags), "all packets read")
    assert agent.stop() == 0, agent.errors
    assert "cannot be captured" not in agent.errors  # the first way, a ring, is not for it
    summary = agent.summary()
    assert summary["packets_ignored"]["ip_version"] == 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    seen = {(key.source_port, key.vlan) for key in own.flows().flows if key.source_port in tags}
    assert seen == {(1000, 0), (1001, 0), (1002, 20), (1003, 20)}


def test_promiscuous_mode(hosts, flowagent, agentctl):
    """Off unless asked for; on for as long as the agent runs."""

    def promiscuity():
        (link,) = json.loads(hosts.server.ip("-j", "-d", "link", "show", "eth0"))
        return link["promiscuity"]

    for word, expected in ("", 0), (",promiscuous=off", 0), (",promiscuous=on", 1):
        agent = flowagent("-i", f"eth0{word}", host=hosts.server)
        agent.wait_for_capture()
        assert promiscuity() == expected
        assert agent.stop() == 0, agent.errors
        assert promiscuity() == 0


def pings(control):
    """{(source, destination, direction): packets} of ICMP."""
    sums = {}
    for row in control.rows("show", "flows"):
        if row["proto"] == 1:
            key = row["src"], row["dst"], row["dir"]
            sums[key] = sums.get(key, 0) + row["packets"]
    return sums


def test_frames_for_others_count_in_promiscuous_mode_only(host, flowagent, agentctl):
    """A bridge hands its host frames between two guests only if it asks for them; a veth hands over all."""
    server, guest, other = host("bridge"), host("guest"), host("other")
    server.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    server.ip("address", "add", "192.0.2.1/24", "dev", "br0")
    server.ip("link", "set", "br0", "up")
    for number, peer in (2, guest), (3, other):
        server.ip("link", "add", f"p{number}", "type", "veth", "peer", "name", "eth0",
                  "netns", peer.name)  # fmt: skip
        server.ip("link", "set", f"p{number}", "master", "br0", "up")
        peer.ip("address", "add", f"192.0.2.{number}/24", "dev", "eth0")
        peer.ip("link", "set", "eth0", "up")
    guest.run("ping", "-c", 1, "-q", "192.0.2.3")  # the bridge knows where both are
    for word, seen in ("", 0), (",promiscuous=on", 10):
        agent = flowagent("-i", f"br0{word}", host=server)
        agent.wait_for_capture()
        control = agentctl(agent)
        for target in "192.0.2.3", "192.0.2.1":
            guest.run("ping", "-c", 10, "-i", "0.01", "-q", target)
        wait_until(lambda: pings(control).get(("192.0.2.1", "192.0.2.2", "out")) == 10, "the last pings")
        found = pings(control)
        assert found.pop(("192.0.2.2", "192.0.2.1", "in")) == found.pop(("192.0.2.1", "192.0.2.2", "out")) == 10
        assert sum(found.values()) == 2 * seen
        assert {key[:2] for key in found} <= {("192.0.2.2", "192.0.2.3"), ("192.0.2.3", "192.0.2.2")}
        assert agent.stop() == 0, agent.errors


def test_any_interface_of_a_router_sees_what_it_forwards_twice(hosts, flowagent, agentctl):
    """As the manual says: in on one interface and out on the other. The outer interface alone is the wire."""
    ends = Hosts.SERVER[0], Hosts.COLLECTOR[0]
    for interface, directions in ("any", ("in", "out")), ("eth1", None):
        agent = flowagent("-i", interface, host=hosts.internet)
        agent.wait_for_capture()
        control = agentctl(agent)
        hosts.server.run("ping", "-c", 10, "-i", "0.01", "-q", ends[1])
        expected = {(*way, direction): 10 for way in (ends, ends[::-1]) for direction in directions or ()}
        expected = expected or {(*ends, "out"): 10, (*ends[::-1], "in"): 10}
        wait_until(lambda: pings(control) == expected, f"what is seen on {interface}")
        assert agent.stop() == 0, agent.errors
