"""The configuration of a running agent is read again: reload, SIGHUP, set."""

import os
import signal

import pytest

import ledger
import traffic
from conftest import Hosts
from flows import FlowTable
from netflow9 import APPLICATION_ID, SOURCE_AS
from service_manager import ServiceManager
from test_lifecycle import OWN_PORT, agent_on, site, wait_for_packets  # noqa: F401
from waiting import wait_until


@pytest.fixture
def conf(directory):
    """The agent's file, and a way to write it."""

    class Conf:
        path = directory / "flowagent.conf"

        def write(self, *lines):
            self.path.write_text("\n".join(["[agent]", *lines, ""]))

    one = Conf()
    one.write()
    return one


@pytest.fixture
def served(site, agent_on, conf):  # noqa: F811
    """served(*lines of the file, options=(), **named): (agent, agentctl) with that file."""

    def start(*lines, options=(), **named):
        conf.write(*lines)
        return agent_on("--config", conf.path, *options, **named)

    return start


def value(control, name):
    (row,) = [row for row in control.rows("show", "config") if row["name"] == name]
    return row["value"], row["origin"]


def reload(control, *words):
    """The lines that agentctl reload prints."""
    done = control.run(*(words or ["reload"]))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_reload_prints_what_is_another(site, served, conf):  # noqa: F811
    """Also what needs a restart, which keeps its value; the command line stays."""
    agent, control = served("active-timeout = 60s", "max-flows = 5000", options=["--inactive-timeout", "9s"])
    assert reload(control) == []
    conf.write("active-timeout = 30s", "max-flows = 6000", "inactive-timeout = 5s", "timeout = udp=3s")
    assert reload(control) == [
        "active-timeout: 60s -> 30s",
        "timeout: tcp=9s,tcp.rst=2s,tcp.fin=2s,udp=9s,icmp=9s,general=9s -> "
        "tcp=9s,tcp.rst=2s,tcp.fin=2s,udp=3s,icmp=9s,general=9s",
        "max-flows: needs a restart (5000 -> 6000)",
    ]
    assert value(control, "active-timeout") == ("30s", f"{conf.path}:2")
    assert value(control, "inactive-timeout") == ("9s", "command line")
    assert value(control, "max-flows") == ("5000", f"{conf.path}:3")
    assert "active-timeout: 60s -> 30s" in agent.errors
    assert "max-flows: needs a restart (5000 -> 6000)" in agent.errors
    assert reload(control) == ["max-flows: needs a restart (5000 -> 6000)"]
    (row,) = control.rows("reload")
    assert row == {"name": "max-flows", "before": "5000", "after": "6000", "needs_restart": True}
    assert agent.stop() == 0, agent.errors


def test_a_timeout_holds_for_flows_that_are_cached(site, served, conf, collector):  # noqa: F811
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent, control = served("inactive-timeout = 1h", options=["-n", own.host_port])
    sent = site.send()
    wait_for_packets(control, sent.packets())
    assert control.statistics()["packets_cached"] == sent.packets()
    conf.write("inactive-timeout = 1s")
    agent.signal(signal.SIGHUP)
    wait_until(lambda: own.flows().packets() == sent.packets(), "the flows")
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["records_expired"]["inactive"] == 2
    ledger.check_final(agent.summary(), site.matched())


