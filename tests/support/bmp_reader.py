"""BMP sessions, read independently of agent/bmp: the table that they add up to.

Written from RFC 7854, 8671, 9069, 4271, 4760, 6793 and 7911 alone, slow and plain.
"""

import collections
import ipaddress
import struct
from typing import NamedTuple

import pcap_reader
from mrt_reader import AS_TRANS, Bytes, end_of_path, segments

ROUTES, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION = range(6)
GLOBAL, VRF, LOCAL, LOC_RIB = range(4)
UNICAST = {(1, 1): 4, (2, 1): 16}
VIEWS = ("pre", "post", "loc")


def sessions(path):
    """{(source address, port): bytes} of each direction that has data, in order of time."""
    parts = collections.defaultdict(dict)
    for packet in pcap_reader.read_packets(path):
        frame = pcap_reader.Frame(packet)
        pcap_reader.LINK_TYPES[packet.link](frame)
        datagram = pcap_reader.dissect_ip(frame, packet)
        port, _, sequence, offset = struct.unpack_from(">HHI4xB", datagram.payload)
        data = datagram.payload[(offset >> 4) * 4 :]
        if data:
            parts[datagram.source, port].setdefault(sequence, data)
    # None of them wraps, or sends anything in two different pieces.
    return {key: b"".join(data for _, data in sorted(found.items())) for key, found in parts.items()}


def messages(data):
    """(version, type, body); one that is cut ends it."""
    place = 0
    while place + 6 <= len(data):
        version, size, kind = struct.unpack_from(">BIB", data, place)
        if version != 3 or place + size > len(data):
            return
        yield kind, data[place + 6 : place + size]
        place += size


class Route(NamedTuple):
    origin: int  # 0: none
    neighbour: int
    preference: int
    length: int
    next_hop: bytes  # b"": none

    def rank(self):
        hop = self.next_hop.ljust(16, b"\0")
        return -self.preference, self.length, self.neighbour, hop, self.origin


def exactly(path, size):
    """Whether segments of AS numbers of 'size' bytes fill the path."""
    try:
        return all(1 <= kind <= 4 for kind, _ in segments(path, size))
    except AssertionError:
        return False


def first_as(path, size):
    for kind, members in segments(path, size):
        if kind in (1, 2) and members:
            return members[0] if kind == 2 else 0
    return 0


def open_of(reader):
    """(AS number, {family: ADD-PATH}) of an OPEN with its header."""
    body = bgp_message(reader, 1)
    body.take(1)
    number, paths = body.number(2), {}
    body.take(6)
    options = Bytes(body.take(body.number(1)))
    while options.left():
        kind, value = options.number(1), Bytes(options.take(options.number(1)))
        while kind == 2 and value.left():
            code, capability = value.number(1), Bytes(value.take(value.number(1)))
            if code == 65:
                number = capability.number(4)
            while code == 69 and capability.left():
                family = capability.number(2), capability.number(1)
                paths[family] = capability.number(1)
    return number, paths


def bgp_message(reader, kind):
    reader.take(16)
    size = reader.number(2)
    assert reader.number(1) == kind
    return Bytes(reader.take(size - 19))


