"""Restart without a hole: one agent leaves its sources to the next, by way of the service manager.

The manager is a stand-in (service_manager.py); tests/booted has the real one.
"""

import fcntl
import os
import random
import signal
import socket
import struct
import time

import pytest

import ledger
from conftest import Hosts
from netflow9 import START_MS, flow_key, flow_table
from service_manager import ServiceManager
from test_ending import faulty  # noqa: F401
from waiting import wait_until

OWN_PORT = 2055
RATE = 20_000
ACTIVE_TIMEOUT_S = 60  # the default
RESTARTS, KILLS = (int(os.environ.get(name, count)) for name, count in (("RESTARTS", 20), ("KILLS", 10)))
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)  # Ethernet, no packet


@pytest.fixture
def manager(cleanup, directory):
    return cleanup.enter_context(ServiceManager(directory))


@pytest.fixture
def serve(hosts, flowagent, agentctl, manager):
    """serve(*options) starts the service: (agent, its agentctl)."""

    def start(*options, before=None, **variables):
        control = before and before.control
        agent = flowagent(*options, host=hosts.server, control=control, **manager.options(**variables))
        manager.wait_ready(agent)
        manager.messages.clear()
        return agent, agentctl(agent)

    return start


def hand_over(agent):
    """As `systemctl restart` does: RestartKillSignal=."""
    agent.signal(signal.SIGUSR2)
    assert agent.wait() == 0, agent.errors
    return agent.summary()


def read_or_lost(summary):
    """By this agent and those before it: the counters go on."""
    return summary["packets_read"] + summary["packets_lost_kernel"]


def check_nfacctd(nfacctd, host, packets):
    """It has all packets and reports no gap, if it was fast enough for its own small buffer."""

    def dropped():
        port = f":{OWN_PORT + 1:04X} "
        (line,) = [line for line in host.read("udp").splitlines() if port in line]
        return int(line.split()[-1])

    wait_until(lambda: dropped() or nfacctd.flows()[0].packets() >= packets, "packets at nfacctd")
    if not dropped():
        assert nfacctd.flows()[0].packets() == packets
        assert "expecting" not in nfacctd.log_text()  # its checks are on


