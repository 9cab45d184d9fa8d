"""How datagrams leave: interface, DSCP, TTL, MTU, link-local addresses; seen on the wire."""

import contextlib
import json
import socket
import threading

import pytest

import ipfix
import ledger
import netns
import traffic
from collector import Collector
from conftest import Hosts
from exports import expected_flows, export_file, headers, in_brackets, seen
from flows import FlowTable, differences
from netflow9 import INTERFACE_NAME, Decoder, flow_table, text
from stream_collector import StreamCollector
from waiting import PATIENCE_S, wait_until

VERSIONS = (5, 9, 10)

# ---- headers ----------------------------------------------------------------------------------


def test_headers_say_what_the_collector_is_given(hosts, flowagent, collector, tcpdump):
    ipv4, ipv6 = Hosts.COLLECTOR
    for address in Hosts.COLLECTOR:
        for port in 3001, 3002:
            collector(address, port, hosts.collector)
    wire = tcpdump(hosts.server, "eth0", "udp")
    _, summary, _ = export_file(
        flowagent, hosts.server,
        f"{ipv4}:3001,dscp=ef,ttl=9", f"{ipv4}:3002",
        f"[{ipv6}]:3001,dscp=af11,ttl=200", f"[{ipv6}]:3002,ttl=255",
    )  # fmt: skip
    packets = seen(wire, summary["datagrams_sent"])
    marks = {(header.destination, header.port, header.tos, header.ttl) for header in packets}
    assert marks == {
        (ipv4, 3001, 46 << 2, 9), (ipv4, 3002, 0, 64), (ipv6, 3001, 10 << 2, 200),
        (ipv6, 3002, 0, 255),
    }  # fmt: skip


@contextlib.contextmanager
def tcp_reader(address, port, host):
    """Reads one connection to its end."""
    with traffic.bound_socket(host, address, socket.SOCK_STREAM, port) as listener:
        listener.listen()

        def read():
            with listener.accept()[0] as connection:
                connection.settimeout(PATIENCE_S)
                while connection.recv(65536):
                    pass

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        yield
        reader.join(PATIENCE_S)


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_a_connection_has_the_same_headers_and_interface(family, two_ways, flowagent, tcpdump):
    """Every packet of it, the first one as well."""
    two_ways.connect("eth1", 2)
    address = TwoWays.COLLECTOR[family]
    wires = {name: tcpdump(two_ways.server, name, "tcp") for name in ("eth0", "eth1")}
    with tcp_reader(address, 4739, two_ways.collector):
        export_file(
            flowagent, two_ways.server,
            f"{in_brackets(address)}:4739,transport=tcp,interface=eth1,dscp=cs3,ttl=11",
        )  # fmt: skip
    wait_until(lambda: len(wires["eth1"].packets()) > 5, "the connection on the wire")
    for wire in wires.values():
        wire.stop()
    assert headers(wires["eth0"].path) == []
    own = [header for header in headers(wires["eth1"].path) if header.destination == address]
    assert len(own) > 3
    assert {(header.source, header.tos, header.ttl) for header in own} == {
        (TwoWays.SERVER["eth1"][family], 24 << 2, 11)
    }


# ---- MTU --------------------------------------------------------------------------------------


def set_mtu(hosts, mtu):
    for host, device in (
        (hosts.server, "eth0"),
        (hosts.internet, "eth0"),
        (hosts.internet, "eth1"),
        (hosts.collector, "eth0"),
    ):
        host.ip("link", "set", device, "mtu", mtu)


@pytest.fixture
def long_capture(directory):
    """4000 IPv4 flows of one second: datagrams fill before they have waited."""
    from capture_files import packet, pcap
    from frames import ethernet, ipv4, udp

    frames = [
        packet(1_700_000_000_000_000_000 + i * 1000, 1, ethernet((0x0800, ipv4(udp(1000 + i)))))
        for i in range(4000)
    ]
    path = directory / "long.pcap"
    path.write_bytes(pcap(frames))
    return path


