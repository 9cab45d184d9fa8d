"""Ports of a bridge, as ingressPhysicalInterface (252) and egressPhysicalInterface (253).

A bridge between two guests. With br_netfilter the rules of family inet see what it forwards: the bridge is the
interface there, and the port is beside it. In family bridge the port is both.
"""

import json
import socket

import pytest

import ledger
import netns
import programs
from netflow9 import DESTINATION_PORT, DIRECTION, INPUT_INTERFACE, INTERFACE_NAME, OUTPUT_INTERFACE
from netflow9 import PACKETS
from waiting import PATIENCE_S, wait_until

PHYSICAL_INPUT, PHYSICAL_OUTPUT = 252, 253
PORT, COUNT, IN, OUT = 7000, 20, 0, 1
CHOSEN = "fields=default+ingressPhysicalInterface+egressPhysicalInterface"
ADDRESSES = {"left": "192.0.2.2", "right": "192.0.2.3", "bridge": "192.0.2.1"}
ADDRESSES_IPV6 = {"left": "2001:db8::2", "right": "2001:db8::3", "bridge": "2001:db8::1"}
# family, hook, from, to, side, in, out, port in, port out
CASES = [
    ("inet", "prerouting", "left", "right", IN, "br0", None, "port0", None),
    ("inet", "forward", "left", "right", IN, "br0", "br0", "port0", "port1"),
    ("inet", "postrouting", "left", "right", OUT, None, "br0", None, "port1"),
    ("inet", "input", "left", "bridge", IN, "br0", None, "port0", None),
    ("inet", "output", "bridge", "right", OUT, None, "br0", None, None),
    ("bridge", "prerouting", "left", "right", IN, "port0", None, "port0", None),
    ("bridge", "forward", "left", "right", IN, "port0", "port1", "port0", "port1"),
    ("bridge", "postrouting", "left", "right", OUT, None, "port1", None, "port1"),
]


class Lan:
    """left eth0 -- port0 br0 port1 -- eth0 right, all in one network."""

    def __init__(self, make_host):
        self.left, self.bridge, self.right = map(make_host, ("left", "bridge", "right"))
        for host in self.left, self.bridge, self.right:  # nothing but what the test sends
            host.sysctl("ipv6/conf/all/disable_ipv6", 1)
            host.sysctl("ipv6/conf/default/disable_ipv6", 1)
        netns.connect((self.left, "eth0", [ADDRESSES["left"] + "/24"]), (self.bridge, "port0", []))
        netns.connect((self.right, "eth0", [ADDRESSES["right"] + "/24"]), (self.bridge, "port1", []))
        self.bridge.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        for port in "port0", "port1":
            self.bridge.ip("link", "set", port, "master", "br0")
        self.bridge.ip("address", "add", ADDRESSES["bridge"] + "/24", "dev", "br0")
        self.bridge.ip("link", "set", "br0", "up")
        # Not flooded: a frame to all ports is logged for each.
        self.bridge.run("bridge", "fdb", "replace", self.link(self.right, "eth0")["address"],
                        "dev", "port1", "master", "static")  # fmt: skip

    @staticmethod
    def link(host, device):
        (row,) = json.loads(host.ip("-j", "link", "show", device))
        return row

    def number(self, device):
        return self.link(self.bridge, device)["ifindex"] if device else 0

    def call_netfilter(self):
        """br_netfilter, which is a setting of each namespace."""
        if not self.bridge.run("sh", "-c", "ls /proc/sys/net/bridge 2>/dev/null || true"):
            pytest.skip("this kernel has no br_netfilter")
        self.bridge.sysctl("bridge/bridge-nf-call-iptables", 1)
        self.bridge.sysctl("bridge/bridge-nf-call-ip6tables", 1)

    def enable_ipv6(self):
        """Addresses that are there at once, and neighbours that nobody has to ask for."""
        ends = {"left": (self.left, "eth0"), "right": (self.right, "eth0"), "bridge": (self.bridge, "br0")}
        for name, (host, device) in ends.items():
            host.sysctl(f"ipv6/conf/{device}/disable_ipv6", 0)
            host.sysctl(f"ipv6/conf/{device}/accept_dad", 0)
            host.ip("address", "add", ADDRESSES_IPV6[name] + "/64", "dev", device, "nodad")
        for name, (host, device) in ends.items():
            for other, neighbour in ends.items():
                if other != name:
                    host.ip("neighbour", "replace", ADDRESSES_IPV6[other], "lladdr",
                            self.link(*neighbour)["address"], "dev", device, "nud", "permanent")  # fmt: skip

    def log(self, family, hook, groups=(40,)):
        rules = "; ".join(f"udp dport {PORT} log group {group} snaplen 128" for group in groups)
        self.bridge.run("nft", "-f", "-", input=f"""
table {family} test {{
	chain logging {{
		type filter hook {hook} priority 0; policy accept; {rules}
	}}
}}
""")  # fmt: skip

    def send(self, source, target, is_ipv6=False):
        """COUNT datagrams from one host to another, which receives them."""
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        addresses = ADDRESSES_IPV6 if is_ipv6 else ADDRESSES
        with getattr(self, target).entered():
            receiver = socket.socket(family, socket.SOCK_DGRAM)
        with getattr(self, source).entered():
            sender = socket.socket(family, socket.SOCK_DGRAM)
        receiver.settimeout(PATIENCE_S)
        with receiver, sender:
            receiver.bind((addresses[target], PORT))
            sender.bind((addresses[source], PORT))
            for _ in range(COUNT):
                sender.sendto(b"h" * 100, (addresses[target], PORT))
            for _ in range(COUNT):
                receiver.recv(65536)


