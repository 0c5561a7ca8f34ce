"""One walk over the rows of an event table: entries are paired with exits, and time is charged to what really ran.

Each task has a stack of open frames: a work item, a softirq vector, a tasklet in it, handlers and interrupt vectors on
top. Each CPU shows the stack of the task that is running on it. The time between two rows of a CPU is charged to the
top of its stack, so a span's own time leaves out whatever interrupted or preempted it, and cannot be negative.

State lies in few flat int64 arrays, each cut into records whose fields are the constants below: every array that one
compiled function hands to another costs reference counting.
"""

from collections import namedtuple

from tophalf.compiled import compiled_lean
from tophalf.vocab import (
    FLAG_HARDIRQ,
    FLAG_LOST_BEFORE,
    FLAG_NEED_RESCHED,
    FLAG_NMI,
    FLAG_SOFTIRQ,
    IRQ_HANDLER_ENTRY,
    IRQ_HANDLER_EXIT,
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

# Columns of the event table, cpu as an index without gaps; by kind its role; by value of `name` the line whose thread
# has that comm.
Rows = namedtuple("Rows", "time_ns cpu kind pid flags a b name role irq_thread")

# What the walk finds out, by span in order of entry. wall_ns must come in as -1 (no exit seen), switches as 0.
Found = namedtuple("Found", "row parent_row wall_ns self_ns wait_ns queue_row switches")

# Room to work in, all zero: CPU_FIELDS int64 a CPU, FRAME_FIELDS a span; maps of (key, value) with a power of two of
# slots, at least twice as many as there are entries, wakeups and queued items; tally: TALLY_FIELDS.
Scratch = namedtuple("Scratch", "cpus frames parked wakers queued tally")

# What the walk does with an event. One event tells wakeups: sched_waking, or sched_wakeup where that was not recorded.
NO_ROLE, RAISE, ENTRY, EXIT, SWITCH, QUEUE, WAKING = range(7)
ROLES = (
    (SOFTIRQ_RAISE, RAISE), (SCHED_SWITCH, SWITCH), (WORKQUEUE_QUEUE_WORK, QUEUE),
    (SOFTIRQ_ENTRY, ENTRY), (SOFTIRQ_EXIT, EXIT), (IRQ_HANDLER_ENTRY, ENTRY), (IRQ_HANDLER_EXIT, EXIT),
    (TASKLET_ENTRY, ENTRY), (TASKLET_EXIT, EXIT), (VECTOR_ENTRY, ENTRY), (VECTOR_EXIT, EXIT),
    (WORKQUEUE_EXECUTE_START, ENTRY), (WORKQUEUE_EXECUTE_END, EXIT),
)  # fmt: skip

VECTORS = 10
# Fields of a CPU. Frames and spans are kept plus one, so that 0 is none.
TOP, TASK, LAST_NS, VIEW, TURN, RESCHED, HANDLED, HANDLED_IRQ, RAISED, RAISE_NS = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11
CPU_FIELDS = RAISE_NS + 3 * VECTORS
# Fields of an open frame. BELOW also links the frames that are free again.
BELOW, SPAN, ROW, KIND, KEY, START_NS, SELF_NS, WAIT_NS, QUEUE_ROW, FLAGS, FRAME_FIELDS = range(11)
# losses: how many times events were lost so far, the last such row; untraced: switches by interrupts not in the trace.
FRAMES_USED, FREE, LOSSES, LOST_ROW, UNTRACED, TALLY_FIELDS = range(6)

UNKNOWN, INSIDE, OUTSIDE = 0, 1, 2  # VIEW: where the CPU stands, as far as softirqs go
CAUSE_NONE, CAUSE_TASK, CAUSE_UNTRACED, CAUSE_SPAN = 0, 1, 2, 3  # CAUSE_SPAN + n: span n
STACK_STEPS_MAX = 16  # a real stack has at most six frames; only nonsense is deeper
RUNNING_MASK = 0xFF  # include/linux/sched.h: bits above are TASK_REPORT_MAX, "preempted"
KEY_BIT = 1 << 62
LOSS_SHIFT = 1 << 32  # a parked stack is losses * LOSS_SHIFT + top


@compiled_lean
def walk(rows, found, scratch):
    """Fill `found` from `rows`."""
    time_ns, cpu_of, kinds, pids, flags_of, a, b, name, roles, irq_thread = rows
    out_row, out_parent_row, out_wall_ns, out_self_ns, out_wait_ns, out_queue_row, out_switches = found
    cpus, frames, parked, wakers, queued, tally = scratch
    span = 0
    for row in range(len(kinds)):
        kind = kinds[row]
        flags = flags_of[row]
        at = cpu_of[row] * CPU_FIELDS
        if flags & FLAG_LOST_BEFORE:
            forget(cpus, at)
            tally[LOSSES] += 1
            tally[LOST_ROW] = row
        role = roles[kind]
        if role == NO_ROLE:
            continue
        if role == RAISE:
            note_raise(cpus, frames, at, flags, pids[row], a[row], time_ns[row])
            continue
        now_ns = time_ns[row]
        if role == ENTRY:
            settle(cpus, frames, parked, tally, at, pids[row], now_ns)
            frame = enter(cpus, frames, tally, at, kind, flags, a[row])
            frames[frame + SPAN] = span
            frames[frame + ROW] = row
            frames[frame + START_NS] = now_ns
            if kind == SOFTIRQ_ENTRY:
                frames[frame + WAIT_NS] = take_raise(cpus, at, a[row], now_ns)
            elif kind == WORKQUEUE_EXECUTE_START:
                queue_row = take_queued(queued, a[row])
                frames[frame + QUEUE_ROW] = queue_row
                if queue_row >= tally[LOST_ROW]:  # else its start may be among what was lost
                    frames[frame + WAIT_NS] = now_ns - time_ns[queue_row]
            span += 1
        elif role == EXIT:
            settle(cpus, frames, parked, tally, at, pids[row], now_ns)
            frame = leave(cpus, frames, tally, at, kind, flags, a[row])
            if frame >= 0:
                done = frames[frame + SPAN]
                below = cpus[at + TOP] - 1
                out_row[done] = frames[frame + ROW]
                out_parent_row[done] = frames[below + ROW] if below >= 0 else -1
                out_wall_ns[done] = now_ns - frames[frame + START_NS]
                out_self_ns[done] = frames[frame + SELF_NS]
                out_wait_ns[done] = frames[frame + WAIT_NS]
                out_queue_row[done] = frames[frame + QUEUE_ROW]
        elif role == SWITCH:
            settle(cpus, frames, parked, tally, at, pids[row], now_ns)
            cause = switch_cause(cpus, wakers, at, a[row], irq_thread[name[row]])
            if b[row] & RUNNING_MASK == 0 and cause == CAUSE_UNTRACED:
                tally[UNTRACED] += 1
            elif b[row] & RUNNING_MASK == 0 and cause >= CAUSE_SPAN:
                out_switches[cause - CAUSE_SPAN] += 1
            switch(cpus, frames, parked, tally, at, a[row])
        elif role == QUEUE:
            put(queued, a[row], row + 1)
        else:
            put(wakers, a[row], cause_of(cpus, frames, at, flags, pids[row], irq_thread[name[row]]))


@compiled_lean
def is_hard(kind):
    """Whether a span of this kind runs in hardirq context."""
    return kind == IRQ_HANDLER_ENTRY or kind == VECTOR_ENTRY


@compiled_lean
def forget(cpus, at):
    """Events were lost: nothing that was known of this CPU holds any more."""
    for field in range(RAISE_NS):
        cpus[at + field] = 0
    cpus[at + RESCHED] = CAUSE_UNTRACED


@compiled_lean
def settle(cpus, frames, parked, tally, at, pid, now_ns):
    """Charge the time since the last row to the top of this CPU's stack, and make sure the stack is the running task's."""
    task = pid + 1 if pid != 0 else -1 - at  # every CPU has its own idle task
    if cpus[at + TASK] != task:
        # A switch that was not recorded: nobody knows who ran, so nobody is charged.
        change_task(cpus, parked, tally, at, task)
    elif cpus[at + TOP]:
        frames[cpus[at + TOP] - 1 + SELF_NS] += now_ns - cpus[at + LAST_NS]
    cpus[at + LAST_NS] = now_ns


@compiled_lean
def change_task(cpus, parked, tally, at, task):
    """Park the stack of the task that leaves this CPU and show that of the one that comes."""
    if cpus[at + TOP]:
        put(parked, cpus[at + TASK], tally[LOSSES] * LOSS_SHIFT + cpus[at + TOP])
    cpus[at + TASK] = task
    slot = find(parked, task)
    stack = parked[slot + 1]
    cpus[at + TOP] = 0
    if stack:
        parked[slot + 1] = 0
        if stack >= tally[LOSSES] * LOSS_SHIFT:  # else events were lost since: what it did is not known
            cpus[at + TOP] = stack - tally[LOSSES] * LOSS_SHIFT


@compiled_lean
def enter(cpus, frames, tally, at, kind, flags, key):
    """Put a new frame on the stack. Returns where it lies."""
    if flags & FLAG_NEED_RESCHED and cpus[at + RESCHED] == CAUSE_NONE:
        cpus[at + RESCHED] = CAUSE_UNTRACED
    below = cpus[at + TOP]
    if below:
        below = below_softirq(frames, below) if kind == SOFTIRQ_ENTRY else below_other(frames, below, kind, flags)
    if tally[FREE]:
        frame = tally[FREE] - 1
        tally[FREE] = frames[frame + BELOW]
    else:
        frame = tally[FRAMES_USED]
        tally[FRAMES_USED] += FRAME_FIELDS
    frames[frame + BELOW] = below
    frames[frame + KIND] = kind
    frames[frame + KEY] = key
    frames[frame + FLAGS] = flags
    frames[frame + SELF_NS] = 0
    frames[frame + WAIT_NS] = -1
    frames[frame + QUEUE_ROW] = -1
    cpus[at + TOP] = frame + 1
    return frame


@compiled_lean
def leave(cpus, frames, tally, at, kind, flags, key):
    """Take the frame off the stack that this exit belongs to. Returns where it lies, -1 if there is none.

    What still lies above it has lost its exit and goes with it.
    """
    frame = cpus[at + TOP] - 1
    for _ in range(STACK_STEPS_MAX):
        if frame < 0 or (frames[frame + KEY] == key and frames[frame + KIND] + 1 == kind):
            break
        frame = frames[frame + BELOW] - 1
    if frame < 0 or frames[frame + KEY] != key or frames[frame + KIND] + 1 != kind:
        return -1
    if flags & FLAG_NEED_RESCHED and cpus[at + RESCHED] == CAUSE_NONE:
        is_work = kind == WORKQUEUE_EXECUTE_END
        cpus[at + RESCHED] = CAUSE_UNTRACED if is_work else CAUSE_SPAN + frames[frame + SPAN]
    if kind == IRQ_HANDLER_EXIT:
        cpus[at + HANDLED] = frames[frame + SPAN] + 1
        cpus[at + HANDLED_IRQ] = key
    cpus[at + TOP] = frames[frame + BELOW]
    frames[frame + BELOW] = tally[FREE]
    tally[FREE] = frame + 1
    return frame


@compiled_lean
def below_softirq(frames, top):
    """What a softirq vector rests on: nothing but a task's work item.

    Softirqs never nest and never run in a hardirq (kernel/softirq.c handle_softirqs): what else is there has lost its
    exit.
    """
    resting = frame = top
    for _ in range(STACK_STEPS_MAX):
        if frame == 0:
            break
        if frames[frame - 1 + KIND] != WORKQUEUE_EXECUTE_START:
            resting = frames[frame - 1 + BELOW]
        frame = frames[frame - 1 + BELOW]
    return resting


@compiled_lean
def below_other(frames, top, kind, flags):
    """What a handler, tasklet, vector or work item rests on, past frames that have lost their exits.

    Handlers run with interrupts off (kernel/irq/handle.c __handle_irq_event_percpu); a task runs one work item, and a
    softirq on top of it may run a BH work item.
    """
    for _ in range(STACK_STEPS_MAX):
        if top == 0:
            break
        under = frames[top - 1 + KIND]
        if is_hard(kind):
            stale = under == kind and not flags & FLAG_NMI
        elif kind == WORKQUEUE_EXECUTE_START and under == kind:
            stale = (flags ^ frames[top - 1 + FLAGS]) & FLAG_SOFTIRQ == 0
        else:
            stale = under != SOFTIRQ_ENTRY and (kind != TASKLET_ENTRY or under != WORKQUEUE_EXECUTE_START)
        if not stale:
            break
        top = frames[top - 1 + BELOW]
    return top


@compiled_lean
def switch(cpus, frames, parked, tally, at, next_pid):
    """sched_switch: the next task's stack is shown. None is switched away inside a handler: those have lost their exits."""
    top = cpus[at + TOP]
    for _ in range(STACK_STEPS_MAX):
        if top == 0 or not is_hard(frames[top - 1 + KIND]):
            break
        top = frames[top - 1 + BELOW]
    cpus[at + TOP] = top
    cpus[at + VIEW] = OUTSIDE
    cpus[at + RESCHED] = CAUSE_NONE
    change_task(cpus, parked, tally, at, next_pid + 1 if next_pid != 0 else -1 - at)


@compiled_lean
def switch_cause(cpus, wakers, at, next_pid, irq):
    """Who made this switch happen: what woke the next task, else the line whose thread it is, else where need_resched
    appeared. irq: the line whose thread comes, -1 for another task."""
    slot = find(wakers, next_pid)
    cause = wakers[slot + 1]
    if cause:
        wakers[slot + 1] = 0
    if irq >= 0 and cpus[at + HANDLED] and cpus[at + HANDLED_IRQ] == irq:
        if cause == CAUSE_NONE:
            cause = CAUSE_SPAN + cpus[at + HANDLED] - 1
        cpus[at + HANDLED] = 0
    return cause if cause != CAUSE_NONE else cpus[at + RESCHED]


@compiled_lean
def cause_of(cpus, frames, at, flags, pid, irq):
    """The context of a row, as a cause. irq: the line whose thread is being woken, -1 for another task.

    The kernel wakes an irq thread after the handler's exit (kernel/irq/handle.c __irq_wake_thread).
    """
    hard = flags & FLAG_HARDIRQ != 0
    if hard and irq >= 0 and cpus[at + HANDLED] and cpus[at + HANDLED_IRQ] == irq:
        return CAUSE_SPAN + cpus[at + HANDLED] - 1
    frame = cpus[at + TOP] - 1
    if frame >= 0 and cpus[at + TASK] == (pid + 1 if pid != 0 else -1 - at):
        kind = frames[frame + KIND]
        if is_hard(kind) or (not hard and kind != WORKQUEUE_EXECUTE_START):
            return CAUSE_SPAN + frames[frame + SPAN]
    return CAUSE_UNTRACED if hard or flags & FLAG_SOFTIRQ else CAUSE_TASK


@compiled_lean
def note_raise(cpus, frames, at, flags, pid, vector, now_ns):
    """Keep the first raise of a vector for the pass that it can belong to.

    A pass takes its snapshot of the pending bits and enters softirq context in one stretch with interrupts off
    (kernel/softirq.c handle_softirqs), so a raise in softirq context before the first entry belongs to the pass after.
    """
    if flags & FLAG_NEED_RESCHED and cpus[at + RESCHED] == CAUSE_NONE:
        cpus[at + RESCHED] = cause_of(cpus, frames, at, flags, pid, -1)
    after = 1
    if flags & FLAG_SOFTIRQ:
        if cpus[at + VIEW] == UNKNOWN:
            return
        if cpus[at + VIEW] == OUTSIDE:
            after = 2
    else:
        cpus[at + VIEW] = OUTSIDE
    if vector < 0 or vector >= VECTORS:
        return
    turn = (cpus[at + TURN] + after) % 3
    if not cpus[at + RAISED + turn] >> vector & 1:
        cpus[at + RAISED + turn] |= 1 << vector
        cpus[at + RAISE_NS + turn * VECTORS + vector] = now_ns


@compiled_lean
def take_raise(cpus, at, vector, now_ns):
    """Nanoseconds from the raise to this softirq entry, -1 when its raise was not seen."""
    if cpus[at + VIEW] == UNKNOWN or vector < 0 or vector >= VECTORS:
        return -1
    cpus[at + VIEW] = INSIDE
    turn = cpus[at + TURN]
    if not cpus[at + RAISED + turn] >> vector & 1:
        turn = next_pass(cpus, at)
        if not cpus[at + RAISED + turn] >> vector & 1:
            return -1
    cpus[at + RAISED + turn] ^= 1 << vector
    return now_ns - cpus[at + RAISE_NS + turn * VECTORS + vector]


@compiled_lean
def next_pass(cpus, at):
    """The pass that was running is over: what was raised meanwhile is the new one. Returns its set of raises (turn)."""
    old = cpus[at + TURN]
    new = (old + 1) % 3
    cpus[at + TURN] = new
    if cpus[at + RAISED + old]:
        # PREEMPT_RT keeps timers for a thread of their own: raised, but not in ksoftirqd's pass.
        for vector in range(VECTORS):
            if cpus[at + RAISED + old] >> vector & 1:
                cpus[at + RAISED + new] |= 1 << vector
                cpus[at + RAISE_NS + new * VECTORS + vector] = cpus[at + RAISE_NS + old * VECTORS + vector]
        cpus[at + RAISED + old] = 0
    return new


@compiled_lean
def take_queued(queued, work):
    """The row that queued this work item, -1 if it was not seen."""
    slot = find(queued, work)
    queue_row = queued[slot + 1] - 1
    if queue_row >= 0:
        queued[slot + 1] = 0
    return queue_row


@compiled_lean
def find(table, key):
    """Where a key's record lies, or the free one where it would go. Keys are stored with a bit flipped: 0 is free."""
    last = len(table) // 2 - 1
    stored = key ^ KEY_BIT
    slot = (key ^ key >> 6 ^ key >> 18) & last
    while table[2 * slot] != stored and table[2 * slot] != 0:
        slot = (slot + 1) & last
    return 2 * slot


@compiled_lean
def put(table, key, value):
    """Set a key's value. The table must stay at most half full."""
    slot = find(table, key)
    table[slot] = key ^ KEY_BIT
    table[slot + 1] = value
