"""Capture files in, NetFlow out, each flow held against the independent count of pcap_reader.py."""

import subprocess

import pytest

import ledger
from conftest import ROOT
from flows import differences
from pcap_reader import count_flows, read_packets

CAPTURES = sorted((ROOT / "tests" / "wire" / "captures").glob("*cap*"))


def test_all_captures_are_there():
    table = (ROOT / "tests" / "wire" / "captures" / "README.md").read_text()
    assert len(CAPTURES) == 50
    assert all(f"| {path.name} |" in table for path in CAPTURES)


def capinfos_count(path):
    done = subprocess.run(["capinfos", "-Trc", path], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def read_capture(flowagent, collector, file, **options):
    """One run: (collector with all datagrams, summary)."""
    sink = collector()
    agent = flowagent("--read", file, "--collector", sink.host_port, **options)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    sink.wait_for_datagrams(summary["datagrams_sent"])
    return sink, summary


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_capture_is_exact(path, flowagent, collector):
    sink, summary = read_capture(flowagent, collector, path)
    expected = count_flows(read_packets(path))
    exported = sink.flows()

    assert not differences(exported.flows, expected.table.flows)
    assert summary["packets_read"] == capinfos_count(path) == expected.packets
    assert {key: n for key, n in summary["packets_ignored"].items() if n} == expected.ignored

    ledger.check_final(summary)
    assert summary["packets_lost_kernel"] == summary["packets_lost"] == summary["records_lost"] == 0
    assert summary["packets_exported"] == exported.packets()
    assert summary["bytes_exported"] == exported.octets()
    assert summary["records_sent"] == sum(len(message.flows) for message in sink.messages())
    assert summary["datagrams_sent"] == len(sink.datagrams)


@pytest.mark.parametrize(
    "name", ["ndpi-whatsapp.pcap", "ndpi-quic_interop_V.pcapng", "tcpdump-nflog.pcap"]
)
def test_same_file_gives_same_datagrams(name, flowagent, collector):
    path = ROOT / "tests" / "wire" / "captures" / name
    first, _ = read_capture(flowagent, collector, path)
    second, _ = read_capture(flowagent, collector, path)
    with open(path, "rb") as file:
        through_stdin, _ = read_capture(flowagent, collector, "-", stdin=file)
    assert first.datagrams == second.datagrams
    assert first.datagrams == through_stdin.datagrams


def test_summary_on_standard_output(flowagent_run, collector):
    """What a script sees: one JSON object and nothing else."""
    sink = collector()
    path = ROOT / "tests" / "wire" / "captures" / "ndpi-443-curl.pcap"
    done = flowagent_run("--read", path, "--collector", sink.host_port, "--summary", "-")
    assert done.returncode == 0, done.stderr
    ledger.check_final(ledger.parse(done.stdout))


@pytest.mark.parametrize("name", ["ndpi-rtsp.pcap", "tcpdump-forces2.pcap", "tcpdump-nflog.pcap"])
def test_direction_is_that_of_the_capture(name, flowagent, collector):
    """Linux cooked headers and NFLOG say on which side a packet was seen."""
    path = ROOT / "tests" / "wire" / "captures" / name
    sink, _ = read_capture(flowagent, collector, path)
    expected = count_flows(read_packets(path)).sides
    assert not differences(sink.sides(), expected)
