"""One walk over the rows of an event table: entries are paired with exits, and time is charged to what really ran.

Each task has a stack of open spans: a work item, a softirq vector, a tasklet in it, handlers and interrupt vectors on
top. Each CPU shows the stack of the task that is running on it. The time between two rows of a CPU is charged to the
top of its stack, so a span's own time leaves out whatever interrupted or preempted it, and cannot be negative.

Spans are numbered by their entry row. After the walk, wall_ns is -1 where no exit was seen.
"""

from collections import namedtuple

from tophalf.compiled import compiled
from tophalf.vocab import (
    FLAG_HARDIRQ,
    FLAG_LOST_BEFORE,
    FLAG_NEED_RESCHED,
    FLAG_NMI,
    FLAG_SOFTIRQ,
    IRQ_HANDLER_ENTRY,
    IRQ_HANDLER_EXIT,
    NAPI_POLL,
    SCHED_SWITCH,
    SOFTIRQ_ENTRY,
    SOFTIRQ_EXIT,
    SOFTIRQ_RAISE,
    TASKLET_ENTRY,
    TASKLET_EXIT,
    VECTOR_ENTRY,
    VECTOR_EXIT,
    WORKQUEUE_EXECUTE_END,
    WORKQUEUE_EXECUTE_START,
    WORKQUEUE_QUEUE_WORK,
)

# Columns of the event table, cpu as an index without gaps, and per value of `name` the line whose thread has that comm.
Rows = namedtuple("Rows", "time_ns cpu kind pid flags a b name irq_thread")

# What the walk finds out, by span: parent is a span or -1, queue_row the row that queued a work item or -1.
Found = namedtuple("Found", "row parent wall_ns self_ns wait_ns queue_row switches")

# By CPU: top span; task that runs; time of the last charge; whether softirqs are seen from OUTSIDE; which of the three
# sets of raises is the running pass; cause of need_resched; handler that ended last.
Cpus = namedtuple("Cpus", "top task last_ns softirq_view turn raised raise_ns resched handled")

# Open addressing, int64 key to int64 value (0: absent): stacks of tasks that do not run, who woke a task, queued work.
Map = namedtuple("Map", "keys values")

# lost: how many times events were lost so far, the last such row; untraced: switches caused by unseen interrupts.
Tally = namedtuple("Tally", "spans losses lost_row untraced")

VECTORS = 10
NO_TASK = -(1 << 40)
INSIDE, OUTSIDE, UNKNOWN = 0, 1, 2
CAUSE_NONE, CAUSE_TASK, CAUSE_UNTRACED, CAUSE_SPAN = 0, 1, 2, 3  # CAUSE_SPAN + n: span n
STACK_STEPS_MAX = 16  # a real stack has at most six spans; only nonsense is deeper
RUNNING_MASK = 0xFF  # include/linux/sched.h: bits above are TASK_REPORT_MAX, "preempted"
KEY_BIT = 1 << 62
LOSS_SHIFT = 1 << 32  # a parked stack is losses * LOSS_SHIFT + span + 1


@compiled
def walk(rows, found, cpus, parked, wakers, queued, waking_kind, tally):
    """Fill `found` from `rows`. Scratch: cpus, parked, wakers, queued; tally: int64[4], see Tally."""
    kinds, flags, cpu_of = rows.kind, rows.flags, rows.cpu
    spans = 0
    for row in range(len(kinds)):
        if flags[row] & FLAG_LOST_BEFORE:
            forget(cpus, cpu_of[row])
            tally[1] += 1
            tally[2] = row
        kind = kinds[row]
        if kind == SOFTIRQ_RAISE:
            note_raise(rows, found, cpus, row)
        elif kind == NAPI_POLL:
            continue
        elif kind == SOFTIRQ_ENTRY or kind == IRQ_HANDLER_ENTRY or kind == TASKLET_ENTRY or kind == VECTOR_ENTRY:
            enter(rows, found, cpus, parked, row, spans, tally)
            if kind == SOFTIRQ_ENTRY:
                found.wait_ns[spans] = take_raise(rows, cpus, row)
            spans += 1
        elif kind == SOFTIRQ_EXIT or kind == IRQ_HANDLER_EXIT or kind == TASKLET_EXIT or kind == VECTOR_EXIT:
            leave(rows, found, cpus, parked, row, tally)
        elif kind == SCHED_SWITCH:
            switch(rows, found, cpus, parked, wakers, row, tally)
        elif kind == waking_kind:
            put(wakers, rows.a[row], cause_of(rows, found, cpus, row, rows.irq_thread[rows.name[row]]))
        elif kind == WORKQUEUE_QUEUE_WORK:
            put(queued, rows.a[row], row + 1)
        elif kind == WORKQUEUE_EXECUTE_START:
            enter(rows, found, cpus, parked, row, spans, tally)
            start_work(rows, found, queued, row, spans, tally[2])
            spans += 1
        elif kind == WORKQUEUE_EXECUTE_END:
            leave(rows, found, cpus, parked, row, tally)
    tally[0] = spans


