"""Packets by a BPF program at an interface's tc hooks: exact sums, and every packet seen is read, lost or foreign."""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
from pathlib import Path

import pytest

import frames
import ledger
import traffic
from conftest import ROOT, Hosts
from flows import UDP, FlowKey, FlowTable, differences
from netflow9 import DIRECTION, INPUT_INTERFACE, OUTPUT_INTERFACE
from netns import hardware_address
from pcap_reader import count_flows
from tc_programs import OK, SHOT, foreign_filter, foreign_program, take_off, tc_programs
from test_live_pcap import generate
from test_rights import SERVICE, check_rights
from test_sources_away import (  # noqa: F401
    IFF_NO_PI, IFF_TUN, LINK, PACKETS, TUNSETIFF, agent_on, site, state, wait_for_packets, wait_for_state,
)  # fmt: skip
from waiting import PATIENCE_S, wait_until

OWN_PORT = 2055
DESTINATION_OPTIONS, COPIED = 60, 128  # of a frame
WITHOUT = ROOT / "tests" / "support" / "without_bpf.py"
# Kernels from 6.6 on attach by a link; to those before, the filter of system calls makes this one alike.
KERNELS = {"links": (), "filters": (WITHOUT, "links", "EINVAL")}
kernels = pytest.mark.parametrize("wrapper", KERNELS.values(), ids=KERNELS)


def start(hosts, flowagent, collector, *options, source="eth0", **more):
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("--bpf", source, "-n", own.host_port, *options, host=hosts.server, **more)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    agent.wait_for_control()
    return own, agent


def on_the_device(host, device="eth0"):
    (link,) = json.loads(host.ip("-j", "-s", "link", "show", device))
    return link["stats64"]["rx"]["packets"] + link["stats64"]["tx"]["packets"]


def check_seen(summary):
    """At the end nothing waits."""
    for source in summary["sources"]:
        assert source["packets_seen"] == (
            source["packets_read"] + source["packets_lost_kernel"] + source["packets_foreign"]
        ), source


def finish(agent, own=None):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    check_seen(summary)
    if own:
        own.wait_for_datagrams(summary["datagrams_sent"])
    return summary


def attached(host, device="eth0"):
    """Names of the programs at tc."""
    return [name for side in ("ingress", "egress") for name in tc_programs(host, device, side)]


def doctor(control):
    done = control.run("-J", "doctor", "--wait", "500ms")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_cpus_that_are_not_known_are_said(hosts, flowagent_run):
    """Each has its counters. With those of one, packets that came on the others were neither read nor counted."""
    blind = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/devices/system/cpu && exec "$@"', "sh"]
    done = flowagent_run("--bpf", "eth0", "-n", "127.0.0.1:9", host=hosts.server, prefix=blind)
    assert done.returncode == 1
    assert "eth0: cannot be captured" in done.stderr and "/sys/devices/system/cpu/possible" in done.stderr


@kernels
def test_flows_are_exact(wrapper, hosts, flowagent, collector):
    """UDP, ICMP and fragments to the packet and byte; no packet waits for a poll: the agent ends, and all is there."""
    own, agent = start(hosts, flowagent, collector, wrapper=wrapper)
    known = generate(hosts)
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    assert not differences(own.flows().counters(), known.counters())
    assert not attached(hosts.server)


def test_tcp_is_exact(hosts, flowagent, collector, tcpdump):
    own, agent = start(hosts, flowagent, collector)
    wire = tcpdump(hosts.server, "eth0", "tcp", snap_length=128)
    keys = []
    for server, remote in zip(Hosts.SERVER, Hosts.REMOTE):
        keys += traffic.tcp_transfer((hosts.server, server), (hosts.internet, remote), 300_000, 200_000)
    finish(agent, own)
    wire.stop()
    truth = count_flows(wire.packets()).table.counters()
    assert set(truth) == set(keys)
    assert not differences({k: n for k, n in own.flows().counters().items() if k in truth}, truth)