def prefixes(reader, size, has_ids):
    while reader.left():
        path_id = reader.number(4) if has_ids else 0
        bits = reader.number(1)
        assert bits <= size * 8
        address = reader.take((bits + 7) // 8).ljust(size, b"\0")
        yield ipaddress.ip_network((address, bits), strict=False), path_id


class Peer:
    def __init__(self):
        self.is_up, self.own_as, self.has_ids = False, 0, set()
        self.routes = {view: {} for view in VIEWS}  # {(prefix, path id): Route}


class Router:
    """All that one router has said in one session."""

    def __init__(self, data, with_vrfs):
        self.with_vrfs = with_vrfs
        self.peers, self.views, self.damaged = {}, collections.defaultdict(set), 0
        for kind, body in messages(data):
            try:
                self.message(kind, Bytes(body))
            except AssertionError:
                self.damaged += 1

    def message(self, kind, body):
        if kind not in (ROUTES, PEER_DOWN, PEER_UP):
            return
        kind_of_peer, flags = body.number(1), body.number(1)
        distinguisher, address = body.take(8), body.take(16)
        number = body.number(4)
        body.take(12)
        name = kind_of_peer, distinguisher, address
        is_main = kind_of_peer in (GLOBAL, LOC_RIB) and not any(distinguisher)
        if not is_main and not self.with_vrfs:
            return
        if kind == PEER_DOWN:
            body.number(1)
            self.peers.pop(name, None)
        elif kind == PEER_UP:
            self.peer_up(name, number, body)
        elif kind_of_peer == LOC_RIB:
            self.update(self.peers.setdefault(name, Peer()), "loc", 4, number, body)
        elif not flags & 0x10:
            peer = self.peers.setdefault(name, Peer())
            self.update(peer, "post" if flags & 0x40 else "pre", 2 if flags & 0x20 else 4, 0, body)

    def peer_up(self, name, number, body):
        body.take(20)
        (sent_as, sent), (_, received) = open_of(body), open_of(body)
        peer = self.peers[name] = Peer()
        peer.is_up = True
        peer.own_as = number if name[0] == LOC_RIB and number else sent_as
        for family in UNICAST:
            ours, theirs = sent.get(family, 0), received.get(family, 0)
            if (ours or theirs) if name[0] == LOC_RIB else (theirs & 2 and ours & 1):
                peer.has_ids.add(family)

    def update(self, peer, view, as_size, header_as, body):
        body = bgp_message(body, 2)
        withdrawn = Bytes(body.take(body.number(2)))
        attributes, found = Bytes(body.take(body.number(2))), {}
        while attributes.left():
            flags, kind = attributes.number(1), attributes.number(1)
            found[kind] = attributes.take(attributes.number(2 if flags & 0x10 else 1))
        ids = (1, 1) in peer.has_ids
        gone = list(prefixes(withdrawn, 4, ids))
        came = [(key, found.get(3, b"")) for key in prefixes(body, 4, ids)]
        if 15 in found:
            reader = Bytes(found[15])
            family = reader.number(2), reader.number(1)
            if family in UNICAST:
                gone += prefixes(reader, UNICAST[family], family in peer.has_ids)
                if len(found[15]) == 3:
                    self.views[UNICAST[family]].add(view)
        if 14 in found:
            reader = Bytes(found[14])
            family = reader.number(2), reader.number(1)
            hop = reader.take(reader.number(1))
            reader.take(1)
            if family in UNICAST:
                size = UNICAST[family]
                hop = hop[:16] if size == 16 else hop if len(hop) == 4 else b""
                came += [(key, hop) for key in prefixes(reader, size, family in peer.has_ids)]
        if not gone and not came and not found:
            self.views[4].add(view)
        for key in gone:
            peer.routes[view].pop(key, None)
        for key, hop in came:
            self.views[len(key[0].network_address.packed)].add(view)
            peer.routes[view][key] = self.route(found, hop, as_size, peer.own_as or header_as)

    @staticmethod
    def route(found, hop, as_size, own_as):
        path, path4 = found.get(2, b""), found.get(17, b"")
        if not exactly(path, as_size):
            as_size = 6 - as_size
        preference = int.from_bytes(found[5], "big") if 5 in found else 100
        if not exactly(path, as_size):
            return Route(0, 0, preference, 0, hop)
        origin, length = end_of_path(path, as_size)
        origin4, length4 = end_of_path(path4, 4)
        neighbour = first_as(path, as_size)
        if length4 == length and first_as(path4, 4):
            neighbour = first_as(path4, 4)
        if 0 < length4 <= length:
            origin = origin4
        if length == 0:
            origin = own_as
        return Route(
            origin if origin not in (AS_TRANS, None) else 0,
            neighbour if neighbour != AS_TRANS else 0,
            preference,
            length,
            hop if any(hop) else b"",
        )

    def voters(self):
        """For each peer that counts, {prefix: its best route}."""
        best = {
            size: next((view for view in reversed(VIEWS) if view in self.views[size]), "pre")
            for size in (4, 16)
        }
        for peer in self.peers.values():
            for view in VIEWS:
                routes = {}
                for (prefix, _), route in peer.routes[view].items():
                    if best[len(prefix.network_address.packed)] != view:
                        continue
                    if prefix not in routes or route.rank() < routes[prefix].rank():
                        routes[prefix] = route
                yield routes


class Prefix(NamedTuple):
    origin: int
    peers: int
    neighbour: int
    next_hop: object  # an address; None: none


def table(streams, with_vrfs=False):
    """{prefix: Prefix} of what several routers have sent, one stream each."""
    votes = collections.defaultdict(list)
    for data in streams:
        for routes in Router(data, with_vrfs).voters():
            for prefix, route in routes.items():
                votes[prefix].append(route)
    found = {}
    for prefix, routes in votes.items():
        counts = collections.Counter(route.origin for route in routes if route.origin)
        if not counts:
            continue
        origin = min(counts, key=lambda number: (-counts[number], number))
        best = min((route for route in routes if route.origin == origin), key=Route.rank)
        hop = ipaddress.ip_address(best.next_hop) if best.next_hop else None
        found[prefix] = Prefix(origin, len(routes), best.neighbour, hop)
    return found
