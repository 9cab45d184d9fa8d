#!/usr/bin/python3
"""without_bpf.py links|all ERROR COMMAND... - COMMAND on a kernel whose bpf() cannot do that: BPF_LINK_CREATE, or anything.

What kernels before 6.6 answer to a link at tc (EINVAL), kernels without BPF to all (ENOSYS), and sandboxes (EPERM). By a filter
of system calls (seccomp); as root, or with no_new_privs.
"""

import ctypes
import errno
import os
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF: ld word, jeq, ret
NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data
LINK_CREATE = 28
ALLOW, ERROR = 0x7FFF0000, 0x00050000
BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]


def statements(what, error):
    refuse = (RETURN, 0, 0, ERROR | error)
    allow = (RETURN, 0, 0, ALLOW)
    is_bpf = [(LOAD, 0, 0, NUMBER)]
    if what == "all":
        return [*is_bpf, (EQUAL, 0, 1, BPF), refuse, allow]
    return [*is_bpf, (EQUAL, 0, 3, BPF), (LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, LINK_CREATE), refuse, allow]


def main():
    what, name, *command = sys.argv[1:]
    program = statements(what, getattr(errno, name))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


main()
