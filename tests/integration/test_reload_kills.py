"""Killed at any moment of a reload, or after it: the next agent continues, and nothing is lost or doubled.

The manager is a stand-in (service_manager.py); tests/booted has the real one.
"""

import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

import ledger
from conftest import Hosts
from netflow9 import END_MS, PACKETS, START_MS, flow_key, flow_table
from service_manager import ServiceManager
from test_ending import faulty  # noqa: F401
from waiting import wait_until

OWN_PORT = 2055
KILLS = int(os.environ.get("KILLS", 10))
# With few kills, a rate whose packets wait in the kernel for as long as a start on a busy machine takes.
RATE, SECOND_RATE = (20_000, 2_000) if KILLS > 10 else (5_000, 500)

RULES = """
table inet kills {
	counter first { }
	counter second { }
	chain out {
		type filter hook postrouting priority srcnat + 10; policy accept;
		ip daddr 198.18.0.0/16 counter name first log group 40 snaplen 96
		ip daddr 198.19.0.0/16 counter name second log group 41 snaplen 96
	}
}
"""


class Load:
    """Two floods: to 198.18.0.0 by group 40, to 198.19.0.0 by group 41."""

    def __init__(self, cleanup, hosts, binary):
        self._server, self._binary, self._cleanup, self._senders = hosts.server, binary, cleanup, {}
        hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
        hosts.server.run("nft", "-f", "-", input=RULES)

    def begin(self, group, rate, flows=3000):
        words = [self._binary, Hosts.SERVER[0], f"198.{group - 22}.0.0", flows, 1_000_000_000, rate]
        self._senders[group] = subprocess.Popen(self._server.command(*map(str, words)))
        self._cleanup.callback(self.end, group)

    def end(self, group):
        self._senders[group].kill()
        self._senders[group].wait()

    def packets(self, group):
        """That the rule has counted."""
        name = {40: "first", 41: "second"}[group]
        listing = json.loads(self._server.run("nft", "-j", "list", "counter", "inet", "kills", name))
        return listing["nftables"][1]["counter"]["packets"]


@pytest.fixture
def load(cleanup, hosts, udp_flood):
    return Load(cleanup, hosts, udp_flood)


class Service:
    """An agent with a file, which is killed and started again."""

    def __init__(self, hosts, flowagent, agentctl, manager, path):
        self._start, self._agentctl, self._host = flowagent, agentctl, hosts.server
        self.manager, self.path = manager, path
        self.agent = None
        self.in_doubt = 0

    def write(self, *lines):
        self.path.write_text("\n".join(["[agent]", *lines, ""]))

    def begin(self, variables=None, **more):
        control = self.agent and self.agent.control
        self.manager.messages.clear()
        options = {**self.manager.options(**(variables or {})), **more}
        self.agent = self._start("--config", self.path, host=self._host, control=control, **options)

    def start(self, **more):
        self.begin(**more)
        self.manager.wait_ready(self.agent)
        self.control = self._agentctl(self.agent)

    def start_killed(self, environment, faults, number):
        """Kill it before this message to the manager, and start the next one. Returns whether it was ready before that."""
        (faults / "kill").write_text(str(number))
        self.begin(environment, release=True)
        ended = self.agent.process.poll
        wait_until(lambda: ["READY=1"] in self.manager.messages or ended() is not None, "ready, or killed", interval_s=0.01)
        if ended() is None:
            self.control = self._agentctl(self.agent)
            return True
        assert ended() == -signal.SIGKILL, self.agent.errors
        self.start(release=True)
        assert "are lost" not in self.agent.errors, self.agent.errors
        return False

    def end_busy(self, load, chance):
        """Kill it while it is counting packets of a datagram, most likely."""
        self.agent.signal(signal.SIGSTOP)
        before = load.packets(40)
        wait_until(lambda: load.packets(40) > before + RATE // 2, "datagrams that wait")
        self.agent.signal(signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.001))
        self.agent.process.kill()
        self.agent.wait()

    def kill(self):
        """And start the next one, which must know of it."""
        self.agent.process.kill()
        self.agent.wait()
        self.start()
        assert "are lost" not in self.agent.errors, self.agent.errors
        doubt = re.search(r"was killed.* of (\d+) records? it is in doubt", self.agent.errors)
        assert doubt, self.agent.errors
        self.in_doubt += int(doubt[1])
        wait_until(lambda: "state" not in self.manager.all_names(), "what another configuration left to be taken over")

    def reload(self):
        done = self.control.run("reload")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def service(cleanup, hosts, flowagent, agentctl, directory):
    manager = cleanup.enter_context(ServiceManager(directory))
    return Service(hosts, flowagent, agentctl, manager, directory / "flowagent.conf")


