"""A tiny kernel that writes the events a real one would: slow, obvious, written from kernel/softirq.c and not from the laws.

Every CPU is a generator that yields wherever another CPU may go on; interrupts come wherever they are on. Faults can be
built in, one at a time, to see which law notices.
"""

import random

from tophalf import vocab
from tophalf.events import make_table

FAULTS = (
    "highest-first", "eleven-passes", "skips-one", "keeps-pending", "no-raise", "restart-though-resched", "softirq-in-hardirq",
    "tasklet-not-locked", "tasklet-twice", "over-budget", "work-on-two", "work-not-queued", "handler-reentered",
)  # fmt: skip
RESTART_MAX = 10
VECTORS = (vocab.TIMER, vocab.NET_RX, vocab.BLOCK, vocab.TASKLET, vocab.SCHED, vocab.RCU)


class Cpu:
    def __init__(self, number):
        self.number, self.pending, self.tasklets = number, set(), []
        self.hardirqs, self.irqs_off, self.serving, self.bh_off, self.resched = 0, 0, False, 0, False
        self.pid, self.works, self.ksoftirqd_awake, self.worker_awake = 0, [], False, False


class Kernel:
    """run(steps) gives the table of a random run."""

    def __init__(self, seed, cpus=2, fault=None):
        self.random, self.fault, self.rows, self.now_ns = random.Random(seed), fault, [], 1_000_000
        self.cpus = [Cpu(number) for number in range(cpus)]
        self.tasks = {0: "<idle>", 7: "user"}
        for number in range(cpus):
            self.tasks |= {10 + number: f"ksoftirqd/{number}", 20 + number: f"kworker/{number}:0"}
        self.strings = sorted({"lab", "eth0", "events", "local_timer", *self.tasks.values()})
        self.running_tasklets, self.scheduled = set(), set()
        self.work_pending, self.work_running = set(), {}

    def run(self, steps):
        lives = [self.live(cpu) for cpu in self.cpus]
        for _ in range(steps):
            next(self.random.choice(lives))
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]} if self.rows else {"time_ns": []}
        return make_table(columns, strings=self.strings, tasks=dict(self.tasks), clock="mono", source="naive")

    def chance(self, share):
        return self.random.random() < share

    def emit(self, cpu, kind, a=0, b=0, c=0, name=None):
        self.now_ns += self.random.randint(1, 2000)
        flags = vocab.FLAG_IRQS_OFF * bool(cpu.irqs_off) | vocab.FLAG_HARDIRQ * bool(cpu.hardirqs)
        flags |= vocab.FLAG_SOFTIRQ * cpu.serving | vocab.FLAG_BH_OFF * bool(cpu.bh_off) | vocab.FLAG_NEED_RESCHED * cpu.resched
        self.rows.append({
            "time_ns": self.now_ns, "cpu": cpu.number, "kind": kind, "pid": cpu.pid, "flags": flags, "preempt": 0,
            "a": a, "b": b, "c": c, "name": self.strings.index(name) if name else -1,
        })  # fmt: skip

    # Interrupts

    def interrupts(self, cpu):
        """Wherever interrupts are on, some come."""
        yield
        while not cpu.irqs_off and self.chance(0.2):
            yield from self.hardirq(cpu)

    def hardirq(self, cpu):
        cpu.hardirqs, cpu.irqs_off = cpu.hardirqs + 1, cpu.irqs_off + 1
        if self.chance(0.5):
            yield from self.handlers(cpu)
        else:
            self.emit(cpu, vocab.VECTOR_ENTRY, 236, name="local_timer")
            self.in_hardirq(cpu)
            self.emit(cpu, vocab.VECTOR_EXIT, 236, name="local_timer")
        if self.fault == "softirq-in-hardirq" and not cpu.serving and cpu.pending:
            self.emit(cpu, vocab.SOFTIRQ_ENTRY, min(cpu.pending))
            self.emit(cpu, vocab.SOFTIRQ_EXIT, min(cpu.pending))
        cpu.hardirqs -= 1
        if cpu.pending and not cpu.serving and not cpu.bh_off:
            yield from self.serve(cpu)
        cpu.irqs_off -= 1

    def handlers(self, cpu):
        irq = self.random.choice((33, 34))
        for action in ("lab", "eth0")[: self.random.randint(1, 2)]:
            self.emit(cpu, vocab.IRQ_HANDLER_ENTRY, irq, name=action)
            if self.fault == "handler-reentered":
                self.emit(cpu, vocab.IRQ_HANDLER_ENTRY, irq, name=action)
                self.emit(cpu, vocab.IRQ_HANDLER_EXIT, irq, 1)
            yield
            self.in_hardirq(cpu)
            self.emit(cpu, vocab.IRQ_HANDLER_EXIT, irq, self.random.choice((0, 1)))

    def in_hardirq(self, cpu):
        if self.chance(0.6):
            self.raise_softirq(cpu, self.random.choice(VECTORS))
        if self.chance(0.3):
            self.schedule_tasklet(cpu, self.random.choice((0x100, 0x200, 0x300)))
        if self.chance(0.2):
            self.queue_work(cpu, self.random.choice((0x1000, 0x2000)))
        if self.chance(0.1):
            cpu.resched = True

    # Softirqs

    def raise_softirq(self, cpu, vec):
        cpu.irqs_off += 1
        if self.fault != "no-raise" or self.chance(0.5):
            self.emit(cpu, vocab.SOFTIRQ_RAISE, vec)
        cpu.pending.add(vec)
        cpu.irqs_off -= 1
        if not cpu.hardirqs and not cpu.serving and not cpu.bh_off:
            self.wake_ksoftirqd(cpu)

    def wake_ksoftirqd(self, cpu):
        if not cpu.ksoftirqd_awake and cpu.pid != 10 + cpu.number:
            cpu.ksoftirqd_awake = cpu.resched = True
            self.emit(cpu, vocab.SCHED_WAKEUP, 10 + cpu.number, cpu.number, 120, name=f"ksoftirqd/{cpu.number}")

    def serve(self, cpu):
        """handle_softirqs(), called with interrupts off."""
        restarts, cpu.serving = RESTART_MAX + (self.fault == "eleven-passes"), True
        while True:
            snapshot = sorted(cpu.pending, reverse=self.fault == "highest-first")
            if self.fault == "skips-one" and len(snapshot) > 1:
                snapshot = snapshot[1:]
            if self.fault != "keeps-pending" or self.chance(0.7):
                cpu.pending = set()
            irqs_off, cpu.irqs_off = cpu.irqs_off, 0
            yield from self.interrupts(cpu)
            for vec in snapshot:
                self.emit(cpu, vocab.SOFTIRQ_ENTRY, vec)
                yield from self.action(cpu, vec)
                self.emit(cpu, vocab.SOFTIRQ_EXIT, vec)
                yield from self.interrupts(cpu)
            cpu.irqs_off, restarts = irqs_off, restarts - 1
            if not cpu.pending:
                break
            if not restarts or cpu.resched and self.fault != "restart-though-resched":
                self.wake_ksoftirqd(cpu)
                break
        cpu.serving = False

    def action(self, cpu, vec):
        yield from self.interrupts(cpu)
        if vec == vocab.TASKLET:
            yield from self.run_tasklets(cpu)
        elif vec == vocab.NET_RX:
            for _ in range(self.random.randint(0, 3)):
                budget = 64
                self.emit(cpu, vocab.NAPI_POLL, 0x7000, budget + (self.fault == "over-budget"), budget, name="eth0")
                yield from self.interrupts(cpu)
        if self.chance(0.55):
            self.raise_softirq(cpu, self.random.choice(VECTORS))
        if self.chance(0.1):
            self.queue_work(cpu, 0x3000)

    # Tasklets

    def schedule_tasklet(self, cpu, tasklet):
        if tasklet not in self.scheduled:
            self.scheduled.add(tasklet)
            cpu.tasklets.append(tasklet)
            self.raise_softirq(cpu, vocab.TASKLET)

    def run_tasklets(self, cpu):
        todo, cpu.tasklets = cpu.tasklets, []
        if self.fault == "tasklet-twice":
            todo = list(dict.fromkeys(todo))[:3] + todo[:1]
        for tasklet in todo:
            if tasklet in self.running_tasklets and self.fault != "tasklet-not-locked":
                cpu.tasklets.append(tasklet)
                self.raise_softirq(cpu, vocab.TASKLET)
                continue
            self.running_tasklets.add(tasklet)
            self.scheduled.discard(tasklet)
            self.emit(cpu, vocab.TASKLET_ENTRY, tasklet, 0x9000)
            for _ in range(self.random.randint(0, 6)):
                yield from self.interrupts(cpu)
            if self.chance(0.3):
                self.schedule_tasklet(cpu, tasklet)
            self.emit(cpu, vocab.TASKLET_EXIT, tasklet, 0x9000)
            self.running_tasklets.discard(tasklet)

    # Work items

    def queue_work(self, cpu, work):
        if work in self.work_pending and self.fault != "work-not-queued":
            return
        pool = self.cpus[self.work_running.get(work, cpu.number)]
        if self.fault == "work-on-two":
            pool = cpu
        if work not in self.work_pending:
            self.emit(cpu, vocab.WORKQUEUE_QUEUE_WORK, work, 0x8000, cpu.number, name="events")
            self.emit(cpu, vocab.WORKQUEUE_ACTIVATE_WORK, work, 0x8000)
        if self.fault == "work-on-two":
            self.cpus[1 - cpu.number].works.append(work)
        self.work_pending.add(work)
        pool.works.append(work)

    def work(self, cpu):
        """A worker that was idle: it claims what is queued, one item after another."""
        while cpu.works:
            work = cpu.works.pop(0)
            self.work_pending.discard(work)
            self.work_running[work] = cpu.number
            yield from self.interrupts(cpu)
            self.emit(cpu, vocab.WORKQUEUE_EXECUTE_START, work, 0x8000)
            for _ in range(self.random.randint(0, 5)):
                yield from self.interrupts(cpu)
            self.emit(cpu, vocab.WORKQUEUE_EXECUTE_END, work, 0x8000)
            if self.work_running.get(work) == cpu.number:
                del self.work_running[work]

    # Tasks

    def switch(self, cpu, pid, state):
        cpu.irqs_off += 1
        self.emit(cpu, vocab.SCHED_SWITCH, pid, state, 120, name=self.tasks[pid])
        cpu.pid, cpu.resched = pid, False
        cpu.irqs_off -= 1

    def live(self, cpu):
        """One CPU for ever: idle, then ksoftirqd, a worker or a user task."""
        while True:
            yield from self.interrupts(cpu)
            if cpu.ksoftirqd_awake:
                self.switch(cpu, 10 + cpu.number, 0)
                yield from self.ksoftirqd(cpu)
                self.switch(cpu, 0, 1)
            elif cpu.works:
                self.switch(cpu, 20 + cpu.number, 0)
                yield from self.work(cpu)
                self.switch(cpu, 0, 128)
            elif self.chance(0.2):
                self.switch(cpu, 7, 0)
                yield from self.user(cpu)
                self.switch(cpu, 0, 1)

    def ksoftirqd(self, cpu):
        while cpu.pending:
            cpu.irqs_off += 1
            yield from self.serve(cpu)
            cpu.irqs_off -= 1
            cpu.resched = False
            yield from self.interrupts(cpu)
        cpu.ksoftirqd_awake = False

    def user(self, cpu):
        """A task that sends: BH off, a raise, and softirqs on the way out (__local_bh_enable_ip())."""
        for _ in range(self.random.randint(1, 4)):
            yield from self.interrupts(cpu)
            cpu.bh_off += 1
            yield from self.interrupts(cpu)
            if self.chance(0.7):
                self.raise_softirq(cpu, vocab.NET_RX)
            cpu.bh_off -= 1
            if cpu.pending:
                cpu.irqs_off += 1
                yield from self.serve(cpu)
                cpu.irqs_off -= 1