def test_a_wrong_file_changes_nothing(site, served, conf):  # noqa: F811
    """The answer says where it is wrong; status and log say it until it is mended."""
    agent, control = served("active-timeout = 60s")
    wrong = [
        (["active-timeout = 30s", "colector = 1"], f'{conf.path}:3: unknown option "colector"'),
        (["active-timeout = 30s", "networks-file = /nowhere"], f"{conf.path}:3: cannot read networks-file /nowhere"),
        (["active-timeout = soon"], f'{conf.path}:2: active-timeout: value "soon": expected'),
    ]
    for lines, error in wrong:
        conf.write(*lines)
        done = control.run("reload")
        assert done.returncode == 1 and not done.stdout
        assert error in done.stderr
        assert value(control, "active-timeout") == ("60s", f"{conf.path}:2")
        (status,) = control.rows("show", "status")
        assert error in status["problem"]
        assert status["last_reload"]["succeeded"] is False
        assert "\nflowagent_config_last_reload_successful 0\n" in control.run("metrics").stdout
    conf.path.unlink()
    assert "cannot read the configuration file" in control.run("reload").stderr
    assert "the agent continues with the configuration that it has" in agent.errors
    conf.write("active-timeout = 30s")
    agent.signal(signal.SIGHUP)
    wait_until(lambda: value(control, "active-timeout")[0] == "30s", "the mended file")
    (status,) = control.rows("show", "status")
    assert status["problem"] == "none"
    assert status["last_reload"]["succeeded"] is True
    metrics = control.run("metrics").stdout
    assert "\nflowagent_config_last_reload_successful 1\n" in metrics
    assert f"\nflowagent_config_last_reload_timestamp_seconds {status['last_reload']['unix_ms'] // 1000}\n" in metrics
    assert agent.stop() == 0, agent.errors


def test_set_holds_until_the_next_reload(site, served, conf):  # noqa: F811
    agent, control = served("active-timeout = 60s", "max-flows = 5000")
    assert reload(control, "set", "active-timeout", "20s") == ["active-timeout: 60s -> 20s"]
    assert reload(control, "set", "log-level", "debug") == ["log-level: info -> debug"]
    assert reload(control, "set", "timeout", "udp=3s") and reload(control, "set", "timeout", "icmp=4s")
    assert value(control, "active-timeout") == ("20s", "agentctl set")
    assert "udp=3s,icmp=4s" in value(control, "timeout")[0]
    assert reload(control, "set", "active-timeout", "21s") == ["active-timeout: 20s -> 21s"]
    assert "active-timeout" in control.run("show", "config", "--diff").stdout
    refused = [
        (["max-flows", "1"], "max-flows: needs a restart"),
        (["colector", "127.0.0.1"], 'unknown option "colector" (did you mean "collector"?)'),
        (["nflog", "41"], "nflog: stands for several"),
        (["active-timeout", "soon"], "expected a time"),
        (["active-timeout"], "expected the name of an option and its value"),
    ]
    for words, error in refused:
        done = control.run("set", *words)
        assert done.returncode in (1, 2) and error in done.stderr, done.stderr
    assert value(control, "active-timeout") == ("21s", "agentctl set")
    conf.write("max-flows = 6000")
    assert reload(control, "set", "log-level", "info") == ["log-level: debug -> info"]
    pending = "max-flows: needs a restart (5000 -> 6000)"
    assert pending in reload(control)
    assert value(control, "active-timeout") == ("60s", "default")
    assert reload(control, "set", "active-timeout", "19s") == ["active-timeout: 60s -> 19s"]
    wait_until(lambda: "active-timeout: 60s -> 19s" in agent.errors, "its line in the log")
    assert agent.errors.count(pending) == 1  # of the reload
    assert agent.stop() == 0, agent.errors


def test_the_next_agent_knows_what_was_accepted_last(site, flowagent, cleanup, directory, conf):  # noqa: F811
    """What is kept for a restart with a wrong file is the file of the last reload."""
    manager = cleanup.enter_context(ServiceManager(directory))
    conf.write("active-timeout = 60s")
    options = ["--nflog", "40", "--config", conf.path]
    agent = flowagent(*options, host=site.host, **manager.options())
    manager.wait_ready(agent)
    manager.messages.clear()
    conf.write("active-timeout = 30s")
    agent.signal(signal.SIGHUP)
    manager.wait_ready(agent, "ready again")
    assert any(word.startswith("RELOADING=1") for word in sum(manager.messages, []))
    assert any(word.startswith("MONOTONIC_USEC=") for word in sum(manager.messages, []))
    conf.write("active-timeout = wrong")
    agent.signal(signal.SIGUSR2)
    assert agent.wait() == 0, agent.errors
    manager.messages.clear()
    agent = flowagent(*options, host=site.host, control=agent.control, **manager.options())
    manager.wait_ready(agent)
    assert "the agent runs with the configuration that was accepted last" in agent.errors
    assert agent.stop() == 0, agent.errors


