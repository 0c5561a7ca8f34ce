"""What drivers that people write register while they run: lines' handlers, masks, kthreads.

Each call has its object from before the run, so it can be in use once at a time: what asks again before it is free ends the run.
kernel/irq/manage.c (`setupirq`), irq_set_affinity, irq_set_affinity_and_hint; kernel/kthread.c kthread_run. Left out: kthreadd,
which makes a thread; a thread that starts again has its old pid.
"""

from tophalf.model.check.crash import REGISTERED_TWICE, crash
from tophalf.model.code.registerops import (
    CODE_AFFINITY_HINT,
    CODE_FREE_IRQ,
    CODE_KTHREAD_START,
    CODE_REQUEST_IRQ,
    CODE_SET_AFFINITY,
    CODE_STOP_IRQ_THREAD,
)
from tophalf.model.code.waitfields import B_EXITED, B_RESULT, B_STOP, CP_DONE
from tophalf.model.fields import (
    A_FLAGS,
    A_SECONDARY,
    D_MANAGE,
    DEAD,
    F_PC,
    G_MANAGE,
    IRQF_SHARED,
    K_CPU,
    K_FRAME,
    K_STATE,
    K_WAITER,
    RUNNING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.irqaffinity import irq_set_affinity
from tophalf.model.irq.managefields import I_HINT, M_MASK_WORDS, MASK_BITS
from tophalf.model.irq.setupirq import is_on_line, remove_action, setup_irq, stop_irq_thread
from tophalf.model.sched.wakeup import start_task

WORD_BITS = 64  # of the number that a driver gives


@compiled
def execute_register(m, cpu, frame, local, op, x, y, z):
    """One instruction; `registerops` says what x, y and z are."""
    if op == CODE_REQUEST_IRQ:
        if m[z + A_FLAGS] & IRQF_SHARED and is_on_line(m, y, z):
            crash(m, cpu, REGISTERED_TWICE)
        else:
            m[local + x] = setup_irq(m, cpu, y, z)
    elif op == CODE_FREE_IRQ:
        m[local + x] = remove_action(m, cpu, y, z)
    elif op == CODE_STOP_IRQ_THREAD:
        action = m[local + x]
        stop_irq_thread(m, cpu, frame, m[action + A_SECONDARY] if y else action)
    elif op == CODE_SET_AFFINITY:
        write_mask(m, z, m[local + x])
        m[local + x] = irq_set_affinity(m, cpu, y, z)
    elif op == CODE_AFFINITY_HINT:
        m[local + x] = set_hint(m, cpu, y, z, m[local + x])
    elif op == CODE_KTHREAD_START:
        kthread_start(m, cpu, x, y)


@compiled
def write_mask(m, mask, bits):
    """A number's bits as CPUs of a mask."""
    for word in range(m[m[G_MANAGE] + M_MASK_WORDS]):
        shift = word * MASK_BITS
        m[mask + word] = bits >> shift & (1 << MASK_BITS) - 1 if shift < WORD_BITS else 0


@compiled
def set_hint(m, cpu, desc, mask, bits):
    """The hint is for irqbalance to read; the line is sent there, too, whatever becomes of that."""
    m[m[desc + D_MANAGE] + I_HINT] = mask if bits else 0
    if bits:
        write_mask(m, mask, bits)
        irq_set_affinity(m, cpu, desc, mask)
    return 0


@compiled
def kthread_start(m, cpu, task, program):
    """On this CPU."""
    if m[task + K_STATE] != DEAD:
        crash(m, cpu, REGISTERED_TWICE)
        return
    block = m[task + K_WAITER]
    m[block + B_STOP] = 0
    m[block + B_RESULT] = 0
    m[block + B_EXITED + CP_DONE] = 0
    m[m[task + K_FRAME] + F_PC] = program
    m[task + K_STATE] = RUNNING
    m[task + K_CPU] = cpu
    start_task(m, cpu, task)
