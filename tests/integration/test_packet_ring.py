"""The packet socket's ring: every packet once, or counted as lost; the same flows as by libpcap."""

import json
import signal
import socket

import pytest

import frames
import ledger
from conftest import Hosts
from waiting import wait_until

# libpcap reads where a filter asks for a tag; this one leaves out nothing.
BY_LIBPCAP = ',filter="len > 0 or vlan"'
WAYS = pytest.mark.parametrize("way", ["", BY_LIBPCAP], ids=["ring", "libpcap"])


def on_the_device(host):
    (link,) = json.loads(host.ip("-j", "-s", "link", "show", "eth0"))
    return link["stats64"]["rx"]["packets"] + link["stats64"]["tx"]["packets"]


class Watched:
    """An agent on the server's eth0, and what the device has counted since."""

    def __init__(self, hosts, agent, control):
        self.hosts, self.agent, self.control = hosts, agent, control
        hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
        seen = []
        wait_until(lambda: seen.append(self.offset()) or seen[-2:].count(seen[-1]) == 2, "quiet")
        self.start = seen[-1]

    def offset(self):
        """Packets of the device before the capture began; the same twice in a quiet moment."""
        statistics = self.control.statistics()
        return on_the_device(self.hosts.server) - statistics["packets_read"] - statistics["packets_lost_kernel"]

    def end(self):
        """The summary, when every packet of the device was read or counted as lost."""
        wait_until(lambda: self.offset() == self.start, "every packet to be read or counted as lost")
        assert self.agent.stop() == 0, self.agent.errors
        summary = self.agent.summary()
        ledger.check_final(summary)
        return summary


@pytest.fixture
def watched(hosts, flowagent, agentctl):
    def start(keys=""):
        agent = flowagent("-i", f"eth0{keys}", host=hosts.server)
        agent.wait_for_capture()
        return Watched(hosts, agent, agentctl(agent))

    return start


def test_full_speed_is_exact(watched, hosts, udp_flood):
    """As many as the ring holds, as fast as they come: nothing is lost, however slow the machine."""
    count = 100_000
    one = watched()
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 1000, count, 1_000_000)
    summary = one.end()
    assert summary["packets_lost_kernel"] == 0
    assert summary["packets_read"] >= count
    (source,) = summary["sources"]
    assert source["receive_buffer_bytes"] == source["receive_buffer_wanted"] == 32 << 20
    # Blocks, each of some thousand packets. libpcap's way is 32 at a time.
    assert source["messages"] < count / 200


@WAYS
def test_loss_while_it_is_stopped_is_told_to_the_packet(watched, hosts, udp_flood, way):
    one = watched(f",buffer=65536{way}")
    for _ in range(2):
        one.agent.signal(signal.SIGSTOP)
        hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100, 20_000, 50_000)
        one.agent.signal(signal.SIGCONT)
        wait_until(lambda: one.offset() == one.start, "every packet to be read or counted as lost")
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100, 50, 50)
    summary = one.end()
    assert summary["packets_lost_kernel"] > 20_000
    assert summary["sources"][0]["messages_malformed"] == 0


TAGS = {
    1000: ((), 0),
    1001: ((10,), 10),
    1002: ((10, 20), 10),
    1003: ((10, 20, 30), 10),
    1004: ((0,), 0),
    1005: ((0, 20), 0),
}


@WAYS
@pytest.mark.parametrize("kind", [0x8100, 0x88A8])
def test_tags(hosts, flowagent, agentctl, way, kind):
    """The kernel takes the outermost tag off; it is put back before the packet is decoded."""
    agent = flowagent("-i", f"eth0{way}", host=hosts.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    expected = {(port, vlan, host): 2 for port, (_, vlan) in TAGS.items() for host in ("in", "out")}

    def found():
        sums = {}
        for row in control.rows("show", "flows"):
            key = row["src_port"], row["vlan"], row["dir"]
            if key[0] in TAGS:
                sums[key] = sums.get(key, 0) + row["packets"]
        return sums

    (link,) = json.loads(hosts.server.ip("-j", "link", "show", "eth0"))
    own = bytes.fromhex(link["address"].replace(":", ""))
    other = bytes.fromhex("02000000000f")
    for host, addresses in (hosts.internet, own + other), (hosts.server, other + own):
        with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind(("eth0", 0))
            for port, (numbers, _) in TAGS.items():
                for make in frames.ipv4, frames.ipv6:
                    packet = make(frames.udp(port))
                    carried = frames.ip_kind(packet), packet
                    for depth, number in enumerate(reversed(numbers), 1):
                        carried = frames.tag(carried, number, kind if depth == len(numbers) else 0x8100)
                    sender.send(frames.ethernet(carried, addresses))
    wait_until(lambda: found() == expected, "all packets with their tags")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_ignored"]["ip_version"] == 0


def test_a_filter_on_tags(hosts, flowagent, agentctl):
    agent = flowagent("-i", 'eth0,filter="vlan 10 and udp"', host=hosts.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    with hosts.internet.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for port, number in (1000, None), (1001, 10), (1002, 11), (1003, 10):
            carried = 0x0800, frames.ipv4(frames.udp(port))
            sender.send(frames.ethernet(frames.tag(carried, number) if number else carried))
    wait_until(lambda: control.statistics()["packets_read"] == 2, "2 packets")
    assert {(row["src_port"], row["vlan"]) for row in control.rows("show", "flows")} == {(1001, 10), (1003, 10)}
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_read"] == 2


@pytest.mark.parametrize(
    "keys", ["", ',filter="udp port 7001"', ",snaplen=64,buffer=65536", ",snaplen=65535,buffer=65536"]
)
def test_lengths_are_those_of_the_wire(hosts, flowagent, agentctl, keys):
    """Also of what was cut, and through a filter."""
    agent = flowagent("-i", f"eth0{keys}", host=hosts.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    address = Hosts.SERVER[0], 7001
    with hosts.internet.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((Hosts.REMOTE[0], 0))
        for size in 1, 100, 1400:
            sender.sendto(bytes(size), address)

    def found():
        return [(row["packets"], row["bytes"]) for row in control.rows("show", "flows") if row["dst_port"] == 7001]

    wait_until(lambda: found() == [(3, 3 * 28 + 1501)], "three packets")
    assert agent.stop() == 0, agent.errors
    truncated = agent.summary()["sources"][0]["packets_truncated"]
    assert (truncated > 0) == ("65535" not in keys)


@WAYS
def test_loopback_counts_once(host, flowagent, agentctl, way):
    """It leaves and comes in: libpcap passes over the first, and the kernel is asked not to show it."""
    alone = host("alone")
    alone.ip("link", "set", "lo", "up")
    agent = flowagent("-i", f"lo,buffer=65536{way}", host=alone)
    agent.wait_for_capture()
    control = agentctl(agent)
    with alone.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(50):
            sender.sendto(b"data", ("127.0.0.1", 9))

    def found():
        rows = control.rows("show", "flows")
        return [(row["packets"], row["dir"]) for row in rows if row["dst_port"] == 9]

    wait_until(lambda: found() == [(50, "in")], "each packet once")
    assert agent.stop() == 0, agent.errors