def test_signals_during_a_reload(site, served, conf):  # noqa: F811
    """They are served one after the other, and the last file holds."""
    agent, control = served("active-timeout = 60s")
    for seconds in range(10, 30):
        conf.write(f"active-timeout = {seconds}s")
        agent.signal(signal.SIGHUP)
    wait_until(lambda: value(control, "active-timeout")[0] == "29s", "the last file")
    assert agent.stop() == 0, agent.errors


# ---- collectors ---------------------------------------------------------------------------------

RATE = 10_000
RELOADS = int(os.environ.get("FLOWAGENT_RELOADS", 20))

# What is said of the collector that must get everything, one after the other.
TURNS = [
    "rate = 300",
    "fields = default-vlanId",
    "dscp = ef",
    "filter = proto=udp",
    "mtu = 1200",
    "fields = default-flowEndReason",
    "spool = 4M",
    "sampling = 1",
]


def collector_section(name, address, *lines):
    return [f'[collector "{name}"]', f"address = {address}", *lines]


def test_reloads_under_load(hosts, flood, flowagent, agentctl, collector, conf, directory):
    """Collectors, sources, timeouts and tables change in turn: every packet arrives, and each once.

    The collector decodes strictly: without a gap in the sequence, and no record before its template.
    """
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    other = collector(Hosts.COLLECTOR[0], OWN_PORT + 1, hosts.collector)
    networks = directory / "networks.lst"

    def write(number):
        networks.write_text(f"{64500 + number},192.0.2.0/24\n{64600 + number},198.18.0.0/15\n")
        lines = [f"active-timeout = {2 + number % 3}s", "export-rate = 0", f"nflog = 40,label=turn-{number}"]
        lines += ["nflog = 41"] if number % 2 else []
        lines += [f"networks-file = {networks}"] if number % 4 else []
        lines += [f"if-map = eth:{number + 100}"]
        lines += collector_section("own", own.host_port, TURNS[number % len(TURNS)])
        lines += collector_section("other", other.host_port) if number % 3 else []
        conf.write(*lines)

    write(0)
    agent = flowagent("--config", conf.path, host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    flood.begin(RATE)
    for number in range(1, RELOADS + 1):
        read = control.statistics()["packets_read"]
        wait_until(lambda: control.statistics()["packets_read"] > read + RATE // 10, "packets")
        write(number)
        assert reload(control), "nothing is another"
        ledger.check_summary(control.statistics())
    flood.end()
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    assert summary["packets_lost_kernel"] == 0
    (ledger_of_own,) = [one for one in summary["collectors"] if one["name"] == "own"]
    assert ledger_of_own["records_sent"] == ledger.expired(summary)
    own.wait_for_datagrams(ledger_of_own["datagrams_sent"])
    assert own.flows().packets() == flood.packets()
    assert sum(len(message.flows) for message in own.messages()) == ledger.expired(summary)
    assert other.datagrams


def test_collectors_come_and_go(site, served, conf, collector):  # noqa: F811
    """A new one begins with templates; one that is removed while it is down has its records counted lost."""
    first = collector(site.COLLECTOR, OWN_PORT, site.host)
    second = collector(site.COLLECTOR, OWN_PORT + 1, site.host)
    away = "10.9.9.9:2055"  # no route
    agent, control = served(f"collector = {first.host_port}", f"collector = {away},spool=1M", "inactive-timeout = 1s")
    sent = site.send()
    wait_for_packets(control, sent.packets())
    control.run("flush")
    wait_until(lambda: first.flows().packets() == sent.packets(), "records at the first")
    wait_until(lambda: control.rows("show", "collectors")[1]["records_waiting"] == 2, "records that wait")
    conf.write(f"collector = {first.host_port}", f"collector = {second.host_port}", "inactive-timeout = 1s")
    assert reload(control) == [f"collector {away}: there -> nothing", f"collector {second.host_port}: nothing -> there"]
    wait_until(lambda: f"collector {away}: removed: 0 records were sent, 2 records lost" in agent.errors, "its end")
    more = site.send()
    wait_until(lambda: second.flows().packets() == more.packets(), "records at the second")
    rows = {row["name"]: row for row in control.rows("show", "collectors")}
    assert list(rows) == [first.host_port, second.host_port]
    assert rows[second.host_port]["records_excluded_by_reason"]["absent"] == 2
    assert rows[first.host_port]["records_excluded"] == 0
    ledger.check_summary(control.statistics())
    (status,) = control.rows("show", "status")
    assert status["problem"] == "none"
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["collectors_removed"]["records_lost"] == 2
    ledger.check_final(agent.summary(), site.matched())
    assert first.flows().packets() == sent.packets() + more.packets()


def test_another_version_and_no_collector(site, served, conf, collector, listen):  # noqa: F811
    """Records that wait go out in the old version; without a collector the ledger closes as well."""
    ipfix = listen(host=site.host, address=site.COLLECTOR)
    agent, control = served(*collector_section("c", ipfix.host_port, "version = 9"))
    site.send()
    wait_for_packets(control, 20)
    conf.write(*collector_section("c", ipfix.host_port, "version = 10"))
    assert reload(control) == ["collector c: version: 9 -> 10"]
    site.send()
    wait_for_packets(control, 40)
    control.run("flush")
    ipfix.wait_for_flows(4)
    assert {row["version"] for row in ipfix.rows("flow")} == {10}
    conf.write()
    assert reload(control) == ["collector c: there -> nothing"]
    site.send()
    wait_for_packets(control, 60)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())
    assert ipfix.stop() == 0 and ipfix.findings() == {}


def test_fields_without_a_place_need_a_restart(site, served, conf):  # noqa: F811
    agent, control = served(*collector_section("c", f"{site.COLLECTOR}:{OWN_PORT}"))
    fields = "fields = default+minimumTTL"
    conf.write(
        *collector_section("c", f"{site.COLLECTOR}:{OWN_PORT}", fields, "rate = 7"),
        *collector_section("d", f"{site.COLLECTOR}:{OWN_PORT + 1}", fields),
    )
    assert reload(control) == [
        "collector c: rate: nothing -> 7",
        "collector c: fields: needs a restart (nothing -> default+minimumTTL)",
        "collector d: needs a restart (nothing -> there)",
    ]
    assert "minimumTTL" not in value(control, "collector")[0]
    assert [row["name"] for row in control.rows("show", "collectors")] == ["c"]
    assert agent.stop() == 0, agent.errors


def test_tables_come_and_go(site, served, conf, collector, directory):  # noqa: F811
    """AS numbers and names of applications, with the templates that they need."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    networks, applications = directory / "networks.lst", directory / "applications"
    networks.write_text("64500,127.0.0.0/8\n")
    applications.write_text("udp/1-65535 first\n")
    options = ["-n", own.host_port, "--inactive-timeout", "1s"]
    agent, control = served(options=options)

    def numbers():
        """(source AS, application) of the last record, which new packets make."""
        before = sum(len(message.flows) for message in own.messages())
        site.send()
        wait_until(lambda: sum(len(m.flows) for m in own.messages()) == before + 2, "two records")
        flow = [flow for message in own.messages() for flow in message.flows][-1]
        return flow.get(SOURCE_AS), APPLICATION_ID in flow

    assert numbers() == (None, False)
    conf.write(f"networks-file = {networks}", f"applications-file = {applications}")
    assert reload(control) == [
        f"networks-file: nothing -> {networks}", f"applications-file: nothing -> {applications}",
    ]  # fmt: skip
    assert numbers() == (64500, True)
    applications.write_text("udp/1-65535 second\n")
    assert reload(control) == []
    assert numbers() == (64500, True)
    wait_until(lambda: b"second" in b"".join(own.datagrams), "its name")
    conf.write()
    assert len(reload(control)) == 2
    assert numbers() == (None, False)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())


# ---- sources ------------------------------------------------------------------------------------

SECOND_RULE = """
table inet second {
	chain out {
		type filter hook output priority 1; policy accept;
		ip daddr 127.0.0.5 ip saddr 127.0.0.5 counter log group 41 snaplen 96
	}
}
"""


def test_sources_come_and_go(site, agentctl, flowagent, conf, collector):  # noqa: F811
    """What one that is removed has counted stays in the sums, and its flows are exported."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    site.host.run("nft", "-f", "-", input=SECOND_RULE)

    def send_to_second():
        table, end = FlowTable(), (site.host, "127.0.0.5")
        traffic.udp_dialogue(end, end, table, 10, 10, 20)
        return table.packets()

    conf.write("nflog = 40", "max-flows = 1000", f"collector = {own.host_port}")
    agent = flowagent("--config", conf.path, host=site.host)
    agent.wait_for_group()
    control = agentctl(agent)
    sent = site.send().packets()
    wait_for_packets(control, sent)
    conf.write("nflog = 40,label=first", "nflog = 41,buffer=1M", "max-flows = 1000", f"collector = {own.host_port}")
    assert reload(control) == ["source nflog:40: label: nothing -> first", "source nflog:41: nothing -> there"]
    agent.wait_for_group(41)
    sent += send_to_second()
    wait_for_packets(control, sent)
    rows = control.rows("show", "sources")
    assert [(row["name"], row["label"]) for row in rows] == [("nflog:40", "first"), ("nflog:41", "")]
    conf.write("nflog = 40,label=first,buffer=1M", "max-flows = 1000", f"collector = {own.host_port}")
    assert reload(control) == [
        "source nflog:41: there -> nothing", "source nflog:40: buffer: needs a restart (nothing -> 1M)",
    ]  # fmt: skip
    wait_until(lambda: "nflog:41: removed: 20 packets were read" in agent.errors, "its end")
    wait_until(lambda: own.flows().packets() == 20, "its flows")
    ledger.check_summary(control.statistics())
    assert control.statistics()["packets_read"] == sent
    assert [row["name"] for row in control.rows("show", "sources")] == ["nflog:40"]
    sent += site.send().packets()
    wait_for_packets(control, sent)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    assert own.flows().packets() == sent == agent.summary()["packets_read"]


def test_sampling_of_a_source(site, flowagent, agentctl, conf, collector):  # noqa: F811
    """It holds from the reload on, and is announced before the first record that it is of."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    conf.write("nflog = 40", f"collector = {own.host_port}")
    agent = flowagent("--config", conf.path, host=site.host)
    agent.wait_for_group()
    control = agentctl(agent)
    site.send()
    wait_for_packets(control, 20)
    conf.write("nflog = 40,sampling=deterministic:2", f"collector = {own.host_port}")
    assert reload(control) == ["source nflog:40: sampling: nothing -> deterministic:2"]
    site.send()
    wait_for_packets(control, 40)
    assert control.rows("show", "sources")[0]["sampling"] == "deterministic:2"
    assert control.statistics()["packets_ignored"]["not_sampled"] == 10
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())
    assert own.flows().packets() == 30


def test_a_source_whose_right_is_given_up(site, flowagent, agentctl, conf):  # noqa: F811
    """An agent of log groups has no packet sockets: an interface needs a restart, and nothing else does."""
    conf.write("nflog = 40", "active-timeout = 60s")
    agent = flowagent("--config", conf.path, host=site.host)
    agent.wait_for_group()
    control = agentctl(agent)
    conf.write("nflog = 40", "interface = lo", "active-timeout = 30s")
    assert reload(control) == [
        "active-timeout: 60s -> 30s", "source lo: needs a restart (nothing -> there)",
    ]  # fmt: skip
    assert [row["name"] for row in control.rows("show", "sources")] == ["nflog:40"]
    sent = site.send().packets()
    wait_for_packets(control, sent)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())


def test_a_source_that_needs_its_right_only_to_be_opened(site, flowagent, agentctl, conf):  # noqa: F811
    """With wait=off the right is given up once all are open: another one needs a restart, and the first one goes on."""
    conf.write("interface = lo,wait=off", "active-timeout = 60s")
    agent = flowagent("--config", conf.path, host=site.host)
    agent.wait_for_control()
    control = agentctl(agent)
    site.host.ip("link", "add", "other0", "type", "veth", "peer", "name", "other1")
    conf.write("interface = lo,wait=off", "interface = other0,wait=off", "active-timeout = 30s")
    assert reload(control) == [
        "active-timeout: 60s -> 30s", "source other0: needs a restart (nothing -> there)",
    ]  # fmt: skip
    assert [(row["name"], row["state"]) for row in control.rows("show", "sources")] == [("lo", "running")]
    assert agent.stop() == 0, agent.errors


def test_a_kill_after_a_reload_that_failed(site, flowagent, agentctl, cleanup, directory, conf):  # noqa: F811
    """Nothing has changed, so all that was cached continues."""
    manager = cleanup.enter_context(ServiceManager(directory))
    lines = collector_section("c", f"{site.COLLECTOR}:{OWN_PORT}")
    too_small = collector_section("c", f"{site.COLLECTOR}:{OWN_PORT}", "version = json", "mtu = 576")
    conf.write("nflog = 40", *lines)
    agent = flowagent("--config", conf.path, host=site.host, **manager.options())
    manager.wait_ready(agent)
    control = agentctl(agent)
    sent = site.send().packets()
    wait_for_packets(control, sent)
    conf.write("nflog = 40", *too_small)
    assert "a line of JSON may have" in control.run("reload").stderr
    assert "if the agent is killed" not in agent.errors
    conf.write("nflog = 40", *lines)
    manager.messages.clear()
    agent.process.kill()
    agent.wait()
    agent = flowagent("--config", conf.path, host=site.host, control=agent.control, **manager.options())
    manager.wait_ready(agent)
    assert "the last agent was killed: 2 flows continued" in agent.errors
    assert agentctl(agent).statistics()["packets_read"] == sent
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())


def test_a_restart_after_reloads(site, flowagent, agentctl, cleanup, directory, conf, collector):  # noqa: F811
    """What sources and collectors that are no more have counted goes on, and so do those that came."""
    manager = cleanup.enter_context(ServiceManager(directory))
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    site.host.run("nft", "-f", "-", input=SECOND_RULE)
    conf.write("nflog = 41", "nflog = 40", "collector = 10.9.9.9:2055")
    agent = flowagent("--config", conf.path, host=site.host, **manager.options())
    manager.wait_ready(agent)
    control = agentctl(agent)
    table, end = FlowTable(), (site.host, "127.0.0.5")
    traffic.udp_dialogue(end, end, table, 10, 10, 20)
    wait_for_packets(control, 20)
    conf.write("nflog = 40", "nflog = 42", f"collector = {own.host_port}")
    assert len(reload(control)) == 4
    wait_until(lambda: "nflog:41: removed: 20 packets were read" in agent.errors, "its end")
    wait_until(
        lambda: manager.names() == ["config", "nflog-40", "nflog-42"] and len(manager.all_names()) == 3 + 4,
        "the sources that there are, the memories of these and of the collector, and a head",
    )
    site.send()
    wait_for_packets(control, 40)
    manager.messages.clear()
    agent.signal(signal.SIGUSR2)
    assert agent.wait() == 0, agent.errors
    ledger.check_summary(agent.summary())
    agent = flowagent("--config", conf.path, host=site.host, control=agent.control, **manager.options())
    manager.wait_ready(agent)
    assert "counters begin with 0" not in agent.errors
    assert agentctl(agent).statistics()["packets_read"] == 40
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    assert own.flows().packets() == 40
