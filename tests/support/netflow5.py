"""Strict decoder of NetFlow v1, v5 and v7, independent of exporter/.

Records become the fields that they would be in NetFlow v9, so that flow_table() is that of
netflow9.py: times are computed as collectors do it, real time of the header less SysUptime plus the
record's. A clock that has wrapped, a gap in the sequence, too many records are errors.
"""

import struct
from dataclasses import dataclass, field

import netflow9
from netflow9 import ProtocolError

# Version: header, record, most records. Of version 1 the last members are not there.
FORMS = {
    1: (struct.Struct(">HHIII"), struct.Struct(">4s4s4sHHIIIIHHHBBB7s"), 24),
    5: (struct.Struct(">HHIIIIBBH"), struct.Struct(">4s4s4sHHIIIIHHBBBBHHBBH"), 30),
    7: (struct.Struct(">HHIIIII"), struct.Struct(">4s4s4sHHIIIIHHBBBBHHBBHI"), 27),
}
AS_TRANS = 23456


@dataclass
class Message:
    uptime_ms: int
    unix_ms: int
    sequence: int
    engine: int  # type and id
    sampling: int  # mode in the upper 2 bits, then the interval; 0: none
    templates: int = 0
    flows: list = field(default_factory=list)  # {element id of NetFlow v9: value}
    options: list = field(default_factory=list)


def _check(condition, text):
    if not condition:
        raise ProtocolError(text)


def _rest(version, values):
    """(TCP flags, protocol, ToS, AS numbers, masks): what follows the ports."""
    if version == 1:
        pad1, protocol, tos, tcp_flags, pad2 = values
        _check(pad1 == 0 and not any(pad2), "padding that is not 0")
        return tcp_flags, protocol, tos, 0, 0, 0, 0
    pad1, tcp_flags, protocol, tos, source_as, destination_as, *masks, pad2 = values[:9]
    _check(pad1 == 0 and pad2 == 0 and not any(values[9:]), "padding that is not 0")
    return tcp_flags, protocol, tos, source_as, destination_as, *masks


def _record(version, message, raw):
    (source, destination, next_hop, in_if, out_if, packets, octets, first, last, source_port,
     destination_port, *rest) = FORMS[version][1].unpack(raw)  # fmt: skip
    (tcp_flags, protocol, tos, source_as, destination_as, source_mask,
     destination_mask) = _rest(version, rest)  # fmt: skip
    _check(packets > 0, "a record without packets")
    _check(first <= last, f"first {first} after last {last}")
    _check(first <= message.uptime_ms, f"first {first} after SysUptime {message.uptime_ms}")
    start_of_clock = message.unix_ms - message.uptime_ms
    return {
        netflow9.SOURCE_IPV4: source,
        netflow9.DESTINATION_IPV4: destination,
        netflow9.IPV4_NEXT_HOP: next_hop,
        netflow9.INPUT_INTERFACE: in_if,
        netflow9.OUTPUT_INTERFACE: out_if,
        netflow9.PACKETS: packets,
        netflow9.OCTETS: octets,
        netflow9.START_MS: start_of_clock + first,
        netflow9.END_MS: start_of_clock + last,
        netflow9.SOURCE_PORT: source_port,
        netflow9.DESTINATION_PORT: destination_port,
        netflow9.TCP_FLAGS: tcp_flags,
        netflow9.PROTOCOL: protocol,
        netflow9.TOS: tos,
        netflow9.SOURCE_AS: source_as,
        netflow9.DESTINATION_AS: destination_as,
        netflow9.SOURCE_MASK_IPV4: source_mask,
        netflow9.DESTINATION_MASK_IPV4: destination_mask,
    }


class Decoder:
    """Sequence numbers of one exporter; decode() its datagrams in order."""

    def __init__(self):
        self.next_sequence = None
        self.messages = []

    def _sequence(self, sequence, count):
        expected = sequence if self.next_sequence is None else self.next_sequence
        _check(sequence == expected, f"sequence {sequence}, expected {expected}")
        self.next_sequence = (sequence + count) & 0xFFFFFFFF

    def decode(self, datagram):
        version = int.from_bytes(datagram[:2], "big")
        _check(version in FORMS, f"version {version}")
        header, record, most = FORMS[version]
        _check(len(datagram) >= header.size, "shorter than a header")
        _, count, uptime, seconds, nanoseconds, *rest = header.unpack_from(datagram)
        _check(count <= most, f"{count} records")
        _check(len(datagram) == header.size + count * record.size, f"{len(datagram)} bytes")
        _check(nanoseconds < 1_000_000_000, f"{nanoseconds} ns")
        sequence = rest[0] if rest else 0
        if rest:
            self._sequence(sequence, count)
        engine, sampling = (rest[1] << 8 | rest[2], rest[3]) if version == 5 else (0, 0)
        _check((sampling >> 14 in (1, 2)) == (sampling & 0x3FFF > 1), f"sampling {sampling}")
        _check(version != 7 or rest[1] == 0, "reserved bytes that are not 0")

        unix_ms = seconds * 1000 + nanoseconds // 1_000_000
        message = Message(uptime, unix_ms, sequence, engine, sampling)
        for at in range(header.size, len(datagram), record.size):
            message.flows.append(_record(version, message, datagram[at : at + record.size]))
        self.messages.append(message)
        return message
