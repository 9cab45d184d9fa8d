"""agentctl setup, with a systemctl of the test's own: tests/booted tries it with systemd."""

import subprocess

import pytest

import programs
from conftest import BUILD, ROOT, Hosts
from test_owner import groups  # noqa: F401
from waiting import PATIENCE_S

# Starts, ends and remembers one service as systemd does, as far as setup asks.
SYSTEMCTL = """#!/bin/sh
state=/run/fake
unit=$2
[ "$unit" = --quiet ] && unit=$3
[ "$3" = --quiet ] && unit=$2
[ "$1" != daemon-reload ] || echo "$1" >>$state/reloads
case "$*" in *flowagent.service* | *" flowagent") ;; *) [ "$1" = cat ] || exit 0 ;; esac
case $1 in
cat) exit 0 ;;
show) case $3 in
	ActiveState) [ -e $state/pid ] && kill -0 "$(cat $state/pid)" 2>/dev/null && echo active || echo activating ;;
	MainPID) cat $state/pid ;;
	esac ;;
is-enabled) [ -e $state/enabled ] ;;
enable) touch $state/enabled ;;
disable) rm -f $state/enabled ;;
is-active) [ -e $state/pid ] && kill -0 "$(cat $state/pid)" 2>/dev/null ;;
start | restart | stop)
	if [ "$1" != start ] && [ -e $state/pid ]; then
		kill "$(cat $state/pid)"
		while kill -0 "$(cat $state/pid)" 2>/dev/null; do sleep 0.1; done
		rm $state/pid
		echo "$1" >>$state/log
	fi
	if [ "$1" != stop ] && [ ! -e $state/pid ]; then
		# The capabilities of the service, and those of its drop-in.
		[ -e /etc/systemd/system/flowagent.service.d/bpf.conf ] && without= ||
			without="setpriv --bounding-set -bpf,-perfmon,-sys_admin --inh-caps -all"
		$without flowagent --config /etc/flowagent/flowagent.conf >/run/fake/agent.log 2>&1 </dev/null &
		echo $! >$state/pid
		echo start >>$state/log
	fi ;;
esac
"""

# The last error of the service.
JOURNALCTL = """#!/bin/sh
grep -v hint: /run/fake/agent.log | tail -n 1
"""

PRELUDE = """
set -eu
mount -t tmpfs none /etc
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/container /run/flowagent /run/fake /etc/flowagent/conf.d
trap '[ ! -e /run/fake/pid ] || kill $(cat /run/fake/pid)' EXIT
file=/etc/flowagent/conf.d/setup.conf
ping -q -i 0.1 192.0.2.1 >/dev/null &
ping=$!
trap 'kill $ping; [ ! -e /run/fake/pid ] || kill $(cat /run/fake/pid)' EXIT
"""


