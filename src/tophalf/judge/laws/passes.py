"""Laws of the passes of handle_softirqs(): what an entry needs, in which order vectors run, how often it starts again."""

import numpy as np

from tophalf import vocab
from tophalf.compiled import kernels
from tophalf.judge.laws import pass_kernels
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.pass_kernels import DISORDER, NO_RESTART, SKIPPED, TOO_MANY, UNRAISED, VECTORS
from tophalf.judge.laws.softirq import vector_name
from tophalf.vocab import SCHED_SWITCH, SCHED_WAKEUP, SCHED_WAKING, SOFTIRQ_ENTRY, SOFTIRQ_EXIT, SOFTIRQ_RAISE

_SERVE = "kernel/softirq.c handle_softirqs()"
# include/linux/sched.h: how ksoftirqd sleeps (kernel/smpboot.c smpboot_thread_fn()); a parked one cannot be woken.
_TASK_INTERRUPTIBLE = 1
_NO_PID = -7

RAISE = Law(
    name="softirq-raise",
    statement="A softirq is entered only after a raise that its pass can have seen: one raise serves one pass",
    source=_SERVE,
)
ORDER = Law(
    name="softirq-order",
    statement="A pass runs vectors lowest first; one that is not above the last begins a new pass and needs a new raise",
    source=_SERVE,
)
COMPLETE = Law(name="softirq-pass-complete", statement="A pass runs every vector that was pending when it began", source=_SERVE)
LIMIT = Law(
    name="softirq-pass-limit",
    statement="At most 10 passes follow one another while ksoftirqd sleeps; what is left then is ksoftirqd's, which is woken",
    source="kernel/softirq.c MAX_SOFTIRQ_RESTART",
)
RESCHED = Law(
    name="softirq-no-restart",
    statement="No pass follows another once need_resched is set, unless ksoftirqd was woken",
    source=_SERVE,
)

LAWS = (RAISE, ORDER, COMPLETE, LIMIT, RESCHED)
_BITS = {RAISE.name: UNRAISED, ORDER.name: DISORDER, COMPLETE.name: SKIPPED, LIMIT.name: TOO_MANY, RESCHED.name: NO_RESTART}
_ROLES = ((pass_kernels.RAISE, SOFTIRQ_RAISE), (pass_kernels.ENTRY, SOFTIRQ_ENTRY), (pass_kernels.EXIT, SOFTIRQ_EXIT))
_CPU_FIELDS = len(pass_kernels.Cpus._fields)


def judge(ground):
    """Verdicts of LAWS. On PREEMPT_RT, or where that is unknown, only the first is applied."""
    code, judged, skipped = np.zeros((3, ground.row_count), np.int64)
    rows = np.flatnonzero(ground.window(SOFTIRQ_RAISE, SOFTIRQ_ENTRY, SOFTIRQ_EXIT)) if ground.has_flags else np.zeros(0, int)
    if len(rows):
        code[rows], judged[rows], skipped[rows] = _walk(ground, rows)
    return [_verdict(law, ground.table, code, judged, skipped) for law in LAWS]


def _walk(ground, rows):
    """(code, judged, skipped), each int64[step]."""
    module, is_compiled = kernels(pass_kernels.__name__, len(rows))
    steps = [np.asarray(column, np.int64) for column in _steps(ground, rows)]
    found = [np.zeros(len(rows), np.int64) for _ in range(3)]
    state, walk = (_cpu_state, _walk_cpus) if ground.preempt_rt is False else (_task_state, _walk_tasks)
    state = state(ground, rows)
    if not is_compiled:
        steps, found, state = ([array.tolist() for array in arrays] for arrays in (steps, found, state))
    found = module.Found(*found)
    walk(module, module.Steps(*steps), state, found)
    return found


def _steps(ground, rows):
    kind = ground.kind[rows]
    role = np.zeros(len(rows), np.int64)
    for number, event in _ROLES:
        role[kind == event] = number
    vec = np.where(role > 0, ground.table.a[rows], 0)
    known = (vec >= 0) & (vec < VECTORS)
    resched = (ground.flags[rows] & vocab.FLAG_NEED_RESCHED) != 0
    return (
        np.where(known, role, 0), np.where(known, vec, 0), ground.in_softirq[rows], resched, ksoftirqd_states(ground)[rows],
        _kicked_idle(ground, resched, rows), ground.cpu[rows], _first_or_lost(ground, rows),
    )  # fmt: skip


