"""The language of the sequences: what a task, a handler, a tasklet does, said once for the kernel and for the model.

A Sequence is a list of parts: lines, tasks, tasklets, works, ... by number, each with its program. An instruction is a
tuple (name, a, b); the functions below write them. `kernel` has labseq play them, `model` makes a world of them.
Sequences begin with the tasks on their CPUs; CPU 0 is left to who watches.
"""

HI, TIMER_SOFTIRQ, NET_TX, NET_RX, BLOCK, IRQ_POLL, TASKLET_SOFTIRQ = range(7)
CPUS = 4
CPU = 1  # where things are unless they say more

# As in enum op of labseq.c
OPS = (
    "end", "spend", "ret", "times", "once", "signal", "await", "fire", "send", "ack", "mine",
    "raise", "tasklet", "tasklet_hi", "tasklet_disable", "tasklet_enable",
    "bh_off", "bh_on", "irqs_off", "irqs_on", "preempt_off", "preempt_on",
    "wake", "block", "sleep", "disable_irq", "enable_irq", "affinity",
    "queue", "queue_on", "delay", "mod_delay", "cancel", "cancel_sync", "flush", "flush_queue",
    "timer", "hrtimer", "hrtimer_soft", "napi", "rx", "cond_resched", "tasklet_kill", "synchronize",
)  # fmt: skip
# As in enum kind
KINDS = ("task", "handler", "thread", "tasklet", "work", "timer", "hrtimer", "napi", "softirq")


class Part:
    """One object: kind and index, its program, and what else is set of it."""

    def __init__(self, kind, index, program=None, **settings):
        self.kind, self.index, self.program, self.settings = kind, index, program, settings


class Sequence:
    """name; says: what it shows, one sentence; parts; on: kernels that have what it needs; timers: its time passes in
    ticks, which are then no disturbance; pairs: what of two CPUs comes in which order, as (earlier, later) lines; unbound:
    where its workers run is the scheduler's choice, so only the order of its work items is compared."""

    def __init__(self, name, says, *parts, on=("6.12", "6.1"), timers=False, pairs=(), unbound=False, settle_ms=10):
        self.name, self.says, self.on, self.timers, self.pairs, self.settle_ms = name, says, on, timers, pairs, settle_ms
        self.unbound = unbound
        self.parts = [one for part in parts for one in (part if isinstance(part, list) else [part])]

    def of(self, kind):
        """Its parts of a kind, {index: Part}."""
        return {part.index: part for part in self.parts if part.kind == kind}

    def cpus(self):
        """CPUs that it uses, sorted."""
        if self.unbound:
            return list(range(CPUS))
        used = {part.settings["cpu"] for part in self.parts if "cpu" in part.settings}
        used |= {op[2] for part in self.parts for op in part.program or () if op[0] in ("affinity", "queue_on")}
        return sorted(used)


# Objects


def task(index, *program, cpu=CPU, priority=50, asleep=False):
    """A kernel thread bound to a CPU. priority: of SCHED_FIFO, 0 for the fair class. asleep: until `wake`."""
    return Part("task", index, program, cpu=cpu, priority=priority, asleep=asleep)


def line(index, *handler, cpu=CPU, thread=None, intx=False, oneshot=False, default=False):
    """An interrupt line, edge (MSI) or level (INTx). thread: program of its thread; default: the thread's only handler."""
    parts = [Part("line", index, cpu=cpu, intx=intx, oneshot=oneshot, default=default, threaded=thread is not None),
             Part("handler", index, handler)]  # fmt: skip
    return parts + ([] if thread is None else [Part("thread", index, thread)])


def tasklet(index, *program):
    return Part("tasklet", index, program)


def softirq(vector, *program):
    """What a vector does instead of what the kernel has there: NET_TX, BLOCK, IRQ_POLL."""
    return Part("softirq", vector, program)


def work(index, *program, queue=0):
    return Part("work", index, program, queue=queue)


def workqueue(index, *flags, max_active=0, system=None):
    """One made with flags (WQ_...) or "ordered", or one of the system's by name: system, highpri, unbound, bh, bh_highpri."""
    if flags == ("ordered",):
        flags, system = (), "ordered"
    return Part("workqueue", index, flags=flags, max_active=max_active, system=system)


def timer(index, *program):
    return Part("timer", index, program)


def hrtimer(index, *program):
    return Part("hrtimer", index, program)


def napi(index, *program, finds=(1,)):
    """A NAPI instance; its poll ends with `rx`, which finds so many packets: the first time, the second, ..., then always."""
    return Part("napi", index, program, finds=finds)


# Instructions


def _plain(name):
    return lambda a=0, b=0: (name, a, b)


spend, ret, times, once, signal, await_, fire, send, ack, mine = map(_plain, (
    "spend", "ret", "times", "once", "signal", "await", "fire", "send", "ack", "mine"))  # fmt: skip
raise_, schedule, schedule_hi, tasklet_disable, tasklet_enable, tasklet_kill = map(_plain, (
    "raise", "tasklet", "tasklet_hi", "tasklet_disable", "tasklet_enable", "tasklet_kill"))  # fmt: skip
wake, sleep, disable_irq, enable_irq, affinity, synchronize = map(_plain, (
    "wake", "sleep", "disable_irq", "enable_irq", "affinity", "synchronize"))  # fmt: skip
queue, queue_on, delay, mod_delay, cancel, cancel_sync, flush, flush_queue = map(_plain, (
    "queue", "queue_on", "delay", "mod_delay", "cancel", "cancel_sync", "flush", "flush_queue"))  # fmt: skip
start_timer, start_hrtimer, start_hrtimer_soft, schedule_napi = map(_plain, (
    "timer", "hrtimer", "hrtimer_soft", "napi"))  # fmt: skip
bh_off, bh_on, irqs_off, irqs_on, preempt_off, preempt_on, block, rx, cond_resched = ((name, 0, 0) for name in (
    "bh_off", "bh_on", "irqs_off", "irqs_on", "preempt_off", "preempt_on", "block", "rx", "cond_resched"))  # fmt: skip
IRQ_NONE, IRQ_HANDLED, WAKE_THREAD = 0, 1, 2

# What many sequences have: a softirq that does nothing much, and where in the trace a program is, told by that softirq
QUIET = softirq(IRQ_POLL, spend(2))
MARK = (bh_off, raise_(IRQ_POLL), bh_on)
