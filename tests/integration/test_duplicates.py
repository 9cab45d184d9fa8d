"""Two rules that log the same packets are noticed; nothing else is taken for that."""

import contextlib
import socket
import time

import traffic
from conftest import Hosts
from firewalls import FIREWALLS
from flows import FlowTable
from waiting import PATIENCE_S, wait_until


def source_of(control):
    (source,) = control.rows("show", "sources")
    return source


def dialogue(hosts, count=40):
    """UDP both ways and TCP from outside: the server's own UDP has the identification 0."""
    known = FlowTable()
    for server, remote in zip(Hosts.SERVER, Hosts.REMOTE):
        traffic.udp_dialogue((hosts.server, server), (hosts.internet, remote), known, count, 40, 90)
        traffic.tcp_transfer((hosts.internet, remote), (hosts.server, server), 60_000, 60_000)


def dialogue_until(hosts, control, condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition(source_of(control)):
        assert time.monotonic() < deadline, what
        dialogue(hosts)


SECOND_RULES = """
table inet second {{
	chain in {{
		type filter hook prerouting priority raw + 1; policy accept;
		iifname "eth0" log group {group} snaplen 128
	}}
}}
"""


LOSS = """
table inet loss {
	chain out {
		type filter hook output priority 0; policy accept;
		meta l4proto tcp numgen random mod 30 == 0 drop
	}
	chain in {
		type filter hook input priority 0; policy accept;
		meta l4proto tcp numgen random mod 30 == 0 drop
	}
}
"""


def test_the_same_rule_in_two_firewalls(hosts, flowagent, agentctl):
    """nft, and iptables-legacy beside it: what nobody sees in the table of flows."""
    agent = flowagent("-g", "40,label=uplink", host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    FIREWALLS[2].install(hosts.server, "eth0")
    control = agentctl(agent)
    dialogue_until(hosts, control, lambda row: row["duplicates_suspected"], "never suspected")
    source = source_of(control)
    assert source["label"] == "uplink"
    assert source["packets_seen_twice"] * 10 >= source["duplicates_sampled"]
    statistics = control.statistics()
    assert statistics["duplicates_suspected"] is True
    assert statistics["packets_seen_twice"] >= source["packets_seen_twice"]
    shown = control.run("show", "stats")
    assert shown.returncode == 0 and "two rules log them" in shown.stderr
    assert "two rules log them" in control.run("show", "status").stdout
    assert agent.errors.count("nflog:40 uplink: the same packets come twice") == 1
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["duplicates_suspected"] is True


def test_it_is_over_when_the_second_rule_is_gone(hosts, flowagent, agentctl):
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    hosts.server.run("nft", "-f", "-", input=SECOND_RULES.format(group=40))
    control = agentctl(agent)
    dialogue_until(hosts, control, lambda row: row["duplicates_suspected"], "never suspected")
    hosts.server.run("nft", "delete", "table", "inet", "second")
    dialogue_until(hosts, control, lambda row: not row["duplicates_suspected"], "for ever")
    assert agent.stop() == 0, agent.errors


def send_the_same(here, there, host):
    """A flood of one datagram: first without an identification, then each with its own."""
    with host.entered():
        sender = socket.socket(traffic.family_of(here), socket.SOCK_DGRAM)
    with sender:
        sender.bind((here, 0))
        for _ in range(3000):
            sender.sendto(b"same", (there, 9))
        sender.connect((there, 9))
        for _ in range(3000):
            with contextlib.suppress(ConnectionRefusedError):
                sender.send(b"same")


def test_one_rule_and_every_kind_of_repetition(hosts, flowagent, agentctl):
    """Retransmissions on a lossy link, and floods of datagrams that are the same in every byte."""
    hosts.internet.run("nft", "-f", "-", input=LOSS)
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    FIREWALLS[0].install(hosts.server, "eth0")
    control = agentctl(agent)
    deadline = time.monotonic() + PATIENCE_S
    while source_of(control)["duplicates_sampled"] < 200:
        assert time.monotonic() < deadline
        for server, remote in zip(Hosts.SERVER, Hosts.REMOTE):
            inside, outside = (hosts.server, server), (hosts.internet, remote)
            traffic.tcp_transfer(inside, outside, 500_000, 500_000)
            send_the_same(server, remote, hosts.server)
            send_the_same(remote, server, hosts.internet)
    matched = FIREWALLS[0].matched(hosts.server)
    wait_until(lambda: control.statistics()["packets_read"] >= matched.packets, "all to be read")
    source = source_of(control)
    assert source["duplicates_suspected"] is False
    assert source["packets_seen_twice"] * 20 < source["duplicates_sampled"]
    assert "come twice" not in agent.errors
    assert agent.stop() == 0, agent.errors


def test_groups_are_looked_at_alone(hosts, flowagent, agentctl):
    """The documented limit: two rules for two groups are two observations."""
    agent = flowagent("-g", "40-41", host=hosts.server)
    agent.wait_for_group(40)
    agent.wait_for_group(41)
    FIREWALLS[0].install(hosts.server, "eth0")
    hosts.server.run("nft", "-f", "-", input=SECOND_RULES.format(group=41))
    dialogue(hosts, 200)
    control = agentctl(agent)
    assert control.statistics()["duplicates_suspected"] is False
    assert agent.stop() == 0, agent.errors
