"""Threaded NAPI: an instance is polled by a task of its own, napi/DEVICE-ID, instead of NET_RX.

net/core/dev.c napi_thread_wait, napi_threaded_poll_loop. No budget and no time limit: the thread polls until less than the weight
is there, bottom halves off in each poll, and can be switched out between polls. Its lowest frame holds the instance (F_ARG) and
whether to poll on (R1). It wakes on any CPU (`floating`) unless it was given one. Left out: switching between threads and softirqs
while packets come, threads for the backlog of RPS, quiescent states of RCU.
"""

from tophalf.model.fields import (
    C_CURRENT,
    C_STACK,
    F_ARG,
    F_PC,
    F_R0,
    F_R1,
    G_KERNEL,
    K_STATE,
    N_POLL,
    N_STACK,
    N_STATE,
    N_WEIGHT,
    NAPI_SCHED_THREADED,
    SLEEPING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.net.driverops import THREAD_POLL, THREAD_POLLED, THREAD_WAIT
from tophalf.model.net.napi import count_poll, flush_full_poll, polls_again
from tophalf.model.net.rpsipi import has_rps_ipi_waiting, send_rps_ipis
from tophalf.model.net.stackfields import SD_IN_THREADED_POLL
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.sched import schedule


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
        in_threaded_poll(m, cpu, 1)
        call(m, cpu, m[napi + N_POLL], napi)
    elif step == THREAD_POLLED:
        thread_polled(m, cpu, frame, napi)


@compiled
def in_threaded_poll(m, cpu, flag):
    """sd->in_napi_threaded_poll (6.12): packets for other CPUs' backlogs raise no softirq here; the thread tells those CPUs."""
    if m[cpu + C_STACK]:
        m[m[cpu + C_STACK] + SD_IN_THREADED_POLL] = flag


@compiled
def thread_polled(m, cpu, frame, napi):
    """The end of __napi_poll. With -work where GRO was flushed after a full poll."""
    work, weight = m[frame + F_R0], m[napi + N_WEIGHT]
    if work >= 0:
        count_poll(m, cpu, napi, work, weight)
        if m[napi + N_STACK] and flush_full_poll(m, cpu, frame, napi, work):
            return
    work = abs(work)
    m[frame + F_R1] = 1 if work >= weight and polls_again(m, cpu, napi, work) else 0
    in_threaded_poll(m, cpu, 0)
    if has_rps_ipi_waiting(m, cpu) and m[G_KERNEL] > KERNEL_6_1:
        send_rps_ipis(m, cpu)
