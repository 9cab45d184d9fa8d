"""The witnesses themselves: a checker that cannot fail proves nothing."""

import re
import runpy
import struct
import subprocess
from pathlib import Path

import pytest

import ipfix
import netflow5
from conftest import ROOT
from flows import FlowKey, FlowTable, differences
from netflow9 import Decoder, ProtocolError, decode_all, flow_table
from pcap_reader import Packet, count_flows, read_packets


@pytest.mark.parametrize(
    "command",
    [
        ["lint", "cppcheck", "lib/none.c"],
        ["lint", "cppcheck", "tests/unit/lib/lookup/test_nat_table.c"],
        ["lint", "cppcheck", "agent/capture/bpf/capture_bpf_program.c"],
        ["valgrind", "test_none"],
        ["valgrind", "none.pcap"],
    ],
)
def test_what_is_not_there_is_not_clean(command):
    done = subprocess.run([ROOT / "tests" / command[0], *command[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and command[-1] in done.stderr, done


V4_FIELDS = [(8, 4), (12, 4), (4, 1), (5, 1), (6, 1), (7, 2), (11, 2)]
V4_FIELDS += [(1, 8), (2, 8), (152, 8), (153, 8)]
V4_RECORD = bytes(
    [192, 0, 2, 1, 198, 51, 100, 7, 17, 0, 0, 4, 0, 0, 53]
    + [0, 0, 0, 0, 0, 0, 1, 0]  # 256 bytes
    + [0, 0, 0, 0, 0, 0, 0, 2]  # 2 packets
    + [0, 0, 0, 0, 0, 0, 0, 5]
    + [0, 0, 0, 0, 0, 0, 0, 9]
)


def flow_set(identifier, body):
    return struct.pack(">HH", identifier, 4 + len(body) + -len(body) % 4) + body + b"\0" * (
        -len(body) % 4
    )


def template_set(identifier=300, fields=tuple(V4_FIELDS)):
    pairs = b"".join(struct.pack(">HH", *pair) for pair in fields)
    return flow_set(0, struct.pack(">HH", identifier, len(fields)) + pairs)


def datagram(*sets, count, sequence=0):
    return struct.pack(">HHIIII", 9, count, 1000, 1, sequence, 7) + b"".join(sets)


def test_netflow_decoder_reads_a_correct_message():
    message = datagram(template_set(), flow_set(300, V4_RECORD * 2), count=3)
    table = flow_table(decode_all([message]).messages)
    key = FlowKey("192.0.2.1", "198.51.100.7", 17, 1024, 53)
    assert table.counters() == {key: (4, 512)}
    assert (table.flows[key].first_ms, table.flows[key].last_ms) == (5, 9)


@pytest.mark.parametrize(
    "messages, complaint",
    [
        ([datagram(template_set(), count=2)], "header says 2"),
        ([datagram(flow_set(300, V4_RECORD), count=1)], "without its template"),
        ([datagram(template_set(), count=1), datagram(template_set(), count=1, sequence=2)], "gap"),
        ([datagram(template_set()[:-1], count=1)], "longer than its datagram"),
        ([datagram(template_set(), flow_set(300, V4_RECORD)[:-1] + b"x", count=2)], "padding"),
        ([datagram(template_set(), struct.pack(">HH", 300, 0), count=1)], "0 bytes"),
        ([datagram(template_set(), template_set(fields=V4_FIELDS[1:]), count=2)], "has changed"),
        ([datagram(template_set(fields=[(8, 4), (8, 4)]), count=1)], "repeats"),
        ([b"\0\x05" + datagram(count=0)[2:]], "version 5"),
    ],
)
def test_netflow_decoder_finds_fault(messages, complaint):
    decoder = Decoder()
    with pytest.raises(ProtocolError) as error:
        for message in messages:
            decoder.decode(message)
    assert complaint in str(error.value) or complaint == "gap"


def test_pcap_reader_does_not_count_ethernet_padding():
    ip = bytes.fromhex("4500001c000040004011000000000000") + bytes(4)
    frame = bytes(12) + b"\x08\x00" + ip + bytes([0, 7, 0, 9, 0, 8, 0, 0])
    counted = count_flows([Packet(1_999_999_999, 1, frame.ljust(60, b"\0"), 60)])
    key = FlowKey("0.0.0.0", "0.0.0.0", 17, 7, 9)
    assert counted.table.counters() == {key: (1, 28)}
    assert counted.table.flows[key].first_ms == 1999


def test_differences_are_reported():
    assert not differences({1: 2}, {1: 2})
    assert differences({1: 2}, {1: 3}) == ["1: got 2, expected 3"]


def fields_of_tshark(path):
    """What tshark reads of the outermost IP header of each packet: (address pair, length)."""
    columns = ["ip.src", "ip.dst", "ip.len", "ipv6.src", "ipv6.dst", "ipv6.plen", "frame.protocols"]
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]
        + ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
        + [word for column in columns for word in ("-e", column)],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        *values, protocols = line.split("|")
        outermost = next((name for name in protocols.split(":") if name in ("ip", "ipv6")), None)
        if outermost == "ip":
            yield values[0], values[1], int(values[2])
        elif outermost:
            yield values[3], values[4], 40 + int(values[5])


@pytest.mark.parametrize(
    "name",
    ["ndpi-syslog.pcap", "ndpi-BGP_redist.pcap", "ndpi-quic_interop_V.pcapng", "ndpi-rtsp.pcap",
     "tcpdump-nflog.pcap", "ndpi-tls_invalid_reads.pcap", "ndpi-4in4tunnel.pcap"],
)  # fmt: skip
def test_pcap_reader_agrees_with_tshark(name):
    path = ROOT / "tests" / "wire" / "captures" / name
    expected = {}
    for source, destination, octets in fields_of_tshark(path):
        packets, total = expected.get((source, destination), (0, 0))
        expected[source, destination] = packets + 1, total + octets
    by_addresses = FlowTable()
    for key, totals in count_flows(read_packets(path)).table.flows.items():
        pair = FlowKey(key.source, key.destination, 0, 0, 0)
        by_addresses.add(pair, totals.packets, totals.octets)
    assert {key[:2]: value for key, value in by_addresses.counters().items()} == expected


CHECK_INCLUDES = ROOT / "tests" / "check-includes"


PLACE = "/* Place: in a test. */\n"


def check_includes(tree, files, *options, place=PLACE):
    """Run check-includes on a tree of these files, as a dictionary of name and text."""
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text + place)
    return subprocess.run([CHECK_INCLUDES, *options, tree], capture_output=True, text=True)


@pytest.mark.parametrize(
    "file, included",
    [
        ("lib/a.c", "exporter/exporter.h"),
        ("lib/base/a.c", "lib/flow.h"),
        ("lib/lookup/a.c", "lib/decode/decode.h"),
        ("lib/decode/a.c", "lib/cache/flow_cache.h"),
        ("lib/cache/a.h", "lib/record/ledger.h"),
        ("exporter/transport/a.c", "exporter/encode/encoder.h"),
        ("exporter/encode/a.c", "exporter/outbox/outbox.h"),
        ("exporter/outbox/a.h", "exporter/collector/collector.h"),
        ("exporter/collector/a.c", "exporter/exporter.h"),
        ("exporter/a.c", "agent/common/log.h"),
        ("agent/common/a.c", "agent/config/config.h"),
        ("agent/capture/a.c", "agent/config/config.h"),
        ("agent/config/a.c", "agent/pipeline/pipeline.h"),
        ("agent/pipeline/a.c", "agent/control/summary.h"),
        ("agent/agentctl/a.c", "agent/config/config.h"),
        ("agent/agentctl/a.c", "exporter/exporter.h"),
        ("agent/control/a.c", "agent/agentctl/agentctl.h"),
        ("agent/config/a.c", "agent/config/none.h"),
    ],
)
def test_wrong_arrow_is_found(tmp_path, file, included):
    header = {included: ""} if not included.endswith("none.h") else {}
    done = check_includes(tmp_path, {file: "", **header})
    assert done.returncode == 0
    assert done.stdout == f"check-includes: {1 + len(header)} files, 0 wrong arrows\n"
    done = check_includes(tmp_path, {file: f'#include "{Path(included).name}"\n'})
    assert done.returncode == 1
    assert done.stdout.startswith(f"{file}:1: ")
    assert "1 wrong arrows" in done.stdout


@pytest.mark.parametrize(
    "file, header",
    [
        ("lib/a.c", "sys/socket.h"),
        ("lib/record/a.c", "pthread.h"),
        ("exporter/a.c", "pcap/pcap.h"),
        ("exporter/outbox/a.c", "netdb.h"),
        ("exporter/collector/a.c", "dbus/dbus.h"),
        ("agent/control/a.c", "libmnl/libmnl.h"),
        ("agent/agentctl/a.c", "pcap/pcap.h"),
    ],
)
def test_system_header_in_a_wrong_room_is_found(tmp_path, file, header):
    done = check_includes(tmp_path, {file: f"#include <{header}>\n"})
    assert done.returncode == 1
    assert done.stdout.startswith(f"{file}:1: ")


@pytest.mark.parametrize(
    "file",
    ["lib/new/a.c", "exporter/outbox/deep/a.h", "agent/new/a.def", "tests/unit/lib/new/test_a.c"],
)
def test_file_without_a_room_is_found(tmp_path, file):
    done = check_includes(tmp_path, {"lib/flow.h": "", file: ""})
    assert done.returncode == 1
    assert done.stdout.startswith(f"{file}:1: ")
    assert "is no room" in done.stdout


def test_modules_that_include_each_other_are_found(tmp_path):
    a = {"lib/base/a.h": "", "lib/base/a.c": '#include "a.h"\n#include "b.h"\n'}
    assert check_includes(tmp_path, {**a, "lib/base/b.h": ""}).returncode == 0
    done = check_includes(tmp_path, {"lib/base/b.c": '#include "b.h"\n#include "a.h"\n'})
    assert done.returncode == 1
    assert "lib/base/a.c:2: the modules a, b include each other\n" in done.stdout


def test_modules_that_include_each_other_in_a_circle_are_found(tmp_path):
    a = {"lib/a.h": "", "lib/a.c": '#include "a.h"\n#include "b.h"\n'}
    c = {"lib/b.h": '#include "c.h"\n', "lib/c.h": '#include "a.h"\n'}
    done = check_includes(tmp_path, {**a, **c})
    assert done.returncode == 1
    assert "lib/a.c:2: the modules a, b, c include each other\n" in done.stdout


def test_rooms_that_include_each_other_in_a_circle_are_found(tmp_path):
    done = check_includes(
        tmp_path,
        {
            "exporter/encode/a.h": '#include "b.h"\n',
            "exporter/transport/b.h": '#include "c.h"\n',
            "exporter/outbox/c.h": '#include "a.h"\n',
        },
    )
    assert done.returncode == 1
    circle = "exporter/encode, exporter/outbox, exporter/transport"
    assert f"the rooms {circle} include each other\n" in done.stdout


def test_own_header_comes_first(tmp_path):
    headers = {"lib/base/a.h": "", "lib/base/b.h": ""}
    wrong = {"lib/base/a.c": '#include "b.h"\n#include "a.h"\n'}
    done = check_includes(tmp_path, {**headers, **wrong})
    assert done.returncode == 1
    assert done.stdout.startswith("lib/base/a.c:1: a.h must be included first")


@pytest.mark.parametrize(
    "label, right", [("Stage", "Place"), ("Pipeline", "Place"), ("Invariants", "Invariant")]
)
def test_another_label_in_an_opening_is_found(tmp_path, label, right):
    text = "/* a.c - one. Place: here.\n *\n * LABEL: here. */\n/* Stage: of something else. */\n"
    assert check_includes(tmp_path, {"lib/a.c": text.replace("LABEL", right)}).returncode == 0
    done = check_includes(tmp_path, {"lib/a.c": text.replace("LABEL", label)})
    assert done.returncode == 1
    assert done.stdout.startswith(f"lib/a.c:3: the label {right}: is right here, not {label}:\n")


def test_module_that_does_not_say_its_place_is_found(tmp_path):
    files = {"lib/a.c": '/* a.c - one. */\n#include "a.h"\n', "lib/a.h": "/* a.h - one.\n *\n * Place: here. */\n"}
    assert check_includes(tmp_path, files, place="").returncode == 0
    done = check_includes(tmp_path, {"lib/a.h": "/* a.h - one. */\n/* Place: late. */\n"}, place="")
    assert done.returncode == 1
    assert done.stdout.startswith("lib/a.h:1: no opening of a says after Place: where it is used\n")


def test_includes_are_counted_from_room_to_room(tmp_path):
    files = {f"lib/decode/{name}.c": '#include "flow.h"\n' for name in "ab"}
    done = check_includes(tmp_path, {"lib/flow.h": "", **files}, "--count")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "    2 lib/decode -> lib")


