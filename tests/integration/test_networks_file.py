"""AS numbers and masks from --networks-file: in records, and in nfacctd's table for IPv6 too."""

import gzip

import pytest

import netflow9
from capture_files import capture_between
from conftest import ROOT
from netflow9 import flow_key
from pcap_reader import count_flows, read_packets

NETWORKS = """\
! longest prefix wins; a line of pmacct's format may have a peer AS in front
64500,192.0.2.0/24
64599,192.0.2.128/25
64501,198.51.100.0/24
4200000001,2001:db8:1::/48
65001_64502,2001:db8:2::/48
64503,2001:db8:2:ffff::/64
"""
EXPECTED = {  # address -> (AS, mask)
    "192.0.2.10": (64500, 24),
    "192.0.2.200": (64599, 25),
    "198.51.100.7": (64501, 24),
    "203.0.113.1": (0, 0),
    "2001:db8:1::10": (4200000001, 48),
    "2001:db8:2::7": (64502, 48),
    "2001:db8:2:ffff::1": (64503, 64),
    "2001:db8:ffff::1": (0, 0),
}


@pytest.fixture
def capture(directory):
    path = directory / "addresses.pcap"
    capture_between(EXPECTED, path)
    return path


@pytest.fixture
def networks(directory):
    path = directory / "networks.lst"
    path.write_text(NETWORKS)
    return path


def test_records_carry_as_numbers_and_masks(capture, networks, flowagent, collector):
    own = collector()
    agent = flowagent("-r", capture, "-n", own.host_port, "--networks-file", networks)
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    records = [values for message in own.messages() for values in message.flows]
    assert len(records) == len(read_packets(capture))
    for values in records:
        key = flow_key(values)
        masks = (
            (netflow9.SOURCE_MASK_IPV6, netflow9.DESTINATION_MASK_IPV6)
            if ":" in key.source
            else (netflow9.SOURCE_MASK_IPV4, netflow9.DESTINATION_MASK_IPV4)
        )
        assert (values[netflow9.SOURCE_AS], values[masks[0]]) == EXPECTED[key.source]
        assert (values[netflow9.DESTINATION_AS], values[masks[1]]) == EXPECTED[key.destination]


def test_nfacctd_shows_them(capture, networks, host, flowagent, nfacctd):
    """The way to have AS numbers of IPv6 in nfacctd 1.7.7, whose own look-up is broken there."""
    machine = host("machine")
    pmacct = nfacctd("127.0.0.1", 3001, machine)
    agent = flowagent(
        "-r", capture, "-n", "127.0.0.1:3001", "--networks-file", networks, host=machine
    )
    assert agent.wait() == 0, agent.errors
    expected = count_flows(read_packets(capture)).table
    pmacct.wait_for_packets(expected.packets())
    table, as_numbers, _ = pmacct.flows()
    assert table.counters() == expected.counters()
    for key, pair in as_numbers.items():
        assert pair == (EXPECTED[key.source][0], EXPECTED[key.destination][0]), key


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("64500,192.0.2.0/33", "/33"),
        ("ASX,192.0.2.0/24", "ASX"),
        ("64500,2001:db8::/129", "/129"),
        ("5000000000,192.0.2.0/24", "5000000000"),
    ],
)
def test_bad_line_is_named(line, complaint, directory, flowagent_run):
    """FILE:LINE and what is wrong."""
    networks = directory / "networks.lst"
    networks.write_text(f"! comment\n64501,198.51.100.0/24\n{line}\n")
    capture = ROOT / "tests" / "wire" / "captures" / "ndpi-dns.pcap"
    done = flowagent_run("-r", capture, "--networks-file", networks)
    assert done.returncode in (1, 2)
    assert f"{networks}:3: " in done.stderr
    assert complaint in done.stderr
    assert "Sanitizer" not in done.stderr


def test_what_a_file_has_is_said(capture, directory, flowagent_run):
    path = directory / "networks.lst"
    for text, words in (
        ("! nothing yet\n", "no prefixes: every AS number will be 0"),
        ("64500,192.0.2.0/24\n{1,2},10.0.0.0/8\n{3,4},11.0.0.0/8\n", ":2: skipped"),
        ("64500,192.0.2.0/24\n{1,2},10.0.0.0/8\n{3,4},11.0.0.0/8\n", "in all: 2"),
        ("64500,0.0.0.0/0\n", ":1: a default route"),
        ("64500,192.0.2.0/24\n" * 200 + "x\n", "and are skipped: 1 of 201"),
        ("64500,192.0.2.0/24\n64501,192.0.2.0/24\n", "192.0.2.0/24 with AS 64500, then AS 64501"),
    ):
        path.write_text(text)
        done = flowagent_run("-r", capture, "--networks-file", path)
        assert done.returncode == 0, done.stderr
        assert words in done.stderr
        checked = flowagent_run("--check-config", "-r", capture, "-f", "/dev/null", "--networks-file", path)
        assert checked.returncode == 0, checked.stderr
        assert checked.stderr.count(words) == 1


def test_a_set_of_one_is_an_origin(capture, directory, flowagent, collector):
    path = directory / "networks.lst"
    path.write_bytes(b"\xef\xbb\xbf{64500}\t192.0.2.0/24\n")
    own = collector()
    agent = flowagent("-r", capture, "-n", own.host_port, "--networks-file", path)
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    numbers = {
        flow_key(values).source: values[netflow9.SOURCE_AS]
        for message in own.messages()
        for values in message.flows
    }
    assert numbers["192.0.2.10"] == 64500


def test_files_that_cannot_be_meant(capture, directory, flowagent_run):
    """gzip is named; a huge file is refused without being read."""
    path = directory / "networks.lst"
    path.write_bytes(gzip.compress(NETWORKS.encode()))
    done = flowagent_run("-r", capture, "--networks-file", path)
    assert done.returncode != 0
    assert "compressed with gzip" in done.stderr and "zcat" in done.stderr
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    done = flowagent_run("-r", capture, "--networks-file", path)
    assert done.returncode != 0
    assert "larger than 128 MB" in done.stderr
    done = flowagent_run("-r", capture, "--networks-file", "/dev/zero")
    assert done.returncode != 0
    assert "larger than 128 MB" in done.stderr
