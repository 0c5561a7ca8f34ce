"""Myth: tasklets are the recommended bottom half. That is a rule; what is measured is what a tasklet makes others wait for.

Left out: that one tasklet never runs on two CPUs, which no second CPU here would show.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.figures import CPU, MARGIN, MEAN, P99, p99_latency, ratio
from tophalf.myths.myth import Kernel, Myth, Situation

MACHINE = """
[[device]]
name = "card"
irq = 30
rate = 500
arrivals = "poisson"
handler_cost = "5us"
defer = "{defer}"
workqueue = "{workqueue}"
deferred_cost = "{work}"
[[nic]]
rate = 30_000
arrivals = "poisson"
packet_cost = "2us"
"""


def _arm(label, defer, work, workqueue="system_wq"):
    return ModelArm(label=label, scenario=MACHINE.format(defer=defer, work=work, workqueue=workqueue), seconds=0.3)


def _situation(name, work, label, defer, workqueue="system_wq"):
    return Situation(
        name=name, arms=[_arm("threaded interrupt", "thread", work), _arm(label, defer, work, workqueue)],
        shown=[P99, MEAN, CPU], means=f"p99 of a NIC's packets on the same CPU, with the {label} to with the thread",
        effect=lambda one, other: ratio(p99_latency(one), p99_latency(other)), unit="ratio", limit=MARGIN, below=True,
        why="a bottom half to recommend makes packets wait no longer than a thread does",
    )  # fmt: skip


MYTH = Myth(
    name="tasklets",
    claim="Tasklets are the recommended bottom half",
    tried="how long packets wait on the CPU where a tasklet runs, and where a thread does the same work",
    truth=["What is recommended is a rule: the kernel's own header calls the interface deprecated, for threaded interrupts.",
           "What can be measured is whom it blocks: softirqs do not interrupt each other, so packets wait until it is done.",
           "A thread is preempted by their interrupts and softirqs: packets do not wait for it.",
           "BH workqueues (6.9) replace the interface, not the context: they block as a tasklet does."],
    rule='include/linux/interrupt.h says of tasklets: "This API is deprecated. Please consider using threaded IRQs instead"',
    situations=[_situation("200 µs of work for each interrupt", "200us", "tasklet", "tasklet"),
                _situation("10 µs of work for each interrupt", "10us", "tasklet", "tasklet"),
                _situation("200 µs, in what tasklets are ported to", "200us", "BH work", "work", "system_bh_wq")],
    kernel=[Kernel(file="include/linux/interrupt.h", function="struct tasklet_struct", says="This API is deprecated"),
            Kernel(file="kernel/softirq.c", function="tasklet_action_common", says="runs the whole list in one softirq"),
            Kernel(file="kernel/softirq.c", function="handle_softirqs", says="one vector after the other, none on top of another")],
)  # fmt: skip
