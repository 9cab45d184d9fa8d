"""An agent takes the place of another one that runs, without a service manager: flowagent --handover."""

import json
import os
import socket

import pytest

import ledger
from conftest import Hosts
from programs import nobody
from service_manager import ServiceManager
from test_handover import OWN_PORT, RATE, check_once, group_line
from waiting import wait_until

OPTIONS = ["--nflog", "40", "--active-timeout", "1s"]


@pytest.fixture
def start(hosts, flowagent, agentctl):
    """start(*options) starts an agent by hand: (agent, its agentctl). With 'before' it takes that one's place."""

    def start(*options, before=None):
        control = before and before.control
        options = [*options, "--handover"] if before else options
        agent = flowagent(*options, host=hosts.server, control=control)
        agent.wait_until(lambda: agent.process.poll() is not None or "reading nflog" in agent.errors, "ready")
        assert agent.process.poll() is None, agent.errors
        return agent, agentctl(agent)

    return start


def ask(agent, state=1):
    """The request of another agent, by a client that is none: its socket."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(str(agent.control))
    client.sendall(json.dumps({"v": 1, "cmd": "handover", "state": state}).encode() + b"\n")
    return client


def answer(client):
    """Its lines, until the one that ends it; descriptors are closed."""
    data = b""
    while b'"end"' not in data and b'"error"' not in data:
        more, descriptors, _, _ = socket.recv_fds(client, 4096, 8)
        assert more, data
        data += more
        for descriptor in descriptors:
            os.close(descriptor)
    return [json.loads(line) for line in data.splitlines()]


def test_agents_follow_each_other_under_load(start, hosts, flood, collector):
    """No packet is lost, no flow is cut, and a collector sees nothing of it."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent, control = start(*OPTIONS, "-n", own.host_port)
    port = group_line(hosts)[1]
    flood.begin(RATE)
    read = 0
    for _ in range(5):
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 2, "packets")
        heir, control = start(*OPTIONS, "-n", own.host_port, before=agent)
        assert agent.wait() == 0, agent.errors
        summary = agent.summary()
        ledger.check_summary(summary)
        assert summary["flows_cached"] > 0
        assert summary["records_expired"]["forced"] == 0
        assert "continued" in heir.errors
        read = summary["packets_read"]
        agent = heir
    assert group_line(hosts)[1] == port
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    assert summary["packets_lost_kernel"] == 0
    check_once(summary, own, flood.packets())
    assert len(own.senders) == 1
    assert not agent.control.exists()


def test_what_waits_for_a_collector_is_handed_over(start, hosts, flood, collector):
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent, control = start(*OPTIONS, "-n", own.host_port, "--export-rate", 1)
    flood.begin(RATE)
    wait_until(lambda: control.rows("show", "collectors")[0]["datagrams_queued"] > 100, "a queue")
    heir, control = start(*OPTIONS, "-n", own.host_port, before=agent)
    assert agent.wait() == 0, agent.errors
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert heir.stop() == 0, heir.errors
    check_once(heir.summary(), own, flood.packets())


def test_the_other_agent_dies(start, hosts, flood, collector, flowagent_run):
    """Before it has taken over: the one that runs continues, as if nothing had been."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent, control = start(*OPTIONS, "-n", own.host_port)
    flood.begin(RATE)
    for count in range(1, 4):
        read = control.statistics()["packets_read"]
        with ask(agent) as client:
            rows = answer(client)
        assert [row["descriptor"] for row in rows[:-1]] == ["state", "nflog-40"]
        agent.wait_until(lambda: agent.errors.count("this one continues") == count, "a line in the log")
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 2, "packets")
    # One that cannot open all that it needs, before and after it has the group.
    for count, more in enumerate((["--asn-table", "/nonexistent"], ["--summary", "/nonexistent/summary"]), 4):
        options = [*OPTIONS, "-n", own.host_port, *more, "--control", agent.control]
        failed = flowagent_run(*options, "--handover", host=hosts.server)
        assert failed.returncode == 1
        assert "/nonexistent" in failed.stderr
        agent.wait_until(lambda c=count: agent.errors.count("this one continues") == c, "a line in the log")
        read = control.statistics()["packets_read"]
        wait_until(lambda r=read: control.statistics()["packets_read"] > r + RATE // 2, "packets")
    failed = flowagent_run(*OPTIONS, "--user", "nosuch", "--control", agent.control, "--handover", host=hosts.server)
    assert failed.returncode == 1
    assert "user nosuch: there is no such user" in failed.stderr
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_lost_kernel"] == 0
    check_once(agent.summary(), own, flood.packets())


def test_who_may_not_and_what_cannot_be(start, hosts, flowagent_run, directory):
    """Each is refused with a reason, and the agent continues."""
    agent, control = start("--nflog", "40")
    with ask(agent, state=99) as client:
        (error,) = answer(client)
    assert "version 99" in error["error"]["text"]

    options = ["--nflog", "40", "--handover", "--control"]
    other = flowagent_run(*options, agent.control, host=hosts.server, prefix=nobody(agent.control.stat().st_gid))
    assert other.returncode == 1
    assert "only for root and the agent's own user" in other.stderr

    nowhere = flowagent_run(*options, directory / "nowhere.sock", host=hosts.server)
    assert nowhere.returncode == 1
    assert "no agent can be asked" in nowhere.stderr and "nowhere.sock" in nowhere.stderr

    none = flowagent_run(*options, "none", host=hosts.server)
    assert "--control none" in none.stderr
    assert none.returncode == 1

    assert control.statistics()["packets_read"] == 0
    assert agent.stop() == 0, agent.errors


def test_a_service_is_restarted_instead(start, hosts, flowagent, flowagent_run, directory):
    with ServiceManager(directory) as manager:
        agent = flowagent("--nflog", "40", host=hosts.server, **manager.options())
        agent.wait_until(lambda: "READY=1" in sum(manager.messages, []), "ready")
        refused = flowagent_run("--nflog", "40", "--handover", "--control", agent.control, host=hosts.server)
        assert refused.returncode == 1
        assert "is a service" in refused.stderr and "systemctl restart" in refused.stderr
        assert agent.stop() == 0, agent.errors
