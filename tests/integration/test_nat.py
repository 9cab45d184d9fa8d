"""Addresses and ports before and after translation in one record: fields 225 to 228, 281 and 282, from conntrack.

inside eth0 10.1.0.2 -- eth0 10.1.0.1 router 192.0.2.1 eth1 -- eth0 192.0.2.2 outside. The router masquerades what goes
out, and hands what comes to its port 8080 to port 80 of inside. Its rule logs what comes in, before anything is translated.
"""

import json
import signal
import socket
import struct

import pytest

import ledger
import netns
import programs
import traffic
from flows import address_text
from netflow9 import DESTINATION_IPV4, DESTINATION_IPV6, DESTINATION_PORT, OCTETS, PACKETS, PROTOCOL
from netflow9 import SOURCE_IPV4, SOURCE_IPV6, SOURCE_PORT
from service_manager import ServiceManager
from test_columns import MAXIMUM_TTL, MINIMUM_TTL
from test_link_addresses import DESTINATION as DESTINATION_MAC
from test_link_addresses import SOURCE as SOURCE_MAC
from test_rights import NET_ADMIN, SERVICE, capabilities
from test_watch import Watch
from waiting import PATIENCE_S, wait_until

POST_SOURCE, POST_DESTINATION, POST_SOURCE_PORT, POST_DESTINATION_PORT = 225, 226, 227, 228
POST_SOURCE_IPV6, POST_DESTINATION_IPV6 = 281, 282
CHOSEN = (
    "fields=default+postNATSourceIPv4Address+postNATDestinationIPv4Address"
    "+postNAPTSourceTransportPort+postNAPTDestinationTransportPort"
)
NETLINK_NETFILTER, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE = 12, 1, 2
COUNT, PAYLOAD = 5, 100
IPV4 = {"inside": "10.1.0.2", "lan": "10.1.0.1", "router": "192.0.2.1", "outside": "192.0.2.2"}
IPV6 = {"inside": "fd00:1::2", "lan": "fd00:1::1", "router": "2001:db8::1", "outside": "2001:db8::2"}
FAMILIES = pytest.mark.parametrize("at", [IPV4, IPV6], ids=["ipv4", "ipv6"])
PRIMITIVES = """\
name=post_src field_type=281 len=16 semantics=ip
name=post_dst field_type=282 len=16 semantics=ip
"""
RULES = """
table inet test {
	chain logging {
		type filter hook prerouting priority raw; policy accept;
		meta l4proto { tcp, udp, icmp } log group 40 snaplen 128
		icmpv6 type { echo-request, echo-reply } log group 40 snaplen 128
	}
	chain before {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "eth1" meta nfproto ipv4 meta l4proto { tcp, udp } th dport 8080 dnat ip to 10.1.0.2:80
		iifname "eth1" meta nfproto ipv6 meta l4proto { tcp, udp } th dport 8080 dnat ip6 to [fd00:1::2]:80
	}
	chain after {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth1" meta l4proto udp masquerade to :20000-29999
		oifname "eth1" masquerade
	}
}
"""


class Network:
    def __init__(self, make_host):
        self.inside, self.router, self.outside = map(make_host, ("inside", "router", "outside"))
        netns.connect(
            (self.inside, "eth0", [IPV4["inside"] + "/24", IPV6["inside"] + "/64"]),
            (self.router, "eth0", [IPV4["lan"] + "/24", IPV6["lan"] + "/64"]),
        )
        netns.connect(
            (self.router, "eth1", [IPV4["router"] + "/24", IPV6["router"] + "/64"]),
            (self.outside, "eth0", [IPV4["outside"] + "/24", IPV6["outside"] + "/64"]),
        )
        for at in IPV4, IPV6:
            self.inside.ip("route", "add", "default", "via", at["lan"])
        self.router.sysctl("ipv4/ip_forward", 1)
        self.router.sysctl("ipv6/conf/all/forwarding", 1)
        self.router.run("nft", "-f", "-", input=RULES)

    def forget(self):
        """Have conntrack drop all connections, which reports each: a message that deletes none by name."""
        message = struct.pack("=IHHIIBBH", 20, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 5, 1, 0, 0, 0, 0)
        with self.router.entered():
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        with netlink:
            netlink.settimeout(PATIENCE_S)
            netlink.sendto(message, (0, 0))
            assert struct.unpack_from("=i", netlink.recv(100), 16) == (0,)
        assert self.router.run("cat", "/proc/net/nf_conntrack") == ""


