"""Names of the BPF programs at an interface's tc hooks, in the order in which packets meet them: links (tcx) first, then filters."""

import contextlib
import ctypes
import json
import os
import socket
import struct

BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
GET_FD_BY_ID, GET_INFO, QUERY = 13, 15, 16
TCX = {"ingress": 46, "egress": 47}
INFO_SIZE, NAME = 128, 64  # of struct bpf_prog_info as far as the name
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    result = _libc.syscall(BPF, command, buffer, 128)
    return result, buffer.raw


def _name(identifier):
    descriptor, _ = _bpf(GET_FD_BY_ID, struct.pack("I", identifier))
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    info = ctypes.create_string_buffer(INFO_SIZE)
    result, _ = _bpf(GET_INFO, struct.pack("IIQ", descriptor, INFO_SIZE, ctypes.addressof(info)))
    os.close(descriptor)
    assert result == 0, os.strerror(ctypes.get_errno())
    return info.raw[NAME : NAME + 16].rstrip(b"\0").decode()


def tc_programs(host, device, side):
    identifiers = (ctypes.c_uint32 * 64)()
    with host.entered():
        index = socket.if_nametoindex(device)
        attributes = struct.pack("IIIIQI", index, TCX[side], 0, 0, ctypes.addressof(identifiers), 64)
        result, answer = _bpf(QUERY, attributes)
    count = struct.unpack_from("I", answer, 24)[0] if result == 0 else 0
    filters = json.loads(host.run("tc", "-j", "filter", "show", "dev", device, side) or "[]")
    return [_name(identifiers[i]) for i in range(count)] + [
        each["options"]["bpf_name"].partition(":")[0] for each in filters if "bpf_name" in each.get("options", {})
    ]


OBJ_PIN = 6
PROG_LOAD, LINK_CREATE, LINK_GET_FD_BY_ID, LINK_DETACH = 5, 28, 30, 34
SCHED_CLS, BEFORE = 3, 8
OK, SHOT, UNSPEC = 0, 2, -1


def take_off(host, device, side):
    """As anybody may who has the rights: all programs of a hook."""
    programs, links = (ctypes.c_uint32 * 64)(), (ctypes.c_uint32 * 64)()
    with host.entered():
        index = socket.if_nametoindex(device)
        addresses = ctypes.addressof(programs), 64, 0, 0, ctypes.addressof(links), 0, 0
        result, answer = _bpf(QUERY, struct.pack("IIIIQIIQQQQ", index, TCX[side], 0, 0, *addresses))
    assert result == 0, os.strerror(ctypes.get_errno())
    for link in links[: struct.unpack_from("I", answer, 24)[0]]:
        descriptor, _ = _bpf(LINK_GET_FD_BY_ID, struct.pack("I", link))
        result, _ = _bpf(LINK_DETACH, struct.pack("I", descriptor))
        assert result == 0, os.strerror(ctypes.get_errno())
        os.close(descriptor)
    if json.loads(host.run("tc", "-j", "filter", "show", "dev", device, side) or "[]"):
        host.run("tc", "filter", "delete", "dev", device, side)


def _load(action):
    """A program that gives this answer to every packet: its descriptor."""
    code = struct.pack("BBhi", 0xB7, 0, 0, action) + struct.pack("BBhi", 0x95, 0, 0, 0)  # r0 = action; exit
    instructions, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    program, _ = _bpf(
        PROG_LOAD,
        struct.pack("IIQQIIQII16s", SCHED_CLS, 2, ctypes.addressof(instructions), ctypes.addressof(licence),
                    0, 0, 0, 0, 0, b"foreign"),
    )  # fmt: skip
    assert program >= 0, os.strerror(ctypes.get_errno())
    return program


def leave_filters(host, device, number, directory):
    """What an agent that was killed has left of its filters in clsact, by their number: 'directory' is for the kernel's file system."""
    host.run("mount", "-t", "bpf", "bpf", directory)
    program = _load(UNSPEC)
    path = ctypes.create_string_buffer(f"{directory}/left".encode())
    result, _ = _bpf(OBJ_PIN, struct.pack("QII", ctypes.addressof(path), program, 0))
    assert result == 0, os.strerror(ctypes.get_errno())
    for side in TCX:
        host.run("tc", "filter", "add", "dev", device, side, "handle", hex(0xF109 + number), "pref", "1", "protocol", "all",
                 "bpf", "da", "object-pinned", f"{directory}/left")  # fmt: skip
    os.close(program)
    host.run("umount", directory)


@contextlib.contextmanager
def foreign_program(host, device, side, action, first=False):
    """Somebody else's program at a hook, which gives this answer to every packet; first: before all others."""
    program = _load(action)
    with host.entered():
        index = socket.if_nametoindex(device)
        link, _ = _bpf(LINK_CREATE, struct.pack("IIII", program, index, TCX[side], BEFORE if first else 0))
    assert link >= 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        os.close(link)
        os.close(program)


@contextlib.contextmanager
def foreign_filter(host, device, side, action, directory):
    """The same in clsact, in front of the other filters of its preference; 'directory' is for the kernel's file system."""
    directory.mkdir()
    host.run("mount", "-t", "bpf", "bpf", directory)
    program = _load(action)
    words = "dev", device, side, "handle", "0x7", "pref", "1", "protocol", "all", "bpf"
    try:
        path = ctypes.create_string_buffer(f"{directory}/foreign".encode())
        result, _ = _bpf(OBJ_PIN, struct.pack("QII", ctypes.addressof(path), program, 0))
        assert result == 0, os.strerror(ctypes.get_errno())
        host.run("tc", "filter", "add", *words, "da", "object-pinned", f"{directory}/foreign")
        try:
            yield
        finally:
            host.run("tc", "filter", "delete", *words)
    finally:
        os.close(program)
        host.run("umount", directory)
