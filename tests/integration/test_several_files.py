"""--read of several files and folders: the same datagrams as from the one file that mergecap makes of them."""

import random
import subprocess

import pytest

import ledger
from capture_files import Interface, pcap, pcapng
from frames import ETHERNET
from pcap_reader import read_packets
from test_replay import PACKETS, run, write_capture

FILES = 5


def split(directory):
    """(files, the file that mergecap makes of them): packets dealt at random, in all formats, one file without any."""
    whole = read_packets(write_capture(directory / "whole"))
    chance = random.Random(4)
    hands = [[] for _ in range(FILES)]
    for each in whole:
        hands[min(chance.randrange(FILES), chance.randrange(FILES))].append(each)
    folder = directory / "folder"
    folder.mkdir()
    files = [folder / f"{number}.cap" for number in range(FILES + 1)]
    for number, hand in enumerate(hands):
        if number % 2:
            files[number].write_bytes(pcapng(hand, "<", Interface(ETHERNET, 9)))
        else:
            files[number].write_bytes(pcap(hand, "<>"[number // 2 % 2]))
    files[FILES].write_bytes(pcap(hands[0][:1])[:24])
    merged = directory / "merged"
    subprocess.run(["mergecap", "-w", merged, *files], check=True)
    return files, merged


@pytest.mark.parametrize("form", ["options", "words", "folder", "both", "pipe"])
def test_several_give_what_mergecap_gives(form, directory, flowagent, collector):
    files, merged = split(directory)
    more = {}
    if form == "options":
        options = [word for each in files for word in ("--read", each)]
    elif form == "words":
        options = ["--read", *files]
    elif form == "folder":
        options = ["--read", files[0].parent]
    elif form == "both":
        away = directory / "away.cap"
        files[0].rename(away)
        options = ["--read", files[0].parent, away, files[1]]  # the last is in the folder, too
        (files[0].parent / "latest").symlink_to(files[2])
    else:
        away = directory / "away.cap"
        files[1].rename(away)
        options = ["--read", files[0].parent, "-"]
        more["stdin"] = subprocess.Popen(["cat", away], stdout=subprocess.PIPE).stdout
    expected, flows, summary = run(flowagent, collector, "--read", merged)
    assert summary["packets_read"] == PACKETS
    got, got_flows, got_summary = run(flowagent, collector, *options, **more)
    assert got == expected
    assert got_flows == flows
    for name in "packets_read", "packets_exported", "bytes_exported", "flows_created", "packets_ignored":
        assert got_summary[name] == summary[name], name


def test_a_damaged_file_of_a_folder_is_named_and_the_others_count(directory, flowagent, collector):
    files, _ = split(directory)
    files[1].write_bytes(files[1].read_bytes()[:-5])
    (files[0].parent / "notes.txt").write_text("no capture")
    (files[0].parent / ".hidden").write_text("no capture either")
    (files[0].parent / "below").mkdir()
    own = collector()
    agent = flowagent("--read", files[0].parent, "-n", own.host_port)
    assert agent.wait() == 1
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_read"] == PACKETS - 1
    own.wait_for_datagrams(summary["datagrams_sent"])
    assert own.flows().packets() == summary["packets_exported"]
    for words in f"{files[1]}: cut off", "notes.txt: not a capture file", "2 files could not be read to their end":
        assert words in agent.errors, agent.errors
    assert "hidden" not in agent.errors and "below" not in agent.errors


def test_a_named_file_that_is_none_is_refused_before_anything_is_sent(directory, flowagent_run):
    files, _ = split(directory)
    done = flowagent_run("--read", files[0], "/nonexistent.pcap", "--control", "none")
    assert done.returncode == 1
    assert "/nonexistent.pcap: cannot be opened: No such file" in done.stderr
    done = flowagent_run("--read", files[0], "/nonexistent.pcap", "--check-config")
    assert done.returncode != 0 and "/nonexistent.pcap" in done.stderr


def test_ten_thousand_files_take_few_descriptors(directory, flowagent, collector):
    packets = read_packets(write_capture(directory / "whole"))
    folder = directory / "folder"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{9_999 - number:05}.pcap").write_bytes(pcap([packets[number * len(packets) // 10_000]]))
    own = collector()
    agent = flowagent("--read", folder, "-n", own.host_port, wrapper=("prlimit", "--nofile=64"), release=True)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_read"] == 10_000


def test_files_that_only_root_may_read(directory, flowagent, collector):
    """They are opened one after the other, when root has become the agent's user."""
    files, merged = split(directory)
    for each in files:
        each.chmod(0o600)
    files[0].parent.chmod(0o700)
    _, flows, _ = run(flowagent, collector, "--read", merged)
    _, got, _ = run(flowagent, collector, "--read", files[0].parent, "--user", "nobody")
    assert got == flows