@pytest.fixture
def lan(host):
    return Lan(host)


def names_of(messages):
    """index -> name, from options data."""
    return {
        int.from_bytes(next(iter(scopes.values())), "big"): values[INTERFACE_NAME].rstrip(b"\0").decode()
        for message in messages
        for scopes, values in message.options
        if INTERFACE_NAME in values
    }


def stop(agent):
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    return {row["name"]: row for row in summary["collectors"]}


def only_flow(sink, row):
    """The one record of a collector, and the names that it has."""
    sink.wait_for_datagrams(row["datagrams_sent"])
    messages = sink.messages()
    (values,) = [values for message in messages for values in message.flows]
    assert (values[DESTINATION_PORT], values[PACKETS]) == (PORT, COUNT)
    return values, names_of(messages)


def start(lan, flowagent, *collectors, options=()):
    words = [word for collector in collectors for word in ("-n", collector)]
    agent = flowagent("-g", "40", *words, *options, host=lan.bridge)
    agent.wait_for_group()
    return agent


@pytest.mark.parametrize("is_ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case[:4]))
def test_ports_of(case, is_ipv6, lan, flowagent, agentctl, collector):
    """In v9 and IPFIX, with the names of the ports, and in show flows; the interfaces stay what they are."""
    family, hook, source, target, side, *devices = case
    if family == "inet":
        lan.call_netfilter()
    if is_ipv6:
        lan.enable_ipv6()
    sinks = {version: collector("127.0.0.1", 0, lan.bridge) for version in (9, 10)}
    agent = start(
        lan, flowagent,
        *(f"{sink.host_port},version={version},{CHOSEN}" for version, sink in sinks.items()),
    )  # fmt: skip
    lan.log(family, hook)
    lan.send(source, target, is_ipv6)
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= COUNT, "all to be read")
    expected = [lan.number(device) for device in devices]
    (row,) = control.rows("show", "flows")
    assert [row[name] for name in ("in_if", "out_if", "in_phys_if", "out_phys_if")] == expected
    rows = stop(agent)
    for sink in sinks.values():
        values, names = only_flow(sink, rows[sink.host_port])
        numbers = INPUT_INTERFACE, OUTPUT_INTERFACE, PHYSICAL_INPUT, PHYSICAL_OUTPUT
        assert [values[number] for number in numbers] == expected
        assert values[DIRECTION] == side
        assert {names[number] for number in expected if number} == {name for name in devices if name}


