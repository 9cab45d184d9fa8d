"""Link addresses as sourceMacAddress (56), destinationMacAddress (80), and, of frames that leave, 81 and 57."""

import json
import struct

import pytest

import ledger
import programs
from conftest import Hosts
from netflow9 import DESTINATION_IPV4, PACKETS, SOURCE_IPV4
from waiting import wait_until

SOURCE, DESTINATION, POST_SOURCE, POST_DESTINATION = 56, 80, 81, 57
NUMBERS = SOURCE, DESTINATION, POST_SOURCE, POST_DESTINATION
CHOSEN = (
    "fields=default+sourceMacAddress+destinationMacAddress+postSourceMacAddress+postDestinationMacAddress"
)
COUNT = 6
PAIR = {"out": (Hosts.SERVER[0], Hosts.ROUTER[0]), "in": (Hosts.ROUTER[0], Hosts.SERVER[0])}


def mac_of(namespace, device="eth0"):
    (row,) = json.loads(namespace.ip("-j", "link", "show", device))
    return int(row["address"].replace(":", ""), 16)


def stop(agent):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    return {row["name"]: row for row in summary["collectors"]}


def macs_of(sink, row):
    """(source, destination) as text -> the four values."""
    sink.wait_for_datagrams(row["datagrams_sent"])
    records = [values for message in sink.messages() for values in message.flows]
    assert {values[PACKETS] for values in records} == {COUNT}
    return {
        tuple(".".join(map(str, values[number])) for number in (SOURCE_IPV4, DESTINATION_IPV4)): tuple(
            values[number] for number in NUMBERS
        )
        for values in records
    }


def rules(family, *chains):
    lines = "".join(
        f"chain {name} {{\n type filter {hook}; policy accept;\n {match} log group 40 snaplen 128\n}}\n"
        for name, hook, match in chains
    )
    return f"table {family} macs {{\n{lines}}}\n"


INET = rules(
    "inet",
    ("in", "hook prerouting priority raw", 'iifname "eth0" meta l4proto icmp'),
    ("out", "hook postrouting priority srcnat + 10", 'oifname "eth0" meta l4proto icmp'),
)
NETDEV = rules(
    "netdev",
    ("in", 'hook ingress device "eth0" priority -500', "ip protocol icmp"),
    ("out", 'hook egress device "eth0" priority 500', "ip protocol icmp"),
)


@pytest.mark.parametrize("source", ["interface", "any", "inet", "netdev"])
def test_packets_of_this_host(source, hosts, flowagent, agentctl, collector):
    """A frame on its way out has the addresses that it leaves with. A hook sees none of packets that begin here."""
    server, router = mac_of(hosts.server), mac_of(hosts.internet)
    sinks = {version: collector("127.0.0.1", 0, hosts.server) for version in (9, 10)}
    words = [
        word for version, sink in sinks.items() for word in ("-n", f"{sink.host_port},version={version},{CHOSEN}")
    ]
    if source in ("interface", "any"):
        device = "eth0" if source == "interface" else "any"
        agent = flowagent("-i", f"{device},filter=icmp", *words, host=hosts.server)
        agent.wait_for_capture()
    else:
        agent = flowagent("-g", "40", *words, host=hosts.server)
        agent.wait_for_group()
        hosts.server.run("nft", "-f", "-", input=INET if source == "inet" else NETDEV)
    hosts.server.run("ping", "-c", COUNT, "-i", "0.01", "-W", 10, Hosts.ROUTER[0])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    cached = {
        (row["src"], row["dst"]): tuple(row[name] for name in ("src_mac", "dst_mac", "post_src_mac", "post_dst_mac"))
        for row in control.rows("show", "flows", "proto=icmp")
    }
    rows = stop(agent)
    coming = (router, server, 0, 0)
    leaving = (server, router, server, router)
    if source == "any":  # a cooked header has the sender alone
        coming, leaving = (router, 0, 0, 0), (server, 0, server, 0)
    elif source == "inet":
        leaving = (0, 0, 0, 0)
    for sink in sinks.values():
        assert macs_of(sink, rows[sink.host_port]) == {PAIR["in"]: coming, PAIR["out"]: leaving}
    expected = {PAIR["in"]: coming, PAIR["out"]: leaving}
    assert cached == {pair: tuple(mac and text(mac) or None for mac in macs) for pair, macs in expected.items()}