def test_architecture_explains_each_room():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    explained = re.findall(r"^\| `([a-z/]+)/` \|", text, re.MULTILINE)
    rooms = runpy.run_path(str(CHECK_INCLUDES))["ROOMS"]
    assert sorted(explained) == sorted(rooms)


def ipfix_datagram(*sets, sequence=0, length=None):
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, length or 16 + len(body), 1, sequence, 7) + body


IPFIX_TEMPLATE = b"\0\2" + template_set()[2:]


def test_ipfix_decoder_counts_data_records_in_the_sequence():
    decoder = ipfix.Decoder()
    decoder.decode(ipfix_datagram(IPFIX_TEMPLATE))
    decoder.decode(ipfix_datagram(flow_set(300, V4_RECORD * 2)))
    decoder.decode(ipfix_datagram(flow_set(300, V4_RECORD), sequence=2))
    key = FlowKey("192.0.2.1", "198.51.100.7", 17, 1024, 53)
    assert flow_table(decoder.messages).counters() == {key: (6, 768)}


@pytest.mark.parametrize(
    "message, complaint",
    [
        (ipfix_datagram(flow_set(300, V4_RECORD), sequence=1), "sequence 1, expected 0"),
        (ipfix_datagram(length=20), "length 20"),
        (ipfix_datagram(flow_set(301, V4_RECORD)), "without its template"),
        (ipfix_datagram(flow_set(4, V4_RECORD)), "reserved"),
        (ipfix_datagram(flow_set(300, V4_RECORD)[:-1] + b"x"), "padding"),
        (ipfix_datagram(flow_set(2, bytes([1, 44, 0, 0]))), "withdrawn"),
        (datagram(count=0), "version 9"),
    ],
)
def test_ipfix_decoder_finds_fault(message, complaint):
    decoder = ipfix.Decoder()
    decoder.decode(ipfix_datagram(IPFIX_TEMPLATE))
    with pytest.raises(ProtocolError, match=complaint):
        decoder.decode(message)