@pytest.fixture
def network(host):
    return Network(host)


def bound(namespace, address, port=0):
    return traffic.bound_socket(namespace, address, socket.SOCK_DGRAM, port)


def dialogue(client, server, target):
    """COUNT datagrams each way. client, server: (namespace, address, port). Returns whom the client and the server see."""
    with bound(*client) as asking, bound(*server) as answering:
        for _ in range(COUNT):
            asking.sendto(b"q" * PAYLOAD, target)
            _, peer = answering.recvfrom(65536)
            answering.sendto(b"a" * PAYLOAD, peer)
            asking.recvfrom(65536)
        return asking.getsockname()[:2], answering.getsockname()[:2], peer[:2]


def size_of(address):
    return COUNT * ((40 if ":" in address else 20) + 8 + PAYLOAD)


def ends(values):
    """(source, destination) and (source, destination) after the translation, of a record."""
    is_ipv6 = SOURCE_IPV6 in values
    source, destination = (SOURCE_IPV6, DESTINATION_IPV6) if is_ipv6 else (SOURCE_IPV4, DESTINATION_IPV4)
    post_source, post_destination = (
        (POST_SOURCE_IPV6, POST_DESTINATION_IPV6) if is_ipv6 else (POST_SOURCE, POST_DESTINATION)
    )
    size = 16 if is_ipv6 else 4

    def text(value):
        return address_text(value if isinstance(value, bytes) else value.to_bytes(size, "big"))

    return (
        ((text(values[source]), values[SOURCE_PORT]), (text(values[destination]), values[DESTINATION_PORT])),
        (
            (text(values[post_source]), values[POST_SOURCE_PORT]),
            (text(values[post_destination]), values[POST_DESTINATION_PORT]),
        ),
    )


def start(network, flowagent, *collectors, options=()):
    words = [word for collector in collectors for word in ("-n", collector)]
    agent = flowagent("-g", "40", *words, *options, host=network.router)
    agent.wait_for_group()
    return agent


def stop(agent):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_lost"] == 0
    return {row["name"]: row for row in summary["collectors"]}


def records_of(sink, row):
    sink.wait_for_datagrams(row["datagrams_sent"])
    return [values for message in sink.messages() for values in message.flows]


def wait_for(agentctl, agent, packets):
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= packets, "all to be read")
    return control


def masquerade(network, at):
    """What is seen of one dialogue from inside: {(source, destination): after the translation}."""
    client, server, public = dialogue(
        (network.inside, at["inside"]), (network.outside, at["outside"], 53), (at["outside"], 53)
    )
    assert public[0] == at["router"] and 20000 <= public[1] <= 29999
    return {(client, server): (public, server), (server, public): (server, client)}


def dnat(network, at):
    """Likewise of one from outside."""
    target = (at["router"], 8080)
    client, server, peer = dialogue((network.outside, at["outside"]), (network.inside, at["inside"], 80), target)
    assert peer == client
    return {(client, target): (client, server), (server, client): (target, client)}


