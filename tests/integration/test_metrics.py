"""agentctl metrics: what promtool takes, what the ledger says, and one answer of HTTP."""

import re
import socket
import subprocess

import pytest

import programs
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from waiting import wait_until

DONE, FAILED, USAGE, UNREACHABLE = range(4)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(text):
    """{(name, labels): value}."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
        key = name, tuple(sorted(LABEL.findall(labels or "")))
        assert key not in found, line
        found[key] = float(value)
    return found


def total(found, name, **labels):
    """Sum over all samples of a name that have these labels."""
    return sum(
        value
        for (each, pairs), value in found.items()
        if each == name and labels.items() <= dict(pairs).items()
    )


def live(flowagent, hosts):
    agent = flowagent("--nflog", "40", "-n", "127.0.0.1:9", "--max-flows", "1000", host=hosts.server)
    agent.wait_for_group()
    return agent


def promtool(text):
    return subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
        timeout=programs.PATIENCE_S, check=False,
    )  # fmt: skip


def test_promtool_finds_nothing(flowagent, hosts, agentctl):
    control = agentctl(live(flowagent, hosts))
    done = control.run("metrics")
    assert done.returncode == DONE, done.stderr
    checked = promtool(done.stdout)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_metrics_are_the_ledger(flowagent, hosts, agentctl):
    control = agentctl(live(flowagent, hosts))
    firewall = Nft()
    firewall.install(hosts.server, "eth0")
    hosts.server.run("ping", "-c", "3", "-i", "0.01", hosts.ROUTER[0])
    matched = firewall.matched(hosts.server).packets
    assert matched >= 6
    wait_until(lambda: control.statistics()["packets_read"] >= matched, "all packets read")
    assert control.run("flush").returncode == DONE
    wait_until(lambda: control.statistics()["flows_cached"] == 0, "all to be records")
    (status,) = control.rows("show", "status")
    found = samples(control.run("metrics").stdout)
    statistics = control.statistics()
    assert total(found, "flowagent_source_packets_total") == statistics["packets_read"]
    assert total(found, "flowagent_flows_created_total") == statistics["flows_created"]
    assert total(found, "flowagent_flows_expired_total") == statistics["records_expired_total"]
    assert total(found, "flowagent_cache_flows") == statistics["flows_cached"]
    assert total(found, "flowagent_cache_capacity_flows") == 1000
    assert total(found, "flowagent_source_ignored_packets_total") == (
        statistics["packets_ignored_total"]
    )
    assert total(found, "flowagent_start_time_seconds") * 1000 == status["started_unix_ms"]
    assert total(found, "flowagent_process_open_fds") > 5
    assert total(found, "flowagent_process_resident_memory_bytes") > 1_000_000
    assert total(found, "flowagent_collector_up", version="9") in (0, 1)
    build = (("revision", status["revision"]), ("version", status["version"]))
    assert found[("flowagent_build_info", build)] == 1


@pytest.mark.parametrize(
    ("keys", "ratio"), [("", 1), ("sampling=random:4", 4), ("sampling=random:4+rule:10", 40), ("sampling=rule:8", 8)]
)
def test_the_rate_of_a_source(flowagent, hosts, agentctl, directory, keys, ratio):
    config = directory / "flowagent.conf"
    config.write_text(f'[agent]\nnflog = 40\n[source "nflog:40"]\n{keys}\n')
    agent = flowagent("-f", config, host=hosts.server)
    agent.wait_for_group()
    text = agentctl(agent).run("metrics").stdout
    assert samples(text)["flowagent_sampling_ratio", (("source", "nflog:40"),)] == ratio
    checked = promtool(text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


# The names that dashboards rely on, with their labels; others are in test_no_counter_is_missing().
NAMES = {
    "build_info": {"version", "revision"},
    "start_time_seconds": set(),
    "source_packets_total": {"source"},
    "source_expired_bytes_total": {"source"},
    "source_dropped_packets_total": {"source", "reason"},
    "source_overruns_total": {"source"},
    "source_ignored_packets_total": {"source", "reason"},
    "source_buffer_bytes": {"source"},
    "sampling_ratio": {"source"},
    "cache_flows": set(),
    "cache_capacity_flows": set(),
    "cache_memory_bytes": set(),
    "flows_created_total": {"source"},
    "flows_expired_total": {"source", "reason"},
    "exported_records_total": {"collector", "version"},
    "exported_messages_total": {"collector", "version"},
    "exported_bytes_total": {"collector", "version"},
    "export_errors_total": {"collector", "version"},
    "export_lost_records_total": {"collector", "version", "reason"},
    "export_last_success_timestamp_seconds": {"collector", "version"},
    "collector_up": {"collector", "version"},
    "config_last_reload_successful": set(),
    "config_last_reload_timestamp_seconds": set(),
    "asn_table_prefixes": {"family"},
    "asn_table_timestamp_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
}


def test_names_and_labels(flowagent, hosts, agentctl, collector, asn_table):
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    table = asn_table([(64500, "192.0.2.0/24")], created_s=1700000000)
    agent = flowagent("--nflog", "40", "-n", receiver.host_port, "--asn-table", table, host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    receiver.wait_for_datagrams(1)  # templates
    assert control.run("reload").returncode == DONE
    wait_until(lambda: "last_success_timestamp_seconds{" in control.run("metrics").stdout, "a success")
    found = samples(control.run("metrics").stdout)
    for name, labels in NAMES.items():
        having = [set(dict(pairs)) for each, pairs in found if each == f"flowagent_{name}"]
        assert having and all(each == labels for each in having), name


def test_no_counter_is_missing(flowagent, hosts, agentctl):
    """Each number of a source or a collector in show status is a metric, or a sum of some."""
    control = agentctl(live(flowagent, hosts))
    found = {name for name, _ in samples(control.run("metrics").stdout)}
    table = (ROOT / "lib" / "record" / "counters.def").read_text()
    rows = re.findall(r"^(?:WORKER|COLLECTOR)_(?:COUNTER|SUM)\((\w+),", table, re.MULTILINE)
    assert len(rows) > 20
    named = (ROOT / "agent" / "agentctl" / "agentctl_metrics_table.c").read_text()
    for row in rows:
        if f'"{row}"' in named:
            continue
        words = row.split("_")
        assert any(all(word in name for word in words[1:]) for name in found), row


def scrape(control, request):
    done = subprocess.run(
        [BUILD / "agentctl", "-s", control, "metrics", "--http"],
        input=request.encode(), capture_output=True, timeout=programs.PATIENCE_S,
        env=programs.ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == DONE, done.stderr
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


def test_http(flowagent, hosts):
    control = live(flowagent, hosts).control
    status, header, body = scrape(control, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == "HTTP/1.1 200 OK"
    assert header["Content-Type"].startswith("text/plain; version=0.0.4")
    assert int(header["Content-Length"]) == len(body.encode())
    assert promtool(body).returncode == 0
    assert "# TYPE flowagent_source_packets_total counter\n" in body

    accept = "Accept: application/openmetrics-text;version=1.0.0\r\n"
    status, header, body = scrape(control, f"GET /metrics HTTP/1.1\r\n{accept}\r\n")
    assert header["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith("# EOF\n")
    assert "# TYPE flowagent_source_packets counter\n" in body

    status, header, body = scrape(control, "HEAD /metrics HTTP/1.1\r\n\r\n")
    assert (status, body) == ("HTTP/1.1 200 OK", "") and int(header["Content-Length"]) > 1000


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("GET /metrics", "400 Bad Request"),
        ("GET\r\n\r\n", "405 Method Not Allowed"),
        ("x" * 100_000, "400 Bad Request"),
        ("", "400 Bad Request"),
    ],
)
def test_wrong_requests(request_text, status, directory):
    assert scrape(directory / "none.sock", request_text)[0] == f"HTTP/1.1 {status}"


def test_no_agent(directory):
    status, _, body = scrape(directory / "none.sock", "GET /metrics HTTP/1.1\r\n\r\n")
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert "none.sock" in body
    done = subprocess.run(
        [BUILD / "agentctl", "-s", directory / "none.sock", "metrics"],
        capture_output=True, timeout=programs.PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (UNREACHABLE, b"")


def test_by_a_socket(flowagent, hosts, cleanup):
    """As systemd starts it: one process for each connection, which is its input and output."""
    control = live(flowagent, hosts).control
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            connection, _ = server.accept()
            with connection:
                process = subprocess.Popen(
                    [BUILD / "agentctl", "-s", control, "metrics", "--http"],
                    stdin=connection, stdout=connection, env=programs.ENVIRONMENT,
                )  # fmt: skip
                cleanup.callback(process.kill)
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            answer = b""
            while part := client.recv(65536):
                answer += part
            assert process.wait(programs.PATIENCE_S) == DONE
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"flowagent_cache_flows 0\n" in answer


def test_units_are_valid(directory):
    """As systemd-analyze sees them."""
    units = BUILD / "packaging"
    for unit in ("flowagent-metrics.socket", "flowagent-metrics@.service"):
        source = next(
            path for path in (units / unit, ROOT / "packaging" / "systemd" / unit) if path.exists()
        )
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", source.read_text(), flags=re.M)
        (directory / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", directory / "flowagent-metrics.socket",
         directory / "flowagent-metrics@.service"],
        capture_output=True, text=True, timeout=programs.PATIENCE_S, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "flowagent-metrics" in line]
    assert complaints == []
