"""agentctl watch: expired flows as they leave, what a slow reader has missed, and no cost without one."""

import json
import signal
import socket
import subprocess

import pytest

import programs
import traffic
from conftest import BUILD, Hosts
from firewalls import Nft
from flows import FlowTable
from waiting import wait_until

DONE, FAILED, USAGE, UNREACHABLE, NOT_PERMITTED, TIMED_OUT = range(6)


@pytest.fixture
def agent(hosts, flowagent):
    started = flowagent("--nflog", "40", "--inactive-timeout", "1h", host=hosts.server)
    started.wait_for_group()
    Nft().install(hosts.server, "eth0")
    return started


class Watch(programs.Program):
    count = 0

    def __init__(self, agent, directory, *options):
        Watch.count += 1
        command = [BUILD / "agentctl", "-s", agent.control, "-J", "watch", *options]
        super().__init__(f"watch-{Watch.count}", command, directory, agent.host, signal.SIGINT)

    def rows(self):
        lines = self.output.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture
def watch(cleanup, directory):
    def start(agent, *options):
        program = Watch(agent, directory, *options)
        cleanup.callback(program.kill)
        return program

    return start


def send_and_flush(hosts, control, port, datagrams=5):
    """Flows of UDP to a port of the outside, exported now."""
    known = FlowTable()
    read = control.statistics()["packets_read"]
    with hosts.server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(datagrams):
            sender.sendto(b"x" * 100, (Hosts.REMOTE[0], port))
    wait_until(lambda: control.statistics()["packets_read"] >= read + datagrams, "packets read")
    assert control.run("flush").returncode == DONE
    return known


def wait_for_watcher(control, watcher, hosts, port):
    """Until it gets flows: each try makes one more."""

    def has_one():
        send_and_flush(hosts, control, port, 1)
        return any(row.get("dst_port") == port for row in watcher.rows())

    watcher.wait_until(has_one, "a first flow")


def test_flows_as_they_expire(agent, hosts, agentctl, watch):
    control = agentctl(agent)
    watcher = watch(agent)
    wait_for_watcher(control, watcher, hosts, 4000)
    send_and_flush(hosts, control, 4001, 5)
    watcher.wait_until(
        lambda: any(row["dst_port"] == 4001 for row in watcher.rows()), "the flow"
    )
    (row,) = [row for row in watcher.rows() if row["dst_port"] == 4001]
    assert (row["src"], row["dst"], row["proto"]) == (Hosts.SERVER[0], Hosts.REMOTE[0], 17)
    assert (row["packets"], row["bytes"], row["end_reason"]) == (5, 640, "forced")
    assert (row["dir"], row["out_if_name"]) == ("out", "eth0")
    cached = control.rows("show", "flows")
    assert not cached or set(cached[0]) <= set(row)


def test_filter_and_count(agent, hosts, agentctl, watch):
    control = agentctl(agent)
    all_of_them = watch(agent)
    watcher = watch(agent, "dport=4002", "--count", "2")
    wait_for_watcher(control, all_of_them, hosts, 4000)
    wait_for_watcher(control, watcher, hosts, 4002)
    send_and_flush(hosts, control, 4002)
    assert watcher.wait() == DONE
    assert [row["dst_port"] for row in watcher.rows()] == [4002, 4002]


def test_time_is_over(agent, agentctl):
    done = agentctl(agent).run("watch", "--for", "300ms")
    assert (done.returncode, done.stdout) == (DONE, "")
    done = agentctl(agent).run("watch", "--for", "300ms", "--count", "1")
    assert done.returncode == TIMED_OUT


def test_wrong_filter(agent, agentctl):
    done = agentctl(agent).run("watch", "dport=x")
    assert done.returncode == USAGE and "dport" in done.stderr


def test_end_of_the_agent(agent, hosts, agentctl, watch):
    control = agentctl(agent)
    watcher = watch(agent)
    wait_for_watcher(control, watcher, hosts, 4000)
    agent.stop()
    assert watcher.wait() == UNREACHABLE
    assert "closed the connection" in watcher.errors


def test_more_than_there_may_be(agent, hosts, agentctl, watch):
    control = agentctl(agent)
    watchers = [watch(agent) for _ in range(4)]
    for watcher in watchers:
        wait_for_watcher(control, watcher, hosts, 4000)
    done = control.run("watch")
    assert done.returncode == FAILED and "4 clients watch already" in done.stderr
    watchers[0].stop()

    def has_place():
        return control.run("watch", "--for", "100ms").returncode == DONE

    wait_until(has_place, "a place that is free again")


def test_slow_reader_is_told(agent, hosts, agentctl):
    """One that does not read loses rows: their number, and those that came, are all there were."""
    control = agentctl(agent)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(agent.control))
        client.sendall(b'{"v":1,"cmd":"watch"}\n')
        before = control.statistics()["records_expired_total"]  # asked after it: it watches
        ports = iter(range(1024, 65536))

        def have_expired():
            with hosts.server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(2000):
                    sender.sendto(b"x", (Hosts.REMOTE[0], next(ports)))
            assert control.run("flush").returncode == DONE
            return control.statistics()["records_expired_total"] - before > 12_000

        wait_until(have_expired, "more records than wait for a client")
        rows = lost = 0
        client.settimeout(programs.PATIENCE_S)
        with client.makefile() as lines:
            while not lost:
                row = json.loads(next(lines))
                lost = row.get("lost", 0)
                rows += not lost
    assert rows >= 8192
    assert lost > 1000
    assert rows + lost <= control.statistics()["records_expired_total"] - before


def test_table(agent, hosts, agentctl, directory, cleanup):
    control = agentctl(agent)
    table = programs.Program(
        "table",
        [BUILD / "agentctl", "-s", agent.control, "watch", "--count", "2", "-o", "dst,dport,end_reason"],
        directory, agent.host,
    )  # fmt: skip
    cleanup.callback(table.kill)

    def has_ended():
        send_and_flush(hosts, control, 4003, 1)
        return table.process.poll() is not None

    wait_until(has_ended, "two rows")
    assert table.wait() == DONE
    lines = [line.split() for line in table.output.splitlines()]
    assert lines[0] == ["DST", "DST_PORT", "END_REASON"]
    assert ["198.51.100.7", "4003", "forced"] in lines[1:]
