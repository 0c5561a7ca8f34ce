"""What each CPU and each interrupt costs, as irqbalance estimates it from counts and ticks alone.

procinterrupts.c parse_proc_stat, accumulate_interrupts, compute_irq_branch_load_share. A CPU's load is what its irq and softirq
columns grew by, in nanoseconds; it is shared out among the interrupts assigned to it by their counts. Integers, as there: what is
below one nanosecond an interrupt is lost.
"""

TICK_NS = 10_000_000  # NSEC_PER_SEC / sysconf(_SC_CLK_TCK)


def take_loads(tree, ticks, first):
    """ticks: {cpu: irq + softirq, in ticks since boot}. first: whether there is nothing yet to compare with."""
    for cpu in tree.cpus:
        if not first:
            cpu.load = (ticks[cpu.number] - cpu.last_load) * TICK_NS
        cpu.last_load = ticks[cpu.number]
    for node in tree.nodes:
        _set_load(node)
        _count(node)
    for objects in tree.kinds():
        for each in objects:
            _share_out(each)


def _set_load(each):
    if each.children:
        for child in each.children:
            _set_load(child)
        each.load = sum(child.load for child in each.children)


def _count(each):
    for child in each.children:
        _count(child)
    each.irq_count = sum(one.count - one.last_count for one in each.interrupts)


def _share_out(each):
    """An object's load to its interrupts: its own, its part of those above it, and all below it count."""
    if each.interrupts:
        counted = _from_above(each) + sum(map(_below, each.children))
        slice_ns = each.load // counted if counted else 1
        for one in each.interrupts:
            one.load = (one.count - one.last_count) * slice_ns or 1


def _from_above(each):
    above = _from_above(each.parent) // len(each.parent.children) if each.parent else 0
    return above + each.irq_count


def _below(each):
    return each.irq_count + sum(map(_below, each.children))
