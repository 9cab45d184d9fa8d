"""An MRT routing table dump, read independently of agent/asn: origins by prefix.

Written from RFC 6396, 8050, 4271 and 6793 alone, slow and plain.
"""

import collections
import ipaddress
import struct

AS_TRANS = 23456
TABLE_DUMP, TABLE_DUMP_V2, BGP4MP = 12, 13, 16
PEER_INDEX_TABLE, BGP4MP_ENTRY = 1, 2
RIBS = {2: (4, False), 4: (16, False), 8: (4, True), 10: (16, True)}


class Bytes:
    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, size):
        assert self.place + size <= len(self.data), "cut"
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def left(self):
        return len(self.data) - self.place


def records(data):
    """(type, subtype, body) of each; a record that is cut ends it."""
    place = 0
    while place + 12 <= len(data):
        _, kind, subtype, size = struct.unpack_from(">IHHI", data, place)
        if place + 12 + size > len(data):
            return
        yield kind, subtype, data[place + 12 : place + 12 + size]
        place += 12 + size


def whole_size(data):
    """Bytes of its whole records."""
    return sum(12 + len(body) for _, _, body in records(data))


def segments(path, as_size):
    path = Bytes(path)
    while path.left():
        kind, count = path.number(1), path.number(1)
        yield kind, [path.number(as_size) for _ in range(count)]


def end_of_path(path, as_size):
    """(origin or None, length as BGP counts it)."""
    origin, length = None, 0
    for kind, members in segments(path, as_size):
        if kind not in (1, 2) or not members:
            continue
        length += 1 if kind == 1 else len(members)
        origin = members[-1] if kind == 2 or len(set(members)) == 1 else None
    return origin, length


def origin_of(attributes, as_size):
    """The AS number, or None: no path, a set of several, AS_TRANS."""
    reader, paths = Bytes(attributes), {}
    while reader.left():
        flags, kind = reader.number(1), reader.number(1)
        paths[kind] = reader.take(reader.number(2 if flags & 0x10 else 1))
    origin, length = end_of_path(paths.get(2, b""), as_size)
    origin4, length4 = end_of_path(paths.get(17, b""), 4)
    if 0 < length4 <= length:
        origin = origin4
    return None if origin in (AS_TRANS, 0) else origin


def network(address, bits, size):
    address = address + bytes(size - len(address))
    return ipaddress.ip_network((address, bits), strict=False)


def peer_table(body):
    body, peers = Bytes(body), []
    body.take(4)
    body.take(body.number(2))
    for _ in range(body.number(2)):
        kind = body.number(1)
        body.take(4)
        address = body.take(16 if kind & 1 else 4)
        peers.append((address, body.number(4 if kind & 2 else 2)))
    assert not body.left()
    return peers


def rib(body, size, has_path_id, peers):
    body = Bytes(body)
    body.take(4)
    bits = body.number(1)
    prefix = network(body.take((bits + 7) // 8), bits, size)
    for _ in range(body.number(2)):
        peer = peers[body.number(2)]
        body.take(8 if has_path_id else 4)
        yield prefix, peer, origin_of(body.take(body.number(2)), 4)
    assert not body.left()


def table_dump(body, size):
    body = Bytes(body)
    body.take(4)
    address, bits = body.take(size), body.number(1)
    body.take(5)
    peer = body.take(size), body.number(2)
    attributes = body.take(body.number(2))
    assert not body.left()
    yield network(address, bits, size), peer, origin_of(attributes, 2)


def bgp4mp_entry(body):
    body = Bytes(body)
    numbers = body.take(4)
    body.take(2)
    size = {1: 4, 2: 16}[body.number(2)]
    peer = numbers, body.take(2 * size)
    body.take(8)
    family, kind = body.number(2), body.number(1)
    if kind != 1:
        return
    body.take(body.number(1))
    bits = body.number(1)
    prefix = network(body.take((bits + 7) // 8), bits, {1: 4, 2: 16}[family])
    yield prefix, peer, origin_of(body.take(body.number(2)), 2)


def routes(data):
    """(prefix, peer, origin or None) of each route."""
    peers = []
    for kind, subtype, body in records(data):
        if kind == TABLE_DUMP_V2 and subtype == PEER_INDEX_TABLE:
            peers = peer_table(body)
        elif kind == TABLE_DUMP_V2 and subtype in RIBS:
            yield from rib(body, *RIBS[subtype], peers)
        elif kind == TABLE_DUMP:
            yield from table_dump(body, {1: 4, 2: 16}[subtype])
        elif kind == BGP4MP and subtype == BGP4MP_ENTRY:
            yield from bgp4mp_entry(body)


def vote(route_list):
    """{prefix: origin} of most peers, of several with as many the lowest. A peer votes once, first."""
    votes = collections.defaultdict(dict)
    for prefix, peer, origin in route_list:
        votes[prefix].setdefault(peer, origin)
    origins = {}
    for prefix, by_peer in votes.items():
        counts = collections.Counter(origin for origin in by_peer.values() if origin)
        if counts:
            origins[prefix] = min(counts, key=lambda origin: (-counts[origin], origin))
    return origins


def networks(text):
    """{prefix: origin} of a networks_file as flowagent-asn writes it."""
    found = {}
    for line in text.splitlines():
        if line.startswith("!"):
            continue
        origin, prefix = line.split(",")
        assert ipaddress.ip_network(prefix) not in found, line
        found[ipaddress.ip_network(prefix)] = int(origin)
    return found
