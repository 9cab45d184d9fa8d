"""The configuration of a running agent is read again: reload, SIGHUP, set."""

import signal

import pytest

import ledger
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
    conf.path.unlink()
    assert "cannot read the configuration file" in control.run("reload").stderr
    assert "the agent continues with the configuration that it has" in agent.errors
    conf.write("active-timeout = 30s")
    agent.signal(signal.SIGHUP)
    wait_until(lambda: value(control, "active-timeout")[0] == "30s", "the mended file")
    (status,) = control.rows("show", "status")
    assert status["problem"] == "none"
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
    assert "max-flows: needs a restart (5000 -> 6000)" in reload(control)
    assert value(control, "active-timeout") == ("60s", "default")
    assert agent.stop() == 0, agent.errors


def test_the_next_agent_knows_what_was_accepted_last(site, flowagent, cleanup, directory, conf):  # noqa: F811
    """What is kept for a restart with a wrong file is the file of the last reload."""
    manager = cleanup.enter_context(ServiceManager(directory))
    conf.write("active-timeout = 60s")
    options = ["--nflog", "40", "--config", conf.path]
    agent = flowagent(*options, host=site.host, **manager.options())
    agent.wait_until(lambda: "READY=1" in sum(manager.messages, []), "ready")
    manager.messages.clear()
    conf.write("active-timeout = 30s")
    agent.signal(signal.SIGHUP)
    agent.wait_until(lambda: "READY=1" in sum(manager.messages, []), "ready again")
    assert any(word.startswith("RELOADING=1") for word in sum(manager.messages, []))
    assert any(word.startswith("MONOTONIC_USEC=") for word in sum(manager.messages, []))
    conf.write("active-timeout = wrong")
    agent.signal(signal.SIGUSR2)
    assert agent.wait() == 0, agent.errors
    manager.messages.clear()
    agent = flowagent(*options, host=site.host, control=agent.control, **manager.options())
    agent.wait_until(lambda: "READY=1" in sum(manager.messages, []), "ready")
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
