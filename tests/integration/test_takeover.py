"""An agent takes the place of another one that runs, without a service manager: flowagent --handover."""

import json
import os
import socket

import pytest

import ledger
from conftest import Hosts
from programs import nobody
from service_manager import ServiceManager
from test_rights import SERVICE
from test_handover import OWN_PORT, RATE, check_once, group_line
from waiting import wait_until

OPTIONS = ["--nflog", "40", "--active-timeout", "1s"]


@pytest.fixture
def start(hosts, flowagent, agentctl):
    """start(*options) starts an agent by hand: (agent, its agentctl). With 'before' it takes that one's place."""

    def start(*options, before=None, control=None, **more):
        options = [*options, "--handover"] if before else options
        agent = flowagent(*options, host=hosts.server, control=before.control if before else control, **more)
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
    """No packet is lost, no flow is cut, and a collector sees nothing of it; clients find the socket in its place."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent, control = start(*OPTIONS, "-n", own.host_port)
    port = group_line(hosts)[1]
    place = agent.control.stat().st_ino
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
        assert "another agent" not in heir.errors
        assert agent.control.stat().st_ino == place
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
    flood.end()  # the queue has room for what is cached, and not for more seconds of it
    heir, control = start(*OPTIONS, "-n", own.host_port, before=agent)
    assert agent.wait() == 0, agent.errors
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert heir.stop() == 0, heir.errors
    check_once(heir.summary(), own, flood.packets())


def test_the_other_agent_dies(start, hosts, flood, collector, flowagent_run):
    """Before it has taken over: the one that runs continues, as if nothing had been."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent, control = start("--nflog", "40,snaplen=96", *OPTIONS[2:], "-n", own.host_port)
    flood.begin(RATE)
    for count in range(1, 4):
        read = control.statistics()["packets_read"]
        with ask(agent) as client:
            rows = answer(client)
        assert [row["descriptor"] for row in rows[:-1]] == ["state", "nflog-40", "control"]
        agent.wait_until(lambda: agent.errors.count("this one continues") == count, "a line in the log")
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 2, "packets")
    # One that cannot open all that it needs, before and after it has the group.
    for count, more in enumerate((["--asn-table", "/nonexistent"], ["--summary", "/nonexistent/summary"]), 4):
        options = ["--nflog", "40,snaplen=200", *OPTIONS[2:], "-n", own.host_port, *more, "--control", agent.control]
        failed = flowagent_run(*options, "--handover", host=hosts.server)
        assert failed.returncode == 1
        assert "/nonexistent" in failed.stderr
        agent.wait_until(lambda c=count: agent.errors.count("this one continues") == c, "a line in the log")
        read = control.statistics()["packets_read"]
        wait_until(lambda r=read: control.statistics()["packets_read"] > r + RATE // 2, "packets")
    assert group_line(hosts)[4] == 96  # its own settings hold
    failed = flowagent_run(*OPTIONS, "--user", "nosuch", "--control", agent.control, "--handover", host=hosts.server)
    assert failed.returncode == 1
    assert "user nosuch: there is no such user" in failed.stderr
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_lost_kernel"] == 0
    check_once(agent.summary(), own, flood.packets())


def test_the_other_agent_fails_late(start, hosts, flood, collector, flowagent_run, directory):
    """When it gives up rights, and when it starts threads: the one that runs continues, and can be taken over later."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    place = directory / "service"
    place.mkdir()
    for path in directory, place:
        path.chmod(0o777)
    options = [*OPTIONS, "-n", own.host_port]
    agent, control = start(*options, control=place / "control.sock", wrapper=SERVICE)
    flood.begin(RATE)
    for more, prefix, reason in (
        (["--user", "nobody"], [], "only root can become another user"),
        # The search for leaks needs a thread of its own.
        ([], ["env", "ASAN_OPTIONS=detect_leaks=0", "prlimit", "--nproc=1"], "cannot start a thread"),
    ):
        failed = flowagent_run(
            *options, *more, "--control", agent.control, "--handover", host=hosts.server, prefix=[*SERVICE, *prefix]
        )
        assert failed.returncode == 1
        assert reason in failed.stderr
        read = control.statistics()["packets_read"]
        wait_until(lambda r=read: control.statistics()["packets_read"] > r + RATE // 2, "packets")
    assert agent.errors.count("this one continues") == 2
    heir, control = start(*options, before=agent, wrapper=SERVICE)
    assert agent.wait() == 0, agent.errors
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    assert heir.stop() == 0, heir.errors
    assert heir.summary()["packets_lost_kernel"] == 0
    check_once(heir.summary(), own, flood.packets())


def test_the_source_id_is_that_of_the_agent_before(start, hosts):
    """Also where no directory keeps it, and the addresses that it was made of are others."""

    def source_id(control):
        (row,) = [row for row in control.rows("show", "config") if row["name"] == "source-id"]
        return row["value"]

    agent, control = start("--nflog", "40")
    before = source_id(control)
    hosts.server.ip("link", "set", "eth0", "address", "02:00:00:00:00:01")
    heir, control = start("--nflog", "40", before=agent)
    assert agent.wait() == 0, agent.errors
    assert source_id(control) == before
    last, control = start("--nflog", "40", "--source-id", "7", before=heir)
    assert heir.wait() == 0, heir.errors
    assert source_id(control) == "7"
    assert last.stop() == 0, last.errors
    agent, control = start("--nflog", "40")
    assert source_id(control) != before  # the address is part of it
    assert agent.stop() == 0, agent.errors


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
