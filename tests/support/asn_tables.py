"""AS tables for the end-to-end tests: files of --asn-table, made by tests/support/asn_table_tool.c."""

import ipaddress
import subprocess

import programs


def make_table(tool, path, rows, source="test", created_s=1_700_000_000, peer_count=0):
    """rows: (AS, "PREFIX"[, peers[, neighbouring AS[, next hop]]]). The file takes its place whole."""
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    done = subprocess.run(
        [tool, "make", path, source, str(created_s), str(peer_count)],
        input=text,
        text=True,
        capture_output=True,
        env=programs.ENVIRONMENT,
        timeout=programs.PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr


def _ask(tool, how, path, addresses):
    done = subprocess.run(
        [tool, how, path],
        input="".join(f"{address}\n" for address in addresses),
        text=True,
        capture_output=True,
        env=programs.ENVIRONMENT,
        timeout=programs.PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def find(tool, path, addresses):
    """[(AS, prefix length, peers)] that a table has for addresses."""
    return [tuple(map(int, words)) for words in _ask(tool, "find", path, addresses)]


def tell(tool, path, addresses):
    """(IPv4 prefixes, IPv6 prefixes, peers), [(AS, prefix length, peers, neighbouring AS, next hop)]."""
    counts, *found = _ask(tool, "tell", path, addresses)
    hops = [None if words[4] == "-" else ipaddress.ip_address(words[4]) for words in found]
    numbers = [tuple(map(int, words[:4])) for words in found]
    return tuple(map(int, counts)), [(*row, hop) for row, hop in zip(numbers, hops)]
