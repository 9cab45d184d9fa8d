"""A fleet: many agents on hosts of their own, and collectors that go away and come back under load."""

import contextlib
import os
import re
import socket
import subprocess
import threading

import netns
import pytest
import traffic
from flows import UDP, FlowKey, differences
from waiting import wait_until

AGENTS = int(os.environ.get("AGENTS", 6))
SWITCHES = int(os.environ.get("SWITCHES", 3))
MODES = "failover", "balance", "round-robin", "mirror"
VERSIONS = 5, 9, 10
RATE, FLOWS, PACKETS = 100, 50, 1_000_000  # a second for each agent; more packets than are needed
TARGET = "198.18.0.0"
COLLECTOR = "172.16.0.2"
RULE = f"""
table inet test {{
	chain out {{
		type filter hook postrouting priority srcnat + 10; policy accept;
		ip daddr 198.18.0.0/15 counter name sent log group 40 snaplen 96
	}}
	counter sent {{ }}
}}
"""


class Place:
    """A collector of one agent, which may be stopped and started: each time another program."""

    def __init__(self, make):
        self._make = make
        self.runs = [make(0)]
        self.host_port, self._port = self.runs[0].host_port, self.runs[0].port

    def stop(self):
        self.runs[-1].leave()

    def start(self):
        self.runs.append(self._make(self._port))

    def add_to(self, table, _):
        """Add to {flow: packets}. What each program got is decoded by itself: with its own
        templates, and without a gap in the sequence numbers."""
        packets = 0
        for run in self.runs:
            for key, totals in run.flows().flows.items():
                table[key] = table.get(key, 0) + totals.packets
                packets += totals.packets
        return packets