@FAMILIES
@pytest.mark.parametrize("make", [masquerade, dnat])
def test_a_record_has_the_addresses_before_and_after(make, at, network, flowagent, agentctl, collector):
    """In v9, IPFIX and JSON; a collector that has not asked gets the same sums without them."""
    sinks = {version: collector("127.0.0.1", 0, network.router) for version in (9, 10)}
    lines, other = (collector("127.0.0.1", 0, network.router) for _ in range(2))
    agent = start(
        network, flowagent,
        *(f"{sink.host_port},version={version},{CHOSEN}" for version, sink in sinks.items()),
        f"{lines.host_port},version=json,{CHOSEN}", f"{other.host_port},version=10",
    )  # fmt: skip
    expected = make(network, at)
    wait_for(agentctl, agent, 2 * COUNT)
    rows = stop(agent)
    for sink in sinks.values():
        records = records_of(sink, rows[sink.host_port])
        assert dict(map(ends, records)) == expected
        assert {(values[PACKETS], values[OCTETS]) for values in records} == {(COUNT, size_of(at["inside"]))}
    plain = records_of(other, rows[other.host_port])
    assert [(values[PACKETS], values[OCTETS]) for values in plain] == [(COUNT, size_of(at["inside"]))] * 2
    assert not any({POST_SOURCE, POST_SOURCE_IPV6, POST_SOURCE_PORT} & set(values) for values in plain)
    lines.wait_for_datagrams(rows[lines.host_port]["datagrams_sent"])
    written = [json.loads(line) for datagram in lines.datagrams for line in datagram.splitlines()]
    version = "IPv6" if ":" in at["inside"] else "IPv4"
    assert {
        (line[f"postNATSource{version}Address"], line["postNAPTSourceTransportPort"])
        for line in written
        if line["type"] == "flow"
    } == {source for source, _ in expected.values()}


POST_NAT = "post_nat_src", "post_nat_src_port", "post_nat_dst", "post_nat_dst_port"


def ends_shown(row):
    """As ends(), of a row of agentctl."""
    return (
        ((row["src"], row["src_port"]), (row["dst"], row["dst_port"])),
        ((row["post_nat_src"], row["post_nat_src_port"]), (row["post_nat_dst"], row["post_nat_dst_port"])),
    )


@FAMILIES
def test_agentctl_shows_the_translation(at, network, flowagent, agentctl, collector, cleanup, directory):
    """Of flows that are cached and of records that leave; what is not translated has null."""
    sink = collector("127.0.0.1", 0, network.router)
    agent = start(network, flowagent, f"{sink.host_port},version=10,fields=default+post_nat_src")
    expected = masquerade(network, at)
    network.inside.run("ping", "-c", COUNT, "-i", "0.01", "-W", 10, at["lan"])
    control = wait_for(agentctl, agent, 3 * COUNT)
    assert dict(map(ends_shown, control.rows("show", "flows", "proto=udp"))) == expected
    plain = control.rows("show", "flows", "proto!=udp", f"dst={at['lan']}", "-o", ",".join(POST_NAT))
    assert plain == [dict.fromkeys(POST_NAT)]
    sums = control.rows("show", "flows", "proto=udp", "--by", "postNATSourceIPv4Address,src_port")
    assert {(row["post_nat_src"], row["src_port"]): row["packets"] for row in sums} == {
        (after[0][0], before[0][1]): COUNT for before, after in expected.items()
    }
    top = control.rows("show", "flows", "proto=udp", "--sort", "post_nat_src_port:asc", "--top", "1")
    assert [row["post_nat_src_port"] for row in top] == [53]
    watcher = Watch(agent, directory, "proto=udp")
    cleanup.callback(watcher.kill)

    def leaves():
        """The first ones may leave before it watches."""
        expected.update(masquerade(network, at))
        assert control.run("flush").returncode == 0
        shown = dict(map(ends_shown, watcher.rows()))
        assert shown.items() <= expected.items()
        return shown

    watcher.wait_until(leaves, "records")


def test_translations_are_refused_where_no_collector_gets_them(network, flowagent, agentctl):
    agent = start(network, flowagent)
    refused = agentctl(agent).run("show", "flows", "-o", "post_nat_src")
    assert refused.returncode == 1
    assert "fields=default+post_nat_src" in refused.stderr
    assert not set(POST_NAT) & set().union(*agentctl(agent).rows("show", "flows"))


