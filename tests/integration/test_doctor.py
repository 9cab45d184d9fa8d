"""agentctl doctor: each fault is made, named, and mended by typing what doctor says."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import programs
from conftest import BUILD, RELEASE_BUILD, Hosts
from firewalls import Nft
from test_ending import faulty  # noqa: F401
from waiting import PATIENCE_S, wait_until

GOOD, WARNING, BROKEN = range(3)

# `rules install` must not write to /etc of the machine; systemctl is for the test to do.
AGENTCTL = f"""#!/bin/sh
case "$1 $2" in
"rules install") exec {BUILD / "agentctl"} "$@" --no-save ;;
*) exec {BUILD / "agentctl"} "$@" ;;
esac
"""


class Doctor:
    """An agent on the server that reads group 40, with a configuration of its own, and its doctor."""

    def __init__(self, hosts, flowagent, directory):
        self.hosts = hosts
        self.host = hosts.server
        self._flowagent = flowagent
        self.directory = directory
        self.config = directory / "flowagent.conf"
        self.config.write_text("[agent]\n")
        (directory / "conf.d").mkdir()
        self.commands = directory / "bin"
        self.commands.mkdir()
        for name, text in ("agentctl", AGENTCTL), ("systemctl", "#!/bin/sh\nexit 0\n"):
            (self.commands / name).write_text(text)
            (self.commands / name).chmod(0o755)
        self.agent = None

    def start(self, *options, group=40, host=None, wait=True, wrapper=()):
        host = host or self.host
        self._start = (options, group, host)
        groups = ["-g", group] if group is not None else []
        self.agent = self._flowagent(
            "-f", self.config, *groups, *options, host=host, wrapper=wrapper
        )
        if wait and group is not None:
            self.agent.wait_for_group(group)
        self.agent.wait_for_control()

    def restart(self):
        options, group, host = self._start
        assert self.agent.stop() == 0, self.agent.errors
        self.start(*options, group=group, host=host)

    def environment(self):
        return {**programs.ENVIRONMENT, "PATH": f"{self.commands}:{os.environ['PATH']}"}

    def run(self, *options, host=None, prefix=(), wait="300ms"):
        socket = self.agent.control if self.agent else self.directory / "none.sock"
        return subprocess.run(
            programs.command_on(
                host or self.host,
                [*prefix, BUILD / "agentctl", "doctor", "-s", socket, "--wait", wait, *options],
            ),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=PATIENCE_S,
        )

    def rows(self, check=None, **options):
        done = self.run("-J", **options)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == max(self.severity(row) for row in rows), done.stderr
        return [row for row in rows if check in (None, row["check"])]

    @staticmethod
    def severity(row):
        return {"ok": GOOD, "note": GOOD, "warn": WARNING, "fail": BROKEN}[row["state"]]

    def fault(self, check, text, state="fail", **options):
        """The row that names it; on a busy machine the agent's threads may be late to answer."""

        def look():
            rows = self.rows(**options)
            return rows if not any("did not answer within" in row["text"] for row in rows) else None

        rows = wait_until(look, "an answer of the agent's threads")
        found = [row for row in rows if row["check"] == check and text in row["text"]]
        assert found, [row for row in rows if row["state"] not in ("ok", "note")]
        assert found[0]["state"] == state
        return found[0]

    def type(self, fix, host=None):
        """As an operator at a shell, but for the place of the configuration."""
        assert fix
        done = subprocess.run(
            programs.command_on(
                host or self.host, ["sh", "-c", fix.replace("/etc/flowagent", str(self.directory))]
            ),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, (fix, done.stdout, done.stderr)
        return done.stdout

    def packets_read(self):
        done = self.host.run(BUILD / "agentctl", "-J", "show", "stats", "-s", self.agent.control)
        return json.loads(done)["packets_read"]

    def is_good(self, check):
        rows = self.rows(check)
        return rows != [] and all(self.severity(row) == GOOD for row in rows)

    def ping(self, count=3):
        self.host.run("ping", "-c", count, "-i", "0.01", "-q", Hosts.ROUTER[0])


@pytest.fixture
def doctor(hosts, flowagent, directory):
    return Doctor(hosts, flowagent, directory)


def test_all_is_good(doctor, hosts, collector):
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    doctor.start("-n", receiver.host_port)
    doctor.ping()
    done = doctor.run()
    bad = [line for line in done.stdout.splitlines() if line[:4] in ("warn", "FAIL")]
    assert [line for line in bad if line[6:11] != "clock"] == [], done.stdout
    assert done.returncode == (WARNING if bad else GOOD)
    for check in ("service", "namespace", "kernel", "group", "rules", "interface", "direction",
                  "family", "doubled", "length", "threshold", "loss", "buffer", "own export",
                  "cache", "collector"):  # fmt: skip
        assert f"ok    {check:11}  " in done.stdout, done.stdout


def test_packets_that_move_are_said(doctor):
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    doctor.start()
    with subprocess.Popen(doctor.host.command("ping", "-i", "0.01", "-q", Hosts.ROUTER[0])) as ping:
        try:
            assert "packets come" in doctor.fault("counter", "", state="ok")["text"]
            os.kill(doctor.agent.pid, 0)
        finally:
            ping.terminate()


LIMITED = """
table inet mine {
	chain in { type filter hook prerouting priority -300; iifname "eth0" counter limit rate 5/second log group 40 snaplen 96; }
	chain out { type filter hook postrouting priority 300; oifname "eth0" counter limit rate 5/second log group 40 snaplen 96; }
}
"""


def test_packets_of_other_sources_are_not_those_of_the_rules(doctor):
    """The interface brings many packets, the group those that a limit lets through."""
    doctor.host.run("nft", "-f", "-", input=LIMITED)
    doctor.start("--interface", "eth0")
    with subprocess.Popen(doctor.host.command("ping", "-f", "-q", Hosts.ROUTER[0])) as ping:
        try:
            row = doctor.fault("counter", "keeps the others", state="warn", wait="1s")
        finally:
            ping.terminate()
    counted, read = map(int, re.findall(r"(?:counted|read) (\d+)", row["text"]))
    assert counted > 10 * read


@pytest.mark.parametrize("is_limited", [True, False])
def test_what_the_rules_count_is_held_against_what_is_read(is_limited, doctor):
    if is_limited:
        doctor.host.run("nft", "-f", "-", input=LIMITED)
    else:
        doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    doctor.start()
    with subprocess.Popen(doctor.host.command("ping", "-f", "-q", Hosts.ROUTER[0])) as ping:
        try:
            state, text = ("warn", "keeps the others") if is_limited else ("ok", "the kernel lost 0")
            row = doctor.fault("counter", text, state=state, wait="1s")
            if is_limited:
                doctor.type(row["fix"])
                assert "packets come" in doctor.fault("counter", "the kernel lost 0", state="ok", wait="1s")["text"]
        finally:
            ping.terminate()
    counted, read = map(int, re.findall(r"(?:counted|read) (\d+)", row["text"]))
    assert counted > 10 * read if is_limited else read > 0.9 * counted - 100


def test_iptables_beside_firewalld(doctor):
    command = doctor.commands / "firewall-cmd"
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0", "--firewall", "iptables")
    doctor.start()
    assert not [row for row in doctor.rows("flush") if "firewalld" in row["text"]]
    command.write_text("#!/bin/sh\necho running\n")
    command.chmod(0o755)
    row = doctor.fault("flush", "firewalld runs here", state="warn")
    doctor.type(row["fix"])
    assert not [row for row in doctor.rows("flush") if "firewalld" in row["text"]]
    doctor.ping()
    wait_until(lambda: doctor.packets_read() == 6, "each packet once")


def nflog(*options, backend="nft", hook="PREROUTING", families=("ip", "ip6"), group=40):
    """A maker of rules of iptables for one direction."""
    table, option = ("raw", "-i") if hook == "PREROUTING" else ("mangle", "-o")
    group = ["--nflog-group", group] if group is not None else []

    def make(host):
        for family in families:
            host.run(f"{family}tables-{backend}", "-t", table, "-A", hook, option, "eth0",
                     "-j", "NFLOG", *group, *options)  # fmt: skip

    return make


def both(*makers):
    return lambda host: [make(host) for make in makers]


def unreached(host):
    host.run("iptables-legacy", "-t", "raw", "-N", "mine")
    host.run("iptables-legacy", "-t", "raw", "-A", "mine", "-j", "NFLOG", "--nflog-group", "40")


def on_missing_interface(host):
    host.run(BUILD / "agentctl", "rules", "install", "--no-save", "--force", "-i", "eth9")


def on_interface_down(host):
    host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    host.ip("link", "set", "eth0", "down")


SIZE = ("--nflog-size", 96)
OUT = {"hook": "POSTROUTING"}
RULE_FAULTS = {
    "no rule": (lambda host: None, "rules", "fail", "no rule logs to group 40"),
    "another group": (nflog(*SIZE, group=5), "rules", "fail", "logs to group 5, and the agent"),
    "another group, legacy": (
        nflog(*SIZE, group=5, backend="legacy"), "rules", "fail", "logs to group 5, and the agent"
    ),
    "prefix": (
        nflog("--nflog-prefix", 40, group=None), "rules", "fail", 'the prefix "40" of a rule is no'
    ),
    "prefix, legacy": (
        nflog("--nflog-prefix", 40, group=None, backend="legacy"), "rules", "fail",
        'the prefix "40" of a rule is no group'
    ),
    "unreached": (unreached, "rules", "fail", "nothing leads to its chain"),
    "doubled": (
        both(nflog(*SIZE), nflog(*SIZE, backend="legacy")), "doubled", "fail",
        "two rules log the same packets"
    ),
    "incoming only": (nflog(*SIZE), "direction", "warn", "only incoming packets"),
    "outgoing only": (nflog(*SIZE, **OUT), "direction", "warn", "only outgoing packets"),
    "IPv4 only": (
        both(nflog(*SIZE, families=["ip"]), nflog(*SIZE, families=["ip"], **OUT)), "family",
        "warn", "only IPv4 is logged"
    ),
    "IPv6 only": (
        both(nflog(*SIZE, families=["ip6"]), nflog(*SIZE, families=["ip6"], **OUT)), "family",
        "warn", "only IPv6 is logged"
    ),
    "whole packets": (both(nflog(), nflog(**OUT)), "length", "warn", "copies whole packets"),
    "too much of packets": (
        both(nflog("--nflog-size", 1500), nflog("--nflog-size", 1500, **OUT)), "length", "warn",
        "copies 1500 bytes"
    ),
    "threshold": (
        nflog(*SIZE, "--nflog-threshold", 1), "threshold", "warn", "has the threshold 1"
    ),
    "threshold, legacy": (
        nflog(*SIZE, "--nflog-threshold", 1, backend="legacy"), "threshold", "warn",
        "has the threshold 1"
    ),
    "interface missing": (on_missing_interface, "interface", "fail", "rules name eth9"),
    "interface down": (on_interface_down, "interface", "fail", "rules name eth0, which is down"),
}  # fmt: skip


@pytest.mark.parametrize("name", RULE_FAULTS)
def test_faults_of_rules(doctor, name):
    make, check, state, text = RULE_FAULTS[name]
    doctor.start()
    make(doctor.host)
    row = doctor.fault(check, text, state)
    doctor.type(row["fix"])
    assert doctor.is_good(check), doctor.rows(check)
    if name == "interface down":  # which has lost its routes
        return
    before = doctor.packets_read()
    doctor.ping(5)
    wait_until(lambda: doctor.packets_read() >= before + 10, "the packets, each once")
    assert doctor.packets_read() == before + 10


def test_own_export_in_the_input(doctor, hosts, collector):
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    Nft().install(doctor.host, "eth0", skip_own=False)
    doctor.start("-n", receiver.host_port)
    doctor.ping()
    doctor.host.run(BUILD / "agentctl", "flush", "-s", doctor.agent.control)
    receiver.wait_for_datagrams(1)
    wait_until(lambda: not doctor.is_good("own export"), "the agent's own datagrams")
    row = doctor.fault("own export", "log the agent's own datagrams", "warn")
    doctor.type(row["fix"])
    assert doctor.is_good("own export")


def test_own_export_on_an_interface_is_no_fault(doctor, hosts, collector):
    """No rule logs it: a capture has all that the interface sends."""
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    doctor.start("--interface", "eth0", "-n", receiver.host_port, group=None)
    doctor.agent.wait_for_capture()
    doctor.ping()
    doctor.host.run(BUILD / "agentctl", "flush", "-s", doctor.agent.control)
    receiver.wait_for_datagrams(1)

    def own_export():
        rows = doctor.host.run(BUILD / "agentctl", "-J", "show", "sources", "-s", doctor.agent.control)
        return json.loads(rows)["packets_ignored"]["own_export"]

    wait_until(own_export, "the agent's own datagrams")
    assert doctor.is_good("own export")


def test_the_fix_is_with_sudo_for_others(doctor):
    doctor.start()
    doctor.directory.chmod(0o777)
    doctor.agent.control.chmod(0o777)
    rows = doctor.rows("rules", prefix=programs.nobody(65534))
    assert rows[0]["state"] in ("note", "fail") and rows[0]["fix"].startswith("sudo agentctl ")
    doctor.agent.control.chmod(0o700)
    (row,) = doctor.rows("service", prefix=programs.nobody(65534))
    assert "Permission denied" in row["text"] and row["fix"] == "sudo agentctl doctor"


def test_no_agent(doctor):
    done = doctor.run()
    assert done.returncode == BROKEN
    assert "FAIL  service      cannot reach the agent" in done.stdout
    assert "FAIL  rules        no rule logs to group 40" in done.stdout  # what can be seen without
    assert "fix: agentctl rules install" in done.stdout


def test_another_network_namespace(doctor, hosts):
    doctor.start()
    row = doctor.fault("namespace", "in another network namespace", host=hosts.collector)
    fix = row["fix"] + "; true"  # the fix is to look there, and what is there is not good
    assert "ok    namespace    the agent is in this" in doctor.type(fix, hosts.collector)


def test_a_group_that_another_program_reads(doctor, cleanup):
    other = programs.Program(
        "other", ["tcpdump", "-i", "nflog:40", "-w", "/dev/null"], doctor.directory, doctor.host
    )
    cleanup.callback(other.kill)
    wait_until(lambda: "40" in doctor.host.read("netfilter/nfnetlink_log").split(), "the reader")
    doctor.start(wait=False)
    row = doctor.fault("group", f"group 40 is read by tcpdump (pid {other.pid})")
    doctor.type(row["fix"])
    wait_until(lambda: doctor.is_good("group"), "the agent to read the group")


def test_a_kernel_without_the_module(doctor):
    doctor.start()
    script = 'mount -t proc -o subset=pid proc /proc && exec "$@"'  # no /proc/net
    prefix = ["unshare", "-m", "sh", "-c", script, "sh"]
    row = doctor.fault("kernel", "the kernel has no nfnetlink_log", prefix=prefix)
    assert row["fix"] == "modprobe nfnetlink_log"


def test_losses(doctor, udp_flood):
    """The agent is held while packets come: more than its buffer takes."""
    (doctor.directory / "conf.d" / "small.conf").write_text('[source "nflog:40"]\nbuffer = 64k\n')
    doctor.hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    doctor.start(group=None)
    doctor.agent.wait_for_group()
    doctor.agent.signal(signal.SIGSTOP)
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "20000", "20000")
    doctor.agent.signal(signal.SIGCONT)
    doctor.ping()
    wait_until(lambda: not doctor.is_good("loss"), "the loss to be seen")
    row = doctor.fault("loss", "nflog:40: the kernel has lost", "warn")
    doctor.type(row["fix"])
    doctor.restart()
    assert doctor.is_good("loss") and doctor.is_good("buffer")