def test_ports_have_the_numbers_of_if_map(lan, flowagent, agentctl, collector):
    """Records, names and show flows agree; JSON lines have the fields, another collector does not."""
    lan.call_netfilter()
    sink, lines, other = (collector("127.0.0.1", 0, lan.bridge) for _ in range(3))
    agent = start(
        lan, flowagent, f"{sink.host_port},version=10,{CHOSEN}",
        f"{lines.host_port},version=json,{CHOSEN}", f"{other.host_port},version=10",
        options=("-x", "port0=70000,port1=7"),
    )  # fmt: skip
    lan.log("inet", "forward")
    lan.send("left", "right")
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= COUNT, "all to be read")
    (row,) = control.rows("show", "flows")
    assert (row["in_phys_if"], row["out_phys_if"]) == (70000, 7)
    (named,) = control.rows("show", "flows", "-o", "in_phys_if", "--sort", "egressPhysicalInterface")
    assert named == {"in_phys_if": 70000}
    assert row["in_if_name"] == "br0"
    rows = stop(agent)
    values, names = only_flow(sink, rows[sink.host_port])
    assert (values[PHYSICAL_INPUT], values[PHYSICAL_OUTPUT]) == (70000, 7)
    assert (names[70000], names[7]) == ("port0", "port1")
    assert values[INPUT_INTERFACE] == values[OUTPUT_INTERFACE] == lan.number("br0")
    lines.wait_for_datagrams(rows[lines.host_port]["datagrams_sent"])
    written = [json.loads(line) for datagram in lines.datagrams for line in datagram.splitlines()]
    (flow,) = [line for line in written if line["type"] == "flow"]
    assert (flow["ingressPhysicalInterface"], flow["egressPhysicalInterface"]) == (70000, 7)
    values, _ = only_flow(other, rows[other.host_port])
    assert PHYSICAL_INPUT not in values and PHYSICAL_OUTPUT not in values


def test_last_port_of_a_flow_counts(lan, flowagent, agentctl, collector):
    """The host behind port1 moves to port2, as a guest that migrates: one flow, its last port."""
    lan.call_netfilter()
    sink = collector("127.0.0.1", 0, lan.bridge)
    agent = start(lan, flowagent, f"{sink.host_port},version=10,{CHOSEN}")
    lan.log("inet", "forward")
    lan.send("left", "right")
    lan.bridge.ip("link", "set", "port1", "down")
    lan.bridge.ip("link", "set", "port1", "name", "gone")
    address = lan.link(lan.right, "eth0")["address"]
    lan.bridge.ip("link", "delete", "gone")  # the other end goes, too
    netns.connect((lan.right, "eth1", [ADDRESSES["right"] + "/24"]), (lan.bridge, "port2", []))
    lan.right.ip("link", "set", "eth1", "address", address)
    lan.bridge.ip("link", "set", "port2", "master", "br0")
    lan.bridge.run("bridge", "fdb", "replace", address, "dev", "port2", "master", "static")
    lan.send("left", "right")
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    rows = stop(agent)
    sink.wait_for_datagrams(rows[sink.host_port]["datagrams_sent"])
    (values,) = [values for message in sink.messages() for values in message.flows]
    assert values[PACKETS] == 2 * COUNT
    assert (values[PHYSICAL_INPUT], values[PHYSICAL_OUTPUT]) == (lan.number("port0"), lan.number("port2"))


def test_each_direction_of_a_biflow_has_its_ports(lan, flowagent, agentctl, collector):
    """One record; the ports of the reverse are in reverse elements of the same ids."""
    lan.call_netfilter()
    sink = collector("127.0.0.1", 0, lan.bridge)
    agent = start(lan, flowagent, f"{sink.host_port},version=10,{CHOSEN}", options=("--biflow", "on"))
    lan.log("inet", "forward")
    lan.send("left", "right")
    lan.send("right", "left")
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * COUNT, "all to be read")
    rows = stop(agent)
    sink.wait_for_datagrams(rows[sink.host_port]["datagrams_sent"])
    (forward, reverse), = [pair for message in sink.messages() for pair in message.biflows]
    left, right = lan.number("port0"), lan.number("port1")
    assert [(flow[PHYSICAL_INPUT], flow[PHYSICAL_OUTPUT]) for flow in (forward, reverse)] == [
        (left, right), (right, left),
    ]  # fmt: skip


