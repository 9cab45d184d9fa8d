"""flowagent-asn-fetch: a new dump or table over HTTP, what goes wrong on the way, and the recipes of the manuals."""

import contextlib
import gzip
import http.server
import os
import socket
import subprocess
import threading

import pytest

import mrt_reader
import programs
from conftest import BUILD, ROOT
from waiting import wait_until

DUMP = ROOT / "tests" / "wire" / "mrt" / "rib.20140523.0600.begin.gz"
MANUALS = ROOT / "packaging" / "man"


class Server(http.server.ThreadingHTTPServer):
    """The files of a directory, with If-Modified-Since. 'statuses' has what was answered."""

    def __init__(self, directory):
        self.statuses, self.cut = [], False
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=directory)

            def log_request(self, code="-", size="-"):
                server.statuses.append(int(code))

            def log_message(self, *arguments):
                pass

            def copyfile(self, source, outputfile):
                data = source.read()
                outputfile.write(data[: len(data) // 2] if server.cut else data)

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server(cleanup, directory):
    (directory / "www").mkdir()
    server = Server(directory / "www")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    cleanup.callback(thread.join)
    cleanup.callback(server.server_close)
    cleanup.callback(server.shutdown)
    return server


@pytest.fixture
def fetch(directory):
    """fetch(url, **settings) runs the script with a directory of its own."""

    def run(url, name="state", **settings):
        state = directory / name
        state.mkdir(exist_ok=True)
        environment = {
            **programs.ENVIRONMENT,
            "PATH": f"{BUILD}:{os.environ['PATH']}",
            "ASN_URL": url,
            "ASN_DIRECTORY": str(state),
            "ASN_TRIES": "1",
            **{f"ASN_{key.upper()}": str(value) for key, value in settings.items()},
        }
        done = subprocess.run(
            [ROOT / "packaging" / "asn" / "flowagent-asn-fetch"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=programs.PATIENCE_S,
        )
        assert set(os.listdir(state)) <= {"asn.table", "fetched", "lock", "networks"}
        return done

    return run


def put(server_directory, name, data, time_s):
    path = server_directory / "www" / name
    path.write_bytes(data)
    os.utime(path, (time_s, time_s))


def test_a_dump_is_fetched_once_and_again_when_it_is_new(server, fetch, directory):
    data = DUMP.read_bytes()
    table, url = directory / "state" / "asn.table", f"{server.url}/bview.gz"
    put(directory, "bview.gz", data, 1_700_000_000)
    networks = directory / "state" / "networks"
    done = fetch(url, networks_file=networks, options="--least-peers 2")
    assert done.returncode == 0, done.stderr
    assert "is new" in done.stderr and server.statuses == [200]
    expected = mrt_reader.vote(mrt_reader.routes(gzip.decompress(data)))
    found = mrt_reader.networks(networks.read_text())
    assert len(found) > 100 and found.items() <= expected.items()
    first = table.read_bytes()
    done = fetch(url)
    assert done.returncode == 0 and "nothing new" in done.stderr
    assert server.statuses == [200, 304] and table.read_bytes() == first
    put(directory, "bview.gz", data, 1_700_000_001)
    assert fetch(url).returncode == 0
    assert server.statuses == [200, 304, 200]
    table.unlink()  # is fetched again, whatever its time
    assert fetch(url).returncode == 0
    assert server.statuses == [200, 304, 200, 200] and table.exists()
    other = directory / "own"
    other.write_text("64500,192.0.2.0/24\n")
    put(directory, "other.gz", data, 1_600_000_000)  # another place, an older file
    assert fetch(f"{server.url}/other.gz", own=other).returncode == 0
    assert table.read_bytes() != first


@pytest.mark.parametrize("fault", ["no file", "error page", "cut", "damaged", "smaller", "no server"])
def test_what_goes_wrong_changes_nothing(fault, server, fetch, directory):
    data = DUMP.read_bytes()
    url = f"{server.url}/bview.gz"
    put(directory, "bview.gz", data, 1_700_000_000)
    assert fetch(url).returncode == 0
    before = (directory / "state" / "asn.table").read_bytes()
    wrong = {
        "error page": b"<html>Service Unavailable</html>\n",
        "damaged": data[:9000] + b"damaged" + data[9007:],
        "smaller": b"64500,192.0.2.0/24\n",
    }
    put(directory, "bview.gz", wrong.get(fault, data), 1_700_000_009)
    server.cut = fault == "cut"
    if fault == "no file":
        (directory / "www" / "bview.gz").unlink()
    if fault == "no server":
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"http://127.0.0.1:{free.getsockname()[1]}/bview.gz"
    done = fetch(url)
    assert done.returncode == 1
    assert "the table stays as it is" in done.stderr
    assert (directory / "state" / "asn.table").read_bytes() == before
    if fault in ("damaged", "smaller", "error page"):  # and it is asked for again
        put(directory, "bview.gz", data, 1_700_000_009)
        assert fetch(url).returncode == 0
        assert server.statuses[-1] == 200


def test_failed_transfers_are_tried_again_after_twice_the_time(fetch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/bview.gz"
    done = fetch(url, tries=3, wait=1)
    assert done.returncode == 1
    assert "try 1 of 3 failed, the next one in 1 s" in done.stderr
    assert "try 2 of 3 failed, the next one in 2 s" in done.stderr
    assert "failed 3 times" in done.stderr


def manual(name):
    return (MANUALS / name).read_text()


def test_others_fetch_the_table_over_http(server, fetch, directory):
    """The first recipe of flowagent-asn-fetch(8): its URL, with our server's address."""
    put(directory, "bview.gz", DUMP.read_bytes(), 1_700_000_000)
    assert fetch(f"{server.url}/bview.gz").returncode == 0
    table = (directory / "state" / "asn.table").read_bytes()
    (line,) = [line for line in manual("flowagent-asn-fetch.8.scd").splitlines() if "http://192" in line]
    name, url = line.strip().split("=")
    assert name == "ASN_URL"
    url = url.replace("http://192.0.2.10", server.url)
    put(directory, "asn.table", table, 1_700_000_000)
    assert fetch(url, "copy").returncode == 0
    copy = directory / "copy" / "asn.table"
    assert copy.read_bytes() == table
    assert "nothing new" in fetch(url, "copy").stderr
    assert server.statuses[-2:] == [200, 304]
    for wrong in (table[:-8], table[:1000] + b"x" + table[1001:]):
        put(directory, "asn.table", wrong, 1_700_000_009)
        done = fetch(url, "copy")
        assert done.returncode == 1 and "AS table" in done.stderr
        assert copy.read_bytes() == table


def test_others_fetch_the_table_by_rsync(fetch, server, directory, cleanup):
    """The second recipe, against a server of rsync."""
    put(directory, "bview.gz", DUMP.read_bytes(), 1_700_000_000)
    assert fetch(f"{server.url}/bview.gz").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = directory / "rsyncd.conf"
    config.write_text(f"use chroot = no\nport = {port}\naddress = 127.0.0.1\n[asn]\npath = {directory}/state\n")
    command = ["rsync", "--daemon", "--no-detach", f"--config={config}", "--log-file=/dev/null"]
    daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    cleanup.callback(daemon.wait)
    cleanup.callback(daemon.kill)

    def listens():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return True

    wait_until(listens, "rsync to listen")
    (line,) = [line for line in manual("flowagent-asn-fetch.8.scd").splitlines() if "\trsync" in line]
    copy = directory / "copy"
    copy.mkdir()
    line = line.replace("192.0.2.10", f"127.0.0.1:{port}").replace("/var/lib/flowagent-asn", str(copy))
    subprocess.run(line, shell=True, check=True, timeout=programs.PATIENCE_S)
    assert (copy / "asn.table").read_bytes() == (directory / "state" / "asn.table").read_bytes()


def test_the_agent_takes_the_table_by_the_example_of_the_manual(fetch, server, directory, flowagent_run):
    put(directory, "bview.gz", DUMP.read_bytes(), 1_700_000_000)
    assert fetch(f"{server.url}/bview.gz").returncode == 0
    (line,) = [line for line in manual("flowagent-asn-fetch.8.scd").splitlines() if "asn-table =" in line]
    config = directory / "asn.conf"
    line = line.strip("*").replace("/var/lib/flowagent-asn", str(directory / "state"))
    config.write_text(f"[agent]\n{line}\n")
    done = flowagent_run("--check-config", "--config", config)
    assert done.returncode == 0, done.stderr
    (directory / "state" / "asn.table").unlink()
    assert flowagent_run("--check-config", "--config", config).returncode != 0


def test_the_examples_of_the_manual(directory):
    (directory / "own-prefixes.txt").write_text("64500,192.0.2.0/24\n")
    (directory / "latest-bview.gz").write_bytes(DUMP.read_bytes())
    (directory / "rib.bz2").write_bytes(DUMP.read_bytes())  # the format is recognized, not the name
    lines = manual("flowagent-asn.1.scd").partition("# EXAMPLES")[2].splitlines()
    commands = [line for line in lines if line.startswith("\tflowagent-asn")]
    assert len(commands) == 2
    environment = {**programs.ENVIRONMENT, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    for command in commands:
        subprocess.run(
            f"set -o pipefail; {command}", shell=True, executable="/bin/bash", check=True, cwd=directory,
            env=environment, timeout=programs.PATIENCE_S,
        )  # fmt: skip
    assert (directory / "asn.table").stat().st_size > 10000
    assert len(mrt_reader.networks((directory / "networks.lst").read_text())) > 100
