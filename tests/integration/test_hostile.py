"""Who talks to the agent may be an enemy: users of the control socket, collectors, the one who writes its configuration."""

import contextlib
import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ledger
from conftest import BUILD, RELEASE_BUILD, ROOT, Hosts
from programs import ENVIRONMENT, PATIENCE_S
from test_lifecycle import CAPTURE, OWN_PORT, Site, site, wait_for_packets  # noqa: F401
from waiting import wait_until

GROUP = 65534  # of nobody
STRANGER = 12345
FLOWS = 100_000
GROWTH_BYTES = 4 << 20


def resident_bytes(agent):
    return int(Path(f"/proc/{agent.pid}/statm").read_text().split()[1]) * 4096


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.pid}/fd"))


# ---- the control socket -------------------------------------------------------------------------


def test_attacks_on_the_control_socket_hold_nobody_up(
    hosts, flowagent, agentctl, collector, udp_flood, directory, cleanup
):
    """A member of the group has every trick under way at once: root is served, packets are counted, nothing grows."""
    place = directory / "run"
    place.mkdir()
    place.chmod(0o755)
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    hosts.server.run("nft", "-f", "-", input="""
table inet test {
	chain out {
		type filter hook postrouting priority 400; policy accept;
		ip daddr 198.18.0.0/15 counter log group 40
	}
}
""")  # fmt: skip
    agent = flowagent(
        "-g", "40,buffer=256M", "--max-flows", 2 * FLOWS, "--inactive-timeout", "1h", host=hosts.server, release=True,
        control=place / "control.sock",
    )  # fmt: skip
    agent.wait_for_group()
    os.chown(agent.control, 0, GROUP)  # as the service's socket has its group
    control = agentctl(agent)
    send = [udp_flood, Hosts.SERVER[0], "198.18.0.0", FLOWS, FLOWS, 50_000]
    hosts.server.run(*send, timeout_s=PATIENCE_S)
    wait_for_packets(control, FLOWS)
    before = descriptors(agent)
    attack = subprocess.Popen(
        [sys.executable, "-B", ROOT / "tests" / "support" / "control_attack.py", agent.control],
        user=STRANGER, group=GROUP, extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    cleanup.callback(attack.kill)
    assert attack.stdout.readline() == b"ready\n"
    size = resident_bytes(agent)
    hosts.server.run(*send, timeout_s=PATIENCE_S)
    wait_for_packets(control, 2 * FLOWS)
    assert len(control.rows("show", "flows")) == FLOWS
    assert control.run("flush").returncode == 0
    assert descriptors(agent) <= before + 32
    assert resident_bytes(agent) - size <= GROWTH_BYTES
    attack.stdin.close()
    attack.wait(PATIENCE_S)
    wait_until(lambda: descriptors(agent) <= before + 1, "the connections to be closed")
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), 2 * FLOWS)
    assert agent.summary()["packets_lost_kernel"] == 0


COMMANDS = [*map(chr, range(0x80, 0xA0)), "\u202e"]  # to a terminal: C1, and one that turns text around


def test_no_control_character_of_a_name_reaches_log_or_terminal(host, flowagent, agentctl):
    """Interfaces have the names that a container gives them; U+009B begins a command to the terminal."""
    site = host("site")
    raw = os.fsdecode(b"c\x9b2Jd")
    names = ["a\x9b2Jb", raw, "e\u202ef"]  # C1 as UTF-8 and as a byte, and text that runs to the left
    for number, name in enumerate(names):
        site.run("ip", "link", "add", name, "type", "veth", "peer", "name", f"peer{number}")
        site.run("ip", "link", "set", name, "up")
    first = names[0]
    agent = flowagent("-i", first, "-i", "no\x9bne", "--if-map", "zz\x9b=7", host=site)
    agent.wait_for_capture()
    control = agentctl(agent)
    wait_until(lambda: len(control.rows("show", "interfaces")) >= 7, "all interfaces")
    assert first in [row["name"] for row in control.rows("show", "interfaces")]  # nothing is lost in JSON
    outputs = []
    for word in "interfaces", "sources", "status", "config", "flows", "stats":
        for options in [], ["-J"]:
            done = control.run(*options, "show", word)  # no byte of the second name: it is valid UTF-8
            outputs += [done.stdout, done.stderr]
    outputs.append(control.run("metrics").stdout)
    assert '{source="a\\\\xc2\\\\x9b2Jb"}' in outputs[-1]
    assert agent.stop() == 0, agent.errors
    assert not [each for output in [*outputs, agent.errors] for each in COMMANDS if each in output]