@compiled
def forget(cpus, cpu):
    """Events were lost: nothing that was known of this CPU holds any more."""
    cpus.top[cpu] = -1
    cpus.task[cpu] = NO_TASK
    cpus.softirq_view[cpu] = UNKNOWN
    for turn in range(3):
        cpus.raised[cpu * 3 + turn] = 0
    cpus.resched[cpu] = CAUSE_UNTRACED
    cpus.handled[cpu] = -1


@compiled
def enter(rows, found, cpus, parked, row, span, tally):
    """Open a span on the stack of the task that is running."""
    settle(rows, found, cpus, parked, row, tally)
    cpu = rows.cpu[row]
    top = cpus.top[cpu]
    if top >= 0:
        top = below(rows, found, top, row)
    if rows.flags[row] & FLAG_NEED_RESCHED and cpus.resched[cpu] == CAUSE_NONE:
        cpus.resched[cpu] = CAUSE_UNTRACED
    found.row[span] = row
    found.parent[span] = top
    cpus.top[cpu] = span


@compiled
def leave(rows, found, cpus, parked, row, tally):
    """Close the span that this exit belongs to; what still lies above it lost its exit and stays open."""
    settle(rows, found, cpus, parked, row, tally)
    cpu = rows.cpu[row]
    span = entered(rows, found, cpus.top[cpu], row)
    if span < 0:
        return
    entry = found.row[span]
    if rows.flags[row] & FLAG_NEED_RESCHED and cpus.resched[cpu] == CAUSE_NONE:
        is_work = rows.kind[entry] == WORKQUEUE_EXECUTE_START
        cpus.resched[cpu] = CAUSE_UNTRACED if is_work else CAUSE_SPAN + span
    found.wall_ns[span] = rows.time_ns[row] - rows.time_ns[entry]
    cpus.top[cpu] = found.parent[span]
    if rows.kind[row] == IRQ_HANDLER_EXIT:
        cpus.handled[cpu] = span


@compiled
def entered(rows, found, span, row):
    """The nearest open span that an exit belongs to, or -1."""
    for _ in range(STACK_STEPS_MAX):
        if span < 0:
            break
        entry = found.row[span]
        if rows.kind[entry] + 1 == rows.kind[row] and rows.a[entry] == rows.a[row]:
            return span
        span = found.parent[span]
    return -1


@compiled
def below(rows, found, top, row):
    """The span that a new one rests on: spans that cannot be interrupted by it have lost their exits.

    Handlers run with interrupts off (kernel/irq/handle.c __handle_irq_event_percpu), softirqs never nest and never run
    in a hardirq (kernel/softirq.c handle_softirqs), a task runs one work item, and a softirq its BH work on top.
    """
    kind = rows.kind[row]
    if kind == SOFTIRQ_ENTRY:
        return below_softirq(rows, found, top)
    for _ in range(STACK_STEPS_MAX):
        if top < 0:
            break
        beneath = rows.kind[found.row[top]]
        if kind == IRQ_HANDLER_ENTRY or kind == VECTOR_ENTRY:
            stale = beneath == kind and not rows.flags[row] & FLAG_NMI
        elif kind == TASKLET_ENTRY:
            stale = beneath != SOFTIRQ_ENTRY and beneath != WORKQUEUE_EXECUTE_START
        elif beneath == WORKQUEUE_EXECUTE_START:
            stale = rows.flags[row] & FLAG_SOFTIRQ == rows.flags[found.row[top]] & FLAG_SOFTIRQ
        else:
            stale = beneath != SOFTIRQ_ENTRY
        if not stale:
            break
        top = found.parent[top]
    return top