def test_direction_and_interface(hosts, flowagent, collector):
    own, agent = start(hosts, flowagent, collector)
    generate(hosts)
    finish(agent, own)
    (link,) = json.loads(hosts.server.ip("-j", "link", "show", "eth0"))
    sides = {
        (values[DIRECTION], values[INPUT_INTERFACE], values[OUTPUT_INTERFACE])
        for message in own.messages()
        for values in message.flows
    }
    assert sides == {(0, link["ifindex"], 0), (1, 0, link["ifindex"])}


def send_frames(host, device, packets):
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((device, 0))
        for packet in packets:
            sender.send(packet)


def addresses(hosts):
    """Of an Ethernet frame from the router to the server."""
    both = hardware_address(hosts.server, "eth0") + ":" + hardware_address(hosts.internet, "eth0")
    return bytes.fromhex(both.replace(":", ""))


def test_vlan_is_that_of_the_frame(hosts, flowagent, collector):
    """The kernel takes the tag off what comes in and keeps it beside the frame; of two, the inner one stays in it."""
    own, agent = start(hosts, flowagent, collector)
    packet = frames.ipv4(frames.udp(7))
    carried = frames.ip_kind(packet), packet
    there = addresses(hosts)
    tagged = frames.tag(carried, 5)
    stacked = frames.tag(frames.tag(carried, 6), 7, 0x88A8)
    both = [frames.ethernet(tagged, there), frames.ethernet(stacked, there)]
    send_frames(hosts.internet, "eth0", both)
    send_frames(hosts.server, "eth0", [each[6:12] + each[:6] + each[12:] for each in both])
    finish(agent, own)
    key = FlowKey("192.0.2.10", "198.51.100.7", UDP, 7, 53)
    size = len(packet)
    expected = {key._replace(vlan=vlan): (2, 2 * size) for vlan in (5, 7)}
    assert not differences(own.flows().counters(), expected)
    assert set(map(frozenset, own.sides().values())) == {frozenset((0, 1))}


def test_frames_for_others_are_counted_apart(hosts, flowagent, collector):
    """As with NFLOG, they are not this host's traffic; promiscuous=on takes them."""
    other = b"\x02\0\0\0\0\x77" + b"\x02\0\0\0\0\x78"
    packet = frames.ipv4(frames.udp(7))
    carried = frames.ip_kind(packet), packet
    for word, is_taken in ("", False), (",promiscuous=on", True):
        own, agent = start(hosts, flowagent, collector, source="eth0" + word)
        send_frames(hosts.internet, "eth0", [frames.ethernet(carried, addresses(hosts))] * 3)
        send_frames(hosts.internet, "eth0", [frames.ethernet(carried, other)] * 5)
        summary = finish(agent, own)
        assert summary["sources"][0]["packets_foreign"] == (0 if is_taken else 5)
        assert summary["packets_read"] == (8 if is_taken else 3)
        own.close()


def test_frames_of_every_length(hosts, flowagent, collector):
    """Around the length of the copy: what is cut is cut, and counted with the bytes of its header."""
    own, agent = start(hosts, flowagent, collector)
    packets, known = [], FlowTable()
    for size in range(0, 140):
        packet = frames.ipv4(frames.udp(1000 + size, 53, bytes(size)))
        packets.append(frames.ethernet((frames.ip_kind(packet), packet), addresses(hosts)))
        known.add(FlowKey("192.0.2.10", "198.51.100.7", UDP, 1000 + size, 53), 1, 28 + size)
    send_frames(hosts.internet, "eth0", packets)
    summary = finish(agent, own)
    assert not differences(own.flows().counters(), known.counters())
    # The agent's own datagrams are longer, too.
    assert summary["sources"][0]["packets_truncated"] >= sum(len(packet) > 128 for packet in packets)