def test_a_buffer_that_the_kernel_does_not_give(doctor):
    """Without rights over the whole machine, net.core.rmem_max is the limit."""
    agent = doctor._flowagent(
        "-f", doctor.config, "-g", 40, wrapper=["unshare", "-U", "-r", "-n"], host=doctor.host
    )
    doctor.agent = agent
    agent.wait_for_control()
    row = doctor.fault("buffer", "bytes of receive buffer, and", "warn")
    assert row["fix"].startswith("sysctl -w net.core.rmem_max=")


def test_a_cache_that_is_too_small(doctor, udp_flood):
    doctor.hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    (doctor.directory / "flowagent.conf").write_text("[agent]\nmax-flows = 256\n")
    doctor.start()
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "1000", "1000", "5000")
    wait_until(lambda: not doctor.is_good("cache"), "the cache to be full")
    row = doctor.fault("cache", "the cache of 256 flows is too small", "warn")
    doctor.type(row["fix"])
    doctor.restart()
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "1000", "1000", "5000")
    assert doctor.is_good("cache")


def test_the_fuse(doctor, udp_flood):
    doctor.hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0",
                    "--max-rate", 100)  # fmt: skip
    doctor.start()
    assert doctor.fault("fuse", "it has let all packets pass", "ok")
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "5000", "20000")
    row = doctor.fault("fuse", "the fuse (--max-rate) has kept", "warn")
    assert "more than 100 a second" in row["text"]
    doctor.type(row["fix"])
    assert doctor.is_good("fuse")
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "5000", "20000")
    row = doctor.fault("fuse", "more than 200 a second", "warn")  # twice the rate, and still too low
    assert "--max-rate 400 && nft reset counter" in row["fix"]


