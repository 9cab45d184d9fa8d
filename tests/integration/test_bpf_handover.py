"""Restart and kill of an agent that reads by BPF: the program goes on, packets wait in its ring, and each is counted once."""

import random
import time

import pytest

import ledger
from conftest import Hosts
from netflow9 import START_MS, flow_key, flow_table
from tc_programs import leave_filters, take_off
from test_bpf import KERNELS, attached, check_seen, finish, kernels
from test_handover import OWN_PORT, RATE, hand_over, manager  # noqa: F401
from test_sources_away import LINK, site, wait_for_packets  # noqa: F401
from waiting import wait_until

RESTARTS = 5


@pytest.fixture
def serve(hosts, flowagent, agentctl, manager):  # noqa: F811
    """serve(*options) starts the service: (agent, its agentctl)."""

    def start(*options, before=None, wrapper=()):
        given = manager.options()
        given["wrapper"] = [*given["wrapper"], *wrapper]
        agent = flowagent(*options, host=hosts.server, control=before and before.control, **given)
        manager.wait_ready(agent)
        manager.messages.clear()
        return agent, agentctl(agent)

    return start


def counted(row):
    """Packets of the flood: what is ignored are the agent's own datagrams."""
    return row["packets_read"] + row["packets_lost_kernel"] - row["packets_ignored_total"]


def kill_again(agent, times, chance, start):
    """Kill it this often at any moment; start(before) starts the next. Returns the last one and its agentctl."""
    control = None
    for _ in range(times):
        time.sleep(chance.uniform(0.1, 0.9))
        agent.process.kill()
        agent.wait()
        agent, control = start(agent)
        assert "was killed" in agent.errors and "bpf:eth0: continued" in agent.errors
    return agent, control


def check_once(agent, own, packets):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    check_seen(summary)  # by all agents together
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0
    own.wait_for_datagrams(summary["collectors"][0]["datagrams_sent"])
    messages = own.messages()
    assert flow_table(messages).packets() == summary["packets_exported"] == packets
    records = [(flow_key(values), values[START_MS]) for message in messages for values in message.flows]
    assert len(set(records)) == len(records)  # none twice


@kernels
def test_restarts_under_load(wrapper, serve, manager, hosts, flood, collector):  # noqa: F811
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--bpf", "eth0", "-n", own.host_port]
    agent, control = serve(*options, wrapper=wrapper)
    assert manager.names() == ["bpf-eth0", "config"]
    flood.begin(RATE)
    read = 0
    for _ in range(RESTARTS):
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 10, "packets")
        read = hand_over(agent)["packets_read"]
        assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
        agent, control = serve(*options, before=agent, wrapper=wrapper)
        assert "bpf:eth0: continued" in agent.errors
        assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    check_once(agent, own, flood.packets())
    assert not attached(hosts.server)


@kernels
def test_kills_under_load(wrapper, serve, hosts, flood, collector):
    chance = random.Random(RATE)
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--bpf", "eth0", "-n", own.host_port, "--active-timeout", "1s"]
    agent, control = serve(*options, wrapper=wrapper)
    flood.PACKETS = 1_000_000_000
    flood.begin(2 * RATE)
    agent, control = kill_again(agent, RESTARTS, chance, lambda before: serve(*options, before=before, wrapper=wrapper))
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    check_once(agent, own, flood.packets())
    assert not attached(hosts.server)


@pytest.mark.parametrize("is_killed", [False, True], ids=["restart", "kill"])
def test_what_the_ring_cannot_hold_is_counted_by_the_next_agent(is_killed, serve, hosts, flood):
    options = ["--bpf", "eth0,buffer=64k"]
    agent, control = serve(*options)
    flood.begin(5000)
    wait_until(lambda: control.statistics()["packets_read"] > 0, "packets")
    if is_killed:
        agent.process.kill()
        agent.wait()
    else:
        hand_over(agent)
    before = flood.packets()
    wait_until(lambda: flood.packets() > before + 3000, "an overflow")
    agent, control = serve(*options, before=agent)
    wait_until(lambda: control.statistics()["packets_lost_kernel"] > 0, "a loss that is counted")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    check_seen(agent.summary())
    assert counted(agent.summary()) == flood.packets()


