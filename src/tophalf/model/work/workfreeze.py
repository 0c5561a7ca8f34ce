"""Suspend as far as workqueues and lines go: freezable workqueues may have no active item, lines are disabled, and back.

kernel/workqueue.c freeze_workqueues_begin, freeze_workqueues_busy, thaw_workqueues, wq_adjust_max_active,
wq_update_node_max_active; kernel/irq/pm.c suspend_device_irqs, resume_device_irqs. Left out: tasks of users, which are frozen
first; devices' own suspend functions; lines that wake the machine up (IRQD_WAKEUP_STATE) or stay on (IRQF_NO_SUSPEND); CPUs that
are taken offline; the clock that stands still meanwhile.
"""

from tophalf.model.fields import CHIP_LOCAL, D_ACTIONS, D_CHIP, F_R0, G_MANAGE, G_WORK
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.irqdisable import disable_irq_nosync
from tophalf.model.irq.irqstartup import enable_irq
from tophalf.model.irq.managefields import M_LINE_COUNT, M_LINES
from tophalf.model.work.workfields import (
    NNA_MAX,
    W_FREEZING,
    W_WQ_COUNT,
    W_WQS,
    WQ_FLAGS,
    WQ_FREEZABLE,
    WQ_MAX,
    WQ_MIN,
    WQ_NODE_COUNT,
    WQ_NODE_CPUS,
    WQ_NODE_NR_ACTIVE,
    WQ_PWQ_COUNT,
    WQ_PWQS,
    WQ_SAVED_MAX,
    WQ_SAVED_MIN,
    Y_NR_ACTIVE,
    Y_POOL,
)
from tophalf.model.work.workops import FREEZE_BEGIN, FREEZE_BUSY, RESUME_IRQS, SUSPEND_IRQS, THAW
from tophalf.model.work.workpools import lock, unlock
from tophalf.model.work.workqueue import kick, pwq_activate_first_inactive


@compiled
def execute_suspend(m, cpu, frame, step):
    """One step of suspend or resume."""
    if step == FREEZE_BUSY:
        m[frame + F_R0] = freeze_workqueues_busy(m)
    elif step == FREEZE_BEGIN or step == THAW:
        if m[G_WORK]:
            m[m[G_WORK] + W_FREEZING] = step == FREEZE_BEGIN
            for at in range(m[m[G_WORK] + W_WQ_COUNT]):
                wq_adjust_max_active(m, cpu, m[m[m[G_WORK] + W_WQS] + at])
    elif step == SUSPEND_IRQS or step == RESUME_IRQS:
        device_irqs(m, cpu, step == SUSPEND_IRQS)


@compiled
def device_irqs(m, cpu, suspend):
    """Every line that has a handler, but those of the CPUs themselves."""
    manage = m[G_MANAGE]
    for at in range(m[manage + M_LINE_COUNT]):
        desc = m[m[manage + M_LINES] + at]
        if m[desc + D_CHIP] == CHIP_LOCAL or m[desc + D_ACTIONS] == 0:
            continue
        if suspend:
            disable_irq_nosync(m, desc)
        else:
            enable_irq(m, cpu, desc)


@compiled
def freeze_workqueues_busy(m):
    """Whether an item of a freezable workqueue is active still. Nothing is stopped, one waits until they are done."""
    if m[G_WORK] == 0:
        return False
    for at in range(m[m[G_WORK] + W_WQ_COUNT]):
        wq = m[m[m[G_WORK] + W_WQS] + at]
        for which in range(m[wq + WQ_PWQ_COUNT]):
            if m[wq + WQ_FLAGS] & WQ_FREEZABLE and m[m[m[wq + WQ_PWQS] + which] + Y_NR_ACTIVE]:
                return True
    return False


@compiled
def wq_adjust_max_active(m, cpu, wq):
    """None may be active while freezable workqueues freeze; afterwards those that waited become active, pwq by pwq in turn."""
    frozen = m[wq + WQ_FLAGS] & WQ_FREEZABLE and m[m[G_WORK] + W_FREEZING]
    new_max, new_min = (0, 0) if frozen else (m[wq + WQ_SAVED_MAX], m[wq + WQ_SAVED_MIN])
    if m[wq + WQ_MAX] == new_max and m[wq + WQ_MIN] == new_min:
        return
    m[wq + WQ_MAX] = new_max
    m[wq + WQ_MIN] = new_min
    update_node_max_active(m, wq, new_max, new_min)
    activated = new_max > 0
    while activated:
        activated = False
        for at in range(m[wq + WQ_PWQ_COUNT]):
            pwq, irqs_off = m[m[wq + WQ_PWQS] + at], lock(m, cpu)
            if pwq_activate_first_inactive(m, cpu, pwq, True):
                activated = True
                kick(m, cpu, m[pwq + Y_POOL])
            unlock(m, cpu, irqs_off)


@compiled
def update_node_max_active(m, wq, most, least):
    """An unbound workqueue's limit by node: its share of the CPUs, min_active at least. The last is for pools of no node."""
    nodes, count, total = m[wq + WQ_NODE_NR_ACTIVE], m[wq + WQ_NODE_COUNT], 0
    if nodes == 0:
        return
    for node in range(count):
        total += m[m[wq + WQ_NODE_CPUS] + node]
    for node in range(count):
        share = -(-most * m[m[wq + WQ_NODE_CPUS] + node] // total)
        m[m[nodes + node] + NNA_MAX] = max(least, min(share, most))
    m[m[nodes + count] + NNA_MAX] = most
