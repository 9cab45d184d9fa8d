"""flowagent-bmp: sessions of routers to the table, against an independent reader; and to nfacctd."""

import collections
import re
import socket
import subprocess

import pytest

import asn_tables
import bmp_messages as bmp
import bmp_reader
import programs
import traffic
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from flows import FlowTable
from waiting import wait_until

CAPTURES = sorted((ROOT / "tests" / "wire" / "bmp").glob("*.pcap"))
EVERYTHING = ("--bogons", "--default-route", "--longest-ipv4", "32", "--longest-ipv6", "128")
TOOL = BUILD / "tests" / "asn_table_tool"
PEER1, PEER2 = bmp.peer("10.0.0.1", 65001), bmp.peer("10.0.0.2", 65002)
OWN = 64999


class Receiver(programs.Program):
    """The program, and what it has written."""

    count = 0

    def __init__(
        self, directory, *options, host=None, listen="127.0.0.1:0", routers=("127.0.0.0/8",)
    ):
        Receiver.count += 1
        self.table = directory / f"bmp-{Receiver.count}.table"
        self.status = directory / f"bmp-{Receiver.count}.prom"
        command = [BUILD / "flowagent-bmp", "-o", self.table, "--status", self.status]
        command += ["--interval", "100ms", "--listen", listen, *options]
        for router in routers:
            command += ["--router", router]
        super().__init__(f"flowagent-bmp-{Receiver.count}", command, directory, host)
        self.wait_until(self.status.exists, "a first status")
        self.port = int(re.search(r"listens on port (\d+)", self.errors).group(1))

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), 30, (source, 0))

    def wait_for(self, words, count=1):
        self.wait_until(lambda: self.errors.count(words) >= count, words)

    def tell(self, addresses=()):
        """asn_tables.tell() of the table that is there now."""
        return asn_tables.tell(TOOL, self.table, addresses)

    def wait_for_as(self, address, number):
        def check():
            return self.table.exists() and self.tell([address])[1][0][0] == number

        self.wait_until(check, f"AS {number} for {address}")

    def metrics(self):
        """{"name{labels}": value} of the status file."""
        lines = (line.rpartition(" ") for line in self.status.read_text().splitlines())
        return {name: int(value) for name, _, value in lines}

    def events(self):
        """{event: count} of all routers."""
        found = collections.Counter()
        for name, value in self.metrics().items():
            event = re.search(r'events_total.*event="(\w+)"', name)
            if event:
                found[event.group(1)] += value
        return found


@pytest.fixture
def receiver(cleanup, directory):
    """receiver(*options) starts flowagent-bmp, which takes routers from 127.0.0.0/8."""

    def start(*options, **where):
        program = Receiver(directory, *options, **where)
        cleanup.callback(program.kill)
        return program

    return start


def replay(program, sessions):
    """Each session from an address of its own; until all are read to their end."""
    for number, data in enumerate(sessions, 1):
        with program.connect(f"127.0.0.{number}") as router:
            router.sendall(data)
        program.wait_for("session ended", number)


@pytest.mark.parametrize("with_vrfs", [False, True], ids=["main", "vrfs"])
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_table_equals_that_of_an_independent_reader(path, with_vrfs, receiver):
    """Prefixes, origins, peers, neighbours and next hops of every capture."""
    sessions = list(bmp_reader.sessions(path).values())
    expected = bmp_reader.table(sessions, with_vrfs)
    program = receiver(*EVERYTHING, *(["--vrfs"] if with_vrfs else []))
    if any(data[0] != 3 for data in sessions):
        with program.connect() as router:
            router.sendall(sessions[0])
            program.wait_for("BMP version 4, a draft; expected version 3 (RFC 7854)")
        assert not expected
        return
    replay(program, sessions)
    assert program.stop() == 0, program.errors
    events = program.events()
    assert events["damaged"] == sum(
        bmp_reader.Router(data, with_vrfs).damaged for data in sessions
    )
    kinds = [kind for data in sessions for kind, _ in bmp_reader.messages(data)]
    assert events["route_monitoring"] == kinds.count(bmp_reader.ROUTES)
    assert events["peer_up"] == kinds.count(bmp_reader.PEER_UP)
    if not expected:
        assert not program.table.exists()
        return
    (count4, count6, _), found = program.tell([prefix.network_address for prefix in expected])
    assert (count4, count6) == tuple(
        sum(prefix.version == version for prefix in expected) for version in (4, 6)
    )
    for prefix, row in zip(expected, found):
        longest = max(
            (other for other in expected
             if other.version == prefix.version and prefix.network_address in other),
            key=lambda other: other.prefixlen,
        )  # fmt: skip
        want = expected[longest]
        assert row == (want.origin, longest.prefixlen, want.peers, want.neighbour, want.next_hop)


