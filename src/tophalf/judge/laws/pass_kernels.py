"""Which raise an entry of a softirq can belong to: the passes of handle_softirqs() on each CPU, as far as a trace shows them.

A pass begins with a snapshot of the pending bits, which leaves no event. It lies between the last event that was surely
before it and the first entry of the pass. A raise in that gap may belong to this pass or to the next. So two sets are kept:
what may be pending (a superset, for "an entry needs a raise") and what must be (a subset, for "what is pending is run").
Sets are bit masks by vector. Source: kernel/softirq.c handle_softirqs(), include/linux/preempt.h in_serving_softirq().
Called by: passes.py.
"""

from collections import namedtuple

from tophalf.compiled import compiled, compiled_lean

RAISE, ENTRY, EXIT = 1, 2, 3
ASLEEP, AWAKE = 1, 2
UNRAISED, DISORDER, SKIPPED, TOO_MANY, NO_RESTART = 1, 2, 4, 8, 16  # bits of Found.code; Found.judged has the same
VECTORS = 10
ALL_VECTORS = (1 << VECTORS) - 1
PASSES_MAX = 10  # kernel/softirq.c MAX_SOFTIRQ_RESTART, decremented before it is tested

# States of a CPU: no event since knowledge began; outside softirq context; inside, between or in passes.
FRESH, OUTSIDE, INSIDE = 0, 1, 2

# By step: role; vector; softirq context; need_resched; what it says of ksoftirqd (ASLEEP, AWAKE, 0); whether a missing
# raise is excused; cpu; events lost before.
Steps = namedtuple("Steps", "role vec in_softirq resched ksoftirqd excused cpu restart")

# By CPU. may, must: pending when this pass began, may without what has run; sure: whether `may` is from raises alone; ran:
# by this pass. next_*: pending at the next snapshot. late_*: raised where that snapshot may have been taken already. last:
# vector that ran last; running: whether one runs. asleep: ksoftirqd; passes: without a break; resched: at the last exit.
# unclear: a vector ran that this pass or already the next may have had; unclear_may: all raised since that pass may have
# begun; unclear_must: those of them that were surely not before it.
Cpus = namedtuple(
    "Cpus",
    "state may sure must ran next_may next_must late_may late_must last running asleep passes resched "
    "unclear unclear_may unclear_must",
)

# By step: violations as bits, laws that were applied as bits, and the vector that was skipped.
Found = namedtuple("Found", "code judged skipped")


@compiled
def walk_passes(steps, cpus, found):
    """Walk the steps of all CPUs of a kernel that is not PREEMPT_RT."""
    for step in range(len(steps.role)):
        cpu = steps.cpu[step]
        if steps.restart[step]:
            forget(cpus, cpu)
        if not steps.in_softirq[step]:
            leave_softirq(cpus, found, step, cpu)
        role = steps.role[step]
        if role == RAISE:
            note_raise(cpus, cpu, 1 << steps.vec[step], steps.in_softirq[step])
        elif role == ENTRY:
            judge_entry(cpus, found, step, cpu, steps.vec[step], steps.excused[step])
        elif role == EXIT:
            note_exit(cpus, cpu, steps.resched[step])
        if steps.ksoftirqd[step]:
            cpus.asleep[cpu] = 1 if steps.ksoftirqd[step] == ASLEEP else 0
            cpus.passes[cpu] = 0


@compiled_lean
def forget(cpus, cpu):
    """Nothing is known any more: everything may be pending."""
    cpus.state[cpu] = FRESH
    cpus.may[cpu] = ALL_VECTORS
    cpus.next_may[cpu] = ALL_VECTORS
    cpus.sure[cpu] = 0
    cpus.must[cpu] = 0
    cpus.ran[cpu] = 0
    cpus.next_must[cpu] = 0
    cpus.late_may[cpu] = 0
    cpus.late_must[cpu] = 0
    cpus.last[cpu] = -1
    cpus.running[cpu] = 0
    cpus.asleep[cpu] = 0
    cpus.passes[cpu] = 0
    cpus.resched[cpu] = 0
    clear(cpus, cpu)


@compiled_lean
def clear(cpus, cpu):
    cpus.unclear[cpu] = 0
    cpus.unclear_may[cpu] = 0
    cpus.unclear_must[cpu] = 0


