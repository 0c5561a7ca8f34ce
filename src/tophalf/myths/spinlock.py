"""Myth: spin_lock_irq is always safe. A driver that calls it with interrupts off, and one that does not, before the checker.

Left out: what happens after the fault; whether an interrupt comes into the hole is chance, that there is one is not.
"""

from tophalf.myths.arms import DriverArm
from tophalf.myths.myth import Figure, Kernel, Myth, Situation


def reported(found):
    """Faults that the checker found, over all paths."""
    return len(found["reports"])


def _situation(name, arms):
    return Situation(
        name=name, arms=[DriverArm(label=label, file=file) for label, file in arms],
        shown=[Figure(title="faults on all paths", unit="count", of=reported)],
        means="faults of the driver that calls spin_lock_irq", effect=lambda one, other: reported(one), unit="count", limit=1,
        below=True, why="one path on which interrupts come on too early is enough",
    )  # fmt: skip


MYTH = Myth(
    name="spin-lock-irq",
    claim="Disabling interrupts with spin_lock_irq is always safe",
    tried="a driver and its mended twin before the checker of `tophalf lint`, on every path",
    truth=["spin_unlock_irq turns interrupts on, whatever they were before.",
           "Called where they were off, an interrupt may come in while the caller still holds its lock.",
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