@pytest.mark.parametrize(
    "name, routes, prefixes", [("201", 235, 51), ("204", 28, 28), ("205", 142, 48)]
)
def test_the_independent_reader_counts_as_tshark_does(name, routes, prefixes):
    """The numbers are those of unicast routes that tshark 4.0.17 shows, less what is withdrawn."""
    (path,) = (path for path in CAPTURES if f"pmacct-{name}-" in path.name)
    (data,) = bmp_reader.sessions(path).values()
    router = bmp_reader.Router(data, with_vrfs=True)
    kept = [key for peer in router.peers.values() for view in peer.routes.values() for key in view]
    assert (len(kept), len({prefix for prefix, _ in kept})) == (routes, prefixes)


def begin(*peers):
    return bmp.initiation() + b"".join(
        bmp.peer_up(header, OWN, 65000 + number) for number, header in enumerate(peers, 1)
    )


def end(*peers):
    return b"".join(bmp.end_of_rib(header, family) for header in peers for family in (4, 6))


NET, OTHER_NET, NET6 = "198.51.100.0/24", "203.0.113.0/24", "2001:db8:1::/48"
ADDRESS, OTHER_ADDRESS, ADDRESS6 = "198.51.100.7", "203.0.113.7", "2001:db8:1::7"


def test_a_withdrawal_leaves_what_others_have(receiver):
    """Also one of a peer's own, a peer that goes down, and routes that never were there."""
    program = receiver(*EVERYTHING)
    with program.connect() as router:
        router.sendall(
            begin(PEER1, PEER2)
            + bmp.announce(PEER1, [NET], [65001, 64500], "192.0.2.1")
            + bmp.announce(PEER2, [NET, OTHER_NET], [65002, 65003, 64501], "192.0.2.2")
            + bmp.announce(PEER2, [NET6], [65002, 64502], "2001:db8::2")
            + end(PEER1, PEER2)
        )
        program.wait_for_as(ADDRESS6, 64502)
        # as many peers: the lowest origin
        counts, rows = program.tell([ADDRESS, OTHER_ADDRESS, ADDRESS6])
        assert counts == (2, 1, 2)
        assert [(row[0], row[2], row[3], str(row[4])) for row in rows] == [
            (64500, 2, 65001, "192.0.2.1"),
            (64501, 1, 65002, "192.0.2.2"),
            (64502, 1, 65002, "2001:db8::2"),
        ]
        router.sendall(bmp.withdraw(PEER1, [NET, OTHER_NET]))
        program.wait_for_as(ADDRESS, 64501)
        router.sendall(bmp.announce(PEER1, [NET], [65001, 64500]))
        program.wait_for_as(ADDRESS, 64500)
        router.sendall(bmp.peer_down(PEER1))
        program.wait_for_as(ADDRESS, 64501)
        router.sendall(bmp.announce(PEER2, [NET], [65002, 64509]))
        program.wait_for_as(ADDRESS, 64509)
    program.wait_for("session ended")
    assert program.stop() == 0, program.errors
    assert program.events()["unknown_withdrawn"] == 1


def test_what_runs_is_shown(receiver):
    """Peers, prefixes, ages and what was wrong."""
    program = receiver(*EVERYTHING)

    def show(path=program.status):
        return run("--show", "--status", path)

    assert "no router has connected yet" in show().stdout
    with program.connect("127.0.0.7") as router:
        damaged = bmp.announce(PEER1, [NET], [65001, 64500])
        router.sendall(
            begin(PEER1, PEER2) + bmp.announce(PEER1, [NET], [65001, 64500]) + end(PEER1)
            + damaged[:6] + bytes(20) + damaged[26:48] + b"\xff" * len(damaged[48:])
        )  # fmt: skip
        wait_until(lambda: "1 messages that are damaged" in show().stdout, "the damaged message")
        lines = show().stdout.splitlines()
        (row,) = [line.split() for line in lines if re.match(r"127\.0\.0\.7 .* (up|filling) ", line)]
        assert row[1:5] == ["filling", "2", "1", "0"], lines
        peers = [line.split()[2:] for line in lines if re.search(r" 127\.0\.0\.7 +global ", line)]
        assert sorted(peers) == [["global", "filling", "0", "0"], ["global", "up", "1", "0"]], lines
        router.sendall(end(PEER2))
        program.wait_for_as(ADDRESS, 64500)
        wait_until(lambda: "1 IPv4 and 0 IPv6 prefixes" in show().stdout, "the table")
        assert re.search(r"written \d+s ago", show().stdout)
    wait_until(lambda: re.search(r"^127\.0\.0\.7 +down +2 +1 ", show().stdout, re.M), "the end of the session")
    assert len(re.findall(r" 127\.0\.0\.7 +global +down ", show().stdout)) == 2
    assert program.stop() == 0, program.errors

    done = show(program.table)
    assert (done.returncode, "no status of flowagent-bmp" in done.stderr) == (1, True), done
    done = show("/none")
    assert (done.returncode, "/none" in done.stderr) == (1, True), done


