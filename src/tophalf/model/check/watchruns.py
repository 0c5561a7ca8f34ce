"""Tasklets and works that queue themselves for ever: each run comes from the one before, at once, and it never ends.

kernel/softirq.c and kernel/workqueue.c let them. Who runs notes it in its frame (R4), so that what is queued counts as queued by
itself only within its own run, in the functions that it calls, not in a handler that interrupts it. STREAK_MAX such runs in a row,
or a second of them, are reported: a budget that is used up and queued again does that only while it is never done. Work that is
queued with a delay is not meant.
"""

from tophalf.model.check.complain import complain, here
from tophalf.model.check.watchfields import CODE_RUN, FOR_EVER, RW_PC, RW_SELF, RW_SINCE, RW_STREAK
from tophalf.model.fields import C_CURRENT, F_KIND, F_PC, F_R4, FRAME_SIZE, G_NOW, K_STACK
from tophalf.model.ground.jit import compiled

STREAK_MAX, STREAK_NS = 10_000, 10**9


@compiled
def execute_run(m, cpu, frame, op, row, program):
    """A run begins, or what is queued next is said."""
    if op == CODE_RUN:
        run_begins(m, cpu, frame, row)
        m[frame + F_R4] = row
        m[frame + F_PC] = program
    elif runs_here(m, cpu, frame, row):
        m[row + RW_SELF] = 1
        m[row + RW_PC] = here(m, frame)


@compiled
def run_begins(m, cpu, frame, row):
    if m[row + RW_SELF] == 0:
        m[row + RW_STREAK] = 0
        m[row + RW_SINCE] = m[G_NOW]
        return
    m[row + RW_SELF] = 0
    m[row + RW_STREAK] += 1
    if m[row + RW_STREAK] == STREAK_MAX or m[row + RW_STREAK] > 1 and m[G_NOW] - m[row + RW_SINCE] >= STREAK_NS:
        complain(m, cpu, FOR_EVER, m[row + RW_PC], m[row + RW_STREAK], m[G_NOW] - m[row + RW_SINCE])
        m[row + RW_STREAK] = 0
        m[row + RW_SINCE] = m[G_NOW]


@compiled
def runs_here(m, cpu, frame, row):
    """Whether the run of that row is on this stack, with nothing but calls above it."""
    kind, bottom = m[frame + F_KIND], m[cpu + C_CURRENT] + K_STACK
    while frame >= bottom and m[frame + F_KIND] == kind:
        if m[frame + F_R4] == row:
            return True
        frame -= FRAME_SIZE
    return False