def _kicked_idle(ground, resched, rows):
    """Mask of SCHED in the idle task with need_resched set, which is not judged without a raise.

    One idle CPU that polls is asked by another to balance: nohz_csd_func() (kernel/sched/core.c) raises SCHED on it. On a
    patched 6.18 kernel that was seen without the events softirq_raise and csd_function_entry, in 4 of 31 million events.
    """
    return (ground.table.pid[rows] == 0) & resched & (ground.table.a[rows] == vocab.SCHED)


def _first_or_lost(ground, rows):
    """Where knowledge of a CPU begins."""
    restart = ground.after_loss[rows].copy()
    restart[np.unique(ground.cpu[rows], return_index=True)[1]] = True
    return restart


def ksoftirqd_states(ground):
    """int8[row]: after this row ksoftirqd of its CPU sleeps (ASLEEP), or may run (AWAKE); 0: the row says nothing.

    Sleep is only believed where its end would be seen: while wakeups are traced, and those of this ksoftirqd were.
    """
    table, states = ground.table, np.zeros(ground.row_count, np.int8)
    wakes, switch = ground.is_kind(SCHED_WAKEUP, SCHED_WAKING), ground.is_kind(SCHED_SWITCH)
    own = _ksoftirqd_of_rows(ground, wakes)
    left = switch & (table.pid == own)
    sleeps = left & ((table.b & 0xFF) == _TASK_INTERRUPTIBLE)
    traced = ground.window((SCHED_WAKEUP, SCHED_WAKING), SCHED_SWITCH)
    states[sleeps] = pass_kernels.ASLEEP
    states[(wakes | switch) & (table.a == own) | left & ~sleeps | ~traced] = pass_kernels.AWAKE
    return states


def _ksoftirqd_of_rows(ground, wakes):
    """int64[row]: pid of the ksoftirqd of the row's CPU, NO_PID where its wakeups are not in the trace."""
    pids = np.full(len(ground.cpus), _NO_PID)
    for cpu, pid in ground.threads_of_cpus("ksoftirqd"):
        pids[ground.cpus == cpu] = pid
    woken = wakes & (ground.table.a == pids[ground.cpu])
    seen = np.zeros(len(ground.cpus), bool)
    seen[ground.cpu[woken]] = True
    return np.where(seen, pids, _NO_PID)[ground.cpu]


def _cpu_state(ground, rows):
    return [np.zeros(len(ground.cpus), np.int64) for _ in range(_CPU_FIELDS)]


def _walk_cpus(module, steps, state, found):
    module.walk_passes(steps, module.Cpus(*state), found)


def _task_state(ground, rows):
    """The slots of the steps, then the fields of pass_kernels.Tasks."""
    _, slots = np.unique(ground.cpu[rows] << 32 | ground.table.pid[rows].astype(np.int64), return_inverse=True)
    of_vectors, of_slots = len(ground.cpus) * VECTORS, int(slots.max()) + 1
    begun = np.full(len(ground.cpus), len(rows), np.int64)
    return [
        slots, np.ones(of_vectors, np.int64), np.zeros(of_vectors, np.int64), np.full(of_vectors, -1), np.full(of_slots, -1),
        np.full(of_slots, -1), np.full(of_slots, -1), begun,
    ]  # fmt: skip


def _walk_tasks(module, steps, state, found):
    module.walk_passes_of_tasks(steps, state[0], module.Tasks(*state[1:]), found)


def _verdict(law, table, code, judged, skipped):
    bit = _BITS[law.name]
    rows = np.flatnonzero(code & bit)

    def describe(at):
        return _words(law, table, int(rows[at]), int(skipped[rows[at]]))

    return verdict(law, table, np.count_nonzero(judged & bit), rows, describe)


def _words(law, table, row, skipped):
    event = vocab.EVENT_NAMES[table.kind[row]]
    vector = vector_name(int(table.a[row]))
    if law is COMPLETE:
        return f"{vector_name(skipped)} was pending when the pass began, and had not run when it was over at {event}"
    if law is LIMIT:
        return f"pass 11 began with {vector}, ksoftirqd slept and was not woken"
    if law is RESCHED:
        return f"a pass began with {vector} though need_resched was set after the last one and ksoftirqd was not woken"
    if law is ORDER:
        return f"entry of {vector} out of order: {_order_words(vector, skipped)}"
    return f"entry of {vector} without a raise of {vector} that this pass can have seen"


def _order_words(vector, skipped):
    return f"{vector_name(skipped)} was pending, is lower and had not run, or {vector} was not raised again since its pass began"
