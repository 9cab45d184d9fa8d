"""Files: rotation, a full disk, a directory that goes, the end of the agent; nothing half written."""

import shutil
import signal
import subprocess
from collections import Counter

import pytest

import json_lines
import ledger
from conftest import ROOT
from exports import run_capture
from feed import Feed, capture, numbers
from ipfix_file import messages, tshark_packets
from waiting import wait_until

CAPTURES = ROOT / "tests" / "wire" / "captures"


def size_of(path):
    return path.stat().st_size if path.exists() else 0


def read_lines(*paths):
    """Lines of several files, each of which ends with a whole line."""
    return json_lines.read(path.read_bytes() for path in paths)


# ---- rotation -------------------------------------------------------------------------------------


def finished(directory, stem):
    return sorted(directory.glob(f"{stem}.2*"))


def test_rotation_by_time(flowagent, directory):
    """An hour of flows in files of ten minutes, each whole and readable by itself; the same files
    at any speed."""
    source = capture(directory / "in.pcap", 3600, 1)
    runs = []
    for rate in 0, 2000:
        outcome = directory / f"rate-{rate}"
        outcome.mkdir()
        summary = run_capture(
            flowagent, source, "--user", "root",
            "-n", f"{outcome}/flows.ipfix,rotate=10m,rate={rate}",
            "-n", f"{outcome}/flows.json,version=json,rotate=10m,rate={rate}",
        )  # fmt: skip
        runs.append({path.name: path.read_bytes() for path in outcome.iterdir()})
    assert runs[0] == runs[1]
    # 22:13:20 to 23:13:35; a file begins with the first message after a whole ten minutes.
    stamps = ["2213", "2220", "2230", "2240", "2250", "2300", "2310"]
    assert [name[: -len("ss")] for name in sorted(runs[0])] == [
        f"{stem}.20231114-{stamp}" for stem in ("flows.ipfix", "flows.json") for stamp in stamps
    ]
    seen, before = Counter(), 0
    for path in finished(outcome, "flows.json"):
        lines = read_lines(path)
        assert lines.all[0]["type"] == lines.all[-1]["type"] == "statistics"
        lines.check_counts(before)
        before += len(lines.flows)
        seen += numbers(lines.flows)
    assert seen == Counter(range(3600))
    records = 0
    for path in finished(outcome, "flows.ipfix"):
        decoded = messages(path.read_bytes())
        records += sum(len(message.flows) for message in decoded)
        assert sum(tshark_packets(path)) == sum(len(message.flows) for message in decoded)
        times = [message.export_s for message in decoded]
        assert max(times) - min(times) <= 601
    assert records == 3600
    assert all(row["records_sent"] == 3600 for row in summary["collectors"])


def test_rotation_by_size_keeps_the_last(flowagent, directory):
    source = capture(directory / "in.pcap", 5000, 0.5)
    run_capture(
        flowagent, source, "--user", "root",
        "-n", f"{directory}/all.json,version=json,rotate-size=100k",
        "-n", f"{directory}/some.json,version=json,rotate-size=100k,keep=3",
        "-n", f"{directory}/flows.ipfix,rotate-size=64k",
    )  # fmt: skip
    everything = finished(directory, "all.json")
    assert len(everything) > 20
    assert all(path.stat().st_size <= 102400 for path in everything)
    seen = Counter()
    for path in everything:
        seen += numbers(read_lines(path).flows)
    assert seen == Counter(range(5000))
    last = finished(directory, "some.json")
    assert [path.name[len("some") :] for path in last] == [
        path.name[len("all") :] for path in everything[-3:]
    ]
    assert last[-1].read_bytes() == everything[-1].read_bytes()
    files = finished(directory, "flows.ipfix")
    assert all(path.stat().st_size <= 65536 for path in files) and len(files) > 3
    flows = [flow for path in files for message in messages(path.read_bytes())
             for flow in message.flows]  # fmt: skip
    assert len(flows) == 5000


def test_no_file_is_ever_overwritten(flowagent, directory):
    """Three runs into one name: the earlier ones are put aside, and so are files of one second."""
    source = CAPTURES / "ndpi-443-curl.pcap"
    for _ in range(3):
        run_capture(
            flowagent, source, "--user", "root", "-n", f"{directory}/a.json,version=json",
            "-n", f"{directory}/b.ipfix,rotate=1h",
        )  # fmt: skip
    assert len(list(directory.glob("a.json*"))) == 3 and (directory / "a.json").exists()
    assert len({path.read_bytes() for path in directory.glob("a.json*")}) == 1
    names = [path.name for path in sorted(directory.glob("b.ipfix*"))]
    assert names == [names[0], names[0] + "-2", names[0] + "-3"]


# ---- when it does not work -------------------------------------------------------------------------


@pytest.fixture
def small_disk(cleanup, directory):
    """A file system of 160 KiB. Not in a mount namespace of its own: unshare(1) makes none in a chroot."""
    path = directory / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", path], check=True)
    cleanup.callback(subprocess.run, ["umount", "--lazy", path], check=True)
    return path


