"""Every hook of the firewall: side, interfaces, VLAN, packets and bytes of what it logs.

A machine between two networks, with a bridge between two more hosts: real traffic passes each hook
once, and a rule there logs and counts it.
"""

import json
import socket
from dataclasses import dataclass

import pytest

import ledger
import netns
from conftest import Hosts
from netflow9 import DESTINATION_PORT, DIRECTION, INPUT_INTERFACE, OCTETS, OUTPUT_INTERFACE
from netflow9 import PACKETS, SOURCE_IPV4, VLAN
from waiting import PATIENCE_S, wait_until

PORT, COUNT, SIZE = 7000, 20, 100  # of the datagrams that the tests send
IN, OUT = 0, 1


@dataclass
class Case:
    """A chain, where it stands, which way the datagrams go, and what their records must say."""

    hook: str  # of "family hook"
    chain: str  # type, hook and priority
    host: str
    way: tuple  # (from, to): server, internet, collector
    side: int
    input: str = None  # device, None: none
    output: str = None

    def __str__(self):
        return f"{self.hook}-{self.way[0]}-to-{self.way[1]}"


TO_SERVER, FROM_SERVER = ("internet", "server"), ("server", "internet")
FORWARDED = ("server", "collector")
CASES = [
    Case("netdev ingress", 'filter hook ingress device "eth0" priority -500', "server",
         TO_SERVER, IN, input="eth0"),
    Case("netdev egress", 'filter hook egress device "eth0" priority 500', "server",
         FROM_SERVER, OUT, output="eth0"),
    Case("inet ingress", 'filter hook ingress device "eth0" priority 0', "server",
         TO_SERVER, IN, input="eth0"),
    Case("inet prerouting", "filter hook prerouting priority raw", "server",
         TO_SERVER, IN, input="eth0"),
    Case("inet input", "filter hook input priority filter", "server",
         TO_SERVER, IN, input="eth0"),
    Case("inet output", "filter hook output priority raw", "server",
         FROM_SERVER, OUT, output="eth0"),
    Case("inet postrouting", "filter hook postrouting priority srcnat + 10", "server",
         FROM_SERVER, OUT, output="eth0"),
    Case("inet prerouting", "filter hook prerouting priority raw", "internet",
         FORWARDED, IN, input="eth0"),
    Case("inet forward", "filter hook forward priority filter", "internet",
         FORWARDED, IN, input="eth0", output="eth1"),
    Case("inet postrouting", "filter hook postrouting priority srcnat + 10", "internet",
         FORWARDED, OUT, input="eth0", output="eth1"),
]  # fmt: skip


def install(host, family, chain, match, group=40, snap_length=128):
    host.run("nft", "-f", "-", input=f"""
table {family} test {{
	chain logging {{
		type {chain}; policy accept;
		{match} counter log group {group} snaplen {snap_length}
	}}
}}
""")  # fmt: skip


def counted(host, family):
    """(packets, bytes) of the rule's counter."""
    listing = json.loads(host.run("nft", "-j", "list", "table", family, "test"))
    for item in listing["nftables"]:
        for expression in item.get("rule", {}).get("expr", []):
            if "counter" in expression:
                return expression["counter"]["packets"], expression["counter"]["bytes"]
    raise AssertionError("no counter")


def index_of(host, device):
    (link,) = json.loads(host.ip("-j", "link", "show", device))
    return link["ifindex"]


def hardware_address(host, device):
    (link,) = json.loads(host.ip("-j", "link", "show", device))
    return link["address"]


def send(source_host, source, target_host, target):
    """COUNT datagrams, received by a socket."""
    with target_host.entered():
        receiver = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET,
                                 socket.SOCK_DGRAM)  # fmt: skip
    with source_host.entered():
        sender = socket.socket(receiver.family, socket.SOCK_DGRAM)
    receiver.settimeout(PATIENCE_S)
    with receiver, sender:
        receiver.bind((target, PORT))
        sender.bind((source, 0))
        for _ in range(COUNT):
            sender.sendto(b"h" * SIZE, (target, PORT))
        for _ in range(COUNT):
            receiver.recv(65536)


