"""agentctl doctor: faults on the way to a collector are made, named, and mended by typing what doctor says."""

import json
import os
import signal
import subprocess
import sys

import pytest

import programs
from conftest import BUILD, Hosts
from firewalls import Nft
from waiting import wait_until


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
