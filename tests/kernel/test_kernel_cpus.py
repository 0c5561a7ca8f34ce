"""`tophalf cpus` on real kernels: counters between two readings of the kernel's own, packets and threads a second way."""

import json

import pytest
from asking import ask, between, in_guest
from known_work import SPREAD_QUEUES, Flood, stack_queues

SINCE_BOOT = "python3 -m tophalf cpus --json --seconds 0"
SOFTIRQS = "grep ^softirq /proc/stat"
SWITCHES = "grep ^ctxt /proc/stat"
PACKETS = "cat /sys/class/net/*/statistics/rx_packets"
ORDER = ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU")
SEND_23 = """python3 -c '
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(23): sender.sendto(b"x", ("127.0.0.1", 9999))'; sleep 0.3"""
RUNTIME = "cat /proc/$(pgrep -x 'ksoftirqd/0')/schedstat"


def sums(document):
    """{vector: softirqs of all CPUs}."""
    return {name: sum(row["softirqs"][name] for row in document["cpus"]) for name in ORDER}


def test_softirqs_agree_with_proc_stat(guest, labirq):
    labirq.set(tasklets=2, gap_us=500, **{"raise": 5})
    before, printed, after = between(guest, SOFTIRQS, SINCE_BOOT)
    said = sums(json.loads(printed))
    # fs/proc/stat.c show_softirq: the total, then each vector in its own order
    for index, name in enumerate(ORDER):
        assert int(before.split()[2 + index]) <= said[name] <= int(after.split()[2 + index]), name
    assert said["TASKLET"] >= 5


def test_context_switches_agree_with_proc_stat(guest):
    before, printed, after = between(guest, SWITCHES, SINCE_BOOT)
    assert int(before.split()[1]) <= json.loads(printed)["context_switches"] <= int(after.split()[1])


def test_packets_processed_are_those_the_devices_received(guest):
    old, old_packets = ask(guest, SINCE_BOOT, PACKETS)
    new, new_packets = ask(guest, f"{SEND_23}; {SINCE_BOOT}", PACKETS)
    processed = [sum(row["softnet"]["processed"] for row in json.loads(text)["cpus"]) for text in (old, new)]
    received = [sum(map(int, text.split())) for text in (old_packets, new_packets)]
    assert processed[1] - processed[0] == received[1] - received[0] >= 23


def test_interrupts_of_a_cpu_are_its_column(guest):
    column = "awk 'NR > 1 && NF > 4 {sum += $3} END {print sum}' /proc/interrupts"
    before, printed, after = between(guest, column, SINCE_BOOT)
    assert int(before) <= json.loads(printed)["cpus"][1]["interrupts"] <= int(after)


def test_without_cpu_1_there_is_no_row_for_it(guest):
    guest.check("echo 0 >/sys/devices/system/cpu/cpu1/online")
    try:
        document = in_guest(guest, "cpus --seconds 1")
    finally:
        guest.check("echo 1 >/sys/devices/system/cpu/cpu1/online")
    assert [row["cpu"] for row in document["cpus"]] == [0, 2, 3]
    assert all(row["softnet"] and row["busy_share"] is not None for row in document["cpus"])


@pytest.mark.on("6.12", "6.1")
def test_ksoftirqd_under_a_flood_agrees_with_the_scheduler(guest):
    stack_queues(guest)
    with Flood(guest):
        try:
            before, printed, after = between(guest, RUNTIME, "sleep 1; python3 -m tophalf cpus --json --seconds 4")
        finally:
            guest.check(SPREAD_QUEUES)
    document = json.loads(printed)
    share = document["cpus"][0]["ksoftirqd_share"]
    assert share > 0.3
    assert share * document["machine"]["seconds"] * 1e9 <= int(after.split()[0]) - int(before.split()[0]) + 2e7  # two ticks
    assert all(row["ksoftirqd_share"] < share / 2 for row in document["cpus"][1:])
    rates = [row["softnet"]["processed"] for row in document["cpus"]]
    assert rates[0] > 1000 and rates[0] == max(rates)


@pytest.mark.on("rt")
def test_irq_threads_are_charged_to_their_cpu(guest, labirq):
    guest.check(f"echo 2 >/proc/irq/{labirq.irq}/smp_affinity_list")
    try:
        labirq.set(**{"raise": 2})
        busy = labirq.text(handler_us=2000, gap_us=500) + "\n(echo 3000 >/sys/module/labirq/parameters/raise) & "
        document = json.loads(guest.check(busy + "python3 -m tophalf cpus --json --seconds 3; kill %1; wait"))
    finally:
        guest.check(f"echo f >/proc/irq/{labirq.irq}/smp_affinity")
    shares = [row["irq_threads_share"] for row in document["cpus"]]
    assert shares[2] > 0.2 and shares[2] == max(shares)
    assert labirq_thread(guest) in guest.check("ps -eo comm,psr,cls,rtprio | grep irq/")


def labirq_thread(guest):
    """The name of its handler thread."""
    return f"irq/{guest.check('grep labirq /proc/interrupts').split(':')[0].strip()}-labirq"