@compiled_lean
def leave_softirq(cpus, found, step, cpu):
    """This event is outside softirq context: the pass before it is over, and the next snapshot is still to come."""
    if cpus.state[cpu] == INSIDE:
        judge_whole_pass(cpus, found, step, cpu)
    cpus.state[cpu] = OUTSIDE
    cpus.must[cpu] = 0
    cpus.next_may[cpu] |= cpus.late_may[cpu]
    cpus.next_must[cpu] |= cpus.late_must[cpu] | cpus.unclear_must[cpu]
    clear(cpus, cpu)
    cpus.late_may[cpu] = 0
    cpus.late_must[cpu] = 0
    cpus.running[cpu] = 0
    cpus.passes[cpu] = 0
    cpus.resched[cpu] = 0


@compiled_lean
def judge_whole_pass(cpus, found, step, cpu):
    """What was pending when a pass began has run when it is over."""
    if cpus.must[cpu] == 0:
        return
    found.judged[step] |= SKIPPED
    left = cpus.must[cpu] & ~cpus.ran[cpu]
    if left:
        found.code[step] |= SKIPPED
        found.skipped[step] = lowest(left)


@compiled_lean
def lowest(mask):
    vec = 0
    while not (mask >> vec) & 1:
        vec += 1
    return vec


@compiled_lean
def note_raise(cpus, cpu, bit, in_softirq):
    cpus.unclear_may[cpu] |= bit
    if cpus.running[cpu] and cpus.unclear[cpu]:
        cpus.next_may[cpu] |= bit
        cpus.unclear_must[cpu] |= bit
    elif not in_softirq or cpus.running[cpu]:
        cpus.next_may[cpu] |= bit
        cpus.next_must[cpu] |= bit
    elif cpus.state[cpu] == OUTSIDE:
        # In softirq context before the first entry: the snapshot of the first pass has been taken.
        cpus.late_may[cpu] |= bit
        cpus.late_must[cpu] |= bit
    else:
        # Between two vectors, or between two passes: before the snapshot of the next pass or after it.
        cpus.next_may[cpu] |= bit
        cpus.late_may[cpu] |= bit


@compiled_lean
def note_exit(cpus, cpu, resched):
    if cpus.state[cpu] == FRESH:
        # A pass that begins from here on is seen whole.
        cpus.state[cpu] = INSIDE
    cpus.running[cpu] = 0
    cpus.resched[cpu] = resched
    cpus.late_may[cpu] = 0
    cpus.late_must[cpu] = 0


@compiled_lean
def judge_entry(cpus, found, step, cpu, vec, excused):
    bit = 1 << vec
    fits = cpus.state[cpu] != OUTSIDE and vec > cpus.last[cpu] and cpus.may[cpu] & bit
    if fits:
        continue_pass(cpus, found, step, cpu, vec)
    else:
        begin_pass(cpus, found, step, cpu, vec, excused)
    cpus.may[cpu] &= ~bit
    cpus.ran[cpu] |= bit
    cpus.last[cpu] = vec
    cpus.running[cpu] = 1
    overtaken = cpus.must[cpu] & ~cpus.ran[cpu] & (bit - 1)
    if cpus.must[cpu]:
        found.judged[step] |= DISORDER
    if overtaken:
        found.code[step] |= DISORDER
        found.skipped[step] = lowest(overtaken)
        cpus.must[cpu] &= ~overtaken


@compiled_lean
def continue_pass(cpus, found, step, cpu, vec):
    bit = 1 << vec
    if cpus.sure[cpu]:
        found.judged[step] |= UNRAISED
    if cpus.must[cpu] & bit:
        # Still this pass, and so was everything before.
        cpus.next_must[cpu] |= cpus.unclear_must[cpu]
        clear(cpus, cpu)
        return
    if not cpus.next_may[cpu] & bit:
        return
    # Perhaps this is the next pass already: then it has taken this vector out of what is pending.
    cpus.next_must[cpu] &= ~bit
    cpus.unclear_must[cpu] &= ~bit
    if not cpus.unclear[cpu]:
        cpus.unclear[cpu] = 1
        cpus.unclear_may[cpu] = cpus.late_may[cpu]