@FAMILIES
def test_tcp_and_ping_through_masquerade(at, network, flowagent, agentctl, collector):
    """A connection that has ended, and ICMP, which has no ports: also after conntrack has forgotten them."""
    sink = collector("127.0.0.1", 0, network.router)
    agent = start(network, flowagent, f"{sink.host_port},version=10,{CHOSEN}", options=("--inactive-timeout", "3600"))
    with network.outside.entered():
        listener = socket.create_server((at["outside"], 443), family=traffic.family_of(at["outside"]))
    with network.inside.entered():
        calling = socket.create_connection((at["outside"], 443), PATIENCE_S)
    with listener, calling:
        served, public = listener.accept()
        client = calling.getsockname()[:2]
        served.close()
        assert calling.recv(1) == b""
    network.inside.run("ping", "-c", COUNT, "-i", "0.01", "-W", 10, at["outside"])
    wait_for(agentctl, agent, 2 * COUNT + 8)
    network.forget()
    rows = stop(agent)
    records = records_of(sink, rows[sink.host_port])
    found = {ends(values)[0]: ends(values)[1] for values in records if values[PROTOCOL] == socket.IPPROTO_TCP}
    server = (at["outside"], 443)
    assert found == {(client, server): (public[:2], server), (server, public[:2]): (server, client)}
    pings = [ends(values) for values in records if values[PROTOCOL] in (1, 58)]
    assert {(before[0][0], before[1][0], after[0][0], after[1][0]) for before, after in pings} == {
        (at["inside"], at["outside"], at["router"], at["outside"]),
        (at["outside"], at["router"], at["outside"], at["inside"]),
    }


@FAMILIES
@pytest.mark.parametrize("how", ["restart", "takeover"])
def test_optional_data_goes_over_to_the_next_agent(how, at, network, flowagent, agentctl, collector, cleanup, directory):
    """Of a connection that has ended the kernel does not tell the next agent any more. Nor of link addresses and TTLs."""
    sink = collector("127.0.0.1", 0, network.router)
    fields = f"{CHOSEN}+minimumTTL+maximumTTL+sourceMacAddress+destinationMacAddress"
    words = ["-g", "40", "-n", f"{sink.host_port},version=10,{fields}", "--inactive-timeout", "3600"]
    manager = cleanup.enter_context(ServiceManager(directory)) if how == "restart" else None
    options = manager.options() if manager else {}
    agent = flowagent(*words, host=network.router, **options)
    agent.wait_for_group()
    expected = masquerade(network, at)
    wait_for(agentctl, agent, 2 * COUNT)
    network.forget()
    if manager:
        agent.signal(signal.SIGUSR2)
        assert agent.wait() == 0, agent.errors
        heir = flowagent(*words, host=network.router, control=agent.control, **manager.options())
    else:
        heir = flowagent(*words, "--handover", host=network.router, control=agent.control)
        assert agent.wait() == 0, agent.errors
    heir.wait_until(lambda: "reading nflog:40" in heir.errors, "ready")
    records = records_of(sink, stop(heir)[sink.host_port])
    assert dict(map(ends, records)) == expected
    for values in records:
        assert (values[PACKETS], values[MINIMUM_TTL], values[MAXIMUM_TTL]) == (COUNT, 64, 64)
        assert values[SOURCE_MAC] and values[DESTINATION_MAC]


