"""Segmentation offload seen by the BPF source: as many packets and bytes as the wire has, whoever cuts or joins them.

The wire is the link between the router and the collector's host, whose ends cut nothing and join nothing unless a test says
so: its counter, and a capture. The agent sees superpackets on the server's side of the router, or after they were joined.
"""

import json
import socket

import pytest

import ledger
import traffic
from conftest import Hosts
from firewalls import Nft
from flows import FlowKey, UDP, differences
from pcap_reader import count_flows
from test_bpf import check_seen
from waiting import PATIENCE_S, wait_until

LINK_HEADER = 14
UDP_SEGMENT = 103
SIZES = {"ipv4": 30_000_000, "ipv6": 3_000_000}


def attach(flowagent, host, word=""):
    agent = flowagent("--bpf", f"eth0{word}", "--active-timeout", "1h", "-t", "tcp.fin=1h", host=host)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    agent.wait_for_control()
    return agent


def offload(host, *switches):
    host.ip("link", "set", "eth0", "gso_max_segs", 65535)
    host.run("ethtool", "-K", "eth0", "tx", "on", *switches)


def counter(hosts):
    """Packets and layer-3 bytes of the wire, both ways."""
    (link,) = json.loads(hosts.internet.ip("-j", "-s", "link", "show", "eth1"))
    sides = [link["stats64"][side] for side in ("rx", "tx")]
    packets = sum(side["packets"] for side in sides)
    return packets, sum(side["bytes"] for side in sides) - LINK_HEADER * packets


def seen(control):
    rows = [row for row in control.rows("show", "flows") if row["proto"] in (6, 17, "tcp", "udp")]
    names = {"tcp": 6, "udp": 17}
    return {
        FlowKey(row["src"], row["dst"], names.get(row["proto"], row["proto"]), row["src_port"], row["dst_port"]): (
            row["packets"], row["bytes"],
        )
        for row in rows
    }  # fmt: skip


def total(counters):
    return sum(n for n, _ in counters.values()), sum(size for _, size in counters.values())


def check(hosts, agent, control, before, wire, has_link_bytes=True):
    """The ledger's, the counter's and the capture's. A veth whose peer joins segments counts less than the frame's bytes."""
    moved = tuple(after - old for after, old in zip(counter(hosts), before))
    wait_until(lambda: total(seen(control))[0] >= moved[0], f"{moved[0]} packets")
    flows = seen(control)
    assert total(flows)[0] == moved[0]
    assert total(flows)[1] == moved[1] or not has_link_bytes
    wire.stop()
    assert not differences(flows, count_flows(wire.packets()).table.counters())
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    check_seen(summary)
    assert summary["packets_lost_kernel"] == summary["packets_super_uncounted"] == 0
    assert summary["packets_read"] + summary["packets_split"] == moved[0]
    return summary


def attach_nflog(flowagent, host):
    """The fourth meter: it estimates, as the netfilter log does not say how a superpacket is cut."""
    Nft().install(host, "eth0")
    agent = flowagent("-g", "40", "--superpackets", "split", "--active-timeout", "1h", "-t", "tcp.fin=1h", host=host)
    agent.wait_for_group()
    return agent


@pytest.mark.parametrize("family", SIZES)
def test_a_transfer_has_one_size_by_every_meter(family, hosts, flowagent, agentctl, tcpdump):
    """Three are equal; the estimate is within a hundredth of what is sent, and the netfilter log alone has fewer packets."""
    offload(hosts.server, "tso", "on", "gso", "on", "gro", "on")
    agent = attach(flowagent, hosts.server)
    estimating = attach_nflog(flowagent, hosts.server)
    control = agentctl(agent)
    which = list(SIZES).index(family)
    before = counter(hosts)
    wire = tcpdump(hosts.collector, "eth0", "tcp", snap_length=128)
    there, back = traffic.tcp_transfer(
        (hosts.server, Hosts.SERVER[which]), (hosts.collector, Hosts.COLLECTOR[which]), SIZES[family], 100_000
    )
    wait_until(lambda: {there, back} <= set(seen(control)), "both directions")
    other = agentctl(estimating)
    estimated = wait_until(lambda: (flows := seen(other)).get(there, (0, 0))[1] >= SIZES[family] and flows, "the estimate")
    exact = seen(control)
    summary = check(hosts, agent, control, before, wire)
    assert summary["packets_read"] < summary["packets_split"]  # it was one of superpackets
    (row,) = other.rows("show", "sources")
    assert estimating.stop() == 0, estimating.errors
    print(f"{family}: interface, capture and --bpf {exact[there]}, NFLOG with split {estimated[there]} of {row['packets_read']} read")
    for counted, guessed in zip(exact[there], estimated[there]):
        assert abs(guessed - counted) <= counted / 100
    assert row["packets_read"] < sum(packets for packets, _ in exact.values())


