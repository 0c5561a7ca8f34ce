"""Threaded NAPI: an instance is polled by a task of its own, napi/DEVICE-ID, instead of NET_RX.

net/core/dev.c napi_thread_wait, napi_threaded_poll_loop. No budget and no time limit: the thread polls until less than the weight
is there, bottom halves off in each poll, and can be switched out between polls. Its lowest frame holds the instance (F_ARG) and
whether to poll on (R1). Left out: switching between threads and softirqs while packets come, threads for the backlog of RPS,
quiescent states of RCU; a thread stays on its CPU (the load balancer and the choice of a CPU at a wakeup are left out).
"""

from tophalf.model.contexts import call
from tophalf.model.driverops import THREAD_POLL, THREAD_POLLED, THREAD_WAIT
from tophalf.model.fields import (
    C_CURRENT,
    F_ARG,
    F_PC,
    F_R0,
    F_R1,
    K_STATE,
    N_POLL,
    N_STATE,
    N_WEIGHT,
    NAPI_SCHED_THREADED,
    SLEEPING,
)
from tophalf.model.jit import compiled
from tophalf.model.napi import count_poll, polls_again
from tophalf.model.ops import STRIDE
from tophalf.model.sched import schedule


@compiled
def execute_napi_thread(m, cpu, frame, step):
    """A step of napi/DEVICE-ID."""
    napi = m[frame + F_ARG]
    if step == THREAD_WAIT:
        if not m[napi + N_STATE] & NAPI_SCHED_THREADED:
            m[frame + F_PC] -= STRIDE
            m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
            schedule(m, cpu, 0)
    elif step == THREAD_POLL:
        call(m, cpu, m[napi + N_POLL], napi)
    elif step == THREAD_POLLED:
        work, weight = m[frame + F_R0], m[napi + N_WEIGHT]
        count_poll(m, cpu, napi, work, weight)
        m[frame + F_R1] = 1 if work >= weight and polls_again(m, cpu, napi, work) else 0
