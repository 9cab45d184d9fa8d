"""What bash offers after the words of a command line, as it breaks them: at = and : too."""

import subprocess

import pytest

from conftest import BUILD

SCRIPT = """
source "$1" && shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_flowagent 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--coll", {"--collector"}),
        ("--log-level w", {"warning"}),
        ("-n 192.0.2.1 : 2055,mo", {"2055,mode="}),
        ("-n 192.0.2.1 : 2055,version = 10,tra", {"10,transport="}),
        ("--collector = 192.0.2.1 : 2055,ver", {"2055,version=", "2055,verify="}),
        ("-n 192.0.2.1,version =", {"1", "5", "7", "9", "10", "ipfix", "json"}),
        ("-n 192.0.2.1 : 2055,rate = 1,mode = ba", {"balance"}),
        ("-g 40,s", {"40,snaplen=", "40,sampling="}),
        ("-g 40,direction = o", {"out"}),
        ("-n 192.0.2.1,version = 10 --bif", {"--biflow"}),
        ("--read /etc/passwd /proc/self/oom_score_a", {"/proc/self/oom_score_adj"}),
        ("--read /etc/passwd --bif", {"--biflow"}),
        ("-m 5 /proc/self/oom_score_a", set()),
    ],
)
def test_bash(words, expected):
    completion = BUILD / "packaging" / "completion" / "flowagent.bash"
    command = ["bash", "-c", SCRIPT, "bash", completion, "flowagent", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    assert set(done.stdout.split()) == expected


OPTIONS = """
source "$1" && shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
$(complete -p "${1##*/}" | sed 's/.* -F //; s/ .*//') 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("program", "words", "expected"),
    [
        ("flowagent-asn", ["--l"], {"--least-peers", "--longest-ipv4", "--longest-ipv6"}),
        ("flowagent-asn", ["--force", "/usr/bin/en"], {"/usr/bin/env"}),
        ("flowagent-bmp", ["--ro"], {"--router"}),
        ("flowagent-bmp", ["--log-level", "w"], {"warning"}),
    ],
)
def test_bash_of_the_others(program, words, expected):
    completion = BUILD / "packaging" / "completion" / f"{program}.bash"
    command = ["bash", "-c", OPTIONS, "bash", completion, BUILD / program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert expected <= set(done.stdout.split())
    assert all(word.startswith(words[-1]) for word in done.stdout.split())
