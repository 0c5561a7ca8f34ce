"""A slow twin of PREEMPT_RT's bottom halves on one CPU: a lock that FIFO tasks and ksoftirqd wait for, and lend priority for.

Above schedtwin's tasks. After kernel/softirq.c (__local_bh_disable_ip, __local_bh_enable_ip, ksoftirqd_run_begin) and rtmutex:
waiters by priority, the owner at that of the first; a lock that was let go is free until the waiter that was woken for it runs.
Steps besides schedtwin's: ("bh_off",), ("bh_on",), ("raise", vector).

Twin of: bhlock.
"""

from schedtwin import Entity, SchedTwin, sched_model_of
from softirqtwin import FIRST_IRQ, KSOFTIRQD
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler

BLOCKED = 2


class RtTwin(SchedTwin):
    """scenario: schedtwin's; a line has `raises`; actions {vector: {spend, raises}}."""

    def __init__(self, scenario):
        super().__init__(scenario | {"preempt": "full", "threadirqs": False})
        self.ksoftirqd = Entity(KSOFTIRQD, {"nice": 0, "asleep": True, "steps": []})
        self.ksoftirqd.kernel, self.ksoftirqd.time_class = True, f.KSOFTIRQD
        self.ksoftirqd.life = self.ksoftirqd_life()
        self.owner, self.waiters = None, []
        for task in (*self.tasks, self.ksoftirqd, self.idle):
            task.serves, task.own_fifo = False, None

    @property
    def serving(self):
        return self.current.serves

    @serving.setter
    def serving(self, value):
        assert not value

    # The lock

    def first_in(self, task):
        """Whether the task has bottom halves off from now on; else it waits, and tries again."""
        if task.bh_off or self.owner is task:
            return True
        if self.owner is None and self.may_take(task):
            self.waiters = [other for other in self.waiters if other is not task]
            self.owner = task
            return True
        if task not in self.waiters:
            at = sum(other.fifo >= task.fifo for other in self.waiters)
            self.waiters.insert(at, task)
            if self.owner and task.fifo > self.owner.fifo:
                self.boost(self.owner, task.fifo)
        task.awake = False
        self.schedule(False, state=BLOCKED)
        return False

    def may_take(self, task):
        """A free lock is for the first waiter, for one of higher priority, among tasks that are not of FIFO for whoever runs."""
        if not self.waiters or self.waiters[0] is task:
            return True
        first = self.waiters[0].fifo
        return task.fifo > first or task.fifo == first == 0

    def boost(self, owner, fifo):
        if owner.own_fifo is None:
            owner.own_fifo = owner.fifo
        if owner.fifo:
            self.fifo.remove(owner)
        else:
            self.fair.leave(owner)
        owner.fifo, owner.prio = fifo, 99 - fifo
        self.fifo_insert(owner)

    def release(self, task):
        if task.own_fifo is not None:
            self.fifo.remove(task)
            task.fifo, task.own_fifo = task.own_fifo, None
            task.prio = 99 - task.fifo if task.fifo else 120 + task.nice
            if task.fifo:
                self.fifo.insert(sum(other.fifo > task.fifo for other in self.fifo), task)
            else:
                self.fair.come_back(task)
                self.resched |= bool(self.fifo)
        self.owner = None
        if self.waiters:
            super().wake(self.waiters[0])  # if that has not been done

    def wake(self, task):
        """A task that waits for the lock is woken by nothing else (TASK_RTLOCK_WAIT)."""
        if task not in self.waiters:
            super().wake(task)

    # Softirqs, in tasks

    def in_interrupt(self):
        return self.hardirq or self.current.serves or self.current.bh_off

    def handle(self, line):
        given = self.given["lines"][line]
        self.emit(vocab.IRQ_HANDLER_ENTRY, FIRST_IRQ + line)
        self.burn(given["spend"])
        for vector in given["raises"]:
            self.raise_softirq(vector)
        for task in given["wakes"]:
            self.wake(self.tasks[task])
        self.emit(vocab.IRQ_HANDLER_EXIT, FIRST_IRQ + line, 1)

    def raise_softirq(self, vector):
        self.emit(vocab.SOFTIRQ_RAISE, vector)
        self.pending.add(vector)
        if not self.in_interrupt() and self.owner is None:
            self.wake(self.ksoftirqd)

    def left_to_ksoftirqd(self):
        return False

    def softirqs(self):
        """At the end of an interrupt."""
        if self.owner is None:
            self.wake(self.ksoftirqd)

    def serve(self, task):
        """handle_softirqs, as far as others can come between."""
        outer, task.time_class = task.time_class, f.KSOFTIRQD if task is self.ksoftirqd else f.SOFTIRQ
        task.kernel = True
        self.irqs_off, before = True, self.times[f.KSOFTIRQD]
        self.burn(self.costs["softirq_entry"])
        task.ran += self.times[f.KSOFTIRQD] - before
        end = self.now // self.tick_ns + -(-2_000_000 // self.tick_ns)
        task.serves = True
        for restarts_left in range(9, -1, -1):
            batch, self.pending, self.irqs_off = sorted(self.pending), set(), False
            self.take_interrupts()
            yield
            for vector in batch:
                self.emit(vocab.SOFTIRQ_ENTRY, vector)
                task.left = self.given["actions"][vector]["spend"]
                yield
                for other in self.given["actions"][vector]["raises"]:
                    self.raise_softirq(other)
                self.emit(vocab.SOFTIRQ_EXIT, vector)
                yield
            self.irqs_off = True
            if not self.pending:
                break
            if self.now // self.tick_ns >= end or self.resched or not restarts_left:
                self.wake(self.ksoftirqd)
                break
        task.serves, task.time_class = False, outer
        self.release(task)
        self.irqs_off = False
        self.take_interrupts()
        yield
        task.kernel = task is self.ksoftirqd

    def ksoftirqd_life(self):
        task = self.ksoftirqd
        while True:
            if self.pending and not self.first_in(task):
                yield
                continue
            if self.pending:
                yield from self.serve(task)
                continue
            if self.owner is task:
                self.release(task)
            task.awake = False
            self.schedule(False, state=1)
            yield

    def step(self, task, what, argument=None):
        if what == "bh_off":
            while not self.first_in(task):
                yield
            task.bh_off += 1
            yield
        elif what == "bh_on":
            task.bh_off -= 1
            if task.bh_off == 0 and self.pending:
                yield from self.serve(task)
            elif task.bh_off == 0:
                self.release(task)
            if self.resched and not task.bh_off:
                self.schedule(True)
            yield
        elif what == "raise":
            self.raise_softirq(argument)
            yield
        else:
            yield from super().step(task, what, argument)


