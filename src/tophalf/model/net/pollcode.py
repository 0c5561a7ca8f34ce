"""Polls outside of softirqs as programs: threads of NAPI, and tasks that busy poll. net/core/dev.c."""

from tophalf.model import ops
from tophalf.model.fields import F_R1
from tophalf.model.net import driverops as d


def napi_thread(code, costs):
    """napi_threaded_poll."""
    code.label("napi_thread")
    code(d.OP_NAPI_THREAD, d.THREAD_WAIT)
    code.label("napi_threaded_poll_loop")
    code(ops.OP_BH_OFF)
    code(d.OP_NAPI_THREAD, d.THREAD_POLL)
    code(d.OP_NAPI_THREAD, d.THREAD_POLLED)
    code(ops.OP_BH_ON)
    code(ops.OP_JUMP_ZERO, F_R1, "napi_thread")
    code(ops.OP_COND_RESCHED)
    code(ops.OP_JUMP, "napi_threaded_poll_loop")


def busy_loop(code, costs):
    """__napi_busy_loop: called with a reader as its argument; returns with data, or when its time is up."""
    code.label("napi_busy_loop")
    code(d.OP_BUSY_POLL, d.BUSY_START)
    code.label("busy_restart")
    code(d.OP_BUSY_POLL, d.BUSY_ENTER)
    code.label("busy_loop")
    code(ops.OP_BH_OFF)
    code(d.OP_BUSY_POLL, d.BUSY_TRY, "busy_count")
    code(d.OP_BUSY_POLL, d.BUSY_POLLED)
    code(d.OP_BUSY_POLL, d.BUSY_NORMAL_LIST)
    code.label("busy_count")
    code(ops.OP_BH_ON)
    code(d.OP_BUSY_POLL, d.BUSY_ENDS, "busy_end")
    code(d.OP_BUSY_POLL, d.BUSY_YIELDS, "busy_yield")
    code(d.OP_BUSY_POLL, d.BUSY_RELAX)
    code(ops.OP_JUMP, "busy_loop")
    code.label("busy_yield")
    _stop(code, "busy_yields")
    code(ops.OP_COND_RESCHED)
    code(d.OP_BUSY_POLL, d.BUSY_ENDS, "busy_return")
    code(ops.OP_JUMP, "busy_restart")
    code.label("busy_end")
    _stop(code, "busy_left")
    code.label("busy_return")
    code(ops.OP_RET)


def _stop(code, label):
    """busy_poll_stop, if the instance is owned; preempt_enable."""
    code(d.OP_BUSY_POLL, d.BUSY_LET_GO, label)
    code(ops.OP_BH_OFF)
    code(d.OP_BUSY_POLL, d.BUSY_STOP)
    code(d.OP_BUSY_POLL, d.BUSY_STOPPED)
    code(d.OP_BUSY_POLL, d.BUSY_FLUSH)
    code(d.OP_BUSY_POLL, d.BUSY_HAND_OVER)
    code(ops.OP_BH_ON)
    code.label(label)
    code(d.OP_BUSY_POLL, d.BUSY_LEAVE)


def busy_poll_routine(code, poll_cost, tx):
    """A driver's poll as a task that busy polls calls it. R5: the budget. tx: its send queue, or 0."""
    code(ops.OP_SPEND, poll_cost)
    if tx:
        code(d.OP_TX_CLEAN, tx)
    code(d.OP_BUSY_RX)
    code(d.OP_BUSY_FLUSH)
    code(d.OP_BUSY_COMPLETE)
    code(ops.OP_RET_REG, F_R1)


def read_routine(code, loop, reader):
    """A system call that waits for data: it polls for it while there is none. loop: address of "napi_busy_loop"."""
    code(d.OP_READER_HAS, reader, "has_data")
    code(ops.OP_CALL, loop, reader)
    code.label("has_data")
    code(ops.OP_RET)


def net_tx(code, costs):
    """net_tx_action."""
    code.label("net_tx")
    code(d.OP_NET_TX)
    code(ops.OP_RET)


ROUTINES = (napi_thread, busy_loop, net_tx)