def test_headers_that_the_copy_just_holds(hosts, flowagent, collector):
    """Ports behind an extension header as long as it may be, and one that is longer: then the decoder has none."""
    own, agent = start(hosts, flowagent, collector)
    known, packets = FlowTable(), []
    for port, size in (1, 8), (2, 64), (3, 72):
        options = bytes((frames.UDP, size // 8 - 1, 1, size - 4)) + bytes(size - 4)  # PadN fills it
        packet = frames.ipv6(options + frames.udp(port), protocol=DESTINATION_OPTIONS)
        packets.append(frames.ethernet((frames.ip_kind(packet), packet), addresses(hosts)))
        ports = (port, 53) if 14 + 40 + size + 8 <= COPIED else (0, 0)
        known.add(FlowKey("2001:db8::1", "2001:db8::7", UDP, *ports), 1, len(packet))
    send_frames(hosts.internet, "eth0", packets)
    finish(agent, own)
    found = {k: n for k, n in own.flows().counters().items() if k.source == "2001:db8::1"}
    assert not differences(found, known.counters())


@kernels
def test_a_ring_that_is_too_small_counts_what_it_lost(
    wrapper, hosts, flowagent, agentctl, collector, udp_flood
):
    own, agent = start(hosts, flowagent, collector, source="eth0,buffer=64K", wrapper=wrapper)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    control = agentctl(agent)
    before = on_the_device(hosts.server)
    agent.signal(signal.SIGSTOP)
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 100, 20_000, 50_000)
    agent.signal(signal.SIGCONT)
    wait_until(lambda: control.statistics()["packets_read"] > 0, "packets")
    assert agent.stop() == 0, agent.errors
    moved = on_the_device(hosts.server) - before
    summary = agent.summary()
    ledger.check_final(summary)
    check_seen(summary)
    # The agent's own datagrams of its end leave after the program is gone.
    assert 20_000 <= summary["packets_read"] + summary["packets_lost_kernel"] <= moved
    assert summary["packets_lost_kernel"] > 10_000
    (source,) = summary["sources"]
    assert source["receive_buffer_bytes"] == 65536


RING = 27  # BPF_MAP_TYPE_RINGBUF


def is_idle(pid):
    """Whether the source waits for the next packet alone: the timer beside its ring is not set."""
    facts = {path.name: path.read_text() for path in Path(f"/proc/{pid}/fdinfo").iterdir()}
    rings = {name for name, text in facts.items() if f"map_type:\t{RING}\n" in text}
    for text in facts.values():
        waited_for = re.findall(r"^tfd: +(\d+)", text, re.MULTILINE)
        if rings & set(waited_for):
            return any("it_value: (0, 0)" in facts[name] for name in waited_for)
    return False


def test_the_first_packet_wakes_an_idle_agent(hosts, flowagent, agentctl, collector, udp_flood):
    """What looks at the ring in any case, once a second, comes too late for one of this size. Nobody asks the agent anything meanwhile."""
    bursts, packets, rate = 4, 6000, 10_000  # the ring has room for 1800
    own, agent = start(
        hosts, flowagent, collector, "--active-timeout", "1h", "--inactive-timeout", "1h", source="eth0,buffer=256K", release=True
    )
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    for _ in range(bursts):
        wait_until(lambda: is_idle(agent.pid), "an idle agent")
        hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", 10, packets, rate)
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    counters = {k: n for k, n in own.flows().counters().items() if k.destination.startswith("198.18.")}
    assert set(counters.values()) == {(bursts * packets // 10, bursts * packets // 10 * 36)}


def test_many_flows_at_full_speed_are_exact(hosts, flowagent, collector, udp_flood):
    """The ring is read while it fills."""
    flows, packets = 3000, 60_000
    own, agent = start(hosts, flowagent, collector, release=True)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", flows, packets, 400_000)
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    counters = {k: n for k, n in own.flows().counters().items() if k.destination.startswith("198.18.")}
    assert len(counters) == flows
    assert set(counters.values()) == {(packets // flows, packets // flows * 36)}


def test_interface_that_comes_goes_and_comes_back(site, agent_on):  # noqa: F811
    name = f"bpf:{LINK}"
    agent, control = agent_on("--bpf", LINK)
    assert state(control, name) == ("waiting", f"{LINK}: no such interface")
    for _ in range(3):
        site.add()
        wait_for_state(control, "running", name)
        site.send()
        wait_for_packets(control, site.sent)
        site.remove()
        wait_for_state(control, "waiting", name)
    finish(agent)
    assert agent.summary()["packets_read"] == site.sent


def test_an_interface_that_is_made_anew_at_once(site, agent_on):  # noqa: F811
    """Another one has the name: the program must move over. What came before is read."""
    site.add()
    agent, control = agent_on("--bpf", LINK)
    for _ in range(3):
        site.send()
        site.remove()
        site.add()
        wait_until(lambda: attached(site.host, LINK) == ["flowagent_in", "flowagent_out"], "the new interface")
        wait_for_state(control, "running", f"bpf:{LINK}")
    site.send()
    assert finish(agent)["packets_read"] == site.sent


def test_without_waiting(site, flowagent_run, flowagent, agentctl):  # noqa: F811
    done = flowagent_run("--bpf", f"{LINK},wait=off", "--control", "none", host=site.host)
    assert done.returncode == 1 and f"{LINK}: no such interface" in done.stderr
    site.add()
    agent = flowagent("--bpf", f"{LINK},wait=off", host=site.host)
    agent.wait_for_control()
    control = agentctl(agent)
    site.send()
    wait_for_packets(control, PACKETS)
    site.remove()
    assert agent.wait() == 1  # it was the only source
    assert f"{LINK}: the interface has disappeared" in agent.errors
    assert agent.summary()["packets_read"] == PACKETS


def test_bare_ip(site, agent_on):  # noqa: F811
    """A tun device has no link header."""
    with site.host.entered():
        tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    try:
        site.host.ip("link", "set", "tun0", "addrgenmode", "none", "up")
        site.host.ip("address", "add", "192.0.2.1/24", "dev", "tun0")
        agent, control = agent_on("--bpf", "tun0")
        site.send()
        for _ in range(3):
            os.write(tun, frames.ipv4(frames.udp(7)))
            os.write(tun, frames.ipv6(frames.udp(7)))
        wait_until(lambda: control.statistics()["packets_read"] >= PACKETS + 6, "packets")
        rows = control.rows("show", "flows")
        counts = {(row["dst_port"], len(row["src"]) > 15 or ":" in row["src"], row["dir"]): row["packets"] for row in rows}
        assert counts.pop((9, False, "out")) == PACKETS
        assert counts.pop((53, False, "in")) == counts.pop((53, True, "in")) == 3
        finish(agent)
    finally:
        os.close(tun)


@pytest.mark.parametrize(
    "wrapper, status, expected",
    [
        ((WITHOUT, "all", "ENOSYS"), 1, "this kernel cannot"),
        ((WITHOUT, "all", "EPERM"), 1, "a filter of system calls, a container or kernel lockdown"),
        (("setpriv", "--bounding-set", "-perfmon,-bpf,-sys_admin", "--inh-caps", "-all"), 1, "missing CAP_BPF"),
        (("setpriv", "--bounding-set", "-net_admin,-sys_admin", "--inh-caps", "-all"), 1, "missing CAP_NET_ADMIN"),
    ],
)
def test_a_kernel_that_cannot_says_why(wrapper, status, expected, host, flowagent_run):
    done = flowagent_run("--bpf", "lo", "--control", "none", host=host("alone"), prefix=wrapper)
    assert done.returncode == status and expected in done.stderr, done.stderr


def test_any_is_refused(flowagent_run):
    done = flowagent_run("--bpf", "any")
    assert done.returncode == 2 and "expected one interface" in done.stderr


@kernels
def test_a_kill_leaves_nothing_that_counts_twice(wrapper, hosts, flowagent, collector, agentctl):
    """Links end with the process; a filter stays, and the next agent takes it off."""
    own, agent = start(hosts, flowagent, collector, wrapper=wrapper)
    agent.kill()
    own.close()
    own, agent = start(hosts, flowagent, collector, wrapper=wrapper)
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    known = generate(hosts)
    finish(agent, own)
    assert not differences(own.flows().counters(), known.counters())
    assert not attached(hosts.server)


def ping(hosts, count=10):
    """Answered or not."""
    words = ["ping", "-c", count, "-i", "0.01", "-W", "0.2", "-q", Hosts.SERVER[0]]
    subprocess.run(hosts.internet.command(*words), stdout=subprocess.DEVNULL, check=False, timeout=PATIENCE_S)


def pings_seen(control):
    rows = [row for row in control.rows("show", "flows") if row["proto"] in (1, "icmp")]
    return {row["dir"]: row["packets"] for row in rows}


@pytest.mark.parametrize("action", [OK, SHOT], ids=["accepts", "drops"])
def test_beside_a_program_of_others(action, hosts, flowagent, agentctl, collector):
    """Ours comes first: it sees what another one keeps to itself, and keeps nothing from it."""
    with foreign_program(hosts.server, "eth0", "ingress", action):
        own, agent = start(hosts, flowagent, collector)
        assert tc_programs(hosts.server, "eth0", "ingress") == ["flowagent_in", "foreign"]
        ping(hosts)
        control = agentctl(agent)
        wait_until(lambda: pings_seen(control).get("in") == 10, "what came in")
        assert pings_seen(control).get("out", 0) == (10 if action == OK else 0)
        (line,) = [row for row in doctor(control) if row["check"] == "bpf"]
        assert line["state"] == "ok", line
        finish(agent, own)


def found(control, states):
    """What doctor says of the source, if that are these states."""
    lines = [row for row in doctor(control) if row["check"] == "bpf"]
    return lines if [row["state"] for row in lines] == states else None


@pytest.mark.parametrize(("word", "state"), [("", "warn"), (",packets=as-seen", "note")], ids=["wire", "as-seen"])
def test_doctor_names_what_hides_packets(word, state, hosts, flowagent, agentctl, collector):
    """Where packets of several segments count as one it cannot tell, and says that."""
    own, agent = start(hosts, flowagent, collector, source="eth0" + word)
    control = agentctl(agent)
    with foreign_program(hosts.server, "eth0", "ingress", OK, first=True):
        assert tc_programs(hosts.server, "eth0", "ingress") == ["foreign", "flowagent_in"]
        with subprocess.Popen(
            hosts.internet.command("ping", "-i", "0.002", "-q", Hosts.SERVER[0]), stdout=subprocess.DEVNULL
        ) as pinging:
            try:  # a slow machine has few packets in the time that doctor looks
                lines = wait_until(lambda: found(control, ["warn", state]), f"warn and {state}")
            finally:
                pinging.terminate()
    assert "the program foreign comes before the agent's at ingress" in lines[0]["text"]
    assert "systemctl stop flowagent && " in lines[0]["fix"]
    assert "the interface has counted" in lines[1]["text"]
    assert ("not comparable" in lines[1]["text"]) == (state == "note")
    finish(agent, own)


@pytest.mark.parametrize("is_link", [True, False], ids=["link", "filter"])
def test_doctor_names_what_hides_packets_from_a_filter(is_link, hosts, flowagent, agentctl, collector, directory):
    """Where the agent's program is a filter of clsact, as before Linux 6.6: a link comes first, and a filter that was added later."""
    own, agent = start(hosts, flowagent, collector, wrapper=KERNELS["filters"])
    hides = foreign_program if is_link else foreign_filter
    with hides(hosts.server, "eth0", "ingress", OK, *([] if is_link else [directory / "bpf"])):
        names = tc_programs(hosts.server, "eth0", "ingress")
        assert names == ["foreign", "flowagent_in"]
        lines = [row for row in doctor(agentctl(agent)) if row["check"] == "bpf" and "foreign" in row["text"]]
    assert [row["state"] for row in lines] == ["warn"], lines
    assert "eth0: the program foreign comes before" in lines[0]["text"]
    finish(agent, own)


def test_doctor_names_a_missing_capability(host, flowagent, agentctl, directory):
    """As the service with half of its drop-in, where the kernel loads the program nevertheless."""
    wrapper = [word.replace("net_raw", "bpf") for word in SERVICE]
    directory.chmod(0o777)
    place = directory / "service"
    place.mkdir()
    place.chmod(0o777)
    agent = flowagent("--bpf", "lo", host=host("alone"), wrapper=wrapper, control=place / "control.sock")
    wait_until(lambda: agent.process.poll() is not None or "reading bpf:" in agent.errors, "either")
    if agent.process.poll() is not None:  # Linux 6.1
        assert "missing CAP_PERFMON" in agent.errors
        return
    agent.wait_for_control()
    lines = [row["text"] for row in doctor(agentctl(agent)) if row["check"] == "bpf" and row["state"] == "warn"]
    assert len(lines) == 1 and "not CAP_PERFMON" in lines[0], lines
    finish(agent)


def test_two_million_packets_of_many_flows_on_two_processors(hosts, flowagent, collector, udp_flood):
    """Each flow has exactly its packets: half of the flows come from each processor, at the same time."""
    flows, packets, rate = 50_000, 1_000_000, 150_000
    own, agent = start(
        hosts, flowagent, collector, "--max-flows", 262_144, "--active-timeout", "1h", "--inactive-timeout", "1h",
        source="eth0,buffer=128M", release=True,
    )  # fmt: skip
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    senders = [
        subprocess.Popen(
            hosts.server.command("taskset", "--cpu-list", cpu, udp_flood, Hosts.SERVER[0], f"198.{18 + cpu}.0.0",
                                 flows, packets, rate)
        )
        for cpu in (0, 1)
    ]  # fmt: skip
    assert [sender.wait(PATIENCE_S) for sender in senders] == [0, 0]
    summary = finish(agent, own)
    assert summary["packets_lost_kernel"] == 0
    counters = [n for k, n in own.flows().counters().items() if k.destination.startswith(("198.18.", "198.19."))]
    assert len(counters) == 2 * flows
    assert set(counters) == {(packets // flows, packets // flows * 36)}


@pytest.mark.parametrize("word, kept", [("", 1 << 12 | 1 << 38 | 1 << 39), (",wait=off", 0)])
def test_what_the_service_keeps_of_its_capabilities(word, kept, site, flowagent, agentctl, directory):  # noqa: F811
    """What opens the source again, and none in effect; reading takes none."""
    site.add()
    wrapper = [word.replace("net_raw", "bpf,+perfmon") for word in SERVICE]
    directory.chmod(0o777)
    place = directory / "service"
    place.mkdir()
    place.chmod(0o777)
    agent = flowagent("--bpf", LINK + word, host=site.host, wrapper=wrapper, control=place / "control.sock")
    agent.wait_for_control()
    check_rights(agent, kept)
    site.send()
    wait_for_packets(agentctl(agent), PACKETS)
    assert finish(agent)["packets_read"] == PACKETS
    assert not attached(site.host, LINK)


@kernels
@pytest.mark.parametrize("side", ["ingress", "egress"])
def test_a_program_that_others_take_off_is_attached_again(side, wrapper, hosts, flowagent, agentctl):
    """Nothing else would come any more. What both have seen is counted."""
    agent = flowagent("--bpf", "eth0", host=hosts.server, wrapper=wrapper)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    control = agentctl(agent)
    for count in range(1, 3):
        take_off(hosts.server, "eth0", side)
        agent.wait_until(lambda c=count: agent.errors.count("bpf:eth0: there; reading it") == c, "it is back")
        assert agent.errors.count("another program has taken the BPF program off; waiting for it") == count
        assert sorted(attached(hosts.server)) == ["flowagent_in", "flowagent_out"]
        read = control.statistics()["packets_read"]
        hosts.server.run("ping", "-c", 5, "-i", "0.01", "-q", Hosts.ROUTER[0])
        wait_until(lambda r=read: control.statistics()["packets_read"] >= r + 10, "packets")
    finish(agent)
