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
rate = {rate}
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


def _situation(name, rate, work, label, defer, workqueue="system_wq"):
    texts = [MACHINE.format(rate=rate, work=work, defer=how, workqueue=workqueue) for how in ("thread", defer)]
    labels = ("threaded interrupt", label)
    arms = [ModelArm(label=label, scenario=text, seconds=0.3) for label, text in zip(labels, texts, strict=True)]
    return Situation(
        name=name, arms=arms, shown=[P99, MEAN, CPU],
        means=f"p99 of a NIC's packets on the same CPU, with the {label} to with the thread",
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
    situations=[_situation("500 times a second 200 µs", 500, "200us", "tasklet", "tasklet"),
                _situation("4,000 times a second 10 µs", 4000, "10us", "tasklet", "tasklet"),
                _situation("500 times a second 200 µs, in what tasklets are ported to",
                           500, "200us", "BH work", "work", "system_bh_wq")],
    kernel=[Kernel(file="include/linux/interrupt.h", function="struct tasklet_struct", says="This API is deprecated"),
            Kernel(file="kernel/softirq.c", function="tasklet_action_common", says="runs the whole list in one softirq"),
            Kernel(file="kernel/softirq.c", function="handle_softirqs", says="one vector after the other, none on top of another")],
)  # fmt: skip
