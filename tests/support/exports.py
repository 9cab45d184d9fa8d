"""What leaves an agent that reads a capture: headers on the wire, rows of the summary."""

import ipaddress
import struct
from pathlib import Path
from typing import NamedTuple

import ledger
from pcap_reader import count_flows, read_packets
from waiting import wait_until

CAPTURE = Path(__file__).parents[1] / "wire" / "captures" / "ndpi-whatsapp.pcap"
TCP, UDP = 6, 17


class Header(NamedTuple):
    """What an IP header says that left with a datagram."""

    source: str
    destination: str
    port: int
    tos: int
    ttl: int
    octets: int
    is_fragment: bool
    may_be_cut: bool  # a router may make fragments of it


def headers(path):
    """The headers of all UDP and TCP packets and fragments of an Ethernet capture."""
    found = []
    for packet in read_packets(path):
        kind, data = packet.data[12:14], packet.data[14:]
        if kind == b"\x08\0" and data[9] in (TCP, UDP):
            octets, _, offset = struct.unpack_from(">HHH", data, 2)
            source, destination, rest = data[12:16], data[16:20], data[20:]
            tos, ttl, may_be_cut = data[1], data[8], not offset & 0x4000
            is_fragment = bool(offset & 0x3FFF)
        elif kind == b"\x86\xdd" and data[6] in (TCP, UDP, 44):
            octets = 40 + int.from_bytes(data[4:6], "big")
            source, destination, rest = data[8:24], data[24:40], data[40:]
            tos, ttl, may_be_cut = int.from_bytes(data[:2], "big") >> 4 & 0xFF, data[7], False
            is_fragment = data[6] == 44
        else:
            continue
        found.append(
            Header(
                str(ipaddress.ip_address(source)),
                str(ipaddress.ip_address(destination)),
                int.from_bytes(rest[2:4], "big"),
                tos,
                ttl,
                octets,
                is_fragment,
                may_be_cut,
            )
        )
    return found


def seen(wire, count):
    """Headers of a capture, once it has 'count' packets."""
    wait_until(lambda: len(wire.packets()) >= count, f"{count} packets in the capture")
    wire.stop()
    return headers(wire.path)


def in_brackets(address):
    return f"[{address}]" if ":" in address else address


def export_file(flowagent, host, *collectors, path=CAPTURE, status=0):
    """Export a capture file to its end; summary, and its rows by port. Status 1: records were lost."""
    options = [word for collector in collectors for word in ("-n", collector)]
    agent = flowagent("--read", path, *options, "--export-rate", 3000, host=host)
    assert agent.wait() == status, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    rows = {int(row["name"].rpartition(":")[2]): row for row in summary["collectors"]}
    return agent, summary, rows


def expected_flows(path=CAPTURE):
    return count_flows(read_packets(path)).table.flows


def run_capture(flowagent, path, *options, **popen_options):
    """Run to the end of the file: the summary. The status says whether records were lost."""
    agent = flowagent("--read", path, *options, **popen_options)
    status = agent.wait()
    summary = agent.summary()
    ledger.check_final(summary)
    lost = sum(row["records_lost"] for row in summary["collectors"])
    assert status == (1 if lost else 0), agent.errors
    return summary
