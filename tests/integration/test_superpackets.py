"""Segmentation offload: one logged packet is many on the wire.

As seen, flows agree with the rule's counter; split, with a capture at the other end, behind a
router whose device cannot do the cutting, so that its kernel has done it.
"""

import struct

import pytest

import ledger
import traffic
from conftest import Hosts
from firewalls import Nft
from flows import differences
from pcap_reader import count_flows
from test_odd_packets import RAW_IP, write_capture
from waiting import wait_until

MTU = 1500


@pytest.fixture
def offload(hosts):
    """The server's device takes superpackets; that of the router towards the collector does not."""
    hosts.server.ip("link", "set", "eth0", "gso_max_segs", 65535)
    hosts.server.run("ethtool", "-K", "eth0", "tx", "on", "gso", "on", "tso", "on")
    return hosts


def transfer(hosts):
    """Data from the server, by TCP over IPv4 and IPv6."""
    keys = []
    for server, remote in zip(Hosts.SERVER, Hosts.COLLECTOR):
        keys += traffic.tcp_transfer(
            (hosts.server, server), (hosts.collector, remote), 3_000_000, 100
        )
    return keys


@pytest.mark.parametrize("source", ["nflog", "interface"])
@pytest.mark.parametrize("mode", ["as-seen", "split"])
def test_superpackets(mode, source, offload, flowagent, agentctl, collector, tcpdump):
    own = collector(Hosts.COLLECTOR[0], 2055, offload.collector)
    sources = ["--nflog", "40"] if source == "nflog" else ["-i", "eth0"]
    agent = flowagent(
        *sources, "-n", own.host_port, "--superpackets", mode, "--active-timeout", "1h",
        host=offload.server,
    )  # fmt: skip
    rule = Nft()
    if source == "nflog":
        agent.wait_for_group()
    else:
        agent.wait_for_capture()
    rule.install(offload.server, "eth0")
    # Headers only: a ring with room for whole superpackets has room for few.
    wire = tcpdump(offload.collector, "eth0", "tcp", snap_length=128)
    hook = tcpdump(offload.server, "eth0", "tcp", snap_length=128)
    keys = transfer(offload)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= rule.matched(offload.server).packets,
        "all packets read",
    )
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    exported = {key: totals for key, totals in own.flows().counters().items() if key in keys}
    assert summary["packets_super"] > 10

    wire.stop()
    hook.stop()
    on_the_wire = count_flows(wire.packets()).table.counters()
    at_the_hook = count_flows(hook.packets()).table.counters()
    assert on_the_wire != at_the_hook
    assert set(on_the_wire) == set(keys)
    assert not differences(exported, on_the_wire if mode == "split" else at_the_hook)

    matched = rule.matched(offload.server)
    if source == "nflog":
        ledger.check_final(summary, matched.packets)
    if mode == "as-seen":
        assert summary["packets_split"] == summary["bytes_split"] == 0
    else:
        assert summary["packets_split"] > 1000 and summary["bytes_split"] > 40_000
    if source == "nflog":
        # Split or not, the rule's counter can be reconciled.
        assert summary["packets_exported"] - summary["packets_split"] == matched.packets
        assert summary["bytes_exported"] - summary["bytes_split"] == matched.octets


def tcp_packet(payload):
    """IPv4 and TCP with 12 bytes of options; only the headers are captured."""
    return (
        struct.pack("!BBHHHBBH8s", 0x45, 0, 52 + payload, 1, 0, 64, 6, 0, bytes(range(8)))
        + struct.pack("!HHIIBBHHH12s", 1111, 80, 0, 0, 0x80, 0x18, 0, 0, 0, b"\1" * 12)
    )  # fmt: skip


@pytest.mark.parametrize(
    "options, packets, octets",
    [
        ([], 3, 1500 + 2 * 1500 - 52 + 1501),
        (["--superpackets", "split"], 5, 1500 + 2 * 1500 + 1501 + 52),
        (["--superpackets", "split", "--interface-mtu", "9000"], 3, 1500 + 2 * 1500 - 52 + 1501),
    ],
)
def test_superpackets_of_a_file(options, packets, octets, directory, flowagent):
    """The MTU comes from an option: a file's interfaces are not ours."""
    path = directory / "super.pcap"
    payloads = (1448, 2 * 1448, 1449)
    write_capture(path, RAW_IP, [(tcp_packet(size), 52 + size) for size in payloads])
    agent = flowagent("--read", path, *options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_read"] == 3
    assert summary["packets_super"] == (0 if "9000" in options else 2)
    assert summary["packets_read"] + summary["packets_split"] == packets
    assert summary["sources"][0]["packets_split"] == packets - 3
    assert summary["packets_lost"] == packets  # without a collector
    collector = {"no_collector": 1}
    assert {k: n for k, n in summary["records_lost_by_reason"].items() if n} == collector
    assert summary["bytes_split"] == octets - sum(52 + size for size in payloads)


def test_wrong_value_is_refused(flowagent_run):
    done = flowagent_run("--read", "-", "--superpackets", "guess")
    assert done.returncode == 2
    assert "expected as-seen or split" in done.stderr