@pytest.mark.parametrize("mtu", [576, 9000])
def test_datagrams_fill_the_mtu_and_are_never_fragments(
    mtu, hosts, flowagent, collector, tcpdump, long_capture
):
    set_mtu(hosts, max(mtu, 1500))
    sinks, options = {}, []
    for version in VERSIONS:
        for address in Hosts.COLLECTOR:
            sink = sinks[version, address] = collector(address, 3000 + version, hosts.collector)
            options.append(f"{sink.host_port},version={version},mtu={mtu}")
    wire = tcpdump(hosts.collector, "eth0", "udp")
    _, summary, _ = export_file(flowagent, hosts.server, *options, path=long_capture)
    packets = seen(wire, sum(row["datagrams_sent"] for row in summary["collectors"]))
    assert not any(header.is_fragment or header.may_be_cut for header in packets)
    expected = expected_flows(long_capture)
    for (version, address), sink in sinks.items():
        sizes = [header.octets for header in packets
                 if (header.destination, header.port) == (address, sink.port)]  # fmt: skip
        full = mtu
        if version == 5:  # 30 records at most
            full = min(mtu, (48 if ":" in address else 28) + 24 + 30 * 48)
        assert max(sizes) <= full
        # But for the last one, and the one whose next records have another template.
        not_full = [size for size in sizes if size <= full - 61 - 4]
        assert len(not_full) <= 4, (version, address, sizes)
        assert not differences(sink.flows().flows, expected), (version, address)


def test_datagrams_fit_a_path_that_is_known_to_take_less(hosts, flowagent, collector, tcpdump, long_capture):
    """As through a tunnel: whatever the configuration says, nothing is lost and nothing is a fragment."""
    set_mtu(hosts, 1280)
    sinks, options = {}, []
    for number, version in enumerate(VERSIONS):
        for address in Hosts.COLLECTOR:
            sink = sinks[version, address] = collector(address, 3000 + version, hosts.collector)
            options.append(f"{sink.host_port},version={version}" + (",mtu=9000" if number % 2 else ""))
    wire = tcpdump(hosts.collector, "eth0", "udp")
    _, summary, rows = export_file(flowagent, hosts.server, *options, path=long_capture)
    packets = seen(wire, sum(row["datagrams_sent"] for row in summary["collectors"]))
    assert not any(header.is_fragment or header.may_be_cut for header in packets)
    assert 1280 - 61 - 4 < max(header.octets for header in packets) <= 1280
    assert all(row["records_lost"] == 0 for row in summary["collectors"])
    expected = expected_flows(long_capture)
    for (version, address), sink in sinks.items():
        assert not differences(sink.flows().flows, expected), (version, address)


def test_a_path_that_takes_less_is_reported(hosts, flowagent, collector, long_capture):
    """A router on the way says so (RFC 1191): what it threw away is counted, and the log names the cure."""
    hosts.internet.ip("link", "set", "eth1", "mtu", "1280")
    hosts.collector.ip("link", "set", "eth0", "mtu", "1280")
    address = Hosts.COLLECTOR[0]
    sinks = [collector(address, port, hosts.collector) for port in (3001, 3002)]
    agent, _, rows = export_file(
        flowagent, hosts.server, f"{address}:3001,mtu=1500", f"{address}:3002,mtu=1280",
        path=long_capture, status=1,
    )  # fmt: skip
    assert "datagrams were longer than the path takes; new ones are shorter" in agent.errors
    assert rows[3001]["records_lost"] == rows[3001]["records_lost_by_reason"]["send_failed"] > 0
    assert rows[3002]["records_lost"] == 0
    for sink, row in zip(sinks, (rows[3001], rows[3002])):
        sink.wait_for_datagrams(row["datagrams_sent"])
        assert len(sink.datagrams) == row["datagrams_sent"]
    assert not differences(sinks[1].flows().flows, expected_flows(long_capture))


# ---- interface --------------------------------------------------------------------------------


class TwoWays:
    """A server with two links to one collector host, whose address the route finds by the first."""

    COLLECTOR = ("203.0.113.1", "2001:db8:99::1")
    SERVER = {"eth0": ("192.0.2.10", "2001:db8:1::10"), "eth1": ("198.51.100.10", "2001:db8:2::10")}
    OTHER = {"eth0": ("192.0.2.1", "2001:db8:1::1"), "eth1": ("198.51.100.1", "2001:db8:2::1")}

    def __init__(self, make_host):
        self.server, self.collector = make_host("server"), make_host("coll")
        for address in self.COLLECTOR:
            self.collector.add_address(address, "lo")
        self.connect("eth0", 1)

    def connect(self, device, metric):
        netns.connect(
            (self.server, device, netns.with_length(self.SERVER[device])),
            (self.collector, device, netns.with_length(self.OTHER[device])),
        )
        for address, router in zip(self.COLLECTOR, self.OTHER[device]):
            self.server.ip("route", "add", address, "via", router, "metric", metric)
        self.collector.sysctl(f"ipv4/conf/{device}/rp_filter", 0)

    def disconnect(self, device):
        self.server.ip("link", "delete", device)


@pytest.fixture
def two_ways(host):
    return TwoWays(host)