def test_the_fuse_of_rules_that_sample_has_no_simple_fix(doctor, udp_flood):
    doctor.hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0", "--max-rate", 100, "--sample", 2)
    doctor.start()
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "5000", "20000")
    assert doctor.fault("fuse", "the fuse (--max-rate) has kept", "warn")["fix"] is None


def test_forwarded_packets_count_twice(doctor, hosts):
    router = hosts.internet
    router.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0", "-i", "eth1")
    doctor.host = router
    doctor.start()
    row = doctor.fault("forwarded", "forwards packets between interfaces", "warn")
    doctor.type(row["fix"])
    assert doctor.rows("forwarded") == []


# ---- collectors ----------------------------------------------------------------------------------


def collect(doctor, address, group=40):
    """With group None: the group is one of the configuration."""
    file = doctor.directory / "conf.d" / "collector.conf"
    nflog = "" if group else "nflog = 40\n"
    file.write_text(f"[agent]\n{nflog}collector = {address}\n")
    doctor.start(group=group)


@pytest.mark.parametrize(
    "address, route, text",
    [
        ("203.0.113.9:2055", ["unreachable", "203.0.113.9"], "a route of this host rejects what goes"),
        ("no-such-host.invalid:2055", None, '"getent ahosts no-such-host.invalid" asks'),
        (f"{Hosts.ROUTER[0]}:2055", None, "nobody listens on that port"),
    ],
    ids=["no route", "no name", "refused"],
)  # fmt: skip
def test_ways_to_a_collector(doctor, address, route, text):
    if route:
        doctor.host.ip("route", "add", *route)
    collect(doctor, address)
    wait_until(
        lambda: any(text in row["text"] for row in doctor.rows("collector")), f"{address}: {text}"
    )
    assert address in doctor.fault("collector", text)["text"]


