"""Contexts of a CPU as frames on the running task's stack, and whose time passes.

A hardirq, a softirq pass or a call is a frame above the one it interrupted, as on the kernel's stack. A CPU in the middle of
something that takes time is parked: its timer stands at the end of that.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_FRAME,
    C_IRQS_OFF,
    C_PARKED,
    C_PLAN,
    C_PREEMPT_COUNT,
    C_SINCE,
    C_TIMER,
    C_TIMES,
    F_ARG,
    F_CLASS,
    F_KIND,
    F_LEFT,
    F_PC,
    F_R0,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    FRAME_SIZE,
    FRAMES_MAX,
    G_ERROR,
    G_ERROR_AT,
    G_LIMIT,
    G_NOW,
    G_READY,
    HARDIRQ_MASK,
    K_RUNTIME,
    K_STACK,
    KSOFTIRQD,
    NMI_MASK,
    SOFTIRQ_MASK,
    T_SLOT,
    T_TIME,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.queue import arm, cancel
from tophalf.model.net.nicplan import take_back
from tophalf.model.ops import STRIDE

STACK_FULL, NO_INSTRUCTION, TIME_STANDS_STILL, NO_PACKETS = 1, 2, 3, 4  # G_ERROR


@compiled
def push(m, cpu, pc, time_class, kind, arg):
    """Enter a context or a call. Returns its frame."""
    frame, left_ns = m[cpu + C_FRAME] + FRAME_SIZE, 0
    if frame > m[cpu + C_CURRENT] + K_STACK + (FRAMES_MAX - 1) * FRAME_SIZE:
        fail(m, cpu, STACK_FULL)
        frame -= FRAME_SIZE
        left_ns = 1  # the run stops where time would pass: before anything goes on in a frame that is two at once
    m[cpu + C_FRAME] = frame
    m[frame + F_PC] = pc
    m[frame + F_CLASS] = time_class
    m[frame + F_KIND] = kind
    m[frame + F_ARG] = arg
    m[frame + F_LEFT] = left_ns
    m[frame + F_R0] = 0
    m[frame + F_R1] = 0
    m[frame + F_R2] = 0
    m[frame + F_R3] = 0
    m[frame + F_R4] = 0
    m[frame + F_R5] = 0
    return frame


@compiled
def call(m, cpu, pc, arg):
    """Enter a call: the context stays what it is."""
    frame = m[cpu + C_FRAME]
    return push(m, cpu, pc, m[frame + F_CLASS], m[frame + F_KIND], arg)


@inlined
def follow(m, frame):
    """Go on to the next instruction at once, where nothing can come between: (op, x). The way of every poll is shorter by it."""
    pc = m[frame + F_PC]
    m[frame + F_PC] = pc + STRIDE
    return m[pc], m[pc + 1]


@inlined
def pop(m, cpu):
    """Leave a context or a call. Returns the frame below."""
    m[cpu + C_FRAME] -= FRAME_SIZE
    return m[cpu + C_FRAME]


@compiled
def fail(m, cpu, error):
    """Stop the run with an error that the door turns into words."""
    m[G_ERROR] = error
    m[G_ERROR_AT] = cpu
    m[G_LIMIT] = m[G_NOW]


@compiled
def charge(m, cpu):
    """Give the time since the last charge to the running context, and to its task what it ran itself."""
    elapsed = m[G_NOW] - m[cpu + C_SINCE]
    if elapsed == 0:
        return
    m[cpu + C_SINCE] = m[G_NOW]
    time_class = m[m[cpu + C_FRAME] + F_CLASS]
    m[cpu + C_TIMES + time_class] += elapsed
    if time_class >= KSOFTIRQD:
        m[m[cpu + C_CURRENT] + K_RUNTIME] += elapsed


@compiled
def suspend(m, cpu):
    """Interrupt what a parked CPU does: it keeps what is left of it."""
    timer = cpu + C_TIMER
    if m[timer + T_SLOT]:
        m[m[cpu + C_FRAME] + F_LEFT] = m[timer + T_TIME] - m[G_NOW]
        cancel(m, timer)
    if m[cpu + C_PLAN]:
        take_back(m, cpu)
    charge(m, cpu)
    m[cpu + C_PARKED] = 0


@compiled
def disturb(m, cpu):
    """Something arrived for a CPU: it looks at it now, if it is parked and listens."""
    if m[cpu + C_PARKED] and m[cpu + C_IRQS_OFF] == 0:
        suspend(m, cpu)
        if m[G_READY]:
            arm(m, cpu + C_TIMER, m[G_NOW])
        else:
            m[G_READY] = cpu  # goes on after this event, without a way through the queue


@compiled
def in_interrupt(m, cpu):
    """include/linux/preempt.h in_interrupt(): true with bottom halves off, too."""
    return m[cpu + C_PREEMPT_COUNT] & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK)
