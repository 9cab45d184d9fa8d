"""Strict decoder of NetFlow v9 (RFC 3954), independent of exporter/.

What a collector might forgive is an error here: a header count that is not the number of records, a
gap in the sequence, a set that is not padded to 4 bytes, padding that is not 0, data before its
template, a template that changes its mind.

Command line: netflow9.py CAPTURE PORT decodes the datagrams to a UDP port in a capture file.
"""

import struct
import sys
from dataclasses import dataclass, field

from flows import FlowKey, FlowTable, address_text


class ProtocolError(AssertionError):
    """The exporter has broken RFC 3954."""


# IANA "IPFIX Information Elements", as far as these tests look at them.
OCTETS, PACKETS, PROTOCOL, TOS, TCP_FLAGS = 1, 2, 4, 5, 6
SOURCE_PORT, DESTINATION_PORT, ICMP_TYPE_CODE = 7, 11, 32
SOURCE_IPV4, DESTINATION_IPV4, SOURCE_IPV6, DESTINATION_IPV6 = 8, 12, 27, 28
SOURCE_MASK_IPV4, DESTINATION_MASK_IPV4, SOURCE_MASK_IPV6, DESTINATION_MASK_IPV6 = 9, 13, 29, 30
INPUT_INTERFACE, OUTPUT_INTERFACE = 10, 14
SOURCE_AS, DESTINATION_AS = 16, 17
IPV4_NEXT_HOP, IPV6_NEXT_HOP = 18, 63
VLAN, DIRECTION, INTERFACE_NAME, INTERFACE_DESCRIPTION, END_REASON = 58, 61, 82, 83, 136
START_MS, END_MS = 152, 153
START_UPTIME, END_UPTIME = 22, 21
IP_VERSION, COMMON_PROPERTIES = 60, 137
APPLICATION_ID, APPLICATION_NAME = 95, 96
EXPORTED_MESSAGES, EXPORTED_OCTETS, EXPORTED_FLOWS = 41, 40, 42
SYSTEM_INIT_MS = 160
IGNORED_PACKETS, IGNORED_OCTETS, NOT_SENT_FLOWS, NOT_SENT_PACKETS, NOT_SENT_OCTETS = range(164, 169)
BYTE_STRINGS = {
    SOURCE_IPV4,
    DESTINATION_IPV4,
    SOURCE_IPV6,
    DESTINATION_IPV6,
    IPV4_NEXT_HOP,
    IPV6_NEXT_HOP,
    INTERFACE_NAME,
    INTERFACE_DESCRIPTION,
    APPLICATION_ID,
    APPLICATION_NAME,
}
SCOPE_SYSTEM, SCOPE_INTERFACE = 1, 2


@dataclass
class Template:
    fields: list  # (element id, bytes)
    scopes: list = field(default_factory=list)  # (scope type, bytes); options templates only

    def size(self):
        return sum(size for _, size in self.scopes + self.fields)

    def parse(self, data):
        """One record: ({scope type: bytes}, {element id: int, or bytes})."""
        at, scopes, values = 0, {}, {}
        for kind, size in self.scopes:
            scopes[kind] = data[at : at + size]
            at += size
        for element, size in self.fields:
            raw = data[at : at + size]
            number = element[-1] if isinstance(element, tuple) else element  # of an enterprise
            values[element] = raw if number in BYTE_STRINGS else int.from_bytes(raw, "big")
            at += size
        return scopes, values


@dataclass
class Message:
    count: int
    uptime_ms: int
    unix_s: int
    sequence: int
    source_id: int
    templates: int = 0  # template and options template records
    flows: list = field(default_factory=list)  # {element id: value}
    options: list = field(default_factory=list)  # ({scope: bytes}, {element id: value})


def _check(condition, text):
    if not condition:
        raise ProtocolError(text)


