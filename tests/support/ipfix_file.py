"""Files of IPFIX messages, read strictly by our own decoder and by tshark."""

import subprocess

import ipfix
import programs
from waiting import PATIENCE_S


def messages(content):
    """The messages of an IPFIX file, decoded strictly: it needs nothing but itself."""
    decoder = ipfix.Decoder()
    while content:
        length = int.from_bytes(content[2:4], "big")
        assert 16 <= length <= len(content), f"{len(content)} bytes after the last message"
        decoder.decode(content[:length])
        content = content[length:]
    assert decoder.messages[0].sequence == 0 and decoder.messages[0].templates
    return decoder.messages


def tshark_packets(path):
    """What tshark decodes of an IPFIX file: packets per record. It must not complain."""
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-e", "_ws.expert", "-e", "cflow.packets"],
        capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    counts = []
    for line in done.stdout.splitlines():
        complaint, _, packets = line.partition("\t")
        assert not complaint, line
        counts += map(int, packets.split(",") if packets else [])
    return counts