def test_packets_leave_by_the_interface_whatever_the_route_says(
    two_ways, flowagent, collector, tcpdump
):
    two_ways.connect("eth1", 2)
    sinks = [collector(address, port, two_ways.collector)
             for address in TwoWays.COLLECTOR for port in (3001, 3002)]  # fmt: skip
    wires = {name: tcpdump(two_ways.server, name, "udp") for name in ("eth0", "eth1")}
    options = [f"{sink.host_port}{',interface=eth1' if sink.port == 3002 else ''}" for sink in sinks]
    _, summary, _ = export_file(flowagent, two_ways.server, *options)
    sent = sum(row["datagrams_sent"] for row in summary["collectors"])
    wait_until(
        lambda: sum(len(wire.packets()) for wire in wires.values()) >= sent, "all on the wire"
    )
    for name, port in ("eth0", 3001), ("eth1", 3002):
        wires[name].stop()
        packets = headers(wires[name].path)
        assert {header.port for header in packets} == {port}
        assert {header.source for header in packets} == set(TwoWays.SERVER[name])
    for sink in sinks:
        assert not differences(sink.flows().flows, expected_flows())


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_an_interface_may_come_and_go(family, two_ways, flowagent, agentctl, collector):
    """Missing at start, there, gone, there again under another index, without a carrier, with one:
    nothing is lost, though the kernel takes datagrams for a device without a carrier."""
    sink = collector(TwoWays.COLLECTOR[family], 3001, two_ways.collector)
    agent = flowagent("-i", "lo", "-n", f"{sink.host_port},interface=eth1", host=two_ways.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    here, known = (two_ways.server, "127.0.0.1"), FlowTable()

    def row():
        (found,) = control.rows("show", "collectors")
        return found

    def account():
        before = control.statistics()["packets_read"]
        traffic.udp_dialogue(here, here, known, 5, 10, 20)
        wait_until(lambda: control.statistics()["packets_read"] >= before + 10, "packets read")
        control.run("flush")

    def flows():
        """Names of interfaces may be lost in the second before a lost carrier is noticed."""
        decoder = Decoder()
        for datagram in list(sink.datagrams):
            decoder.next_sequence.clear()
            decoder.decode(datagram)
        return flow_table(decoder.messages)

    def wait_for_all():
        wait_until(lambda: flows().packets() >= known.packets(), "all flows at the collector")

    missing = "the interface it is sent to by does not exist"
    agent.wait_until(lambda: missing in agent.errors, "the log to say so")
    account()
    assert row()["up"] is False
    assert row()["last_error"] == missing
    assert not sink.datagrams
    for _ in range(2):
        two_ways.connect("eth1", 2)
        wait_for_all()
        two_ways.disconnect("eth1")
        account()
    two_ways.connect("eth1", 2)
    wait_for_all()
    two_ways.collector.ip("link", "set", "eth1", "down")
    is_down = "the interface it is sent to by is down"
    wait_until(lambda: row()["last_error"] == is_down, "the carrier to be missed")
    account()
    two_ways.collector.ip("link", "set", "eth1", "up")
    wait_for_all()
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_lost"] == 0
    assert summary["records_sent"] == len(known.flows)
    assert not differences(flows().counters(), known.counters())


# ---- what a socket is bound to changes ----------------------------------------------------------


class Renumbered:
    """A server with one link, whose own address is another one from some moment on."""

    BEFORE, AFTER = ("192.0.2.10", "2001:db8:1::10"), ("192.0.2.99", "2001:db8:1::99")
    ROUTER = ("192.0.2.1", "2001:db8:1::1")
    COLLECTOR = TwoWays.COLLECTOR

    def __init__(self, make_host):
        self.server, self.collector = make_host("server"), make_host("coll")
        netns.connect(
            (self.server, "eth0", netns.with_length(self.BEFORE)),
            (self.collector, "eth0", netns.with_length(self.ROUTER)),
        )
        for address in self.COLLECTOR:
            self.collector.add_address(address, "lo")
        self._set_routes()

    def _set_routes(self):
        for address, router in zip(self.COLLECTOR, self.ROUTER):
            self.server.ip("route", "replace", address, "via", router)

    def renumber(self):
        for before in netns.with_length(self.BEFORE):
            self.server.ip("address", "del", before, "dev", "eth0")
        for after in netns.with_length(self.AFTER):
            self.server.add_address(after, "eth0")
        ends = (self.server, self.collector, self.ROUTER), (self.collector, self.server, self.AFTER)
        for here, there, addresses in ends:
            for address in addresses:
                here.ip("neighbour", "replace", address, "lladdr", netns.hardware_address(there, "eth0"),
                        "dev", "eth0", "nud", "permanent")  # fmt: skip
        self._set_routes()


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_own_address_changes(transport, family, host, flowagent, agentctl, collector, cleanup):
    """DHCP, PPP, renumbering: the export goes on from the new address, and nothing is lost."""
    site = Renumbered(host)
    address = Renumbered.COLLECTOR[family]
    if transport == "udp":
        sink = collector(address, 3001, site.collector)
    else:
        sink = cleanup.enter_context(StreamCollector(address, 3001, site.collector))
    target = f"{sink.host_port},transport={transport},version=10,spool=2M"
    agent = flowagent("-i", "lo", "-n", target, host=site.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    here, known = (site.server, "127.0.0.1"), FlowTable()

    def account():
        before = control.statistics()["packets_read"]
        traffic.udp_dialogue(here, here, known, 5, 10, 20)
        wait_until(lambda: control.statistics()["packets_read"] >= before + 10, "packets read")
        control.run("flush")

    def packets():
        if transport == "tcp":
            return sink.flows().packets()
        decoder = ipfix.Decoder()
        for datagram in list(sink.datagrams):
            decoder.next_sequence.clear()
            decoder.decode(datagram)
        return flow_table(decoder.messages).packets()

    account()
    wait_until(lambda: packets() >= known.packets(), "flows from the first address")
    site.renumber()
    if family == 0:  # before it may have been noticed; IPv6 goes on with an address that is gone
        account()
    wait_until(
        lambda: Renumbered.AFTER[family] in site.server.run("ss", "-Hntu"), "the second address"
    )
    account()
    wait_until(lambda: packets() >= known.packets(), "all flows at the collector")
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_lost"] == 0 and packets() == known.packets()


def test_a_connection_that_sends_nothing_any_more_is_dead(host, flowagent, agentctl, cleanup):
    """The route is gone for longer than a connection may stand still: nothing is under way then, for
    not even the first packet leaves. A new one is tried every second, and all arrives."""
    site = Renumbered(host)
    address = Renumbered.COLLECTOR[0]
    sink = cleanup.enter_context(StreamCollector(address, 3001, site.collector))
    target = f"{sink.host_port},transport=tcp,spool=2M"
    agent = flowagent("-i", "lo", "-n", target, host=site.server)
    agent.wait_for_capture()
    control = agentctl(agent)
    here, known = (site.server, "127.0.0.1"), FlowTable()

    def account():
        before = control.statistics()["packets_read"]
        traffic.udp_dialogue(here, here, known, 5, 10, 20)
        wait_until(lambda: control.statistics()["packets_read"] >= before + 10, "packets read")
        control.run("flush")

    def row():
        (found,) = control.rows("show", "collectors")
        return found

    account()
    wait_until(lambda: sink.flows().packets() >= known.packets(), "the first flows")
    site.server.ip("route", "replace", "unreachable", address)
    account()
    wait_until(lambda: not row()["up"], "the connection is given up")
    assert row()["records_waiting"] > 0
    site.server.ip("route", "del", "unreachable", address)
    site.server.ip("route", "replace", address, "via", Renumbered.ROUTER[0])
    wait_until(lambda: sink.flows().packets() >= known.packets(), "all flows", timeout_s=20)
    assert row()["sessions"] == 2
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_lost"] == 0 and sink.flows().packets() == known.packets()


def test_a_link_local_collector_is_found_by_its_zone(host, flowagent, collector, tcpdump):
    server, other = host("server"), host("coll")
    for device in "eth0", "eth1":
        netns.connect(
            (server, device, ["fe80::1/64", "fe80::11/64"]), (other, device, ["fe80::2/64"])
        )
    sinks = [collector("::", port, other) for port in (3001, 3002, 3003)]
    wires = {name: tcpdump(server, name, "udp") for name in ("eth0", "eth1")}
    _, summary, rows = export_file(
        flowagent, server, "[fe80::2%eth1]:3001", "[fe80::2]:3002,interface=eth0,source=fe80::11",
        "[fe80::2%eth1]:3003,source=fe80::11%eth1",
    )  # fmt: skip
    assert {row["remote"] for row in rows.values()} == {
        "[fe80::2%eth1]:3001", "[fe80::2%eth0]:3002", "[fe80::2%eth1]:3003"
    }  # fmt: skip
    sent = sum(row["datagrams_sent"] for row in summary["collectors"])
    wait_until(
        lambda: sum(len(wire.packets()) for wire in wires.values()) >= sent, "all on the wire"
    )
    found = set()
    for name, wire in wires.items():
        wire.stop()
        found |= {(name, header.source, header.port) for header in headers(wire.path)}
    assert {(name, port) for name, _, port in found} == {
        ("eth1", 3001), ("eth0", 3002), ("eth1", 3003)
    }  # fmt: skip
    assert {source for _, source, port in found if port != 3001} == {"fe80::11"}
    for sink in sinks:
        assert not differences(sink.flows().flows, expected_flows())


def test_one_group_on_two_interfaces_is_two_collectors(two_ways, flowagent, tcpdump):
    two_ways.connect("eth1", 2)
    wires = {name: tcpdump(two_ways.server, name, "udp") for name in ("eth0", "eth1")}
    _, summary, _ = export_file(
        flowagent, two_ways.server, "239.1.2.3:3001,interface=eth0", "239.1.2.3:3001,interface=eth1"
    )
    for name, row in zip(("eth0", "eth1"), summary["collectors"]):
        assert row["name"] == f"239.1.2.3%{name}:3001"
        packets = seen(wires[name], row["datagrams_sent"])
        assert len(packets) == row["datagrams_sent"]
        assert {header.source for header in packets} == {TwoWays.SERVER[name][0]}


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
def test_one_host_by_two_interfaces_is_two_collectors(family, two_ways, flowagent, collector, tcpdump):
    """The route has the first only; the second has the interface in its name."""
    two_ways.connect("eth1", 2)
    address = in_brackets(TwoWays.COLLECTOR[family])
    sink = collector(TwoWays.COLLECTOR[family], 3001, two_ways.collector)
    wires = {name: tcpdump(two_ways.server, name, "udp") for name in ("eth0", "eth1")}
    _, summary, _ = export_file(
        flowagent, two_ways.server, f"{address}:3001,interface=eth0", f"{address}:3001,interface=eth1"
    )
    first, second = summary["collectors"]
    zone = "[2001:db8:99::1%eth1]" if family else "203.0.113.1%eth1"
    assert (first["name"], second["name"]) == (f"{address}:3001", f"{zone}:3001")
    for name, row in ("eth0", first), ("eth1", second):
        packets = seen(wires[name], row["datagrams_sent"])
        assert {header.source for header in packets} == {TwoWays.SERVER[name][family]}
        decoder, start = Decoder(), 14 + (48 if family else 28)
        messages = [decoder.decode(packet.data[start:]) for packet in wires[name].packets()]
        assert not differences(flow_table(messages).flows, expected_flows())
    sink.wait_for_datagrams(summary["datagrams_sent"])


# ---- options data -----------------------------------------------------------------------------

INTERFACES = 1000


def test_a_thousand_names_are_announced_a_few_at_a_time_and_again(host, flowagent, tcpdump):
    """Names of 1000 interfaces: complete, never as a burst, and once more at the refresh."""
    server = host("server")
    commands = "".join(
        f"link add left{i} type veth peer name right{i}\n" for i in range(INTERFACES // 2)
    )
    server.run("ip", "-batch", "-", input=commands)
    links = {link["ifindex"]: link["ifname"] for link in json.loads(server.ip("-j", "link"))}
    with Collector("127.0.0.1", 3001, server):
        wire = tcpdump(server, "lo", "udp", "port", 3001)
        agent = flowagent(
            "-i", "lo", "-n", "127.0.0.1:3001", "--template-refresh", "10s", host=server
        )

        def announced():
            """For each datagram its time in ms and names."""
            decoder, found = Decoder(), []
            for packet in wire.packets():
                message = decoder.decode(packet.data[14 + 28 :])
                names = [(int.from_bytes(scopes[2], "big"), text(values[INTERFACE_NAME]))
                         for scopes, values in message.options if 2 in scopes]  # fmt: skip
                if names:
                    found.append((packet.time_ns // 1_000_000, names))
            return found

        def repeated():
            return sum(len(names) for _, names in announced()) >= 2 * len(links)

        agent.wait_until(repeated, "all names twice")
        assert agent.stop() == 0, agent.errors
        wire.stop()
    datagrams = announced()
    names = [name for _, some in datagrams for name in some]
    assert dict(names[: len(links)]) == links
    assert dict(names[len(links) : 2 * len(links)]) == links
    # 12 in 100 ms.
    for i, (start_ms, _) in enumerate(datagrams):
        within = sum(len(some) for at, some in datagrams[i:] if at < start_ms + 1000)
        assert within <= 12 * (10 + 3), within
    assert max(len(some) for _, some in datagrams) <= 24
