"""filter= of a source: what libpcap's words do not match is never read. The oracle is tcpdump."""

import socket
import subprocess

import pytest

import ledger
import programs
import traffic
from conftest import ROOT, Hosts
from flows import FlowTable, differences
from pcap_reader import count_flows, read_packets
from waiting import wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ndpi-443-curl.pcap", "tcp[tcpflags] & tcp-syn != 0"),
        ("ndpi-whatsapp.pcap", "udp and not port 53"),
        ("ndpi-whatsapp.pcap", "ip6"),  # none
        ("ndpi-dns_fragmented.pcap", "ip[6:2] & 0x1fff != 0"),
        ("ndpi-quic_interop_V.pcapng", "udp port 443 and greater 1000"),
    ],
)
def test_a_file_as_tcpdump_filters_it(name, words, flowagent, collector, directory):
    chosen = directory / "chosen.pcap"
    command = ["tcpdump", "-n", "-r", CAPTURES / name, "-w", chosen, words]
    subprocess.run(command, check=True, capture_output=True, timeout=programs.PATIENCE_S)
    expected = count_flows(read_packets(chosen)).table
    sink = collector()
    agent = flowagent("--read", f'{CAPTURES / name},filter="{words}"', "-n", sink.host_port)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    sink.wait_for_datagrams(summary["datagrams_sent"])
    assert not differences(sink.flows().flows, expected.flows)
    assert summary["packets_read"] == len(list(read_packets(chosen)))


def test_an_interface_gets_what_matches(hosts, flowagent, agentctl, directory):
    file = directory / "flowagent.conf"
    file.write_text('[agent]\n[source "eth0"]\nfilter = udp and dst port 7001\n')
    agent = flowagent("--config", file, host=hosts.server)
    agent.wait_for_capture()
    with traffic.bound_socket(hosts.internet, Hosts.REMOTE[0], socket.SOCK_DGRAM) as sender:
        for port in 7002, 7001, 7002, 7001:
            sender.sendto(b"f", (Hosts.SERVER[0], port))
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 2, "2 packets")
    (row,) = control.rows("show", "flows")
    assert (row["dst_port"], row["packets"]) == (7001, 2)
    (row,) = [row for row in control.rows("show", "config") if row["name"] == "interface"]
    assert 'filter="udp and dst port 7001"' in row["value"]
    assert agent.stop() == 0, agent.errors
    assert agent.summary()["packets_read"] == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["-i", 'lo,filter="tcp porrt 80"'], 'filter: "tcp porrt 80": '),
        (["-r", 'x.pcap,filter="("'], 'filter: "(": '),
        (["-g", '40,filter="tcp"'], "a log group has no filter"),
    ],
)
def test_words_that_libpcap_does_not_know_are_refused(option, message, flowagent_run):
    done = flowagent_run(*option)
    assert done.returncode == 2
    assert message in done.stderr
