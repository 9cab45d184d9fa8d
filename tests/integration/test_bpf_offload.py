"""Flows that the kernel counts itself (--bpf IF,offload=N): the same records as if each packet had been read."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

import frames
import traffic
from conftest import Hosts
from flows import UDP, FlowKey, FlowTable, differences
from netflow9 import END_MS, END_REASON, PACKETS, START_MS, flow_key
from test_bpf import addresses, finish, kernels, on_the_device, send_frames, start
from test_bpf_handover import check_once, kill_again, serve  # noqa: F401
from test_bpf_handover import counted as of_flood
from test_bpf_segments import SIZES, attach, check, counter, seen
from test_bpf_segments import offload as switch
from test_columns import MAXIMUM_TTL, MINIMUM_TTL
from test_handover import RATE, hand_over, manager  # noqa: F401
from test_sources_away import LINK, agent_on, site, wait_for_state  # noqa: F401
from waiting import PATIENCE_S, wait_until

IDLE, ACTIVE = 1, 2  # flowEndReason
SOURCE = "eth0,offload=8"


def counted(control):
    (row,) = control.rows("show", "sources")
    return row["packets_counted"]


def await_flows(control):
    """Until the kernel counts both directions of a connection."""
    wait_until(lambda: control.rows("show", "sources")[0]["flows_counted"] >= 2, "flows that the kernel counts")


def frame_of(hosts, packet, vlan=0):
    carried = frames.ip_kind(packet), packet
    return frames.ethernet(frames.tag(carried, vlan) if vlan else carried, addresses(hosts))


def send_until_counted(hosts, control, packets, before=0):
    """Send all of these again and again, until half of what was sent was counted. Returns how often."""
    sent = 0

    def is_counted():
        nonlocal sent
        send_frames(hosts.internet, "eth0", packets * 10)
        sent += 10
        return counted(control) - before >= sent * len(packets) / 2

    wait_until(is_counted, "packets that the kernel counts")
    return sent


@kernels
def test_flows_are_exact(wrapper, hosts, flowagent, agentctl, collector):
    """IPv4, IPv6 and a VLAN; what begins in the ring goes on in the kernel."""
    own, agent = start(hosts, flowagent, collector, source=SOURCE, wrapper=wrapper)
    control = agentctl(agent)
    known = FlowTable()
    packets, keys = [], []
    for port in range(1000, 1020):
        for make, source, destination in (
            (frames.ipv4, "192.0.2.10", "198.51.100.7"),
            (frames.ipv6, "2001:db8::1", "2001:db8::7"),
        ):
            for vlan in (0, 5):
                packet = make(frames.udp(port, 53, bytes(port - 1000)))
                packets.append(frame_of(hosts, packet, vlan))
                keys.append((FlowKey(source, destination, UDP, port, 53, vlan=vlan), len(packet)))
    sent = send_until_counted(hosts, control, packets)
    for key, size in keys:
        known.add(key, sent, sent * size)
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    assert summary["sources"][0]["packets_counted"] > 0
    found = {k: n for k, n in own.flows().counters().items() if k.destination_port == 53}
    assert not differences(found, known.counters())


UDP_PORT = 7


def one_flow(hosts, ttl=64):
    packet = bytearray(frames.ipv4(frames.udp(UDP_PORT, 53, b"data")))
    packet[8] = ttl
    return frame_of(hosts, bytes(packet))


def records_of(own):
    return [values for message in own.messages() for values in message.flows if flow_key(values).source_port == UDP_PORT]


def packets_of(records):
    return sum(values[PACKETS] for values in records)


def test_a_gap_ends_a_record(hosts, flowagent, agentctl, collector):
    """The flow is known to the kernel, and its next packet is the first of a record: also while nothing else happens."""
    own, agent = start(hosts, flowagent, collector, "--inactive-timeout", "1s", source=SOURCE)
    control = agentctl(agent)
    sent = 0
    for count in range(1, 4):
        begin = counted(control)
        rounds = send_until_counted(hosts, control, [one_flow(hosts)], begin)
        sent += rounds
        wait_until(lambda n=count: len(records_of(own)) == n, "the record of a flow that is idle")
        assert packets_of(records_of(own)) == sent
    finish(agent, own)
    assert [values[END_REASON] for values in records_of(own)] == [IDLE] * 3
    for values in records_of(own):
        assert 0 <= values[END_MS] - values[START_MS] < 60_000


def test_the_active_timeout_cuts_a_flow(hosts, flowagent, agentctl, collector):
    own, agent = start(hosts, flowagent, collector, "--active-timeout", "2s", source=SOURCE)
    control = agentctl(agent)
    sent = 0

    def has_records():
        nonlocal sent
        send_frames(hosts.internet, "eth0", [one_flow(hosts)] * 20)
        sent += 20
        return len(records_of(own)) >= 3

    wait_until(has_records, "records of a flow that goes on")
    assert counted(control) > 0
    finish(agent, own)
    records = records_of(own)
    assert packets_of(records) == sent
    assert [values[END_REASON] for values in records[:3]] == [ACTIVE] * 3
    for one, other in zip(records, records[1:]):
        assert one[START_MS] <= one[END_MS] <= other[START_MS]
    for values in records:
        assert values[END_MS] - values[START_MS] <= 2000


def test_ttls_are_those_of_all_packets(hosts, flowagent, agentctl, collector):
    """Packets of another TTL than those that are counted come up, and are counted in turn."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    fields = f"{own.host_port},fields=default+minimumTTL+maximumTTL"
    agent = flowagent("--bpf", SOURCE, "-n", fields, host=hosts.server)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    agent.wait_for_control()
    control = agentctl(agent)
    sent = send_until_counted(hosts, control, [one_flow(hosts)])
    send_frames(hosts.internet, "eth0", [one_flow(hosts, 200)])
    sent += 1 + 2 * send_until_counted(hosts, control, [one_flow(hosts), one_flow(hosts, 30)], counted(control))
    finish(agent, own)
    (values,) = records_of(own)
    assert values[PACKETS] == sent
    assert (values[MINIMUM_TTL], values[MAXIMUM_TTL]) == (30, 200)