def section(name, address, *lines):
    return [f'[collector "{name}"]', f"address = {address}", *lines]


def lines_of(own, *, sources=(40,), timeout="1s", more=(), other=None):
    """A configuration whose collector "own" gets everything."""
    lines = [f"active-timeout = {timeout}", *(f"nflog = {group}" for group in sources)]
    lines += section("own", own.host_port, *more)
    return lines + (section("other", other.host_port) if other else [])


def group_is_read(hosts, group):
    """The kernel gathers nothing for it."""
    for line in hosts.server.read("netfilter/nfnetlink_log").splitlines():
        if int(line.split()[0]) == group:
            return int(line.split()[2]) == 0
    return False


def check_records(messages):
    """None arrived twice. Returns packets by group.

    One packet may make the same record twice, in one millisecond: that is in the sums.
    """
    flows = [values for message in messages for values in message.flows if values[PACKETS] > 1]
    records = [(flow_key(values), values[START_MS], values[END_MS], values[PACKETS]) for values in flows]
    assert len(set(records)) == len(records)
    packets = {40: 0, 41: 0}
    for key, totals in flow_table(messages).flows.items():
        packets[41 if key.destination.startswith("198.19.") else 40] += totals.packets
    return packets


# What is changed in turn, of the configuration before it: keywords of lines_of(), with `other` the second collector.
CHANGES = [
    {"other": True},
    {"timeout": "2s"},
    {"sources": (40, 41)},
    {"more": ("mtu = 1200",)},
    {"other": None},
    {"sources": (41, 40)},
    {"more": ("mtu = 1200", "fields = default-vlanId")},
    {"timeout": "1s", "other": True, "sources": (40,)},
    {"more": ("dscp = ef", "rate = 900")},
    {"sources": (40, 41), "other": None, "more": ()},
]


def test_kills_around_reloads(service, load, hosts, collector):
    """Collectors, sources and settings of both change under load, and the agent is killed at any moment around that.

    Each packet of the group that is always read arrives in one record of one collector, without a gap in the
    sequence, but for those of records that the log calls in doubt: an agent that is killed before a reload with a
    smaller mtu holds may have datagrams that the next one cannot send. Of the group that comes and goes, no record arrives twice.
    """
    chance = random.Random(KILLS)
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    other = collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector)
    settings = {}
    service.write(*lines_of(own))
    service.start()
    load.begin(40, RATE)
    load.begin(41, SECOND_RATE)
    for number in range(KILLS):
        settings |= CHANGES[number % len(CHANGES)]
        service.write(*lines_of(own, **{**settings, "other": settings.get("other") and other}))
        if chance.random() < 0.6:
            service.agent.signal(signal.SIGHUP)
            time.sleep(chance.uniform(0, 0.15))
        else:
            service.reload()
            time.sleep(chance.uniform(0, 0.8))
        service.kill()
    load.end(40)
    load.end(41)
    wait_until(lambda: group_is_read(hosts, 40), "nothing left that the kernel gathers")
    assert service.agent.stop() == 0, service.agent.errors
    summary = service.agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == 0
    expected = load.packets(40)
    packets = check_records(own.messages())  # decoded without a gap in the sequence; all has been sent
    assert packets[40] == expected or (packets[40] < expected and service.in_doubt), (packets, expected)
    assert packets[40] + summary["packets_lost"] >= expected, (packets, expected, summary)  # the ledger names all that is missing
    assert 0 < packets[41] <= load.packets(41)


