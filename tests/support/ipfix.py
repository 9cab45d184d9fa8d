"""Strict decoder of IPFIX over UDP (RFC 7011), independent of exporter/.

What a collector might forgive is an error here: a length that is not the datagram's, a sequence
number that is not the count of all data records before, options data among them, a set that is not
padded to 4 bytes, padding that is not 0, data before its template, a template that changes its
mind. Fields mean the same as in NetFlow v9, so flow_table() is that of netflow9.py.

A biflow (RFC 5103) becomes two flows, the forward one first: what its reverse elements do not tell
of the other direction follows by swapping source and destination.
"""

import struct
from dataclasses import dataclass, field

from netflow9 import ProtocolError, Template

SET_TEMPLATE, SET_OPTIONS_TEMPLATE, SET_FIRST_DATA = 2, 3, 256
VARIABLE_LENGTH, ENTERPRISE_BIT = 0xFFFF, 0x8000
REVERSE_ENTERPRISE = 29305
NTOP_ENTERPRISE, NTOP_FIRST = 35632, 57472  # the latter: in NetFlow v9
NTOP_OUT = {110: 109, 112: 111}  # of the other direction
BIFLOW_DIRECTION = 239
# Elements of source and destination: addresses, ports, AS numbers, masks, adjacent AS numbers.
SWAPPED = {8: 12, 27: 28, 7: 11, 16: 17, 9: 13, 29: 30, 129: 128}
SWAPPED |= {destination: source for source, destination in SWAPPED.items()}
ICMP_TYPE_CODES = {1: 32, 58: 139}  # by protocol


@dataclass
class Message:
    export_s: int
    sequence: int
    domain: int
    templates: int = 0  # template and options template records
    flows: list = field(default_factory=list)  # {element id: value}
    biflows: list = field(default_factory=list)  # (forward, reverse): those of 'flows' in one record
    options: list = field(default_factory=list)  # ({scope element: bytes}, {element id: value})


def _check(condition, text):
    if not condition:
        raise ProtocolError(text)


class Decoder:
    """Templates and sequence numbers of one exporter; decode() its datagrams in order."""

    def __init__(self, is_session=False):
        self.is_session = is_session
        self.withdrawn = []  # ids
        self.templates = {}  # (domain, template id) -> Template
        self.next_sequence = {}  # domain -> sequence number
        self.messages = []

    def decode(self, datagram):
        _check(len(datagram) >= 16, "shorter than a header")
        version, length, seconds, sequence, domain = struct.unpack_from(">HHIII", datagram)
        _check(version == 10, f"version {version}")
        _check(length == len(datagram), f"length {length} in a datagram of {len(datagram)} bytes")
        expected = self.next_sequence.get(domain, sequence)
        _check(sequence == expected, f"sequence {sequence}, expected {expected}")

        message = Message(seconds, sequence, domain)
        rest = datagram[16:]
        while rest:
            _check(len(rest) >= 4, "bytes left over after the last set")
            identifier, length = struct.unpack_from(">HH", rest)
            _check(4 < length <= len(rest), f"set {identifier} of {length} bytes")
            _check(length % 4 == 0, f"set {identifier} of {length} bytes is not padded")
            self._set(message, identifier, rest[4:length])
            rest = rest[length:]
        records = len(message.flows) - len(message.biflows) + len(message.options)
        self.next_sequence[domain] = (sequence + records) & 0xFFFFFFFF
        self.messages.append(message)
        return message

    def _set(self, message, identifier, body):
        if identifier == SET_TEMPLATE:
            rest = self._templates(message, body, has_scopes=False)
        elif identifier == SET_OPTIONS_TEMPLATE:
            rest = self._templates(message, body, has_scopes=True)
        else:
            _check(identifier >= SET_FIRST_DATA, f"set {identifier} is reserved")
            rest = self._data(message, identifier, body)
        _check(len(rest) < 4 and not any(rest), f"{len(rest)} bytes of padding: {rest.hex()}")

    def _templates(self, message, body, has_scopes):
        """Learn all templates of a set. Returns what is after them."""
        while len(body) >= 4:
            identifier, count = struct.unpack_from(">HH", body)
            _check(identifier >= SET_FIRST_DATA, f"template id {identifier}")
            body = body[4:]
            if count == 0:  # RFC 7011 section 8.1
                _check(self.is_session, f"template {identifier} is withdrawn: not over UDP")
                _check((message.domain, identifier) in self.templates, f"no template {identifier} to withdraw")
                del self.templates[message.domain, identifier]
                self.withdrawn.append(identifier)
                continue
            scope_count = 0
            if has_scopes:
                (scope_count,) = struct.unpack_from(">H", body)
                _check(0 < scope_count <= count, f"template {identifier}: {scope_count} scopes")
                body = body[2:]
            pairs = []
            for _ in range(count):
                _check(len(body) >= 4, f"template {identifier} is longer than its set")
                element, size = struct.unpack_from(">HH", body)
                body = body[4:]
                if element & ENTERPRISE_BIT:
                    _check(len(body) >= 4, f"template {identifier} is longer than its set")
                    (enterprise,) = struct.unpack_from(">I", body)
                    body = body[4:]
                    element &= ~ENTERPRISE_BIT
                    _check(enterprise in (REVERSE_ENTERPRISE, NTOP_ENTERPRISE), f"enterprise {enterprise}")
                    if enterprise == REVERSE_ENTERPRISE:
                        element = REVERSE_ENTERPRISE, element
                    elif element in NTOP_OUT:
                        element = REVERSE_ENTERPRISE, NTOP_OUT[element] + NTOP_FIRST
                    else:
                        element += NTOP_FIRST
                pairs.append((element, size))
                _check(0 < size < VARIABLE_LENGTH, f"element {element} of {size} bytes")
            _check(len(dict(pairs)) == len(pairs), f"template {identifier} repeats a field")
            template = Template(pairs[scope_count:], pairs[:scope_count])
            known = self.templates.setdefault((message.domain, identifier), template)
            _check(known == template, f"template {identifier} has changed")
            message.templates += 1
        return body

    def _directions(self, message, values):
        """One flow, or the two of a biflow."""
        reverse_values = {
            element[1]: value for element, value in values.items() if isinstance(element, tuple)
        }
        if not reverse_values:
            _check(BIFLOW_DIRECTION not in values, "biflowDirection without a reverse")
            return [values]
        forward = {
            element: value for element, value in values.items() if not isinstance(element, tuple)
        }
        _check(forward.get(BIFLOW_DIRECTION) in (0, 1), "no biflowDirection that we send")
        reverse = {SWAPPED.get(element, element): value for element, value in forward.items()}
        reverse |= reverse_values
        del reverse[BIFLOW_DIRECTION]
        type_code = ICMP_TYPE_CODES.get(forward.get(4))
        if type_code in reverse:
            reverse |= {7: 0, 11: reverse[type_code]}
        message.biflows.append((forward, reverse))
        return [forward, reverse]

    def _data(self, message, identifier, body):
        """Read all records of a set. Returns what is after them."""
        template = self.templates.get((message.domain, identifier))
        _check(template is not None, f"data set {identifier} without its template")
        size = template.size()
        _check(len(body) >= size, f"data set {identifier} without a record")
        while len(body) >= size:
            scopes, values = template.parse(body[:size])
            if template.scopes:
                message.options.append((scopes, values))
            else:
                message.flows += self._directions(message, values)
            body = body[size:]
        return body
