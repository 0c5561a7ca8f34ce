"""Myth: workqueues are slow. The same deferred work by a tasklet and by a workqueue: how much later it begins.

Left out: caches that a switch makes cold (costs.cache_cold is 0 here), and workers that must be made first.
"""

from tophalf.myths.arms import ModelArm
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

SLOW_NS = 10_000  # "a few microseconds" is less
DEVICE = """
[machine]
cpus = 2
{app}
[[device]]
name = "card"
irq = 30
cpu = 0
rate = 1000
arrivals = "poisson"
handler_cost = "2us"
deferred_cost = "50us"
defer = "{defer}"
workqueue = "{workqueue}"
"""
APP = """
[[task]]
cpus = 0
"""


def begins(found):
    """Mean ns from the end of the device's handler to the beginning of what it deferred, 0 where nothing ran."""
    from tophalf import vocab

    events, waits, since = found["events"], [], None
    for kind, time_ns, number in zip(events.kind.tolist(), events.time_ns.tolist(), events.a.tolist(), strict=True):
        if kind == vocab.IRQ_HANDLER_EXIT and number == 30 and since is None:
            since = time_ns
        elif kind in (vocab.TASKLET_ENTRY, vocab.WORKQUEUE_EXECUTE_START) and since is not None:
            waits.append(time_ns - since)
            since = None
    return sum(waits) / len(waits) if waits else 0


SHOWN = [Figure(title="begins after", unit="ns", of=begins),
         Figure(title="context switches", unit="rate",
                of=lambda found: sum(found["context_switches"].values()) / found["simulated_ns"] * 1e9)]  # fmt: skip


def _situation(name, app, workqueue="system_wq"):
    def arm(label, defer):
        text = DEVICE.format(app=app, defer=defer, workqueue=workqueue)
        return ModelArm(label=label, scenario=text, seconds=0.3, trace=True)

    return Situation(
        name=name, arms=[arm("tasklet", "tasklet"), arm(workqueue, "work")], shown=SHOWN,
        means="how much later than the tasklet the work begins", effect=lambda one, other: begins(other) - begins(one), unit="ns",
        limit=SLOW_NS, why="a few microseconds are not slow for what may sleep",
    )  # fmt: skip


MYTH = Myth(
    name="workqueues",
    claim="Workqueues are slow",
    tried="when deferred work begins, by a tasklet and by a workqueue, on an idle CPU and beside a task",
    truth=["On a CPU with nothing else to do a work begins a context switch later than a tasklet.",
           "A worker is a task of nice 0: where another task computes on its CPU, the scheduler decides when. That can be slow.",
           "WQ_UNBOUND lets it begin on another CPU that idles; WQ_HIGHPRI gives its worker nice -20.",
           "What sleeps has no other choice but a thread, and what needs no sleep may be BH work, which is a softirq."],
    situations=[_situation("its CPU is idle", ""), _situation("a task computes on its CPU", APP),
                _situation("a task computes, another CPU is idle", APP, "system_unbound_wq"),
                _situation("a task computes, work of high priority", APP, "system_highpri_wq"),
                _situation("a task computes, BH work", APP, "system_bh_wq")],
    kernel=[Kernel(file="kernel/workqueue.c", function="kick_pool", says="wakes an idle worker: a wakeup and a switch"),
            Kernel(file="kernel/sched/fair.c", function="check_preempt_wakeup_fair", says="whether it takes the CPU at once")],
)  # fmt: skip
