"""Work of drivers on a CPU, or after a delay, that only the running driver knows; and tasklet_disable's wait.

kernel/workqueue.c queue_work_on, __queue_delayed_work: a delay below 0 is one that is over, at the next tick; kernel/softirq.c
tasklet_unlock_wait. All else of works and tasklets is their rooms' own instructions.
"""

from tophalf.model.check.crash import NO_CPU, crash
from tophalf.model.code.waitops import CODE_QUEUE_DELAYED, CODE_QUEUE_WORK_ON, CODE_TASKLET_UNLOCK_WAIT
from tophalf.model.fields import F_R0, G_CPU_COUNT, TASKLET_RUNNING
from tophalf.model.ground.jit import compiled
from tophalf.model.softirq.tasklet import waits_for
from tophalf.model.work.workflush import mod_delayed_work
from tophalf.model.work.workops import DELAY_UNIT
from tophalf.model.work.workqueue import cpu_of, queue_delayed_work, queue_work

DELAY_MAX = 1 << 44  # jiffies, far beyond what the timer wheel keeps apart


@compiled
def execute_deferral(m, cpu, frame, op, x, y, number):
    """x: a work, or a tasklet; y: a workqueue; number: the CPU's, or the delay."""
    if op == CODE_QUEUE_WORK_ON:
        if number < 0 or number >= m[G_CPU_COUNT]:
            crash(m, cpu, NO_CPU)
        else:
            m[frame + F_R0] = queue_work(m, cpu, cpu_of(m, number + 1), y, x)
    elif op == CODE_TASKLET_UNLOCK_WAIT:
        waits_for(m, cpu, frame, x, TASKLET_RUNNING)
    else:
        delay = min(max(number, -DELAY_MAX), DELAY_MAX) * DELAY_UNIT
        if op == CODE_QUEUE_DELAYED:
            m[frame + F_R0] = queue_delayed_work(m, cpu, y, x, delay)
        else:
            m[frame + F_R0] = mod_delayed_work(m, cpu, y, x, delay)
