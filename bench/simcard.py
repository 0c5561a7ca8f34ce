"""The driver of card.py in SimPy, and the machine under it: a device, its level line, a CPU with hardirqs and softirqs, a tasklet.

One process is the device, one the CPU: hardirqs with interrupts off, softirqs after the outermost with interrupts on, so that a
hardirq comes between. Times are ns. For each line it reads, "rate N UNTIL" or "times UNTIL T1 T2 ...", it answers CPU seconds,
interrupts and tasklets counted.
"""

import sys
import time

import simpy

IRQ_ENTRY_NS, IRQ_EXIT_NS, SOFTIRQ_ENTRY_NS = 300, 200, 100  # as `tophalf costs` has them
STATUS, READY = 0, 1
HANDLER_NS, TASKLET_NS = 200, 300
IRQ_NONE, IRQ_HANDLED = 0, 1


class Machine:
    """The line (`asserted`, `masked`), the CPU (`irqs_off`, `in_softirq`), the tasklet, and what the driver counts."""

    def __init__(self, env, times):
        self.env, self.registers = env, [0]
        self.asserted = self.masked = self.irqs_off = self.in_softirq = self.scheduled = False
        self.interrupt = env.event()
        self.interrupts = self.tasklets = 0
        env.process(self.device(times))
        env.process(self.cpu())

    def device(self, times):
        for at_ns in times:
            yield self.env.timeout(at_ns - self.env.now)
            self.registers[STATUS] |= READY
            self.asserted = True
            self.look_at_line()

    def look_at_line(self):
        """A level line that is neither masked nor kept from the CPU interrupts it."""
        if self.asserted and not self.masked and not self.irqs_off and not self.interrupt.triggered:
            self.interrupt.succeed()

    def cpu(self):
        while True:
            yield self.interrupt
            yield from self.hardirq()

    def hardirq(self):
        """Entry, the flow of a level line, exit; and softirqs where nothing else was interrupted."""
        while self.asserted and not self.masked:
            self.irqs_off, self.interrupt = True, self.env.event()
            yield self.env.timeout(IRQ_ENTRY_NS)
            self.masked = True
            yield from self.card_irq()
            self.masked = False
            yield self.env.timeout(IRQ_EXIT_NS)
            if self.scheduled and not self.in_softirq:
                yield from self.softirq()
            self.irqs_off = False

    def softirq(self):
        """Interrupts are on while the tasklet runs; what is scheduled meanwhile runs in another pass."""
        self.in_softirq = True
        yield self.env.timeout(SOFTIRQ_ENTRY_NS)
        while self.scheduled:
            self.irqs_off = False
            yield from self.hardirq()  # what came while they were off
            self.scheduled = False
            yield from self.card_later()
            self.irqs_off = True
        self.in_softirq = False

    def spend(self, left_ns):
        """Time of a context with interrupts on: one that comes is served first."""
        while left_ns > 0:
            since = self.env.now
            yield self.env.timeout(left_ns) | self.interrupt
            left_ns -= self.env.now - since
            yield from self.hardirq()

    def card_irq(self):
        if not self.registers[STATUS] & READY:
            return IRQ_NONE
        yield self.env.timeout(HANDLER_NS)
        self.registers[STATUS] &= ~READY
        self.asserted = False
        self.interrupts += 1
        self.scheduled = True
        return IRQ_HANDLED

    def card_later(self):
        yield from self.spend(TASKLET_NS)
        self.tasklets += 1


def run(times, until_ns):
    """(CPU seconds, interrupts, tasklets)."""
    env = simpy.Environment()
    machine = Machine(env, times)
    start = time.process_time()
    env.run(until=until_ns)
    return time.process_time() - start, machine.interrupts, machine.tasklets


if __name__ == "__main__":
    for line in sys.stdin:
        what, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if what == "rate":
            rate, until_ns = numbers
            print(*run(range(10**9 // rate, until_ns, 10**9 // rate), until_ns), flush=True)
        else:
            print(*run(numbers[1:], numbers[0]), flush=True)
