"""Functions that one CPU asks another to call, in an interrupt there. kernel/smp.c.

smp_call_function_single_async: the request waits in a list of the other CPU, which is sent an interrupt when that was empty; there
all that wait are called in their order, interrupts off. Left out: waiting for the end of a call, calls of many CPUs at a
time, CPUs in idle that look themselves (TIF_POLLING_NRFLAG), an interrupt of its own for calls of several CPUs (0xFC).
"""

from tophalf.model.cpu.ipi import CALL_FUNCTION_SINGLE_VECTOR, send_ipi
from tophalf.model.fields import C_CALLS, C_CALLS_TAIL, C_ONLINE, CSD_ARG, CSD_NEXT, CSD_PROGRAM, CSD_QUEUED, F_PC, F_R1, F_R2
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.lists import append
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call


@compiled
def call_on(m, cpu, csd):
    """Ask a CPU to call the program of `csd`. Returns whether it will: not twice (EBUSY), not on a CPU that is offline."""
    if m[csd + CSD_QUEUED] or not m[cpu + C_ONLINE]:
        return False
    m[csd + CSD_QUEUED] = 1
    first = m[cpu + C_CALLS] == 0
    append(m, cpu + C_CALLS, cpu + C_CALLS_TAIL, csd, CSD_NEXT)
    if first:
        send_ipi(m, cpu, CALL_FUNCTION_SINGLE_VECTOR)
    return True


@compiled
def call_functions(m, cpu, frame):
    """The handler of that vector: one call an instruction. R1: what is left of the list that was taken (R2) as a whole."""
    if m[frame + F_R2] == 0:
        m[frame + F_R2] = 1
        m[frame + F_R1] = m[cpu + C_CALLS]
        m[cpu + C_CALLS] = 0
    csd = m[frame + F_R1]
    if csd:
        m[frame + F_PC] -= STRIDE
        m[frame + F_R1] = m[csd + CSD_NEXT]
        m[csd + CSD_QUEUED] = 0
        call(m, cpu, m[csd + CSD_PROGRAM], m[csd + CSD_ARG])
