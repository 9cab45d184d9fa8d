"""Names of applications: the number in each record, the names in options data, and what nfacctd and
others make of them."""

import json
from pathlib import Path

import pytest

import frames
import ledger
import programs
from capture_files import packet, pcap
from conftest import Hosts
from netflow9 import APPLICATION_ID, APPLICATION_NAME, DESTINATION_PORT, PACKETS, PROTOCOL
from netflow9 import SOURCE_PORT
from waiting import wait_until

FILE = """\
# what runs here
tcp/443 https
udp/443 quic
udp/53 dns
tcp/6000-6063 x11
25 smtp
domain-s 853/tcp
"""
# (protocol, source port, destination port) -> name; ICMP has no ports
FLOWS = {
    (6, 40000, 443): "https",
    (6, 443, 40000): "https",
    (17, 40000, 443): "quic",
    (17, 40001, 53): "dns",
    (6, 40002, 6063): "x11",
    (6, 25, 40003): "smtp",
    (6, 40004, 853): "domain-s",
    (17, 40005, 40006): None,
    (1, 0, 53): None,  # destination unreachable has type * 256 + code there
}


@pytest.fixture
def names(directory):
    path = directory / "applications"
    path.write_text(FILE)
    return path


@pytest.fixture
def capture(directory):
    packets = []
    for number, (protocol, source, destination) in enumerate(FLOWS):
        segment = {
            6: lambda s=source, d=destination: frames.tcp(s, d),
            17: lambda s=source, d=destination: frames.udp(s, d),
            1: lambda s=source, d=destination: bytes([d >> 8, d & 0xFF]) + bytes(6),
        }[protocol]()
        layer = frames.ipv4(segment, protocol=protocol)
        for copy in range(2):
            time_ns = 1_700_000_000_000_000_000 + (2 * number + copy) * 1_000_000
            packets.append(packet(time_ns, frames.RAW, layer))
    path = directory / "applications.pcap"
    path.write_bytes(pcap(packets))
    return path


def classes(pmacct):
    """(protocol, source port, destination port) -> class"""
    numbers = {"tcp": 6, "udp": 17, "icmp": 1}
    return {(numbers[row["ip_proto"]], row["port_src"], row["port_dst"]): row["class"]
            for row in pmacct.rows()}  # fmt: skip


def test_every_flow_has_its_application(names, capture, hosts, flowagent, collector, nfacctd,
                                        tcpdump):  # fmt: skip
    """nfacctd, which needs the name before the record, shows it as the class of each flow."""
    versions = (9, 10)
    address = Hosts.COLLECTOR[0]
    aggregate = "class, src_port, dst_port, proto"
    pmaccts = {version: nfacctd(address, 3000 + version, hosts.collector, aggregate=aggregate)
               for version in versions}  # fmt: skip
    own = {version: collector(address, 5000 + version, hosts.collector) for version in versions}
    wire = tcpdump(hosts.collector, "eth0", "udp")
    options = []
    for version in versions:
        for port in 3000 + version, 5000 + version:
            options += ["-n", f"{address}:{port},version={version}"]
    agent = flowagent("--read", capture, "--applications-file", names, *options, host=hosts.server)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {row["name"]: row for row in summary["collectors"]}
    for version in versions:
        sink = own[version]
        sink.wait_for_datagrams(rows[f"{address}:{5000 + version}"]["datagrams_sent"])
        announced = {}
        for message in sink.messages():
            for scopes, values in message.options:
                if APPLICATION_NAME in values:
                    raw = values.get(APPLICATION_ID, scopes.get(APPLICATION_ID))
                    announced[raw] = values[APPLICATION_NAME].rstrip(b"\0").decode()
        assert announced == {
            b"\x03\x01\xbb": "https", b"\x06\xff\xff": "quic", b"\x03\x00\x35": "dns",
            b"\x03\x17\x70": "x11", b"\x03\x00\x19": "smtp", b"\x03\x03\x55": "domain-s",
        }  # fmt: skip
        for message in sink.messages():
            for values in message.flows:
                key = (values[PROTOCOL], values[SOURCE_PORT], values[DESTINATION_PORT])
                raw = values[APPLICATION_ID]
                assert announced.get(raw) == FLOWS[key] and (raw != bytes(3)) == bool(FLOWS[key])
                assert values[PACKETS] == 2
        expected = {key: name or "unknown" for key, name in FLOWS.items()}
        wait_until(lambda version=version: len(classes(pmaccts[version])) == len(FLOWS), "all flows")
        assert classes(pmaccts[version]) == expected, version
    sent = sum(row["datagrams_sent"] for row in rows.values())
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    for version in versions:
        assert not programs.tshark_complaints(wire.path, 5000 + version)


def test_json_lines_have_the_name(names, capture, flowagent, collector):
    sink = collector()
    agent = flowagent("--read", capture, "--applications-file", names, "-n",
                      f"{sink.host_port},version=json")  # fmt: skip
    assert agent.wait() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    lines = [json.loads(line) for data in sink.datagrams for line in data.splitlines()]
    flows = {(line["protocolIdentifier"], line["sourceTransportPort"], line["destinationTransportPort"]):
             line for line in lines if line["type"] == "flow"}  # fmt: skip
    assert {key: line.get("applicationName") for key, line in flows.items()} == FLOWS
    assert flows[6, 40002, 6063]["applicationId"] == "3:6000"
    assert flows[1, 0, 53]["applicationId"] is None


def test_services_of_this_machine(flowagent, capture, collector):
    if not Path("/etc/services").exists():
        pytest.skip("no /etc/services")
    sink = collector()
    agent = flowagent("--read", capture, "--applications-file", "/etc/services", "-n", sink.host_port)
    assert agent.wait() == 0, agent.errors
    ledger.check_final(agent.summary())
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert sink.messages()


def test_a_wrong_file_is_refused(directory, flowagent_run, capture):
    path = directory / "wrong"
    path.write_text("tcp/80 http\ntcp/99999 x\n")
    done = flowagent_run("--read", capture, "--applications-file", path)
    assert done.returncode == 1
    assert f'{path}:2: "tcp/99999 x", expected [PROTOCOL/]PORT[-PORT] NAME' in done.stderr
    done = flowagent_run("--read", capture, "--applications-file", directory / "none")
    assert done.returncode in (1, 2) and "none" in done.stderr


def test_without_a_file_nothing_changes(flowagent, capture, collector):
    sink = collector()
    agent = flowagent("--read", capture, "-n", sink.host_port)
    assert agent.wait() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert not any(APPLICATION_ID in values for message in sink.messages() for values in message.flows)
