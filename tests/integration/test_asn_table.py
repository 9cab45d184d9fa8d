"""AS numbers from --asn-table: in nfacctd without a networks_file, and while the table is replaced."""

import collections
import ipaddress
import json
import os
import shutil
import socket
import struct
import subprocess

import pytest

import asn_prefixes
import ledger
import netflow9
import programs
import traffic
from capture_files import capture_between
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from flows import FlowTable
from waiting import wait_until

ROWS = [
    (64500, "192.0.2.0/24", 37),
    (64501, "198.51.100.0/24", 40),
    (64502, "203.0.113.0/24", 1),
    (64510, "2001:db8::/32", 40),
    (4200000001, "2001:db8:1::/48", 39),
    (64512, "2001:db8:2::/48", 40),
]
EXPECTED = {
    "192.0.2.10": (64500, 24),
    "198.51.100.7": (64501, 24),
    "203.0.113.53": (64502, 24),
    "2001:db8:1::10": (4200000001, 48),
    "2001:db8:2::7": (64512, 48),
    "2001:db8:3::53": (64510, 32),
}
NO_TIMEOUTS = ("--inactive-timeout", "3600", "--active-timeout", "3600")
WIRE = ROOT / "tests" / "wire" / "captures" / "ndpi-dns.pcap"
WITH_MASKS = "src_as, dst_as, src_host, dst_host, src_port, dst_port, src_mask, dst_mask"


HOW_TO = """bgpdump -m "$0" | awk -F'|' '{ n = split($7, path, " "); print path[n] "," $6 }' | uniq"""


def generate(hosts):
    known = FlowTable()
    for server_address, remote, other in zip(Hosts.SERVER, Hosts.REMOTE, Hosts.OTHER):
        server = (hosts.server, server_address)
        traffic.udp_dialogue(server, (hosts.internet, remote), known, 20, 40, 200)
        traffic.udp_dialogue((hosts.internet, other), server, known, 11, 1, 1400)
    return known


def table_of(tool):
    (row,) = tool.rows("show", "status")
    return row["asn_table"]


