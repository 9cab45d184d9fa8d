"""BMP messages as a router sends them, for the end-to-end tests. Sources: RFC 7854, RFC 4271."""

import ipaddress
import struct


def message(kind, body=b"", version=3):
    return struct.pack(">BIB", version, 6 + len(body), kind) + body


def initiation(name="r1"):
    return message(4, struct.pack(">HH", 2, len(name)) + name.encode())


def peer(address, number, kind=0, flags=0, distinguisher=bytes(8)):
    """The header of a peer."""
    packed = ipaddress.ip_address(address).packed
    flags |= 0x80 if len(packed) == 16 and kind != 3 else 0
    return (
        struct.pack(">BB", kind, flags) + distinguisher + packed.rjust(16, b"\0")
        + struct.pack(">I4sII", number, b"\x0a\0\0\1", 1_700_000_000, 0)
    )  # fmt: skip


def bgp(kind, body):
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def open_message(number, add_path=()):
    """For unicast of IPv4 and IPv6. add_path: (AFI, SAFI, 1 receive, 2 send, 3 both)."""
    capabilities = struct.pack(">BBI", 65, 4, number)
    capabilities += b"".join(struct.pack(">BBHBB", 1, 4, afi, 0, 1) for afi in (1, 2))
    if add_path:
        paths = b"".join(struct.pack(">HBB", *row) for row in add_path)
        capabilities += struct.pack(">BB", 69, len(paths)) + paths
    options = struct.pack(">BB", 2, len(capabilities)) + capabilities
    short = number if number < 65536 else 23456
    return bgp(1, struct.pack(">BHH4sB", 4, short, 90, b"\x0a\0\0\1", len(options)) + options)


def peer_up(header, own_as, peer_as, sent=(), received=()):
    local = bytes(16) + struct.pack(">HH", 179, 40000)
    return message(3, header + local + open_message(own_as, sent) + open_message(peer_as, received))


def peer_down(header, reason=4):
    return message(2, header + bytes([reason]))


def _prefixes(rows, has_ids=False):
    """rows: a prefix, or (prefix, path identifier)."""
    parts = []
    for row in rows:
        text, path_id = row if isinstance(row, tuple) else (row, 0)
        network = ipaddress.ip_network(text)
        size = (network.prefixlen + 7) // 8
        parts.append(struct.pack(">I", path_id) if has_ids else b"")
        parts.append(bytes([network.prefixlen]) + network.network_address.packed[:size])
    return b"".join(parts)


def _attribute(kind, value, flags=0x40):
    return struct.pack(">BBH", flags | 0x10, kind, len(value)) + value


def _is_ipv6(rows):
    row = rows[0]
    return ":" in (row[0] if isinstance(row, tuple) else row)


def announce(header, rows, path, next_hop="192.0.2.254", has_ids=False):
    """Routes of one family with one path, AS numbers of 4 bytes."""
    segment = struct.pack(f">BB{len(path)}I", 2, len(path), *path) if path else b""
    attributes = _attribute(1, b"\0") + _attribute(2, segment)
    hop = ipaddress.ip_address(next_hop).packed
    nlri = _prefixes(rows, has_ids)
    if _is_ipv6(rows):
        value = struct.pack(">HBB", 2, 1, len(hop)) + hop + b"\0" + nlri
        attributes, nlri = attributes + _attribute(14, value, 0x80), b""
    else:
        attributes += _attribute(3, hop)
    update = struct.pack(">HH", 0, len(attributes)) + attributes + nlri
    return message(0, header + bgp(2, update))


def withdraw(header, rows, has_ids=False):
    nlri = _prefixes(rows, has_ids)
    if _is_ipv6(rows):
        attribute = _attribute(15, struct.pack(">HB", 2, 1) + nlri, 0x80)
        update = struct.pack(">HH", 0, len(attribute)) + attribute
    else:
        update = struct.pack(">H", len(nlri)) + nlri + struct.pack(">H", 0)
    return message(0, header + bgp(2, update))


def end_of_rib(header, family=4):
    if family == 4:
        return message(0, header + bgp(2, bytes(4)))
    attribute = _attribute(15, struct.pack(">HB", 2, 1), 0x80)
    return message(0, header + bgp(2, struct.pack(">HH", 0, len(attribute)) + attribute))


def termination(reason=0):
    return message(5, struct.pack(">HHH", 1, 2, reason))
