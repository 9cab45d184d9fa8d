"""The forms of capture files: byte orders, units, interfaces, sections, and files that are cut off."""

import random
import struct

import pytest

import frames
import ledger
from capture_files import OBSOLETE_PACKET, SIMPLE_PACKET, Interface, Pcapng, packet, pcap, pcapng
from flows import differences
from frames import ETHERNET, IPV4_LINK, LINKS
from netflow9 import decode_all, flow_table
from pcap_reader import count_flows, read_packets
from test_link_layers import ip_packet
from test_odd_packets import check

BASE_NS = 1_700_000_000 * 10**9
UNKNOWN_LINK = 147  # LINKTYPE_USER0


def some_packets(count, links=(ETHERNET,), seed=1):
    """At uneven times, so that units are rounded."""
    chance = random.Random(seed)
    maker = frames.Frames(chance)
    packets = []
    for number in range(count):
        link = links[number % len(links)]
        data = maker.random(link, ip_packet(chance, number // 3, link))
        packets.append(packet(BASE_NS + number * 7_654_321, link, data))
    return packets


# (if_tsresol, if_tsoffset): none, s, ms, us, ns, ps; powers of two; what a stamp counts from. In ps
# 64 bits reach 213 days far.
CLOCKS = [(resolution, None) for resolution in (None, 0, 3, 6, 9, 0x80, 0x80 | 10, 0x80 | 20, 0x80 | 30)]
CLOCKS += [(9, offset_s) for offset_s in (0, 1_000_000_000, -1, -1_000_000_000)]
CLOCKS += [(12, 1_699_999_999)]
KEEPS_MS = {None, 3, 6, 9, 12}  # the others round a time down to less than a millisecond of it


@pytest.mark.parametrize("unit_ns", [1000, 1])
@pytest.mark.parametrize("order", "<>")
def test_pcap(order, unit_ns, directory, flowagent, collector):
    packets = some_packets(200)
    path = directory / "capture"
    path.write_bytes(pcap(packets, order, unit_ns))
    assert not differences(
        count_flows(read_packets(path)).table.flows, count_flows(packets).table.flows
    )
    check(path, flowagent, collector)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("clock", CLOCKS, ids=str)
def test_pcapng(clock, order, directory, flowagent, collector):
    packets = some_packets(90)
    path = directory / "capture"
    path.write_bytes(pcapng(packets, order, Interface(ETHERNET, *clock)))
    counted, original = count_flows(read_packets(path)).table, count_flows(packets).table
    assert counted.counters() == original.counters()
    assert clock[0] not in KEEPS_MS or not differences(counted.flows, original.flows)
    check(path, flowagent, collector)


def test_everything_in_one_file(directory, flowagent, collector):
    """Interfaces with all link types and units, sections of both byte orders, all packet blocks."""
    chance = random.Random(2)
    packets = some_packets(1200, LINKS)
    links = [*LINKS, UNKNOWN_LINK]
    file = Pcapng("<")
    hidden = 0
    for number, each in enumerate(packets):
        if number % 300 == 0:
            file.section("<>"[number // 300 % 2])
            for link in links:
                file.interface(Interface(link, *chance.choice(CLOCKS)))
            file.block(0x0BAD, bytes(range(40)))  # of some vendor: to be passed over
        kind = chance.choice((6, 6, 6, OBSOLETE_PACKET))
        file.packet(links.index(each.link), each, kind, chance.choice((b"", b"a comment")))
        if number % 100 == 0:  # of the first interface, which is that of LINKS[0]
            of_first = some_packets(1, LINKS[:1], number)[0]
            file.packet(0, of_first, SIMPLE_PACKET)
        if number % 150 == 0:
            file.packet(len(LINKS), each)
            hidden += 1
    path = directory / "mixed.pcapng"
    path.write_bytes(file.content())
    expected = count_flows(read_packets(path))
    assert expected.ignored == {"link_unknown": hidden}
    check(path, flowagent, collector)


def cut_files():
    """(name, file, offset of its last record) for each format."""
    packets = [
        packet(BASE_NS + i * 10**6, IPV4_LINK, frames.ipv4(frames.udp(i // 2))) for i in range(5)
    ]
    yield "pcap", pcap(packets), len(pcap(packets[:-1]))
    yield "pcap of the other order", pcap(packets, ">", 1), len(pcap(packets[:-1]))
    for order in "<>":
        file = Pcapng(order)
        file.interface(Interface(IPV4_LINK, 9))
        for each in packets:
            before = len(file.content())
            file.packet(0, each, comment=b"cut me")
        yield f"pcapng {order}", file.content(), before


@pytest.mark.parametrize("form", list(cut_files()), ids=lambda form: form[0])
def test_cut_at_every_byte_of_the_last_record(form, directory, flowagent_run, collector):
    """All packets before it are exported, and the error says where the file ends, and how."""
    _, content, last = form
    path = directory / "cut"
    path.write_bytes(content[:last])
    expected = count_flows(read_packets(path)).table.flows
    own = collector()
    for size in range(last, len(content)):
        path.write_bytes(content[:size])
        seen = len(own.datagrams)
        done = flowagent_run("-r", path, "-n", own.host_port, "--summary", "-")
        summary = ledger.parse(done.stdout)
        ledger.check_final(summary)
        own.wait_for_datagrams(seen + summary["datagrams_sent"])
        messages = decode_all(own.datagrams[seen:]).messages
        assert not differences(flow_table(messages).flows, expected), size
        if size == last:
            assert done.returncode == 0, done.stderr
            continue
        assert done.returncode == 1, (size, done.stderr)
        assert "cut off in the middle of a " in done.stderr
        assert f"at offset {last}: " in done.stderr, (size, done.stderr)
        missing = int(done.stderr.split("expected ")[1].split()[0])
        assert 0 < missing <= len(content) - size


def test_absurd_length_ends_the_file_there(directory, flowagent_run, collector):
    """What cannot be a packet is not waited for; what was before it counts."""
    packets = [packet(BASE_NS, IPV4_LINK, frames.ipv4(frames.udp(i))) for i in range(3)]
    whole = pcap(packets)
    bad = struct.pack("<4I", 1_700_000_000, 0, 0xFFFFFFF0, 0xFFFFFFF0) + bytes(100)
    path = directory / "absurd"
    path.write_bytes(whole + bad + whole[24:])
    own = collector()
    done = flowagent_run("-r", path, "-n", own.host_port, "--summary", "-")
    assert done.returncode == 1
    assert f"not a packet at offset {len(whole)}" in done.stderr
    assert ledger.parse(done.stdout)["packets_exported"] == 3


def test_unknown_link_type_of_a_whole_file_is_refused(directory, flowagent_run):
    path = directory / "unknown"
    path.write_bytes(pcap([packet(BASE_NS, UNKNOWN_LINK, b"user")]))
    done = flowagent_run("-r", path)
    assert done.returncode != 0
    assert f"link type {UNKNOWN_LINK} cannot be decoded" in done.stderr


def test_pcapng_with_unknown_link_types_only_is_refused_like_pcap(directory, flowagent_run):
    file = Pcapng("<")
    file.interface(Interface(UNKNOWN_LINK))
    file.packet(0, packet(BASE_NS, UNKNOWN_LINK, b"user"))
    path = directory / "unknown.pcapng"
    path.write_bytes(file.content())
    done = flowagent_run("-r", path, "--summary", "-")
    assert done.returncode == 1
    assert f"link type {UNKNOWN_LINK} cannot be decoded" in done.stderr
    assert ledger.parse(done.stdout)["packets_ignored"]["link_unknown"] == 1


def test_one_unknown_link_type_among_others_is_said(directory, flowagent_run, collector):
    file = Pcapng("<")
    file.interface(Interface(UNKNOWN_LINK))
    file.interface(Interface(ETHERNET))
    for each in some_packets(3):
        file.packet(1, each)
        file.packet(0, packet(BASE_NS, UNKNOWN_LINK, b"user"))
    path = directory / "mixed.pcapng"
    path.write_bytes(file.content())
    done = flowagent_run("-r", path, "-n", collector().host_port, "--summary", "-")
    assert done.returncode == 0, done.stderr
    assert f"link type {UNKNOWN_LINK} cannot be decoded" in done.stderr
    assert "ignored: 3 (link_unknown)" in done.stderr
    assert ledger.parse(done.stdout)["packets_exported"] == 3


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("minor", [0, 1, 2, 3])
def test_pcap_of_old_versions(minor, order, directory, flowagent, collector):
    """Up to 2.2 the original length of a packet stands before the captured one (libpcap)."""
    packets = [
        packet(each.time_ns, each.link, each.data, len(each.data) + 50) for each in some_packets(20)
    ]
    content = bytearray(pcap(packets, order))
    content[6:8] = struct.pack(order + "H", minor)
    offset = 24
    for each in packets:
        lengths = content[offset + 8 : offset + 16]
        if minor < 3:
            content[offset + 8 : offset + 16] = lengths[4:] + lengths[:4]
        offset += 16 + len(each.data)
    plain, old = directory / "plain", directory / "old"
    plain.write_bytes(pcap(packets, order))
    old.write_bytes(content)
    own = collector()
    agent = flowagent("-r", old, "-n", own.host_port)
    assert agent.wait() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert not differences(own.flows().flows, count_flows(read_packets(plain)).table.flows)
