"""interface= with a VRF: datagrams and connections follow its table of routes, whatever the main table says.

The kernels that most tests run on may have no VRF; those of tests/kernels do.
"""

import subprocess

import pytest

import netns
from exports import expected_flows, export_file, in_brackets
from flows import differences
from stream_collector import StreamCollector
from waiting import wait_until

pytestmark = pytest.mark.kernels
COLLECTOR = ("203.0.113.1", "2001:db8:99::1")
VRF, TABLE = "blue", 10
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


class Tenants:
    """A server with a link to each of two hosts that have the same address: the main table knows one of them, the VRF the other."""

    SERVER = {"eth0": ("192.0.2.10", "2001:db8:1::10"), "eth1": ("198.51.100.10", "2001:db8:2::10")}
    OTHER = {"eth0": ("192.0.2.1", "2001:db8:1::1"), "eth1": ("198.51.100.1", "2001:db8:2::1")}

    def __init__(self, make_host):
        self.server = make_host("server")
        self.collectors = {device: make_host(device) for device in self.SERVER}
        for device, host in self.collectors.items():
            netns.connect(
                (self.server, device, netns.with_length(self.SERVER[device])),
                (host, "eth0", netns.with_length(self.OTHER[device])),
            )
            for address in COLLECTOR:
                host.add_address(address, "lo")

    def add_vrf(self):
        """It takes eth1, and the kernel its addresses of IPv6: they are given again."""
        self.server.ip("link", "add", VRF, "type", "vrf", "table", TABLE)
        self.server.ip("link", "set", VRF, "up")
        self.server.ip("link", "set", "eth1", "master", VRF)
        self.server.ip("address", "flush", "dev", "eth1")
        for address in netns.with_length(self.SERVER["eth1"]):
            self.server.add_address(address, "eth1")
        hardware = netns.hardware_address(self.collectors["eth1"], "eth0")
        for router in self.OTHER["eth1"]:
            self.server.ip("neighbour", "replace", router, "lladdr", hardware, "dev", "eth1", "nud", "permanent")
        for device, place in ("eth0", []), ("eth1", ["table", TABLE]):
            for address, router in zip(COLLECTOR, self.OTHER[device]):
                self.server.ip("route", "add", address, "via", router, *place)


@pytest.fixture
def tenants(host):
    """Tenants, if the kernel has VRFs."""
    made = Tenants(host)
    words = ["link", "add", "try", "type", "vrf", "table", TABLE]
    tried = subprocess.run(made.server.command("ip", *words), capture_output=True, text=True, check=False)
    if "Unknown device type" in tried.stderr or "not supported" in tried.stderr:
        pytest.skip(f"this kernel has no VRF: {tried.stderr.strip()}")
    assert tried.returncode == 0, tried.stderr
    made.server.ip("link", "delete", "try")
    made.add_vrf()
    return made


@FAMILIES
def test_a_connection_follows_the_table_of_the_vrf(family, tenants, flowagent):
    """The host that the main table knows refuses it."""
    address, at = COLLECTOR[family], in_brackets(COLLECTOR[family])
    with StreamCollector(address, 4739, tenants.collectors["eth1"]) as sink:
        export_file(flowagent, tenants.server, f"{at}:4739,version=10,transport=tcp,interface={VRF}")
        wait_until(lambda: not differences(sink.flows().flows, expected_flows()), "all flows")


@FAMILIES
def test_datagrams_follow_the_table_of_the_vrf(family, tenants, flowagent, collector):
    """The host that the main table knows has the same address, and gets nothing."""
    sinks = {device: collector(COLLECTOR[family], 3001, host) for device, host in tenants.collectors.items()}
    _, summary, _ = export_file(flowagent, tenants.server, f"{sinks['eth1'].host_port},version=10,interface={VRF}")
    sinks["eth1"].wait_for_datagrams(summary["datagrams_sent"])
    assert not differences(sinks["eth1"].flows().flows, expected_flows())
    assert {sender[0] for sender in sinks["eth1"].senders} == {tenants.SERVER["eth1"][family]}
    assert not sinks["eth0"].datagrams


@FAMILIES
def test_one_address_of_two_tables_is_two_collectors(family, tenants, flowagent, collector):
    """One host that the main table knows, and one of the VRF: both get all flows."""
    sinks = {device: collector(COLLECTOR[family], 3001, host) for device, host in tenants.collectors.items()}
    address = f"{in_brackets(COLLECTOR[family])}:3001"
    _, summary, _ = export_file(flowagent, tenants.server, f"{address},interface=eth0", f"{address},interface={VRF}")
    for row, (device, sink) in zip(summary["collectors"], sinks.items()):
        sink.wait_for_datagrams(row["datagrams_sent"])
        assert not differences(sink.flows().flows, expected_flows())
        assert {sender[0] for sender in sink.senders} == {tenants.SERVER[device][family]}


@FAMILIES
def test_what_a_host_of_the_vrf_refuses_is_handed_on(family, tenants, flowagent, collector):
    """Its report comes in by the VRF: the datagram that finds it dead goes to the next of the group."""
    sink = collector(COLLECTOR[family], 3002, tenants.collectors["eth1"])
    at = in_brackets(COLLECTOR[family])
    keys = f"mode=failover,interface={VRF}"
    agent, _, rows = export_file(flowagent, tenants.server, f"{at}:3001,{keys}", f"{at}:3002,{keys}")
    assert (rows[3001]["records_lost"], rows[3002]["records_lost"]) == (0, 0), agent.errors
    wait_until(lambda: not differences(sink.flows().flows, expected_flows()), "all flows")
