"""Tasklets and works that queue themselves, or each other, for ever: each run comes from the one before, and it never ends.

kernel/softirq.c and kernel/workqueue.c let them. Who runs notes it in its frame (R4), so that what is queued counts as queued by
that run only within it, in the functions that it calls, not in a handler that interrupts it; it goes on with the run's streak. An
interrupt that queues it begins a new one. STREAK_MAX such runs in a row, or a second of them, are reported. Work that is queued
with a delay is not meant, nor runs that make progress: a streak begins anew where the device was let go of, read from or consumed
from since the run before, by anything but handlers. Left out: progress in what only the driver knows, as a queue of its own; runs
that queue each other for different devices.
"""

from tophalf.model.check.complain import complain, here
from tophalf.model.check.watchfields import (
    CODE_RUN,
    FOR_EVER,
    RW_DONE,
    RW_NEXT,
    RW_NEXT_DONE,
    RW_NEXT_SINCE,
    RW_PC,
    RW_REGISTERS,
    RW_SINCE,
    RW_STREAK,
)
from tophalf.model.check.watchlines import progress
from tophalf.model.code.codefields import R_ANSWERED
from tophalf.model.fields import C_CURRENT, F_KIND, F_PC, F_R4, FRAME_SIZE, G_NOW, K_STACK
from tophalf.model.ground.jit import compiled

STREAK_MAX, STREAK_NS = 10_000, 10**9


@compiled
def execute_run(m, cpu, frame, op, row, program):
    """A run begins, or what is queued next is said."""
    if op == CODE_RUN:
        run_begins(m, cpu, frame, row)
        m[frame + F_R4] = -row  # what others keep there is never negative
        m[frame + F_PC] = program
        return
    runs = run_here(m, cpu, frame)
    if runs and m[runs + RW_REGISTERS] == m[row + RW_REGISTERS]:
        m[row + RW_NEXT] = m[runs + RW_STREAK] + 1
        m[row + RW_NEXT_SINCE] = m[runs + RW_SINCE]
        m[row + RW_NEXT_DONE] = m[runs + RW_DONE]
        m[row + RW_PC] = here(m, frame)


@compiled
def run_begins(m, cpu, frame, row):
    if m[row + RW_REGISTERS]:
        m[row + RW_DONE] = progress(m, m[row + RW_REGISTERS]) - m[m[row + RW_REGISTERS] + R_ANSWERED]
    m[row + RW_STREAK] = m[row + RW_NEXT]
    m[row + RW_NEXT] = 0
    if m[row + RW_STREAK] == 0 or m[row + RW_NEXT_DONE] != m[row + RW_DONE]:
        begin_streak(m, row)
        return
    m[row + RW_SINCE] = m[row + RW_NEXT_SINCE]
    if m[row + RW_STREAK] == STREAK_MAX or m[row + RW_STREAK] > 1 and m[G_NOW] - m[row + RW_SINCE] >= STREAK_NS:
        complain(m, cpu, FOR_EVER, m[row + RW_PC], m[row + RW_STREAK], m[G_NOW] - m[row + RW_SINCE])
        begin_streak(m, row)


@compiled
def begin_streak(m, row):
    m[row + RW_STREAK] = 0
    m[row + RW_SINCE] = m[G_NOW]


@compiled
def run_here(m, cpu, frame):
    """The row of the run that is on this stack, with nothing but calls above it; 0 for none."""
    kind, bottom = m[frame + F_KIND], m[cpu + C_CURRENT] + K_STACK
    while frame >= bottom and m[frame + F_KIND] == kind:
        if m[frame + F_R4] < 0:
            return -m[frame + F_R4]
        frame -= FRAME_SIZE
    return 0