def netflow5_datagram(count, sequence=0, first=1000, size=48):
    header = struct.pack(">HHIIIIBBH", 5, count, 5000, 100, 7_000_000, sequence, 0, 1, 0)
    record = bytes([192, 0, 2, 1, 198, 51, 100, 7]) + bytes(8)
    record += struct.pack(">IIIIHHBBBB", 2, 256, first, 2000, 1024, 53, 0, 0, 17, 4) + bytes(8)
    return header + record[:size] * count


def test_netflow5_decoder_reads_a_correct_message():
    decoder = netflow5.Decoder()
    decoder.decode(netflow5_datagram(2))
    decoder.decode(netflow5_datagram(1, sequence=2))
    table = flow_table(decoder.messages)
    key = FlowKey("192.0.2.1", "198.51.100.7", 17, 1024, 53, 4)
    assert table.counters() == {key: (6, 768)}
    assert (table.flows[key].first_ms, table.flows[key].last_ms) == (96_007, 97_007)


@pytest.mark.parametrize(
    "message, complaint",
    [
        (netflow5_datagram(1, sequence=2), "sequence 2, expected 1"),
        (netflow5_datagram(31, sequence=1), "31 records"),
        (netflow5_datagram(1, sequence=1, size=47), "71 bytes"),
        (netflow5_datagram(1, sequence=1, first=3000), "after last"),
    ],
)
def test_netflow5_decoder_finds_fault(message, complaint):
    decoder = netflow5.Decoder()
    decoder.decode(netflow5_datagram(1))
    with pytest.raises(ProtocolError, match=complaint):
        decoder.decode(message)


