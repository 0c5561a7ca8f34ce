"""Myth: ksoftirqd at 100 % means a slow CPU. The load placed otherwise, and a CPU of twice the speed, on three loads.

A CPU of twice the speed is one on which every step takes half. Left out: memory, which does not get faster with the CPU.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import DELIVERED, P99
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

NIC = """
[machine]
cpus = 4
tick = "always"
{kernel}
[[nic]]
queues = {queues}
cpus = "{cpus}"
rate = {rate}
arrivals = "poisson"
rx_usecs = 20
handler_cost = "{handler}ns"
poll_cost = "{poll}ns"
packet_cost = "{packet}ns"
"""
HALF = """
[costs]
irq_entry = "150ns"
irq_exit = "100ns"
softirq_entry = "50ns"
context_switch = "750ns"
ipi = "400ns"
timer_tick = "750ns"
"""


def busiest(found):
    """The share of its CPU that the busiest ksoftirqd takes."""
    return max(cpu["ksoftirqd_ns"] for cpu in found["cpus"]) / found["simulated_ns"]


SHOWN = [Figure(title="busiest ksoftirqd", unit="share", of=busiest), DELIVERED, P99]


def _arm(label, rate, queues=1, cpus="0", fast=False):
    costs = {"handler": 250, "poll": 150, "packet": 500} if fast else {"handler": 500, "poll": 300, "packet": 1000}
    text = NIC.format(rate=rate, queues=queues, cpus=cpus, kernel=HALF if fast else "", **costs)
    return ModelArm(label=label, scenario=text, seconds=0.05)


def _placed(one, other):
    """What is left of the busiest ksoftirqd where the same CPUs share the load."""
    return busiest(other)


def _faster(one, other):
    """What a faster CPU takes off the busiest ksoftirqd."""
    return busiest(one) - busiest(other)


def _situation(name, arms, means, effect, why):
    return Situation(name=name, arms=arms, shown=SHOWN, means=means, effect=effect, unit="share", limit=0.5, why=why)


def _spread(rate):
    arms = [_arm("all on CPU 0", rate, 4), _arm("on CPUs 0-3", rate, 4, "0-3")]
    means, why = "share of a CPU that the busiest ksoftirqd takes once they are spread", "were the CPUs too slow, it would stay"
    return _situation("four queues that interrupt one CPU of four, or all", arms, means, _placed, why)


def _twice(rate):
    arms = [_arm("this CPU", rate), _arm("twice as fast", rate, fast=True)]
    means, why = "share of a CPU that twice the speed takes off ksoftirqd", "a CPU that is too slow is helped by speed"
    return _situation(f"{rate:,} packets a second for one queue, on a faster CPU", arms, means, _faster, why)


MYTH = Myth(
    name="ksoftirqd",
    claim="ksoftirqd at 100 % means that the CPU is too slow",
    tried="the same load spread over CPUs of the same speed, and on a CPU of twice the speed",
    truth=["ksoftirqd runs where softirqs of one CPU come faster than it serves them: it names the CPU, not the reason.",
           "Often the load lies on one CPU and others idle: queues, their interrupts and RPS are the remedy.",
           "A faster CPU helps where the load is below what it can do; beyond that it is as busy, and loses less.",
           "It is a task as others are: 100 % also says that nobody else wanted the CPU more."],
    situations=[_spread(1_200_000), _twice(1_200_000), _twice(3_000_000)],
    kernel=[Kernel(file="kernel/softirq.c", function="handle_softirqs", says="10 passes, 2 ms or need_resched: wakes ksoftirqd"),
            Kernel(file="kernel/softirq.c", function="run_ksoftirqd", says="serves its own CPU's softirqs as a task")],
)  # fmt: skip
