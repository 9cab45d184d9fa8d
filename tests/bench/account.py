"""account.py OUT COMMAND... - runs a program and writes what it and all its descendants have used.

Programs that fork and do not wait for their children hide their cost from who started them; here every
orphan comes back to us. SIGTERM and SIGINT go on to the program, SIGQUIT kills it and its children. OUT gets
JSON: pid of the program when it starts; at the end status, user and system seconds, peak_kib (of the largest
process).
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PATIENCE_S = 900


def write(path, values):
    with open(path + ".new", "w") as file:
        json.dump(values, file)
    os.replace(path + ".new", path)


def main():
    out, command = sys.argv[1], sys.argv[2:]
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(
        command, start_new_session=True, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    )
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda number, _: os.killpg(child.pid, number))
    for number in signal.SIGQUIT, signal.SIGALRM:
        signal.signal(number, lambda *_: os.killpg(child.pid, signal.SIGKILL))
    signal.alarm(PATIENCE_S)
    write(out, {"pid": child.pid})
    status = None
    while True:
        try:
            pid, wait_status = os.wait()
        except ChildProcessError:
            break
        if pid == child.pid:
            status = os.waitstatus_to_exitcode(wait_status)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    write(
        out,
        {
            "pid": child.pid,
            "status": status,
            "user": used.ru_utime,
            "system": used.ru_stime,
            "peak_kib": used.ru_maxrss,
        },
    )


main()
