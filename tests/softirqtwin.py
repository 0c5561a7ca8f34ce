"""A slow twin of interrupts, softirqs, ksoftirqd and FIFO tasks on one CPU, and the same scenario for the model.

Written the other way round: interrupts are calls within calls, tasks are generators, time passes in one loop. Arrivals have
residues of their own modulo GRID, so that nothing but ticks can fall together with the end of something.

Twin of: softirq, hardirq, apic, contexts, engine, tick, cputime.
"""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_device

GRID = 32
VECTORS = (vocab.HI, vocab.NET_TX, vocab.BLOCK, vocab.TASKLET, vocab.RCU)
COSTS = ("irq_entry", "irq_exit", "softirq_entry", "context_switch", "timer_tick")
FIRST_PID, FIRST_IRQ, KSOFTIRQD = 1002, 24, 15


class Over(Exception):
    """The run is at its end."""


class Task:
    def __init__(self, pid, prio, kernel=False):
        self.pid, self.prio, self.kernel = pid, prio, kernel
        self.awake, self.left, self.bh_off, self.depth, self.life = False, 0, 0, 0, None
        self.time_class = f.TASK


class Twin:
    """scenario: hz, kernel, preempt, threadirqs, costs, lines, actions, tasks, until_ns, as test_model_softirq makes them."""

    def __init__(self, scenario):
        self.given, self.costs, self.now, self.log = scenario, scenario["costs"], 0, []
        self.tick_ns, self.until = 10**9 // scenario["hz"], scenario["until_ns"]
        self.arrivals = sorted((time, line) for line, given in enumerate(scenario["lines"]) for time in given["times"])
        self.latched, self.pending, self.next_tick = set(), set(), self.tick_ns
        self.irqs_off, self.hardirq, self.serving, self.resched = False, 0, 0, False
        self.idle, self.ksoftirqd = Task(0, 140), Task(KSOFTIRQD, 120, kernel=True)
        self.tasks = [Task(FIRST_PID + i, 99 - given["priority"]) for i, given in enumerate(scenario["tasks"])]
        self.idle.depth, self.current = 1, self.idle
        self.idle.time_class, self.ksoftirqd.time_class = f.IDLE, f.KSOFTIRQD
        self.times, self.softirq_of, self.ticks = [0] * f.CLASSES, None, [0] * f.TICK_COLUMNS
        self.first_irq = FIRST_IRQ
        self.undecided = False  # something came at the very end of something else: which is first, only the engine's queue says
        self.ksoftirqd.life = self.ksoftirqd_life()
        for task, given in zip(self.tasks, scenario["tasks"], strict=True):
            task.life = self.task_life(task, given)

    def run(self):
        """All events: (time, kind, pid, flags, preempt, a, b, c)."""
        try:
            while True:
                self.go_on()
        except Over:
            return self.log

    def go_on(self):
        if self.resched and self.may_leave():
            self.schedule(preempted=self.current.kernel)
        elif self.current is self.idle:
            self.pass_until(self.next_event())
        elif self.current.left:
            self.compute(self.current)
        else:
            next(self.current.life)

    def compute(self, task):
        """A task's own time: another may go on in the middle of it."""
        end, event = self.now + task.left, self.next_event()
        self.undecided |= end == event
        task.left = max(0, end - event)
        self.pass_until(min(end, event))

    def pass_until(self, time):
        if time >= self.until:
            self.go_to(self.until)
            raise Over
        self.go_to(time)
        self.look_at_devices()
        self.take_interrupts()

    def go_to(self, time):
        """Let time pass: it is a hardirq's, a softirq's or ksoftirqd's, else the running task's."""
        if self.hardirq:
            whose = f.HARDIRQ
        elif self.softirq_of is not None:
            whose = self.softirq_of
        else:
            whose = self.current.time_class
        self.times[whose] += time - self.now
        self.now = time

    def next_event(self):
        return min(self.next_tick, self.arrivals[0][0] if self.arrivals else self.until)

    def look_at_devices(self):
        while self.arrivals and self.arrivals[0][0] <= self.now:
            self.latched.add(self.arrivals.pop(0)[1])
        while self.next_tick <= self.now:
            if self.current is not self.idle:
                self.latched.add("tick")
            self.next_tick += self.tick_ns

    def burn(self, ns):
        """Time in an interrupt or a softirq: only interrupts come between."""
        end = self.now + ns
        while self.next_event() <= end:
            event = self.next_event()
            self.undecided |= event == end and ns > 0
            self.go_to(min(event, self.until))
            before = self.now
            if before >= self.until:
                raise Over
            self.look_at_devices()
            self.take_interrupts()
            end += self.now - before
        self.go_to(min(end, self.until))
        if end >= self.until and ns:
            raise Over

    # Events

    def emit(self, kind, a, b=0, c=0):
        depth = self.current.depth + (kind in (vocab.SCHED_SWITCH, vocab.SCHED_WAKING)) * 2 + (kind == vocab.SCHED_WAKEUP) * 3
        if kind == vocab.SCHED_SWITCH and self.current is self.idle:
            depth -= 1
        off = self.irqs_off or kind in (vocab.SCHED_SWITCH, vocab.SCHED_WAKING, vocab.SCHED_WAKEUP, vocab.SOFTIRQ_RAISE)
        flags = 0x01 * off | 0x24 * self.resched | 0x08 * (self.hardirq > 0)
        flags |= 0x10 if self.serving else 0x80 * (self.current.bh_off > 0)
        self.log.append((self.now, kind, self.current.pid, flags, depth, a, b, c))

    # Interrupts

    def take_interrupts(self):
        while self.latched and not self.irqs_off:
            which = "tick" if "tick" in self.latched else max(self.latched)
            self.latched.remove(which)
            self.taken(which)
            self.irqs_off, self.hardirq = True, self.hardirq + 1
            self.burn(self.costs["irq_entry"])
            self.tick() if which == "tick" else self.handle(which)
            self.burn(self.costs["irq_exit"])
            self.hardirq -= 1
            if self.pending and not self.in_interrupt() and not self.left_to_ksoftirqd():
                self.wake(self.ksoftirqd) if self.given["threadirqs"] else self.softirqs()
            self.irqs_off = False

    def taken(self, which):
        """The CPU takes an interrupt."""

    def tick(self):
        self.emit(vocab.VECTOR_ENTRY, 0xEC)
        if self.current is self.ksoftirqd and any(task.awake for task in self.tasks):
            self.resched = True
        self.count_tick()
        self.burn(self.costs["timer_tick"])
        while "tick" in self.latched:  # the next one has come before this is done
            self.latched.discard("tick")
            self.count_tick()
            self.burn(self.costs["timer_tick"])
        self.emit(vocab.VECTOR_EXIT, 0xEC)

    def count_tick(self):
        """/proc/stat: the tick finds a softirq, else the kernel, a nice task or another."""
        if self.serving or self.current.kernel:
            self.ticks[f.TICK_SOFTIRQ if self.serving else f.TICK_SYSTEM] += 1
        else:
            self.ticks[f.TICK_NICE if self.current.prio > 120 else f.TICK_USER] += 1

    def handle(self, line):
        given = self.given["lines"][line]
        self.emit(vocab.IRQ_HANDLER_ENTRY, self.first_irq + line)
        self.burn(given["spend"])
        for vector in given["raises"]:
            self.raise_softirq(vector)
        if given["wakes"] is not None:
            self.wake(self.tasks[given["wakes"]])
        self.emit(vocab.IRQ_HANDLER_EXIT, self.first_irq + line, 1)

    def in_interrupt(self):
        return self.hardirq or self.serving or self.current.bh_off

    # Softirqs

    def raise_softirq(self, vector):
        self.emit(vocab.SOFTIRQ_RAISE, vector)
        self.pending.add(vector)
        if not self.in_interrupt():
            self.wake(self.ksoftirqd)

    def left_to_ksoftirqd(self):
        return self.given["kernel"] == "6.1" and self.ksoftirqd.awake and not self.pending & {vocab.HI, vocab.TASKLET}

    def softirqs(self):
        """handle_softirqs; interrupts are off before and after."""
        outer, self.softirq_of = self.softirq_of, f.KSOFTIRQD if self.current is self.ksoftirqd else f.SOFTIRQ
        self.burn(self.costs["softirq_entry"])
        end = self.now // self.tick_ns + -(-2_000_000 // self.tick_ns)
        self.serving += 1
        for restarts_left in range(9, -1, -1):
            self.one_pass()
            if not self.pending:
                break
            if self.now // self.tick_ns >= end or self.resched or not restarts_left:
                self.wake(self.ksoftirqd)
                break
        self.serving -= 1
        self.softirq_of = outer

    def one_pass(self):
        batch, self.pending = sorted(self.pending), set()
        self.irqs_off = False
        self.take_interrupts()
        for vector in batch:
            self.emit(vocab.SOFTIRQ_ENTRY, vector)
            self.action(vector)
            self.emit(vocab.SOFTIRQ_EXIT, vector)
        self.irqs_off = True

    def action(self, vector):
        given = self.given["actions"][vector]
        self.burn(given["spend"])
        for other in given["raises"]:
            self.raise_softirq(other)

    def bottom_halves_on(self, task):
        task.bh_off -= 1
        if self.pending and not self.in_interrupt() and not self.left_to_ksoftirqd():
            self.irqs_off, task.depth = True, task.depth + 1
            self.softirqs()
            self.irqs_off, task.depth = False, task.depth - 1
            self.take_interrupts()

    # Tasks

    def may_leave(self):
        """Whether the running task can be taken off its CPU between two steps."""
        if self.current is self.idle:
            return True
        return not self.current.bh_off and (not self.current.kernel or self.given["preempt"] == "full")

    def wake(self, task):
        if task.awake:
            return
        self.emit(vocab.SCHED_WAKING, task.pid, 0, task.prio)
        task.awake = True
        self.resched |= task.prio < self.current.prio
        self.emit(vocab.SCHED_WAKEUP, task.pid, 0, task.prio)

    def schedule(self, preempted, state=0):
        self.resched = False
        chosen = min((task for task in (*self.tasks, self.ksoftirqd) if task.awake), key=self.rank, default=self.idle)
        if chosen is self.current:
            return
        self.emit(vocab.SCHED_SWITCH, chosen.pid, 0x100 if preempted else state, 120 if chosen is self.idle else chosen.prio)
        self.current = chosen
        if chosen is not self.idle:
            chosen.left += self.costs["context_switch"]

    def rank(self, task):
        """The running one goes before its equals; those wait in the order in which they came, here never two."""
        return task.prio, task is not self.current

    def ksoftirqd_life(self):
        while True:
            if not self.pending:
                self.ksoftirqd.awake = False
                self.schedule(False, state=1)
                yield
                continue
            self.irqs_off = True
            self.softirqs()
            self.irqs_off = False
            self.take_interrupts()
            if self.given["preempt"] == "full":
                yield
            if self.resched:
                self.schedule(True)
            yield

    def task_life(self, task, given):
        while True:
            task.left = given["before"]
            yield
            task.bh_off += 1
            task.left = given["with_bh_off"]
            yield
            for vector in given["raises"]:
                self.raise_softirq(vector)
            self.bottom_halves_on(task)
            if self.resched and self.given["preempt"] == "full":
                self.schedule(True)
            yield
            for vector in given["raises_after"]:
                self.raise_softirq(vector)
            task.left = given["after"]
            yield
            task.awake = False
            self.schedule(False, state=1)
            yield


