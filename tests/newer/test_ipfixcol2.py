"""ipfixcol2 reads NetFlow v9 and IPFIX over UDP, and IPFIX over TCP: every flow and every counter.

Debian 12 has no ipfixcol2: tests/newer-collectors runs this.
"""

import json
import sys
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).resolve().parent.parent / "integration"
sys.path.append(str(INTEGRATION))
import programs  # noqa: E402
from conftest import *  # noqa: E402,F403  (its fixtures)
from conftest import ROOT  # noqa: E402
from flows import FlowKey, FlowTable, canonical_address, differences  # noqa: E402
from pcap_reader import count_flows, read_packets  # noqa: E402

CAPTURES = ROOT / "tests" / "wire" / "captures"
NAMES = ("ndpi-zoom.pcap", "ndpi-quic_interop_V.pcapng", "ndpi-wechat.pcap", "tcpdump-icmpv6.pcap")
PORT = 4739
CONFIGURATION = """\
<ipfixcol2>
  <inputPlugins>
    <input>
      <name>agents</name><plugin>{transport}</plugin>
      <params><localPort>{port}</localPort><localIPAddress>127.0.0.1</localIPAddress></params>
    </input>
  </inputPlugins>
  <outputPlugins>
    <output>
      <name>lines</name><plugin>json</plugin>
      <params>
        <tcpFlags>raw</tcpFlags><timestamp>unix</timestamp><protocol>raw</protocol>
        <outputs><file>
          <name>files</name><path>{directory}</path><prefix>flows.</prefix>
          <timeWindow>3600</timeWindow><timeAlignment>no</timeAlignment>
        </file></outputs>
      </params>
    </output>
  </outputPlugins>
</ipfixcol2>
"""


class Ipfixcol2(programs.Program):
    def __init__(self, directory, transport, host):
        self.directory = directory / "flows"
        self.directory.mkdir()
        file = directory / "startup.xml"
        file.write_text(
            CONFIGURATION.format(transport=transport, port=PORT, directory=self.directory)
        )
        super().__init__("ipfixcol2", ["ipfixcol2", "-v", "-v", "-c", file], directory, host)
        name, state = {"udp": ("udp", "07"), "tcp": ("tcp", "0A")}[transport]
        place = f"0100007F:{PORT:04X} 00000000:0000 {state}"
        self.wait_until(lambda: place in host.read(name), "it listens")

    def flows(self):
        table = FlowTable()
        for file in self.directory.rglob("flows.*"):
            for line in file.read_text().splitlines():
                add(table, json.loads(line))
        return table


def add(table, record):
    values = {name.removeprefix("iana:"): value for name, value in record.items()}
    if "packetDeltaCount" not in values:
        return  # options data
    version = "IPv4" if "sourceIPv4Address" in values else "IPv6"
    type_and_code = values.get(f"icmpTypeCode{version}", 0)
    key = FlowKey(
        canonical_address(values[f"source{version}Address"]),
        canonical_address(values[f"destination{version}Address"]),
        values["protocolIdentifier"],
        values.get("sourceTransportPort", 0),
        values.get("destinationTransportPort", 0) or type_and_code,
        values["ipClassOfService"],
        values.get("vlanId", 0),
    )
    table.add(key, values["packetDeltaCount"], values["octetDeltaCount"])


@pytest.mark.parametrize("keys", ["version=9", "version=10", "version=10,transport=tcp"])
@pytest.mark.parametrize("name", NAMES)
def test_every_flow_is_read(name, keys, host, flowagent, directory):
    machine = host("collector")
    collector = Ipfixcol2(directory, "tcp" if "tcp" in keys else "udp", machine)
    agent = flowagent("--read", CAPTURES / name, "-n", f"127.0.0.1:{PORT},{keys}", host=machine)
    assert agent.wait() == 0, agent.errors
    expected = count_flows(read_packets(CAPTURES / name)).table.counters()

    def has_all():
        return collector.flows().packets() >= sum(packets for packets, _ in expected.values())

    try:
        collector.wait_until(has_all, "all of it")
    finally:
        collector.stop()
    assert not differences(collector.flows().counters(), expected)
    assert not [line for line in collector.errors.splitlines() if "WARN" in line or "ERROR" in line]