def rt_model_of(scenario):
    """The Builder of the same scenario."""
    extra = {"bh_off": (ops.OP_BH_OFF,), "bh_on": (ops.OP_BH_ON,)}
    builder = sched_model_of(scenario | {"tasks": [given | {"steps": []} for given in scenario["tasks"]], "lines": [
        line | {"wakes": []} for line in scenario["lines"]
    ]})  # fmt: skip
    m = builder.memory
    m[f.G_THREADIRQS] = 1
    tasks = [task for pid, task in builder.tasks.items() if pid >= 1000]
    for task, given in zip(tasks, scenario["tasks"], strict=True):
        plain = {"run": ops.OP_SPEND_NS, "sleep": ops.OP_SLEEP, "raise": ops.OP_RAISE}
        body = [extra[step[0]] if step[0] in extra else (plain[step[0]], step[1]) for step in given["steps"]]
        m[m[task + f.K_FRAME] + f.F_PC] = _place(builder, [*body, (ops.OP_JUMP, "start")])
    for vector, given in scenario["actions"].items():
        raises = [(ops.OP_RAISE, other) for other in given["raises"]]
        m[m[f.G_ACTIONS] + vector] = _place(builder, [(ops.OP_SPEND_NS, given["spend"]), *raises, (ops.OP_RET,)])
    for number, given in enumerate(scenario["lines"]):
        raises = [(ops.OP_RAISE, vector) for vector in given["raises"]]
        wakes = [(ops.OP_WAKE, tasks[task]) for task in given["wakes"]]
        body = [(ops.OP_SPEND_NS, given["spend"]), *raises, *wakes, (ops.OP_RET, f.IRQ_HANDLED)]
        m[m[builder.irqs[FIRST_IRQ + number] + f.D_ACTIONS] + f.A_HANDLER] = _place(builder, body)
    return builder


def _place(builder, instructions):
    code = Assembler()
    code.label("start")
    for instruction in instructions:
        code(*instruction)
    return builder.program(code)["start"]