def test_flows_are_shown_with_what_was_counted(hosts, flowagent, agentctl, collector):
    own, agent = start(hosts, flowagent, collector, source=SOURCE)
    control = agentctl(agent)
    sent = send_until_counted(hosts, control, [one_flow(hosts)])
    (row,) = [row for row in control.rows("show", "flows") if row["src_port"] == UDP_PORT]
    assert (row["packets"], row["bytes"]) == (sent, sent * 32)
    finish(agent, own)


@pytest.mark.parametrize("family", SIZES)
def test_segments_of_a_transfer(family, hosts, flowagent, agentctl, tcpdump):
    """Superpackets of a connection that the kernel counts are as many as the wire has."""
    switch(hosts.server, "tso", "on", "gso", "on", "gro", "on")
    agent = attach(flowagent, hosts.server, ",offload=4")
    control = agentctl(agent)
    which = list(SIZES).index(family)
    before = counter(hosts)
    wire = tcpdump(hosts.collector, "eth0", "tcp", snap_length=128)
    ends = traffic.tcp_transfer(
        (hosts.server, Hosts.SERVER[which]), (hosts.collector, Hosts.COLLECTOR[which]), SIZES[family], 100_000,
        lambda: await_flows(control),
    )  # fmt: skip
    wait_until(lambda: set(ends) <= set(seen(control)), "both directions")
    summary = check(hosts, agent, control, before, wire)
    assert summary["sources"][0]["packets_counted"] > 0


