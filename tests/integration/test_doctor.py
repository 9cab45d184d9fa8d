"""agentctl doctor: faults of the agent and of its host are made, named, and mended by typing what doctor says."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import programs
from conftest import BUILD, RELEASE_BUILD, Hosts
from doctor import BROKEN, GOOD, WARNING
from test_ending import faulty  # noqa: F401
from waiting import PATIENCE_S, wait_until


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


def test_losses_of_two_groups(doctor, udp_flood):
    """What is typed for one does not undo what was typed for the other."""
    (doctor.directory / "conf.d" / "small.conf").write_text("".join(f'[source "nflog:{group}"]\nbuffer = 64k\n' for group in (40, 41)))
    doctor.hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    hook = "type filter hook output priority 0; ip daddr 198.18.0.0/15"
    chains = "".join(f"chain g{group} {{ {hook} log group {group} snaplen 96; }}\n" for group in (40, 41))
    doctor.host.run("nft", "-f", "-", input=f"table inet mine {{\n{chains}}}\n")
    doctor.start("-g", 41, wait=False)
    for group in 40, 41:
        doctor.agent.wait_for_group(group)
    doctor.agent.signal(signal.SIGSTOP)
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "20000", "20000")
    doctor.agent.signal(signal.SIGCONT)
    doctor.host.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "10", "1000")
    wait_until(lambda: [row["state"] for row in doctor.rows("loss")] == ["warn", "warn"], "losses that are over")
    for group in 40, 41:
        doctor.type(doctor.fault("loss", f"nflog:{group}: the kernel has lost", "warn")["fix"])
    doctor.restart()
    sources = json.loads(doctor.host.run(BUILD / "agentctl", "-J", "show", "status", "-s", doctor.agent.control))["sources"]
    assert [source["receive_buffer_wanted"] for source in sources] == [32 << 20] * 2


def test_a_buffer_that_the_kernel_does_not_give(doctor, cleanup):
    """Without rights over the whole machine, net.core.rmem_max is the limit, which the machine has once."""
    (doctor.directory / "conf.d" / "large.conf").write_text('[source "nflog:41"]\nbuffer = 24M\n')

    def start():
        doctor.agent = doctor._flowagent(
            "-f", doctor.config, "-g", 40, "-g", 41, wrapper=["unshare", "-U", "-r", "-n"], host=doctor.host
        )
        doctor.agent.wait_for_control()

    start()
    limit = Path("/proc/sys/net/core/rmem_max")
    cleanup.callback(limit.write_text, limit.read_text())
    for group in 41, 40:
        fix = doctor.fault("buffer", f"nflog:{group}: the kernel has given", "warn")["fix"]
        subprocess.run(["sh", "-c", fix], env=doctor.environment(), check=True, timeout=PATIENCE_S)
    assert doctor.agent.stop() == 0
    start()
    assert doctor.is_good("buffer")


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


@pytest.fixture
def clock(doctor, faulty):
    """(prefix for doctor with a clock that can be wrong, the directory of the faults); timedatectl is played."""
    environment, faults = faulty
    timedatectl = doctor.commands / "timedatectl"
    timedatectl.write_text(
        f'#!/bin/sh\ntest "$*" = "set-ntp true" && rm -f {faults}/clock && echo 1 >{faults}/adjtimex\n'
    )
    timedatectl.chmod(0o755)
    doctor.program = RELEASE_BUILD / "agentctl"  # no sanitizers: preloaded
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
    doctor.type(row["fix"])
    (row,) = doctor.rows("clock", prefix=prefix)
    assert (row["state"], row["text"]) == ("ok", "the clock is synchronised, within 5 ms")


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
