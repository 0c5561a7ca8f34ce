"""`tophalf check` on faults made on the spot: each is named, with its line, vector or device, and a quiet machine is not."""

import pytest
from asking import here, in_guest
from booting import booted
from known_work import SPREAD_QUEUES, Flood, record, stack_queues
from lab.labirq import Labirq

CHECK = "check --seconds 4"
SLOW_HANDLER = "order handler_us=800 gap_us=7000 raise=150"
SLOW_THREAD = "order handler_us=5000 gap_us=1000 raise=300"
WORK_HOG = "order works=1 work_us=25000 gap_us=30000 raise=40"
STORM = "order hold_us=2500000 raise=1"
NOBODY_CARED = """
order deny=1 raise=1
until dmesg | grep -q "Disabling IRQ #{line}"; do sleep 0.1; done
sleep 1.2
"""
# A receiver that never reads, and a backlog that one CPU cannot work off for another.
DEAF = """nohup python3 -c '
import socket, time
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
deaf.bind(("0.0.0.0", 9))
time.sleep(600)' >/dev/null 2>&1 & echo $! >/tmp/deaf; sleep 1"""
NARROW = """
sysctl -qw net.core.netdev_max_backlog=16 net.core.netdev_budget=16
for file in /sys/class/net/eth0/queues/rx-*/rps_cpus; do echo 2 >$file; done"""
WIDE = """
sysctl -qw net.core.netdev_max_backlog=1000 net.core.netdev_budget=300
for file in /sys/class/net/eth0/queues/rx-*/rps_cpus; do echo 0 >$file; done
kill $(cat /tmp/deaf)"""


def rules_of(document):
    """{rule: finding} with consequences and causes, the worst of each rule first."""
    found = {}
    for finding in document["findings"]:
        for each in (finding, *finding["related"]):
            found.setdefault(each["rule"], each)
    return found


def alarming(document):
    """Rules of warning or worse."""
    return [finding["rule"] for finding in document["findings"] if finding["severity"] != "information"]


def test_a_machine_at_rest_has_nothing_to_warn_of(guest):
    document = in_guest(guest, CHECK)
    assert alarming(document) == []
    assert {"irq-imbalance", "irq-storm", "ksoftirqd-busy", "nic-drop", "irqbalance-conflict"} <= set(document["judged"])


@pytest.mark.on("6.12")
def test_queues_on_one_cpu_under_load(guest):
    stack_queues(guest)
    try:
        with Flood(guest):
            guest.check("sleep 1")
            document = in_guest(guest, CHECK, statuses=(1,))
    finally:
        guest.check(SPREAD_QUEUES)
    finding = rules_of(document)["irq-imbalance"]
    assert finding["severity"] in ("warning", "critical")
    assert finding["subject"]["cpus"] == [0] and len(finding["subject"]["irqs"]) >= 2
    assert any(command.startswith("tophalf affinity") for remedy in finding["remedies"] for command in remedy["commands"])


@pytest.mark.on("6.12")
def test_the_same_layout_at_little_load_is_information(guest):
    stack_queues(guest)
    try:
        with Flood(guest, 1500):
            guest.check("sleep 1")
            document = in_guest(guest, CHECK)
    finally:
        guest.check(SPREAD_QUEUES)
    assert rules_of(document)["irq-imbalance"]["severity"] == "information"


@pytest.mark.on("6.12")
def test_a_slow_handler_is_the_worst_of_the_machine(guest, labirq):
    document = here("check", record(guest, "slow", SLOW_HANDLER), statuses=(1,))
    worst = document["findings"][0]
    assert worst["rule"] == "irq-slow-handler" and worst["subject"]["irqs"] == [labirq.irq]


@pytest.mark.on("rt")
def test_where_handlers_are_threads_a_slow_one_is_a_busy_thread(guest, labirq):
    document = here("check", record(guest, "slow", SLOW_THREAD), statuses=(0, 1))
    finding = rules_of(document)["irq-thread-busy"]
    assert finding["subject"]["thread"] == f"irq/{labirq.irq}-labirq" and finding["subject"]["irqs"] == [labirq.irq]
    assert "irq-slow-handler" not in rules_of(document)