@pytest.mark.parametrize("networks", ["netflow", "longest"])
def test_nfacctd_needs_no_networks_file(
    networks, hosts, flowagent, agentctl, nfacctd, asn_table
):
    """The operator's question, with the table at the probe: SRC_AS and DST_AS for both families."""
    address = Hosts.COLLECTOR[0]
    plain = nfacctd(address, 3001, hosts.collector, networks=networks)
    masks = nfacctd(address, 3002, hosts.collector, networks=networks, aggregate=WITH_MASKS)
    table = asn_table(ROWS, peer_count=40)
    agent = flowagent(
        "--nflog", "40", "-n", f"{address}:3001", "-n", f"{address}:3002", *NO_TIMEOUTS,
        "--asn-table", table, host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    known = generate(hosts)
    wait_for_packets(agentctl(agent), firewall, hosts)
    assert agent.stop() == 0, agent.errors
    plain.wait_for_packets(firewall.matched(hosts.server).packets)
    _, as_numbers, _ = plain.flows()
    keys = [key for key in as_numbers if {key.source, key.destination} <= set(EXPECTED)]
    assert set(keys) == set(known.flows) and len(keys) == 8
    for key in keys:
        assert as_numbers[key] == (EXPECTED[key.source][0], EXPECTED[key.destination][0]), key
    wait_until(lambda: len(rows_of(masks)) == 8, "all flows in nfacctd")
    for row in rows_of(masks):
        assert (row["as_src"], row["mask_src"]) == EXPECTED[row["ip_src"]]
        assert (row["as_dst"], row["mask_dst"]) == EXPECTED[row["ip_dst"]]


def rows_of(pmacct):
    """The rows between hosts that the table knows: also flows of the kernel's own are there."""
    return [row for row in pmacct.rows() if {row["ip_src"], row["ip_dst"]} <= set(EXPECTED)]


def wait_for_packets(tool, firewall, hosts):
    wait_until(
        lambda: tool.statistics()["packets_read"] >= firewall.matched(hosts.server).packets,
        "the agent to read what the rule has matched",
    )


SWAPS = 100


def swap_rows(number):
    """In each table both ends of the flood have the same AS number, and the next table the next."""
    return [(65000 + number, "192.0.2.0/24"), (65000 + number, "198.18.0.0/15")]


def test_a_hundred_tables_under_load(hosts, flood, flowagent, agentctl, collector, asn_table):
    """No packet is lost; each record has both AS numbers of one table, and none of an older one."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    table = asn_table(swap_rows(0))
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--asn-table", table, "--active-timeout", "1",
        host=hosts.server,
    )  # fmt: skip
    tool = agentctl(agent)
    agent.wait_for_group()
    flood.begin(2000)
    for number in range(1, SWAPS + 1):
        asn_table(swap_rows(number))
        wait_until(lambda n=number: table_of(tool)["replaced"] == n, f"table {number} in use")
        if number % 10 == 0:
            expired = tool.statistics()["records_expired_total"]
            wait_until(lambda e=expired: tool.statistics()["records_expired_total"] > e, "a record of it")
    flood.end()
    wait_until(lambda: tool.statistics()["packets_read"] >= flood.packets(), "all packets read")
    assert table_of(tool)["refused"] == 0
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, flood.packets())
    assert summary["packets_lost_kernel"] == summary["records_lost"] == 0
    assert summary["packets_exported"] == flood.packets()
    own.wait_for_datagrams(summary["datagrams_sent"])
    pairs = [
        (values[netflow9.SOURCE_AS], values[netflow9.DESTINATION_AS])
        for message in own.messages()
        for values in message.flows
    ]
    assert len(pairs) == summary["records_sent"]
    assert all(source == destination for source, destination in pairs)
    numbers = [source - 65000 for source, _ in pairs]
    assert numbers == sorted(numbers)
    assert numbers[0] >= 0 and numbers[-1] == SWAPS and len(set(numbers)) >= SWAPS // 10


@pytest.fixture
def live(host, flowagent, agentctl):
    """live(*options) starts an agent that reads an interface where nothing happens: (agent, tool)."""

    def start(*options):
        machine = host("machine")
        agent = flowagent("-i", "lo", *options, host=machine)
        tool = agentctl(agent)
        wait_until(lambda: tool.run("show", "status").returncode == 0, "the agent to answer")
        return agent, tool

    return start


def as_of(tool, address):
    (row,) = tool.rows("show", "asn", address)
    return row["as"]


def damage_byte(path):
    image = bytearray(path.read_bytes())
    image[-20] ^= 1
    return bytes(image)


@pytest.mark.parametrize(
    "content, complaint",
    [
        (damage_byte, "damaged AS table: its checksum is wrong"),
        (lambda path: path.read_bytes()[:-8], "cut AS table"),
        (lambda path: b"", "empty; expected an AS table"),
        (lambda path: b"64500,192.0.2.0/24\n", "no AS table"),
    ],
    ids=["damaged", "cut", "empty", "text"],
)
def test_a_bad_table_leaves_the_old_one(content, complaint, live, asn_table, directory):
    table = asn_table(ROWS)
    agent, tool = live("--asn-table", table)
    bad = directory / "bad"
    bad.write_bytes(content(table))
    bad.rename(table)
    wait_until(lambda: table_of(tool)["refused"] == 1, "the bad table to be refused")
    (status,) = tool.rows("show", "status")
    assert complaint in status["problem"] and str(table) in status["problem"]
    assert as_of(tool, "192.0.2.10") == 64500
    asn_table([(64999, "192.0.2.0/24")])
    wait_until(lambda: as_of(tool, "192.0.2.10") == 64999, "the good table in use")
    (status,) = tool.rows("show", "status")
    assert status["problem"] == "none" and complaint in status["last_problem"]
    assert agent.stop() == 0
    assert complaint in agent.errors and "the table before it stays in use" in agent.errors


def test_a_much_smaller_table_is_refused(live, asn_table):
    many = [(64500 + i % 7, f"10.{i // 256}.{i % 256}.0/24") for i in range(2000)]
    table = asn_table(many)
    agent, tool = live("--asn-table", table)
    asn_table(many[:999])
    wait_until(lambda: table_of(tool)["refused"] == 1, "half of it to be refused")
    asn_table([])
    wait_until(lambda: table_of(tool)["refused"] == 2, "an empty one to be refused")
    assert table_of(tool)["prefixes_ipv4"] == 2000
    asn_table(many[:1000])
    wait_until(lambda: table_of(tool)["prefixes_ipv4"] == 1000, "half and one to be taken")
    assert agent.stop() == 0
    assert "999 IPv4 and 0 IPv6 prefixes, much fewer than the 2000 and 0 in use" in agent.errors


def test_a_table_that_is_written_in_place(live, asn_table, directory):
    """As cp does: no AS number rather than a wrong one, no crash, and the whole file is used."""
    table = asn_table(ROWS)
    agent, tool = live("--asn-table", table)
    assert as_of(tool, "192.0.2.10") == 64500
    other = asn_table([(64999, "192.0.2.0/24")], path=directory / "other")
    with open(table, "r+b") as file:
        file.truncate(0)
        wait_until(lambda: as_of(tool, "192.0.2.10") == 0, "the table to be withdrawn")
        assert tool.rows("show", "status")[0]["problem"] != "none"
        file.write(other.read_bytes())
    wait_until(lambda: as_of(tool, "192.0.2.10") == 64999, "the new content in use")
    assert tool.rows("show", "status")[0]["problem"] == "none"
    assert agent.stop() == 0, agent.errors
    assert f"{table}: is written to while it is in use: AS numbers are 0" in agent.errors


def test_a_table_that_goes_and_comes_back(live, asn_table, directory):
    table = asn_table(ROWS)
    agent, tool = live("--asn-table", table)
    table.rename(directory / "away")
    wait_until(
        lambda: "is not there any more" in tool.rows("show", "status")[0]["problem"], "a report"
    )
    assert as_of(tool, "192.0.2.10") == 64500
    (directory / "away").rename(table)
    wait_until(lambda: tool.rows("show", "status")[0]["problem"] == "none", "it to be over")
    assert agent.stop() == 0, agent.errors


def test_a_link_to_the_table(live, asn_table, directory):
    """A link that is turned to another directory, as some tools publish files."""
    for number in (0, 1):
        (directory / str(number)).mkdir()
        asn_table([(64500 + number, "192.0.2.0/24")], path=directory / str(number) / "asn.table")
    (directory / "now").symlink_to("0")
    agent, tool = live("--asn-table", directory / "now" / "asn.table")
    assert as_of(tool, "192.0.2.10") == 64500
    (directory / "next").symlink_to("1")
    os.rename(directory / "next", directory / "now")
    wait_until(lambda: as_of(tool, "192.0.2.10") == 64501, "the other directory's table in use")
    assert agent.stop() == 0, agent.errors


def test_a_networks_file_is_replaced_too(live, directory):
    path = directory / "networks.lst"
    path.write_text("64500,192.0.2.0/24\n")
    agent, tool = live("--networks-file", path)
    assert as_of(tool, "192.0.2.10") == 64500
    (row,) = tool.rows("show", "asn", "192.0.2.10")
    assert row["source"] == str(path)[:63]
    assert row["created_unix_ms"] == int(path.stat().st_mtime) * 1000
    for text, expected, replaced in (
        ("64501,192.0.2.0/24\n", 64501, 1),
        ("64501,192.0.2.0/240\n", 64501, 1),
        ("64502,192.0.2.0/24\n64503,2001:db8::/32\n", 64502, 2),
    ):
        new = directory / "new"
        new.write_text(text)
        new.rename(path)
        before = table_of(tool)
        wait_until(
            lambda: sum(table_of(tool)[key] for key in ("replaced", "refused")) >= replaced
            + (expected == 64501 and text.endswith("240\n")) + (replaced == 2),
            "the file to be judged",
        )  # fmt: skip
        assert as_of(tool, "192.0.2.10") == expected, before
        assert table_of(tool)["replaced"] == replaced
    path.write_text("64504,192.0.2.0/24\n")  # in place: nothing is mapped
    wait_until(lambda: as_of(tool, "192.0.2.10") == 64504, "the file written in place to be used")
    assert agent.stop() == 0, agent.errors


def test_show_asn(live, asn_table):
    table = asn_table(
        [
            *ROWS,
            (64520, "198.18.0.0/15", 9, 64521, "192.0.2.1"),
            ("name", 64500, "EXAMPLE - An Example, Ltd., Österreich"),
            ("name", 64999, "NOT-IN-USE"),
        ],
        source="rrc00",
        peer_count=40,
    )
    agent, tool = live("--asn-table", table)
    rows = tool.rows("show", "asn", "192.0.2.10", "2001:db8:1::10", "8.8.8.8", "198.18.3.4")
    assert [(row["as"], row["prefix"], row["peers"]) for row in rows] == [
        (64500, "192.0.2.0/24", 37),
        (4200000001, "2001:db8:1::/48", 39),
        (0, "none", None),
        (64520, "198.18.0.0/15", 9),
    ]
    assert [row["name"] for row in rows] == [
        "EXAMPLE - An Example, Ltd., Österreich", "", "", ""
    ]  # fmt: skip
    assert table_of(tool)["names"] == 2
    assert (rows[3]["peer_as"], rows[3]["next_hop"]) == (64521, "192.0.2.1")
    for row in rows:
        assert (row["source"], row["peers_in_all"]) == ("rrc00", 40)
        assert row["created_unix_ms"] == 1_700_000_000_000 and row["age_ms"] > 0
    done = tool.run("show", "asn", "192.0.2.10")
    assert done.stdout.splitlines()[0].split() == "ADDRESS AS NAME PREFIX PEERS SOURCE AGE".split()
    assert " 64500 EXAMPLE - An Example, Ltd., " in done.stdout
    for words, complaint in (
        ((), "which address or AS number?"),
        (("192.0.2.0/24",), '"192.0.2.0/24": expected an IPv4 or IPv6 address'),
        (("64500",), '"64500": expected an IPv4 or IPv6 address, or AS and a number'),
    ):
        done = tool.run("show", "asn", *words)
        assert done.returncode != 0 and complaint in done.stderr
    (row,) = tool.rows("show", "asn", "::ffff:192.0.2.10")
    assert (row["address"], row["as"], row["prefix"]) == ("192.0.2.10", 64500, "192.0.2.0/24")
    (row,) = tool.rows("show", "asn", "AS64999")
    assert (row["as"], row["name"], row["prefix"]) == (64999, "NOT-IN-USE", "none")
    status = table_of(tool)
    assert status["bytes"] == table.stat().st_size and status["file"] == str(table)
    assert tool.statistics()["asn_table"]["prefixes_ipv4"] == 4
    assert f"as table   {table}  IPv4 4  IPv6 3" in tool.run("show", "status").stdout
    metrics = tool.run("metrics").stdout.splitlines()
    assert {
        'flowagent_asn_table_prefixes{family="ipv4"} 4',
        'flowagent_asn_table_prefixes{family="ipv6"} 3',
        "flowagent_asn_table_timestamp_seconds 1700000000",
    } <= set(metrics)
    assert agent.stop() == 0, agent.errors


def test_sums_by_as_have_names(host, flowagent, agentctl, asn_table):
    table = asn_table([(64777, "127.0.0.0/8"), ("name", 64777, 'LOOP - "Home", Ltd.')])
    machine = host("machine")
    agent = flowagent("-i", "lo", *NO_TIMEOUTS, "--asn-table", table, host=machine)
    tool = agentctl(agent)
    wait_until(lambda: tool.run("show", "status").returncode == 0, "the agent to answer")
    with traffic.bound_socket(machine, "127.0.0.1", socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x" * 100, ("127.0.0.1", 9))
    wait_until(lambda: tool.rows("show", "flows"), "a flow")
    for key in ("dst_as", "src_as", "as"):
        rows = tool.rows("show", "flows", "--by", key, "proto=udp")
        assert [(row[key], row[f"{key}_name"]) for row in rows] == [(64777, 'LOOP - "Home", Ltd.')]
        done = tool.run("show", "flows", "--by", key, "-o", f"{key},{key}_name,bytes")
        assert 'LOOP - "Home", Ltd.' in done.stdout
    assert agent.stop() == 0, agent.errors


def test_every_field_that_the_table_tells(flowagent, collector, asn_table, directory):
    """16, 17, 9, 13, 29, 30; and with neighbours and next hops in the table 128, 129, 18, 63."""
    hops = {4: "10.9.8.7", 6: "2001:db8:ffff::1"}
    table = asn_table(
        [(*row, 65000 + number, hops[6 if ":" in row[1] else 4]) for number, row in enumerate(ROWS)]
    )
    neighbours = {row[0]: 65000 + number for number, row in enumerate(ROWS)}
    count = capture_between(EXPECTED, directory / "all.pcap")
    own = collector()
    agent = flowagent("-r", directory / "all.pcap", "-n", own.host_port, "--asn-table", table)
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    records = [values for message in own.messages() for values in message.flows]
    assert len(records) == count == 12
    for values in records:
        key = netflow9.flow_key(values)
        is_ipv6 = ":" in key.source
        source, destination = EXPECTED[key.source], EXPECTED[key.destination]
        assert (values[16], values[29 if is_ipv6 else 9]) == source
        assert (values[17], values[30 if is_ipv6 else 13]) == destination
        assert (values[129], values[128]) == (neighbours[source[0]], neighbours[destination[0]])
        next_hop = ipaddress.ip_address(values[63 if is_ipv6 else 18])
        assert str(next_hop) == hops[6 if is_ipv6 else 4]


@pytest.mark.parametrize("version", [9, 10])
def test_nfdump_and_tshark_read_every_field(
    version, hosts, flowagent, nfcapd, tcpdump, asn_table, directory
):
    """AS numbers of 4 bytes, masks, neighbours and next hops, in NetFlow v9 and IPFIX."""
    hops = {False: "10.9.8.7", True: "2001:db8:ffff::1"}
    neighbours = {row[0]: 4200000100 + number for number, row in enumerate(ROWS)}
    table = asn_table([(*row, neighbours[row[0]], hops[":" in row[1]]) for row in ROWS])
    count = capture_between(EXPECTED, directory / "all.pcap")
    address = Hosts.COLLECTOR[0]
    nfdump = nfcapd(address, 4000, hosts.collector)
    wire = tcpdump(hosts.collector, "eth0", "udp")
    agent = flowagent(
        "-r", directory / "all.pcap", "-n", f"{address}:4000,version={version}", "--asn-table",
        table, host=hosts.server,
    )  # fmt: skip
    assert agent.wait() == 0, agent.errors
    sent = agent.summary()["datagrams_sent"]
    wait_until(lambda: len(wire.packets()) >= sent, "the capture to be written")
    wire.stop()
    nfdump.stop()
    rows = json.loads(nfdump.nfdump("-o", "json"))
    assert len(rows) == count == 12
    expected = collections.defaultdict(list)
    for row in rows:
        family = "6" if "src6_addr" in row else "4"
        ends = row[f"src{family}_addr"], row[f"dst{family}_addr"]
        (source, source_bits), (destination, destination_bits) = map(EXPECTED.get, ends)
        assert (row["src_as"], row["dst_as"]) == (source, destination)
        assert (row["src_mask"], row["dst_mask"]) == (source_bits, destination_bits)
        assert row[f"bgp{family}_next_hop"] == hops[family == "6"]
        for field, value in (
            ("srcas", source),
            ("dstas", destination),
            ("peer_srcas", neighbours[source]),
            ("peer_dstas", neighbours[destination]),
            ("srcmaskv6" if family == "6" else "srcmask", source_bits),
            ("dstmaskv6" if family == "6" else "dstmask", destination_bits),
        ):
            expected[field].append(value)
    assert programs.tshark_complaints(wire.path, 4000) == []
    for field, values in expected.items():
        found = programs.tshark_values(wire.path, 4000, f"cflow.{field}")
        assert sorted(found) == sorted(values), field


def mrt_dump(rows):
    """TABLE_DUMP_V2 (RFC 6396): (origin, prefix), each seen by two peers over AS 64999."""
    peers = b"".join(
        struct.pack(">B4s4sI", 2, bytes([10, 0, 0, n]), bytes([10, 0, 0, n]), 64999) for n in (1, 2)
    )
    bodies = [(1, struct.pack(">4sHH", bytes(4), 0, 2) + peers)]
    for number, (origin, prefix, *_) in enumerate(rows):
        network = ipaddress.ip_network(prefix)
        path = struct.pack(">BBBBBII", 0x40, 2, 10, 2, 2, 64999, origin)
        entries = b"".join(struct.pack(">HIH", peer, 0, len(path)) + path for peer in (0, 1))
        address = network.network_address.packed[: (network.prefixlen + 7) // 8]
        body = struct.pack(">IB", number, network.prefixlen) + address + struct.pack(">H", 2)
        bodies.append((2 if network.version == 4 else 4, body + entries))
    return b"".join(
        struct.pack(">IHHI", 1_700_000_000, 13, kind, len(body)) + body for kind, body in bodies
    )


def test_from_a_routing_table_dump_to_nfacctd(hosts, flowagent, agentctl, nfacctd, directory):
    """All the way: MRT, flowagent-asn, --asn-table, NFLOG, nfacctd with netflow and no file."""
    address = Hosts.COLLECTOR[0]
    dump, table = directory / "rib", directory / "asn.table"
    dump.write_bytes(mrt_dump(ROWS))
    done = subprocess.run(
        [BUILD / "flowagent-asn", "--bogons", "-o", table, dump],
        capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=programs.PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pmacct = nfacctd(address, 3001, hosts.collector)
    agent = flowagent(
        "--nflog", "40", "-n", f"{address}:3001", *NO_TIMEOUTS, "--asn-table", table,
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    known = generate(hosts)
    tool = agentctl(agent)
    wait_for_packets(tool, firewall, hosts)
    (row,) = tool.rows("show", "asn", "192.0.2.10")
    assert (row["as"], row["prefix"], row["peers"]) == (64500, "192.0.2.0/24", 2)
    assert agent.stop() == 0, agent.errors
    pmacct.wait_for_packets(firewall.matched(hosts.server).packets)
    _, as_numbers, _ = pmacct.flows()
    assert set(known.flows) <= set(as_numbers)
    for key in known.flows:
        assert as_numbers[key] == (EXPECTED[key.source][0], EXPECTED[key.destination][0]), key


def networks_of(text):
    """What a networks_file says: the last line of a prefix counts, larger sets are no origin."""
    tables = {4: {}, 6: {}}
    for line in text.splitlines():
        number, _, prefix = line.rpartition(",")
        if "," in number:
            continue
        network = ipaddress.ip_network(prefix)
        key = int(network.network_address), network.prefixlen
        tables[network.version][key] = int(number.strip("{}"))
    return tables


@pytest.mark.parametrize("name", ["bview.20020722.2337.begin.gz", "rib6.20151101.0600.begin.gz"])
def test_what_the_how_to_makes_is_taken(name, live, directory):
    """bgpdump -m, awk, uniq, as the how-to of 2009 has it: AS sets in braces, prefixes many times."""
    path = directory / "networks.lst"
    with open(path, "w") as file:
        subprocess.run(
            ["sh", "-c", HOW_TO, ROOT / "tests" / "wire" / "mrt" / name],
            check=True, stdout=file, stderr=subprocess.DEVNULL, timeout=programs.PATIENCE_S,
        )  # fmt: skip
    tables = networks_of(path.read_text())
    assert "{" in path.read_text()
    agent, tool = live("--networks-file", path)
    for version, table in tables.items():
        addresses = [address for address, _ in table][:: max(1, len(table) // 60)][:60]
        if not addresses:
            continue
        texts = [asn_prefixes.address_text(version, address) for address in addresses]
        found = [row["as"] for row in tool.rows("show", "asn", *texts)]
        expected = asn_prefixes.longest_matches(version, table, addresses)
        assert found == [number for number, _ in expected]
    assert table_of(tool)["prefixes_ipv4"] == len(tables[4])
    assert table_of(tool)["prefixes_ipv6"] == len(tables[6])
    assert agent.stop() == 0, agent.errors


def test_an_agent_without_a_table_says_so(live):
    agent, tool = live()
    done = tool.run("show", "asn", "192.0.2.10")
    assert done.returncode == 1 and "has no AS table" in done.stderr
    assert table_of(tool) is None


@pytest.mark.parametrize("option", [(), ("--check-config",)], ids=["start", "check"])
def test_a_start_reads_the_table(option, asn_table, flowagent_run, directory):
    table = asn_table(ROWS)
    command = (*option, "-r", WIRE, "-f", "/dev/null", "--asn-table", table)
    done = flowagent_run(*command)
    assert done.returncode == 0, done.stderr
    table.write_bytes(damage_byte(table))
    done = flowagent_run(*command)
    assert done.returncode in (1, 2)
    assert f"{table}: damaged AS table: its checksum is wrong" in done.stderr
    shutil.copy(asn_table(ROWS), directory / "swapped")
    image = bytearray((directory / "swapped").read_bytes())
    image[8:12] = reversed(image[8:12])
    table.write_bytes(image)
    done = flowagent_run(*command)
    assert done.returncode in (1, 2)
    assert "AS table of a machine with the other byte order" in done.stderr
    done = flowagent_run(*command, "--networks-file", WIRE)
    assert done.returncode == 2 and "expected one of them" in done.stderr
