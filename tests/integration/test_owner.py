"""Whose flows they are: the user and the unit of the socket at this host's end, in both directions.

Two services and a container on the server, each of a user and in a control group of its own: one answers TCP and UDP, the container asks, and the
other service does both. The rules log what comes in at prerouting and what goes out at postrouting.
"""

import collections
import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

import ledger
from conftest import Hosts
from firewalls import Nft
from pcap_reader import count_flows
from test_watch import Watch
from traffic import family_of
from waiting import PATIENCE_S, wait_until

SERVING, ASKING, MAILING = USERS = 1001, 1002, 1003
PORT, REMOTE_PORT, COUNT, PAYLOAD, SHORT = 7001, 7002, 4, 100, 1000
MAIL_PORT, MAIL_REMOTE_PORT = 7003, 7004
TCP, UDP, ICMP = 6, 17, 1
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


def switch_user(user):
    """Of this thread alone: the system call, not the C library's function, which is of all threads."""
    os.setgroups([])
    os.setresuid(user, user, user)


class Service:
    """A process of a user on a host, which does what it is told: sockets are of the user that opens them, and of the group
    that he is in then."""

    def __init__(self, cleanup, host, user, work, group=None):
        self._ready, ready = os.pipe()
        go, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._ready)
                os.close(self._go)
                if group:
                    (group / "cgroup.procs").write_text("0")
                with host.entered():
                    switch_user(user)
                    work(lambda: os.write(ready, b"."), lambda: os.read(go, 1))
                    os._exit(0)  # here: only root can go home
            finally:
                os._exit(1)
        os.close(ready)
        os.close(go)
        cleanup.callback(self.end)

    def wait_until_ready(self):
        assert os.read(self._ready, 1) == b".", "the service has failed"

    def end(self):
        """Those that are forked later have its pipe as well: they end first."""
        os.close(self._go)
        os.close(self._ready)
        _, status = os.waitpid(self.pid, 0)
        assert status == 0


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def serve(address, port):
    """Answer TCP and UDP at (address, port) until told to end."""

    def work(ready, wait):
        listening = socket.create_server((address, port), family=family_of(address), backlog=128)
        datagrams = socket.socket(family_of(address), socket.SOCK_DGRAM)
        datagrams.bind((address, port))

        def accept():
            while True:
                threading.Thread(target=echo, args=(listening.accept()[0],), daemon=True).start()

        def answer():
            while True:
                data, peer = datagrams.recvfrom(65536)
                datagrams.sendto(data, peer)

        for task in accept, answer:
            threading.Thread(target=task, daemon=True).start()
        ready()
        wait()

    return work


def ask_tcp(target, source=None):
    """Returns the socket, as ask_udp() does."""
    connection = socket.create_connection(target, PATIENCE_S, source_address=source)
    for _ in range(COUNT):
        connection.sendall(b"q" * PAYLOAD)
        received = 0
        while received < PAYLOAD:
            received += len(connection.recv(65536))
    return connection


def ask_udp(target, source=None):
    asking = socket.socket(family_of(target[0]), socket.SOCK_DGRAM)
    asking.settimeout(PATIENCE_S)
    if source:
        asking.bind(source)
    for _ in range(COUNT):
        asking.sendto(b"q" * PAYLOAD, target)
        asking.recvfrom(65536)
    return asking


def ask_all(target):
    """A client that asks by TCP and by UDP, and lives until it is told to end."""

    def work(ready, wait):
        with ask_tcp(target), ask_udp(target):
            ready()
            wait()

    return work


def serve_and_ask(address, port, target):
    """Both in one service."""
    answer, ask = serve(address, port), ask_all(target)
    return lambda ready, wait: answer(lambda: None, lambda: ask(ready, wait))


class Traffic:
    """All have had a dialogue by TCP and by UDP with the remote host, and are still there."""

    def __init__(self, cleanup, hosts, family, groups=None):
        here, there = Hosts.SERVER[family], Hosts.REMOTE[family]
        groups = groups or dict.fromkeys(USERS)
        self.serving = Service(cleanup, hosts.server, SERVING, serve(here, PORT), groups[SERVING])
        remotes = [Service(cleanup, hosts.internet, 0, serve(there, port)) for port in (REMOTE_PORT, MAIL_REMOTE_PORT)]
        for service in self.serving, *remotes:
            service.wait_until_ready()
        both = serve_and_ask(here, MAIL_PORT, (there, MAIL_REMOTE_PORT))
        self.mailing = Service(cleanup, hosts.server, MAILING, both, groups[MAILING])
        asks = ask_all((there, REMOTE_PORT))
        self.asking = Service(cleanup, hosts.server, ASKING, asks, groups[ASKING])
        self.mailing.wait_until_ready()
        self.asking.wait_until_ready()
        with hosts.internet.entered():
            for port in PORT, MAIL_PORT:
                ask_tcp((here, port), (there, 0)).close()
                ask_udp((here, port), (there, 0)).close()


