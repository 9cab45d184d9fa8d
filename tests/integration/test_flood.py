"""Two million flows of one packet against a cache of 65536: it evicts, says so, and neither grows nor loses anything."""

import json
import struct
import subprocess
from pathlib import Path

import ledger
from conftest import RELEASE_BUILD
from programs import ENVIRONMENT, PATIENCE_S

MAX_FLOWS, UNIQUE, ELEPHANTS = 65536, 2_000_000, 20
EVERY = 100  # one packet in this many is an elephant's
FLOW_BYTES, FIXED_BYTES = 128, 16 << 20  # promise 6 of SECURITY.md
GROWTH_BYTES = 1 << 20  # once the cache is full
LACK_OF_RESOURCES = 5  # flowEndReason (136)
ELEPHANT_PORT, FLOOD_PORT = 7777, 9
PACKET_BYTES = 28
CHUNK = 20_000
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)  # raw IP
# The headers but for seconds, microseconds and the source address.
BEFORE = struct.pack("<II", PACKET_BYTES, PACKET_BYTES) + struct.pack(
    ">BBHHHBBH", 0x45, 0, PACKET_BYTES, 1, 0, 64, 17, 0
)


def behind(destination_port):
    return bytes([192, 0, 2, 1]) + struct.pack(">HHHH", 1000, destination_port, 8, 0)


def chunks():
    """The capture in pieces: each flow of the flood once, an elephant's packet after every hundredth."""
    flood, elephant = behind(FLOOD_PORT), behind(ELEPHANT_PORT)
    piece, sent = [PCAP_HEADER], 0
    for number in range(UNIQUE):
        time = struct.pack("<II", 1_700_000_000 + number // 100_000, number % 100_000 * 10)
        piece += time, BEFORE, struct.pack(">I", 0x0A000000 + number), flood
        if number % EVERY == 0:
            piece += time, BEFORE, struct.pack(">I", 0xC6336400 + sent % ELEPHANTS), elephant
            sent += 1
        if len(piece) > CHUNK:
            yield b"".join(piece)
            piece = []
    yield b"".join(piece)


def resident_bytes(pid):
    (pages,) = Path(f"/proc/{pid}/statm").read_text().split()[1:2]
    return int(pages) * 4096


WANTED = [60, 136, 1, 2]  # ipVersion, flowEndReason, octets, packets
FORMATS = {1: "B", 4: "I", 8: "Q"}


def templates(content, at, end):
    """template id -> struct format, of those that have the wanted elements."""
    found = {}
    while at < end:
        template, count = struct.unpack_from(">HH", content, at)
        fields = list(struct.iter_unpack(">HH", content[at + 4 : at + 4 + 4 * count]))
        if [element for element, _ in fields] == WANTED:
            found[template] = ">" + "".join(FORMATS[size] for _, size in fields)
        at += 4 + 4 * count
    return found


def ipfix_records(content):
    """(IP version, end reason, octets, packets) of each data record of a file (RFC 7011 section 3)."""
    known, at = {}, 0
    while at < len(content):
        (length,) = struct.unpack_from(">H", content, at + 2)
        set_at, end = at + 16, at + length
        while set_at < end:
            set_id, set_length = struct.unpack_from(">HH", content, set_at)
            if set_id == 2:
                known.update(templates(content, set_at + 4, set_at + set_length))
            elif set_id in known:
                size = struct.calcsize(known[set_id])
                count = (set_length - 4) // size
                yield from struct.iter_unpack(known[set_id], content[set_at + 4 : set_at + 4 + count * size])
            set_at += set_length
        at += length


def test_two_million_flows_neither_grow_nor_lose_anything(directory):
    flows, elephants = directory / "flows.ipfix", directory / "elephants.json"
    summary = directory / "summary.json"
    log = directory / "log"
    agent = subprocess.Popen(
        [
            RELEASE_BUILD / "flowagent", "--read", "-", "--max-flows", str(MAX_FLOWS),
            "--inactive-timeout", "1h", "--active-timeout", "1h", "--summary", summary,
            "-n", f"{flows},version=10,fields=packetDeltaCount+octetDeltaCount+flowEndReason",
            "-n", f"{elephants},version=json,filter=dport={ELEPHANT_PORT}",
        ],
        stdin=subprocess.PIPE, stderr=open(log, "wb"), env=ENVIRONMENT,
    )  # fmt: skip
    sizes = []
    with agent.stdin as pipe:
        for piece in chunks():
            pipe.write(piece)
            sizes.append(resident_bytes(agent.pid))
    status = agent.wait(PATIENCE_S)
    errors = log.read_text()
    assert status == 0, errors

    quarter = sizes[len(sizes) // 4]
    assert max(sizes) <= MAX_FLOWS * FLOW_BYTES + FIXED_BYTES
    assert max(sizes) - quarter <= GROWTH_BYTES, (quarter, max(sizes))
    assert errors.count("the cache is full") == 1 and "nothing of them is lost" in errors

    result = json.loads(summary.read_text())
    elephant_packets = UNIQUE // EVERY
    packets = UNIQUE + elephant_packets
    ledger.check_final(result, packets)
    evicted = UNIQUE + ELEPHANTS - MAX_FLOWS
    assert result["records_expired"]["lack_of_resources"] == evicted
    assert result["packets_lost"] == result["records_lost"] == 0

    records = list(ipfix_records(flows.read_bytes()))
    assert len(records) == UNIQUE + ELEPHANTS
    assert sum(record[3] for record in records) == packets
    assert sum(record[2] for record in records) == packets * PACKET_BYTES
    assert sum(record[1] == LACK_OF_RESOURCES for record in records) == evicted

    lines = [json.loads(line) for line in elephants.read_text().splitlines()]
    found = [
        (line["sourceIPv4Address"], line["packetDeltaCount"], line["octetDeltaCount"])
        for line in lines
        if line["type"] == "flow"
    ]
    each = elephant_packets // ELEPHANTS  # in one record: they were never idle for longest
    assert sorted(found) == sorted(
        (f"198.51.100.{number}", each, each * PACKET_BYTES) for number in range(ELEPHANTS)
    )
