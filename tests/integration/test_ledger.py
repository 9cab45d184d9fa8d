"""A million packets: each is accounted for; none is lost at a rate that the machine sustains."""

import signal
import subprocess

import pytest

import ledger
from conftest import Hosts
from firewalls import Nft
from netflow9 import EXPORTED_FLOWS, EXPORTED_MESSAGES, SCOPE_SYSTEM
from waiting import PATIENCE_S, wait_until

FLOWS, PACKETS = 100_000, 1_000_000
PACKET_BYTES = 36  # of udp_flood
TARGET = "198.18.0.0"
OWN_PORT = 2055


class Flood:
    """The server sends to a black hole out on the internet; a rule logs it."""

    def __init__(self, hosts, binary):
        self.server = hosts.server
        self.binary = binary
        self.firewall = Nft()
        hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
        self.firewall.install(self.server, "eth0")

    def send(self, flows, packets, rate):
        self.server.run(
            self.binary, Hosts.SERVER[0], TARGET, flows, packets, rate,
            timeout_s=packets / rate + PATIENCE_S,
        )  # fmt: skip

    def send_in_background(self, flows, packets, rate):
        command = [self.binary, Hosts.SERVER[0], TARGET, flows, packets, rate]
        return subprocess.Popen(self.server.command(*map(str, command)))

    def matched(self):
        return self.firewall.matched(self.server).packets


@pytest.fixture
def flood(hosts, udp_flood):
    return Flood(hosts, udp_flood)


def read_or_lost(control):
    statistics = control.statistics()
    return statistics["packets_read"] + statistics["packets_lost_kernel"]


def wait_for_all(flood, control, count):
    """Until so many are read, or counted as lost.

    How many the kernel has lost last is seen with the packet after them: it is sent where none may come.
    """

    def are_there():
        if any(row["loss_unknown"] for row in control.rows("show", "sources")):
            flood.send(1, 1, 1000)
        return read_or_lost(control) >= count

    wait_until(are_there, "all packets read")


def test_a_million_packets(flood, hosts, flowagent, agentctl, collector):
    """At the highest of some rates at which nothing is lost, every flow is exact.

    Whether something is lost or not, the equalities hold to the packet. A machine that sustains none of the rates
    has a last try with a buffer that holds all packets, about 105 bytes each: then its speed does not matter.
    """
    for rate, source in (60_000, "40"), (30_000, "40"), (15_000, "40"), (15_000, "40,buffer=256M"):
        own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
        before = flood.matched()
        agent = flowagent(
            "--nflog", source, "-n", own.host_port, "--max-flows", 2 * FLOWS, host=hosts.server
        )
        agent.wait_for_group()
        flood.send(FLOWS, PACKETS, rate)
        control = agentctl(agent)
        wait_for_all(flood, control, PACKETS)
        ledger.check_summary(control.statistics())
        assert agent.stop() == 0, agent.errors
        summary = agent.summary()
        matched = flood.matched() - before
        assert matched >= PACKETS
        ledger.check_final(summary, matched)
        if summary["packets_lost_kernel"] == 0:
            break
    assert summary["packets_lost_kernel"] == 0, "packets lost at every rate"
    assert summary["packets_lost"] == summary["records_lost"] == 0

    own.wait_for_datagrams(summary["datagrams_sent"])
    exported = own.flows()
    assert exported.packets() == summary["packets_exported"] == matched
    flows = [totals for key, totals in exported.flows.items() if key.destination_port == 9]
    assert len(flows) == FLOWS
    each = PACKETS // FLOWS
    assert {(t.packets, t.octets) for t in flows} == {(each, each * PACKET_BYTES)}


def test_full_cache_evicts_and_counts(flood, hosts, flowagent, agentctl, collector):
    """Five times more flows than the cache holds: early records, not lost ones."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--max-flows", 2000, host=hosts.server
    )
    agent.wait_for_group()
    flood.send(10_000, 50_000, 15_000)
    control = agentctl(agent)
    wait_for_all(flood, control, 50_000)
    assert control.statistics()["flows_cached"] <= 2000
    wait_until(lambda: "the cache is full" in agent.errors, "the evictions to be told")
    assert agent.stop() == 0, agent.errors
    assert agent.errors.count("the cache is full") == 1
    summary = agent.summary()
    ledger.check_final(summary, flood.matched())
    assert summary["packets_lost"] == 0
    assert summary["records_expired"]["lack_of_resources"] > 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"]


def test_overload_is_counted_to_the_packet(flood, hosts, flowagent, agentctl, collector):
    """The agent is stopped while packets rush in: what the kernel dropped is known exactly."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent("--nflog", "40,buffer=65536", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    flood.send(100, 1000, 10_000)
    control = agentctl(agent)
    wait_until(lambda: read_or_lost(control) >= 1000, "the first packets read")

    agent.signal(signal.SIGSTOP)
    flood.send(1000, 100_000, 100_000)
    agent.signal(signal.SIGCONT)
    # A gap in the sequence is seen when the next packet comes.
    wait_until(lambda: control.statistics()["packets_read"] > 1000, "the agent to go on")

    def next_packets_show_the_gap():
        flood.send(10, 10, 1000)
        return read_or_lost(control) >= 101_010

    wait_until(next_packets_show_the_gap, "the gap to be seen")
    wait_until(lambda: read_or_lost(control) >= flood.matched(), "the last packets read")
    wait_until(lambda: "lost in the kernel" in agent.errors, "the loss to be reported")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.matched())
    assert summary["packets_lost_kernel"] > 0
    assert summary["packets_lost_kernel"] > summary["sources"][0]["overruns"] > 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"]