@pytest.mark.parametrize("kills", [1, 3])
@pytest.mark.parametrize("is_same", [True, False])
def test_translations_outlive_a_kill(is_same, kills, network, flowagent, agentctl, collector, cleanup, directory):
    """Nobody tells the next agent of a connection that has ended: it finds it in memory that is kept."""
    sink = collector("127.0.0.1", 0, network.router)
    words = ["-g", "40", "-n", f"{sink.host_port},version=10,{CHOSEN}", "--inactive-timeout", "3600"]
    manager = cleanup.enter_context(ServiceManager(directory))
    agent = flowagent(*words, host=network.router, **manager.options())
    agent.wait_for_group()
    expected = masquerade(network, IPV4)
    wait_for(agentctl, agent, 2 * COUNT)
    network.forget()
    for number in range(kills):
        agent.process.kill()
        agent.wait()
        manager.messages.clear()
        more = [] if is_same else ["--max-flows", str(10000 + number)]
        agent = flowagent(*words, *more, host=network.router, control=agent.control, **manager.options())
        manager.wait_ready(agent)
        assert "what the kernel translated" not in agent.errors
        assert sum("translations" in name for name in manager.all_names()) == 1
    records = records_of(sink, stop(agent)[sink.host_port])
    assert dict(map(ends, records)) == expected
    assert not [name for name in manager.all_names() if "translations" in name]


def test_after_a_kill_what_is_not_known_is_said(network, flowagent, agentctl, collector, cleanup, directory):
    """The agent that was killed had nobody who wanted translations. The flows are there."""
    sink = collector("127.0.0.1", 0, network.router)
    target = f"{sink.host_port},version=10"
    words = ["-g", "40", "--inactive-timeout", "3600"]
    manager = cleanup.enter_context(ServiceManager(directory))
    agent = flowagent(*words, "-n", target, host=network.router, **manager.options())
    agent.wait_for_group()
    expected = masquerade(network, IPV4)
    wait_for(agentctl, agent, 2 * COUNT)
    network.forget()
    agent.process.kill()
    agent.wait()
    manager.messages.clear()
    heir = flowagent(*words, "-n", f"{target},{CHOSEN}", host=network.router, control=agent.control, **manager.options())
    manager.wait_ready(heir)
    assert "not known what the kernel translated" in heir.errors
    records = records_of(sink, stop(heir)[sink.host_port])
    nothing = ("0.0.0.0", 0)
    assert dict(map(ends, records)) == {seen: (nothing, nothing) for seen in expected}


def test_connections_that_were_there_before_the_agent(network, flowagent, agentctl, collector):
    """They are listed at the start: a flow that begins later has them."""
    sink = collector("127.0.0.1", 0, network.router)
    with bound(network.inside, IPV4["inside"]) as asking, bound(network.outside, IPV4["outside"], 53) as answering:
        asking.sendto(b"q", answering.getsockname())
        _, public = answering.recvfrom(100)
        agent = start(network, flowagent, f"{sink.host_port},version=10,{CHOSEN}")
        asking.sendto(b"q", answering.getsockname())
        answering.recvfrom(100)
        wait_for(agentctl, agent, 1)
        client, server = asking.getsockname(), answering.getsockname()
    rows = stop(agent)
    (values,) = records_of(sink, rows[sink.host_port])
    assert ends(values) == ((client, server), (public, server))


def test_what_is_not_translated_is_0(network, flowagent, agentctl, collector):
    sink = collector("127.0.0.1", 0, network.router)
    agent = start(network, flowagent, f"{sink.host_port},version=9,{CHOSEN}")
    dialogue((network.inside, IPV4["inside"]), (network.router, IPV4["lan"], 53), (IPV4["lan"], 53))
    wait_for(agentctl, agent, COUNT)
    (values,) = records_of(sink, stop(agent)[sink.host_port])
    assert ends(values)[1] == (("0.0.0.0", 0), ("0.0.0.0", 0))