def exported(agent, own):
    """Records of the datagrams, by IP version."""
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    own.wait_for_datagrams(summary["datagrams_sent"])
    records = {}
    for message in own.messages():
        for values in message.flows:
            assert values[DESTINATION_PORT] == PORT
            records.setdefault(4 if SOURCE_IPV4 in values else 6, []).append(values)
    return records


@pytest.mark.parametrize("case", CASES, ids=str)
def test_side_and_interfaces_of(case, hosts, flowagent, agentctl, collector):
    addresses = {"server": Hosts.SERVER, "internet": Hosts.REMOTE, "collector": Hosts.COLLECTOR}
    there = getattr(hosts, case.host)
    family = case.hook.split()[0]
    own = collector(namespace_address(hosts, there), 2055, there)
    agent = flowagent("-g", "40", "-n", own.host_port, host=there)
    agent.wait_for_group()
    install(there, family, case.chain, f"udp dport {PORT}")
    source, target = case.way
    for family_number in 0, 1:
        send(getattr(hosts, source), addresses[source][family_number],
             getattr(hosts, target), addresses[target][family_number])  # fmt: skip
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 2 * COUNT, "all to be read")
    packets, octets = counted(there, family)
    # The counter of a netdev chain on the way out has the link header, too.
    link_header = 14 if case.hook == "netdev egress" else 0
    assert packets == 2 * COUNT
    assert octets == COUNT * (28 + 48 + 2 * (SIZE + link_header))
    assert control.statistics()["duplicates_suspected"] is False
    rows = control.rows("show", "flows")
    assert {row["dir"] for row in rows} == {"in" if case.side == IN else "out"}
    names = {(row["in_if_name"], row["out_if_name"]) for row in rows}
    assert names == {(case.input or "", case.output or "")}
    records = exported(agent, own)
    for version, header in (4, 28), (6, 48):
        (values,) = records[version]
        assert (values[PACKETS], values[OCTETS]) == (COUNT, COUNT * (header + SIZE))
        assert values[DIRECTION] == case.side
        assert values[INPUT_INTERFACE] == (index_of(there, case.input) if case.input else 0)
        assert values[OUTPUT_INTERFACE] == (index_of(there, case.output) if case.output else 0)
        assert VLAN not in values  # no tag: a compact record


def namespace_address(hosts, there):
    """An address that the agent on a host can send to without passing the rule: its own."""
    return "127.0.0.1" if there is not hosts.collector else Hosts.COLLECTOR[0]


class Bridge:
    """left eth0 -- port0 br0 port1 -- eth0 right"""

    def __init__(self, make_host):
        self.left, self.bridge, self.right = map(make_host, ("left", "bridge", "right"))
        netns.connect((self.left, "eth0", []), (self.bridge, "port0", []))
        netns.connect((self.right, "eth0", []), (self.bridge, "port1", []))
        self.bridge.ip("link", "add", "br0", "type", "bridge")
        for port in "port0", "port1":
            self.bridge.ip("link", "set", port, "master", "br0")
        self.bridge.ip("link", "set", "br0", "addrgenmode", "none")
        self.bridge.ip("link", "set", "br0", "up")
        # Not flooded: a frame to all ports is logged for each.
        self.bridge.run("bridge", "fdb", "replace", hardware_address(self.right, "eth0"),
                        "dev", "port1", "master", "static")  # fmt: skip

    def send(self, source, device, destination):
        """COUNT frames with tag 7 by a packet socket."""
        from scapy.layers.inet import IP, UDP
        from scapy.layers.l2 import Dot1Q, Ether

        target, target_device = destination
        address = hardware_address(target, target_device)
        frame = Ether(src="02:00:00:00:00:07", dst=address) / Dot1Q(vlan=7, prio=3)
        frame /= IP(src="10.7.0.1", dst="10.7.0.2", id=0, flags="DF")
        frame /= UDP(sport=PORT, dport=PORT) / (b"h" * SIZE)
        with source.entered():
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with sender:
            sender.bind((device, 0))
            for _ in range(COUNT):
                sender.send(bytes(frame))