@compiled
def below_softirq(rows, found, top):
    """What a softirq vector rests on: nothing but a task's work item."""
    resting = span = top
    for _ in range(STACK_STEPS_MAX):
        if span < 0:
            break
        if rows.kind[found.row[span]] != WORKQUEUE_EXECUTE_START:
            resting = found.parent[span]
        span = found.parent[span]
    return resting


@compiled
def settle(rows, found, cpus, parked, row, tally):
    """Charge the time since the last row to the stack of this CPU, and make sure it is the running task's."""
    cpu = rows.cpu[row]
    now_ns = rows.time_ns[row]
    task = rows.pid[row]
    if task == 0:
        task = -1 - cpu
    if cpus.task[cpu] != task:
        # A switch that was not recorded: nobody knows who ran, so nobody is charged.
        change_task(cpus, parked, cpu, task, tally[1])
    elif cpus.top[cpu] >= 0:
        found.self_ns[cpus.top[cpu]] += now_ns - cpus.last_ns[cpu]
    cpus.last_ns[cpu] = now_ns


@compiled
def change_task(cpus, parked, cpu, task, losses):
    """Park the stack of the task that leaves this CPU, show that of the one that comes (every CPU has its idle task)."""
    if cpus.top[cpu] >= 0:
        put(parked, cpus.task[cpu], losses * LOSS_SHIFT + cpus.top[cpu] + 1)
    cpus.task[cpu] = task
    slot = find(parked, task)
    stack = parked.values[slot]
    parked.values[slot] = 0
    # Parked before events were lost: what it did since is not known.
    cpus.top[cpu] = stack % LOSS_SHIFT - 1 if stack // LOSS_SHIFT == losses else -1


@compiled
def switch(rows, found, cpus, parked, wakers, row, tally):
    """sched_switch: charge the task that leaves, say which interrupt caused it, change stacks."""
    settle(rows, found, cpus, parked, row, tally)
    cpu = rows.cpu[row]
    cpus.top[cpu] = without_hardirq(rows, found, cpus.top[cpu])
    cpus.softirq_view[cpu] = OUTSIDE
    next_pid = rows.a[row]
    cause = switch_cause(rows, found, cpus, wakers, row)
    if rows.b[row] & RUNNING_MASK == 0:
        if cause >= CAUSE_SPAN:
            found.switches[cause - CAUSE_SPAN] += 1
        elif cause == CAUSE_UNTRACED:
            tally[3] += 1
    cpus.resched[cpu] = CAUSE_NONE
    change_task(cpus, parked, cpu, next_pid if next_pid != 0 else -1 - cpu, tally[1])


@compiled
def without_hardirq(rows, found, span):
    """A task cannot be switched away from inside a handler: such spans have lost their exits."""
    for _ in range(STACK_STEPS_MAX):
        if span < 0:
            break
        kind = rows.kind[found.row[span]]
        if kind != IRQ_HANDLER_ENTRY and kind != VECTOR_ENTRY:
            break
        span = found.parent[span]
    return span


@compiled
def switch_cause(rows, found, cpus, wakers, row):
    """Who made this switch happen: what woke the next task, else the irq thread's line, else where need_resched appeared."""
    cpu = rows.cpu[row]
    slot = find(wakers, rows.a[row])
    cause = wakers.values[slot]
    wakers.values[slot] = 0
    if is_thread_of(rows, found, cpus.handled[cpu], rows.irq_thread[rows.name[row]]):
        if cause == CAUSE_NONE:
            cause = CAUSE_SPAN + cpus.handled[cpu]
        cpus.handled[cpu] = -1
    return cause if cause != CAUSE_NONE else cpus.resched[cpu]


@compiled
def is_thread_of(rows, found, span, irq):
    """Whether `span` is a handler of this line (irq -1: the task is no irq thread)."""
    return irq >= 0 and span >= 0 and rows.a[found.row[span]] == irq


@compiled
def cause_of(rows, found, cpus, row, irq):
    """The context that a row ran in, as a cause. irq: the line whose thread is being woken, or -1.

    The kernel wakes an irq thread after the handler's exit (kernel/irq/handle.c __irq_wake_thread).
    """
    cpu = rows.cpu[row]
    hard = rows.flags[row] & FLAG_HARDIRQ != 0
    if hard and is_thread_of(rows, found, cpus.handled[cpu], irq):
        return CAUSE_SPAN + cpus.handled[cpu]
    top = cpus.top[cpu]
    if top >= 0 and rows.pid[row] == rows.pid[found.row[top]]:
        kind = rows.kind[found.row[top]]
        is_hard = kind == IRQ_HANDLER_ENTRY or kind == VECTOR_ENTRY
        if is_hard or (not hard and kind != WORKQUEUE_EXECUTE_START):
            return CAUSE_SPAN + top
    return CAUSE_UNTRACED if hard or rows.flags[row] & FLAG_SOFTIRQ else CAUSE_TASK