@pytest.mark.parametrize(("kind", "family"), [("unreachable", 0), ("prohibit", 0), ("blackhole", 1)])
def test_a_route_that_rejects(doctor, hosts, collector, kind, family):
    receiver = collector(Hosts.COLLECTOR[family], 2055, hosts.collector)
    doctor.host.ip("-6" if family else "-4", "route", "add", kind, Hosts.COLLECTOR[family])
    collect(doctor, receiver.host_port)
    wait_until(lambda: not doctor.is_good("collector"), "the collector to be down")
    row = doctor.fault("collector", "a route of this host rejects what goes there")
    doctor.type(row["fix"])
    wait_until(lambda: doctor.is_good("collector"), "the collector to be up")
    receiver.wait_for_datagrams(1)


def test_no_route_at_all_is_left_to_the_operator(doctor):
    doctor.host.ip("route", "del", "default")
    collect(doctor, "203.0.113.9:2055")
    wait_until(lambda: not doctor.is_good("collector"), "the collector to be down")
    row = doctor.fault("collector", 'no route to it; "ip route get 203.0.113.9" shows')
    assert row["fix"] is None


def test_a_name_that_is_nearly_that_of_a_host(doctor, hosts, collector):
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    names = doctor.directory / "hosts"
    names.write_text(f"127.0.0.1 localhost\n{Hosts.COLLECTOR[0]} nf.flows.test collector.flows.test # ours\n")
    prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {names} /etc/hosts && exec "$@"', "sh"]
    file = doctor.directory / "conf.d" / "collector.conf"
    file.write_text("[agent]\ncollector = colector.flows.test:2055,version=10\n")
    doctor.start(wrapper=prefix)
    wait_until(
        lambda: any("asks for it" in row["text"] for row in doctor.rows("collector", prefix=prefix)), "no address"
    )
    row = doctor.fault("collector", "asks for it", prefix=prefix)
    doctor.type(row["fix"])
    assert "collector = collector.flows.test:2055,version=10\n" in file.read_text()
    doctor.agent.stop()
    doctor.start(wrapper=prefix)
    wait_until(lambda: doctor.is_good("collector"), "the collector to be up")
    receiver.wait_for_datagrams(1)