def check_all_arrived(service, load, hosts, own):
    """Each packet of the rule is in one record that has arrived."""
    load.end(40)
    wait_until(lambda: group_is_read(hosts, 40), "nothing left that the kernel gathers")
    assert service.agent.stop() == 0, service.agent.errors
    summary = service.agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0, summary
    assert check_records(own.messages())[40] == load.packets(40)  # decoded without a gap in the sequence


class Changing:
    """An agent under load, killed in a datagram; the next one has another configuration."""

    def __init__(self, service, load, own, other):
        self._service, self._load, self._own, self._other = service, load, own, other
        self._chance, self._has_other = random.Random(KILLS), False
        self._write()
        service.start(release=True)
        load.begin(40, RATE)

    def _write(self):
        self._service.write(*lines_of(self._own, other=self._other if self._has_other else None))

    def kill(self):
        self._service.end_busy(self._load, self._chance)
        self._has_other = not self._has_other
        self._write()


def test_killed_before_each_message_of_a_start(service, load, hosts, collector, faulty):  # noqa: F811
    """The agent that takes over is killed as well, before each of the messages that change what the manager keeps."""
    environment, faults = faulty
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    other = collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector)
    changing = Changing(service, load, own, other)
    number, is_ready = 0, False
    while not is_ready:
        number += 1
        changing.kill()
        is_ready = service.start_killed(environment, faults, number)
    assert number > 10
    (faults / "kill").unlink()
    check_all_arrived(service, load, hosts, own)


def test_killed_while_taking_over(service, load, hosts, collector):
    """The agents that take over are killed as well, one after the other, some milliseconds after they were started."""
    chance = random.Random(KILLS)
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    other = collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector)
    changing = Changing(service, load, own, other)
    for _ in range(KILLS):
        changing.kill()
        for delay_ms in (1, 2, 5, 10, 20, chance.uniform(0, 60), chance.uniform(20, 60)):
            service.begin(release=True)
            time.sleep(delay_ms / 1000)
            service.agent.process.kill()
            service.agent.wait()
        service.start(release=True)
        assert "are lost" not in service.agent.errors, service.agent.errors
    check_all_arrived(service, load, hosts, own)


def test_counters_survive_a_kill_before_each_message_of_a_start(service, load, hosts, collector, faulty):  # noqa: F811
    """A restart of an agent that has no flow cached: all that it leaves is its numbers."""
    environment, faults = faulty
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    service.write(*lines_of(own))
    service.start(release=True)
    load.begin(40, RATE)
    wait_until(lambda: service.control.statistics()["packets_read"], "packets")
    load.end(40)
    wait_until(lambda: group_is_read(hosts, 40), "nothing left that the kernel gathers")
    number, is_ready = 0, False
    while not is_ready:
        number += 1
        service.control.run("flush")
        wait_until(lambda: service.control.statistics()["flows_cached"] == 0, "no flows")
        service.agent.signal(signal.SIGUSR2)
        assert service.agent.wait() == 0, service.agent.errors
        is_ready = service.start_killed(environment, faults, number)
        assert service.control.statistics()["packets_read"] == load.packets(40), (number, service.agent.errors)
    assert number > 10
    (faults / "kill").unlink()
    check_all_arrived(service, load, hosts, own)


def test_killed_before_each_message_of_a_restart(service, load, hosts, collector, faulty):  # noqa: F811
    """An agent that hands over is killed before all of it is in the store: it is continued as any that was killed."""
    environment, faults = faulty
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    service.write(*lines_of(own))
    service.start(variables=environment, release=True)
    load.begin(40, RATE)
    number, status = 0, -signal.SIGKILL
    while status:
        number += 1
        before = load.packets(40)
        wait_until(lambda: load.packets(40) > before + RATE // 10, "packets")
        (faults / "kill").write_text(str(len(service.manager.messages) + number))
        service.agent.signal(signal.SIGUSR2)
        status = service.agent.wait()
        (faults / "kill").unlink()
        assert status in (0, -signal.SIGKILL), service.agent.errors
        service.start(variables=environment, release=True)
        assert "are lost" not in service.agent.errors, service.agent.errors
    assert number > 5
    check_all_arrived(service, load, hosts, own)
