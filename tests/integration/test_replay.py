"""One capture, read in every way: twice, from a pipe, at full speed, and live: the same flow sums.

From a file the datagrams are the same, byte by byte. Live the time stamps differ, and nothing else.
"""

import random
import subprocess

import pytest

import frames
import ledger
import netns
from capture_files import Interface, packet, pcap, pcapng
from flows import differences
from frames import ETHERNET, TCP
from pcap_reader import count_flows, read_packets
from test_hooks import install
from waiting import wait_until

BASE_NS = 1_700_000_000 * 10**9
PACKETS = 4000
SNAP_LENGTH = 1600  # the default, 128, ends within some stacks of tags


def write_capture(path, write=pcap):
    """All stackings of Ethernet, fragments, and frames that are no IP, over two minutes."""
    chance = random.Random(9)
    maker = frames.Frames(chance)
    packets = []
    for number in range(PACKETS):
        flow = chance.randrange(300)
        make = (frames.ipv4, frames.ipv6)[flow % 2]
        body = bytes(chance.randrange(700))
        ip = make(frames.udp(flow, payload=body))
        if flow % 3 == 0:
            ip = make(frames.tcp(flow, flags=chance.randrange(256), payload=body), TCP)
        elif flow % 7 == 0:
            ip = frames.ipv4(frames.udp(flow), identification=flow, more=chance.random() < 0.3)
        elif flow % 11 == 0:
            ip = frames.ipv4(body, identification=flow - flow % 7, offset=16)
        frame = maker.random(ETHERNET, ip) if flow % 50 else frames.ethernet((0x0806, bytes(46)))
        packets.append(packet(BASE_NS + number * 31_000_000, ETHERNET, frame))
    path.write_bytes(write(packets))
    return path


def run(flowagent, collector, *options, **more):
    """(datagrams, flows, summary)"""
    own = collector()
    agent = flowagent(*options, "-n", own.host_port, **more)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    return list(own.datagrams), own.flows().flows, summary


@pytest.mark.parametrize("start_s", [None, -2_000_000_000, 3_000_000_000])
def test_file_pipe_and_full_speed_give_the_same_datagrams(
    start_s, directory, flowagent, collector, cleanup
):
    path = directory / "capture"
    write_capture(path)
    if start_s is not None:  # before 1970, after 2038
        packets = [each._replace(time_ns=each.time_ns - BASE_NS + start_s * 10**9)
                   for each in read_packets(path)]  # fmt: skip
        path.write_bytes(pcapng(packets, "<", Interface(ETHERNET, 9, start_s)))
    first, flows, summary = run(flowagent, collector, "--read", path)
    assert summary["packets_read"] == PACKETS
    again, _, _ = run(flowagent, collector, "--read", path)
    unpaced, _, _ = run(flowagent, collector, "--read", path, "--export-rate", "0")
    # A pipe that is filled in pieces, the first of them not a whole file header.
    feeder = subprocess.Popen(
        ["sh", "-c", 'head -c 10 "$0"; tail -c +11 "$0" | dd bs=777 status=none', path],
        stdout=subprocess.PIPE,
    )
    cleanup.callback(feeder.wait)
    with feeder.stdout:
        piped, _, _ = run(flowagent, collector, "--read", "-", stdin=feeder.stdout)
    assert first == again
    assert first == unpaced
    assert first == piped
    expected = count_flows(read_packets(path)).table.flows
    for totals in expected.values():
        totals.first_ms, totals.last_ms = max(0, totals.first_ms), max(0, totals.last_ms)
    assert not differences(flows, expected)


def sums(flows):
    return {key: (total.packets, total.octets, total.tcp_flags) for key, total in flows.items()}


@pytest.fixture
def link(host):
    """(sender, receiver): hosts without addresses, eth0 to eth0."""
    sender, receiver = host("sender"), host("receiver")
    netns.connect((sender, "eth0", []), (receiver, "eth0", []))
    return sender, receiver


def replay(sender, path):
    sender.run("tcpreplay", "-q", "-i", "eth0", "--pps", "20000", path)


def check_live(agent, control, own, path):
    wait_until(lambda: control.statistics()["packets_read"] >= PACKETS, "all to be read")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    # As fast as it is sent, no first fragment is forgotten.
    expected = count_flows(each._replace(time_ns=BASE_NS) for each in read_packets(path))
    assert summary["packets_read"] == PACKETS
    assert summary["packets_lost_kernel"] == 0
    ignored = {reason: n for reason, n in summary["packets_ignored"].items() if n}
    assert ignored == expected.ignored
    assert not differences(sums(own.flows().flows), sums(expected.table.flows))


def test_replay_into_an_interface(link, directory, flowagent, agentctl, collector):
    sender, receiver = link
    path = write_capture(directory / "replay.pcap")
    own = collector("127.0.0.1", 2055, receiver)
    agent = flowagent("-i", f"eth0,snaplen={SNAP_LENGTH}", "-n", own.host_port, host=receiver)
    agent.wait_for_capture()
    replay(sender, path)
    check_live(agent, agentctl(agent), own, path)


def test_replay_into_a_netfilter_group(link, directory, flowagent, agentctl, collector):
    """By the ingress hook of the device, which sees every frame."""
    sender, receiver = link
    path = write_capture(directory / "replay.pcap")
    own = collector("127.0.0.1", 2055, receiver)
    agent = flowagent("-g", f"40,snaplen={SNAP_LENGTH}", "-n", own.host_port, host=receiver)
    agent.wait_for_group()
    chain = 'filter hook ingress device "eth0" priority 0'
    install(receiver, "netdev", chain, "", snap_length=SNAP_LENGTH)
    replay(sender, path)
    check_live(agent, agentctl(agent), own, path)