def test_packets_that_are_not_ordinary(hosts, flowagent, agentctl, collector):
    """Fragments, options, an extension header and two tags of flows that the kernel counts: the decoder has them."""
    own, agent = start(hosts, flowagent, collector, source=SOURCE)
    control = agentctl(agent)
    known = FlowTable()
    plain = frames.ipv4(frames.udp(UDP_PORT))
    sent = send_until_counted(hosts, control, [frame_of(hosts, plain)])
    key = FlowKey("192.0.2.10", "198.51.100.7", UDP, UDP_PORT, 53)
    known.add(key, sent, sent * len(plain))
    first = frames.ipv4(frames.udp(UDP_PORT, payload=bytes(28)), identification=9, more=True)
    later = frames.ipv4(bytes(16), identification=9, offset=36 // 8 * 8)
    options = frames.ipv4(frames.udp(UDP_PORT), options=b"\x01" * 4)
    for packet in (first, later, options):
        send_frames(hosts.internet, "eth0", [frame_of(hosts, packet)])
        known.add(key, 1, len(packet))
    carried = frames.tag(frames.tag((frames.ip_kind(plain), plain), 6), 7, 0x88A8)
    send_frames(hosts.internet, "eth0", [frames.ethernet(carried, addresses(hosts))])
    known.add(key._replace(vlan=7), 1, len(plain))
    short = frames.ipv4(frames.udp(UDP_PORT), total_length=20)
    send_frames(hosts.internet, "eth0", [frame_of(hosts, short)])
    known.add(key._replace(source_port=0, destination_port=0), 1, 20)
    finish(agent, own)
    found = {k: n for k, n in own.flows().counters().items() if k.source == "192.0.2.10"}
    assert not differences(found, known.counters())


def test_a_connection_that_ends_and_begins_again(hosts, flowagent, agentctl, collector):
    """FIN ends the counting; the next connection of the same ports is counted anew."""
    own, agent = start(hosts, flowagent, collector, "-t", "tcp.fin=1s", source=SOURCE)
    control = agentctl(agent)
    data = frame_of(hosts, frames.ipv4(frames.tcp(UDP_PORT, payload=b"data"), protocol=frames.TCP))
    sent = 0
    for count in range(1, 3):
        for flags in (2, 1):
            if flags == 1:
                sent += send_until_counted(hosts, control, [data], counted(control))
            end = frames.ipv4(frames.tcp(UDP_PORT, flags=0x10 | flags), protocol=frames.TCP)
            send_frames(hosts.internet, "eth0", [frame_of(hosts, end)])
            sent += 1
        wait_until(lambda n=count: len(records_of(own)) == n, "the connection's record")
        assert packets_of(records_of(own)) == sent
    finish(agent, own)


@pytest.mark.parametrize(
    "options, expected",
    [
        (("--bpf", "eth0,offload=8,packets=as-seen"), "offload: expected with packets=wire only"),
        (("--bpf", "eth0,offload=8,sampling=random:10"), "offload: expected without sampling"),
        (("--bpf", "eth0,offload=8", "--flow-key", "addresses,ports,protocol,mark"), "offload: expected without the mark"),
        (("--bpf", "eth0,offload=8", "-n", "127.0.0.1:9,fields=default+retransmittedInPackets"), "round-trip times and retransmissions"),
        (("--bpf", "eth0,offload=8", "-n", "127.0.0.1:9,fields=default+sourceMacAddress"), "link addresses"),
        (("--bpf", "eth0,offload=1"), "offload"),
        (("--nflog", "40,offload=8"), "offload"),
    ],
)
def test_what_does_not_go_together(options, expected, flowagent_run):
    done = flowagent_run(*options)
    assert done.returncode == 2 and expected in done.stderr, done.stderr


def test_an_interface_that_goes_takes_nothing_with_it(site, agent_on, agentctl):  # noqa: F811
    """What its table had counted is in flows before it is closed."""
    agent, control = agent_on("--bpf", f"{LINK},offload=4")
    for _ in range(2):
        site.add()
        wait_for_state(control, "running", f"bpf:{LINK}")
        begin = counted(control)
        wait_until(lambda: site.send() or counted(control) > begin, "packets that the kernel counts")
        site.remove()
        wait_for_state(control, "waiting", f"bpf:{LINK}")
    assert finish(agent)["packets_read"] == site.sent


# ---- from agent to agent ----

HEAVY = "eth0,offload=4"


@kernels
def test_restarts_under_load(wrapper, serve, manager, hosts, flood, collector):  # noqa: F811
    """The table goes on; the next agent has its flows."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    options = ["--bpf", HEAVY, "-n", own.host_port]
    agent, control = serve(*options, wrapper=wrapper)
    flood.FLOWS, flood.PACKETS = 500, 1_000_000_000
    flood.begin(RATE)
    for _ in range(3):
        before = counted(control)
        wait_until(lambda n=before, c=control: counted(c) > n + RATE // 10, "packets that the kernel counts")
        hand_over(agent)
        agent, control = serve(*options, before=agent, wrapper=wrapper)
        assert "bpf:eth0: continued" in agent.errors
    flood.end()
    wait_until(lambda: of_flood(control.statistics()) == flood.packets(), "all packets")
    check_once(agent, own, flood.packets())


@kernels
def test_kills_under_load(wrapper, serve, hosts, flood, collector):  # noqa: F811
    chance = random.Random(RATE)
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    options = ["--bpf", HEAVY, "-n", own.host_port, "--active-timeout", "1s"]
    agent, control = serve(*options, wrapper=wrapper)
    flood.FLOWS, flood.PACKETS = 500, 1_000_000_000
    flood.begin(2 * RATE)
    wait_until(lambda: counted(control) > RATE // 10, "packets that the kernel counts")
    agent, control = kill_again(agent, 6, chance, lambda before: serve(*options, before=before, wrapper=wrapper))
    flood.end()
    wait_until(lambda: of_flood(control.statistics()) == flood.packets(), "all packets")
    check_once(agent, own, flood.packets())


# ---- each flow, to the packet ----

FLOWS = int(os.environ.get("OFFLOAD_FLOWS", 20_000))  # more than the table has room for
PACKETS_SENT = int(os.environ.get("OFFLOAD_PACKETS", 800_000))
PACKETS_RATE = int(os.environ.get("OFFLOAD_RATE", 50_000))
KILLS = int(os.environ.get("OFFLOAD_KILLS", 2))


def sum_of_flood(own):
    return {k: n for k, n in own.flows().counters().items() if k.destination.startswith(("198.18.", "198.19."))}


def test_two_processors_count_the_same_flows(hosts, flowagent, agentctl, collector, udp_flood):
    """Few of them, so that both often add to one slot at once; their sums are taken meanwhile."""
    flows, packets, rate = 4, 400_000, 100_000
    own, agent = start(hosts, flowagent, collector, source="eth0,offload=4,buffer=128M", release=True)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    senders = [
        subprocess.Popen(
            hosts.server.command("taskset", "--cpu-list", cpu, udp_flood, Hosts.SERVER[0], "198.18.0.0", flows, packets, rate)
        )
        for cpu in (0, 1)
    ]
    control = agentctl(agent)
    wait_until(lambda: control.rows("show", "flows") and all(sender.poll() is not None for sender in senders), "senders", interval_s=0)
    assert [sender.returncode for sender in senders] == [0, 0]
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    assert summary["sources"][0]["packets_counted"] > packets
    each = 2 * packets // flows
    assert sum_of_flood(own) == {key: (each, each * 36) for key in sum_of_flood(own)}
    assert len(sum_of_flood(own)) == flows


HASH, SLOTS = 1, 16384  # BPF_MAP_TYPE_HASH


def test_the_kernel_evicts_none_of_its_flows(hosts, flowagent, collector):
    """Tables of another type give up the key that was used least, and tell nobody: the agent's is full before the kernel's."""
    own, agent = start(hosts, flowagent, collector, source=SOURCE)
    places = Path(f"/proc/{agent.pid}/fdinfo").iterdir()
    facts = [dict(line.split(":\t", 1) for line in place.read_text().splitlines() if ":\t" in line) for place in places]
    tables = {int(fact["key_size"]): fact for fact in facts if int(fact.get("key_size", 0)) > 4}
    assert {size: int(fact["map_type"]) for size, fact in tables.items()} == {20: HASH, 44: HASH}
    assert {int(fact["max_entries"]) for fact in tables.values()} == {SLOTS}
    finish(agent, own)


@pytest.mark.parametrize("word", [",offload=4", ""], ids=["offload", "ring"])
def test_each_flow_is_exact_through_kills(word, serve, hosts, collector, udp_flood):  # noqa: F811
    """Two processors send, all flows in turn; the table is full, keys come and go, and the agent is killed meanwhile."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    options = ["--bpf", f"eth0{word},buffer=128M", "-n", own.host_port, "--active-timeout", "5s", "--max-flows", 262_144]
    agent, _ = serve(*options)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    amounts = FLOWS // 2, PACKETS_SENT // 2, PACKETS_RATE // 2
    patience = PATIENCE_S + 3 * PACKETS_SENT // PACKETS_RATE
    senders = [
        subprocess.Popen(
            hosts.server.command("taskset", "--cpu-list", cpu, udp_flood, Hosts.SERVER[0], f"198.{18 + cpu}.0.0", *amounts)
        )
        for cpu in (0, 1)
    ]
    try:
        for kill in range(KILLS):
            due = PACKETS_SENT * (kill + 1) // (KILLS + 1)
            wait_until(lambda d=due: on_the_device(hosts.server) >= d, "packets", patience)
            agent.process.kill()
            agent.wait()
            agent, _ = serve(*options, before=agent)
            assert "was killed" in agent.errors and "bpf:eth0: continued" in agent.errors
        assert [sender.wait(patience) for sender in senders] == [0, 0]
    finally:
        for sender in senders:
            sender.kill()
            sender.wait()
    summary = finish(agent, None)
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0
    if word:
        assert summary["sources"][0]["packets_counted"] > PACKETS_SENT / 100  # by all agents; a slow one has few in time
    own.wait_for_datagrams(summary["collectors"][0]["datagrams_sent"])
    counters = sum_of_flood(own)
    assert len(counters) == FLOWS
    each = PACKETS_SENT // FLOWS
    wrong = {key: found for key, found in counters.items() if found != (each, each * 36)}
    assert not wrong, (len(wrong), sorted(wrong.items())[:10])


def test_a_ring_that_is_too_small(hosts, flowagent, agentctl, collector, udp_flood):
    """While the agent stands still, flows that are counted go on, and of the others the ring says what it lost."""
    own, agent = start(hosts, flowagent, collector, "--active-timeout", "1h", source="eth0,offload=4,buffer=64K")
    control = agentctl(agent)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    sent = 0

    def is_counted():
        nonlocal sent
        hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 10, 1000, 20_000)
        sent += 1000
        return counted(control) >= sent / 2

    wait_until(is_counted, "packets that the kernel counts")
    wait_until(lambda: of_flood(control.statistics()) == sent, "all packets")
    before = counted(control)
    agent.signal(signal.SIGSTOP)
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 10, 5000, 20_000)
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.19.0.0", 2000, 10_000, 50_000)
    agent.signal(signal.SIGCONT)
    sent += 15_000
    wait_until(lambda: of_flood(control.statistics()) == sent, "all packets")
    summary = finish(agent)
    assert summary["sources"][0]["packets_counted"] - before >= 5000
    assert summary["packets_lost_kernel"] > 5000
