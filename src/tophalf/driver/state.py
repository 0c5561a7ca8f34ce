"""What is known at one point of one path through a driver: preempt_count, interrupts, locks, values.

include/linux/preempt.h has the bits; a path is as good as another with the same State, so that loops end.
"""

from collections import namedtuple

from tophalf.driver.roles import HARDIRQ, SOFTIRQ

HARDIRQ_OFFSET, SOFTIRQ_OFFSET, SOFTIRQ_DISABLE_OFFSET = 0x10000, 0x100, 0x200
SPIN, MUTEX = "spin", "mutex"

# key: the class of the lock; text: as written; kind: SPIN or MUTEX; is_read; line; irqs_were_off: before it was taken;
# turned_off: whether taking it turned interrupts off
Held = namedtuple("Held", "key text kind is_read line irqs_were_off turned_off")
Saved = namedtuple("Saved", "irqs_off")  # what local_irq_save and spin_lock_irqsave return
Object = namedtuple("Object", "key text")  # what a callback is given: its own tasklet, work, timer


class State(namedtuple("State", "context irqs_off bh preempt held values spent_ns touched scheduled freed")):
    """context: of the role. bh, preempt: how often disabled. held: Held in order. values: ((name, value), ...) of locals that
    are known, and of conditions that were looked at. spent_ns: with the CPU in hand. touched: whether a register was.
    scheduled: classes of tasklets and works; freed: texts of IRQs."""

    __slots__ = ()

    @property
    def preempt_count(self):
        spins = sum(held.kind == SPIN for held in self.held)
        entered = {HARDIRQ: HARDIRQ_OFFSET, SOFTIRQ: SOFTIRQ_OFFSET}.get(self.context, 0)
        return entered + self.bh * SOFTIRQ_DISABLE_OFFSET + self.preempt + spins

    @property
    def is_atomic(self):
        """Whether might_sleep complains."""
        return self.irqs_off or self.preempt_count != 0

    @property
    def softirqs_on(self):
        return not self.irqs_off and self.bh == 0 and self.context not in (HARDIRQ, SOFTIRQ)

    def value(self, name):
        return dict(self.values).get(name)

    def knowing(self, name, value):
        """With a value of a local, None for unknown; what was known of conditions with it is forgotten."""
        kept = tuple((key, known) for key, known in self.values if key != name and name not in key.split("\0")[1:])
        return self._replace(values=(*kept, (name, value)) if value is not None else kept)

    def said(self):
        """For people."""
        parts = [f"preempt_count {self.preempt_count:#x}", f"interrupts {'off' if self.irqs_off else 'on'}"]
        return ", ".join(parts)


def entered(context):
    """At the begin of a function that the kernel enters."""
    return State(context, context == HARDIRQ, 0, 0, (), (), 0, False, frozenset(), frozenset())