def test_a_packet_flood_is_told_by_its_vector(guest, flooded):
    rules = rules_of(here("check", flooded, statuses=(1,)))
    assert "NET_RX" in rules["softirq-dominant"]["title"] and rules["softirq-dominant"]["subject"]["vector"] == "NET_RX"
    assert rules["softirq-dominant"]["subject"]["cpus"] == [0]
    assert rules["irq-imbalance"]["severity"] == "warning" and rules["irq-imbalance"]["subject"]["cpus"] == [0]
    if "-rt-" in guest.release:  # softirqs run in whatever thread ends a section without bottom halves: rcuc, ktimers, irq
        return
    assert "NET_RX" in rules["ksoftirqd-busy"]["title"] and rules["ksoftirqd-busy"]["subject"]["cpus"] == [0]


@pytest.mark.on("6.12")
def test_a_level_line_that_nobody_quiets_is_a_storm(guest, labirq, level_line):
    document = here("check", record(guest, "storm", STORM), statuses=(1,))
    worst = document["findings"][0]
    assert worst["rule"] == "irq-storm" and worst["subject"]["irqs"] == [level_line]


@pytest.mark.on("6.12")
def test_a_line_that_nobody_cared_for(guest, labirq, level_line):
    document = here("check", record(guest, "nobody", NOBODY_CARED.format(line=level_line)), statuses=(1,))
    finding = rules_of(document)["irq-unhandled"]
    assert finding["subject"]["irqs"] == [level_line] and finding["severity"] != "information"
    assert any("nobody cared" in each["text"] for each in finding["evidence"])


@pytest.mark.on("6.12")
def test_a_work_item_that_hogs_its_cpu(guest, labirq):
    document = here("check", record(guest, "hog", WORK_HOG), statuses=(1,))
    finding = rules_of(document)["work-hog"]
    assert "labirq_work" in finding["title"] and "work-hog" in alarming(document)


@pytest.mark.on("6.12")
def test_packets_that_are_dropped_are_named_where_they_are_counted(guest):
    stack_queues(guest)
    guest.check(f"{DEAF}; {NARROW}")
    try:
        with Flood(guest):
            guest.check("sleep 1")
            document = in_guest(guest, CHECK, statuses=(1,))
    finally:
        guest.check(f"{WIDE}; {SPREAD_QUEUES}")
    rules = rules_of(document)
    assert rules["softnet-drop"]["subject"]["cpus"] == [1], "the target of RPS drops, not the CPU of the interrupts"
    assert rules["socket-drop"]["severity"] != "information"
    assert rules["softnet-squeeze"]["subject"]["cpus"]


def test_an_interrupt_on_an_isolated_cpu():
    """Its mask is that of all CPUs, and it came to CPU 3 by chance; a mask of CPU 3 alone is somebody's wish."""
    with booted("6.12", devices=("edu",), append="isolcpus=3") as guest:
        labirq = Labirq(guest)
        mask = f"/proc/irq/{labirq.irq}/smp_affinity"
        ticks = labirq.text(gap_us=10000) + "\n(echo 3000 >/sys/module/labirq/parameters/raise) &\n"
        guest.check(f"{ticks} echo 8 >{mask}; sleep 0.1")
        meant = in_guest(guest, CHECK, statuses=(0, 1))
        guest.check(f"echo f >{mask}")
        stray = in_guest(guest, CHECK, statuses=(1,))
        irq = labirq.irq
    assert "irq-on-isolated-cpu" not in alarming(meant)
    finding = rules_of(stray)["irq-on-isolated-cpu"]
    assert finding["severity"] == "warning" and finding["subject"]["cpus"] == [3]
    assert irq in finding["subject"]["irqs"]
    assert any(str(irq) in command for remedy in finding["remedies"] for command in remedy["commands"])