class NfacctdPlace:
    """nfacctd for all agents. It is stopped so that it is known what it got: its port refuses, its socket is read,
    and it and its plugin rest."""

    REFUSE = "table inet refuse{0} {{ chain in {{ type filter hook input priority 0; udp dport {0} reject; }}; }}"

    def __init__(self, make, host, port):
        self._make, self._host, self.port = make, host, port
        self.host_port, self._tables, self._run = f"{COLLECTOR}:{port}", [], None
        self.start()

    def start(self):
        """Its port refuses until its plugin is there, too. The socket is for a busy machine, as large as the kernel lets it be."""
        self._refuse()
        self._run = self._make(COLLECTOR, self.port, self._host, options="nfacctd_pipe_size: 33554432\n")
        self._go_first()
        self._accept()

    def _processes(self):
        """{number: state} of its core and its plugin."""
        listing = subprocess.run(
            ["ps", "-o", "pid=,stat=", "--pid", str(self._run.pid), "--ppid", str(self._run.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        states = dict(line.split() for line in listing.stdout.splitlines())
        assert len(states) == 2, states
        return states

    def _go_first(self):
        """On a busy machine its plugin may be late, and then it loses records by itself: that is nothing that an agent
        could name. Where this is not allowed it runs as all others do."""
        for process in self._processes():
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(int(process), os.SCHED_RR, os.sched_param(1))

    def _refuse(self):
        self._host.run("nft", "-f", "-", input=self.REFUSE.format(self.port))

    def _accept(self):
        self._host.run("nft", "delete", "table", "inet", f"refuse{self.port}")

    def _unread(self):
        wanted = f":{self.port:04X}"
        (line,) = [line.split() for line in self._host.read("udp").splitlines() if line.split()[1].endswith(wanted)]
        assert line[-1] == "0", "its socket was too small for this load"
        return not line[4].endswith(":00000000")

    def _rests(self):
        """Its core waits for datagrams, and its plugin for what the core hands over."""
        return all(state.startswith("S") for state in self._processes().values())

    def packets(self):
        """{flow: packets} of its table."""
        return {
            FlowKey(row["ip_src"], row["ip_dst"], UDP, row["port_src"], row["port_dst"]): row["packets"] for row in self._run.rows()
        }

    def stop(self):
        self._refuse()
        tables = [None, self.packets()]
        while tables[-1] != tables[-2]:
            self._run.wait_until(lambda: not self._unread() and self._rests(), "all is in its table")
            tables.append(self.packets())
        self._tables.append(tables[-1])
        assert not re.search("Failed during write|issing data", self._run.log_text()), "nfacctd has lost records by itself"
        assert "expecting flow" not in self._run.log_text()
        self._run.stop()
        self._accept()

    def add_to(self, table, address):
        packets = 0
        for run in self._tables:
            for key, count in run.items():
                if key.source == address:
                    table[key] = table.get(key, 0) + count
                    packets += count
        return packets


class Member:
    """One host of the fleet with its agent, two collectors, and traffic."""

    def __init__(self, number, make_host, remote, places):
        self.mode, self.version = MODES[number % len(MODES)], VERSIONS[number % len(VERSIONS)]
        self.address, router = f"10.9.{number}.2", f"10.9.{number}.1"
        self.host = make_host(f"agent{number}")
        netns.connect(
            (self.host, "eth0", [f"{self.address}/24"]),
            (remote, f"agent{number}", [f"{router}/24"]),
        )
        self.host.ip("route", "add", "default", "via", router)
        self.host.run("nft", "-f", "-", input=RULE)
        self.places = places

    def start(self, flowagent, agentctl):
        options = []
        for place in self.places:
            options += ["-n", f"{place.host_port},mode={self.mode},version={self.version}"]
        self.agent = flowagent("--nflog", "40", "--inactive-timeout", "300ms", *options,
                               host=self.host, release=True)  # fmt: skip
        self.agent.wait_for_group()
        self._control = agentctl(self.agent)

    def begin(self, cleanup, udp_flood):
        command = [udp_flood, self.address, TARGET, FLOWS, PACKETS, RATE]
        sender = subprocess.Popen(self.host.command(*command))
        cleanup.callback(sender.wait)
        cleanup.callback(sender.kill)
        self._sender = sender

    def end(self):
        self._sender.kill()
        self._sender.wait()

    def is_up(self, number):
        rows = {row["name"]: row for row in self._control.rows("show", "collectors")}
        return rows[self.places[number].host_port]["up"]

    def sent(self):
        """{flow: packets} as the rule has counted them: packet k is of flow k % FLOWS."""
        listing = self.host.run("nft", "list", "counter", "inet", "test", "sent").split()
        packets = int(listing[listing.index("packets") + 1])
        return {
            FlowKey(self.address, f"198.18.0.{flow}", UDP, 1024, 9, 0): -(-(packets - flow) // FLOWS)
            for flow in range(min(FLOWS, packets))
        }

    def check(self):
        assert self.agent.stop() == 0, self.agent.errors
        summary = self.agent.summary()
        expected = self.sent()
        assert summary["packets_read"] == sum(expected.values())
        assert summary["packets_lost_kernel"] == 0
        rows = {row["name"]: row for row in summary["collectors"]}
        groups = [[place] for place in self.places] if self.mode == "mirror" else [self.places]
        for group in groups:
            found = {}
            got = [place.add_to(found, self.address) for place in group]
            sent = [rows[place.host_port]["packets_sent"] for place in group]
            assert not differences(found, expected), (self.mode, self.version, got, sent)
            assert got == sent, (self.mode, self.version)
            for place in group:
                row = rows[place.host_port]
                assert row["records_lost"] == 0, (self.mode, self.version, row)


@pytest.fixture
def fleet(host, cleanup, flowagent, agentctl, udp_flood):
    """fleet(places_of) starts the agents with the two collectors that places_of(the collectors' host) gives to each."""

    def start(places_of):
        remote = host("coll")
        remote.add_address(COLLECTOR, "lo")
        remote.sysctl("ipv4/ip_forward", 1)
        remote.ip("route", "add", "blackhole", "198.18.0.0/15")
        members = [Member(number, host, remote, places_of(remote)) for number in range(AGENTS)]
        for member in members:
            member.start(flowagent, agentctl)
        for member in members:
            member.begin(cleanup, udp_flood)
        return members

    return start


def switch_collectors(members):
    """The first and the second of all go away and come back in turns, under load."""
    wait_until(lambda: all(m.is_up(0) for m in members), "the first collectors are up")
    for switch in range(SWITCHES):
        victim = switch % 2
        places = {place.host_port: place for place in (member.places[victim] for member in members)}
        for place in places.values():
            place.stop()
        # The second of a failover group that gets nothing is asked for once a minute.
        noticing = [m for m in members if m.mode != "failover" or victim == 0]
        wait_until(lambda: not any(m.is_up(victim) for m in noticing), "they are down")
        for place in places.values():
            place.start()
        wait_until(lambda: all(m.is_up(victim) for m in noticing), "they are back")
    for member in members:
        member.end()


def test_fleet_switch(fleet, collector):
    """All modes and versions: each packet arrives once, and no collector misses a datagram. Larger:
    AGENTS=20 SWITCHES=20 tests/run -k fleet_switch"""
    members = fleet(lambda remote: [Place(lambda port: collector(COLLECTOR, port, remote)) for _ in "AB"])
    switch_collectors(members)
    for member in members:
        member.check()


def test_fleet_switch_of_two_nfacctd(fleet, nfacctd):
    """The same with two nfacctd, which all agents share: each packet is once in a table of theirs."""
    places = []

    def both(remote):
        places.extend([NfacctdPlace(nfacctd, remote, port) for port in (3001, 3002)] if not places else [])
        return places

    members = fleet(both)
    switch_collectors(members)
    for member in members:
        assert member.agent.stop() == 0, member.agent.errors
    for place in places:
        place.stop()
    for member in members:
        member.check()


def test_an_agent_that_waits_with_its_first_datagram_sends_all_at_its_end(host, flowagent, collector):
    site = host("site")
    sink = collector("127.0.0.1", 0, site)
    agent = flowagent("--nflog", "40", "-n", sink.host_port, "--start-delay", "random:1h", host=site)
    agent.wait_for_group()
    assert "(start-delay)" in agent.errors
    assert agent.stop() == 0, agent.errors
    sink.wait_for_datagrams(1)
    summary = agent.summary()
    assert summary["collectors"][0]["datagrams_sent"] == len(sink.datagrams)


SILENCE = """
table inet silence {
	chain in {
		type filter hook input priority 0; policy accept;
		ip daddr 172.16.0.2 drop
	}
}
"""


def accept_all(listener):
    """Until it is closed."""
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        pass


RAW, PING = "1 0", "0 2147483647"  # ping_group_range: without ping sockets, and with them


@pytest.mark.parametrize("probe, ping_group_range", [("tcp:179", RAW), ("icmp", RAW), ("icmp", PING)])
def test_a_host_that_is_silent_is_found_by_its_probe(probe, ping_group_range, hosts, flowagent, agentctl, collector):
    """No ICMP report says that it is gone: the next one of the group takes over, and gives back."""
    hosts.server.sysctl("ipv4/ping_group_range", ping_group_range)
    second = "172.16.0.3"
    hosts.collector.add_address(f"{second}/32", "lo")
    hosts.internet.ip("route", "add", second, "via", COLLECTOR)
    sinks = [collector(address, 3001, hosts.collector) for address in (COLLECTOR, second)]
    with traffic.bound_socket(hosts.collector, COLLECTOR, socket.SOCK_STREAM, 179) as listener:
        listener.listen()
        listener.settimeout(None)
        threading.Thread(target=accept_all, args=(listener,), daemon=True).start()
        agent = flowagent("--nflog", "40", "-n", f"{sinks[0].host_port},mode=failover,probe={probe}",
                          "-n", f"{sinks[1].host_port},mode=failover", host=hosts.server)  # fmt: skip
        agent.wait_for_group()
        control = agentctl(agent)

        def row():
            return control.rows("show", "collectors")[0]

        wait_until(lambda: row()["up"], "it is up")
        hosts.collector.run("nft", "-f", "-", input=SILENCE)
        wait_until(lambda: not row()["up"], "its silence is noticed")
        assert row()["last_error"] == f"no answer to its probe={probe}"
        assert control.rows("show", "collectors")[1]["active"]
        before = len(sinks[0].datagrams)
        hosts.collector.run("nft", "delete", "table", "inet", "silence")
        wait_until(lambda: row()["up"] and row()["active"], "it answers again")
        sinks[0].wait_for_datagrams(before + 1)  # templates
        assert agent.stop() == 0, agent.errors
        listener.shutdown(socket.SHUT_RDWR)


PINGS = """
table inet pings {
	chain in {
		type filter hook input priority 0; policy accept;
		ip saddr 192.0.2.11 icmp type echo-request counter name seen
	}
	counter seen { }
}
"""


@pytest.mark.parametrize("ping_group_range", [RAW, PING])
def test_questions_go_by_the_way_that_is_there_now(ping_group_range, hosts, flowagent, agentctl, collector):
    """The server gets another address: an ICMP echo leaves from that."""
    hosts.server.sysctl("ipv4/ping_group_range", ping_group_range)
    hosts.collector.run("nft", "-f", "-", input=PINGS)
    sink = collector(COLLECTOR, 3001, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", f"{sink.host_port},probe=icmp", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)

    def is_up():
        return control.rows("show", "collectors")[0]["up"]

    def is_seen():
        return "packets 0 " not in hosts.collector.run("nft", "list", "counter", "inet", "pings", "seen")

    wait_until(is_up, "it is up")
    hosts.server.ip("addr", "del", "192.0.2.10/24", "dev", "eth0")
    hosts.server.ip("addr", "add", "192.0.2.11/24", "dev", "eth0")
    hosts.server.ip("route", "replace", "default", "via", "192.0.2.1")
    wait_until(is_seen, "a question from the new address")
    hosts.collector.run("nft", "-f", "-", input=SILENCE)
    wait_until(lambda: not is_up(), "its silence is noticed")
    hosts.collector.run("nft", "delete", "table", "inet", "silence")
    wait_until(is_up, "it answers the new address")
    assert agent.stop() == 0, agent.errors


NO_PINGS = """
table inet silence {
	chain in {
		type filter hook input priority 0; policy accept;
		icmpv6 type echo-request drop
	}
}
"""


@pytest.mark.parametrize("ping_group_range", [RAW, PING])
def test_questions_have_answers_over_ipv6(ping_group_range, hosts, flowagent, agentctl, collector):
    hosts.server.sysctl("ipv4/ping_group_range", ping_group_range)
    sink = collector(hosts.COLLECTOR[1], 3001, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", f"{sink.host_port},probe=icmp", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)

    def is_up():
        return control.rows("show", "collectors")[0]["up"]

    wait_until(is_up, "it is up")
    hosts.collector.run("nft", "-f", "-", input=NO_PINGS)
    wait_until(lambda: not is_up(), "its silence is noticed")
    hosts.collector.run("nft", "delete", "table", "inet", "silence")
    wait_until(is_up, "it answers again")
    assert agent.stop() == 0, agent.errors
