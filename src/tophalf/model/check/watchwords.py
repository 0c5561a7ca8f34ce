"""Words for what takes too long or never ends: {kind: function of a reports.Case}.

kernel/watchdog.c, kernel/hung_task.c, kernel/rcu/tree_stall.h, kernel/irq/spurious.c. What no kernel says has words of ours.
"""

from tophalf.model import fields as f
from tophalf.model.check import watchfields as w
from tophalf.model.sched.contexts import TIME_STANDS_STILL
from tophalf.vocab import human_ns

LET_OTHERS = "let others run: sleep, or call cond_resched() in the loop, with no spinlock held"


def _task(case):
    """comm:pid of the task that runs, or is meant."""
    comm = case.name(case.task + f.K_NAME)
    return f"{comm}:{int(case.m[case.task + f.K_PID])}"


def _hard_lockup(case):
    title = f"watchdog: Watchdog detected hard LOCKUP on cpu {case.cpu}"
    return "hard-lockup", title, "turn interrupts on again within microseconds; wait for nothing while they are off"


def _soft_lockup(case):
    title = f"watchdog: BUG: soft lockup - CPU#{case.cpu} stuck for {case.about}s! [{_task(case)}]"
    return "soft-lockup", title, LET_OTHERS


def _rcu_stall(case):
    return "rcu-stall", "rcu: INFO: rcu_preempt self-detected stall on CPU", LET_OTHERS


def _rcu_stall_elsewhere(case):
    found = f"{case.cpu}-...! (detected by {case.other}, t={case.about} jiffies)"
    return "rcu-stall", f"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks: {found}", LET_OTHERS


def _hung_task(case):
    title = f"INFO: task {_task(case)} blocked for more than {case.about} seconds."
    return "hung-task", title, "see who should wake it or let go of what it waits for; wait interruptibly where that may take long"


def _handler(case, row):
    return case.world.builder.watched[row]


def _too_long(case):
    handler, longest = _handler(case, case.about), int(case.m[case.about + w.HW_LONGEST])
    most = f", the longest of {case.count:,} such times {human_ns(longest)}" if case.count > 1 else ""
    what = f"the hrtimer's function {handler.name}" if handler.irq is None else f"the handler {handler.name} of IRQ {handler.irq}"
    title = f"{what} took {human_ns(case.other)}{most}; nothing else runs on its CPU then"
    return "too-long", title, "keep a top half below 100 µs: leave the work to a thread, a softirq or a work", case.about


def _at_return(case):
    """The address of the return, or of what stands for the handler where an NMI came between."""
    return case.place if case.places.of(case.place) else case.about


def _level(case):
    handler = _handler(case, case.about)
    title = f"irq {handler.irq}: the level line is still held: {handler.name} has answered {case.other:,} times to one cause"
    return "level", title, "acknowledge at the device what it asserts its line for, on every path", _at_return(case)


def _claims(case):
    handler = _handler(case, case.about)
    title = f"irq {handler.irq}: {handler.name} claims an interrupt that another device on the line has raised"
    return "claims-other", title, "return IRQ_NONE where the own device does not want attention", _at_return(case)


def _nobody_cared(case):
    handler = _handler(case, case.about)
    title = f'irq {handler.irq}: nobody cared (try booting with the "irqpoll" option)'
    do = f"{handler.name} answered IRQ_NONE {case.other:,} times while its device wanted attention: look at each of its causes"
    return "nobody-cared", title, do, _at_return(case)


def _never_ends(case):
    title = f"{case.function()} goes round and round at no cost of time, millions of steps of it"
    do = "let the loop end, or say with spend() or udelay() what a round takes"
    return "never-ends", title, do, case.places.loop_of(case.place)


def _for_ever(case):
    title = f"it queues itself for ever: {case.about:,} runs in a row, in {human_ns(case.other)}, each from within the one before"
    return "for-ever", title, "queue it again only while there is something to do, or with a delay", case.place


WORDS = {
    TIME_STANDS_STILL: _never_ends,
    w.HARD_LOCKUP: _hard_lockup, w.SOFT_LOCKUP: _soft_lockup, w.RCU_STALL: _rcu_stall, w.RCU_STALL_ELSEWHERE: _rcu_stall_elsewhere,
    w.HUNG_TASK: _hung_task, w.TOO_LONG: _too_long, w.LEVEL_HELD: _level, w.CLAIMS_OTHERS: _claims,
    w.NOBODY_CARED: _nobody_cared, w.FOR_EVER: _for_ever,
}  # fmt: skip
