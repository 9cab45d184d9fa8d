"""agentctl --watch and show stats --reset-view against a running agent; --quiet and --no-color on a terminal."""

import json
import os
import pty
import signal
import subprocess
import termios

import pytest

import programs
from conftest import BUILD, Hosts
from firewalls import Nft
from waiting import wait_until

DONE, FAILED, USAGE, UNREACHABLE = range(4)


@pytest.fixture
def agent(hosts, flowagent):
    agent = flowagent("--nflog", "40", "--inactive-timeout", "1h", "--active-timeout", "1h", host=hosts.server)
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0")
    return agent


def ping(hosts, control):
    """More packets, all of them counted."""
    hosts.server.run("ping", "-c", "3", "-i", "0.01", Hosts.ROUTER[0])
    matched = Nft().matched(hosts.server).packets
    wait_until(lambda: control.statistics()["packets_read"] >= matched, "all packets read")


class Watch:
    """`agentctl ... --watch`, whose output is a file, or a terminal of 80x24."""

    def __init__(self, agent, directory, *words, on_terminal=False):
        command = [BUILD / "agentctl", "-s", agent.control, *words]
        self.errors = directory / "errors"
        self.terminal = None
        if on_terminal:
            self.terminal, output = pty.openpty()
            termios.tcsetwinsize(output, (24, 80))
            os.set_blocking(self.terminal, False)
        else:
            self.path = directory / "output"
            output = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.text = b""
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                programs.command_on(agent.host, command), stdout=output, stderr=errors,
                stdin=subprocess.DEVNULL, env=programs.ENVIRONMENT,
            )  # fmt: skip
        os.close(output)

    def output(self):
        if self.terminal is None:
            return self.path.read_text()
        try:
            while piece := os.read(self.terminal, 65536):
                self.text += piece
        except OSError:  # nothing more now, or the other end is closed
            pass
        return self.text.decode()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(programs.PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.terminal is not None:
            os.close(self.terminal)


def test_watch_shows_a_list_again_and_again_until_ctrl_c(hosts, agent, agentctl, directory):
    control = agentctl(agent)
    with Watch(agent, directory, "show", "flows", "-J", "--watch", "100ms") as watch:
        wait_until(lambda: watch.output().count("\n") >= 2, "two turns")
        assert json.loads(watch.output().splitlines()[0]) == []
        ping(hosts, control)
        flows = control.rows("show", "flows")
        assert flows

        def last():
            return json.loads(watch.output().splitlines()[-1])

        wait_until(lambda: watch.output().endswith("\n") and len(last()) == len(flows), "the flows in a turn")
        assert watch.interrupt() == DONE
        assert all(isinstance(json.loads(line), list) for line in watch.output().splitlines())
    assert watch.errors.read_text() == ""


def test_turns_of_tables_are_parted_by_a_line(agent, directory):
    with Watch(agent, directory, "show", "sources", "--watch=100ms", "-o", "name") as watch:
        wait_until(lambda: watch.output().startswith("NAME\nnflog:40\n\nNAME\nnflog:40\n"), "two turns")
        assert watch.interrupt() == DONE


def test_a_screen_has_the_last_turn_as_far_as_it_goes(agent, directory):
    with Watch(agent, directory, "show", "stats", "--watch", "100ms", on_terminal=True) as watch:
        wait_until(lambda: watch.output().count("\033[2J") >= 3, "three screens")
        assert watch.interrupt() == DONE
        screen = watch.output().split("\033[3J")[1]
    lines = screen.replace("\033[H\033[2J", "").splitlines()
    assert len(lines) == 23 and lines[0].startswith("NAME"), screen


def test_watch_ends_with_the_turn_that_fails(agent, directory):
    with Watch(agent, directory, "show", "status", "--watch", "100ms") as watch:
        wait_until(lambda: "flowagent" in watch.output(), "a turn")
        agent.stop()
        assert watch.process.wait(programs.PATIENCE_S) == UNREACHABLE
    assert watch.errors.read_text().startswith("agentctl: ")


def test_a_time_after_watch_is_its_own(agent, agentctl):
    control = agentctl(agent)
    done = control.run("--watch", "1s", "show", "nosuch")
    assert done.returncode == USAGE and 'unknown command "show nosuch"' in done.stderr


def test_reset_view_shows_what_came_since(hosts, agent, agentctl, directory, monkeypatch):
    monkeypatch.setitem(programs.ENVIRONMENT, "XDG_STATE_HOME", str(directory / "state"))
    control = agentctl(agent)
    ping(hosts, control)
    before = control.statistics()["packets_read"]
    (first,) = control.rows("show", "stats", "--reset-view")
    assert first["packets_read"] == before >= 6
    (status,) = control.rows("show", "status")
    assert first["since_unix_ms"] == status["started_unix_ms"]
    (again,) = control.rows("show", "stats", "--reset-view")
    assert again["packets_read"] == again["flows_created"] == 0
    assert again["flows_cached"] == control.statistics()["flows_cached"] > 0  # what is there now
    assert again["since_unix_ms"] > first["since_unix_ms"]
    ping(hosts, control)
    after = control.statistics()
    (third,) = control.rows("show", "stats", "--reset-view")
    assert third["packets_read"] == third["sources"][0]["packets_read"] == after["packets_read"] - before
    assert all(row["holds"] for row in third["equalities"])
    # Nobody else's counters have changed, and they are no secret of others.
    assert after["packets_read"] >= 12
    (kept,) = (directory / "state" / "flowagent").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    done = control.run("show", "stats", "--reset-view")
    assert done.returncode == DONE and done.stderr.startswith("since the last view, ")


def test_a_view_of_an_agent_before_is_none(hosts, flowagent, agentctl, directory, monkeypatch):
    monkeypatch.setitem(programs.ENVIRONMENT, "XDG_STATE_HOME", str(directory / "state"))
    first = flowagent("--nflog", "40", host=hosts.server)
    first.wait_for_group()
    Nft().install(hosts.server, "eth0")
    control = agentctl(first)
    ping(hosts, control)
    assert control.rows("show", "stats", "--reset-view")[0]["packets_read"] >= 6
    first.stop()
    second = flowagent("--nflog", "40", host=hosts.server, control=first.control)
    second.wait_for_group()
    hosts.server.run("ping", "-c", "1", Hosts.ROUTER[0])
    wait_until(lambda: control.statistics()["packets_read"] >= 2, "packets of the new agent")
    (view,) = control.rows("show", "stats", "--reset-view")
    assert view["packets_read"] >= 2


def test_a_view_that_cannot_be_kept_is_said(agent, agentctl, directory, monkeypatch):
    control = agentctl(agent)
    (directory / "file").write_text("")
    monkeypatch.setitem(programs.ENVIRONMENT, "XDG_STATE_HOME", str(directory / "file"))
    done = control.run("show", "stats", "--reset-view")
    assert done.returncode == FAILED and f"{directory}/file/flowagent: " in done.stderr
    foreign = directory / "foreign" / "flowagent"
    foreign.mkdir(parents=True)
    os.chown(foreign, 65534, 65534)
    monkeypatch.setitem(programs.ENVIRONMENT, "XDG_STATE_HOME", str(directory / "foreign"))
    done = control.run("show", "stats", "--reset-view")
    assert done.returncode == FAILED and "belongs to another user" in done.stderr and "sudo -H" in done.stderr
    assert not list(foreign.iterdir())
