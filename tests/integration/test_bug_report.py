"""agentctl bug-report: an archive that tar reads, with all parts and no secret."""

import json
import stat
import subprocess
import tarfile

import programs
from conftest import BUILD
from firewalls import Nft

DONE, FAILED, USAGE = range(3)
TOP = "flowagent-bug-report"


def contents(path):
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode() for member in archive
        }


def test_report_of_a_running_agent(flowagent, hosts, agentctl, directory):
    config = directory / "agent.conf"
    config.write_text("[agent]\nmax-flows = 1000\n")
    agent = flowagent("--config", config, "--nflog", "40", "-n", "127.0.0.1:9", host=hosts.server)
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0")
    hosts.server.run("ping", "-c", "1", hosts.ROUTER[0])
    path = directory / "report.tar"
    done = agentctl(agent).run("bug-report", path)
    assert (done.returncode, done.stdout) == (DONE, f"{path}\n"), done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    parts = contents(path)
    status = json.loads(parts[f"{TOP}/show-status.json"])
    assert status["cache"]["capacity"] == 1000
    assert json.loads(parts[f"{TOP}/show-stats.json"])["equalities"]
    assert "Linux" in parts[f"{TOP}/uname"]
    assert "40" in parts[f"{TOP}/proc/net/netfilter/nfnetlink_log"]
    rows = [json.loads(line) for line in parts[f"{TOP}/show-drops.json"].splitlines()]
    assert rows and not any("example" in row for row in rows)
    assert parts[f"{TOP}/README"].startswith("Report of agentctl bug-report")
    listed = subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines() == list(parts)


def run(*arguments, **options):
    return subprocess.run(
        [BUILD / "agentctl", *arguments],
        capture_output=True, text=True, timeout=programs.PATIENCE_S, env=programs.ENVIRONMENT,
        check=False, **options,
    )  # fmt: skip


def test_report_without_an_agent(directory):
    """What cannot be had says why."""
    done = run("-s", directory / "none.sock", "bug-report", cwd=directory)
    assert done.returncode == DONE, done.stderr
    parts = contents(directory / done.stdout.strip())
    assert "none.sock" in parts[f"{TOP}/show-status.json"]
    assert "exit status 3" in parts[f"{TOP}/show-status.json"]
    assert "agentctl 0." in parts[f"{TOP}/agentctl-version"]


def test_nothing_is_overwritten(directory):
    path = directory / "there.tar"
    path.write_text("mine")
    done = run("bug-report", path)
    assert done.returncode == FAILED and "File exists" in done.stderr
    assert path.read_text() == "mine"
    assert run("bug-report", directory / "no" / "such.tar").returncode == FAILED
    assert run("bug-report", "a", "b").returncode == USAGE
