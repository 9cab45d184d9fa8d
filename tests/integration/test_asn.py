"""flowagent-asn: routing table dumps and texts to tables, against an independent reader and bgpdump."""

import bz2
import collections
import concurrent.futures
import contextlib
import gzip
import ipaddress
import json
import lzma
import os
import pty
import subprocess

import pytest

import mrt_reader
import programs
from conftest import BUILD, ROOT
from waiting import wait_until

DUMPS = sorted(path for path in (ROOT / "tests" / "wire" / "mrt").iterdir() if path.suffix != ".md")
EVERYTHING = ("--bogons", "--default-route", "--longest-ipv4", 32, "--longest-ipv6", 128)


def unpacked(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.fixture
def asn():
    """asn(*arguments, stdin=b"") runs flowagent-asn to its end."""

    def run(*arguments, stdin=b"", prefix=()):
        done = subprocess.run(
            [*prefix, BUILD / "flowagent-asn", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=programs.ENVIRONMENT,
            timeout=programs.PATIENCE_S,
        )
        done.errors = done.stderr.decode()
        assert done.returncode in (0, 1, 2), done.errors
        assert "Sanitizer" not in done.errors
        return done

    return run


@pytest.fixture
def networks_of(asn):
    """networks_of(*arguments) is the table as {prefix: origin}."""

    def run(*arguments, **options):
        done = asn("--networks-file", "-", *arguments, **options)
        assert done.returncode == 0, done.errors
        return mrt_reader.networks(done.stdout.decode())

    return run


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.name)
def test_prefixes_and_origins_equal_an_independent_reader(path, networks_of):
    expected = mrt_reader.vote(mrt_reader.routes(unpacked(path)))
    assert expected
    assert networks_of(*EVERYTHING, path) == expected


def bgpdump_routes(path):
    """(prefix, peer, origin or None) of each line of bgpdump -m."""
    done = subprocess.run(["bgpdump", "-m", "-v", path], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        columns = line.split("|")
        if columns[0].endswith("AP"):  # one column more: the path identifier
            del columns[6]
        path_text = columns[6].split()
        members = set(path_text[-1].strip("{}").split(",")) if path_text else set()
        origin = int(members.pop()) if len(members) == 1 else None
        yield ipaddress.ip_network(columns[5]), tuple(columns[3:5]), origin


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.name)
def test_prefixes_and_origins_equal_bgpdump(path, networks_of):
    assert networks_of(*EVERYTHING, path) == mrt_reader.vote(bgpdump_routes(path))


def zstd(data):
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


PACKERS = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_files_of_several_members_and_pipes(kind, directory, asn, networks_of):
    data = unpacked(ROOT / "tests/wire/mrt/rib6.20151101.0600.begin.gz")
    expected = networks_of("-", stdin=data)
    packed = [PACKERS[kind](part) for part in (data[:1000], data[1000:200_000], data[200_000:])]
    path = directory / f"dump.{kind}"
    path.write_bytes(b"".join(packed))
    assert networks_of(path) == expected
    assert networks_of("-", stdin=path.read_bytes()) == expected
    whole = path.read_bytes()
    for size in (len(packed[0]) + 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        done = asn("-o", directory / "table", path)
        assert done.returncode == 1
        assert f"{path}: byte " in done.errors
        assert not (directory / "table").exists()
    if kind != "plain":
        damaged = bytearray(whole)
        damaged[len(whole) * 2 // 3] ^= 0x55
        path.write_bytes(damaged)
        assert asn("-o", directory / "table", path).returncode == 1
        path.write_bytes(whole + b"something else")
        assert asn("-o", directory / "table", path).returncode == 1


def test_a_named_pipe(directory):
    """It is opened once: a writer sees one reader, and all that he writes is read."""
    path = directory / "pipe"
    os.mkfifo(path)
    data = unpacked(ROOT / "tests/wire/mrt/rib.20140523.0600.begin.gz")
    command = [BUILD / "flowagent-asn", "--networks-file", "-", *map(str, EVERYTHING), path]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in range(20):  # the writer is there first, and waits for its reader
            writing = pool.submit(path.write_bytes, data)
            done = subprocess.run(command, capture_output=True, timeout=programs.PATIENCE_S)
            assert writing.result(programs.PATIENCE_S) == len(data)
            assert done.returncode == 0
    output = done.stdout
    assert mrt_reader.networks(output.decode()) == mrt_reader.vote(mrt_reader.routes(data))


def test_a_named_pipe_is_no_place_for_output(asn, directory):
    path = directory / "pipe"
    os.mkfifo(path)
    for option in ("--output", "--networks-file"):
        done = asn(option, path, "-", stdin=b"64500,192.0.2.0/24\n")
        assert done.returncode == 1
        assert f"{path}: not a regular file" in done.errors


def test_a_cut_dump_leaves_the_old_table(directory, asn):
    table, networks, dump = (directory / name for name in ("table", "networks", "dump"))
    whole = unpacked(DUMPS[0])
    dump.write_bytes(whole)
    assert asn("-o", table, "--networks-file", networks, dump).returncode == 0
    before = table.read_bytes(), networks.read_bytes()
    dump.write_bytes(whole[:-1])
    done = asn("-o", table, "--networks-file", networks, dump)
    assert done.returncode == 1
    assert f"{dump}: byte " in done.errors and ": cut: " in done.errors
    assert (table.read_bytes(), networks.read_bytes()) == before
    assert sorted(path.name for path in directory.iterdir()) == ["dump", "networks", "table"]


@pytest.mark.parametrize("option", ["--output", "--networks-file"])
def test_a_full_disk_leaves_the_old_table(option, directory, asn, cleanup):
    """The new one is written beside it; nothing of that is left."""
    disk = directory / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    cleanup.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
    table, ballast = disk / "table", disk / "ballast"
    assert asn(*EVERYTHING, option, table, DUMPS[0]).returncode == 0
    before = table.read_bytes()
    with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    done = asn(*EVERYTHING, option, table, DUMPS[0])
    assert done.returncode == 1 and "No space left on device" in done.errors, done.errors
    assert str(table) in done.errors
    assert table.read_bytes() == before
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "table"]


def test_a_much_smaller_table_is_refused(directory, asn):
    table, networks = directory / "table", directory / "networks"
    outputs = ("-o", table, "--networks-file", networks)
    many = "".join(f"64500,192.0.{i}.0/24\n" for i in range(100)).encode()
    few = b"".join(many.splitlines(keepends=True)[:89])
    assert asn(*outputs, "-", stdin=many).returncode == 0
    before = table.read_bytes(), networks.read_bytes()
    for data, words in ((few, "has 100 IPv4 prefixes"), (b"! none\n", "no prefixes")):
        for options in (outputs, outputs[:2], outputs[2:]):
            done = asn(*options, "-", stdin=data)
            assert done.returncode == 1
            assert words in done.errors and "--force" in done.errors
            assert (table.read_bytes(), networks.read_bytes()) == before
    assert asn(*outputs, "--force", "-", stdin=few).returncode == 0
    assert len(mrt_reader.networks(networks.read_text())) == 89
    assert asn(*outputs, "--force", "-", stdin=b"").returncode == 0
    assert mrt_reader.networks(networks.read_text()) == {}


def test_an_earlier_input_counts(directory, asn, networks_of):
    own, theirs = directory / "own", directory / "theirs"
    own.write_text("64500,192.0.2.0/24\n")
    theirs.write_text("64501,192.0.2.0/24\n64502,198.51.100.0/24\n")
    found = networks_of(own, theirs)
    assert list(map(str, found)) == ["192.0.2.0/24", "198.51.100.0/24"]
    assert list(found.values()) == [64500, 64502]
    assert list(networks_of(theirs, own).values()) == [64501, 64502]
    done = asn("-o", directory / "table", own, theirs)
    assert "came more than once: 1" in done.errors
    assert "another AS: 1, as 192.0.2.0/24 with AS 64501, where AS 64500 counts" in done.errors


def test_what_is_skipped_is_counted_with_its_first_place(asn):
    path = ROOT / "tests/wire/mrt/bview.20020722.2337.begin.gz"
    done = asn("--networks-file", "-", path)
    assert done.returncode == 0
    routes = list(mrt_reader.routes(unpacked(path)))
    longer = collections.Counter(prefix.prefixlen > 24 for prefix, _, _ in routes)[True]
    first = next(prefix for prefix, _, _ in routes if prefix.prefixlen > 24)
    assert longer
    words = f"IPv4 prefixes with a longer mask than wanted: {longer}, the first {first} at byte"
    assert words in done.errors
    assert "skipped routes that end in a set of several AS: " in done.errors
    assert all(prefix.prefixlen <= 24 for prefix in mrt_reader.networks(done.stdout.decode()))
    assert asn("-q", "--networks-file", "-", path).stderr == b""


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "no input"),
        (("-o", "table"), "no input"),
        (("input",), "nothing to write"),
        (("-o", "table", "-", "-"), "standard input (-) is given 2 times"),
        (("--outptu", "table", "-"), "did you mean --output?"),
        (("--least-peers", "0", "-o", "table", "-"), "expected a number from 1 to 65535"),
        (("--longest-ipv4", "33", "-o", "table", "-"), "expected a number from 1 to 32"),
        (("-o",), "wants a value"),
    ],
)
def test_usage(arguments, words, asn):
    done = asn(*arguments)
    assert done.returncode == 2
    assert words in done.errors