@kernels
def test_other_settings_are_opened_anew(wrapper, serve, hosts, flood):
    agent, _ = serve("--bpf", "eth0", wrapper=wrapper)
    hand_over(agent)
    agent, control = serve("--bpf", "eth0,buffer=1M", before=agent, wrapper=wrapper)
    assert "bpf:eth0: cannot be continued: its settings are others now; it is opened anew" in agent.errors
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    flood.begin(RATE)
    wait_until(lambda: control.statistics()["packets_read"] > RATE // 10, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors


@kernels
def test_a_takeover_with_other_settings(wrapper, hosts, flowagent, flowagent_run, agentctl, flood):
    """One that fails leaves the program of the agent that runs where it is; one that does not opens its own."""
    agent = flowagent("--bpf", "eth0", host=hosts.server, wrapper=wrapper)
    agent.wait_for_control()
    control = agentctl(agent)
    flood.begin(RATE)
    failed = flowagent_run(
        "--bpf", "eth0,buffer=1M", "--handover", "--summary", "/nonexistent/summary", "--control", agent.control,
        host=hosts.server, prefix=wrapper,
    )  # fmt: skip
    assert failed.returncode == 1
    assert "settings are others" in failed.stderr
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    read = control.statistics()["packets_read"]
    wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 2, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    heir = flowagent(
        "--bpf", "eth0,buffer=1M", "--handover", host=hosts.server, control=agent.control, wrapper=wrapper
    )
    assert agent.wait() == 0, agent.errors
    heir.wait_until(lambda: "reading bpf:eth0" in heir.errors, "ready")
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    flood.begin(RATE)
    control = agentctl(heir)
    wait_until(lambda: control.statistics()["packets_read"] > read + RATE, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert heir.stop() == 0, heir.errors


def test_a_third_agent_leaves_the_filter_of_the_first(hosts, flowagent, flowagent_run, agentctl, flood, directory):
    """The second was killed while it took over: which of two filters is the first one's nobody can tell."""
    wrapper = KERNELS["filters"]
    gone = flowagent("--bpf", "eth0", host=hosts.server, wrapper=wrapper)
    gone.wait_for_control()
    gone.kill()
    agent = flowagent("--bpf", "eth0", host=hosts.server, wrapper=wrapper)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    control = agentctl(agent)
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    place = directory / "bpf"
    place.mkdir()
    leave_filters(hosts.server, "eth0", 1, place)
    flood.begin(RATE)
    failed = flowagent_run(
        "--bpf", "eth0,buffer=1M", "--handover", "--summary", "/nonexistent/summary", "--control", agent.control,
        host=hosts.server, prefix=wrapper,
    )  # fmt: skip
    assert failed.returncode == 1, failed.stderr
    assert sorted(attached(hosts.server)) == ["flowagent_in", "flowagent_out", "left", "left"]
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert "has taken the BPF program off" not in agent.errors
    heir = flowagent("--bpf", "eth0,buffer=1M", "--handover", host=hosts.server, control=agent.control, wrapper=wrapper)
    assert agent.wait() == 0, agent.errors
    heir.wait_until(lambda: "reading bpf:eth0" in heir.errors, "ready")
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]  # what was left is gone, too
    assert heir.stop() == 0, heir.errors


@kernels
def test_another_agent_at_the_same_interface(wrapper, hosts, flowagent, agentctl, flood):
    """Each sees every packet: one that starts leaves the program of one that runs, and takes off that of one that was killed."""

    def attach():
        agent = flowagent("--bpf", "eth0", host=hosts.server, wrapper=wrapper)
        agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
        agent.wait_for_control()
        return agent, agentctl(agent)

    attach()[0].kill()
    first, control = attach()
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    flood.begin(RATE)
    second, other = attach()
    assert sorted(attached(hosts.server)) == ["flowagent_in"] * 2 + ["flowagent_out"] * 2
    wait_until(lambda: counted(other.statistics()) > RATE // 10, "packets")
    second.kill()
    third, other = attach()
    assert sorted(attached(hosts.server)) == ["flowagent_in"] * 2 + ["flowagent_out"] * 2
    wait_until(lambda: counted(other.statistics()) > RATE // 10, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert "has taken the BPF program off" not in first.errors
    finish(first)
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    finish(third)
    assert not attached(hosts.server)


@kernels
@pytest.mark.parametrize("is_killed", [False, True], ids=["restart", "kill"])
def test_packets_that_wait_in_a_ring_of_other_settings_are_lost(is_killed, wrapper, serve, hosts, flood):
    """And counted: the next agent reads another ring."""
    agent, control = serve("--bpf", "eth0,buffer=64k", wrapper=wrapper)
    flood.begin(1000)
    wait_until(lambda: control.statistics()["packets_read"] > 500, "packets")
    if is_killed:
        agent.process.kill()
        agent.wait()
    else:
        hand_over(agent)
    before = flood.packets()
    wait_until(lambda: flood.packets() > before + 1000, "more than the ring holds")
    flood.end()
    agent, control = serve("--bpf", "eth0,buffer=1M", before=agent, wrapper=wrapper)
    assert "its settings are others now" in agent.errors
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    lost = control.statistics()["packets_lost_kernel"]
    assert lost >= 1000
    flood.begin(1000)
    wait_until(lambda: counted(control.statistics()) > before + 2000, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    check_seen(agent.summary())
    assert agent.summary()["packets_lost_kernel"] == lost


def test_a_program_that_was_taken_off_meanwhile(serve, hosts, flood):
    agent, control = serve("--bpf", "eth0")
    hand_over(agent)
    take_off(hosts.server, "eth0", "egress")
    agent, control = serve("--bpf", "eth0", before=agent)
    assert "its program was taken off" in agent.errors
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    flood.begin(1000)
    wait_until(lambda: control.statistics()["packets_read"] > 100, "packets")
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    check_seen(agent.summary())


@pytest.mark.parametrize("is_killed", [False, True], ids=["restart", "kill"])
def test_an_interface_that_came_back(is_killed, site, flowagent, agentctl, manager):  # noqa: F811
    """Its new program is for the next agent, too; the old one is nobody's any more."""

    def serve(control=None):
        agent = flowagent("--bpf", LINK, host=site.host, control=control, **manager.options())
        manager.wait_ready(agent)
        manager.messages.clear()
        return agent, agentctl(agent)

    site.add()
    agent, control = serve()
    site.send()
    wait_for_packets(control, site.sent)
    site.remove()
    wait_until(lambda: "waiting for it" in agent.errors, "the interface to be missed")
    wait_until(lambda: manager.names() == ["config"], "the old program to be forgotten")
    site.add()
    wait_until(lambda: manager.names() == ["bpf-" + LINK, "config"], "the new one to be kept")
    site.send()
    wait_for_packets(control, site.sent)
    if is_killed:
        agent.process.kill()
        agent.wait()
    else:
        hand_over(agent)
    site.send()  # while there is none
    agent, control = serve(agent.control)
    assert f"bpf:{LINK}: continued" in agent.errors
    wait_for_packets(control, site.sent)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    check_seen(agent.summary())
    assert agent.summary()["packets_lost_kernel"] == 0


def test_stop_takes_the_program_off(serve, manager, hosts):  # noqa: F811
    """Also while the manager still has the descriptors."""
    agent, _ = serve("--bpf", "eth0")
    assert attached(hosts.server) == ["flowagent_in", "flowagent_out"]
    assert agent.stop() == 0, agent.errors
    assert not attached(hosts.server)