def test_a_collector_of_this_host_that_does_not_run(doctor, cleanup):
    """systemctl is played: nfacctd.service is a process that listens."""
    pid, listen = doctor.directory / "pid", doctor.directory / "listen.py"
    listen.write_text(LISTEN)
    systemctl = doctor.commands / "systemctl"
    systemctl.write_text(
        f"""#!/bin/sh
case "$*" in
"cat nfacctd.service") ;;
"start nfacctd.service") {sys.executable} {listen} >/dev/null 2>&1 & echo $! >{pid} ;;
*) exit 1 ;;
esac
"""
    )
    collect(doctor, "127.0.0.1:2055")
    wait_until(lambda: not doctor.is_good("collector"), "the collector to be down")
    assert doctor.fault("collector", "nobody listens on that port")["fix"] is None  # systemd does not run here
    prefix = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"', "sh"]
    row = doctor.fault("collector", "nobody listens on that port", prefix=prefix)
    doctor.type(row["fix"])
    cleanup.callback(lambda: os.kill(int(pid.read_text()), signal.SIGKILL))
    wait_until(lambda: doctor.is_good("collector"), "the collector to be up")


def test_a_collector_on_another_port_of_this_host(doctor, nfacctd):
    nfacctd("127.0.0.1", 2100, doctor.host)
    collect(doctor, "127.0.0.1:2055")
    wait_until(lambda: not doctor.is_good("collector"), "the collector to be down")
    row = doctor.fault("collector", "nobody listens on port 2055; nfacctd listens on port 2100")
    doctor.type(row["fix"])
    doctor.restart()
    wait_until(lambda: doctor.is_good("collector"), "the collector to be up")
    assert "read by nfacctd" in doctor.fault("reader", "", "ok")["text"]