def test_files_that_are_no_tables(directory, asn):
    path = directory / "file"
    for data, words in (
        (bytes(range(256)), "file: byte 0: neither MRT nor text"),
        (bytes(3 << 20), "file: byte 0: neither MRT nor text"),
        ((ROOT / "tests/wire/mrt/mrtparse-quagga_rib").read_bytes() + bytes(64), "no header of an MRT record"),
        (b"<html><body>404 Not Found</body></html>\n", "bad prefix"),
        (b"\x04\x22\x4d\x18rest", "packed with lz4"),
        (b"", "no prefixes"),
    ):
        path.write_bytes(data)
        done = asn("-o", directory / "table", path)
        assert done.returncode == 1
        assert words in done.errors
    done = asn("-o", directory / "table", directory / "nothing")
    assert done.returncode == 1 and "No such file" in done.errors


MMDB = ROOT / "tests" / "wire" / "mmdb"


def longest_match(networks, address):
    """The origin of the longest prefix that has the address; 0 if there is none."""
    for length in range(address.max_prefixlen, -1, -1):
        prefix = ipaddress.ip_network((address, length), strict=False)
        if prefix in networks:
            return networks[prefix]
    return 0


def test_a_database_says_what_its_source_says(asn, directory):
    path = MMDB / "GeoLite2-ASN-Test.mmdb"
    done = asn("--networks-file", "-", path)
    assert done.returncode == 0
    assert "MaxMind database of 2026-02-04 22:49 UTC, 412 prefixes" in done.errors
    found = mrt_reader.networks(done.stdout.decode())
    source = {
        ipaddress.ip_network(network): values["autonomous_system_number"]
        for row in json.loads(gzip.decompress((MMDB / "GeoLite2-ASN-Test.json.gz").read_bytes()))
        for network, values in row.items()
    }
    assert len(source) == 720
    for network in source:
        for address in (network[0], network[-1]):
            assert longest_match(found, address) == longest_match(source, address)