def test_equalities_hold_at_any_moment(flood, hosts, flowagent, agentctl, collector):
    """Asked again and again while packets come, flows expire and records are sent."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--max-flows", 2000, "--inactive-timeout", "300ms",
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)
    sender = flood.send_in_background(20_000, 60_000, 15_000)
    asked = 0
    while sender.poll() is None:
        statistics = control.statistics()  # status 1 if an equality does not hold
        assert all(equality["holds"] for equality in statistics["equalities"])
        ledger.check_summary(statistics)
        asked += 1
    assert sender.wait() == 0 and asked > 5
    wait_for_all(flood, control, 60_000)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), flood.matched())


def test_ledger_closes_across_a_restart(flood, hosts, flowagent, agentctl, collector):
    """Two agents one after the other while packets come: each accounts for what it has read."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    sender = flood.send_in_background(1000, 60_000, 15_000)
    exported = datagrams = 0
    for _ in range(2):
        agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
        agent.wait_for_group()
        control = agentctl(agent)
        wait_until(lambda: read_or_lost(control) >= 10_000, "packets read")
        assert agent.stop() == 0, agent.errors
        summary = agent.summary()
        ledger.check_final(summary)
        exported += summary["packets_exported"]
        datagrams += summary["datagrams_sent"]
    assert sender.wait() == 0
    own.wait_for_datagrams(datagrams)
    assert own.flows().packets() == exported


def test_groups_lose_each_for_itself(flood, hosts, flowagent, agentctl):
    """Two groups, one with a small buffer: its loss is its own, and distinguished from overruns."""
    flood.server.run("nft", "add", "rule", "inet", "test", "in", "counter", "log", "group", "41")
    agent = flowagent("--nflog", "40,buffer=65536", "--nflog", "41", host=hosts.server)
    agent.wait_for_group(40)
    agent.wait_for_group(41)
    agent.signal(signal.SIGSTOP)
    flood.send(1000, 30_000, 60_000)
    agent.signal(signal.SIGCONT)
    control = agentctl(agent)

    def group_40():
        (row,) = [row for row in control.rows("show", "sources") if row["name"] == "nflog:40"]
        return row

    def next_packets_show_the_gap():
        flood.send(10, 10, 1000)
        row = group_40()
        return row["packets_read"] + row["packets_lost_kernel"] >= 30_010

    wait_until(next_packets_show_the_gap, "the gap to be seen")
    first, second = control.rows("show", "sources")
    assert (first["name"], second["name"]) == ("nflog:40", "nflog:41")
    assert first["packets_lost_kernel"] > first["overruns"] > 0
    assert second["packets_lost_kernel"] == second["overruns"] == 0
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), flood.matched())


def test_ledger_is_exported_as_options_data(flood, hosts, flowagent, agentctl, collector):
    """The last statistics that the collector gets agree with what it got before them."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    flood.send(500, 5000, 10_000)
    control = agentctl(agent)
    wait_for_all(flood, control, 5000)
    assert control.run("flush").returncode == 0
    wait_until(lambda: own.flows().packets() >= 5000, "the flush at the collector")
    seen = len(own.datagrams)
    assert control.run("send-template").returncode == 0
    own.wait_for_datagrams(seen + 1)

    messages = own.messages()
    flows = statistics = 0
    for position, message in enumerate(messages):
        for scopes, values in message.options:
            if SCOPE_SYSTEM not in scopes or EXPORTED_FLOWS not in values:
                continue
            statistics += 1
            # Counted are records that went out before: this message's own are not sent yet.
            assert values[EXPORTED_FLOWS] in (flows, flows + len(message.flows))
            assert values[EXPORTED_MESSAGES] in (position, position + 1)
        flows += len(message.flows)
    assert statistics >= 2
    assert flows >= 500
    assert agent.stop() == 0
