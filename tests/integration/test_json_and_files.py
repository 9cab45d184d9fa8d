"""JSON lines and files: the exact sums per flow for every way out, and nothing half written."""

import json
import subprocess

import pytest

import json_lines
import ledger
from conftest import ROOT
from flows import differences
from pcap_reader import count_flows, read_packets
from waiting import PATIENCE_S

CAPTURES = ROOT / "tests" / "wire" / "captures"
NAMES = [
    "ndpi-443-curl.pcap",
    "ndpi-4in6tunnel.pcap",
    "ndpi-dns_fragmented.pcap",
    "ndpi-sctp.cap",
    "ndpi-whatsapp.pcap",
    "tcpdump-icmpv6.pcap",
    "tcpdump-nflog.pcap",
    "tcpdump-time_2038.pcap",
]


def expected_flows(path):
    return count_flows(read_packets(path)).table


def run_capture(flowagent, path, *options, **popen_options):
    """Run to the end of the file: the summary."""
    agent = flowagent("--read", path, *options, **popen_options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    return summary


def jq(program, text):
    """What jq makes of some lines: one value per line of its output."""
    done = subprocess.run(
        ["jq", "-c", program], input=text, capture_output=True, timeout=PATIENCE_S, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_json_over_udp_is_exact(name, flowagent, collector):
    path, sink = CAPTURES / name, collector()
    summary = run_capture(flowagent, path, "-n", f"{sink.host_port},version=json")
    (row,) = summary["collectors"]
    assert (row["version"], row["transport"], row["sequence"]) == ("json", "udp", None)
    sink.wait_for_datagrams(row["datagrams_sent"])
    lines = json_lines.read(sink.datagrams)
    assert not differences(lines.table().flows, expected_flows(path).flows)
    assert len(lines.flows) == row["records_sent"] and row["records_lost"] == 0
    assert max(map(len, sink.datagrams)) <= 1400
    lines.check_counts()
    assert lines.all[-1]["packetTotalCount"] == summary["packets_read"]
    packets = jq('select(.type == "flow") | .packetDeltaCount', b"".join(sink.datagrams))
    assert sum(packets) == row["packets_sent"]


def test_same_file_gives_same_lines(flowagent, collector):
    runs = []
    for rate in 0, 500:
        sink = collector()
        summary = run_capture(
            flowagent, CAPTURES / "ndpi-whatsapp.pcap",
            "-n", f"{sink.host_port},rate={rate}", "-v", "json",
        )  # fmt: skip
        sink.wait_for_datagrams(summary["datagrams_sent"])
        runs.append(sink.datagrams)
    assert runs[0] == runs[1]


def test_datagram_that_holds_no_line_is_refused(flowagent_run):
    done = flowagent_run("--read", CAPTURES / NAMES[0], "-n", "127.0.0.1:2055,version=json,mtu=576")
    assert done.returncode == 1
    assert "a line of JSON may have" in done.stderr and "larger mtu" in done.stderr