def test_restarts_under_load(serve, manager, hosts, flood, collector, nfacctd):
    """Every packet that the rule has counted is in a record that has arrived, and in one only.

    A collector sees nothing of it: numbers, uptime and counters go on, and no flow is cut.
    """
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    other = nfacctd(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector)
    options = ["--nflog", "40", "-n", own.host_port, "-n", f"{Hosts.COLLECTOR[0]}:{OWN_PORT + 1}"]
    options += ["--export-rate", 100]  # nfacctd's own buffer is small
    agent, control = serve(*options)
    assert manager.names() == ["config", "nflog-40"]
    flood.PACKETS = 1_000_000_000
    flood.begin(RATE)
    began = time.monotonic()
    read = 0
    for _ in range(RESTARTS):
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 10, "packets")
        summary = hand_over(agent)
        ledger.check_summary(summary)
        assert summary["flows_cached"] > 0
        assert summary["records_expired"]["forced"] == 0
        read = summary["packets_read"]
        assert manager.names() == ["config", "nflog-40", "state"]
        agent, control = serve(*options, before=agent)
        assert "continued" in agent.errors
    flood.end()
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    wait_until(lambda: manager.all_names() == [], "nothing left in the store")

    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0
    assert summary["packets_read"] == flood.packets()
    own.wait_for_datagrams(summary["collectors"][0]["datagrams_sent"])
    assert own.flows().packets() == flood.packets()  # decoded without a gap in the sequence
    assert len(own.senders) == 1  # from one port
    uptimes = [message.uptime_ms for message in own.messages()]
    assert uptimes == sorted(uptimes)
    # Each flow had packets all the time: it has one record, and one more for each active timeout.
    records = sum(len(message.flows) for message in own.messages())
    assert records == summary["flows_created"] == summary["records_sent"]
    assert records < (3 + (time.monotonic() - began) // ACTIVE_TIMEOUT_S) * flood.FLOWS
    check_nfacctd(other, hosts.collector, flood.packets())


def group_line(hosts, group=40):
    """Columns of the kernel's line about a group: group, port, waiting, mode, range; None without."""
    for line in hosts.server.read("netfilter/nfnetlink_log").splitlines():
        if int(line.split()[0]) == group:
            return [int(word) for word in line.split()]
    return None


def test_packets_wait_for_the_next_agent(serve, manager, hosts, flood):
    """And while nobody reads, the group stays; what does not fit is counted by the next agent."""
    agent, _ = serve("--nflog", "40,buffer=64k")
    port = group_line(hosts)[1]
    flood.begin(5000)
    assert hand_over(agent)["packets_lost_kernel"] == 0
    assert group_line(hosts)[1] == port
    before = flood.packets()
    wait_until(lambda: flood.packets() > before + 5000, "an overflow")
    assert manager.names() == ["config", "nflog-40", "state"]
    agent, control = serve("--nflog", "40,buffer=64k", before=agent)
    assert group_line(hosts)[1] == port
    wait_until(lambda: control.statistics()["packets_lost_kernel"] > 0, "a loss that is counted")
    flood.end()
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    assert read_or_lost(agent.summary()) == flood.packets()


def check_once(summary, own, matched):
    """After kills: each packet of the rule is in one record that has arrived, and in one only."""
    ledger.check_final(summary, matched)
    (sent,) = summary["collectors"]
    assert summary["records_lost"] == 0, sent
    own.wait_for_datagrams(sent["datagrams_sent"])
    messages = own.messages()
    assert flow_table(messages).packets() == summary["packets_exported"] == matched  # and no gap in the sequence
    records = [(flow_key(values), values[START_MS]) for message in messages for values in message.flows]
    assert len(set(records)) == len(records)  # none twice
    uptimes = [message.uptime_ms for message in messages]
    assert uptimes == sorted(uptimes)


@pytest.mark.parametrize("rate", [RATE, 10 * RATE] if KILLS > 10 else [2 * RATE])
def test_kills_under_load(rate, serve, manager, hosts, flood, collector):
    """Killed at any moment, the next agent continues: no packet is lost, none is counted twice.

    A group without any traffic is no hindrance.
    """
    chance = random.Random(rate)
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "40", "--nflog", "41", "-n", own.host_port, "--active-timeout", "1s"]
    agent, control = serve(*options)
    flood.PACKETS = 1_000_000_000
    flood.begin(rate)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 1.4))
        agent.process.kill()
        agent.wait()
        agent, control = serve(*options, before=agent)
        assert "was killed" in agent.errors
    flood.end()
    wait_until(lambda: read_or_lost(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    assert summary["packets_lost_kernel"] == 0
    check_once(summary, own, flood.packets())


def test_what_waits_for_a_collector_survives_a_kill(serve, manager, hosts, flood, collector):
    """In its queue, and in the datagram under construction: it is sent later, once, in order."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "40", "-n", own.host_port, "--active-timeout", "1s"]
    agent, control = serve(*options, "--export-rate", 1)
    flood.begin(RATE)
    for _ in range(3):
        wait_until(lambda: control.rows("show", "collectors")[0]["datagrams_queued"] > 100, "a queue")
        agent.process.kill()
        agent.wait()
        agent, control = serve(*options, "--export-rate", 1, before=agent)
        assert "of 0 records it is in doubt" in agent.errors
        assert control.rows("show", "collectors")[0]["datagrams_queued"] > 20  # a burst of 32 went at once
    agent.process.kill()
    agent.wait()
    agent, control = serve(*options, before=agent)
    flood.end()
    wait_until(lambda: read_or_lost(control.statistics()) == flood.packets(), "all packets")
    assert agent.stop() == 0, agent.errors
    check_once(agent.summary(), own, flood.packets())


def test_a_kill_without_traffic(serve, manager, hosts, flood, collector):
    """The last that an idle worker has done is to give its sums to the export thread, which has taken them."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "40", "-i", "lo", "-n", own.host_port, "--inactive-timeout", "1h"]
    agent, control = serve(*options)
    flood.begin(RATE)
    wait_until(lambda: control.statistics()["packets_read"] >= RATE // 10, "packets")
    flood.end()
    wait_until(lambda: read_or_lost(control.statistics()) == flood.packets(), "all packets")
    for _ in range(3):
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 2.2, "sums that have been taken")  # they go once a second
        agent.process.kill()
        agent.wait()
        agent, control = serve(*options, before=agent)
        assert "was killed" in agent.errors
        assert control.statistics()["packets_cached"] == flood.packets()
    assert agent.stop() == 0, agent.errors
    check_once(agent.summary(), own, flood.packets())


def test_stop_lets_go(serve, manager, hosts, flood):
    agent, _ = serve("--nflog", "40")
    assert manager.names() == ["config", "nflog-40"]
    assert agent.stop() == 0, agent.errors
    wait_until(lambda: manager.all_names() == [], "nothing left in the store")
    assert group_line(hosts) is None


def test_other_settings_and_other_groups(serve, manager, hosts, flood):
    """The next agent's own settings hold, and a group that it does not read is let go."""
    agent, _ = serve("--nflog", "40,snaplen=96", "--nflog", "41")
    assert manager.names() == ["config", "nflog-40", "nflog-41"]
    port = group_line(hosts)[1]
    hand_over(agent)
    agent, control = serve("--nflog", "40,snaplen=200", "--nflog", "42", before=agent)
    wait_until(lambda: manager.names() == ["config", "nflog-40", "nflog-42"], "what is over to be forgotten")
    assert group_line(hosts)[1] == port
    assert group_line(hosts)[4] == 200
    assert group_line(hosts, 41) is None
    assert group_line(hosts, 42) is not None
    assert agent.stop() == 0, agent.errors


def test_what_cannot_be_continued_is_opened_anew(serve, manager, hosts, flood, directory):
    """A descriptor under the name of a group that is none, and a state that is none."""
    with (directory / "nothing").open("wb") as file:
        manager.keep("nflog-40", file.fileno())
        manager.keep("state", file.fileno())
        agent, control = serve("--nflog", "40")
    assert "no netfilter socket" in agent.errors
    assert "cannot be used" in agent.errors
    assert manager.names() == ["config", "nflog-40"]
    flood.begin(1000)
    wait_until(lambda: control.statistics()["packets_read"] > 0, "packets")
    flood.end()
    assert agent.stop() == 0, agent.errors
    assert read_or_lost(agent.summary()) == flood.packets()


def state_of_version_1(flows):
    """As agent/handover/handover_state.h and handover_flow.c have it; for ever: an older agent leaves this."""

    def section(kind, name, body):
        return struct.pack(">HHIQ", kind, len(name), 0, len(body)) + name + body

    now_ms = int(time.monotonic() * 1000)
    body = struct.pack(">I", 116)
    for addresses, packets, octets in flows:
        version = 4 if len(addresses) == 8 else 6
        body += struct.pack(">BBBBHHHBBIII", version, 17, 0, 0, 1234, 53, 0, 0, 0, 0, 0, 0)
        body += addresses.ljust(32, b"\0")
        body += struct.pack(">qqqqQQ", now_ms - 9000, now_ms - 5000, 1000, 5000, packets, octets)
        body += struct.pack(">IIBBBB", 0, 0, 0, 0, 0, 0)
    sections = [section(3, b"", b"key 0/0/0"), section(2, b"nflog:40", body)]
    size = 24 + sum(map(len, sections))
    return b"fa-hand\n" + struct.pack(">IIQ", 1, len(sections), size) + b"".join(sections)


def test_a_state_of_an_older_version(serve, manager, hosts, collector):
    """An upgrade cuts no flow: every version reads what the first one has written."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    descriptor = os.memfd_create("state", os.MFD_ALLOW_SEALING)
    os.write(descriptor, state_of_version_1([(bytes(range(1, 9)), 7, 700), (bytes(range(32)), 5, 500)]))
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, 0xF)  # shrink, grow, write, and no other seal
    manager.keep("state", descriptor)
    os.close(descriptor)
    agent, control = serve("--nflog", "40", "-n", own.host_port)
    wait_until(lambda: control.statistics()["flows_cached"] == 2, "the flows")
    assert control.statistics()["packets_read"] == 12
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    wait_until(lambda: own.flows().packets() == 12, "the flows at the collector")


def test_without_a_manager_nothing_is_handed_over(hosts, flowagent, flood):
    agent = flowagent("--nflog", "40", host=hosts.server)
    agent.wait_for_group()
    agent.signal(signal.SIGUSR2)
    agent.wait_until(lambda: "SIGUSR2 ignored" in agent.errors, "a line about SIGUSR2")
    assert agent.stop() == 0, agent.errors
    assert group_line(hosts) is None


@pytest.mark.parametrize("change", ["key", "source", "collector"])
def test_another_configuration(change, serve, manager, hosts, flood, collector):
    """What the next agent cannot continue it exports: each packet is in one record."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "41", "--nflog", "40", "-n", own.host_port]
    agent, control = serve(*options)
    flood.begin(RATE)
    wait_until(lambda: control.statistics()["packets_read"] > RATE // 10, "packets")
    flood.end()
    wait_until(lambda: control.statistics()["packets_read"] == flood.packets(), "all packets")
    flows = hand_over(agent)["flows_cached"]
    assert flows > 0
    if change == "key":
        options += ["--flow-key", "addresses,protocol,interfaces,side"]
    elif change == "source":
        options = options[:2] + options[4:]
    else:
        options += ["-n", collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector).host_port]
    agent, control = serve(*options, before=agent)
    assert ("counters begin with 0" in agent.errors) == (change != "key")
    if change != "collector":
        wait_until(lambda: control.statistics()["records_sent"] == flows, "the flows to be exported")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    assert summary["packets_read"] == flood.packets()
    ledger.check_final(summary)
    wait_until(lambda: own.flows().packets() >= flood.packets(), "all packets at the collector")
    assert own.flows().packets() == flood.packets()


@pytest.mark.parametrize("change", ["size", "key", "source", "collector"])
def test_another_configuration_after_a_kill(change, serve, manager, hosts, flood, collector):
    """Under load: what was cached, waited, or was being read is in records, once."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "41", "--nflog", "40", "-n", own.host_port, "--active-timeout", "1s", "--export-rate", 50]
    agent, control = serve(*options)
    flood.begin(RATE)
    wait_until(lambda: control.rows("show", "collectors")[0]["datagrams_queued"] > 20, "a queue")
    agent.process.kill()
    agent.wait()
    if change == "size":
        options += ["--max-flows", 10000]
    elif change == "key":
        options += ["--flow-key", "addresses,protocol,interfaces,side"]
    elif change == "source":
        options = options[2:]
    else:
        options += ["-n", collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector).host_port]
    options[options.index("--export-rate") + 1] = 6000
    agent, control = serve(*options, before=agent)
    assert "had another configuration" in agent.errors
    assert "of 0 records it is in doubt" in agent.errors
    assert ("counters begin with 0" in agent.errors) == (change in ("source", "collector"))
    before = flood.packets()
    wait_until(lambda: flood.packets() > before + RATE, "packets of the next agent")
    flood.end()
    group_is_read = lambda: group_line(hosts)[2] == 0  # noqa: E731
    wait_until(group_is_read, "nothing left that the kernel gathers")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0, summary
    assert (summary["packets_read"] == flood.packets()) == (change in ("size", "key"))
    wait_until(lambda: flow_table(own.messages()).packets() >= flood.packets(), "all packets at the collector")
    messages = own.messages()  # no gap in the sequence
    assert flow_table(messages).packets() == flood.packets()
    if change != "key":
        records = [(flow_key(values), values[START_MS]) for message in messages for values in message.flows]
        assert len(set(records)) == len(records)


def test_a_mistake_in_the_environment(serve, manager, hosts, directory):
    """A variable that is gone is a mistake, too: it has the value that was accepted last, also for agentctl set."""
    file = directory / "flowagent.conf"
    file.write_text("[agent]\nnflog = 40\nmax-flows = ${FLOWS}\ncollector = 127.0.0.1:${PORT}\n")
    agent, control = serve("--config", file, FLOWS="1000", PORT="9995")
    for _ in range(2):
        hand_over(agent)
        agent, control = serve("--config", file, before=agent, FLOWS="2000")
        assert "the environment has no variable PORT" in agent.errors
        assert "accepted last" in agent.errors
        (status,) = control.rows("show", "status")
        assert status["cache"]["capacity"] == 1000
        assert [row["name"] for row in control.rows("show", "collectors")] == ["127.0.0.1:9995"]
    assert control.run("set", "log-level", "debug").returncode == 0
    hand_over(agent)
    agent, control = serve("--config", file, before=agent, FLOWS="2000", PORT="9996")
    assert "accepted last" not in agent.errors
    assert [row["name"] for row in control.rows("show", "collectors")] == ["127.0.0.1:9996"]
    assert control.rows("show", "status")[0]["cache"]["capacity"] == 2000
    assert agent.stop() == 0, agent.errors


def test_a_mistake_in_the_configuration(serve, manager, hosts, flowagent_run, directory):
    """The agent runs with the files that were accepted last, and says so until they are mended."""
    file, drop_in = directory / "flowagent.conf", directory / "conf.d" / "site.conf"
    drop_in.parent.mkdir()
    file.write_text("[agent]\nnflog = 40\n")
    drop_in.write_text("[agent]\nmax-flows = 1000\n")
    agent, control = serve("--config", file)

    drop_in.write_text("[agent]\nmax-flows = many\n")
    for _ in range(2):
        hand_over(agent)
        agent, control = serve("--config", file, before=agent)
        assert f"{drop_in}:2: max-flows" in agent.errors
        assert "accepted last" in agent.errors
        (status,) = control.rows("show", "status")
        assert any("accepted last" in problem["problem"] for problem in status["problems"])
        assert status["cache"]["capacity"] == 1000

    file.unlink()
    hand_over(agent)
    agent, control = serve("--config", file, before=agent)
    assert "cannot read the configuration file" in agent.errors
    assert control.rows("show", "status")[0]["cache"]["capacity"] == 1000

    file.write_text("[agent]\nnflog = 40\nmax-flows = 2000\n")
    drop_in.unlink()
    hand_over(agent)
    agent, control = serve("--config", file, before=agent)
    assert "accepted last" not in agent.errors
    (status,) = control.rows("show", "status")
    assert status["problems"] == [] and status["cache"]["capacity"] == 2000

    # After a stop there is nothing to run with.
    assert agent.stop() == 0, agent.errors
    wait_until(lambda: manager.all_names() == [], "nothing left in the store")
    drop_in.write_text("[agent]\nmax-flows = many\n")
    done = flowagent_run("--config", file, host=hosts.server)
    assert done.returncode == 2


def test_a_loss_is_unknown_until_the_next_packet(serve, manager, hosts, flood):
    """After the report that the queue was full, until a packet brings its number."""
    agent, control = serve("--nflog", "40,buffer=64k")

    def source():
        (row,) = control.rows("show", "sources")
        return row

    assert source()["loss_unknown"] is False
    agent.signal(signal.SIGSTOP)
    flood.begin(5000)
    wait_until(lambda: flood.packets() > 5000, "an overflow")
    flood.end()
    wait_until(lambda: group_line(hosts)[2] == 0, "nothing left that the kernel gathers")
    agent.signal(signal.SIGCONT)
    wait_until(lambda: source()["overruns"], "the report of the kernel")
    assert source()["loss_unknown"] is True
    assert read_or_lost(source()) < flood.packets()
    assert "unknown until the next one" in control.run("show", "status").stdout
    hand_over(agent)
    agent, control = serve("--nflog", "40,buffer=64k", before=agent)
    assert source()["loss_unknown"] is True
    flood.begin(100)
    wait_until(lambda: not source()["loss_unknown"], "the number of a packet")
    flood.end()
    wait_until(lambda: read_or_lost(source()) == flood.packets(), "each packet read, or lost")
    assert source()["packets_lost_kernel"] > 0


def test_a_loss_is_unknown_although_the_agent_is_killed_at_once(manager, hosts, flowagent, agentctl, flood, faulty):  # noqa: F811
    """The kernel reports it once: an agent that is killed with its next call has kept that."""
    environment, faults = faulty
    agent = flowagent("--nflog", "40", host=hosts.server, release=True, **manager.options(**environment))
    manager.wait_ready(agent)
    manager.messages.clear()
    (faults / "overrun").touch()
    assert agent.wait() == -signal.SIGKILL
    agent = flowagent("--nflog", "40", host=hosts.server, release=True, control=agent.control, **manager.options())
    manager.wait_ready(agent)
    control = agentctl(agent)
    wait_until(lambda: control.rows("show", "sources")[0]["loss_unknown"], "what is unknown")
    flood.begin(100)
    wait_until(lambda: not control.rows("show", "sources")[0]["loss_unknown"], "the number of a packet")
    flood.end()
    assert agent.stop() == 0, agent.errors


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGUSR2, signal.SIGKILL])
def test_a_loss_that_no_packet_tells_of(end, serve, manager, hosts, flood):
    """The queue was full when the last packets came: the number is not known, and that is said."""
    agent, control = serve("--nflog", "40,buffer=64k")
    agent.signal(signal.SIGSTOP)
    flood.begin(5000)
    wait_until(lambda: flood.packets() > 5000, "an overflow")
    flood.end()
    wait_until(lambda: group_line(hosts)[2] == 0, "nothing left that the kernel gathers")
    agent.signal(end)
    agent.signal(signal.SIGCONT)
    assert agent.wait() == (-end if end == signal.SIGKILL else 0), agent.errors
    agents = [agent]
    if end != signal.SIGTERM:
        agent, control = serve("--nflog", "40,buffer=64k", before=agent)
        wait_until(lambda: control.rows("show", "sources")[0]["loss_unknown"], "what is unknown")
        assert 'flowagent_source_loss_unknown{source="nflog:40"} 1' in control.run("metrics").stdout
        assert agent.stop() == 0, agent.errors
        agents = [agent] if end == signal.SIGKILL else [*agents, agent]
    for agent in agents:
        assert agent.summary()["sources"][0]["loss_unknown"] is True
        assert read_or_lost(agent.summary()) < flood.packets()
        assert "nflog:40: its queue was full, and no packet has come since" in agent.errors


def test_the_port_with_a_source_address(serve, manager, hosts, flood, collector):
    """It is kept; where somebody else has it by then, another one does."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    options = ["--nflog", "40", "-n", f"{own.host_port},source={Hosts.SERVER[0]}"]
    agent, control = serve(*options)

    def restart(agent, control):
        count = len(own.datagrams)
        hand_over(agent)
        agent, control = serve(*options, before=agent)
        control.run("send-template")
        wait_until(lambda: len(own.datagrams) > count, "a datagram of the next agent")
        return agent, control

    own.wait_for_datagrams(1)
    agent, control = restart(agent, control)
    ((address, port),) = own.senders
    assert address == Hosts.SERVER[0]
    hand_over(agent)
    with hosts.server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind((Hosts.SERVER[0], port))
        agent, control = serve(*options, before=agent)
        wait_until(lambda: len(own.senders) == 2, "datagrams from another port")
    assert agent.stop() == 0, agent.errors


@pytest.mark.parametrize("limit, says_limit", [(2, True), (0, True), (2, False), (0, False)])
def test_a_store_without_room(limit, says_limit, serve, manager, hosts, flood):
    """Nothing can be handed over: the agent ends as with a stop, and says so.

    Before systemd 254 the limit is seen only by what is closed.
    """
    manager.limit, manager.says_limit = limit, says_limit
    agent, control = serve("--nflog", "40")
    if not says_limit:
        assert "too few descriptors" in agent.errors
    assert manager.names() == ["config", "nflog-40"][:limit]
    flood.begin(1000)
    wait_until(lambda: control.statistics()["packets_read"] > 0, "packets")
    flood.end()
    summary = hand_over(agent)
    assert "FileDescriptorStoreMax" in agent.errors
    ledger.check_final(summary)
    assert summary["packets_read"] == flood.packets()
    wait_until(lambda: manager.all_names() == [], "nothing left in the store")


def test_a_file_is_not_handed_over(manager, flowagent, directory):
    """A pipe that stays open: the restart of its service must not wait until it is killed."""
    pipe = directory / "packets.pcap"
    os.mkfifo(pipe)
    agent = flowagent("--read", pipe, **manager.options())
    with open(pipe, "wb") as packets:
        packets.write(PCAP_HEAD)
        packets.flush()
        manager.wait_ready(agent)
        agent.signal(signal.SIGUSR2)
        assert agent.wait() == 0, agent.errors
    assert "files are not handed over" in agent.errors
