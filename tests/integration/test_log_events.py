"""The log's events: every name in the code has a row, every row is in the catalog that journalctl reads."""

import re
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, ROOT

CALL = re.compile(r'log_(event|problem|problem_text)\(\s*(?:LOG_LEVEL_\w+,\s*)?(\S+?),\s*(?:(\S+?),)?', re.S)
ROW = re.compile(r'LOG_EVENT\("([\w-]+)", (\w+), "([0-9a-f]{32})", "([^"]+)"')
OTHER_PROGRAMS = {"asn", "bmp", "agentctl"}  # they do not write to the journal's socket
KIND_MACRO = {"PROBLEM": "asn-table"}


def rows():
    return ROW.findall((ROOT / "agent/common/log_events.def").read_text())


def names_in_code():
    """(file, names that may stand in the table: the event, else its problem's kind)"""
    for path in sorted((ROOT / "agent").rglob("*.c")):
        if path.name == "log.c" or path.parent.name in OTHER_PROGRAMS:
            continue
        for call, first, second in CALL.findall(path.read_text()):
            words = [first] if call != "problem" else [second, first]
            names = [word.strip('"') for word in words if word[0] == '"']
            names += [KIND_MACRO[word] for word in words if word in KIND_MACRO]
            yield path.name, names


def test_every_event_of_the_code_has_a_row():
    known = {name for name, *_ in rows()}
    found = list(names_in_code())
    assert len(found) > 25
    missing = [(path, names) for path, names in found if not known & set(names)]
    assert missing == []
    used = {name for _, names in found for name in names}
    assert known - used == set(), "rows that nothing logs"


def test_ids_are_there_once():
    ids = [row[2] for row in rows()]
    assert len(set(ids)) == len(ids)


def test_the_catalog_has_every_event(directory):
    catalog = BUILD / "packaging" / "flowagent.catalog"
    folder = directory / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    (directory / "var/lib/systemd/catalog").mkdir(parents=True)
    (folder / "flowagent.catalog").write_bytes(catalog.read_bytes())
    if not Path("/usr/bin/journalctl").exists():
        pytest.skip("no journalctl")

    def journalctl(*options):
        command = ["journalctl", f"--root={directory}", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    journalctl("--update-catalog")
    listed = journalctl("--list-catalog")
    for _, _, identifier, title in rows():
        assert re.search(rf"^{identifier} .*{re.escape(title)}$", listed, re.M)
    shown = journalctl("--dump-catalog", rows()[0][2])
    assert "Subject: Packets were lost in the kernel" in shown and "agentctl show sources" in shown