BRIDGE_CASES = [
    # hook, from left or from the bridge itself, to right or to the bridge itself, side, in, out
    ("prerouting", "left", "right", IN, "port0", None),
    ("forward", "left", "right", IN, "port0", "port1"),
    ("postrouting", "left", "right", OUT, None, "port1"),
    ("input", "left", "bridge", IN, "port0", None),
    ("output", "bridge", "right", OUT, None, "port1"),
]


@pytest.mark.parametrize("hook, source, target, side, inside, outside", BRIDGE_CASES)
def test_bridge_family(
    hook, source, target, side, inside, outside, host, flowagent, agentctl, collector
):
    """Frames with a tag through a bridge, whose ports are the interfaces; the tag is in the flow.

    The kernel names the bridge as the device, and its port as the physical one beside it.
    """
    lan = Bridge(host)
    own = collector("127.0.0.1", 2055, lan.bridge)
    agent = flowagent("-g", "40", "-n", own.host_port, host=lan.bridge)
    agent.wait_for_group()
    install(lan.bridge, "bridge", f"filter hook {hook} priority 0", "vlan id 7")
    lan.send(
        getattr(lan, source),
        "br0" if source == "bridge" else "eth0",
        (lan.bridge, "br0") if target == "bridge" else (lan.right, "eth0"),
    )
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= COUNT, "all to be read")
    # A tag that no device has taken off yet is in the counter.
    tag = 4 if source == "bridge" else 0
    assert counted(lan.bridge, "bridge") == (COUNT, COUNT * (28 + SIZE + tag))
    (values,) = exported(agent, own)[4]
    assert (values[PACKETS], values[OCTETS]) == (COUNT, COUNT * (28 + SIZE))
    assert (values[DIRECTION], values[VLAN]) == (side, 7)
    indexes = [index_of(lan.bridge, device) if device else 0 for device in (inside, outside)]
    assert [values[INPUT_INTERFACE], values[OUTPUT_INTERFACE]] == indexes


def test_groups_stand_for_labels_and_directions(hosts, flowagent, agentctl, collector):
    """One hook, two groups: what one says is in, the other says is out, and both have names."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    agent = flowagent("-g", "40,direction=out,label=customer", "-g", "41,label=uplink",
                      "-n", own.host_port, host=hosts.server)  # fmt: skip
    agent.wait_for_group(40)
    agent.wait_for_group(41)
    install(hosts.server, "ip", "filter hook prerouting priority raw", f"udp dport {PORT}", 40)
    install(hosts.server, "ip6", "filter hook prerouting priority raw", f"udp dport {PORT}", 41)
    for family in 0, 1:
        send(hosts.internet, Hosts.REMOTE[family], hosts.server, Hosts.SERVER[family])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 2 * COUNT, "all to be read")
    assert {row["name"]: row["label"] for row in control.rows("show", "sources")} == {
        "nflog:40": "customer",
        "nflog:41": "uplink",
    }
    assert {row["v"]: row["dir"] for row in control.rows("show", "flows")} == {4: "out", 6: "in"}
    status = control.run("show", "status").stdout
    assert "label customer" in status and "label uplink" in status
    assert "reading nflog:40 customer" in agent.errors
    records = exported(agent, own)
    assert [values[DIRECTION] for values in records[4] + records[6]] == [OUT, IN]
    assert [source["label"] for source in agent.summary()["sources"]] == ["customer", "uplink"]
