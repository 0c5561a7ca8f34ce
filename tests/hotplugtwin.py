"""A slow twin of a CPU that goes offline and comes back on a machine that does nothing else: who wakes whom, who runs when.

Written down in the order of kernel/cpu.c, with times added up by hand; at least three CPUs, so that the writer's CPU is idle when
the last of the others ends stop_machine.

Twin of: hotplug, stopmachine, park.
"""

from tophalf import vocab

RES, CAL, MDELAY_NS = 253, 251, 1_000_000
RUNNING, SLEEPS, BLOCKED, PARKED = 0, 1, 2, 0x40


class HotplugTwin:
    """costs: context_switch, ipi, irq_entry, irq_exit. pids: functions of a CPU's number, and the writer's."""

    def __init__(self, cpus, costs, kernel, writer, ksoftirqd, cpuhp, migration):
        self.cpus, self.kernel, self.writer = cpus, kernel, writer
        self.ksoftirqd, self.cpuhp, self.migration = ksoftirqd, cpuhp, migration
        self.switch_ns, self.ipi_ns = costs["context_switch"], costs["ipi"]
        self.irq_ns = costs["irq_entry"], costs["irq_exit"]
        self.events, self.fifo = [], {migration(cpu) for cpu in range(cpus)}

    def emit(self, time, cpu, kind, pid, a, b=0):
        self.events.append((time, cpu, kind, pid, a, b))

    def wake(self, time, cpu, by, task, home):
        self.emit(time, cpu, vocab.SCHED_WAKING, by, task, home)
        self.emit(time, cpu, vocab.SCHED_WAKEUP, by, task, home)

    def switch(self, time, cpu, old, state, new):
        """Returns when the new one runs."""
        self.emit(time, cpu, vocab.SCHED_SWITCH, old, new, state)
        return time + (self.switch_ns if new else 0)

    def interrupt(self, time, cpu, vector, running=0):
        """One that was sent earlier comes at `time`. Returns when it is over."""
        entry, leave = self.irq_ns
        self.emit(time + entry, cpu, vocab.VECTOR_ENTRY, running, vector)
        self.emit(time + entry, cpu, vocab.VECTOR_EXIT, running, vector)
        return time + entry + leave

    def reaches(self, time, cpu, task, *vectors):
        """A task that was woken at `time` from elsewhere on an idle CPU. Returns when it runs."""
        time += self.ipi_ns
        for vector in vectors or (RES,):
            time = self.interrupt(time, cpu, vector)
        return self.switch(time, cpu, 0, RUNNING, task)

    def asks(self, time, target):
        """The writer wakes cpuhp/N and waits. Returns when that runs."""
        self.wake(time, 0, self.writer, self.cpuhp(target), target)
        self.switch(time, 0, self.writer, BLOCKED, 0)
        return self.reaches(time, target, self.cpuhp(target))

    def answers(self, time, target, state):
        """cpuhp/N wakes the writer and is gone. Returns when the writer runs."""
        self.wake(time, target, self.cpuhp(target), self.writer, 0)
        self.switch(time, target, self.cpuhp(target), state, 0)
        return self.reaches(time, 0, self.writer)

    def ordered(self, time):
        self.wake(time, 0, 0, self.writer, 0)
        return self.switch(time, 0, 0, RUNNING, self.writer)

    def offline(self, time, target):
        thread, ksoftirqd = self.cpuhp(target), self.ksoftirqd(target)
        time = self.asks(self.ordered(time), target)
        self.wake(time, target, thread, ksoftirqd, target)
        time = self.switch(time, target, thread, BLOCKED, ksoftirqd)
        self.wake(time, target, ksoftirqd, thread, target)
        time = self.switch(time, target, ksoftirqd, PARKED, thread)
        time = self.answers(time, target, SLEEPS)
        time = self.answers(self.asks(time, target), target, PARKED)
        self.dead(self.stop_machine(time, target))

    def stop_machine(self, time, target):
        """Returns when the writer runs again."""
        others = [cpu for cpu in range(self.cpus) if cpu]
        for cpu in range(self.cpus):
            self.wake(time, 0, self.writer, self.migration(cpu), cpu)
        self.switch(time, 0, self.writer, BLOCKED, self.migration(0))
        for cpu in others:
            all_there = self.reaches(time, cpu, self.migration(cpu))
        over = all_there + MDELAY_NS
        self.switch(over, target, self.migration(target), PARKED, 0)
        last = max(cpu for cpu in others if cpu != target)
        for cpu in range(self.cpus):
            if cpu == last:
                self.wake(over, cpu, self.migration(cpu), self.writer, 0)
            if cpu != target:
                self.switch(over, cpu, self.migration(cpu), SLEEPS, 0)
        return self.reaches(over, 0, self.writer, RES, CAL)  # CAL: from the dying one, first for timers, then from its idle

    def dead(self, time):
        """What the CPU left behind is raised here."""
        writer, ksoftirqd = self.writer, self.ksoftirqd(0)
        self.emit(time, 0, vocab.SOFTIRQ_RAISE, writer, vocab.NET_TX)
        self.wake(time, 0, writer, ksoftirqd, 0)
        self.emit(time, 0, vocab.SOFTIRQ_RAISE, writer, vocab.IRQ_POLL)
        first, second = (vocab.NET_TX, vocab.IRQ_POLL), (vocab.HI, vocab.TASKLET)
        if self.kernel == "6.1":  # ksoftirqd can run: it has them all
            first, second = (), (vocab.HI, vocab.NET_TX, vocab.IRQ_POLL, vocab.TASKLET)
        self.run(time, writer, first)
        for vector in (vocab.TASKLET, vocab.HI):
            self.emit(time, 0, vocab.SOFTIRQ_RAISE, writer, vector)
        time = self.switch(time, 0, writer, SLEEPS, ksoftirqd)
        self.run(time, ksoftirqd, second)
        self.switch(time, 0, ksoftirqd, SLEEPS, 0)

    def run(self, time, task, vectors):
        for vector in vectors:
            self.emit(time, 0, vocab.SOFTIRQ_ENTRY, task, vector)
            self.emit(time, 0, vocab.SOFTIRQ_EXIT, task, vector)

    def online(self, time, target):
        time = self.ordered(time)
        self.switch(time, 0, self.writer, BLOCKED, 0)
        self.wake(time, target, 0, self.migration(target), target)
        self.wake(time, target, 0, self.writer, 0)
        self.switch(self.switch(time, target, 0, RUNNING, self.migration(target)), target, self.migration(target), SLEEPS, 0)
        time = self.asks(self.reaches(time, 0, self.writer), target)
        ksoftirqd, thread = self.ksoftirqd(target), self.cpuhp(target)
        self.wake(time, target, thread, ksoftirqd, target)
        self.wake(time, target, thread, self.writer, 0)
        self.switch(self.switch(time, target, thread, SLEEPS, ksoftirqd), target, ksoftirqd, SLEEPS, 0)
        self.switch(self.reaches(time, 0, self.writer), 0, self.writer, SLEEPS, 0)