def test_descriptors_that_run_out_while_it_runs(site, flowagent, agentctl, collector):  # noqa: F811
    """It cannot take clients then, and says so once; counting does not notice, and later they are served."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=site.host)
    agent.wait_for_group()
    control = agentctl(agent)
    sent = site.send().packets()
    wait_for_packets(control, sent)
    limits = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (descriptors(agent), limits[1]))
    clients = []
    with site.host.entered():
        for _ in range(20):
            clients.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            clients[-1].settimeout(PATIENCE_S)
            clients[-1].connect(str(agent.control))
    sent += site.send().packets()
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, limits)
    wait_for_packets(control, sent)
    for client in clients:
        client.close()
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), site.matched())
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert own.flows().packets() == sent

def has_unread_news(agent, host):
    """Whether the kernel holds notifications that the agent has not read."""
    inodes = {Path(f"/proc/{agent.pid}/fd/{number}").readlink().name for number in os.listdir(f"/proc/{agent.pid}/fd")}
    rows = [line.split() for line in host.read("netlink").splitlines()[1:]]
    return any(row[4] != "0" for row in rows if f"socket:[{row[9]}]" in inodes)


def test_an_interface_is_not_taken_for_gone_where_descriptors_run_out(site, flowagent, agentctl):  # noqa: F811
    """Its index was asked for with a new socket: where there was none, the interface seemed to have disappeared."""
    agent = flowagent("-i", "lo", host=site.host)
    agent.wait_for_capture()
    control = agentctl(agent)
    control.statistics()  # it answers: it has all descriptors that it needs
    limits = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (descriptors(agent), limits[1]))
    site.host.ip("address", "add", "192.0.2.1/32", "dev", "lo")
    sent = []

    def has_looked():
        sent.append(site.send().packets())  # it looks before it reads
        return not has_unread_news(agent, site.host)

    wait_until(has_looked, "the change to be read")
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, limits)
    wait_for_packets(control, sum(sent))
    assert [row["state"] for row in control.rows("show", "sources")] == ["running"]
    assert agent.stop() == 0, agent.errors
    assert "disappeared" not in agent.errors
    assert agent.summary()["packets_read"] == sum(sent)



# ---- collectors ---------------------------------------------------------------------------------


class Enemy:
    """A TCP collector that sends garbage, reads a little, and resets the connection, again and again."""

    def __init__(self, host):
        with host.entered():
            self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._listener.settimeout(0.1)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._is_stopping:
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection:
                    connection.settimeout(0.2)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    with contextlib.suppress(OSError):
                        connection.sendall(b"\0\x0a\xff\xff garbage " * 4096)
                    with contextlib.suppress(OSError):
                        connection.recv(100)

    def close(self):
        self._is_stopping = True
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize("transport", ["tcp", "tls,verify=off"], ids=["tcp", "tls"])
def test_a_peer_that_sends_garbage_and_resets(transport, site, flowagent, agentctl, collector, cleanup):  # noqa: F811
    """The other collector gets everything; the enemy is tried at a slow pace, and what it lost is counted."""
    enemy = Enemy(site.host)
    cleanup.callback(enemy.close)
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "-n", f"127.0.0.1:{enemy.port},transport={transport}",
        "--inactive-timeout", "100ms", host=site.host, release=True,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)
    sent = sizes = 0
    while enemy.connections < 4:
        sent += site.send(count=5).packets()
        wait_for_packets(control, sent)
        sizes = sizes or resident_bytes(agent)
    assert resident_bytes(agent) - sizes <= GROWTH_BYTES
    status = control.run("show", "status")
    assert status.returncode == 0 and "127.0.0.1" in status.stdout
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    own.wait_for_datagrams(rows[own.host_port]["datagrams_sent"])
    counted = summary["packets_read"] - ledger.ignored(summary)  # what the agent and the enemy say to each other
    assert own.flows().packets() == rows[own.host_port]["packets_sent"] == counted


def icmp_refusal(port):
    """An ICMP error for a datagram of the agent's, as anybody can forge it."""
    inner = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 60, 1, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\2")
    inner += struct.pack(">HHHH", port, OWN_PORT, 40, 0)
    body = struct.pack(">BBHI", 3, 3, 0, 0) + inner
    total = sum(struct.unpack(f">{len(body) // 2}H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + body[4:]


def own_ports(host):
    """Ports of UDP sockets that are connected to the collector."""
    remote = f"{int.from_bytes(socket.inet_aton(Site.COLLECTOR), 'little'):08X}:{OWN_PORT:04X}"
    lines = host.read("udp").splitlines()[1:]
    return [int(line.split()[1].split(":")[1], 16) for line in lines if line.split()[2] == remote]


def test_a_storm_of_icmp_refusals(site, flowagent, agentctl, collector):  # noqa: F811
    """Forged ones, for a collector that takes everything: it is tried again, and each record is sent or counted."""
    own = collector(site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent("--nflog", "40", "-n", own.host_port, "--inactive-timeout", "100ms", host=site.host)
    agent.wait_for_group()
    control = agentctl(agent)
    wait_until(lambda: own_ports(site.host), "the agent's socket")
    with site.host.entered():
        storm = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sent = 0
    for _ in range(20):
        for port in own_ports(site.host):
            for _ in range(500):
                storm.sendto(icmp_refusal(port), (Site.ADDRESS, 0))
        sent += site.send(count=2).packets()
    storm.close()
    wait_until(lambda: control.statistics()["packets_read"] >= sent, "all packets")
    ledger.check_summary(control.statistics())
    down = agent.errors.count("is down") + agent.errors.count("refuse")
    assert down <= 3, agent.errors  # said once, not once a report
    before = len(own.datagrams)
    sent += site.send(count=2).packets()
    wait_until(lambda: len(own.datagrams) > before + 1, "the collector to be used again")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    assert own.flows().packets() >= summary["packets_exported"] - summary["packets_lost"]


# ---- the configuration --------------------------------------------------------------------------

# What no option takes, and what some do: nothing may crash the agent, and a refusal names the place.
VALUES = [
    "", "-1", "99999999999999999999999", "1e9", "0x10", "nan", "x" * 5000, "\x01", "\xff\xfe", "é", "=", ",", "a=b=c,",
    "/nowhere/at/all", "/", "%s%n", '"', "1,1,1,1", "[", "::1", "0", "on", "tcp",
]  # fmt: skip


def option_names():
    table = (ROOT / "agent" / "config" / "config_options.def").read_text()
    options = re.findall(r'^CONFIG_OPTION\(\w+, (?!action)\w+, "([\w-]+)"', table, re.M)
    sources = re.findall(r'^SOURCE_KEY\(\w+, "([\w-]+)"', table, re.M)
    collectors = re.findall(r'^COLLECTOR_KEY\(\w+, "([\w-]+)"', table, re.M)
    assert len(options) > 15 and len(sources) > 5 and len(collectors) > 15
    return (
        [("[agent]", name) for name in options]
        + [('[source "nflog:40"]', name) for name in sources]
        + [('[collector "c"]\naddress = 127.0.0.1', name) for name in collectors]
    )


def check_config(path, build=RELEASE_BUILD):
    return subprocess.run(
        [build / "flowagent", "--check-config", "--config", path], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=PATIENCE_S, env=ENVIRONMENT,
    )  # fmt: skip


@pytest.mark.parametrize("section, name", option_names(), ids=lambda value: re.sub(r"\W+", "-", value)[:20])
def test_wrong_values_of_every_option_are_refused_with_their_place(section, name, directory):
    path = directory / "a.conf"
    refused = 0
    for value in VALUES:
        path.write_bytes(f"{section}\n{name} = {value}\n".encode("latin-1"))
        done = check_config(path)
        assert done.returncode in (0, 2), (value, done)
        if done.returncode == 2:
            refused += 1
            places = str(path), name, f"flowagent: {value}:"  # the last one: a file that the option names
            assert any(place.encode() in done.stderr for place in places), (value, done.stderr)
            assert len(done.stderr) < 2000
    assert refused > 0


def test_files_that_are_no_configuration(directory):
    path = directory / "a.conf"
    for content in b"[agent]\nmax-flows = " + b"9" * (10 << 20), bytes(range(256)) * 4096, b"\0" * 1000:
        path.write_bytes(content)
        done = check_config(path, BUILD)
        assert done.returncode == 2 and str(path).encode() in done.stderr, done
        assert len(done.stderr) < 2000
    folder = check_config(directory, BUILD)
    assert folder.returncode == 2 and b"directory" in folder.stderr.lower(), folder
    path.write_text("[agent]\n")
    path.chmod(0)
    unreadable = subprocess.run(
        [BUILD / "flowagent", "--check-config", "--config", path], user=STRANGER, group=STRANGER, extra_groups=[],
        capture_output=True, timeout=PATIENCE_S, env=ENVIRONMENT,
    )  # fmt: skip
    assert unreadable.returncode == 2 and b"Permission denied" in unreadable.stderr, unreadable


@pytest.mark.parametrize(
    "option", ["config", "networks-file", "applications-file", "hash-key-file", "asn-table", "ca", "certificate", "key", "summary"]
)
def test_named_pipes_are_not_waited_for(option, directory):
    """Nobody writes to it, or reads what is written."""
    pipe = directory / "pipe"
    os.mkfifo(pipe)
    words = {
        "ca": f"--collector=127.0.0.1:4740,transport=tls,ca={pipe}",
        "certificate": f"--collector=127.0.0.1:4740,transport=tls,certificate={pipe}",
        "key": f"--collector=127.0.0.1:4740,transport=tls,certificate=/dev/null,key={pipe}",
    }
    for check in ["--check-config"], ["--control=none"]:
        if option == "summary" and check == ["--check-config"]:
            continue  # writes nothing
        done = subprocess.run(
            [BUILD / "flowagent", *check, "--read", CAPTURE, words.get(option, f"--{option}={pipe}")],
            capture_output=True, text=True, timeout=PATIENCE_S, env=ENVIRONMENT,
        )  # fmt: skip
        assert done.returncode in (1, 2) and str(pipe) in done.stderr, done
        assert ("No such device" if option == "summary" else "expected a") in done.stderr, done


def test_what_a_shell_hands_over_is_read():
    """<(...) is a pipe as well, but somebody writes to it."""
    done = subprocess.run(
        ["bash", "-c", f"{BUILD / 'flowagent'} --check-config --config <(echo '[agent]'; echo 'max-flows = x')"],
        capture_output=True, text=True, timeout=PATIENCE_S, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 2 and ":2: max-flows" in done.stderr, done
    done = subprocess.run(
        ["bash", "-c", f"{BUILD / 'flowagent'} --check-config --networks-file <(echo 64500,192.0.2.0/24; echo x)"],
        capture_output=True, text=True, timeout=PATIENCE_S, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 2 and "lines that cannot be read: 1 of 2" in done.stderr, done


def test_no_secret_is_shown(site, flowagent, agentctl, directory):  # noqa: F811
    """The path of a key is told where that helps; what is in it is told nowhere."""
    secret = "VERY-SECRET-BYTES"
    key = directory / "key.pem"
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")
    agent = flowagent(
        "--nflog", "40", "-n", f"127.0.0.1:4740,transport=tls,certificate={key},key={key}", host=site.host
    )
    wait_until(lambda: agent.process.poll() is not None or agent.control.exists(), "its start or end")
    shown = agent.errors
    if agent.process.poll() is None:
        for words in ("show", "config"), ("show", "status"), ("show", "collectors"):
            shown += json.dumps(agentctl(agent).rows(*words))
        agent.stop()
    assert shown and secret not in shown