@compiled_lean
def begin_pass(cpus, found, step, cpu, vec, excused):
    bit = 1 << vec
    known = cpus.state[cpu] != FRESH
    descends = cpus.state[cpu] == INSIDE and vec <= cpus.last[cpu]
    judged = DISORDER if descends else UNRAISED
    raised = cpus.next_may[cpu] & bit
    if known and cpus.next_may[cpu] != ALL_VECTORS and (raised or not excused):
        found.judged[step] |= judged
        if not raised:
            found.code[step] |= judged
    if cpus.state[cpu] == INSIDE:
        judge_whole_pass(cpus, found, step, cpu)
    judge_restart(cpus, found, step, cpu, descends)
    cpus.may[cpu] = cpus.next_may[cpu]
    cpus.sure[cpu] = 1 if known and cpus.may[cpu] != ALL_VECTORS else 0
    cpus.ran[cpu] = 0
    cpus.must[cpu] = cpus.next_must[cpu]
    cpus.next_must[cpu] = cpus.late_must[cpu]
    if not known:
        cpus.next_may[cpu] = ALL_VECTORS
    elif cpus.unclear[cpu] and not descends:
        # This pass may have begun before the last exit already, with the first vector that was unclear.
        cpus.next_may[cpu] = cpus.unclear_may[cpu]
    else:
        cpus.must[cpu] |= cpus.unclear_must[cpu]
        cpus.next_may[cpu] = cpus.late_may[cpu]
    clear(cpus, cpu)
    cpus.late_may[cpu] = 0
    cpus.late_must[cpu] = 0
    if known:
        cpus.state[cpu] = INSIDE


@compiled_lean
def judge_restart(cpus, found, step, cpu, descends):
    """While ksoftirqd sleeps on, all passes without a break are one handle_softirqs(): a second one would need a raise
    outside softirq context, or what the first left to ksoftirqd by waking it."""
    cpus.passes[cpu] += 1
    if not cpus.asleep[cpu] or cpus.state[cpu] != INSIDE or cpus.passes[cpu] < 2:
        return
    found.judged[step] |= TOO_MANY | NO_RESTART
    if cpus.passes[cpu] > PASSES_MAX:
        found.code[step] |= TOO_MANY
    # Where it is unclear when this pass began, it may have been before need_resched was set.
    if cpus.resched[cpu] and (descends or not cpus.unclear[cpu]):
        found.code[step] |= NO_RESTART


# By vector of a CPU: whether it may be pending, whether that is known from raises, the step of the last raise. By slot (a
# task on a CPU): the last step surely before the snapshot of its pass, its last exit, the vector it ran last. By CPU: the
# step where knowledge began.
Tasks = namedtuple("Tasks", "pending sure raised floor exited last began")


@compiled
def walk_passes_of_tasks(steps, slots, tasks, found):
    """Walk the steps of a PREEMPT_RT kernel: any task may serve softirqs, and timers wait for ktimers in a mask of their own.
    Only that an entry needs a raise is judged; holds for kernels without PREEMPT_RT too."""
    for step in range(len(steps.role)):
        cpu = steps.cpu[step]
        slot = slots[step]
        if steps.restart[step]:
            tasks.began[cpu] = step
            for at in range(cpu * VECTORS, cpu * VECTORS + VECTORS):
                tasks.pending[at] = 1
                tasks.sure[at] = 0
        if not steps.in_softirq[step]:
            tasks.floor[slot] = step
            tasks.last[slot] = -1
        at = cpu * VECTORS + steps.vec[step]
        if steps.role[step] == RAISE:
            tasks.pending[at] = 1
            tasks.raised[at] = step
        elif steps.role[step] == ENTRY:
            judge_entry_of_task(steps, slot, tasks, found, step)
        elif steps.role[step] == EXIT:
            tasks.exited[slot] = step


@compiled_lean
def judge_entry_of_task(steps, slot, tasks, found, step):
    vec = steps.vec[step]
    at = steps.cpu[step] * VECTORS + vec
    if tasks.sure[at]:
        found.judged[step] |= UNRAISED
        if not tasks.pending[at]:
            found.code[step] |= UNRAISED
    if vec <= tasks.last[slot]:
        # A descent is a new pass: its snapshot was taken after the last exit.
        tasks.floor[slot] = tasks.exited[slot]
    tasks.last[slot] = vec
    floor = tasks.floor[slot]
    if floor > tasks.began[steps.cpu[step]]:
        tasks.sure[at] = 1
        tasks.pending[at] = 1 if tasks.raised[at] > floor else 0
