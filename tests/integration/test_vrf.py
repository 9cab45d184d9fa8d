"""interface= with a VRF: connections follow its table of routes, whatever the main table says.

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
