"""Tasks that go to another CPU: irq threads that follow their line.

kernel/sched/core.c set_cpus_allowed_ptr of the running task. Left out: the stopper thread that carries a
running task over, the load balancer.
"""

from tophalf.model.fields import C_CURRENT, C_NEED_RESCHED, C_ONLINE, C_RESCHED_BY_IRQ, K_CPU
from tophalf.model.ground.jit import compiled
from tophalf.model.irq.managefields import CPU_DYING
from tophalf.model.sched.contexts import charge
from tophalf.model.sched.sched import balance_push, choose, switch
from tophalf.model.sched.wakeup import activate, preempts, resched


@compiled
def leave_for(m, cpu, target):
    """The running task goes on at another CPU."""
    charge(m, cpu)
    task = m[cpu + C_CURRENT]
    m[cpu + C_NEED_RESCHED] = 0
    m[cpu + C_RESCHED_BY_IRQ] = 0
    switch(m, cpu, task, choose(m, cpu, 0), 0, 0)
    m[task + K_CPU] = target
    activate(m, target, task)
    if preempts(m, target, task):
        resched(m, cpu, target, 0)
    if m[cpu + C_ONLINE] == CPU_DYING:
        balance_push(m, cpu)
