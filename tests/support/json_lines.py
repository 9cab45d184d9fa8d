"""Strict reader of flowagent's JSON lines, independent of exporter/.

What a pipeline might forgive is an error here: bytes after the last line feed, an empty line, a key
that is there twice, a number that is not an integer, flow lines that differ in their keys within
one address family, statistics that do not count the flows before them.

A biflow (RFC 5103) becomes two flows, the forward one first: what its reverse keys do not tell of the
other direction follows by swapping source and destination.
"""

import json
from dataclasses import dataclass, field

from flows import FlowKey, FlowTable, canonical_address

STATISTICS_KEYS = [
    "exportedMessageTotalCount", "exportedFlowRecordTotalCount", "exportedOctetTotalCount",
    "ignoredPacketTotalCount", "ignoredOctetTotalCount", "notSentFlowTotalCount",
    "notSentPacketTotalCount", "notSentOctetTotalCount", "observedFlowTotalCount",
    "droppedPacketTotalCount", "packetTotalCount", "systemInitTimeMilliseconds",
]  # fmt: skip
COMMON_KEYS = ["type", "observationDomainId"]
TIME_KEY = "observationTimeMilliseconds"
REVERSE = "reverse"


class LineError(AssertionError):
    """A line is not what flowagent(8) says."""


def _check(condition, text):
    if not condition:
        raise LineError(text)


def _object(pairs):
    keys = [key for key, _ in pairs]
    _check(len(keys) == len(set(keys)), f"a key twice: {keys}")
    return dict(pairs)


def parse_line(line):
    value = json.loads(line, object_pairs_hook=_object)
    for key, member in value.items():
        _check(type(member) in (int, str), f"{key}: {member!r}")
    return value


@dataclass
class Lines:
    """All lines of one stream, in order."""

    all: list = field(default_factory=list)
    flows: list = field(default_factory=list)
    biflows: list = field(default_factory=list)  # (forward, reverse): those of 'flows' in one line
    keys: dict = field(default_factory=dict)  # (ipVersion, of a biflow, with flowDirection) -> keys of its lines
    statistics: list = field(default_factory=list)
    interfaces: dict = field(default_factory=dict)  # index -> (name, description)

    def add(self, chunk):
        """Whole lines: a datagram, or a file."""
        _check(chunk.endswith(b"\n"), f"half a line at the end: {chunk[-80:]!r}")
        for line in chunk[:-1].split(b"\n"):
            self._add(parse_line(line.decode("utf-8")))
        return self

    def _add(self, value):
        self.all.append(value)
        keys = list(value)
        _check(keys[:2] == COMMON_KEYS, f"keys {keys}")
        if value["type"] == "flow":
            is_biflow = "biflowDirection" in value
            has_direction = "flowDirection" in value
            known = self.keys.setdefault((value["ipVersion"], is_biflow, has_direction), keys)
            _check(known == keys, f"keys {keys}")
            if is_biflow:
                self.biflows.append(directions(value))
                self.flows += self.biflows[-1]
            else:
                self.flows.append(value)
        elif value["type"] == "statistics":
            _check(keys[2:] == [TIME_KEY] + STATISTICS_KEYS, f"keys {keys}")
            self.statistics.append((len(self.flows), value))
        else:
            _check(value["type"] == "interface", value["type"])
            self.interfaces[value["ingressInterface"]] = (
                value["interfaceName"],
                value["interfaceDescription"],
            )

    def check_counts(self, before=0):
        """Each line of statistics counts the flows before it, and 'before'."""
        _check(self.statistics, "no statistics")
        for count, value in self.statistics:
            exported = value["exportedFlowRecordTotalCount"]
            _check(exported == before + count, f"{before + count} flows, {value}")

    def table(self):
        return flow_table(self.flows)


def _swapped(key):
    for word, other in ("source", "destination"), ("Source", "Destination"), ("Prev", "Next"):
        if word in key:
            return key.replace(word, other)
        if other in key and key not in ("bgpNextHopIPv4Address", "bgpNextHopIPv6Address"):
            return key.replace(other, word)
    return key


def directions(biflow):
    """The two flows of a line."""
    forward = {key: value for key, value in biflow.items() if not key.startswith(REVERSE)}
    _check(forward.pop("biflowDirection") in (0, 1), f"no biflowDirection that we send: {biflow}")
    reverse = {_swapped(key): value for key, value in forward.items()}
    for key, value in biflow.items():
        if key.startswith(REVERSE):
            name = key[len(REVERSE)].lower() + key[len(REVERSE) + 1 :]
            _check(name in forward, f"{key} without {name}")
            reverse[name] = value
    type_code = {1: "icmpTypeCodeIPv4", 58: "icmpTypeCodeIPv6"}.get(forward["protocolIdentifier"])
    if type_code in reverse:
        reverse |= {"sourceTransportPort": 0, "destinationTransportPort": reverse[type_code]}
    return forward, reverse


def flow_key(flow):
    family = f"IPv{flow['ipVersion']}"
    source, destination = flow[f"source{family}Address"], flow[f"destination{family}Address"]
    for text in source, destination:
        _check(text == canonical_address(text), f"address {text}")
    return FlowKey(
        source,
        destination,
        flow["protocolIdentifier"],
        flow["sourceTransportPort"],
        flow["destinationTransportPort"],
        flow["ipClassOfService"],
        flow["vlanId"],
    )


def flow_table(flows):
    table = FlowTable()
    for flow in flows:
        table.add(
            flow_key(flow),
            flow["packetDeltaCount"],
            flow["octetDeltaCount"],
            flow["tcpControlBits"],
            flow["flowStartMilliseconds"],
            flow["flowEndMilliseconds"],
        )
    return table


def read(chunks):
    lines = Lines()
    for chunk in chunks:
        lines.add(chunk)
    return lines