@FAMILIES
def test_nfacctd_nfdump_and_tshark_show_both(at, network, flowagent, agentctl, nfacctd, nfcapd, tcpdump, directory):
    """In one row each, with the sums. nfacctd 1.7.7 has no name of its own for the fields of IPv6."""
    is_ipv6 = at is IPV6
    primitives = directory / "primitives.lst"
    primitives.write_text(PRIMITIVES)
    source, destination = ("post_src", "post_dst") if is_ipv6 else ("post_nat_src_host", "post_nat_dst_host")
    pmacct = nfacctd(
        "127.0.0.1", 3001, network.router, options=f"aggregate_primitives: {primitives}\n",
        aggregate=f"src_host, dst_host, src_port, dst_port, post_nat_src_port, post_nat_dst_port, {source}, {destination}",
    )  # fmt: skip
    if not is_ipv6:
        source, destination = "post_nat_ip_src", "post_nat_ip_dst"
    nfdump = nfcapd("127.0.0.1", 3002, network.router)
    wire = tcpdump(network.router, "lo", "udp", "port", "3002")
    agent = start(
        network, flowagent, *(f"127.0.0.1:{port},version=9,{CHOSEN}" for port in (3001, 3002))
    )
    expected = masquerade(network, at) | dnat(network, at)
    wait_for(agentctl, agent, 4 * COUNT)
    datagrams = stop(agent)["127.0.0.1:3002"]["datagrams_sent"]
    size = size_of(at["inside"])
    wait_until(lambda: len(pmacct.rows()) == 4, "its rows")
    found = {
        ((row["ip_src"], row["port_src"]), (row["ip_dst"], row["port_dst"])): (
            (row[source], row["post_nat_port_src"]),
            (row[destination], row["post_nat_port_dst"]),
        )
        for row in pmacct.rows()
        if (row["packets"], row["bytes"]) == (COUNT, size)
    }
    assert found == expected
    nfdump.stop()
    version = "6" if is_ipv6 else "4"
    found = {
        tuple((row[f"{side}{version}_addr"], row[f"{side}_port"]) for side in ("src", "dst")): tuple(
            (row[f"{side}{version}_xlt_ip"], int(row[f"{side}_xlt_port"])) for side in ("src", "dst")
        )
        for row in json.loads(nfdump.nfdump("-o", "json"))
        if (row["in_packets"], row["in_bytes"]) == (COUNT, size)
    }
    assert found == expected
    wait_until(lambda: len(wire.packets()) >= datagrams, "the capture to be written")
    wire.stop()
    assert not programs.tshark_complaints(wire.path, 3002)


def test_the_right_is_kept_for_it_and_what_is_missing_is_reported(network, flowagent, agentctl, collector, directory):
    """Of an interface that nobody waits for no right is kept, but for these fields one is; without any they are 0."""
    directory.chmod(0o777)
    sink = collector("127.0.0.1", 0, network.router)
    words = "-i", "eth0,wait=off", "-n", f"{sink.host_port},version=9,{CHOSEN}"
    agent = flowagent(*words, "--user", "nobody", host=network.router)
    agent.wait_for_capture()
    agent.wait_until(lambda: capabilities(agent, "CapPrm") == {NET_ADMIN}, "its rights to be given up")
    assert capabilities(agent, "CapEff") == {0}
    assert agent.stop() == 0, agent.errors
    assert "conntrack" not in agent.errors
    place = directory / "service"
    place.mkdir()
    place.chmod(0o777)
    raw_alone = [word.replace(",+net_admin", "") for word in SERVICE]
    agent = flowagent(*words, host=network.router, wrapper=raw_alone, control=place / "control.sock")
    agent.wait_for_capture()
    (status,) = agentctl(agent).rows("show", "status")
    (problem,) = [row["problem"] for row in status["problems"] if "conntrack" in row["problem"]]
    assert "translated addresses are not known" in problem and "CAP_NET_ADMIN" in problem
    doctor = [json.loads(line) for line in agentctl(agent).run("-J", "doctor", "--wait", "10ms").stdout.splitlines()]
    assert [(row["state"], row["text"]) for row in doctor if row["check"] == "conntrack"] == [("warn", problem)]
    masquerade(network, IPV4)
    wait_for(agentctl, agent, 2 * COUNT)
    records = records_of(sink, stop(agent)[sink.host_port])
    assert {ends(values)[1] for values in records} == {(("0.0.0.0", 0), ("0.0.0.0", 0))}
