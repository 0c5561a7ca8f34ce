"""Softirqs: raised on this CPU, run in passes after an interrupt, when bottom halves come on again, or in ksoftirqd.

kernel/softirq.c. The frame of a run holds: R1 what is left of this pass, R2 restarts left, R3 the jiffy at which it ends, R4 the
vector that runs, R5 interrupts as they were; F_ARG what else preempt_count is less by afterwards. On PREEMPT_RT only ksoftirqd
and tasks that let bottom halves on run softirqs, one of them at a time (`bhlock`). Left out: ktimers/N, which came with 6.13.
"""

from tophalf import vocab
from tophalf.model.cpu.park import kthread_parkme, kthread_should_park
from tophalf.model.fields import (
    C_BH_OWNER,
    C_CURRENT,
    C_IRQS_OFF,
    C_KSOFTIRQD,
    C_MANAGE,
    C_NEED_RESCHED,
    C_PENDING,
    C_PREEMPT_COUNT,
    C_SOFTIRQS,
    COST_SIZE,
    COST_SOFTIRQ_ENTRY,
    F_ARG,
    F_CLASS,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    FRAME_SIZE,
    G_ACTIONS,
    G_COSTS,
    G_KERNEL,
    G_SOFTIRQ_JIFFIES,
    G_SOFTIRQ_PROGRAM,
    IN_SOFTIRQ,
    K_STATE,
    KSOFTIRQD,
    RUNNING,
    SLEEPING,
    SOFTIRQ,
    SOFTIRQ_DISABLE_OFFSET,
    SOFTIRQ_MASK,
    SOFTIRQ_OFFSET,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.trace import emit
from tophalf.model.irq.managefields import P_CPUHP, PARK_KSOFTIRQD
from tophalf.model.ops import (
    OP_KSOFTIRQD,
    OP_RAISE,
    OP_SOFTIRQ_AGAIN,
    OP_SOFTIRQ_BEGIN,
    OP_SOFTIRQ_DONE,
    OP_SOFTIRQ_PASS,
    OP_SOFTIRQ_VECTOR,
    STRIDE,
)
from tophalf.model.sched.contexts import call, charge, follow, in_interrupt, push
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.sched import forced_threads, schedule
from tophalf.model.sched.tick import jiffies
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.bhlock import bh_disable, is_rt, release

SOFTIRQ_NOW_MASK = 1 << vocab.HI | 1 << vocab.TASKLET  # 6.1 only: what does not wait for ksoftirqd


@compiled
def raise_softirq(m, cpu, vector):
    """raise_softirq_irqoff: mark it on this CPU; outside of interrupts ksoftirqd will have to run it."""
    mark_softirq(m, cpu, vector)
    if not in_interrupt(m, cpu) and should_wake_ksoftirqd(m, cpu):
        wake_ksoftirqd(m, cpu)


@compiled
def should_wake_ksoftirqd(m, cpu):
    """On PREEMPT_RT a task with bottom halves off will see to it when it lets them on."""
    return not is_rt(m) or m[cpu + C_BH_OWNER] == 0


@compiled
def mark_softirq(m, cpu, vector):
    """__raise_softirq_irqoff; interrupts are off for it, whatever they were (raise_softirq)."""
    irqs_off = m[cpu + C_IRQS_OFF]
    m[cpu + C_IRQS_OFF] = 1
    emit(m, cpu, vocab.SOFTIRQ_RAISE, vector, 0, 0, -1)
    m[cpu + C_IRQS_OFF] = irqs_off
    m[cpu + C_PENDING] |= 1 << vector


@compiled
def wake_ksoftirqd(m, cpu):
    wake(m, cpu, m[cpu + C_KSOFTIRQD])


@inlined
def ksoftirqd_has_it(m, cpu):
    """Up to 6.1 (ksoftirqd_running): while ksoftirqd can run, others leave softirqs to it, except tasklets."""
    if m[G_KERNEL] > KERNEL_6_1 or m[cpu + C_PENDING] & SOFTIRQ_NOW_MASK or is_rt(m):
        return False
    return m[m[cpu + C_KSOFTIRQD] + K_STATE] == RUNNING


@inlined
def invoke_softirq(m, cpu):
    """At the end of the outermost interrupt, interrupts still off."""
    if ksoftirqd_has_it(m, cpu):
        return
    if not forced_threads(m):
        start_softirq(m, cpu, 1, 0)
    elif should_wake_ksoftirqd(m, cpu):
        wake_ksoftirqd(m, cpu)


@compiled
def start_softirq(m, cpu, irqs_off, preempt_offset):
    """Enter handle_softirqs. irqs_off: what interrupts are left at afterwards; preempt_offset: what preempt_count is less by."""
    charge(m, cpu)
    # irqtime_account_irq: on top of ksoftirqd it is that task's time, also where an interrupt began it
    time_class = KSOFTIRQD if m[cpu + C_CURRENT] == m[cpu + C_KSOFTIRQD] else SOFTIRQ
    frame = push(m, cpu, m[G_SOFTIRQ_PROGRAM], time_class, IN_SOFTIRQ, preempt_offset)
    m[frame + F_R5] = irqs_off
    m[frame + F_LEFT] = cost(m, m[G_COSTS] + COST_SOFTIRQ_ENTRY * COST_SIZE)


@compiled
def local_bh_disable(m, cpu, frame):
    """Returns False where the task has to wait first (PREEMPT_RT); `frame` does its instruction again then."""
    return bh_disable(m, cpu, frame, SOFTIRQ_DISABLE_OFFSET)


@compiled
def local_bh_enable(m, cpu):
    """__local_bh_enable_ip: what was raised meanwhile runs here, in the caller, who cannot be preempted until it is done."""
    if is_rt(m):
        local_bh_enable_rt(m, cpu)
        return
    m[cpu + C_PREEMPT_COUNT] -= SOFTIRQ_DISABLE_OFFSET
    if m[cpu + C_PENDING] and not in_interrupt(m, cpu) and not ksoftirqd_has_it(m, cpu):
        irqs_off = m[cpu + C_IRQS_OFF]
        m[cpu + C_IRQS_OFF] = 1
        m[cpu + C_PREEMPT_COUNT] += 1
        start_softirq(m, cpu, irqs_off, 1)


@compiled
def local_bh_enable_rt(m, cpu):
    """The same on PREEMPT_RT: a caller that cannot be preempted leaves it to ksoftirqd. The lock is let go after the softirqs."""
    count = m[cpu + C_PREEMPT_COUNT] - SOFTIRQ_DISABLE_OFFSET
    m[cpu + C_PREEMPT_COUNT] = count
    if count & SOFTIRQ_MASK:
        return
    if m[cpu + C_PENDING] and count == 0 and m[cpu + C_IRQS_OFF] == 0:
        m[cpu + C_IRQS_OFF] = 1
        start_softirq(m, cpu, 0, 0)
        return
    if m[cpu + C_PENDING]:
        wake_ksoftirqd(m, cpu)
    release(m, cpu)


@inlined
def execute_softirq(m, cpu, frame, op, x):
    """Instructions of handle_softirqs and ksoftirqd; x: where to go on."""
    if op == OP_SOFTIRQ_BEGIN:
        m[cpu + C_PREEMPT_COUNT] += SOFTIRQ_OFFSET
        m[cpu + C_IRQS_OFF] = 1
        m[frame + F_R2] = vocab.SOFTIRQ_RESTART_MAX
        m[frame + F_R3] = jiffies(m) + m[G_SOFTIRQ_JIFFIES]
        op, x = follow(m, frame)
    elif op == OP_SOFTIRQ_DONE:
        emit(m, cpu, vocab.SOFTIRQ_EXIT, m[frame + F_R4], 0, 0, -1)
        m[frame + F_PC] = x
        op, x = follow(m, frame)
    if op == OP_SOFTIRQ_PASS:
        m[frame + F_R1] = m[cpu + C_PENDING]
        m[cpu + C_PENDING] = 0
        m[cpu + C_IRQS_OFF] = 0
        return
    if op == OP_SOFTIRQ_VECTOR:
        if next_vector(m, cpu, frame):
            return
        m[frame + F_PC] = x
        op, x = follow(m, frame)
    if op == OP_SOFTIRQ_AGAIN:
        pass_is_over(m, cpu, frame, x)
    elif op == OP_KSOFTIRQD:
        run_ksoftirqd(m, cpu, frame)
    elif op == OP_RAISE:
        raise_softirq(m, cpu, x)


@inlined
def next_vector(m, cpu, frame):
    """Run the lowest vector of this pass. Returns whether there is one left."""
    left = m[frame + F_R1]
    if left == 0:
        return False
    vector = 0
    while not left >> vector & 1:
        vector += 1
    m[frame + F_R1] = left & left - 1
    m[frame + F_R4] = vector
    m[cpu + C_SOFTIRQS + vector] += 1
    emit(m, cpu, vocab.SOFTIRQ_ENTRY, vector, 0, 0, -1)
    call(m, cpu, m[m[G_ACTIONS] + vector], 0)
    return True


@inlined
def pass_is_over(m, cpu, frame, x):
    """The end of handle_softirqs: another pass (at x), or ksoftirqd has to go on."""
    m[cpu + C_IRQS_OFF] = 1
    if m[cpu + C_PENDING]:
        m[frame + F_R2] -= 1
        if jiffies(m) < m[frame + F_R3] and not m[cpu + C_NEED_RESCHED] and m[frame + F_R2]:
            m[frame + F_PC] = x
            return
        wake_ksoftirqd(m, cpu)
    m[cpu + C_PREEMPT_COUNT] -= SOFTIRQ_OFFSET + m[frame + F_ARG]
    m[frame + F_CLASS] = m[frame - FRAME_SIZE + F_CLASS]  # who is preempted from here on is no softirq any more
    if is_rt(m):
        release(m, cpu)
    m[cpu + C_IRQS_OFF] = m[frame + F_R5]


@compiled
def run_ksoftirqd(m, cpu, frame):
    """One round of ksoftirqd/N (run_ksoftirqd): run what is pending, else sleep (kernel/smpboot.c smpboot_thread_fn)."""
    if kthread_should_park(m, cpu, PARK_KSOFTIRQD):
        kthread_parkme(m, cpu, frame, m[m[cpu + C_MANAGE] + P_CPUHP])
        return
    if is_rt(m):
        if m[cpu + C_PENDING] and not bh_disable(m, cpu, frame, 0):
            return
        if m[cpu + C_PENDING] == 0:
            release(m, cpu)
    if m[cpu + C_PENDING]:
        m[cpu + C_IRQS_OFF] = 1
        start_softirq(m, cpu, 0, 0)
    else:
        m[frame + F_PC] -= STRIDE
        m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
        schedule(m, cpu, 0)