class Machine:
    """The server, with an /etc and a /run of its own."""

    def __init__(self, hosts, directory):
        self.host = hosts.server
        self.commands = directory / "bin"
        self.commands.mkdir()
        for name, text in ("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL):
            (self.commands / name).write_text(text)
            (self.commands / name).chmod(0o755)

    def run(self, script):
        """Its output; the script must succeed."""
        environment = dict(programs.ENVIRONMENT)
        environment["PATH"] = f"{self.commands}:{BUILD}:{environment['PATH']}"
        done = subprocess.run(
            programs.command_on(self.host, ["unshare", "-m", "bash", "-c", PRELUDE + script]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def machine(hosts, directory):
    return Machine(hosts, directory)


def test_setup_is_idempotent_and_undo_takes_all_of_it_back(machine, hosts, collector):
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    text = machine.run(f"""
        nft -s list ruleset >/run/rules.before
        agentctl setup --collector {receiver.host_port}
        agentctl show flows --top 3 | grep 192.0.2.10
        grep -x 'collector = {receiver.host_port}' $file
        [ -e /run/fake/enabled ]
        cp $file /run/first
        nft -s list ruleset >/run/rules.first
        agentctl setup
        cmp $file /run/first
        nft -s list ruleset | cmp - /run/rules.first
        echo "log: $(paste -sd ' ' /run/fake/log)"
        agentctl setup --undo
        [ ! -e $file ] && [ ! -e /etc/flowagent/rules.nft ] && [ ! -e /run/fake/enabled ]
        ! systemctl is-active flowagent.service
        nft -s list ruleset | cmp - /run/rules.before
        agentctl setup --undo
    """)
    assert "in and out of eth0" in text  # the default route's
    assert "ok    collector    " + receiver.host_port in text
    assert "log: start\n" in text  # the second one has restarted nothing
    assert "nothing to take back" in text


def test_a_wrong_collector_changes_nothing(machine):
    text = machine.run("""
        ! agentctl setup --collector 192.0.2.1:port
        [ ! -e $file ] && [ ! -e /etc/flowagent/rules.nft ]
        agentctl setup || true
        cp $file /run/first
        ! agentctl setup --collector 192.0.2.1:port
        cmp $file /run/first
    """)
    assert text.count("192.0.2.1:port") >= 2 and "nothing was changed" in text


def test_rules_and_a_service_of_somebody_s_own_stay(machine):
    text = machine.run("""
        systemctl enable --quiet flowagent.service
        systemctl start flowagent.service
        agentctl rules install -i lo
        nft -s list ruleset >/run/rules.before
        agentctl setup || true
        nft -s list ruleset | cmp - /run/rules.before
        agentctl setup --undo
        nft -s list ruleset | cmp - /run/rules.before
        [ -e /run/fake/enabled ] && systemctl is-active flowagent.service
        agentctl rules remove
        iptables-legacy -t raw -A PREROUTING -i eth0 -j NFLOG --nflog-group 40 --nflog-size 96
        agentctl setup || true
        [ ! -e /etc/flowagent/rules.nft ]
    """)
    assert "those of an earlier agentctl rules install stay" in text
    assert "others log to the group already, and stay" in text


def test_no_packet_is_status_5_and_doctor_says_the_rest(machine):
    text = machine.run("""
        kill -STOP $ping
        status=0
        agentctl setup -i lo --timeout 1s || status=$?
        kill -CONT $ping
        echo "status $status"
    """)
    assert "no packet yet" in text and "note  counter" in text and "status 5" in text


# The package's drop-in, wherever this build would install it.
PACKAGED = f"""
for share in /run/usr/share /run/usr/local/share; do
	mkdir -p $share/flowagent
	cp {ROOT}/packaging/systemd/bpf.conf $share/flowagent/
done
mount -t overlay -o lowerdir=/run/usr:/usr overlay /usr
mkdir -p /etc/systemd/system
drop_in=/etc/systemd/system/flowagent.service.d/bpf.conf
"""


def test_setup_by_bpf_and_back(machine, hosts, collector):
    """The program feeds the agent, and no rule: idempotent, and undo takes the drop-in back as well."""
    receiver = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    text = machine.run(PACKAGED + f"""
        agentctl setup --source bpf --collector {receiver.host_port}
        agentctl show flows --top 3 | grep 192.0.2.10
        agentctl -r show sources -n -o name | grep -x bpf:eth0
        until agentctl flush 2>/dev/null; agentctl show drops | grep -q own; do sleep 0.1; done
        agentctl doctor --wait 300ms || [ $? = 1 ]
        grep -x 'bpf = eth0' $file && grep -x 'collector = {receiver.host_port}' $file
        cmp $drop_in {ROOT}/packaging/systemd/bpf.conf
        ! nft list table inet flowagent 2>/dev/null
        cp $file /run/first
        agentctl setup
        agentctl setup --source bpf -i eth0
        cmp $file /run/first
        echo "log: $(paste -sd ' ' /run/fake/log), $(paste -sd ' ' /run/fake/reloads)"
        agentctl setup --undo
        [ ! -e $file ] && [ ! -e /etc/systemd/system/flowagent.service.d ] && [ ! -e /run/fake/enabled ]
        ! systemctl is-active flowagent.service
    """)
    assert "ok    bpf          eth0: the agent's program has seen" in text
    assert "ok    own export" in text and "warn  own export" not in text  # no rule has logged them
    assert "log: start, daemon-reload\n" in text  # the later ones have changed nothing


def test_from_rules_to_bpf_and_from_bpf_to_rules(machine):
    """What fed the agent before is taken back, and packets count once."""
    text = machine.run(PACKAGED + """
        agentctl setup || true
        agentctl rules status
        agentctl setup --source bpf || true
        ! nft list table inet flowagent 2>/dev/null
        [ -e $drop_in ] && [ ! -e /etc/flowagent/rules.nft ] && grep -x 'bpf = eth0' $file && ! grep rules $file
        agentctl setup || true
        agentctl -r show sources -n -o name | grep -x bpf:eth0
        agentctl setup --source nflog || true
        agentctl -r show sources -n -o name | grep -x nflog:40
        agentctl rules status
        [ ! -e /etc/systemd/system/flowagent.service.d ] && ! grep bpf $file
        agentctl setup --undo
        ! nft list table inet flowagent 2>/dev/null
        [ ! -e $file ]
    """)
    assert "FAIL" not in text


def test_a_drop_in_of_somebody_s_own_stays(machine):
    text = machine.run(PACKAGED + f"""
        mkdir -p ${{drop_in%/*}}
        cp {ROOT}/packaging/systemd/bpf.conf $drop_in
        agentctl setup --source bpf || true
        agentctl setup --undo
        cmp $drop_in {ROOT}/packaging/systemd/bpf.conf
    """)
    assert "bpf.conf: somebody's own, and stays" in text


@pytest.mark.parametrize("errno, text", [("EPERM", "bpf() is forbidden here"), ("ENOSYS", "this kernel cannot do")])
def test_where_bpf_cannot_be_nothing_is_changed(errno, text, machine):
    """What works instead is printed, and works."""
    done = machine.run(PACKAGED + f"""
        status=0
        {ROOT}/tests/support/without_bpf.py all {errno} agentctl setup --source bpf 2>/run/said || status=$?
        cat /run/said
        [ $status = 1 ] && [ ! -e $file ] && [ ! -e $drop_in ] && [ ! -e /run/fake/enabled ]
        status=0
        $(sed -n 's/.*: \\(agentctl .*\\)/\\1/p' /run/said) || status=$?
        [ $status -lt 2 ] && agentctl rules status
    """)
    assert text in done


FIX = """
fix_of() {
	agentctl -J doctor --wait 300ms >/run/rows || true
	/usr/bin/python3 -c 'if True:
		import json, sys
		rows = map(json.loads, open("/run/rows"))
		print(next(row["fix"] for row in rows if row["check"] == sys.argv[1] and row["state"] in ("warn", "fail")))' "$1"
}
"""


def test_doctor_a_kernel_that_lets_no_program_in(machine):
    """Where the service was set up and the kernel is another one now, or the container."""
    text = machine.run(PACKAGED + FIX + f"""
        agentctl setup --source bpf || true
        agentctl doctor --wait 300ms | grep 'ok    kernel       BPF programs can be loaded'
        printf '%s\\n' '#!/bin/sh' 'exec {ROOT}/tests/support/without_bpf.py all EPERM {BUILD}/agentctl "$@"' >/run/agentctl
        chmod +x /run/agentctl
        mkdir /run/bin && mv /run/agentctl /run/bin/ && PATH=/run/bin:$PATH
        sh -c "$(fix_of kernel)" || true
        cat /run/rows
        agentctl -r show sources -n -o name | grep -x nflog:40
        agentctl doctor --wait 300ms | grep 'ok    kernel'
    """)
    assert "bpf() is forbidden here" in text and "--nflog and --interface work without" in text


def test_doctor_the_sandbox_keeps_the_program_out(machine):
    """The service without its drop-in does not come up; what doctor prints mends it."""
    text = machine.run(PACKAGED + FIX + """
        agentctl setup --source bpf || true
        rm $drop_in
        systemctl stop flowagent.service
        systemctl start flowagent.service
        while kill -0 $(cat /run/fake/pid) 2>/dev/null; do sleep 0.1; done
        sh -c "$(fix_of sandbox)"
        cat /run/rows
        until agentctl show status >/dev/null 2>&1; do sleep 0.1; done
        agentctl doctor --wait 300ms >/run/rows || true
        grep 'ok    sandbox' /run/rows && ! grep FAIL /run/rows
        readlink $drop_in
    """)
    assert "the service does not come up: " in text and "missing CAP_BPF" in text
    assert "the service's sandbox keeps the BPF program out" in text and "share/flowagent/bpf.conf" in text


def test_doctor_says_how_much_is_nobody_s(machine, groups):  # noqa: F811
    """With rules, short connections of a client have no unit. With a BPF program, which doctor names, they have."""
    (group,) = [path for path in groups.values() if path.name == "web.service"]
    text = machine.run(PACKAGED + FIX + f"""
        ask() {{
            (echo $BASHPID >{group}/cgroup.procs && for port in $(seq 1001 1060); do echo >/dev/udp/192.0.2.1/$port; done)
        }}
        records() {{
            agentctl flush 2>/dev/null
            echo $((0 $(agentctl metrics | sed -n 's/^flowagent_unit_records_total.* /+ /p')))
        }}
        printf '[agent]\\nowner = unit\\n' >/etc/flowagent/conf.d/owner.conf
        agentctl setup || true
        ask
        until [ $(records) -ge 60 ]; do sleep 0.1; done
        fix=$(fix_of owner)
        cat /run/rows
        sh -c "$fix" || true
        ask
        until [ $(records) -ge 60 ]; do sleep 0.1; done
        agentctl doctor --wait 300ms | grep 'ok    owner'
        agentctl metrics | grep 'unit="web.service"'
    """)
    assert "only a BPF program knows it" in text


def test_what_is_no_interface_or_no_package_changes_nothing(machine):
    text = machine.run("""
        ! agentctl setup --source bpf -i eth7
        ! agentctl setup --source bpf
        ! agentctl setup --source tape
        [ ! -e $file ] && [ ! -e /etc/systemd/system ]
    """)
    assert "there is no interface eth7" in text and "bpf.conf cannot be read" in text and "expected nflog or bpf" in text


def test_without_systemd_it_says_how(hosts):
    done = subprocess.run(
        programs.command_on(hosts.server, [BUILD / "agentctl", "setup"]),
        capture_output=True,
        text=True,
        env=programs.ENVIRONMENT,
    )
    assert done.returncode == 1 and "systemd does not run here" in done.stderr
    assert "agentctl rules install, then flowagent --nflog 40" in done.stderr