def model_of(scenario, cpus=1):
    """The Builder of the same scenario."""
    builder = Builder(1, cpus=cpus, **{key: scenario[key] for key in ("hz", "kernel", "preempt", "threadirqs", "costs")})
    m, tasks = builder.memory, []
    for given in scenario["tasks"]:
        program = _task_program(builder, given)
        tasks.append(builder.task("app", 0, program, policy=f.FIFO, priority=given["priority"], asleep=True))
    for vector, given in scenario["actions"].items():
        raises = [(ops.OP_RAISE, other) for other in given["raises"]]
        m[m[f.G_ACTIONS] + vector] = _program(builder, [(ops.OP_SPEND_NS, given["spend"]), *raises, (ops.OP_RET,)])
    for number, given in enumerate(scenario["lines"]):
        desc = builder.irq(FIRST_IRQ + number)
        add_device(builder, f"dev{number}", desc, False, ("times", given["times"]))
        body = [(ops.OP_SPEND_NS, given["spend"]), *((ops.OP_RAISE, vector) for vector in given["raises"])]
        if given["wakes"] is not None:
            body.append((ops.OP_WAKE, tasks[given["wakes"]]))
        builder.action(desc, f"dev{number}", _program(builder, [*body, (ops.OP_RET, f.IRQ_HANDLED)]), flags=f.IRQF_NO_THREAD)
    return builder


def _task_program(builder, given):
    return _program(builder, [
        (ops.OP_SPEND_NS, given["before"]), (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, given["with_bh_off"]),
        *((ops.OP_RAISE, vector) for vector in given["raises"]), (ops.OP_BH_ON,),
        *((ops.OP_RAISE, vector) for vector in given["raises_after"]), (ops.OP_SPEND_NS, given["after"]),
        (ops.OP_BLOCK, f.SLEEPING), (ops.OP_JUMP, "start"),
    ])  # fmt: skip


def _program(builder, instructions):
    code = Assembler()
    code.label("start")
    for instruction in instructions:
        code(*instruction)
    return builder.program(code)["start"]
