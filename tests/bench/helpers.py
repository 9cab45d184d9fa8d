"""What every measurement needs: the C programs of this directory, built into build/bench; started, ended."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench"
FLOWAGENT = ROOT / "build" / "release" / "flowagent"
PR_SET_PDEATHSIG = 1
PATIENCE_S = 60
LIBRARIES = {"nflog_reader": "libmnl", "mmdb_lookup": "libmaxminddb"}  # of the C programs here
_libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Something that makes a measurement impossible, in words."""


def run(*arguments, **options):
    """Run a program to its end; returns its standard output."""
    arguments = [str(argument) for argument in arguments]
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    if done.returncode:
        raise BenchError(f"{' '.join(arguments)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def build_flowagent():
    run("cmake", "--preset", "release", "-G", "Ninja", cwd=ROOT)
    run("ninja", "-C", ROOT / "build" / "release", "flowagent", "agentctl", cwd=ROOT)
    return FLOWAGENT


def helper(name):
    """Path of a program made of tests/bench/NAME.c, built if it is older than its source."""
    source, program = HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        library = LIBRARIES.get(name)
        flags = run("pkg-config", "--cflags", "--libs", library).split() if library else []
        # To a name of its own first: two runs at once must not see half a program.
        unfinished = BUILD / f".{name}-{os.getpid()}"
        run(
            "gcc",
            "-std=c11",
            "-D_GNU_SOURCE",
            "-O2",
            "-Wall",
            "-Wextra",
            "-o",
            unfinished,
            source,
            *flags,
            "-lm",
        )
        unfinished.replace(program)
    return program


def generate(mode, packets, flows, path):
    """Write a capture; returns the truth: packets, bytes, flows."""
    return json.loads(run(helper("generate"), mode, packets, flows, path))


def die_with_parent():
    """For preexec_fn: whatever happens to us, nothing that we started stays behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, what, timeout_s=PATIENCE_S):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"waited {timeout_s} s in vain for: {what}")
        time.sleep(0.005)


def used_by(pid):
    """What a process has used: CPU seconds, and MiB of memory, now and at most."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    mib = (int(re.search(rf"{name}:\s+(\d+)", status).group(1)) / 1024 for name in ("VmRSS", "VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), *mib


class Background:
    """A program in the background whose output goes to a file; ended by its process id."""

    last_signal = signal.SIGTERM

    def __init__(self, arguments, output, **options):
        self.arguments = [str(argument) for argument in arguments]
        self.path = Path(output)
        with open(output, "wb") as out:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
                **options,
            )

    @property
    def output(self):
        return self.path.read_text(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def wait_for(self, condition, what, timeout_s=PATIENCE_S):
        def check():
            if self.process.poll() is not None and not condition():
                raise BenchError(
                    f"{self.arguments[0]} ended with {self.process.returncode}: {self.output[-500:]}"
                )
            return condition()

        wait_until(check, what, timeout_s)

    def wait(self, timeout_s=600):
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise BenchError(f"{self.arguments[0]} did not end within {timeout_s} s") from None

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """After a failure; one that has been stopped is gone by now."""
        if self.process.poll() is None:
            self.process.send_signal(self.last_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.process.kill()
            self.process.wait()


class Sink(Background):
    """The counting collector. receive_buffer 0: the kernel's default of 208 KiB."""

    port = (
        21000 + os.getpid() % 10000
    )  # one per sink: the datagrams of the one before must not come to the next

    def __init__(self, directory, prefix=(), receive_buffer=512 << 20):
        Sink.port += 1
        self.port = Sink.port
        self.address = f"127.0.0.1:{self.port}"
        super().__init__(
            [*prefix, helper("sink"), "127.0.0.1", self.port, receive_buffer],
            Path(directory) / f"sink-{self.port}",
        )
        self.wait_for(lambda: self.output.startswith("ready"), "the sink")

    def result(self):
        """Ends it; returns what it has counted."""
        self.stop()
        return json.loads(self.output.splitlines()[-1])


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise BenchError(f"not installed: {', '.join(missing)}")