@pytest.mark.parametrize("switches", [("tso", "off", "gso", "on"), ("tso", "off", "gso", "off")], ids=" ".join)
def test_offload_by_halves(switches, hosts, flowagent, agentctl, tcpdump):
    offload(hosts.server, *switches)
    agent = attach(flowagent, hosts.server)
    before = counter(hosts)
    wire = tcpdump(hosts.collector, "eth0", "tcp", snap_length=128)
    traffic.tcp_transfer((hosts.server, Hosts.SERVER[0]), (hosts.collector, Hosts.COLLECTOR[0]), 2_000_000, 100)
    check(hosts, agent, agentctl(agent), before, wire)


def test_what_the_receiver_has_joined(hosts, flowagent, agentctl, tcpdump):
    """GRO: segments of the wire come as one."""
    hosts.collector.run("ethtool", "-K", "eth0", "gro", "on")
    agent = attach(flowagent, hosts.collector)
    before = counter(hosts)
    wire = tcpdump(hosts.internet, "eth1", "tcp", snap_length=128)
    control = agentctl(agent)

    def has_joined():
        for server, remote in zip(Hosts.SERVER, Hosts.COLLECTOR):
            traffic.tcp_transfer((hosts.server, server), (hosts.collector, remote), 2_000_000, 100)
        return control.statistics()["packets_split"]

    # It joins what has come since it looked last, which may be one segment each time.
    wait_until(has_joined, "segments that were joined")
    summary = check(hosts, agent, control, before, wire, has_link_bytes=False)
    assert summary["packets_split"] > 0


def send_segmented(sender, receiver, size, segment):
    with traffic.bound_socket(*sender, socket.SOCK_DGRAM) as sending, traffic.bound_socket(
        *receiver, socket.SOCK_DGRAM
    ) as receiving:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiving.settimeout(PATIENCE_S)
        sending.setsockopt(socket.SOL_UDP, UDP_SEGMENT, segment)
        sending.sendto(bytes(size), receiving.getsockname())
        while size > 0:
            size -= len(receiving.recv(65536))
        return FlowKey(sender[1], receiver[1], UDP, sending.getsockname()[1], receiving.getsockname()[1])


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_datagrams_that_are_sent_as_one(family, hosts, flowagent, agentctl, tcpdump):
    offload(hosts.server, "tso", "on", "gso", "on", "tx-udp-segmentation", "on")
    agent = attach(flowagent, hosts.server)
    before = counter(hosts)
    wire = tcpdump(hosts.collector, "eth0", "udp", snap_length=128)
    ends = (hosts.server, Hosts.SERVER[family]), (hosts.collector, Hosts.COLLECTOR[family])
    for size, segment in (30_000, 1200), (3000, 300), (1201, 1200), (7, 1200):
        send_segmented(*ends, size, segment)
    summary = check(hosts, agent, agentctl(agent), before, wire)
    assert summary["packets_split"] == 24 + 9 + 1


def test_as_seen_is_what_a_log_group_counts(hosts, flowagent, agentctl):
    offload(hosts.server, "tso", "on", "gso", "on", "tx-udp-segmentation", "on")
    agent = attach(flowagent, hosts.server, ",packets=as-seen")
    ends = (hosts.server, Hosts.SERVER[0]), (hosts.collector, Hosts.COLLECTOR[0])
    key = send_segmented(*ends, 30_000, 1200)
    control = agentctl(agent)
    wait_until(lambda: seen(control).get(key) == (1, 30_028), "one packet")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_split"] == 0


def test_segments_of_a_tunnel_are_counted_as_seen_and_said(hosts, flowagent, agentctl):
    """Datagrams to the port of VXLAN could be a connection's segments."""
    offload(hosts.server, "tso", "on", "gso", "on", "tx-udp-segmentation", "on")
    agent = attach(flowagent, hosts.server)
    with traffic.bound_socket(hosts.server, Hosts.SERVER[0], socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 1200)
        sending.sendto(bytes(30_000), (Hosts.COLLECTOR[0], 4789))
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_super_uncounted"] == 1, "one that is not counted")
    (row,) = [row for row in control.rows("show", "flows") if row["dst_port"] == 4789]
    assert (row["packets"], row["bytes"]) == (1, 30_028)
    assert agent.stop() == 0, agent.errors


def test_wrong_word_is_refused(flowagent_run):
    done = flowagent_run("--bpf", "eth0,packets=guess")
    assert done.returncode == 2 and "expected wire or as-seen" in done.stderr
    done = flowagent_run("--interface", "eth0,packets=wire")
    assert done.returncode == 2
