"""A million packets: each is accounted for; none is lost at a rate that the machine sustains."""

import signal

import pytest

import ledger
from conftest import Hosts
from firewalls import Nft
from netflow9 import EXPORTED_FLOWS, EXPORTED_MESSAGES, SCOPE_SYSTEM
from waiting import wait_until

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
        self.server.run(self.binary, Hosts.SERVER[0], TARGET, flows, packets, rate)

    def matched(self):
        return self.firewall.matched(self.server).packets


@pytest.fixture
def flood(hosts, udp_flood):
    return Flood(hosts, udp_flood)


def read_or_lost(control):
    statistics = control.statistics()
    return statistics["packets_read"] + statistics["packets_lost_kernel"]


def test_a_million_packets(flood, hosts, flowagent, agentctl, collector):
    """At the highest of some rates at which nothing is lost, every flow is exact.

    Whether something is lost or not, the equalities hold to the packet.
    """
    for rate in 60_000, 30_000, 15_000:
        own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
        before = flood.matched()
        agent = flowagent(
            "--nflog", "40", "-n", own.host_port, "--max-flows", 2 * FLOWS, host=hosts.server
        )
        agent.wait_for_group()
        flood.send(FLOWS, PACKETS, rate)
        control = agentctl(agent)
        wait_until(lambda: read_or_lost(control) >= PACKETS, "all packets read")
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
    wait_until(lambda: read_or_lost(control) >= 50_000, "all packets read")
    assert control.statistics()["flows_cached"] <= 2000
    assert agent.stop() == 0, agent.errors
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
    wait_until(lambda: "lost in the kernel" in agent.errors, "the loss to be told")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.matched())
    assert summary["packets_lost_kernel"] > 0
    assert summary["sources"][0]["overruns"] > 0
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"]


def test_ledger_is_exported_as_options_data(flood, hosts, flowagent, agentctl, collector):
    """The last statistics that the collector gets agree with what it got before them."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    flood.send(500, 5000, 10_000)
    control = agentctl(agent)
    wait_until(lambda: read_or_lost(control) >= 5000, "all packets read")
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
