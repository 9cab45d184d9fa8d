"""agentctl selftest: right on this build, and it notices an agent that is not."""

import json
import os
import shutil
import subprocess

import pytest

import programs
from conftest import BUILD

DONE, FAILED, USAGE = range(3)


def run(*arguments, program=BUILD / "agentctl", prefix=()):
    return subprocess.run(
        [*prefix, program, *arguments],
        capture_output=True, text=True, timeout=programs.PATIENCE_S, env=programs.ENVIRONMENT,
    )  # fmt: skip


def results(done):
    return {row["step"]: row for row in map(json.loads, done.stdout.splitlines())}


def groups_in_use():
    with open("/proc/thread-self/net/netfilter/nfnetlink_log", encoding="ascii") as file:
        return file.read()


def test_all_steps(hosts):
    with hosts.server.entered():  # agents of other tests take groups of the machine's namespace
        before = groups_in_use()
        done = run("-J", "selftest")
        after = groups_in_use()
    assert done.returncode == DONE, done.stdout + done.stderr
    rows = results(done)
    assert list(rows) == ["netflow5", "netflow9", "ipfix", "nflog"]
    assert {row["result"] for row in rows.values()} == {"ok"}
    assert "7 flows, 39 packets, 23584 bytes" in rows["ipfix"]["text"]
    assert after == before


def test_without_root():
    done = run("-J", "selftest", prefix=programs.nobody(65534))
    assert done.returncode == DONE, done.stdout + done.stderr
    rows = results(done)
    assert rows["nflog"]["result"] == "skipped"
    assert rows["netflow9"]["result"] == "ok"


@pytest.fixture
def installation(directory):
    """installation(script) is a directory with agentctl and an agent that the script is."""

    def make(script):
        shutil.copy(BUILD / "agentctl", directory / "agentctl")
        agent = directory / "flowagent"
        agent.write_text(f"#!/bin/sh\n{script}\n")
        os.chmod(agent, 0o755)
        return directory / "agentctl"

    return make


def test_agent_that_fails(installation):
    done = run("-J", "selftest", program=installation("echo broken >&2; exit 7"))
    assert done.returncode == FAILED
    rows = results(done)
    assert rows["netflow9"]["result"] == rows["nflog"]["result"] == "FAIL"
    assert "exit status 7: broken" in rows["netflow9"]["text"]
    assert "the agent does not start: broken" in rows["nflog"]["text"]


def test_agent_that_loses_flows(installation):
    """One whose collectors get UDP only."""
    script = f"""
    for word; do
        case $word in 127.0.0.1:*) word=$word,filter=proto=udp ;; esac
        set -- "$@" "$word"
        shift
    done
    exec {BUILD}/flowagent "$@"
    """
    done = run("-J", "selftest", program=installation(script), prefix=programs.nobody(65534))
    assert done.returncode == FAILED, done.stdout
    row = results(done)["ipfix"]
    assert row["result"] == "FAIL"
    assert row["text"].endswith("; expected 7, 39 and 23584")


def test_no_agent(directory):
    shutil.copy(BUILD / "agentctl", directory / "agentctl")
    done = subprocess.run(
        [directory / "agentctl", "-J", "selftest"],
        capture_output=True, text=True, timeout=programs.PATIENCE_S,
        env={**programs.ENVIRONMENT, "PATH": "/nowhere"},
    )  # fmt: skip
    if shutil.which("flowagent"):  # of an installed package
        assert done.returncode == DONE
    else:
        assert done.returncode == FAILED
        assert "cannot run flowagent" in results(done)["ipfix"]["text"]


def test_words_behind_it():
    assert run("selftest", "now").returncode == USAGE
