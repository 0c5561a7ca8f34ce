"""NAPI of drivers that people write: their poll runs in the model's NET_RX. net/core/dev.c.

napi_schedule_prep, napi_complete_done, napi_enable, napi_disable, and what __napi_poll says of a poll that returns too much, or its
whole budget after it was complete. Left out: threads and tasks that busy poll such an instance, GRO, deferral.
"""

from tophalf.model.check.complain import complain, here
from tophalf.model.check.crash import NAPI_IS_ENABLED, crash
from tophalf.model.check.devicewords import NAPI_BEYOND_BUDGET, NAPI_BUDGET_WHEN_COMPLETE, NAPI_NOT_SCHEDULED
from tophalf.model.code.codefields import N_LET_GO
from tophalf.model.code.deviceops import (
    CODE_NAPI_BEGINS,
    CODE_NAPI_COMPLETE,
    CODE_NAPI_DISABLE,
    CODE_NAPI_ENABLE,
    CODE_NAPI_ENDS,
    CODE_NAPI_SCHEDULE,
)
from tophalf.model.fields import F_R0, F_R1, N_STATE, N_WEIGHT, NAPI_DISABLE, NAPI_LET_GO, NAPI_SCHED
from tophalf.model.ground.jit import compiled
from tophalf.model.net.napi import napi_complete_done, napi_schedule
from tophalf.model.sched.contexts import pop


@compiled
def execute_driver_napi(m, cpu, frame, local, op, x, y, z):
    """One instruction; `deviceops` says what x, y and z are."""
    if op == CODE_NAPI_SCHEDULE:
        m[local + x] = schedule(m, cpu, y)
    elif op == CODE_NAPI_COMPLETE:
        m[local + x] = complete_done(m, cpu, frame, y, m[local + z])
    elif op == CODE_NAPI_ENABLE:
        enable(m, cpu, x)
    elif op == CODE_NAPI_DISABLE:
        m[local + x] = disable(m, y)
    elif op == CODE_NAPI_BEGINS:
        m[frame + F_R1] = m[x + N_LET_GO]
    elif op == CODE_NAPI_ENDS:
        poll_ends(m, cpu, frame, x)


@compiled
def schedule(m, cpu, napi):
    """napi_schedule: whether it was not scheduled before; not while it is being disabled."""
    if m[napi + N_STATE] & NAPI_DISABLE:
        return 0
    was_scheduled = m[napi + N_STATE] & NAPI_SCHED
    napi_schedule(m, cpu, napi)
    return int(was_scheduled == 0)


@compiled
def complete_done(m, cpu, frame, napi, work):
    """napi_complete_done: False where it is polled again, because it was scheduled meanwhile."""
    if not m[napi + N_STATE] & NAPI_SCHED:
        complain(m, cpu, NAPI_NOT_SCHEDULED, here(m, frame), 0, 0)
    m[napi + N_LET_GO] += 1
    return int(napi_complete_done(m, cpu, napi, work))


@compiled
def enable(m, cpu, napi):
    """napi_enable: BUG_ON for one that is not disabled."""
    if m[napi + N_STATE] & NAPI_SCHED:
        m[napi + N_STATE] &= ~NAPI_SCHED
    else:
        crash(m, cpu, NAPI_IS_ENABLED)


@compiled
def disable(m, napi):
    """One look of napi_disable: whether it is disabled now; else it asks again after usleep_range(20, 200)."""
    if m[napi + N_STATE] & NAPI_SCHED:
        m[napi + N_STATE] |= NAPI_DISABLE
        return 0
    m[napi + N_STATE] = m[napi + N_STATE] & ~NAPI_DISABLE | NAPI_SCHED
    return 1


@compiled
def poll_ends(m, cpu, frame, napi):
    """What the driver's poll has returned goes on to NET_RX; R1: how often the instance was let go when it began."""
    work, weight = m[frame + F_R0], m[napi + N_WEIGHT]
    if work < 0 or work > weight:
        complain(m, cpu, NAPI_BEYOND_BUDGET, here(m, frame), work, weight)
    if work >= weight and m[frame + F_R1] != m[napi + N_LET_GO]:
        complain(m, cpu, NAPI_BUDGET_WHEN_COMPLETE, here(m, frame), work, 0)
        m[napi + N_STATE] |= NAPI_LET_GO
    m[pop(m, cpu) + F_R0] = max(work, 0)
