"""What a world keeps about lines and CPUs that are managed, laid out: masks, vectors, the tables of lines and tasks.

kernel/irq/affinity.c and the command line (irqaffinity=, isolcpus=managed_irq).
"""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.irq import managefields as g
from tophalf.model.irq.matrix import SYSTEM_VECTORS, VECTORS_PER_CPU

FIRST_PERCPU_VECTOR, LAST_PERCPU_VECTOR = 0xED, 0xF5  # where per-CPU lines are put: among the system's vectors


def begin_managed(builder, interrupt_remapping, irqaffinity, housekeeping):
    """The machine's block, the CPUs' blocks. irqaffinity, housekeeping (for managed lines): CPU numbers, None for all."""
    m = builder.memory
    manage = m[f.G_MANAGE] = m.take(g.MANAGE_SIZE)
    count = len(builder.cpus)
    m[manage + g.M_MASK_WORDS] = -(-count // g.MASK_BITS)
    m[manage + g.M_ONLINE] = cpu_mask(builder, range(count))
    m[manage + g.M_DEFAULT] = cpu_mask(builder, range(count) if irqaffinity is None else irqaffinity)
    m[manage + g.M_HOUSEKEEPING] = 0 if housekeeping is None else cpu_mask(builder, housekeeping)
    for field in (g.M_PROGRAMMED, g.M_TARGETS, g.M_WANTED):
        m[manage + field] = cpu_mask(builder, ())
    m[manage + g.M_REMAPPING] = int(interrupt_remapping)
    m[manage + g.M_SYSTEM_VECTORS] = m.take(g.VECTOR_WORDS)
    for vector in SYSTEM_VECTORS:
        m[m[manage + g.M_SYSTEM_VECTORS] + vector // 32] |= 1 << vector % 32
    m[manage + g.M_POLL_PROGRAM] = builder.routines["try_one_irq"]
    builder.hrtimer(manage + g.M_POLL_TIMER, f.DO_CALL, builder.routines["poll_spurious_irqs"], wheel=True)
    for cpu in builder.cpus:
        _begin_cpu(builder, cpu)


def _begin_cpu(builder, cpu):
    m = builder.memory
    block = m[cpu + f.C_MANAGE] = m.take(g.PER_CPU_SIZE)
    m[block + g.P_AVAILABLE], m[block + g.P_ONLINE] = VECTORS_PER_CPU, 1
    builder.hrtimer(block + g.P_CLEANUP_TIMER, f.DO_CALL, builder.routines["vector_cleanup"], wheel=True)


def cpu_mask(builder, numbers):
    """A mask of CPU numbers in the world's memory. Raises: TophalfError for a CPU that the machine does not have."""
    m = builder.memory
    words = [0] * m[m[f.G_MANAGE] + g.M_MASK_WORDS]
    for number in numbers:
        if not 0 <= number < len(builder.cpus):
            raise TophalfError(f"there is no CPU {number}", "CPU mask", f"name CPUs 0 to {len(builder.cpus) - 1}")
        words[number // g.MASK_BITS] |= 1 << number % g.MASK_BITS
    return m.put(words)


def begin_line(builder, desc, affinity, managed, nobalancing):
    """A line's block. affinity: CPU numbers, None for the default mask."""
    m = builder.memory
    line = m[desc + f.D_MANAGE] = m.take(g.LINE_SIZE)
    m[line + g.I_PENDING_MASK] = cpu_mask(builder, ())
    if affinity is None:
        default = m[m[f.G_MANAGE] + g.M_DEFAULT]
        m[line + g.I_AFFINITY] = m.put(m.words[default : default + m[m[f.G_MANAGE] + g.M_MASK_WORDS]])
    else:
        m[line + g.I_AFFINITY] = cpu_mask(builder, affinity)
        m[line + g.I_FLAGS] |= g.IRQD_AFFINITY_SET
    if managed:
        m[line + g.I_FLAGS] |= g.IRQD_MANAGED
    if nobalancing:
        m[line + g.I_FLAGS] |= g.IRQD_NO_BALANCING
    if m[m[f.G_MANAGE] + g.M_REMAPPING]:
        m[line + g.I_FLAGS] |= g.IRQD_MOVE_PCNTXT
    m[desc + f.D_STATE], m[desc + f.D_DEPTH] = f.IRQ_DISABLED | f.IRQ_MASKED, 1


def begin_percpu_line(builder, desc):
    """The same vector on every CPU, for a line of each CPU's own."""
    m = builder.memory
    m[desc + f.D_MANAGE], m[desc + f.D_CHIP] = m.take(g.LINE_SIZE), f.CHIP_LOCAL
    taken = {m[other + f.D_VECTOR] for other in builder.irqs.values()}
    free = [vector for vector in range(FIRST_PERCPU_VECTOR, LAST_PERCPU_VECTOR + 1) if vector not in taken]
    if not free:
        raise TophalfError("too many per-CPU lines", f"IRQ {m[desc + f.D_IRQ]}", f"use at most {len(taken)}")
    m[desc + f.D_VECTOR] = free[0]
    for cpu in builder.cpus:
        m[cpu + f.C_VECTORS + free[0]] = desc


def end_managed(builder):
    """The tables of lines, in order of number, and of tasks."""
    m = builder.memory
    manage = m[f.G_MANAGE]
    lines = [builder.irqs[number] for number in sorted(builder.irqs) if number >= 0]
    m[manage + g.M_LINES], m[manage + g.M_LINE_COUNT] = m.put(lines), len(lines)
    tasks = list(builder.tasks.values())
    m[manage + g.M_TASKS], m[manage + g.M_TASK_COUNT] = m.put(tasks), len(tasks)


def start_lines(builder, memory):
    """Before the run: each line gets its CPU, in order of number, and its threads go there; but for those that a driver in Python
    will ask for later. Raises: TophalfError."""
    from tophalf.model.irq.manage import REQUEST_IRQ, command

    for number in sorted(builder.irqs):
        desc = builder.irqs[number]
        if number >= 0 and (memory[desc + f.D_ACTIONS] or not builder.has_code) and command(memory, REQUEST_IRQ, desc):
            cpu = memory[desc + f.D_NEXT_CPU]
            whose = f"CPU {memory[cpu + f.C_NUMBER]} has" if cpu else "its CPUs have"
            raise TophalfError(f"{whose} no vector left", f"IRQ {number}", "deliver some of the lines elsewhere")