def test_a_table_that_loses_much_stays(receiver):
    program = receiver(*EVERYTHING)
    with program.connect() as router:
        router.sendall(
            begin(PEER1) + bmp.announce(PEER1, [NET, OTHER_NET], [65001, 64500]) + end(PEER1)
        )
        program.wait_for_as(ADDRESS, 64500)
        router.sendall(bmp.withdraw(PEER1, [OTHER_NET]))
        program.wait_for("has 2 IPv4 prefixes, the new one would have 1 only; it stays as it is")
        router.sendall(bmp.withdraw(PEER1, [NET]))
        program.wait_for("no prefixes: nothing is written")
        program.wait_for_as(OTHER_ADDRESS, 64500)
        router.sendall(bmp.announce(PEER1, [NET, OTHER_NET], [65001, 64501]))
        program.wait_for_as(OTHER_ADDRESS, 64501)
    assert program.stop() == 0, program.errors
    assert program.metrics()["flowagent_bmp_tables_refused_total"] >= 2


def test_what_a_table_leaves_out_is_logged(receiver):
    program = receiver("--longest-ipv4", "32", "--bogons", "--least-peers", "2")
    with program.connect() as router:
        both = [bmp.announce(peer, [NET], [65001, 64500]) for peer in (PEER1, PEER2)]
        one = bmp.announce(PEER1, [OTHER_NET], [65001, 64500])
        nobody = bmp.announce(PEER1, ["192.0.2.0/32"], [65001, 23456])
        router.sendall(begin(PEER1, PEER2) + b"".join([*both, one, nobody]) + end(PEER1, PEER2))
        program.wait_for("skipped prefixes for which no peer has an origin: 1")
        program.wait_for("skipped prefixes that too few peers have: 1")
    assert program.stop() == 0, program.errors


def test_a_lost_session_keeps_its_routes_until_the_next_one_has_ended(receiver):
    program = receiver(*EVERYTHING, "--stale", "1h", "--force")
    first = begin(PEER1) + bmp.announce(PEER1, [NET, OTHER_NET], [65001, 64500]) + end(PEER1)
    with program.connect("127.0.0.1") as router:
        router.sendall(first)
        program.wait_for_as(ADDRESS, 64500)
    program.wait_for("session ended: the router closed it; its routes are kept for 1h")
    with program.connect("127.0.0.2") as other:
        other.sendall(begin(PEER1) + bmp.announce(PEER1, [NET6], [65001, 64502]) + end(PEER1))
        program.wait_for_as(ADDRESS6, 64502)
        assert [row[0] for row in program.tell([ADDRESS, OTHER_ADDRESS])[1]] == [64500, 64500]
        stale = 'flowagent_bmp_router_routes_stale{router="127.0.0.1",family="ipv4"}'
        with program.connect("127.0.0.1") as router:
            router.sendall(begin(PEER1) + bmp.announce(PEER1, [NET], [65001, 64501]))
            program.wait_until(lambda: program.metrics()[stale] == 1, "one of them stale")
            router.sendall(end(PEER1))
            program.wait_for_as(ADDRESS, 64501)
            program.wait_for_as(OTHER_ADDRESS, 0)
    assert program.stop() == 0, program.errors


