"""Sequences drawn at random: what nobody thought of. The same seed draws the same sequence.

Everything is on one CPU. A program is drawn step by step; what could go round and round (a softirq that raises itself, a work
item that queues itself, an interrupt in a handler of its own) is guarded by `once`, so that every sequence ends. Odd seeds draw
work items, and no softirq that a task leaves to ksoftirqd: which of the two the scheduler lets run first depends on what they
did before.
"""

import random

from lab.sequences.language import (
    BLOCK,
    IRQ_POLL,
    NET_TX,
    Sequence,
    bh_off,
    bh_on,
    cancel,
    cond_resched,
    disable_irq,
    enable_irq,
    fire,
    flush,
    irqs_off,
    irqs_on,
    line,
    napi,
    once,
    preempt_off,
    preempt_on,
    queue,
    raise_,
    rx,
    schedule,
    schedule_hi,
    schedule_napi,
    send,
    softirq,
    spend,
    task,
    tasklet,
    wake,
    work,
    workqueue,
)

VECTORS = (NET_TX, BLOCK, IRQ_POLL)
SECTIONS = ((bh_off, bh_on), (preempt_off, preempt_on), (irqs_off, irqs_on))
FINDS = ((3,), (64, 2), (64, 64, 0))
COUNTERS = 30  # as many as labseq has, less some


class Draw:
    """Draws the parts of one sequence."""

    def __init__(self, seed):
        self.random, self.with_works = random.Random(seed), seed % 2 == 1
        self.counters = iter(range(COUNTERS))

    def act(self, of_task=False):
        """Something that any context may do."""
        pick = self.random.choice
        raises = [lambda: raise_(pick(VECTORS)), lambda: schedule(pick((0, 1, 2))), lambda: schedule_hi(3),
                  lambda: schedule_napi(pick((0, 1)))]  # fmt: skip
        acts = [lambda: wake(pick((1, 2))), lambda: spend(2)]
        acts += [lambda: queue(pick((0, 1, 2)))] * 2 if self.with_works else []
        acts += [] if self.with_works and of_task else raises
        return pick(acts)()

    def guarded(self, instruction):
        """An instruction that is done the first time only; none when the counters are used up."""
        counter = next(self.counters, None)
        return [] if counter is None else [once(counter), instruction]

    def inside(self, length, of_task=False):
        """A program of an interrupt, a bottom half, a thread or a work item: acts, each once."""
        steps = []
        for _ in range(self.random.randrange(length)):
            steps += self.guarded(self.act(of_task))
        return steps

    def interruptible(self, length, of_task=False):
        """The same, interrupted now and then."""
        steps = self.inside(length, of_task)
        if self.random.random() < 0.4:
            steps += self.guarded(fire(self.random.choice((0, 1))))
        return steps

    def of_task(self, length):
        """A task's program: acts, interrupts, sections."""
        steps = []
        for _ in range(length):
            kind = self.random.random()
            if kind < 0.3:
                steps.append(fire(self.random.choice((0, 1))))
            elif kind < 0.5:
                steps += self.section()
            elif kind < 0.6:
                steps.append(cond_resched)
            elif kind < 0.7:
                steps += self.disabled()
            elif kind < 0.8 and self.with_works:
                steps.append(self.random.choice((flush, cancel))(self.random.choice((0, 1, 2))))
            else:
                steps.append(self.act(True))
        return steps

    def section(self):
        """Bottom halves, preemption or interrupts off; what comes while interrupts are off has to wait."""
        begin, end = self.random.choice(SECTIONS)
        acts = [self.act(begin != bh_off) for _ in range(2)]
        if begin == irqs_off:
            return [begin, send(self.random.choice((0, 1))), spend(20), *acts, end, spend(20)]
        return [begin, acts[0], fire(0), acts[1], end]

    def disabled(self):
        """A line of its own that is disabled when it is fired, once or twice, and then enabled."""
        depth = self.random.choice((1, 1, 2))
        return [disable_irq(2)] * depth + [send(2), spend(50), self.act(True)] + [enable_irq(2), spend(50)] * depth


def drawn(seed):
    """The sequence of a seed."""
    draw = Draw(seed)
    priorities = draw.random.sample(range(10, 90), 2)
    parts = [task(0, *draw.of_task(5), wake(1), wake(2), priority=draw.random.choice((20, 40, 60))), workqueue(0),
             workqueue(1, max_active=draw.random.choice((1, 2)))]  # fmt: skip
    parts += [task(1 + number, *draw.of_task(2), priority=priorities[number], asleep=True) for number in range(2)]
    parts += [line(0, *draw.inside(4)), line(1, *draw.inside(3), thread=draw.interruptible(3, True)), line(2, *draw.inside(3))]
    parts += [softirq(vector, *draw.interruptible(3)) for vector in VECTORS]
    parts += [tasklet(number, *draw.interruptible(3)) for number in range(4)]
    parts += [napi(number, *draw.interruptible(2), rx, finds=draw.random.choice(FINDS)) for number in range(2)]
    parts += [work(number, *draw.interruptible(3, True), queue=int(number > 0)) for number in range(3)]
    return Sequence(f"drawn-{seed}", "Drawn at random.", *parts)
