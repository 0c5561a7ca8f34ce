"""Myth: spin_lock_irq is always safe. A driver that calls it with interrupts off, and one that does not: on the model, and before
the checker of drivers. One CPU; whether an interrupt comes into the hole is chance, after it has come nothing goes on.

Left out: the same on several CPUs, where the others spin as soon as they want the lock.
"""

from tophalf.myths.arms import DriverArm
from tophalf.myths.myth import Figure, Kernel, Myth, Situation

STUCK_MAX = 0.5


def reported(found):
    """Faults that the checker found, over all paths."""
    return len(found["reports"])


def stuck(found):
    """The share of the time that the handler takes, spinning for a lock included."""
    return found["cpus"][0]["hardirq_ns"] / found["simulated_ns"]


def served(found):
    """Interrupts a second that the handler has counted."""
    return found["drivers"][0]["numbers"]["seen"] * 1e9 / found["simulated_ns"]


def read(found):
    """Reads a second that are over."""
    return found["calls"][0]["done"] * 1e9 / found["simulated_ns"]


SHOWN = [
    Figure(title="interrupts served", unit="rate", of=served), Figure(title="reads that are over", unit="rate", of=read),
    Figure(title="handler, of the time", unit="share", of=stuck), Figure(title="faults on all paths", unit="count", of=reported),
]  # fmt: skip


def _situation(name, arms):
    return Situation(
        name=name, arms=[DriverArm(label=label, file=file) for label, file in arms], shown=SHOWN,
        means="share of the time that the handler of the driver with spin_lock_irq takes", effect=lambda one, other: stuck(one),
        unit="share", limit=STUCK_MAX, below=True,
        why="counting takes a hundredth, a wait for what the own CPU holds all that is left",
    )  # fmt: skip


MYTH = Myth(
    name="spin-lock-irq",
    claim="Disabling interrupts with spin_lock_irq is always safe",
    tried="a driver and its mended twin, run on one CPU, and on every path before the checker of `tophalf lint`",
    truth=["spin_unlock_irq turns interrupts on, whatever they were before.",
           "Called where they were off, an interrupt may come in while the caller still holds its lock.",
           "If its handler wants that lock it spins for ever: who would let go of it is what it interrupted.",
           "spin_lock_irqsave remembers, spin_unlock_irqrestore puts back: right everywhere, at the cost of a saved word.",
           "Where interrupts are known to be on, as in a task that holds no such lock, spin_lock_irq is right."],
    universal=True,
    situations=[_situation("a function that tasks call with interrupts on", [("spin_lock_irq", "statistics_task.py"),
                                                                             ("spin_lock_irqsave", "statistics_task_irqsave.py")]),
                _situation("a function that is called with interrupts off", [("spin_lock_irq", "statistics_irq.py"),
                                                                             ("spin_lock_irqsave", "statistics_irqsave.py")])],
    kernel=[Kernel(file="include/linux/spinlock_api_smp.h", function="__raw_spin_unlock_irq", says="local_irq_enable, always"),
            Kernel(file="include/linux/spinlock_api_smp.h", function="__raw_spin_unlock_irqrestore", says="local_irq_restore")],
)  # fmt: skip