@pytest.mark.parametrize("path", sorted(MMDB.glob("*.mmdb")), ids=lambda path: path.name)
def test_other_and_broken_databases_are_refused(path, asn, directory):
    """Even if an empty table would be taken."""
    done = asn("--force", "-o", directory / "table", path)
    assert done.returncode == (0 if path.name.startswith("GeoLite2") else 1)
    assert (directory / "table").exists() == (done.returncode == 0)
    if done.returncode:
        assert f"{path}: damaged" in done.errors or f"{path}: no database" in done.errors


def test_the_text_of_other_programs(networks_of):
    pyasn = b"; IP-ASN32-DAT file\n; Original file : rib.bz2\n192.0.2.0/24\t64500\n"
    caida = b"192.0.2.0\t24\t64500\n198.51.100.0\t24\t64501_64502\n203.0.113.0\t24\t1,2\n"
    assert list(networks_of("-", stdin=pyasn).values()) == [64500]
    assert list(networks_of("-", stdin=gzip.compress(caida)).values()) == [64500, 64501]


def test_names_come_out_in_agentctl(asn, host, flowagent, agentctl, directory):
    table, names = directory / "asn.table", directory / "names.gz"
    names.write_bytes(gzip.compress(b'asn,name,cc\nAS64500,"Example, Inc.",XX\n'))
    done = asn("--names", names, "-o", table, "-", stdin=b"64500,192.0.2.0/24\n")
    assert done.returncode == 0 and "names.gz: 1 names" in done.errors
    agent = flowagent("-i", "lo", "--asn-table", table, host=host("machine"))
    tool = agentctl(agent)
    wait_until(lambda: tool.run("show", "status").returncode == 0, "the agent to answer")
    (row,) = tool.rows("show", "asn", "192.0.2.10")
    assert (row["as"], row["name"]) == (64500, "Example, Inc.")
    assert agent.stop() == 0, agent.errors


def test_names_that_cannot_be_read(asn, directory):
    names, table = directory / "names", directory / "table"
    names.write_text("no names in here\n")
    done = asn("--names", names, "-o", table, "-", stdin=b"64500,192.0.2.0/24\n")
    assert done.returncode == 1 and f"{names}:1: " in done.errors
    assert not table.exists()


def test_progress_on_a_terminal(directory):
    """On a terminal, how much was read; the line is gone before the next one is printed."""
    path = ROOT / "tests/wire/mrt/rib.20140523.0600.begin.gz"
    command = [BUILD / "flowagent-asn", "--networks-file", directory / "networks", path]
    ours, theirs = pty.openpty()
    subprocess.run(command, stderr=theirs, check=True, timeout=programs.PATIENCE_S)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    assert b" % of 0 MB\x1b[K" in shown
    assert b"\r\x1b[Kflowagent-asn: " in shown


@pytest.mark.parametrize("program", ["flowagent", "agentctl", "flowagent-bmp"])
def test_the_others_link_nothing_that_unpacks(program):
    done = subprocess.run(
        ["readelf", "--dynamic", BUILD / program], capture_output=True, text=True, check=True
    )
    needed = [line for line in done.stdout.splitlines() if "(NEEDED)" in line]
    assert any("libc.so" in line for line in needed)
    for library in ("libz.", "libbz2", "liblzma", "libzstd", "libmaxminddb"):
        assert not any(library in line for line in needed)