USER_OF_PORT = {PORT: SERVING, REMOTE_PORT: ASKING, MAIL_PORT: MAILING, MAIL_REMOTE_PORT: MAILING}


def user_of_ports(*ports):
    """Who has caused a flow, or None."""
    return next((USER_OF_PORT[port] for port in ports if port in USER_OF_PORT), None)


def user_of(row):
    return user_of_ports(row["sourceTransportPort"], row["destinationTransportPort"])


def flows_of(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [row for row in map(json.loads, lines) if row["type"] == "flow"]


def start(hosts, flowagent, *options):
    Nft().install(hosts.server, "eth0")
    agent = flowagent("-g", "40", *options, host=hosts.server)
    agent.wait_for_group()
    return agent


def start_bpf(hosts, flowagent, *options):
    agent = flowagent("--bpf", "eth0", *options, host=hosts.server)
    agent.wait_until(lambda: "reading bpf:" in agent.errors, "program attached")
    agent.wait_for_control()
    return agent


SOURCES = pytest.mark.parametrize("begin", [start, start_bpf], ids=["nflog", "bpf"])


@SOURCES
@FAMILIES
def test_both_directions_have_the_user(cleanup, hosts, flowagent, directory, family, begin):
    """The name is that of /etc/passwd, else the number; where no socket is known, it is empty, and never root."""
    path = directory / "flows.json"
    agent = begin(hosts, flowagent, "-n", f"{path},version=json,fields=default+userName")
    Traffic(cleanup, hosts, family)
    hosts.internet.run("ping", "-n", "-c", "2", Hosts.SERVER[family])
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    names = collections.defaultdict(set)
    for row in flows_of(path):
        names[user_of(row), row["protocolIdentifier"], row["flowDirection"]].add(row["userName"])
    for user in USERS:
        for protocol in TCP, UDP:
            for direction in 0, 1:
                assert names.pop((user, protocol, direction)) == {str(user)}
    assert set().union(*names.values()) == {""}  # the answers to ping are the kernel's


def test_agentctl_shows_and_sums_users(cleanup, hosts, flowagent, agentctl):
    agent = start(hosts, flowagent, "--owner", "uid")
    tool = agentctl(agent)
    Traffic(cleanup, hosts, 0)
    sent = wait_until(
        lambda: {row["uid"]: row["packets"] for row in tool.rows("show", "flows", "--by", "uid")
                 if row["uid"] is not None and row["packets"] >= 2 * COUNT},
        "packets of users",
    )  # fmt: skip
    assert set(USERS) <= set(sent)
    rows = tool.rows("show", "flows", f"uid={SERVING}", "-o", "uid,src_port,dst_port")
    assert rows
    assert all(row["uid"] == SERVING and PORT in (row["src_port"], row["dst_port"]) for row in rows)
    assert tool.rows("show", "flows", "uid=0") == []


def test_filter_of_a_collector_knows_users(cleanup, hosts, flowagent, directory):
    """No option asks for owners: the filter does."""
    path = directory / "flows.json"
    agent = start(hosts, flowagent, "-n", f"{path},version=json,filter=uid={ASKING}")
    Traffic(cleanup, hosts, 0)
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    rows = flows_of(path)
    assert {user_of(row) for row in rows} == {ASKING}
    assert len(rows) == 4


def test_without_the_option_nobody_is_asked(hosts, flowagent, agentctl):
    agent = start(hosts, flowagent)
    for name in "uid", "unit":
        for words in [f"{name}=1"], ["--by", name], ["-o", name]:
            done = agentctl(agent).run("show", "flows", *words)
            assert done.returncode != 0
            assert f"flows have no {name}" in done.stderr
            assert f"owner={name}" in done.stderr


UNITS = {SERVING: "web.service", ASKING: "docker-0123456789ab", MAILING: "mail.service"}


@pytest.fixture
def groups(cleanup):
    """{user: directory of a control group}: two services of systemd, and a container, by their names."""
    root = next((path for path in map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"))
                 if (path / "cgroup.procs").exists()), None)  # fmt: skip
    if not root:
        pytest.skip("no cgroup v2")
    top = root / f"flowagent-test-{os.getpid()}"
    paths = {user: top / unit for user, unit in UNITS.items()}
    paths[ASKING] = top / f"docker-{'0123456789abcdef' * 4}.scope"
    try:
        top.mkdir()
    except OSError:
        pytest.skip("control groups cannot be made here")
    cleanup.callback(top.rmdir)
    for path in paths.values():
        path.mkdir()
        cleanup.callback(path.rmdir)
    return paths


def amounts(rows):
    """{name: (packets, bytes)}, of rows with these."""
    sums = collections.Counter()
    for name, packets, octets in rows:
        sums[name, "packets"] += packets
        sums[name, "bytes"] += octets
    return dict(sums)


@FAMILIES
@pytest.mark.parametrize("version", [9, 10])
def test_nfacctd_names_units(cleanup, hosts, flowagent, nfacctd, agentctl, tcpdump, directory, groups, family, version):
    """Its table by class has the packets and bytes that each unit has exchanged, as a capture at the other end says; what is nobody's is
    unknown."""
    wire = tcpdump(hosts.internet, "eth0", "tcp or udp", snap_length=128)
    path = directory / "flows.json"
    pmacct = nfacctd(Hosts.COLLECTOR[0], 3000, hosts.collector, aggregate="class, proto")
    agent = start(hosts, flowagent, "-n", f"{Hosts.COLLECTOR[0]}:3000,version={version}",
                  "-n", f"{path},version=json", "--owner", "unit", "--inactive-timeout", "1h", "--active-timeout", "1h")  # fmt: skip
    Traffic(cleanup, hosts, family, groups)
    hosts.internet.run("ping", "-n", "-c", "2", Hosts.SERVER[family])

    def seen():
        rows = agentctl(agent).rows("show", "flows", "--by", "unit")
        return amounts((row["unit"], row["packets"], row["bytes"]) for row in rows if row["unit"])

    def captured():
        counters = count_flows(wire.packets()).table.counters().items()
        named = [(UNITS.get(user_of_ports(*key[3:5])), *counts) for key, counts in counters]
        return amounts(row for row in named if row[0])

    on_the_wire = wait_until(lambda: (amount := captured()) == seen() and amount, "what the wire has carried")
    assert {name for name, _ in on_the_wire} == set(UNITS.values())
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    rows = flows_of(path)
    sent = amounts((UNITS.get(user_of(row), "unknown"), row["packetDeltaCount"], row["octetDeltaCount"]) for row in rows)
    assert {name for name, _ in sent} == {*UNITS.values(), "unknown"}
    assert {name: amount for name, amount in sent.items() if name[0] != "unknown"} == on_the_wire
    for row in rows:
        assert row.get("applicationName") == UNITS.get(user_of(row))
    wait_until(
        lambda: amounts((row["class"], row["packets"], row["bytes"]) for row in pmacct.rows()) == sent,
        f"nfacctd's table by class, {sent}",
    )


def check_metrics(tool):
    """What has left the cache, by unit and direction, adds up to all that has."""
    def samples():
        done = tool.run("metrics")
        assert done.returncode == 0, done.stderr
        lines = [line.rsplit(" ", 1) for line in done.stdout.splitlines() if line.startswith("flowagent_unit_")]
        return {name: int(value) for name, value in lines}

    assert tool.run("flush").returncode == 0
    wanted = [f'flowagent_unit_{way}_packets_total{{unit="{unit}"}}' for unit in UNITS.values() for way in ("sent", "received")]
    found = wait_until(lambda: (has := samples()) and all(has.get(name, 0) >= 2 * COUNT for name in wanted) and has, wanted)
    packets = sum(value for name, value in found.items() if "_packets_" in name)
    assert packets == sum(source["packets_read"] for source in tool.rows("show", "sources"))


def test_agentctl_shows_units(cleanup, hosts, flowagent, agentctl, groups):
    """Also of flows that are still cached, in both directions; a unit that is gone keeps its name."""
    agent = start(hosts, flowagent, "--owner", "unit")
    tool = agentctl(agent)
    Traffic(cleanup, hosts, 0, groups)
    wanted = {(UNITS[user], user) for user in UNITS}
    wait_until(lambda: wanted == {(row["unit"], row["uid"]) for row in tool.rows("show", "flows", "--by", "unit,uid")},
               f"{wanted}")  # fmt: skip
    shown = tool.rows("show", "flows", "-o", "unit,src_port,dst_port,dir")
    assert {(row["unit"], row["dir"]) for row in shown} == {(unit, side) for unit in UNITS.values() for side in ("in", "out")}
    for user, unit in UNITS.items():
        (row,) = tool.rows("show", "flows", f"unit={unit}", "--by", "unit,uid")
        assert (row["unit"], row["uid"]) == (unit, user)
    check_metrics(tool)


def test_watch_shows_what_the_export_thread_has_found(cleanup, hosts, flowagent, agentctl, directory, groups):
    """Of records that leave: their sockets may be gone when the rows are written, and are not asked about again."""
    agent = start(hosts, flowagent, "--owner", "unit")
    watcher = Watch(agent, directory, f"unit={UNITS[SERVING]}")
    cleanup.callback(watcher.kill)
    here, there = Hosts.SERVER[0], Hosts.REMOTE[0]
    Service(cleanup, hosts.server, SERVING, serve(here, PORT), groups[SERVING]).wait_until_ready()

    def leaves():
        with hosts.internet.entered():
            ask_udp((here, PORT), (there, 0)).close()
        assert agentctl(agent).run("flush").returncode == 0
        return {(row["dir"], row["uid"], row["unit"]) for row in watcher.rows() if "unit" in row}

    wanted = {(side, SERVING, UNITS[SERVING]) for side in ("in", "out")}
    watcher.wait_until(lambda: leaves() == wanted, wanted)


@SOURCES
def test_short_connections(cleanup, hosts, flowagent, directory, groups, begin):
    """A thousand connections that last a moment, and are gone before their records leave. The server's socket still listens, so
    all are its unit's. Of a client's a BPF program has seen the unit, a log group the user: how much is unknown is printed."""
    path = directory / "flows.json"
    agent = begin(hosts, flowagent, "-n", f"{path},version=json,fields=default+userName", "--owner", "unit")
    here, there = Hosts.SERVER[0], Hosts.REMOTE[0]
    serving = Service(cleanup, hosts.server, SERVING, serve(here, PORT), groups[SERVING])
    remote = Service(cleanup, hosts.internet, 0, serve(there, REMOTE_PORT))
    serving.wait_until_ready()
    remote.wait_until_ready()

    def ask_often(ready, wait):
        for _ in range(SHORT):
            ask_tcp((there, REMOTE_PORT)).close()
        ready()
        wait()

    asking = Service(cleanup, hosts.server, ASKING, ask_often, groups[ASKING])
    with hosts.internet.entered():
        for _ in range(SHORT):
            ask_tcp((here, PORT), (there, 0)).close()
    asking.wait_until_ready()
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    of_user = collections.defaultdict(collections.Counter)
    for row in flows_of(path):
        of_user[user_of(row)][row["userName"], row.get("applicationName")] += 1
    assert set(of_user[SERVING]) == {(str(SERVING), UNITS[SERVING])}
    flows = sum(of_user[ASKING].values())
    assert flows >= 2 * SHORT  # a late packet makes another one
    assert {name for name, _ in of_user[ASKING]} == {str(ASKING)}
    assert {unit for _, unit in of_user[ASKING]} <= {UNITS[ASKING], None}
    unknown = of_user[ASKING][str(ASKING), None]
    if begin == start_bpf:
        assert not unknown
    print(f"units of {flows} flows of short connections of a client: {unknown / flows:.1%} unknown ({begin.__name__})")


SHORT_RATE, SHORT_S = 1000, int(os.environ.get("SHORT_SECONDS", 2))


def ask_paced(target, rate, count, source=None):
    """So many connections a second, or as many as this machine makes; each asks once and is closed."""
    begin = time.monotonic()
    for done in range(count):
        with contextlib.closing(socket.create_connection(target, PATIENCE_S, source_address=source)) as connection:
            connection.sendall(b"q" * PAYLOAD)
            received = 0
            while received < PAYLOAD:
                received += len(connection.recv(65536))
        time.sleep(max(0, begin + done / rate - time.monotonic()))  # the pace
    return count / (time.monotonic() - begin)


@SOURCES
def test_many_short_connections_by_class(cleanup, hosts, flowagent, agentctl, nfacctd, tcpdump, groups, begin):
    """A service that answers, a container and another service that ask, a thousand connections a second together: nfacctd's sums by class
    are what a capture at the other end has of each. How much is nobody's is printed; with a BPF program nothing is."""
    each = SHORT_RATE // 3
    wire = tcpdump(hosts.internet, "eth0", "tcp", snap_length=96)
    pmacct = nfacctd(Hosts.COLLECTOR[0], 3000, hosts.collector, aggregate="class, proto")
    agent = begin(hosts, flowagent, "-n", f"{Hosts.COLLECTOR[0]}:3000,version=10", "--owner", "unit", "-t", "tcp.fin=1s")
    here, there = Hosts.SERVER[0], Hosts.REMOTE[0]
    serving = Service(cleanup, hosts.server, SERVING, serve(here, PORT), groups[SERVING])
    remotes = [Service(cleanup, hosts.internet, 0, serve(there, port)) for port in (REMOTE_PORT, MAIL_REMOTE_PORT)]
    for service in serving, *remotes:
        service.wait_until_ready()

    def ask(port):
        def work(ready, wait):
            ask_paced((there, port), each, each * SHORT_S)
            ready()
            wait()

        return work

    clients = [
        Service(cleanup, hosts.server, user, ask(port), groups[user])
        for user, port in ((ASKING, REMOTE_PORT), (MAILING, MAIL_REMOTE_PORT))
    ]
    with hosts.internet.entered():
        rate = ask_paced((here, PORT), each, each * SHORT_S, (there, 0))
    for client in clients:
        client.wait_until_ready()

    def captured():
        counters = count_flows(wire.packets()).table.counters().items()
        return amounts((UNITS[user_of_ports(*key[3:5])], *counts) for key, counts in counters)

    wait_until(lambda: agentctl(agent).statistics()["packets_read"] >= sum(n for (_, what), n in captured().items() if what == "packets"),
               "what the wire has carried")  # fmt: skip
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0
    on_the_wire = captured()
    whole = sum(on_the_wire.values())

    def of_tcp():
        return amounts((row["class"], row["packets"], row["bytes"]) for row in pmacct.rows() if row["ip_proto"] == "tcp")

    sent = summary["packets_exported"], summary["bytes_exported"]
    assert sum(sent) >= whole, (sent, on_the_wire)
    found = wait_until(lambda: sum(of_tcp().values()) == whole and of_tcp(), f"nfacctd's sums, {on_the_wire}; the agent has sent {sent}")
    nobodys = {what: found.pop(("unknown", what), 0) for what in ("packets", "bytes")}
    for key, amount in found.items():
        assert on_the_wire[key] - nobodys[key[1]] <= amount <= on_the_wire[key], key
    share = nobodys["packets"] / sum(n for (_, what), n in on_the_wire.items() if what == "packets")
    print(f"{3 * each * SHORT_S} connections, {3 * rate:.0f} a second: {share:.2%} of packets are of no unit ({begin.__name__})")
    if begin == start_bpf:
        assert found == on_the_wire


def test_flows_that_only_come_in_are_asked_about(cleanup, hosts, flowagent, directory, groups):
    """A service that gets datagrams and never answers, and a port at which nobody listens."""
    path = directory / "flows.json"
    agent = start(hosts, flowagent, "-n", f"{path},version=json,fields=default+userName", "--owner", "unit")
    here, there = Hosts.SERVER[0], Hosts.REMOTE[0]

    def take(ready, wait):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            sink.bind((here, PORT))
            ready()
            wait()

    Service(cleanup, hosts.server, SERVING, take, groups[SERVING]).wait_until_ready()
    with hosts.internet.entered():
        sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sending:
        sending.bind((there, 0))
        for port in PORT, PORT + 100:
            for _ in range(COUNT):
                sending.sendto(b"x" * PAYLOAD, (here, port))
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())
    rows = {(row["protocolIdentifier"], row["destinationTransportPort"]): row for row in flows_of(path)}
    known, unknown = rows[UDP, PORT], rows[UDP, PORT + 100]
    assert (known["userName"], known["applicationName"]) == (str(SERVING), UNITS[SERVING])
    assert (unknown["userName"], unknown["applicationId"]) == ("", None)