def test_stale_routes_go_when_their_time_is_over(receiver):
    program = receiver(*EVERYTHING, "--stale", "100ms", "--force")
    with program.connect("127.0.0.2") as other:
        other.sendall(begin(PEER1) + bmp.announce(PEER1, [NET6], [65001, 64502]) + end(PEER1))
        with program.connect("127.0.0.1") as router:
            router.sendall(begin(PEER1) + bmp.announce(PEER1, [NET], [65001, 64500]) + end(PEER1))
            program.wait_for_as(ADDRESS, 64500)
        program.wait_for_as(ADDRESS, 0)
        assert program.tell([ADDRESS6])[1][0][0] == 64502
    assert program.stop() == 0, program.errors


def test_the_view_of_what_the_router_uses_counts(receiver):
    """Loc-RIB before post-policy before pre-policy; Adj-RIB-Out and VRFs never."""
    post = bmp.peer("10.0.0.1", 65001, flags=0x40)
    out = bmp.peer("10.0.0.1", 65001, flags=0x10)
    vrf = bmp.peer("10.0.0.1", 65001, kind=1, distinguisher=bytes(7) + b"\1")
    loc_rib = bmp.peer("0.0.0.0", OWN, kind=3)
    program = receiver(*EVERYTHING)
    with program.connect() as router:
        router.sendall(
            begin(PEER1, vrf)
            + bmp.announce(PEER1, [NET], [65001, 64500])
            + bmp.announce(out, [NET], [65001, 64510])
            + bmp.announce(vrf, [NET], [65001, 64511])
            + end(PEER1)
        )
        program.wait_for_as(ADDRESS, 64500)
        router.sendall(bmp.announce(post, [NET], [65001, 64501]) + end(post))
        program.wait_for_as(ADDRESS, 64501)
        router.sendall(begin(loc_rib) + bmp.announce(loc_rib, [NET], []) + end(loc_rib))
        program.wait_for_as(ADDRESS, OWN)
        assert program.tell([ADDRESS])[1][0][2:4] == (1, 0)
    assert program.stop() == 0, program.errors
    events = program.events()
    assert (events["adj_rib_out"], events["vrf"]) == (1, 2)


def test_path_identifiers_as_the_peers_have_agreed(receiver):
    """Two paths of one peer are one vote; the withdrawal of one leaves the other."""
    program = receiver(*EVERYTHING)
    paths = [(1, 1, 3), (2, 1, 3)]
    header = bmp.peer_up(PEER1, OWN, 65001, sent=paths, received=[(1, 1, 2)])
    with program.connect() as router:
        router.sendall(
            bmp.initiation()
            + header
            + bmp.announce(PEER1, [(NET, 1)], [65001, 64500], has_ids=True)
            + bmp.announce(PEER1, [(NET, 2)], [65001, 65003, 64499], has_ids=True)
            + bmp.announce(PEER1, [NET6], [65001, 64502], "2001:db8::1")  # not agreed for IPv6
            + end(PEER1)
        )
        program.wait_for_as(ADDRESS6, 64502)
        assert program.tell([ADDRESS])[1][0][:3] == (64500, 24, 1)
        router.sendall(bmp.withdraw(PEER1, [(NET, 1)], has_ids=True))
        program.wait_for_as(ADDRESS, 64499)
    assert program.stop() == 0, program.errors
    assert program.events()["damaged"] == 0


def damaged_messages():
    update = bmp.announce(PEER1, [OTHER_NET], [65001, 64509])
    whole = update[6:]
    yield bmp.message(0, whole[:40])  # the peer's header is cut
    yield bmp.message(0, whole[:60])  # the UPDATE is
    yield bmp.message(0, whole[:-1])
    yield bmp.message(0, whole[:-4] + b"\x21" + whole[-3:])  # a mask of 33
    yield bmp.message(0, PEER1 + bmp.bgp(4, b""))  # KEEPALIVE
    yield bmp.message(0, PEER1 + bmp.bgp(2, b"\0\0\0\x05\x40\x02\x09\2\1"))  # path too long
    yield bmp.message(3, PEER1 + bytes(20) + bmp.open_message(OWN)[:-2])
    yield bmp.message(2, PEER1)  # no reason
    yield bmp.message(4, b"\0\2\0\x09r")  # a TLV that is cut
    yield bmp.message(0)


def test_damaged_messages_cost_themselves_only(receiver):
    damaged = list(damaged_messages())
    program = receiver(*EVERYTHING)
    with program.connect() as router:
        router.sendall(
            begin(PEER1)
            + b"".join(damaged)
            + bmp.message(99, b"of the future")
            + bmp.announce(PEER1, [NET], [65001, 64500])
            + end(PEER1)
        )
        program.wait_for_as(ADDRESS, 64500)
        assert program.tell()[0] == (1, 0, 1)
    assert program.stop() == 0, program.errors
    events = program.events()
    assert (events["damaged"], events["unknown_type"]) == (len(damaged), 1)
    assert "damaged: one of the messages with routes, of 46 bytes" in program.errors