def test_a_forwarded_packet_has_the_addresses_that_it_came_in_with(hosts, flowagent, agentctl, collector):
    """Also where it is logged on its way out, where those that it leaves with are not known."""
    sink, lines = (collector("127.0.0.1", 0, hosts.internet) for _ in range(2))
    agent = flowagent(
        "-g", "40", "-n", f"{sink.host_port},version=9,{CHOSEN}", "-n", f"{lines.host_port},version=json,{CHOSEN}",
        host=hosts.internet,
    )  # fmt: skip
    agent.wait_for_group()
    hosts.internet.run("nft", "-f", "-", input=INET)
    hosts.collector.run("ping", "-c", COUNT, "-i", "0.01", "-W", 10, Hosts.SERVER[0])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    rows = stop(agent)
    far, near = mac_of(hosts.collector), mac_of(hosts.internet, "eth1")
    server, router = mac_of(hosts.server), mac_of(hosts.internet)
    remote, own = Hosts.COLLECTOR[0], Hosts.SERVER[0]
    assert macs_of(sink, rows[sink.host_port]) == {
        (remote, own): (far, near, 0, 0),
        (own, remote): (server, router, 0, 0),
    }
    lines.wait_for_datagrams(rows[lines.host_port]["datagrams_sent"])
    written = [json.loads(line) for datagram in lines.datagrams for line in datagram.splitlines()]
    assert {
        (line["sourceMacAddress"], line["postSourceMacAddress"]) for line in written if line["type"] == "flow"
    } == {(text(far), text(0)), (text(server), text(0))}


def text(mac):
    return ":".join(f"{byte:02x}" for byte in mac.to_bytes(6, "big"))


def test_nfacctd_nfdump_and_tshark_read_them(hosts, flowagent, agentctl, nfacctd, nfcapd, tcpdump):
    names = "+".join(("fields=default", "sourceMacAddress", "destinationMacAddress"))
    pmacct = nfacctd("127.0.0.1", 3001, hosts.server, aggregate="src_host, dst_host, src_mac, dst_mac")
    nfdump = nfcapd("127.0.0.1", 3002, hosts.server)
    wire = tcpdump(hosts.server, "lo", "udp", "port", "3002")
    agent = flowagent(
        "-i", "eth0,filter=icmp", *(word for port in (3001, 3002) for word in ("-n", f"127.0.0.1:{port},{names}")),
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_capture()
    hosts.server.run("ping", "-c", COUNT, "-i", "0.01", "-W", 10, Hosts.ROUTER[0])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    rows = stop(agent)
    server, router = text(mac_of(hosts.server)), text(mac_of(hosts.internet))
    expected = {PAIR["out"]: (server, router), PAIR["in"]: (router, server)}
    wait_until(lambda: len(pmacct.rows()) == 2, "its rows")
    assert {
        (row["ip_src"], row["ip_dst"]): (row["mac_src"], row["mac_dst"])
        for row in pmacct.rows()
        if row["packets"] == COUNT
    } == expected
    nfdump.stop()
    found = {
        (row["src4_addr"], row["dst4_addr"]): (row["in_src_mac"], row["in_dst_mac"])
        for row in json.loads(nfdump.nfdump("-o", "json"))
        if row["in_packets"] == COUNT
    }
    assert found == expected
    wait_until(lambda: len(wire.packets()) >= rows["127.0.0.1:3002"]["datagrams_sent"], "the capture to be written")
    wire.stop()
    assert not programs.tshark_complaints(wire.path, 3002)
    assert server in str(programs.tshark_fields(wire.path, 3002, ["cflow.srcmac"]))


def ethernet_pcap(path, tags=b""):
    """COUNT datagrams from one MAC to another, the last one from a gateway that has taken over."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 29, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(COUNT):
            source = 7 if number < COUNT - 1 else 8
            frame = bytes([2, 0, 0, 0, 0, 1]) + bytes([2, 0, 0, 0, 0, source]) + tags + b"\x08\x00" + ip
            frame += struct.pack(">HHHH", 1, 2, 9, 0) + b"x"
            file.write(struct.pack("<IIII", 1000 + number, 0, len(frame), len(frame)) + frame)


@pytest.mark.parametrize("tags", [b"", b"\x81\x00\x00\x05", b"\x88\xa8\x00\x05\x81\x00\x00\x06"])
def test_frames_of_a_file(tags, flowagent, collector, directory):
    """Behind tags, too; those of the last packet count, and a biflow of IPFIX has those of each direction."""
    path = directory / "frames.pcap"
    ethernet_pcap(path, tags)
    sink = collector()
    agent = flowagent("--read", path, "-n", f"{sink.host_port},version=9,{CHOSEN}")
    assert agent.wait() == 0, agent.errors
    (row,) = agent.summary()["collectors"]
    assert macs_of(sink, row) == {("192.0.2.1", "192.0.2.2"): (0x020000000008, 0x020000000001, 0, 0)}