def test_show_flows_says_that_no_collector_gets_them(lan, flowagent, agentctl, collector):
    """The field that it names is one that collectors take."""
    sink = collector("127.0.0.1", 0, lan.bridge)
    agent = start(lan, flowagent, f"{sink.host_port},fields=default+in_phys_if")
    control = agentctl(agent)
    assert control.run("show", "flows", "-o", "in_phys_if").returncode == 0
    refused = control.run("show", "flows", "-o", "out_phys_if")
    assert refused.returncode == 1 and "fields=default+out_phys_if" in refused.stderr
    assert agent.stop() == 0, agent.errors


@pytest.mark.parametrize("family", ["inet", "bridge"])
def test_ports_of_a_capture_file(family, lan, flowagent, collector, tcpdump):
    """What tcpdump has written of a log group."""
    if family == "inet":
        lan.call_netfilter()
    wire = tcpdump(lan.bridge, "nflog:41")
    lan.log(family, "forward", groups=(41,))
    lan.send("left", "right")
    wait_until(lambda: len(wire.packets()) >= COUNT, "the capture to be written")
    wire.stop()
    sink = collector("127.0.0.1", 0, lan.bridge)
    agent = flowagent("--read", wire.path, "-n", f"{sink.host_port},version=10,{CHOSEN}", host=lan.bridge)
    assert agent.wait() == 0, agent.errors
    values, _ = only_flow(sink, agent.summary()["collectors"][0])
    ports = [lan.number("port0"), lan.number("port1")]
    interfaces = ports if family == "bridge" else [lan.number("br0")] * 2
    assert [values[PHYSICAL_INPUT], values[PHYSICAL_OUTPUT]] == ports
    assert [values[INPUT_INTERFACE], values[OUTPUT_INTERFACE]] == interfaces


AGGREGATE = "in_iface, out_iface, port_in, port_out, dst_port"
# 252 and 253 are no names of pmacct's own.
PRIMITIVES = """\
name=port_in field_type=252 len=4 semantics=u_int
name=port_out field_type=253 len=4 semantics=u_int
"""


def test_nfacctd_and_tshark_read_them(lan, flowagent, agentctl, directory, nfacctd, tcpdump):
    lan.call_netfilter()
    primitives = directory / "primitives.lst"
    primitives.write_text(PRIMITIVES)
    options = f"aggregate_primitives: {primitives}\n"
    pmaccts = {
        version: nfacctd("127.0.0.1", 3000 + version, lan.bridge, options=options, aggregate=AGGREGATE)
        for version in (9, 10)
    }
    wire = tcpdump(lan.bridge, "lo", "udp")
    agent = start(
        lan, flowagent,
        *(f"127.0.0.1:{3000 + version},version={version},{CHOSEN}" for version in pmaccts),
    )  # fmt: skip
    lan.log("inet", "forward")
    lan.send("left", "right")
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= COUNT, "all to be read")
    rows = stop(agent)
    wait_until(
        lambda: len(wire.packets()) >= sum(row["datagrams_sent"] for row in rows.values()),
        "the capture to be written",
    )
    wire.stop()
    bridge, *ports = [lan.number(device) for device in ("br0", "port0", "port1")]
    for version, pmacct in pmaccts.items():
        wait_until(lambda: any(row["packets"] == COUNT for row in pmacct.rows()), "the flow")
        (row,) = pmacct.rows()
        assert (row["iface_in"], row["iface_out"]) == (bridge, bridge)
        assert [int(row["port_in"]), int(row["port_out"])] == ports
        port = 3000 + version
        assert programs.tshark_complaints(wire.path, port) == []
        for name, number in zip(("ingress", "egress"), ports):
            assert programs.tshark_values(wire.path, port, f"cflow.{name}_physical_interface") == [number]
