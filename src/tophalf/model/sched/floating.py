"""Where a task wakes that may run on any CPU: kernel/sched/fair.c wake_affine_idle, select_idle_sibling, as far as they go here.

Its own CPU if that is idle, else the one that an interrupt wakes it from if that is, else the next idle one, else its own. All
CPUs share a cache. Left out: loads (wake_affine_weight, the limit of the search), sync wakeups, recent_used_cpu, idle cores;
balancing of those that run. FIFO tasks stay where they are.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_IDLE,
    C_NEED_RESCHED,
    C_NUMBER,
    C_ONLINE,
    C_RUNNABLE,
    CPU_SIZE,
    FIFO,
    G_CPU_COUNT,
    G_CPUS,
    K_CPU,
    K_DELAYED,
    K_POLICY,
    K_STATE,
    RUNNING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.managefields import CPU_ACTIVE


@compiled
def choose_cpu(m, cpu, task):
    """Where a task wakes that `cpu` wakes."""
    home = m[task + K_CPU]
    if m[task + K_STATE] == RUNNING or m[task + K_DELAYED] or m[task + K_POLICY] == FIFO:
        return home
    return idle_cpu_for(m, cpu, home)


@compiled
def idle_cpu_for(m, cpu, home):
    if is_available(m, home):
        return home
    if is_available(m, cpu):
        return cpu
    for step in range(1, m[G_CPU_COUNT]):
        other = m[G_CPUS] + (m[home + C_NUMBER] + step) % m[G_CPU_COUNT] * CPU_SIZE
        if is_available(m, other):
            return other
    return home


@compiled
def is_available(m, cpu):
    """available_idle_cpu, of one that is active."""
    if m[cpu + C_ONLINE] != CPU_ACTIVE or m[cpu + C_NEED_RESCHED]:
        return False
    return m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[cpu + C_RUNNABLE] == 0
