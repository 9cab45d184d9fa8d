"""agentctl doctor: faults of rules are made, named, and mended by typing what doctor says."""

import os
import re
import subprocess

import pytest

from conftest import BUILD, Hosts
from doctor import ask
from fake_agent import FakeAgent
from waiting import wait_until


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


NFT = """#!/bin/sh
nft=$(PATH=${PATH#*:} command -v nft)
"$nft" "$@"
status=$?
[ -e %(done)s ] || { : >%(done)s && ping -c 1 -q -W 0.1 %(address)s >/dev/null; }
exit $status
"""


@pytest.mark.parametrize("arrives", [True, False])
def test_a_packet_that_is_in_the_kernel_still_is_waited_for(arrives, doctor, cleanup):
    """Between the two looks the rules count packets, which the agent reads after the second one, or never."""
    doctor.host.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0")
    doctor.start()
    nft = doctor.commands / "nft"
    nft.write_text(NFT % {"done": doctor.directory / "first-list", "address": Hosts.ROUTER[0]})
    nft.chmod(0o755)
    read = iter([10, 10, 12 if arrives else 10])

    def answer(request):
        rows = ask(doctor_agent.control, request)
        if request["cmd"] == "show-status":
            count = next(read)
            rows = [{**row, "sources": [{**source, "packets_read": count} for source in row["sources"]]} for row in rows]
        return rows

    doctor_agent = doctor.agent
    late = FakeAgent(doctor.directory / "late.sock", answer)
    cleanup.callback(late.close)
    doctor.agent = late
    rows = [row for row in doctor.rows("counter") if "just now" in row["text"]]
    assert [row["state"] for row in rows] == ["ok" if arrives else "fail"], rows
    assert ("have counted 2 just now, the agent has read 2" if arrives else "and the agent has read none") in rows[0]["text"]
    assert next(read, None) is None


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