@pytest.mark.parametrize(
    "data, words",
    [
        (b"GET / HTTP/1.1\r\n", "first byte 71: no BMP; expected version 3 (RFC 7854)"),
        (bmp.message(4, version=4), "BMP version 4, a draft; expected version 3 (RFC 7854)"),
        (b"\3\0\0\0\5\4", "a message of 5 bytes; expected 6 to 1048576"),
        (b"\3\x7f\xff\xff\xff\0", "a message of 2147483647 bytes; expected 6 to 1048576"),
        (bmp.termination(4), "the router ended the session: permanently closed"),
        (bmp.initiation()[:-3], "the router closed it"),
    ],
    ids=["http", "version 4", "short", "long", "termination", "cut"],
)
def test_sessions_that_end(data, words, receiver):
    """By what came, or where it was cut: named, and the routes stay. Others are served on."""
    program = receiver(*EVERYTHING)
    good = begin(PEER1) + bmp.announce(PEER1, [NET], [65001, 64500]) + end(PEER1)
    with program.connect("127.0.0.2") as other:
        other.sendall(begin(PEER1) + end(PEER1))
        with program.connect() as router:
            router.sendall(good)
            program.wait_for_as(ADDRESS, 64500)
            router.sendall(data)
            if words == "the router closed it":
                router.shutdown(socket.SHUT_WR)
            program.wait_for(f"127.0.0.1: session ended: {words}")
            assert router.recv(1) == b""
        other.sendall(bmp.announce(PEER1, [NET6], [65001, 64502], "2001:db8::1"))
        program.wait_for_as(ADDRESS6, 64502)
        assert program.tell([ADDRESS])[1][0][0] == 64500
    assert program.stop() == 0, program.errors


def test_who_may_connect(receiver):
    """Only --router; a second session of a router takes the place of the first."""
    program = receiver(routers=["127.0.0.0/8", "::1"], listen="[::]:0")
    with socket.create_connection(("::1", program.port), 30):
        program.wait_for("::1: session begins")
    with program.connect() as router, program.connect() as next_one:
        program.wait_for("127.0.0.1: session ended: the router has begun another one")
        assert router.recv(1) == b""
        next_one.sendall(bmp.initiation("edge"))
        name = 'flowagent_bmp_router_up{router="127.0.0.1",name="edge"}'
        program.wait_until(lambda: program.metrics().get(name) == 1, name)
    assert program.stop() == 0, program.errors


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("", "nothing to write; expected --output"),
        ("-o x", "no router may connect; expected --router"),
        ("-o x -r 192.0.2.1 more", "arguments without an option: none are expected"),
        ("-o x -r nowhere", "--router nowhere: expected at most 64 of ADDRESS or NETWORK/MASK"),
        ("-o x -r 192.0.2.1 -l ::1:1790", "--listen ::1:1790: expected"),
        ("-o x -r 192.0.2.1 -l 70000", "--listen 70000: expected"),
        ("-o x -r 192.0.2.1 --interval 0", "--interval 0: expected a time as 90s or 5m"),
        ("-o x -r 192.0.2.1 --most-routes 1", "--most-routes 1: expected a number from 1000 to"),
        ("--rooter 192.0.2.1", "did you mean --router?"),
    ],
)
def test_usage(arguments, words):
    done = run(*arguments.split())
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_port_that_is_taken(receiver, directory):
    first = receiver()
    done = run("-o", directory / "x", "-r", "::1", "-l", f"127.0.0.1:{first.port}")
    assert (done.returncode, "Address already in use" in done.stderr) == (1, True), done.stderr


def run(*arguments):
    return subprocess.run(
        [BUILD / "flowagent-bmp", *arguments],
        capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=programs.PATIENCE_S,
    )  # fmt: skip


def test_names_come_into_the_table(receiver, directory, host, flowagent, agentctl):
    names = directory / "names"
    names.write_text("64500 EXAMPLE Example, XX\n")
    program = receiver(*EVERYTHING, "--names", names)
    with program.connect() as router:
        router.sendall(begin(PEER1) + bmp.announce(PEER1, [NET], [65001, 64500]) + end(PEER1))
        program.wait_for_as(ADDRESS, 64500)
    agent = flowagent("-i", "lo", "--asn-table", program.table, host=host("machine"))
    tool = agentctl(agent)
    wait_until(lambda: tool.run("show", "status").returncode == 0, "the agent to answer")
    (row,) = tool.rows("show", "asn", ADDRESS)
    assert (row["as"], row["name"], row["prefix"]) == (64500, "EXAMPLE Example, XX", NET)


