"""The examples for Prometheus and Grafana: each alert fires on its fault and only then; every expression finds data."""

import http.server
import json
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

import programs
from conftest import BUILD, ROOT, Hosts
from firewalls import Nft
from waiting import wait_until

EXAMPLES = ROOT / "packaging" / "examples" / "prometheus"
RULES = EXAMPLES / "flowagent.rules.yml"
WINDOW = "5s"  # in place of 5m
MAX_FLOWS = 1000


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Exposition:
    """What flowagent-metrics.socket does, but each answer is at once what agentctl metrics said last.

    So a slow machine cannot make a scrape take longer than Prometheus waits."""

    def __init__(self, agent):
        self.agent = agent
        self.is_over = threading.Event()
        self.last = self.ask()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                done = self.last
                handler.send_response(503 if done.returncode else 200)
                handler.end_headers()
                handler.wfile.write(done.stdout)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.threads = [threading.Thread(target=self.server.serve_forever, daemon=True)]
        self.threads.append(threading.Thread(target=self.follow, daemon=True))
        for thread in self.threads:
            thread.start()

    def ask(self):
        return subprocess.run(
            [BUILD / "agentctl", "-s", self.agent.control, "metrics"],
            capture_output=True, env=programs.ENVIRONMENT, check=False,
        )  # fmt: skip

    def follow(self):
        while not self.is_over.wait(0.3):
            self.last = self.ask()

    def close(self):
        self.is_over.set()
        self.server.shutdown()
        self.server.server_close()


class Prometheus(programs.Program):
    """Debian's, with the example's rules in fast motion."""

    def __init__(self, directory, target):
        rules = re.sub(r"\bfor: \w+", "for: 0s", RULES.read_text()).replace("[5m]", f"[{WINDOW}]")
        (directory / "flowagent.rules.yml").write_text(rules)
        settings = (EXAMPLES / "prometheus.yml").read_text()
        settings = settings.replace("127.0.0.1:9471", "%s:%d" % target)
        settings += "global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n"
        settings += "  evaluation_interval: 500ms\n"
        (directory / "prometheus.yml").write_text(settings)
        self.port = free_port()
        super().__init__(
            "prometheus",
            ["prometheus", f"--config.file={directory}/prometheus.yml",
             f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            directory, None, signal.SIGTERM,
        )  # fmt: skip

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def firing(self):
        data = self.get("alerts")
        return data and {
            alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"
        }

    def wait_for(self, *expected):
        last = []

        def are_they():
            last[:] = [self.firing()]
            return last[0] is not None and last[0] == set(expected)

        try:
            self.wait_until(are_they, f"the alerts {expected}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; last: {last}") from None


class Traffic:
    """A datagram every 0.1 s, until it is closed."""

    def __init__(self, host):
        self.host = host
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with self.host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not self.is_over.wait(0.1):
                sender.sendto(b"x", (Hosts.REMOTE[0], 4000))

    def close(self):
        self.is_over.set()
        self.thread.join()


def burst(host, count, ports):
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for i in range(count):
            sender.sendto(b"x" * 100, (Hosts.REMOTE[0], 10000 + i % ports))


def test_promtool_takes_the_rules(directory):
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", RULES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "8 rules found" in done.stdout, done.stdout + done.stderr
    done = subprocess.run(
        ["promtool", "check", "config", EXAMPLES / "prometheus.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def table(asn_table):
    """table(age_s) makes the table of AS numbers, or takes its place."""
    return lambda age_s: asn_table([(64500, "192.0.2.0/24")], created_s=int(time.time()) - age_s)


@pytest.fixture
def start(flowagent, hosts, table):
    # The queue of the kernel holds one burst only in part; flows leave at once.
    path = table(0)

    def start_agent(**more):
        started = flowagent(
            "--nflog", "40,buffer=128k", "-n", "127.0.0.1:2055", "--max-flows", str(MAX_FLOWS), "--asn-table", path,
            "--inactive-timeout", "1s", "--active-timeout", "1s", host=hosts.server, **more,
        )  # fmt: skip
        started.wait_for_group()
        return started

    return start_agent


@pytest.fixture
def agent(start, hosts):
    started = start()
    Nft().install(hosts.server, "eth0")
    return started


@pytest.fixture
def prometheus(agent, cleanup, directory):
    exposition = Exposition(agent)
    cleanup.callback(exposition.close)
    program = Prometheus(directory, exposition.server.server_address)
    cleanup.callback(program.kill)
    program.wait_until(lambda: program.get("alerts") is not None, "prometheus")
    return program


def test_each_alert_fires_on_its_fault_and_only_then(agent, start, table, hosts, collector, prometheus, cleanup):
    receiver = collector(port=2055, host=hosts.server)
    traffic = Traffic(hosts.server)
    cleanup.callback(lambda: traffic.close())
    prometheus.wait_until(
        lambda: prometheus.query("flowagent_exported_records_total > 0"), "records that are sent"
    )
    prometheus.wait_for()
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$instance", ".*").replace("$__rate_interval", WINDOW)
            expression = expression.removesuffix(" > 0")
            wait_until(lambda e=expression: prometheus.query(e), panel["title"])

    traffic.close()
    prometheus.wait_for("FlowagentNoPackets")
    traffic = Traffic(hosts.server)
    prometheus.wait_for()

    burst(hosts.server, 5 * MAX_FLOWS, 5 * MAX_FLOWS)
    prometheus.wait_until(lambda: "FlowagentCacheFull" in (prometheus.firing() or ()), "a full cache")
    prometheus.wait_for()

    agent.signal(signal.SIGSTOP)
    burst(hosts.server, 20000, 10)
    agent.signal(signal.SIGCONT)
    prometheus.wait_until(lambda: "FlowagentPacketsLost" in (prometheus.firing() or ()), "lost packets")
    prometheus.wait_for()

    receiver.close()
    prometheus.wait_for("FlowagentCollectorDown")  # what is refused waits, and is lost where there is no room
    burst(hosts.server, 20000, 20000)
    prometheus.wait_until(lambda: "FlowagentRecordsLost" in (prometheus.firing() or ()), "lost records")
    collector(port=2055, host=hosts.server)
    prometheus.wait_for()

    table(31 * 86400)
    prometheus.wait_for("FlowagentTableOld")
    table(29 * 86400)
    prometheus.wait_for()

    agent.stop()
    prometheus.wait_for("FlowagentDown")
    for before in range(3):
        assert "FlowagentRestarts" not in prometheus.firing()
        last = start(control=agent.control)
        count = f"changes(flowagent_start_time_seconds[15m]) > {before}"
        prometheus.wait_until(lambda c=count: prometheus.query(c), "a scrape of the one that has started")
        last.stop()
    prometheus.wait_until(lambda: "FlowagentRestarts" in (prometheus.firing() or ()), "restarts")
