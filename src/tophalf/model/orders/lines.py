"""Orders on interrupt lines: a mask written to smp_affinity, a driver's disable_irq and enable_irq.

kernel/irq/proc.c write_irq_affinity, kernel/irq/manage.c. What is written goes through `irqaffinity` like a program's write. Left
out: default_smp_affinity; an errno from reading a mask that is none, which a scenario cannot say.
"""

import difflib

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.irq import managefields as g
from tophalf.model.irq.manage import DISABLE_IRQ, ENABLE_IRQ, SET_AFFINITY, command
from tophalf.vocab import cpu_list

WHY = {g.EINVAL: "no CPU of it is online", g.ENOSPC: "no vector is left on its CPUs", g.EBUSY: "the old vector is not free yet"}


def set_affinity(builder, value, where):
    """value: {irq, cpus, mask}, one of the last two given."""
    if (value["cpus"] is None) == (value["mask"] is None):
        raise TophalfError("a mask is written by cpus or by mask", where, "give one of them")
    cpus, number = value["cpus"] if value["mask"] is None else value["mask"], find_line(builder, value["irq"], where)
    text = f"write of CPU {cpu_list(cpus) or 'none'} to smp_affinity of IRQ {number}"
    return text, lambda world: write_affinity(world, builder.irqs[number], cpus)


def write_affinity(world, desc, cpus):
    """A write of CPU numbers to a line's smp_affinity now: (0 or -errno, why)."""
    m = world.memory
    wanted, words = int(m[m[f.G_MANAGE] + g.M_WANTED]), int(m[m[f.G_MANAGE] + g.M_MASK_WORDS])
    for word in range(words):
        m[wanted + word] = sum(1 << cpu % g.MASK_BITS for cpu in cpus if cpu // g.MASK_BITS == word)
    error = int(command(m, SET_AFFINITY, desc))
    return error, _why(m, desc, -error)


def _why(m, desc, error):
    if error in WHY or not error:
        return WHY.get(error)
    if m[desc + f.D_FLOW] == f.FLOW_PERCPU:
        return "a line of each CPU's own"
    return "managed" if m[m[desc + f.D_MANAGE] + g.I_FLAGS] & g.IRQD_MANAGED else "not to be balanced"


def disable_irq(builder, value, where):
    """disable_irq_nosync."""
    return _switch(builder, value, where, DISABLE_IRQ, "disable_irq")


def enable_irq(builder, value, where):
    return _switch(builder, value, where, ENABLE_IRQ, "enable_irq")


def _switch(builder, value, where, what, name):
    number = find_line(builder, value, where)

    def carry_out(world):
        unbalanced = what == ENABLE_IRQ and world.memory[builder.irqs[number] + f.D_DEPTH] == 0
        command(world.memory, what, builder.irqs[number])
        return 0, "unbalanced: it is on" if unbalanced else None

    return f"{name} of IRQ {number}", carry_out


def find_line(builder, which, where):
    """The number of a line that is named by its number or one of its actions. Raises: TophalfError."""
    names = line_names(builder)
    found = which if isinstance(which, int) else names.get(which)
    if found in builder.irqs:
        return found
    near = difflib.get_close_matches(str(which), list(names), 1)
    raise TophalfError(f"there is no interrupt {which}", where, f"did you mean {near[0]}?" if near else "name one of a device's")


def line_names(builder):
    """{name of an action: number of its line}, the first line of each name."""
    m, found = builder.memory, {}
    for number in sorted(number for number in builder.irqs if number >= 0):
        action = m[builder.irqs[number] + f.D_ACTIONS]
        while action:
            found.setdefault(m.strings[m[action + f.A_NAME]], number)
            action = m[action + f.A_NEXT]
    return found
