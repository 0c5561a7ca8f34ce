"""Events of the model, as the kernel's tracepoints tell them: rows of TRACE_ROW words, see events.EventTable."""

from tophalf import vocab
from tophalf.model.fields import (
    C_CURRENT,
    C_IDLE,
    C_IRQS_OFF,
    C_NEED_RESCHED,
    C_NUMBER,
    C_PREEMPT_COUNT,
    G_ERROR,
    G_EVENTS,
    G_LIMIT,
    G_NOW,
    G_TRACE,
    G_TRACE_MAX,
    G_TRACE_ROOM,
    G_TRACE_ROWS,
    HARDIRQ_MASK,
    K_PID,
    NMI_MASK,
    RESCHED,
    SOFTIRQ_MASK,
    SOFTIRQ_OFFSET,
    TRACE_ROW,
)
from tophalf.model.ground.jit import compiled, inlined

MARGIN = 256  # rows that there is room for after the buffer counts as full: the engine looks at that every few steps
MARGIN_OF_TASK = 4  # and one step may wake every task
TRACE_FULL = 5  # G_ERROR


@inlined
def emit(m, cpu, kind, a, b, c, name):
    """An event on a CPU. name: the number of a string, -1 for none. Costs nothing where nobody traces."""
    m[G_EVENTS] += 1
    if m[G_TRACE_MAX]:
        write(m, cpu, kind, a, b, c, name)


@compiled
def write(m, cpu, kind, a, b, c, name):
    if m[G_TRACE_ROWS] >= m[G_TRACE_ROOM]:
        m[G_ERROR] = TRACE_FULL  # beyond lies what is not the world's
        m[G_LIMIT] = m[G_NOW]
        return
    row = m[G_TRACE] + m[G_TRACE_ROWS] * TRACE_ROW
    m[row] = m[G_NOW]
    m[row + 1] = m[cpu + C_NUMBER]
    m[row + 2] = kind
    m[row + 3] = m[m[cpu + C_CURRENT] + K_PID]
    m[row + 4] = flags(m, cpu) if kind < vocab.SCHED_SWITCH or kind > vocab.SCHED_WAKING else scheduler_flags(m, cpu, kind)
    m[row + 5] = a
    m[row + 6] = b
    m[row + 7] = c
    m[row + 8] = name
    m[G_TRACE_ROWS] += 1
    if m[G_TRACE_ROWS] >= m[G_TRACE_MAX]:
        m[G_LIMIT] = m[G_NOW]  # ends this slice of the run: Python empties the buffer and goes on


@compiled
def flags(m, cpu):
    """common_flags and, above them, common_preempt_count (kernel/trace/trace.c tracing_gen_ctx_irq_test)."""
    count = m[cpu + C_PREEMPT_COUNT]
    bits = vocab.FLAG_IRQS_OFF if m[cpu + C_IRQS_OFF] else 0
    if m[cpu + C_NEED_RESCHED]:
        bits |= vocab.FLAG_NEED_RESCHED
        if m[cpu + C_NEED_RESCHED] == RESCHED:
            bits |= vocab.FLAG_PREEMPT_RESCHED
    if count & HARDIRQ_MASK:
        bits |= vocab.FLAG_HARDIRQ
    if count & NMI_MASK:
        bits |= vocab.FLAG_NMI
    if count & SOFTIRQ_OFFSET:
        bits |= vocab.FLAG_SOFTIRQ
    elif count & SOFTIRQ_MASK:
        bits |= vocab.FLAG_BH_OFF
    depth = (count & 0xFF) + (m[cpu + C_CURRENT] == m[cpu + C_IDLE])  # the idle task keeps preemption off
    return bits | depth << 8


@compiled
def scheduler_flags(m, cpu, kind):
    """Switches and wakeups are told with interrupts off and locks held: preempt_count is higher by them."""
    depth = 3 if kind == vocab.SCHED_WAKEUP else 2
    if m[cpu + C_CURRENT] == m[cpu + C_IDLE] and kind == vocab.SCHED_SWITCH:
        depth = 1  # schedule_idle: preemption is off already
    return (flags(m, cpu) | vocab.FLAG_IRQS_OFF) + (depth << 8)
