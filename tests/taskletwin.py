"""A slow twin of tasklets on two CPUs, each of them a softirqtwin in a thread of its own; the one whose time is least goes on.

Written after kernel/softirq.c __tasklet_schedule_common and tasklet_action_common. What is told of the two is one list.

Twin of: tasklet.
"""

import threading

from modelprograms import program
from softirqtwin import FIRST_IRQ, KSOFTIRQD, Twin
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device, add_tasklet

SCHEDULE, DISABLE, ENABLE = 100, 200, 300  # added to a tasklet's number: what a handler does
OVER = 1 << 62


class Tasklet:
    def __init__(self, number, spend):
        self.number, self.spend, self.scheduled, self.running, self.disabled, self.runs = number, spend, False, False, 0, 0
        self.vector = vocab.TASKLET if number else vocab.HI


class Clocks:
    """Lets the CPU go on whose time is least; two at one moment are left undecided."""

    def __init__(self, count):
        self.times, self.turn, self.undecided = [0] * count, threading.Condition(), False

    def wait_until(self, cpu, time):
        with self.turn:
            self.times[cpu] = time
            self.turn.notify_all()
            self.turn.wait_for(lambda: time == min(self.times))
            self.undecided |= self.times.count(time) > 1 and 0 < time < OVER


class TaskletCpu(Twin):
    def __init__(self, number, scenario, tasklets, clocks):
        super().__init__(scenario | {"lines": scenario["cpus"][number], "tasks": []})
        self.number, self.tasklets, self.clocks = number, tasklets, clocks
        self.first_irq, self.ksoftirqd.pid = FIRST_IRQ + 10 * number, KSOFTIRQD + 7 * number
        self.lists = {vocab.HI: [], vocab.TASKLET: []}

    def go_to(self, time):
        super().go_to(time)
        if time < self.until:
            self.clocks.wait_until(self.number, time)

    def life(self):
        self.run()
        self.clocks.wait_until(self.number, OVER)

    def raise_softirq(self, vector):
        tasklet = self.tasklets[vector % 100]
        if vector >= ENABLE:
            tasklet.disabled -= 1
        elif vector >= DISABLE:
            tasklet.disabled += 1
        elif not tasklet.scheduled:
            tasklet.scheduled = True
            self.lists[tasklet.vector].append(tasklet)
            super().raise_softirq(tasklet.vector)

    def action(self, vector):
        taken, self.lists[vector] = self.lists[vector], []
        for tasklet in taken:
            if tasklet.running or tasklet.disabled:
                self.lists[vector].append(tasklet)
                self.emit(vocab.SOFTIRQ_RAISE, vector)
                self.pending.add(vector)
                continue
            tasklet.scheduled, tasklet.running = False, True
            tasklet.runs += 1
            self.emit(vocab.TASKLET_ENTRY, tasklet.number)
            self.burn(tasklet.spend)
            self.emit(vocab.TASKLET_EXIT, tasklet.number)
            tasklet.running = False


def run_twin(scenario):
    """(events of each CPU, tasklets, whether the order of something is open)."""
    clocks = Clocks(2)
    tasklets = [Tasklet(number, spend) for number, spend in enumerate(scenario["tasklets"])]
    cpus = [TaskletCpu(number, scenario, tasklets, clocks) for number in (0, 1)]
    threads = [threading.Thread(target=cpu.life) for cpu in cpus]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [cpu.log for cpu in cpus], tasklets, clocks.undecided or any(cpu.undecided for cpu in cpus)


def tasklet_model_of(scenario):
    """The Builder of the same scenario, and the addresses of its tasklets."""
    builder = Builder(1, cpus=2, **{key: scenario[key] for key in ("hz", "kernel", "preempt", "threadirqs", "costs")})
    tasklets = [
        add_tasklet(builder, f"t{number}", program(builder, (ops.OP_SPEND_NS, spend), (ops.OP_RET,)))
        for number, spend in enumerate(scenario["tasklets"])
    ]
    for cpu, lines in enumerate(scenario["cpus"]):
        for number, given in enumerate(lines):
            desc = builder.irq(FIRST_IRQ + 10 * cpu + number, cpu)
            add_device(builder, f"dev{cpu}.{number}", desc, False, ("times", given["times"]))
            body = [_instruction(tasklets, what) for what in given["raises"]]
            handler = program(builder, (ops.OP_SPEND_NS, given["spend"]), *body, (ops.OP_RET, f.IRQ_HANDLED))
            builder.action(desc, f"dev{cpu}.{number}", handler, flags=f.IRQF_NO_THREAD)
    return builder, tasklets


def _instruction(tasklets, what):
    tasklet = tasklets[what % 100]
    if what >= ENABLE:
        return ops.OP_TASKLET_ENABLE, tasklet
    if what >= DISABLE:
        return ops.OP_TASKLET_DISABLE, tasklet
    return ops.OP_TASKLET_SCHEDULE, tasklet, vocab.TASKLET if what % 100 else vocab.HI
