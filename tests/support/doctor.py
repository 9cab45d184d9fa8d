"""An agent with a configuration of its own, and what agentctl doctor says of it."""

import json
import os
import socket
import subprocess

import programs
from waiting import PATIENCE_S, wait_until

GOOD, WARNING, BROKEN = range(3)

# `rules install` must not write to /etc of the machine; systemctl is for the test to do.
AGENTCTL = """#!/bin/sh
case "$1 $2" in
"rules install") exec {program} "$@" --no-save ;;
*) exec {program} "$@" ;;
esac
"""


class Doctor:
    """An agent on the server that reads group 40, with a configuration of its own, and its doctor."""

    def __init__(self, build, hosts, flowagent, directory):
        self.program = build / "agentctl"
        self.hosts = hosts
        self.host = hosts.server
        self._flowagent = flowagent
        self.directory = directory
        self.config = directory / "flowagent.conf"
        self.config.write_text("[agent]\n")
        (directory / "conf.d").mkdir()
        self.commands = directory / "bin"
        self.commands.mkdir()
        for name, text in ("agentctl", AGENTCTL.format(program=self.program)), ("systemctl", "#!/bin/sh\nexit 0\n"):
            (self.commands / name).write_text(text)
            (self.commands / name).chmod(0o755)
        self.agent = None

    def start(self, *options, group=40, host=None, wait=True, wrapper=()):
        host = host or self.host
        self._start = (options, group, host)
        groups = ["-g", group] if group is not None else []
        self.agent = self._flowagent(
            "-f", self.config, *groups, *options, host=host, wrapper=wrapper
        )
        if wait and group is not None:
            self.agent.wait_for_group(group)
        self.agent.wait_for_control()

    def restart(self):
        options, group, host = self._start
        assert self.agent.stop() == 0, self.agent.errors
        self.start(*options, group=group, host=host)

    def environment(self):
        return {**programs.ENVIRONMENT, "PATH": f"{self.commands}:{os.environ['PATH']}"}

    def run(self, *options, host=None, prefix=(), wait="300ms"):
        socket = self.agent.control if self.agent else self.directory / "none.sock"
        return subprocess.run(
            programs.command_on(
                host or self.host,
                [*prefix, self.program, "doctor", "-s", socket, "--wait", wait, *options],
            ),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=PATIENCE_S,
        )

    def rows(self, check=None, **options):
        done = self.run("-J", **options)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == max(self.severity(row) for row in rows), done.stderr
        return [row for row in rows if check in (None, row["check"])]

    @staticmethod
    def severity(row):
        return {"ok": GOOD, "note": GOOD, "warn": WARNING, "fail": BROKEN}[row["state"]]

    def fault(self, check, text, state="fail", **options):
        """The row that names it; on a busy machine the agent's threads may be late to answer."""

        def look():
            rows = self.rows(**options)
            return rows if not any("did not answer within" in row["text"] for row in rows) else None

        rows = wait_until(look, "an answer of the agent's threads")
        found = [row for row in rows if row["check"] == check and text in row["text"]]
        assert found, [row for row in rows if row["state"] not in ("ok", "note")]
        assert found[0]["state"] == state
        return found[0]

    def type(self, fix, host=None):
        """As an operator at a shell, but for the place of the configuration."""
        assert fix
        done = subprocess.run(
            programs.command_on(
                host or self.host, ["sh", "-c", fix.replace("/etc/flowagent", str(self.directory))]
            ),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, (fix, done.stdout, done.stderr)
        return done.stdout

    def packets_read(self):
        done = self.host.run(self.program, "-J", "show", "stats", "-s", self.agent.control)
        return json.loads(done)["packets_read"]

    def is_good(self, check):
        rows = self.rows(check)
        return rows != [] and all(self.severity(row) == GOOD for row in rows)

    def ping(self, count=3):
        self.host.run("ping", "-c", count, "-i", "0.01", "-q", self.hosts.ROUTER[0])


def ask(path, request):
    """The rows of an agent's answer."""
    rows = []
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(PATIENCE_S)
        control.connect(str(path))
        control.sendall(json.dumps(request).encode() + b"\n")
        for line in control.makefile():
            row = json.loads(line)
            if "end" in row:
                break
            rows.append(row)
    return rows