class Decoder:
    """Templates and sequence numbers of one exporter; decode() its datagrams in order."""

    def __init__(self):
        self.templates = {}  # (source id, template id) -> Template
        self.next_sequence = {}  # source id -> sequence number
        self.messages = []

    def decode(self, datagram):
        _check(len(datagram) >= 20, "shorter than a header")
        version, count, uptime, seconds, sequence, source = struct.unpack_from(">HHIIII", datagram)
        _check(version == 9, f"version {version}")
        expected = self.next_sequence.get(source, sequence)
        _check(sequence == expected, f"sequence {sequence}, expected {expected}")
        self.next_sequence[source] = (sequence + 1) & 0xFFFFFFFF

        message = Message(count, uptime, seconds, sequence, source)
        at = 20
        while at < len(datagram):
            _check(len(datagram) - at >= 4, "bytes left over after the last set")
            identifier, length = struct.unpack_from(">HH", datagram, at)
            _check(length >= 8, f"set {identifier} of {length} bytes")
            _check(length % 4 == 0, f"set {identifier} of {length} bytes is not padded")
            _check(at + length <= len(datagram), f"set {identifier} is longer than its datagram")
            body = datagram[at + 4 : at + length]
            at += length
            if identifier == 0:
                self._templates(message, body)
            elif identifier == 1:
                self._options_templates(message, body)
            else:
                self._data(message, identifier, body)
        records = message.templates + len(message.flows) + len(message.options)
        _check(records == count, f"header says {count} records, there are {records}")
        self.messages.append(message)
        return message

    def _learn(self, message, identifier, template):
        _check(identifier >= 256, f"template id {identifier}")
        _check(template.fields and template.size(), f"template {identifier} is empty")
        known = self.templates.setdefault((message.source_id, identifier), template)
        _check(known == template, f"template {identifier} has changed")
        message.templates += 1

    def _templates(self, message, body):
        at = 0
        while len(body) - at >= 8:
            identifier, count = struct.unpack_from(">HH", body, at)
            at += 4
            _check(at + 4 * count <= len(body), f"template {identifier} is longer than its set")
            pairs = [struct.unpack_from(">HH", body, at + 4 * i) for i in range(count)]
            at += 4 * count
            elements = [element for element, _ in pairs]
            _check(len(set(elements)) == len(elements), f"template {identifier} repeats a field")
            self._learn(message, identifier, Template(pairs))
        self._padding(body[at:])

    def _options_templates(self, message, body):
        at = 0
        while len(body) - at >= 10:
            identifier, scope_bytes, option_bytes = struct.unpack_from(">HHH", body, at)
            at += 6
            _check(scope_bytes % 4 == 0 and option_bytes % 4 == 0, "odd options template")
            end = at + scope_bytes + option_bytes
            _check(end <= len(body), f"options template {identifier} is longer than its set")
            pairs = list(struct.iter_unpack(">HH", body[at:end]))
            at = end
            split = scope_bytes // 4
            self._learn(message, identifier, Template(pairs[split:], pairs[:split]))
        self._padding(body[at:])

    def _data(self, message, identifier, body):
        template = self.templates.get((message.source_id, identifier))
        _check(template is not None, f"data set {identifier} without its template")
        size = template.size()
        count = len(body) // size
        _check(count > 0, f"data set {identifier} without a record")
        for i in range(count):
            scopes, values = template.parse(body[i * size : (i + 1) * size])
            if template.scopes:
                message.options.append((scopes, values))
            else:
                message.flows.append(values)
        self._padding(body[count * size :])

    @staticmethod
    def _padding(rest):
        _check(len(rest) < 4 and not any(rest), f"{len(rest)} bytes of padding: {rest.hex()}")


def _address(values, ipv4, ipv6):
    """Text of an address; "IPv4" or "IPv6" where the record has none."""
    if IP_VERSION in values:
        _check(ipv4 not in values and ipv6 not in values, "IP version beside addresses")
        return f"IPv{values[IP_VERSION]}"
    return address_text(values[ipv4] if ipv4 in values else values[ipv6])


def flow_key(values):
    """FlowKey of a flow record, by what its fields mean. What it has no field for is 0."""
    return FlowKey(
        _address(values, SOURCE_IPV4, SOURCE_IPV6),
        _address(values, DESTINATION_IPV4, DESTINATION_IPV6),
        values.get(PROTOCOL, 0),
        values.get(SOURCE_PORT, 0),
        values.get(DESTINATION_PORT, 0),
        values.get(TOS, 0),
        values.get(VLAN, 0),
    )


def _times(message, values):
    """First and last time: fields 152 and 153, or 22 and 21 by the header's two clocks (RFC 3954)."""
    if START_MS in values:
        return values[START_MS], values[END_MS]
    booted = message.unix_s * 1000 - message.uptime_ms
    _check(values[END_UPTIME] <= message.uptime_ms, "a record ahead of its header")
    return booted + values[START_UPTIME], booted + values[END_UPTIME]


def flow_table(messages):
    """FlowTable of all flow records of some messages."""
    table = FlowTable()
    for message in messages:
        for values in message.flows:
            table.add(
                flow_key(values),
                values[PACKETS],
                values[OCTETS],
                values[TCP_FLAGS],
                *_times(message, values),
            )
    return table


def text(raw):
    """Name in options data: NUL-padded bytes."""
    return raw.rstrip(b"\0").decode()


def decode_all(datagrams):
    """Decoder that has seen all the datagrams of one exporter."""
    decoder = Decoder()
    for datagram in datagrams:
        decoder.decode(datagram)
    return decoder


def main():
    from pcap_reader import Frame, LINK_TYPES, dissect_ip, read_packets

    path, port = sys.argv[1], int(sys.argv[2])
    decoder = Decoder()
    for packet in read_packets(path):
        frame = Frame(packet)
        LINK_TYPES[packet.link](frame)
        datagram = dissect_ip(frame, packet)
        if datagram.protocol == 17 and datagram.payload[2:4] == port.to_bytes(2, "big"):
            print(decoder.decode(datagram.payload[8:]))


if __name__ == "__main__":
    main()
