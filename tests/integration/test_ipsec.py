"""IPsec with the rules of agentctl rules: what counts is what is on the wire, each packet once.

The kernels that most tests run on may have no ESP; those of tests/kernels do.
"""

import subprocess

import pytest

import traffic
from conftest import BUILD, Hosts
from flows import FlowTable
from pcap_reader import count_flows
from waiting import wait_until

pytestmark = pytest.mark.kernels
COUNT = 20
ESP, AH, UDP = 50, 51, 17
KEYS = {
    "esp": ["aead", "rfc4106(gcm(aes))", "0x" + "5a" * 20, "128"],
    "ah": ["auth-trunc", "hmac(sha256)", "0x" + "5a" * 32, "128"],
}


def associate(hosts, protocol, mode, ends, selectors, more=()):
    """Both directions between server and internet, keyed by hand. 'selectors': what goes through."""
    for number, source in (0, ends[0]), (1, ends[1]):
        target = ends[1 - number]
        for host in hosts.server, hosts.internet:
            host.ip("xfrm", "state", "add", "src", source, "dst", target, "proto", protocol,
                    "spi", 0x1000 + number, "mode", mode, *KEYS[protocol], *more)  # fmt: skip
    for host, own in (hosts.server, 0), (hosts.internet, 1):
        for direction, source in ("out", own), ("in", 1 - own):
            place = [] if mode == "transport" else [ends[source], ends[1 - source]]
            outside = ["src", place[0], "dst", place[1]] if place else []
            host.ip("xfrm", "policy", "add", "src", selectors[source], "dst", selectors[1 - source],
                    "dir", direction, *policy_interface(more), "tmpl", *outside, "proto", protocol,
                    "mode", mode)  # fmt: skip


def policy_interface(more):
    return [] if "if_id" not in more else ["if_id", more[more.index("if_id") + 1]]


@pytest.fixture
def ipsec(hosts):
    """hosts, if the kernel has ESP and AH."""
    for protocol, key in KEYS.items():
        words = ["xfrm", "state", "add", "src", "192.0.2.77", "dst", "192.0.2.78", "proto", protocol,
                 "spi", 1, "mode", "transport", *key]  # fmt: skip
        tried = subprocess.run(
            hosts.server.command("ip", *words), capture_output=True, text=True, check=False
        )
        if "not supported" in tried.stderr or "algorithm not found" in tried.stderr:
            pytest.skip(f"this kernel has no {protocol.upper()}: {tried.stderr.strip()}")
        assert tried.returncode == 0, tried.stderr
    hosts.server.ip("xfrm", "state", "flush")
    return hosts


def install(hosts, firewall, *interfaces):
    words = [word for interface in interfaces for word in ("-i", interface)]
    hosts.server.run(BUILD / "agentctl", "rules", "install", "--no-save", "--firewall", firewall, *words)


def sums(rows):
    """{(source, destination, protocol): [packets, bytes]} but for neighbour discovery."""
    found = {}
    for source, destination, protocol, packets, octets in rows:
        if protocol != 58:
            total = found.setdefault((source, destination, protocol), [0, 0])
            total[0] += packets
            total[1] += octets
    return found


def reported(control):
    rows = control.rows("show", "flows")
    return sums((row["src"], row["dst"], row["proto"], row["packets"], row["bytes"]) for row in rows)


def on_the_wire(capture):
    flows = count_flows(capture.packets()).table.flows.items()
    return sums((key.source, key.destination, key.protocol, totals.packets, totals.octets)
                for key, totals in flows)  # fmt: skip


def talk(hosts, ends):
    known = FlowTable()
    traffic.udp_dialogue(
        (hosts.server, ends[0]), (hosts.internet, ends[1]), known, COUNT, 50, 400
    )
    return known


@pytest.mark.parametrize("firewall", ["nft", "iptables"])
@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("mode", ["transport", "tunnel"])
@pytest.mark.parametrize("protocol", KEYS)
def test_what_is_on_the_wire_counts_once(
    protocol, mode, family, firewall, ipsec, flowagent, agentctl, tcpdump
):
    hosts, ends = ipsec, (Hosts.SERVER[family], Hosts.ROUTER[family])
    talk(hosts, ends)  # neighbours are known
    associate(hosts, protocol, mode, ends, ends)
    install(hosts, firewall, "eth0")
    agent = flowagent("-g", "40", "--inactive-timeout", "3600", host=hosts.server)
    agent.wait_for_group()
    # What a tunnel has unpacked passes the capture again, as if it had come by the wire like that.
    capture = tcpdump(hosts.internet, "eth0", "esp", "or", "ah")
    talk(hosts, ends)
    control = agentctl(agent)
    wait_until(lambda: sum(p for p, _ in on_the_wire(capture).values()) >= 2 * COUNT, "the wire")
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    wire = on_the_wire(capture)
    assert reported(control) == wire
    assert {protocol for _, _, protocol in wire} == {ESP if protocol == "esp" else wire_of_ah(wire)}
    assert all(packets == COUNT for packets, _ in wire.values()) and len(wire) == 2
    assert control.statistics()["duplicates_suspected"] is False
    assert agent.stop() == 0, agent.errors


def wire_of_ah(wire):
    """AH is a header of its own in IPv4 and an extension header in IPv6."""
    ((protocol, *more),) = [{protocol for _, _, protocol in wire}]
    assert not more and protocol in (AH, UDP, 4, 41)
    return protocol


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_the_interface_of_a_tunnel_counts_what_is_inside(
    family, ipsec, flowagent, agentctl, tcpdump
):
    """Rules on the interface and on the device below: each wire once."""
    hosts, ends = ipsec, (Hosts.SERVER[family], Hosts.ROUTER[family])
    inside = [("198.18.0.2", "198.18.0.1"), ("2001:db8:9::2", "2001:db8:9::1")][family]
    length = "/64" if family else "/24"
    talk(hosts, ends)
    for host, address in (hosts.server, inside[0]), (hosts.internet, inside[1]):
        host.ip("link", "add", "xfrm0", "type", "xfrm", "dev", "eth0", "if_id", "42")
        host.ip("link", "set", "xfrm0", "multicast", "off", "up")
        host.ip("address", "add", address + length, "dev", "xfrm0", *(["nodad"] if family else []))
    associate(hosts, "esp", "tunnel", ends, inside, ("if_id", "42"))
    install(hosts, "nft", "eth0", "xfrm0")
    agent = flowagent("-g", "40", "--inactive-timeout", "3600", host=hosts.server)
    agent.wait_for_group()
    # What a tunnel has unpacked passes the capture again, as if it had come by the wire like that.
    capture = tcpdump(hosts.internet, "eth0", "esp", "or", "ah")
    known = talk(hosts, inside)
    control = agentctl(agent)
    wait_until(lambda: sum(p for p, _ in on_the_wire(capture).values()) >= 2 * COUNT, "the wire")
    wait_until(lambda: control.statistics()["packets_read"] >= 4 * COUNT, "all to be read")
    expected = on_the_wire(capture)
    for key, totals in known.flows.items():
        expected[key.source, key.destination, UDP] = [totals.packets, totals.octets]
    assert reported(control) == expected
    interfaces = {row["in_if_name"] or row["out_if_name"] for row in control.rows("show", "flows")
                  if row["proto"] == UDP}  # fmt: skip
    assert interfaces == {"xfrm0"}
    assert control.statistics()["duplicates_suspected"] is False
    assert agent.stop() == 0, agent.errors
