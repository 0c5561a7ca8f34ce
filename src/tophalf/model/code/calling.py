"""Tasks that enter functions of drivers, as system calls: when, how often, how long until they are back.

Latencies are from entering the kernel to being back in user mode, whatever came between. Who paces is late where a call took longer
than a period, and then calls at once. What returned less than 0 has failed.
"""

from tophalf.model.code.callfields import CL_BEGUN, CL_DONE, CL_FAILED, CL_HISTOGRAM, CL_LATENCY_MAX, CL_LATENCY_SUM
from tophalf.model.code.waitops import CODE_CALL_BEGIN, CODE_CALL_NEXT
from tophalf.model.fields import C_CURRENT, CELL_BITS, F_PC, F_R0, G_NOW, K_CPU, K_STATE, K_TIMER, Q_NEXT, SLEEPING
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.latencycells import shift_of
from tophalf.model.net.nicring import go_to_next
from tophalf.model.ops import STRIDE
from tophalf.model.sched.sched import schedule
from tophalf.model.sched.tick import start_timer


@compiled
def execute_call(m, cpu, frame, op, x, y):
    if op == CODE_CALL_NEXT:
        pace(m, cpu, frame, x)
    elif op == CODE_CALL_BEGIN:
        m[y] = m[G_NOW]
        m[x + CL_BEGUN] += 1
    else:
        count(m, x, m[G_NOW] - m[y])
        if m[frame + F_R0] < 0:
            m[x + CL_FAILED] += 1


@compiled
def pace(m, cpu, frame, source):
    """Sleep until the next call is due."""
    next_ns = m[source + Q_NEXT]
    if next_ns <= m[G_NOW]:
        go_to_next(m, source)
        return
    task = m[cpu + C_CURRENT]
    m[frame + F_PC] -= STRIDE
    start_timer(m, task + K_TIMER, m[task + K_CPU], next_ns)
    m[task + K_STATE] = SLEEPING
    schedule(m, cpu, 0)


@compiled
def count(m, call, latency_ns):
    shift = shift_of(latency_ns)
    m[m[call + CL_HISTOGRAM] + (shift << CELL_BITS) + min(latency_ns >> shift, (2 << CELL_BITS) - 1)] += 1
    m[call + CL_DONE] += 1
    m[call + CL_LATENCY_SUM] += latency_ns
    m[call + CL_LATENCY_MAX] = max(m[call + CL_LATENCY_MAX], latency_ns)