LISTEN = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 2055))
while True:
    sock.recv(65536)
"""


@pytest.fixture
def fake(doctor, cleanup):
    """fake(name): a process of that name that listens."""

    def start(name):
        (doctor.directory / name).symlink_to(sys.executable)
        command = [doctor.directory / name, "-c", LISTEN]
        program = programs.Program(name, command, doctor.directory, doctor.host)
        cleanup.callback(program.kill)
        wait_until(lambda: ":0807 " in doctor.host.read("udp"), "the socket")
        return program

    return start


# (program, what it gets, whether packets are sampled): what doctor says, None for nothing
READERS = {
    "goflow2, v9": ("goflow2", "", False, "goflow2 does not read the times of NetFlow v9"),
    "goflow2, v9 with a key": ("goflow2", ",version=9", False, "goflow2 does not read the times"),
    "goflow2, IPFIX": ("goflow2", ",version=10", False, None),
    "goflow2, v9 with uptime": ("goflow2", ",version=9,uptime=on", True, None),
    "goflow2, v9 sampled": ("goflow2", "", True, "goflow2 does not read the times of NetFlow v9"),
    "goflow2, IPFIX sampled": ("goflow2", ",version=10", True, "not read the sampling rate of IPFIX"),
    "akvorado, v9": ("akvorado", "", False, None),
    "akvorado, v9 sampled": ("akvorado", "", True, None),
    "akvorado, v5 sampled": ("akvorado", ",version=5", True, "akvorado reads sampling rates rightly"),
    "akvorado, IPFIX sampled": ("akvorado", ",version=10", True, "akvorado reads sampling rates"),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_what_a_reader_wants(doctor, fake, name):
    program, keys, is_sampled, text = READERS[name]
    fake(program)
    if is_sampled:
        file = doctor.directory / "conf.d" / "sampling.conf"
        file.write_text('[source "nflog:40"]\nsampling = random:2\n')
    collect(doctor, f"127.0.0.1:2055{keys}", group=None)
    if not text:
        assert f"read by {program}" in doctor.fault("reader", "", "ok")["text"]
        return
    row = doctor.fault("reader", text, "warn")
    doctor.type(row["fix"])
    doctor.restart()
    assert doctor.is_good("reader")


def test_a_section_has_no_line_for_the_fix(doctor, fake):
    """The keys of a section stand in lines of their own: no command of one line mends them."""
    fake("goflow2")
    file = doctor.directory / "conf.d" / "collector.conf"
    file.write_text('[collector "here"]\naddress = 127.0.0.1:2055\n')
    doctor.start()
    assert doctor.fault("reader", "goflow2 does not read the times", "warn")["fix"] is None


def test_keys_of_nfacctd_that_were_renamed(doctor, nfacctd):
    """Of whichever version is installed, the key of the other one."""
    version = subprocess.run(["nfacctd", "-V"], capture_output=True, text=True).stdout
    is_new = tuple(map(int, version.split("nfacctd ")[1].split("-")[0].split("."))) >= (1, 7, 9)
    wrong = "nfacctd_disable_checks" if is_new else "nfacctd_disable_sanity_checks"
    collector = nfacctd("127.0.0.1", 2055, doctor.host, options=f"\n{wrong}: false\n")
    collect(doctor, "127.0.0.1:2055")
    file = doctor.directory / "nfacctd-2055.conf"
    lines = file.read_text().splitlines(keepends=True)
    others = [line for line in lines if not line.startswith("nfacctd_disable") or wrong in line]
    file.write_text("".join(others))
    script = 'mount -t tmpfs none /etc/pmacct && cp "$0" /etc/pmacct/nfacctd.conf && exec "$@"'
    prefix = ["unshare", "-m", "sh", "-c", script, file]  # the place that the package has for it
    row = doctor.fault("reader", f"does not know the key {wrong}", "warn", prefix=prefix)
    doctor.type(row["fix"].replace("/etc/pmacct/nfacctd.conf", str(file)))
    assert all(row["state"] == "ok" for row in doctor.rows("reader", prefix=prefix))
    with file.open("a") as both:  # as in README.md, for either version
        both.write(f"{wrong}: false\n")
    assert all(row["state"] == "ok" for row in doctor.rows("reader", prefix=prefix))
    assert collector.stop() == 0


# ---- the clock -----------------------------------------------------------------------------------

@pytest.fixture
def clock(doctor, faulty, monkeypatch):
    """(prefix for doctor with a clock that can be wrong, the directory of the faults)."""
    environment, faults = faulty
    timedatectl = doctor.commands / "timedatectl"
    timedatectl.write_text(f'#!/bin/sh\ntest "$*" = "set-ntp true" && echo 1 >{faults}/adjtimex\n')
    timedatectl.chmod(0o755)
    monkeypatch.setattr(sys.modules[__name__], "BUILD", RELEASE_BUILD)  # no sanitizers: preloaded
    words = [f"{name}={value}" for name, value in environment.items()]
    return ["env", *words], faults


def test_a_clock_that_nothing_synchronises(doctor, clock):
    prefix, faults = clock
    (faults / "adjtimex").write_text("0")
    (row,) = doctor.rows("clock", prefix=prefix)
    if row["state"] == "note":  # in a container, where only the host can do it
        assert "container's host, which does not synchronise it" in row["text"]
        fix = "timedatectl set-ntp true"
    else:
        assert (row["state"], row["text"]) == (
            "warn", "nothing synchronises the clock: times of flows drift",
        )  # fmt: skip
        fix = row["fix"]
    doctor.type(fix)
    (row,) = doctor.rows("clock", prefix=prefix)
    assert (row["state"], row["text"]) == ("ok", "the clock is synchronised, within 5 ms")


def test_a_clock_that_is_off_by_years(doctor, clock):
    prefix, faults = clock
    (faults / "clock").write_text(str(-20 * 365 * 86400))
    row = doctor.fault("clock", "off by years: the times of all flows are wrong", prefix=prefix)
    assert row["fix"] == "timedatectl set-ntp true"


# ---- tables --------------------------------------------------------------------------------------


def test_the_as_table(doctor):
    table = doctor.directory / "networks.lst"
    table.write_text("64500,192.0.2.0/24\n")
    doctor.start("--networks-file", table)
    assert doctor.is_good("AS table")
    os.utime(table, (time.time() - 40 * 86400,) * 2)
    doctor.fault("AS table", "is 40 days old", "warn")
    table.write_text("! nothing\n")
    doctor.fault("AS table", "is empty: all AS numbers are 0", "warn")
    table.unlink()
    doctor.fault("AS table", "is not there any more")


def test_the_as_table_of_a_routing_table(doctor, asn_table):
    now = int(time.time())
    table = asn_table([], created_s=now)
    doctor.start("--asn-table", table)
    doctor.fault("AS table", "is empty: all AS numbers are 0", "warn")
    asn_table([(64500, "192.0.2.0/24")], created_s=now)
    wait_until(lambda: doctor.is_good("AS table"), "the table")
    assert "has 1 network" in doctor.fault("AS table", "", "ok")["text"]
    asn_table([], created_s=now)
    wait_until(lambda: not doctor.is_good("AS table"), "the empty table")
    doctor.fault("AS table", "much fewer than the 1 and 0 in use", "warn")
    asn_table([(64500, "192.0.2.0/24")], created_s=now - 40 * 86400)
    wait_until(lambda: "is 40 days old" in doctor.rows("AS table")[0]["text"], "the old table")
    table.unlink()
    doctor.fault("AS table", "is not there any more")


@pytest.mark.parametrize("fault", ["is empty", "is 40 days old", "is not there any more"])
def test_the_as_table_that_a_unit_fetches(doctor, asn_table, fault):
    """systemctl is played: flowagent-asn.service writes a new table."""
    now = int(time.time())
    place = doctor.directory / "lib" / "flowagent-asn" / "asn.tbl"
    place.parent.mkdir(parents=True)
    entries = [] if fault == "is empty" else [(64500, "192.0.2.0/24")]
    shutil.copy(asn_table(entries, created_s=now - 40 * 86400 if "old" in fault else now), place)
    fresh = shutil.copy(asn_table([(64500, "192.0.2.0/24")], created_s=now), doctor.directory / "fresh")
    (doctor.commands / "systemctl").write_text(
        f"""#!/bin/sh