# ---- the last words of tests/run ----------------------------------------------------------------

PYTEST_RESULT = """<testsuites><testsuite><testcase classname="test_x" name="test_sum"><failure message="x">
test_x.py:3: in test_sum
    assert total == 3
E   AssertionError: why
E   assert 2 == 3
---- Captured stdout ----
noise
</failure></testcase><testcase classname="test_x" name="test_good"/></testsuite></testsuites>"""

CTEST_RESULT = """<testsuite>
<testcase name="unit.test_sum" classname="unit.test_sum" status="fail"><failure message=""/><system-out>
[ RUN      ] sums
[  ERROR   ] --- 0x2 != 0x3
[   LINE   ] --- test_sum.c:12: error: Failure!
[ RUN      ] others
</system-out></testcase>
<testcase name="unit.gone" classname="unit.gone" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="unit.good" classname="unit.good" status="run"/></testsuite>"""


def test_a_failure_is_printed_with_its_assertion_last(directory):
    (directory / "pytest.xml").write_text(PYTEST_RESULT)
    (directory / "ctest.xml").write_text(CTEST_RESULT)
    done = subprocess.run(
        ["/usr/bin/python3", "-B", ROOT / "tests" / "support" / "count_results.py", "0",
         directory / "pytest.xml", directory / "ctest.xml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "not passed: test_x test_sum",
        "    AssertionError: why",
        "    assert 2 == 3",
        "not passed: unit.test_sum unit.test_sum",
        "    [  ERROR   ] --- 0x2 != 0x3",
        "    [   LINE   ] --- test_sum.c:12: error: Failure!",
        "not passed: unit.gone unit.gone",
        "    Unable to find executable",
        "3 passed, 3 failed",
    ]
