"""The same prefixes in other hands: a MaxMind database that libmaxminddb looks up, a file that nfacctd loads."""

import re
import signal
import subprocess
from array import array
from pathlib import Path

import asn_prefixes
from helpers import Background, helper, used_by

EMPTY, DATA = 0xFFFFFFFF, 0x80000000  # records of a node while the tree is made
MARKER = b"\xab\xcd\xefMaxMind.com"
NUMBER = b"autonomous_system_number"
PATIENCE_S = 600


class Tree:
    """Binary tree of MaxMind's format, for IPv6, with IPv4 below ::/96."""

    def __init__(self):
        self.children = array("I", [EMPTY, EMPTY])
        self.root4 = 0
        for _ in range(96):
            self.root4 = self._inner(2 * self.root4)

    def _inner(self, place):
        """The node below; a leaf becomes one, and both its halves inherit what it had."""
        child = self.children[place]
        if child >= DATA:
            self.children.extend((child, child))
            child = self.children[place] = len(self.children) // 2 - 1
        return child

    def insert(self, version, address, length, value):
        """Shorter prefixes come first, and none of them holds all of IPv4."""
        bits, node = (32, self.root4) if version == 4 else (128, 0)
        for bit in range(bits - 1, bits - length, -1):
            node = self._inner(2 * node + (address >> bit & 1))
        self.children[2 * node + (address >> bits - length & 1)] = DATA | value


def _numbers(origins):
    """Records of all origins, {origin: offset}."""
    data, offsets = bytearray(), {}
    for origin in origins:
        offsets[origin] = len(data)
        # a map of one: a text of 24 bytes, a number of 4
        data += b"\xe1" + bytes([0x40 | len(NUMBER)]) + NUMBER + b"\xc4" + origin.to_bytes(4, "big")
    return data, offsets


def _metadata(nodes):
    def text(value):
        return bytes([0x40 | len(value)]) + value.encode()

    def number(kind, value, size):
        head = bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
        return head + value.to_bytes(size, "big")

    pairs = {
        "binary_format_major_version": number(5, 2, 2),
        "binary_format_minor_version": number(5, 0, 2),
        "build_epoch": number(9, 1_700_000_000, 8),
        "database_type": text("Test-ASN"),
        "description": b"\xe0",
        "ip_version": number(5, 6, 2),
        "languages": b"\x00\x04",
        "node_count": number(6, nodes, 4),
        "record_size": number(5, 28, 2),
    }
    return MARKER + bytes([0xE0 | len(pairs)]) + b"".join(text(k) + v for k, v in pairs.items())


def write_mmdb(path, tables):
    """Records of 28 bits, as MaxMind's databases of this size have them."""
    tree = Tree()
    for version, table in tables.items():
        for (address, length), origin in sorted(table.items(), key=lambda item: item[0][1]):
            if length:
                tree.insert(version, address, length, origin)
    nodes = len(tree.children) // 2
    data, offsets = _numbers({origin for table in tables.values() for origin in table.values()})

    def record(child):
        if child == EMPTY:
            return nodes
        return nodes + 16 + offsets[child & ~DATA] if child >= DATA else child

    with open(path, "wb") as file:
        for place in range(0, len(tree.children), 2):
            left, right = record(tree.children[place]), record(tree.children[place + 1])
            both = (left & 0xFFFFFF) << 32 | (left >> 24 << 4 | right >> 24) << 24 | right & 0xFFFFFF
            file.write(both.to_bytes(7, "big"))
        file.write(bytes(16) + data + _metadata(nodes))


def show_libmaxminddb(directory, tables, addresses_of, counted):
    """Size, and instructions of a look-up of the same addresses. Returns how many answers are wrong."""
    program, path, log = helper("mmdb_lookup"), directory / "table.mmdb", directory / "mmdb.log"
    write_mmdb(path, tables)
    print(f"libmaxminddb: {path.stat().st_size / (1 << 20):.1f} MiB for the same prefixes", flush=True)
    sum_wrong = 0
    for version, table in tables.items():
        for kind, addresses in addresses_of[version].items():
            addresses = addresses[:counted]
            texts = "".join(asn_prefixes.address_text(version, one) + "\n" for one in addresses)
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", "--toggle-collect=look_up", f"--log-file={log}",
                 f"--callgrind-out-file={directory / 'callgrind.out'}", program, path],
                input=texts.encode(), stdout=subprocess.PIPE, check=True, timeout=PATIENCE_S,
            )  # fmt: skip
            count = int(re.search(r"Collected : (\d+)", log.read_text()).group(1)) / len(addresses)
            expected = asn_prefixes.longest_matches(version, table, addresses)
            found = map(int, done.stdout.split())
            wrong = sum(want != got for (want, _), got in zip(expected, found, strict=True))
            print(f"libmaxminddb: IPv{version} {kind}: {len(addresses)} looked up, {wrong} wrong, "
                  f"{count:.0f} instructions each", flush=True)  # fmt: skip
            sum_wrong += wrong
    return sum_wrong


def _process_and_children(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def show_nfacctd(directory, tables):
    """CPU time and memory of its processes once they have loaded the prefixes as a networks_file."""
    networks, log, configuration = (directory / name for name in ("networks", "nfacctd.log", "nfacctd.conf"))
    with open(networks, "w") as file:
        for version, table in tables.items():
            for (address, length), origin in table.items():
                file.write(f"{origin},{asn_prefixes.address_text(version, address)}/{length}\n")
    configuration.write_text(
        f"daemonize: false\nlogfile: {log}\nnfacctd_ip: 127.0.0.1\nnfacctd_port: 0\n"
        f"plugins: memory[asns]\nimt_path[asns]: {directory / 'pipe'}\naggregate[asns]: src_as, dst_as\n"
        f"nfacctd_as: file\nnetworks_file: {networks}\n"
    )
    program = Background(["nfacctd", "-f", configuration], directory / "nfacctd.out")
    try:
        program.wait_for(
            lambda: log.exists() and "waiting for NetFlow" in log.read_text()
            and "waiting for data on" in log.read_text(),
            "nfacctd to have loaded the networks_file",
        )  # fmt: skip
        used = []
        for pid in _process_and_children(program.pid):
            cpu, held, _ = used_by(pid)
            used.append(f"{cpu:.2f} s of CPU and {held:.0f} MiB")
    finally:
        program.stop(signal.SIGINT)
    print(f"nfacctd, core and plugin, with the same prefixes as networks_file: {', '.join(used)}")