@pytest.mark.parametrize("version", ["json", "10"])
def test_full_disk(version, flowagent, small_disk):
    """Reported once, records wait, a file never ends in the middle of a message, and it goes on."""
    path, ballast = small_disk / "flows", small_disk / "ballast"
    feed = Feed(flowagent, "-n", f"{path},version={version}")
    feed.add(100)
    feed.agent.wait_until(path.exists, "the file")
    ballast.write_bytes(bytes(130 << 10))
    feed.until(lambda: "No space left on device" in feed.agent.errors, "a full disk")
    if version == "10":
        messages(path.read_bytes())
    else:
        read_lines(path)
    ballast.unlink()
    full = size_of(path)
    feed.until(lambda: size_of(path) > full, "room")
    feed.add(20)
    summary = feed.end()
    content = path.read_bytes()
    assert feed.agent.errors.count("No space left on device") == 1
    (row,) = summary["collectors"]
    assert (row["records_sent"], row["records_lost"]) == (feed.count, 0)
    assert row["send_errors"] > 0
    if version == "10":
        assert sum(len(message.flows) for message in messages(content)) == feed.count
    else:
        assert numbers(json_lines.Lines().add(content).flows) == Counter(range(feed.count))


def test_directory_that_goes_and_comes(flowagent, directory):
    """What was written before is in the file that is gone; what comes after is in a new one."""
    outcome = directory / "outcome"
    outcome.mkdir()
    feed = Feed(flowagent, "-n", f"{outcome}/flows.json,version=json")
    feed.until(lambda: size_of(outcome / "flows.json") > 0, "the first lines")
    with open(outcome / "flows.json", "rb") as old:
        shutil.rmtree(outcome)
        feed.until(lambda: "directory of the file does not exist" in feed.agent.errors, "the report")
        feed.add(100)
        outcome.mkdir()
        feed.until((outcome / "flows.json").exists, "a new file")
        summary = feed.end()
        lines = json_lines.read([old.read(), (outcome / "flows.json").read_bytes()])
    assert numbers(lines.flows) == Counter(range(feed.count))
    (row,) = summary["collectors"]
    assert (row["records_sent"], row["records_lost"]) == (feed.count, 0)


def test_file_that_cannot_be_written_loses_counted(flowagent, directory):
    """Records that wait in vain are lost at the end, with a reason; nothing foreign is touched."""
    (directory / "notes.txt").write_text("not flows\n")
    summary = run_capture(
        flowagent, CAPTURES / "ndpi-443-curl.pcap", "--user", "root",
        "-n", f"{directory}/notes.txt,version=json", "-n", f"{directory}/none/flows.ipfix",
    )  # fmt: skip
    for row, why in zip(summary["collectors"], ("not of flowagent", "does not exist")):
        assert row["records_lost"] == row["records_taken"] > 0
        assert row["records_lost_by_reason"]["send_failed"] == row["records_lost"]
        assert why in row["last_error"]
    assert (directory / "notes.txt").read_text() == "not flows\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_leaves_whole_files(number, flowagent, directory):
    feed = Feed(
        flowagent, "-n", f"{directory}/a.json,version=json,rotate=1h", "-n", f"{directory}/b.ipfix"
    )
    feed.until(lambda: size_of(directory / "b.ipfix") > 1000, "messages")
    feed.agent.signal(number)
    assert feed.agent.wait() == 0, feed.agent.errors
    summary = feed.agent.summary()
    ledger.check_final(summary)
    (path,) = finished(directory, "a.json")
    lines = read_lines(path)
    lines.check_counts()
    assert not (directory / "a.json").exists()
    assert len(lines.flows) == summary["packets_read"]
    decoded = messages((directory / "b.ipfix").read_bytes())
    assert sum(len(message.flows) for message in decoded) == len(lines.flows)


def test_stop_of_a_live_agent_begins_no_other_file(host, flowagent, agentctl, directory):
    """While it waits at its end for a collector that is away, files have all there is."""
    machine = host("machine")
    agent = flowagent(
        "--interface", "lo", "--user", "root", "--inactive-timeout", "1s", "-n", f"{directory}/a.ipfix,rotate=1s",
        "-n", f"{directory}/b.json,version=json,rotate=1s", "-n", f"unix:{directory}/none,version=json",
        host=machine,
    )  # fmt: skip
    agent.wait_for_capture()
    machine.run("ping", "-c", 5, "-i", "0.01", "-q", "127.0.0.1")
    control = agentctl(agent)
    wait_until(lambda: len(finished(directory, "b.json")) > 1, "rotated files")
    (row,) = [row for row in control.rows("show", "collectors") if row["name"].endswith("b.json")]
    assert (row["version"], row["transport"], row["sequence"]) == ("json", "file", None)
    assert "b.json" in control.run("show", "status").stdout
    fields = [row["field"] for row in control.rows("show", "templates") if row["version"] == "json"]
    assert fields[:3] == ["sourceIPv4Address", "destinationIPv4Address", "ipVersion"]
    assert agent.stop() == 0
    assert "a.ipfix: " not in agent.errors.replace("a.ipfix: ready", ""), agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    lines = read_lines(*finished(directory, "b.json"))
    assert sum(flow["packetDeltaCount"] for flow in lines.flows) == summary["packets_exported"]
    lines.check_counts()
    for path in finished(directory, "a.ipfix"):
        messages(path.read_bytes())
    assert lines.interfaces[1][0] == "lo"


def test_kill_leaves_whole_messages(flowagent, directory):
    feed = Feed(flowagent, "-n", f"{directory}/a.json,version=json,rotate=1h")
    feed.until(lambda: size_of(directory / "a.json") > 10000, "lines")
    feed.agent.kill()
    before = (directory / "a.json").read_bytes()
    json_lines.Lines().add(before)
    run_capture(
        flowagent, CAPTURES / "ndpi-443-curl.pcap", "--user", "root",
        "-n", f"{directory}/a.json,version=json,rotate=1h",
    )  # fmt: skip
    assert len(finished(directory, "a.json")) == 2
    assert before in [path.read_bytes() for path in finished(directory, "a.json")]