[ "$*" != "start flowagent-asn.service" ] || {{ cp {fresh} {place}.new && mv {place}.new {place}; }}
"""
    )
    prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {doctor.directory}/lib /var/lib && exec "$@"', "sh"]
    doctor.start("--asn-table", "/var/lib/flowagent-asn/asn.tbl", wrapper=prefix)
    if "not there" in fault:
        place.unlink()
    row = doctor.fault("AS table", fault, "fail" if "not there" in fault else "warn", prefix=prefix)
    doctor.type(row["fix"])
    wait_until(lambda: "has 1 network" in doctor.rows("AS table", prefix=prefix)[0]["text"], "the new table")


def test_without_a_table(doctor):
    doctor.start()
    assert doctor.fault("AS table", "none is configured", "note")["fix"] is None


def test_a_mistake_in_the_configuration(doctor):
    doctor.start()
    file = doctor.directory / "conf.d" / "mistake.conf"
    file.write_text("[agent]\ncolector = 192.0.2.1\n")
    doctor.agent.signal(signal.SIGHUP)
    wait_until(lambda: not doctor.is_good("service"), "the mistake to be reported")
    row = doctor.fault("service", 'unknown option "colector"', "warn")
    assert row["fix"] == "flowagent --check-config"
    file.unlink()
    doctor.agent.signal(signal.SIGHUP)
    wait_until(lambda: doctor.is_good("service"), "the mistake to be mended")


def test_options(doctor):
    done = subprocess.run(
        [BUILD / "agentctl", "doctor", "--wait", "soon"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "--wait soon: expected a time" in done.stderr