@compiled
def note_raise(rows, found, cpus, row):
    """Keep the first raise of a vector for the pass it can belong to.

    A pass takes a snapshot of the pending bits and enters softirq context in one stretch with interrupts off
    (kernel/softirq.c handle_softirqs), so a raise in softirq context before the first entry belongs to the pass after.
    """
    cpu = rows.cpu[row]
    flags = rows.flags[row]
    vector = rows.a[row]
    if flags & FLAG_NEED_RESCHED and cpus.resched[cpu] == CAUSE_NONE:
        cpus.resched[cpu] = cause_of(rows, found, cpus, row, -1)
    after = 1
    if flags & FLAG_SOFTIRQ:
        if cpus.softirq_view[cpu] == UNKNOWN:
            return
        if cpus.softirq_view[cpu] == OUTSIDE:
            after = 2
    else:
        cpus.softirq_view[cpu] = OUTSIDE
    if vector < 0 or vector >= VECTORS:
        return
    turn = cpu * 3 + (cpus.turn[cpu] + after) % 3
    if not cpus.raised[turn] >> vector & 1:
        cpus.raised[turn] |= 1 << vector
        cpus.raise_ns[turn * VECTORS + vector] = rows.time_ns[row]


@compiled
def take_raise(rows, cpus, row):
    """Nanoseconds from the raise to this softirq entry, -1 when its raise was not seen."""
    cpu = rows.cpu[row]
    vector = rows.a[row]
    if cpus.softirq_view[cpu] == UNKNOWN or vector < 0 or vector >= VECTORS:
        return -1
    cpus.softirq_view[cpu] = INSIDE
    turn = cpu * 3 + cpus.turn[cpu]
    if not cpus.raised[turn] >> vector & 1:
        turn = next_pass(cpus, cpu)
        if not cpus.raised[turn] >> vector & 1:
            return -1
    cpus.raised[turn] ^= 1 << vector
    return rows.time_ns[row] - cpus.raise_ns[turn * VECTORS + vector]


@compiled
def next_pass(cpus, cpu):
    """The pass that was running is over: what was raised meanwhile is the new one. Returns its set of raises."""
    old = cpu * 3 + cpus.turn[cpu]
    cpus.turn[cpu] = (cpus.turn[cpu] + 1) % 3
    new = cpu * 3 + cpus.turn[cpu]
    if cpus.raised[old]:
        # PREEMPT_RT keeps timers for a thread of their own: raised, but not in ksoftirqd's pass.
        for vector in range(VECTORS):
            if cpus.raised[old] >> vector & 1:
                cpus.raised[new] |= 1 << vector
                cpus.raise_ns[new * VECTORS + vector] = cpus.raise_ns[old * VECTORS + vector]
        cpus.raised[old] = 0
    return new


@compiled
def start_work(rows, found, queued, row, span, lost_row):
    """Find when and on which workqueue this work item was queued."""
    slot = find(queued, rows.a[row])
    queue_row = queued.values[slot]
    if queue_row == 0:
        return
    found.queue_row[span] = abs(queue_row) - 1
    if queue_row > lost_row:  # else its start may be among what was lost
        found.wait_ns[span] = rows.time_ns[row] - rows.time_ns[queue_row - 1]
    queued.values[slot] = -abs(queue_row)


@compiled
def find(table, key):
    """The slot of a key, or the free one where it would go (keys are stored with a bit flipped: 0 means free)."""
    keys = table.keys
    last = len(keys) - 1
    stored = key ^ KEY_BIT
    slot = (key ^ key >> 6 ^ key >> 18) & last
    while keys[slot] != stored and keys[slot] != 0:
        slot = (slot + 1) & last
    return slot


@compiled
def put(table, key, value):
    """Set a key's value. The table must stay at most half full."""
    slot = find(table, key)
    table.keys[slot] = key ^ KEY_BIT
    table.values[slot] = value