def test_others_are_refused(receiver):
    program = receiver(routers=["192.0.2.1", "127.0.0.2"])
    with program.connect() as stranger:
        assert stranger.recv(1) == b""
        program.wait_for("127.0.0.1: connection refused: not one of --router")
    with program.connect("127.0.0.2"):
        program.wait_for("127.0.0.2: session begins")
    assert program.stop() == 0, program.errors


ROUTES = {
    "192.0.2.0/24": (64500, "192.0.2.10"),
    "198.51.100.0/24": (64501, "198.51.100.7"),
    "203.0.113.0/24": (4200000001, "203.0.113.53"),
    "2001:db8:1::/48": (64510, "2001:db8:1::10"),
    "2001:db8:2::/48": (64511, "2001:db8:2::7"),
    "2001:db8:3::/48": (64512, "2001:db8:3::53"),
}
WITH_PEERS = "src_as, dst_as, src_host, dst_host, peer_src_as, peer_dst_as, peer_dst_ip"


def announce_all(header, add):
    for prefix, (number, _) in ROUTES.items():
        hop = "2001:db8::9" if ":" in prefix else "10.9.8.7"
        yield bmp.announce(header, [prefix], [65001, number + add], hop)


def test_from_a_router_to_nfacctd(hosts, receiver, flowagent, agentctl, nfacctd):
    """BMP, table, the agent swaps it, NFLOG, nfacctd with netflow and no file: AS, neighbours, next hops."""
    address = Hosts.COLLECTOR[0]
    program = receiver(*EVERYTHING, host=hosts.server, listen="[::]:0", routers=[Hosts.ROUTER[0]])
    with hosts.internet.entered():
        session = socket.create_connection((Hosts.SERVER[0], program.port), 30)
    session.sendall(begin(PEER1) + b"".join(announce_all(PEER1, 100)) + end(PEER1))
    program.wait_for_as("2001:db8:3::53", 64612)
    plain = nfacctd(address, 3001, hosts.collector)
    peers = nfacctd(address, 3002, hosts.collector, aggregate=WITH_PEERS)
    agent = flowagent(
        "--nflog", "40", "-n", f"{address}:3001", "-n", f"{address}:3002", "--inactive-timeout",
        "3600", "--active-timeout", "3600", "--asn-table", program.table, host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    tool = agentctl(agent)
    session.sendall(b"".join(announce_all(PEER1, 0)))
    for number, inside in ROUTES.values():
        wait_until(lambda: tool.rows("show", "asn", inside)[0]["as"] == number, "the new table")
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    known = FlowTable()
    for server, remote, other in zip(Hosts.SERVER, Hosts.REMOTE, Hosts.OTHER):
        traffic.udp_dialogue((hosts.server, server), (hosts.internet, remote), known, 20, 40, 200)
        traffic.udp_dialogue((hosts.internet, other), (hosts.server, server), known, 11, 1, 1400)
    wait_until(
        lambda: tool.statistics()["packets_read"] >= firewall.matched(hosts.server).packets,
        "the agent to read what the rule has matched",
    )
    assert agent.stop() == 0, agent.errors
    plain.wait_for_packets(firewall.matched(hosts.server).packets)
    _, as_numbers, _ = plain.flows()
    as_of = {inside: number for number, inside in ROUTES.values()}
    assert set(known.flows) <= set(as_numbers) and len(known.flows) == 8
    for key in known.flows:
        assert as_numbers[key] == (as_of[key.source], as_of[key.destination]), key

    def rows():
        return [row for row in peers.rows() if {row["ip_src"], row["ip_dst"]} <= set(as_of)]

    wait_until(lambda: len(rows()) == 8, "all flows in nfacctd")
    for row in rows():
        assert (row["as_src"], row["as_dst"]) == (as_of[row["ip_src"]], as_of[row["ip_dst"]])
        assert (row["peer_as_src"], row["peer_as_dst"]) == (65001, 65001)
        assert row["peer_ip_dst"] == ("2001:db8::9" if ":" in row["ip_dst"] else "10.9.8.7")
    session.close()
    assert program.stop() == 0, program.errors
