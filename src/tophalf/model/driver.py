"""Instructions from ops.DRIVER_FROM on: to the module that knows them."""

from tophalf.model.busypoll import busy_flush, busy_rx, execute_busy_poll, reader_has, reader_takes
from tophalf.model.driverops import (
    OP_BUSY_COMPLETE,
    OP_BUSY_FLUSH,
    OP_BUSY_POLL,
    OP_BUSY_RX,
    OP_DIM_APPLY,
    OP_DRIVER_COMPLETE,
    OP_DRIVER_EVENT,
    OP_NAPI_THREAD,
    OP_READER_HAS,
    OP_READER_TAKE,
)
from tophalf.model.fields import F_ARG, F_R5, N_WEIGHT
from tophalf.model.jit import compiled
from tophalf.model.moderation import dim_apply, driver_complete, driver_event
from tophalf.model.napithread import execute_napi_thread


@compiled
def execute_driver(m, cpu, frame, op, x, y):
    """x, y: operands of the instruction."""
    if op == OP_NAPI_THREAD:
        execute_napi_thread(m, cpu, frame, x)
    elif op == OP_BUSY_POLL:
        execute_busy_poll(m, cpu, frame, x, y)
    elif op == OP_BUSY_RX:
        busy_rx(m, cpu, frame)
    elif op == OP_BUSY_FLUSH:
        busy_flush(m, cpu, frame)
    elif op == OP_BUSY_COMPLETE:
        driver_complete(m, cpu, frame, m[frame + F_R5])
    elif op == OP_READER_HAS:
        reader_has(m, frame, x, y)
    elif op == OP_READER_TAKE:
        reader_takes(m, frame, x)
    elif op == OP_DRIVER_EVENT:
        driver_event(m, x)
    elif op == OP_DRIVER_COMPLETE:
        driver_complete(m, cpu, frame, m[m[frame + F_ARG] + N_WEIGHT])
    elif op == OP_DIM_APPLY:
        dim_apply(m, x)
